//! Answers that are put together here, without a model: sentences of what the
//! assistant was given, so that everything around answers can be tried without a key.
//!
//! - It looks for sentences that share the most words with what the person said last,
//!   in the passages of the request and in what the assistant is told (not in rules
//!   and the like), and says at most five of them, each with the number of its
//!   passage. When none fits, it says so.
//! - It greets back, and says who it is when it is asked.
//! - `/name {…}` calls the offered tool of that name with these arguments, a way to
//!   try tools without a model; then it tells what the tool answered. It never calls
//!   one of its own accord.
//! - Asked for a JSON object, it gives `{"answer", "citations": [{"number",
//!   "title"}]}`. Asked for JSON of a schema, it fills texts with the answer, and the
//!   rest with what the schema allows; where there is nothing to be filled, it
//!   declines.
//!
//! The same request gives the same answer. What it uses is counted in words.

use std::collections::VecDeque;

use async_trait::async_trait;
use serde_json::{Value, json};
use understudy_domain::{
    assistant::content::MessageRole,
    chat::{ChatEvent, ChatRequest, ChatStop, ChatUsage, SentFormat},
    conversation::{Item, Part},
    ports::{ChatStream, ListedByProvider, ProviderError},
    run::Citation,
};

use self::{command::Command, extract::Chosen};
use crate::line::Line;

mod command;
mod extract;
mod form;
mod sentences;
mod small_talk;
mod terms;

const MODEL: &str = "builtin-extractive";
const NOTHING: &str = "I found nothing about that in what this assistant has.";

/// Answers.
#[expect(clippy::unused_async, reason = "other protocols wait for somebody")]
pub(crate) async fn converse(
    _line: &Line<'_>,
    request: &ChatRequest,
) -> Result<Box<dyn ChatStream>, ProviderError> {
    Ok(Box::new(Spoken(answer(request).into())))
}

/// What it answers from.
pub(crate) fn body(request: &ChatRequest) -> Value {
    let passages = request.passages.iter().map(
        |passage| json!({ "number": passage.number, "title": passage.title, "text": passage.text }),
    );
    let tools = request.tools.iter().map(|tool| tool.name.as_str());
    json!({
        "model": request.model,
        "system": request.system,
        "question": asked(&request.items).0,
        "passages": passages.collect::<Vec<_>>(),
        "tools": tools.collect::<Vec<_>>(),
        "format": request.settings.format,
        "max_output_tokens": request.settings.max_output_tokens,
    })
}

/// The one model that it has.
#[expect(clippy::unused_async, reason = "other providers are asked")]
pub(crate) async fn list(_line: &Line<'_>) -> Result<Vec<ListedByProvider>, ProviderError> {
    Ok(vec![ListedByProvider { id: MODEL.to_owned() }])
}

struct Spoken(VecDeque<ChatEvent>);

#[async_trait]
impl ChatStream for Spoken {
    async fn next(&mut self) -> Option<Result<ChatEvent, ProviderError>> {
        self.0.pop_front().map(Ok)
    }
}

/// Everything that is said.
fn answer(request: &ChatRequest) -> Vec<ChatEvent> {
    let mut answer = Answer::new(request);
    let (question, results) = asked(&request.items);
    if !results.is_empty() {
        answer.tell(&[Chosen::own(&results.join("\n\n"))]);
        return answer.events;
    }
    match command::read(&question, request) {
        Some(Command::Call(call)) => answer.call(call),
        Some(Command::Wrong(why)) => answer.tell(&[Chosen::own(&why)]),
        None => {
            let small = small_talk::answer(&question, &request.system);
            let found = match small {
                Some(text) => vec![Chosen::own(&text)],
                None => extract::choose(request, &question),
            };
            if found.is_empty() {
                answer.tell(&[Chosen::own(NOTHING)]);
            } else {
                answer.tell(&found);
            }
        }
    }
    answer.events
}

/// What the person said last, and what tools answered since.
fn asked(items: &[Item]) -> (String, Vec<&str>) {
    let is_theirs = |item: &Item| matches!(item, Item::Message { role: MessageRole::User, .. });
    let last = items.iter().rposition(is_theirs);
    let since = items.iter().skip(last.map_or(0, |last| last + 1));
    let results = since.filter_map(|item| match item {
        Item::ToolResult(result) => Some(result.content.as_str()),
        _ => None,
    });
    let said = last.and_then(|last| items.get(last)).map(texts).unwrap_or_default();
    (said.join("\n"), results.collect())
}

fn texts(item: &Item) -> Vec<&str> {
    let Item::Message { parts, .. } = item else {
        return Vec::new();
    };
    let texts = parts.iter().filter_map(|part| match part {
        Part::Text { text } | Part::Refusal { text } => Some(text.as_str()),
        Part::Image { .. } | Part::File { .. } | Part::Audio { .. } => None,
    });
    texts.collect()
}

