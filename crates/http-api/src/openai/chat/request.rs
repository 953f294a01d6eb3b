//! Reading what is asked.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use understudy_domain::{
    assistant::content::MessageRole,
    conversation::{Item, Part},
    run::{Overrides, RequestFormat, RunRequest},
    usecases::runs::{StartRun, Threading},
};

use crate::{
    asking::{chat_call, logit_bias, one_or_more, optional, result, schema, tool, tool_choice},
    fields::Fields,
    openai::reading::{content, effort, ignore, ignore_null, only, service_tier, text_of},
    problem::Problem,
};

/// What clients send that changes nothing here: who the user is stands in the
/// credential, and what is cached where is the provider's affair.
const IGNORED: [&str; 6] = [
    "user",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "prediction",
];
const ROLES: &str = "must be one of system, developer, user, assistant, tool";
const MODALITIES: &str = "must be `text`: answers are not spoken";

/// How the answer is to be told.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Wish {
    /// The model as it was named.
    pub(super) model: String,
    /// Whether a stream ends with what was used.
    pub(super) include_usage: bool,
    /// Whether log probabilities are told.
    pub(super) logprobs: bool,
}

/// Reads a body.
pub(super) fn read(value: Value) -> Result<(Wish, StartRun), Problem> {
    let mut fields = Fields::of(value)?;
    let model = fields.required("model", Fields::text);
    let (instructions, input) = messages(&mut fields);
    let overrides = overrides(&mut fields);
    let logprobs = optional(&mut fields, "logprobs", Fields::flag).unwrap_or(false);
    if overrides.top_logprobs.is_some() && !logprobs {
        fields.fault("top_logprobs", "contradiction", "needs `logprobs: true` beside it");
    }
    let stream = optional(&mut fields, "stream", Fields::flag).unwrap_or(false);
    let request = RunRequest {
        input,
        instructions,
        overrides: Overrides {
            top_logprobs: overrides.top_logprobs.or(logprobs.then_some(0)),
            ..overrides
        },
        tools: optional(&mut fields, "tools", |f, name| f.items(name, tool)).unwrap_or_default(),
        tool_choice: optional(&mut fields, "tool_choice", tool_choice),
        metadata: optional(&mut fields, "metadata", Fields::pairs).unwrap_or_default(),
        include: logprobs.then(|| "message.logprobs".to_owned()).into_iter().collect(),
        final_deltas: stream,
        ..RunRequest::default()
    };
    let include_usage = optional(&mut fields, "stream_options", stream_options).unwrap_or(false);
    let store = optional(&mut fields, "store", Fields::flag).unwrap_or(false);
    only(&mut fields, "n", &json!(1), "must be 1");
    only(&mut fields, "modalities", &json!(["text"]), MODALITIES);
    only(&mut fields, "audio", &Value::Null, "is not for answers, which are not spoken");
    ignore(&mut fields, &IGNORED);
    fields.finish()?;
    let command = StartRun {
        request,
        threading: Threading::Nowhere,
        stream: Some(stream),
        background: false,
        // What is not stored goes with its connection.
        store: (!store).then_some(false),
    };
    Ok((Wish { model, include_usage, logprobs }, command))
}

fn stream_options(fields: &mut Fields, name: &str) -> Option<bool> {
    let read = |inner: &mut Fields| {
        ignore(inner, &["include_obfuscation"]);
        optional(inner, "include_usage", Fields::flag).unwrap_or(false)
    };
    fields.inner(name, read)
}

