//! What the answer looks like, and how long it is.

use serde_json::{Value, json};
use understudy_domain::{chat::Protocol, run::RunStatus};

use super::{
    Line, Seen, choosing, is_emulated, line,
    sampling::{on_responses, thinker},
    sent, text,
};
use crate::fields::show::Show::{Absent, Emulated, Says, Sent, Told};

/// What the answer looks like, and how long it is.
pub(super) fn form() -> Vec<Line> {
    let mut lines = json_lines();
    let ends = |seen: &Seen| {
        let text = text(seen);
        !text.is_empty() && !text.contains("nine") && seen.ran.shown() == text
    };
    let stopped = move || Emulated("stopped", ends);
    let stops = || json!(["nine"]);
    let short = |seen: &Seen| seen.ran.run.outcome.usage.output_tokens <= 3;
    let brief = || {
        vec![
            Emulated("asked in words", |seen| is_emulated(seen, "text_config.verbosity")),
            Says("", "Answer briefly"),
        ]
    };
    lines.extend([
        choosing(
            "stopSequences",
            on_responses("stopSequences", stops()),
            [
                vec![stopped(), Absent("/stop"), Told("stopSequences")],
                vec![stopped(), Sent("/stop", stops())],
                vec![stopped(), Sent("/stop", stops())],
                vec![stopped(), Sent("/stop_sequences", stops())],
                vec![stopped(), Sent("/options/stop", stops())],
                vec![stopped()],
            ],
        )
        .with(json!({"instructions": "The shop opens at nine."}))
        .answering("It opens at nine o'clock."),
        line(
            "max_completion_tokens",
            json!({"max_completion_tokens": 3}),
            sent(
                [
                    "/max_output_tokens",
                    "/max_completion_tokens",
                    "/max_tokens",
                    "/max_tokens",
                    "/options/num_predict",
                ],
                &json!(3),
                vec![Emulated("cut", short)],
            ),
        )
        .with(json!({"instructions": "The shop opens at nine in the morning."})),
        choosing(
            "text_config.verbosity",
            verbosity,
            [
                vec![Sent("/text/verbosity", json!("low"))],
                vec![Sent("/verbosity", json!("low"))],
                brief(),
                brief(),
                brief(),
                vec![Told("text_config.verbosity")],
            ],
        ),
    ]);
    lines
}

fn verbosity(protocol: Protocol) -> Value {
    let mut settings = match protocol {
        Protocol::OpenaiResponses | Protocol::OpenaiChat => thinker(protocol),
        _ => json!({}),
    };
    settings["text_config"] = json!({"verbosity": "low"});
    settings
}

fn json_lines() -> Vec<Line> {
    let schema = || {
        json!({
            "type": "object",
            "properties": {"text": {"type": "string"}},
            "required": ["text"],
            "additionalProperties": false,
        })
    };
    let schemas = json!([{"name": "answer", "schemaObject": schema()}]);
    let is_json = |seen: &Seen| {
        let value: Result<Value, _> = serde_json::from_str(text(seen));
        seen.ran.run.status == RunStatus::Completed && value.is_ok_and(|value| value.is_object())
    };
    let object = || {
        [
            vec![Sent("/text/format/type", json!("json_object")), Says("/instructions", "JSON")],
            vec![Sent("/response_format/type", json!("json_object")), Says("/messages", "JSON")],
            vec![Sent("/response_format/type", json!("json_object")), Says("/messages", "JSON")],
            vec![
                Emulated("asked in words", |seen| is_emulated(seen, "response_format")),
                Says("/system", "JSON"),
            ],
            vec![Sent("/format", json!("json"))],
            vec![Emulated("answered in JSON", is_json)],
        ]
    };
    let fit = "{\"text\":\"x\"}";
    vec![
        line(
            "json_schemas",
            json!({"json_schemas": schemas, "output_mode": "json_schema"}),
            [
                vec![
                    Sent("/text/format/type", json!("json_schema")),
                    Sent("/text/format/name", json!("answer")),
                    Sent("/text/format/schema", schema()),
                    Sent("/text/format/strict", json!(true)),
                ],
                vec![Sent("/response_format/json_schema/schema", schema())],
                vec![Sent("/response_format/json_schema/schema", schema())],
                vec![Sent("/output_config/format/schema", schema())],
                vec![Sent("/format", schema())],
                vec![Emulated("answered in JSON", is_json)],
            ],
        )
        .answering(fit),
        line("output_mode", json!({"output_mode": "json_object"}), object()).answering(fit),
        line("response_format", json!({"response_format": "json_object"}), object()).answering(fit),
    ]
}
