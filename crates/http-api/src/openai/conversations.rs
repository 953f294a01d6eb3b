//! Conversations: what the domain calls threads.
//!
//! A conversation and its thread are one thing under two names: `conv_` and `thread_`
//! before the same digits. So what either dialect made is found in both, without a
//! table that says which is which; this dialect takes both names and tells the first,
//! since its clients show and check it. An assistant, which OpenAI's conversations do
//! not have, comes with the first response that is asked for in one.

use actix_web::http::Method;
use serde::Serialize;
use serde_json::{Value, json};
use understudy_domain::{
    Message, MessageId, Thread, ThreadId,
    conversation::Order,
    usecases::{
        Error, Precondition,
        threads::{self, CreateThread, MetadataChange, UpdateThread},
    },
};
use utoipa::ToSchema;

use super::{items, reading::INCLUDES, said::Said};
use crate::{
    answer::{self, Answer},
    asking::optional,
    call::{Asked, Call},
    endpoint::Endpoint,
    fields::Fields,
    idempotency::once,
    input::{self, Input},
    openapi::{Doc, Parameter},
    problem::{Code, Problem},
    query::Query,
};

const ALL: &str = "/openai/v1/conversations";
const ONE: &str = "/openai/v1/conversations/{id}";
const ITEMS: &str = "/openai/v1/conversations/{id}/items";
const ITEM: &str = "/openai/v1/conversations/{id}/items/{itemId}";

/// How its name begins here, and how its thread's does.
const PREFIXES: (&str, &str) = ("conv_", "thread_");
/// Items of a page when the caller does not say, and at most.
const LIMITS: (u32, u32) = (20, 100);
const ORDERS: [&str; 2] = ["asc", "desc"];

/// A conversation.
#[derive(Serialize, ToSchema)]
#[schema(as = OpenaiConversation)]
pub(crate) struct ConversationView {
    /// Its identifier: that of its thread, with another beginning.
    #[schema(example = "conv_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    id: String,
    /// `conversation`.
    #[schema(value_type = String, example = "conversation")]
    object: &'static str,
    /// When it was made, in Unix seconds.
    #[schema(example = 1_769_860_800)]
    created_at: i64,
    /// Pairs of its user.
    #[schema(value_type = Object, example = json!({"topic": "invoices"}))]
    metadata: Value,
}

impl From<&Thread> for ConversationView {
    fn from(thread: &Thread) -> Self {
        Self {
            id: id_of(thread.id),
            object: "conversation",
            created_at: thread.created_at.unix_seconds(),
            metadata: json!(thread.metadata),
        }
    }
}

/// What a thread is called here.
pub(super) fn id_of(thread: ThreadId) -> String {
    let thread = thread.to_string();
    let (ours, theirs) = PREFIXES;
    format!("{ours}{}", thread.strip_prefix(theirs).unwrap_or(&thread))
}

/// The thread that a conversation is: `conv_…`, or `thread_…` as it is.
pub(super) fn thread_of(id: &str) -> Option<ThreadId> {
    let (ours, theirs) = PREFIXES;
    let stem = id.strip_prefix(ours).or_else(|| id.strip_prefix(theirs))?;
    format!("{theirs}{stem}").parse().ok()
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    let mut all = of_conversations();
    all.extend(of_items());
    all
}

fn of_conversations() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::POST, ALL, create, |doc: Doc| {
            doc.op("openai", "openaiCreateConversation", "Begin a conversation")
                .about("It is a thread, without an assistant until a response is asked for in it. Nobody but its user reads or continues it.")
                .body("OpenaiConversationCreate")
                .json(200, "The conversation.", "OpenaiConversation")
                .codes(&[Code::NotFound, Code::ConcurrentChange, Code::AiSeatRequired, Code::ApiDisabled])
        }),
        Endpoint::new(Method::GET, ONE, read, |doc: Doc| {
            doc.op("openai", "openaiGetConversation", "Read a conversation")
                .about("One's own.")
                .json(200, "The conversation.", "OpenaiConversation")
                .codes(&[Code::NotFound, Code::AiSeatRequired])
        }),
        Endpoint::new(Method::POST, ONE, update, |doc: Doc| {
            doc.op("openai", "openaiUpdateConversation", "Change the pairs of a conversation")
                .about("One's own. What is sent takes the place of all that there were.")
                .body("OpenaiConversationUpdate")
                .json(200, "The conversation as it is now.", "OpenaiConversation")
                .codes(&[
                    Code::NotFound,
                    Code::ConcurrentChange,
                    Code::AiSeatRequired,
                    Code::ApiDisabled,
                ])
        }),
        Endpoint::new(Method::DELETE, ONE, delete, |doc: Doc| {
            doc.op("openai", "openaiDeleteConversation", "Remove a conversation with its items")
                .about("One's own.")
                .json(200, "It is gone.", "OpenaiDeleted")
                .codes(&[
                    Code::NotFound,
                    Code::ThreadBusy,
                    Code::ConcurrentChange,
                    Code::AiSeatRequired,
                ])
        }),
    ]
}

