//! What assistants remember of the caller.

use actix_web::http::Method;
use serde::Serialize;
use understudy_domain::{AssistantId, Memory, MemoryId, ThreadId, Timestamp, usecases::memories};
use utoipa::ToSchema;

use crate::{
    answer::{self, Answer},
    call::Call,
    endpoint::Endpoint,
    openapi::Doc,
};

const ALL: &str = "/api/assistants/{id}/memories";
const ONE: &str = "/api/assistants/{id}/memories/{memoryId}";

/// Something that an assistant remembers of the caller.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Memory)]
pub(crate) struct MemoryView {
    /// Its identifier.
    #[schema(value_type = String, example = "mem_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    id: MemoryId,
    /// The live assistant that remembers.
    #[schema(value_type = String, example = "asst_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    assistant_id: AssistantId,
    /// What it remembers.
    #[schema(example = "Works in Lisbon.")]
    text: String,
    /// The thread that it comes from, if it is known.
    #[schema(value_type = Option<String>, example = "thread_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    thread_id: Option<ThreadId>,
    /// When it was noted.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T12:00:00Z")]
    created_at: Timestamp,
}

impl From<Memory> for MemoryView {
    fn from(memory: Memory) -> Self {
        Self {
            id: memory.id,
            assistant_id: memory.assistant,
            text: memory.text,
            thread_id: memory.thread,
            created_at: memory.created_at,
        }
    }
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, ALL, list_memories, |doc: Doc| {
            doc.op("threads", "listMemories", "List what an assistant remembers of one")
                .about("Newest first; a draft remembers what its live assistant does. Nobody sees what is remembered of somebody else. Needs view access.")
                .json(200, "The memories.", "MemoryList")
                .needs_seat()
        }),
        Endpoint::new(Method::DELETE, ALL, delete_memories, |doc: Doc| {
            doc.op("threads", "deleteMemories", "Make an assistant forget all it remembers of one")
                .about("Also when there is nothing. Needs view access.")
                .empty(204, "It is forgotten.")
                .needs_seat()
        }),
        Endpoint::new(Method::DELETE, ONE, delete_memory, |doc: Doc| {
            doc.op("threads", "deleteMemory", "Make an assistant forget something")
                .about("Something of one's own. Needs view access.")
                .empty(204, "It is forgotten.")
                .needs_seat()
        }),
    ]
}

async fn list_memories(call: Call) -> Answer {
    let all = memories::list_memories(call.deps(), &call.caller, call.path("id")).await?;
    answer::ok(&all.into_iter().map(MemoryView::from).collect::<Vec<_>>())
}

async fn delete_memories(call: Call) -> Answer {
    memories::delete_memories(call.deps(), &call.caller, call.path("id")).await?;
    answer::gone()
}

async fn delete_memory(call: Call) -> Answer {
    let id = call.id("memoryId", "memory")?;
    memories::delete_memory(call.deps(), &call.caller, call.path("id"), id).await?;
    answer::gone()
}
