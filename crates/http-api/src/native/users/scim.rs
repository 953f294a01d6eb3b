//! SCIM 2.0 (RFC 7643, RFC 7644) as far as directories need it to find, link and shut
//! out users: `PatchOp` bodies and two filters.
//!
//! Names are read without regard to case, and truth values as texts too, since Entra
//! ID sends `"False"`.

use serde_json::{Map, Value};
use understudy_domain::{
    Fault,
    usecases::users::{UpdateUser, UserName},
};

use crate::{fields::Fields, problem::Problem};

/// The media types of a change to a user.
pub(super) const MEDIA_TYPES: &[&str] =
    &["application/merge-patch+json", "application/json", "application/scim+json"];

/// What a filter must be.
pub(super) const FILTERS: &str = "`externalId eq \"…\"` or `userName eq \"…\"`";

const PATCH_OP: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:user:";

/// What a directory says of a user.
#[derive(Clone, Copy)]
enum Attribute {
    Active,
    UserName,
    Name,
    ExternalId,
}

/// The one user that a filter names.
pub(super) fn filter(text: &str) -> Option<UserName> {
    let (name, rest) = text.trim().split_once(' ')?;
    let (operator, value) = rest.trim_start().split_once(' ')?;
    let value: String = serde_json::from_str(value.trim()).ok()?;
    if !operator.eq_ignore_ascii_case("eq") {
        return None;
    }
    match attribute(name)? {
        Attribute::ExternalId => Some(UserName::ExternalId(value)),
        Attribute::UserName => Some(UserName::Email(value)),
        Attribute::Active | Attribute::Name => None,
    }
}

/// Whether the body is a `PatchOp`.
pub(super) fn is_patch_op(body: &Value) -> bool {
    let schemas = body.get("schemas").and_then(Value::as_array);
    let is_ours =
        |schema: &Value| schema.as_str().is_some_and(|text| text.eq_ignore_ascii_case(PATCH_OP));
    schemas.is_some_and(|schemas| schemas.iter().any(is_ours))
}

/// What a `PatchOp` changes.
pub(super) fn read(body: Value) -> Result<UpdateUser, Problem> {
    let mut fields = Fields::of(body)?.ignoring(&["schemas"]);
    let operations = fields.required("Operations", Fields::list);
    fields.finish()?;
    let mut reading = Reading::default();
    for (index, operation) in operations.into_iter().enumerate() {
        reading.operation(operation, &format!("/Operations/{index}"));
    }
    if reading.faults.is_empty() {
        Ok(reading.change)
    } else {
        Err(Problem::invalid(reading.faults))
    }
}

#[derive(Default)]
struct Reading {
    change: UpdateUser,
    faults: Vec<Fault>,
}

impl Reading {
    fn fault(&mut self, at: &str, code: &'static str, message: impl Into<String>) {
        self.faults.push(Fault::new(at, code, message));
    }

    fn operation(&mut self, operation: Value, at: &str) {
        let Value::Object(mut operation) = operation else {
            return self.fault(at, "type", "must be an object");
        };
        let (verb, path) = (operation.remove("op"), operation.remove("path"));
        let value = operation.remove("value");
        for name in operation.keys() {
            self.fault(&format!("{at}/{name}"), "unknown_field", "is not a field here");
        }
        let verb = verb.as_ref().and_then(Value::as_str).map(str::to_ascii_lowercase);
        match (verb.as_deref(), path, value) {
            (Some("remove"), Some(Value::String(path)), _) => {
                self.remove(&path, &format!("{at}/path"));
            }
            (Some("add" | "replace"), Some(Value::String(path)), Some(value)) => {
                self.set(&path, value, (&format!("{at}/path"), &format!("{at}/value")));
            }
            (Some("add" | "replace"), None, Some(Value::Object(values))) => {
                self.set_all(values, "", &format!("{at}/value"));
            }
            (Some("add" | "replace"), ..) => {
                self.fault(at, "invalid", "needs a `value`, and a `path` unless it is an object");
            }
            (Some("remove"), ..) => self.fault(at, "invalid", "needs a `path`"),
            _ => self.fault(&format!("{at}/op"), "invalid", "must be add, replace or remove"),
        }
    }

    fn set_all(&mut self, values: Map<String, Value>, within: &str, at: &str) {
        for (name, value) in values {
            let at = format!("{at}/{name}");
            self.set(&format!("{within}{name}"), value, (&at, &at));
        }
    }

    fn set(&mut self, path: &str, value: Value, (path_at, value_at): (&str, &str)) {
        if local(path) == "name"
            && let Value::Object(parts) = value
        {
            return self.set_all(parts, "name.", value_at);
        }
        let expects = match (attribute(path), value) {
            (None, _) => return self.unknown(path_at),
            (Some(Attribute::Active), value) => match truth(&value) {
                Some(active) => return self.change.disabled = Some(!active),
                None => "true or false",
            },
            (Some(Attribute::UserName), Value::String(text)) => {
                return self.change.email = Some(text);
            }
            (Some(Attribute::Name), Value::String(text)) => return self.change.name = Some(text),
            (Some(Attribute::ExternalId), Value::String(text)) => {
                return self.change.external_id = Some(Some(text));
            }
            (Some(Attribute::ExternalId), Value::Null) => {
                return self.change.external_id = Some(None);
            }
            (Some(Attribute::UserName | Attribute::Name | Attribute::ExternalId), _) => "a text",
        };
        self.fault(value_at, "type", format!("must be {expects}"));
    }

