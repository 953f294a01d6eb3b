//! Tags of the organization and of assistants.

use serde_json::json;
use understudy_domain::{
    ShareLevel, TagId, TokenLimits,
    ports::{AssistantFilter, Sort, SortKey},
    usecases::{
        Caller, Conflict, Denied, Error, Precondition, Result,
        assistants::{ListAssistants, list_assistants, view_assistant},
        shares::put_share,
        tags::{
            MAX_TAGS_OF_ASSISTANT, UpdateTag, attach_tag, attached_tags, create_tag, delete_tag,
            detach_tag, list_tags, update_tag, view_attached_tag, view_tag,
        },
    },
};
use understudy_testkit::sample;

use crate::stage::{Stage, by_token, caller, id_of, named};

const NONE: Precondition = Precondition::None;

async fn tag(stage: &Stage, who: &Caller, name: &str) -> Result<understudy_domain::Tag> {
    create_tag(stage.deps(), who, name.to_owned(), String::new()).await
}

async fn listed(stage: &Stage, who: &Caller, tag: &str) -> Vec<String> {
    let filter = AssistantFilter {
        q: None,
        kind: None,
        owner: None,
        access_mode: None,
        model: None,
        is_active: None,
        api_enabled_only: false,
        visible_in_chat_to: None,
        metadata: Vec::new(),
        only: None,
        tag: None,
        favorite_of: None,
    };
    let command = ListAssistants {
        filter,
        tag: Some(tag.to_owned()),
        include_inactive: false,
        sort: Sort { key: SortKey::Name, descending: false },
        after: None,
        limit: 10,
        count: false,
    };
    let page = list_assistants(stage.deps(), who, command).await.unwrap();
    page.rows.into_iter().map(|view| view.record.assistant.content.name).collect()
}

#[tokio::test]
async fn members_make_tags_and_managers_change_and_remove_them() {
    let stage = Stage::set().await;
    let deps = stage.deps();
    let (name, color) = (" Support ".to_owned(), "#2E7D32".to_owned());
    let made = create_tag(deps, &caller(4), name, color).await.unwrap();
    assert_eq!((made.name.as_str(), made.color.as_str()), ("Support", "#2e7d32"));

    let by_viewer = tag(&stage, &caller(5), "x").await;
    assert!(matches!(by_viewer, Err(Error::Forbidden(Denied::Role(_)))));
    let taken = tag(&stage, &caller(6), "SUPPORT").await;
    assert!(matches!(taken, Err(Error::Conflict(Conflict::Taken { what: "name" }))));
    let rename = || UpdateTag { name: Some("Sales".to_owned()), ..UpdateTag::default() };
    let by_maker = update_tag(deps, &caller(4), made.id, rename()).await;
    assert!(matches!(by_maker, Err(Error::Forbidden(Denied::Role(_)))));
    let renamed = update_tag(deps, &caller(3), made.id, rename()).await.unwrap();
    assert_eq!((renamed.name.as_str(), renamed.color.as_str()), ("Sales", "#2e7d32"));
    assert_eq!(view_tag(deps, &caller(5), made.id).await.unwrap(), renamed);
    assert_eq!(list_tags(deps, &caller(5), Some("sales")).await.unwrap(), [renamed]);
    assert_eq!(list_tags(deps, &caller(5), Some("support")).await.unwrap(), []);

    let by_maker = delete_tag(deps, &caller(4), made.id, NONE).await;
    assert!(matches!(by_maker, Err(Error::Forbidden(Denied::Role(_)))));
    delete_tag(deps, &caller(2), made.id, NONE).await.unwrap();
    let again = delete_tag(deps, &caller(2), made.id, NONE).await;
    assert!(matches!(again, Err(Error::NotFound("tag"))));
}

