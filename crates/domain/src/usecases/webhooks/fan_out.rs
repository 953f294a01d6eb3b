//! From the log to deliveries.

use crate::{
    AuditEvent, Delivery, DeliveryState, EventFilter, OrganizationId, RecordedEvent, Webhook,
    WebhookId,
    ports::{StoreError, Walk},
    usecases::{Deps, Result, support::fresh},
};

/// How many events one step looks at.
const BATCH: u32 = 100;

/// The action of events that are for one webhook, whatever it wants to be told of.
pub(super) const TESTED: &str = "webhook.tested";

/// Queues what a webhook wants to be told of the next events behind its cursor, and
/// moves the cursor behind them, in one transaction. Tells how many events it looked
/// at: none when it has read the log to its end, is switched off or gone, or when
/// another server took this step.
///
/// # Errors
///
/// The store's.
#[tracing::instrument(skip_all, fields(webhook.id = %id))]
pub async fn fan_out(
    deps: Deps<'_>,
    (organization, id): (OrganizationId, WebhookId),
) -> Result<usize> {
    let all = deps.store.webhooks().webhooks(organization).await?;
    let Some(seen) = all.into_iter().find(|webhook| webhook.id == id && webhook.enabled) else {
        return Ok(0);
    };
    let any = EventFilter::default();
    let walk = Walk::Forward(seen.cursor);
    let events = deps.store.audit().events(organization, &any, walk, BATCH).await?;
    let Some(last) = events.last().map(|last| last.seq) else { return Ok(0) };

    let mut work = deps.store.begin(organization).await?;
    let Some(webhook) = work.webhooks().find(id).await? else { return Ok(0) };
    if !webhook.enabled || webhook.cursor != seen.cursor {
        return Ok(0);
    }
    let wanted = events.iter().filter(|recorded| is_for(&webhook, &recorded.event));
    let deliveries: Vec<_> = wanted.map(|recorded| delivery(&deps, &webhook, recorded)).collect();
    if !deliveries.is_empty() {
        work.webhooks().insert_deliveries(&deliveries).await?;
    }
    match work.webhooks().update(Webhook { cursor: last, ..webhook }).await {
        Err(StoreError::Conflict) => return Ok(0),
        updated => updated?,
    };
    work.commit().await?;
    Ok(events.len())
}

fn is_for(webhook: &Webhook, event: &AuditEvent) -> bool {
    let is_its_test = || event.action == TESTED && event.target == webhook.id.to_string();
    webhook.wants(&event.action) || is_its_test()
}

fn delivery(deps: &Deps<'_>, webhook: &Webhook, recorded: &RecordedEvent) -> Delivery {
    let now = deps.clock.now();
    Delivery {
        id: fresh(deps),
        organization: webhook.organization,
        webhook: webhook.id,
        event_seq: recorded.seq,
        event: recorded.event.id,
        action: recorded.event.action.clone(),
        state: DeliveryState::Pending,
        attempts: Vec::new(),
        next_attempt_at: now,
        created_at: now,
        revision: 1,
    }
}
