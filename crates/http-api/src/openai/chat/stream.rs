//! Completions as they come.

use std::time::Duration;

use serde_json::{Value, json};
use understudy_domain::{
    RunEvent,
    run::{EventData, Run, RunStatus, names},
    usecases::{
        Caller,
        runs::{self, FollowedRun},
        watching::Grounds,
    },
};

use super::{Accepted, answer};
use crate::{
    answer::Answer,
    call::Call,
    openai::{annotations, error_of, told},
    problem::{Code, Problem},
    running::{Leash, failure},
    server::State,
    stream::{self, Event, Kind, News, SILENT, Source},
};

/// What comes behind the last chunk.
const DONE: &str = "[DONE]";
const PATH: &str = super::CREATE;

/// Answers with the stream of a completion.
pub(super) async fn open(
    call: Call,
    accepted: Accepted,
    leash: Option<Leash>,
    is_replay: bool,
) -> Answer {
    let chunks = Chunks {
        accepted,
        after: 0,
        began: false,
        said: 0,
        is_taken_back: false,
        calls: Vec::new(),
        _leash: leash,
    };
    // Who has just started it was found to be able to follow it.
    if is_replay { stream::open(call, chunks).await } else { stream::open_judged(call, chunks) }
}

/// A call of the caller's tools, as far as it was told.
struct ToldCall {
    id: String,
    arguments: String,
}

/// The chunks of one completion.
struct Chunks {
    accepted: Accepted,
    /// The last event that was looked at.
    after: u64,
    began: bool,
    /// How many bytes of the text were told.
    said: usize,
    /// Whether they do not count any more: moderation keeps the answer back.
    is_taken_back: bool,
    calls: Vec<ToldCall>,
    _leash: Option<Leash>,
}

impl Chunks {
    /// A chunk with these choices.
    fn chunk(&self, choices: &Value, more: Vec<(&str, Value)>) -> Event {
        let Accepted { id, created, wish, .. } = &self.accepted;
        let mut chunk = json!({
            "id": answer::id_of(&id.to_string()),
            "object": "chat.completion.chunk",
            "created": created,
            "model": wish.model,
            "system_fingerprint": null,
            "choices": choices,
        });
        if let Some(chunk) = chunk.as_object_mut() {
            if wish.include_usage {
                chunk.insert("usage".to_owned(), Value::Null);
            }
            chunk.extend(more.into_iter().map(|(name, value)| (name.to_owned(), value)));
        }
        Event::plain(chunk.to_string())
    }

    fn delta(&self, delta: &Value) -> Event {
        let choice =
            json!([{ "index": 0, "delta": delta, "logprobs": null, "finish_reason": null }]);
        self.chunk(&choice, Vec::new())
    }

    /// More of the text.
    fn say(&self, is_refusal: bool, text: &str) -> Event {
        let name = if is_refusal { "refusal" } else { "content" };
        self.delta(&json!({ name: text }))
    }

    /// The chunks that an event makes.
    fn take(&mut self, event: &RunEvent) -> Vec<Event> {
        let data = &event.data;
        match &*event.name {
            names::CONTENT_DELTA if self.is_taken_back => Vec::new(),
            names::CONTENT_DELTA => {
                let delta = text(data, "delta");
                self.said += delta.len();
                vec![self.say(data.has("refusal"), delta)]
            }
            names::CONTENT_RESET => {
                self.is_taken_back |= self.said > 0;
                Vec::new()
            }
            names::TOOL_ARGUMENTS_DELTA => {
                self.call(text(data, "call_id"), text(data, "name"), text(data, "delta"))
            }
            names::TOOL_REQUESTED => {
                let (id, whole) = (text(data, "call_id"), text(data, "arguments"));
                let known = self.calls.iter().find(|call| call.id == id);
                let rest = whole.strip_prefix(known.map_or("", |call| &call.arguments));
                self.call(id, text(data, "tool"), rest.unwrap_or_default())
            }
            _ => Vec::new(),
        }
    }

