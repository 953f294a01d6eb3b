//! Ollama's own chat.
//!
//! It knows no choice of tools: `none` offers no tool, a named one is the only one
//! that is offered, and `required` is a wish that the model may not meet.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use understudy_domain::{
    chat::{ChatRequest, SentFormat, SentSettings, ToolChoice, ToolSpec},
    ports::{ChatStream, ListedByProvider, ProviderError},
};
use understudy_outbound::Method;

use self::reply::Reply;
use crate::{
    fields::put,
    line::{Line, json},
    listing::OLLAMA,
    sse::Framing,
    stream::Streamed,
};

mod messages;
mod reply;

/// Asks.
pub(crate) async fn converse(
    line: &Line<'_>,
    request: &ChatRequest,
) -> Result<Box<dyn ChatStream>, ProviderError> {
    let url = line.url(Some(OLLAMA), &["api", "chat"])?;
    let asking = line.with_bearer(line.asking(url, &body(request)));
    let answer = line.open(&asking).await?;
    Ok(Box::new(Streamed::new(answer, Framing::Lines, Reply::after(&request.items))))
}

/// What is sent.
pub(crate) fn body(request: &ChatRequest) -> Value {
    let settings = &request.settings;
    let mut body = Map::new();
    put(&mut body, "model", Some(&request.model));
    put(&mut body, "messages", Some(messages::of(request)));
    put(&mut body, "stream", Some(true));
    put(&mut body, "tools", Some(tools(request)).filter(|tools| !tools.is_empty()));
    put(&mut body, "think", settings.reasoning_effort.as_ref().map(|e| think(&request.model, e)));
    put(&mut body, "format", settings.format.as_ref().map(format));
    put(&mut body, "options", Some(options(settings)).filter(|options| !options.is_empty()));
    Value::Object(body)
}

#[derive(Deserialize)]
struct Tags {
    models: Vec<Tag>,
}

#[derive(Deserialize)]
struct Tag {
    name: String,
}

/// The models that it says it has.
pub(crate) async fn list(line: &Line<'_>) -> Result<Vec<ListedByProvider>, ProviderError> {
    let url = line.url(Some(OLLAMA), &["api", "tags"])?;
    let request = line.with_bearer(line.request(Method::GET, url));
    let tags: Tags = json(&line.ask(&request).await?)?;
    Ok(tags.models.into_iter().map(|tag| ListedByProvider { id: tag.name }).collect())
}

fn options(settings: &SentSettings) -> Map<String, Value> {
    let mut options = Map::new();
    put(&mut options, "temperature", settings.temperature);
    put(&mut options, "top_p", settings.top_p);
    put(&mut options, "seed", settings.seed);
    put(&mut options, "stop", Some(&settings.stop).filter(|stop| !stop.is_empty()));
    put(&mut options, "num_predict", settings.max_output_tokens);
    put(&mut options, "presence_penalty", settings.presence_penalty);
    put(&mut options, "frequency_penalty", settings.frequency_penalty);
    options
}

fn format(format: &SentFormat) -> Value {
    match format {
        SentFormat::JsonObject => json!("json"),
        SentFormat::JsonSchema { schema, .. } => json!(schema),
    }
}

/// Models think or do not; only those of the family `gpt-oss` are told how hard.
fn think(model: &str, effort: &str) -> Value {
    let family = model.rsplit('/').next().unwrap_or_default();
    if !family.starts_with("gpt-oss") {
        return json!(effort != "none");
    }
    match effort {
        "none" => json!(false),
        "minimal" => json!("low"),
        "xhigh" | "max" => json!("high"),
        level => json!(level),
    }
}

fn tools(request: &ChatRequest) -> Vec<Value> {
    let is_offered = |tool: &&ToolSpec| match &request.tool_choice {
        ToolChoice::None => false,
        ToolChoice::Named(name) => tool.name == *name,
        ToolChoice::Auto | ToolChoice::Required => true,
    };
    let offered = request.tools.iter().filter(is_offered).map(|tool| {
        json!({
            "type": "function",
            "function": {
                "name": tool.name, "description": tool.description,
                "parameters": tool.parameters,
            },
        })
    });
    offered.collect()
}
