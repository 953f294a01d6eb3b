//! What was said before, and how much of it is told.

use super::{RunDeps, plan::Plan};
use crate::{
    Message,
    conversation::{Item, Order, Part, ThreadSummary},
    ports::Tokenizer,
    run::{
        Run,
        context::{self, Gap, Room},
    },
    usecases::{Error, Result},
};

/// How many of the newest messages are looked at, and how many of the first beside
/// them.
const NEWEST: u32 = 1_000;
const FIRST: u32 = 3;
/// Characters up to which tokens are counted one by one; of longer texts the
/// beginning tells of the rest.
const COUNTED_CHARS: usize = 32_768;
/// Tokens that an image counts as.
const IMAGE_TOKENS: u64 = 800;
/// The share of a model's window that is kept for an answer without a limit.
const ANSWER_SHARE: u64 = 4;

/// What came before in the thread of a run.
#[derive(Default)]
pub(super) struct Past {
    messages: Vec<Message>,
    summary: Option<ThreadSummary>,
}

impl Past {
    /// The words of the summary that there is.
    pub(super) fn summary(&self) -> Option<String> {
        self.summary.as_ref().map(|summary| summary.text.clone())
    }
}

/// Counts each byte as a token, which is more than any model does.
///
/// What fits by this count fits, and most does: then nothing is counted one by one,
/// which takes time and a vocabulary of tens of megabytes.
pub(super) struct AtMost;

impl Tokenizer for AtMost {
    fn count(&self, _: &str, text: &str) -> u64 {
        u64::try_from(text.len()).unwrap_or(u64::MAX)
    }

    fn is_exact(&self, _: &str) -> bool {
        false
    }
}

/// What is told of it.
pub(super) struct Told {
    /// The calls that the input answers: told whatever the strategy.
    pub(super) turn: Vec<Item>,
    pub(super) items: Vec<Item>,
    pub(super) omitted: u64,
    pub(super) summary: Option<String>,
    pub(super) summarize: Option<Gap>,
    pub(super) is_summarized: bool,
}

impl Told {
    /// Whether nothing is left out; with a count that is too high, nothing would be
    /// with the right one either.
    pub(super) const fn is_all(&self) -> bool {
        self.omitted == 0 && self.summary.is_none() && self.summarize.is_none()
    }
}

/// What was said in the thread before the run; up to the run that it goes on from,
/// if it names one.
pub(super) async fn of(run: RunDeps<'_>, state: &Run) -> Result<Past> {
    let Some(thread) = state.thread else {
        return Ok(Past::default());
    };
    let store = run.deps.store.conversations();
    let Some(found) = store.thread(state.organization, thread).await? else {
        return Ok(Past::default());
    };
    let newest =
        store.messages(state.organization, thread, None, Order::Descending, NEWEST).await?;
    let is_all = newest.len() < usize::try_from(NEWEST).unwrap_or(usize::MAX);
    let mut messages: Vec<Message> = newest.into_iter().rev().collect();
    if !is_all {
        let first =
            store.messages(state.organization, thread, None, Order::Ascending, FIRST).await?;
        let known = messages.first().map_or(0, |message| message.position);
        let first = first.into_iter().filter(|message| message.position < known);
        messages.splice(0..0, first);
    }
    let own = messages.iter().find(|message| message.run == Some(state.id));
    if let Some(from) = own.map(|message| message.position) {
        messages.retain(|message| message.position < from);
    }
    if let Some(previous) = state.request.previous {
        let until = messages.iter().rev().find(|message| message.run == Some(previous));
        let until = until.map_or(0, |message| message.position);
        messages.retain(|message| message.position <= until);
    }
    Ok(Past { messages, summary: found.summary })
}

/// What of the past is told, by the context strategy.
///
/// # Errors
///
/// [`Error::Invalid`] `context_length_exceeded` where nothing may be left out.
pub(super) fn choose(
    tokenizer: &dyn Tokenizer,
    plan: &Plan,
    (past, input): (&Past, &[Item]),
    fixed: u64,
) -> Result<Told> {
    let Plan { settings, route, .. } = plan;
    let key = &route.model.key;
    let window = u64::from(route.model.context_window);
    let window = settings.context_window.map_or(window, |limit| window.min(u64::from(limit)));
    let most = u64::from(route.model.max_output_tokens).min(window / ANSWER_SHARE);
    let reserved_output = settings.max_completion_tokens.map_or(most, |n| most.min(u64::from(n)));
    let count = |item: &Item| count_item(tokenizer, key, item);
    let (messages, turn) = context::split(&past.messages, input);
    let turn: Vec<Item> = turn.iter().map(|message| message.item.clone()).collect();
    let fixed = fixed + turn.iter().map(count).sum::<u64>();
    let room = Room { window, reserved_output, fixed };
    let chosen = context::choose(
        messages,
        settings.context_strategy,
        room,
        settings.truncation,
        past.summary.as_ref(),
        &count,
    );
    let chosen = chosen.map_err(|error| too_long(error.tokens, error.limit))?;
    Ok(Told {
        turn,
        items: chosen.items,
        omitted: chosen.omitted,
        summary: chosen.summary,
        summarize: chosen.summarize,
        is_summarized: chosen.is_summarized,
    })
}

fn too_long(tokens: u64, limit: u64) -> Error {
    let message = format!(
        "the conversation has about {tokens} tokens and the model takes {limit}; shorten it, or \
         allow `truncation`, or take the context strategy `auto`"
    );
    Error::invalid("/input", "context_length_exceeded", message)
}

/// The messages of the past between two positions, both included.
pub(super) fn between(past: &Past, (from, until): (u64, u64)) -> Vec<&Message> {
    let messages = past.messages.iter();
    messages.filter(|message| (from..=until).contains(&message.position)).collect()
}

/// Tokens of a text, in bounded time.
pub(super) fn count(tokenizer: &dyn Tokenizer, model: &str, text: &str) -> u64 {
    if text.len() <= COUNTED_CHARS {
        return tokenizer.count(model, text);
    }
    let end = (0..=COUNTED_CHARS).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    let beginning = text.get(..end).unwrap_or_default();
    let whole = u64::try_from(text.len()).unwrap_or(u64::MAX);
    let part = u64::try_from(end.max(1)).unwrap_or(u64::MAX);
    tokenizer.count(model, beginning).saturating_mul(whole) / part
}

/// Tokens of an item, with the few that a protocol puts around it.
pub(super) fn count_item(tokenizer: &dyn Tokenizer, model: &str, item: &Item) -> u64 {
    const AROUND: u64 = 4;
    let said = |text: &str| count(tokenizer, model, text);
    AROUND
        + match item {
            Item::Message { parts, .. } => parts.iter().map(|part| count_part(part, &said)).sum(),
            Item::ToolCall(call) => said(&call.name) + said(&call.arguments),
            Item::ToolResult(result) => said(&result.content),
            Item::Reasoning(block) => said(&block.summary),
        }
}

fn count_part(part: &Part, said: &dyn Fn(&str) -> u64) -> u64 {
    match part {
        Part::Text { text } | Part::Refusal { text } => said(text),
        Part::Image { .. } | Part::Audio { .. } | Part::File { .. } => IMAGE_TOKENS,
    }
}
