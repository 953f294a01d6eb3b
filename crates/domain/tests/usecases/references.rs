use serde_json::json;
use understudy_domain::usecases::{
    Conflict, Error, Precondition,
    assistants::delete_assistant,
    files::add_file,
    references::{NewReference, add_reference, list_references, remove_reference, view_reference},
    versions::restore_version,
};

use crate::stage::{Stage, caller, id_of, named, received};

fn to(kind: &str, target: &str) -> NewReference {
    NewReference {
        target_id: target.to_owned(),
        target_type: kind.to_owned(),
        description: Some("for reading".to_owned()),
    }
}

#[tokio::test]
async fn a_reference_is_added_once_and_removed_once() {
    let stage = Stage::set().await;
    let me = caller(4);
    let id = id_of(&stage.create(&me, named("x")).await.unwrap());
    let other = id_of(&stage.create(&me, named("other")).await.unwrap());

    let added = add_reference(stage.deps(), &me, &id, to("assistant", "other")).await.unwrap();
    let twice = add_reference(stage.deps(), &me, &id, to("assistant", &other)).await;

    assert_eq!(added.target_id, other);
    assert!(matches!(twice, Err(Error::Conflict(Conflict::ReferenceExists))));
    assert_eq!(view_reference(stage.deps(), &me, &id, &other).await.unwrap(), added);
    remove_reference(stage.deps(), &me, &id, &other).await.unwrap();
    let again = remove_reference(stage.deps(), &me, &id, &other).await;
    assert!(matches!(again, Err(Error::NotFound("reference"))));
    assert_eq!(list_references(stage.deps(), &me, &id).await.unwrap(), []);
}

#[tokio::test]
async fn a_target_must_be_what_its_type_says_and_be_there() {
    let stage = Stage::set().await;
    let me = caller(4);
    let id = id_of(&stage.create(&me, named("x")).await.unwrap());
    let secret = id_of(&stage.create(&caller(6), named("private")).await.unwrap());
    let bytes = received(&stage, &me, b"1").await;
    let file = add_file(stage.deps(), &me, &id, None, bytes).await.unwrap().entry.id.to_string();

    let wrong = [
        ("assistant", id.as_str()),
        ("assistant", secret.as_str()),
        ("assistant", "nobody"),
        ("file", "file_00000000000000000000000000000000"),
        ("url", "ftp://example.org/"),
        ("url", "https://user:pass@example.org/"),
        ("url", "not a url"),
        ("dataset", "vs_1"),
        ("vector_store", "vs_"),
        ("page", "https://example.org/"),
    ];
    for (kind, target) in wrong {
        let refused = add_reference(stage.deps(), &me, &id, to(kind, target)).await;
        assert!(matches!(refused, Err(Error::Invalid(_))), "{kind} {target}");
    }
    let right =
        [("file", file.as_str()), ("url", "https://example.org/a?b#c"), ("dataset", "ds_1")];
    for (kind, target) in right {
        let added = add_reference(stage.deps(), &me, &id, to(kind, target)).await.unwrap();
        assert_eq!(added.target_id, target);
    }
}

#[tokio::test]
async fn a_restored_version_tells_of_references_that_lead_nowhere() {
    let stage = Stage::set().await;
    let me = caller(4);
    let id = id_of(&stage.create(&me, json!({"name": "x"})).await.unwrap());
    let other = id_of(&stage.create(&me, named("other")).await.unwrap());
    add_reference(stage.deps(), &me, &id, to("assistant", &other)).await.unwrap();
    delete_assistant(stage.deps(), &me, &other, Precondition::None).await.unwrap();

    let refused = restore_version(stage.deps(), &me, &id, 2, false).await;
    let dropped = restore_version(stage.deps(), &me, &id, 2, true).await.unwrap();

    match refused {
        Err(Error::Conflict(Conflict::Missing(gone))) => assert_eq!(gone, [other]),
        other => panic!("expected the missing target, got {other:?}"),
    }
    assert_eq!(list_references(stage.deps(), &me, &id_of(&dropped)).await.unwrap(), []);
}
