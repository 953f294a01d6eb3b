//! `/api/threads`

use serde_json::{Value, json};

use crate::{
    App,
    Person::{Ada, Admin, Bob, Owner, Seatless, Stranger},
    request::Reply,
    responses::{ask, assistant, upstream},
};

const ALL: &str = "/api/threads";

async fn thread(app: &App, body: Value) -> Reply {
    app.post(Bob, ALL).json(&body).expect(201).await
}

fn titles(page: &Reply) -> Vec<&str> {
    let data = page.body["data"].as_array().unwrap();
    data.iter().map(|thread| thread["title"].as_str().unwrap_or_default()).collect()
}

pub(crate) async fn a_thread_is_made_read_changed_and_removed(app: &App) {
    let helper = assistant(app, json!({})).await;
    let id = helper.rsplit('/').next().unwrap();
    let new = json!({"title": " Invoices ", "metadata": {"a": "1"}, "assistantId": id});
    let made = thread(app, new).await;
    let path = made.header("location").to_owned();
    assert_eq!(path, format!("{ALL}/{}", made.id()));
    assert_eq!((&made.body["title"], &made.body["assistantId"]), (&json!("Invoices"), &json!(id)));
    assert_eq!((&made.body["status"], &made.body["pinned"]), (&json!("inactive"), &json!(false)));

    let read = app.get(Bob, &path).expect(200).await;
    assert_eq!((&read.body, read.etag()), (&made.body, made.etag()));
    app.get(Bob, &path).header("if-none-match", made.etag()).expect(304).await;
    let change = json!({"title": null, "metadata": {"a": null, "b": "2"}, "pinned": true});
    let changed = app.patch(Bob, &path).header("if-match", read.etag()).json(&change);
    let changed = changed.expect(200).await;
    assert_eq!(changed.body["title"], Value::Null);
    assert_eq!(changed.body["metadata"], json!({"b": "2"}));
    assert!(changed.body["pinnedAt"].is_string() && changed.body["pinned"] == true);
    let late = app.delete(Bob, &path).header("if-match", read.etag());
    late.refused(412, "precondition_failed").await;
    let same = app.patch(Bob, &path).json(&changed.body).expect(200).await;
    assert_eq!(same.body, changed.body);

    app.delete(Bob, &path).expect(204).await;
    app.delete(Bob, &path).refused(404, "not_found").await;
}

pub(crate) async fn a_thread_is_its_users_alone(app: &App) {
    let path = thread(app, json!({"title": "Mine"})).await.header("location").to_owned();

    for other in [Ada, Owner, Admin, Stranger] {
        app.get(other, &path).refused(404, "not_found").await;
        app.get(other, &format!("{path}/messages")).refused(404, "not_found").await;
        app.patch(other, &path).json(&json!({"title": "x"})).refused(404, "not_found").await;
        app.delete(other, &path).refused(404, "not_found").await;
        assert_eq!(app.get(other, ALL).expect(200).await.body["data"], json!([]));
    }
    app.get(Seatless, ALL).refused(403, "ai_seat_required").await;
    app.get(Bob, &path).expect(200).await;
}

pub(crate) async fn threads_are_paged_and_filtered(app: &App) {
    for (title, kind) in [("Alpha", "x"), ("Beta", "y"), ("alphabet", "x")] {
        thread(app, json!({"title": title, "metadata": {"kind": kind}})).await;
    }

    let first = app.get(Bob, &format!("{ALL}?limit=2")).expect(200).await;
    assert_eq!(titles(&first), ["alphabet", "Beta"]);
    thread(app, json!({"title": "Late"})).await;
    let cursor = first.body["nextCursor"].as_str().unwrap();
    let second = app.get(Bob, &format!("{ALL}?limit=2&cursor={cursor}")).expect(200).await;
    assert_eq!(titles(&second), ["Alpha"]);
    assert_eq!(second.body["nextCursor"], Value::Null);
    let oldest = app.get(Bob, &format!("{ALL}?order=asc&limit=1")).expect(200).await;
    assert_eq!(titles(&oldest), ["Alpha"]);
    let found = app.get(Bob, &format!("{ALL}?q=ALPHA&order=asc")).expect(200).await;
    assert_eq!(titles(&found), ["Alpha", "alphabet"]);
    let found = app.get(Bob, &format!("{ALL}?metadata.kind=y")).expect(200).await;
    assert_eq!(titles(&found), ["Beta"]);
    app.get(Bob, &format!("{ALL}?q=x&cursor={cursor}")).refused(400, "bad_cursor").await;
    app.get(Bob, &format!("{ALL}?order=up&colour=1")).refused(400, "validation_failed").await;
}

pub(crate) async fn faults_of_a_thread_are_named_at_once(app: &App) {
    let wrong = json!({"title": "x".repeat(201), "metadata": {"k": "v".repeat(513)}});
    let refused = app.post(Bob, ALL).json(&wrong).refused(400, "validation_failed").await;
    assert_eq!(refused.faults(), [("/metadata/k", "too_long"), ("/title", "invalid")]);
    let elsewhere = json!({"assistantId": "asst_00000000000000000000000000000007"});
    app.post(Bob, ALL).json(&elsewhere).refused(404, "not_found").await;
}

pub(crate) async fn twenty_threads_are_pinned_at_most(app: &App) {
    let mut paths = Vec::new();
    for _ in 0..21 {
        paths.push(thread(app, json!({})).await.header("location").to_owned());
    }
    let pin = json!({"pinned": true});
    for path in &paths[..20] {
        app.patch(Bob, path).json(&pin).expect(200).await;
    }

    app.patch(Bob, &paths[20]).json(&pin).refused(413, "limit_reached").await;

    app.patch(Bob, &paths[0]).json(&json!({"pinned": false})).expect(200).await;
    app.patch(Bob, &paths[20]).json(&pin).expect(200).await;
}

