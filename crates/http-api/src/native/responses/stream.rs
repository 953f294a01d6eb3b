//! Following a response.

use std::time::Duration;

use serde::Serialize;
use understudy_domain::{
    RunEvent, RunId,
    run::EventData,
    usecases::{
        Caller,
        runs::{self, FollowedRun},
        watching::Grounds,
    },
};

use crate::{
    answer::Answer,
    call::{AnyQuery, Call},
    negotiation::require_stream_accepted,
    problem::Problem,
    running::Leash,
    server::State,
    stream::{self, Event, Kind, News, Source},
};

/// What comes behind the last event.
const DONE: &str = "[DONE]";

/// Everything that happens in a run from some event on.
struct Tail {
    id: RunId,
    after: u64,
    _leash: Option<Leash>,
}

pub(super) async fn follow_response(AnyQuery { call, mut query }: AnyQuery) -> Answer {
    require_stream_accepted(call.request.headers())?;
    let number = "the number of an event";
    let after = query.read("after", number, |text| text.parse().ok());
    // A client that connects again repeats the address, too.
    let resumed = stream::last_event_id(&call.request).map(str::parse::<u64>);
    if resumed.as_ref().is_some_and(Result::is_err) {
        query.fault("last-event-id", "invalid", format!("must be {number}"));
    }
    query.finish()?;
    let id = call.id("id", "response")?;
    let after = resumed.and_then(Result::ok).or(after).unwrap_or_default();
    open(call, id, after, None).await
}

/// Answers with the stream of a run, from behind the event `after` on.
pub(super) async fn open(call: Call, id: RunId, after: u64, leash: Option<Leash>) -> Answer {
    stream::open(call, Tail { id, after, _leash: leash }).await
}

/// The same, from its beginning, for who has just started the run.
pub(super) fn begin(call: Call, id: RunId, leash: Option<Leash>) -> Answer {
    stream::open_judged(call, Tail { id, after: 0, _leash: leash })
}

/// The number of the last event of a run so far.
pub(super) async fn reached(call: &Call, id: RunId) -> Result<u64, Problem> {
    let mut after =
        stream::last_event_id(&call.request).and_then(|id| id.parse().ok()).unwrap_or(0);
    loop {
        let at_once = Duration::ZERO;
        let deps = call.state.run_deps();
        let found = runs::follow_run(deps, &call.caller, id, after, at_once).await?;
        match found.events.last() {
            Some(last) => after = last.sequence,
            None => return Ok(after),
        }
    }
}

impl Source for Tail {
    const KIND: Kind = Kind::Run;

    async fn judge(&self, state: &State, caller: &Caller) -> Result<Option<Grounds>, Problem> {
        Ok(runs::judge_follower(state.deps(), caller, self.id).await?)
    }

    async fn news(
        &mut self,
        state: &State,
        caller: &Caller,
        patience: Duration,
    ) -> Result<News, Problem> {
        let FollowedRun { events, is_last } =
            runs::follow_run(state.run_deps(), caller, self.id, self.after, patience).await?;
        if let Some(last) = events.last() {
            self.after = last.sequence;
        }
        let mut events = events.iter().map(told).collect::<Result<Vec<_>, _>>()?;
        if is_last {
            events.push(Event::plain(DONE));
        }
        Ok(News { events, is_last })
    }
}

/// An event with its name and number in its data, too, for clients that read nothing
/// else.
#[derive(Serialize)]
struct Told<'a> {
    #[serde(flatten)]
    data: &'a EventData,
    event: &'a str,
    sequence: u64,
}

fn told(event: &RunEvent) -> Result<Event, Problem> {
    let RunEvent { sequence, name, data } = event;
    Event::new(name, sequence, &Told { data, event: name, sequence: *sequence })
}
