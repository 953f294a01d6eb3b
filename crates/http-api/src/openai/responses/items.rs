//! What a response was asked, as items of this dialect.

use serde_json::{Value, json};
use understudy_domain::{
    conversation::Item,
    run::{DecidedCall, Run},
};

use crate::openai::items;

/// The rest of a run's id, of which other ids are made.
pub(super) fn stem(run: &Run) -> String {
    let id = run.id.to_string();
    id.strip_prefix("resp_").unwrap_or(&id).to_owned()
}

/// What a run was asked, in order.
pub(super) fn of_input(run: &Run) -> Vec<Value> {
    let stem = stem(run);
    let said = |(number, item): (usize, &Item)| {
        let prefix = match item {
            Item::Message { .. } => "msg",
            Item::ToolCall(_) => "fc",
            Item::ToolResult(_) => "fco",
            Item::Reasoning(_) => return None,
        };
        items::told(item, &format!("{prefix}_{stem}_i{number}"))
    };
    let decided = |(number, decided): (usize, &DecidedCall)| {
        json!({
            "type": "mcp_approval_response",
            "id": format!("mcpr_{stem}_i{number}"),
            "approval_request_id": decided.approval,
            "approve": decided.decision.approve,
            "reason": decided.decision.reason,
        })
    };
    let asked = run.request.input.iter().enumerate().filter_map(said);
    asked.chain(run.request.decisions.iter().enumerate().map(decided)).collect()
}
