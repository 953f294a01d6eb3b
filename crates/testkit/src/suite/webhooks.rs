//! Webhooks and their deliveries.

use understudy_domain::{
    Attempt, Delivery, DeliveryId, DeliveryState, OrganizationId, Webhook, WebhookId, ports::Store,
};

use super::stage::{add, assert_conflict, begin, home, people};
use crate::sample::{Members, delivery, event, id, instant, organization, user, webhook};

/// A webhook with nothing at its default.
fn full_webhook(n: u32) -> Webhook {
    Webhook {
        url: "https://größe.example/hook?a=b%20c#d".to_owned(),
        description: Some("Für «CI» \\ 100 %".to_owned()),
        events: vec!["assistant.*".to_owned(), "rule.created".to_owned()],
        secret: (0..=255).collect(),
        enabled: false,
        disabled_reason: Some("it answered 410".to_owned()),
        cursor: 1 << 40,
        failing_since: Some(instant(345_678)),
        created_at: instant(123_456),
        updated_at: instant(234_567),
        revision: 7,
        ..webhook(n)
    }
}

/// A delivery with nothing at its default.
fn full_delivery(n: u32, webhook: &Webhook) -> Delivery {
    let refused = |n| Attempt {
        at: instant(n),
        duration_ms: u64::from(n) * 1_000,
        status: None,
        error: Some("größer als erlaubt".to_owned()),
    };
    let taken = Attempt { at: instant(20), duration_ms: 0, status: Some(204), error: None };
    Delivery {
        event_seq: 1 << 40,
        action: "assistant.größer".to_owned(),
        state: DeliveryState::Failed,
        attempts: (1..20).map(refused).chain([taken]).collect(),
        next_attempt_at: instant(456_789),
        created_at: instant(567_890),
        revision: 9,
        ..delivery(n, webhook)
    }
}

async fn found(store: &dyn Store, n: u32) -> Option<Webhook> {
    let in_work = begin(store).await.webhooks().find(id(n)).await.unwrap();
    let webhooks = store.webhooks().webhooks(home()).await.unwrap();
    assert_eq!(webhooks.into_iter().find(|webhook| webhook.id == id(n)), in_work);
    in_work
}

async fn found_delivery(store: &dyn Store, n: u32) -> Option<Delivery> {
    begin(store).await.webhooks().find_delivery(id(n)).await.unwrap()
}

/// A webhook reads back as it was written, with all it can have or nothing.
pub async fn a_saved_webhook_reads_back_equal(store: &dyn Store) {
    people(store, 1).await;
    let bare = Webhook { description: None, ..webhook(2) };
    add(store, vec![full_webhook(1).into(), bare.clone().into()]).await;

    assert_eq!(found(store, 1).await, Some(full_webhook(1)));
    assert_eq!(found(store, 2).await, Some(bare));
    assert_eq!(found(store, 9).await, None);
}

/// Webhooks are listed in the order of ids, and nobody else's.
pub async fn webhooks_are_listed_in_the_order_of_ids(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![organization(2).into(), user(2).of(2).into()]).await;
    add(store, vec![Webhook { created_by: id(2), ..webhook(4) }.of(2).into()]).await;
    add(store, [3, 1, 2].map(|n| webhook(n).into()).into()).await;

    assert_eq!(store.webhooks().webhooks(home()).await.unwrap(), [1, 2, 3].map(webhook));
}

/// A changed webhook has its next revision.
pub async fn an_updated_webhook_reads_back_with_its_next_revision(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![webhook(1).into()]).await;
    let full = full_webhook(1);
    let changed = Webhook { revision: 1, created_at: webhook(1).created_at, ..full };
    let mut work = begin(store).await;
    let updated = work.webhooks().update(changed.clone()).await.unwrap();
    work.commit().await.unwrap();

    assert_eq!(updated, Webhook { revision: 2, ..changed });
    assert_eq!(found(store, 1).await, Some(updated));
}