/// What is said so far.
struct Answer<'a> {
    request: &'a ChatRequest,
    events: Vec<ChatEvent>,
    /// How many words may still be said.
    left: usize,
    written: u64,
}

impl<'a> Answer<'a> {
    fn new(request: &'a ChatRequest) -> Self {
        let most = request.settings.max_output_tokens;
        let left = most.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
        let started = ChatEvent::Started { model: Some(request.model.clone()) };
        Self { request, events: vec![started], left, written: 0 }
    }

    /// Says all of it, in the form that is wanted, and is done.
    fn tell(&mut self, found: &[Chosen<'_>]) {
        let cited = cited(found);
        let stop = match &self.request.settings.format {
            None => self.tell_plainly(found),
            Some(format) => {
                let whole: Vec<&str> = found.iter().map(|chosen| chosen.text.as_str()).collect();
                let filled = match format {
                    SentFormat::JsonObject => Some(form::object(&whole.join(" "), &cited)),
                    SentFormat::JsonSchema { schema, .. } => {
                        form::fill(schema, &whole.join(" "), &cited)
                    }
                };
                self.events.extend(cited.into_iter().cloned().map(ChatEvent::Citation));
                match filled {
                    Some(filled) => self.say(&filled.to_string()),
                    None => self.decline(),
                }
            }
        };
        self.done(stop);
    }

    fn tell_plainly(&mut self, found: &[Chosen<'_>]) -> ChatStop {
        let mut told: Vec<u32> = Vec::new();
        let mut before: Option<&Chosen<'_>> = None;
        for chosen in found {
            if let Some(passage) = chosen.passage
                && !told.contains(&passage.number)
            {
                told.push(passage.number);
                self.events.push(ChatEvent::Citation(passage.clone()));
            }
            let gap = match before {
                None => "",
                Some(before) if before.number() == chosen.number() => " ",
                Some(_) => "\n\n",
            };
            let mark = chosen.number().map(|number| format!(" [{number}]")).unwrap_or_default();
            let stop = self.say(&format!("{gap}{}{mark}", chosen.text));
            if stop == ChatStop::MaxTokens {
                return stop;
            }
            before = Some(chosen);
        }
        ChatStop::EndTurn
    }

    /// Says a piece, or as much of it as there is room for.
    fn say(&mut self, text: &str) -> ChatStop {
        let words = text.split_whitespace().count();
        if words <= self.left {
            self.left -= words;
            self.wrote(words);
            self.events.push(ChatEvent::Text(text.to_owned()));
            return ChatStop::EndTurn;
        }
        let room = std::mem::take(&mut self.left);
        self.wrote(room);
        let cut = terms::first_words(text, room);
        self.events.extend(Some(cut.to_owned()).filter(|cut| !cut.is_empty()).map(ChatEvent::Text));
        ChatStop::MaxTokens
    }

    fn decline(&mut self) -> ChatStop {
        let text = "Without a model nothing can be written in the form that is wanted.";
        self.wrote(text.split_whitespace().count());
        self.events.push(ChatEvent::Refusal(text.to_owned()));
        ChatStop::Refusal
    }

    fn call(&mut self, call: understudy_domain::conversation::ToolCall) {
        self.wrote(call.arguments.split_whitespace().count().max(1));
        self.events.push(ChatEvent::ToolArguments {
            call_id: call.id.clone(),
            name: call.name.clone(),
            delta: call.arguments.clone(),
        });
        self.events.push(ChatEvent::ToolCall(call));
        self.done(ChatStop::ToolUse);
    }

    fn done(&mut self, stop: ChatStop) {
        let usage = ChatUsage {
            input_tokens: read(self.request),
            output_tokens: self.written,
            ..ChatUsage::default()
        };
        self.events.push(ChatEvent::Done { stop, usage: Some(usage), service_tier: None });
    }

    fn wrote(&mut self, words: usize) {
        self.written += u64::try_from(words).unwrap_or_default();
    }
}

/// The passages that are drawn on, each once.
fn cited<'a>(found: &[Chosen<'a>]) -> Vec<&'a Citation> {
    let mut cited: Vec<&Citation> = Vec::new();
    for passage in found.iter().filter_map(|chosen| chosen.passage) {
        if cited.iter().all(|known| known.number != passage.number) {
            cited.push(passage);
        }
    }
    cited
}

/// Words of all that there was to read.
fn read(request: &ChatRequest) -> u64 {
    let system = request.system.iter().map(|block| block.text.as_str());
    let passages = request.passages.iter().filter_map(|passage| passage.text.as_deref());
    let said = request.items.iter().flat_map(|item| match item {
        Item::ToolCall(call) => vec![call.arguments.as_str()],
        Item::ToolResult(result) => vec![result.content.as_str()],
        Item::Message { .. } | Item::Reasoning(_) => texts(item),
    });
    let words = system.chain(passages).chain(said).map(|text| text.split_whitespace().count());
    u64::try_from(words.sum::<usize>()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
