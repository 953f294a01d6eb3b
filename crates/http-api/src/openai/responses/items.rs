//! What a response was asked, as items of this dialect.

use serde_json::{Value, json};
use understudy_domain::{
    RunId,
    conversation::{Item, ToolCall},
    run::{
        DecidedCall, Run,
        naming::{answer_id, call_id, input_id},
    },
};

use crate::openai::items;

/// The rest of a run's id, of which other ids are made.
pub(super) fn stem(run: &Run) -> String {
    let id = run.id.to_string();
    id.strip_prefix("resp_").unwrap_or(&id).to_owned()
}

/// What the answer of a run is called, here and in its conversation.
pub(super) fn id_of_answer(run: RunId) -> String {
    answer_id(run).to_string()
}

/// What a call is called that the caller of a run is to run.
pub(super) fn id_of_call(run: RunId, call: &ToolCall) -> String {
    items::id_of(&Item::ToolCall(call.clone()), call_id(run, &call.id))
}

/// What a run was asked, in order: decisions come first, what is said is said behind
/// what they came to.
pub(super) fn of_input(run: &Run) -> Vec<Value> {
    let stem = stem(run);
    let decided = |(number, decided): (usize, &DecidedCall)| {
        json!({
            "type": "mcp_approval_response",
            "id": format!("mcpr_{stem}_i{number}"),
            "approval_request_id": decided.approval,
            "approve": decided.decision.approve,
            "reason": decided.decision.reason,
        })
    };
    let said = |(number, item)| items::told(item, input_id(run.id, number));
    let decisions = run.request.decisions.iter().enumerate().map(decided);
    decisions.chain(run.request.input.iter().enumerate().filter_map(said)).collect()
}
