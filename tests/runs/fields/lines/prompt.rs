//! What is said before the conversation, and the tools.

use serde_json::json;
use understudy_testkit::sample;

use super::{Line, Seen, all, elsewhere, is_emulated, line, said, text};
use crate::{
    fields::show::Show::{Absent, Emulated, Says, Sent},
    stage::server,
};

/// What is said before the conversation, and how much of that.
pub(super) fn prompt() -> Vec<Line> {
    let opens = "The shop opens at nine.";
    let tells = |seen: &Seen| text(seen).contains("opens at nine");
    let rule = sample::rule(1).id.to_string();
    vec![
        line(
            "instructions",
            json!({"instructions": opens}),
            said(opens, vec![Emulated("answered from", tells)]),
        ),
        line(
            "system_message",
            json!({"system_message": [{"texts": [opens]}]}),
            said(opens, vec![Emulated("answered from", tells)]),
        ),
        line(
            "rule_ids",
            json!({"rule_ids": [rule]}),
            said(
                "Keep rule 1.",
                vec![Emulated("held", |seen| seen.ran.run.outcome.rules.len() == 1)],
            ),
        ),
        elsewhere("context_strategy", "without_context_one_message_of_the_user_is_sent"),
        line(
            "context_window",
            json!({"context_window": 20, "max_completion_tokens": 10}),
            all(|| {
                Emulated("refused as too long", |seen| {
                    seen.request.is_none() && seen.ran.failure() == Some("context_length_exceeded")
                })
            }),
        ),
        elsewhere("memory_enabled", "what_is_remembered_of_a_user_is_said_in_their_next_thread"),
        line(
            "vector_store_ids",
            json!({"vector_store_ids": ["vs_1"]}),
            all(|| {
                Emulated("told to be out of reach", |seen| {
                    seen.ran.action("vector_store_ids") == Some("unavailable")
                })
            }),
        ),
    ]
}

pub(super) fn tools() -> Vec<Line> {
    let offered = || vec![Says("/tools", "box__look")];
    let none = || {
        vec![Emulated("without tools", |seen| {
            seen.request.as_ref().is_none_or(|request| request.tools().is_empty())
        })]
    };
    vec![
        line(
            "tool_configurations",
            json!({"tool_configurations": server()}),
            [offered(), offered(), offered(), offered(), offered(), vec![Absent("/tools")]],
        ),
        elsewhere(
            "tool_capabilities",
            "a_tool_that_is_off_is_not_offered_and_a_forged_call_not_run",
        ),
        line(
            "max_tool_calls",
            json!({"max_tool_calls": 0, "tool_configurations": server()}),
            [none(), none(), none(), none(), none(), none()],
        ),
        line(
            "parallel_tool_calls",
            json!({"parallel_tool_calls": false}),
            [
                vec![Sent("/parallel_tool_calls", json!(false))],
                vec![Sent("/parallel_tool_calls", json!(false))],
                vec![Sent("/parallel_tool_calls", json!(false))],
                vec![Sent("/tool_choice/disable_parallel_tool_use", json!(true))],
                vec![Emulated("told", |seen| is_emulated(seen, "parallel_tool_calls"))],
                vec![Absent("/parallel_tool_calls")],
            ],
        )
        .with(json!({"tool_configurations": server()})),
    ]
}
