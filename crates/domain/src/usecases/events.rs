//! Reading the audit log: in pages, newest first, and as it grows.

use std::{collections::BTreeMap, time::Duration};

use super::{
    Caller, Deps, Result,
    home::{names_of, require_home},
    support::{find, require_admin, require_level},
    watching::Grounds,
};
use crate::{EventFilter, Principal, RecordedEvent, Scope, access::Level, ports::Walk};

/// How many events are told at a time to those who follow.
const BATCH: u32 = 100;

/// An event, and what people call whoever did it.
#[derive(Clone, Debug, PartialEq)]
pub struct SeenEvent {
    /// The event with its place in the log.
    pub recorded: RecordedEvent,
    /// The name of whoever did it; empty when they are gone or have none.
    pub actor_name: String,
}

/// Events as they are listed.
#[derive(Clone, Debug)]
pub struct EventPage {
    /// Newest first.
    pub events: Vec<SeenEvent>,
    /// Whether there are older ones.
    pub more: bool,
}

/// Whose events are asked for.
#[derive(Clone, Copy, Debug)]
pub enum Log<'a> {
    /// All of the organization; for administrators.
    Organization,
    /// Those of an assistant, its draft and what belongs to them; for its editors.
    Assistant(&'a str),
}

/// What is asked of a log.
#[derive(Clone, Debug, Default)]
pub struct ListEvents {
    /// Which events.
    pub filter: EventFilter,
    /// Only those before this number.
    pub before: Option<u64>,
    /// How many at most.
    pub limit: u32,
}

/// Events that are new to whoever follows.
#[derive(Clone, Debug)]
pub struct NewEvents {
    /// Oldest first.
    pub events: Vec<SeenEvent>,
    /// Up to which number the log was looked at.
    pub reached: u64,
}

/// A page of a log, newest first.
///
/// # Errors
///
/// [`super::Error::Forbidden`] for whom it is not, [`super::Error::NotFound`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn list_events(
    deps: Deps<'_>,
    caller: &Caller,
    log: Log<'_>,
    command: ListEvents,
) -> Result<EventPage> {
    let ListEvents { filter, before, limit } = command;
    let filter = authorized(&deps, caller, log, filter).await?;
    let walk = Walk::Backward(before);
    let audit = deps.store.audit();
    let mut rows = audit.events(caller.tenant(), &filter, walk, limit.saturating_add(1)).await?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    Ok(EventPage { events: seen(&deps, caller, rows).await?, more })
}

/// Where a log ends now: whoever follows from there is told only what is new.
///
/// # Errors
///
/// As [`list_events`].
pub async fn end_of_log(deps: Deps<'_>, caller: &Caller, log: Log<'_>) -> Result<u64> {
    authorized(&deps, caller, log, EventFilter::default()).await?;
    Ok(deps.store.audit().head(caller.tenant()).await?.seq)
}

/// Refuses callers who may not follow a log, or not any more; and on what that rests.
///
/// # Errors
///
/// As [`list_events`].
pub async fn judge_follower(deps: Deps<'_>, caller: &Caller, log: Log<'_>) -> Result<Grounds> {
    authorized(&deps, caller, log, EventFilter::default()).await?;
    Ok(Grounds::at_home(caller))
}

/// Events behind number `after`. When there are none yet, waits for some, at most for
/// `patience`; then there may be none in the answer.
///
/// The right to see them is judged anew in each call.
///
/// # Errors
///
/// As [`list_events`].
pub async fn follow_events(
    deps: Deps<'_>,
    caller: &Caller,
    log: Log<'_>,
    filter: &EventFilter,
    (after, patience): (u64, Duration),
) -> Result<NewEvents> {
    let filter = authorized(&deps, caller, log, filter.clone()).await?;
    let news = look(&deps, caller, &filter, after).await?;
    if !news.events.is_empty() || patience.is_zero() {
        return Ok(news);
    }
    deps.store.audit().wait(caller.tenant(), news.reached, patience).await?;
    look(&deps, caller, &filter, news.reached).await
}

async fn look(
    deps: &Deps<'_>,
    caller: &Caller,
    filter: &EventFilter,
    after: u64,
) -> Result<NewEvents> {
    let (tenant, audit) = (caller.tenant(), deps.store.audit());
    // Before the events: what comes in between is behind it, and found next time.
    let end = audit.head(tenant).await?.seq;
    let rows = audit.events(tenant, filter, Walk::Forward(after), BATCH).await?;
    let is_whole = rows.len() < usize::try_from(BATCH).unwrap_or(usize::MAX);
    let last = rows.last().map_or(after, |last| last.seq);
    // What the filter keeps back needs no second look.
    let reached = if is_whole { last.max(end) } else { last };
    Ok(NewEvents { events: seen(deps, caller, rows).await?, reached })
}

/// The filter that gives the caller nothing but what they may see.
async fn authorized(
    deps: &Deps<'_>,
    caller: &Caller,
    log: Log<'_>,
    filter: EventFilter,
) -> Result<EventFilter> {
    match log {
        Log::Organization => {
            require_admin(&caller.actor, Scope::Read)?;
            Ok(filter)
        }
        Log::Assistant(reference) => {
            let view = find(deps, caller, reference).await?;
            require_home(&view)?;
            require_level(&view, Level::Edit)?;
            Ok(EventFilter { assistant: Some(view.record.assistant.lineage()), ..filter })
        }
    }
}

async fn seen(
    deps: &Deps<'_>,
    caller: &Caller,
    rows: Vec<RecordedEvent>,
) -> Result<Vec<SeenEvent>> {
    let mut actors: Vec<Principal> =
        rows.iter().filter_map(|row| row.event.actor).map(Principal::User).collect();
    actors.sort_unstable();
    actors.dedup();
    let names: BTreeMap<Principal, String> = names_of(deps, caller.tenant(), actors).await?;
    let name = |recorded: &RecordedEvent| {
        let actor = Principal::User(recorded.event.actor?);
        names.get(&actor).cloned()
    };
    let seen = rows.into_iter().map(|recorded| {
        let actor_name = name(&recorded).unwrap_or_default();
        SeenEvent { recorded, actor_name }
    });
    Ok(seen.collect())
}
