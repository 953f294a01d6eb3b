//! Secrets: bound to a name and to origins, through drafts, merges and versions.

use proptest::prelude::*;
use serde_json::json;
use understudy_domain::{
    Content, SealedId, SealedValue, Secret, SecretId, Timestamp,
    assistant::content::{SecretEntry, SkillType},
    merge::{OnConflict, merge},
    ports::{SealingKey, Store, Vault},
    usecases::{
        Caller, Conflict, Error, Precondition, Result,
        assistants::{copy_assistant, view_assistant},
        secrets::{
            NewSecret, SecretChange, SecretView, add_secret, list_secrets, remove_secret,
            update_secret, view_secret,
        },
        skills::{NewSkill, add_skill},
        versions::{restore_version, view_version},
    },
};
use understudy_testkit::sample;

use crate::stage::{Stage, caller, id_of, named};

const CANARY: &str = "CNRY-secret-value";
const HERE: &str = "https://api.example.com";
const THERE: &str = "https://other.example.com";

fn secret(name: &str, value: &str, origins: &[&str]) -> NewSecret {
    NewSecret {
        name: name.to_owned(),
        value: Secret::new(value.to_owned()),
        description: None,
        origins: origins.iter().map(|&origin| origin.to_owned()).collect(),
        shared: false,
    }
}

