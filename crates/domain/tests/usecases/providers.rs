//! Providers: how their keys are kept, and what administrators may do.

use understudy_domain::{
    EventFilter, Provider, ProviderKind, Role, Scope, Secret, TokenLimits,
    ports::{ProviderError, Store, Walk},
    usecases::{
        Caller, Conflict, Denied, Error, Precondition, Result,
        providers::{
            CreateProvider, InstalledProvider, MAX_PROVIDERS, UpdateProvider, create_provider,
            delete_provider, etag, install_providers, list_providers, test_provider,
            update_provider, view_provider,
        },
    },
};
use understudy_testkit::FakeImageModel;

use crate::stage::{Stage, by_token, caller};

const KEY: &str = "sk-sesame";
const MASK: &str = "********";

fn new(name: &str) -> CreateProvider {
    CreateProvider {
        name: name.to_owned(),
        kind: ProviderKind::OpenaiCompatible,
        base_url: Some("https://models.example/v1".to_owned()),
        api_key: Some(secret(KEY)),
        models: vec![],
        priority: 0,
        enabled: true,
    }
}

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

async fn create(stage: &Stage, who: &Caller, command: CreateProvider) -> Result<Provider> {
    create_provider(stage.deps(), &stage.vault, who, command).await
}

async fn update(stage: &Stage, provider: &Provider, command: UpdateProvider) -> Result<Provider> {
    update_provider(stage.deps(), &stage.vault, &caller(2), provider.id, command).await
}

/// The key that the provider is called with now.
async fn key_in_use(stage: &Stage, provider: &Provider) -> Option<String> {
    let models = FakeImageModel::default();
    let who = caller(2);
    let tested = test_provider(stage.deps(), &stage.vault, &models, &who, provider.id).await;
    tested.unwrap().unwrap();
    models.tested()[0].api_key.as_ref().map(|key| key.expose().clone())
}

fn pointers<T: std::fmt::Debug>(result: Result<T>) -> Vec<(String, &'static str)> {
    match result {
        Err(Error::Invalid(faults)) => {
            faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
        }
        other => panic!("expected faults, got {other:?}"),
    }
}

#[tokio::test]
async fn a_key_is_sealed_and_opened_for_a_call_only() {
    let stage = Stage::set().await;

    let made = create(&stage, &caller(2), new("mine")).await.unwrap();

    let sealed = made.api_key.clone().unwrap();
    assert!(!String::from_utf8_lossy(&sealed).contains(KEY));
    assert_eq!(key_in_use(&stage, &made).await.as_deref(), Some(KEY));
}

#[tokio::test]
async fn no_event_tells_a_key() {
    let stage = Stage::set().await;
    let made = create(&stage, &caller(2), new("mine")).await.unwrap();
    let command =
        UpdateProvider { api_key: Some(Some(secret("sk-other"))), ..UpdateProvider::default() };
    update(&stage, &made, command).await.unwrap();
    delete_provider(stage.deps(), &caller(2), made.id, Precondition::None).await.unwrap();

    let tenant = caller(2).actor.organization;
    let (all, walk) = (EventFilter::default(), Walk::Backward(None));
    let events = stage.store.audit().events(tenant, &all, walk, 10).await.unwrap();

    let actions: Vec<_> = events.iter().map(|event| event.event.action.as_str()).collect();
    assert_eq!(actions, ["provider.deleted", "provider.updated", "provider.created"]);
    let told = format!("{events:?}");
    assert!(!told.contains(KEY) && !told.contains("sk-other"), "{told}");
}

#[tokio::test]
async fn the_mask_keeps_the_key_and_null_clears_it() {
    let stage = Stage::set().await;
    let made = create(&stage, &caller(2), new("mine")).await.unwrap();

    let kept = UpdateProvider {
        api_key: Some(Some(secret(MASK))),
        priority: Some(7),
        base_url: Some(Some("https://models.example/v1/".to_owned())),
        ..UpdateProvider::default()
    };
    let kept = update(&stage, &made, kept).await.unwrap();
    assert_eq!(key_in_use(&stage, &kept).await.as_deref(), Some(KEY));
    assert_eq!(kept.priority, 7);

    let new = UpdateProvider { api_key: Some(Some(secret("sk-2"))), ..UpdateProvider::default() };
    let new = update(&stage, &made, new).await.unwrap();
    assert_eq!(key_in_use(&stage, &new).await.as_deref(), Some("sk-2"));

    let none = UpdateProvider { api_key: Some(None), ..UpdateProvider::default() };
    let none = update(&stage, &made, none).await.unwrap();
    assert_eq!(key_in_use(&stage, &none).await, None);
}

