//! What of a conversation a model is given again (reference §3.4).
//!
//! Calls of tools and their results stay together: providers refuse one without the
//! other. Such items, and everything between them, are chosen or left out as one.

mod groups;
mod pairs;

pub use pairs::{pair, split};

use self::groups::{Group, group, sum};
use crate::{
    assistant::content::{ContextStrategy, MessageRole},
    conversation::{Item, Message, ThreadSummary, ToolResult},
};

/// Messages at the beginning of a long conversation that `auto` keeps.
pub const AUTO_FIRST: usize = 3;
/// Messages at its end that `auto` keeps.
pub const AUTO_LAST: usize = 7;
/// Most tokens of a summary, which `auto` keeps free for one that is yet to be made;
/// never more than a quarter of the room.
pub const SUMMARY_TOKENS: u64 = 1_000;
/// Turns that `saver` keeps.
pub const SAVER_TURNS: usize = 4;
/// Most tokens that `saver` keeps; never more than a quarter of the window.
pub const SAVER_TOKENS: u64 = 2_000;

/// What stands for the result of a tool where there is no room for it.
const ELIDED: &str = "[result left out to save room]";
/// A summary in fewer tokens says nothing.
const LEAST_SUMMARY_TOKENS: u64 = 50;

/// How much there is room for, in tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// All that is sent and answered.
    pub window: u64,
    /// Kept free for the answer.
    pub reserved_output: u64,
    /// What is sent in any case: what comes before the conversation, tools, input.
    pub fixed: u64,
}

/// It does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the conversation has {tokens} tokens, and there is room for {limit}")]
pub struct TooLong {
    /// How much there is.
    pub tokens: u64,
    /// How much fits.
    pub limit: u64,
}

/// A part of the conversation whose summary is needed and not there yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The position of the first message that the summary will stand for.
    pub first: u64,
    /// The position of the first message that the summary that there is does not
    /// cover; the same as `first` where it is of no use.
    pub since: u64,
    /// The position of the last message that the summary will stand for.
    pub until: u64,
    /// How many tokens were kept free for it.
    pub tokens: u64,
}

impl Gap {
    /// Whether the summary that there is goes into the new one.
    #[must_use]
    pub const fn extends(&self) -> bool {
        self.since > self.first
    }
}

/// What of a conversation is sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chosen {
    /// The items, in their order.
    pub items: Vec<Item>,
    /// How many were left out.
    pub omitted: u64,
    /// What stands for those that were left out: it goes before `items`.
    pub summary: Option<String>,
    /// What is to be summed up so that there is a `summary`; then the new one goes
    /// before `items` instead.
    pub summarize: Option<Gap>,
    /// Whether a summary stands for items, or is to.
    pub is_summarized: bool,
}

/// Chooses what of `history` is sent.
///
/// - `full`: all of it; if it does not fit, an error, or with `truncation` the oldest
///   items are left out.
/// - `off`: nothing.
/// - `auto`: all of it while it fits; then the first [`AUTO_FIRST`] and at least the
///   last [`AUTO_LAST`] messages with a summary of those between. What was said since
///   the summary was made stands as it is while it fits, so that not every turn costs
///   a new one. Where not even these fit, the oldest of the last ones go first, the
///   newest goes last.
/// - `saver`: the last [`SAVER_TURNS`] turns, as far as a quarter of the window and
///   [`SAVER_TOKENS`] go, without results of tools.
///
/// `count` tells how many tokens an item has.
///
/// # Errors
///
/// [`TooLong`] also when there is no room for what is sent in any case.
pub fn choose(
    history: &[Message],
    strategy: ContextStrategy,
    room: Room,
    truncation: Option<bool>,
    summary: Option<&ThreadSummary>,
    count: &dyn Fn(&Item) -> u64,
) -> Result<Chosen, TooLong> {
    let limit = room.window.saturating_sub(room.reserved_output);
    let Some(budget) = limit.checked_sub(room.fixed) else {
        return Err(TooLong { tokens: room.fixed, limit });
    };
    match strategy {
        ContextStrategy::Off => Ok(Chosen { omitted: len(history), ..Chosen::default() }),
        ContextStrategy::Full => {
            let groups = group(history, count);
            let tokens = sum(&groups);
            if tokens > budget && truncation != Some(true) {
                return Err(TooLong { tokens: room.fixed.saturating_add(tokens), limit });
            }
            Ok(keep(history, &groups, 0, newest(&groups, budget)))
        }
        ContextStrategy::Auto => Ok(auto(history, budget, summary, count)),
        ContextStrategy::Saver => {
            Ok(saver(history, budget.min(limit / 4).min(SAVER_TOKENS), count))
        }
    }
}