/// The second of two changes of the same revision is refused, and that of no webhook.
pub async fn a_stale_webhook_conflicts(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![webhook(1).into()]).await;
    let mut work = begin(store).await;
    work.webhooks().update(Webhook { cursor: 7, ..webhook(1) }).await.unwrap();
    work.commit().await.unwrap();

    assert_conflict(&begin(store).await.webhooks().update(webhook(1)).await.unwrap_err());
    assert_conflict(&begin(store).await.webhooks().update(webhook(9)).await.unwrap_err());
    assert_eq!(found(store, 1).await.map(|webhook| webhook.cursor), Some(7));
}

/// A delivery reads back as it was written, in every state.
pub async fn a_saved_delivery_reads_back_equal(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![webhook(1).into()]).await;
    let full = full_delivery(1, &webhook(1));
    let delivered = Delivery { state: DeliveryState::Delivered, ..delivery(2, &webhook(1)) };
    let fresh = Delivery { attempts: vec![], ..delivery(3, &webhook(1)) };
    let saved = [full, delivered, fresh];
    let mut work = begin(store).await;
    work.webhooks().insert_deliveries(&saved).await.unwrap();
    work.webhooks().insert_deliveries(&[]).await.unwrap();
    work.commit().await.unwrap();

    for (n, saved) in (1..).zip(saved) {
        assert_eq!(found_delivery(store, n).await, Some(saved));
    }
    assert_eq!(found_delivery(store, 9).await, None);
}

/// A changed delivery has its next revision.
pub async fn an_updated_delivery_reads_back_with_its_next_revision(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![webhook(1).into(), delivery(1, &webhook(1)).into()]).await;
    let before = delivery(1, &webhook(1));
    let full = full_delivery(1, &webhook(1));
    let changed = Delivery {
        state: full.state,
        attempts: full.attempts,
        next_attempt_at: full.next_attempt_at,
        ..before
    };
    let mut work = begin(store).await;
    let updated = work.webhooks().update_delivery(changed.clone()).await.unwrap();
    work.commit().await.unwrap();

    assert_eq!(updated, Delivery { revision: 2, ..changed });
    assert_eq!(found_delivery(store, 1).await, Some(updated));
}

/// Who changes a delivery that another has taken has lost it.
pub async fn a_stale_delivery_conflicts(store: &dyn Store) {
    people(store, 1).await;
    let saved = delivery(1, &webhook(1));
    add(store, vec![webhook(1).into(), saved.clone().into()]).await;
    let mut work = begin(store).await;
    work.webhooks().update_delivery(saved.clone()).await.unwrap();
    work.commit().await.unwrap();

    let unknown = delivery(9, &webhook(1));
    for lost in [saved, unknown] {
        let mut work = begin(store).await;
        assert_conflict(&work.webhooks().update_delivery(lost).await.unwrap_err());
    }
}

/// A webhook is removed with its deliveries, once.
pub async fn a_removed_webhook_takes_its_deliveries_along(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![webhook(1).into(), webhook(2).into()]).await;
    add(store, vec![delivery(1, &webhook(1)).into(), delivery(2, &webhook(2)).into()]).await;
    let mut work = begin(store).await;
    assert!(work.webhooks().delete(id(1)).await.unwrap());
    assert!(!work.webhooks().delete(id(1)).await.unwrap());
    work.commit().await.unwrap();

    assert_eq!((found(store, 1).await, found_delivery(store, 1).await), (None, None));
    assert_eq!(found(store, 2).await, Some(webhook(2)));
    assert_eq!(found_delivery(store, 2).await, Some(delivery(2, &webhook(2))));
    let due = store.webhooks().due(instant(100), 10).await.unwrap();
    assert_eq!(due, [(home(), id(2))]);
}

/// Deliveries of a webhook are listed newest first, older than one, as many as asked.
pub async fn deliveries_are_listed_newest_first(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![webhook(1).into(), webhook(2).into()]).await;
    let saved = |n| delivery(n, &webhook(1));
    add(store, [3, 1, 5, 2].map(|n| saved(n).into()).into()).await;
    add(store, vec![delivery(4, &webhook(2)).into()]).await;

    let cases: [(Option<u32>, u32, &[u32]); 5] = [
        (None, 10, &[5, 3, 2, 1]),
        (None, 2, &[5, 3]),
        (Some(4), 10, &[3, 2, 1]),
        (Some(3), 1, &[2]),
        (Some(1), 10, &[]),
    ];
    for (before, limit, numbers) in cases {
        let before = before.map(id);
        let found = store.webhooks().deliveries(home(), id(1), before, limit).await.unwrap();
        assert_eq!(found, numbers.iter().map(|n| saved(*n)).collect::<Vec<_>>(), "{before:?}");
    }
}

