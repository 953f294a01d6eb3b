//! The Images API of OpenAI, and of whoever speaks its protocol.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use understudy_domain::{
    ProviderKind,
    ports::{DrawnImage, ImageRequest, ProviderError},
};
use understudy_outbound::{Body, Method, Url};

use crate::{
    line::{Line, json},
    listing::listed,
    picture::picture,
};

use self::size::Size;

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
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    model: Option<String>,
    data: Vec<Drawn>,
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
    Ok(DrawnImage { bytes: picture(bytes)?, model })
}

/// Asks for the list of models.
pub(crate) async fn test(line: &Line<'_>) -> Result<(), ProviderError> {
    let url = line.url(usual_base(line.kind()), &["models"])?;
    listed(line, &line.with_bearer(line.request(Method::GET, url))).await
}

/// Where those are that need not say where they are.
fn usual_base(kind: ProviderKind) -> Option<&'static str> {
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
