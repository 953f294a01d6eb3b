//! Lists of tools, as far as they can be offered to a model.

use std::collections::HashSet;

use rmcp::model::Tool;
use serde_json::{Map, Value};
use understudy_domain::{
    ports::McpTool,
    visible::{is_visible, visible},
};

/// Most tools of a server.
pub(crate) const MOST_TOOLS: usize = 500;
/// Most characters of a name.
const MOST_NAME_CHARS: usize = 128;
/// Most characters of a description.
const MOST_DESCRIPTION_CHARS: usize = 4_000;
/// Most bytes of a schema.
const MOST_SCHEMA_BYTES: usize = 64 * 1024;
/// How deep a schema may go.
const MOST_DEPTH: usize = 32;

/// The tools that can be offered, at most 500.
pub(crate) fn tools(listed: Vec<Tool>) -> Vec<McpTool> {
    let all = listed.len();
    let mut names = HashSet::new();
    let usable = listed.into_iter().filter_map(tool);
    let usable = usable.filter(|tool| names.insert(tool.name.clone()));
    let tools: Vec<McpTool> = usable.take(MOST_TOOLS).collect();
    if tools.len() < all {
        tracing::warn!(left_out = all - tools.len(), "tools of an MCP server cannot be offered");
    }
    tools
}

fn tool(tool: Tool) -> Option<McpTool> {
    let name = tool.name.into_owned();
    // Others look like names that they are not.
    let plain = name.bytes().all(|byte| byte.is_ascii_graphic());
    if name.is_empty() || name.len() > MOST_NAME_CHARS || !plain {
        return None;
    }
    let input_schema = schema(&tool.input_schema)?;
    let told = tool.description.map(String::from).or(tool.title).unwrap_or_default();
    let description = visible(&told).trim().chars().take(MOST_DESCRIPTION_CHARS).collect();
    let read_only = tool.annotations.and_then(|annotations| annotations.read_only_hint);
    Some(McpTool { name, description, input_schema, read_only })
}

fn schema(schema: &Map<String, Value>) -> Option<Map<String, Value>> {
    let mut cleaned = clean_map(schema, MOST_DEPTH)?;
    match cleaned.get("type") {
        None => {
            cleaned.insert("type".to_owned(), "object".into());
        }
        Some(kind) if kind == "object" => {}
        Some(_) => return None,
    }
    let bytes = serde_json::to_vec(&cleaned).ok()?.len();
    (bytes <= MOST_SCHEMA_BYTES).then_some(cleaned)
}

/// The value without what nobody sees; `None` when it goes deeper than `depth`, or
/// when names of fields hold what nobody sees.
fn clean(value: &Value, depth: usize) -> Option<Value> {
    match value {
        Value::String(text) => Some(Value::String(visible(text))),
        Value::Array(items) => {
            let depth = depth.checked_sub(1)?;
            let items: Option<Vec<Value>> = items.iter().map(|item| clean(item, depth)).collect();
            items.map(Value::Array)
        }
        Value::Object(map) => clean_map(map, depth).map(Value::Object),
        Value::Null | Value::Bool(_) | Value::Number(_) => Some(value.clone()),
    }
}

fn clean_map(map: &Map<String, Value>, depth: usize) -> Option<Map<String, Value>> {
    let depth = depth.checked_sub(1)?;
    let fields = map.iter().map(|(key, value)| {
        let is_plain = key.chars().all(|c| is_visible(c) && c != '\n');
        is_plain.then_some(())?;
        Some((key.clone(), clean(value, depth)?))
    });
    fields.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn listed(tools: &[Value]) -> Vec<McpTool> {
        let parsed = tools.iter().map(|tool| serde_json::from_value(tool.clone()).unwrap());
        super::tools(parsed.collect())
    }

    fn with_schema(schema: &Value) -> Vec<McpTool> {
        listed(&[json!({"name": "a", "inputSchema": schema})])
    }

    fn nested(depth: usize) -> Value {
        (1..depth).fold(json!({}), |inner, _| json!({"items": inner}))
    }

    #[test]
    fn a_tool_comes_through_with_what_it_says_of_itself() {
        let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
        let tools = listed(&[
            json!({"name": "read", "description": "Reads.", "inputSchema": schema,
                   "annotations": {"readOnlyHint": true}}),
            json!({"name": "ns/write.it", "title": "Writes", "inputSchema": {},
                   "annotations": {"readOnlyHint": false}}),
            json!({"name": "other", "inputSchema": {"type": "object"}}),
        ]);

        assert_eq!(tools[0].description, "Reads.");
        assert_eq!(Value::Object(tools[0].input_schema.clone()), schema);
        let told = tools.iter().map(|tool| tool.read_only).collect::<Vec<_>>();
        assert_eq!(told, [Some(true), Some(false), None]);
        assert_eq!(
            (tools[1].name.as_str(), tools[1].description.as_str()),
            ("ns/write.it", "Writes")
        );
        assert_eq!(Value::Object(tools[1].input_schema.clone()), json!({"type": "object"}));
    }

    #[test]
    fn names_that_look_like_others_and_second_ones_are_left_out() {
        let names = ["", "a b", "а", "a\u{202e}", "a\n", &"a".repeat(129), "ok", "ok"];
        let tools: Vec<_> =
            names.iter().map(|name| json!({"name": name, "inputSchema": {}})).collect();

        let names: Vec<_> = listed(&tools).into_iter().map(|tool| tool.name).collect();
        assert_eq!(names, ["ok"]);
    }

    #[test]
    fn no_more_than_500_tools_with_4000_characters_each_come_through() {
        let long = format!("\u{1b}[1m{}\u{202e}", "ä".repeat(1_048_576));
        let tool = |number: usize| {
            let description = if number == 0 { long.as_str() } else { "" };
            json!({"name": format!("t{number}"), "description": description, "inputSchema": {}})
        };
        let tools = listed(&(0..10_000).map(tool).collect::<Vec<_>>());

        assert_eq!(tools.len(), MOST_TOOLS);
        assert_eq!(tools[0].description, format!("[1m{}", "ä".repeat(3_997)));
    }

    #[test]
    fn schemas_have_bounds_and_hide_nothing() {
        assert_eq!(with_schema(&nested(MOST_DEPTH)).len(), 1);
        assert_eq!(with_schema(&nested(MOST_DEPTH + 1)), []);
        let of = |bytes: usize| json!({"title": "x".repeat(bytes)});
        let empty = json!({"title": "", "type": "object"}).to_string().len();
        assert_eq!(with_schema(&of(MOST_SCHEMA_BYTES - empty)).len(), 1);
        assert_eq!(with_schema(&of(MOST_SCHEMA_BYTES - empty + 1)), []);
        assert_eq!(with_schema(&json!({"type": "string"})), []);
        assert_eq!(with_schema(&json!({"properties": {"a\u{202e}": {}}})), []);
        let hidden = json!({"properties": {"a": {"description": "do\u{e0041} it\u{7}"}}});
        let shown = json!({"type": "object", "properties": {"a": {"description": "do it"}}});
        assert_eq!(Value::Object(with_schema(&hidden)[0].input_schema.clone()), shown);
        // Left as it is: nothing here follows it.
        let recursive = json!({"$ref": "#", "type": "object"});
        assert_eq!(Value::Object(with_schema(&recursive)[0].input_schema.clone()), recursive);
    }
}
