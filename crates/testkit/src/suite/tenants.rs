//! The wall between organizations.

use understudy_domain::{
    AssistantRef, Image, Upload, Usage, UserId,
    ports::{Store, UsageFilter},
};

use super::stage::{add, assert_conflict, assert_same, begin, events, home, people, refusal};
use crate::sample::{
    Members, Row, assistant, avatar, blob, data_key, draft_of, event, extraction, id, image,
    instant, organization, provider, sealed_value, session, slug, team, token, touched, upload,
    usage, user, version, whole_upload, with_files,
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
    let rows: [Row; 8] = [
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
