//! Webhooks: where an organization wants to be told of events, and telling it.
//!
//! The audit log is the queue: [`fan_out`] makes deliveries of what is behind a
//! webhook's cursor, [`deliver`] makes one attempt of one delivery. Both are steps
//! that any server can take at any time, and that a server may die in.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use super::{
    Caller, Deps, Error, Precondition, Result,
    support::{fresh, on_write, record, require_admin, seal_text},
};
use crate::{
    Digest, Scope, Secret, Webhook, WebhookId,
    ports::{UnitOfWork, Vault},
    sealed::MASK,
};

mod deliver;
mod deliveries;
mod fan_out;
mod input;
mod message;

pub use deliver::{Outcome, deliver};
pub use deliveries::{DeliveryPage, list_deliveries, replay_delivery, test_webhook};
pub use fan_out::fan_out;
pub use input::{MAX_EVENT_CHARS, MAX_EVENTS, SECRET_BYTES};
use input::{SECRET_PREFIX, Settings};

/// Most webhooks of an organization.
pub const MAX_WEBHOOKS: usize = 50;

/// A new webhook.
#[derive(Debug)]
pub struct CreateWebhook {
    /// Where events are sent to.
    pub url: String,
    /// What it is for.
    pub description: Option<String>,
    /// Which events; none for all.
    pub events: Vec<String>,
    /// Whether it is told of events from now on.
    pub enabled: bool,
    /// The signing secret; one is made when it is absent.
    pub secret: Option<Secret<String>>,
}

/// A change to a webhook; what is `None` stays.
#[derive(Debug, Default)]
#[expect(missing_docs, reason = "as in CreateWebhook")]
pub struct UpdateWebhook {
    pub url: Option<String>,
    pub description: Option<Option<String>>,
    pub events: Option<Vec<String>>,
    pub enabled: Option<bool>,
    /// The mask keeps the secret.
    pub secret: Option<Secret<String>>,
    /// What the caller demands of the state.
    pub precondition: Precondition,
}

/// The strong entity tag of a webhook as administrators see it, without quotes. How
/// far it has read the log is no part of that.
#[must_use]
pub fn etag(webhook: &Webhook) -> String {
    let Webhook { id, updated_at, enabled, disabled_reason, failing_since, secret, .. } = webhook;
    let shown = (state_of(webhook), enabled, disabled_reason, secret);
    let text = format!("{id} {updated_at:?} {failing_since:?} {shown:?}");
    Digest::of(text.as_bytes()).to_string().chars().take(32).collect()
}

/// Adds a webhook, which is told of everything from now on. Its secret is returned
/// this once.
///
/// # Errors
///
/// [`Error::Invalid`] with every fault, [`Error::TooMany`], [`Error::Forbidden`] for
/// all but administrators.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn create_webhook(
    deps: Deps<'_>,
    vault: &dyn Vault,
    caller: &Caller,
    command: CreateWebhook,
) -> Result<(Webhook, Secret<String>)> {
    require_admin(&caller.actor, Scope::Admin)?;
    let CreateWebhook { url, description, events, enabled, secret } = command;
    let settings = Settings { url, description, events, secret: secret.as_ref() };
    let mut faults = Vec::new();
    if secret.as_ref().is_some_and(is_mask) {
        faults.push(input::nothing_to_keep());
    }
    let (url, description, events) = settings.check(faults)?;
    let known = deps.store.webhooks().webhooks(caller.tenant()).await?;
    if known.len() >= MAX_WEBHOOKS {
        return Err(Error::TooMany { what: "webhooks in an organization", limit: MAX_WEBHOOKS });
    }
    let secret = secret.unwrap_or_else(|| new_secret(&deps));
    let cursor = deps.store.audit().head(caller.tenant()).await?.seq;
    let now = deps.clock.now();
    let webhook = Webhook {
        id: fresh(&deps),
        organization: caller.tenant(),
        url,
        description,
        events,
        secret: Vec::new(),
        enabled,
        disabled_reason: None,
        cursor,
        failing_since: None,
        created_by: caller.actor.user,
        created_at: now,
        updated_at: now,
        revision: 1,
    };

    let mut work = deps.store.begin(caller.tenant()).await?;
    let webhook = with_secret(&deps, vault, &mut *work, webhook, &secret).await?;
    work.webhooks().insert(&webhook).await.map_err(on_write)?;
    let values = (None, Some(state_of(&webhook)));
    let target = webhook.id.to_string();
    record(&deps, caller, &mut *work, "webhook.created", target, values).await?;
    work.commit().await?;

    Ok((webhook, secret))
}

/// The organization's webhooks, oldest first.
///
/// # Errors
///
/// [`Error::Forbidden`] for all but administrators.
pub async fn list_webhooks(deps: Deps<'_>, caller: &Caller) -> Result<Vec<Webhook>> {
    require_admin(&caller.actor, Scope::Read)?;
    Ok(deps.store.webhooks().webhooks(caller.tenant()).await?)
}

