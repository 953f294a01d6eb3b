//! What happens when many write at once.

use futures_util::future::join_all;
use serde_json::json;

use super::made;
use crate::{App, Person::Ada};

const MANY: usize = 100;

pub(crate) async fn of_many_commits_of_one_draft_one_succeeds(app: &App) {
    let path = made(app, json!({"name": "Support"})).await;
    app.post(Ada, &format!("{path}/_edit")).expect(201).await;
    app.put(Ada, &format!("{path}/draft")).json(&json!({"seed": 1})).expect(200).await;
    let commit = format!("{path}/draft/_commit");

    let replies = join_all((0..MANY).map(|_| app.post(Ada, &commit).send())).await;

    let count = |status: u16| replies.iter().filter(|reply| reply.status == status).count();
    assert_eq!(count(200), 1);
    assert_eq!(count(404) + count(409), MANY - 1);
    let live = app.get(Ada, &path).expect(200).await;
    assert_eq!((&live.body["version"], &live.body["seed"]), (&json!(2), &json!(1)));
}

pub(crate) async fn writes_to_different_places_all_survive(app: &App) {
    const KEYS: usize = 16; // as many as metadata can have
    let live = made(app, json!({"name": "Support"})).await;
    let key = |n: usize| format!("key-{n}");

    let change = |n: usize| json!({"metadata": {key(n): n.to_string()}});
    let writes = (0..MANY).map(|n| app.patch(Ada, &live).json(&change(n % KEYS)).expect(200));
    join_all(writes).await;

    let live = app.get(Ada, &live).expect(200).await;
    for n in 0..KEYS {
        assert_eq!(live.body["metadata"][key(n)], n.to_string());
    }
    assert_eq!(live.body["version"], 1 + KEYS, "a write that changes nothing adds no version");
}

pub(crate) async fn of_many_writes_with_one_tag_one_succeeds(app: &App) {
    let path = made(app, json!({"name": "Support"})).await;
    let tag = app.get(Ada, &path).expect(200).await.etag().to_owned();

    let write =
        |n: usize| app.put(Ada, &path).header("if-match", &tag).json(&json!({"seed": n})).send();
    let replies = join_all((1..=MANY).map(write)).await;

    assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 1);
    assert_eq!(replies.iter().filter(|reply| reply.status == 412).count(), MANY - 1);
}

pub(crate) async fn of_many_drafts_opened_at_once_one_is_made(app: &App) {
    let path = made(app, json!({"name": "Support"})).await;

    let edit = || app.post(Ada, &format!("{path}/_edit")).send();
    let replies = join_all((0..20).map(|_| edit())).await;

    let created = replies.iter().filter(|reply| reply.status == 201).count();
    assert_eq!(created, 1);
    let id = app.get(Ada, &format!("{path}/draft")).expect(200).await;
    assert!(replies.iter().filter(|r| r.status == 200).all(|r| r.id() == id.id()));
}

pub(crate) async fn of_many_assistants_with_one_name_one_is_made(app: &App) {
    let create = || app.post(Ada, "/api/assistants").json(&json!({"name": "Support"})).send();

    let replies = join_all((0..20).map(|_| create())).await;

    assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 1);
    assert_eq!(replies.iter().filter(|reply| reply.status == 409).count(), 19);
}