#[tokio::test]
async fn a_key_does_not_go_along_to_another_address() {
    let stage = Stage::set().await;
    let made = create(&stage, &caller(2), new("mine")).await.unwrap();
    let elsewhere = |api_key| UpdateProvider {
        base_url: Some(Some("https://elsewhere.example".to_owned())),
        api_key,
        ..UpdateProvider::default()
    };

    for api_key in [None, Some(Some(secret(MASK)))] {
        let refused = update(&stage, &made, elsewhere(api_key)).await;
        assert_eq!(pointers(refused), [("/apiKey".to_owned(), "nothing_to_keep")]);
    }
    let moved = update(&stage, &made, elsewhere(Some(Some(secret("sk-2"))))).await.unwrap();
    assert_eq!(key_in_use(&stage, &moved).await.as_deref(), Some("sk-2"));
    let keyless = UpdateProvider { api_key: Some(None), ..UpdateProvider::default() };
    update(&stage, &made, keyless).await.unwrap();
    let masked = UpdateProvider { api_key: Some(Some(secret(MASK))), ..UpdateProvider::default() };
    let refused = update(&stage, &made, masked).await;
    assert_eq!(pointers(refused), [("/apiKey".to_owned(), "nothing_to_keep")]);
}

#[tokio::test]
async fn a_new_provider_has_no_key_to_keep() {
    let stage = Stage::set().await;

    let masked = CreateProvider { api_key: Some(secret(MASK)), ..new("mine") };

    let refused = create(&stage, &caller(2), masked).await;
    assert_eq!(pointers(refused), [("/apiKey".to_owned(), "nothing_to_keep")]);
}

#[tokio::test]
async fn all_faults_of_a_provider_are_told_at_once() {
    let stage = Stage::set().await;
    let wrong = CreateProvider {
        name: " ".to_owned(),
        base_url: Some("http://models.example".to_owned()),
        api_key: Some(secret("two words")),
        models: vec!["a".to_owned(), "a".to_owned(), String::new()],
        ..new("x")
    };

    let faults = pointers(create(&stage, &caller(2), wrong).await);

    let expected = [
        ("/name", "invalid"),
        ("/baseUrl", "invalid"),
        ("/apiKey", "invalid"),
        ("/models/1", "duplicate"),
        ("/models/2", "invalid"),
    ];
    assert_eq!(faults, expected.map(|(at, code)| (at.to_owned(), code)));
}

#[tokio::test]
async fn an_address_is_needed_where_nobody_knows_it_and_none_is_taken_for_the_built_in_one() {
    let stage = Stage::set().await;
    for kind in [ProviderKind::Ollama, ProviderKind::OpenaiCompatible] {
        let nowhere = CreateProvider { kind, base_url: None, ..new("x") };
        let refused = create(&stage, &caller(2), nowhere).await;
        assert_eq!(pointers(refused), [("/baseUrl".to_owned(), "required")]);
    }

    let addressed = CreateProvider { kind: ProviderKind::Builtin, api_key: None, ..new("x") };
    let refused = create(&stage, &caller(2), addressed).await;

    assert_eq!(pointers(refused), [("/baseUrl".to_owned(), "contradiction")]);
    let vendor = CreateProvider { kind: ProviderKind::Openai, base_url: None, ..new("x") };
    assert!(create(&stage, &caller(2), vendor).await.is_ok());
}

#[tokio::test]
async fn a_provider_stays_of_its_kind() {
    let stage = Stage::set().await;
    let made = create(&stage, &caller(2), new("mine")).await.unwrap();
    let of = |kind| UpdateProvider { kind: Some(kind), ..UpdateProvider::default() };

    assert!(update(&stage, &made, of(ProviderKind::OpenaiCompatible)).await.is_ok());
    let refused = update(&stage, &made, of(ProviderKind::Ollama)).await;
    assert_eq!(pointers(refused), [("/kind".to_owned(), "immutable")]);
}

