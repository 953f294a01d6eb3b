//! A stream on its way: what goes out, and until when.

use std::{convert::Infallible, fmt::Write, time::Duration};

use actix_web::web::{self, Bytes};
use futures_util::{Stream, stream};
use tokio::{sync::watch, time::Instant};
use understudy_domain::{
    OrganizationId,
    usecases::{
        Caller,
        watching::{Judgement, Looks},
    },
};

use super::{Event, News, Place, SILENT, Source};
use crate::{call::Call, caller::Kept, problem::Problem, server::State};

/// How long a source may wait for news in one turn.
const TURN: Duration = Duration::from_secs(2);
/// How long a judgement is not even looked at again.
const LOOKED_FOR: Duration = Duration::from_secs(1);
/// How old a judgement may be when a source is asked for news: with a turn it is less
/// than 5 s (safety.md).
const FRESH_FOR: Duration = Duration::from_millis(2_500);
/// How old a judgement may be when something is sent.
const JUDGED_FOR: Duration = Duration::from_secs(4);
/// How long nothing at all goes out at most.
const SILENCE: Duration = Duration::from_secs(15);

const HEARTBEAT: Bytes = Bytes::from_static(SILENT.as_bytes());

/// A stream on its way. It outlives its request, of which it keeps what it needs: there
/// may be thousands of them.
pub(super) struct Following<S> {
    source: S,
    state: web::Data<State>,
    caller: Caller,
    shown: Kept,
    path: Box<str>,
    /// When it was last found out that the caller may follow.
    judged: Instant,
    /// As it was found out, if that still stands while nothing happens.
    judgement: Option<Judgement>,
    /// Whose log, beside that of the caller's own organization, tells of what it rests on.
    elsewhere: Option<OrganizationId>,
    written: Instant,
    ended: watch::Receiver<bool>,
    _place: Place,
}

enum Step<S> {
    Begin(Box<Following<S>>),
    Turn(Box<Following<S>>),
    End,
}

type Written<S> = Option<(Result<Bytes, Infallible>, Step<S>)>;

impl<S: Source> Step<S> {
    async fn take(self) -> Written<S> {
        let (text, next) = match self {
            Self::Begin(following) => {
                (Bytes::from_static(S::OPENING.as_bytes()), Self::Turn(following))
            }
            Self::Turn(mut following) => {
                let (text, is_last) = following.turn().await;
                (text, if is_last { Self::End } else { Self::Turn(following) })
            }
            Self::End => return None,
        };
        Some((Ok(text), next))
    }
}

impl<S: Source> Following<S> {
    /// Follows the source for the caller, who may do so now.
    pub(super) fn begin(call: Call, source: S, place: Place) -> Result<Box<Self>, Problem> {
        let Call { state, caller, request, .. } = call;
        let now = Instant::now();
        Ok(Box::new(Self {
            source,
            shown: Kept::of(&request, &state)?,
            path: request.path().into(),
            judged: now,
            judgement: None,
            elsewhere: None,
            written: now,
            ended: state.options.streams.0.ended.subscribe(),
            caller,
            state,
            _place: place,
        }))
    }

    /// What is sent.
    pub(super) fn stream(self: Box<Self>) -> impl Stream<Item = Result<Bytes, Infallible>> {
        stream::unfold(Step::Begin(self), Step::take)
    }

    /// What to write next, and whether it is the last.
    async fn turn(&mut self) -> (Bytes, bool) {
        let mut ended = self.ended.clone();
        tokio::select! {
            biased;
            // The sender lives as long as the server does.
            _ = ended.wait_for(|ended| *ended) => (written(&[self.source.cut_off()]), true),
            news = self.news() => match news {
                Ok(News { events, is_last }) if events.is_empty() && !is_last => (HEARTBEAT, false),
                Ok(News { events, is_last }) => (written(&events), is_last),
                Err(problem) => (self.refusal(&problem), true),
            },
        }
    }

