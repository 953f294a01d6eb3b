//! Threads and messages as they are answered.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};
use understudy_domain::{
    AssistantId, Message, MessageId, RunId, Thread, ThreadId, Timestamp, UserId,
    conversation::{Item, MediaSource, Part},
};
use utoipa::ToSchema;

/// A conversation of a user with an assistant.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Thread)]
pub(crate) struct ThreadView {
    /// Its identifier.
    #[schema(value_type = String, example = "thread_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    id: ThreadId,
    /// `thread`.
    #[schema(example = "thread")]
    object: &'static str,
    /// Whose it is.
    #[schema(value_type = String, example = "usr_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    user_id: UserId,
    /// The assistant that answers in it; null until one does.
    #[schema(value_type = Option<String>, example = "asst_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    assistant_id: Option<AssistantId>,
    /// What people call it.
    #[schema(example = "About invoices")]
    title: Option<String>,
    /// Pairs of its user.
    metadata: BTreeMap<String, String>,
    /// `streaming` while an answer is on its way, else `inactive`.
    #[schema(example = "inactive")]
    status: &'static str,
    /// The response that is on its way.
    #[schema(value_type = Option<String>, example = "resp_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    active_response_id: Option<RunId>,
    /// How many messages it has.
    #[schema(example = 4)]
    message_count: u64,
    /// The model that answered last.
    #[schema(example = "gpt-4o")]
    last_model: Option<String>,
    /// Whether it is kept at the top of lists.
    pinned: bool,
    /// Since when.
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-01-31T12:00:00Z")]
    pinned_at: Option<Timestamp>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T12:00:00Z")]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T12:00:00Z")]
    updated_at: Timestamp,
    /// When something was last said.
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-01-31T12:00:00Z")]
    last_message_at: Option<Timestamp>,
}

/// A page of threads.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ThreadPage {
    /// The threads.
    pub(super) data: Vec<ThreadView>,
    /// Where the next page begins; null on the last one.
    pub(super) next_cursor: Option<String>,
}

/// Something that was said or done in a thread.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Message)]
pub(crate) struct MessageView {
    /// Its identifier.
    #[schema(value_type = String, example = "msg_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    id: MessageId,
    /// `thread.message`.
    #[schema(example = "thread.message")]
    object: &'static str,
    /// The thread.
    #[schema(value_type = String, example = "thread_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    thread_id: ThreadId,
    /// Its place in the thread.
    #[schema(example = 1)]
    position: u64,
    /// The response that it was input to or that made it.
    #[schema(value_type = Option<String>, example = "resp_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    response_id: Option<RunId>,
    /// Who: `user`, `assistant`, `system`, or `tool` for a tool's result.
    #[schema(example = "user")]
    role: &'static str,
    /// Blocks: `text`, `image`, `file`, `audio`, `refusal`, `tool_use`, `tool_result`.
    #[schema(value_type = Vec<Object>, example = json!([{"type": "text", "text": "Hello"}]))]
    content: Vec<Value>,
    /// When it was added.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T12:00:00Z")]
    created_at: Timestamp,
}

/// A page of messages.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MessagePage {
    /// The messages.
    pub(super) data: Vec<MessageView>,
    /// Where the next page begins; null on the last one.
    pub(super) next_cursor: Option<String>,
}

impl From<&Thread> for ThreadView {
    fn from(thread: &Thread) -> Self {
        Self {
            id: thread.id,
            object: "thread",
            user_id: thread.user,
            assistant_id: thread.assistant,
            title: thread.title.clone(),
            metadata: thread.metadata.clone(),
            status: if thread.active_run.is_some() { "streaming" } else { "inactive" },
            active_response_id: thread.active_run,
            message_count: thread.message_count,
            last_model: thread.last_model.clone(),
            pinned: thread.pinned_at.is_some(),
            pinned_at: thread.pinned_at,
            created_at: thread.created_at,
            updated_at: thread.updated_at,
            last_message_at: thread.last_message_at,
        }
    }
}

impl From<Message> for MessageView {
    fn from(message: Message) -> Self {
        let (role, content) = shown(message.item);
        Self {
            id: message.id,
            object: "thread.message",
            thread_id: message.thread,
            position: message.position,
            response_id: message.run,
            role,
            content,
            created_at: message.created_at,
        }
    }
}

/// Who said what, in blocks.
fn shown(item: Item) -> (&'static str, Vec<Value>) {
    match item {
        Item::Message { role, parts } => (role.as_str(), parts.into_iter().map(block).collect()),
        Item::ToolCall(call) => {
            let input = call.object().map_or_else(|| call.arguments.clone().into(), Value::Object);
            let block =
                json!({ "type": "tool_use", "id": call.id, "name": call.name, "input": input });
            ("assistant", vec![block])
        }
        Item::ToolResult(result) => {
            let block = json!({
                "type": "tool_result",
                "tool_use_id": result.call_id,
                "content": result.content,
                "is_error": result.is_error,
            });
            ("tool", vec![block])
        }
        Item::Reasoning(thought) => {
            ("assistant", vec![json!({ "type": "reasoning", "text": thought.summary })])
        }
    }
}

fn block(part: Part) -> Value {
    match part {
        Part::Text { text } => json!({ "type": "text", "text": text }),
        Part::Refusal { text } => json!({ "type": "refusal", "refusal": text }),
        Part::Image { source } => medium("image", source, None),
        Part::File { source, name } => medium("file", source, name),
        Part::Audio { source } => medium("audio", source, None),
    }
}

fn medium(kind: &str, source: MediaSource, name: Option<String>) -> Value {
    let mut block = match source {
        MediaSource::Url(url) => json!({ "type": kind, "url": url }),
        MediaSource::File(id) => json!({ "type": kind, "file_id": id }),
        MediaSource::Data { content_type, base64 } => {
            json!({ "type": kind, "media_type": content_type, "data": base64 })
        }
    };
    if let (Some(name), Some(block)) = (name, block.as_object_mut()) {
        block.insert("name".to_owned(), name.into());
    }
    block
}
