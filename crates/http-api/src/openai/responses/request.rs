//! Reading what is asked.

use std::collections::BTreeMap;

use serde_json::Value;
use understudy_domain::{
    assistant::content::{ReasoningEffort, ReasoningSummary, ToolMode},
    run::{CallerTool, Overrides, RequestFormat, RunRequest},
    usecases::runs::{StartRun, Threading},
};

use crate::{
    asking::{optional, schema, tool, tool_choice, truncation},
    fields::Fields,
    openai::{
        conversations::thread_of,
        reading::{INCLUDES, effort, ignore, ignore_null, only, service_tier},
        said::Said,
    },
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
    "stream_options",
];
/// What OpenAI does with requests that this service does otherwise.
const ABSENT: [&str; 4] = ["prompt", "moderation", "context_management", "background_options"];
/// Built-in tools by what requests call them, and what the assistant object does.
const BUILT_IN: [(&str, &str); 6] = [
    ("web_search", "webSearch"),
    ("web_search_preview", "webSearch"),
    ("web_search_2025_08_26", "webSearch"),
    ("file_search", "fileSearch"),
    ("code_interpreter", "codeInterpreter"),
    ("image_generation", "imageGeneration"),
];
/// How a request would set built-in tools up, which is the assistant's to say.
const SET_UP: [&str; 14] = [
    "container",
    "search_context_size",
    "user_location",
    "max_num_results",
    "ranking_options",
    "background",
    "input_fidelity",
    "model",
    "moderation",
    "output_compression",
    "output_format",
    "partial_images",
    "quality",
    "size",
];

/// Reads a body: the model as it was named, and what is asked.
pub(super) fn read(value: Value) -> Result<(String, StartRun), Problem> {
    let mut fields = Fields::of(value)?;
    let model = fields.required("model", Fields::text);
    let said = Said::of_request(&mut fields);
    let instructions = optional(&mut fields, "instructions", Fields::text);
    let given: Vec<String> = instructions.into_iter().chain(said.instructions).collect();
    let tools = tools(&mut fields);
    let include = include(&mut fields);
    let wants_logprobs = include.is_some();
    let overrides = overrides(&mut fields);
    let top_logprobs = overrides.top_logprobs.or(wants_logprobs.then_some(0));
    let stream = optional(&mut fields, "stream", Fields::flag);
    let request = RunRequest {
        input: said.items,
        decisions: said.decisions,
        instructions: (!given.is_empty()).then(|| given.join("\n\n")),
        previous: optional(&mut fields, "previous_response_id", Fields::parsed),
        overrides: Overrides { top_logprobs, ..overrides },
        tools: tools.functions,
        tool_choice: optional(&mut fields, "tool_choice", tool_choice),
        system_tools: tools.built_in,
        vector_store_ids: tools.vector_stores,
        metadata: optional(&mut fields, "metadata", Fields::pairs).unwrap_or_default(),
        include: include.into_iter().collect(),
        final_deltas: stream == Some(true),
        ..RunRequest::default()
    };
    let store = optional(&mut fields, "store", Fields::flag);
    let threading = threading(&mut fields, &request, store);
    let background = optional(&mut fields, "background", Fields::flag).unwrap_or(false);
    if background && store == Some(false) {
        fields.fault("background", "contradiction", "needs `store`: who would read it?");
    }
    ignore(&mut fields, &IGNORED);
    for name in ABSENT {
        only(&mut fields, name, &Value::Null, "is the assistant's to say");
    }
    fields.finish()?;
    Ok((model, StartRun { request, threading, stream, background, store }))
}

/// Where the conversation is kept.
fn threading(fields: &mut Fields, request: &RunRequest, store: Option<bool>) -> Threading {
    let conversation = match fields.any("conversation") {
        None | Some(Value::Null) => None,
        Some(Value::String(id)) => Some(id),
        Some(value) => {
            fields.nested("/conversation", value, |inner| inner.required("id", Fields::text))
        }
    };
    match conversation {
        Some(_) if request.previous.is_some() => {
            let message = "must not be given beside `previous_response_id`";
            fields.fault("conversation", "contradiction", message);
            Threading::Nowhere
        }
        Some(id) => {
            let thread = thread_of(&id);
            if thread.is_none() {
                fields.fault("conversation", "invalid", "must be the id of a conversation");
            }
            thread.map_or(Threading::Nowhere, Threading::Continue)
        }
        None if store == Some(false) && request.previous.is_none() => Threading::Nowhere,
        None => Threading::New,
    }
}

