//! The audit log: in pages, and as a stream.

use std::time::Duration;

use actix_web::http::Method;
use serde::Serialize;
use serde_json::Value;
use understudy_domain::{
    AssistantId, EventFilter, EventId, Timestamp, TokenId, UserId,
    usecases::{
        Caller,
        events::{self, ListEvents, Log, SeenEvent},
        watching::Grounds,
    },
};
use utoipa::ToSchema;

use crate::{
    answer::{self, Answer},
    call::{Call, Following},
    cursor,
    endpoint::Endpoint,
    openapi::{Doc, Parameter},
    problem::{Code, Problem},
    query::Query,
    server::State,
    stream::{self, Event, Kind, News, Source},
};

const ALL: &str = "/api/events";
const OF_ASSISTANT: &str = "/api/assistants/{id}/events";

/// Most characters of an action or a target that is filtered by.
const MAX_CHARS: usize = 200;

/// Something that somebody did.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Event)]
pub(crate) struct EventView {
    /// Its identifier.
    #[schema(value_type = String, example = "evt_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    id: EventId,
    /// Its number in the organization's log: from 1, without gaps, in the order in which
    /// things took effect.
    #[schema(example = 42)]
    seq: u64,
    /// When it happened.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T12:00:00Z")]
    at: Timestamp,
    /// Who did it; null for the server itself.
    actor: Option<ActorView>,
    /// The API token they used, if it was one.
    #[schema(value_type = Option<String>, example = "tok_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    token: Option<TokenId>,
    /// The address they came from, if known.
    #[schema(example = "192.0.2.7")]
    address: Option<String>,
    /// The `X-Request-Id` of the request, if it came by one.
    #[schema(example = "019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    request_id: Option<String>,
    /// What was done.
    #[schema(example = "assistant.updated")]
    action: String,
    /// The id of what it was done to.
    #[schema(example = "asst_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    target: String,
    /// The live assistant whose affair it is, if it is one's.
    #[schema(value_type = Option<String>, example = "asst_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    assistant_id: Option<AssistantId>,
    /// What was before, of what changed only; secrets are masked.
    before: Option<Value>,
    /// What is after, likewise.
    after: Option<Value>,
    /// The hash of it and of all before it; null on those from before the log was
    /// chained.
    #[schema(example = "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9")]
    hash: Option<String>,
}

/// Who did something.
#[derive(Serialize, ToSchema)]
#[schema(as = EventActor)]
pub(crate) struct ActorView {
    /// The user.
    #[schema(value_type = String, example = "usr_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    id: UserId,
    /// What people call them; empty when they are gone or have no name.
    #[schema(example = "Ada")]
    name: String,
}

/// A page of events.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EventPage {
    /// The events, newest first.
    data: Vec<EventView>,
    /// Where the next page begins; null on the last one.
    next_cursor: Option<String>,
}

impl From<SeenEvent> for EventView {
    fn from(seen: SeenEvent) -> Self {
        let SeenEvent { recorded, actor_name } = seen;
        let event = recorded.event;
        Self {
            id: event.id,
            seq: recorded.seq,
            at: event.at,
            actor: event.actor.map(|id| ActorView { id, name: actor_name }),
            token: event.token,
            address: event.address,
            request_id: event.request_id,
            action: event.action,
            target: event.target,
            assistant_id: event.assistant,
            before: event.before,
            after: event.after,
            hash: recorded.hash.map(|hash| hash.to_string()),
        }
    }
}

/// The log of the organization.
pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::new(Method::GET, ALL, list_events, |doc: Doc| {
        described(doc.op("events", "listEvents", "List or follow what happened"))
            .about("The organization's audit log, newest first. With `follow=true` a stream of what happens from now on, or behind `after`: `event` is the action, `id` the number, `data` the event; a client that connects again with `Last-Event-ID` misses nothing. Needs the role admin or owner.")
            .query("assistant", "Of this assistant, its draft and what belongs to them.", Parameter::text())
            .codes(&[Code::InsufficientRole])
    })]
}

/// The logs of assistants.
pub(super) fn of_assistant() -> Vec<Endpoint> {
    vec![Endpoint::new(Method::GET, OF_ASSISTANT, list_assistant_events, |doc: Doc| {
        described(doc.op(
            "events",
            "listAssistantEvents",
            "List or follow what happened to an assistant",
        ))
        .about("To it, its draft and what belongs to them, newest first; a stream with `follow=true`, as of `/api/events`. Needs edit access, in the assistant's organization.")
        .codes(&[Code::OtherOrganization])
        .needs_seat()
    })]
}

