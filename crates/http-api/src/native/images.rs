//! Pictures that models draw.

use actix_web::{
    HttpRequest,
    http::{
        Method,
        header::{self, HeaderValue},
    },
};
use serde::Serialize;
use understudy_domain::{
    AssistantId, Image, ImageId, ImageOrigin, Timestamp, UserId,
    usecases::images::{self, Apply, CreateImage, CreatedImage, ListImages, Painter},
};
use utoipa::ToSchema;

use crate::{
    answer::{self, Answer},
    call::{Asked, Call, state_of},
    cursor,
    download::{self, Contents},
    endpoint::Endpoint,
    fields::Fields,
    idempotency::once,
    input::{self, Input},
    openapi::{Doc, Parameter},
    problem::Code,
    query::Query,
    server::State,
};

const ALL: &str = "/api/images";
const ONE: &str = "/api/images/{id}";
const CREATE: &str = "/api/_create-image";
const CREATE_FOR: &str = "/api/assistants/{id}/_create-image";
const SHOW: &str = "/images/{key}";

/// A picture that was drawn.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CreatedImage)]
pub(crate) struct CreatedView {
    /// Its identifier, by which it is deleted.
    #[schema(value_type = String, example = "img_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    id: ImageId,
    /// Where whoever has the address sees it, until it is deleted. It stands
    /// nowhere else.
    #[schema(example = "https://understudy.example.com/images/pZx2…")]
    url: String,
    /// What was asked for.
    #[schema(example = "A professional icon representing sales analytics")]
    prompt: String,
    /// The model that drew it.
    #[schema(example = "dall-e-3")]
    model: String,
    /// Width and height in pixels.
    #[schema(example = "512x512")]
    size: String,
    /// When it was drawn.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T12:00:00Z")]
    created_at: Timestamp,
}

impl CreatedView {
    fn of(created: CreatedImage, state: &State) -> Self {
        let CreatedImage { image, prompt, model, size, .. } = created;
        let url = format!("{}/images/{}", state.options.public_url, image.key.expose());
        Self { id: image.id, url, prompt, model, size, created_at: image.created_at }
    }
}

/// A picture in a list; never its address.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Image)]
pub(crate) struct ImageView {
    /// Its identifier.
    #[schema(value_type = String, example = "img_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    id: ImageId,
    /// Who had it drawn.
    #[schema(value_type = String, example = "usr_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    user_id: UserId,
    /// The assistant it was drawn for; null when it was for none.
    #[schema(value_type = Option<String>, example = "asst_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    assistant_id: Option<AssistantId>,
    /// What was asked for.
    #[schema(example = "A professional icon representing sales analytics")]
    prompt: String,
    /// The kind of the provider.
    #[schema(example = "openai")]
    provider: String,
    /// The model that drew it.
    #[schema(example = "dall-e-3")]
    model: String,
    /// Width and height in pixels.
    #[schema(example = "512x512")]
    size: String,
    /// When it was drawn.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T12:00:00Z")]
    created_at: Timestamp,
}

impl ImageView {
    /// `None` for what no model drew.
    fn of(image: &Image) -> Option<Self> {
        let ImageOrigin::Generated { prompt, provider, model, size } = image.origin.clone() else {
            return None;
        };
        Some(Self {
            id: image.id,
            user_id: image.user,
            assistant_id: image.assistant,
            prompt,
            provider,
            model,
            size,
            created_at: image.created_at,
        })
    }
}

/// A page of pictures.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ImagePage {
    /// The pictures, newest first.
    data: Vec<ImageView>,
    /// Where the next page begins; null on the last one.
    next_cursor: Option<String>,
}

/// What may stand in the way of drawing.
const DRAWING: &[Code] = &[
    Code::AiSeatRequired,
    Code::NoProvider,
    Code::ProviderNotAllowed,
    Code::ProviderFailed,
    Code::ProviderTimeout,
    Code::LimitReached,
];

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::POST, CREATE, create_image, |doc: Doc| {
            doc.op("images", "createImage", "Draw a picture")
                .about("By the provider that is configured for the `model`, or the first one that draws, or the built-in one. What the provider gives is encoded anew, in exactly the `size`. At most 10 a minute. Needs an AI seat; tokens need the scope `run`.")
                .body("ImageCreate")
                .json(200, "The picture, with its address.", "CreatedImage")
                .codes(DRAWING)
        }),
        Endpoint::new(Method::POST, CREATE_FOR, create_image_for, |doc: Doc| {
            doc.op("images", "createAssistantImage", "Draw a picture for an assistant or draft")
                .about("By the provider that its settings name, and none that `allowed_model_providers` leaves out. With `apply: icon` it becomes the icon. Needs edit access; tokens need the scopes `write` and `run`.")
                .body("AssistantImageCreate")
                .json(200, "The picture, with its address.", "CreatedImage")
                .conditional()
                .codes(DRAWING)
                .codes(&[Code::ConcurrentChange])
                .needs_seat()
        }),
        Endpoint::new(Method::GET, ALL, list_images, |doc: Doc| {
            doc.op("images", "listImages", "List pictures that were drawn")
                .about("One's own, newest first, without their addresses.")
                .query(
                    "user",
                    "The id of a user; others than oneself need the role admin or owner.",
                    Parameter::text(),
                )
                .limit_parameter()
                .query(
                    "cursor",
                    "Where the page begins: `nextCursor` of the page before.",
                    Parameter::text(),
                )
                .json(200, "A page of pictures.", "ImagePage")
                .codes(&[Code::BadCursor, Code::InsufficientRole])
        }),
        Endpoint::new(Method::DELETE, ONE, delete_image, |doc: Doc| {
            doc.op("images", "deleteImage", "Delete a picture")
                .about("Its address leads nowhere from now on. For who had it drawn, and the roles admin and owner.")
                .empty(204, "It is gone.")
                .codes(&[Code::NotFound])
        }),
        Endpoint::new(Method::GET, SHOW, show_image, |doc: Doc| {
            doc.open("images", "getImage", "Show a picture")
                .about("For whoever has its address.")
                .range()
                .bytes("The picture.", &["image/png"])
                .contents(206, "The bytes that `Range` asks for.")
                .empty(307, "The bytes are at `Location` for a minute.")
                .codes(&[
                    Code::NotFound,
                    Code::RangeNotSatisfiable,
                    Code::ValidationFailed,
                    Code::Internal,
                    Code::Unavailable,
                ])
        }),
    ]
}