fn overrides(fields: &mut Fields) -> Overrides {
    let older = optional(fields, "max_tokens", Fields::count);
    let newer = optional(fields, "max_completion_tokens", Fields::count);
    if older.is_some() && newer.is_some() && older != newer {
        let message = "must agree with `max_completion_tokens`";
        fields.fault("max_tokens", "contradiction", message);
    }
    Overrides {
        temperature: optional(fields, "temperature", Fields::number),
        top_p: optional(fields, "top_p", Fields::number),
        frequency_penalty: optional(fields, "frequency_penalty", Fields::number),
        presence_penalty: optional(fields, "presence_penalty", Fields::number),
        logit_bias: optional(fields, "logit_bias", logit_bias),
        seed: optional(fields, "seed", Fields::long),
        stop_sequences: optional(fields, "stop", one_or_more),
        max_completion_tokens: newer.or(older),
        parallel_tool_calls: optional(fields, "parallel_tool_calls", Fields::flag),
        reasoning_effort: effort(fields, "reasoning_effort"),
        service_tier: service_tier(fields),
        top_logprobs: optional(fields, "top_logprobs", Fields::count),
        format: optional(fields, "response_format", format),
        verbosity: optional(fields, "verbosity", Fields::text),
        ..Overrides::default()
    }
}

fn format(fields: &mut Fields, name: &str) -> Option<RequestFormat> {
    fields.inner(name, |inner| {
        let kind = inner.required("type", Fields::text);
        match kind.as_str() {
            "text" => Some(RequestFormat::Text),
            "json_object" => Some(RequestFormat::JsonObject),
            "json_schema" => {
                inner.require("json_schema");
                inner.inner("json_schema", schema).flatten()
            }
            _ => {
                inner.fault("type", "enum", "must be one of text, json_object, json_schema");
                None
            }
        }
    })?
}

/// What the system says, which is instructions here, and what is said beside that.
fn messages(fields: &mut Fields) -> (Option<String>, Vec<Item>) {
    fields.require("messages");
    let said = fields.items("messages", |inner| Some(message(inner))).unwrap_or_default();
    let (mut instructions, mut items) = (Vec::new(), Vec::new());
    for message in said {
        match message {
            Said::Instructions(text) => instructions.push(text),
            Said::Items(said) => items.extend(said),
        }
    }
    ((!instructions.is_empty()).then(|| instructions.join("\n\n")), items)
}

enum Said {
    Instructions(String),
    Items(Vec<Item>),
}

fn message(fields: &mut Fields) -> Said {
    let role = fields.required("role", Fields::text);
    match role.as_str() {
        "system" | "developer" => {
            ignore(fields, &["name"]);
            fields.require("content");
            Said::Instructions(text_of(fields, "content"))
        }
        "user" => {
            ignore(fields, &["name"]);
            let parts = content(fields, "content");
            if parts.is_empty() {
                fields.fault("content", "required", "must not be empty");
            }
            Said::Items(vec![Item::Message { role: MessageRole::User, parts }])
        }
        "assistant" => Said::Items(assistant(fields)),
        "tool" => Said::Items(vec![result(fields, "tool_call_id", "content")]),
        _ => {
            fields.fault("role", "enum", ROLES);
            Said::Items(Vec::new())
        }
    }
}

/// What the assistant said before, and the calls that it made.
fn assistant(fields: &mut Fields) -> Vec<Item> {
    // What an answer told, a client may send back.
    ignore(fields, &["name", "annotations", "parsed"]);
    ignore_null(fields, &["audio", "function_call"]);
    let mut parts = content(fields, "content");
    parts.retain(|part| !matches!(part, Part::Text { text } if text.is_empty()));
    let refusal = optional(fields, "refusal", Fields::text);
    parts.extend(refusal.map(|text| Part::Refusal { text }));
    let calls = optional(fields, "tool_calls", |f, name| f.items(name, chat_call));
    let said = Item::Message { role: MessageRole::Assistant, parts: parts.clone() };
    let said = (!parts.is_empty()).then_some(said);
    said.into_iter().chain(calls.into_iter().flatten().map(Item::ToolCall)).collect()
}

#[cfg(test)]
mod tests {
    use understudy_domain::conversation::MediaSource;

    use super::*;

    fn asked(messages: &Value) -> (Wish, StartRun) {
        read(json!({"model": "support", "messages": messages})).unwrap()
    }

