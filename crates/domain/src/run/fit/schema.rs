//! Which JSON Schemas vendors hold their models to.

use serde_json::{Map, Value};

/// Keywords that no vendor holds a model to.
const UNKNOWN: [&str; 16] = [
    "allOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "dependentRequired",
    "dependentSchemas",
    "patternProperties",
    "propertyNames",
    "unevaluatedProperties",
    "unevaluatedItems",
    "contains",
    "prefixItems",
    "minProperties",
    "maxProperties",
];

/// Keywords that Anthropic refuses beside.
const BOUNDS: [&str; 9] = [
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "maxItems",
    "uniqueItems",
];

/// Whether OpenAI holds a model to this schema exactly: every object closed, with all
/// of its properties required, and nothing that it does not know.
pub(super) fn is_strict(schema: &Map<String, Value>) -> bool {
    holds(schema, &|schema| is_closed(schema) && requires_all(schema) && lacks(schema, &UNKNOWN))
}

/// Whether Anthropic takes this schema: every object closed, and no bounds.
pub(super) fn is_bare(schema: &Map<String, Value>) -> bool {
    holds(schema, &|schema| is_closed(schema) && lacks(schema, &UNKNOWN) && lacks(schema, &BOUNDS))
}

/// Whether this is so of the schema and of every schema in it.
fn holds(schema: &Map<String, Value>, test: &dyn Fn(&Map<String, Value>) -> bool) -> bool {
    let maps = ["properties", "$defs", "definitions"].into_iter().filter_map(|key| schema.get(key));
    let of_maps = maps.filter_map(Value::as_object).flat_map(Map::values);
    let of_lists = schema.get("anyOf").and_then(Value::as_array).into_iter().flatten();
    let inner = of_maps.chain(of_lists).chain(schema.get("items"));
    test(schema) && inner.filter_map(Value::as_object).all(|inner| holds(inner, test))
}

fn lacks(schema: &Map<String, Value>, keywords: &[&str]) -> bool {
    keywords.iter().all(|keyword| !schema.contains_key(*keyword))
}

fn is_object(schema: &Map<String, Value>) -> bool {
    let named = match schema.get("type") {
        Some(Value::String(kind)) => kind == "object",
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "object"),
        _ => false,
    };
    named || schema.contains_key("properties")
}

fn is_closed(schema: &Map<String, Value>) -> bool {
    !is_object(schema) || schema.get("additionalProperties") == Some(&Value::Bool(false))
}

fn requires_all(schema: &Map<String, Value>) -> bool {
    let required = schema.get("required").and_then(Value::as_array);
    let is_required =
        |name: &String| required.is_some_and(|names| names.iter().any(|known| known == name));
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.into_iter().flat_map(Map::keys).all(is_required)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_closed_schema_that_requires_all_is_strict() {
        let inner = json!({
            "type": "object", "properties": {"a": {"type": "integer", "minimum": 1}},
            "required": ["a"], "additionalProperties": false,
        });
        let schema = object(json!({
            "type": "object",
            "properties": {"list": {"type": "array", "items": inner}, "text": {"type": "string"}},
            "required": ["text", "list"],
            "additionalProperties": false,
        }));

        assert!(is_strict(&schema));
        assert!(!is_bare(&schema), "it has a bound");
    }

    #[test]
    fn an_open_or_optional_or_unknown_part_anywhere_is_not_strict() {
        let whole = |inner: Value| {
            object(json!({
                "type": "object", "properties": {"a": inner}, "required": ["a"],
                "additionalProperties": false,
            }))
        };
        let optional = json!({
            "type": "object", "properties": {"b": {"type": "string"}},
            "additionalProperties": false,
        });

        assert!(is_strict(&whole(json!({"type": "string"}))));
        assert!(!is_strict(&whole(json!({"type": "object", "properties": {}}))));
        assert!(!is_strict(&whole(optional.clone())));
        assert!(is_bare(&whole(optional)), "only OpenAI demands that all is required");
        assert!(!is_strict(&whole(json!({"oneOf": [{"type": "string"}]}))));
        assert!(!is_strict(&whole(json!({"anyOf": [{"type": ["object", "null"]}]}))));
        assert!(!is_strict(&object(json!({"type": "object"}))));
    }
}
