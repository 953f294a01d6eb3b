//! The wall between organizations.

use understudy_domain::{
    AssistantRef, Image, Rule, RuleAttachment, RuleEntity, Upload, Usage, UserId, Webhook,
    ports::{CommentListQuery, RuleFilter, RuleListQuery, Store, UsageFilter},
};

use super::stage::{add, assert_conflict, assert_same, begin, events, home, people, refusal};
use crate::sample::{
    Members, Row, approval, assistant, attachment, automation, avatar, blob, comment, data_key,
    delivery, draft_of, event, execution, extraction, id, image, instant, memory, message,
    organization, provider, rule, run, sealed_value, session, slug, tag, team, thread, token,
    touched, upload, usage, user, version, webhook, whole_upload, with_files,
};

/// Organization 2 with one of everything, all of number 2 and user 2's.
async fn neighbours(store: &dyn Store) {
    let bob = user(2).of(2);
    let assistant = assistant(2, bob.id, "Bob").of(2);
    let rows: Vec<Row> = vec![
        organization(2).into(),
        bob.clone().into(),
        team(2, []).of(2).into(),
        token(2, &bob).into(),
        session(2, &bob).into(),
        assistant.clone().into(),
        draft_of(3, &assistant).into(),
        version(1, &assistant).into(),
        sealed_value(2, &assistant).into(),
        data_key(2, id(2)).into(),
        event(2, &bob, &assistant.id.to_string()).into(),
    ];
    add(store, rows).await;
}

/// A unit of work sees nothing of another organization.
pub async fn a_unit_of_work_sees_its_own_organization_only(store: &dyn Store) {
    people(store, 1).await;
    neighbours(store).await;

    let mut work = begin(store).await;
    assert_eq!(work.organizations().find().await.unwrap().map(|found| found.id), Some(home()));
    assert!(work.users().find(id(2)).await.unwrap().is_none());
    assert!(work.teams().find(id(2)).await.unwrap().is_none());
    assert!(!work.teams().owns_assistants(id(2)).await.unwrap());
    assert!(work.credentials().find_token(id(2)).await.unwrap().is_none());
    assert!(work.assistants().find(id(2)).await.unwrap().is_none());
    assert!(work.assistants().find_draft_of(id(2)).await.unwrap().is_none());
    assert!(work.assistants().find_by_slug(&slug("assistant-2")).await.unwrap().is_none());
    assert!(work.records().find_version(id(2), 1).await.unwrap().is_none());
    assert_eq!(work.records().find_sealed(&[id(2)]).await.unwrap(), []);
    assert!(work.records().newest_data_key().await.unwrap().is_none());
}

/// A unit of work changes and removes nothing of another organization.
pub async fn a_unit_of_work_removes_nothing_of_another_organization(store: &dyn Store) {
    people(store, 1).await;
    neighbours(store).await;
    let mut work = begin(store).await;
    assert!(!work.users().delete(id(2)).await.unwrap());
    assert!(!work.teams().delete(id(2)).await.unwrap());
    assert!(!work.credentials().delete_token(id(2)).await.unwrap());
    assert!(!work.credentials().delete_session(id(2)).await.unwrap());
    work.credentials().delete_sessions_of(id(2)).await.unwrap();
    assert!(!work.assistants().delete_draft(id(3)).await.unwrap());
    work.assistants().clear_default().await.unwrap();
    work.commit().await.unwrap();

    let mut work = store.begin(id(2)).await.unwrap();
    assert!(work.users().find(id(2)).await.unwrap().is_some());
    assert!(work.teams().delete(id(2)).await.unwrap());
    assert!(work.credentials().delete_token(id(2)).await.unwrap());
    assert!(work.credentials().delete_session(id(2)).await.unwrap());
    assert!(work.assistants().delete_draft(id(3)).await.unwrap());
}

/// What belongs to another organization conflicts like what is not there.
pub async fn a_unit_of_work_changes_nothing_of_another_organization(store: &dyn Store) {
    people(store, 1).await;
    neighbours(store).await;

    let stolen = user(2);
    assert_conflict(&begin(store).await.users().update(stolen).await.unwrap_err());
    let stolen = team(2, []);
    assert_conflict(&begin(store).await.teams().update(stolen).await.unwrap_err());
    let stolen = assistant(2, id(1), "Stolen");
    assert_conflict(&begin(store).await.assistants().update(stolen).await.unwrap_err());
}

