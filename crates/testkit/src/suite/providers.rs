//! Providers.

use understudy_domain::{Provider, ProviderId, ProviderKind, ports::Store};

use super::stage::{add, assert_conflict, assert_taken, begin, home, people, refusal};
use crate::sample::{Members, Row, id, instant, organization, provider};

fn named(n: u32, name: &str) -> Provider {
    Provider { name: name.to_owned(), ..provider(n) }
}

/// A provider with as little as there can be.
fn bare(n: u32) -> Provider {
    Provider {
        kind: ProviderKind::Builtin,
        base_url: None,
        api_key: None,
        models: vec![],
        priority: i32::MIN,
        enabled: false,
        ..provider(n)
    }
}

/// Providers read back as they were written.
pub async fn a_saved_provider_reads_back_equal(store: &dyn Store) {
    people(store, 0).await;
    let full = Provider {
        priority: i32::MAX,
        api_key: Some((0..=255).collect()),
        updated_at: instant(345_678),
        ..named(2, "Größer – «besser»")
    };
    let saved = [bare(1), full];
    add(store, saved.clone().map(Row::from).into()).await;

    assert_eq!(store.content().providers(home()).await.unwrap(), saved);
    for expected in saved {
        let found = begin(store).await.providers().find(expected.id).await.unwrap();
        assert_eq!(found, Some(expected));
    }
}

/// A provider that is not there is `None`.
pub async fn an_unknown_provider_is_none(store: &dyn Store) {
    people(store, 0).await;
    assert_eq!(store.content().providers(home()).await.unwrap(), []);
    add(store, vec![provider(1).into()]).await;

    assert_eq!(begin(store).await.providers().find(id(2)).await.unwrap(), None);
}

/// Every kind of provider reads back.
pub async fn every_kind_of_provider_reads_back(store: &dyn Store) {
    use ProviderKind::{Anthropic, Builtin, Clipdrop, Ollama, Openai, OpenaiCompatible};

    people(store, 0).await;
    let kinds = [Openai, Anthropic, OpenaiCompatible, Ollama, Clipdrop, Builtin];
    let of_kind = |(n, kind)| Provider { kind, ..provider(n) };
    let saved: Vec<Provider> = (1..).zip(kinds).map(of_kind).collect();
    add(store, saved.iter().cloned().map(Row::from).collect()).await;

    assert_eq!(store.content().providers(home()).await.unwrap(), saved);
}

/// Providers are listed by priority, and by name in whatever case.
pub async fn providers_are_listed_by_priority_and_name(store: &dyn Store) {
    people(store, 0).await;
    let with_priority = |priority, provider| Provider { priority, ..provider };
    let rows: [Row; 5] = [
        with_priority(2, named(1, "alpha")).into(),
        with_priority(1, named(2, "Gamma")).into(),
        with_priority(1, named(3, "beta")).into(),
        with_priority(-1, named(4, "omega")).into(),
        with_priority(1, named(5, "ALPHA-2")).into(),
    ];
    add(store, rows.into()).await;

    let found = store.content().providers(home()).await.unwrap();
    let ids: Vec<ProviderId> = found.iter().map(|provider| provider.id).collect();
    assert_eq!(ids, [4, 5, 3, 2, 1].map(id));
}

/// An updated provider reads back with its next revision.
pub async fn an_updated_provider_reads_back_with_its_next_revision(store: &dyn Store) {
    people(store, 0).await;
    add(store, vec![provider(1).into()]).await;
    let changed = Provider { updated_at: instant(9), name: "Renamed".to_owned(), ..bare(1) };
    let mut work = begin(store).await;
    let updated = work.providers().update(changed.clone()).await.unwrap();
    work.commit().await.unwrap();

    assert_eq!(updated, Provider { revision: 2, ..changed });
    assert_eq!(store.content().providers(home()).await.unwrap(), [updated]);
}

/// The second of two changes of the same revision is refused, and one of a provider
/// that is not there.
pub async fn a_stale_provider_conflicts(store: &dyn Store) {
    people(store, 0).await;
    add(store, vec![provider(1).into()]).await;
    let mut work = begin(store).await;
    work.providers().update(provider(1)).await.unwrap();
    work.commit().await.unwrap();

    for n in [1, 9] {
        assert_conflict(&begin(store).await.providers().update(provider(n)).await.unwrap_err());
    }
}

/// No two providers of an organization have the same name, in whatever case.
pub async fn a_provider_name_is_taken_in_whatever_case(store: &dyn Store) {
    people(store, 0).await;
    add(store, vec![named(1, "Größe").into(), provider(2).into()]).await;

    assert_taken(&refusal(store, named(3, "GRÖßE")).await, "name");
    let error = begin(store).await.providers().update(named(2, "größe")).await.unwrap_err();
    assert_taken(&error, "name");
    let mut work = begin(store).await;
    assert!(work.providers().update(named(1, "größe")).await.is_ok(), "its own name is its own");
}

/// Another organization's provider may have the name.
pub async fn a_provider_name_is_free_in_another_organization(store: &dyn Store) {
    people(store, 0).await;
    add(store, vec![provider(1).into(), organization(2).into()]).await;
    let twin = named(2, &provider(1).name).of(2);
    add(store, vec![twin.clone().into()]).await;

    assert_eq!(store.content().providers(id(2)).await.unwrap(), [twin]);
}

/// A provider is removed once, and its name is free.
pub async fn a_removed_provider_frees_its_name(store: &dyn Store) {
    people(store, 0).await;
    add(store, vec![provider(1).into()]).await;
    let heir = named(2, &provider(1).name);
    let mut work = begin(store).await;
    assert!(work.providers().delete(id(1)).await.unwrap());
    assert!(!work.providers().delete(id(1)).await.unwrap());
    work.providers().insert(&heir).await.unwrap();
    work.commit().await.unwrap();

    assert_eq!(store.content().providers(home()).await.unwrap(), [heir]);
}
