//! Conversations: what was said, by whom, in which order.
//!
//! A conversation is a flat list of [`Item`]s: messages, calls of tools and their
//! results, each by itself. Threads store it, runs extend it, and models are given
//! it; what a provider's protocol folds together is folded by its adapter.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    AssistantId, FileId, MemoryId, MessageId, OrganizationId, RunId, ThreadId, Timestamp, UserId,
    assistant::content::{MessageRole, words},
};

/// Something said or done in a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Item {
    /// Somebody said something.
    Message {
        /// Who.
        role: MessageRole,
        /// What, in order.
        parts: Vec<Part>,
    },
    /// The model called a tool.
    ToolCall(ToolCall),
    /// What the tool answered.
    ToolResult(ToolResult),
    /// What the model thought, for the provider that it came from. Never stored in a
    /// thread.
    Reasoning(ReasoningBlock),
}

impl Item {
    /// A message of one text.
    #[must_use]
    pub fn text(role: MessageRole, text: impl Into<String>) -> Self {
        Self::Message { role, parts: vec![Part::Text { text: text.into() }] }
    }
}

/// A piece of a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Part {
    /// Text.
    Text {
        /// It.
        text: String,
    },
    /// An image.
    Image {
        /// Where it is.
        source: MediaSource,
    },
    /// A document.
    File {
        /// Where it is.
        source: MediaSource,
        /// What it is called.
        #[serde(default)]
        name: Option<String>,
    },
    /// Something spoken.
    Audio {
        /// Where it is.
        source: MediaSource,
    },
    /// The model declined, and said so.
    Refusal {
        /// What it said.
        text: String,
    },
}

/// Where the bytes of an image, a document or a recording are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaSource {
    /// At an http(s) address.
    Url(String),
    /// In a file of the assistant.
    File(FileId),
    /// Here, in base64.
    Data {
        /// Their media type.
        content_type: String,
        /// They, in standard base64.
        base64: String,
    },
}

/// A call of a tool, as the model made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// Names the call in the conversation.
    pub id: String,
    /// The tool, by the name that the model knows.
    pub name: String,
    /// Its arguments as the model wrote them; meant to be a JSON object.
    pub arguments: String,
}

impl ToolCall {
    /// The arguments, if they are a JSON object; no text at all is an empty one.
    #[must_use]
    pub fn object(&self) -> Option<Map<String, Value>> {
        if self.arguments.trim().is_empty() {
            return Some(Map::new());
        }
        serde_json::from_str(&self.arguments).ok()
    }
}

/// What a tool answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolResult {
    /// The call that it answers.
    pub call_id: String,
    /// The answer as the model reads it.
    pub content: String,
    /// Whether the tool failed or was not run.
    #[serde(default)]
    pub is_error: bool,
}

/// What a model thought, as its provider wants it back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReasoningBlock {
    /// The protocol that it belongs to ([`crate::chat::Protocol`]); others leave it
    /// out.
    pub protocol: String,
    /// What may be shown of it.
    pub summary: String,
    /// The provider's own form, sent back as it is.
    pub raw: Value,
}

/// A conversation of one user with an assistant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thread {
    /// Its identifier.
    pub id: ThreadId,
    /// The organization of its user.
    pub organization: OrganizationId,
    /// Whose it is; nobody else reads or continues it.
    pub user: UserId,
    /// The assistant that answers in it, live or draft. It stays once something was
    /// said.
    pub assistant: Option<AssistantId>,
    /// What people call it, at most 200 characters.
    pub title: Option<String>,
    /// Whether its user sees it. Threads of assistants that do not store responses
    /// can be continued, not read (reference §3.6).
    pub visible: bool,
    /// Whether the instructions of an assistant were drafted in it
    /// ([`Content::instructions_thread_id`](crate::Content::instructions_thread_id)):
    /// its user reads it, and finds it in no list (reference §2).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drafts_instructions: bool,
    /// Pairs that its user attached: at most 16, keys of 64 and values of 512
    /// characters.
    pub metadata: BTreeMap<String, String>,
    /// Whether it is kept at the top of lists.
    pub pinned_at: Option<Timestamp>,
    /// How many messages were ever added; the position of the last one.
    pub last_position: u64,
    /// How many messages it has.
    pub message_count: u64,
    /// The model that answered last.
    pub last_model: Option<String>,
    /// What was said so far in few words, if it was ever summed up.
    pub summary: Option<ThreadSummary>,
    /// The run that is answering in it now.
    pub active_run: Option<RunId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When something was last said.
    pub last_message_at: Option<Timestamp>,
    /// Counts changes; a stale update conflicts.
    pub revision: i64,
}