fn of_items() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::POST, ITEMS, add, |doc: Doc| {
            with_include(doc.op("openai", "openaiCreateItems", "Add items to a conversation"))
                .about("To the end of one's own; nobody answers them. Not while an answer is on its way or waits for approval.")
                .body("OpenaiItemsCreate")
                .json(200, "What was added.", "OpenaiItemList")
                .codes(&[Code::NotFound, Code::ThreadBusy, Code::ConcurrentChange, Code::AiSeatRequired, Code::ApiDisabled])
        }),
        Endpoint::new(Method::GET, ITEMS, list, |doc: Doc| {
            let (usual, most) = LIMITS;
            let limit = format!("How many at most; {usual} when absent.");
            with_include(doc.op("openai", "openaiListItems", "List the items of a conversation"))
                .about("Messages, calls of functions and tools, and their results, each by itself. Of one's own.")
                .query("limit", &limit, Parameter::number(1, most))
                .query("order", "Last first (`desc`) or first first.", Parameter::word(&ORDERS))
                .query("after", "Behind the item with this id.", Parameter::text())
                .json(200, "A page of items.", "OpenaiItemList")
                .codes(&[Code::NotFound, Code::AiSeatRequired])
        }),
        Endpoint::new(Method::GET, ITEM, read_item, |doc: Doc| {
            with_include(doc.op("openai", "openaiGetItem", "Read an item of a conversation"))
                .about("Of one's own.")
                .json(200, "The item.", "OpenaiItem")
                .codes(&[Code::NotFound, Code::AiSeatRequired])
        }),
        Endpoint::new(Method::DELETE, ITEM, delete_item, |doc: Doc| {
            doc.op("openai", "openaiDeleteItem", "Take an item out of a conversation")
                .about("Of one's own; assistants are not told it again. Not while an answer is on its way or waits for approval.")
                .json(200, "The conversation as it is now.", "OpenaiConversation")
                .codes(&[Code::NotFound, Code::ThreadBusy, Code::ConcurrentChange, Code::AiSeatRequired])
        }),
    ]
}

fn with_include(doc: Doc) -> Doc {
    let about = "Words of OpenAI's, any number of times, also as `include[]`: they change nothing.";
    doc.query("include", about, Parameter::text())
}

/// Reads past what else would be told: nothing more is known of an item.
fn skip_includes(query: &mut Query) {
    for (rest, word) in query.prefixed("include") {
        // Some clients write lists so.
        let is_list = rest.is_empty() || (rest.starts_with('[') && rest.ends_with(']'));
        if !is_list {
            query.fault(&format!("include{rest}"), "unknown_parameter", "is not a parameter here");
        } else if !word.split(',').all(|word| INCLUDES.contains(&word)) {
            query.fault("include", "enum", format!("must be one of {}", INCLUDES.join(", ")));
        }
    }
}

fn thread(call: &Call) -> Result<ThreadId, Problem> {
    thread_of(call.path("id")).ok_or_else(|| Error::NotFound("conversation").into())
}

fn item(call: &Call) -> Result<(ThreadId, MessageId), Problem> {
    let item = items::message_of(call.path("itemId")).ok_or(Error::NotFound("item"))?;
    Ok((thread(call)?, item))
}