fn value(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

fn renamed(name: &str) -> SecretChange {
    SecretChange { name: Some(name.to_owned()), ..SecretChange::default() }
}

fn to(origins: &[&str]) -> SecretChange {
    let origins = origins.iter().map(|&origin| origin.to_owned()).collect();
    SecretChange { origins: Some(origins), ..SecretChange::default() }
}

async fn add(stage: &Stage, who: &Caller, id: &str, new: NewSecret) -> Result<SecretView> {
    add_secret(stage.deps(), &stage.vault, who, id, new).await
}

async fn change(
    stage: &Stage,
    who: &Caller,
    id: &str,
    secret: SecretId,
    change: SecretChange,
) -> Result<SecretView> {
    update_secret(stage.deps(), &stage.vault, who, id, secret, change).await
}

/// The value of a secret as a run would open it: by what the content says of it.
async fn opened(stage: &Stage, who: &Caller, id: &str, secret: SecretId) -> String {
    let view = view_assistant(stage.deps(), who, id).await.unwrap();
    let assistant = &view.record.assistant;
    let entry = assistant.content.secrets.iter().find(|entry| entry.id == secret).unwrap();
    let id = entry.value.unwrap();
    let mut work = stage.store.begin(assistant.organization).await.unwrap();
    let stored = work.records().find_sealed(&[id]).await.unwrap().remove(0);
    let key = work.records().newest_data_key().await.unwrap().unwrap();
    let context = assistant.organization.to_string().into_bytes();
    let key = SealingKey { id: key.id.as_uuid(), context: &context, wrapped: &key.wrapped };
    let name = SecretEntry::sealed_name(&entry.name, &entry.origins);
    assert_eq!(stored.name, name);
    let bound =
        SealedValue::associated_data(assistant.organization, assistant.lineage(), id, &name);
    stage.vault.open(&key, &bound, &stored.ciphertext).unwrap().expose().clone()
}

/// A skill that uses a secret at [`HERE`].
fn using(name: &str) -> NewSkill {
    let data = json!({
        "method": "GET",
        "url": format!("{HERE}/orders"),
        "headers": {"Authorization": format!("Bearer {{{{secrets.{name}}}}}")},
    });
    NewSkill {
        kind: SkillType::Custom,
        name: Some("Orders".to_owned()),
        description: None,
        data: data.as_object().unwrap().clone(),
        dataset_id: None,
        enabled: true,
    }
}

fn faults<T: std::fmt::Debug>(result: Result<T>) -> Vec<(String, &'static str)> {
    match result {
        Err(Error::Invalid(faults)) => {
            faults.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
        }
        other => panic!("expected faults, got {other:?}"),
    }
}

#[tokio::test]
async fn a_secret_is_kept_in_one_spelling_and_opens_with_its_value() {
    let stage = Stage::set().await;
    let me = caller(4);
    let id = id_of(&stage.create(&me, named("x")).await.unwrap());

    let origins = ["https://B.example:443/", HERE, HERE];
    let added = add(&stage, &me, &id, secret("KEY", CANARY, &origins)).await.unwrap();

    assert_eq!(added.entry.origins, [HERE, "https://b.example"]);
    assert_eq!(opened(&stage, &me, &id, added.entry.id).await, CANARY);
    assert_eq!(view_secret(stage.deps(), &me, &id, added.entry.id).await.unwrap(), added);
}

#[tokio::test]
async fn another_name_or_fewer_origins_keep_the_value_and_more_origins_need_it_again() {
    let stage = Stage::set().await;
    let me = caller(4);
    let id = id_of(&stage.create(&me, named("x")).await.unwrap());
    let added = add(&stage, &me, &id, secret("KEY", CANARY, &[HERE, THERE])).await.unwrap();
    let key = added.entry.id;

    let other = change(&stage, &me, &id, key, renamed("TOKEN")).await.unwrap();
    assert_ne!(other.entry.value, added.entry.value, "it is sealed anew");
    assert_eq!(opened(&stage, &me, &id, key).await, CANARY);
    change(&stage, &me, &id, key, to(&[HERE])).await.unwrap();
    assert_eq!(opened(&stage, &me, &id, key).await, CANARY);

    let refused = change(&stage, &me, &id, key, to(&[HERE, THERE])).await;
    assert_eq!(faults(refused), [("/origins".to_owned(), "value_required")]);
    let masked = SecretChange { value: Some(Some(value("********"))), ..to(&[THERE]) };
    let refused = change(&stage, &me, &id, key, masked).await;
    assert_eq!(faults(refused), [("/origins".to_owned(), "value_required")]);
    let again = SecretChange { value: Some(Some(value("second"))), ..to(&[THERE]) };
    change(&stage, &me, &id, key, again).await.unwrap();
    assert_eq!(opened(&stage, &me, &id, key).await, "second");
}

#[tokio::test]
async fn what_says_nothing_new_leaves_no_trace() {
    let stage = Stage::set().await;
    let me = caller(4);
    let id = id_of(&stage.create(&me, named("x")).await.unwrap());
    let added = add(&stage, &me, &id, secret("KEY", CANARY, &[HERE])).await.unwrap();
    let before = view_assistant(stage.deps(), &me, &id).await.unwrap().etag();

    let same = SecretChange { value: Some(Some(value("********"))), ..renamed("KEY") };
    let same = change(&stage, &me, &id, added.entry.id, same).await.unwrap();

    assert_eq!(same, added);
    assert_eq!(view_assistant(stage.deps(), &me, &id).await.unwrap().etag(), before);
}

#[tokio::test]
async fn what_cannot_be_a_secret_is_refused_with_every_fault() {
    let stage = Stage::set().await;
    let me = caller(4);
    let id = id_of(&stage.create(&me, named("x")).await.unwrap());

    let wrong = NewSecret {
        description: Some("x".repeat(1_001)),
        ..secret("1KEY", "********", &[HERE, "http://example.com", "*"])
    };
    let refused = faults(add(&stage, &me, &id, wrong).await);
    let expected = [
        ("/name", "pattern"),
        ("/description", "too_long"),
        ("/origins/1", "origin"),
        ("/origins/2", "origin"),
        ("/value", "nothing_to_keep"),
    ];
    assert_eq!(refused, expected.map(|(at, code)| (at.to_owned(), code)));
    for value in [String::new(), "x".repeat(8_193)] {
        let refused = add(&stage, &me, &id, secret("KEY", &value, &[])).await;
        assert_eq!(faults(refused), [("/value".to_owned(), "length")]);
    }
    add(&stage, &me, &id, secret("KEY", &"x".repeat(8_192), &[])).await.unwrap();
    let twice = add(&stage, &me, &id, secret("KEY", "x", &[])).await;
    assert!(matches!(twice, Err(Error::Conflict(Conflict::Taken { what: "name" }))), "{twice:?}");
}

#[tokio::test]
async fn a_secret_that_a_skill_uses_stays_what_the_skill_needs() {
    let stage = Stage::set().await;
    let me = caller(4);
    let id = id_of(&stage.create(&me, named("x")).await.unwrap());
    let key = add(&stage, &me, &id, secret("KEY", CANARY, &[HERE, THERE])).await.unwrap().entry.id;
    add_skill(stage.deps(), &me, &id, using("KEY")).await.unwrap();

    let outcomes = [
        change(&stage, &me, &id, key, renamed("OTHER")).await.map(drop),
        change(&stage, &me, &id, key, to(&[THERE])).await.map(drop),
        remove_secret(stage.deps(), &me, &id, key, Precondition::None).await,
    ];
    for outcome in outcomes {
        match outcome {
            Err(Error::Conflict(Conflict::SecretInUse { skills })) => {
                assert_eq!(skills, ["Orders"]);
            }
            other => panic!("expected that it is in use, got {other:?}"),
        }
    }
    change(&stage, &me, &id, key, to(&[HERE])).await.unwrap();
}

#[tokio::test]
async fn secrets_are_for_editors() {
    let stage = Stage::set().await;
    let input = json!({"name": "x", "access_mode": "organization"});
    let id = id_of(&stage.create(&caller(4), input).await.unwrap());
    let key = add(&stage, &caller(4), &id, secret("KEY", CANARY, &[])).await.unwrap().entry.id;

    let outcomes = [
        list_secrets(stage.deps(), &caller(5), &id).await.map(drop),
        view_secret(stage.deps(), &caller(5), &id, key).await.map(drop),
        add(&stage, &caller(5), &id, secret("B", "b", &[])).await.map(drop),
        change(&stage, &caller(5), &id, key, renamed("B")).await.map(drop),
        remove_secret(stage.deps(), &caller(5), &id, key, Precondition::None).await,
    ];
    for outcome in outcomes {
        assert!(matches!(outcome, Err(Error::Forbidden(_))), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_copy_has_the_names_of_secrets_and_its_own_values() {
    let stage = Stage::set().await;
    let me = caller(4);
    let id = id_of(&stage.create(&me, named("x")).await.unwrap());
    let key = add(&stage, &me, &id, secret("KEY", CANARY, &[HERE])).await.unwrap().entry.id;
    add_skill(stage.deps(), &me, &id, using("KEY")).await.unwrap();

    let copy = id_of(&copy_assistant(stage.deps(), &me, &id, None).await.unwrap());

    let found = list_secrets(stage.deps(), &me, &copy).await.unwrap().remove(0).entry;
    assert_eq!((found.name.as_str(), found.value), ("KEY", None));
    let masked = SecretChange { value: Some(Some(value("********"))), ..SecretChange::default() };
    let refused = change(&stage, &me, &copy, key, masked).await;
    assert_eq!(faults(refused), [("/value".to_owned(), "nothing_to_keep")]);
    let own = SecretChange { value: Some(Some(value("own"))), ..SecretChange::default() };
    change(&stage, &me, &copy, key, own).await.unwrap();
    assert_eq!(opened(&stage, &me, &copy, key).await, "own");
    assert_eq!(opened(&stage, &me, &id, key).await, CANARY);
}

#[tokio::test]
async fn secrets_of_one_name_from_both_sides_are_refused_at_the_commit() {
    let stage = Stage::set().await;
    let me = caller(4);
    let id = id_of(&stage.create(&me, named("x")).await.unwrap());
    let draft = id_of(&stage.open(&me, &id).await.unwrap().0);
    add(&stage, &me, &draft, secret("KEY", "draft", &[])).await.unwrap();
    add(&stage, &me, &id, secret("KEY", "live", &[])).await.unwrap();

    match stage.commit(&me, &id).await {
        Err(Error::Conflict(Conflict::MergeInvalid(faults))) => {
            assert_eq!(faults[0].pointer, "/secrets/1/name");
        }
        other => panic!("expected an invalid merge, got {other:?}"),
    }
}

#[tokio::test]
async fn a_secret_that_one_side_removes_is_not_used_by_a_skill_of_the_other() {
    let stage = Stage::set().await;
    let me = caller(4);
    let id = id_of(&stage.create(&me, named("x")).await.unwrap());
    let key = add(&stage, &me, &id, secret("KEY", CANARY, &[HERE])).await.unwrap().entry.id;
    let draft = id_of(&stage.open(&me, &id).await.unwrap().0);
    add_skill(stage.deps(), &me, &draft, using("KEY")).await.unwrap();
    remove_secret(stage.deps(), &me, &id, key, Precondition::None).await.unwrap();

    match stage.commit(&me, &id).await {
        Err(Error::Conflict(Conflict::MergeInvalid(faults))) => {
            assert_eq!(faults[0].pointer, "/skills/0/data/headers/Authorization");
            assert_eq!(faults[0].code, "unknown_placeholder");
        }
        other => panic!("expected an invalid merge, got {other:?}"),
    }
}

#[tokio::test]
async fn neither_versions_nor_the_log_show_a_value_or_what_it_is_kept_under() {
    let stage = Stage::set().await;
    let me = caller(4);
    let id = id_of(&stage.create(&me, named("x")).await.unwrap());
    let key = add(&stage, &me, &id, secret("KEY", CANARY, &[HERE])).await.unwrap().entry.id;
    let again = SecretChange { value: Some(Some(value("CNRY-second"))), ..SecretChange::default() };
    change(&stage, &me, &id, key, again).await.unwrap();

    let version = view_version(stage.deps(), &me, &id, 3).await.unwrap();
    assert_eq!(version.content["secrets"][0]["value"], "********");
    let text = serde_json::to_string(&version).unwrap();
    assert!(!text.contains("CNRY") && !text.contains("sealed_"), "{text}");
}

fn name() -> impl Strategy<Value = String> {
    "[A-Za-z_][A-Za-z0-9_-]{0,8}"
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn a_value_survives_edits_commits_and_restores(
        text in "[^\\x00*][^\\x00]{0,40}",
        names in prop::array::uniform2(name()),
        drop_origin in any::<bool>(),
        replaced in proptest::option::of("[a-z]{1,20}"),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let stage = Stage::set().await;
            let me = caller(4);
            let id = id_of(&stage.create(&me, named("x")).await.unwrap());
            let new = secret(&names[0], &text, &[HERE, THERE]);
            let key = add(&stage, &me, &id, new).await.unwrap().entry.id;
            let draft = id_of(&stage.open(&me, &id).await.unwrap().0);
            let origins = if drop_origin { &[HERE][..] } else { &[HERE, THERE] };
            let value = replaced.clone().map(|text| Some(Secret::new(text)));
            let edit = SecretChange { name: Some(names[1].clone()), value, ..to(origins) };
            change(&stage, &me, &draft, key, edit).await.unwrap();
            let after = replaced.as_ref().unwrap_or(&text);

            assert_eq!(&opened(&stage, &me, &id, key).await, &text, "live is as it was");
            assert_eq!(&opened(&stage, &me, &draft, key).await, after);
            stage.commit(&me, &id).await.unwrap();
            assert_eq!(&opened(&stage, &me, &id, key).await, after);
            restore_version(stage.deps(), &me, &id, 2, false).await.unwrap();
            stage.commit(&me, &id).await.unwrap();
            assert_eq!(&opened(&stage, &me, &id, key).await, &text);
            restore_version(stage.deps(), &me, &id, 3, false).await.unwrap();
            stage.commit(&me, &id).await.unwrap();
            assert_eq!(&opened(&stage, &me, &id, key).await, after);
        });
    }
}

prop_compose! {
    fn entry()(
        id in 1_u32..4,
        name in prop::sample::select(vec!["A", "B"]),
        origins in prop::sample::subsequence(vec![HERE, THERE], 0..=2),
        value in proptest::option::of(1_u32..4),
        shared in any::<bool>(),
    ) -> SecretEntry {
        SecretEntry {
            id: sample::id(id),
            name: name.to_owned(),
            description: None,
            origins: origins.into_iter().map(str::to_owned).collect(),
            shared,
            value: value.map(sample::id),
            created_at: Timestamp::from_unix_micros(0).unwrap(),
            created_by: sample::id(1),
            updated_at: Timestamp::from_unix_micros(0).unwrap(),
        }
    }
}

fn content() -> impl Strategy<Value = Content> {
    prop::collection::vec(entry(), 0..4).prop_map(|mut secrets| {
        secrets.sort_by_key(|entry| entry.id);
        secrets.dedup_by_key(|entry| entry.id);
        Content { name: "x".to_owned(), secrets, ..Content::default() }
    })
}

type Binding<'a> = (SecretId, &'a str, &'a [String], Option<SealedId>);

fn bindings(content: &Content) -> Vec<Binding<'_>> {
    let secrets = content.secrets.iter();
    secrets
        .map(|entry| (entry.id, entry.name.as_str(), entry.origins.as_slice(), entry.value))
        .collect()
}

proptest! {
    #[test]
    fn a_merge_never_joins_a_value_with_the_name_or_origins_of_another(
        base in content(),
        live in content(),
        draft in content(),
        on_conflict in prop::sample::select(vec![OnConflict::Fail, OnConflict::Draft, OnConflict::Live]),
    ) {
        if let Ok(merged) = merge(&base, &live, &draft, on_conflict) {
            let known = [bindings(&live), bindings(&draft)].concat();
            for binding in bindings(&merged) {
                prop_assert!(known.contains(&binding), "{binding:?} is of neither side");
            }
        }
    }
}