/// A row that says it belongs to another organization is not added.
pub async fn a_unit_of_work_adds_nothing_to_another_organization(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![organization(2).into(), user(2).of(2).into()]).await;
    add(store, vec![rule(1).into(), webhook(1).into()]).await;
    add(store, vec![thread(1).into(), run(1).into(), automation(1).into()]).await;
    let rows: [Row; 21] = [
        rule(3).of(2).into(),
        attachment(id(1), RuleEntity::Organization).of(2).into(),
        thread(3).of(2).into(),
        message(3, &thread(1)).of(2).into(),
        memory(3, &assistant(3, id(1), "Intruder")).of(2).into(),
        run(3).of(2).into(),
        approval(3, &run(1)).of(2).into(),
        automation(3).of(2).into(),
        execution(3, &automation(1)).of(2).into(),
        comment(3, &assistant(3, id(2), "Intruder").of(2), id(2)).into(),
        tag(3).of(2).into(),
        webhook(3).of(2).into(),
        delivery(3, &webhook(1).of(2)).into(),
        user(3).of(2).into(),
        upload(3).of(2).into(),
        provider(3).of(2).into(),
        usage(3).of(2).into(),
        team(3, []).of(2).into(),
        assistant(3, id(2), "Intruder").of(2).into(),
        token(3, &user(2).of(2)).into(),
        session(3, &user(2).of(2)).into(),
    ];
    for row in rows {
        let mut work = begin(store).await;
        let added = row.insert(&mut *work).await.is_ok();
        assert!(!added, "{row:?} was added in a unit of work of {}", home());
    }
}

/// Queries of an organization see nothing of another.
pub async fn queries_see_their_own_organization_only(store: &dyn Store) {
    people(store, 1).await;
    neighbours(store).await;

    let directory = store.directory();
    assert!(directory.user(home(), id(2)).await.unwrap().is_none());
    assert!(directory.team(home(), id(2)).await.unwrap().is_none());
    assert_eq!(directory.teams(home()).await.unwrap(), []);
    assert_eq!(directory.tokens(home(), id(2)).await.unwrap(), []);
    let users = directory.users(home(), None, None, 10, true).await.unwrap();
    let ids: Vec<UserId> = users.rows.iter().map(|user| user.id).collect();
    assert_eq!((ids, users.total), (vec![id(1)], Some(1)));
    let assistants = store.assistants();
    for reference in [2, 3].map(|n| AssistantRef::Id(id(n))) {
        assert_eq!(assistants.find(home(), &reference).await.unwrap(), None);
    }
    assert_eq!(assistants.versions(home(), id(2), None, 10).await.unwrap(), []);
    assert_eq!(assistants.version(home(), id(2), 1).await.unwrap(), None);
    assert_eq!(events(store).await, []);
}

/// Organization 2 with all that assistants are made of, of number 2 and user 2's.
async fn stocked_neighbours(store: &dyn Store) {
    neighbours(store).await;
    let mut work = store.begin(id(2)).await.unwrap();
    let rows: Vec<Row> = vec![
        touched(2).of(2).into(),
        Upload { user: id(2), ..whole_upload(2) }.of(2).into(),
        Image { user: id(2), ..avatar(2, id(2)) }.of(2).into(),
        Image { user: id(2), ..image(3) }.of(2).into(),
        extraction(2, []).of(2).into(),
        provider(2).of(2).into(),
        Usage { user: id(2), ..usage(2) }.of(2).into(),
    ];
    Row::from(touched(3).of(2)).insert(&mut *work).await.unwrap();
    for row in rows {
        row.insert(&mut *work).await.unwrap();
    }
    work.imports().save("external", id(2)).await.unwrap();
    work.commit().await.unwrap();
}

