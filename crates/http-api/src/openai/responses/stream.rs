//! Responses as they come.

use std::time::Duration;

use serde_json::{Value, json};
use understudy_domain::{
    RunEvent, RunId,
    conversation::ToolCall,
    run::{EventData, Outcome, Run, RunStatus, names},
    usecases::{
        Caller, Error,
        runs::{self, FollowedRun},
        watching::Grounds,
    },
};

use super::{
    Accepted,
    items::{id_of_answer, id_of_call, stem},
    view::{self, function_call, message, part, reasoning},
};
use crate::{
    answer::Answer,
    call::Call,
    openai::error_of,
    problem::{Code, Problem},
    running::Leash,
    server::State,
    stream::{self, Event, Kind, News, SILENT, Source},
};

/// Answers with the stream of a response.
pub(super) async fn open(
    call: Call,
    accepted: Accepted,
    leash: Option<Leash>,
    is_replay: bool,
) -> Answer {
    let told = Told {
        accepted,
        after: 0,
        sequence: 0,
        begun: None,
        is_taken_back: false,
        items: Vec::new(),
        _leash: leash,
    };
    // Who has just started it was found to be able to follow it.
    if is_replay { stream::open(call, told).await } else { stream::open_judged(call, told) }
}

/// An item of the output, as far as it was told.
struct Open {
    id: String,
    what: What,
    /// As it was told at its end.
    done: Option<Value>,
}

enum What {
    Reasoning(String),
    Message(Vec<Piece>),
    Call(ToolCall),
    Approval,
}

/// A part of a message.
struct Piece {
    is_refusal: bool,
    text: String,
}

/// What was told of one response.
struct Told {
    accepted: Accepted,
    /// The last event that was looked at.
    after: u64,
    /// The number of the next event of this dialect.
    sequence: u64,
    /// The run as it began.
    begun: Option<Box<Run>>,
    /// Whether text that was told does not count any more: moderation keeps the answer
    /// back.
    is_taken_back: bool,
    items: Vec<Open>,
    _leash: Option<Leash>,
}

impl Told {
    /// The next event.
    fn event(&mut self, kind: &str, mut data: Value) -> Event {
        if let Some(data) = data.as_object_mut() {
            data.insert("type".to_owned(), kind.into());
            data.insert("sequence_number".to_owned(), self.sequence.into());
        }
        self.sequence += 1;
        Event { name: Some(kind.to_owned()), id: None, data: data.to_string() }
    }

    /// The response as it begins.
    fn begin(&mut self, run: &Run) -> Vec<Event> {
        let begun = Run {
            status: RunStatus::InProgress,
            outcome: Outcome::default(),
            finished_at: None,
            ..run.clone()
        };
        let response = view::response(&begun, &self.accepted.model, &[]);
        self.begun = Some(Box::new(begun));
        let data = json!({ "response": response });
        vec![self.event("response.created", data.clone()), self.event("response.in_progress", data)]
    }

    /// How many bytes of the text were told.
    fn said(&self) -> usize {
        let pieces = self.items.iter().filter_map(|item| match &item.what {
            What::Message(pieces) => Some(pieces),
            What::Reasoning(_) | What::Call(_) | What::Approval => None,
        });
        pieces.flatten().map(|piece| piece.text.len()).sum()
    }

    fn stem(&self) -> String {
        self.begun.as_deref().map(stem).unwrap_or_default()
    }

    /// The events that an event makes.
    fn take(&mut self, event: &RunEvent) -> Vec<Event> {
        let data = &event.data;
        match &*event.name {
            names::CONTENT_DELTA if self.is_taken_back => Vec::new(),
            names::CONTENT_DELTA => self.say(data.has("refusal"), text(data, "delta")),
            names::CONTENT_RESET => {
                self.is_taken_back |= self.said() > 0;
                Vec::new()
            }
            names::REASONING_DELTA => self.think(text(data, "delta")),
            names::TOOL_ARGUMENTS_DELTA => {
                self.call(text(data, "call_id"), text(data, "name"), text(data, "delta"))
            }
            names::TOOL_REQUESTED => {
                let (id, whole) = (text(data, "call_id"), text(data, "arguments"));
                let known = self.items.iter().find_map(|item| match &item.what {
                    What::Call(call) if call.id == id => Some(call.arguments.as_str()),
                    What::Call(_) | What::Reasoning(_) | What::Message(_) | What::Approval => None,
                });
                let rest = whole.strip_prefix(known.unwrap_or_default()).unwrap_or_default();
                let mut events = self.call(id, text(data, "tool"), rest);
                events.extend(self.close_call(id));
                events
            }
            _ => Vec::new(),
        }
    }

