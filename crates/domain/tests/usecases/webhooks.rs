//! Webhooks: what is queued, when it is sent, and when nobody tries any more.

use std::{
    collections::VecDeque,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use serde_json::Value;
use time::Duration;
use tokio::sync::Notify;
use understudy_domain::{
    AssistantId, Delivery, DeliveryState, EventFilter, Scope, Secret, TokenLimits, Webhook,
    ports::{Store, Walk, WebhookFailure, WebhookMessage, WebhookSender},
    usecases::{
        Caller, Conflict, Denied, Error, Precondition, Result,
        webhooks::{
            CreateWebhook, MAX_WEBHOOKS, Outcome, UpdateWebhook, create_webhook, delete_webhook,
            deliver, etag, fan_out, list_deliveries, list_webhooks, replay_delivery, rotate_secret,
            test_webhook, update_webhook, view_webhook,
        },
    },
    webhook::RETRY_AFTER,
};

use crate::stage::{Stage, by_token, caller, named};

const MASK: &str = "********";

/// Answers as it is told, and with 204 when it is told nothing.
#[derive(Default)]
struct Receiver {
    sent: Mutex<Vec<WebhookMessage>>,
    answers: Mutex<VecDeque<std::result::Result<u16, WebhookFailure>>>,
    always: Mutex<Option<u16>>,
    hangs: AtomicBool,
    reached: Notify,
}

impl Receiver {
    fn always(status: u16) -> Self {
        Self { always: Mutex::new(Some(status)), ..Self::default() }
    }

    fn then(&self, answer: std::result::Result<u16, WebhookFailure>) {
        self.answers.lock().unwrap().push_back(answer);
    }

    fn ids(&self) -> Vec<String> {
        self.sent.lock().unwrap().iter().map(|message| message.id.clone()).collect()
    }

    fn actions(&self) -> Vec<String> {
        let sent = self.sent.lock().unwrap();
        let body =
            |message: &WebhookMessage| -> Value { serde_json::from_slice(&message.body).unwrap() };
        sent.iter().map(|message| body(message)["type"].as_str().unwrap().to_owned()).collect()
    }
}

#[async_trait]
impl WebhookSender for Receiver {
    async fn send(&self, message: &WebhookMessage) -> std::result::Result<u16, WebhookFailure> {
        self.reached.notify_one();
        if self.hangs.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        self.sent.lock().unwrap().push(message.clone());
        let next = self.answers.lock().unwrap().pop_front();
        next.unwrap_or_else(|| Ok(self.always.lock().unwrap().unwrap_or(204)))
    }
}

fn new(events: &[&str]) -> CreateWebhook {
    CreateWebhook {
        url: "https://example.com/hook?team=1".to_owned(),
        description: Some("For tests".to_owned()),
        events: events.iter().map(|&event| event.to_owned()).collect(),
        enabled: true,
        secret: None,
    }
}

async fn create(stage: &Stage, command: CreateWebhook) -> Result<(Webhook, Secret<String>)> {
    create_webhook(stage.deps(), &stage.vault, &caller(2), command).await
}

/// A webhook that wants to be told of new assistants.
async fn hook(stage: &Stage) -> Webhook {
    create(stage, new(&["assistant.created"])).await.unwrap().0
}

async fn update(stage: &Stage, webhook: &Webhook, command: UpdateWebhook) -> Result<Webhook> {
    update_webhook(stage.deps(), &stage.vault, &caller(2), webhook.id, command).await
}

async fn enable(stage: &Stage, webhook: &Webhook, enabled: bool) -> Webhook {
    let command = UpdateWebhook { enabled: Some(enabled), ..UpdateWebhook::default() };
    update(stage, webhook, command).await.unwrap()
}

async fn see(stage: &Stage, webhook: &Webhook) -> Webhook {
    view_webhook(stage.deps(), &caller(2), webhook.id).await.unwrap()
}

async fn happen(stage: &Stage, name: &str) -> AssistantId {
    stage.create(&caller(4), named(name)).await.unwrap().record.assistant.id
}

/// Queues all that is to be queued.
async fn queue(stage: &Stage) {
    for webhook in stage.store.webhooks().behind(10).await.unwrap() {
        fan_out(stage.deps(), webhook).await.unwrap();
    }
}

/// Makes one attempt of everything that is due.
async fn step(stage: &Stage, receiver: &Receiver) -> Vec<Outcome> {
    queue(stage).await;
    let now = understudy_domain::ports::Clock::now(&stage.clock);
    let mut outcomes = Vec::new();
    for due in stage.store.webhooks().due(now, 10).await.unwrap() {
        outcomes.push(deliver(stage.deps(), &stage.vault, receiver, due).await.unwrap());
    }
    outcomes
}

async fn deliveries(stage: &Stage, webhook: &Webhook) -> Vec<Delivery> {
    let page = list_deliveries(stage.deps(), &caller(2), webhook.id, (None, 50)).await.unwrap();
    page.deliveries
}

/// The actions of the log, oldest first.
async fn log(stage: &Stage) -> Vec<String> {
    let (tenant, all) = (caller(1).actor.organization, EventFilter::default());
    let events = stage.store.audit().events(tenant, &all, Walk::Forward(0), 100).await.unwrap();
    events.into_iter().map(|recorded| recorded.event.action).collect()
}

fn pointers<T: std::fmt::Debug>(result: Result<T>) -> Vec<(String, &'static str)> {
    match result {
        Err(Error::Invalid(faults)) => {
            faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
        }
        other => panic!("expected faults, got {other:?}"),
    }
}

#[tokio::test]
async fn each_webhook_is_told_once_of_what_it_wants() {
    let stage = Stage::set().await;
    happen(&stage, "before").await;
    let (all, _) = create(&stage, new(&[])).await.unwrap();
    let kind = create(&stage, new(&["assistant.*"])).await.unwrap().0;
    let other = create(&stage, new(&["user.created"])).await.unwrap().0;
    happen(&stage, "after").await;
    let receiver = Receiver::default();

    while !step(&stage, &receiver).await.is_empty() {}

    let told = async |webhook| -> Vec<String> {
        let told = deliveries(&stage, webhook).await;
        assert!(told.iter().all(|delivery| delivery.state == DeliveryState::Delivered));
        told.into_iter().rev().map(|delivery| delivery.action).collect()
    };
    let made = "webhook.created";
    assert_eq!(told(&all).await, [made, made, made, "assistant.created"]);
    assert_eq!(told(&kind).await, ["assistant.created"]);
    assert!(told(&other).await.is_empty());
    assert!(stage.store.webhooks().behind(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_message_tells_the_event_and_is_signed_with_the_secret() {
    let stage = Stage::set().await;
    let (hook, secret) = create(&stage, new(&["assistant.created"])).await.unwrap();
    let assistant = happen(&stage, "x").await;
    let receiver = Receiver::default();

    step(&stage, &receiver).await;

    let message = receiver.sent.lock().unwrap().remove(0);
    assert_eq!(message.url, hook.url);
    assert_eq!(message.secret.expose(), secret.expose());
    assert_eq!(message.id, deliveries(&stage, &hook).await[0].event.to_string());
    let body: Value = serde_json::from_slice(&message.body).unwrap();
    assert_eq!(body["type"], "assistant.created");
    assert_eq!(body["data"]["id"], message.id);
    assert_eq!(body["data"]["seq"], 2);
    assert_eq!(body["data"]["target"], assistant.to_string());
    assert_eq!(body["data"]["assistantId"], assistant.to_string());
    assert_eq!(body["data"]["actor"], caller(4).actor.user.to_string());
    assert_eq!(body["data"]["after"]["name"], "x");
}

#[tokio::test]
async fn two_servers_that_queue_at_once_queue_once() {
    let stage = Stage::set().await;
    let hook = hook(&stage).await;
    happen(&stage, "x").await;
    let which = (hook.organization, hook.id);

    let (one, other) = tokio::join!(fan_out(stage.deps(), which), fan_out(stage.deps(), which));

    assert_eq!(one.unwrap() + other.unwrap(), 2);
    assert_eq!(deliveries(&stage, &hook).await.len(), 1);
}

#[tokio::test]
async fn what_fails_is_tried_by_the_schedule_and_then_no_more() {
    let stage = Stage::set().await;
    let hook = hook(&stage).await;
    happen(&stage, "x").await;
    let receiver = Receiver::always(500);

    for wait in RETRY_AFTER {
        let began = understudy_domain::ports::Clock::now(&stage.clock);
        assert_eq!(step(&stage, &receiver).await, [Outcome::Later]);
        let delivery = deliveries(&stage, &hook).await.remove(0);
        let waits = delivery.next_attempt_at.since(began);
        assert!(wait <= waits && waits <= wait + wait / 10, "{waits} instead of {wait}");
        stage.clock.set(delivery.next_attempt_at.plus(-Duration::SECOND));
        assert!(step(&stage, &receiver).await.is_empty());
        stage.clock.advance(Duration::SECOND);
    }
    assert_eq!(step(&stage, &receiver).await, [Outcome::Failed]);
    stage.clock.advance(Duration::days(30));

    assert!(step(&stage, &receiver).await.is_empty());
    let delivery = deliveries(&stage, &hook).await.remove(0);
    assert_eq!(delivery.state, DeliveryState::Failed);
    assert_eq!(delivery.attempts.len(), RETRY_AFTER.len() + 1);
    assert!(delivery.attempts.iter().all(|attempt| attempt.status == Some(500)));
    let ids = receiver.ids();
    assert!(ids.iter().all(|id| *id == ids[0]));
    assert!(see(&stage, &hook).await.enabled);
}

#[tokio::test]
async fn an_attempt_that_its_server_did_not_survive_is_made_by_another() {
    let stage = Stage::set().await;
    let hook = hook(&stage).await;
    happen(&stage, "x").await;
    queue(&stage).await;
    let now = understudy_domain::ports::Clock::now(&stage.clock);
    let due = stage.store.webhooks().due(now, 10).await.unwrap().remove(0);
    let receiver = Receiver::default();
    receiver.hangs.store(true, Ordering::Relaxed);

    tokio::select! {
        _ = deliver(stage.deps(), &stage.vault, &receiver, due) => panic!("the receiver hangs"),
        () = receiver.reached.notified() => {} // and the server dies
    }
    receiver.hangs.store(false, Ordering::Relaxed);

    assert!(step(&stage, &receiver).await.is_empty());
    let early = deliver(stage.deps(), &stage.vault, &receiver, due).await.unwrap();
    assert_eq!(early, Outcome::Nothing);
    stage.clock.advance(Duration::minutes(1));
    assert_eq!(step(&stage, &receiver).await, [Outcome::Delivered]);
    assert_eq!(deliveries(&stage, &hook).await[0].attempts.len(), 1);
}

#[tokio::test]
async fn a_receiver_that_wants_nothing_any_more_is_told_nothing_any_more() {
    let stage = Stage::set().await;
    let hook = hook(&stage).await;
    happen(&stage, "x").await;
    happen(&stage, "y").await;
    let receiver = Receiver::always(410);

    assert_eq!(step(&stage, &receiver).await, [Outcome::Failed, Outcome::Nothing]);

    let hook = see(&stage, &hook).await;
    assert!(!hook.enabled && hook.disabled_reason.unwrap().contains("410"));
    assert_eq!(log(&stage).await.last().unwrap(), "webhook.disabled");
    stage.clock.advance(Duration::days(30));
    assert!(step(&stage, &receiver).await.is_empty());
}

#[tokio::test]
async fn a_webhook_that_fails_for_five_days_is_switched_off() {
    let stage = Stage::set().await;
    let hook = hook(&stage).await;
    happen(&stage, "x").await;
    let receiver = Receiver::always(503);
    let before = log(&stage).await;

    step(&stage, &receiver).await;
    let since = see(&stage, &hook).await.failing_since.unwrap();
    stage.clock.advance(Duration::days(5) - Duration::SECOND);
    step(&stage, &receiver).await;
    assert!(see(&stage, &hook).await.enabled);
    assert_eq!(log(&stage).await, before, "a failure is no event");
    stage.clock.advance(Duration::days(1));
    step(&stage, &receiver).await;

    let hook = see(&stage, &hook).await;
    assert_eq!((hook.enabled, hook.failing_since), (false, Some(since)));
    assert_eq!(log(&stage).await.last().unwrap(), "webhook.disabled");
    let hook = enable(&stage, &hook, true).await;
    assert_eq!((hook.disabled_reason, hook.failing_since), (None, None));
}

#[tokio::test]
async fn a_success_ends_the_failing() {
    let stage = Stage::set().await;
    let hook = hook(&stage).await;
    happen(&stage, "x").await;
    let receiver = Receiver::default();
    receiver.then(Err(WebhookFailure::TimedOut));
    receiver.then(Ok(302));

    assert_eq!(step(&stage, &receiver).await, [Outcome::Later]);
    assert!(see(&stage, &hook).await.failing_since.is_some());
    stage.clock.advance(Duration::minutes(1));
    assert_eq!(step(&stage, &receiver).await, [Outcome::Later]);
    stage.clock.advance(Duration::minutes(6));
    assert_eq!(step(&stage, &receiver).await, [Outcome::Delivered]);

    assert_eq!(see(&stage, &hook).await.failing_since, None);
    let attempts = deliveries(&stage, &hook).await.remove(0).attempts;
    let told: Vec<_> = attempts.iter().map(|attempt| attempt.status).collect();
    assert_eq!(told, [None, Some(302), Some(204)]);
    assert!(attempts[0].error.is_some() && attempts[1].error.is_some());
    assert_eq!(attempts[2].error, None);
}

#[tokio::test]
async fn a_delivery_can_be_made_once_more_with_the_same_id() {
    let stage = Stage::set().await;
    let hook = hook(&stage).await;
    happen(&stage, "x").await;
    let receiver = Receiver::default();
    step(&stage, &receiver).await;
    let id = deliveries(&stage, &hook).await[0].id;

    let replay = async || replay_delivery(stage.deps(), &caller(2), hook.id, id).await;
    replay().await.unwrap();
    assert_eq!(step(&stage, &receiver).await, [Outcome::Delivered]);

    let ids = receiver.ids();
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0], ids[1]);
    let other = self::hook(&stage).await;
    let elsewhere = replay_delivery(stage.deps(), &caller(2), other.id, id).await.unwrap_err();
    assert!(matches!(elsewhere, Error::NotFound("delivery")), "{elsewhere:?}");
    enable(&stage, &hook, false).await;
    let off = replay().await.unwrap_err();
    assert!(matches!(off, Error::Conflict(Conflict::WebhookDisabled)), "{off:?}");
}

#[tokio::test]
async fn what_happens_while_a_webhook_is_off_is_never_told() {
    let stage = Stage::set().await;
    let hook = hook(&stage).await;
    let off = enable(&stage, &hook, false).await;
    happen(&stage, "meanwhile").await;
    let receiver = Receiver::default();
    assert!(step(&stage, &receiver).await.is_empty());

    let on = enable(&stage, &off, true).await;
    assert!(step(&stage, &receiver).await.is_empty());
    happen(&stage, "later").await;
    step(&stage, &receiver).await;

    assert_eq!(deliveries(&stage, &on).await.len(), 1);
}

#[tokio::test]
async fn a_test_reaches_its_webhook_whatever_it_wants() {
    let stage = Stage::set().await;
    let hook = hook(&stage).await;
    let other = self::hook(&stage).await;
    let receiver = Receiver::default();

    let event = test_webhook(stage.deps(), &caller(2), hook.id).await.unwrap();
    step(&stage, &receiver).await;

    assert_eq!(receiver.ids(), [event.to_string()]);
    assert_eq!(receiver.actions(), ["webhook.tested"]);
    assert!(deliveries(&stage, &other).await.is_empty());
}

#[tokio::test]
async fn a_secret_is_shown_once_and_stands_in_no_event() {
    let stage = Stage::set().await;
    let (hook, first) = create(&stage, new(&["assistant.created"])).await.unwrap();
    assert!(first.expose().starts_with("whsec_"));
    let keep = UpdateWebhook {
        secret: Some(Secret::new(MASK.to_owned())),
        description: Some(None),
        ..UpdateWebhook::default()
    };
    update(&stage, &hook, keep).await.unwrap();
    happen(&stage, "x").await;
    let receiver = Receiver::default();
    step(&stage, &receiver).await;

    let precondition = Precondition::OneOf(vec![etag(&see(&stage, &hook).await)]);
    let rotated =
        rotate_secret(stage.deps(), &stage.vault, &caller(2), hook.id, precondition).await;
    let (_, second) = rotated.unwrap();
    happen(&stage, "y").await;
    step(&stage, &receiver).await;

    let sent = receiver.sent.lock().unwrap().clone();
    assert_eq!(sent[0].secret.expose(), first.expose());
    assert_eq!(sent[1].secret.expose(), second.expose());
    assert_ne!(first.expose(), second.expose());
    let (tenant, all) = (hook.organization, EventFilter::default());
    let events = stage.store.audit().events(tenant, &all, Walk::Forward(0), 100).await.unwrap();
    let told = format!("{events:?}");
    for secret in [&first, &second] {
        assert!(!told.contains(secret.expose().trim_start_matches("whsec_")));
    }
    assert!(told.contains("webhook.secret_rotated"));
}

#[tokio::test]
async fn faults_of_a_webhook_are_named_at_once() {
    let stage = Stage::set().await;
    let secret = Some(Secret::new("short".to_owned()));
    let events = vec!["assistant.updated".to_owned(), "Everything".to_owned()];
    let wrong = CreateWebhook {
        url: "http://example.com/#x".to_owned(),
        description: Some("x".repeat(1_001)),
        events,
        enabled: true,
        secret,
    };

    let mut named = pointers(create(&stage, wrong).await);

    named.sort();
    let expected = [
        ("/description", "too_long"),
        ("/events/1", "invalid"),
        ("/secret", "invalid"),
        ("/url", "invalid"),
    ];
    assert_eq!(named, expected.map(|(pointer, code)| (pointer.to_owned(), code)));
    let mask = CreateWebhook { secret: Some(Secret::new(MASK.to_owned())), ..new(&[]) };
    let expected = [("/secret".to_owned(), "nothing_to_keep")];
    assert_eq!(pointers(create(&stage, mask).await), expected);
}

#[tokio::test]
async fn an_organization_has_so_many_webhooks() {
    let stage = Stage::set().await;
    for _ in 0..MAX_WEBHOOKS {
        hook(&stage).await;
    }

    let refused = create(&stage, new(&[])).await.unwrap_err();

    assert!(matches!(refused, Error::TooMany { limit: MAX_WEBHOOKS, .. }), "{refused:?}");
}

#[tokio::test]
async fn webhooks_are_for_administrators() {
    let stage = Stage::set().await;
    let hook = hook(&stage).await;
    for n in [3, 4, 5] {
        let refused = list_webhooks(stage.deps(), &caller(n)).await.unwrap_err();
        assert!(matches!(refused, Error::Forbidden(Denied::Role(_))), "{refused:?}");
    }
    let reads = TokenLimits { scopes: [Scope::Read].into(), ..TokenLimits::default() };
    let reader: Caller = by_token(2, reads);
    assert_eq!(list_webhooks(stage.deps(), &reader).await.unwrap().len(), 1);

    let removed = delete_webhook(stage.deps(), &reader, hook.id, Precondition::None).await;

    assert!(matches!(removed, Err(Error::Forbidden(Denied::Scope("admin")))), "{removed:?}");
    delete_webhook(stage.deps(), &caller(1), hook.id, Precondition::None).await.unwrap();
    let gone = delete_webhook(stage.deps(), &caller(1), hook.id, Precondition::None).await;
    assert!(matches!(gone, Err(Error::NotFound("webhook"))), "{gone:?}");
}
