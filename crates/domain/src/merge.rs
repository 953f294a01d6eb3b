//! Three-way merge of contents, field by field; lists of things with ids by id
//! (assistant.md, 'drafts').

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    Content,
    diff::{key_of, mask, to_value},
    fault::pointer_to,
};

/// A value that both sides changed, each differently.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MergeConflict {
    /// Where, as a JSON pointer.
    pub pointer: String,
    /// What both began from; `null` when there was none.
    pub base: Value,
    /// What the live assistant has now.
    pub live: Value,
    /// What the draft has.
    pub draft: Value,
}

/// What to do about conflicts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnConflict {
    /// Refuse the commit.
    #[default]
    Fail,
    /// Take the draft's value.
    Draft,
    /// Keep the live value.
    Live,
}

/// Why two contents could not be merged.
#[derive(Debug)]
pub enum MergeFailure {
    /// Both sides changed these.
    Conflicts(Vec<MergeConflict>),
    /// The merged document is no content (serde's words).
    Unreadable(String),
}

/// Lists that are sets of ids: merged item by item.
const ID_LISTS: [&str; 2] = ["/vector_store_ids", "/tool_configurations/streamlineTools"];

/// Where an MCP server is and what it is told: changed together or not at all,
/// so that no merge sends a credential to an address it was not given for.
const DESTINATION: [&str; 4] = ["serverUrl", "connectorId", "authorization", "headers"];
const DESTINATION_GROUP: &str = "destination";

/// What a secret's value is bound to, and the value: likewise.
const BINDING: [&str; 3] = ["name", "origins", "value"];
const BINDING_GROUP: &str = "binding";

/// What makes an uploaded icon, an emoji or a library icon: of one side or of the
/// other, so that no merge shows a picture that nobody chose.
const ICON: [&str; 3] = ["icon_type", "icon_data", "icon_image"];
const ICON_GROUP: &str = "icon_choice";

/// Merges what `live` and `draft` made of `base`.
///
/// # Errors
///
/// [`MergeFailure::Conflicts`] with every conflict, unless `on_conflict` picks a
/// side.
pub fn merge(
    base: &Content,
    live: &Content,
    draft: &Content,
    on_conflict: OnConflict,
) -> Result<Content, MergeFailure> {
    let mut merger = Merger { on_conflict, conflicts: Vec::new() };
    let document = |content| group(to_value(content), &ICON, ICON_GROUP);
    let (base, live, draft) = (document(base), document(live), document(draft));
    let result = merger.value("", Some(&base), Some(&live), Some(&draft)).unwrap_or_default();
    if !merger.conflicts.is_empty() {
        return Err(MergeFailure::Conflicts(merger.conflicts));
    }
    serde_json::from_value(ungroup(result, ICON_GROUP))
        .map_err(|error| MergeFailure::Unreadable(error.to_string()))
}

struct Merger {
    on_conflict: OnConflict,
    conflicts: Vec<MergeConflict>,
}

type Side<'a> = Option<&'a Value>;

impl Merger {
    fn value(
        &mut self,
        at: &str,
        base: Side<'_>,
        live: Side<'_>,
        draft: Side<'_>,
    ) -> Option<Value> {
        if live == draft || base == draft {
            return live.cloned();
        }
        if base == live {
            return draft.cloned();
        }
        match (base, live, draft) {
            (Some(Value::Object(base)), Some(Value::Object(live)), Some(Value::Object(draft)))
                if !is_whole(at) =>
            {
                Some(Value::Object(self.object(at, base, live, draft)))
            }
            (Some(Value::Array(base)), Some(Value::Array(live)), Some(Value::Array(draft))) => {
                if let Some(key) = key_of(at) {
                    Some(Value::Array(self.keyed(at, key, [base, live, draft])))
                } else if ID_LISTS.contains(&at) {
                    Some(Value::Array(merge_ids(base, live, draft)))
                } else {
                    self.conflict(at, Some(list(base)), Some(list(live)), Some(list(draft)))
                }
            }
            _ => self.conflict(at, base.cloned(), live.cloned(), draft.cloned()),
        }
    }

    fn object(
        &mut self,
        at: &str,
        base: &Map<String, Value>,
        live: &Map<String, Value>,
        draft: &Map<String, Value>,
    ) -> Map<String, Value> {
        let mut merged = Map::new();
        let added = draft.keys().filter(|key| !live.contains_key(*key));
        for key in live.keys().chain(added) {
            let at = pointer_to(at, key);
            if let Some(value) = self.value(&at, base.get(key), live.get(key), draft.get(key)) {
                merged.insert(key.clone(), value);
            }
        }
        merged
    }

