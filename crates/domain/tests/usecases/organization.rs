use bytes::Bytes;
use serde_json::json;
use understudy_domain::{
    Scope, TokenLimits,
    usecases::{
        Denied, Error, Precondition, Result,
        assistants::{copy_assistant, delete_assistant, restore_assistant},
        intake::{ByteLimit, Intake, Received},
        organization::{LimitChanges, UpdateOrganization, update_organization, view_organization},
        users::{CreateUser, create_user},
    },
};
use understudy_testkit::FakePasswords;

use crate::stage::{Stage, by_token, caller, faults, id_of, named, seen};

async fn change(stage: &Stage, command: UpdateOrganization) -> Result<()> {
    update_organization(stage.deps(), &caller(2), command).await.map(drop)
}

async fn limit(stage: &Stage, limits: LimitChanges) {
    change(stage, UpdateOrganization { limits, ..UpdateOrganization::default() }).await.unwrap();
}

fn pointers(result: Result<()>) -> Vec<String> {
    match result {
        Err(Error::Invalid(faults)) => faults.into_iter().map(|fault| fault.pointer).collect(),
        other => panic!("expected faults, got {other:?}"),
    }
}

async fn take_in(stage: &Stage, bytes: &'static [u8]) -> Result<Received> {
    let most = ByteLimit { what: "a file", bytes: u64::MAX };
    let tenant = caller(4).actor.organization;
    let mut intake = Intake::begin(stage.deps(), tenant, most).await.unwrap();
    intake.write(Bytes::from_static(bytes)).await.unwrap();
    intake.finish().await
}

#[tokio::test]
async fn settings_are_read_by_all_and_changed_by_administrators() {
    let stage = Stage::set().await;
    let name = || UpdateOrganization { name: Some(" Ours ".to_owned()), ..Default::default() };

    let refused = update_organization(stage.deps(), &caller(4), name()).await;
    assert!(matches!(refused, Err(Error::Forbidden(Denied::Role(_)))));
    let limits = TokenLimits { scopes: [Scope::Read].into(), ..TokenLimits::default() };
    let weak = by_token(2, limits);
    let refused = update_organization(stage.deps(), &weak, name()).await;
    assert!(matches!(refused, Err(Error::Forbidden(Denied::Scope(_)))));
    let made = update_organization(stage.deps(), &caller(2), name()).await.unwrap();

    assert_eq!(view_organization(stage.deps(), &caller(5)).await.unwrap(), made);
    assert_eq!(made.name, "Ours");
    let late = Precondition::OneOf(vec!["1".to_owned()]);
    let late = change(&stage, UpdateOrganization { precondition: late, ..name() }).await;
    assert!(matches!(late, Err(Error::PreconditionFailed)));
}

#[tokio::test]
async fn settings_that_contradict_each_other_are_refused() {
    let stage = Stage::set().await;
    let anthropic = || Some(Some(vec!["anthropic".to_owned()]));
    let wrong = UpdateOrganization {
        name: Some(String::new()),
        default_model_key: Some("gpt-nought".to_owned()),
        allowed_providers: Some(Some(vec!["openai".into(), "acme".into(), "openai".into()])),
        limits: LimitChanges {
            max_users: Some(Some(0)),
            max_storage_bytes: Some(Some(u64::MAX)),
            ..LimitChanges::default()
        },
        ..UpdateOrganization::default()
    };

    assert_eq!(
        pointers(change(&stage, wrong).await),
        [
            "/name",
            "/allowedProviders/1",
            "/allowedProviders/2",
            "/defaultModelKey",
            "/limits/maxUsers",
            "/limits/maxStorageBytes",
        ]
    );
    let alone = UpdateOrganization { allowed_providers: anthropic(), ..Default::default() };
    assert_eq!(pointers(change(&stage, alone).await), ["/defaultModelKey"]);
    let both = UpdateOrganization {
        allowed_providers: anthropic(),
        default_model_key: Some("claude-3-5-sonnet".to_owned()),
        ..UpdateOrganization::default()
    };
    change(&stage, both).await.unwrap();
}

