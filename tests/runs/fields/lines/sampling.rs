//! How models think, and how they draw tokens.

use serde_json::{Value, json};
use understudy_domain::chat::Protocol;

use super::{Line, all, choosing, line, sent};
use crate::fields::show::Show::{Absent, Emulated, Sent, Told};

/// Models that think, where the usual one does not.
pub(super) fn thinker(protocol: Protocol) -> Value {
    match protocol {
        Protocol::OpenaiResponses => json!({"default_model_key": "gpt-5.2"}),
        Protocol::OpenaiChat => json!({"default_model_key": "gpt-5", "seed": 7}),
        Protocol::CompatibleChat => json!({"default_model_key": "gpt-oss-20b"}),
        _ => json!({}),
    }
}

fn thinking_as(reasoning: Value, chat: Value) -> impl Fn(Protocol) -> Value + Send + Sync {
    move |protocol| {
        let mut settings = thinker(protocol);
        let wanted = if protocol == Protocol::OpenaiChat { &chat } else { &reasoning };
        settings["reasoning"] = wanted.clone();
        settings
    }
}

pub(super) fn thinking() -> Vec<Line> {
    let hard = json!({"effort": "high", "summary": "auto"});
    // Where a summary is wanted of thoughts, OpenAI is spoken to by Responses.
    let silent = json!({"effort": "high", "summary": "off"});
    let long = json!({"effort": "high", "summary": "detailed"});
    let off = json!({"effort": "off", "summary": "detailed"});
    vec![
        choosing(
            "reasoning.effort",
            thinking_as(hard, silent),
            [
                vec![Sent("/reasoning/effort", json!("high")), Absent("/temperature")],
                vec![Sent("/reasoning_effort", json!("high"))],
                vec![Sent("/reasoning_effort", json!("high"))],
                vec![
                    Sent("/thinking/type", json!("adaptive")),
                    Sent("/output_config/effort", json!("high")),
                    Absent("/temperature"),
                    Told("temperature"),
                ],
                vec![Sent("/think", json!("high"))],
                vec![Told("reasoning")],
            ],
        ),
        choosing(
            "reasoning.summary",
            thinking_as(long, off),
            [
                vec![Sent("/reasoning/summary", json!("detailed"))],
                vec![Absent("/reasoning"), Told("reasoning.summary")],
                vec![Absent("/reasoning"), Told("reasoning.summary")],
                vec![Sent("/thinking/display", json!("summarized")), Told("reasoning.summary")],
                vec![Told("reasoning.summary")],
                vec![Told("reasoning")],
            ],
        ),
        line(
            "service_tier",
            json!({"service_tier": "flex"}),
            [
                vec![Sent("/service_tier", json!("flex"))],
                vec![Sent("/service_tier", json!("flex"))],
                vec![Absent("/service_tier"), Told("service_tier")],
                vec![Sent("/service_tier", json!("standard_only")), Told("service_tier")],
                vec![Absent("/service_tier"), Told("service_tier")],
                vec![Told("service_tier")],
            ],
        ),
        line(
            "store_responses",
            json!({"store_responses": false}),
            all(|| Emulated("hidden", |seen| !seen.ran.run.visible)),
        ),
    ]
}

/// With a model that takes none of what Responses has no field for, so that Responses
/// is spoken.
pub(super) fn on_responses(
    field: &'static str,
    value: Value,
) -> impl Fn(Protocol) -> Value + Send + Sync {
    move |protocol| {
        let mut settings = match protocol {
            Protocol::OpenaiResponses => json!({"default_model_key": "gpt-5.2"}),
            _ => json!({}),
        };
        settings[field] = value.clone();
        settings
    }
}

pub(super) fn sampling() -> Vec<Line> {
    let penalty = |field: &'static str, at: &'static str, within: &'static str| {
        choosing(
            field,
            on_responses(field, json!(0.5)),
            [
                vec![Absent(at), Told(field)],
                vec![Sent(at, json!(0.5))],
                vec![Sent(at, json!(0.5))],
                vec![Absent(at), Told(field)],
                vec![Sent(within, json!(0.5))],
                vec![Told(field)],
            ],
        )
    };
    let top = "/temperature";
    let names = [top, top, top, top, "/options/temperature"];
    vec![
        line(
            "temperature",
            json!({"temperature": 0.2}),
            sent(names, &json!(0.2), vec![Told("temperature")]),
        ),
        penalty("frequency_penalty", "/frequency_penalty", "/options/frequency_penalty"),
        penalty("presence_penalty", "/presence_penalty", "/options/presence_penalty"),
        line(
            "top_p",
            json!({"top_p": 0.5}),
            [
                vec![Sent("/top_p", json!(0.5)), Sent("/temperature", json!(0.7))],
                vec![Sent("/top_p", json!(0.5))],
                vec![Sent("/top_p", json!(0.5))],
                // Anthropic takes one of the two.
                vec![Sent("/top_p", json!(0.5)), Absent("/temperature"), Told("temperature")],
                vec![Sent("/options/top_p", json!(0.5))],
                vec![Told("top_p")],
            ],
        ),
        choosing(
            "seed",
            on_responses("seed", json!(42)),
            [
                vec![Absent("/seed"), Told("seed")],
                vec![Sent("/seed", json!(42))],
                vec![Sent("/seed", json!(42))],
                vec![Absent("/seed"), Told("seed")],
                vec![Sent("/options/seed", json!(42))],
                vec![Told("seed")],
            ],
        ),
    ]
}

/// What is said of single tokens.
pub(super) fn tokens() -> Vec<Line> {
    vec![
        choosing(
            "logit_bias",
            on_responses("logit_bias", json!({"50256": -100})),
            [
                vec![Absent("/logit_bias"), Told("logit_bias")],
                vec![Sent("/logit_bias", json!({"50256": -100}))],
                vec![Sent("/logit_bias", json!({"50256": -100}))],
                vec![Absent("/logit_bias"), Told("logit_bias")],
                vec![Absent("/options/logit_bias"), Told("logit_bias")],
                vec![Told("logit_bias")],
            ],
        ),
        line(
            "top_logprobs",
            json!({"top_logprobs": 3}),
            [
                vec![
                    Sent("/top_logprobs", json!(3)),
                    Sent("/include", json!(["message.output_text.logprobs"])),
                ],
                vec![Sent("/top_logprobs", json!(3)), Sent("/logprobs", json!(true))],
                vec![Sent("/top_logprobs", json!(3)), Sent("/logprobs", json!(true))],
                vec![Absent("/top_logprobs"), Told("top_logprobs")],
                vec![Absent("/top_logprobs"), Told("top_logprobs")],
                vec![Told("top_logprobs")],
            ],
        ),
    ]
}
