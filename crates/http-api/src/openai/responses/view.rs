//! A run as the response of this dialect.

use serde_json::{Map, Value, json};
use understudy_domain::{
    Approval, Timestamp,
    chat::ToolChoice,
    conversation::ToolCall,
    run::{CallerTool, Outcome, Overrides, RequestFormat, Run, RunStatus, RunUsage, StopReason},
};

use super::items::{id_of_answer, id_of_call, stem};
use crate::openai::{annotations, conversations, told};

/// The response object with these items.
pub(super) fn response(run: &Run, model: &str, output: &[Value]) -> Value {
    let (request, outcome) = (&run.request, &run.outcome);
    let Overrides { temperature, top_p, max_completion_tokens, max_tool_calls, .. } =
        request.overrides;
    let mut response = json!({
        "id": run.id,
        "object": "response",
        "created_at": run.created_at.unix_seconds(),
        "completed_at": run.finished_at.map(Timestamp::unix_seconds),
        "status": status(run),
        "background": false,
        "error": error(run),
        "incomplete_details": incomplete(outcome).map(|reason| json!({ "reason": reason })),
        "instructions": request.instructions,
        "max_output_tokens": max_completion_tokens,
        "max_tool_calls": max_tool_calls,
        "metadata": request.metadata,
        "model": model,
        "output": output,
        "parallel_tool_calls": request.overrides.parallel_tool_calls.unwrap_or(true),
        "previous_response_id": request.previous,
        "temperature": temperature,
        "top_p": top_p,
        "usage": (!run.status.is_active()).then(|| usage(&outcome.usage)),
        "understudy": told(run),
    });
    if let Some(response) = response.as_object_mut() {
        response.extend(asked(run));
    }
    response
}

/// What was asked, told once more.
fn asked(run: &Run) -> Map<String, Value> {
    let Overrides { reasoning_effort, reasoning_summary, verbosity, format, .. } =
        &run.request.overrides;
    let effort = reasoning_effort.map(|effort| match effort.as_str() {
        "off" => "none",
        "maximum" => "xhigh",
        other => other,
    });
    let conversation = run
        .thread
        .filter(|_| run.visible)
        .map(|thread| json!({ "id": conversations::id_of(thread) }));
    let truncation =
        if run.request.overrides.truncation == Some(false) { "disabled" } else { "auto" };
    let tools: Vec<Value> = run.request.tools.iter().map(tool).collect();
    let pairs = [
        ("conversation", json!(conversation)),
        ("reasoning", json!({ "effort": effort, "summary": reasoning_summary })),
        ("service_tier", json!(run.outcome.service_tier)),
        ("store", json!(run.visible)),
        ("text", json!({ "format": form(format.as_ref()), "verbosity": verbosity })),
        ("tool_choice", tool_choice(run.request.tool_choice.as_ref())),
        ("tools", json!(tools)),
        ("top_logprobs", json!(run.request.overrides.top_logprobs)),
        ("truncation", truncation.into()),
    ];
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn tool(tool: &CallerTool) -> Value {
    let CallerTool { name, description, parameters, strict } = tool;
    json!({
        "type": "function",
        "name": name,
        "description": description,
        "parameters": parameters,
        "strict": strict.unwrap_or(false),
    })
}

fn tool_choice(choice: Option<&ToolChoice>) -> Value {
    match choice {
        None | Some(ToolChoice::Auto) => "auto".into(),
        Some(ToolChoice::None) => "none".into(),
        Some(ToolChoice::Required) => "required".into(),
        Some(ToolChoice::Named(name)) => json!({ "type": "function", "name": name }),
    }
}

fn form(format: Option<&RequestFormat>) -> Value {
    match format {
        None | Some(RequestFormat::Text | RequestFormat::Plain) => json!({ "type": "text" }),
        Some(RequestFormat::JsonObject) => json!({ "type": "json_object" }),
        Some(RequestFormat::JsonSchema { name, description, schema, strict }) => json!({
            "type": "json_schema",
            "name": name,
            "description": description,
            "schema": schema,
            "strict": strict.unwrap_or(false),
        }),
        Some(RequestFormat::NamedSchema { name }) => {
            json!({ "type": "json_schema", "name": name, "schema": {} })
        }
    }
}

/// How far it has come, in words of this dialect.
pub(super) fn status(run: &Run) -> &'static str {
    match run.status {
        RunStatus::Queued => "queued",
        RunStatus::InProgress => "in_progress",
        RunStatus::Failed => "failed",
        RunStatus::Cancelled => "cancelled",
        RunStatus::Waiting | RunStatus::Completed => match incomplete(&run.outcome) {
            Some(_) => "incomplete",
            None => "completed",
        },
    }
}

