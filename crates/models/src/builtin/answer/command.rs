//! `/name {…}`: a call of a tool that a person writes themselves.

use serde_json::{Map, Value};
use understudy_domain::{
    chat::{ChatRequest, ToolChoice},
    conversation::{Item, ToolCall},
};

/// What a person wants of a tool.
pub(super) enum Command {
    /// To be called.
    Call(ToolCall),
    /// Something that cannot be; why, for people.
    Wrong(String),
}

/// Reads a command; `None` when the text is something else.
pub(super) fn read(text: &str, request: &ChatRequest) -> Option<Command> {
    let rest = text.trim().strip_prefix('/')?;
    let (name, arguments) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let arguments = arguments.trim();
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let looks_right = arguments.is_empty() || arguments.starts_with('{');
    if name.is_empty() || !name.chars().all(is_name) || !looks_right {
        return None;
    }
    let may_be_called = request.tool_choice != ToolChoice::None
        && request.tools.iter().any(|tool| tool.name == name);
    if !may_be_called {
        let mut names: Vec<&str> = request.tools.iter().map(|tool| tool.name.as_str()).collect();
        names.sort_unstable();
        let offered = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        return Some(Command::Wrong(format!(
            "There is no tool {name} to be called now. Tools that are offered: {offered}."
        )));
    }
    let arguments = if arguments.is_empty() { "{}" } else { arguments };
    let Ok(object) = serde_json::from_str::<Map<String, Value>>(arguments) else {
        let why = "What follows the name of a tool must be a JSON object.";
        return Some(Command::Wrong(why.to_owned()));
    };
    let id = fresh_id(&request.items);
    Some(Command::Call(ToolCall {
        id,
        name: name.to_owned(),
        arguments: Value::from(object).to_string(),
    }))
}

/// An id that no other call has.
fn fresh_id(items: &[Item]) -> String {
    let calls: Vec<&str> = items
        .iter()
        .filter_map(|item| match item {
            Item::ToolCall(call) => Some(call.id.as_str()),
            _ => None,
        })
        .collect();
    let mut ids = (calls.len() + 1..).map(|number| format!("call_{number}"));
    ids.find(|id| !calls.contains(&id.as_str())).unwrap_or_default()
}
