//! One attempt to deliver.

use serde_json::json;
use time::Duration;

use super::message::body;
use crate::{
    Attempt, AuditEvent, Delivery, DeliveryId, DeliveryState, EventFilter, OrganizationId,
    RecordedEvent, Secret, Timestamp, Webhook,
    ports::{StoreError, Vault, Walk, WebhookMessage, WebhookSender},
    usecases::{
        Deps, Error, Result,
        support::{fresh, open_text},
    },
    webhook::RETRY_AFTER,
};

/// How long a server has an attempt for itself. If it dies in it, another one takes
/// over then.
const LEASE: Duration = Duration::minutes(1);
/// How long a webhook may fail before it is switched off.
const PATIENCE: Duration = Duration::days(5);
/// Most attempts that are kept.
const MAX_ATTEMPTS: usize = 20;
/// The receiver's word that it wants nothing any more.
const GONE: u16 = 410;

/// What became of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There was nothing to do: it is gone, done, not due, or another server's.
    Nothing,
    /// The receiver took it.
    Delivered,
    /// It is tried again later.
    Later,
    /// It was the last attempt.
    Failed,
}

/// Takes a delivery that is due, makes one attempt, and notes how it went. The
/// attempt is made outside of any transaction; whoever dies in it loses it to
/// another server after a minute, and then the receiver may get the same message
/// twice, with the same id.
///
/// # Errors
///
/// The store's. What the receiver does is no error of this.
#[tracing::instrument(skip_all, fields(delivery.id = %id))]
pub async fn deliver(
    deps: Deps<'_>,
    vault: &dyn Vault,
    sender: &dyn WebhookSender,
    (organization, id): (OrganizationId, DeliveryId),
) -> Result<Outcome> {
    let Some(taken) = take(&deps, vault, (organization, id)).await? else {
        return Ok(Outcome::Nothing);
    };
    let at = deps.clock.now();
    let answered = send(&deps, sender, &taken, at).await?;
    let took = deps.clock.now().since(at).whole_milliseconds();
    let (status, error) = match answered {
        Ok(status) => (Some(status), complaint(status)),
        Err(error) => (None, Some(error)),
    };
    let duration_ms = u64::try_from(took).unwrap_or_default();
    note(&deps, taken, Attempt { at, duration_ms, status, error }).await
}

/// A delivery that this server has for itself.
struct Taken {
    delivery: Delivery,
    webhook: Webhook,
    /// `None` when no key opens it.
    secret: Option<Secret<String>>,
}

async fn take(
    deps: &Deps<'_>,
    vault: &dyn Vault,
    (organization, id): (OrganizationId, DeliveryId),
) -> Result<Option<Taken>> {
    let webhooks = deps.store.webhooks().webhooks(organization).await?;
    let now = deps.clock.now();
    let mut work = deps.store.begin(organization).await?;
    let Some(delivery) = work.webhooks().find_delivery(id).await? else { return Ok(None) };
    let is_due = delivery.state == DeliveryState::Pending && delivery.next_attempt_at <= now;
    let webhook = webhooks.into_iter().find(|known| known.id == delivery.webhook);
    let Some(webhook) = webhook.filter(|webhook| webhook.enabled && is_due) else {
        return Ok(None);
    };
    let bound = webhook.associated_data();
    let sealed = (bound.as_slice(), webhook.secret.as_slice());
    let secret = match open_text(vault, &mut *work, organization, sealed).await {
        Ok(secret) => Some(secret),
        Err(Error::Crypto(_)) => None,
        Err(error) => return Err(error),
    };
    let leased = Delivery { next_attempt_at: now.plus(LEASE), ..delivery };
    let delivery = match work.webhooks().update_delivery(leased).await {
        Err(StoreError::Conflict) => return Ok(None),
        updated => updated?,
    };
    work.commit().await?;
    Ok(Some(Taken { delivery, webhook, secret }))
}

/// The status of the answer, or why there is none.
async fn send(
    deps: &Deps<'_>,
    sender: &dyn WebhookSender,
    taken: &Taken,
    at: Timestamp,
) -> Result<std::result::Result<u16, String>> {
    let Taken { delivery, webhook, secret } = taken;
    let Some(recorded) = event_of(deps, delivery).await? else {
        return Ok(Err("the event is not in the audit log any more".to_owned()));
    };
    let Some(secret) = secret.clone() else {
        return Ok(Err("the signing secret cannot be opened; set another one".to_owned()));
    };
    let message = WebhookMessage {
        url: webhook.url.clone(),
        secret,
        id: delivery.event.to_string(),
        at,
        body: body(&recorded),
    };
    Ok(sender.send(&message).await.map_err(|failure| failure.to_string()))
}

