//! The table.

mod form;
mod looks;
mod prompt;
mod sampling;

use serde_json::{Value, json};
use understudy_domain::{chat::Protocol, run::NoticeAction};

use super::show::{
    Seen,
    Show::{self, Elsewhere, Says, Sent, Unsaid},
};

/// One field and how it shows, by the protocols of `understudy_domain::run::fit`.
pub(crate) struct Line {
    pub(crate) field: &'static str,
    /// What the assistant has besides.
    pub(crate) common: Value,
    /// What it has of the field.
    pub(crate) set: Box<dyn Fn(Protocol) -> Value + Send + Sync>,
    /// What the provider answers.
    pub(crate) answer: &'static str,
    pub(crate) shows: [Vec<Show>; 6],
}

impl Line {
    fn with(self, common: Value) -> Self {
        Self { common, ..self }
    }

    fn answering(self, answer: &'static str) -> Self {
        Self { answer, ..self }
    }
}

fn line(field: &'static str, set: Value, shows: [Vec<Show>; 6]) -> Line {
    choosing(field, move |_| set.clone(), shows)
}

/// A line whose value is not the same for all.
fn choosing(
    field: &'static str,
    set: impl Fn(Protocol) -> Value + Send + Sync + 'static,
    shows: [Vec<Show>; 6],
) -> Line {
    Line { field, common: json!({}), set: Box::new(set), answer: "Hello.", shows }
}

/// The same in every column.
fn all(show: impl Fn() -> Show) -> [Vec<Show>; 6] {
    [(); 6].map(|()| vec![show()])
}

/// Has no part in what a model is asked.
fn elsewhere(field: &'static str, test: &'static str) -> Line {
    line(field, json!({}), all(|| Elsewhere(test)))
}

/// Is for people, and not for models.
#[expect(clippy::needless_pass_by_value, reason = "a line reads best with a literal")]
fn unsaid(field: &'static str, value: Value, marker: &'static str) -> Line {
    line(field, json!({ field: value }), all(|| Unsaid(marker)))
}

fn columns(wires: [Vec<Show>; 5], builtin: Vec<Show>) -> [Vec<Show>; 6] {
    let [responses, chat, compatible, anthropic, ollama] = wires;
    [responses, chat, compatible, anthropic, ollama, builtin]
}

/// Goes under these pointers to those that talk by wire.
fn sent(pointers: [&'static str; 5], value: &Value, builtin: Vec<Show>) -> [Vec<Show>; 6] {
    columns(pointers.map(|pointer| vec![Sent(pointer, value.clone())]), builtin)
}

/// Stands among what is said before the conversation.
fn said(text: &'static str, builtin: Vec<Show>) -> [Vec<Show>; 6] {
    let places = ["/instructions", "/messages", "/messages", "/system", "/messages"];
    columns(places.map(|place| vec![Says(place, text)]), builtin)
}

fn text(seen: &Seen) -> &str {
    seen.ran.text()
}

fn is_emulated(seen: &Seen, field: &str) -> bool {
    let notices = &seen.ran.run.outcome.notices;
    notices.iter().any(|n| n.field == field && n.action == NoticeAction::Emulated)
}

/// The lines, in the order of the object.
pub(crate) fn lines() -> Vec<Line> {
    [
        looks::identity(),
        prompt::prompt(),
        prompt::tools(),
        sampling::thinking(),
        sampling::sampling(),
        sampling::tokens(),
        form::form(),
        looks::policy(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
