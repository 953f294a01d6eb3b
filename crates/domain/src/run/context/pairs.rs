//! Calls of tools and their results, as providers want them: each call answered, right
//! behind it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::{
    assistant::content::MessageRole,
    conversation::{Item, Message, ToolCall, ToolResult},
};

/// What a model is told of a call that nothing came of.
const NOT_RUN: &str = "This call was not carried out.";

/// The history before and within the turn that `input` goes on with: if it holds
/// results of tools, the turn is the one that called them, from what the user said
/// on; otherwise there is none. What is in the turn belongs to the input, whatever
/// the strategy.
#[must_use]
pub fn split<'a>(history: &'a [Message], input: &[Item]) -> (&'a [Message], &'a [Message]) {
    let answered: BTreeSet<&str> = input
        .iter()
        .filter_map(|item| match item {
            Item::ToolResult(result) => Some(result.call_id.as_str()),
            _ => None,
        })
        .collect();
    let called = history.iter().rposition(|message| match &message.item {
        Item::ToolCall(call) => answered.contains(call.id.as_str()),
        _ => false,
    });
    let Some(called) = called else { return (history, &[]) };
    let before = history.get(..called).unwrap_or_default();
    let asked = before
        .iter()
        .rposition(|message| matches!(message.item, Item::Message { role: MessageRole::User, .. }));
    history.split_at(asked.unwrap_or(called))
}

/// The items with each call's result right behind the call (behind all that were made
/// at once). A call without one is answered that it was not carried out; a result
/// without a call is left out.
#[must_use]
pub fn pair(items: Vec<Item>) -> Vec<Item> {
    let mut results: BTreeMap<String, VecDeque<ToolResult>> = BTreeMap::new();
    for item in &items {
        if let Item::ToolResult(result) = item {
            results.entry(result.call_id.clone()).or_default().push_back(result.clone());
        }
    }
    let mut paired = Vec::with_capacity(items.len());
    let mut open: Vec<ToolCall> = Vec::new();
    let mut items = items.into_iter().peekable();
    while let Some(item) = items.next() {
        match item {
            Item::ToolResult(_) => continue,
            Item::ToolCall(call) => {
                open.push(call.clone());
                paired.push(Item::ToolCall(call));
            }
            other => paired.push(other),
        }
        if !matches!(items.peek(), Some(Item::ToolCall(_))) {
            for call in open.drain(..) {
                let found = results.get_mut(&call.id).and_then(VecDeque::pop_front);
                let result = found.unwrap_or_else(|| ToolResult {
                    call_id: call.id,
                    content: NOT_RUN.to_owned(),
                    is_error: true,
                });
                paired.push(Item::ToolResult(result));
            }
        }
    }
    paired
}
