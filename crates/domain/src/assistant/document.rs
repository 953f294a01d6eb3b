//! The assistant object as JSON: its schema, its spelling, and all that is wrong
//! with one, at once.
//!
//! `data/assistant.schema.json` is the single source: it names every field with
//! its type, range, default and description, it validates writes, and it is what
//! the OpenAPI document publishes.

use std::sync::LazyLock;

use jsonschema::{ValidationError, Validator, error::ValidationErrorKind};
use serde_json::{Map, Value};

use crate::{catalogue::nearest_of, fault::Fault, fault::pointer_to};

/// Most faults that one answer lists.
pub const MAX_FAULTS: usize = 100;

/// The JSON Schema of the assistant object, as it stands in `data/`. Beside the
/// standard keywords it has `x-part` (`policy`, `identity`, `alias`; content when
/// absent) and `x-expects` (what would be right, in words).
pub const SCHEMA_TEXT: &str = include_str!("../../data/assistant.schema.json");

static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    // The file is part of the crate and tests read it, so this cannot be null.
    serde_json::from_str(SCHEMA_TEXT).unwrap_or(Value::Null)
});

static VALIDATOR: LazyLock<Option<Validator>> =
    LazyLock::new(|| jsonschema::draft202012::new(&SCHEMA).ok());

/// The part of the assistant that a top-level field belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What drafts change.
    Content,
    /// Who may reach it.
    Policy,
    /// `slug` and `is_default`.
    Identity,
    /// A second name of another field.
    Alias,
    /// Set by the server; ignored in a write.
    ReadOnly,
}

/// The schema as a value.
#[must_use]
pub fn schema() -> &'static Value {
    &SCHEMA
}

fn properties() -> impl Iterator<Item = (&'static String, &'static Value)> {
    SCHEMA.get("properties").and_then(Value::as_object).into_iter().flatten()
}

fn property(name: &str) -> Option<&'static Value> {
    SCHEMA.get("properties")?.get(name)
}

/// The part that the field `name` belongs to; `None` when there is no such field.
#[must_use]
pub fn part_of(name: &str) -> Option<Part> {
    let property = property(name)?;
    if property.get("readOnly") == Some(&Value::Bool(true)) {
        return Some(Part::ReadOnly);
    }
    Some(match property.get("x-part").and_then(Value::as_str) {
        Some("policy") => Part::Policy,
        Some("identity") => Part::Identity,
        Some("alias") => Part::Alias,
        _ => Part::Content,
    })
}

/// The names of all fields of one part.
pub fn fields_of(part: Part) -> impl Iterator<Item = &'static str> {
    properties().map(|(name, _)| name.as_str()).filter(move |name| part_of(name) == Some(part))
}

/// Whether the field may be `null`.
#[must_use]
pub fn is_nullable(name: &str) -> bool {
    property(name).is_some_and(|schema| allows(schema, "null"))
}

fn allows(schema: &Value, kind: &str) -> bool {
    let named = match schema.get("type") {
        Some(Value::String(text)) => text == kind,
        Some(Value::Array(kinds)) => kinds.iter().any(|k| k == kind),
        _ => false,
    };
    let branches = schema.get("anyOf").and_then(Value::as_array);
    named || branches.is_some_and(|branches| branches.iter().any(|branch| allows(branch, kind)))
}

/// Spells every known key of `input` as the seed does, whichever casing it came
/// in; drops nested `null`s (they mean 'unset'); writes whole numbers as
/// integers where integers are expected.
pub fn canonicalize(input: &mut Map<String, Value>, faults: &mut Vec<Fault>) {
    if let Some(value) = input.remove("assistant_metadata") {
        // The Aitronos SDK's name for it in updates (reference §1.1).
        input.entry("metadata").or_insert(value);
    }
    spell_keys(&SCHEMA, input, "", faults);
    for (name, value) in input.iter_mut() {
        if let Some(schema) = property(name) {
            canonicalize_value(schema, value, &pointer_to("", name), faults);
        }
    }
}

