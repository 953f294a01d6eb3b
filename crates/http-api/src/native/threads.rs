//! Threads, and what was said in them.

mod view;

use std::collections::BTreeMap;

use actix_web::http::Method;
use serde_json::Value;
use understudy_domain::{
    ThreadId,
    conversation::Order,
    metadata::MAX_PAIRS,
    usecases::threads::{self, CreateThread, ListThreads, MetadataChange, UpdateThread},
};
pub(crate) use view::{MessagePage, MessageView, ThreadPage, ThreadView};

use crate::{
    answer::{self, Answer},
    call::{Asked, Call},
    cursor,
    endpoint::Endpoint,
    fields::Fields,
    idempotency::once,
    input::{self, Input},
    openapi::{Doc, Parameter},
    problem::Code,
    query::Query,
};

const ALL: &str = "/api/threads";
const ONE: &str = "/api/threads/{id}";
const MESSAGES: &str = "/api/threads/{id}/messages";

/// What only the server sets.
const READ_ONLY: &[&str] = &[
    "id",
    "object",
    "userId",
    "status",
    "messageCount",
    "lastModel",
    "activeResponseId",
    "pinnedAt",
    "createdAt",
    "updatedAt",
    "lastMessageAt",
];
const ORDERS: [&str; 2] = ["asc", "desc"];

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, ALL, list_threads, |doc: Doc| {
            paged(doc.op("threads", "listThreads", "List one's threads"))
                .about("By the time of making, newest first unless `order` says otherwise. Threads whose responses are not stored are not there.")
                .query("assistant", "Of this assistant: its id or slug.", Parameter::text())
                .query("q", "With this text in the title.", Parameter::text())
                .query("metadata.<key>", "With this value under the key; up to 16 of them.", Parameter::text())
                .json(200, "A page of threads.", "ThreadPage")
                .codes(&[Code::BadCursor, Code::NotFound, Code::AiSeatRequired, Code::ApiDisabled])
        }),
        Endpoint::new(Method::POST, ALL, create_thread, |doc: Doc| {
            doc.op("threads", "createThread", "Begin a thread")
                .about("Nobody but its user reads or continues it, administrators included.")
                .body("ThreadCreate")
                .created("The new thread.", "Thread")
                .codes(&[
                    Code::NotFound,
                    Code::ConcurrentChange,
                    Code::AiSeatRequired,
                    Code::ApiDisabled,
                ])
        }),
        Endpoint::new(Method::GET, ONE, read_thread, |doc: Doc| {
            doc.op("threads", "getThread", "Read a thread")
                .about("One's own.")
                .tagged(200, "The thread.", "Thread")
                .codes(&[Code::NotFound, Code::AiSeatRequired])
        }),
        Endpoint::new(Method::PATCH, ONE, update_thread, |doc: Doc| {
            doc.op("threads", "patchThread", "Change a thread")
                .about("One's own. At most 20 threads are pinned. Which assistant answers can be changed until something was said, or while nobody answers.")
                .patch("ThreadUpdate")
                .tagged(200, "The thread as it is now.", "Thread")
                .codes(&[Code::NotFound, Code::ConcurrentChange, Code::ThreadOfAnotherAssistant, Code::LimitReached, Code::AiSeatRequired, Code::ApiDisabled])
        }),
        Endpoint::new(Method::DELETE, ONE, delete_thread, |doc: Doc| {
            doc.op("threads", "deleteThread", "Remove a thread with its messages")
                .about("One's own.")
                .empty(204, "It is gone.")
                .conditional()
                .codes(&[
                    Code::NotFound,
                    Code::ThreadBusy,
                    Code::ConcurrentChange,
                    Code::AiSeatRequired,
                ])
        }),
        Endpoint::new(Method::GET, MESSAGES, list_messages, |doc: Doc| {
            paged(doc.op("threads", "listMessages", "List what was said in a thread"))
                .about("Messages, calls of tools and their results, each by itself, oldest first unless `order` says otherwise. Of one's own threads.")
                .json(200, "A page of messages.", "MessagePage")
                .codes(&[Code::BadCursor, Code::NotFound, Code::AiSeatRequired])
        }),
    ]
}

fn paged(doc: Doc) -> Doc {
    doc.limit_parameter()
        .query(
            "cursor",
            "Where the page begins: `nextCursor` of the page before.",
            Parameter::text(),
        )
        .query("order", "Oldest first (`asc`) or newest first (`desc`).", Parameter::word(&ORDERS))
}

fn order(query: &mut Query, usual: Order) -> Order {
    let expects = format!("one of {}", ORDERS.join(", "));
    query.read("order", &expects, Order::from_word).unwrap_or(usual)
}

