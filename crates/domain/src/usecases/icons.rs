//! Icons of assistants: uploaded and made safe, or drawn here.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;
use serde_json::Value;

use super::{
    Caller, Deps, Error, Precondition, Result,
    change::Change,
    intake::{read_whole, take_in},
    support::{find, find_to_write},
};
use crate::{
    Content, Digest, Fault, OrganizationId,
    access::Level,
    assistant::{
        content::{IconImage, IconType},
        view::AssistantView,
    },
    avatars,
    icons::{self, DEFAULT},
    ports::{IconFiles, MediaError, Picture},
};

/// Most bytes of an uploaded icon (reference §2, `icon_type`).
pub const MAX_ICON_BYTES: u64 = 5 * 1_024 * 1_024;

/// How an icon is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IconForm {
    /// As it is: SVG where it is shapes, else PNG.
    Natural,
    /// As a square PNG of this many pixels, 16 to 1,024.
    Square(u32),
    /// As an ICO with 16, 32 and 48 pixels.
    Favicon,
}

impl IconForm {
    /// A PNG of this many pixels a side, if such are drawn.
    #[must_use]
    pub fn square(size: u32) -> Option<Self> {
        (16..=1_024).contains(&size).then_some(Self::Square(size))
    }
}

/// The icon of an assistant, not yet rendered.
#[derive(Clone, Debug)]
pub struct IconView {
    /// The organization that has its bytes.
    pub organization: OrganizationId,
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    Uploaded(IconImage),
    /// As a release without a blob store kept it.
    Inline(String),
    Drawn(Picture),
}

/// A rendered icon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RenderedIcon {
    /// `image/png`, `image/svg+xml` or `image/x-icon`.
    pub media_type: &'static str,
    /// Its bytes.
    pub bytes: Bytes,
}

/// The icon of an assistant.
///
/// # Errors
///
/// [`Error::NotFound`].
pub async fn view_icon(deps: Deps<'_>, caller: &Caller, reference: &str) -> Result<IconView> {
    find(&deps, caller, reference).await.map(|view| icon_of(&view))
}

/// The icon of an assistant that the caller sees.
#[must_use]
pub fn icon_of(view: &AssistantView) -> IconView {
    let assistant = &view.record.assistant;
    let tint = assistant.lineage().to_string();
    let source = source_of(&assistant.content, tint);
    IconView { organization: assistant.organization, source }
}

/// The picture of an avatar of the library.
///
/// # Errors
///
/// [`Error::NotFound`].
pub fn view_avatar(caller: &Caller, id: &str) -> Result<IconView> {
    let avatar = avatars::find(id).ok_or(Error::NotFound("avatar"))?;
    let source = Source::Drawn(Picture::Avatar(avatar.id.clone()));
    Ok(IconView { organization: caller.tenant(), source })
}

/// The bare icon of the library, in the colour of what it stands in.
///
/// # Errors
///
/// [`Error::NotFound`].
pub fn library_icon(deps: Deps<'_>, name: &str) -> Result<RenderedIcon> {
    let bytes = deps.pictures.library_icon(name).ok_or(Error::NotFound("icon"))?;
    Ok(RenderedIcon { media_type: "image/svg+xml", bytes })
}

fn source_of(content: &Content, tint: String) -> Source {
    let data = content.icon_data.as_deref().unwrap_or_default();
    let icon = |name: &str| {
        let name = icons::find(name).unwrap_or(DEFAULT).to_owned();
        Source::Drawn(Picture::Icon { name, tint })
    };
    match content.icon_type {
        IconType::Upload => match &content.icon_image {
            Some(image) => Source::Uploaded(image.clone()),
            None => Source::Inline(data.to_owned()),
        },
        IconType::Emoji => Source::Drawn(Picture::Emoji(data.to_owned())),
        IconType::Icon => icon(data),
        IconType::Default => match (&content.icon, &content.avatar_id) {
            (Some(name), _) => icon(name),
            (None, Some(avatar)) => Source::Drawn(Picture::Avatar(avatar.clone())),
            (None, None) => icon(DEFAULT),
        },
    }
}

impl IconView {
    /// The strong entity tag of the icon in this form, without quotes. Another
    /// release may draw differently, so it is part of it.
    #[must_use]
    pub fn etag(&self, form: IconForm) -> String {
        let source = match &self.source {
            Source::Uploaded(image) => image.png.digest,
            Source::Inline(data) => Digest::of(data.as_bytes()),
            Source::Drawn(picture) => Digest::of(format!("{picture:?}").as_bytes()),
        };
        let text = format!("{source}/{form:?}/{}", env!("CARGO_PKG_VERSION"));
        Digest::of(text.as_bytes()).to_string().chars().take(32).collect()
    }