/// Does the same to a value of any schema.
pub(crate) fn canonicalize_value(
    schema: &Value,
    value: &mut Value,
    at: &str,
    faults: &mut Vec<Fault>,
) {
    let schema = branch_for(schema, value);
    match value {
        Value::Object(map) => {
            let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
                return;
            };
            spell_keys(schema, map, at, faults);
            map.retain(|key, value| !(value.is_null() && properties.contains_key(key)));
            for (key, value) in map.iter_mut() {
                if let Some(schema) = properties.get(key) {
                    canonicalize_value(schema, value, &pointer_to(at, key), faults);
                }
            }
        }
        Value::Array(items) => {
            let Some(schema) = schema.get("items") else { return };
            for (index, item) in items.iter_mut().enumerate() {
                canonicalize_value(schema, item, &pointer_to(at, &index.to_string()), faults);
            }
        }
        Value::Number(number) => {
            let float = number.as_f64().filter(|_| number.is_f64() && allows(schema, "integer"));
            match float.map(|float| (float, whole_number(float))) {
                Some((_, Some(whole))) => *value = Value::from(whole),
                Some((float, None)) if float.fract() == 0.0 => {
                    let message = "must be an integer, written without point and exponent";
                    faults.push(Fault::new(at, "type", message));
                }
                _ => {}
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// `1.0` as `1`, within the range in which a float names one integer.
fn whole_number(float: f64) -> Option<i64> {
    let exact = float.fract() == 0.0 && float.abs() <= 9_007_199_254_740_992.0;
    exact.then(|| format!("{float:.0}").parse().ok()).flatten()
}

/// The branch of an `anyOf` that values of this kind go by.
fn branch_for<'a>(schema: &'a Value, value: &Value) -> &'a Value {
    let kind = match value {
        Value::Object(_) => "object",
        Value::Array(_) => "array",
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return schema,
    };
    let branches = schema.get("anyOf").and_then(Value::as_array);
    branches
        .and_then(|branches| branches.iter().find(|branch| allows(branch, kind)))
        .unwrap_or(schema)
}

fn spell_keys(schema: &Value, map: &mut Map<String, Value>, at: &str, faults: &mut Vec<Fault>) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
    let foreign: Vec<String> =
        map.keys().filter(|key| !properties.contains_key(*key)).cloned().collect();
    for key in foreign {
        let folded = fold(&key);
        let Some(known) = properties.keys().find(|known| fold(known) == folded) else { continue };
        let Some(value) = map.remove(&key) else { continue };
        if map.contains_key(known) {
            let message = format!("is given twice, also as `{known}`");
            faults.push(Fault::new(pointer_to(at, &key), "duplicate_field", message));
        } else {
            map.insert(known.clone(), value);
        }
    }
}

fn fold(key: &str) -> String {
    let mut text = key.replace('_', "").to_lowercase();
    if key.starts_with('_') {
        text.insert(0, '_'); // `_links` is not `links`
    }
    text
}

/// Everything about `document` that the schema refuses.
#[must_use]
pub fn faults_of(document: &Value) -> Vec<Fault> {
    VALIDATOR.as_ref().map_or_else(Vec::new, |validator| refused_by(&SCHEMA, validator, document))
}

/// Everything about `document` that a schema refuses.
pub(crate) fn refused_by(schema: &Value, validator: &Validator, document: &Value) -> Vec<Fault> {
    let mut faults = Vec::new();
    for error in validator.iter_errors(document) {
        describe(schema, &error, &mut faults);
        if faults.len() >= MAX_FAULTS {
            break;
        }
    }
    faults
}

