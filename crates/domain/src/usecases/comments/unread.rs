//! What a user has not read yet of what others said about an assistant.

use crate::{
    AssistantId, Timestamp,
    access::Level,
    usecases::{
        Caller, Deps, Result,
        home::{find_at_home, find_at_home_to_write},
    },
};

/// How much a user has not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unread {
    /// How many comments and replies.
    pub count: u64,
    /// Until when they have read everything; `None` if they never did.
    pub read_until: Option<Timestamp>,
}

/// How much of what others said about an assistant the caller has not read.
///
/// # Errors
///
/// [`crate::usecases::Error::NotFound`],
/// [`crate::usecases::Denied::OtherOrganization`].
pub async fn unread_comments(deps: Deps<'_>, caller: &Caller, reference: &str) -> Result<Unread> {
    let about = find_at_home(&deps, caller, reference).await?;
    unread(&deps, caller, about.record.assistant.lineage()).await
}

async fn unread(deps: &Deps<'_>, caller: &Caller, assistant: AssistantId) -> Result<Unread> {
    let (tenant, user, comments) = (caller.tenant(), caller.actor.user, deps.store.comments());
    Ok(Unread {
        count: comments.unread(tenant, user, assistant).await?,
        read_until: comments.read_until(tenant, user, assistant).await?,
    })
}

/// Notes that the caller has read what was written until an instant, or until now. It
/// never goes back, nor into the future: what is yet to be written was not read.
///
/// # Errors
///
/// As [`unread_comments`]; [`crate::usecases::Error::Forbidden`] for tokens that may
/// not write.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn mark_comments_read(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    until: Option<Timestamp>,
) -> Result<Unread> {
    let about = find_at_home_to_write(&deps, caller, reference, Level::View).await?;
    let assistant = about.record.assistant.id;
    let now = deps.clock.now();
    let until = until.map_or(now, |until| until.min(now));
    let mut work = deps.store.begin(caller.tenant()).await?;
    work.comments().mark_read(caller.actor.user, assistant, until).await?;
    work.commit().await?;

    unread(&deps, caller, assistant).await
}