#[tokio::test]
async fn only_administrators_see_or_change_providers() {
    let stage = Stage::set().await;
    let made = create(&stage, &caller(2), new("mine")).await.unwrap();
    let reader = TokenLimits { scopes: [Scope::Read].into(), ..TokenLimits::default() };

    for n in [3, 4, 5] {
        let role = crate::stage::user(n).role;
        assert!(role < Role::Admin);
        let who = caller(n);
        let seen = view_provider(stage.deps(), &who, made.id).await;
        assert!(matches!(seen, Err(Error::Forbidden(Denied::Role(_)))), "{role}");
        let made = create(&stage, &who, new("x")).await;
        assert!(matches!(made, Err(Error::Forbidden(Denied::Role(_)))), "{role}");
    }
    assert_eq!(list_providers(stage.deps(), &by_token(2, reader.clone())).await.unwrap().len(), 1);
    let refused = create(&stage, &by_token(2, reader), new("x")).await;
    assert!(matches!(refused, Err(Error::Forbidden(Denied::Scope("admin")))));
}

#[tokio::test]
async fn names_are_unique_and_their_number_is_bounded() {
    let stage = Stage::set().await;
    let made = create(&stage, &caller(2), new("first")).await.unwrap();
    let twice = create(&stage, &caller(2), new("First")).await;
    assert!(matches!(twice, Err(Error::Conflict(Conflict::Taken { what: "name" }))));
    for n in 1..MAX_PROVIDERS {
        create(&stage, &caller(2), new(&n.to_string())).await.unwrap();
    }

    let refused = create(&stage, &caller(2), new("one too many")).await;

    assert!(matches!(refused, Err(Error::TooMany { limit: MAX_PROVIDERS, .. })));
    delete_provider(stage.deps(), &caller(2), made.id, Precondition::None).await.unwrap();
    assert!(create(&stage, &caller(2), new("one too many")).await.is_ok());
}

#[tokio::test]
async fn a_write_heeds_the_state_that_its_caller_saw() {
    let stage = Stage::set().await;
    let made = create(&stage, &caller(2), new("mine")).await.unwrap();
    let tag = Precondition::OneOf(vec![etag(&made)]);
    let rename = UpdateProvider {
        name: Some("yours".to_owned()),
        precondition: tag.clone(),
        ..UpdateProvider::default()
    };
    let renamed = update(&stage, &made, rename).await.unwrap();

    assert_ne!(etag(&renamed), etag(&made));
    let late = delete_provider(stage.deps(), &caller(2), made.id, tag).await;
    assert!(matches!(late, Err(Error::PreconditionFailed)));
    // What changes nothing leaves the state as it is.
    let same = update(&stage, &made, UpdateProvider::default()).await.unwrap();
    assert_eq!(etag(&same), etag(&renamed));
}

#[tokio::test]
async fn a_test_tells_what_the_provider_said() {
    let stage = Stage::set().await;
    let made = create(&stage, &caller(2), new("mine")).await.unwrap();
    let models = FakeImageModel::default();
    models.fail_next(ProviderError::Refused { status: 401, message: "no such key".to_owned() });

    let tested = test_provider(stage.deps(), &stage.vault, &models, &caller(2), made.id).await;

    assert!(tested.unwrap().unwrap_err().to_string().contains("no such key"));
    assert_eq!(models.tested()[0].base_url.as_deref(), Some("https://models.example/v1"));
}

#[tokio::test]
async fn installed_providers_are_made_once_and_left_alone_then() {
    let stage = Stage::set().await;
    let tenant = caller(2).actor.organization;
    let wanted = || {
        vec![
            InstalledProvider {
                name: "OpenAI".to_owned(),
                kind: ProviderKind::Openai,
                base_url: None,
                api_key: Some(secret(KEY)),
            },
            InstalledProvider {
                name: "Ollama".to_owned(),
                kind: ProviderKind::Ollama,
                base_url: Some("http://127.0.0.1:11434/".to_owned()),
                api_key: None,
            },
        ]
    };
    let install = async || install_providers(stage.deps(), &stage.vault, tenant, wanted()).await;

    assert_eq!(install().await.unwrap(), 2);
    let all = list_providers(stage.deps(), &caller(2)).await.unwrap();
    assert_eq!(all.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["OpenAI", "Ollama"]);
    assert_eq!(all[1].base_url.as_deref(), Some("http://127.0.0.1:11434"));
    assert_eq!(key_in_use(&stage, &all[0]).await.as_deref(), Some(KEY));
    let renewed =
        UpdateProvider { api_key: Some(Some(secret("sk-2"))), ..UpdateProvider::default() };
    update(&stage, &all[0], renewed).await.unwrap();

    assert_eq!(install().await.unwrap(), 0);
    assert_eq!(key_in_use(&stage, &all[0]).await.as_deref(), Some("sk-2"));
}
