//! Field by field, and for all fields at once.

mod properties;

use std::collections::BTreeSet;

use ProviderKind::{Anthropic, Builtin, Ollama, Openai, OpenaiCompatible};
use serde_json::{Map, Value, json};

use super::*;
use crate::{
    assistant::content::{Content, Reasoning},
    catalogue,
    chat::SentFormat,
    run::{
        RunRequest,
        settings::{Format, effective},
    },
};

fn plain() -> Settings {
    effective(&Content::default(), &RunRequest::default()).unwrap()
}

fn known(key: &str) -> ModelFacts {
    catalogue::find(key).unwrap().into()
}

/// A model for each protocol that takes as much as there is; Responses is spoken to
/// `gpt-5.2`, which takes nothing that needs Chat Completions.
fn each() -> [(Protocol, ModelFacts, ProviderKind); 6] {
    [
        (Protocol::OpenaiResponses, known("gpt-5.2"), Openai),
        (Protocol::OpenaiChat, known("gpt-4o"), Openai),
        (Protocol::CompatibleChat, known("grok-3"), OpenaiCompatible),
        (Protocol::AnthropicMessages, known("claude-haiku-4-5"), Anthropic),
        (Protocol::OllamaChat, ModelFacts::unknown("ours", Ollama), Ollama),
        (Protocol::Builtin, known("builtin-extractive"), Builtin),
    ]
}

fn fitted(settings: &Settings, model: &ModelFacts, kind: ProviderKind) -> Fitted {
    fit(settings, model, kind, true, &model.key).unwrap()
}

fn on(settings: &Settings, key: &str) -> Fitted {
    let model = known(key);
    let kind = ProviderKind::from_word(&model.vendor).unwrap_or(OpenaiCompatible);
    fitted(settings, &model, kind)
}

fn notes(fitted: &Fitted) -> Vec<(&str, NoticeAction)> {
    fitted.notices.iter().map(|notice| (notice.field.as_str(), notice.action)).collect()
}

fn action(fitted: &Fitted, field: &str) -> Option<NoticeAction> {
    notes(fitted).into_iter().find(|(name, _)| *name == field).map(|(_, action)| action)
}

