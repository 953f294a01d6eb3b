//! Drawing a picture: who pays and may is decided first, then a model draws, then
//! the bytes are stored, then the row that names them with what it cost.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use bytes::Bytes;
use serde_json::json;

use super::{
    Painter,
    choice::{Wish, choose},
};
use crate::{
    AssistantId, Content, Fault, Image, ImageOrigin, ProviderKind, Scope, Secret, Usage,
    access::Level,
    assistant::content::ImageProvider,
    ports::{
        DrawnImage, ImageLook, ImageRequest, ImageTokens, MediaError, ProviderAccess, ProviderError,
    },
    usecases::{
        Caller, Deps, Error, Precondition, Result, icons,
        intake::take_in,
        providers::access_of,
        support::{find_to_write, fresh, record, require_scope, require_seat, require_unlimited},
    },
};

/// Most characters of a prompt.
pub const MAX_PROMPT_CHARS: usize = 4_000;
/// Fewest and most pixels of a side.
pub const SIDES: std::ops::RangeInclusive<u32> = 64..=2_048;
/// Most pictures that are drawn for one request.
pub const MAX_AT_ONCE: usize = 10;
/// Width and height when none are given.
pub const DEFAULT_SIZE: (u32, u32) = (1_024, 1_024);

/// A picture to draw.
#[derive(Clone, Debug, Default)]
pub struct CreateImage {
    /// What it shall show.
    pub prompt: String,
    /// The model; one is chosen when `None`.
    pub model: Option<String>,
    /// `<width>x<height>` in pixels.
    pub size: Option<String>,
    /// How it shall look.
    pub look: ImageLook,
}

/// What to do with a picture that was drawn for an assistant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Apply {
    /// Nothing.
    Nothing,
    /// Make it the icon, if the assistant is in this state.
    Icon(Precondition),
}

/// A picture that was drawn.
#[derive(Clone, Debug)]
pub struct CreatedImage {
    /// As it is stored.
    pub image: Image,
    /// What was asked for.
    pub prompt: String,
    /// The model that drew it.
    pub model: String,
    /// `<width>x<height>` in pixels.
    pub size: String,
    /// Its bytes, a PNG.
    pub png: Bytes,
    /// What it took, as far as its provider told.
    pub tokens: ImageTokens,
}

/// What is to be drawn, checked.
struct Order {
    prompt: String,
    model: Option<String>,
    size: (u32, u32),
    look: ImageLook,
}

/// Draws a picture for the caller.
///
/// # Errors
///
/// [`Error::Invalid`] with every fault, [`Error::Provider`] when the provider
/// fails, [`Error::SeatRequired`], [`Error::Forbidden`], and
/// [`Conflict::NoProvider`](crate::usecases::Conflict::NoProvider).
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn create_image(
    deps: Deps<'_>,
    painter: Painter<'_>,
    caller: &Caller,
    command: CreateImage,
) -> Result<CreatedImage> {
    require_painter(caller)?;
    let order = check(command)?;
    let drawn = draw(&deps, painter, caller, &order, None).await?;
    store(&deps, caller, &order, drawn, None).await
}

/// Draws several pictures of the same for the caller, one after the other. Those that
/// were drawn before one fails are kept and counted: they were paid for.
///
/// # Errors
///
/// As [`create_image`], also for less than one and more than [`MAX_AT_ONCE`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn create_images(
    deps: Deps<'_>,
    painter: Painter<'_>,
    caller: &Caller,
    (command, count): (CreateImage, usize),
) -> Result<Vec<CreatedImage>> {
    require_painter(caller)?;
    let order = check(command)?;
    if !(1..=MAX_AT_ONCE).contains(&count) {
        return Err(Error::invalid("/n", "range", format!("must be 1 to {MAX_AT_ONCE}")));
    }
    let mut created = Vec::with_capacity(count);
    for _ in 0..count {
        let drawn = draw(&deps, painter, caller, &order, None).await?;
        created.push(store(&deps, caller, &order, drawn, None).await?);
    }
    Ok(created)
}

fn require_painter(caller: &Caller) -> Result<()> {
    require_seat(&caller.actor)?;
    require_unlimited(&caller.actor)?;
    require_scope(&caller.actor, Scope::Run)
}

