//! Whatever is set, and whoever answers.

use std::collections::BTreeMap;

use proptest::{option, prelude::*, sample::select};

use super::*;

fn answering() -> impl Strategy<Value = (ModelFacts, ProviderKind)> {
    let vendors = catalogue::models().iter().map(|model| {
        let kind = ProviderKind::from_word(&model.provider).unwrap_or(OpenaiCompatible);
        (ModelFacts::from(model), kind)
    });
    let through_others =
        catalogue::models().iter().map(|model| (ModelFacts::from(model), OpenaiCompatible));
    let unknown = [Openai, Anthropic, OpenaiCompatible, Ollama]
        .map(|kind| (ModelFacts::unknown("ours", kind), kind));
    select(vendors.chain(through_others).chain(unknown).collect::<Vec<_>>())
}

fn of_anthropic() -> impl Strategy<Value = ModelFacts> {
    let all = catalogue::models().iter().filter(|model| model.provider == "anthropic");
    let all = all.map(ModelFacts::from).chain([ModelFacts::unknown("ours", Anthropic)]);
    select(all.collect::<Vec<_>>())
}

fn drawing() -> impl Strategy<Value = Settings> {
    let bias = option::of(Just(BTreeMap::from([("12".to_owned(), 5.0)])));
    let some = (
        select(vec![0.0, 0.7, 1.0, 2.0]),
        select(vec![1.0, 0.5, 0.0]),
        select(vec![0.0, -2.0, 0.5]),
        select(vec![0.0, 2.0]),
        bias,
        option::of(any::<i64>()),
        select(vec![0_u32, 5, 20]),
    );
    some.prop_map(|(temperature, top_p, frequency, presence, logit_bias, seed, logprobs)| {
        Settings {
            temperature,
            top_p,
            frequency_penalty: frequency,
            presence_penalty: presence,
            logit_bias,
            seed,
            top_logprobs: logprobs,
            ..plain()
        }
    })
}

fn answers() -> impl Strategy<Value = Settings> {
    use ReasoningEffort::{High, Low, Maximum, Medium, Minimal, Off};
    let summaries = vec![
        ReasoningSummary::Auto,
        ReasoningSummary::Concise,
        ReasoningSummary::Detailed,
        ReasoningSummary::Off,
    ];
    let reasoning = (select(vec![Off, Minimal, Low, Medium, High, Maximum]), select(summaries))
        .prop_map(|(effort, summary)| Reasoning { effort, summary });
    let schemas = [
        json!({"type": "object", "properties": {"a": {"type": "string"}}}),
        json!({"type": "object", "properties": {}, "additionalProperties": false}),
    ];
    let formats = schemas.iter().map(|schema| by_schema(schema).format);
    let formats: Vec<Format> =
        formats.chain([Format::Text, Format::Plain, Format::JsonObject]).collect();
    let tiers =
        vec![ServiceTier::Default, ServiceTier::Auto, ServiceTier::Flex, ServiceTier::Priority];
    let stops = prop::collection::vec(select(vec!["END", "\n", "###", " ", "x"]), 0..6);
    let some = (
        drawing(),
        option::of(reasoning),
        select(tiers),
        select(formats),
        stops,
        option::of(1_u32..200_000),
        option::of(select(vec!["low", "medium", "high"])),
        any::<bool>(),
    );
    some.prop_map(|(drawing, reasoning, tier, format, stops, longest, verbosity, parallel)| {
        Settings {
            reasoning,
            service_tier: tier,
            format,
            stop_sequences: stops.into_iter().map(str::to_owned).collect(),
            max_completion_tokens: longest,
            verbosity: verbosity.map(str::to_owned),
            parallel_tool_calls: parallel,
            ..drawing
        }
    })
}

/// What is sent, by the names of the table and of the catalogue.
fn sent_fields(sent: &SentSettings) -> Vec<(&'static str, Option<&'static str>)> {
    let all = [
        (sent.temperature.is_some(), "temperature", Some("temperature")),
        (sent.top_p.is_some(), "top_p", Some("top_p")),
        (sent.frequency_penalty.is_some(), "frequency_penalty", Some("penalties")),
        (sent.presence_penalty.is_some(), "presence_penalty", Some("penalties")),
        (sent.logit_bias.is_some(), "logit_bias", Some("logit_bias")),
        (sent.seed.is_some(), "seed", Some("seed")),
        (!sent.stop.is_empty(), "stopSequences", Some("stop")),
        (sent.top_logprobs.is_some(), "top_logprobs", Some("logprobs")),
        (sent.verbosity.is_some(), "text_config.verbosity", Some("verbosity")),
        (sent.service_tier.is_some(), "service_tier", None),
        (sent.parallel_tool_calls.is_some(), "parallel_tool_calls", None),
        (sent.reasoning_effort.is_some(), "reasoning.effort", None),
        (sent.reasoning_budget.is_some(), "reasoning.effort", None),
        (sent.reasoning_summary.is_some(), "reasoning.summary", None),
        (sent.format == Some(SentFormat::JsonObject), "response_format", None),
        (matches!(sent.format, Some(SentFormat::JsonSchema { .. })), "json_schemas", None),
    ];
    all.into_iter().filter(|(is_sent, ..)| *is_sent).map(|(_, f, p)| (f, p)).collect()
}