fn painter(state: &State) -> Painter<'_> {
    Painter { vault: &*state.services.vault, models: &*state.services.image_model }
}

async fn create_image(mut call: Call) -> Answer {
    let input = call.input(input::SMALL).await?;
    once(call, input, async |call: Call, input: Input| {
        let mut fields = Fields::of(input.value)?;
        let command = picture(&mut fields);
        fields.finish()?;
        let allowance = call.state.limits.image(call.caller.actor.user)?;
        let painter = painter(&call.state);
        let created = images::create_image(call.deps(), painter, &call.caller, command).await?;
        Ok(allowance.told(answer::ok(&CreatedView::of(created, &call.state))?))
    })
    .await
}

async fn create_image_for(mut call: Call) -> Answer {
    let input = call.input(input::SMALL).await?;
    once(call, input, async |call: Call, input: Input| {
        let mut fields = Fields::of(input.value)?;
        let command = picture(&mut fields);
        let is_icon = is_icon(&mut fields);
        fields.finish()?;
        call.require_match(call.path("id")).await?;
        let apply = if is_icon { Apply::Icon(call.precondition()?) } else { Apply::Nothing };
        let allowance = call.state.limits.image(call.caller.actor.user)?;
        let (deps, caller) = (call.deps(), &call.caller);
        let (paint, order) = (painter(&call.state), (command, apply));
        let created = images::create_image_for(deps, paint, caller, call.path("id"), order).await?;
        Ok(allowance.told(answer::ok(&CreatedView::of(created, &call.state))?))
    })
    .await
}

fn picture(fields: &mut Fields) -> CreateImage {
    CreateImage {
        prompt: fields.required("prompt", Fields::text),
        model: fields.nullable("model", Fields::text).flatten(),
        size: fields.nullable("size", Fields::text).flatten(),
        ..CreateImage::default()
    }
}

fn is_icon(fields: &mut Fields) -> bool {
    match fields.nullable("apply", Fields::text).flatten().as_deref() {
        None => false,
        Some("icon") => true,
        Some(_) => {
            fields.fault("apply", "enum", "must be `icon`");
            false
        }
    }
}

async fn list_images(Asked { call, mut query }: Asked) -> Answer {
    let user = query.read("user", "the id of a user", |text| text.parse::<UserId>().ok());
    let limit = query.limit();
    let cursor = query.text("cursor");
    query.finish()?;
    let whose = user.unwrap_or(call.caller.actor.user).to_string();
    let list = cursor::list_of(&["images", &whose]);
    let before = cursor.map(|text| cursor::to_id(&list, &text)).transpose()?;
    let command = ListImages { user, before, limit };
    let page = images::list_images(call.deps(), &call.caller, command).await?;
    let end = page.rows.last().filter(|_| page.more);
    answer::ok(&ImagePage {
        next_cursor: end.map(|image| cursor::of_id(&list, image.id)),
        data: page.rows.iter().filter_map(ImageView::of).collect(),
    })
}

async fn delete_image(call: Call) -> Answer {
    let id = call.id("id", "picture")?;
    images::delete_image(call.deps(), &call.caller, id).await?;
    answer::gone()
}

/// Not by [`Call`]: the address is all that is needed.
async fn show_image(request: HttpRequest) -> Answer {
    let state = state_of(&request)?;
    Query::of(&request).finish()?;
    let key = request.match_info().get("key").unwrap_or_default();
    let image = images::open_image(state.deps(), key).await?;
    let contents = Contents {
        organization: image.organization,
        blob: image.blob,
        media_type: "image/png",
        save_as: None,
    };
    let mut answer = download::contents(&request, &state, contents).await?;
    // It is there to be shown on pages of others.
    let anywhere = HeaderValue::from_static("cross-origin");
    answer.headers_mut().insert(header::CROSS_ORIGIN_RESOURCE_POLICY, anywhere);
    Ok(answer)
}