fn incomplete(outcome: &Outcome) -> Option<&'static str> {
    match outcome.stop_reason? {
        StopReason::MaxTokens => Some("max_output_tokens"),
        StopReason::ContentFilter => Some("content_filter"),
        StopReason::EndTurn
        | StopReason::ToolUse
        | StopReason::StopSequence
        | StopReason::Refusal
        | StopReason::ApprovalRequired
        | StopReason::SchemaValidationFailed
        | StopReason::Cancelled
        | StopReason::Error => None,
    }
}

fn error(run: &Run) -> Option<Value> {
    let failure = run.outcome.failure.as_ref()?;
    let code = match failure.code.as_str() {
        "provider_busy" | "budget_exceeded" => "rate_limit_exceeded",
        _ => "server_error",
    };
    Some(json!({ "code": code, "message": failure.message }))
}

fn usage(usage: &RunUsage) -> Value {
    json!({
        "input_tokens": usage.input_tokens,
        "input_tokens_details": { "cached_tokens": usage.cached_tokens, "cache_write_tokens": 0 },
        "output_tokens": usage.output_tokens,
        "output_tokens_details": { "reasoning_tokens": usage.reasoning_tokens },
        "total_tokens": usage.total_tokens(),
    })
}

/// Whether nothing was said, since the answer is calls, or is none yet.
pub(super) fn is_silent(run: &Run) -> bool {
    let outcome = &run.outcome;
    let calls = !outcome.requested_calls.is_empty()
        || outcome.stop_reason == Some(StopReason::ApprovalRequired);
    outcome.text.is_empty() && (run.status != RunStatus::Completed || calls)
}

/// What was answered, as items.
pub(super) fn output(run: &Run, approvals: &[Approval]) -> Vec<Value> {
    let (stem, outcome) = (stem(run), &run.outcome);
    let mut output = Vec::new();
    if !outcome.reasoning.is_empty() {
        output.push(reasoning(&format!("rs_{stem}"), &outcome.reasoning, true));
    }
    if !is_silent(run) {
        let part = part(outcome.refused, &outcome.text, run);
        output.push(message(&id_of_answer(run.id), &[part], status(run)));
    }
    let calls = outcome.requested_calls.iter();
    output.extend(calls.map(|call| function_call(&id_of_call(run.id, call), call, true)));
    output.extend(approvals.iter().map(approval));
    output
}

/// Thoughts, as far as they may be told.
pub(super) fn reasoning(id: &str, text: &str, is_done: bool) -> Value {
    let summary: Vec<Value> =
        is_done.then(|| json!({ "type": "summary_text", "text": text })).into_iter().collect();
    json!({ "type": "reasoning", "id": id, "summary": summary, "encrypted_content": null })
}

/// What the assistant said.
pub(super) fn message(id: &str, content: &[Value], status: &str) -> Value {
    let status = match status {
        "completed" | "in_progress" => status,
        _ => "incomplete",
    };
    json!({
        "type": "message",
        "id": id,
        "role": "assistant",
        "status": status,
        "content": content,
    })
}

/// A text or a refusal, with all that belongs to it.
pub(super) fn part(is_refusal: bool, text: &str, run: &Run) -> Value {
    if is_refusal {
        return json!({ "type": "refusal", "refusal": text });
    }
    let wants_logprobs = run.request.include.contains("message.logprobs");
    let logprobs = if wants_logprobs { run.outcome.logprobs.as_slice() } else { &[] };
    json!({
        "type": "output_text",
        "text": text,
        "annotations": annotations::of_response(&run.outcome),
        "logprobs": logprobs,
    })
}

/// A call that the caller is to run.
pub(super) fn function_call(id: &str, call: &ToolCall, is_done: bool) -> Value {
    json!({
        "type": "function_call",
        "id": id,
        "call_id": call.id,
        "name": call.name,
        "arguments": call.arguments,
        "status": if is_done { "completed" } else { "in_progress" },
    })
}

/// A call that waits for somebody, or waited.
pub(super) fn approval(approval: &Approval) -> Value {
    json!({
        "type": "mcp_approval_request",
        "id": approval.id,
        "server_label": approval.server_label,
        "name": approval.tool,
        "arguments": approval.call.arguments,
    })
}
