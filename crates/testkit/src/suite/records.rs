//! Versions, sealed values and data keys.

use understudy_domain::{DataKey, SealedId, SealedValue, Version, VersionSummary, ports::Store};

use super::stage::{add, assert_conflict, begin, home, people, refusal};
use crate::sample::{
    Row, assistant, data_key, full_content, icon, id, instant, sealed_value, touched, version,
    with_files,
};

async fn with_assistant(store: &dyn Store) {
    people(store, 2).await;
    add(store, vec![assistant(1, id(1), "Ada").into(), assistant(2, id(1), "Bob").into()]).await;
}

/// A version reads back as it was written.
pub async fn a_saved_version_reads_back_equal(store: &dyn Store) {
    with_assistant(store).await;
    let full = Version {
        author: id(2),
        created_at: instant(345_678),
        message: Some("Größer – «besser»".to_owned()),
        changes: 17,
        content: full_content("Ada"),
        ..version(1, &assistant(1, id(1), "Ada"))
    };
    let plain = Version { message: None, ..version(2, &assistant(1, id(1), "Ada")) };
    add(store, vec![full.clone().into(), plain.clone().into()]).await;

    for saved in [full, plain] {
        let number = saved.number;
        let found = store.assistants().version(home(), id(1), number).await.unwrap();
        assert_eq!(found, Some(saved.clone()));
        let found = begin(store).await.records().find_version(id(1), number).await.unwrap();
        assert_eq!(found, Some(saved));
    }
}

/// A version reads back with its files and icon.
pub async fn a_version_with_files_reads_back_equal(store: &dyn Store) {
    with_assistant(store).await;
    add(store, (1..=4).map(|n| touched(n).into()).collect()).await;
    let mut saved = version(1, &with_files(assistant(1, id(1), "Ada"), [2, 1, 2]));
    saved.content.icon_image = Some(icon(3)); // and 4
    add(store, vec![saved.clone().into()]).await;

    let found = store.assistants().version(home(), id(1), 1).await.unwrap();
    assert_eq!(found, Some(saved));
}

/// A version that is not there is `None`.
pub async fn an_unknown_version_is_none(store: &dyn Store) {
    with_assistant(store).await;
    add(store, vec![version(1, &assistant(1, id(1), "Ada")).into()]).await;

    for (owner, number) in [(1, 2), (2, 1), (9, 1)] {
        let found = store.assistants().version(home(), id(owner), number).await.unwrap();
        assert_eq!(found, None);
        let found = begin(store).await.records().find_version(id(owner), number).await.unwrap();
        assert_eq!(found, None);
    }
}

/// An assistant has each number once.
pub async fn a_version_number_is_given_once(store: &dyn Store) {
    with_assistant(store).await;
    let first = version(1, &assistant(1, id(1), "Ada"));
    add(store, vec![first.clone().into()]).await;
    let second = Version { id: id(77), ..first };

    assert_conflict(&refusal(store, second).await);
}

/// Versions are listed newest first, below a number, as many as asked.
pub async fn versions_are_listed_newest_first(store: &dyn Store) {
    with_assistant(store).await;
    let of_ada = |number| version(number, &assistant(1, id(1), "Ada"));
    let mut rows: Vec<Row> = (1..=12).map(|number| of_ada(number).into()).collect();
    rows.push(version(1, &assistant(2, id(1), "Bob")).into());
    add(store, rows).await;

    let cases: [(Option<u32>, u32, &[u32]); 5] = [
        (None, 3, &[12, 11, 10]),
        (Some(11), 2, &[10, 9]),
        (Some(3), 10, &[2, 1]),
        (Some(1), 10, &[]),
        (Some(u32::MAX), 1, &[12]),
    ];
    for (before, limit, numbers) in cases {
        let found = store.assistants().versions(home(), id(1), before, limit).await.unwrap();
        let expected: Vec<_> = numbers.iter().map(|number| summary(of_ada(*number))).collect();
        assert_eq!(found, expected, "{before:?}, {limit}");
    }
}

fn summary(version: Version) -> VersionSummary {
    let Version { id, number, author, created_at, message, changes, .. } = version;
    VersionSummary { id, number, author, created_at, message, changes }
}

/// Sealed values read back byte for byte, those that exist of those asked for.
pub async fn sealed_values_read_back_equal(store: &dyn Store) {
    with_assistant(store).await;
    let ada = assistant(1, id(1), "Ada");
    let odd = SealedValue {
        name: "mcp/Größe/headers/X-Key".to_owned(),
        ciphertext: (0..=255).collect(),
        created_at: instant(222_333),
        ..sealed_value(2, &ada)
    };
    let values = [sealed_value(1, &ada), odd, sealed_value(3, &ada)];
    let mut work = begin(store).await;
    work.records().insert_sealed(&values).await.unwrap();
    work.records().insert_sealed(&[]).await.unwrap();
    work.commit().await.unwrap();

    let mut work = begin(store).await;
    let mut asked: Vec<SealedId> = vec![id(2), id(1), id(2)];
    asked.extend((100..1_500).map(id));
    let mut found = work.records().find_sealed(&asked).await.unwrap();
    found.sort_by_key(|value| value.id);
    found.dedup();
    let [first, second, _] = values;
    assert_eq!(found, [first, second]);
    assert_eq!(work.records().find_sealed(&[]).await.unwrap(), []);
}

/// The newest data key is the one that was made last, whenever it was added.
pub async fn the_newest_data_key_seals(store: &dyn Store) {
    people(store, 0).await;
    assert_eq!(begin(store).await.records().newest_data_key().await.unwrap(), None);
    let newest = DataKey { wrapped: (0..=255).collect(), ..data_key(3, home()) };
    for key in [data_key(1, home()), newest.clone(), data_key(2, home())] {
        add(store, vec![key.into()]).await;
    }

    assert_eq!(begin(store).await.records().newest_data_key().await.unwrap(), Some(newest));
}