fn len(history: &[Message]) -> u64 {
    u64::try_from(history.len()).unwrap_or(u64::MAX)
}

/// The first of the newest groups that fit.
fn newest(groups: &[Group], budget: u64) -> usize {
    let mut left = budget;
    let fits = groups.iter().rev().take_while(|group| match left.checked_sub(group.tokens) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    });
    groups.len() - fits.count()
}

/// The items of the first `head` groups and of those from `tail` on.
fn keep(history: &[Message], groups: &[Group], head: usize, tail: usize) -> Chosen {
    let kept = groups.iter().take(head).chain(groups.iter().skip(tail.max(head)));
    let items: Vec<Item> = kept
        .flat_map(|group| history.get(group.range.clone()).unwrap_or_default())
        .map(|message| message.item.clone())
        .collect();
    let omitted = len(history) - u64::try_from(items.len()).unwrap_or_default();
    Chosen { items, omitted, ..Chosen::default() }
}

fn saver(history: &[Message], allowance: u64, count: &dyn Fn(&Item) -> u64) -> Chosen {
    let history: Vec<Message> = history.iter().map(elide).collect();
    let groups = group(&history, count);
    let (mut kept, mut tokens, mut turns) = (None, 0_u64, 0);
    for (index, group) in groups.iter().enumerate().rev() {
        tokens = tokens.saturating_add(group.tokens);
        if tokens > allowance {
            break;
        }
        if group.begins_turn {
            turns += 1;
        }
        if group.begins_turn || index == 0 {
            kept = Some(index);
        }
        if turns == SAVER_TURNS {
            break;
        }
    }
    // Of a turn that does not fit, what fits of its end.
    let first = kept.unwrap_or_else(|| newest(&groups, allowance));
    keep(&history, &groups, 0, first)
}

fn elide(message: &Message) -> Message {
    let item = match &message.item {
        Item::ToolResult(result) if result.content.len() > ELIDED.len() => {
            Item::ToolResult(ToolResult { content: ELIDED.to_owned(), ..result.clone() })
        }
        other => other.clone(),
    };
    Message { item, ..message.clone() }
}

fn auto(
    history: &[Message],
    budget: u64,
    summary: Option<&ThreadSummary>,
    count: &dyn Fn(&Item) -> u64,
) -> Chosen {
    let groups = group(history, count);
    if sum(&groups) <= budget {
        return keep(history, &groups, groups.len(), groups.len());
    }
    let (head, tail) = ends(&groups);
    let known = summary.and_then(|summary| covered(&groups, head, summary));
    if let Some(known) = known {
        let tokens = count(&Item::text(MessageRole::System, known.text));
        let room = budget.saturating_sub(tokens);
        let told = |chosen: Chosen| Chosen {
            summary: Some(known.text.to_owned()),
            is_summarized: true,
            ..chosen
        };
        if let Some((head, tail)) = known.fitting(&groups, (head, tail), room) {
            return told(keep(history, &groups, head, tail));
        }
        // Only the newest is not summed up, and does not fit beside the summary.
        if known.next + 1 == groups.len() {
            let elided: Vec<Message> = history.iter().map(elide).collect();
            let groups = group(&elided, count);
            if let Some((head, tail)) = known.fitting(&groups, (head, tail), room) {
                return told(keep(&elided, &groups, head, tail));
            }
        }
    }
    shrink(history, &groups, (head, tail), budget, summary, count)
}