    /// The icon in this form.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for a size that is not drawn, [`Error::Media`],
    /// [`Error::Blobs`].
    pub async fn render(&self, deps: Deps<'_>, form: IconForm) -> Result<RenderedIcon> {
        if let (IconForm::Natural, Source::Uploaded(image)) = (form, &self.source) {
            let (blob, media_type) = match image.svg {
                Some(svg) => (svg, "image/svg+xml"),
                None => (image.png, "image/png"),
            };
            let bytes = read_whole(&deps, self.organization, blob).await?;
            return Ok(RenderedIcon { media_type, bytes });
        }
        let picture = self.picture(&deps).await?;
        let (media_type, bytes) = match form {
            IconForm::Favicon => ("image/x-icon", deps.pictures.favicon(&picture).await?),
            IconForm::Square(size) => ("image/png", deps.pictures.draw(&picture, size).await?),
            IconForm::Natural => match (deps.pictures.vector(&picture).await?, picture) {
                (Some(svg), _) => ("image/svg+xml", svg),
                (None, Picture::Png(png)) => ("image/png", png),
                (None, picture) => ("image/png", deps.pictures.draw(&picture, NATURAL_SIZE).await?),
            },
        };
        Ok(RenderedIcon { media_type, bytes })
    }

    async fn picture(&self, deps: &Deps<'_>) -> Result<Picture> {
        Ok(match &self.source {
            Source::Uploaded(image) => {
                Picture::Png(read_whole(deps, self.organization, image.png).await?)
            }
            Source::Inline(data) => {
                let upload = decode(data).unwrap_or_default();
                Picture::Png(deps.pictures.make_icon(upload).await?.png)
            }
            Source::Drawn(picture) => picture.clone(),
        })
    }
}

/// Pixels a side of a drawn picture that has no shapes.
const NATURAL_SIZE: u32 = 512;

