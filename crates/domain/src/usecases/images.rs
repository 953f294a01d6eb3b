//! Pictures that models draw, and where whoever has their address sees them.

use super::{
    Caller, Deps, Error, Result,
    support::{record, require_admin, require_scope, require_unlimited},
};
use crate::{
    Image, ImageId, ImageOrigin, Scope, UserId,
    ports::{ImageModel, Page, Vault},
};

mod choice;
mod create;

pub use choice::{CLIPDROP_MODELS, OPENAI_MODELS};
pub(super) use create::paint;
pub use create::{
    Apply, CreateImage, CreatedImage, DEFAULT_SIZE, MAX_AT_ONCE, MAX_PROMPT_CHARS, SIDES,
    create_image, create_image_for, create_images,
};

/// What pictures are drawn with.
#[derive(Clone, Copy)]
pub struct Painter<'a> {
    /// Opens the keys of providers.
    pub vault: &'a dyn Vault,
    /// Draws.
    pub models: &'a dyn ImageModel,
}

/// Which pictures to list.
#[derive(Clone, Copy, Debug)]
pub struct ListImages {
    /// Whose; the caller's own when `None`.
    pub user: Option<UserId>,
    /// Older than which.
    pub before: Option<ImageId>,
    /// How many at most.
    pub limit: u32,
}

/// Characters of a picture's key: 256 bits in base64url.
const KEY_CHARS: usize = 43;

/// The picture whose address ends with `key`, for whoever has the address.
///
/// # Errors
///
/// [`Error::NotFound`] for keys that nobody has, had or can have alike.
pub async fn open_image(deps: Deps<'_>, key: &str) -> Result<Image> {
    let missing = Error::NotFound("picture");
    let is_plausible = key.len() == KEY_CHARS
        && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if !is_plausible {
        return Err(missing);
    }
    deps.store.content().image_by_key(key).await?.ok_or(missing)
}

/// Generated pictures, newest first: one's own, or for administrators anybody's.
///
/// # Errors
///
/// [`Error::Forbidden`] for others' pictures.
pub async fn list_images(
    deps: Deps<'_>,
    caller: &Caller,
    command: ListImages,
) -> Result<Page<Image>> {
    let ListImages { user, before, limit } = command;
    require_unlimited(&caller.actor)?;
    require_scope(&caller.actor, Scope::Read)?;
    let user = user.unwrap_or(caller.actor.user);
    if user != caller.actor.user {
        require_admin(&caller.actor, Scope::Read)?;
    }
    let content = deps.store.content();
    let one_more = limit.saturating_add(1);
    let mut rows = content.images(caller.tenant(), Some(user), before, one_more).await?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    Ok(Page { rows, more, total: None })
}

/// Takes a generated picture away: its address leads nowhere from now on. What it
/// cost stays counted.
///
/// # Errors
///
/// [`Error::NotFound`], also the second time and for others' pictures to all but
/// administrators.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn delete_image(deps: Deps<'_>, caller: &Caller, id: ImageId) -> Result<()> {
    let missing = || Error::NotFound("picture");
    let mut work = deps.store.begin(caller.tenant()).await?;
    let image = work.images().find(id).await?.ok_or_else(missing)?;
    // An avatar goes with its chatbot, by the routes of chatbots.
    if image.origin == ImageOrigin::Avatar {
        return Err(missing());
    }
    let is_own = image.user == caller.actor.user;
    let is_in_reach =
        caller.actor.only_assistant().is_none_or(|only| image.assistant == Some(only));
    if !is_in_reach || !(is_own || caller.actor.role.is_admin()) {
        return Err(missing());
    }
    require_scope(&caller.actor, if is_own { Scope::Write } else { Scope::Admin })?;
    if !work.images().delete(id).await? {
        return Err(missing());
    }
    record(&deps, caller, &mut *work, "image.deleted", id.to_string(), (None, None)).await?;
    Ok(work.commit().await?)
}
