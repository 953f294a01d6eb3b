//! What happens in a run, as its followers are told (reference §4).

use serde_json::{Map, Value};

/// Something that happened in a run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunEvent {
    /// Its number in the run, from 1; later ones have higher numbers.
    pub sequence: u64,
    /// Which kind of event: one of [`names`].
    pub name: String,
    /// What it tells, without `event` and `sequence`.
    pub data: Map<String, Value>,
}

impl RunEvent {
    /// Whether a stream ends with it. One that tells of a pause is followed by
    /// others once the run goes on.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        names::TERMINAL.contains(&self.name.as_str())
    }
}

/// The kinds of events.
pub mod names {
    /// The run was taken in: `status`, `thread_id`.
    pub const PROCESSING: &str = "response.processing";
    /// It began: `status`, `response_id`, `thread_id`, `user_id`, `organization_id`,
    /// `user_message_id`, `assistant_id`, `assistant_version`, `model`, `provider`,
    /// `is_summarized`, `notices`.
    pub const CREATED: &str = "response.created";
    /// More of the answer's text: `delta`, and `refusal: true` where the model
    /// declines.
    pub const CONTENT_DELTA: &str = "response.content_delta";
    /// The text so far is taken back (a repair begins anew): `reason`.
    pub const CONTENT_RESET: &str = "response.content_reset";
    /// The model began to think: nothing.
    pub const REASONING_STARTED: &str = "response.reasoning.started";
    /// More of what may be told of it: `delta`.
    pub const REASONING_DELTA: &str = "response.reasoning.delta";
    /// It ended: nothing.
    pub const REASONING_COMPLETED: &str = "response.reasoning.completed";
    /// The model calls a tool of the caller: `call_id`, `name`, `delta` of the
    /// arguments.
    pub const TOOL_ARGUMENTS_DELTA: &str = "response.tool_call.arguments_delta";
    /// A tool of the caller was called; the run ends with `tool_use`: `call_id`,
    /// `tool`, `arguments`.
    pub const TOOL_REQUESTED: &str = "response.tool_call.requested";
    /// A tool is being run: `call_id`, `tool`, `server_label`, `arguments`.
    pub const TOOL_STARTED: &str = "response.tool_call.started";
    /// It was run: `call_id`, `tool`, `success`, `result`, `sources`,
    /// `execution_time_ms`.
    pub const TOOL_COMPLETED: &str = "response.tool_call.completed";
    /// It failed or was refused: as above, `error`.
    pub const TOOL_FAILED: &str = "response.tool_call.failed";
    /// A call waits for approval: `approval_request` `{id, server_label, name,
    /// arguments, expires_at}`.
    pub const APPROVAL_REQUIRED: &str = "response.approval_required";
    /// A decision came: `approval_request_id`, `approve`, `reason`.
    pub const APPROVAL_DECIDED: &str = "response.approval_decided";
    /// Something was kept back: `stage`, `action`, `category`.
    pub const MODERATED: &str = "response.moderated";
    /// A setting was not honoured as it stands: `field`, `reason`, `action`.
    pub const NOTICE: &str = "response.notice";
    /// A dispatcher chose: `assistant_id`, `name`, `reason`.
    pub const HANDED_OVER: &str = "response.handed_over";
    /// The run ended, or waits for approval: the response.
    pub const COMPLETED: &str = "response.completed";
    /// It failed: the response, `message`, `code`.
    pub const FAILED: &str = "response.failed";
    /// It was stopped: the response, `cancel_mode`.
    pub const CANCELLED: &str = "response.cancelled";

    /// Those that streams end with.
    pub const TERMINAL: [&str; 3] = [COMPLETED, FAILED, CANCELLED];
}