fn described(doc: Doc) -> Doc {
    let instant = "RFC 3339.";
    doc.limit_parameter()
        .query(
            "cursor",
            "Where the page begins: `nextCursor` of the page before.",
            Parameter::text(),
        )
        .query("actor", "Done by this user.", Parameter::text())
        .query("token", "Done with this API token.", Parameter::text())
        .query("target", "Done to what has this id.", Parameter::text())
        .query(
            "action",
            "With this action; with `*` at the end, with those that begin so.",
            Parameter::text(),
        )
        .query("from", &format!("From this instant on. {instant}"), Parameter::text())
        .query("until", &format!("Before this instant. {instant}"), Parameter::text())
        .query("follow", "Whether to stream what is new.", Parameter::flag())
        .query(
            "after",
            "With `follow`: everything behind the event with this number.",
            Parameter::number(0, u32::MAX),
        )
        .json(200, "A page of events, or with `follow` a stream.", "EventPage")
        .or_kinds(&["text/event-stream"])
        .codes(&[Code::BadCursor])
}

/// Which log is asked for.
enum Asked {
    Organization,
    Assistant(String),
}

impl Asked {
    fn log(&self) -> Log<'_> {
        match self {
            Self::Organization => Log::Organization,
            Self::Assistant(reference) => Log::Assistant(reference),
        }
    }
}

async fn list_events(following: Following) -> Answer {
    answer_with(following, Asked::Organization).await
}

async fn list_assistant_events(following: Following) -> Answer {
    let reference = following.call.path("id").to_owned();
    answer_with(following, Asked::Assistant(reference)).await
}

async fn answer_with(following: Following, asked: Asked) -> Answer {
    let Following { call, mut query, follow } = following;
    let filter = filter(&mut query, &asked);
    if follow {
        open(call, query, asked, filter).await
    } else {
        page(&call, query, &asked, filter).await
    }
}

fn filter(query: &mut Query, asked: &Asked) -> EventFilter {
    let short = |text: &str| {
        let fits = (1..=MAX_CHARS).contains(&text.chars().count());
        fits.then(|| text.to_owned())
    };
    let expects = format!("1 to {MAX_CHARS} characters");
    let assistant = match asked {
        Asked::Organization => {
            query.read("assistant", "the id of an assistant", |text| text.parse().ok())
        }
        Asked::Assistant(_) => None,
    };
    EventFilter {
        assistant,
        target: query.read("target", &expects, short),
        actor: query.read("actor", "the id of a user", |text| text.parse().ok()),
        token: query.read("token", "the id of a token", |text| text.parse().ok()),
        action: query.read("action", &expects, short),
        from: query.read("from", "an instant (RFC 3339)", Timestamp::parse_rfc3339),
        until: query.read("until", "an instant (RFC 3339)", Timestamp::parse_rfc3339),
    }
}

async fn page(call: &Call, mut query: Query, asked: &Asked, filter: EventFilter) -> Answer {
    let (limit, behind) = (query.limit(), query.text("cursor"));
    query.finish()?;
    let whose = match asked {
        Asked::Organization => "",
        Asked::Assistant(reference) => reference,
    };
    let list = cursor::list_of(&["events", whose, &format!("{filter:?}")]);
    let before = behind.map(|text| cursor::to_number(&list, &text)).transpose()?;
    let command = ListEvents { filter, before, limit };
    let found = events::list_events(call.deps(), &call.caller, asked.log(), command).await?;
    let oldest = found.events.last().filter(|_| found.more);
    let next_cursor = oldest.map(|oldest| cursor::of_number(&list, oldest.recorded.seq));
    let data = found.events.into_iter().map(EventView::from).collect();
    answer::ok(&EventPage { data, next_cursor })
}

async fn open(call: Call, mut query: Query, asked: Asked, filter: EventFilter) -> Answer {
    let number = "the number of an event";
    let after = query.read("after", number, |text| text.parse().ok());
    // A client that connects again repeats the address, too.
    let resumed = stream::last_event_id(&call.request).map(str::parse::<u64>);
    if resumed.as_ref().is_some_and(Result::is_err) {
        query.fault("last-event-id", "invalid", format!("must be {number}"));
    }
    query.finish()?;
    let after = match resumed.and_then(Result::ok).or(after) {
        Some(after) => after,
        None => events::end_of_log(call.deps(), &call.caller, asked.log()).await?,
    };
    stream::open(call, Tail { asked, filter, after }).await
}

/// The log from some event on.
struct Tail {
    asked: Asked,
    filter: EventFilter,
    after: u64,
}

impl Source for Tail {
    const KIND: Kind = Kind::Log;

    async fn judge(&self, state: &State, caller: &Caller) -> Result<Option<Grounds>, Problem> {
        Ok(Some(events::judge_follower(state.deps(), caller, self.asked.log()).await?))
    }

    async fn news(
        &mut self,
        state: &State,
        caller: &Caller,
        patience: Duration,
    ) -> Result<News, Problem> {
        let (deps, log) = (state.deps(), self.asked.log());
        let from = (self.after, patience);
        let new = events::follow_events(deps, caller, log, &self.filter, from).await?;
        let told = |seen: SeenEvent| {
            let (seq, action) = (seen.recorded.seq, seen.recorded.event.action.clone());
            Event::new(&action, &seq, &EventView::from(seen))
        };
        let events = new.events.into_iter().map(told).collect::<Result<_, _>>()?;
        self.after = new.reached;
        Ok(News { events, is_last: false })
    }
}
