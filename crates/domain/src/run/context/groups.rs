//! Items that are kept or left out together.

use std::{collections::BTreeMap, ops::Range};

use crate::{
    assistant::content::MessageRole,
    conversation::{Item, Message},
};

/// Items that belong together: one message, or calls of tools with their results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    /// Where they are in the history.
    pub(super) range: Range<usize>,
    /// The position of the first.
    pub(super) first: u64,
    /// The position of the last.
    pub(super) last: u64,
    /// How many tokens they have.
    pub(super) tokens: u64,
    /// How many of them are messages.
    pub(super) messages: usize,
    /// Whether the user says something in them.
    pub(super) begins_turn: bool,
}

/// The groups of a history, in order; each item is in one.
pub(super) fn group(history: &[Message], count: &dyn Fn(&Item) -> u64) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut reach = 0;
    for (index, (message, end)) in history.iter().zip(ends(history)).enumerate() {
        let is_message = matches!(message.item, Item::Message { .. });
        let single = Group {
            range: index..index + 1,
            first: message.position,
            last: message.position,
            tokens: count(&message.item),
            messages: usize::from(is_message),
            begins_turn: matches!(message.item, Item::Message { role: MessageRole::User, .. }),
        };
        match groups.last_mut() {
            Some(group) if index <= reach => {
                group.range.end = single.range.end;
                group.last = single.last;
                group.tokens = group.tokens.saturating_add(single.tokens);
                group.messages += single.messages;
                group.begins_turn |= single.begins_turn;
                reach = reach.max(end);
            }
            _ => {
                groups.push(single);
                reach = end;
            }
        }
    }
    groups
}

/// All their tokens.
pub(super) fn sum(groups: &[Group]) -> u64 {
    groups.iter().fold(0, |total, group| total.saturating_add(group.tokens))
}

/// For each item where what belongs to it ends: for a call where its result is, for
/// others where they are.
fn ends(history: &[Message]) -> Vec<usize> {
    let mut results: BTreeMap<&str, usize> = BTreeMap::new();
    let mut ends: Vec<usize> = Vec::with_capacity(history.len());
    // From behind: of several results with the same name the next one is the call's.
    for (index, message) in history.iter().enumerate().rev() {
        ends.push(match &message.item {
            Item::ToolResult(result) => {
                results.insert(&result.call_id, index);
                index
            }
            Item::ToolCall(call) => results.remove(call.id.as_str()).unwrap_or(index),
            Item::Message { .. } | Item::Reasoning(_) => index,
        });
    }
    ends.reverse();
    ends
}