fn describe(schema: &Value, error: &ValidationError<'_>, faults: &mut Vec<Fault>) {
    let at = error.instance_path().as_str().to_owned();
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            let known =
                parent_of(schema, error).and_then(|schema| schema.get("properties")?.as_object());
            for key in unexpected {
                let known = known.into_iter().flat_map(Map::keys).map(String::as_str);
                let message = match nearest_of(key, known, 1).first() {
                    Some(near) => format!("is not a field here; did you mean `{near}`?"),
                    None => "is not a field here".to_owned(),
                };
                faults.push(Fault::new(pointer_to(&at, key), "unknown_field", message));
            }
        }
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            faults.push(Fault::new(pointer_to(&at, name), "required", "is required"));
        }
        ValidationErrorKind::PropertyNames { error: inner } => {
            let key = inner.instance().as_str().unwrap_or_default();
            let message = format!("this key is not allowed: {}", inner.masked_with("it"));
            faults.push(Fault::new(pointer_to(&at, key), "key", message));
        }
        ValidationErrorKind::AnyOf { context } => {
            // If the value has the form of one branch, what is wrong inside says more.
            let fits = |errors: &&Vec<ValidationError<'static>>| {
                !errors.iter().any(|inner| {
                    matches!(
                        inner.kind(),
                        ValidationErrorKind::Type { .. }
                            | ValidationErrorKind::Constant { .. }
                            | ValidationErrorKind::Enum { .. }
                    ) && inner.instance_path().as_str() == at
                })
            };
            match context.iter().find(fits) {
                Some(errors) => errors.iter().for_each(|inner| describe(schema, inner, faults)),
                None => faults.push(Fault::new(at, "type", expectation(schema, error))),
            }
        }
        _ => {
            let code = code_of(error.kind().keyword());
            faults.push(Fault::new(at, code, expectation(schema, error)));
        }
    }
}

/// What would be right. Never shows the value: it may be a secret.
fn expectation(schema: &Value, error: &ValidationError<'_>) -> String {
    let expects = parent_of(schema, error).and_then(|schema| schema.get("x-expects")?.as_str());
    match expects {
        Some(words) => format!("must be {words}"),
        None => error.masked_with("the value").to_string(),
    }
}

/// The schema that the failed keyword stands in.
fn parent_of<'a>(schema: &'a Value, error: &ValidationError<'_>) -> Option<&'a Value> {
    let path = error.schema_path().as_str();
    let (parent, _) = path.rsplit_once('/')?;
    schema.pointer(parent)
}