#[tokio::test]
async fn faults_of_a_tag_are_named_at_once() {
    let stage = Stage::set().await;
    for (name, color, expected) in [
        ("", "red", vec!["/name", "/color"]),
        ("a\nb", "", vec!["/name"]),
        (&"x".repeat(101), "#12345", vec!["/name", "/color"]),
        ("x", "#12345g", vec!["/color"]),
    ] {
        match create_tag(stage.deps(), &caller(4), name.to_owned(), color.to_owned()).await {
            Err(Error::Invalid(faults)) => {
                let at: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
                assert_eq!(at, expected, "{name:?} {color:?}");
            }
            other => panic!("{name:?} {color:?}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn editors_put_tags_on_an_assistant_without_changing_what_it_is() {
    let stage = Stage::set().await;
    let deps = stage.deps();
    let id = id_of(&stage.create(&caller(4), named("x")).await.unwrap());
    let whom = (understudy_domain::Principal::User(sample::id(6)), ShareLevel::Read);
    put_share(deps, &caller(4), &id, whom, NONE).await.unwrap();
    let support = tag(&stage, &caller(4), "Support").await.unwrap();
    let sales = tag(&stage, &caller(4), "Sales").await.unwrap();
    let before = view_assistant(deps, &caller(4), &id).await.unwrap();

    let draft = id_of(&stage.open(&caller(4), &id).await.unwrap().0);
    assert!(attach_tag(deps, &caller(4), &draft, support.id, NONE).await.unwrap().1);
    assert!(!attach_tag(deps, &caller(4), &id, support.id, NONE).await.unwrap().1);
    assert!(attach_tag(deps, &caller(4), &id, sales.id, NONE).await.unwrap().1);
    let by_viewer = attach_tag(deps, &caller(6), &id, support.id, NONE).await;
    assert!(matches!(by_viewer, Err(Error::Forbidden(Denied::Level { .. }))));
    let unknown = attach_tag(deps, &caller(4), &id, sample::id::<_>(99), NONE).await;
    assert!(matches!(unknown, Err(Error::NotFound("tag"))));

    let names: Vec<_> = attached_tags(deps, &caller(6), &id).await.unwrap();
    assert_eq!(names, [sales.clone(), support.clone()]);
    let after = view_assistant(deps, &caller(6), &id).await.unwrap();
    assert_eq!(after.record.assistant.version, before.record.assistant.version);
    assert_eq!(after.record.assistant.updated_at, before.record.assistant.updated_at);
    let mut ids = [support.id, sales.id].map(|id| id.to_string());
    ids.sort();
    assert_eq!(crate::stage::seen(&after)["tags"], json!(ids));

    assert_eq!(listed(&stage, &caller(4), "sales").await, ["x"]);
    assert_eq!(listed(&stage, &caller(4), &sales.id.to_string()).await, ["x"]);
    assert_eq!(listed(&stage, &caller(4), "nothing").await, Vec::<String>::new());

    detach_tag(deps, &caller(4), &id, sales.id, NONE).await.unwrap();
    let again = detach_tag(deps, &caller(4), &id, sales.id, NONE).await;
    assert!(matches!(again, Err(Error::NotFound("tag"))));
    let missing = view_attached_tag(deps, &caller(4), &id, sales.id).await;
    assert!(matches!(missing, Err(Error::NotFound("tag"))));
    assert_eq!(listed(&stage, &caller(4), "sales").await, Vec::<String>::new());
    delete_tag(deps, &caller(1), support.id, NONE).await.unwrap();
    assert_eq!(attached_tags(deps, &caller(4), &id).await.unwrap(), []);
}

#[tokio::test]
async fn an_assistant_has_fifty_tags_at_most() {
    let stage = Stage::set().await;
    let id = id_of(&stage.create(&caller(4), named("x")).await.unwrap());
    let mut all: Vec<TagId> = Vec::new();
    for n in 0..=MAX_TAGS_OF_ASSISTANT {
        all.push(tag(&stage, &caller(4), &format!("Tag {n}")).await.unwrap().id);
    }
    let last = all.pop().unwrap();
    for tag in all {
        attach_tag(stage.deps(), &caller(4), &id, tag, NONE).await.unwrap();
    }

    let refused = attach_tag(stage.deps(), &caller(4), &id, last, NONE).await;

    assert!(matches!(refused, Err(Error::TooMany { limit: 50, .. })));
}

#[tokio::test]
async fn a_token_of_one_assistant_reads_tags_and_makes_none() {
    let stage = Stage::set().await;
    let made = stage.create(&caller(4), named("x")).await.unwrap();
    let only = Some(made.record.assistant.id);
    let limited = by_token(4, TokenLimits { assistant: only, ..TokenLimits::default() });

    assert_eq!(list_tags(stage.deps(), &limited, None).await.unwrap(), []);
    let refused = tag(&stage, &limited, "x").await;
    assert!(matches!(refused, Err(Error::Forbidden(Denied::OneAssistant))));
}
