//! Calls that wait for a person: the run stops, and goes on where it stopped once
//! all of them are decided.

use serde_json::json;
use time::Duration;

use super::{
    calls, ending::Ending, execute::hand_back, resuming, scene::Scene, superseding::unanswered,
    working::Working,
};
use crate::{
    Approval,
    conversation::{Item, ToolCall},
    run::{
        ApprovalState, names,
        tools::{OfferedTool, ToolOrigin},
    },
    usecases::{Error, Result, support::fresh},
};

/// How long a person has to decide (reference §3.3).
pub const APPROVAL_LIFETIME: Duration = Duration::hours(24);

/// The ending of a run that waits for approval of these calls.
pub(super) async fn pause(working: &Working<'_>, pending: &[(ToolCall, OfferedTool)]) -> Ending {
    let deps = working.run.deps;
    let now = deps.clock.now();
    let Some(state) = working.snapshot() else {
        return Ending::Paused(Vec::new());
    };
    let mut approvals = Vec::with_capacity(pending.len());
    for (call, tool) in pending {
        let (server_label, name) = match &tool.origin {
            ToolOrigin::Mcp { label, tool } => (label.clone(), tool.clone()),
            _ => ("skill".to_owned(), call.name.clone()),
        };
        let approval = Approval {
            id: fresh(&deps),
            organization: state.organization,
            run: state.id,
            user: state.user,
            call: call.clone(),
            server_label,
            tool: name,
            pin: tool.pin.clone(),
            state: ApprovalState::Pending,
            reason: None,
            created_at: now,
            expires_at: now.plus(APPROVAL_LIFETIME),
            decided_at: None,
        };
        approvals.push(approval);
    }
    for approval in &approvals {
        let request = json!({
            "id": approval.id,
            "server_label": approval.server_label,
            "name": approval.tool,
            "arguments": approval.call.arguments,
            "expires_at": approval.expires_at,
        });
        working.tell(names::APPROVAL_REQUIRED, json!({ "approval_request": request })).await;
    }
    Ending::Paused(approvals)
}

/// Goes on where the run paused: runs what was approved, exactly as it was asked for,
/// and tells the model what was not, and then what was asked beside the decisions. Gives an ending when the run cannot go on by
/// itself.
pub(super) async fn resume(working: &Working<'_>, scene: &Scene) -> Result<Option<Ending>> {
    let state = working.snapshot().ok_or(Error::NotFound("response"))?;
    let open = unanswered(&state.transcript);
    if open.is_empty() {
        return Ok(None);
    }
    let store = working.run.deps.store.runs();
    let mut approvals = store.approvals(state.organization, state.id).await?;
    if let Some(resumed) = state.resumes {
        approvals.extend(store.approvals(state.organization, resumed.run).await?);
    }
    let is_answered = |id: &str| {
        let more = resuming::unsaid(&state).iter();
        more.into_iter()
            .any(|item| matches!(item, Item::ToolResult(result) if result.call_id == id))
    };
    let (mut approved, mut requested) = (Vec::new(), Vec::new());
    for call in state.transcript.iter().filter_map(|item| match item {
        Item::ToolCall(call) if open.contains(&call.id) => Some(call),
        _ => None,
    }) {
        let Some(approval) = approvals.iter().find(|approval| approval.call.id == call.id) else {
            if !is_answered(&call.id) {
                requested.push(call.clone());
            }
            continue;
        };
        tell_decision(working, approval).await;
        match judged(scene, approval) {
            Ok(tool) => approved.push((approval.call.clone(), tool.clone())),
            Err(reason) => calls::refuse(working, call, None, &reason).await,
        }
    }
    working.with(|run| run.outcome.stop_reason = None);
    calls::run_all(working, scene, &approved).await;
    working.with(resuming::say_more);
    Ok(hand_back(working, requested).await)
}

async fn tell_decision(working: &Working<'_>, approval: &Approval) {
    let told = json!({
        "approval_request_id": approval.id,
        "approve": approval.state == ApprovalState::Approved,
        "reason": approval.reason,
    });
    working.tell(names::APPROVAL_DECIDED, told).await;
}

/// The tool of an approved call, if it is still what it was when the call was made.
fn judged<'a>(
    scene: &'a Scene,
    approval: &Approval,
) -> std::result::Result<&'a OfferedTool, String> {
    match approval.state {
        ApprovalState::Approved => {}
        ApprovalState::Denied => {
            let reason = approval.reason.as_deref().unwrap_or("no reason was given");
            return Err(format!("The user did not approve this call: {reason}"));
        }
        ApprovalState::Pending | ApprovalState::Expired => {
            return Err("Nobody approved this call in time.".to_owned());
        }
    }
    let tool = scene.offered.iter().find(|tool| tool.spec.name == approval.call.name);
    let tool = tool.ok_or("The tool is not there any more, so the call was not run.")?;
    if tool.pin == approval.pin {
        Ok(tool)
    } else {
        Err("The tool was changed after the call was approved, so it was not run.".to_owned())
    }
}