fn code_of(keyword: &str) -> &'static str {
    match keyword {
        "type" => "type",
        "enum" | "const" => "enum",
        "minimum" => "minimum",
        "maximum" => "maximum",
        "minLength" => "too_short",
        "maxLength" => "too_long",
        "minItems" => "too_few",
        "maxItems" | "maxProperties" => "too_many",
        "uniqueItems" => "duplicate_item",
        "pattern" => "pattern",
        _ => "invalid",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::assistant::content::MANIFEST;

    fn spelled(mut value: Value) -> Value {
        let mut faults = Vec::new();
        canonicalize(value.as_object_mut().unwrap(), &mut faults);
        assert_eq!(faults, []);
        value
    }

    #[test]
    fn the_schema_is_one() {
        assert!(VALIDATOR.is_some());
    }

    #[test]
    fn every_field_of_the_seeds_object_is_there() {
        // seeds/aitronos-assistant-object.txt, top level
        const SEED: &str = "id organization_id created_by created_at updated_at deleted_at name \
            avatar_id icon_type icon_data is_default default_model_key allowed_model_providers \
            instructions instructions_thread_id tool_configurations system_message \
            context_strategy context_window max_tool_calls parallel_tool_calls reasoning \
            service_tier store_responses temperature frequency_penalty presence_penalty \
            logit_bias json_schemas top_logprobs top_p output_mode response_format seed \
            stopSequences max_completion_tokens access_mode access_departments access_users \
            editable_by_users visible_in_chat_to_users editable_by_roles visible_to_roles \
            vector_store_ids api_enabled public_enabled is_active streaming memory_enabled \
            moderation_enabled safety_level preset_prompts tool_capabilities metadata \
            text_config rule_ids";
        let missing: Vec<_> =
            SEED.split_whitespace().filter(|name| part_of(name).is_none()).collect();

        assert_eq!(SEED.split_whitespace().count(), 56);
        assert_eq!(missing, Vec::<&str>::new());
    }

    #[test]
    fn content_and_policy_have_just_the_fields_that_the_schema_gives_them() {
        let keys = |value: Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        let of = |part| {
            let mut names: Vec<_> = fields_of(part).map(str::to_owned).collect();
            names.sort();
            names
        };
        let mut content = keys(serde_json::to_value(crate::Content::default()).unwrap());
        content.retain(|name| !MANIFEST.contains(&name.as_str()));
        content.push("rule_ids".to_owned()); // which the attached rules make up
        let mut policy = keys(serde_json::to_value(crate::Policy::default()).unwrap());
        content.sort();
        policy.sort();

        assert_eq!(content, of(Part::Content));
        assert_eq!(policy, of(Part::Policy));
    }

    #[test]
    fn the_defaults_of_the_code_are_those_of_the_schema() {
        let mut defaults = serde_json::to_value(crate::Content::default()).unwrap();
        let policy = serde_json::to_value(crate::Policy::default()).unwrap();
        defaults.as_object_mut().unwrap().extend(policy.as_object().unwrap().clone());
        for (name, schema) in properties() {
            if let (Some(stated), Some(real)) = (schema.get("default"), defaults.get(name)) {
                assert_eq!(stated, real, "{name}");
            }
        }
    }

    #[test]
    fn either_casing_is_read_at_every_depth() {
        let snake = json!({
            "stop_sequences": ["x"],
            "tool_configurations": {"system_tools": {"web_search": {"mode": "on"}}},
        });
        let camel = json!({
            "stopSequences": ["x"],
            "toolConfigurations": {"systemTools": {"webSearch": {"mode": "on"}}},
        });
        let seed = json!({
            "stopSequences": ["x"],
            "tool_configurations": {"systemTools": {"webSearch": {"mode": "on"}}},
        });

        assert_eq!(spelled(snake), seed);
        assert_eq!(spelled(camel), seed);
    }

    #[test]
    fn keys_that_are_data_keep_their_spelling() {
        let data = json!({"metadata": {"serverUrl": "a", "server_url": "b"}});

        assert_eq!(spelled(data.clone()), data);
    }

    #[test]
    fn a_field_given_in_both_casings_is_refused() {
        let mut input = json!({"top_p": 1.0, "topP": 0.5});
        let mut faults = Vec::new();

        canonicalize(input.as_object_mut().unwrap(), &mut faults);

        assert_eq!(faults.first().map(|fault| fault.code), Some("duplicate_field"));
    }

    #[test]
    fn every_fault_is_named_by_pointer_and_no_value_is_repeated() {
        let faults = faults_of(&json!({
            "name": "n",
            "temperature": 3,
            "temprature": 1,
            "logit_bias": {"12": 500},
            "tool_configurations": {"mcpTools": [{"serverLabel": "a b", "headers": {"X": 7}}]},
        }));
        let mut pointers: Vec<_> = faults.iter().map(|f| (f.pointer.as_str(), f.code)).collect();
        pointers.sort_unstable();

        assert_eq!(
            pointers,
            [
                ("/logit_bias/12", "maximum"),
                ("/temperature", "maximum"),
                ("/temprature", "unknown_field"),
                ("/tool_configurations/mcpTools/0/headers/X", "type"),
                ("/tool_configurations/mcpTools/0/serverLabel", "pattern"),
            ]
        );
        assert!(faults.iter().all(|fault| !fault.message.contains("a b")));
    }
}