async fn list_threads(Asked { call, mut query }: Asked) -> Answer {
    let (limit, behind) = (query.limit(), query.text("cursor"));
    let order = order(&mut query, Order::Descending);
    let (assistant, q) = (query.text("assistant"), query.text("q"));
    let pairs = query.prefixed("metadata.");
    let given = pairs.len();
    let metadata: BTreeMap<_, _> = pairs.into_iter().collect();
    if given > MAX_PAIRS || metadata.len() < given || metadata.contains_key("") {
        let message = format!("must be 1 to {MAX_PAIRS} pairs with different keys");
        query.fault("metadata", "invalid", message);
    }
    query.finish()?;
    let filters = format!("{assistant:?} {q:?} {metadata:?}");
    let list = cursor::list_of(&["threads", order.as_str(), &filters]);
    let after = behind.map(|text| cursor::to_id(&list, &text)).transpose()?;
    let command = ListThreads { assistant, q, metadata, after, order, limit };
    let found = threads::list_threads(call.deps(), &call.caller, command).await?;
    let end = found.threads.last().filter(|_| found.more);
    let next_cursor = end.map(|thread| cursor::of_id(&list, thread.id));
    let data = found.threads.iter().map(ThreadView::from).collect();
    answer::ok(&ThreadPage { data, next_cursor })
}

async fn create_thread(mut call: Call) -> Answer {
    let input = call.input(input::SMALL).await?;
    once(call, input, async |call: Call, input: Input| {
        let mut fields = Fields::of(input.value)?.ignoring(READ_ONLY);
        let command = CreateThread {
            title: fields.nullable("title", Fields::text).flatten(),
            metadata: fields.nullable("metadata", Fields::pairs).flatten().unwrap_or_default(),
            assistant: fields.nullable("assistantId", Fields::text).flatten(),
            items: Vec::new(),
        };
        fields.finish()?;
        let made = threads::create_thread(call.deps(), &call.caller, command).await?;
        let location = format!("{ALL}/{}", made.id);
        answer::created(&location, &threads::etag(&made), &ThreadView::from(&made))
    })
    .await
}

async fn read_thread(call: Call) -> Answer {
    let found = threads::view_thread(call.deps(), &call.caller, call.id("id", "thread")?).await?;
    answer::resource(&call.request, &threads::etag(&found), &ThreadView::from(&found))
}

async fn update_thread(mut call: Call) -> Answer {
    let (id, precondition) = (call.id("id", "thread")?, call.precondition()?);
    let mut fields = call.patch().await?.ignoring(READ_ONLY);
    let command = UpdateThread {
        title: fields.nullable("title", Fields::text),
        // As a merge patch has it: null takes all pairs away.
        metadata: fields.nullable("metadata", changed_pairs).map(|pairs| {
            pairs.map_or_else(|| MetadataChange::Replace(BTreeMap::new()), MetadataChange::Merge)
        }),
        pinned: fields.flag("pinned"),
        assistant: fields.nullable("assistantId", Fields::text),
        precondition,
    };
    fields.finish()?;
    let made = threads::update_thread(call.deps(), &call.caller, id, command).await?;
    answer::changed(&threads::etag(&made), &ThreadView::from(&made))
}

/// Pairs as a merge patch has them: null takes one away.
fn changed_pairs(fields: &mut Fields, name: &str) -> Option<BTreeMap<String, Option<String>>> {
    let mut pairs = BTreeMap::new();
    for (key, value) in fields.object(name)? {
        match value {
            Value::String(text) => {
                pairs.insert(key, Some(text));
            }
            Value::Null => {
                pairs.insert(key, None);
            }
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                fields.fault(name, "type", "must be an object of texts, or nulls");
            }
        }
    }
    Some(pairs)
}

async fn delete_thread(call: Call) -> Answer {
    let (id, precondition) = (call.id("id", "thread")?, call.precondition()?);
    threads::delete_thread(call.deps(), &call.caller, id, precondition).await?;
    answer::gone()
}

async fn list_messages(Asked { call, mut query }: Asked) -> Answer {
    let id: ThreadId = call.id("id", "thread")?;
    let (limit, behind) = (query.limit(), query.text("cursor"));
    let order = order(&mut query, Order::Ascending);
    query.finish()?;
    let list = cursor::list_of(&["messages", order.as_str(), &id.to_string()]);
    let after = behind.map(|text| cursor::to_number(&list, &text)).transpose()?;
    let page = (after, order, limit);
    let found = threads::list_messages(call.deps(), &call.caller, id, page).await?;
    let end = found.messages.last().filter(|_| found.more);
    let next_cursor = end.map(|message| cursor::of_number(&list, message.position));
    let data = found.messages.into_iter().map(MessageView::from).collect();
    answer::ok(&MessagePage { data, next_cursor })
}
