use super::*;
use crate::{Id, Timestamp};

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

fn off(kind: ProviderKind) -> Provider {
    Provider { enabled: false, ..row(kind, &[]) }
}

/// Who draws, as `kind/model`; or why nobody does.
fn outcome(providers: &[Provider], wish: Wish<'_>) -> String {
    match choose(providers, wish) {
        Ok(Choice { provider, model }) => {
            let kind = provider.map_or("none", |row| row.kind.as_str());
            format!("{kind}/{}", model.unwrap_or("usual"))
        }
        Err(Error::Conflict(conflict)) => conflict.code().to_owned(),
        Err(Error::Invalid(faults)) => faults[0].code.to_owned(),
        Err(other) => panic!("{other:?}"),
    }
}

fn named(model: &str) -> Wish<'_> {
    Wish { model: Some(model), ..Wish::default() }
}

use ProviderKind::{Anthropic, Builtin, Clipdrop, Ollama, Openai, OpenaiCompatible};

#[test]
fn a_named_model_decides_who_draws() {
    let listing = row(OpenaiCompatible, &["flux", "dall-e-3"]);
    for (providers, model, expected) in [
        (vec![row(Openai, &[])], "dall-e-3", "openai/dall-e-3"),
        (vec![row(Clipdrop, &[]), row(Openai, &[])], "dall-e-2", "openai/dall-e-2"),
        (vec![row(Openai, &[]), row(Clipdrop, &[])], "clipdrop", "clipdrop/clipdrop"),
        // What is listed is all that a provider is used for.
        (vec![row(Openai, &["dall-e-2"])], "dall-e-3", "no_provider"),
        (vec![row(Openai, &["gpt-image-9"])], "gpt-image-9", "openai/gpt-image-9"),
        (vec![listing.clone(), row(Openai, &[])], "dall-e-3", "openai-compatible/dall-e-3"),
        (vec![listing], "flux", "openai-compatible/flux"),
        (vec![row(OpenaiCompatible, &[])], "dall-e-3", "no_provider"),
        // These cannot draw, whatever they list.
        (
            vec![row(Anthropic, &["dall-e-3"]), row(Ollama, &["dall-e-3"])],
            "dall-e-3",
            "no_provider",
        ),
        (vec![off(Openai)], "dall-e-3", "no_provider"),
        (vec![], "dall-e-3", "no_provider"),
        (vec![], "builtin", "none/builtin"),
        (vec![off(Builtin)], "builtin", "no_provider"),
        (vec![row(Openai, &[])], "dalle3", "unknown_model"),
        (vec![row(Openai, &[])], "", "unknown_model"),
    ] {
        assert_eq!(outcome(&providers, named(model)), expected, "{model} of {providers:?}");
    }
}

#[test]
fn without_a_model_the_first_who_can_draw_does() {
    for (providers, expected) in [
        (vec![], "none/usual"),
        (vec![row(Anthropic, &[]), row(Ollama, &[])], "none/usual"),
        (vec![row(Anthropic, &[]), row(Clipdrop, &[]), row(Openai, &[])], "clipdrop/usual"),
        (vec![off(Clipdrop), row(Openai, &[])], "openai/usual"),
        (vec![row(Builtin, &[]), row(Openai, &[])], "builtin/usual"),
        // A provider for chats only does not draw.
        (vec![row(Openai, &["gpt-4o"])], "none/usual"),
        (vec![row(Openai, &["gpt-4o", "dall-e-2"])], "openai/dall-e-2"),
        (vec![row(OpenaiCompatible, &[])], "none/usual"),
        (vec![row(OpenaiCompatible, &["dall-e-3"])], "openai-compatible/dall-e-3"),
        (vec![off(Builtin)], "no_provider"),
    ] {
        assert_eq!(outcome(&providers, Wish::default()), expected, "{providers:?}");
    }
}

#[test]
fn a_preference_counts_where_no_model_is_named_and_the_provider_is_there() {
    let both = [row(Openai, &[]), row(Clipdrop, &[])];
    let preferring = |kind| Wish { preferred: Some(kind), ..Wish::default() };

    assert_eq!(outcome(&both, preferring(Clipdrop)), "clipdrop/usual");
    assert_eq!(outcome(&both[..1], preferring(Clipdrop)), "openai/usual");
    assert_eq!(outcome(&[], preferring(Clipdrop)), "none/usual");
    let wish = Wish { model: Some("dall-e-3"), ..preferring(Clipdrop) };
    assert_eq!(outcome(&both, wish), "openai/dall-e-3");
}

#[test]
fn what_an_assistant_does_not_allow_is_not_taken() {
    let both = [row(Openai, &[]), row(Clipdrop, &[])];
    let only = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    let (clipdrop, anthropic, builtin) =
        (only(&["clipdrop"]), only(&["anthropic"]), only(&["builtin"]));
    let within = |allowed, model| Wish {
        model,
        allowed: Some(allowed),
        preferred: Some(Openai),
        in_house: None,
    };

    assert_eq!(outcome(&both, within(&clipdrop, None)), "clipdrop/usual");
    assert_eq!(outcome(&both, within(&builtin, None)), "none/usual");
    assert_eq!(outcome(&both, within(&anthropic, None)), "provider_not_allowed");
    assert_eq!(outcome(&both, within(&clipdrop, Some("dall-e-3"))), "provider_not_allowed");
    assert_eq!(outcome(&[], within(&clipdrop, Some("builtin"))), "provider_not_allowed");
}

#[test]
fn an_unknown_model_has_its_neighbours_named() {
    let listing = [row(OpenaiCompatible, &["stable-diffusion-xl"])];
    let hint = |model| match choose(&listing, named(model)) {
        Err(Error::Invalid(faults)) => faults[0].message.clone(),
        other => panic!("{other:?}"),
    };

    assert!(hint("dalle-3").contains("dall-e-3"), "{}", hint("dalle-3"));
    assert!(hint("stable-difusion").contains("stable-diffusion-xl"));
    assert!(hint("0000").contains("known are"), "{}", hint("0000"));
}

#[test]
fn what_the_organization_does_not_allow_is_never_taken() {
    let providers = [row(Openai, &[]), row(Clipdrop, &[])];
    let clipdrop = ["clipdrop".to_owned()];
    let openai = ["openai".to_owned()];
    let within = |allowed, in_house| Wish { allowed, in_house, ..Wish::default() };

    assert_eq!(outcome(&providers, within(None, Some(&clipdrop))), "clipdrop/usual");
    assert_eq!(outcome(&providers, within(Some(&openai), Some(&openai))), "openai/usual");
    // What only one of them allows is not allowed.
    let neither = within(Some(&openai), Some(&clipdrop));
    assert_eq!(outcome(&providers, neither), "provider_not_allowed");
    let named = Wish { model: Some("dall-e-3"), ..within(None, Some(&clipdrop)) };
    assert_eq!(outcome(&providers, named), "provider_not_allowed");
    assert_eq!(outcome(&providers, within(None, Some(&[]))), "provider_not_allowed");
}