fn thinking(effort: ReasoningEffort, summary: ReasoningSummary) -> Settings {
    Settings { reasoning: Some(Reasoning { effort, summary }), ..plain() }
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// With `settings`, what each protocol does about `field`: `true` where it is sent,
/// else the notice.
fn outcomes(
    settings: &Settings,
    field: &str,
    sent: impl Fn(&SentSettings) -> bool,
) -> [Result<bool, NoticeAction>; 6] {
    each().map(|(_, model, kind)| {
        let fitted = fitted(settings, &model, kind);
        action(&fitted, field).map_or_else(|| Ok(sent(&fitted.sent)), Err)
    })
}

const DROPPED: Result<bool, NoticeAction> = Err(NoticeAction::Dropped);
const EMULATED: Result<bool, NoticeAction> = Err(NoticeAction::Emulated);
const CLAMPED: Result<bool, NoticeAction> = Err(NoticeAction::Clamped);
const SENT: Result<bool, NoticeAction> = Ok(true);

#[test]
fn the_columns_of_the_table_are_the_protocols() {
    for (index, protocol) in PROTOCOLS.into_iter().enumerate() {
        assert_eq!(
            treatment("seed", protocol),
            FIELDS.iter().find(|f| f.0 == "seed").unwrap().1[index]
        );
    }
}

#[test]
fn the_table_has_every_field_of_the_object_in_its_order() {
    let seed = "id organization_id created_by created_at updated_at deleted_at name avatar_id \
        icon_type icon_data is_default default_model_key allowed_model_providers instructions \
        instructions_thread_id tool_configurations system_message context_strategy \
        context_window max_tool_calls parallel_tool_calls reasoning service_tier \
        store_responses temperature frequency_penalty presence_penalty logit_bias json_schemas \
        top_logprobs top_p output_mode response_format seed stopSequences \
        max_completion_tokens access_mode access_departments access_users editable_by_users \
        visible_in_chat_to_users editable_by_roles visible_to_roles vector_store_ids \
        api_enabled public_enabled is_active streaming memory_enabled moderation_enabled \
        safety_level preset_prompts tool_capabilities metadata text_config rule_ids";
    let mut fields: Vec<&str> =
        FIELDS.iter().map(|(field, _)| field.split('.').next().unwrap()).collect();
    fields.dedup();

    assert_eq!(fields, seed.split_whitespace().collect::<Vec<_>>());
}

#[test]
fn the_document_shows_the_table() {
    let document = include_str!("../../../../../docs/mapping.md");
    let mut table = String::new();
    for (field, row) in FIELDS {
        let cells: Vec<String> = row.iter().map(|treatment| treatment.words()).collect();
        table.extend(["| `", field, "` | ", &cells.join(" | "), " |\n"]);
    }

    assert!(document.contains(&table), "docs/mapping.md must contain:\n{table}");
}

#[test]
fn what_is_as_by_default_is_not_sent_but_for_the_temperature() {
    for (protocol, model, kind) in each() {
        let fitted = fit(&plain(), &model, kind, false, &model.key).unwrap();
        let is_anthropic = protocol == Protocol::AnthropicMessages;
        let expected = SentSettings {
            temperature: model.takes("temperature").then_some(0.7),
            max_output_tokens: is_anthropic.then_some(model.max_output_tokens),
            ..SentSettings::default()
        };

        assert_eq!(fitted.sent, expected, "{protocol:?}");
        assert_eq!(notes(&fitted), [], "{protocol:?}");
        assert!(fitted.hints.is_empty(), "{protocol:?}");
    }
}

#[test]
fn openai_is_spoken_to_by_the_protocol_that_takes_what_is_set() {
    let seeded = Settings { seed: Some(1), ..plain() };
    let stopped = Settings { stop_sequences: vec!["END".to_owned()], ..plain() };
    let punished = Settings { presence_penalty: 0.5, ..plain() };
    let summary = thinking(ReasoningEffort::High, ReasoningSummary::Auto);
    let silent = thinking(ReasoningEffort::High, ReasoningSummary::Off);

    for settings in [&seeded, &stopped, &punished] {
        assert_eq!(on(settings, "gpt-4o").protocol, Protocol::OpenaiChat);
        assert_eq!(on(settings, "gpt-5.5").protocol, Protocol::OpenaiResponses);
    }
    assert_eq!(on(&plain(), "gpt-4o").protocol, Protocol::OpenaiResponses);
    let both = Settings { seed: Some(1), ..summary };
    assert_eq!(on(&both, "gpt-5").protocol, Protocol::OpenaiResponses);
    assert_eq!(
        notes(&on(&both, "gpt-5")),
        [("temperature", NoticeAction::Dropped), ("seed", NoticeAction::Dropped),]
    );
    let quiet = Settings { seed: Some(1), ..silent };
    assert_eq!(on(&quiet, "gpt-5").protocol, Protocol::OpenaiChat);
    assert_eq!(on(&quiet, "gpt-5").sent.seed, Some(1));
}

#[test]
fn parallel_calls_are_spoken_of_only_with_tools() {
    let serial = Settings { parallel_tool_calls: false, ..plain() };
    let sent = |sent: &SentSettings| sent.parallel_tool_calls == Some(false);

    let done = outcomes(&serial, "parallel_tool_calls", sent);

    assert_eq!(done, [SENT, SENT, SENT, SENT, EMULATED, Ok(false)]);
    let model = known("gpt-4o");
    let without = fit(&serial, &model, Openai, false, "gpt-4o").unwrap();
    assert_eq!(without.sent.parallel_tool_calls, None);
    assert_eq!(on(&plain(), "gpt-4o").sent.parallel_tool_calls, Some(true));
}

#[test]
fn temperature() {
    let hot = Settings { temperature: 1.5, ..plain() };
    let sent = |sent: &SentSettings| sent.temperature.is_some();

    let done = outcomes(&hot, "temperature", sent);

    assert_eq!(done, [SENT, SENT, SENT, CLAMPED, SENT, DROPPED]);
    assert_eq!(on(&hot, "claude-haiku-4-5").sent.temperature, Some(1.0));
    assert_eq!(on(&hot, "gpt-4o").sent.temperature, Some(1.5));
}

#[test]
fn models_that_take_no_temperature_are_sent_none_and_that_is_told() {
    for key in ["gpt-5", "o3", "claude-sonnet-5", "claude-opus-4-7"] {
        let fitted = on(&plain(), key);

        assert_eq!(fitted.sent.temperature, None, "{key}");
        assert_eq!(notes(&fitted), [("temperature", NoticeAction::Dropped)], "{key}");
    }
}

#[test]
fn a_model_that_thinks_takes_no_temperature_while_it_does() {
    let some = thinking(ReasoningEffort::Low, ReasoningSummary::Off);
    let none = thinking(ReasoningEffort::Off, ReasoningSummary::Off);

    for key in ["gpt-5.2", "claude-haiku-4-5", "claude-sonnet-4-6"] {
        assert_eq!(on(&some, key).sent.temperature, None, "{key}");
        assert_eq!(action(&on(&some, key), "temperature"), Some(NoticeAction::Dropped), "{key}");
        assert_eq!(on(&none, key).sent.temperature, Some(0.7), "{key}");
    }
}

#[test]
fn top_p() {
    let narrow = Settings { top_p: 0.5, ..plain() };
    let sent = |sent: &SentSettings| sent.top_p == Some(0.5);

    let done = outcomes(&narrow, "top_p", sent);

    assert_eq!(done, [SENT, SENT, SENT, SENT, SENT, DROPPED]);
}

#[test]
fn anthropic_is_never_sent_temperature_and_top_p() {
    let narrow = Settings { top_p: 0.5, ..plain() };
    let both = Settings { temperature: 0.2, ..narrow.clone() };
    let chosen = Settings { from_request: BTreeSet::from(["temperature"]), ..narrow.clone() };

    let narrow = on(&narrow, "claude-haiku-4-5");
    assert_eq!((narrow.sent.temperature, narrow.sent.top_p), (None, Some(0.5)));
    assert_eq!(notes(&narrow), [("temperature", NoticeAction::Dropped)]);
    for (settings, temperature) in [(both, 0.2), (chosen, 0.7)] {
        let fitted = on(&settings, "claude-haiku-4-5");
        assert_eq!((fitted.sent.temperature, fitted.sent.top_p), (Some(temperature), None));
        assert_eq!(notes(&fitted), [("top_p", NoticeAction::Dropped)]);
    }
}

#[test]
fn penalties() {
    let settings = Settings { frequency_penalty: 0.5, presence_penalty: -0.5, ..plain() };
    let expected = [DROPPED, SENT, SENT, DROPPED, SENT, DROPPED];

    let frequency = |sent: &SentSettings| sent.frequency_penalty == Some(0.5);
    let presence = |sent: &SentSettings| sent.presence_penalty == Some(-0.5);

    assert_eq!(outcomes(&settings, "frequency_penalty", frequency), expected);
    assert_eq!(outcomes(&settings, "presence_penalty", presence), expected);
}

#[test]
fn logit_bias_is_sent_to_models_with_the_same_tokens() {
    let bias = std::collections::BTreeMap::from([("12".to_owned(), 5.0)]);
    let settings = Settings { logit_bias: Some(bias.clone()), ..plain() };
    let sent = |sent: &SentSettings| sent.logit_bias.is_some();

    let done = outcomes(&settings, "logit_bias", sent);

    assert_eq!(done, [DROPPED, SENT, DROPPED, DROPPED, DROPPED, DROPPED]);
    let across = |settings: &Settings, default: &str| {
        let fitted = fit(settings, &known("gpt-4o"), Openai, false, default).unwrap();
        (fitted.sent.logit_bias.is_some(), action(&fitted, "logit_bias"))
    };
    assert_eq!(across(&settings, "gpt-4.1"), (true, None));
    assert_eq!(across(&settings, "gpt-4"), (false, Some(NoticeAction::Dropped)));
    let asked = Settings { from_request: BTreeSet::from(["logit_bias"]), ..settings };
    assert_eq!(across(&asked, "gpt-4"), (true, None));
}

#[test]
fn top_logprobs() {
    let settings = Settings { top_logprobs: 3, ..plain() };
    let sent = |sent: &SentSettings| sent.top_logprobs == Some(3);

    let done = outcomes(&settings, "top_logprobs", sent);

    assert_eq!(done, [SENT, SENT, SENT, DROPPED, DROPPED, DROPPED]);
}

#[test]
fn seed() {
    let settings = Settings { seed: Some(-7), ..plain() };

    let done = outcomes(&settings, "seed", |sent| sent.seed == Some(-7));

    assert_eq!(done, [DROPPED, SENT, SENT, DROPPED, SENT, DROPPED]);
}

#[test]
fn stop_sequences_are_enforced_here_whoever_else_does() {
    let settings = Settings { stop_sequences: vec!["END".to_owned()], ..plain() };

    let done = outcomes(&settings, "stopSequences", |sent| sent.stop == ["END"]);

    assert_eq!(done, [EMULATED, SENT, SENT, SENT, SENT, EMULATED]);
    for (_, model, kind) in each() {
        assert_eq!(fitted(&settings, &model, kind).stop, ["END"]);
    }
}

#[test]
fn stop_sequences_that_a_provider_refuses_are_kept_from_it() {
    let five: Vec<String> = ["a", "b", "c", "d", "\n"].map(str::to_owned).to_vec();
    let settings = Settings { stop_sequences: five.clone(), ..plain() };

    for key in ["gpt-4o", "claude-haiku-4-5"] {
        let fitted = on(&settings, key);
        assert_eq!((&fitted.sent.stop[..], &fitted.stop), (&five[..4], &five));
        assert_eq!(action(&fitted, "stopSequences"), Some(NoticeAction::Emulated));
    }
}

#[test]
fn answers_are_no_longer_than_the_model_can() {
    let long = Settings { max_completion_tokens: Some(1_000_000), ..plain() };
    let short = Settings { max_completion_tokens: Some(10), ..plain() };
    let sent = |sent: &SentSettings| sent.max_output_tokens == Some(1_000_000);

    let done = outcomes(&long, "max_completion_tokens", sent);

    assert_eq!(done, [CLAMPED, CLAMPED, CLAMPED, CLAMPED, SENT, CLAMPED]);
    assert_eq!(on(&long, "gpt-4o").sent.max_output_tokens, Some(16_384));
    assert_eq!(on(&short, "claude-haiku-4-5").sent.max_output_tokens, Some(10));
}

#[test]
fn service_tier() {
    let words = |tier| {
        let settings = Settings { service_tier: tier, ..plain() };
        each().map(|(_, model, kind)| {
            let fitted = fitted(&settings, &model, kind);
            (fitted.sent.service_tier.clone(), action(&fitted, "service_tier"))
        })
    };
    let dropped = (None, Some(NoticeAction::Dropped));
    let sent = |word: &str| (Some(word.to_owned()), None);
    let clamped = (Some("standard_only".to_owned()), Some(NoticeAction::Clamped));

    for (tier, openai, anthropic) in [
        (ServiceTier::Auto, sent("auto"), sent("auto")),
        (ServiceTier::Flex, sent("flex"), clamped),
        (ServiceTier::Priority, sent("priority"), sent("auto")),
    ] {
        let [responses, chat, others @ ..] = words(tier);
        assert_eq!((&responses, &chat), (&openai, &openai));
        assert_eq!(others, [dropped.clone(), anthropic, dropped.clone(), dropped.clone()]);
    }
}

#[test]
fn reasoning_effort_is_said_in_the_words_that_the_model_takes() {
    use ReasoningEffort::{High, Low, Maximum, Medium, Minimal, Off};
    let clamped = Some(NoticeAction::Clamped);
    for (key, effort, word, note) in [
        ("gpt-5.2", Off, "none", None),
        ("gpt-5", Off, "minimal", clamped),
        ("o3", Off, "low", clamped),
        ("gpt-5", Minimal, "minimal", None),
        ("gpt-5.2", Minimal, "low", clamped),
        ("gpt-5", Low, "low", None),
        ("gpt-5-pro", Medium, "high", clamped),
        ("gpt-5", High, "high", None),
        ("gpt-5", Maximum, "high", None),
        ("gpt-5.2", Maximum, "xhigh", None),
        ("gpt-6-sol", Maximum, "max", None),
        ("claude-sonnet-5", Off, "none", None),
        ("claude-opus-5-5", Off, "low", clamped),
        ("claude-sonnet-5", Minimal, "low", clamped),
        ("claude-opus-4-6", Maximum, "max", None),
    ] {
        let fitted = on(&thinking(effort, ReasoningSummary::Off), key);

        assert_eq!(fitted.sent.reasoning_effort.as_deref(), Some(word), "{key} {effort:?}");
        assert_eq!(action(&fitted, "reasoning.effort"), note, "{key} {effort:?}");
    }
}

#[test]
fn older_models_of_anthropic_think_by_a_number_of_tokens() {
    use ReasoningEffort::{High, Low, Maximum, Medium, Off};
    let tokens = |effort, longest| {
        let settings = thinking(effort, ReasoningSummary::Auto);
        let settings = Settings { max_completion_tokens: longest, ..settings };
        let fitted = on(&settings, "claude-haiku-4-5");
        assert_eq!(fitted.sent.reasoning_effort, None);
        let note = action(&fitted, "reasoning.effort");
        (fitted.sent.reasoning_budget, fitted.sent.reasoning_summary.is_some(), note)
    };

    assert_eq!(tokens(Off, None), (None, false, None));
    assert_eq!(tokens(Low, None), (Some(1_024), true, None));
    assert_eq!(tokens(Medium, None), (Some(4_096), true, None));
    assert_eq!(tokens(High, None), (Some(16_384), true, None));
    assert_eq!(tokens(Maximum, None), (Some(32_000), true, None));
    assert_eq!(tokens(High, Some(4_000)), (Some(2_000), true, Some(NoticeAction::Clamped)));
    assert_eq!(tokens(High, Some(1_024)), (None, false, Some(NoticeAction::Dropped)));
}

#[test]
fn reasoning_summaries() {
    use ReasoningSummary::{Auto, Concise, Detailed, Off};
    let clamped = Some(NoticeAction::Clamped);
    for (key, summary, word, note) in [
        ("gpt-5.2", Auto, Some("auto"), None),
        ("gpt-5.2", Concise, Some("concise"), None),
        ("gpt-5", Concise, Some("auto"), clamped),
        ("gpt-5", Detailed, Some("detailed"), None),
        ("gpt-5", Off, None, None),
        ("claude-sonnet-5", Auto, Some("summarized"), None),
        ("claude-sonnet-5", Detailed, Some("summarized"), clamped),
        ("claude-sonnet-5", Off, Some("omitted"), None),
        ("grok-3-mini", Auto, None, None),
        ("grok-3-mini", Detailed, None, Some(NoticeAction::Dropped)),
    ] {
        let fitted = on(&thinking(ReasoningEffort::High, summary), key);

        assert_eq!(fitted.sent.reasoning_summary.as_deref(), word, "{key} {summary:?}");
        assert_eq!(action(&fitted, "reasoning.summary"), note, "{key} {summary:?}");
    }
}

#[test]
fn an_assistant_may_say_how_to_think_and_change_to_a_model_that_cannot() {
    let settings = thinking(ReasoningEffort::High, ReasoningSummary::Auto);
    let off = thinking(ReasoningEffort::Off, ReasoningSummary::Auto);

    for key in ["gpt-4o", "claude-3-5-haiku", "builtin-extractive"] {
        let fitted = on(&settings, key);
        assert_eq!(fitted.sent.reasoning_effort, None, "{key}");
        assert_eq!(action(&fitted, "reasoning"), Some(NoticeAction::Dropped), "{key}");
        assert_eq!(action(&on(&off, key), "reasoning"), None, "{key}");
    }
}

#[test]
fn a_request_that_tells_a_model_to_think_which_cannot_is_refused() {
    let settings = Settings {
        from_request: BTreeSet::from(["reasoning_effort", "reasoning_summary"]),
        ..thinking(ReasoningEffort::High, ReasoningSummary::Auto)
    };
    let ask = |model: &ModelFacts, kind| fit(&settings, model, kind, false, "gpt-4o");

    let faults = ask(&known("gpt-4o"), Openai).unwrap_err();

    let pointers: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    assert_eq!(pointers, ["/reasoning/effort", "/reasoning/summary"]);
    assert!(ask(&known("gpt-5"), Openai).is_ok());
    assert!(ask(&known("builtin-extractive"), Builtin).is_ok(), "it was not chosen");
    assert!(ask(&ModelFacts::unknown("ours", Ollama), Ollama).is_ok(), "it may think");
}

#[test]
fn json_is_asked_for_as_the_provider_wants_it() {
    let settings = Settings { format: Format::JsonObject, ..plain() };
    let sent = |sent: &SentSettings| sent.format == Some(SentFormat::JsonObject);

    let done = outcomes(&settings, "response_format", sent);

    assert_eq!(done, [SENT, SENT, SENT, EMULATED, SENT, SENT]);
    for (protocol, model, kind) in each() {
        let hints = fitted(&settings, &model, kind).hints;
        let says_json = hints.iter().any(|hint| hint.contains("JSON"));
        assert_eq!(says_json, protocol != Protocol::Builtin, "{protocol:?}");
    }
}

fn by_schema(schema: &Value) -> Settings {
    let format = Format::JsonSchema {
        name: "answer".to_owned(),
        description: Some("what is asked".to_owned()),
        schema: object(schema),
        strict: true,
    };
    Settings { format, ..plain() }
}

#[test]
fn a_schema_is_sent_or_said_in_words() {
    let closed = json!({
        "type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"],
        "additionalProperties": false,
    });
    let settings = by_schema(&closed);
    let sent = |sent: &SentSettings| {
        matches!(&sent.format, Some(SentFormat::JsonSchema { strict: true, .. }))
    };

    let done = outcomes(&settings, "json_schemas", sent);

    assert_eq!(done, [SENT, SENT, SENT, SENT, SENT, SENT]);
    let older = on(&settings, "claude-3-5-sonnet");
    assert_eq!(older.sent.format, None);
    assert_eq!(action(&older, "json_schemas"), Some(NoticeAction::Emulated));
    assert!(older.hints[0].contains("additionalProperties"), "{:?}", older.hints);
    let ours = fitted(&settings, &ModelFacts::unknown("ours", OpenaiCompatible), OpenaiCompatible);
    assert!(ours.sent.format.is_some() && ours.hints[0].contains("additionalProperties"));
}

