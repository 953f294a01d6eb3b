use super::*;
use crate::{Id, Timestamp};

const SMALL: &str = "text-embedding-3-small";

fn row(kind: ProviderKind, models: &[&str]) -> Provider {
    let at = Timestamp::from_unix_micros(0).unwrap();
    Provider {
        id: Id::from_uuid(uuid::Uuid::from_u128(1)),
        organization: Id::from_uuid(uuid::Uuid::from_u128(2)),
        name: kind.as_str().to_owned(),
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

fn asked(model: &str, input: EmbeddingInput) -> EmbeddingRequest {
    EmbeddingRequest { model: model.to_owned(), input, dimensions: None }
}

/// The kinds of those who may be asked for this model, or why nobody may.
fn chosen(rows: &[Provider], model: &str) -> std::result::Result<Vec<ProviderKind>, String> {
    let settings = OrganizationSettings::default();
    let request = asked(model, EmbeddingInput::Texts(vec!["x".to_owned()]));
    told(choose(rows, &request, &settings))
}

fn told(chosen: Result<Vec<&Provider>>) -> std::result::Result<Vec<ProviderKind>, String> {
    match chosen {
        Ok(rows) => Ok(rows.into_iter().map(|row| row.kind).collect()),
        Err(Error::Invalid(faults)) => Err(format!("{} {}", faults[0].pointer, faults[0].code)),
        Err(Error::Conflict(conflict)) => Err(conflict.code().to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn who_lists_a_model_or_is_its_vendor_embeds_with_it() {
    use ProviderKind::{Anthropic, Builtin, Ollama, Openai, OpenaiCompatible};
    let vendor = row(Openai, &[]);
    let choosy = row(Openai, &["gpt-4o"]);
    let local = row(Ollama, &["nomic-embed-text"]);
    let other = row(OpenaiCompatible, &[SMALL, "e5"]);

    assert_eq!(chosen(&[other.clone(), vendor.clone()], SMALL), Ok(vec![OpenaiCompatible, Openai]));
    assert_eq!(chosen(std::slice::from_ref(&local), "nomic-embed-text"), Ok(vec![Ollama]));
    assert_eq!(chosen(&[choosy], SMALL).unwrap_err(), "no_provider");
    assert_eq!(chosen(&[], SMALL).unwrap_err(), "no_provider");
    assert_eq!(chosen(&[vendor, other.clone()], "e5"), Ok(vec![OpenaiCompatible]));
    assert_eq!(chosen(&[local], "gpt-9").unwrap_err(), "/model unknown_model");
    let off = Provider { enabled: false, ..other };
    assert_eq!(chosen(&[off], "e5").unwrap_err(), "/model unknown_model");
    for kind in [Anthropic, Builtin] {
        assert_eq!(chosen(&[row(kind, &["e5"])], "e5").unwrap_err(), "/model unsupported");
    }
}

#[test]
fn what_the_organization_does_not_allow_embeds_nothing() {
    let rows = [row(ProviderKind::Openai, &[]), row(ProviderKind::Ollama, &[SMALL])];
    let only = |kind: &str| OrganizationSettings {
        allowed_providers: Some(vec![kind.to_owned()]),
        ..OrganizationSettings::default()
    };
    let request = asked(SMALL, EmbeddingInput::Texts(vec!["x".to_owned()]));

    let local = told(choose(&rows, &request, &only("ollama")));
    assert_eq!(local, Ok(vec![ProviderKind::Ollama]));
    let nobody = told(choose(&rows, &request, &only("anthropic")));
    assert_eq!(nobody.unwrap_err(), "provider_not_allowed");
}

#[test]
fn tokens_go_to_those_who_take_them() {
    let rows = [row(ProviderKind::Ollama, &["e5"]), row(ProviderKind::OpenaiCompatible, &["e5"])];
    let request = asked("e5", EmbeddingInput::Tokens(vec![vec![1, 2]]));
    let settings = OrganizationSettings::default();

    let both = told(choose(&rows, &request, &settings));
    assert_eq!(both, Ok(vec![ProviderKind::OpenaiCompatible]));
    let neither = told(choose(&rows[..1], &request, &settings));
    assert_eq!(neither.unwrap_err(), "/input unsupported");
}

#[test]
fn a_price_is_the_vendors_alone() {
    assert_eq!(cost(ProviderKind::Openai, SMALL, 1_000_000), Some(20_000));
    assert_eq!(cost(ProviderKind::Openai, SMALL, 1), Some(1));
    assert_eq!(cost(ProviderKind::OpenaiCompatible, SMALL, 1), None);
    assert_eq!(cost(ProviderKind::Openai, "e5", 1), None);
}