/// A webhook.
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::Forbidden`] for all but administrators.
pub async fn view_webhook(deps: Deps<'_>, caller: &Caller, id: WebhookId) -> Result<Webhook> {
    let all = list_webhooks(deps, caller).await?;
    all.into_iter().find(|webhook| webhook.id == id).ok_or(NO_WEBHOOK)
}

/// Changes a webhook. One that is enabled again is told of what happens from then
/// on.
///
/// # Errors
///
/// As [`create_webhook`], and [`Error::NotFound`], [`Error::PreconditionFailed`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn update_webhook(
    deps: Deps<'_>,
    vault: &dyn Vault,
    caller: &Caller,
    id: WebhookId,
    command: UpdateWebhook,
) -> Result<Webhook> {
    require_admin(&caller.actor, Scope::Admin)?;
    let UpdateWebhook { url, description, events, enabled, secret, precondition } = command;
    let secret = secret.filter(|secret| !is_mask(secret));
    let end = deps.store.audit().head(caller.tenant()).await?.seq;
    let mut work = deps.store.begin(caller.tenant()).await?;
    let before = work.webhooks().find(id).await?.ok_or(NO_WEBHOOK)?;
    precondition.check(&etag(&before))?;
    let settings = Settings {
        url: url.unwrap_or_else(|| before.url.clone()),
        description: description.unwrap_or_else(|| before.description.clone()),
        events: events.unwrap_or_else(|| before.events.clone()),
        secret: secret.as_ref(),
    };
    let (url, description, events) = settings.check(Vec::new())?;
    let enabled = enabled.unwrap_or(before.enabled);
    let switched = enabled != before.enabled;
    let moved = url != before.url;
    let after = Webhook {
        url,
        description,
        events,
        enabled,
        disabled_reason: before.disabled_reason.clone().filter(|_| !switched),
        // What happened while it was off is never told.
        cursor: if switched && enabled { end.max(before.cursor) } else { before.cursor },
        failing_since: before.failing_since.filter(|_| !switched && !moved),
        ..before.clone()
    };
    if after == before && secret.is_none() {
        return Ok(before);
    }
    let target = id.to_string();
    let values = (Some(state_of(&before)), Some(state_of(&after)));
    let mut after = Webhook { updated_at: deps.clock.now(), ..after };
    if values.0 != values.1 {
        record(&deps, caller, &mut *work, "webhook.updated", target.clone(), values).await?;
    }
    if let Some(secret) = &secret {
        after = with_secret(&deps, vault, &mut *work, after, secret).await?;
        record(&deps, caller, &mut *work, ROTATED, target, (None, None)).await?;
    }
    let after = work.webhooks().update(after).await.map_err(on_write)?;
    work.commit().await?;
    Ok(after)
}

/// Gives a webhook another secret, which is returned this once. Whatever is sent from
/// now on is signed with it.
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::PreconditionFailed`], [`Error::Forbidden`] for all
/// but administrators.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn rotate_secret(
    deps: Deps<'_>,
    vault: &dyn Vault,
    caller: &Caller,
    id: WebhookId,
    precondition: Precondition,
) -> Result<(Webhook, Secret<String>)> {
    require_admin(&caller.actor, Scope::Admin)?;
    let secret = new_secret(&deps);
    let mut work = deps.store.begin(caller.tenant()).await?;
    let before = work.webhooks().find(id).await?.ok_or(NO_WEBHOOK)?;
    precondition.check(&etag(&before))?;
    let after = Webhook { updated_at: deps.clock.now(), ..before };
    let after = with_secret(&deps, vault, &mut *work, after, &secret).await?;
    let after = work.webhooks().update(after).await.map_err(on_write)?;
    record(&deps, caller, &mut *work, ROTATED, id.to_string(), (None, None)).await?;
    work.commit().await?;
    Ok((after, secret))
}

/// Removes a webhook with its deliveries. What is under way may still arrive.
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::PreconditionFailed`], [`Error::Forbidden`] for all
/// but administrators.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn delete_webhook(
    deps: Deps<'_>,
    caller: &Caller,
    id: WebhookId,
    precondition: Precondition,
) -> Result<()> {
    require_admin(&caller.actor, Scope::Admin)?;
    let mut work = deps.store.begin(caller.tenant()).await?;
    let webhook = work.webhooks().find(id).await?.ok_or(NO_WEBHOOK)?;
    precondition.check(&etag(&webhook))?;
    work.webhooks().delete(id).await?;
    let values = (Some(state_of(&webhook)), None);
    record(&deps, caller, &mut *work, "webhook.deleted", id.to_string(), values).await?;
    Ok(work.commit().await?)
}

const NO_WEBHOOK: Error = Error::NotFound("webhook");
const ROTATED: &str = "webhook.secret_rotated";

fn new_secret(deps: &Deps<'_>) -> Secret<String> {
    let bytes = deps.ids.random();
    Secret::new(format!("{SECRET_PREFIX}{}", BASE64_STANDARD.encode(bytes)))
}

fn is_mask(secret: &Secret<String>) -> bool {
    secret.expose() == MASK
}

/// The webhook with this secret sealed in it.
async fn with_secret(
    deps: &Deps<'_>,
    vault: &dyn Vault,
    work: &mut dyn UnitOfWork,
    webhook: Webhook,
    secret: &Secret<String>,
) -> Result<Webhook> {
    let bound = webhook.associated_data();
    let secret = seal_text(deps, vault, work, webhook.organization, (&bound, secret)).await?;
    Ok(Webhook { secret, ..webhook })
}

/// What the audit log keeps of a webhook; of the secret only that there is one.
fn state_of(webhook: &Webhook) -> Value {
    json!({
        "url": webhook.url,
        "description": webhook.description,
        "events": webhook.events,
        "enabled": webhook.enabled,
        "secret": MASK,
    })
}