async fn create(mut call: Call) -> Answer {
    let input = call.input(input::RUN).await?;
    once(call, input, async |call: Call, input: Input| {
        let mut fields = Fields::of(input.value)?;
        let items = if fields.is_null("items") {
            fields.any("items");
            Vec::new()
        } else {
            Said::of_conversation(&mut fields)
        };
        let metadata = optional(&mut fields, "metadata", Fields::pairs).unwrap_or_default();
        fields.finish()?;
        let command = CreateThread { metadata, items, ..CreateThread::default() };
        let made = threads::create_thread(call.deps(), &call.caller, command).await?;
        answer::ok(&ConversationView::from(&made))
    })
    .await
}

async fn read(call: Call) -> Answer {
    let found = threads::view_thread(call.deps(), &call.caller, thread(&call)?).await?;
    answer::ok(&ConversationView::from(&found))
}

async fn update(mut call: Call) -> Answer {
    let input = call.input(input::SMALL).await?;
    once(call, input, async |call: Call, input: Input| {
        let mut fields = Fields::of(input.value)?;
        fields.require("metadata");
        let metadata = optional(&mut fields, "metadata", Fields::pairs).unwrap_or_default();
        fields.finish()?;
        let command = UpdateThread {
            metadata: Some(MetadataChange::Replace(metadata)),
            ..UpdateThread::default()
        };
        let id = thread(&call)?;
        let made = threads::update_thread(call.deps(), &call.caller, id, command).await?;
        answer::ok(&ConversationView::from(&made))
    })
    .await
}

async fn delete(call: Call) -> Answer {
    let id = thread(&call)?;
    threads::delete_thread(call.deps(), &call.caller, id, Precondition::None).await?;
    answer::ok(&json!({ "id": id_of(id), "object": "conversation.deleted", "deleted": true }))
}

async fn add(Asked { mut call, mut query }: Asked) -> Answer {
    skip_includes(&mut query);
    query.finish()?;
    let input = call.input(input::RUN).await?;
    once(call, input, async |call: Call, input: Input| {
        let mut fields = Fields::of(input.value)?;
        fields.require("items");
        let items = Said::of_conversation(&mut fields);
        fields.finish()?;
        let id = thread(&call)?;
        let added = threads::add_items(call.deps(), &call.caller, id, items).await?;
        answer::ok(&page(&added, false))
    })
    .await
}

async fn list(Asked { call, mut query }: Asked) -> Answer {
    skip_includes(&mut query);
    let (usual, most) = LIMITS;
    let expects = format!("a whole number from 1 to {most}");
    let fits = |text: &str| text.parse().ok().filter(|limit| (1..=most).contains(limit));
    let limit = query.read("limit", &expects, fits).unwrap_or(usual);
    let expects = format!("one of {}", ORDERS.join(", "));
    let order = query.read("order", &expects, Order::from_word).unwrap_or(Order::Descending);
    let after = query.read("after", "the id of an item", items::message_of);
    query.finish()?;
    let id = thread(&call)?;
    let after = match after {
        Some(item) => {
            let found = threads::view_item(call.deps(), &call.caller, (id, item)).await?;
            Some(found.position)
        }
        None => None,
    };
    let wanted = (after, order, limit);
    let found = threads::list_messages(call.deps(), &call.caller, id, wanted).await?;
    answer::ok(&page(&found.messages, found.more))
}

async fn read_item(Asked { call, mut query }: Asked) -> Answer {
    skip_includes(&mut query);
    query.finish()?;
    let found = threads::view_item(call.deps(), &call.caller, item(&call)?).await?;
    answer::ok(&told(&found).ok_or(Error::NotFound("item"))?)
}

async fn delete_item(call: Call) -> Answer {
    let left = threads::delete_item(call.deps(), &call.caller, item(&call)?).await?;
    answer::ok(&ConversationView::from(&left))
}

fn told(message: &Message) -> Option<Value> {
    items::told(&message.item, message.id)
}

fn page(messages: &[Message], has_more: bool) -> Value {
    let data: Vec<Value> = messages.iter().filter_map(told).collect();
    json!({
        "object": "list",
        "first_id": data.first().map(|item| &item["id"]),
        "last_id": data.last().map(|item| &item["id"]),
        "has_more": has_more,
        "data": data,
    })
}
