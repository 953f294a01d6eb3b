//! `GET /api/assistants`

use serde_json::{Value, json};

use super::made;
use crate::{
    App,
    Person::{self, Ada, Admin, Bob, Stranger},
    request::Reply,
};

fn names(reply: &Reply) -> Vec<&str> {
    let rows = reply.body["data"].as_array().unwrap();
    rows.iter().map(|row| row["name"].as_str().unwrap()).collect()
}

async fn listed(app: &App, person: Person, query: &str) -> Reply {
    app.get(person, &format!("/api/assistants{query}")).expect(200).await
}

/// `Name 00`, `Name 01`, …, each a second older than the next.
async fn many(app: &App, count: u32) {
    for n in 0..count {
        made(app, json!({"name": format!("Name {n:02}")})).await;
        app.clock.advance(time::Duration::SECOND);
    }
}

pub(crate) async fn pages_follow_each_other_without_gap_or_repetition(app: &App) {
    many(app, 7).await;
    for (sort, first) in [
        ("-updated_at", "Name 06"),
        ("updated_at", "Name 00"),
        ("-createdAt", "Name 06"),
        ("name", "Name 00"),
        ("-name", "Name 06"),
    ] {
        let mut seen: Vec<String> = Vec::new();
        let mut query = format!("?sort={sort}&limit=3");
        let pages = loop {
            let page = listed(app, Ada, &query).await;
            seen.extend(names(&page).iter().map(ToString::to_string));
            let Some(cursor) = page.body["nextCursor"].as_str() else { break seen.len() };
            query = format!("?sort={sort}&limit=3&cursor={cursor}");
        };
        assert_eq!(pages, 7, "{sort}");
        assert_eq!(seen[0], first, "{sort}");
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 7, "{sort}");
    }
}

pub(crate) async fn a_page_is_not_moved_by_rows_that_come(app: &App) {
    many(app, 4).await;
    let first = listed(app, Ada, "?limit=2").await;
    let cursor = first.body["nextCursor"].as_str().unwrap().to_owned();
    made(app, json!({"name": "Newer"})).await;

    let second = listed(app, Ada, &format!("?limit=2&cursor={cursor}")).await;

    assert_eq!(names(&first), ["Name 03", "Name 02"]);
    assert_eq!(names(&second), ["Name 01", "Name 00"]);
    assert_eq!(second.body["nextCursor"], Value::Null);
}

pub(crate) async fn all_are_counted_only_when_asked(app: &App) {
    many(app, 3).await;

    assert_eq!(listed(app, Ada, "?limit=1&total=true").await.body["total"], 3);
    assert!(listed(app, Ada, "?limit=1").await.body.get("total").is_none());
}

pub(crate) async fn a_cursor_means_nothing_in_another_list(app: &App) {
    many(app, 3).await;
    let page = listed(app, Ada, "?limit=1&q=name").await;
    let cursor = page.body["nextCursor"].as_str().unwrap();
    let with = |query: &str, cursor: &str| {
        app.get(Ada, &format!("/api/assistants?{query}&cursor={cursor}"))
    };

    with("limit=2&q=name", cursor).expect(200).await;
    with("sort=name&q=name", cursor).refused(400, "bad_cursor").await;
    with("q=other", cursor).refused(400, "bad_cursor").await;
    for junk in ["x", "e30", "bnVsbA", "%00", ""] {
        let refused = with("q=name", junk).expect(400).await;
        assert!(
            ["bad_cursor", "validation_failed"].contains(&refused.body["code"].as_str().unwrap())
        );
    }
}

