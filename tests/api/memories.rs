//! What assistants remember.

use serde_json::json;
use understudy_domain::{AssistantId, Memory, ports::Clock};
use understudy_testkit::sample;

use crate::{
    App,
    Person::{self, Ada, Bob, Seatless, Stranger},
    responses::assistant,
};

/// Makes the assistant remember something of somebody.
async fn remember(app: &App, helper: &str, person: Person, (number, text): (u32, &str)) {
    let user = person.user();
    let assistant: AssistantId = helper.rsplit('/').next().unwrap().parse().unwrap();
    let memory = Memory {
        id: sample::id(number),
        organization: user.organization,
        assistant,
        user: user.id,
        text: text.to_owned(),
        thread: None,
        created_at: app.clock.now(),
    };
    let store = &app.services().store;
    let mut work = store.begin(user.organization).await.unwrap();
    work.conversations().insert_memories(&[memory]).await.unwrap();
    work.commit().await.unwrap();
}

pub(crate) async fn everybody_sees_and_removes_what_is_remembered_of_them(app: &App) {
    let helper = assistant(app, json!({"memory_enabled": true})).await;
    for (number, text) in [(1, "Lives in Lisbon."), (2, "Likes tea.")] {
        remember(app, &helper, Bob, (number, text)).await;
    }
    remember(app, &helper, Ada, (3, "Owns it.")).await;
    let all = format!("{helper}/memories");

    let listed = app.get(Bob, &all).expect(200).await;
    let texts: Vec<_> = listed.body.as_array().unwrap().iter().map(|m| &m["text"]).collect();
    assert_eq!(texts, ["Likes tea.", "Lives in Lisbon."]);
    let one = format!("{all}/{}", listed.body[0]["id"].as_str().unwrap());
    app.delete(Ada, &one).refused(404, "not_found").await;
    app.delete(Bob, &one).expect(204).await;
    app.delete(Bob, &one).refused(404, "not_found").await;
    app.delete(Bob, &all).expect(204).await;
    app.delete(Bob, &all).expect(204).await;

    assert_eq!(app.get(Bob, &all).expect(200).await.body, json!([]));
    assert_eq!(app.get(Ada, &all).expect(200).await.body.as_array().unwrap().len(), 1);
    app.get(Stranger, &all).refused(404, "not_found").await;
    app.get(Seatless, &all).refused(403, "ai_seat_required").await;
    let draft = app.post(Ada, &format!("{helper}/_edit")).json(&json!({})).expect(201).await;
    let through_draft = format!("/api/assistants/{}/memories", draft.id());
    assert_eq!(app.get(Ada, &through_draft).expect(200).await.body[0]["text"], "Owns it.");
}