#[tokio::test]
async fn there_are_no_more_assistants_than_allowed() {
    let stage = Stage::set().await;
    let me = caller(4);
    let first = id_of(&stage.create(&me, named("first")).await.unwrap());
    limit(&stage, LimitChanges { max_assistants: Some(Some(2)), ..Default::default() }).await;
    let second = id_of(&stage.create(&me, named("second")).await.unwrap());
    stage.open(&me, &first).await.unwrap();

    let third = stage.create(&me, named("third")).await;
    let what = "assistants in the organization";
    assert!(matches!(third, Err(Error::TooMany { what: told, limit: 2 }) if told == what));
    let copy = copy_assistant(stage.deps(), &me, &first, None).await;
    assert!(matches!(copy, Err(Error::TooMany { .. })));
    delete_assistant(stage.deps(), &me, &second, Precondition::None).await.unwrap();
    stage.create(&me, named("third")).await.unwrap();
    let restored = restore_assistant(stage.deps(), &me, &second).await;
    assert!(matches!(restored, Err(Error::TooMany { .. })));
    limit(&stage, LimitChanges { max_assistants: Some(None), ..Default::default() }).await;
    restore_assistant(stage.deps(), &me, &second).await.unwrap();
}

#[tokio::test]
async fn there_are_no_more_users_than_allowed() {
    let stage = Stage::set().await;
    limit(&stage, LimitChanges { max_users: Some(Some(7)), ..Default::default() }).await;
    let passwords = FakePasswords::default();
    let make = async |email: &str| {
        let command = CreateUser {
            email: email.to_owned(),
            name: None,
            role: understudy_domain::Role::Viewer,
            departments: Vec::new(),
            ai_seat: false,
            password: None,
            external_id: None,
        };
        create_user(stage.deps(), &passwords, &caller(2), command).await
    };

    make("seventh@example.org").await.unwrap();
    let eighth = make("eighth@example.org").await;

    assert!(matches!(eighth, Err(Error::TooMany { limit: 7, .. })));
}

#[tokio::test]
async fn there_are_no_more_bytes_than_allowed_and_the_same_ones_count_once() {
    let stage = Stage::set().await;
    take_in(&stage, b"12345").await.unwrap();
    limit(&stage, LimitChanges { max_storage_bytes: Some(Some(8)), ..Default::default() }).await;

    take_in(&stage, b"678").await.unwrap();
    let more = take_in(&stage, b"9").await;
    assert!(matches!(more, Err(Error::TooMany { limit: 8, .. })));
    take_in(&stage, b"12345").await.unwrap();
    limit(&stage, LimitChanges { max_storage_bytes: Some(Some(0)), ..Default::default() }).await;
    take_in(&stage, b"12345").await.unwrap();
    assert!(take_in(&stage, b"9").await.is_err());
    limit(&stage, LimitChanges { max_storage_bytes: Some(None), ..Default::default() }).await;
    take_in(&stage, b"9").await.unwrap();
}

#[tokio::test]
async fn models_of_providers_that_are_not_allowed_are_not_taken() {
    let stage = Stage::set().await;
    let me = caller(4);
    let id = id_of(&stage.create(&me, named("before")).await.unwrap());
    let allow = UpdateOrganization {
        allowed_providers: Some(Some(vec!["anthropic".to_owned()])),
        default_model_key: Some("claude-3-5-sonnet".to_owned()),
        ..UpdateOrganization::default()
    };
    change(&stage, allow).await.unwrap();

    let made = stage.create(&me, named("after")).await.unwrap();
    assert_eq!(seen(&made)["default_model_key"], "claude-3-5-sonnet");
    let wrong = json!({"name": "wrong", "default_model_key": "gpt-4o"});
    assert_eq!(faults(stage.create(&me, wrong).await), ["/default_model_key"]);
    let other = json!({"default_model_key": "gpt-5"});
    assert_eq!(faults(stage.put(&me, &id, other.clone()).await), ["/default_model_key"]);
    stage.open(&me, &id).await.unwrap();
    assert_eq!(faults(stage.patch_draft(&me, &id, other).await), ["/default_model_key"]);
    let copy = copy_assistant(stage.deps(), &me, &id, None).await;
    assert_eq!(faults(copy), ["/default_model_key"]);
    // What was there before may stay, and be sent back.
    let same = json!({"welcome": "hello", "default_model_key": "gpt-4o"});
    stage.put(&me, &id, same).await.unwrap();
}
