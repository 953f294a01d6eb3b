//! Responses: the protocol that OpenAI itself is spoken to in, unless a setting is
//! known to Chat Completions only.

use serde_json::{Map, Value, json};
use understudy_domain::{
    chat::{ChatRequest, SentFormat, ToolChoice, ToolSpec},
    ports::{ChatStream, ProviderError},
};

use self::reply::Reply;
use super::{is_reasoning, put, usual_base};
use crate::{line::Line, sse::Framing, stream::Streamed};

mod items;
mod reply;

/// Asks.
pub(crate) async fn converse(
    line: &Line<'_>,
    request: &ChatRequest,
) -> Result<Box<dyn ChatStream>, ProviderError> {
    let url = line.url(usual_base(line.kind()), &["responses"])?;
    let asking = line.with_bearer(line.asking(url, &body(request)));
    let answer = line.open(&asking).await?;
    Ok(Box::new(Streamed::new(answer, Framing::Events, Reply::default())))
}

/// What is sent. Nothing is kept there: conversations are sent as a whole, and so are
/// thoughts, which only the provider can read.
pub(crate) fn body(request: &ChatRequest) -> Value {
    let settings = &request.settings;
    let mut body = Map::new();
    put(&mut body, "model", Some(&request.model));
    let system: Vec<&str> = request.system.iter().map(|block| block.text.as_str()).collect();
    let instructions = Some(system.join("\n\n")).filter(|text| !text.is_empty());
    put(&mut body, "instructions", instructions);
    put(&mut body, "input", Some(items::of(request)));
    put(&mut body, "stream", Some(true));
    put(&mut body, "store", Some(false));
    put(&mut body, "truncation", Some("disabled"));
    let user = Some(&request.user_hash).filter(|hash| !hash.is_empty());
    put(&mut body, "safety_identifier", user);
    put(&mut body, "include", Some(included(request)).filter(|wanted| !wanted.is_empty()));
    put(&mut body, "temperature", settings.temperature);
    put(&mut body, "top_p", settings.top_p);
    put(&mut body, "max_output_tokens", settings.max_output_tokens);
    put(&mut body, "service_tier", settings.service_tier.as_ref());
    put(&mut body, "top_logprobs", settings.top_logprobs);
    put(&mut body, "reasoning", reasoning(request));
    put(&mut body, "text", form(request));
    if !request.tools.is_empty() {
        put(&mut body, "tools", Some(request.tools.iter().map(tool).collect::<Value>()));
        put(&mut body, "tool_choice", Some(choice(&request.tool_choice)));
        put(&mut body, "parallel_tool_calls", settings.parallel_tool_calls);
    }
    Value::Object(body)
}

fn included(request: &ChatRequest) -> Vec<&'static str> {
    let thoughts = is_reasoning(request).then_some("reasoning.encrypted_content");
    let odds = request.settings.top_logprobs.map(|_| "message.output_text.logprobs");
    thoughts.into_iter().chain(odds).collect()
}

fn reasoning(request: &ChatRequest) -> Option<Value> {
    let mut reasoning = Map::new();
    put(&mut reasoning, "effort", request.settings.reasoning_effort.as_ref());
    put(&mut reasoning, "summary", request.settings.reasoning_summary.as_ref());
    (!reasoning.is_empty()).then_some(Value::Object(reasoning))
}

fn form(request: &ChatRequest) -> Option<Value> {
    let mut text = Map::new();
    put(&mut text, "format", request.settings.format.as_ref().map(format));
    put(&mut text, "verbosity", request.settings.verbosity.as_ref());
    (!text.is_empty()).then_some(Value::Object(text))
}

fn format(format: &SentFormat) -> Value {
    let mut form = Map::new();
    match format {
        SentFormat::JsonObject => put(&mut form, "type", Some("json_object")),
        SentFormat::JsonSchema { name, description, schema, strict } => {
            put(&mut form, "type", Some("json_schema"));
            put(&mut form, "name", Some(name));
            put(&mut form, "description", description.as_ref());
            put(&mut form, "schema", Some(schema));
            put(&mut form, "strict", Some(strict));
        }
    }
    Value::Object(form)
}

fn tool(tool: &ToolSpec) -> Value {
    json!({
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
        // Left out it would be true here, unlike anywhere else.
        "strict": tool.strict.unwrap_or(false),
    })
}

fn choice(choice: &ToolChoice) -> Value {
    match choice {
        ToolChoice::Auto => json!("auto"),
        ToolChoice::None => json!("none"),
        ToolChoice::Required => json!("required"),
        ToolChoice::Named(name) => json!({ "type": "function", "name": name }),
    }
}
