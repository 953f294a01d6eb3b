//! Which tags an assistant has.

use serde_json::{Value, json};

use crate::{
    Assistant, Tag, TagId,
    access::Level,
    usecases::{
        Caller, Deps, Error, Precondition, Result,
        home::{find_at_home, find_at_home_to_write},
        support::{lock, on_write, record_about},
        tags::etag,
    },
};

/// Most tags of one assistant.
pub const MAX_TAGS_OF_ASSISTANT: usize = 50;

/// The tags of an assistant, by name.
///
/// # Errors
///
/// [`Error::NotFound`], [`crate::usecases::Denied::OtherOrganization`].
pub async fn attached_tags(deps: Deps<'_>, caller: &Caller, reference: &str) -> Result<Vec<Tag>> {
    let view = find_at_home(&deps, caller, reference).await?;
    let attached = &view.record.authority().tags;
    if attached.is_empty() {
        return Ok(Vec::new());
    }
    let mut tags = deps.store.labels().tags(caller.tenant()).await?;
    tags.retain(|tag| attached.contains(&tag.id));
    Ok(tags)
}

/// One tag of an assistant.
///
/// # Errors
///
/// As [`attached_tags`].
pub async fn view_attached_tag(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    id: TagId,
) -> Result<Tag> {
    let tags = attached_tags(deps, caller, reference).await?;
    tags.into_iter().find(|tag| tag.id == id).ok_or(Error::NotFound("tag"))
}

/// Puts a tag of the organization on an assistant; and whether it was not there.
///
/// # Errors
///
/// [`Error::NotFound`] also for an unknown tag, [`Error::Forbidden`] below edit,
/// [`Error::TooMany`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn attach_tag(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    id: TagId,
    precondition: Precondition,
) -> Result<(Tag, bool)> {
    let seen = find_at_home_to_write(&deps, caller, reference, Level::Edit).await?;
    let mut work = deps.store.begin(caller.tenant()).await?;
    // Before the assistant, as those do who remove a tag from all that have it.
    let tag = work.labels().find(id).await?.ok_or(Error::NotFound("tag"))?;
    precondition.check(&etag(&tag))?;
    let view = lock(&mut *work, &caller.actor, &seen, Level::Edit).await?;
    let before = view.record.assistant;
    if before.tags.contains(&id) {
        return Ok((tag, false));
    }
    if before.tags.len() >= MAX_TAGS_OF_ASSISTANT {
        return Err(Error::TooMany { what: "tags of an assistant", limit: MAX_TAGS_OF_ASSISTANT });
    }
    let mut tags = before.tags.clone();
    tags.insert(id);
    let after = work.assistants().update(Assistant { tags, ..before }).await.map_err(on_write)?;
    let what = ("assistant.tagged", after.id.to_string());
    let values = (None, Some(state_of(&tag)));
    record_about(&deps, caller, &mut *work, after.id, what, values).await?;
    work.commit().await?;

    Ok((tag, true))
}

/// Takes a tag off an assistant.
///
/// # Errors
///
/// [`Error::NotFound`], also the second time; [`Error::Forbidden`] below edit.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn detach_tag(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    id: TagId,
    precondition: Precondition,
) -> Result<()> {
    let seen = find_at_home_to_write(&deps, caller, reference, Level::Edit).await?;
    let mut work = deps.store.begin(caller.tenant()).await?;
    let tag = work.labels().find(id).await?.ok_or(Error::NotFound("tag"))?;
    let view = lock(&mut *work, &caller.actor, &seen, Level::Edit).await?;
    let before = view.record.assistant;
    let mut tags = before.tags.clone();
    if !tags.remove(&id) {
        return Err(Error::NotFound("tag"));
    }
    precondition.check(&etag(&tag))?;
    let after = work.assistants().update(Assistant { tags, ..before }).await.map_err(on_write)?;
    let what = ("assistant.untagged", after.id.to_string());
    let values = (Some(state_of(&tag)), None);
    record_about(&deps, caller, &mut *work, after.id, what, values).await?;
    Ok(work.commit().await?)
}

fn state_of(tag: &Tag) -> Value {
    json!({ "tagId": tag.id, "name": tag.name })
}