type Behind = (OrganizationId, WebhookId);

/// Webhooks that have not read their organization's log to its end are behind, unless
/// they are switched off.
pub async fn webhooks_behind_the_end_of_their_log_are_found(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![organization(2).into(), user(2).of(2).into()]).await;
    add(store, [1, 2, 3].map(|n| event(n, &user(1), "asst_1").into()).into()).await;
    add(store, vec![event(4, &user(2).of(2), "asst_2").into()]).await;
    let at = |n, cursor| Webhook { cursor, ..webhook(n) };
    let off = Webhook { enabled: false, ..at(4, 0) };
    add(store, vec![at(1, 0).into(), at(2, 2).into(), at(3, 3).into(), off.into()]).await;
    let foreign = |n, cursor| Webhook { created_by: id(2), ..at(n, cursor) }.of(2);
    add(store, vec![foreign(5, 0).into(), foreign(6, 1).into()]).await;
    let behind = async |limit| {
        let mut found = store.webhooks().behind(limit).await.unwrap();
        found.sort_unstable();
        found
    };

    let all: [Behind; 3] = [(id(1), id(1)), (id(1), id(2)), (id(2), id(5))];
    assert_eq!(behind(10).await, all);
    let two = behind(2).await;
    assert!(two.len() == 2 && two.iter().all(|found| all.contains(found)), "got {two:?}");
    let mut work = begin(store).await;
    work.webhooks().update(at(1, 3)).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(behind(10).await, [(id(1), id(2)), (id(2), id(5))]);
}

/// Pending deliveries are due at their instant, in every organization, those that wait
/// longest first.
pub async fn deliveries_that_wait_longest_are_due_first(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![organization(2).into(), user(2).of(2).into()]).await;
    let foreign = Webhook { created_by: id(2), ..webhook(2) }.of(2);
    let at = |n, due, webhook| Delivery { next_attempt_at: instant(due), ..delivery(n, webhook) };
    let ours = webhook(1);
    let done = Delivery { state: DeliveryState::Delivered, ..at(5, 1, &ours) };
    let failed = Delivery { state: DeliveryState::Failed, ..at(6, 1, &ours) };
    let pending = [at(1, 30, &ours), at(2, 10, &ours), at(3, 31, &ours), done, failed];
    add(store, vec![ours.clone().into()]).await;
    add(store, pending.into_iter().map(Into::into).collect()).await;
    add(store, vec![foreign.clone().into(), at(4, 20, &foreign).into()]).await;
    let due = async |now, limit| store.webhooks().due(instant(now), limit).await.unwrap();

    let all: [(OrganizationId, DeliveryId); 3] = [(id(1), id(2)), (id(2), id(4)), (id(1), id(1))];
    assert_eq!(due(9, 10).await, []);
    assert_eq!(due(30, 10).await, all);
    assert_eq!(due(30, 2).await, all.split_at(2).0);
}

/// Nothing is due at a webhook that is switched off, until it is switched on.
pub async fn nothing_is_due_at_a_disabled_webhook(store: &dyn Store) {
    people(store, 1).await;
    let off = Webhook { enabled: false, ..webhook(1) };
    add(store, vec![off.clone().into(), delivery(1, &off).into()]).await;
    assert_eq!(store.webhooks().due(instant(100), 10).await.unwrap(), []);

    let mut work = begin(store).await;
    work.webhooks().update(Webhook { enabled: true, ..off }).await.unwrap();
    work.commit().await.unwrap();
    let due = store.webhooks().due(instant(100), 10).await.unwrap();
    assert_eq!(due, [(home(), id(1))]);
}
