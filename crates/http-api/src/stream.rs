//! Event streams (`text/event-stream`): the one way to open one.
//!
//! Who follows a stream is asked who they are, and judged, when it opens, and again when
//! something has happened that can have changed the answer, within seconds. When nothing
//! happens for a while a comment goes out, so that a client that is gone is noticed by
//! the write that fails, and what it followed is dropped with it.
//! A stream is never compressed, and ends with an event of its own when the right to
//! it or the server does.

mod following;
mod watch;

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        Method,
        header::{self, ContentEncoding, HeaderName, HeaderValue},
    },
};
use serde::Serialize;
use tokio::sync;
use understudy_domain::{
    UserId,
    usecases::{Caller, watching::Grounds},
};

use crate::{
    answer::Answer,
    call::Call,
    problem::{Code, Problem},
    server::State,
};

use following::Following;
use watch::Watch;

/// Most audit logs that one user may follow at a time on one server.
const LOGS_BY_USER: usize = 20;
/// Most runs that one user may follow at a time on one server.
const RUNS_BY_USER: usize = 200;
/// How long a client waits before it connects again, in milliseconds.
const RETRY: &str = "retry: 2000\n\n";

const MEDIA_TYPE: &str = "text/event-stream";
/// Lines in which nothing happens.
pub(crate) const SILENT: &str = ": still here\n\n";
const LAST_EVENT_ID: &str = "last-event-id";
/// Tells a proxy that understands it not to hold back what comes.
const NO_BUFFERING: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));

/// The streams of one server.
#[derive(Clone, Debug)]
pub struct Streams(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    ended: sync::watch::Sender<bool>,
    open: Mutex<HashMap<(UserId, Kind), usize>>,
    watch: Watch,
}

/// What is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// An audit log.
    Log,
    /// What happens in a run.
    Run,
}

impl Kind {
    /// How many of them one user may follow at a time.
    const fn by_user(self) -> usize {
        match self {
            Self::Log => LOGS_BY_USER,
            Self::Run => RUNS_BY_USER,
        }
    }
}

impl Default for Streams {
    fn default() -> Self {
        Self(Arc::new(Shared {
            ended: sync::watch::Sender::new(false),
            open: Mutex::default(),
            watch: Watch::default(),
        }))
    }
}

impl Streams {
    /// Ends all of them, each with an event that says so. Those that are opened
    /// afterwards end at once.
    pub fn end(&self) {
        self.0.ended.send_replace(true);
    }

    /// Counts a stream of the user for as long as the place is kept.
    fn take_place(&self, user: UserId, kind: Kind) -> Result<Place, Problem> {
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry((user, kind)).or_default();
        let most = kind.by_user();
        if *count >= most {
            let detail = format!("a user may follow {most} such streams at a time; end one first");
            let problem = Problem::new(Code::TooManyRequests).detail(detail);
            return Err(problem.header(header::RETRY_AFTER, "5"));
        }
        *count += 1;
        Ok(Place { streams: self.clone(), of: (user, kind) })
    }
}

struct Place {
    streams: Streams,
    of: (UserId, Kind),
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.streams.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.of) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.remove(&self.of);
            }
        }
    }
}

/// One event as it is sent.
#[derive(Debug)]
pub(crate) struct Event {
    /// What kind of event it is, if it says: one line.
    pub(crate) name: Option<String>,
    /// Where to go on behind it, if one can: one line.
    pub(crate) id: Option<String>,
    /// JSON, which has no line feeds, or a word.
    pub(crate) data: String,
}

impl Event {
    /// An event with this value.
    pub(crate) fn new(
        name: &str,
        id: &impl ToString,
        data: &impl Serialize,
    ) -> Result<Self, Problem> {
        let data = serde_json::to_string(data).map_err(|error| Problem::internal(&error))?;
        Ok(Self { name: Some(name.to_owned()), id: Some(id.to_string()), data })
    }

    /// An event of nothing but data: one line.
    pub(crate) fn plain(data: impl Into<String>) -> Self {
        Self { name: None, id: None, data: data.into() }
    }
}

/// What a source has to tell.
#[derive(Debug, Default)]
pub(crate) struct News {
    /// In order; none when nothing happened.
    pub(crate) events: Vec<Event>,
    /// Whether nothing will ever follow.
    pub(crate) is_last: bool,
}

/// Where the events of a stream come from.
pub(crate) trait Source {
    /// What is followed.
    const KIND: Kind;
    /// What goes out at once, so that clients and proxies know that it is open.
    const OPENING: &str = RETRY;

    /// Refuses a caller who may not, or no longer, see the events; and on what that
    /// rests, unless it counts for this moment only. It is asked when a stream opens,
    /// and again when that may have changed.
    fn judge(
        &self,
        state: &State,
        caller: &Caller,
    ) -> impl Future<Output = Result<Option<Grounds>, Problem>>;

    /// Tells what happened since the last call; waits for something, at most for
    /// `patience`. When it is dropped while it waits, nothing is lost: the next call
    /// tells it.
    fn news(
        &mut self,
        state: &State,
        caller: &Caller,
        patience: Duration,
    ) -> impl Future<Output = Result<News, Problem>>;

    /// The event that a stream ends with for this reason; `request` are its path and
    /// its id.
    fn refused(&mut self, problem: &Problem, request: (&str, &str)) -> Event {
        let (path, id) = request;
        Event { name: Some("error".to_owned()), id: None, data: problem.body(path, id) }
    }

    /// The event that a stream ends with when the server does.
    fn cut_off(&mut self) -> Event {
        let data = r#"{"reason":"the server is stopping"}"#.to_owned();
        Event { name: Some("end".to_owned()), id: None, data }
    }
}

/// Where a client wants to go on: what `Last-Event-ID` says, which clients send when
/// they connect again.
pub(crate) fn last_event_id(request: &HttpRequest) -> Option<&str> {
    let value = request.headers().get(LAST_EVENT_ID)?;
    // What is no text is no id; it is refused as one that nobody gave.
    Some(value.to_str().unwrap_or_default())
}

/// Answers with the stream of a source.
pub(crate) async fn open<S: Source + 'static>(call: Call, source: S) -> Answer {
    source.judge(&call.state, &call.caller).await?;
    open_judged(call, source)
}

/// The same for a caller whose right was found out a moment ago, as that of who has just
/// started what they follow.
pub(crate) fn open_judged<S: Source + 'static>(call: Call, source: S) -> Answer {
    let place = call.state.options.streams.take_place(call.caller.actor.user, S::KIND)?;
    let mut answer = HttpResponse::Ok();
    answer.content_type(MEDIA_TYPE);
    // Our own compression leaves it alone when it is there.
    answer.insert_header(ContentEncoding::Identity).insert_header(NO_BUFFERING);
    if call.request.method() == Method::HEAD {
        return Ok(answer.finish());
    }
    Ok(answer.streaming(Following::begin(call, source, place)?.stream()))
}

#[cfg(test)]
mod tests {
    use understudy_domain::Id;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_user_has_so_many_streams_at_a_time() {
        let streams = Streams::default();
        let user = Id::from_uuid(Uuid::from_u128(1));
        let other = Id::from_uuid(Uuid::from_u128(2));
        let mut places: Vec<_> =
            (0..LOGS_BY_USER).map(|_| streams.take_place(user, Kind::Log).ok().unwrap()).collect();

        assert!(streams.take_place(user, Kind::Log).is_err());
        assert!(streams.take_place(user, Kind::Run).is_ok());
        assert!(streams.take_place(other, Kind::Log).is_ok());
        places.pop();
        assert!(streams.take_place(user, Kind::Log).is_ok());
    }
}
