use serde_json::json;

use super::*;

fn asked(overrides: Overrides) -> RunRequest {
    RunRequest { overrides, ..RunRequest::default() }
}

fn schema(name: &str) -> OutputSchema {
    OutputSchema {
        id: format!("{name}-id"),
        name: name.to_owned(),
        description: None,
        schema_object: object(&json!({"type": "object"})),
    }
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn pointers(result: Result<Settings, Vec<Fault>>) -> Vec<(String, &'static str)> {
    result.unwrap_err().into_iter().map(|fault| (fault.pointer, fault.code)).collect()
}

#[test]
fn a_request_that_says_nothing_gets_what_the_assistant_says() {
    let content = Content {
        temperature: 0.2,
        seed: Some(7),
        stop_sequences: Some(vec!["END".to_owned()]),
        ..Content::default()
    };

    let settings = effective(&content, &RunRequest::default()).unwrap();

    assert_eq!(settings.model, "gpt-4o");
    assert!((settings.temperature - 0.2).abs() < f64::EPSILON);
    assert_eq!((settings.seed, settings.stop_sequences), (Some(7), vec!["END".to_owned()]));
    assert_eq!((settings.format, settings.reasoning), (Format::Text, None));
    assert!(settings.from_request.is_empty() && settings.notices.is_empty());
}

#[test]
fn the_request_wins_field_by_field() {
    let content = Content { temperature: 0.2, top_p: 0.5, ..Content::default() };
    let request = asked(Overrides {
        model: Some("gpt-5".to_owned()),
        temperature: Some(1.5),
        max_tool_calls: Some(0),
        parallel_tool_calls: Some(false),
        context_strategy: Some(ContextStrategy::Off),
        verbosity: Some("low".to_owned()),
        ..Overrides::default()
    });

    let settings = effective(&content, &request).unwrap();

    assert_eq!(settings.model, "gpt-5");
    assert!((settings.temperature - 1.5).abs() < f64::EPSILON);
    assert!((settings.top_p - 0.5).abs() < f64::EPSILON);
    assert_eq!((settings.max_tool_calls, settings.parallel_tool_calls), (0, false));
    assert_eq!(settings.context_strategy, ContextStrategy::Off);
    assert_eq!(settings.verbosity.as_deref(), Some("low"));
    assert!(settings.from_request.contains("temperature"));
    assert!(!settings.from_request.contains("top_p"));
}

#[test]
fn what_does_not_fit_is_told_all_at_once_by_its_place_in_the_request() {
    let request = asked(Overrides {
        temperature: Some(2.5),
        top_p: Some(-0.1),
        frequency_penalty: Some(3.0),
        logit_bias: Some(LogitBias::Tokens(BTreeMap::from([("x".to_owned(), 1.0)]))),
        stop_sequences: Some(vec![String::new()]),
        max_completion_tokens: Some(0),
        max_tool_calls: Some(129),
        top_logprobs: Some(21),
        verbosity: Some("loud".to_owned()),
        context_window: Some(0),
        model: Some(String::new()),
        ..Overrides::default()
    });

    let mut faults = pointers(effective(&Content::default(), &request));
    faults.sort();

    let expected = [
        ("/context_window", "minimum"),
        ("/frequency_penalty", "maximum"),
        ("/logit_bias/x", "key"),
        ("/max_completion_tokens", "minimum"),
        ("/max_tool_calls", "maximum"),
        ("/model", "too_short"),
        ("/stop_sequences/0", "too_short"),
        ("/temperature", "maximum"),
        ("/top_logprobs", "maximum"),
        ("/top_p", "minimum"),
        ("/verbosity", "enum"),
    ];
    assert_eq!(faults, expected.map(|(pointer, code)| (pointer.to_owned(), code)));
}

#[test]
fn every_override_is_held_against_the_schema_of_the_object() {
    let all = serde_json::to_value(Overrides::default()).unwrap();
    let mut names: Vec<&str> = all.as_object().unwrap().keys().map(String::as_str).collect();
    names.retain(|name| !["format", "truncation"].contains(name));
    let mut checked: Vec<&str> = OVERRIDES.iter().map(|(name, _, _)| *name).collect();
    names.sort_unstable();
    checked.sort_unstable();

    assert_eq!(names, checked);
    for (_, field, _) in OVERRIDES {
        assert!(document::part_of(field).is_some(), "{field}");
    }
}

#[test]
fn answers_get_no_longer_than_the_assistant_allows() {
    let content = Content { max_completion_tokens: Some(100), ..Content::default() };
    let ask = |tokens| {
        let overrides = Overrides { max_completion_tokens: Some(tokens), ..Overrides::default() };
        effective(&content, &asked(overrides)).unwrap()
    };

    let (less, more) = (ask(50), ask(500));

    assert_eq!((less.max_completion_tokens, less.notices.len()), (Some(50), 0));
    assert_eq!(more.max_completion_tokens, Some(100));
    assert_eq!(more.notices[0].field, "max_completion_tokens");
    assert_eq!(more.notices[0].action, NoticeAction::Clamped);
}

#[test]
fn a_request_turns_tools_off_but_not_on() {
    let modes = BTreeMap::from([
        ("webSearch".to_owned(), ToolMode::Off),
        ("file_search".to_owned(), ToolMode::On),
        ("imageGeneration".to_owned(), ToolMode::On),
        ("computerUsePreview".to_owned(), ToolMode::Off),
    ]);
    let request = RunRequest { system_tools: modes, ..RunRequest::default() };

    let settings = effective(&Content::default(), &request).unwrap();

    assert_eq!(settings.modes.web_search, ToolMode::Off);
    assert_eq!(settings.modes.file_search, ToolMode::On);
    assert_eq!(settings.modes.image_generation, ToolMode::Off);
    let fields: Vec<_> = settings.notices.iter().map(|notice| notice.field.as_str()).collect();
    assert_eq!(fields, ["tool_configurations.systemTools.imageGeneration.mode"]);
}

#[test]
fn a_tool_that_there_is_not_is_a_fault() {
    let modes = BTreeMap::from([("webSaerch".to_owned(), ToolMode::Off)]);
    let request = RunRequest { system_tools: modes, ..RunRequest::default() };

    let faults = effective(&Content::default(), &request).unwrap_err();

    assert_eq!(faults[0].pointer, "/system_tools/webSaerch");
    assert!(faults[0].message.contains("webSearch"), "{}", faults[0].message);
}

#[test]
fn every_tool_has_a_mode() {
    let mut modes = ToolModes::of(&Content::default());

    for name in ToolModes::NAMES {
        assert_eq!(modes.named(name).map(|(found, _)| found), Some(name));
    }
    assert!(modes.named("queryDataset").is_none());
}

#[test]
fn the_assistants_first_schema_is_used_unless_the_request_names_another() {
    let content = Content {
        output_mode: OutputMode::JsonSchema,
        json_schemas: Some(vec![schema("first"), schema("second")]),
        ..Content::default()
    };
    let named = |name: &str| {
        let format = Some(RequestFormat::NamedSchema { name: name.to_owned() });
        effective(&content, &asked(Overrides { format, ..Overrides::default() }))
    };
    let name = |settings: Settings| match settings.format {
        Format::JsonSchema { name, strict, .. } => (name, strict),
        other => panic!("{other:?}"),
    };

    assert_eq!(name(effective(&content, &RunRequest::default()).unwrap()).0, "first");
    assert_eq!(name(named("second").unwrap()), ("second".to_owned(), true));
    assert_eq!(name(named("second-id").unwrap()).0, "second");
    assert_eq!(pointers(named("third")), [("/response_format".to_owned(), "unknown_schema")]);
}

#[test]
fn a_schema_of_the_request_is_checked_like_one_of_an_assistant() {
    let format = |name: &str, schema: &Value| {
        Some(RequestFormat::JsonSchema {
            name: name.to_owned(),
            description: None,
            schema: object(schema),
            strict: None,
        })
    };
    let ask = |format| {
        effective(&Content::default(), &asked(Overrides { format, ..Overrides::default() }))
    };

    let fine = ask(format("a", &json!({"type": "object"}))).unwrap();
    let wrong = ask(format("a b", &json!({"type": "array", "items": 7})));

    assert!(fine.format.is_json() && fine.from_request.contains("format"));
    let mut faults = pointers(wrong);
    faults.sort();
    let at = "/response_format/schema".to_owned();
    assert_eq!(
        faults,
        [
            ("/response_format/name".to_owned(), "pattern"),
            (at.clone(), "invalid_schema"),
            (at, "invalid_schema"),
        ]
    );
}

#[test]
fn a_form_that_needs_a_schema_is_refused_without_one() {
    let content = Content { output_mode: OutputMode::JsonSchema, ..Content::default() };

    let faults = pointers(effective(&content, &RunRequest::default()));

    assert_eq!(faults, [("/response_format".to_owned(), "required")]);
}

#[test]
fn no_bias_is_no_bias_however_it_is_written() {
    let bias = |bias| {
        effective(&Content { logit_bias: bias, ..Content::default() }, &RunRequest::default())
    };

    assert_eq!(bias(Some(LogitBias::None(0))).unwrap().logit_bias, None);
    assert_eq!(bias(Some(LogitBias::Tokens(BTreeMap::new()))).unwrap().logit_bias, None);
    let some = BTreeMap::from([("12".to_owned(), 5.0)]);
    assert_eq!(bias(Some(LogitBias::Tokens(some.clone()))).unwrap().logit_bias, Some(some));
}

#[test]
fn how_hard_to_think_is_merged_with_what_is_configured() {
    let both = |effort, summary| Some(Reasoning { effort, summary });
    let content = Content {
        reasoning: both(ReasoningEffort::Low, ReasoningSummary::Detailed),
        ..Content::default()
    };
    let hard =
        asked(Overrides { reasoning_effort: Some(ReasoningEffort::High), ..Overrides::default() });

    let merged = effective(&content, &hard).unwrap().reasoning;
    let alone = effective(&Content::default(), &hard).unwrap().reasoning;

    assert_eq!(merged, both(ReasoningEffort::High, ReasoningSummary::Detailed));
    assert_eq!(alone, both(ReasoningEffort::High, ReasoningSummary::Off));
}

#[test]
fn of_the_text_configuration_what_means_nothing_is_told() {
    let config = json!({"verbosity": "low", "format": {"type": "text"}, "tone": "warm"});
    let content = Content { text_config: Some(object(&config)), ..Content::default() };

    let settings = effective(&content, &RunRequest::default()).unwrap();

    assert_eq!(settings.verbosity.as_deref(), Some("low"));
    assert_eq!(settings.unused_text_config, ["tone"]);
    assert_eq!(settings.notices[0].field, "text_config.tone");
}
