//! `/openai/v1/files`

use serde_json::{Value, json};

use crate::{
    App,
    Person::{self, Ada, Bob, Seatless, Stranger},
    files::{FORM, assistant, form, part},
    openai::refused,
    request::Reply,
};

const FILES: &str = "/openai/v1/files";

async fn sent(app: &App, name: &str, purpose: &str) -> Reply {
    let body = form(&[
        part("; name=\"purpose\"", purpose.as_bytes()),
        part(&format!("; name=\"file\"; filename=\"{name}\""), b"# Prices"),
    ]);
    app.post(Ada, FILES).body(FORM, body).expect(200).await
}

async fn listed(app: &App, person: Person, query: &str) -> Value {
    app.get(person, &format!("{FILES}{query}")).expect(200).await.body
}

fn names(page: &Value) -> Vec<&str> {
    let files = page["data"].as_array().unwrap();
    files.iter().map(|file| file["filename"].as_str().unwrap()).collect()
}

pub(crate) async fn ones_files_are_listed_page_by_page(app: &App) {
    for name in ["a.md", "b.md", "c.md"] {
        sent(app, name, "user_data").await;
        app.clock.advance(time::Duration::SECOND);
    }

    let all = listed(app, Ada, "").await;
    assert_eq!(names(&all), ["c.md", "b.md", "a.md"]);
    assert_eq!((&all["object"], &all["has_more"]), (&json!("list"), &json!(false)));
    let first = listed(app, Ada, "?order=asc&limit=2").await;
    assert_eq!((names(&first), &first["has_more"]), (vec!["a.md", "b.md"], &json!(true)));
    assert_eq!(first["first_id"], first["data"][0]["id"]);
    let last = first["last_id"].as_str().unwrap();
    assert_eq!(first["data"][1]["id"], last);
    let rest = listed(app, Ada, &format!("?order=asc&limit=2&after={last}")).await;
    assert_eq!((names(&rest), &rest["has_more"]), (vec!["c.md"], &json!(false)));
    let newer = listed(app, Ada, &format!("?after={last}")).await;
    assert_eq!(names(&newer), ["a.md"]);
    for person in [Bob, Stranger] {
        let none = listed(app, person, "").await;
        assert_eq!((&none["data"], &none["last_id"]), (&json!([]), &Value::Null));
    }
}

pub(crate) async fn files_are_listed_by_what_they_are_for(app: &App) {
    sent(app, "a.md", "assistants").await;
    let read = sent(app, "b.png", "vision").await;
    assert_eq!(read.body["purpose"], "vision");

    assert_eq!(names(&listed(app, Ada, "?purpose=assistants").await), ["a.md"]);
    assert_eq!(listed(app, Ada, "?purpose=user_data").await["data"], json!([]));
}

pub(crate) async fn a_file_that_is_used_up_or_gone_is_not_listed(app: &App) {
    let path = assistant(app).await;
    let (used, gone) = (sent(app, "a.md", "user_data").await, sent(app, "b.md", "user_data").await);
    let attach = json!({"uploadId": used.id()});
    app.post(Ada, &format!("{path}/files")).json(&attach).expect(201).await;
    app.delete(Ada, &format!("{FILES}/{}", gone.id())).expect(200).await;
    sent(app, "c.md", "user_data").await;
    assert_eq!(names(&listed(app, Ada, "").await), ["c.md"]);

    app.clock.advance(time::Duration::hours(25));
    assert_eq!(listed(app, Ada, "").await["data"], json!([]));
}

pub(crate) async fn a_wrong_question_for_files_names_its_parameter(app: &App) {
    let file = sent(app, "a.md", "user_data").await;
    for (query, param) in [
        ("?limit=0", "limit"),
        ("?limit=10001", "limit"),
        ("?order=up", "order"),
        ("?purpose=batch", "purpose"),
        ("?after=x", "after"),
        ("?colour=red", "colour"),
    ] {
        let reply = app.get(Ada, &format!("{FILES}{query}")).expect(400).await;
        assert_eq!(reply.body["error"]["param"], param, "{}", reply.body);
    }
    // One's own only.
    let foreign = app.get(Bob, &format!("{FILES}?after={}", file.id())).expect(400).await;
    assert_eq!(foreign.body["error"]["param"], "after");
    let seatless = app.get(Seatless, FILES);
    refused(seatless, 403, "permission_error", "ai_seat_required").await;
}