/// Characters of a title that is made of what was said first.
const TITLE_CHARS: usize = 60;

impl Thread {
    /// Whether its user finds it in lists.
    #[must_use]
    pub const fn is_listed(&self) -> bool {
        self.visible && !self.drafts_instructions
    }

    /// The items as its next messages: input to `run` or made by it, or by nobody but
    /// the user. What a model thought is not kept.
    pub fn say(
        &mut self,
        items: impl Iterator<Item = Item>,
        run: Option<RunId>,
        now: Timestamp,
        mut fresh: impl FnMut() -> MessageId,
    ) -> Vec<Message> {
        let kept = items.filter(|item| !matches!(item, Item::Reasoning(_)));
        let messages: Vec<Message> = kept
            .map(|item| {
                self.last_position += 1;
                self.message_count += 1;
                Message {
                    id: fresh(),
                    organization: self.organization,
                    thread: self.id,
                    position: self.last_position,
                    item,
                    run,
                    created_at: now,
                }
            })
            .collect();
        self.updated_at = now;
        if !messages.is_empty() {
            self.last_message_at = Some(now);
        }
        messages
    }

    /// Has it called what the user said first, unless it is called something.
    pub fn title_by(&mut self, items: &[Item]) {
        if self.title.is_none() {
            self.title = title_of(items);
        }
    }

    /// Counts a message less; what sums it up is forgotten with it.
    pub fn forget(&mut self, position: u64, now: Timestamp) {
        self.message_count = self.message_count.saturating_sub(1);
        let tells = |summary: &ThreadSummary| (summary.from..=summary.until).contains(&position);
        self.summary = self.summary.take().filter(|summary| !tells(summary));
        self.updated_at = now;
    }
}

/// The beginning of the first thing that the user said.
fn title_of(items: &[Item]) -> Option<String> {
    let text = items.iter().find_map(|item| match item {
        Item::Message { role: MessageRole::User, parts } => {
            parts.iter().find_map(|part| match part {
                Part::Text { text } if !text.trim().is_empty() => Some(text),
                _ => None,
            })
        }
        _ => None,
    })?;
    let line = text.trim().lines().next().unwrap_or_default().trim();
    let short: String = line.chars().take(TITLE_CHARS).collect();
    let is_cut = short.len() < line.len();
    Some(if is_cut { format!("{}…", short.trim_end()) } else { short })
}

/// Messages in few words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadSummary {
    /// The words.
    pub text: String,
    /// The position of the first message that is summed up.
    pub from: u64,
    /// The position of the last message that is summed up.
    pub until: u64,
}

/// An item of a thread.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Its identifier.
    pub id: MessageId,
    /// The organization of the thread.
    pub organization: OrganizationId,
    /// The thread.
    pub thread: ThreadId,
    /// Its place in the thread, from 1, without gaps only where nothing was removed.
    pub position: u64,
    /// What was said or done.
    pub item: Item,
    /// The run that it was input to or that made it.
    pub run: Option<RunId>,
    /// When it was added.
    pub created_at: Timestamp,
}

words!(
    /// Which way to read a list.
    Order {
        /// Oldest first.
        Ascending = "asc",
        /// Newest first.
        Descending = "desc",
    }
);

/// Something that an assistant remembers of a user from one thread to the next
/// (reference §3.9).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Its identifier.
    pub id: MemoryId,
    /// The organization of the user.
    pub organization: OrganizationId,
    /// The live assistant that remembers.
    pub assistant: AssistantId,
    /// Who it is about; nobody else is told.
    pub user: UserId,
    /// A sentence, at most 500 characters.
    pub text: String,
    /// The thread that it comes from.
    pub thread: Option<ThreadId>,
    /// When it was noted.
    pub created_at: Timestamp,
}