    /// Items in the live order, then those that the draft added.
    fn keyed(&mut self, at: &str, key: &str, [base, live, draft]: [&Vec<Value>; 3]) -> Vec<Value> {
        let find = |items: &[Value], name: &Value| {
            items.iter().find(|item| item.get(key) == Some(name)).map(|item| grouped(at, item))
        };
        let names = live.iter().chain(draft).filter_map(|item| item.get(key));
        let mut seen: Vec<&Value> = Vec::new();
        let mut merged = Vec::new();
        for name in names {
            if seen.contains(&name) {
                continue;
            }
            seen.push(name);
            let at = pointer_to(at, name.as_str().unwrap_or_default());
            let (base, live, draft) = (find(base, name), find(live, name), find(draft, name));
            let item = self.value(&at, base.as_ref(), live.as_ref(), draft.as_ref());
            merged.extend(item.map(ungrouped));
        }
        merged
    }

    fn conflict(
        &mut self,
        at: &str,
        base: Option<Value>,
        live: Option<Value>,
        draft: Option<Value>,
    ) -> Option<Value> {
        match self.on_conflict {
            OnConflict::Draft => draft,
            OnConflict::Live => live,
            OnConflict::Fail => {
                let [base, live, draft] = [base, live, draft].map(|value| {
                    let mut value = value.map(ungrouped).unwrap_or_default();
                    mask(&mut value);
                    value
                });
                self.conflicts.push(MergeConflict { pointer: at.to_owned(), base, live, draft });
                None
            }
        }
    }
}

fn list(items: &[Value]) -> Value {
    Value::Array(items.to_vec())
}

/// Objects that mean something only as a whole.
fn is_whole(at: &str) -> bool {
    const WHOLE: [&str; 7] = [
        "schemaObject",
        "allowedTools",
        "requireApproval",
        "data",
        DESTINATION_GROUP,
        BINDING_GROUP,
        ICON_GROUP,
    ];
    at.rsplit('/').next().is_some_and(|name| WHOLE.contains(&name))
}

/// An item of the list at this pointer, with what belongs together in one value.
fn grouped(list: &str, item: &Value) -> Value {
    match list {
        "/tool_configurations/mcpTools" => group(item.clone(), &DESTINATION, DESTINATION_GROUP),
        "/secrets" => group(item.clone(), &BINDING, BINDING_GROUP),
        _ => item.clone(),
    }
}

fn ungrouped(item: Value) -> Value {
    ungroup(ungroup(item, DESTINATION_GROUP), BINDING_GROUP)
}

/// Puts some values of an object into an object of their own.
fn group(value: Value, keys: &[&str], name: &str) -> Value {
    let Value::Object(map) = value else { return value };
    let (inner, mut rest): (Map<_, _>, Map<_, _>) =
        map.into_iter().partition(|(key, _)| keys.contains(&key.as_str()));
    rest.insert(name.to_owned(), Value::Object(inner));
    Value::Object(rest)
}

/// Undoes [`group`].
fn ungroup(mut value: Value, name: &str) -> Value {
    if let Some(map) = value.as_object_mut()
        && let Some(Value::Object(inner)) = map.remove(name)
    {
        map.extend(inner);
    }
    value
}