#[test]
fn a_schema_that_is_not_strict_is_not_sent_as_strict() {
    let settings = by_schema(&json!({"type": "object", "properties": {"a": {"minimum": 1}}}));

    let openai = on(&settings, "gpt-4o");
    let anthropic = on(&settings, "claude-haiku-4-5");

    let is_loose =
        matches!(&openai.sent.format, Some(SentFormat::JsonSchema { strict: false, .. }));
    assert!(is_loose && openai.notices.is_empty());
    assert_eq!(anthropic.sent.format, None);
    assert_eq!(action(&anthropic, "json_schemas"), Some(NoticeAction::Emulated));
}

#[test]
fn who_holds_a_model_to_its_form_is_known() {
    let closed = |of_a: Value| {
        by_schema(&json!({
            "type": "object", "properties": {"a": of_a}, "required": ["a"],
            "additionalProperties": false,
        }))
    };
    let object = Settings { format: Format::JsonObject, ..plain() };
    let (strict, bounded) = (closed(json!({"type": "string"})), closed(json!({"minimum": 1})));
    let open = by_schema(&json!({"type": "object", "properties": {"a": {}}}));
    let held = |settings: &Settings| {
        each().map(|(_, model, kind)| fitted(settings, &model, kind).is_held_to_form)
    };

    assert_eq!(held(&object), [true, true, true, false, true, false]);
    assert_eq!(held(&strict), [true, true, true, true, true, false]);
    assert_eq!(held(&bounded), [true, true, true, false, false, false]);
    assert_eq!(held(&open), [false; 6]);
    assert_eq!(held(&plain()), [false; 6]);
    // Of a model that nobody knows it is not known either, but for the vendors' own.
    let unknown = |kind| fitted(&strict, &ModelFacts::unknown("ours", kind), kind).is_held_to_form;
    assert_eq!([Openai, OpenaiCompatible, Ollama].map(unknown), [true, false, true]);
}

#[test]
fn text_without_markup_is_asked_for_in_words() {
    let settings = Settings { format: Format::Plain, ..plain() };

    for (protocol, model, kind) in each() {
        let fitted = fitted(&settings, &model, kind);
        assert!(fitted.hints[0].contains("Markdown"), "{protocol:?}");
        assert_eq!(fitted.sent.format, None);
    }
}

#[test]
fn verbosity() {
    let settings = Settings { verbosity: Some("low".to_owned()), ..plain() };
    let sent = |sent: &SentSettings| sent.verbosity.as_deref() == Some("low");

    let done = outcomes(&settings, "text_config.verbosity", sent);

    assert_eq!(done, [SENT, EMULATED, EMULATED, EMULATED, EMULATED, DROPPED]);
    assert!(on(&settings, "gpt-4o").hints[0].contains("briefly"));
    assert!(on(&settings, "gpt-5.2").hints.is_empty());
}