    fn remove(&mut self, path: &str, at: &str) {
        match attribute(path) {
            Some(Attribute::ExternalId) => self.change.external_id = Some(None),
            Some(Attribute::Name) => self.change.name = Some(String::new()),
            Some(Attribute::Active | Attribute::UserName) => {
                self.fault(at, "invalid", "cannot be removed");
            }
            None => self.unknown(at),
        }
    }

    fn unknown(&mut self, at: &str) {
        let message = "must be active, userName, displayName, name.formatted or externalId";
        self.fault(at, "invalid", message);
    }
}

/// The name without regard to case, and without the schema before it.
fn local(path: &str) -> String {
    let path = path.to_ascii_lowercase();
    path.strip_prefix(USER).map(str::to_owned).unwrap_or(path)
}

fn attribute(path: &str) -> Option<Attribute> {
    match local(path).as_str() {
        "active" => Some(Attribute::Active),
        "username" => Some(Attribute::UserName),
        "displayname" | "name.formatted" => Some(Attribute::Name),
        "externalid" => Some(Attribute::ExternalId),
        _ => None,
    }
}

fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::String(text) => text.to_ascii_lowercase().parse().ok(),
        Value::Null | Value::Number(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn patch(operations: &Value) -> Result<UpdateUser, Problem> {
        let body = json!({"schemas": [PATCH_OP], "Operations": operations});
        assert!(is_patch_op(&body));
        read(body)
    }

    #[test]
    fn directories_shut_out_in_several_ways() {
        for operation in [
            json!({"op": "replace", "path": "active", "value": false}),
            json!({"op": "Replace", "path": "active", "value": "False"}),
            json!({"op": "replace", "value": {"active": false}}),
            json!({"op": "add", "path": "urn:ietf:params:scim:schemas:core:2.0:User:active", "value": "false"}),
        ] {
            let change = patch(&json!([operation])).unwrap();
            assert_eq!(change.disabled, Some(true), "{operation}");
        }
        let back = json!([{"op": "replace", "path": "ACTIVE", "value": "True"}]);
        assert_eq!(patch(&back).unwrap().disabled, Some(false));
    }

    #[test]
    fn names_and_links_are_written_and_removed() {
        let change = patch(&json!([
            {"op": "replace", "path": "userName", "value": "ada@example.org"},
            {"op": "replace", "value": {"name": {"formatted": "Ada"}, "externalId": "x-1"}},
        ]))
        .unwrap();
        assert_eq!(change.email.as_deref(), Some("ada@example.org"));
        assert_eq!(change.name.as_deref(), Some("Ada"));
        assert_eq!(change.external_id, Some(Some("x-1".to_owned())));

        let change = patch(&json!([
            {"op": "remove", "path": "externalId"},
            {"op": "remove", "path": "displayName"},
        ]))
        .unwrap();
        assert_eq!((change.external_id, change.name), (Some(None), Some(String::new())));
    }

    #[test]
    fn all_that_is_wrong_is_told_by_its_place() {
        let problem = patch(&json!([
            {"op": "move", "path": "active", "value": true},
            {"op": "replace", "path": "nickName", "value": "x"},
            {"op": "replace", "path": "active", "value": "perhaps"},
            {"op": "replace", "value": {"name": {"familyName": "x"}, "userName": 1}},
            {"op": "replace", "path": "userName"},
            {"op": "remove"},
            {"op": "remove", "path": "active", "more": 1},
            7,
        ]));
        let told = format!("{:?}", problem.unwrap_err());

        for place in [
            "/Operations/0/op",
            "/Operations/1/path",
            "/Operations/2/value",
            "/Operations/3/value/name/familyName",
            "/Operations/3/value/userName",
            "\"/Operations/4\"",
            "\"/Operations/5\"",
            "/Operations/6/path",
            "/Operations/6/more",
            "\"/Operations/7\"",
        ] {
            assert!(told.contains(place), "{place} is not in {told}");
        }
        assert!(read(json!({"schemas": [PATCH_OP]})).is_err());
        assert!(read(json!({"schemas": [PATCH_OP], "Operations": [], "x": 1})).is_err());
    }

    #[test]
    fn a_body_is_a_patch_op_if_it_says_so() {
        assert!(!is_patch_op(&json!({"Operations": []})));
        assert!(!is_patch_op(&json!({"schemas": PATCH_OP})));
        assert!(!is_patch_op(&json!([PATCH_OP])));
    }

    #[test]
    fn a_filter_names_one_user_by_one_of_two_names() {
        let external = |id: &str| Some(UserName::ExternalId(id.to_owned()));
        assert_eq!(filter(r#"externalId eq "a b""#), external("a b"));
        assert_eq!(filter(r#" EXTERNALID  EQ  "\u0061\"" "#), external("a\""));
        let email = Some(UserName::Email("ada@x".to_owned()));
        assert_eq!(filter(r#"userName eq "ada@x""#), email);
        for other in [
            "",
            "externalId",
            "externalId eq",
            "externalId eq a",
            r#"externalId ne "a""#,
            r#"active eq "true""#,
            r#"userName eq "a" or userName eq "b""#,
            r#"emails.value eq "a""#,
        ] {
            assert_eq!(filter(other), None, "{other}");
        }
    }
}