/// Live's items without those that the draft removed, then those that it added.
fn merge_ids(base: &[Value], live: &[Value], draft: &[Value]) -> Vec<Value> {
    let removed = |item: &&Value| base.contains(item) && !draft.contains(item);
    let added = draft.iter().filter(|item| !base.contains(item) && !live.contains(item));
    live.iter().filter(|item| !removed(item)).chain(added).cloned().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::assistant::content::{FileEntry, IconType, McpServer};

    fn content(name: &str, tokens: u32) -> Content {
        Content { name: name.to_owned(), max_tool_calls: tokens, ..Content::default() }
    }

    fn server(label: &str, url: &str) -> McpServer {
        McpServer {
            server_label: label.to_owned(),
            server_url: Some(url.to_owned()),
            ..McpServer::default()
        }
    }

    fn with_servers(servers: Vec<McpServer>) -> Content {
        let mut content = content("a", 1);
        content.tool_configurations.mcp_tools = servers;
        content
    }

    fn conflicts(result: Result<Content, MergeFailure>) -> Vec<String> {
        match result {
            Err(MergeFailure::Conflicts(all)) => all.into_iter().map(|c| c.pointer).collect(),
            other => panic!("expected conflicts, got {other:?}"),
        }
    }

    #[test]
    fn changes_to_different_fields_both_survive() {
        let merged =
            merge(&content("a", 1), &content("b", 1), &content("a", 2), OnConflict::Fail).unwrap();

        assert_eq!(merged, content("b", 2));
    }

    #[test]
    fn changes_to_one_field_conflict_unless_a_side_is_picked() {
        let [base, live, draft] = [content("a", 1), content("b", 1), content("c", 1)];

        assert_eq!(conflicts(merge(&base, &live, &draft, OnConflict::Fail)), ["/name"]);
        assert_eq!(merge(&base, &live, &draft, OnConflict::Draft).unwrap(), draft);
        assert_eq!(merge(&base, &live, &draft, OnConflict::Live).unwrap(), live);
    }

    #[test]
    fn servers_merge_by_label() {
        let (a, b, c) =
            (server("a", "https://a"), server("b", "https://b"), server("c", "https://c"));
        let base = with_servers(vec![a.clone()]);
        let live = with_servers(vec![a.clone(), b.clone()]);
        let draft = with_servers(vec![c.clone(), a.clone()]);

        let merged = merge(&base, &live, &draft, OnConflict::Fail).unwrap();

        assert_eq!(merged.tool_configurations.mcp_tools, [a, b, c]);
    }

    #[test]
    fn a_credential_never_meets_an_address_it_was_not_given_for() {
        let sealed = crate::SealedId::from_uuid(uuid::Uuid::from_u128(1));
        let base = with_servers(vec![server("a", "https://a")]);
        let live = with_servers(vec![server("a", "https://elsewhere")]);
        let draft = with_servers(vec![McpServer {
            authorization: Some(sealed),
            ..server("a", "https://a")
        }]);

        let found = conflicts(merge(&base, &live, &draft, OnConflict::Fail));

        assert_eq!(found, ["/tool_configurations/mcpTools/a/destination"]);
    }

    #[test]
    fn an_icon_is_of_one_side_or_of_the_other() {
        let emoji = |text: &str| Content {
            icon_type: IconType::Emoji,
            icon_data: Some(text.to_owned()),
            ..content("a", 1)
        };
        let icon = Content {
            icon_type: IconType::Icon,
            icon_data: Some("star".to_owned()),
            ..content("a", 1)
        };

        let found = conflicts(merge(&emoji("🍏"), &icon, &emoji("🍐"), OnConflict::Fail));
        let picked = merge(&emoji("🍏"), &icon, &emoji("🍐"), OnConflict::Draft).unwrap();

        assert_eq!(found, ["/icon_choice"]);
        assert_eq!(picked, emoji("🍐"));
        assert_eq!(merge(&icon, &icon, &emoji("🍐"), OnConflict::Fail).unwrap(), emoji("🍐"));
    }

    #[test]
    fn files_merge_by_id() {
        let file = |n: u128, name: &str| FileEntry {
            id: crate::FileId::from_uuid(uuid::Uuid::from_u128(n)),
            name: name.to_owned(),
            description: None,
            content_type: "text/plain".to_owned(),
            blob: crate::Blob::of(name.as_bytes()),
            created_at: crate::Timestamp::from_unix_micros(0).unwrap(),
            created_by: crate::UserId::from_uuid(uuid::Uuid::from_u128(1)),
            modified_at: crate::Timestamp::from_unix_micros(0).unwrap(),
        };
        let with = |files: &[FileEntry]| Content { files: files.to_vec(), ..content("a", 1) };
        let (a, b, c) = (file(1, "a"), file(2, "b"), file(3, "c"));
        let renamed = FileEntry { name: "a2".to_owned(), ..a.clone() };

        let merged = merge(
            &with(&[a.clone(), b.clone()]),
            &with(&[renamed.clone(), b]),
            &with(&[a, c.clone()]),
            OnConflict::Fail,
        );

        assert_eq!(merged.unwrap().files, [renamed, c]);
    }

    proptest! {
        #[test]
        fn an_unchanged_side_yields_the_other(name in "[a-z]{1,5}", calls in 0u32..9, temp in 0.0f64..2.0) {
            let base = content("base", 1);
            let changed = Content { temperature: temp, ..content(&name, calls) };

            prop_assert_eq!(&merge(&base, &base, &changed, OnConflict::Fail).unwrap(), &changed);
            prop_assert_eq!(&merge(&base, &changed, &base, OnConflict::Fail).unwrap(), &changed);
            prop_assert_eq!(&merge(&base, &changed, &changed, OnConflict::Fail).unwrap(), &changed);
        }
    }
}