    /// Opens an item behind the others.
    fn add(&mut self, id: String, what: What, item: &Value) -> Event {
        let data = json!({ "output_index": self.items.len(), "item": item });
        self.items.push(Open { id, what, done: None });
        self.event("response.output_item.added", data)
    }

    /// Tells the end of an item.
    fn done(&mut self, index: usize, item: Value) -> Event {
        let data = json!({ "output_index": index, "item": item });
        if let Some(open) = self.items.get_mut(index) {
            open.done = Some(item);
        }
        self.event("response.output_item.done", data)
    }

    /// The place of the last item that is open and is like this.
    fn last(&self, is: impl Fn(&What) -> bool) -> Option<usize> {
        self.items.iter().rposition(|item| item.done.is_none() && is(&item.what))
    }

    fn think(&mut self, delta: &str) -> Vec<Event> {
        let mut events = Vec::new();
        let open = self.last(|what| matches!(what, What::Reasoning(_)));
        let index = open.unwrap_or(self.items.len());
        if open.is_none() {
            let id = match index {
                0 => format!("rs_{}", self.stem()),
                _ => format!("rs_{}_{index}", self.stem()),
            };
            let item = reasoning(&id, "", false);
            events.push(self.add(id.clone(), What::Reasoning(String::new()), &item));
            let part = json!({ "type": "summary_text", "text": "" });
            let data = json!({
                "item_id": id, "output_index": index, "summary_index": 0, "part": part,
            });
            events.push(self.event("response.reasoning_summary_part.added", data));
        }
        let Some(item) = self.items.get_mut(index) else { return events };
        if let What::Reasoning(text) = &mut item.what {
            text.push_str(delta);
        }
        let data = json!({
            "item_id": item.id, "output_index": index, "summary_index": 0, "delta": delta,
        });
        events.push(self.event("response.reasoning_summary_text.delta", data));
        events
    }

    fn close_reasoning(&mut self) -> Vec<Event> {
        let Some(index) = self.last(|what| matches!(what, What::Reasoning(_))) else {
            return Vec::new();
        };
        let Some(Open { id, what: What::Reasoning(text), .. }) = self.items.get(index) else {
            return Vec::new();
        };
        let (id, text) = (id.clone(), text.clone());
        let place = json!({ "item_id": id, "output_index": index, "summary_index": 0 });
        let part = json!({ "type": "summary_text", "text": text });
        let item = reasoning(&id, &text, true);
        vec![
            self.event("response.reasoning_summary_text.done", with(&place, "text", text.into())),
            self.event("response.reasoning_summary_part.done", with(&place, "part", part)),
            self.done(index, item),
        ]
    }