    /// What happened, or nothing when it is time for a heartbeat.
    async fn news(&mut self) -> Result<News, Problem> {
        loop {
            self.judge(FRESH_FOR).await?;
            let news = self.source.news(&self.state, &self.caller, TURN).await?;
            let is_silent = news.events.is_empty() && !news.is_last;
            if is_silent && self.written.elapsed() + TURN < SILENCE {
                continue;
            }
            // A client that was slow to read may have kept all of this waiting.
            self.judge(JUDGED_FOR).await?;
            self.written = Instant::now();
            return Ok(news);
        }
    }

    /// Makes sure that the caller may follow, unless that was done a moment ago.
    async fn judge(&mut self, fresh_for: Duration) -> Result<(), Problem> {
        if self.judged.elapsed() < LOOKED_FOR {
            return Ok(());
        }
        // Boxed: streams wait elsewhere, and need the room there.
        Box::pin(self.judge_again(fresh_for)).await
    }

    /// Finds out whether the judgement stands; where it may not, and is older than
    /// `fresh_for`, who the caller is, by the same credential, and whether they may
    /// follow.
    async fn judge_again(&mut self, fresh_for: Duration) -> Result<(), Problem> {
        if self.judgement.is_none() && self.judged.elapsed() < fresh_for {
            return Ok(());
        }
        let looked = self.look().await;
        if let (Some((at, looks)), Some(judgement)) = (&looked, &self.judgement)
            && self.shown.is_current(&self.state)
            && judgement.stands(looks, self.state.services.clock.now())
        {
            self.judged = self.judged.max(*at);
            self.shown.note_use(&self.caller, &self.state);
            return Ok(());
        }
        if self.judged.elapsed() < fresh_for {
            return Ok(());
        }
        let (now, at) = (Instant::now(), self.state.services.clock.now());
        let (caller, ends_at) = self.shown.identify(&self.caller.origin, &self.state).await?;
        self.caller = caller;
        let grounds = self.source.judge(&self.state, &self.caller).await?;
        self.judged = now;
        self.elsewhere = grounds.and_then(|grounds| grounds.elsewhere);
        // The looks were before it: what happens from then on is not in it.
        self.judgement = match (grounds, &looked) {
            (Some(grounds), Some((_, looks))) => Judgement::new(grounds, looks, (at, ends_at)),
            _ => None,
        };
        Ok(())
    }

    /// How the logs are that tell of every change to the judgement, and since when;
    /// `None` when that cannot be known now.
    async fn look(&self) -> Option<(Instant, Looks)> {
        let (deps, watch) = (self.state.deps(), &self.state.options.streams.0.watch);
        let (at, home) = watch.look(deps, self.caller.actor.organization).await?;
        let Some(organization) = self.elsewhere else {
            return Some((at, Looks { home, elsewhere: None }));
        };
        let (also_at, look) = watch.look(deps, organization).await?;
        Some((at.min(also_at), Looks { home, elsewhere: Some((organization, look)) }))
    }

    fn refusal(&mut self, problem: &Problem) -> Bytes {
        let id = self.caller.origin.request_id.as_deref().unwrap_or_default();
        written(&[self.source.refused(problem, (&self.path, id))])
    }
}

fn written(events: &[Event]) -> Bytes {
    let mut text = String::new();
    for Event { name, id, data } in events {
        for (field, value) in [("event", name), ("id", id)] {
            if let Some(value) = value {
                // Writing to a text cannot fail.
                let _ = writeln!(text, "{field}: {value}");
            }
        }
        let _ = write!(text, "data: {data}\n\n");
    }
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_written_as_clients_read_them() {
        let event = Event::new("user.created", &7, &"a\nb").unwrap();

        assert_eq!(
            written(&[event, Event::plain("[DONE]")]),
            "event: user.created\nid: 7\ndata: \"a\\nb\"\n\ndata: [DONE]\n\n"
        );
    }
}