    /// More of a call's arguments; its name when it is new.
    fn call(&mut self, id: &str, name: &str, arguments: &str) -> Vec<Event> {
        let mut events = Vec::new();
        let known = self.calls.iter().position(|call| call.id == id);
        let index = known.unwrap_or(self.calls.len());
        if known.is_none() {
            self.calls.push(ToldCall { id: id.to_owned(), arguments: String::new() });
            let function = json!({ "name": name, "arguments": "" });
            let call =
                json!({ "index": index, "id": id, "type": "function", "function": function });
            events.push(self.delta(&json!({ "tool_calls": [call] })));
        }
        if !arguments.is_empty() {
            if let Some(call) = self.calls.get_mut(index) {
                call.arguments.push_str(arguments);
            }
            let call = json!({ "index": index, "function": { "arguments": arguments } });
            events.push(self.delta(&json!({ "tool_calls": [call] })));
        }
        events
    }

    /// What a stream ends with.
    fn finish(&self, run: &Run) -> Vec<Event> {
        let done = || Event::plain(DONE);
        let outcome = &run.outcome;
        if run.status == RunStatus::Failed {
            return vec![complaint(&failure(run)), done()];
        }
        let mut events = Vec::new();
        // What was held back when the run was stopped, for example.
        let rest = outcome.text.get(self.said..).filter(|rest| !rest.is_empty());
        if let Some(rest) = rest.filter(|_| !self.is_taken_back) {
            events.push(self.say(outcome.refused, rest));
        }
        let cited = annotations::of_chat(outcome);
        let delta = if cited.is_empty() { json!({}) } else { json!({ "annotations": cited }) };
        let choice = json!([{
            "index": 0,
            "delta": delta,
            "logprobs": answer::logprobs(outcome, &self.accepted.wish),
            "finish_reason": answer::finish_reason(outcome),
        }]);
        let more = vec![("service_tier", json!(outcome.service_tier)), ("understudy", told(run))];
        events.push(self.chunk(&choice, more));
        if self.accepted.wish.include_usage {
            let used = vec![("usage", answer::usage(&outcome.usage))];
            events.push(self.chunk(&json!([]), used));
        }
        events.push(done());
        events
    }
}

fn text<'a>(data: &'a EventData, name: &str) -> &'a str {
    data.text(name).unwrap_or_default()
}

/// An error that ends a stream.
fn complaint(problem: &Problem) -> Event {
    Event::plain(json!(error_of(problem, PATH)).to_string())
}

impl Source for Chunks {
    const KIND: Kind = Kind::Run;
    // Clients of this dialect read every field of a stream as an event of its own.
    const OPENING: &str = SILENT;

    async fn judge(&self, state: &State, caller: &Caller) -> Result<Option<Grounds>, Problem> {
        Ok(runs::judge_follower(state.deps(), caller, self.accepted.id).await?)
    }

    async fn news(
        &mut self,
        state: &State,
        caller: &Caller,
        patience: Duration,
    ) -> Result<News, Problem> {
        let (run_deps, id) = (state.run_deps(), self.accepted.id);
        let FollowedRun { events, is_last } =
            runs::follow_run(run_deps, caller, id, self.after, patience).await?;
        // Looked up before anything counts as told: whoever waits may be dropped.
        let ended = if is_last {
            Some(Box::pin(runs::wait_for_run(run_deps, caller, id)).await?)
        } else {
            None
        };
        let mut told = Vec::new();
        if !self.began {
            self.began = true;
            let delta = json!({ "role": "assistant", "content": "", "refusal": null });
            told.push(self.delta(&delta));
        }
        for event in &events {
            self.after = event.sequence;
            told.extend(self.take(event));
        }
        told.extend(ended.iter().flat_map(|run| self.finish(run)));
        Ok(News { events: told, is_last })
    }

    fn refused(&mut self, problem: &Problem, _: (&str, &str)) -> Event {
        complaint(problem)
    }

    fn cut_off(&mut self) -> Event {
        complaint(&Problem::new(Code::Unavailable).detail("the server is stopping"))
    }
}
