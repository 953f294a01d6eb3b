//! A run as people and programs see it: the response object (reference §1.4), in
//! answers and in the last event of a run.

use serde_json::{Map, Value, json};

use super::{Outcome, Run, RunStatus, RunUsage};
use crate::{Approval, ApprovalId, Timestamp, conversation::ToolCall, run::ApprovalState};

/// What [`RunRequest::include`](super::RunRequest::include) may ask for. All but
/// `all`, `rules` and `message.logprobs` name what a response tells anyhow.
pub const INCLUDES: [&str; 9] = [
    "all",
    "tools.used",
    "web_search.sources",
    "code_interpreter.outputs",
    "file_search.results",
    "message.logprobs",
    "request.logs",
    "usage.detailed",
    "rules",
];

/// The response object of a run with these approvals, of which it tells those that
/// wait.
#[must_use]
pub fn response(run: &Run, approvals: &[Approval]) -> Map<String, Value> {
    let waits = |approval: &&Approval| approval.state == ApprovalState::Pending;
    let pending: Vec<ApprovalId> = approvals.iter().filter(waits).map(|one| one.id).collect();
    let Outcome { failure, .. } = &run.outcome;
    let mut object = Map::new();
    let mut set = |name: &str, value: Value| {
        object.insert(name.to_owned(), value);
    };
    set("id", json!(run.id));
    set("object", "response".into());
    set("created_at", run.created_at.unix_seconds().into());
    set("completed_at", run.finished_at.map(Timestamp::unix_seconds).into());
    set("status", run.status.as_str().into());
    set("assistant_id", json!(run.assistant));
    set("assistant_version", run.version.into());
    set("thread_id", json!(run.thread));
    set("previous_response_id", json!(run.request.previous));
    set("approvals", json!(pending));
    set("metadata", json!(run.request.metadata));
    set("error", failure.as_ref().map(|failure| json!(failure)).into());
    answered(&run.outcome, &mut set);
    included(run, &mut set);
    object
}

/// What the last event of a run tells: the response, and of one that failed why, once
/// more.
#[must_use]
pub fn ended(run: &Run, approvals: &[Approval]) -> Map<String, Value> {
    let mut told = response(run, approvals);
    if let (RunStatus::Failed, Some(failure)) = (run.status, &run.outcome.failure) {
        told.insert("message".to_owned(), failure.message.as_str().into());
        told.insert("code".to_owned(), failure.code.as_str().into());
    }
    told
}

/// What came of it.
fn answered(outcome: &Outcome, set: &mut impl FnMut(&str, Value)) {
    set("model", json!(outcome.model));
    set("provider", json!(outcome.provider));
    set("upstream_model", json!(outcome.upstream_model));
    set("output_text", outcome.text.as_str().into());
    set("response", blocks(outcome).into());
    set("reasoning_content", (!outcome.reasoning.is_empty()).then_some(&*outcome.reasoning).into());
    set("refused", outcome.refused.into());
    set("stop_reason", outcome.stop_reason.map(super::StopReason::as_str).into());
    set("is_summarized", outcome.is_summarized.into());
    set("is_extractive", outcome.is_extractive.into());
    set("tool_calls", json!(outcome.tool_calls));
    set("citations", json!(outcome.citations));
    set("images", json!(outcome.images));
    set("notices", json!(outcome.notices));
    set("usage", usage(&outcome.usage, outcome.service_tier.as_deref()));
    let handed_to = outcome.handed_to.as_ref().map(|to| {
        json!({ "assistant_id": to.assistant, "name": to.name, "assistant_version": to.version })
    });
    set("handed_to", handed_to.into());
}

/// What is told only when the request asked for it.
fn included(run: &Run, set: &mut impl FnMut(&str, Value)) {
    let asked = &run.request.include;
    let wants = |name: &str| asked.contains("all") || asked.contains(name);
    if wants("rules") {
        set("rules", json!(run.outcome.rules));
    }
    if wants("message.logprobs") {
        set("logprobs", json!(run.outcome.logprobs));
    }
}

/// The answer in blocks: its text, then the calls that the caller is to run.
fn blocks(outcome: &Outcome) -> Vec<Value> {
    let text = json!({ "type": "text", "text": outcome.text });
    let has_text = !outcome.text.is_empty() || outcome.requested_calls.is_empty();
    let calls = outcome.requested_calls.iter().map(tool_use);
    has_text.then_some(text).into_iter().chain(calls).collect()
}

fn tool_use(call: &ToolCall) -> Value {
    // Arguments that are no object are told as the model wrote them.
    let input = call.object().map_or_else(|| call.arguments.clone().into(), Value::Object);
    json!({ "type": "tool_use", "id": call.id, "name": call.name, "input": input })
}

/// What a run used.
#[must_use]
pub fn usage(usage: &RunUsage, service_tier: Option<&str>) -> Value {
    json!({
        "input_tokens": usage.input_tokens,
        "cached_tokens": usage.cached_tokens,
        "output_tokens": usage.output_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "total_tokens": usage.total_tokens(),
        "neurons": usage.neurons(),
        "synapses": usage.synapses(),
        "cost_micros": usage.cost_micros,
        "is_estimated": usage.is_estimated,
        "service_tier": service_tier,
    })
}