    fn say(&mut self, is_refusal: bool, delta: &str) -> Vec<Event> {
        let mut events = self.close_reasoning();
        let open = self.last(|what| matches!(what, What::Message(_)));
        let index = open.unwrap_or(self.items.len());
        if open.is_none() {
            let id = id_of_answer(self.accepted.id);
            let item = message(&id, &[], "in_progress");
            events.push(self.add(id, What::Message(Vec::new()), &item));
        }
        let Some(Open { id, what: What::Message(pieces), .. }) = self.items.get_mut(index) else {
            return events;
        };
        let id = id.clone();
        let is_new = pieces.last().is_none_or(|piece| piece.is_refusal != is_refusal);
        if is_new {
            pieces.push(Piece { is_refusal, text: String::new() });
        }
        if let Some(piece) = pieces.last_mut() {
            piece.text.push_str(delta);
        }
        let content_index = pieces.len().saturating_sub(1);
        let place = json!({ "item_id": id, "output_index": index, "content_index": content_index });
        if is_new {
            let part = if is_refusal {
                json!({ "type": "refusal", "refusal": "" })
            } else {
                json!({ "type": "output_text", "text": "", "annotations": [], "logprobs": [] })
            };
            events.push(self.event("response.content_part.added", with(&place, "part", part)));
        }
        if !delta.is_empty() {
            let data = with(&place, "delta", delta.into());
            events.push(if is_refusal {
                self.event("response.refusal.delta", data)
            } else {
                self.event("response.output_text.delta", with(&data, "logprobs", json!([])))
            });
        }
        events
    }

    /// Tells the end of what the assistant said.
    fn close_message(&mut self, run: &Run) -> Vec<Event> {
        let Some(index) = self.last(|what| matches!(what, What::Message(_))) else {
            return Vec::new();
        };
        let Some(Open { id, what: What::Message(pieces), .. }) = self.items.get(index) else {
            return Vec::new();
        };
        let id = id.clone();
        let parts: Vec<(bool, Value, String)> = pieces
            .iter()
            .map(|piece| {
                // What was taken back is told once more as it is now.
                let text = if self.is_taken_back { &run.outcome.text } else { &piece.text };
                (piece.is_refusal, part(piece.is_refusal, text, run), text.clone())
            })
            .collect();
        let mut events = Vec::new();
        let mut content = Vec::new();
        for (at, (is_refusal, part, text)) in parts.into_iter().enumerate() {
            let place = json!({ "item_id": id, "output_index": index, "content_index": at });
            events.push(if is_refusal {
                self.event("response.refusal.done", with(&place, "refusal", text.into()))
            } else {
                let data = with(&place, "text", text.into());
                self.event("response.output_text.done", with(&data, "logprobs", json!([])))
            });
            let data = with(&place, "part", part.clone());
            events.push(self.event("response.content_part.done", data));
            content.push(part);
        }
        let item = message(&id, &content, view::status(run));
        events.push(self.done(index, item));
        events
    }

    /// More of a call's arguments; its name when it is new.
    fn call(&mut self, id: &str, name: &str, arguments: &str) -> Vec<Event> {
        let mut events = self.close_reasoning();
        let is = |what: &What| matches!(what, What::Call(call) if call.id == id);
        let open = self.items.iter().position(|item| is(&item.what));
        let index = open.unwrap_or(self.items.len());
        if open.is_none() {
            let (id, name, arguments) = (id.to_owned(), name.to_owned(), String::new());
            let call = ToolCall { id, name, arguments };
            let item_id = id_of_call(self.accepted.id, &call);
            let item = function_call(&item_id, &call, false);
            events.push(self.add(item_id, What::Call(call), &item));
        }
        if let Some(item) = self.items.get_mut(index)
            && !arguments.is_empty()
        {
            if let What::Call(call) = &mut item.what {
                call.arguments.push_str(arguments);
            }
            let data = json!({ "item_id": item.id, "output_index": index, "delta": arguments });
            events.push(self.event("response.function_call_arguments.delta", data));
        }
        events
    }

    fn close_call(&mut self, id: &str) -> Vec<Event> {
        let is = |what: &What| matches!(what, What::Call(call) if call.id == id);
        let Some(index) = self.last(is) else { return Vec::new() };
        let Some(Open { id, what: What::Call(call), .. }) = self.items.get(index) else {
            return Vec::new();
        };
        let (id, call) = (id.clone(), call.clone());
        let data = json!({
            "item_id": id, "output_index": index, "name": call.name, "arguments": call.arguments,
        });
        vec![
            self.event("response.function_call_arguments.done", data),
            self.done(index, function_call(&id, &call, true)),
        ]
    }

