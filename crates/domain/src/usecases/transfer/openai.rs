//! Assistants from OpenAI: the object of its retired Assistants API, and a reusable
//! prompt.
//!
//! Of a prompt, only `id`, `version` and `variables` are part of OpenAI's API; what
//! it says is seen in the dashboard and in the echo of a response, whose names
//! (`instructions`, `input`, `tools`, `text`, …) are read here.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{package::Package, report::Report};
use crate::fault::pointer_to;

/// What identifiers from there begin with, so that none is taken for one of ours.
const NAMESPACE: &str = "openai:";

const NO_COUNTERPART: &str = "has no counterpart here";
const AT_OPENAI: &str = "it is kept at OpenAI; attach it here";

/// An object of the Assistants API (`"object": "assistant"`).
pub(super) fn assistant(document: Map<String, Value>) -> Package {
    let mut reading = Reading::new(document, &["object", "created_at"]);
    reading.name("Imported assistant");
    reading.take("description", "description");
    reading.take("model", "default_model_key");
    reading.take("instructions", "instructions");
    reading.tools();
    reading.tool_resources();
    reading.take("metadata", "metadata");
    reading.take("temperature", "temperature");
    reading.take("top_p", "top_p");
    if let Some(format) = reading.value("response_format") {
        reading.format("/response_format", &format, "json_schema");
    }
    if let Some(effort) = reading.value("reasoning_effort") {
        reading.reasoning("/reasoning_effort", json!({ "effort": effort }));
    }
    reading.finish()
}

/// A reusable prompt.
pub(super) fn prompt(document: Map<String, Value>) -> Package {
    let mut reading = Reading::new(document, &["object", "created_at", "version", "is_default"]);
    reading.name("Imported prompt");
    reading.take("description", "description");
    reading.take("model", "default_model_key");
    reading.instructions();
    reading.variables();
    reading.tools();
    for (from, to) in [
        ("metadata", "metadata"),
        ("temperature", "temperature"),
        ("top_p", "top_p"),
        ("max_output_tokens", "max_completion_tokens"),
        ("parallel_tool_calls", "parallel_tool_calls"),
        ("max_tool_calls", "max_tool_calls"),
        ("service_tier", "service_tier"),
        ("store", "store_responses"),
    ] {
        reading.take(from, to);
    }
    if let Some(Value::Object(mut text)) = reading.value("text") {
        if let Some(format) = text.remove("format") {
            reading.format("/text/format", &format, "");
        }
        reading.drop_all("/text", &text, NO_COUNTERPART);
    }
    if let Some(reasoning) = reading.value("reasoning") {
        reading.reasoning("/reasoning", reasoning);
    }
    reading.finish()
}

/// A document, read from its beginning to its end: what is left has no counterpart.
struct Reading {
    document: Map<String, Value>,
    package: Package,
}

impl Reading {
    fn new(mut document: Map<String, Value>, ignored: &[&str]) -> Self {
        for name in ignored {
            document.remove(*name);
        }
        let id = document.remove("id");
        let external = id.as_ref().and_then(Value::as_str).map(|id| format!("{NAMESPACE}{id}"));
        Self { document, package: Package { external, ..Package::default() } }
    }

    fn report(&mut self) -> &mut Report {
        &mut self.package.report
    }

    /// A value that is there and not null.
    fn value(&mut self, name: &str) -> Option<Value> {
        self.document.remove(name).filter(|value| !value.is_null())
    }

    /// Sets a field of ours that comes from `pointer`.
    fn set(&mut self, pointer: &str, field: &str, value: Value) {
        let to = pointer_to("", field);
        if pointer != to {
            self.report().map(pointer, to);
        }
        self.package.places.renamed.insert(field.to_owned(), pointer.to_owned());
        self.package.fields.insert(field.to_owned(), value);
    }

    fn take(&mut self, from: &str, to: &str) {
        if let Some(value) = self.value(from) {
            self.set(&pointer_to("", from), to, value);
        }
    }

    fn name(&mut self, default: &str) {
        self.take("name", "name");
        if !self.package.fields.contains_key("name") {
            self.set("/name", "name", default.into());
            self.report().warnings.push(format!("it has no name and is called `{default}` here"));
        }
    }

