//! The audit log: who reads it, in pages and as it grows.

use std::time::Duration;

use understudy_domain::{
    EventFilter, Scope, TokenLimits,
    ports::Store,
    usecases::{
        Caller, Denied, Error, Result,
        audit::{Verified, verify},
        events::{EventPage, ListEvents, Log, end_of_log, follow_events, list_events},
    },
};

use crate::stage::{Stage, by_token, caller, id_of, named};

/// Longer than any test takes.
const LONG: Duration = Duration::from_mins(10);

async fn list(stage: &Stage, who: &Caller, log: Log<'_>, limit: u32) -> Result<EventPage> {
    let command = ListEvents { limit, ..ListEvents::default() };
    list_events(stage.deps(), who, log, command).await
}

fn seqs(page: &EventPage) -> Vec<u64> {
    page.events.iter().map(|event| event.recorded.seq).collect()
}

/// Five assistants, so that there are five events.
async fn set() -> Stage {
    let stage = Stage::set().await;
    for name in ["a", "b", "c", "d", "e"] {
        stage.create(&caller(4), named(name)).await.unwrap();
    }
    stage
}

#[tokio::test]
async fn the_log_is_paged_newest_first() {
    let stage = set().await;

    let first = list(&stage, &caller(2), Log::Organization, 3).await.unwrap();
    let command = ListEvents { before: Some(3), limit: 3, ..ListEvents::default() };
    let second = list_events(stage.deps(), &caller(2), Log::Organization, command).await.unwrap();

    assert_eq!((seqs(&first), first.more), (vec![5, 4, 3], true));
    assert_eq!((seqs(&second), second.more), (vec![2, 1], false));
    assert!(first.events.iter().all(|event| !event.actor_name.is_empty()));
}

#[tokio::test]
async fn the_log_of_the_organization_is_for_administrators() {
    let stage = set().await;

    for n in [3, 4, 5] {
        let refused = list(&stage, &caller(n), Log::Organization, 3).await.unwrap_err();
        assert!(matches!(refused, Error::Forbidden(Denied::Role(_))), "{refused:?}");
    }
    let writes = TokenLimits { scopes: [Scope::Write].into(), ..TokenLimits::default() };
    let refused = list(&stage, &by_token(2, writes), Log::Organization, 3).await.unwrap_err();
    assert!(matches!(refused, Error::Forbidden(Denied::Scope("read"))), "{refused:?}");
}

#[tokio::test]
async fn the_log_of_an_assistant_has_what_belongs_to_it_and_is_for_editors() {
    let stage = set().await;
    let id = id_of(&stage.create(&caller(4), named("mine")).await.unwrap());
    let (draft, _) = stage.open(&caller(4), &id).await.unwrap();
    stage.patch_draft(&caller(4), &id, named("ours")).await.unwrap();

    for reference in [id, id_of(&draft)] {
        let log = Log::Assistant(&reference);
        let page = list(&stage, &caller(4), log, 10).await.unwrap();
        let actions: Vec<_> =
            page.events.iter().map(|event| event.recorded.event.action.as_str()).collect();
        assert_eq!(actions, ["draft.updated", "draft.created", "assistant.created"]);
        let refused = list(&stage, &caller(6), log, 10).await.unwrap_err();
        assert!(matches!(refused, Error::NotFound("assistant")), "{refused:?}");
    }
}

#[tokio::test]
async fn who_follows_gets_what_is_there_and_then_what_comes() {
    let stage = set().await;
    let (who, all) = (caller(2), EventFilter::default());
    let follow = async |after| {
        let from = (after, LONG);
        follow_events(stage.deps(), &who, Log::Organization, &all, from).await.unwrap()
    };

    let known = follow(3).await;
    let waiting = follow(known.reached);
    let maker = caller(4);
    let (news, made) = tokio::join!(waiting, stage.create(&maker, named("f")));
    made.unwrap();

    let numbers = |events: &[understudy_domain::usecases::events::SeenEvent]| -> Vec<u64> {
        events.iter().map(|event| event.recorded.seq).collect()
    };
    assert_eq!(numbers(&known.events), [4, 5]);
    assert_eq!((numbers(&news.events), news.reached), (vec![6], 6));
}

#[tokio::test]
async fn what_a_filter_keeps_back_is_passed_by() {
    let stage = set().await;
    let filter = EventFilter { action: Some("user.*".to_owned()), ..EventFilter::default() };
    let who = caller(2);
    let from = (0, Duration::ZERO);

    let news = follow_events(stage.deps(), &who, Log::Organization, &filter, from).await.unwrap();

    assert!(news.events.is_empty());
    assert_eq!(news.reached, end_of_log(stage.deps(), &who, Log::Organization).await.unwrap());
}

#[tokio::test]
async fn a_log_that_nobody_touched_is_proved() {
    let stage = set().await;
    let tenant = caller(1).actor.organization;
    let head = stage.store.audit().head(tenant).await.unwrap();

    let proved = verify(stage.deps(), tenant, Some(head)).await.unwrap();

    assert_eq!(proved, Ok(Verified { events: 5, unchained: 0, head }));
}
