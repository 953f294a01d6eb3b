//! The organization's tags, and which assistants have them.

mod attached;

use serde_json::{Value, json};

pub use self::attached::{
    MAX_TAGS_OF_ASSISTANT, attach_tag, attached_tags, detach_tag, view_attached_tag,
};
use super::{
    Caller, Denied, Deps, Error, Precondition, Result,
    support::{fresh, on_write, record, require_scope, require_unlimited},
};
use crate::{Fault, Role, Scope, Tag, TagId};

/// Most tags of an organization.
pub const MAX_TAGS: usize = 1_000;
/// Most characters of a tag's name.
pub const MAX_NAME_CHARS: usize = 100;

/// A change to a tag; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct UpdateTag {
    /// What people call it.
    pub name: Option<String>,
    /// `#rrggbb`, or empty for none.
    pub color: Option<String>,
    /// What the caller demands of the state.
    pub precondition: Precondition,
}

/// The strong entity tag of a tag, without quotes.
#[must_use]
pub fn etag(tag: &Tag) -> String {
    format!("{:x}", tag.revision)
}

/// The organization's tags by name; with a `name` the one that has it, without regard
/// to case.
///
/// # Errors
///
/// [`Error::Forbidden`] for tokens that may not read.
pub async fn list_tags(deps: Deps<'_>, caller: &Caller, name: Option<&str>) -> Result<Vec<Tag>> {
    require_scope(&caller.actor, Scope::Read)?;
    let mut tags = deps.store.labels().tags(caller.tenant()).await?;
    if let Some(name) = name {
        tags.retain(|tag| is_called(tag, name));
    }
    Ok(tags)
}

fn is_called(tag: &Tag, name: &str) -> bool {
    tag.name.to_lowercase() == name.trim().to_lowercase()
}

/// The tag that a text names by id or name, if the caller's organization has it.
pub(super) async fn named_tag(
    deps: &Deps<'_>,
    caller: &Caller,
    text: &str,
) -> Result<Option<TagId>> {
    let tags = deps.store.labels().tags(caller.tenant()).await?;
    let id = text.parse::<TagId>().ok();
    let by_id = tags.iter().find(|tag| Some(tag.id) == id);
    let found = by_id.or_else(|| tags.iter().find(|tag| is_called(tag, text)));
    Ok(found.map(|tag| tag.id))
}

/// A tag of the organization.
///
/// # Errors
///
/// [`Error::NotFound`].
pub async fn view_tag(deps: Deps<'_>, caller: &Caller, id: TagId) -> Result<Tag> {
    let tags = list_tags(deps, caller, None).await?;
    tags.into_iter().find(|tag| tag.id == id).ok_or(Error::NotFound("tag"))
}

/// Makes a tag.
///
/// # Errors
///
/// [`Error::Invalid`] with every fault, [`Error::Conflict`] for a taken name,
/// [`Error::Forbidden`] below the role member, [`Error::TooMany`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn create_tag(
    deps: Deps<'_>,
    caller: &Caller,
    name: String,
    color: String,
) -> Result<Tag> {
    require_role(caller, Role::Member, "the role member or higher")?;
    let mut faults = Vec::new();
    let (name, color) = (check_name(&name, &mut faults), check_color(&color, &mut faults));
    if !faults.is_empty() {
        return Err(Error::Invalid(faults));
    }
    if deps.store.labels().tags(caller.tenant()).await?.len() >= MAX_TAGS {
        return Err(Error::TooMany { what: "tags in the organization", limit: MAX_TAGS });
    }
    let now = deps.clock.now();
    let tag = Tag {
        id: fresh(&deps),
        organization: caller.tenant(),
        name,
        color,
        created_at: now,
        updated_at: now,
        revision: 1,
    };
    let mut work = deps.store.begin(caller.tenant()).await?;
    work.labels().insert(&tag).await.map_err(on_write)?;
    let values = (None, Some(state_of(&tag)));
    record(&deps, caller, &mut *work, "tag.created", tag.id.to_string(), values).await?;
    work.commit().await?;

    Ok(tag)
}

/// Changes a tag, wherever it is.
///
/// # Errors
///
/// As [`create_tag`], but below the role manager; [`Error::NotFound`],
/// [`Error::PreconditionFailed`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn update_tag(
    deps: Deps<'_>,
    caller: &Caller,
    id: TagId,
    command: UpdateTag,
) -> Result<Tag> {
    require_role(caller, Role::Manager, "the role manager or higher")?;
    let UpdateTag { name, color, precondition } = command;
    let mut faults = Vec::new();
    let name = name.map(|name| check_name(&name, &mut faults));
    let color = color.map(|color| check_color(&color, &mut faults));
    if !faults.is_empty() {
        return Err(Error::Invalid(faults));
    }
    let mut work = deps.store.begin(caller.tenant()).await?;
    let before = work.labels().find(id).await?.ok_or(Error::NotFound("tag"))?;
    precondition.check(&etag(&before))?;
    let after = Tag {
        name: name.unwrap_or_else(|| before.name.clone()),
        color: color.unwrap_or_else(|| before.color.clone()),
        ..before.clone()
    };
    if after == before {
        return Ok(before);
    }
    let after = Tag { updated_at: deps.clock.now(), ..after };
    let values = (Some(state_of(&before)), Some(state_of(&after)));
    let after = work.labels().update(after).await.map_err(on_write)?;
    record(&deps, caller, &mut *work, "tag.updated", id.to_string(), values).await?;
    work.commit().await?;

    Ok(after)
}

/// Removes a tag, and takes it off every assistant.
///
/// # Errors
///
/// [`Error::NotFound`], also the second time; [`Error::Forbidden`] below the role
/// manager; [`Error::PreconditionFailed`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn delete_tag(
    deps: Deps<'_>,
    caller: &Caller,
    id: TagId,
    precondition: Precondition,
) -> Result<()> {
    require_role(caller, Role::Manager, "the role manager or higher")?;
    let mut work = deps.store.begin(caller.tenant()).await?;
    let tag = work.labels().find(id).await?.ok_or(Error::NotFound("tag"))?;
    precondition.check(&etag(&tag))?;
    work.labels().delete(id).await?;
    let values = (Some(state_of(&tag)), None);
    record(&deps, caller, &mut *work, "tag.deleted", id.to_string(), values).await?;
    Ok(work.commit().await?)
}

fn require_role(caller: &Caller, least: Role, needed: &'static str) -> Result<()> {
    if caller.actor.role < least {
        return Err(Denied::Role(needed).into());
    }
    require_unlimited(&caller.actor)?;
    require_scope(&caller.actor, Scope::Write)
}

fn check_name(raw: &str, faults: &mut Vec<Fault>) -> String {
    let name = raw.trim();
    let chars = name.chars().count();
    if !(1..=MAX_NAME_CHARS).contains(&chars) || name.chars().any(char::is_control) {
        let message =
            format!("must have 1 to {MAX_NAME_CHARS} characters, none of them control characters");
        faults.push(Fault::new("/name", "invalid", message));
    }
    name.to_owned()
}

fn check_color(raw: &str, faults: &mut Vec<Fault>) -> String {
    let digits = raw.strip_prefix('#').unwrap_or_default();
    let is_color = digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    if !raw.is_empty() && !is_color {
        faults.push(Fault::new("/color", "invalid", "must be `#rrggbb`, or empty"));
    }
    raw.to_ascii_lowercase()
}

fn state_of(tag: &Tag) -> Value {
    json!({ "name": tag.name, "color": tag.color })
}
