//! Anthropic Messages.
//!
//! What the protocol has no place for (penalties, seeds, biases of tokens, a form
//! that is any JSON object) is not sent: `run::fit` in the domain says what is done
//! instead.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use understudy_domain::{
    chat::{ChatRequest, SentFormat, SentSettings, SystemBlock, ToolChoice},
    ports::{ChatStream, ListedByProvider, ProviderError},
};
use understudy_outbound::{Method, OutboundRequest};

use self::{messages::Conversation, reply::Reply};
use crate::{
    fields::put,
    line::{Line, json},
    listing::{ANTHROPIC, ANTHROPIC_VERSION},
    sse::Framing,
    stream::Streamed,
};

mod media;
mod messages;
mod reply;

/// How long an answer may be that nobody limits; the protocol wants a limit.
const USUAL_MAX_TOKENS: u32 = 4096;
/// How many models are asked for at once; the protocol gives no more.
const PAGE: &str = "1000";
/// How many pages of models are read.
const MOST_PAGES: usize = 10;

/// Asks.
pub(crate) async fn converse(
    line: &Line<'_>,
    request: &ChatRequest,
) -> Result<Box<dyn ChatStream>, ProviderError> {
    let url = line.url(Some(ANTHROPIC), &["v1", "messages"])?;
    let asking = versioned(line, line.asking(url, &body(request)));
    let answer = line.open(&asking).await?;
    Ok(Box::new(Streamed::new(answer, Framing::Events, Reply::default())))
}

/// What is sent.
pub(crate) fn body(request: &ChatRequest) -> Value {
    let settings = &request.settings;
    let conversation = Conversation::of(&request.items);
    let mut body = Map::new();
    put(&mut body, "model", Some(&request.model));
    put(&mut body, "max_tokens", Some(max_tokens(settings)));
    put(&mut body, "stream", Some(true));
    let system = system(&request.system, conversation.system);
    put(&mut body, "system", Some(system).filter(|blocks| !blocks.is_empty()));
    put(&mut body, "messages", Some(conversation.messages));
    put(&mut body, "stop_sequences", Some(&settings.stop).filter(|stop| !stop.is_empty()));
    put(&mut body, "temperature", settings.temperature);
    put(&mut body, "top_p", settings.top_p);
    put(&mut body, "thinking", thinking(settings));
    put(&mut body, "output_config", output_config(settings));
    put(&mut body, "service_tier", settings.service_tier.as_ref());
    let user = Some(&request.user_hash).filter(|hash| !hash.is_empty());
    put(&mut body, "metadata", user.map(|hash| json!({ "user_id": hash })));
    if request.tools.is_empty() {
        put_used_tools(&mut body, &conversation.tools);
    } else {
        put(&mut body, "tools", Some(tools(request)));
        put(&mut body, "tool_choice", choice(request));
    }
    Value::Object(body)
}

#[derive(Deserialize)]
struct Page {
    data: Vec<ListedModel>,
    #[serde(default)]
    has_more: bool,
    #[serde(default)]
    last_id: Option<String>,
}

#[derive(Deserialize)]
struct ListedModel {
    id: String,
}

/// The models that it says it has.
pub(crate) async fn list(line: &Line<'_>) -> Result<Vec<ListedByProvider>, ProviderError> {
    let mut models = Vec::new();
    let mut after: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let mut url = line.url(Some(ANTHROPIC), &["v1", "models"])?;
        url.query_pairs_mut().append_pair("limit", PAGE);
        if let Some(last) = &after {
            url.query_pairs_mut().append_pair("after_id", last);
        }
        let request = versioned(line, line.request(Method::GET, url));
        let page: Page = json(&line.ask(&request).await?)?;
        models.extend(page.data.into_iter().map(|model| ListedByProvider { id: model.id }));
        after = page.last_id.filter(|_| page.has_more);
        if after.is_none() {
            break;
        }
    }
    Ok(models)
}

fn versioned(line: &Line<'_>, request: OutboundRequest) -> OutboundRequest {
    line.with_key(request.header("anthropic-version", ANTHROPIC_VERSION))
}

