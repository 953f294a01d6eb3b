//! OpenAI, and whoever speaks its protocol: the Images API, and the list of models.
//! `responses` and `chat` converse.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use understudy_domain::{
    ProviderKind,
    chat::ChatRequest,
    ports::{
        DrawnImage, ImageBackground, ImageQuality, ImageRequest, ImageTokens, ListedByProvider,
        ProviderError,
    },
};
use understudy_outbound::{Body, Method, Url};

use crate::{
    complaint::reported,
    fields::{number, object, parse, put, text},
    line::{Line, json},
    listing::listed,
    picture::picture,
};

use self::size::Size;

pub(crate) mod chat;
mod media;
pub(crate) mod responses;
mod size;

const BASE: &str = "https://api.openai.com/v1";
const USUAL_MODEL: &str = "gpt-image-1";
/// What a model is called that another's server chose by itself.
const UNNAMED_MODEL: &str = "default";

#[derive(Serialize)]
struct Wish<'a> {
    prompt: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<&'a str>,
    n: u8,
    size: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quality: Option<ImageQuality>,
    #[serde(skip_serializing_if = "Option::is_none")]
    background: Option<ImageBackground>,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    model: Option<String>,
    data: Vec<Drawn>,
    #[serde(default)]
    usage: Option<Used>,
}

#[derive(Deserialize)]
struct Used {
    #[serde(default)]
    input_tokens: u64,
    #[serde(default)]
    output_tokens: u64,
}

#[derive(Deserialize)]
struct Drawn {
    #[serde(default)]
    b64_json: Option<String>,
    #[serde(default)]
    url: Option<String>,
}

/// Draws a picture of the size that the model has nearest to what was asked.
pub(crate) async fn draw(
    line: &Line<'_>,
    request: &ImageRequest,
) -> Result<DrawnImage, ProviderError> {
    let url = line.url(usual_base(line.kind()), &["images", "generations"])?;
    let model = request.model.as_deref().or_else(|| usual_model(line.kind()));
    let wish = Wish {
        prompt: &request.prompt,
        model,
        n: 1,
        size: Size::nearest(model, request).to_string(),
        response_format: response_format(model),
        quality: request.look.quality,
        background: request.look.background,
    };
    let body =
        serde_json::to_vec(&wish).map_err(|error| ProviderError::Garbled(error.to_string()))?;
    let posted = line
        .request(Method::POST, url)
        .header("content-type", "application/json")
        .body(Body::Bytes(body.into()));

    let answer: Answer = json(&line.ask(&line.with_bearer(posted)).await?)?;
    let name = model.map(str::to_owned).or(answer.model);
    let bytes = bytes(line, answer.data.into_iter().next()).await?;
    let model = name.unwrap_or_else(|| UNNAMED_MODEL.to_owned());
    let used = answer
        .usage
        .map(|used| ImageTokens { input: used.input_tokens, output: used.output_tokens });
    Ok(DrawnImage { bytes: picture(bytes)?, model, tokens: used.unwrap_or_default() })
}

/// Asks for the list of models.
pub(crate) async fn test(line: &Line<'_>) -> Result<(), ProviderError> {
    let url = line.url(usual_base(line.kind()), &["models"])?;
    listed(line, &line.with_bearer(line.request(Method::GET, url))).await
}

#[derive(Deserialize)]
struct Listing {
    data: Vec<ListedModel>,
}

#[derive(Deserialize)]
struct ListedModel {
    id: String,
}

/// The models that it says it has.
pub(crate) async fn list(line: &Line<'_>) -> Result<Vec<ListedByProvider>, ProviderError> {
    let url = line.url(usual_base(line.kind()), &["models"])?;
    let request = line.with_bearer(line.request(Method::GET, url));
    let listing: Listing = json(&line.ask(&request).await?)?;
    Ok(listing.data.into_iter().map(|model| ListedByProvider { id: model.id }).collect())
}

/// Where those are that need not say where they are.
pub(crate) fn usual_base(kind: ProviderKind) -> Option<&'static str> {
    (kind == ProviderKind::Openai).then_some(BASE)
}

fn usual_model(kind: ProviderKind) -> Option<&'static str> {
    (kind == ProviderKind::Openai).then_some(USUAL_MODEL)
}

/// Models of the family `gpt-image` give base64 only, and refuse to be asked for
/// it; the others give an address unless they are asked.
fn response_format(model: Option<&str>) -> Option<&'static str> {
    let speaks_base64 = model.is_some_and(|model| model.starts_with("gpt-image"));
    (!speaks_base64).then_some("b64_json")
}

async fn bytes(line: &Line<'_>, drawn: Option<Drawn>) -> Result<Bytes, ProviderError> {
    let garbled = |what: &str| ProviderError::Garbled(what.to_owned());
    match drawn {
        Some(Drawn { b64_json: Some(text), .. }) => {
            let digits = text.rsplit_once("base64,").map_or(text.as_str(), |(_, digits)| digits);
            let decoded = STANDARD.decode(digits);
            decoded.map(Bytes::from).ok().ok_or_else(|| garbled("its picture is no base64"))
        }
        Some(Drawn { url: Some(address), .. }) => {
            let url: Url = address
                .parse()
                .ok()
                .ok_or_else(|| garbled("its picture lies at what is no address"))?;
            // Without the key: the picture may lie with somebody else.
            Ok(line.ask(&line.fetch(url)).await?.body)
        }
        Some(Drawn { b64_json: None, url: None }) | None => Err(garbled("it drew no picture")),
    }
}

/// Whether a model thinks before it answers, as far as its name or its settings
/// tell: the families of o1 and of GPT-5 do.
fn is_reasoning(request: &ChatRequest) -> bool {
    let model = request.model.rsplit('/').next().unwrap_or_default();
    // `ft:o4-mini:…` is one that was trained further.
    let model = model.strip_prefix("ft:").unwrap_or(model);
    let after = |prefix| model.strip_prefix(prefix).and_then(|rest: &str| rest.chars().next());
    let is_o = after("o").is_some_and(|next| next.is_ascii_digit());
    let is_late = after("gpt-").is_some_and(|next| matches!(next, '5'..='9'));
    let only_chats = model.contains("-chat");
    request.settings.reasoning_effort.is_some() || is_o || (is_late && !only_chats)
}

/// What an error says that is told of in the middle of an answer.
fn fault(error: &Value) -> ProviderError {
    let word = |name: &str| match error.get(name) {
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => text(error, name),
    };
    let said = error.as_str().map(str::to_owned).or_else(|| text(error, "message"));
    let kind = word("code").or_else(|| word("type").filter(|kind| kind != "error"));
    reported(kind.as_deref().unwrap_or("server_error"), said.as_deref().unwrap_or_default())
}
