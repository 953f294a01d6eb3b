//! Deliveries as administrators see them.

use serde_json::json;

use super::{NO_WEBHOOK, fan_out::TESTED, view_webhook};
use crate::{
    Delivery, DeliveryId, DeliveryState, EventId, Scope, WebhookId,
    usecases::{
        Caller, Conflict, Deps, Error, Result,
        support::{event, on_write, record, require_admin},
    },
};

/// Deliveries as they are listed.
#[derive(Clone, Debug)]
pub struct DeliveryPage {
    /// Newest first.
    pub deliveries: Vec<Delivery>,
    /// Whether there are older ones.
    pub more: bool,
}

/// Deliveries to a webhook, newest first, older than `before`.
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::Forbidden`] for all but administrators.
pub async fn list_deliveries(
    deps: Deps<'_>,
    caller: &Caller,
    id: WebhookId,
    (before, limit): (Option<DeliveryId>, u32),
) -> Result<DeliveryPage> {
    view_webhook(deps, caller, id).await?;
    let (tenant, webhooks) = (caller.tenant(), deps.store.webhooks());
    let mut rows = webhooks.deliveries(tenant, id, before, limit.saturating_add(1)).await?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    Ok(DeliveryPage { deliveries: rows, more })
}

/// Queues a delivery again, at once, however it went before. The receiver gets the
/// same id.
///
/// # Errors
///
/// [`Error::NotFound`], [`Conflict::WebhookDisabled`], [`Error::Forbidden`] for all
/// but administrators.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn replay_delivery(
    deps: Deps<'_>,
    caller: &Caller,
    webhook: WebhookId,
    id: DeliveryId,
) -> Result<Delivery> {
    require_admin(&caller.actor, Scope::Admin)?;
    let mut work = deps.store.begin(caller.tenant()).await?;
    let hook = work.webhooks().find(webhook).await?.ok_or(NO_WEBHOOK)?;
    let found = work.webhooks().find_delivery(id).await?;
    let delivery = found.filter(|delivery| delivery.webhook == webhook);
    let delivery = delivery.ok_or(Error::NotFound("delivery"))?;
    if !hook.enabled {
        return Err(Conflict::WebhookDisabled.into());
    }
    let queued =
        Delivery { state: DeliveryState::Pending, next_attempt_at: deps.clock.now(), ..delivery };
    let queued = work.webhooks().update_delivery(queued).await.map_err(on_write)?;
    let told = json!({"deliveryId": id, "eventId": queued.event});
    let (target, values) = (webhook.to_string(), (None, Some(told)));
    record(&deps, caller, &mut *work, "webhook.replayed", target, values).await?;
    work.commit().await?;
    Ok(queued)
}

/// Makes an event that the webhook is told of, whatever it wants to be told of, and
/// returns its id.
///
/// # Errors
///
/// [`Error::NotFound`], [`Conflict::WebhookDisabled`], [`Error::Forbidden`] for all
/// but administrators.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn test_webhook(deps: Deps<'_>, caller: &Caller, id: WebhookId) -> Result<EventId> {
    require_admin(&caller.actor, Scope::Admin)?;
    let mut work = deps.store.begin(caller.tenant()).await?;
    let hook = work.webhooks().find(id).await?.ok_or(NO_WEBHOOK)?;
    if !hook.enabled {
        return Err(Conflict::WebhookDisabled.into());
    }
    let event = event(&deps, caller, TESTED, id.to_string(), (None, None));
    work.records().append_event(&event).await?;
    work.commit().await?;
    Ok(event.id)
}
