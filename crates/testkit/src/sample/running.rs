//! What assistants answer: threads, memories, runs, and automations that they run.

use std::collections::BTreeMap;

use serde_json::{Map, json};
use time::Duration;
use understudy_domain::{
    Approval, Assistant, Automation, Execution, Memory, Message, OrganizationId, Run, RunEvent,
    Thread,
    assistant::content::MessageRole,
    automation::{ExecutionState, Trigger},
    budget::{BudgetSubject, SpendingKey},
    conversation::{Item, ToolCall},
    ports::SpendingChange,
    run::{ApprovalState, EventData, Outcome, RunCredential, RunRequest, RunStatus, names},
};

use super::{id, instant};

/// Thread `n` of user 1 of organization 1, in which nothing was said.
#[must_use]
pub fn thread(n: u32) -> Thread {
    Thread {
        id: id(n),
        organization: id(1),
        user: id(1),
        assistant: None,
        title: Some(format!("Thread {n}")),
        visible: true,
        metadata: BTreeMap::new(),
        drafts_instructions: false,
        pinned_at: None,
        last_position: 0,
        message_count: 0,
        last_model: None,
        summary: None,
        active_run: None,
        created_at: instant(n),
        updated_at: instant(n),
        last_message_at: None,
        revision: 1,
    }
}

/// Message `n` of `thread`, which its user said in the place with the same number.
#[must_use]
pub fn message(n: u32, thread: &Thread) -> Message {
    Message {
        id: id(n),
        organization: thread.organization,
        thread: thread.id,
        position: u64::from(n),
        item: Item::text(MessageRole::User, format!("Message {n}")),
        run: None,
        created_at: instant(n),
    }
}

/// Memory `n`: what `assistant` remembers of user 1 of organization 1.
#[must_use]
pub fn memory(n: u32, assistant: &Assistant) -> Memory {
    Memory {
        id: id(n),
        organization: id(1),
        assistant: assistant.id,
        user: id(1),
        text: format!("They like the number {n}."),
        thread: None,
        created_at: instant(n),
    }
}

/// Run `n` of user 1 of organization 1, who asked assistant 1 with session 1: queued,
/// and nobody works on it.
#[must_use]
pub fn run(n: u32) -> Run {
    Run {
        id: id(n),
        organization: id(1),
        user: id(1),
        credential: RunCredential::Session(id(1)),
        address: None,
        assistant: id(1),
        lineage: id(1),
        version: 1,
        thread: None,
        visible: true,
        outlives_connection: true,
        request: RunRequest {
            input: vec![Item::text(MessageRole::User, format!("Question {n}"))],
            ..RunRequest::default()
        },
        resumes: None,
        status: RunStatus::Queued,
        outcome: Outcome::default(),
        transcript: Vec::new(),
        heard: Vec::new(),
        lease: None,
        cancel_requested_at: None,
        reserved_tokens: 0,
        created_at: instant(n),
        started_at: None,
        finished_at: None,
        revision: 1,
    }
}

/// Approval `n`: a call of `run` that waits for its user for an hour.
#[must_use]
pub fn approval(n: u32, run: &Run) -> Approval {
    Approval {
        id: id(n),
        organization: run.organization,
        run: run.id,
        user: run.user,
        call: ToolCall {
            id: format!("call_{n}"),
            name: "weather__forecast".to_owned(),
            arguments: json!({ "days": n }).to_string(),
        },
        server_label: "weather".to_owned(),
        tool: "forecast".to_owned(),
        pin: format!("pin-{n}"),
        state: ApprovalState::Pending,
        reason: None,
        created_at: instant(n),
        expires_at: instant(n).plus(Duration::HOUR),
        decided_at: None,
    }
}

/// Event `sequence` of a run: more of the answer's text.
#[must_use]
pub fn told(sequence: u64) -> RunEvent {
    let data = EventData::delta(&format!("piece {sequence} "));
    RunEvent::new(sequence, names::CONTENT_DELTA, data)
}

/// Automation `n` of organization 1, made by user 1.
#[must_use]
pub fn automation(n: u32) -> Automation {
    let schema = json!({ "type": "object", "properties": { "days": { "type": "integer" } } });
    Automation {
        id: id(n),
        organization: id(1),
        name: format!("Automation {n}"),
        description: Some(format!("What automation {n} does")),
        url: format!("https://automations.example.com/{n}"),
        parameters: schema.as_object().cloned().unwrap_or_default(),
        secret: n.to_be_bytes().into_iter().chain([0, 0xff, 0x80]).collect(),
        timeout_seconds: 30,
        is_active: true,
        created_by: id(1),
        created_at: instant(n),
        updated_at: instant(n),
        revision: 1,
    }
}

/// Execution `n` of `automation`, begun for its maker.
#[must_use]
pub fn execution(n: u32, automation: &Automation) -> Execution {
    Execution {
        id: id(n),
        organization: automation.organization,
        automation: automation.id,
        trigger: Trigger::Assistant,
        user: automation.created_by,
        run: None,
        parameters: Map::from_iter([("days".to_owned(), n.into())]),
        state: ExecutionState::Running,
        result: None,
        error: None,
        started_at: instant(n),
        finished_at: None,
    }
}

/// The whole organization's spending in month `n` of 2026.
#[must_use]
pub fn budget_month(n: u32) -> SpendingKey {
    SpendingKey {
        subject: BudgetSubject::Organization,
        id: "organization".to_owned(),
        period: format!("2026-{n:02}"),
    }
}

/// That `tokens` were spent under a key of organization 1.
#[must_use]
pub fn spent(key: SpendingKey, tokens: i64) -> Spent {
    let change = SpendingChange { tokens, ..SpendingChange::default() };
    Spent { organization: id(1), key, change }
}

/// Something that an organization spent.
#[derive(Clone, Debug)]
pub struct Spent {
    /// Which organization.
    pub organization: OrganizationId,
    /// Under which key.
    pub key: SpendingKey,
    /// How much.
    pub change: SpendingChange,
}
