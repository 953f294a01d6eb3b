//! Reading what is asked. Only its form is looked at here; what may be asked is the
//! domain's affair, whatever dialect it comes in.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use understudy_domain::{
    ThreadId,
    assistant::content::{
        ContextStrategy, ReasoningEffort, ReasoningSummary, ServiceTier, ToolMode,
    },
    run::{Overrides, RequestFormat, RunRequest},
    usecases::runs::{StartRun, Threading},
};

use super::items;
use crate::{
    asking::{logit_bias, one_or_more, optional, schema, tool, tool_choice, truncation},
    fields::{Fields, camel, text_or_other},
    problem::Problem,
};

/// Reads a body.
pub(super) fn read(value: Value) -> Result<StartRun, Problem> {
    let mut fields = Fields::of(value)?;
    fields.require("input");
    let command = StartRun {
        request: RunRequest {
            input: fields
                .any("input")
                .map(|input| items::read(&mut fields, input))
                .unwrap_or_default(),
            // They are decided one by one, and the same response goes on.
            decisions: Vec::new(),
            instructions: optional(&mut fields, "instructions", Fields::text),
            version: None,
            previous: optional(&mut fields, "previous_response_id", Fields::parsed),
            overrides: overrides(&mut fields),
            tools: optional(&mut fields, "tools", |f, name| f.items(name, tool))
                .unwrap_or_default(),
            tool_choice: optional(&mut fields, "tool_choice", tool_choice),
            system_tools: optional(&mut fields, "system_tools", system_tools).unwrap_or_default(),
            vector_store_ids: optional(&mut fields, "vector_store_ids", Fields::texts)
                .unwrap_or_default(),
            rules: rules(&mut fields),
            metadata: optional(&mut fields, "metadata", Fields::pairs).unwrap_or_default(),
            include: optional(&mut fields, "include", Fields::texts)
                .into_iter()
                .flatten()
                .collect(),
            // Who follows is told where text is taken back.
            final_deltas: false,
        },
        threading: match optional(&mut fields, "thread_id", Fields::parsed::<ThreadId>) {
            Some(thread) => Threading::Continue(thread),
            None => Threading::New,
        },
        stream: optional(&mut fields, "stream", Fields::flag),
        background: optional(&mut fields, "background", Fields::flag).unwrap_or(true),
        store: optional(&mut fields, "store", Fields::flag),
    };
    fields.finish().map(|()| command)
}

fn overrides(fields: &mut Fields) -> Overrides {
    let reasoning = optional(fields, "reasoning", |f, name| f.inner(name, reasoning));
    let (reasoning_effort, reasoning_summary) = reasoning.unwrap_or_default();
    let verbosity = |inner: &mut Fields| optional(inner, "verbosity", Fields::text);
    Overrides {
        model: optional(fields, "model", Fields::text),
        temperature: optional(fields, "temperature", Fields::number),
        top_p: optional(fields, "top_p", Fields::number),
        frequency_penalty: optional(fields, "frequency_penalty", Fields::number),
        presence_penalty: optional(fields, "presence_penalty", Fields::number),
        logit_bias: optional(fields, "logit_bias", logit_bias),
        seed: optional(fields, "seed", Fields::long),
        stop_sequences: stop_sequences(fields),
        max_completion_tokens: optional(fields, "max_completion_tokens", Fields::count),
        max_tool_calls: optional(fields, "max_tool_calls", Fields::count),
        parallel_tool_calls: optional(fields, "parallel_tool_calls", Fields::flag),
        reasoning_effort,
        reasoning_summary,
        service_tier: optional(fields, "service_tier", |f, name| {
            f.word(name, &["auto", "default", "flex", "priority"], ServiceTier::from_word)
        }),
        top_logprobs: optional(fields, "top_logprobs", Fields::count),
        format: format(fields),
        verbosity: optional(fields, "text_config", |f, name| f.inner(name, verbosity)).flatten(),
        context_strategy: optional(fields, "context_strategy", |f, name| {
            f.word(name, &["full", "off", "auto", "saver"], ContextStrategy::from_word)
        }),
        context_window: optional(fields, "context_window", Fields::count),
        truncation: optional(fields, "truncation", truncation),
    }
}

