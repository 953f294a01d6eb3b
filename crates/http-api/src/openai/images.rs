//! Pictures that models draw.

use std::num::NonZeroU32;

use actix_web::http::Method;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Serialize;
use serde_json::{Value, json};
use understudy_domain::{
    ports::{ImageBackground, ImageLook, ImageQuality},
    usecases::images::{self, CreateImage, CreatedImage, MAX_AT_ONCE, Painter},
};
use utoipa::ToSchema;

use super::reading::{ignore, only};
use crate::{
    answer::{self, Answer},
    asking::optional,
    call::Call,
    endpoint::Endpoint,
    fields::Fields,
    idempotency::once,
    input::{self, Input},
    openapi::Doc,
    problem::{Code, Problem},
    server::State,
};

const CREATE: &str = "/openai/v1/images/generations";

const QUALITIES: [&str; 8] = ["auto", "low", "medium", "high", "xhigh", "max", "standard", "hd"];
const BACKGROUNDS: [&str; 3] = ["auto", "transparent", "opaque"];
const FORMATS: [&str; 2] = ["url", "b64_json"];
const PNG: &str = "must be `png`: pictures are encoded anew, as PNG";

/// Pictures that were drawn.
#[derive(Serialize, ToSchema)]
#[schema(as = OpenaiImageList)]
pub(crate) struct ImageList {
    /// When the last of them was drawn, in Unix seconds.
    #[schema(example = 1_769_860_800)]
    created: i64,
    /// They.
    data: Vec<ImageView>,
    /// `png`.
    #[schema(value_type = String, example = "png")]
    output_format: &'static str,
    /// Width and height in pixels.
    #[schema(example = "1024x1024")]
    size: String,
    /// The quality, if one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "high")]
    quality: Option<&'static str>,
    /// The background, if one was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "transparent")]
    background: Option<&'static str>,
    /// What they took, if the provider tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<UsageView>,
}

/// A picture: its bytes, or where it is.
#[derive(Serialize, ToSchema)]
#[schema(as = OpenaiImage)]
pub(crate) struct ImageView {
    /// The bytes of the PNG in base64, with `response_format: b64_json`.
    #[serde(skip_serializing_if = "Option::is_none")]
    b64_json: Option<String>,
    /// Where whoever has the address sees it until it is deleted, with
    /// `response_format: url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "https://understudy.example.com/images/pZx2…")]
    url: Option<String>,
}

/// What pictures took.
#[derive(Serialize, ToSchema)]
#[schema(as = OpenaiImageUsage)]
pub(crate) struct UsageView {
    /// Tokens of what was asked for.
    input_tokens: u64,
    /// What they were of.
    input_tokens_details: InputTokens,
    /// Tokens of the pictures.
    output_tokens: u64,
    /// All of them.
    total_tokens: u64,
}

/// What tokens were of.
#[derive(Serialize, ToSchema)]
#[schema(as = OpenaiImageInputTokens)]
pub(crate) struct InputTokens {
    /// Of pictures: none.
    image_tokens: u64,
    /// Of texts.
    text_tokens: u64,
}

/// How pictures are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Url,
    Base64,
}

impl Format {
    fn of(word: &str) -> Option<Self> {
        match word {
            "url" => Some(Self::Url),
            "b64_json" => Some(Self::Base64),
            _ => None,
        }
    }

    /// How OpenAI tells pictures of a model when nobody says.
    fn usual(model: Option<&str>) -> Self {
        let is_older = model.is_some_and(|model| model.starts_with("dall-e"));
        if is_older { Self::Url } else { Self::Base64 }
    }
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::new(Method::POST, CREATE, create, |doc: Doc| {
        doc.op("openai", "openaiCreateImage", "Draw pictures")
            .about("As `POST /api/_create-image` draws them: by the provider that is configured for the `model`, or the first one that draws, or the built-in one; each is encoded anew as PNG, in exactly the `size`. Several are drawn one after the other; those that were drawn before one fails are found by `GET /api/images`. At most 10 a minute. The model is a provider's and not an assistant. Needs an AI seat and the scope `run`.")
            .body("OpenaiImageCreate")
            .json(200, "The pictures.", "OpenaiImageList")
            .codes(&[
                Code::AiSeatRequired,
                Code::NoProvider,
                Code::ProviderNotAllowed,
                Code::ProviderFailed,
                Code::ProviderTimeout,
                Code::LimitReached,
            ])
    })]
}

/// What is asked for.
struct Wish {
    command: CreateImage,
    count: u32,
    format: Format,
}

