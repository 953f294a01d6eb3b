//! Webhooks, and what became of their deliveries.

mod view;

use actix_web::{
    HttpResponse,
    http::{Method, StatusCode, header},
};
use understudy_domain::{
    WebhookId,
    usecases::webhooks::{self, CreateWebhook, UpdateWebhook},
};
pub(crate) use view::{AttemptView, DeliveryPage, DeliveryView, TestedView, WebhookView};

use crate::{
    answer::{self, Answer},
    call::{Asked, Call},
    cursor,
    endpoint::Endpoint,
    fields::Fields,
    idempotency::{ShownOnce, once},
    input::{self, Input},
    openapi::{Doc, Parameter},
    problem::{Code, Problem},
};

const ALL: &str = "/api/webhooks";
const ONE: &str = "/api/webhooks/{id}";
const TEST: &str = "/api/webhooks/{id}/_test";
const ROTATE: &str = "/api/webhooks/{id}/_rotate-secret";
const DELIVERIES: &str = "/api/webhooks/{id}/deliveries";
const REPLAY: &str = "/api/webhooks/{id}/deliveries/{deliveryId}/_replay";

/// What only the server sets.
const READ_ONLY: &[&str] = &[
    "id",
    "organizationId",
    "disabledReason",
    "failingSince",
    "createdBy",
    "createdAt",
    "updatedAt",
];

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, ALL, list_webhooks, |doc: Doc| {
            doc.op("webhooks", "listWebhooks", "List webhooks")
                .about("Oldest first. Needs the role admin or owner.")
                .json(200, "The webhooks.", "WebhookList")
                .codes(&[Code::InsufficientRole])
        }),
        Endpoint::new(Method::POST, ALL, create_webhook, |doc: Doc| {
            doc.op("webhooks", "createWebhook", "Add a webhook")
                .about("At most 50. It is told of what happens from now on, its own making included. Its secret is in this answer and nowhere else: repeating the request with the same `Idempotency-Key` makes no second webhook, but cannot show the secret again (`409`, `shown_once`). Needs the role admin or owner.")
                .body("WebhookCreate")
                .created("The new webhook, with its secret.", "Webhook")
                .codes(&[Code::LimitReached, Code::ShownOnce, Code::ConcurrentChange, Code::InsufficientRole])
        }),
        Endpoint::new(Method::GET, ONE, read_webhook, |doc: Doc| {
            doc.op("webhooks", "getWebhook", "Read a webhook")
                .about("Its secret is masked. Needs the role admin or owner.")
                .tagged(200, "The webhook.", "Webhook")
                .codes(&[Code::NotFound, Code::InsufficientRole])
        }),
        Endpoint::new(Method::PATCH, ONE, update_webhook, |doc: Doc| {
            doc.op("webhooks", "patchWebhook", "Change a webhook")
                .about("`********` keeps the secret. When it is enabled again it is told of what happens from then on, and of what was queued before. Needs the role admin or owner.")
                .patch("WebhookUpdate")
                .tagged(200, "The webhook as it is now.", "Webhook")
                .codes(&[Code::NotFound, Code::ConcurrentChange, Code::InsufficientRole])
        }),
        Endpoint::new(Method::DELETE, ONE, delete_webhook, |doc: Doc| {
            doc.op("webhooks", "deleteWebhook", "Remove a webhook")
                .about("With its deliveries. Needs the role admin or owner.")
                .empty(204, "It is gone.")
                .conditional()
                .codes(&[Code::NotFound, Code::ConcurrentChange, Code::InsufficientRole])
        }),
    ]
}

/// What is done with webhooks beside changing them.
pub(super) fn actions() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::POST, TEST, test_webhook, |doc: Doc| {
            doc.op("webhooks", "testWebhook", "Send an event to a webhook")
                .about("Makes the event `webhook.tested`, of which the webhook is told whatever `events` says. Needs the role admin or owner.")
                .optional_body("Nothing")
                .json(202, "It is queued.", "WebhookTest")
                .codes(&[Code::NotFound, Code::WebhookDisabled, Code::InsufficientRole])
        }),
        Endpoint::new(Method::POST, ROTATE, rotate_secret, |doc: Doc| {
            doc.op("webhooks", "rotateWebhookSecret", "Give a webhook another secret")
                .about("What is sent from now on is signed with it. It is in this answer and nowhere else. Needs the role admin or owner.")
                .optional_body("Nothing")
                .tagged(200, "The webhook, with its new secret.", "Webhook")
                .conditional()
                .codes(&[Code::NotFound, Code::ShownOnce, Code::ConcurrentChange, Code::InsufficientRole])
        }),
        Endpoint::new(Method::GET, DELIVERIES, list_deliveries, |doc: Doc| {
            doc.op("webhooks", "listDeliveries", "List the deliveries to a webhook")
                .about("Newest first. Needs the role admin or owner.")
                .limit_parameter()
                .query(
                    "cursor",
                    "Where the page begins: `nextCursor` of the page before.",
                    Parameter::text(),
                )
                .json(200, "A page of deliveries.", "DeliveryPage")
                .codes(&[Code::NotFound, Code::BadCursor, Code::InsufficientRole])
        }),
        Endpoint::new(Method::POST, REPLAY, replay_delivery, |doc: Doc| {
            doc.op("webhooks", "replayDelivery", "Deliver once more")
                .about("At once, however it went before, with the same `webhook-id`. Needs the role admin or owner.")
                .optional_body("Nothing")
                .json(202, "It is queued.", "Delivery")
                .codes(&[Code::NotFound, Code::WebhookDisabled, Code::ConcurrentChange, Code::InsufficientRole])
        }),
    ]
}