fn reasoning(fields: &mut Fields) -> (Option<ReasoningEffort>, Option<ReasoningSummary>) {
    let efforts = ["off", "minimal", "low", "medium", "high", "maximum"];
    let summaries = ["auto", "concise", "detailed", "off"];
    (
        optional(fields, "effort", |f, name| f.word(name, &efforts, ReasoningEffort::from_word)),
        optional(fields, "summary", |f, name| {
            f.word(name, &summaries, ReasoningSummary::from_word)
        }),
    )
}

/// `stop_sequences`, in one of its three spellings; one text is a list of one.
fn stop_sequences(fields: &mut Fields) -> Option<Vec<String>> {
    let sequences = optional(fields, "stopSequences", one_or_more);
    let stop = optional(fields, "stop", one_or_more);
    if sequences.is_some() && stop.is_some() {
        fields.fault("stop", "duplicate_field", "is given twice, also as `stopSequences`");
    }
    sequences.or(stop)
}

fn rules(fields: &mut Fields) -> Vec<understudy_domain::RuleId> {
    let texts = optional(fields, "rules", Fields::texts).unwrap_or_default();
    let mut rules = Vec::with_capacity(texts.len());
    for (index, text) in texts.iter().enumerate() {
        match text.parse() {
            Ok(id) => rules.push(id),
            Err(_) => fields.fault_at("rules", index, "invalid", "must be the id of a rule"),
        }
    }
    rules
}

/// `response_format`, or `output_mode`, with the schema beside it or in it.
fn format(fields: &mut Fields) -> Option<RequestFormat> {
    let schema = optional(fields, "json_schema", |f, name| f.inner(name, schema)).flatten();
    let named = optional(fields, "json_schema_id", Fields::text);
    let mode = optional(fields, "output_mode", |f, name| kind(f, name, None));
    let format = optional(fields, "response_format", |f, name| kind(f, name, schema.as_ref()));
    if mode.is_some() && format.is_some() && mode != format {
        fields.fault("output_mode", "contradiction", "must agree with `response_format`");
    }
    match format.or(mode) {
        None if schema.is_some() || named.is_some() => {
            let name = if schema.is_some() { "json_schema" } else { "json_schema_id" };
            fields.fault(name, "contradiction", "needs `response_format: json_schema` beside it");
            None
        }
        None | Some(Form::Auto) => None,
        Some(Form::Plain(format)) => Some(format),
        Some(Form::Schema(inside)) => match (inside.or(schema), named) {
            (Some(schema), None) => Some(schema),
            (None, Some(name)) => Some(RequestFormat::NamedSchema { name }),
            (Some(_), Some(_)) => {
                let message = "must not be given beside `json_schema`";
                fields.fault("json_schema_id", "contradiction", message);
                None
            }
            (None, None) => {
                let message = "is required here, or `json_schema_id`";
                fields.fault("json_schema", "required", message);
                None
            }
        },
    }
}

/// A form that is asked for.
#[derive(Clone, PartialEq)]
enum Form {
    /// As the assistant says.
    Auto,
    /// One without a schema.
    Plain(RequestFormat),
    /// One with this schema, or one that stands elsewhere.
    Schema(Option<RequestFormat>),
}

fn kind(fields: &mut Fields, name: &str, beside: Option<&RequestFormat>) -> Option<Form> {
    match fields.any(name)? {
        Value::String(word) => form(fields, name, &word, None),
        value @ Value::Object(_) => {
            let at = format!("/{name}");
            let read = |inner: &mut Fields| {
                let word = inner.required("type", Fields::text);
                let nested = optional(inner, "json_schema", |f, name| f.inner(name, schema));
                let nested = nested.flatten();
                // Some put the schema right beside its type.
                let flat = inner.has("schema").then(|| schema(inner)).flatten();
                (word, nested.or(flat))
            };
            let (word, inside) = fields.nested(&at, value, read)?;
            if inside.is_some() && beside.is_some() {
                fields.fault("json_schema", "duplicate_field", "is given twice");
            }
            form(fields, name, &word, inside)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
            fields.fault(name, "type", "must be a word, or an object with a `type`");
            None
        }
    }
}