/// Thoughts count too, so there must be more than they may take.
fn max_tokens(settings: &SentSettings) -> u32 {
    settings.max_output_tokens.unwrap_or_else(|| {
        USUAL_MAX_TOKENS.saturating_add(settings.reasoning_budget.unwrap_or_default())
    })
}

/// Blocks of text, of which the provider keeps those at hand that are the same from
/// turn to turn. Empty ones are refused there.
fn system(blocks: &[SystemBlock], later: Vec<String>) -> Vec<Value> {
    let mut written: Vec<Value> = Vec::new();
    let mut stable = 0;
    for block in blocks.iter().filter(|block| !block.text.trim().is_empty()) {
        if block.is_stable && stable == written.len() {
            stable += 1;
        }
        written.push(json!({ "type": "text", "text": block.text }));
    }
    let last = stable.checked_sub(1).and_then(|last| written.get_mut(last));
    if let Some(Value::Object(block)) = last {
        put(block, "cache_control", Some(json!({ "type": "ephemeral" })));
    }
    written.extend(later.into_iter().map(|text| json!({ "type": "text", "text": text })));
    written
}

fn thinking(settings: &SentSettings) -> Option<Value> {
    let mut thinking = Map::new();
    match (settings.reasoning_budget, settings.reasoning_effort.as_deref()) {
        (None, None) => return None,
        (None, Some("none")) => return Some(json!({ "type": "disabled" })),
        (Some(budget), _) => {
            put(&mut thinking, "type", Some("enabled"));
            put(&mut thinking, "budget_tokens", Some(budget));
        }
        (None, Some(_)) => put(&mut thinking, "type", Some("adaptive")),
    }
    put(&mut thinking, "display", settings.reasoning_summary.as_ref());
    Some(Value::Object(thinking))
}

fn output_config(settings: &SentSettings) -> Option<Value> {
    let mut config = Map::new();
    let effort = settings.reasoning_effort.as_ref().filter(|effort| *effort != "none");
    put(&mut config, "effort", effort);
    if let Some(SentFormat::JsonSchema { schema, .. }) = &settings.format {
        put(&mut config, "format", Some(json!({ "type": "json_schema", "schema": schema })));
    }
    (!config.is_empty()).then_some(Value::Object(config))
}

fn tools(request: &ChatRequest) -> Value {
    let tools = request.tools.iter().map(|tool| {
        let mut written = Map::new();
        put(&mut written, "name", Some(&tool.name));
        let described = Some(&tool.description).filter(|text| !text.is_empty());
        put(&mut written, "description", described);
        put(&mut written, "input_schema", Some(schema(&tool.parameters)));
        put(&mut written, "strict", tool.strict);
        Value::Object(written)
    });
    tools.collect()
}

/// The schema, which must say that it is an object's.
fn schema(parameters: &Map<String, Value>) -> Map<String, Value> {
    let mut schema = parameters.clone();
    schema.entry("type").or_insert_with(|| json!("object"));
    schema
}

fn choice(request: &ChatRequest) -> Option<Value> {
    let mut choice = Map::new();
    let is_serial = request.settings.parallel_tool_calls.map(|parallel| !parallel);
    match &request.tool_choice {
        ToolChoice::None => return Some(json!({ "type": "none" })),
        ToolChoice::Auto if is_serial.is_none() => return None,
        ToolChoice::Auto => put(&mut choice, "type", Some("auto")),
        ToolChoice::Required => put(&mut choice, "type", Some("any")),
        ToolChoice::Named(name) => {
            put(&mut choice, "type", Some("tool"));
            put(&mut choice, "name", Some(name));
        }
    }
    put(&mut choice, "disable_parallel_tool_use", is_serial);
    Some(Value::Object(choice))
}

/// A conversation in which tools were used is refused unless they are named, so they
/// are, and may not be used.
fn put_used_tools(body: &mut Map<String, Value>, used: &[String]) {
    if used.is_empty() {
        return;
    }
    let tools = used.iter().map(|name| {
        json!({
            "name": name, "description": "It cannot be used now.",
            "input_schema": { "type": "object" },
        })
    });
    put(body, "tools", Some(tools.collect::<Value>()));
    put(body, "tool_choice", Some(json!({ "type": "none" })));
}