pub(crate) async fn filters_choose(app: &App) {
    let path = made(app, json!({"name": "Support", "description": "Answers Zebras", "metadata": {"team": "a", "x.y": "1"}})).await;
    made(app, json!({"name": "Router", "kind": "dispatcher", "access_mode": "organization"})).await;
    made(app, json!({"name": "Old", "is_active": false, "default_model_key": "gpt-4o-mini"})).await;
    let list = async |query: &str| -> Vec<String> {
        let reply = listed(app, Ada, &format!("?sort=name&{query}")).await;
        names(&reply).iter().map(ToString::to_string).collect()
    };

    assert_eq!(list("").await, ["Router", "Support"]);
    assert_eq!(list("include_inactive=true").await, ["Old", "Router", "Support"]);
    assert_eq!(list("is_active=false").await, ["Old"]);
    assert_eq!(list("q=zeBRA").await, ["Support"]);
    assert_eq!(list("q=%25").await, Vec::<String>::new(), "a wildcard of SQL is text here");
    assert_eq!(list("kind=dispatcher").await, ["Router"]);
    assert_eq!(list("access_mode=private").await, ["Support"]);
    assert_eq!(list("model=gpt-4o-mini&include_inactive=true").await, ["Old"]);
    assert_eq!(list("metadata.team=a").await, ["Support"]);
    assert_eq!(list("metadata.x.y=1&metadata.team=a").await, ["Support"]);
    assert_eq!(list("metadata.team=b").await, Vec::<String>::new());
    assert_eq!(list("owner=me").await, ["Router", "Support"]);
    assert_eq!(list(&format!("owner={}", Bob.id())).await, Vec::<String>::new());
    assert_eq!(list(&format!("owner={}&isActive=true", Ada.id())).await, ["Router", "Support"]);
    app.delete(Ada, &path).expect(204).await;
    assert_eq!(list("").await, ["Router"]);
}

pub(crate) async fn a_chat_shows_only_what_is_meant_for_it(app: &App) {
    let shown = |name: &str, to: Value| json!({"name": name, "access_mode": "organization", "visible_in_chat_to_users": to});
    made(app, shown("For all", json!([]))).await;
    made(app, shown("For Bob", json!([Bob.id()]))).await;
    made(app, shown("For the manager", json!([Person::Manager.id()]))).await;

    let chat = listed(app, Bob, "?sort=name&visible_in_chat=true").await;
    let all = listed(app, Bob, "?sort=name").await;

    assert_eq!(names(&chat), ["For all", "For Bob"]);
    assert_eq!(names(&all).len(), 3);
}

pub(crate) async fn parameters_that_are_wrong_are_named_all_at_once(app: &App) {
    let query = "?limit=0&sort=age&kind=x&owner=me2&access_mode=x&is_active=maybe&fields=some&favorite=maybe&total=1&q=a&q=b&metadata.=x";

    let reply = app.get(Ada, &format!("/api/assistants{query}"));
    let reply = reply.refused(400, "validation_failed").await;

    let expected = [
        ("access_mode", "invalid"),
        ("favorite", "invalid"),
        ("fields", "invalid"),
        ("is_active", "invalid"),
        ("kind", "invalid"),
        ("limit", "invalid"),
        ("metadata", "invalid"),
        ("owner", "invalid"),
        ("q", "duplicate_parameter"),
        ("sort", "invalid"),
        ("total", "invalid"),
    ];
    assert_eq!(reply.faults(), expected);
}

pub(crate) async fn a_summary_is_a_part_of_the_whole(app: &App) {
    let path = made(app, json!({"name": "Support", "instructions": "long"})).await;
    let whole = app.get(Ada, &path).expect(200).await.body;

    let summary = listed(app, Ada, "").await.body["data"][0].clone();
    let full = listed(app, Ada, "?fields=full").await.body["data"][0].clone();

    assert_eq!(full, whole);
    assert!(summary.get("instructions").is_none());
    for (name, value) in summary.as_object().unwrap() {
        assert_eq!(value, &whole[name], "{name}");
    }
}

pub(crate) async fn everybody_sees_their_own_list(app: &App) {
    made(app, json!({"name": "Private"})).await;
    made(app, json!({"name": "Shared", "access_mode": "organization"})).await;
    made(app, json!({"name": "Everywhere", "access_mode": "global"})).await;

    assert_eq!(names(&listed(app, Ada, "?sort=name").await), ["Everywhere", "Private", "Shared"]);
    assert_eq!(names(&listed(app, Admin, "?sort=name").await), ["Everywhere", "Private", "Shared"]);
    assert_eq!(names(&listed(app, Bob, "?sort=name&total=true").await), ["Everywhere", "Shared"]);
    assert_eq!(names(&listed(app, Stranger, "").await), ["Everywhere"]);
}