fn form(
    fields: &mut Fields,
    name: &str,
    word: &str,
    schema: Option<RequestFormat>,
) -> Option<Form> {
    Some(match word {
        "auto" => Form::Auto,
        "text" => Form::Plain(RequestFormat::Text),
        "plain" => Form::Plain(RequestFormat::Plain),
        "json_object" | "json" => Form::Plain(RequestFormat::JsonObject),
        "json_schema" => Form::Schema(schema),
        _ => {
            let message = "must be one of auto, text, plain, json_object, json_schema";
            fields.fault(name, "enum", message);
            return None;
        }
    })
}

/// Modes of built-in tools: a word, or an object with a `mode`.
fn system_tools(fields: &mut Fields, name: &str) -> Option<BTreeMap<String, ToolMode>> {
    let given = fields.object(name)?;
    let mut modes = BTreeMap::new();
    for (tool, value) in given {
        let at = understudy_domain::fault::pointer_to(&format!("/{name}"), &tool);
        let value = text_or_other(value).map_or_else(
            |other| other,
            |word| Map::from_iter([("mode".to_owned(), word.into())]).into(),
        );
        let mode = |inner: &mut Fields| {
            inner.require("mode");
            inner.word("mode", &["on", "off", "auto"], ToolMode::from_word)
        };
        if let Some(mode) = fields.nested(&at, value, mode).flatten() {
            modes.insert(camel(&tool), mode);
        }
    }
    Some(modes)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use understudy_domain::{
        assistant::content::MessageRole,
        chat::ToolChoice,
        conversation::{Item, MediaSource, Part},
    };

    use super::*;

    fn problem(body: Value) -> String {
        format!("{:?}", read(body).unwrap_err())
    }

    #[test]
    fn a_text_is_what_a_user_says_in_a_new_thread() {
        let StartRun { request, threading, stream, background, store } =
            read(json!({"input": "Hello"})).unwrap();

        assert_eq!(request.input, [Item::text(MessageRole::User, "Hello")]);
        assert_eq!(request, RunRequest { input: request.input.clone(), ..RunRequest::default() });
        assert_eq!(threading, Threading::New);
        assert_eq!((stream, background, store), (None, true, None));
    }

    #[test]
    fn settings_are_read_in_either_casing() {
        let snake = json!({
            "input": "x", "max_completion_tokens": 5, "stop_sequences": ["END"],
            "response_format": "json_object", "reasoning": {"effort": "high"},
            "system_tools": {"web_search": {"mode": "off"}}, "parallel_tool_calls": false,
            "text_config": {"verbosity": "low"}, "tool_choice": "required",
        });
        let camel = json!({
            "input": "x", "maxCompletionTokens": 5, "stop": "END",
            "responseFormat": {"type": "json_object"}, "reasoning": {"effort": "high"},
            "systemTools": {"webSearch": "off"}, "parallelToolCalls": false,
            "textConfig": {"verbosity": "low"}, "toolChoice": "required",
        });

        let request = read(snake).unwrap().request;
        assert_eq!(request, read(camel).unwrap().request);
        let Overrides { max_completion_tokens, stop_sequences, format, .. } = request.overrides;
        assert_eq!(max_completion_tokens, Some(5));
        assert_eq!(stop_sequences, Some(vec!["END".to_owned()]));
        assert_eq!(format, Some(RequestFormat::JsonObject));
        assert_eq!(request.system_tools, [("webSearch".to_owned(), ToolMode::Off)].into());
        assert_eq!(request.tool_choice, Some(ToolChoice::Required));
    }

    #[test]
    fn where_a_request_goes_is_not_the_callers_to_say() {
        for field in ["api_base", "base_url", "api_key", "headers", "fallbacks", "extra_body"] {
            let found = problem(json!({"input": "x", field: "https://example.com"}));
            assert!(found.contains("unknown_field"), "{field}: {found}");
            let nested = json!({"input": [{"role": "user", "content": "x", field: 1}]});
            assert!(problem(nested).contains("unknown_field"), "{field}");
            let reasoning = json!({"input": "x", "reasoning": {"effort": "low", field: 1}});
            assert!(problem(reasoning).contains("unknown_field"), "{field}");
        }
    }

    #[test]
    fn every_fault_is_told_at_once_where_it_is() {
        let found = problem(json!({
            "temperature": "hot", "thread_id": "x", "rules": ["y"], "colour": 1,
            "service_tier": "best", "tools": [{"type": "mcp", "name": "a"}], "stream": 1,
        }));
        for expected in [
            "/input",
            "/temperature",
            "/thread_id",
            "/rules/0",
            "/colour",
            "/service_tier",
            "/tools/0/type",
            "/stream",
        ] {
            assert!(found.contains(&format!("\"{expected}\"")), "{expected} is not in {found}");
        }
    }

    #[test]
    fn a_schema_stands_beside_its_form_or_in_it() {
        let schema = json!({"type": "object"});
        let forms = [
            json!({"response_format": "json_schema", "json_schema": {"name": "a", "schema": schema}}),
            json!({"output_mode": "json_schema", "json_schema": {"name": "a", "schemaObject": schema}}),
            json!({"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}}),
            json!({"response_format": {"type": "json_schema", "name": "a", "schema": schema}}),
        ];
        for form in forms {
            let mut body = form.clone();
            body["input"] = "x".into();
            let format = read(body).unwrap().request.overrides.format;
            assert!(
                matches!(&format, Some(RequestFormat::JsonSchema { name, .. }) if name == "a"),
                "{form}: {format:?}"
            );
        }
        let named = json!({"input": "x", "response_format": "json_schema", "json_schema_id": "b"});
        let format = read(named).unwrap().request.overrides.format;
        assert_eq!(format, Some(RequestFormat::NamedSchema { name: "b".to_owned() }));
        assert!(
            problem(json!({"input": "x", "response_format": "json_schema"}))
                .contains("/json_schema")
        );
        assert!(problem(json!({"input": "x", "json_schema_id": "b"})).contains("contradiction"));
    }

    #[test]
    fn messages_are_read_as_any_client_writes_them() {
        let file = understudy_domain::FileId::from_uuid(uuid::Uuid::from_u128(7));
        let input = json!([
            "Hello",
            {"role": "user", "content": [
                {"type": "text", "text": "Look:"},
                {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
                {"type": "file", "file_id": file.to_string(), "name": "a.md"},
                {"type": "input_image", "image_url": "data:image/png;base64,AAAA"},
            ]},
            {"role": "user", "texts": ["a", {"text": "b"}], "images": ["https://example.com/b.png"]},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}},
            ]},
            {"role": "tool", "tool_call_id": "c1", "content": "done"},
            {"type": "function_call", "call_id": "c2", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c2", "output": {"ok": true}},
        ]);
        let items = read(json!({"input": input})).unwrap().request.input;

        assert_eq!(items.len(), 7);
        let Item::Message { parts, .. } = &items[1] else { panic!("{items:?}") };
        assert_eq!(parts.len(), 4);
        assert!(
            matches!(&parts[2], Part::File { source: MediaSource::File(id), .. } if *id == file)
        );
        assert!(matches!(&parts[3], Part::Image { source: MediaSource::Data { .. } }));
        let Item::Message { parts, .. } = &items[2] else { panic!("{items:?}") };
        assert_eq!(parts.len(), 3);
        assert!(matches!(&items[3], Item::ToolCall(call) if call.id == "c1"));
        assert!(matches!(&items[4], Item::ToolResult(result) if result.content == "done"));
        assert!(
            matches!(&items[6], Item::ToolResult(result) if result.content == r#"{"ok":true}"#)
        );
    }

    #[test]
    fn what_is_no_message_is_refused_where_it_is() {
        let input = json!([
            {"role": "boss", "content": "x"},
            {"role": "user", "content": []},
            {"role": "user", "content": [{"type": "video"}]},
            {"role": "user", "content": [{"type": "image", "url": "data:image/png,x"}]},
            {"role": "tool", "content": "x"},
            7,
        ]);
        let found = problem(json!({"input": input}));
        for expected in [
            "/input/0/role",
            "/input/1/content",
            "/input/2/content/0/type",
            "/input/3/content/0/url",
            "/input/4/tool_call_id",
            "/input/5",
        ] {
            assert!(found.contains(&format!("\"{expected}\"")), "{expected} is not in {found}");
        }
    }
}