async fn event_of(deps: &Deps<'_>, delivery: &Delivery) -> Result<Option<RecordedEvent>> {
    let any = EventFilter::default();
    let walk = Walk::Forward(delivery.event_seq.saturating_sub(1));
    let found = deps.store.audit().events(delivery.organization, &any, walk, 1).await?;
    Ok(found.into_iter().find(|recorded| recorded.event.id == delivery.event))
}

/// What is wrong with a status, if anything.
fn complaint(status: u16) -> Option<String> {
    match status {
        200..=299 => None,
        300..=399 => {
            Some(format!("the receiver answered {status}, and redirects are not followed"))
        }
        GONE => Some("the receiver answered 410: it wants nothing any more".to_owned()),
        _ => Some(format!("the receiver answered {status}")),
    }
}

/// Writes down how the attempt went.
async fn note(deps: &Deps<'_>, taken: Taken, attempt: Attempt) -> Result<Outcome> {
    let Taken { delivery: mine, webhook: Webhook { id, organization, .. }, .. } = taken;
    // The webhook first, as whoever removes it does.
    let mut work = deps.store.begin(organization).await?;
    let Some(webhook) = work.webhooks().find(id).await? else { return Ok(Outcome::Nothing) };
    let Some(delivery) = work.webhooks().find_delivery(mine.id).await? else {
        return Ok(Outcome::Nothing);
    };
    if delivery.revision != mine.revision {
        return Ok(Outcome::Nothing);
    }
    let health = health(&webhook, &attempt, deps.clock.now());
    let (delivery, outcome) = after_attempt(deps, delivery, attempt);
    work.webhooks().update_delivery(delivery).await?;
    if health != webhook {
        if webhook.enabled && !health.enabled {
            work.records().append_event(&switched_off(deps, &health)).await?;
        }
        work.webhooks().update(health).await?;
    }
    work.commit().await?;
    Ok(outcome)
}

/// The delivery as the attempt leaves it.
fn after_attempt(deps: &Deps<'_>, delivery: Delivery, attempt: Attempt) -> (Delivery, Outcome) {
    let arrived = attempt.error.is_none();
    let is_gone = attempt.status == Some(GONE);
    let mut delivery = delivery;
    let wait = RETRY_AFTER.get(delivery.attempts.len()).filter(|_| !is_gone);
    delivery.attempts.push(attempt);
    let surplus = delivery.attempts.len().saturating_sub(MAX_ATTEMPTS);
    delivery.attempts.drain(..surplus);
    let now = deps.clock.now();
    let (state, next, outcome) = match wait {
        _ if arrived => (DeliveryState::Delivered, now, Outcome::Delivered),
        Some(wait) => (DeliveryState::Pending, now.plus(jittered(deps, *wait)), Outcome::Later),
        None => (DeliveryState::Failed, now, Outcome::Failed),
    };
    (Delivery { state, next_attempt_at: next, ..delivery }, outcome)
}

/// Up to a tenth more, so that what failed together is not tried together.
fn jittered(deps: &Deps<'_>, wait: Duration) -> Duration {
    let [first, second, ..] = deps.ids.random();
    let share = f64::from(u16::from_be_bytes([first, second])) / f64::from(u16::MAX);
    wait + wait * (share / 10.0)
}

/// The webhook as the attempt leaves it.
fn health(webhook: &Webhook, attempt: &Attempt, now: Timestamp) -> Webhook {
    if attempt.error.is_none() {
        return Webhook { failing_since: None, ..webhook.clone() };
    }
    let since = webhook.failing_since.unwrap_or(attempt.at);
    let failing = Webhook { failing_since: Some(since), ..webhook.clone() };
    let reason = if attempt.status == Some(GONE) {
        "the receiver answered 410: it wants nothing any more"
    } else if now.since(since) >= PATIENCE {
        "every delivery failed for five days"
    } else {
        return failing;
    };
    if !webhook.enabled {
        return failing;
    }
    Webhook { enabled: false, disabled_reason: Some(reason.to_owned()), ..failing }
}

/// What the log tells of a webhook that the server switched off.
fn switched_off(deps: &Deps<'_>, webhook: &Webhook) -> AuditEvent {
    let reason = &webhook.disabled_reason;
    AuditEvent {
        id: fresh(deps),
        organization: webhook.organization,
        at: deps.clock.now(),
        actor: None,
        token: None,
        address: None,
        request_id: None,
        action: "webhook.disabled".to_owned(),
        target: webhook.id.to_string(),
        assistant: None,
        before: Some(json!({"enabled": true})),
        after: Some(json!({"enabled": false, "reason": reason})),
    }
}