/// What else to tell, by our names.
fn include(fields: &mut Fields) -> Option<String> {
    let names = optional(fields, "include", Fields::texts).unwrap_or_default();
    for (index, name) in names.iter().enumerate() {
        if !INCLUDES.contains(&name.as_str()) {
            let message = format!("must be one of {}", INCLUDES.join(", "));
            fields.fault_at("include", index, "enum", message);
        }
    }
    names
        .iter()
        .any(|name| name == "message.output_text.logprobs")
        .then(|| "message.logprobs".to_owned())
}

fn overrides(fields: &mut Fields) -> Overrides {
    let reasoning = optional(fields, "reasoning", |f, name| f.inner(name, reasoning));
    let (reasoning_effort, reasoning_summary) = reasoning.unwrap_or_default();
    let text = optional(fields, "text", |f, name| f.inner(name, text));
    let (format, verbosity) = text.unwrap_or_default();
    Overrides {
        temperature: optional(fields, "temperature", Fields::number),
        top_p: optional(fields, "top_p", Fields::number),
        max_completion_tokens: optional(fields, "max_output_tokens", Fields::count),
        max_tool_calls: optional(fields, "max_tool_calls", Fields::count),
        parallel_tool_calls: optional(fields, "parallel_tool_calls", Fields::flag),
        reasoning_effort,
        reasoning_summary,
        service_tier: service_tier(fields),
        top_logprobs: optional(fields, "top_logprobs", Fields::count),
        format,
        verbosity,
        truncation: optional(fields, "truncation", truncation),
        ..Overrides::default()
    }
}

fn reasoning(fields: &mut Fields) -> (Option<ReasoningEffort>, Option<ReasoningSummary>) {
    let summaries = ["auto", "concise", "detailed"];
    let mut summary = |name: &str| {
        let read =
            |word: &str| summaries.contains(&word).then(|| ReasoningSummary::from_word(word));
        optional(fields, name, |f, name| f.word(name, &summaries, |word| read(word).flatten()))
    };
    let (older, newer) = (summary("generate_summary"), summary("summary"));
    (effort(fields, "effort"), newer.or(older))
}

fn text(fields: &mut Fields) -> (Option<RequestFormat>, Option<String>) {
    let format = optional(fields, "format", |f, name| f.inner(name, format)).flatten();
    (format, optional(fields, "verbosity", Fields::text))
}

fn format(fields: &mut Fields) -> Option<RequestFormat> {
    let kind = fields.required("type", Fields::text);
    match kind.as_str() {
        "text" => Some(RequestFormat::Text),
        "json_object" => Some(RequestFormat::JsonObject),
        "json_schema" => schema(fields),
        _ => {
            fields.fault("type", "enum", "must be one of text, json_object, json_schema");
            None
        }
    }
}

/// The tools of a request.
#[derive(Default)]
struct Tools {
    functions: Vec<CallerTool>,
    built_in: BTreeMap<String, ToolMode>,
    vector_stores: Vec<String>,
}