    fn problem(body: Value) -> String {
        format!("{:?}", read(body).unwrap_err())
    }

    #[test]
    fn messages_become_instructions_and_items() {
        let messages = json!([
            {"role": "system", "content": "Be brief."},
            {"role": "developer", "content": [{"type": "text", "text": "Be kind."}]},
            {"role": "user", "name": "ada", "content": [
                {"type": "text", "text": "Look:"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA", "detail": "low"}},
                {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
                {"type": "file", "file": {"file_data": "data:application/pdf;base64,AAAA", "filename": "a.pdf"}},
            ]},
            {"role": "assistant", "content": null, "refusal": null, "audio": null,
             "annotations": [], "function_call": null, "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "7"}]},
        ]);
        let (wish, command) = asked(&messages);

        assert_eq!((wish.model.as_str(), command.stream), ("support", Some(false)));
        assert_eq!((command.threading, command.store), (Threading::Nowhere, Some(false)));
        let request = command.request;
        assert_eq!(request.instructions.as_deref(), Some("Be brief.\n\nBe kind."));
        let [Item::Message { parts, .. }, Item::ToolCall(call), Item::ToolResult(result)] =
            request.input.as_slice()
        else {
            panic!("{:?}", request.input)
        };
        assert_eq!(parts.len(), 4);
        assert!(matches!(&parts[1], Part::Image { source: MediaSource::Data { .. } }));
        assert!(matches!(&parts[3], Part::File { name: Some(name), .. } if name == "a.pdf"));
        assert_eq!((call.id.as_str(), result.content.as_str()), ("c1", "7"));
    }

    #[test]
    fn where_a_request_goes_is_not_the_callers_to_say() {
        for field in ["api_base", "base_url", "api_key", "extra_headers", "fallbacks"] {
            let body =
                json!({"model": "a", "messages": [{"role": "user", "content": "x"}], field: 1});
            assert!(problem(body).contains("unknown_field"), "{field}");
            let inside =
                json!({"model": "a", "messages": [{"role": "user", "content": "x", field: 1}]});
            assert!(problem(inside).contains("unknown_field"), "{field}");
        }
    }

    #[test]
    fn settings_are_those_of_the_run() {
        let body = json!({
            "model": "a", "messages": [{"role": "user", "content": "x"}],
            "max_tokens": 5, "stop": "END", "logprobs": true, "reasoning_effort": "xhigh",
            "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}}},
            "tools": [{"type": "function", "function": {"name": "f", "strict": true}}],
            "tool_choice": {"type": "function", "function": {"name": "f"}},
            "user": "u", "prompt_cache_key": "k", "n": 1, "store": true,
            "stream": true, "stream_options": {"include_usage": true},
        });
        let (wish, command) = read(body).unwrap();

        assert!(wish.include_usage && wish.logprobs);
        assert_eq!((command.stream, command.store), (Some(true), None));
        let Overrides { max_completion_tokens, stop_sequences, top_logprobs, format, .. } =
            command.request.overrides;
        assert_eq!((max_completion_tokens, top_logprobs), (Some(5), Some(0)));
        assert_eq!(stop_sequences, Some(vec!["END".to_owned()]));
        assert!(matches!(format, Some(RequestFormat::JsonSchema { .. })));
        assert_eq!(command.request.tools.len(), 1);
    }

    #[test]
    fn every_fault_is_told_where_it_is() {
        let found = problem(json!({
            "messages": [{"role": "boss", "content": "x"}, {"role": "user", "content": [{"type": "video"}]}],
            "n": 2, "temperature": "hot", "modalities": ["audio"], "top_logprobs": 2,
        }));
        for expected in [
            "/model",
            "/messages/0/role",
            "/messages/1/content/0/type",
            "/n",
            "/temperature",
            "/modalities",
            "/top_logprobs",
        ] {
            assert!(found.contains(&format!("\"{expected}\"")), "{expected} is not in {found}");
        }
    }
}
