//! What changed between two contents: as an RFC 6902 patch, and for people.

use serde::Serialize;
use serde_json::{Map, Value};
use similar::TextDiff;

use crate::{Content, SealedId, fault::pointer_to, sealed::MASK};

/// One readable change.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// Where: a JSON pointer into the newer object, or into the older one for
    /// what was removed.
    pub pointer: String,
    /// What a person calls it, for example `Tool configurations › Mcp tools`.
    pub label: String,
    /// The value before; `null` when there was none.
    pub before: Value,
    /// The value after; `null` when there is none.
    pub after: Value,
    /// For texts of several lines, a unified diff.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
}

/// The difference of two contents.
#[derive(Clone, Debug, Serialize)]
pub struct Diff {
    /// RFC 6902 operations that turn the older object into the newer one.
    pub patch: Value,
    /// The same, readable.
    pub changes: Vec<Change>,
}

/// Lists whose items are known by a key, and that key (assistant.md, 'drafts').
/// Pointers are those of the lists.
pub(crate) const KEYED_LISTS: [(&str, &str); 7] = [
    ("/tool_configurations/mcpTools", "serverLabel"),
    ("/json_schemas", "name"),
    ("/files", "id"),
    ("/references", "targetId"),
    ("/skills", "id"),
    ("/secrets", "id"),
    ("/rules", "ruleId"),
];

/// What differs between `before` and `after`. Write-only values show as the mask.
#[must_use]
pub fn diff(before: &Content, after: &Content) -> Diff {
    let (before, after) = (to_value(before), to_value(after));
    let mut patch = serde_json::to_value(json_patch::diff(&before, &after)).unwrap_or_default();
    mask(&mut patch);
    Diff { patch, changes: changes_of(&before, &after) }
}

/// The readable changes between two JSON documents, masked.
pub(crate) fn changes_of(before: &Value, after: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    compare("", Some(before), Some(after), &mut changes);
    changes
}

/// A content as the document that diffs and merges work on.
pub(crate) fn to_value(content: &Content) -> Value {
    serde_json::to_value(content).unwrap_or_default()
}

/// Puts the mask in place of references to write-only values.
pub(crate) fn mask(value: &mut Value) {
    match value {
        Value::String(text) if text.parse::<SealedId>().is_ok() && text.starts_with("sealed_") => {
            MASK.clone_into(text);
        }
        Value::Array(items) => items.iter_mut().for_each(mask),
        Value::Object(map) => map.values_mut().for_each(mask),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn compare(at: &str, before: Option<&Value>, after: Option<&Value>, changes: &mut Vec<Change>) {
    match (before, after) {
        (Some(before), Some(after)) if before == after => {}
        (Some(Value::Object(before)), Some(Value::Object(after))) => {
            for key in keys_of(before, after) {
                compare(&pointer_to(at, key), before.get(key), after.get(key), changes);
            }
        }
        (Some(Value::Array(before)), Some(Value::Array(after))) if key_of(at).is_some() => {
            compare_items(at, before, after, changes);
        }
        _ => changes.push(change(at, before, after)),
    }
}

fn keys_of<'a>(a: &'a Map<String, Value>, b: &'a Map<String, Value>) -> Vec<&'a String> {
    a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))).collect()
}

/// The key of the items of the list at this pointer, if it is a keyed list.
pub(crate) fn key_of(at: &str) -> Option<&'static str> {
    KEYED_LISTS.iter().find(|(list, _)| *list == at).map(|(_, key)| *key)
}

fn compare_items(at: &str, before: &[Value], after: &[Value], changes: &mut Vec<Change>) {
    let key = key_of(at).unwrap_or_default();
    let same = |a: &Value, b: &Value| a.get(key) == b.get(key);
    for (index, item) in after.iter().enumerate() {
        let old = before.iter().find(|old| same(old, item));
        compare(&pointer_to(at, &index.to_string()), old, Some(item), changes);
    }
    for (index, old) in before.iter().enumerate() {
        if !after.iter().any(|item| same(old, item)) {
            compare(&pointer_to(at, &index.to_string()), Some(old), None, changes);
        }
    }
    let order = |items: &[Value], others: &[Value]| -> Vec<Value> {
        let kept = items.iter().filter(|item| others.iter().any(|other| same(item, other)));
        kept.filter_map(|item| item.get(key).cloned()).collect()
    };
    let (old, new) = (order(before, after), order(after, before));
    if old != new {
        changes.push(change(at, Some(&Value::Array(old)), Some(&Value::Array(new))));
    }
}

fn change(at: &str, before: Option<&Value>, after: Option<&Value>) -> Change {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let diff = match (text(before), text(after)) {
        (Some(old), Some(new))
            if at == "/instructions" || old.contains('\n') || new.contains('\n') =>
        {
            let text = TextDiff::from_lines(old.as_str(), new.as_str());
            Some(text.unified_diff().context_radius(3).header("before", "after").to_string())
        }
        _ => None,
    };
    let masked = |value: Option<&Value>| {
        let mut value = value.cloned().unwrap_or_default();
        mask(&mut value);
        value
    };
    Change {
        pointer: at.to_owned(),
        label: label(at),
        before: masked(before),
        after: masked(after),
        diff,
    }
}

/// `/tool_configurations/mcpTools/0/serverUrl` as
/// `Tool configurations › Mcp tools › 1 › Server url`.
fn label(pointer: &str) -> String {
    let words = pointer.split('/').skip(1).map(|segment| match segment.parse::<usize>() {
        Ok(index) => (index + 1).to_string(),
        Err(_) => spaced(&segment.replace("~1", "/").replace("~0", "~")),
    });
    words.collect::<Vec<_>>().join(" › ")
}

fn spaced(name: &str) -> String {
    let mut text = String::new();
    for (index, c) in name.chars().enumerate() {
        match c {
            '_' if index > 0 => text.push(' '),
            c if index == 0 => text.extend(c.to_uppercase()),
            c if c.is_uppercase() => {
                text.push(' ');
                text.extend(c.to_lowercase());
            }
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(name: &str, instructions: &str) -> Content {
        Content {
            name: name.to_owned(),
            instructions: instructions.to_owned(),
            ..Content::default()
        }
    }

    #[test]
    fn equal_contents_have_no_difference() {
        let diff = diff(&content("a", "x"), &content("a", "x"));

        assert_eq!(diff.changes, []);
        assert_eq!(diff.patch, Value::Array(Vec::new()));
    }

    #[test]
    fn instructions_are_shown_as_a_unified_diff() {
        let diff = diff(&content("a", "one\ntwo\n"), &content("a", "one\nthree\n"));
        let change = diff.changes.first().unwrap();

        assert_eq!(
            (change.pointer.as_str(), change.label.as_str()),
            ("/instructions", "Instructions")
        );
        assert!(change.diff.as_ref().unwrap().contains("-two\n+three"));
    }

    #[test]
    fn the_patch_turns_the_older_document_into_the_newer() {
        let mut newer = content("b", "x");
        newer.max_tool_calls = 3;
        newer.tool_configurations.streamline_tools = vec!["auto_1".to_owned()];
        let older = content("a", "x");

        let patch: json_patch::Patch = serde_json::from_value(diff(&older, &newer).patch).unwrap();
        let mut patched = to_value(&older);
        json_patch::patch(&mut patched, &patch).unwrap();

        assert_eq!(patched, to_value(&newer));
    }
}