/// Whether the caller may change the icon of an assistant; to be asked before
/// anything is read.
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::Forbidden`].
pub async fn authorize_icon(deps: Deps<'_>, caller: &Caller, reference: &str) -> Result<()> {
    find_to_write(&deps, caller, reference, Level::Edit).await.map(drop)
}

/// Gives an assistant an uploaded icon, made safe.
///
/// # Errors
///
/// [`Error::Media`] for what is no picture, [`Error::NotFound`],
/// [`Error::Forbidden`], [`Error::PreconditionFailed`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn set_icon(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    upload: Bytes,
    precondition: Precondition,
) -> Result<AssistantView> {
    let found = find_to_write(&deps, caller, reference, Level::Edit).await?;
    let icon = make(&deps, caller.tenant(), upload).await?;
    let change = Change::begin(&deps, caller, &found).await?;
    precondition.check(&change.view().etag())?;
    let mut content = change.content().clone();
    icon.put(&mut content);
    change.commit(&deps, caller, content).await
}

/// Takes the icon that somebody chose off an assistant.
///
/// # Errors
///
/// [`Error::NotFound`], also when it has its default icon; [`Error::Forbidden`],
/// [`Error::PreconditionFailed`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn reset_icon(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    precondition: Precondition,
) -> Result<()> {
    let found = find_to_write(&deps, caller, reference, Level::Edit).await?;
    let mut change = Change::begin(&deps, caller, &found).await?;
    precondition.check(&change.view().etag())?;
    let mut content = change.content().clone();
    if content.icon_type == IconType::Default {
        return Err(Error::NotFound("icon"));
    }
    // The same picture, where everybody can see it.
    let assistant = change.view().record.assistant.id;
    if let Some(avatar) = change.work.images().find_avatar(assistant).await? {
        change.work.images().delete(avatar.id).await?;
    }
    content.icon_type = IconType::Default;
    content.icon_data = None;
    content.icon_image = None;
    change.commit(&deps, caller, content).await.map(drop)
}

/// An icon whose files are stored.
pub(super) struct Stored {
    /// What `icon_data` becomes: a small PNG as a data URL.
    pub(super) data: String,
    pub(super) image: IconImage,
}

impl Stored {
    /// Makes it the icon of `content`.
    pub(super) fn put(self, content: &mut Content) {
        content.icon_type = IconType::Upload;
        content.icon_data = Some(self.data);
        content.icon_image = Some(self.image);
    }
}

/// Makes an uploaded icon safe and takes its files in.
pub(super) async fn make(deps: &Deps<'_>, tenant: OrganizationId, upload: Bytes) -> Result<Stored> {
    let IconFiles { png, svg, width, height, thumbnail } = deps.pictures.make_icon(upload).await?;
    let png = take_in(deps, tenant, png).await?;
    let svg = match svg {
        Some(svg) => Some(take_in(deps, tenant, svg).await?),
        None => None,
    };
    let data = format!("data:image/png;base64,{}", BASE64.encode(&thumbnail));
    Ok(Stored { data, image: IconImage { png, svg, width, height } })
}

/// What a write of fields says about an uploaded icon.
pub(super) struct IconInput {
    stored: Option<Stored>,
    /// Why the image cannot be taken.
    pub(super) fault: Option<Fault>,
}

impl IconInput {
    /// Takes the image out of `input`, where `icon_data` brings a new one, and puts
    /// what is kept of it in its place.
    pub(super) async fn take(
        deps: &Deps<'_>,
        tenant: OrganizationId,
        base: &Content,
        input: &mut Value,
    ) -> Result<Self> {
        let nothing = Self { stored: None, fault: None };
        let is_upload = match field(input, ["icon_type", "iconType"]).as_deref() {
            Some(Value::String(word)) => word == IconType::Upload.as_str(),
            _ => base.icon_type == IconType::Upload,
        };
        let Some(data) = field(input, ["icon_data", "iconData"]) else { return Ok(nothing) };
        let Some(text) = data.as_str().filter(|_| is_upload) else { return Ok(nothing) };
        if base.icon_data.as_deref() == Some(text) && base.icon_image.is_some() {
            return Ok(nothing);
        }
        // What is no base64 is told by the rules of the content.
        let Some(upload) = decode(text) else { return Ok(nothing) };
        if u64::try_from(upload.len()).unwrap_or(u64::MAX) > MAX_ICON_BYTES {
            let message = format!("must be an image of at most {MAX_ICON_BYTES} bytes");
            return Ok(Self::refused(data, "too_long", message));
        }
        match make(deps, tenant, upload).await {
            Ok(stored) => {
                *data = Value::String(stored.data.clone());
                Ok(Self { stored: Some(stored), fault: None })
            }
            Err(Error::Media(error @ MediaError::Unavailable(_))) => Err(error.into()),
            Err(Error::Media(error)) => Ok(Self::refused(data, "icon_data", error.to_string())),
            Err(error) => Err(error),
        }
    }

    fn refused(data: &mut Value, code: &'static str, message: String) -> Self {
        // So that the rest of the input can be checked.
        *data = Value::String(PLACEHOLDER.to_owned());
        Self { stored: None, fault: Some(Fault::new("/icon_data", code, message)) }
    }

    /// Adds the fault, if there is one, to what else is wrong.
    pub(super) fn join<T>(&mut self, edit: std::result::Result<T, Vec<Fault>>) -> Result<T> {
        match (edit, self.fault.take()) {
            (Ok(edit), None) => Ok(edit),
            (Ok(_), Some(fault)) => Err(Error::Invalid(vec![fault])),
            (Err(mut faults), fault) => {
                faults.retain(|known| fault.as_ref().is_none_or(|f| f.pointer != known.pointer));
                faults.extend(fault);
                Err(Error::Invalid(faults))
            }
        }
    }

    /// Names the stored files in the content, if it is this icon that it has.
    pub(super) fn put(self, content: &mut Content) {
        let Some(Stored { data, image }) = self.stored else { return };
        if content.icon_type == IconType::Upload && content.icon_data.as_ref() == Some(&data) {
            content.icon_image = Some(image);
        }
    }
}

/// A PNG by its first bytes.
const PLACEHOLDER: &str = "iVBORw0KGgo=";

fn field<'a>(input: &'a mut Value, names: [&str; 2]) -> Option<&'a mut Value> {
    let map = input.as_object_mut()?;
    let name = names.into_iter().find(|name| map.contains_key(*name))?;
    map.get_mut(name)
}

/// The bytes of a data URL or of plain base64.
fn decode(text: &str) -> Option<Bytes> {
    let encoded = match text.strip_prefix("data:") {
        None => text,
        Some(rest) => rest.split_once(";base64,")?.1,
    };
    BASE64.decode(encoded.trim()).ok().map(Bytes::from)
}
