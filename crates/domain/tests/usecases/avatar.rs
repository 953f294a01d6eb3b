use bytes::Bytes;
use understudy_domain::{
    Role,
    access::Level,
    assistant::content::IconType,
    usecases::{
        Denied, Error, Precondition,
        assistants::delete_assistant,
        avatar::{authorize_avatar, set_avatar},
        icons::reset_icon,
    },
};

use crate::stage::{ROLES, Stage, caller, id_of, named};

const PNG: Bytes = Bytes::from_static(b"\x89PNG\r\n\x1a\n one");
const OTHER: Bytes = Bytes::from_static(b"\x89PNG\r\n\x1a\n two");

#[tokio::test]
async fn an_avatar_is_the_icon_and_takes_the_place_of_the_one_before() {
    let stage = Stage::set().await;
    let me = caller(4);
    let made = stage.create(&me, named("x")).await.unwrap();
    let id = id_of(&made);
    let set = async |picture: Bytes| {
        set_avatar(stage.deps(), &me, &id, picture, Precondition::None).await.unwrap()
    };

    let first = set(PNG).await;
    let second = set(OTHER).await;

    let content = &second.assistant.record.assistant.content;
    assert_eq!(content.icon_type, IconType::Upload);
    assert_eq!(content.icon_image.as_ref().unwrap().png, second.avatar.blob);
    let (tenant, assistant) = (me.actor.organization, made.record.assistant.id);
    let queries = stage.deps().store.content();
    let shown = queries.avatar(tenant, assistant).await.unwrap().unwrap();
    assert_eq!(shown.key.expose(), second.avatar.key.expose());
    let key = first.avatar.key.expose();
    assert!(queries.image_by_key(key).await.unwrap().is_none());
    assert_eq!(key.len(), 43, "256 bits as base64url");
}

#[tokio::test]
async fn the_same_avatar_again_is_no_change_of_the_assistant_but_has_a_new_address() {
    let stage = Stage::set().await;
    let me = caller(4);
    let id = id_of(&stage.create(&me, named("x")).await.unwrap());
    let set = async || set_avatar(stage.deps(), &me, &id, PNG, Precondition::None).await.unwrap();

    let (first, second) = (set().await, set().await);

    assert_eq!(first.assistant.etag(), second.assistant.etag());
    assert_ne!(first.avatar.key.expose(), second.avatar.key.expose());
}

#[tokio::test]
async fn an_avatar_is_set_by_editors_on_live_assistants_only() {
    let stage = Stage::set().await;
    let me = caller(4);
    let id = id_of(&stage.create(&me, named("x")).await.unwrap());
    let (draft, _) = stage.open(&me, &id).await.unwrap();

    let on_draft = authorize_avatar(stage.deps(), &me, &id_of(&draft)).await;
    assert!(matches!(on_draft, Err(Error::Invalid(_))), "{on_draft:?}");
    assert_eq!(ROLES[5], Role::Member);
    let hidden = authorize_avatar(stage.deps(), &caller(6), &id).await;
    assert!(matches!(hidden, Err(Error::NotFound("assistant"))), "{hidden:?}");
    let open = serde_json::json!({"access_mode": "organization"});
    stage.patch(&me, &id, open).await.unwrap();
    let seen = authorize_avatar(stage.deps(), &caller(6), &id).await;
    let needed = Denied::Level { needed: Level::Edit };
    assert!(matches!(seen, Err(Error::Forbidden(denied)) if denied == needed), "{seen:?}");
}

#[tokio::test]
async fn an_avatar_for_another_state_leaves_nothing() {
    let stage = Stage::set().await;
    let me = caller(4);
    let made = stage.create(&me, named("x")).await.unwrap();
    let precondition = Precondition::OneOf(vec!["another".to_owned()]);

    let refused = set_avatar(stage.deps(), &me, &id_of(&made), PNG, precondition).await;

    assert!(matches!(refused, Err(Error::PreconditionFailed)));
    let (tenant, assistant) = (me.actor.organization, made.record.assistant.id);
    assert!(stage.deps().store.content().avatar(tenant, assistant).await.unwrap().is_none());
}

#[tokio::test]
async fn an_avatar_goes_with_the_icon_and_with_the_assistant() {
    let stage = Stage::set().await;
    let me = caller(4);
    let is_shown = async |address: &str| {
        stage.deps().store.content().image_by_key(address).await.unwrap().is_some()
    };
    let id = id_of(&stage.create(&me, named("x")).await.unwrap());

    let avatar = set_avatar(stage.deps(), &me, &id, PNG, Precondition::None).await.unwrap().avatar;
    assert!(is_shown(avatar.key.expose()).await);
    reset_icon(stage.deps(), &me, &id, Precondition::None).await.unwrap();
    assert!(!is_shown(avatar.key.expose()).await);

    let avatar = set_avatar(stage.deps(), &me, &id, PNG, Precondition::None).await.unwrap().avatar;
    delete_assistant(stage.deps(), &me, &id, Precondition::None).await.unwrap();
    assert!(!is_shown(avatar.key.expose()).await);
}