/// Uploads, pictures, extractions, providers, usage and imports stay within their
/// organization.
pub async fn content_of_another_organization_is_neither_read_nor_changed(store: &dyn Store) {
    people(store, 1).await;
    stocked_neighbours(store).await;

    let all = UsageFilter { from: instant(0), until: instant(1_000), user: None };
    let content = store.content();
    assert_eq!(content.upload(home(), id(2)).await.unwrap(), None);
    assert_same(&content.images(home(), None, None, 10).await.unwrap(), &vec![]);
    assert!(content.avatar(home(), id(2)).await.unwrap().is_none());
    assert_eq!(content.extraction(home(), blob(2).digest).await.unwrap(), None);
    assert_eq!(content.providers(home()).await.unwrap(), []);
    assert_eq!(content.usage(home(), &all).await.unwrap(), []);

    let mut work = begin(store).await;
    assert_eq!(work.uploads().find(id(2)).await.unwrap(), None);
    assert!(work.images().find(id(2)).await.unwrap().is_none());
    assert!(work.images().find_avatar(id(2)).await.unwrap().is_none());
    assert_eq!(work.providers().find(id(2)).await.unwrap(), None);
    assert_eq!(work.imports().find("external").await.unwrap(), None);
    assert!(!work.uploads().delete(id(2)).await.unwrap());
    assert!(!work.images().delete(id(2)).await.unwrap());
    assert!(!work.providers().delete(id(2)).await.unwrap());
    assert!(!work.blobs().forget(blob(2).digest, instant(1_000)).await.unwrap());
    work.commit().await.unwrap();
    assert_conflict(&begin(store).await.providers().update(provider(2)).await.unwrap_err());
    assert_conflict(&begin(store).await.uploads().update(&upload(2)).await.unwrap_err());

    let mut work = store.begin(id(2)).await.unwrap();
    assert_eq!(work.imports().find("external").await.unwrap(), Some(id(2)));
    assert!(work.uploads().delete(id(2)).await.unwrap());
    assert!(work.images().delete(id(2)).await.unwrap());
    assert!(work.providers().delete(id(2)).await.unwrap());
    assert!(work.blobs().forget(blob(2).digest, instant(1_000)).await.unwrap());
}

/// Organization 2 with all that people share about assistants, of number 2 and user 2's.
async fn talkative_neighbours(store: &dyn Store) {
    neighbours(store).await;
    let bob = assistant(2, id(2), "Bob").of(2);
    let attached = RuleAttachment {
        attached_by: id(2),
        ..attachment(id(2), RuleEntity::Model("gpt-4o".to_owned()))
    };
    let hook = Webhook { created_by: id(2), ..webhook(2) }.of(2);
    let rows: Vec<Row> = vec![
        Rule { created_by: id(2), ..rule(2) }.of(2).into(),
        attached.of(2).into(),
        comment(2, &bob, id(2)).into(),
        tag(2).of(2).into(),
        hook.clone().into(),
        delivery(2, &hook).into(),
    ];
    add(store, rows).await;
    let mut work = store.begin(id(2)).await.unwrap();
    assert!(work.labels().add_favorite(id(2), id(2), instant(1)).await.unwrap());
    work.comments().mark_read(id(2), id(2), instant(1)).await.unwrap();
    work.commit().await.unwrap();
}