    /// The instructions, and messages that stand before every conversation.
    fn instructions(&mut self) {
        let mut texts: Vec<String> = Vec::new();
        let mut place = "/instructions".to_owned();
        let mut messages = Vec::new();
        for name in ["instructions", "messages", "input", "prompt"] {
            match self.value(name) {
                None => {}
                Some(Value::String(text)) => {
                    if texts.is_empty() {
                        place = pointer_to("", name);
                    }
                    texts.push(text);
                }
                Some(Value::Array(items)) => {
                    for (index, item) in items.iter().enumerate() {
                        let at = format!("/{name}/{index}");
                        match self.message(&at, item) {
                            Some(("system" | "developer", text)) => {
                                if texts.is_empty() {
                                    place.clone_from(&at);
                                }
                                texts.push(text);
                            }
                            Some((role, text)) => {
                                messages.push(json!({"role": role, "texts": [text]}));
                            }
                            None => {}
                        }
                    }
                }
                Some(_) => self.report().drop(pointer_to("", name), NO_COUNTERPART),
            }
        }
        if !texts.is_empty() {
            self.set(&place, "instructions", texts.join("\n\n").into());
        }
        if !messages.is_empty() {
            self.set("/messages", "system_message", messages.into());
        }
    }

    /// The role and the text of a message.
    fn message<'a>(&mut self, at: &str, item: &'a Value) -> Option<(&'a str, String)> {
        let role = item.get("role").and_then(Value::as_str);
        let role = role.filter(|r| ["system", "developer", "user", "assistant"].contains(r));
        let mut texts: Vec<&str> = Vec::new();
        match item.get("content") {
            Some(Value::String(text)) => texts.push(text),
            Some(Value::Array(parts)) => {
                for (index, part) in parts.iter().enumerate() {
                    match part.get("text").and_then(Value::as_str).or_else(|| part.as_str()) {
                        Some(text) => texts.push(text),
                        None => self.report().drop(format!("{at}/content/{index}"), "is no text"),
                    }
                }
            }
            _ => {}
        }
        let text = texts.join("\n");
        if let (Some(role), false) = (role, text.is_empty()) {
            return Some((role, text));
        }
        self.report().drop(at, "is no message with a text");
        None
    }

    fn variables(&mut self) {
        let names: Vec<String> = match self.value("variables") {
            Some(Value::Object(variables)) => variables.into_iter().map(|(name, _)| name).collect(),
            Some(Value::Array(variables)) => variables
                .iter()
                .filter_map(|v| v.as_str().or_else(|| v.get("name").and_then(Value::as_str)))
                .map(str::to_owned)
                .collect(),
            _ => return,
        };
        for name in names {
            let reason =
                format!("variables are not filled in here; `{{{{{name}}}}}` stays in the text");
            self.report().drop(pointer_to("/variables", &name), reason);
        }
    }

    /// The tools; what is not listed is off, as it is there.
    fn tools(&mut self) {
        let listed = match self.value("tools") {
            Some(Value::Array(tools)) => tools,
            _ => Vec::new(),
        };
        let mut modes: BTreeMap<&str, &str> = SYSTEM_TOOLS.map(|tool| (tool, "off")).into();
        let mut servers = Vec::new();
        for (index, tool) in listed.into_iter().enumerate() {
            let at = format!("/tools/{index}");
            let Value::Object(mut tool) = tool else {
                self.report().drop(at, "is no tool");
                continue;
            };
            let kind = tool.remove("type");
            match kind.as_ref().and_then(Value::as_str).unwrap_or_default() {
                "mcp" => servers.push(self.server(&at, tool)),
                "function" | "custom" => {
                    let name = tool_name(&tool);
                    let reason = format!(
                        "the function `{name}` runs in the program that calls the assistant; offer it as a tool here"
                    );
                    self.report().drop(at, reason);
                }
                kind => match counterpart(kind) {
                    Some(name) => {
                        modes.insert(name, "auto");
                        self.report().map(&at, format!("/tool_configurations/systemTools/{name}"));
                        self.drop_all(&at, &tool, NO_COUNTERPART);
                    }
                    None => self.report().drop(at, NO_COUNTERPART),
                },
            }
        }
        let tools: Map<String, Value> = modes
            .into_iter()
            .map(|(name, mode)| (name.to_owned(), json!({"mode": mode})))
            .collect();
        let value = json!({"systemTools": tools, "mcpTools": servers});
        self.package.places.renamed.insert("tool_configurations".to_owned(), "/tools".to_owned());
        self.package.fields.insert("tool_configurations".to_owned(), value);
    }

    /// An MCP server, with those of its settings that there are here.
    fn server(&mut self, at: &str, tool: Map<String, Value>) -> Value {
        let mut server = Map::new();
        let mut rest = Map::new();
        for (name, value) in tool {
            let known = SERVER_FIELDS.contains(&name.as_str());
            if known { &mut server } else { &mut rest }.insert(name, value);
        }
        self.drop_all(at, &rest, NO_COUNTERPART);
        self.report().map(at, "/tool_configurations/mcpTools");
        Value::Object(server)
    }

    fn tool_resources(&mut self) {
        let Some(resources) = self.value("tool_resources") else { return };
        for (tool, list) in [("code_interpreter", "file_ids"), ("file_search", "vector_store_ids")]
        {
            let ids = resources.get(tool).and_then(|tool| tool.get(list)).and_then(Value::as_array);
            for index in 0..ids.map_or(0, Vec::len) {
                let at = format!("/tool_resources/{tool}/{list}/{index}");
                self.report().drop(at, AT_OPENAI);
            }
        }
    }

    /// The form of an answer: a word, or an object whose schema stands under `inner`.
    fn format(&mut self, at: &str, format: &Value, inner: &str) {
        let kind = format.as_str().or_else(|| format.get("type").and_then(Value::as_str));
        self.set(at, "response_format", kind.unwrap_or_default().into());
        if kind != Some("json_schema") {
            return;
        }
        let (at, given) = match format.get(inner) {
            Some(given) => (pointer_to(at, inner), given),
            None => (at.to_owned(), format),
        };
        let schema = json!([{
            "name": given.get("name"),
            "description": given.get("description"),
            "schemaObject": given.get("schema"),
        }]);
        if given.get("strict") == Some(&Value::Bool(true)) {
            self.report().drop(format!("{at}/strict"), NO_COUNTERPART);
        }
        self.set(&at, "json_schemas", schema);
    }

    fn reasoning(&mut self, at: &str, reasoning: Value) {
        let Value::Object(mut given) = reasoning else {
            self.report().drop(at, NO_COUNTERPART);
            return;
        };
        let mut ours = Map::new();
        for (name, words) in [("effort", EFFORTS), ("summary", &[])] {
            let Some(word) = given.remove(name).filter(|word| !word.is_null()) else { continue };
            let other = words.iter().find(|(theirs, _)| word == *theirs);
            ours.insert(name.to_owned(), other.map_or(word, |(_, ours)| (*ours).into()));
        }
        self.drop_all(at, &given, NO_COUNTERPART);
        if !ours.is_empty() {
            self.set(at, "reasoning", ours.into());
        }
    }

    fn drop_all(&mut self, at: &str, rest: &Map<String, Value>, reason: &str) {
        for (name, _) in rest.iter().filter(|(_, value)| !value.is_null()) {
            self.package.report.drop(pointer_to(at, name), reason);
        }
    }

    fn finish(mut self) -> Package {
        let rest = std::mem::take(&mut self.document);
        self.drop_all("", &rest, NO_COUNTERPART);
        self.package
    }
}

/// The name of a function, where either API has it.
fn tool_name(tool: &Map<String, Value>) -> &str {
    let nested = tool.get("function").and_then(|function| function.get("name"));
    tool.get("name").or(nested).and_then(Value::as_str).unwrap_or("unnamed")
}

const SYSTEM_TOOLS: [&str; 6] = [
    "webSearch",
    "codeInterpreter",
    "fileSearch",
    "computerUsePreview",
    "imageGeneration",
    "fileRetrieval",
];

/// The tool here that does what `kind` does there.
fn counterpart(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "code_interpreter" => "codeInterpreter",
        "file_search" | "retrieval" => "fileSearch",
        "image_generation" => "imageGeneration",
        "computer_use_preview" | "computer" => "computerUsePreview",
        web if web.starts_with("web_search") => "webSearch",
        _ => return None,
    })
}

const SERVER_FIELDS: [&str; 8] = [
    "server_label",
    "server_url",
    "server_description",
    "connector_id",
    "allowed_tools",
    "require_approval",
    "authorization",
    "headers",
];

/// What efforts are called here.
const EFFORTS: &[(&str, &str)] = &[("none", "off"), ("xhigh", "maximum")];
