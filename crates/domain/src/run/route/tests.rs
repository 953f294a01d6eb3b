use ProviderKind::{Anthropic, Builtin, Clipdrop, Ollama, Openai, OpenaiCompatible};

use super::*;
use crate::{Id, Timestamp};

fn row(name: &str, kind: ProviderKind, models: &[&str]) -> Provider {
    let at = Timestamp::from_unix_micros(0).unwrap();
    Provider {
        id: Id::from_uuid(uuid::Uuid::from_u128(1)),
        organization: Id::from_uuid(uuid::Uuid::from_u128(2)),
        name: name.to_owned(),
        kind,
        base_url: None,
        api_key: None,
        models: models.iter().map(|&model| model.to_owned()).collect(),
        priority: 0,
        enabled: true,
        created_at: at,
        updated_at: at,
        revision: 1,
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

fn by(key: &str, rows: &[Provider]) -> Result<Route, Unroutable> {
    route(key, "/model", rows, None, &OrganizationSettings::default())
}

fn names(route: &Route) -> Vec<&str> {
    route.candidates.iter().map(|c| c.provider.as_ref().map_or("-", |row| &row.name)).collect()
}

#[test]
fn providers_are_asked_by_priority_and_then_by_name() {
    let mut last = row("a", Openai, &[]);
    last.priority = 5;
    let mut off = row("off", Openai, &[]);
    off.enabled = false;
    let gateway = row("c", OpenaiCompatible, &["gpt-4o"]);
    let rows = [last, off, gateway, row("b", Openai, &["gpt-4o"]), row("d", Openai, &["gpt-5"])];

    let route = by("gpt-4o", &rows).unwrap();

    assert_eq!(names(&route), ["b", "c", "a"]);
    assert_eq!((route.model.key.as_str(), route.notices.len()), ("gpt-4o", 0));
}

#[test]
fn a_vendor_is_asked_by_its_own_name_of_the_model_and_others_by_the_listed_one() {
    let listed = row("b", OpenaiCompatible, &["claude-haiku-4-5"]);
    let rows = [row("a", Anthropic, &[]), listed];

    let route = by("claude-haiku-4-5", &rows).unwrap();

    let upstream: Vec<_> = route.candidates.iter().map(|c| c.upstream_model.as_str()).collect();
    assert_eq!(upstream, ["claude-haiku-4-5-20251001", "claude-haiku-4-5"]);
    assert_eq!(by("claude-haiku-4-5-20251001", &rows).unwrap(), route);
}

#[test]
fn a_retired_model_is_answered_by_its_successor_and_that_is_told() {
    let route = by("claude-3-5-sonnet", &[row("a", Anthropic, &["claude-3-5-sonnet"])]).unwrap();

    assert_eq!(route.model.key, "claude-sonnet-5");
    assert_eq!(route.candidates[0].upstream_model, "claude-sonnet-5");
    assert_eq!(route.notices[0].field, "model");
    assert_eq!(route.notices[0].action, NoticeAction::Substituted);
    assert!(route.notices[0].reason.contains("2025-10-28"), "{}", route.notices[0].reason);
}

#[test]
fn a_retired_model_that_somebody_else_still_has_answers_itself() {
    let gateway = row("b", OpenaiCompatible, &["claude-3-5-sonnet"]);

    let route = by("claude-3-5-sonnet", &[row("a", Anthropic, &[]), gateway]).unwrap();

    assert_eq!(names(&route), ["b"]);
    assert_eq!((route.model.key.as_str(), route.notices.len()), ("claude-3-5-sonnet", 0));
}

#[test]
fn a_model_that_only_a_provider_lists_is_taken_to_be_small() {
    let route = by("ours", &[row("a", Ollama, &["ours"])]).unwrap();

    assert!(!route.model.is_known);
    assert_eq!(route.model.context_window, UNKNOWN_CONTEXT_WINDOW);
    assert!(route.model.takes("temperature") && !route.model.takes("logprobs"));
    assert_eq!(route.candidates[0].upstream_model, "ours");
}

#[test]
fn an_edition_of_a_model_has_what_the_model_has() {
    let listed = ["gpt-4o-2024-11-20", "ft:gpt-4o:us:1", "gpt-4o-audio-preview"];
    let rows = [row("a", Openai, &listed)];

    let [edition, tuned, other] = listed.map(|key| by(key, &rows).unwrap().model);

    assert_eq!((edition.context_window, edition.prices.is_some()), (128_000, true));
    assert_eq!((tuned.context_window, tuned.prices.is_some()), (128_000, false));
    assert!(!other.is_known);
}

#[test]
fn an_unknown_model_is_a_fault_that_names_its_neighbours() {
    let unroutable = by("gpt4o", &[row("a", Openai, &[])]).unwrap_err();

    let Unroutable::Unknown(faults) = unroutable else { panic!("{unroutable:?}") };
    assert_eq!((faults[0].pointer.as_str(), faults[0].code), ("/model", "unknown_model"));
    assert!(faults[0].message.contains("gpt-4o"), "{}", faults[0].message);
}

#[test]
fn both_lists_must_allow_the_vendor() {
    let rows = [row("a", Openai, &[])];
    let refused = Err(Unroutable::NotAllowed { provider: "openai" });
    let only = |vendor: &str| OrganizationSettings {
        allowed_providers: Some(words(&[vendor])),
        ..OrganizationSettings::default()
    };
    let other = words(&["anthropic"]);
    let own = words(&["openai"]);

    let ask = |list: Option<&[String]>, organization: &OrganizationSettings| {
        route("gpt-4o", "/model", &rows, list, organization)
    };
    assert_eq!(ask(Some(&other), &OrganizationSettings::default()), refused);
    assert_eq!(ask(Some(&own), &only("anthropic")), refused);
    assert_eq!(ask(None, &only("anthropic")), refused);
    assert!(ask(Some(&own), &only("openai")).is_ok());
}

#[test]
fn the_gate_is_for_the_model_that_really_answers() {
    let list = words(&["anthropic"]);
    let organization = OrganizationSettings::default();

    let rows = [row("a", Openai, &[]), row("b", Anthropic, &[])];
    let asked = |key: &str| route(key, "/model", &rows, Some(&list), &organization);

    assert_eq!(asked("gpt-4"), Err(Unroutable::NotAllowed { provider: "openai" }));
    assert!(asked("claude-3-haiku").is_ok());
}

#[test]
fn the_organization_must_also_allow_the_kind_that_carries_a_model() {
    let rows = [row("a", OpenaiCompatible, &["gpt-4o", "ours"])];
    let organization = |allowed: &[&str]| OrganizationSettings {
        allowed_providers: Some(words(allowed)),
        ..OrganizationSettings::default()
    };
    let refused = Err(Unroutable::NotAllowed { provider: "openai-compatible" });
    let ask =
        |key: &str, allowed: &[&str]| route(key, "/model", &rows, None, &organization(allowed));

    assert_eq!(ask("gpt-4o", &["openai"]), refused);
    assert_eq!(ask("ours", &["openai"]), refused);
    assert!(ask("gpt-4o", &["openai", "openai-compatible"]).is_ok());
    assert!(ask("ours", &["openai-compatible"]).is_ok());
}

#[test]
fn the_builtin_model_needs_no_row_but_can_be_turned_off() {
    let mut row = row("a", Builtin, &[]);
    assert_eq!(names(&by(BUILTIN_MODEL, &[]).unwrap()), ["-"]);
    assert_eq!(names(&by(BUILTIN_MODEL, std::slice::from_ref(&row)).unwrap()), ["a"]);

    row.enabled = false;

    let none = Err(Unroutable::NoProvider { model: BUILTIN_MODEL.to_owned() });
    assert_eq!(by(BUILTIN_MODEL, &[row]), none);
}

#[test]
fn where_nothing_is_set_up_the_builtin_model_answers_and_says_so() {
    let drawing = row("draws", Clipdrop, &[]);
    let mut off = row("off", Openai, &[]);
    off.enabled = false;

    let route = by("gpt-4o", &[drawing, off]).unwrap();

    assert_eq!(route.model.key, BUILTIN_MODEL);
    assert_eq!(names(&route), ["-"]);
    assert_eq!(route.notices[0].action, NoticeAction::Substituted);
    assert!(route.notices[0].reason.contains("/api/providers"));
}

#[test]
fn the_builtin_model_does_not_answer_where_it_may_not_or_another_is_set_up() {
    let none = |key: &str| Err(Unroutable::NoProvider { model: key.to_owned() });
    let list = words(&["openai"]);
    let both = words(&["openai", "builtin"]);
    let organization = OrganizationSettings::default();
    let mut off = row("a", Builtin, &[]);
    off.enabled = false;

    let ask = |list: &[String]| route("gpt-4o", "/model", &[], Some(list), &organization);

    assert_eq!(ask(&list), none("gpt-4o"));
    assert!(ask(&both).is_ok());
    assert_eq!(by("gpt-4o", &[row("a", Anthropic, &[])]), none("gpt-4o"));
    assert_eq!(by("gpt-4o", &[off]), none("gpt-4o"));
}

#[test]
fn what_the_provider_had_at_hand_costs_less() {
    let prices = Prices { input: 2.5, cached_input: Some(1.25), output: 10.0 };
    let usage = |input_tokens, cached_tokens, output_tokens| RunUsage {
        input_tokens,
        cached_tokens,
        output_tokens,
        ..RunUsage::default()
    };

    assert_eq!(cost(Some(&prices), &usage(1_000, 0, 100)), Some(3_500));
    assert_eq!(cost(Some(&prices), &usage(1_000, 1_000, 0)), Some(1_250));
    assert_eq!(cost(Some(&prices), &usage(1, 0, 0)), Some(3), "rounded up");
    assert_eq!(cost(Some(&prices), &usage(10, 20, 0)), Some(13), "no more cached than read");
    assert_eq!(cost(Some(&prices), &usage(0, 0, 0)), Some(0));
    assert_eq!(cost(None, &usage(1_000, 0, 0)), None);
    let whole = Prices { input: 2.0, cached_input: None, output: 8.0 };
    assert_eq!(cost(Some(&whole), &usage(10, 10, 0)), Some(20));
}