async fn list_webhooks(call: Call) -> Answer {
    let all = webhooks::list_webhooks(call.deps(), &call.caller).await?;
    answer::ok(&all.iter().map(WebhookView::from).collect::<Vec<_>>())
}

async fn create_webhook(mut call: Call) -> Answer {
    let input = call.input(input::SMALL).await?;
    once(call, input, async |call: Call, input: Input| {
        let mut fields = Fields::of(input.value)?.ignoring(READ_ONLY);
        let command = CreateWebhook {
            url: fields.required("url", Fields::text),
            description: fields.nullable("description", Fields::text).flatten(),
            events: fields.texts("events").unwrap_or_default(),
            enabled: fields.flag("enabled").unwrap_or(true),
            secret: fields.secret("secret"),
        };
        fields.finish()?;
        let (deps, vault) = (call.deps(), &*call.state.services.vault);
        let (made, secret) = webhooks::create_webhook(deps, vault, &call.caller, command).await?;
        let location = format!("{ALL}/{}", made.id);
        let view = WebhookView::showing(&made, &secret);
        let answer = answer::created(&location, &webhooks::etag(&made), &view)?;
        Ok(shown_once(answer, &location))
    })
    .await
}

/// Keeps the secret out of what is remembered for an idempotency key.
fn shown_once(mut answer: HttpResponse, location: &str) -> HttpResponse {
    let problem = Problem::new(Code::ShownOnce).header(header::LOCATION, location);
    answer.extensions_mut().insert(ShownOnce(problem));
    answer
}

async fn read_webhook(call: Call) -> Answer {
    let id = call.id("id", "webhook")?;
    let found = webhooks::view_webhook(call.deps(), &call.caller, id).await?;
    answer::resource(&call.request, &webhooks::etag(&found), &WebhookView::from(&found))
}

async fn update_webhook(mut call: Call) -> Answer {
    let (id, precondition) = (call.id("id", "webhook")?, call.precondition()?);
    let mut fields = call.patch().await?.ignoring(READ_ONLY);
    let command = UpdateWebhook {
        url: fields.text("url"),
        description: fields.nullable("description", Fields::text),
        events: fields.nullable("events", Fields::texts).map(Option::unwrap_or_default),
        enabled: fields.flag("enabled"),
        secret: fields.secret("secret"),
        precondition,
    };
    fields.finish()?;
    let vault = &*call.state.services.vault;
    let made = webhooks::update_webhook(call.deps(), vault, &call.caller, id, command).await?;
    answer::changed(&webhooks::etag(&made), &WebhookView::from(&made))
}

async fn delete_webhook(call: Call) -> Answer {
    let (id, precondition) = (call.id("id", "webhook")?, call.precondition()?);
    webhooks::delete_webhook(call.deps(), &call.caller, id, precondition).await?;
    answer::gone()
}

async fn test_webhook(mut call: Call) -> Answer {
    let input = call.optional_input().await?;
    once(call, input, async |call: Call, input: Input| {
        Fields::of(input.value)?.finish()?;
        let id = call.id("id", "webhook")?;
        let event_id = webhooks::test_webhook(call.deps(), &call.caller, id).await?;
        answer::json(StatusCode::ACCEPTED, &TestedView { event_id })
    })
    .await
}

async fn rotate_secret(mut call: Call) -> Answer {
    let input = call.optional_input().await?;
    once(call, input, async |call: Call, input: Input| {
        Fields::of(input.value)?.finish()?;
        let (id, precondition) = (call.id("id", "webhook")?, call.precondition()?);
        let (deps, vault) = (call.deps(), &*call.state.services.vault);
        let rotated = webhooks::rotate_secret(deps, vault, &call.caller, id, precondition).await?;
        let (webhook, secret) = rotated;
        let view = WebhookView::showing(&webhook, &secret);
        let answer = answer::changed(&webhooks::etag(&webhook), &view)?;
        Ok(shown_once(answer, &format!("{ALL}/{id}")))
    })
    .await
}

async fn list_deliveries(Asked { call, mut query }: Asked) -> Answer {
    let id: WebhookId = call.id("id", "webhook")?;
    let (limit, behind) = (query.limit(), query.text("cursor"));
    query.finish()?;
    let list = cursor::list_of(&["deliveries", &id.to_string()]);
    let before = behind.map(|text| cursor::to_id(&list, &text)).transpose()?;
    let page = (before, limit);
    let found = webhooks::list_deliveries(call.deps(), &call.caller, id, page).await?;
    let oldest = found.deliveries.last().filter(|_| found.more);
    let next_cursor = oldest.map(|oldest| cursor::of_id(&list, oldest.id));
    let data = found.deliveries.into_iter().map(DeliveryView::from).collect();
    answer::ok(&DeliveryPage { data, next_cursor })
}

async fn replay_delivery(mut call: Call) -> Answer {
    let input = call.optional_input().await?;
    once(call, input, async |call: Call, input: Input| {
        Fields::of(input.value)?.finish()?;
        let (webhook, id) = (call.id("id", "webhook")?, call.id("deliveryId", "delivery")?);
        let queued = webhooks::replay_delivery(call.deps(), &call.caller, webhook, id).await?;
        answer::json(StatusCode::ACCEPTED, &DeliveryView::from(queued))
    })
    .await
}