/// How many groups hold the first messages, and the first of those that hold the
/// last; the newest is always of these.
fn ends(groups: &[Group]) -> (usize, usize) {
    let until = |wanted: usize, groups: &mut dyn Iterator<Item = &Group>| {
        let mut messages = 0;
        let needed = groups.take_while(|group| {
            let is_needed = messages < wanted;
            messages += group.messages;
            is_needed
        });
        needed.count()
    };
    let head = until(AUTO_FIRST, &mut groups.iter()).min(groups.len().saturating_sub(1));
    let tail = groups.len() - until(AUTO_LAST, &mut groups.iter().rev());
    (head, tail.max(head))
}

fn size(groups: &[Group], head: usize, tail: usize) -> u64 {
    let kept = groups.iter().take(head).chain(groups.iter().skip(tail.max(head)));
    kept.fold(0, |total, group| total.saturating_add(group.tokens))
}

/// A summary that covers what comes behind the head, or before it ends.
struct Known<'a> {
    text: &'a str,
    /// The first group that it covers.
    first: usize,
    /// The first group that it does not cover any more.
    next: usize,
}

impl Known<'_> {
    /// How many groups of the head, and from which on, stand beside the summary: as
    /// many as fit.
    fn fitting(
        &self,
        groups: &[Group],
        (head, tail): (usize, usize),
        room: u64,
    ) -> Option<(usize, usize)> {
        let heads = (self.first..=head).rev();
        let mut both = heads.flat_map(|head| {
            let last = self.next.max(head);
            (self.next.min(tail).max(head)..=last).map(move |tail| (head, tail))
        });
        both.find(|(head, tail)| size(groups, *head, *tail) <= room)
    }
}

fn covered<'a>(groups: &[Group], head: usize, summary: &'a ThreadSummary) -> Option<Known<'a>> {
    let first = groups.iter().position(|group| group.first >= summary.from)?;
    // A summary that reaches behind the end tells of what was said there.
    if first > head || summary.until > groups.last()?.last {
        return None;
    }
    let next = groups.iter().position(|group| group.last > summary.until).unwrap_or(groups.len());
    (next > first).then_some(Known { text: &summary.text, first, next })
}

/// Leaves out what does not fit beside a summary that is yet to be made.
fn shrink(
    history: &[Message],
    groups: &[Group],
    (mut head, mut tail): (usize, usize),
    budget: u64,
    summary: Option<&ThreadSummary>,
    count: &dyn Fn(&Item) -> u64,
) -> Chosen {
    let tokens = SUMMARY_TOKENS.min(budget / 4);
    let room = budget - tokens;
    while size(groups, head, tail) > room && tail + 1 < groups.len() {
        tail += 1;
    }
    while size(groups, head, tail) > room && head > 0 {
        head -= 1;
    }
    let mut chosen = keep(history, groups, head, tail);
    if size(groups, head, tail) > room {
        // Only the newest is left: without the results of its tools it may fit.
        let elided: Vec<Message> = history.iter().map(elide).collect();
        let groups = group(&elided, count);
        tail = if size(&groups, head, tail) > room { groups.len() } else { tail };
        chosen = keep(&elided, &groups, head, tail);
    }
    let (Some(from), Some(until)) = (groups.get(head), groups.get(tail.saturating_sub(1))) else {
        return chosen;
    };
    if tokens < LEAST_SUMMARY_TOKENS || tail <= head {
        return chosen;
    }
    let known = summary.filter(|known| {
        known.from <= from.first && known.until >= from.first && known.until < until.last
    });
    let since = known.map_or(from.first, |known| known.until.saturating_add(1));
    chosen.summarize = Some(Gap { first: from.first, since, until: until.last, tokens });
    chosen.is_summarized = true;
    chosen
}

#[cfg(test)]
mod tests;