fn tools(fields: &mut Fields) -> Tools {
    let mut tools = Tools::default();
    for (index, value) in optional(fields, "tools", Fields::list).into_iter().flatten().enumerate()
    {
        let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
        let built_in = BUILT_IN.iter().find(|(theirs, _)| *theirs == kind).map(|(_, ours)| *ours);
        let read = |inner: &mut Fields| {
            let Some(name) = built_in else {
                ignore_null(inner, &["defer_loading", "allowed_callers", "output_schema"]);
                tools.functions.extend(tool(inner));
                return;
            };
            // It is on as far as the assistant has it: a request turns nothing on.
            tools.built_in.insert(name.to_owned(), ToolMode::On);
            ignore(inner, &["type"]);
            ignore(inner, &SET_UP);
            only(inner, "filters", &Value::Null, "is the assistant's to say");
            let stores = optional(inner, "vector_store_ids", Fields::texts);
            tools.vector_stores.extend(stores.unwrap_or_default());
        };
        fields.nested(&format!("/tools/{index}"), value, read);
    }
    tools
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use understudy_domain::{assistant::content::MessageRole, conversation::Item};

    use super::*;

    fn problem(body: Value) -> String {
        format!("{:?}", read(body).unwrap_err())
    }

    #[test]
    fn items_are_what_was_said_and_done() {
        let input = json!([
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": [{"type": "input_text", "text": "Look:"},
                {"type": "input_image", "image_url": "https://example.com/a.png", "detail": "auto"}]},
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": null},
            {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content":
                [{"type": "output_text", "text": "Yes.", "annotations": [], "logprobs": []}]},
            {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "f", "arguments": "{}",
                "status": "completed"},
            {"type": "function_call_output", "call_id": "c1", "output": "7"},
        ]);
        let (model, command) =
            read(json!({"model": "a", "input": input, "instructions": "Be kind."})).unwrap();

        assert_eq!(model, "a");
        let request = command.request;
        assert_eq!(request.instructions.as_deref(), Some("Be kind.\n\nBe brief."));
        let [first, second, call, result] = request.input.as_slice() else {
            panic!("{:?}", request.input)
        };
        assert!(matches!(first, Item::Message { parts, .. } if parts.len() == 2));
        assert_eq!(*second, Item::text(MessageRole::Assistant, "Yes."));
        assert!(matches!(call, Item::ToolCall(call) if call.id == "c1"));
        assert!(matches!(result, Item::ToolResult(result) if result.content == "7"));
    }

    #[test]
    fn a_conversation_is_a_thread() {
        let thread = "0".repeat(31) + "7";
        let kept = |more: Value| {
            let mut body = json!({"model": "a", "input": "x"});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            read(body).map(|(_, command)| command.threading)
        };
        let expected = Threading::Continue(format!("thread_{thread}").parse().unwrap());

        assert_eq!(kept(json!({})).unwrap(), Threading::New);
        assert_eq!(kept(json!({"store": false})).unwrap(), Threading::Nowhere);
        assert_eq!(kept(json!({"conversation": format!("conv_{thread}")})).unwrap(), expected);
        let named = json!({"conversation": {"id": format!("thread_{thread}")}});
        assert_eq!(kept(named).unwrap(), expected);
        assert!(kept(json!({"conversation": "x"})).is_err());
        let both = json!({"conversation": format!("conv_{thread}"),
            "previous_response_id": format!("resp_{thread}")});
        assert!(format!("{:?}", kept(both).unwrap_err()).contains("contradiction"));
    }

    #[test]
    fn decisions_about_calls_are_no_input() {
        let approval = format!("apr_{}7", "0".repeat(31));
        let asked = json!([
            {"type": "mcp_approval_request", "id": approval, "server_label": "tickets",
             "name": "close", "arguments": "{}"},
            {"type": "mcp_approval_response", "approval_request_id": approval, "approve": false,
             "reason": "No."}]);
        let request = read(json!({"model": "a", "input": asked})).unwrap().1.request;

        assert_eq!(request.input, []);
        let [decided] = request.decisions.as_slice() else { panic!("{:?}", request.decisions) };
        assert_eq!(decided.approval.to_string(), approval);
        assert!(!decided.decision.approve);
        assert_eq!(decided.decision.reason.as_deref(), Some("No."));
        let found = problem(json!({"model": "a", "input": [{"type": "mcp_approval_response",
            "approval_request_id": "mcpr_1"}]}));
        assert!(found.contains("/input/0/approval_request_id"), "{found}");
        assert!(found.contains("/input/0/approve"), "{found}");
    }

    #[test]
    fn built_in_tools_are_named_and_not_set_up() {
        let tools = json!([{"type": "web_search", "search_context_size": "low"},
            {"type": "file_search", "vector_store_ids": ["vs_1"]},
            {"type": "function", "name": "f", "parameters": {}, "strict": true}]);
        let request = read(json!({"model": "a", "input": "x", "tools": tools})).unwrap().1.request;

        assert_eq!(request.tools.len(), 1);
        assert_eq!(request.vector_store_ids, ["vs_1"]);
        assert_eq!(request.system_tools.len(), 2);
        let mcp =
            json!([{"type": "mcp", "server_label": "a", "server_url": "https://example.com"}]);
        let found = problem(json!({"model": "a", "input": "x", "tools": mcp}));
        assert!(
            found.contains("/tools/0/type") && found.contains("/tools/0/server_url"),
            "{found}"
        );
    }

    #[test]
    fn where_a_request_goes_is_not_the_callers_to_say() {
        for field in ["api_base", "base_url", "api_key", "headers", "prompt"] {
            let found = problem(json!({"model": "a", "input": "x", field: "y"}));
            assert!(found.contains(&format!("\"/{field}\"")), "{field}: {found}");
        }
    }
}
