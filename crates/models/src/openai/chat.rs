//! Chat Completions, as OpenAI speaks it and as others do: with fewer fields, and in
//! simpler words.

use serde_json::{Map, Value, json};
use understudy_domain::{
    chat::{ChatRequest, Protocol, SentFormat, SentSettings, ToolChoice, ToolSpec},
    ports::{ChatStream, ProviderError},
};
use understudy_outbound::{OpenResponse, header::CONTENT_TYPE};

use self::reply::Reply;
use super::{is_reasoning, put, usual_base};
use crate::{line::Line, sse::Framing, stream::Streamed};

mod messages;
mod reply;

/// Whose Chat Completions it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Accent {
    /// OpenAI's.
    Openai,
    /// Somebody else's.
    Compatible,
}

impl Accent {
    fn of(request: &ChatRequest) -> Self {
        match request.protocol {
            Protocol::OpenaiChat => Self::Openai,
            _ => Self::Compatible,
        }
    }
}

/// Asks.
pub(crate) async fn converse(
    line: &Line<'_>,
    request: &ChatRequest,
) -> Result<Box<dyn ChatStream>, ProviderError> {
    let url = line.url(usual_base(line.kind()), &["chat", "completions"])?;
    let asking = line.with_bearer(line.asking(url, &body(request)));
    let answer = line.open(&asking).await?;
    let framing = framing(&answer);
    Ok(Box::new(Streamed::new(answer, framing, Reply::default())))
}

/// Some answer as a whole although they are asked to stream.
fn framing(answer: &OpenResponse) -> Framing {
    let content_type = answer.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_whole = content_type.is_some_and(|kind| kind.trim().starts_with("application/json"));
    if is_whole { Framing::Whole } else { Framing::Events }
}

/// What is sent.
pub(crate) fn body(request: &ChatRequest) -> Value {
    let accent = Accent::of(request);
    let mut body = Map::new();
    put(&mut body, "model", Some(&request.model));
    put(&mut body, "messages", Some(messages::of(request, accent)));
    put(&mut body, "stream", Some(true));
    put(&mut body, "stream_options", Some(json!({ "include_usage": true })));
    if accent == Accent::Openai {
        put(&mut body, "store", Some(false));
        let user = Some(&request.user_hash).filter(|hash| !hash.is_empty());
        put(&mut body, "safety_identifier", user);
    }
    put_settings(&mut body, &request.settings, accent);
    if !request.tools.is_empty() {
        put(&mut body, "tools", Some(request.tools.iter().map(tool).collect::<Value>()));
        put(&mut body, "tool_choice", Some(choice(&request.tool_choice)));
        put(&mut body, "parallel_tool_calls", request.settings.parallel_tool_calls);
    }
    Value::Object(body)
}

fn put_settings(body: &mut Map<String, Value>, settings: &SentSettings, accent: Accent) {
    put(body, "temperature", settings.temperature);
    put(body, "top_p", settings.top_p);
    put(body, "frequency_penalty", settings.frequency_penalty);
    put(body, "presence_penalty", settings.presence_penalty);
    put(body, "logit_bias", settings.logit_bias.as_ref());
    put(body, "seed", settings.seed);
    put(body, "stop", Some(&settings.stop).filter(|stop| !stop.is_empty()));
    let limit = match accent {
        Accent::Openai => "max_completion_tokens",
        Accent::Compatible => "max_tokens",
    };
    put(body, limit, settings.max_output_tokens);
    put(body, "reasoning_effort", settings.reasoning_effort.as_ref());
    put(body, "service_tier", settings.service_tier.as_ref());
    put(body, "logprobs", settings.top_logprobs.map(|_| true));
    put(body, "top_logprobs", settings.top_logprobs);
    put(body, "response_format", settings.format.as_ref().map(format));
    put(body, "verbosity", settings.verbosity.as_ref());
}

fn format(format: &SentFormat) -> Value {
    match format {
        SentFormat::JsonObject => json!({ "type": "json_object" }),
        SentFormat::JsonSchema { name, description, schema, strict } => {
            let mut form = Map::new();
            put(&mut form, "name", Some(name));
            put(&mut form, "description", description.as_ref());
            put(&mut form, "schema", Some(schema));
            put(&mut form, "strict", Some(strict));
            json!({ "type": "json_schema", "json_schema": form })
        }
    }
}

fn tool(tool: &ToolSpec) -> Value {
    let mut function = Map::new();
    put(&mut function, "name", Some(&tool.name));
    put(&mut function, "description", Some(&tool.description));
    put(&mut function, "parameters", Some(&tool.parameters));
    put(&mut function, "strict", tool.strict);
    json!({ "type": "function", "function": function })
}

fn choice(choice: &ToolChoice) -> Value {
    match choice {
        ToolChoice::Auto => json!("auto"),
        ToolChoice::None => json!("none"),
        ToolChoice::Required => json!("required"),
        ToolChoice::Named(name) => json!({ "type": "function", "function": { "name": name } }),
    }
}

/// Who speaks what the operator says.
fn operator(request: &ChatRequest, accent: Accent) -> &'static str {
    if accent == Accent::Openai && is_reasoning(request) { "developer" } else { "system" }
}
