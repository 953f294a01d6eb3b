//! `/api/usage`

use serde_json::{Value, json};

use crate::{
    App,
    Person::{Ada, Admin, Bob},
    assistants,
    request::Reply,
};

/// Each row without what differs from run to run.
fn counts(report: &Reply) -> Vec<u64> {
    let rows = report.body["data"].as_array().unwrap();
    rows.iter().map(|row| row["count"].as_u64().unwrap()).collect()
}

async fn draw(app: &App) -> String {
    let path = assistants::made(app, json!({"name": "Support"})).await;
    let prompt = json!({"prompt": "x"});
    app.post(Ada, "/api/_create-image").json(&prompt).expect(200).await;
    app.post(Ada, &format!("{path}/_create-image")).json(&prompt).expect(200).await;
    app.post(Bob, "/api/_create-image").json(&prompt).expect(200).await;
    app.get(Ada, &path).expect(200).await.id().to_owned()
}

pub(crate) async fn usage_is_told_apart_as_asked_and_added_up(app: &App) {
    draw(app).await;
    let of = |query: &str| app.get(Admin, &format!("/api/usage{query}"));

    let all = of("").expect(200).await;
    assert_eq!(counts(&all), [1, 1, 1]);
    assert_eq!(all.body["totals"], json!([{"kind": "image", "count": 3, "quantity": 3}]));
    let by_day = of("?groupBy=day").expect(200).await;
    assert_eq!(counts(&by_day), [3]);
    assert_eq!(by_day.body["data"][0].as_object().unwrap().len(), 4);
    assert_eq!(counts(&of("?groupBy=user").expect(200).await), [2, 1]);
    let by_assistant = of("?group_by=assistant,model").expect(200).await;
    assert_eq!(counts(&by_assistant), [2, 1]);
    assert_eq!(by_assistant.body["data"][0]["assistantId"], Value::Null);
    assert_eq!(by_assistant.body["data"][0]["provider"], "builtin");
    assert_eq!(by_assistant.body["totals"], all.body["totals"]);
}

pub(crate) async fn usage_of_one_assistant_is_told_to_who_may_know_it(app: &App) {
    let assistant = draw(app).await;
    let query = format!("/api/usage?assistant={assistant}");

    for (person, expected) in [(Admin, vec![1]), (Ada, vec![1]), (Bob, Vec::new())] {
        let report = app.get(person, &query).expect(200).await;
        assert_eq!(counts(&report), expected, "{person:?}");
        assert_eq!(report.body["totals"].as_array().unwrap().len(), expected.len());
    }
    let wrong = app.get(Ada, "/api/usage?assistant=x&groupBy=day,colour");
    let wrong = wrong.refused(400, "validation_failed").await;
    assert_eq!(wrong.faults(), [("assistant", "invalid"), ("groupBy", "invalid")]);
}
