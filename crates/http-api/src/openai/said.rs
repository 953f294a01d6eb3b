//! Reading items: what is said, and what calls came to.

use serde_json::Value;
use understudy_domain::{
    assistant::content::MessageRole,
    conversation::{Item, Part},
    run::{DecidedCall, Decision},
};

use super::reading::{content, ignore, ignore_null, text_of};
use crate::{
    asking::{function_call, optional, result},
    fields::Fields,
};

/// What is said.
#[derive(Default)]
pub(super) struct Said {
    pub(super) items: Vec<Item>,
    /// What of it are instructions.
    pub(super) instructions: Vec<String>,
    /// What is decided about calls that wait.
    pub(super) decisions: Vec<DecidedCall>,
    /// Whether it is kept without being answered: there are no instructions beside it
    /// then, and nothing is decided.
    is_kept: bool,
}

impl Said {
    /// The input of a response.
    pub(super) fn of_request(fields: &mut Fields) -> Self {
        fields.require("input");
        let mut said = Self::default();
        match fields.any("input") {
            None => {}
            Some(Value::String(text)) => said.items.push(Item::text(MessageRole::User, text)),
            Some(Value::Array(list)) => said.read("/input", list, fields),
            Some(_) => fields.fault("input", "type", "must be a text or a list of items"),
        }
        said
    }

    /// The `items` that a conversation is given.
    pub(super) fn of_conversation(fields: &mut Fields) -> Vec<Item> {
        let mut said = Self { is_kept: true, ..Self::default() };
        said.read("/items", fields.list("items").unwrap_or_default(), fields);
        said.items
    }

    fn read(&mut self, at: &str, list: Vec<Value>, fields: &mut Fields) {
        for (index, value) in list.into_iter().enumerate() {
            fields.nested(&format!("{at}/{index}"), value, |inner| self.item(inner));
        }
    }

    fn item(&mut self, fields: &mut Fields) {
        // What a response told, a client may send back.
        match optional(fields, "type", Fields::text).as_deref() {
            None | Some("message") => self.message(fields),
            Some("function_call") => {
                ignore(fields, &["parsed_arguments"]);
                ignore_null(fields, &["caller", "namespace", "async", "async_"]);
                self.items.push(Item::ToolCall(function_call(fields)));
            }
            Some("function_call_output") => {
                ignore(fields, &["id"]);
                ignore_null(fields, &["caller", "namespace"]);
                self.items.push(result(fields, "call_id", "output"));
            }
            Some("reasoning") => {
                // It was another provider's, perhaps, and is never given back.
                ignore(fields, &["id", "summary", "content", "encrypted_content", "status"]);
            }
            // It stands here already.
            Some("mcp_approval_request") if !self.is_kept => {
                ignore(fields, &["id", "server_label", "name", "arguments"]);
            }
            Some("mcp_approval_response") if !self.is_kept => {
                self.decisions.extend(decision(fields));
            }
            Some(_) => {
                let mut message = "must be one of message, function_call, function_call_output, \
                                   reasoning"
                    .to_owned();
                if !self.is_kept {
                    message += ", mcp_approval_request, mcp_approval_response";
                }
                fields.fault("type", "enum", message);
            }
        }
    }

    fn message(&mut self, fields: &mut Fields) {
        ignore(fields, &["id", "status", "phase"]);
        let role = fields.required("role", Fields::text);
        fields.require("content");
        let role = match role.as_str() {
            "system" | "developer" => {
                let text = text_of(fields, "content");
                if self.is_kept {
                    self.items.push(Item::text(MessageRole::System, text));
                } else {
                    self.instructions.push(text);
                }
                return;
            }
            "user" => MessageRole::User,
            "assistant" => MessageRole::Assistant,
            _ => {
                fields.fault("role", "enum", "must be one of user, assistant, system, developer");
                return;
            }
        };
        let mut parts = content(fields, "content");
        if role == MessageRole::Assistant {
            parts.retain(|part| !matches!(part, Part::Text { text } if text.is_empty()));
            if parts.is_empty() {
                return;
            }
        } else if parts.is_empty() {
            fields.fault("content", "required", "must not be empty");
        }
        self.items.push(Item::Message { role, parts });
    }
}

/// What is decided about a call that waits.
fn decision(fields: &mut Fields) -> Option<DecidedCall> {
    ignore(fields, &["id"]);
    fields.require("approval_request_id");
    fields.require("approve");
    let approval = fields.parsed("approval_request_id");
    let approve = fields.flag("approve");
    let reason = optional(fields, "reason", Fields::text);
    Some(DecidedCall { approval: approval?, decision: Decision { approve: approve?, reason } })
}