pub(crate) async fn the_assistant_of_a_thread_stays_once_something_was_said(app: &App) {
    let _upstream = upstream(app).await;
    let helper = assistant(app, json!({})).await;
    let other = assistant(app, json!({"name": "Other"})).await;
    let ids = [&helper, &other].map(|path| path.rsplit('/').next().unwrap().to_owned());
    let made = thread(app, json!({"assistantId": ids[0]})).await;
    let path = made.header("location");
    let to_other = json!({"assistantId": ids[1]});
    app.patch(Bob, path).json(&to_other).expect(200).await;
    app.patch(Bob, path).json(&json!({"assistantId": ids[0]})).expect(200).await;

    let answer = ask(app, Bob, &helper, json!({"input": "Hello", "thread_id": made.id()})).await;

    assert_eq!(answer.body["thread_id"], made.id());
    let refused = app.patch(Bob, path).json(&to_other);
    refused.refused(409, "thread_of_another_assistant").await;
    let read = app.get(Bob, path).expect(200).await;
    assert_eq!(
        (&read.body["messageCount"], &read.body["lastModel"]),
        (&json!(2), &json!("gpt-4o"))
    );
    let of_helper = app.get(Bob, &format!("{ALL}?assistant={}", ids[0])).expect(200).await;
    assert_eq!(of_helper.body["data"].as_array().unwrap().len(), 1);
    let of_other = app.get(Bob, &format!("{ALL}?assistant={}", ids[1])).expect(200).await;
    assert_eq!(of_other.body["data"], json!([]));
}

pub(crate) async fn messages_are_paged_in_either_order(app: &App) {
    let _upstream = upstream(app).await;
    let helper = assistant(app, json!({})).await;
    let first = ask(app, Bob, &helper, json!({"input": "One"})).await;
    let thread = first.body["thread_id"].as_str().unwrap();
    ask(app, Bob, &helper, json!({"input": "Two", "thread_id": thread})).await;
    let messages = format!("{ALL}/{thread}/messages");
    let positions = |page: &Reply| -> Vec<u64> {
        let data = page.body["data"].as_array().unwrap();
        data.iter().map(|message| message["position"].as_u64().unwrap()).collect()
    };

    let page = app.get(Bob, &format!("{messages}?limit=3")).expect(200).await;
    assert_eq!(positions(&page), [1, 2, 3]);
    let one = &page.body["data"][0];
    assert_eq!((&one["role"], &one["object"]), (&json!("user"), &json!("thread.message")));
    assert_eq!(one["content"], json!([{"type": "text", "text": "One"}]));
    assert_eq!(one["responseId"], first.body["id"]);
    let cursor = page.body["nextCursor"].as_str().unwrap();
    let rest = app.get(Bob, &format!("{messages}?limit=3&cursor={cursor}")).expect(200).await;
    assert_eq!(positions(&rest), [4]);
    let back = app.get(Bob, &format!("{messages}?order=desc&limit=2")).expect(200).await;
    assert_eq!(positions(&back), [4, 3]);
    let cursor = back.body["nextCursor"].as_str().unwrap();
    let older = format!("{messages}?order=desc&limit=2&cursor={cursor}");
    assert_eq!(positions(&app.get(Bob, &older).expect(200).await), [2, 1]);
}

pub(crate) async fn a_token_of_one_assistant_reaches_its_threads_only(app: &App) {
    let _upstream = upstream(app).await;
    let helper = assistant(app, json!({})).await;
    let new = json!({"type": "assistant", "assistantId": helper.rsplit('/').next().unwrap()});
    let token = app.post(Bob, "/api/tokens").json(&new).expect(201).await;
    let token = format!("Bearer {}", token.body["token"].as_str().unwrap());
    let get =
        |path: &str| app.anonymous(reqwest::Method::GET, path).header("authorization", &token);
    let open = thread(app, json!({"title": "Open"})).await;
    let own = ask(app, Bob, &helper, json!({"input": "Hello"})).await;
    let own = format!("{ALL}/{}", own.body["thread_id"].as_str().unwrap());

    get(open.header("location")).refused(404, "not_found").await;
    get(&own).expect(200).await;
    let listed = get(ALL).expect(200).await;
    assert_eq!(listed.body["data"].as_array().unwrap().len(), 1);
}

pub(crate) async fn the_thread_that_instructions_were_drafted_in_is_in_no_list(app: &App) {
    let drafting = thread(app, json!({"title": "Drafting"})).await;
    let path = drafting.header("location").to_owned();
    thread(app, json!({"title": "Talk"})).await;
    let body = json!({"name": "Guide", "instructions_thread_id": drafting.id()});

    let made = app.post(Bob, "/api/assistants").json(&body).expect(201).await;

    assert_eq!(made.body["instructions_thread_id"], drafting.id());
    assert_eq!(titles(&app.get(Bob, ALL).expect(200).await), ["Talk"]);
    assert_eq!(app.get(Bob, &path).expect(200).await.body["title"], "Drafting");
    let own = format!("/api/assistants/{}", made.id());
    app.patch(Bob, &own).json(&json!({"name": "Guide 2"})).expect(200).await;
    for (person, id) in [(Ada, drafting.id()), (Bob, "thr_of_nobody")] {
        let other = json!({"name": "Other", "instructions_thread_id": id});
        let refused = app.post(person, "/api/assistants").json(&other).expect(400).await;
        assert_eq!(refused.faults(), [("/instructions_thread_id", "unknown")]);
    }
}
