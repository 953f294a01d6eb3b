use serde_json::{Value, json};
use understudy_domain::{
    merge::OnConflict,
    usecases::{
        Conflict, Error, Precondition,
        assistants::view_assistant,
        drafts::{CommitDraft, commit_draft, diff_draft, discard_draft, view_draft},
        versions::{Against, diff_version, list_versions, restore_version, view_version},
    },
};

use crate::stage::{Stage, caller, id_of, named, seen};

#[tokio::test]
async fn a_draft_changes_nothing_until_it_is_committed() {
    let stage = Stage::set().await;
    let me = caller(4);
    let live = stage.create(&me, json!({"name": "x", "instructions": "old"})).await.unwrap();
    let id = id_of(&live);

    let (draft, created) = stage.open(&me, &id).await.unwrap();
    let (same, again) = stage.open(&me, &id).await.unwrap();
    stage.patch_draft(&me, &id, json!({"instructions": "new"})).await.unwrap();

    assert!(created && !again);
    assert_eq!(id_of(&draft), id_of(&same));
    let before = seen(&view_assistant(stage.deps(), &me, &id).await.unwrap());
    assert_eq!(before["instructions"], "old");
    assert_eq!(before["draft_id"], id_of(&draft));
    let diff = diff_draft(stage.deps(), &me, &id).await.unwrap();
    assert_eq!(diff.changes.len(), 1);
    assert_eq!(diff.patch, json!([{"op": "replace", "path": "/instructions", "value": "new"}]));

    let after = seen(&stage.commit(&me, &id).await.unwrap());
    assert_eq!((&after["instructions"], &after["version"]), (&json!("new"), &json!(2)));
    assert_eq!((&after["draft_id"], &after["id"]), (&Value::Null, &json!(id)));
    assert!(matches!(stage.commit(&me, &id).await, Err(Error::NotFound("draft"))));
    assert!(matches!(view_draft(stage.deps(), &me, &id).await, Err(Error::NotFound("draft"))));
}

