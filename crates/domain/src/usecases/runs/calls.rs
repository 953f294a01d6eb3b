//! Running the tools that a model calls.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{allowance, rights, scene::Scene, tool, working::Working};
use crate::{
    conversation::{Item, ToolCall, ToolResult},
    run::{
        Citation, ToolRecord, names,
        tools::{OfferedTool, ToolOrigin},
    },
    usecases::Error,
};

/// What a tool did.
#[derive(Default)]
pub(super) struct Done {
    /// As the model reads it.
    pub(super) text: String,
    /// As the caller sees it, where they may.
    pub(super) shown: Option<Value>,
    /// What an answer may draw on.
    pub(super) citations: Vec<Citation>,
    /// Addresses of pictures that were made.
    pub(super) images: Vec<String>,
}

impl Done {
    /// A text that both read.
    pub(super) fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { shown: Some(text.clone().into()), text, ..Self::default() }
    }
}

/// What a tool did not do, for the model and for people.
pub(super) type Failed = String;

/// Runs calls, at the same time where that is wanted, and notes their results in the
/// order of the calls.
pub(super) async fn run_all(
    working: &Working<'_>,
    scene: &Scene,
    calls: &[(ToolCall, OfferedTool)],
) {
    let results: Vec<ToolResult> = if scene.plan.settings.parallel_tool_calls {
        join_all(calls.iter().map(|(call, tool)| run_one(working, scene, call, tool))).await
    } else {
        let mut results = Vec::with_capacity(calls.len());
        for (call, tool) in calls {
            results.push(run_one(working, scene, call, tool).await);
        }
        results
    };
    working.said(results.into_iter().map(Item::ToolResult));
}

/// Notes that a call is not run, and why.
pub(super) async fn refuse(
    working: &Working<'_>,
    call: &ToolCall,
    tool: Option<&OfferedTool>,
    reason: &str,
) {
    let now = working.run.deps.clock.now();
    let record = ToolRecord {
        call_id: call.id.clone(),
        tool: call.name.clone(),
        server_label: tool.and_then(label_of),
        arguments: arguments_of(call),
        success: false,
        result: None,
        error: Some(reason.to_owned()),
        started_at: now,
        execution_time_ms: 0,
    };
    tell_end(working, &record).await;
    working.with(|run| run.outcome.tool_calls.push(record));
    let content = reason.to_owned();
    let result = ToolResult { call_id: call.id.clone(), content, is_error: true };
    working.said([Item::ToolResult(result)]);
}

async fn run_one(
    working: &Working<'_>,
    scene: &Scene,
    call: &ToolCall,
    tool: &OfferedTool,
) -> ToolResult {
    let clock = working.run.deps.clock;
    let started_at = clock.now();
    let begun = json!({
        "call_id": call.id,
        "tool": call.name,
        "server_label": label_of(tool),
        "arguments": arguments_of(call),
    });
    working.tell(names::TOOL_STARTED, begun).await;

    let done = perform(working, scene, call, tool).await;

    let elapsed = clock.now().since(started_at).whole_milliseconds();
    let (success, text) = match &done {
        Ok(done) => (true, done.text.clone()),
        Err(reason) => (false, format!("The tool failed: {reason}")),
    };
    let (result, error) = match &done {
        Ok(done) => (done.shown.clone(), None),
        Err(reason) => (None, Some(reason.clone())),
    };
    let record = ToolRecord {
        call_id: call.id.clone(),
        tool: call.name.clone(),
        server_label: label_of(tool),
        arguments: arguments_of(call),
        success,
        result,
        error,
        started_at,
        execution_time_ms: u64::try_from(elapsed).unwrap_or(0),
    };
    tell_end(working, &record).await;
    working.with(|run| {
        run.outcome.tool_calls.push(record);
        if let Ok(done) = done {
            run.outcome.citations.extend(done.citations);
            run.outcome.images.extend(done.images);
        }
    });
    ToolResult { call_id: call.id.clone(), content: text, is_error: !success }
}

/// Runs a tool, if its user still may.
async fn perform(
    working: &Working<'_>,
    scene: &Scene,
    call: &ToolCall,
    tool: &OfferedTool,
) -> Result<Done, Failed> {
    let deps = working.run.deps;
    let Some(state) = working.snapshot() else {
        return Err("the response is over".to_owned());
    };
    let caller = rights::caller_of(&deps, &state).await;
    let allowed = match &caller {
        Ok(caller) => rights::runnable(&deps, caller, scene.view.record.assistant.id).await,
        Err(_) => return Err("the user may not do this any more".to_owned()),
    };
    if allowed.is_err() {
        return Err("the user may not do this any more".to_owned());
    }
    match allowance::require(working, scene).await {
        Ok(()) => {}
        Err(Error::BudgetExceeded { .. }) => return Err("its budget is used up".to_owned()),
        Err(error) => {
            tracing::error!(%error, "a budget could not be read");
            return Err("the server could not do it".to_owned());
        }
    }
    let Some(arguments) = call.object() else {
        return Err("the arguments must be a JSON object".to_owned());
    };
    tool::perform(working, scene, tool, arguments).await
}

async fn tell_end(working: &Working<'_>, record: &ToolRecord) {
    let data = serde_json::to_value(record).unwrap_or_default();
    let name = if record.success { names::TOOL_COMPLETED } else { names::TOOL_FAILED };
    working.tell(name, data).await;
}

fn label_of(tool: &OfferedTool) -> Option<String> {
    match &tool.origin {
        ToolOrigin::Mcp { label, .. } => Some(label.clone()),
        _ => None,
    }
}

/// The arguments as JSON; as a text where they are none.
fn arguments_of(call: &ToolCall) -> Value {
    call.object().map_or_else(|| call.arguments.clone().into(), Value::Object)
}