/// Draws a picture for an assistant: by the provider that its settings name, and
/// none that they leave out.
///
/// # Errors
///
/// As [`create_image`], and [`Error::NotFound`],
/// [`Conflict::ProviderNotAllowed`](crate::usecases::Conflict::ProviderNotAllowed),
/// [`Error::PreconditionFailed`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn create_image_for(
    deps: Deps<'_>,
    painter: Painter<'_>,
    caller: &Caller,
    reference: &str,
    (command, apply): (CreateImage, Apply),
) -> Result<CreatedImage> {
    let view = find_to_write(&deps, caller, reference, Level::Edit).await?;
    require_scope(&caller.actor, Scope::Run)?;
    if let Apply::Icon(precondition) = &apply {
        // Before the provider is paid; the write looks again.
        precondition.check(&view.etag())?;
    }
    let order = check(command)?;
    let assistant = &view.record.assistant;
    let drawn = draw(&deps, painter, caller, &order, Some(&assistant.content)).await?;
    let png = drawn.png.clone();
    let created = store(&deps, caller, &order, drawn, Some(assistant.lineage())).await?;
    if let Apply::Icon(precondition) = apply {
        icons::set_icon(deps, caller, reference, png, precondition).await?;
    }
    Ok(created)
}

/// Draws a picture for an answer of the assistant with this content and live id: by
/// the provider that its settings name, and none that they leave out. Who may ask the
/// assistant was decided by whoever calls this.
///
/// # Errors
///
/// As [`create_image`].
pub(in crate::usecases) async fn paint(
    deps: Deps<'_>,
    painter: Painter<'_>,
    caller: &Caller,
    (content, live): (&Content, AssistantId),
    command: CreateImage,
) -> Result<CreatedImage> {
    let order = check(command)?;
    let drawn = draw(&deps, painter, caller, &order, Some(content)).await?;
    store(&deps, caller, &order, drawn, Some(live)).await
}

fn check(command: CreateImage) -> Result<Order> {
    let CreateImage { prompt, model, size, look } = command;
    let mut faults = Vec::new();
    let chars = prompt.chars().count();
    if prompt.trim().is_empty() || chars > MAX_PROMPT_CHARS {
        let message = format!("must have 1 to {MAX_PROMPT_CHARS} characters, and not be blank");
        faults.push(Fault::new("/prompt", "invalid", message));
    }
    let parsed = size.as_deref().map_or(Some(DEFAULT_SIZE), parse_size);
    if parsed.is_none() {
        let (least, most) = (SIDES.start(), SIDES.end());
        let message =
            format!("must be `<width>x<height>`, each {least} to {most} pixels, as in `1024x1024`");
        faults.push(Fault::new("/size", "invalid", message));
    }
    match parsed {
        Some(size) if faults.is_empty() => Ok(Order { prompt, model, size, look }),
        _ => Err(Error::Invalid(faults)),
    }
}

fn parse_size(text: &str) -> Option<(u32, u32)> {
    let side = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let pixels = is_number.then(|| text.parse().ok()).flatten()?;
        SIDES.contains(&pixels).then_some(pixels)
    };
    let (width, height) = text.split_once('x')?;
    Some((side(width)?, side(height)?))
}

/// A picture as it came out of a model, encoded anew.
struct Drawn {
    provider: ProviderKind,
    model: String,
    png: Bytes,
    tokens: ImageTokens,
}