    /// What a stream ends with.
    fn finish(&mut self, run: &Run, approvals: &[Value]) -> Vec<Event> {
        let outcome = &run.outcome;
        let is_over = self.is_taken_back || run.status == RunStatus::Failed;
        let is_said = self.items.iter().any(|item| matches!(item.what, What::Message(_)));
        let mut events = match outcome.text.get(self.said()..) {
            Some(rest) if !is_over && !rest.is_empty() => self.say(outcome.refused, rest),
            Some(_) if !is_over && !is_said && !view::is_silent(run) => {
                self.say(outcome.refused, "")
            }
            _ => Vec::new(),
        };
        events.extend(self.close_reasoning());
        events.extend(self.close_message(run));
        let open: Vec<String> = self
            .items
            .iter()
            .filter(|item| item.done.is_none())
            .filter_map(|item| match &item.what {
                What::Call(call) => Some(call.id.clone()),
                What::Reasoning(_) | What::Message(_) | What::Approval => None,
            })
            .collect();
        for id in open {
            events.extend(self.close_call(&id));
        }
        for item in approvals {
            let index = self.items.len();
            events.push(self.add(String::new(), What::Approval, item));
            events.push(self.done(index, item.clone()));
        }
        let output: Vec<Value> = self.items.iter().filter_map(|item| item.done.clone()).collect();
        let response = view::response(run, &self.accepted.model, &output);
        let kind = match view::status(run) {
            "failed" => "response.failed",
            "completed" => "response.completed",
            _ => "response.incomplete",
        };
        events.push(self.event(kind, json!({ "response": response })));
        events
    }

    /// An error that ends the stream.
    fn complaint(&mut self, problem: &Problem) -> Event {
        let error = json!(error_of(problem, super::ALL));
        let error = error.get("error").cloned().unwrap_or_default();
        let field = |name: &str| error.get(name).cloned().unwrap_or_default();
        let data = json!({
            "code": field("code"), "message": field("message"), "param": field("param"),
        });
        self.event("error", data)
    }
}

/// A run that has begun.
async fn beginning(state: &State, caller: &Caller, id: RunId) -> Result<Run, Problem> {
    match runs::view_run(state.deps(), caller, id).await {
        // It ended already, and is not kept for reading.
        Err(Error::NotFound(_)) => Ok(runs::wait_for_run(state.run_deps(), caller, id).await?),
        found => Ok(found?),
    }
}

/// A run that has ended, and the calls of it that wait for somebody.
async fn ended(state: &State, caller: &Caller, id: RunId) -> Result<(Run, Vec<Value>), Problem> {
    let run = runs::wait_for_run(state.run_deps(), caller, id).await?;
    let approvals = super::approvals(state.deps(), caller, &run).await?;
    Ok((run, approvals.iter().map(view::approval).collect()))
}

fn text<'a>(data: &'a EventData, name: &str) -> &'a str {
    data.text(name).unwrap_or_default()
}

fn with(data: &Value, name: &str, value: Value) -> Value {
    let mut data = data.clone();
    if let Some(data) = data.as_object_mut() {
        data.insert(name.to_owned(), value);
    }
    data
}

impl Source for Told {
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
        if self.begun.is_none() {
            let run = Box::pin(beginning(state, caller, id)).await?;
            let events = self.begin(&run);
            return Ok(News { events, is_last: false });
        }
        let FollowedRun { events, is_last } =
            runs::follow_run(run_deps, caller, id, self.after, patience).await?;
        // Looked up before anything counts as told: whoever waits may be dropped.
        let ended = if is_last { Some(Box::pin(ended(state, caller, id)).await?) } else { None };
        let mut told = Vec::new();
        for event in &events {
            self.after = event.sequence;
            told.extend(self.take(event));
        }
        if let Some((run, approvals)) = &ended {
            told.extend(self.finish(run, approvals));
        }
        Ok(News { events: told, is_last })
    }

    fn refused(&mut self, problem: &Problem, _: (&str, &str)) -> Event {
        self.complaint(problem)
    }

    fn cut_off(&mut self) -> Event {
        self.complaint(&Problem::new(Code::Unavailable).detail("the server is stopping"))
    }
}
