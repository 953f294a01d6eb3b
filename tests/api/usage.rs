//! `/api/usage`

use serde_json::{Value, json};
use understudy_testkit::{Turn, Usage};

use crate::{
    App,
    Person::{Ada, Admin, Bob},
    assistants,
    request::Reply,
    responses::{ask, assistant, upstream},
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
    let total = json!({
        "kind": "image", "count": 3, "quantity": 3, "inputTokens": 0, "outputTokens": 0,
        "neurons": 0, "synapses": 0, "costMicros": 0,
    });
    assert_eq!(all.body["totals"], json!([total]));
    let by_day = of("?groupBy=day").expect(200).await;
    assert_eq!(counts(&by_day), [3]);
    assert_eq!(by_day.body["data"][0].as_object().unwrap().len(), 9);
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

pub(crate) async fn what_answers_used_is_counted_in_tokens(app: &App) {
    let upstream = upstream(app).await;
    upstream.answer(Turn::text("Hello.").with_usage(Usage {
        input_tokens: 41,
        output_tokens: 9,
        ..Usage::default()
    }));
    let helper = assistant(app, json!({})).await;
    ask(app, Bob, &helper, json!({"input": "Hello"})).await;

    let report = app.get(Admin, "/api/usage").expect(200).await;

    let row = &report.body["data"][0];
    assert_eq!((&row["kind"], &row["userId"]), (&json!("response"), &json!(Bob.id())));
    assert_eq!((&row["inputTokens"], &row["outputTokens"]), (&json!(41), &json!(9)));
    assert_eq!((&row["neurons"], &row["synapses"]), (&json!(5), &json!(1)));
    assert_eq!(row["quantity"], 50);
    assert!(app.get(Ada, "/api/usage").expect(200).await.body["data"] == json!([]));
}