#[tokio::test]
async fn a_draft_answers_to_its_own_id_and_has_none_itself() {
    let stage = Stage::set().await;
    let me = caller(4);
    let live = stage.create(&me, named("x")).await.unwrap();
    let (draft, _) = stage.open(&me, &id_of(&live)).await.unwrap();
    let id = id_of(&draft);

    let changed = stage.patch(&me, &id, json!({"name": "y"})).await.unwrap();

    assert_eq!(seen(&changed)["editing_id"], id_of(&live));
    assert!(matches!(stage.open(&me, &id).await, Err(Error::Invalid(_))));
    let policy = stage.patch(&me, &id, json!({"access_mode": "public"})).await;
    assert!(matches!(policy, Err(Error::Invalid(_))));
    assert!(matches!(view_assistant(stage.deps(), &caller(6), &id).await, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn what_was_read_of_a_draft_can_be_put_back() {
    let stage = Stage::set().await;
    let me = caller(4);
    let live = json!({"name": "x", "access_mode": "organization", "metadata": {"a": "b"}});
    let live = stage.create(&me, live).await.unwrap();
    let (draft, _) = stage.open(&me, &id_of(&live)).await.unwrap();

    let put = stage.put(&me, &id_of(&draft), seen(&draft)).await.unwrap();

    assert_eq!(seen(&put), seen(&draft));
}

#[tokio::test]
async fn a_discarded_draft_leaves_the_live_one_as_it_was() {
    let stage = Stage::set().await;
    let me = caller(4);
    let live = stage.create(&me, named("x")).await.unwrap();
    let id = id_of(&live);
    stage.open(&me, &id).await.unwrap();
    stage.patch_draft(&me, &id, json!({"name": "y"})).await.unwrap();

    discard_draft(stage.deps(), &me, &id, Precondition::None).await.unwrap();

    let after = view_assistant(stage.deps(), &me, &id).await.unwrap();
    assert_eq!(seen(&after), seen(&live));
    let again = discard_draft(stage.deps(), &me, &id, Precondition::None).await;
    assert!(matches!(again, Err(Error::NotFound("draft"))));
}

#[tokio::test]
async fn changes_on_both_sides_merge_and_the_same_value_conflicts() {
    let stage = Stage::set().await;
    let me = caller(4);
    let live = stage.create(&me, json!({"name": "x", "instructions": "base"})).await.unwrap();
    let id = id_of(&live);
    stage.open(&me, &id).await.unwrap();
    stage.patch_draft(&me, &id, json!({"top_p": 0.5, "instructions": "draft"})).await.unwrap();
    stage.patch(&me, &id, json!({"temperature": 1.0, "instructions": "live"})).await.unwrap();

    let refused = stage.commit(&me, &id).await;
    let Err(Error::Conflict(Conflict::Merge(conflicts))) = refused else {
        panic!("expected a conflict, got {refused:?}")
    };
    assert_eq!(conflicts.len(), 1);
    assert_eq!(
        (
            conflicts[0].pointer.as_str(),
            &conflicts[0].base,
            &conflicts[0].live,
            &conflicts[0].draft
        ),
        ("/instructions", &json!("base"), &json!("live"), &json!("draft"))
    );
    assert!(view_draft(stage.deps(), &me, &id).await.is_ok());

    let command = CommitDraft { on_conflict: OnConflict::Draft, ..CommitDraft::default() };
    let merged = seen(&commit_draft(stage.deps(), &me, &id, command).await.unwrap());
    assert_eq!((&merged["top_p"], &merged["temperature"]), (&json!(0.5), &json!(1.0)));
    assert_eq!(merged["instructions"], "draft");
}

#[tokio::test]
async fn a_merge_that_makes_nonsense_of_two_right_sides_is_refused() {
    let stage = Stage::set().await;
    let me = caller(4);
    let live = stage.create(&me, named("x")).await.unwrap();
    let id = id_of(&live);
    stage.open(&me, &id).await.unwrap();
    stage.patch_draft(&me, &id, json!({"response_format": "json_object"})).await.unwrap();
    let schema = json!([{"name": "a", "schemaObject": {"type": "object"}}]);
    let input = json!({"output_mode": "json_schema", "json_schemas": schema});
    stage.patch(&me, &id, input).await.unwrap();

    let refused = stage.commit(&me, &id).await;

    assert!(matches!(refused, Err(Error::Conflict(Conflict::MergeInvalid(_)))));
}

#[tokio::test]
async fn of_many_commits_of_one_draft_one_succeeds() {
    let stage = std::sync::Arc::new(Stage::set().await);
    let me = caller(4);
    let live = stage.create(&me, named("x")).await.unwrap();
    let id = id_of(&live);
    stage.open(&me, &id).await.unwrap();
    stage.patch_draft(&me, &id, json!({"name": "y"})).await.unwrap();

    let commits: Vec<_> = (0..100)
        .map(|_| {
            let (stage, me, id) = (std::sync::Arc::clone(&stage), me.clone(), id.clone());
            tokio::spawn(async move { stage.commit(&me, &id).await })
        })
        .collect();
    let mut won = 0;
    for commit in commits {
        match commit.await.unwrap() {
            Ok(_) => won += 1,
            Err(error) => assert!(matches!(error, Error::NotFound("draft")), "{error:?}"),
        }
    }

    assert_eq!(won, 1);
    let versions = list_versions(stage.deps(), &me, &id, None, 9).await.unwrap();
    assert_eq!(versions.len(), 2);
}

#[tokio::test]
async fn restoring_a_version_gives_back_an_equal_content() {
    let stage = Stage::set().await;
    let me = caller(4);
    let live = stage.create(&me, crate::assistants::seed(&stage).await).await.unwrap();
    let id = id_of(&live);
    let other = json!({"instructions": "all new", "temperature": 2, "rule_ids": [], "name": "n",
        "tool_configurations": null, "metadata": null, "icon_type": "default", "icon_data": null});
    stage.put(&me, &id, other).await.unwrap();

    let draft = restore_version(stage.deps(), &me, &id, 1, false).await.unwrap();
    let second = restore_version(stage.deps(), &me, &id, 1, false).await;
    let back = stage.commit(&me, &id).await.unwrap();

    assert_eq!(seen(&draft)["editing_id"], id);
    assert!(matches!(second, Err(Error::Conflict(Conflict::DraftExists))));
    assert_eq!(back.record.assistant.content, live.record.assistant.content);
    assert_eq!(seen(&back)["version"], 3);
    let first = view_version(stage.deps(), &me, &id, 1).await.unwrap();
    let third = view_version(stage.deps(), &me, &id, 3).await.unwrap();
    assert_eq!(first.content, third.content);
}

#[tokio::test]
async fn versions_are_compared_with_each_other_the_live_one_and_the_draft() {
    let stage = Stage::set().await;
    let me = caller(4);
    let live = stage.create(&me, named("a")).await.unwrap();
    let id = id_of(&live);
    stage.patch(&me, &id, json!({"name": "b"})).await.unwrap();
    stage.open(&me, &id).await.unwrap();
    stage.patch_draft(&me, &id, json!({"name": "c"})).await.unwrap();
    let names = async |number, against| {
        let diff = diff_version(stage.deps(), &me, &id, number, against).await.unwrap();
        diff.changes.into_iter().map(|c| (c.before, c.after)).collect::<Vec<_>>()
    };

    assert_eq!(names(2, Against::Version(1)).await, [(json!("a"), json!("b"))]);
    assert_eq!(names(1, Against::Live).await, [(json!("a"), json!("b"))]);
    assert_eq!(names(1, Against::Draft).await, [(json!("a"), json!("c"))]);
    assert!(diff_version(stage.deps(), &me, &id, 9, Against::Live).await.is_err());
}
