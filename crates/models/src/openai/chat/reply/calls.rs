//! Calls of tools that come in pieces, which say more or less clearly where they
//! belong.

use serde_json::Value;
use understudy_domain::{chat::ChatEvent, conversation::ToolCall, ports::ProviderError};

use super::super::super::text;
use crate::stream::Said;

/// The calls so far, in the order of their beginnings.
#[derive(Debug, Default)]
pub(super) struct Calls(Vec<Call>);

#[derive(Debug, Default)]
struct Call {
    index: Option<u64>,
    id: String,
    /// Whether the id was made here, since there was none.
    is_ours: bool,
    name: String,
    arguments: String,
    /// Whether its name was known, so that its arguments could be told of.
    is_told: bool,
}

impl Calls {
    /// Takes a piece.
    pub(super) fn hear(&mut self, piece: &Value, said: &mut Said) {
        let function = piece.get("function").unwrap_or(piece);
        let id = text(piece, "id");
        let name = text(function, "name");
        let arguments = arguments(function);
        let index = piece.get("index").and_then(Value::as_u64);

        let place = self.place(index, id.as_deref(), name.as_deref());
        let place = place.unwrap_or_else(|| {
            self.0.push(Call { index, ..Call::default() });
            self.0.len() - 1
        });
        let Some(call) = self.0.get_mut(place) else {
            return;
        };
        if let Some(id) = id
            && (call.id.is_empty() || (call.is_ours && !call.is_told))
        {
            call.id = id;
            call.is_ours = false;
        } else if call.id.is_empty() {
            call.id = made_up(place);
            call.is_ours = true;
        }
        if call.name.is_empty() {
            call.name = name.unwrap_or_default();
        }
        call.arguments.push_str(&arguments);
        said.extend(call.told(arguments));
    }

    /// Which call the piece belongs to, `None` for a new one.
    fn place(&self, index: Option<u64>, id: Option<&str>, name: Option<&str>) -> Option<usize> {
        // Some number all their calls zero, but name each.
        if let Some(id) = id
            && let Some(place) = self.0.iter().position(|call| call.id == id)
        {
            return Some(place);
        }
        let place = match index {
            Some(_) => self.0.iter().rposition(|call| call.index == index),
            None => self.0.len().checked_sub(1),
        }?;
        let call = self.0.get(place)?;
        let is_another = id.is_some() && !call.id.is_empty() && !call.is_ours;
        // Without number and id, a name begins a call.
        let is_bare = index.is_none() && id.is_none();
        let begins = is_bare && name.is_some() && !call.name.is_empty();
        (!is_another && !begins).then_some(place)
    }

    /// All of them, once nothing more comes.
    pub(super) fn complete(self) -> Result<Vec<ToolCall>, ProviderError> {
        let calls = self.0.into_iter().map(|call| {
            let Call { id, name, arguments, .. } = call;
            if name.is_empty() {
                let what = "it calls a tool without saying which";
                return Err(ProviderError::Garbled(what.to_owned()));
            }
            Ok(ToolCall { id, name, arguments })
        });
        calls.collect()
    }
}

impl Call {
    fn told(&mut self, delta: String) -> Option<ChatEvent> {
        if self.name.is_empty() {
            return None;
        }
        let was_told = std::mem::replace(&mut self.is_told, true);
        if was_told && delta.is_empty() {
            return None;
        }
        let delta = if was_told { delta } else { self.arguments.clone() };
        let (call_id, name) = (self.id.clone(), self.name.clone());
        Some(ChatEvent::ToolArguments { call_id, name, delta })
    }
}

/// JSON in a text, or as it is.
fn arguments(function: &Value) -> String {
    match function.get("arguments") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// An id for a call that has none. Calls of other answers of the same conversation
/// must not have it too.
fn made_up(place: usize) -> String {
    let chance = getrandom::u64().unwrap_or_default();
    format!("call_{chance:016x}{place}")
}