/// The fields that are not as by default.
fn set_fields(settings: &Settings) -> Vec<&'static str> {
    let all = [
        (differs(settings.temperature, 0.7), "temperature"),
        (differs(settings.top_p, 1.0), "top_p"),
        (differs(settings.frequency_penalty, 0.0), "frequency_penalty"),
        (differs(settings.presence_penalty, 0.0), "presence_penalty"),
        (settings.logit_bias.is_some(), "logit_bias"),
        (settings.seed.is_some(), "seed"),
        (!settings.stop_sequences.is_empty(), "stopSequences"),
        (settings.top_logprobs > 0, "top_logprobs"),
        (settings.verbosity.is_some(), "text_config.verbosity"),
        (settings.service_tier != ServiceTier::Default, "service_tier"),
        (settings.format == Format::JsonObject, "response_format"),
        (matches!(settings.format, Format::JsonSchema { .. }), "json_schemas"),
    ];
    all.into_iter().filter(|(is_set, _)| *is_set).map(|(_, field)| field).collect()
}

proptest! {
    #[test]
    fn nothing_is_sent_that_the_protocol_or_the_model_does_not_take(
        settings in answers(), (model, kind) in answering(), has_tools in any::<bool>(),
    ) {
        let fitted = fit(&settings, &model, kind, has_tools, "gpt-4o").unwrap();

        for (field, parameter) in sent_fields(&fitted.sent) {
            let is_sent = matches!(treatment(field, fitted.protocol), Treatment::Sent(_));
            prop_assert!(is_sent, "{} with {:?}", field, fitted.protocol);
            prop_assert!(parameter.is_none_or(|p| model.takes(p)), "{} to {}", field, model.key);
        }
        if let Some(word) = &fitted.sent.reasoning_effort {
            prop_assert!(model.efforts.contains(word), "{} to {}", word, model.key);
        }
        if let (true, Some(longest)) = (model.is_known, fitted.sent.max_output_tokens) {
            prop_assert!(longest <= model.max_output_tokens);
        }
        prop_assert!(has_tools || fitted.sent.parallel_tool_calls.is_none());
    }

    #[test]
    fn what_is_set_is_sent_or_told(settings in answers(), (model, kind) in answering()) {
        let fitted = fit(&settings, &model, kind, true, "gpt-4o").unwrap();

        let sent: Vec<&str> = sent_fields(&fitted.sent).into_iter().map(|(field, _)| field).collect();
        for field in set_fields(&settings) {
            let is_told = action(&fitted, field).is_some();
            prop_assert!(sent.contains(&field) || is_told, "{} to {}", field, model.key);
        }
        let thinks = settings.reasoning.is_some_and(|reasoning| reasoning.effort != ReasoningEffort::Off);
        let told = ["reasoning", "reasoning.effort"].iter().any(|field| action(&fitted, field).is_some());
        prop_assert!(!thinks || sent.contains(&"reasoning.effort") || told, "{}", model.key);
        prop_assert_eq!(fitted.stop, settings.stop_sequences);
    }

    #[test]
    fn anthropic_gets_what_it_demands(settings in answers(), model in of_anthropic()) {
        let sent = fit(&settings, &model, Anthropic, true, "gpt-4o").unwrap().sent;

        let longest = sent.max_output_tokens;
        let is_adaptive = sent.reasoning_effort.as_deref().is_some_and(|word| word != "none");
        let thinks = sent.reasoning_budget.is_some() || is_adaptive;
        prop_assert!(longest.is_some());
        prop_assert!(sent.temperature.is_none() || sent.top_p.is_none());
        prop_assert!(sent.temperature.is_none_or(|value| (0.0..=1.0).contains(&value)));
        prop_assert!(!thinks || (sent.temperature.is_none() && sent.top_p.is_none()));
        prop_assert!(sent.reasoning_budget.is_none_or(|t| t >= 1_024 && Some(t) < longest));
        prop_assert!(thinks || sent.reasoning_summary.is_none());
    }
}
