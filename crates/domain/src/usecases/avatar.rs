//! The avatar of a chatbot: its icon, and a picture that pages of others show.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;

use super::{
    Caller, Deps, Error, Precondition, Result, change::Change, icons::make, support::find_to_write,
    support::fresh,
};
use crate::{
    Image, ImageOrigin, Secret, access::Level, assistant::view::AssistantView, ports::UnitOfWork,
};

/// A chatbot whose avatar was set.
#[derive(Debug)]
pub struct WithAvatar {
    /// The assistant that it is.
    pub assistant: AssistantView,
    /// Its avatar, which whoever has the address can see.
    pub avatar: Image,
}

/// Gives a live assistant an icon that is public, too, in place of an earlier one.
///
/// # Errors
///
/// [`Error::Media`] for what is no picture, [`Error::NotFound`],
/// [`Error::Forbidden`], [`Error::PreconditionFailed`], [`Error::Invalid`] for a
/// draft, of which nothing is public.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn set_avatar(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    upload: Bytes,
    precondition: Precondition,
) -> Result<WithAvatar> {
    let found = find_chatbot(&deps, caller, reference).await?;
    let icon = make(&deps, caller.tenant(), upload).await?;
    let mut change = Change::begin(&deps, caller, &found).await?;
    precondition.check(&change.view().etag())?;
    let avatar = Image {
        id: fresh(&deps),
        organization: caller.tenant(),
        user: caller.actor.user,
        assistant: Some(found.record.assistant.id),
        key: Secret::new(URL_SAFE_NO_PAD.encode(deps.ids.random())),
        origin: ImageOrigin::Avatar,
        blob: icon.image.png,
        created_at: deps.clock.now(),
    };
    let mut content = change.content().clone();
    icon.put(&mut content);
    replace(&mut *change.work, &avatar).await?;
    let assistant = Box::pin(change.commit(&deps, caller, content)).await?;
    Ok(WithAvatar { assistant, avatar })
}

/// Whether the caller may set the avatar of a chatbot; to be asked before anything
/// is read.
///
/// # Errors
///
/// As [`set_avatar`].
pub async fn authorize_avatar(deps: Deps<'_>, caller: &Caller, reference: &str) -> Result<()> {
    find_chatbot(&deps, caller, reference).await.map(drop)
}

async fn find_chatbot(deps: &Deps<'_>, caller: &Caller, reference: &str) -> Result<AssistantView> {
    let found = find_to_write(deps, caller, reference, Level::Edit).await?;
    if found.record.assistant.is_draft() {
        let message = "a draft has no public avatar; set it on the live assistant";
        return Err(Error::invalid("/chatbotId", "not_on_draft", message));
    }
    Ok(found)
}

/// Puts `avatar` in the place of those that the assistant had.
async fn replace(work: &mut dyn UnitOfWork, avatar: &Image) -> Result<()> {
    if let Some(assistant) = avatar.assistant {
        while let Some(earlier) = work.images().find_avatar(assistant).await? {
            if !work.images().delete(earlier.id).await? {
                break;
            }
        }
    }
    Ok(work.images().insert(avatar).await?)
}