/// Rules, comments, labels, webhooks and the log of another organization are not read.
pub async fn what_others_share_is_not_read(store: &dyn Store) {
    people(store, 1).await;
    talkative_neighbours(store).await;
    let all = RuleListQuery { filter: RuleFilter::default(), after: None, limit: 9, count: true };
    let of_bob = CommentListQuery {
        assistant: id(2),
        parent: None,
        newest_first: false,
        resolved: None,
        after: None,
        limit: 9,
    };
    let model = [RuleEntity::Model("gpt-4o".to_owned())];

    let rules = store.rules().list(home(), &all).await.unwrap();
    assert_eq!((rules.rows, rules.total), (vec![], Some(0)));
    assert_eq!(store.rules().find(home(), &[id(2)]).await.unwrap(), []);
    assert_eq!(store.rules().attachments(home(), id(2)).await.unwrap(), []);
    assert_eq!(store.rules().attached_to(home(), &model).await.unwrap(), []);
    assert_eq!(store.comments().find(home(), id(2)).await.unwrap(), None);
    assert_eq!(store.comments().list(home(), &of_bob).await.unwrap(), []);
    assert_eq!(store.comments().read_until(home(), id(2), id(2)).await.unwrap(), None);
    assert_eq!(store.comments().unread(home(), id(1), id(2)).await.unwrap(), 0);
    assert_eq!(store.labels().tags(home()).await.unwrap(), []);
    assert_eq!(store.labels().favorite(home(), id(2), id(2)).await.unwrap(), None);
    assert_eq!(store.webhooks().webhooks(home()).await.unwrap(), []);
    assert_eq!(store.webhooks().deliveries(home(), id(2), None, 9).await.unwrap(), []);
    assert_eq!(store.audit().head(home()).await.unwrap().seq, 0);
    assert_eq!(events(store).await, []);
    let mut work = begin(store).await;
    assert_eq!(work.rules().find(&[id(2)]).await.unwrap(), []);
    assert_eq!(work.comments().find(id(2)).await.unwrap(), None);
    assert_eq!(work.comments().count(id(2)).await.unwrap(), 0);
    assert_eq!(work.labels().find(id(2)).await.unwrap(), None);
    assert_eq!(work.webhooks().find(id(2)).await.unwrap(), None);
    assert_eq!(work.webhooks().find_delivery(id(2)).await.unwrap(), None);
    assert_eq!(work.keys().all().await.unwrap(), []);
    assert_eq!(work.keys().sealed_after(None, 9).await.unwrap(), []);
}

/// Rules, comments, labels and webhooks of another organization are neither changed nor
/// removed.
pub async fn what_others_share_is_not_changed(store: &dyn Store) {
    people(store, 1).await;
    talkative_neighbours(store).await;
    let model = RuleEntity::Model("gpt-4o".to_owned());
    let mut work = begin(store).await;
    assert!(!work.rules().delete(id(2)).await.unwrap());
    assert!(!work.rules().delete_attachment(id(2), &model).await.unwrap());
    assert!(!work.comments().delete(id(2)).await.unwrap());
    assert!(!work.labels().delete(id(2)).await.unwrap());
    assert!(!work.labels().remove_favorite(id(2), id(2)).await.unwrap());
    assert!(!work.webhooks().delete(id(2)).await.unwrap());
    work.commit().await.unwrap();
    assert_conflict(&begin(store).await.rules().update(rule(2)).await.unwrap_err());
    let stolen = comment(2, &assistant(2, id(1), "Bob"), id(1));
    assert_conflict(&begin(store).await.comments().update(stolen).await.unwrap_err());
    assert_conflict(&begin(store).await.labels().update(tag(2)).await.unwrap_err());
    assert_conflict(&begin(store).await.webhooks().update(webhook(2)).await.unwrap_err());
    let stolen = delivery(2, &webhook(2));
    assert_conflict(&begin(store).await.webhooks().update_delivery(stolen).await.unwrap_err());

    let mut work = store.begin(id(2)).await.unwrap();
    assert!(work.rules().delete_attachment(id(2), &model).await.unwrap());
    assert!(work.rules().delete(id(2)).await.unwrap());
    assert!(work.comments().delete(id(2)).await.unwrap());
    assert!(work.labels().delete(id(2)).await.unwrap());
    assert!(work.labels().remove_favorite(id(2), id(2)).await.unwrap());
    assert!(work.webhooks().find_delivery(id(2)).await.unwrap().is_some());
    assert!(work.webhooks().delete(id(2)).await.unwrap());
}

/// A blob that another organization has is none of ours.
pub async fn a_row_cannot_name_a_blob_of_another_organization(store: &dyn Store) {
    people(store, 1).await;
    stocked_neighbours(store).await;
    add(store, vec![touched(9).into()]).await;
    let rows: [Row; 5] = [
        with_files(assistant(5, id(1), "Thief"), [2]).into(),
        whole_upload(2).into(),
        Image { blob: blob(2), ..image(4) }.into(),
        extraction(2, []).into(),
        extraction(9, [2]).into(),
    ];

    for row in rows {
        assert_conflict(&refusal(store, row).await);
    }
}