/// Lets a model draw. No transaction is open meanwhile.
async fn draw(
    deps: &Deps<'_>,
    painter: Painter<'_>,
    caller: &Caller,
    order: &Order,
    content: Option<&Content>,
) -> Result<Drawn> {
    let providers = deps.store.content().providers(caller.tenant()).await?;
    let organization = deps.store.directory().organization(caller.tenant()).await?;
    let settings = organization.ok_or(Error::NotFound("organization"))?.settings;
    let wish = Wish {
        model: order.model.as_deref(),
        preferred: content.map(preferred),
        allowed: content.and_then(|content| content.allowed_model_providers.as_deref()),
        in_house: settings.allowed_providers.as_deref(),
    };
    let choice = choose(&providers, wish)?;
    check_look(order.look, choice.provider.map_or(ProviderKind::Builtin, |row| row.kind))?;
    let access = match choice.provider {
        Some(provider) => access_of(deps, painter.vault, provider).await?,
        None => ProviderAccess::builtin(),
    };
    let (width, height) = order.size;
    let model = choice.model.map(str::to_owned);
    let (prompt, look) = (order.prompt.clone(), order.look);
    let request = ImageRequest { prompt, model, width, height, look };
    let drawn = painter.models.draw(&access, &request).await;
    let DrawnImage { bytes, model, tokens } = drawn.inspect_err(|error| {
        tracing::warn!(provider = access.kind.as_str(), %error, "a provider did not draw");
    })?;
    let raster = deps.pictures.reencode(bytes, Some(order.size)).await.map_err(garbled)?;
    Ok(Drawn { provider: access.kind, model, png: raster.png, tokens })
}

/// Only those who speak `OpenAI`'s protocol can be told how a picture shall look.
fn check_look(look: ImageLook, kind: ProviderKind) -> Result<()> {
    if matches!(kind, ProviderKind::Openai | ProviderKind::OpenaiCompatible) {
        return Ok(());
    }
    let said = [("/quality", look.quality.is_some()), ("/background", look.background.is_some())];
    let message = format!("cannot be chosen: `{}` draws", kind.as_str());
    let faults: Vec<Fault> = said
        .into_iter()
        .filter(|(_, is_said)| *is_said)
        .map(|(at, _)| Fault::new(at, "unsupported", message.clone()))
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
}

const fn preferred(content: &Content) -> ProviderKind {
    match content.tool_configurations.system_tools.image_generation.provider {
        ImageProvider::OpenAi => ProviderKind::Openai,
        ImageProvider::Clipdrop => ProviderKind::Clipdrop,
    }
}

/// What is wrong with the provider's picture is its fault, not the caller's.
fn garbled(error: MediaError) -> Error {
    match error {
        MediaError::Unsupported(_)
        | MediaError::Invalid(_)
        | MediaError::TooLarge(_)
        | MediaError::TooCostly => ProviderError::Garbled(error.to_string()).into(),
        MediaError::Unavailable(_) => error.into(),
    }
}

/// Stores a picture with what it cost.
async fn store(
    deps: &Deps<'_>,
    caller: &Caller,
    order: &Order,
    drawn: Drawn,
    assistant: Option<AssistantId>,
) -> Result<CreatedImage> {
    let Order { prompt, size: (width, height), .. } = order;
    let Drawn { provider, model, png, tokens } = drawn;
    let provider = provider.as_str().to_owned();
    let size = format!("{width}x{height}");
    let blob = take_in(deps, caller.tenant(), png.clone()).await?;
    let at = deps.clock.now();
    let image = Image {
        id: fresh(deps),
        organization: caller.tenant(),
        user: caller.actor.user,
        assistant,
        key: Secret::new(BASE64.encode(deps.ids.random())),
        origin: ImageOrigin::Generated {
            prompt: prompt.clone(),
            provider: provider.clone(),
            model: model.clone(),
            size: size.clone(),
        },
        blob,
        created_at: at,
    };
    // What was asked for stays with the picture, and goes with it.
    let after = json!({
        "assistantId": assistant,
        "provider": provider,
        "model": model,
        "size": size,
    });
    let usage = Usage {
        id: fresh(deps),
        organization: caller.tenant(),
        user: caller.actor.user,
        assistant,
        kind: "image".to_owned(),
        provider,
        model: model.clone(),
        quantity: 1,
        input_tokens: tokens.input,
        output_tokens: tokens.output,
        cost_micros: 0,
        at,
    };

    let mut work = deps.store.begin(caller.tenant()).await?;
    work.images().insert(&image).await?;
    work.images().count(&usage).await?;
    let (target, values) = (image.id.to_string(), (None, Some(after)));
    record(deps, caller, &mut *work, "image.created", target, values).await?;
    work.commit().await?;

    Ok(CreatedImage { image, prompt: prompt.clone(), model, size, png, tokens })
}