async fn create(mut call: Call) -> Answer {
    let input = call.input(input::SMALL).await?;
    once(call, input, async |call: Call, input: Input| {
        let Wish { command, count, format } = read(input.value)?;
        let most = u32::try_from(MAX_AT_ONCE).unwrap_or(u32::MAX);
        let counted = NonZeroU32::new(count.min(most)).unwrap_or(NonZeroU32::MIN);
        let allowance = call.state.limits.images(call.caller.actor.user, counted)?;
        let services = &call.state.services;
        let painter = Painter { vault: &*services.vault, models: &*services.image_model };
        let look = command.look;
        let order = (command, usize::try_from(count).unwrap_or(usize::MAX));
        let created = images::create_images(call.deps(), painter, &call.caller, order).await?;
        Ok(allowance.told(answer::ok(&told(&created, (look, format), &call.state))?))
    })
    .await
}

fn told(created: &[CreatedImage], (look, format): (ImageLook, Format), state: &State) -> ImageList {
    let sum = |tokens: fn(&CreatedImage) -> u64| created.iter().map(tokens).sum::<u64>();
    let input_tokens = sum(|image| image.tokens.input);
    let output_tokens = sum(|image| image.tokens.output);
    let total_tokens = input_tokens + output_tokens;
    let usage = UsageView {
        input_tokens,
        input_tokens_details: InputTokens { image_tokens: 0, text_tokens: input_tokens },
        output_tokens,
        total_tokens,
    };
    let last = created.last();
    ImageList {
        created: last.map_or(0, |image| image.image.created_at.unix_seconds()),
        output_format: "png",
        size: last.map(|image| image.size.clone()).unwrap_or_default(),
        quality: look.quality.map(ImageQuality::as_str),
        background: look.background.map(ImageBackground::as_str),
        usage: (total_tokens > 0).then_some(usage),
        data: created.iter().map(|image| view(image, format, state)).collect(),
    }
}

fn view(created: &CreatedImage, format: Format, state: &State) -> ImageView {
    match format {
        Format::Base64 => ImageView { b64_json: Some(STANDARD.encode(&created.png)), url: None },
        Format::Url => {
            let key = created.image.key.expose();
            let url = format!("{}/images/{key}", state.options.public_url);
            ImageView { b64_json: None, url: Some(url) }
        }
    }
}

fn read(value: Value) -> Result<Wish, Problem> {
    let mut fields = Fields::of(value)?;
    let prompt = fields.required("prompt", Fields::text);
    let model = optional(&mut fields, "model", Fields::text);
    let size = optional(&mut fields, "size", Fields::text).filter(|size| size != "auto");
    let count = optional(&mut fields, "n", Fields::count).unwrap_or(1);
    let look = look(&mut fields);
    let format = optional(&mut fields, "response_format", |fields, name| {
        fields.word(name, &FORMATS, Format::of)
    });
    refuse(&mut fields);
    ignore(&mut fields, &["user", "safety_identifier"]);
    fields.finish()?;
    let format = format.unwrap_or_else(|| Format::usual(model.as_deref()));
    Ok(Wish { command: CreateImage { prompt, model, size, look }, count, format })
}

/// `auto` is the model's choice, as is what is not said.
fn look(fields: &mut Fields) -> ImageLook {
    let quality = optional(fields, "quality", |fields, name| {
        fields.word(name, &QUALITIES, |word| match word {
            "auto" => Some(None),
            word => ImageQuality::from_word(word).map(Some),
        })
    });
    let background = optional(fields, "background", |fields, name| {
        fields.word(name, &BACKGROUNDS, |word| match word {
            "auto" => Some(None),
            word => ImageBackground::from_word(word).map(Some),
        })
    });
    ImageLook { quality: quality.flatten(), background: background.flatten() }
}

/// What there is no counterpart for.
fn refuse(fields: &mut Fields) {
    let null = Value::Null;
    for (name, usual, message) in [
        ("stream", json!(false), "must be false: pictures are told when they are there"),
        ("partial_images", json!(0), "must be 0: pictures are told when they are there"),
        ("output_format", json!("png"), PNG),
        ("output_compression", json!(100), "must be 100: pictures are PNG, and lose nothing"),
        ("moderation", json!("auto"), "must be `auto`: how strict it is, is the provider's affair"),
        ("style", null.clone(), "cannot be chosen; say it in the prompt"),
        ("complexity", null.clone(), "cannot be chosen"),
        ("frame_count", null.clone(), PNG),
        ("frame_duration_ms", null.clone(), PNG),
        ("svg", null, PNG),
    ] {
        only(fields, name, &usual, message);
    }
}
