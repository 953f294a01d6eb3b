//! Items as messages of blocks, in which people and the model take turns.
//!
//! The provider refuses a conversation that does not begin with a person, in which
//! one speaks twice in a row, or in which a call has no result right after it. What
//! threads hold need not be like that: somebody hung up, or the beginning was cut.

use serde_json::{Value, json};
use understudy_domain::{
    assistant::content::MessageRole,
    chat::Protocol,
    conversation::{Item, Part, ToolCall, ToolResult},
};

use super::media::{of_assistant, of_user, words};

/// Stands where a person must have spoken and nothing is left of it.
const SOMETHING: &str = "(Earlier messages are left out.)";
/// Stands where a call has no result.
const NOT_RUN: &str = "This call was not run.";

/// A conversation as the provider takes it.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    /// The messages.
    pub(super) messages: Vec<Value>,
    /// What the operator said in between.
    pub(super) system: Vec<String>,
    /// The tools that were called.
    pub(super) tools: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    User,
    Assistant,
}

/// What one side said in a row.
#[derive(Debug)]
struct Turn {
    side: Side,
    blocks: Vec<Value>,
    /// Of the model: the calls that it made.
    calls: Vec<String>,
    /// Of the person: the results, by their calls.
    results: Vec<(String, Value)>,
}

impl Conversation {
    pub(super) fn of(items: &[Item]) -> Self {
        let mut conversation = Self::default();
        let mut turns = Vec::new();
        for item in items {
            conversation.take(item, &mut turns);
        }
        pair(&mut turns);
        trim_end(&mut turns);
        conversation.messages = turns.into_iter().map(Turn::written).collect();
        conversation
    }

    fn take(&mut self, item: &Item, turns: &mut Vec<Turn>) {
        match item {
            Item::Message { role: MessageRole::User, parts } => {
                say(turns, Side::User, parts.iter().filter_map(of_user).collect());
            }
            Item::Message { role: MessageRole::Assistant, parts } => {
                say(turns, Side::Assistant, parts.iter().filter_map(of_assistant).collect());
            }
            Item::Message { role: MessageRole::System, parts } => self.rule(parts, turns),
            Item::ToolCall(call) => {
                if !self.tools.contains(&call.name) {
                    self.tools.push(call.name.clone());
                }
                add(turns, Side::Assistant, |turn| {
                    turn.calls.push(id(&call.id));
                    turn.blocks.push(tool_use(call));
                });
            }
            Item::ToolResult(result) => {
                let answered = (id(&result.call_id), tool_result(result));
                add(turns, Side::User, |turn| turn.results.push(answered));
            }
            Item::Reasoning(block) if block.protocol == Protocol::AnthropicMessages.as_str() => {
                add(turns, Side::Assistant, |turn| turn.blocks.push(block.raw.clone()));
            }
            // Others' thoughts are of no use here.
            Item::Reasoning(_) => {}
        }
    }

    /// What the operator says has a place of its own, where only words go.
    fn rule(&mut self, parts: &[Part], turns: &mut Vec<Turn>) {
        for part in parts {
            match part {
                Part::Text { text } | Part::Refusal { text } => {
                    self.system.extend(Some(text.clone()).filter(|text| !text.trim().is_empty()));
                }
                Part::Image { .. } | Part::File { .. } | Part::Audio { .. } => {
                    say(turns, Side::User, of_user(part).into_iter().collect());
                }
            }
        }
    }
}

impl Turn {
    const fn new(side: Side) -> Self {
        Self { side, blocks: Vec::new(), calls: Vec::new(), results: Vec::new() }
    }

    /// Results come before anything else.
    fn written(self) -> Value {
        let role = match self.side {
            Side::User => "user",
            Side::Assistant => "assistant",
        };
        let results = self.results.into_iter().map(|(_, result)| result);
        json!({ "role": role, "content": results.chain(self.blocks).collect::<Vec<_>>() })
    }
}

fn say(turns: &mut Vec<Turn>, side: Side, blocks: Vec<Value>) {
    if !blocks.is_empty() {
        add(turns, side, |turn| turn.blocks.extend(blocks));
    }
}

/// Changes the turn that is going on if it is of this side, else a new one.
fn add(turns: &mut Vec<Turn>, side: Side, change: impl FnOnce(&mut Turn)) {
    if let Some(turn) = turns.last_mut().filter(|last| last.side == side) {
        return change(turn);
    }
    let mut turn = Turn::new(side);
    change(&mut turn);
    turns.push(turn);
}

/// Sees to it that a person begins, and that each call has its result in the next
/// turn, and each result its call in the one before.
fn pair(turns: &mut Vec<Turn>) {
    let mut paired: Vec<Turn> = Vec::with_capacity(turns.len() + 1);
    for mut turn in turns.drain(..) {
        let before = paired.last_mut();
        if turn.side == Side::User {
            let calls = before.map(|turn| std::mem::take(&mut turn.calls)).unwrap_or_default();
            answer(&mut turn, &calls);
        } else if before.is_none() {
            paired.push(said(SOMETHING));
        }
        paired.push(turn);
    }
    let open = paired.last_mut().map(|turn| std::mem::take(&mut turn.calls)).unwrap_or_default();
    if !open.is_empty() {
        let mut last = Turn::new(Side::User);
        answer(&mut last, &open);
        paired.push(last);
    }
    if paired.is_empty() {
        paired.push(said(SOMETHING));
    }
    *turns = paired;
}

/// Puts the results of a turn into the order of the calls. What answers none of them
/// is told as words.
fn answer(turn: &mut Turn, calls: &[String]) {
    let mut given = std::mem::take(&mut turn.results);
    for call in calls {
        let place = given.iter().position(|(id, _)| id == call);
        let result = place.map_or_else(
            || json!({
                "type": "tool_result", "tool_use_id": call, "content": NOT_RUN, "is_error": true,
            }),
            |place| given.remove(place).1,
        );
        turn.results.push((call.clone(), result));
    }
    let rest = given.iter().filter_map(|(_, result)| result.get("content").and_then(Value::as_str));
    let rest: Vec<Value> = rest.filter_map(words).collect();
    turn.blocks.splice(0..0, rest);
    if turn.results.is_empty() && turn.blocks.is_empty() {
        turn.blocks.extend(words(SOMETHING));
    }
}

fn said(text: &str) -> Turn {
    Turn { blocks: words(text).into_iter().collect(), ..Turn::new(Side::User) }
}

/// A model that goes on where it stopped is refused white space at the end.
fn trim_end(turns: &mut [Turn]) {
    let last = turns.last_mut().filter(|turn| turn.side == Side::Assistant);
    if let Some(Value::Object(block)) = last.and_then(|turn| turn.blocks.last_mut())
        && let Some(Value::String(text)) = block.get_mut("text")
    {
        text.truncate(text.trim_end().len());
    }
}

fn tool_use(call: &ToolCall) -> Value {
    // What is no object cannot be sent; its result says what was wrong with it.
    let input = call.object().unwrap_or_default();
    json!({ "type": "tool_use", "id": id(&call.id), "name": call.name, "input": input })
}

fn tool_result(result: &ToolResult) -> Value {
    json!({
        "type": "tool_result", "tool_use_id": id(&result.call_id), "content": result.content,
        "is_error": result.is_error,
    })
}

/// Ids of other providers may have what is refused here.
fn id(id: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if id.is_empty() {
        return "_".to_owned();
    }
    id.replace(|c| !fits(c), "_")
}
