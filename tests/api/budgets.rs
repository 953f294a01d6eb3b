//! Budgets, and what they stop.

use futures_util::future::join_all;
use serde_json::{Value, json};
use understudy_testkit::{Turn, Usage};

use crate::{
    App,
    Person::{Ada, Admin, Bob, Manager},
    responses::{ask, assistant, upstream},
};

const ONE: &str = "/api/organization";
const SPENT: &str = "/api/usage/budgets";

async fn set(app: &App, budgets: Value) {
    app.patch(Admin, ONE).json(&json!({"budgets": budgets})).expect(200).await;
}

fn used(tokens: u64) -> Turn {
    Turn::text("Hello.").with_usage(Usage { input_tokens: tokens, ..Usage::default() })
}

pub(crate) async fn budgets_are_set_read_and_taken_away(app: &App) {
    let budget = json!({
        "subject": "user", "id": null, "period": "day", "maxTokens": 1000, "maxCostMicros": null,
    });
    set(app, json!([{"subject": "user", "period": "day", "max_tokens": 1000}])).await;
    let read = app.get(Ada, ONE).expect(200).await;
    assert_eq!(read.body["budgets"], json!([budget]));
    let wrong = json!({"budgets": [
        {"subject": "planet", "period": "day", "maxTokens": 1},
        {"subject": "user", "id": "x", "period": "day", "maxTokens": 0},
    ]});
    let refused = app.patch(Admin, ONE).json(&wrong).refused(400, "validation_failed").await;
    assert_eq!(refused.faults(), [("/budgets/0/subject", "enum")]);
    let wrong = json!({"budgets": [{"subject": "user", "id": "x", "period": "day"}]});
    let refused = app.patch(Admin, ONE).json(&wrong).refused(400, "validation_failed").await;
    assert_eq!(refused.faults(), [("/budgets/0", "required"), ("/budgets/0/id", "invalid")]);
    app.patch(Manager, ONE).json(&json!({"budgets": []})).refused(403, "insufficient_role").await;

    set(app, Value::Null).await;
    assert_eq!(app.get(Ada, ONE).expect(200).await.body["budgets"], json!([]));
}

pub(crate) async fn what_is_used_up_is_refused_before_anybody_is_asked(app: &App) {
    let upstream = upstream(app).await;
    let helper = assistant(app, json!({"max_completion_tokens": 100})).await;
    set(app, json!([{"subject": "user", "period": "day", "maxTokens": 1000}])).await;
    upstream.answer_usually(used(950));
    ask(app, Bob, &helper, json!({"input": "Hello"})).await;

    let hello = json!({"input": "Hello"});
    let refused = app.post(Bob, &format!("{helper}/responses")).json(&hello);
    let refused = refused.refused(429, "budget_exceeded").await;

    assert!(refused.header("retry-after").parse::<u64>().unwrap() > 0);
    assert_eq!(upstream.requests().len(), 1);
    let spent = app.get(Bob, SPENT).expect(200).await;
    let row = &spent.body[0];
    assert_eq!((&row["subject"], &row["id"]), (&json!("user"), &json!(Bob.id())));
    assert_eq!((&row["status"], &row["reservedTokens"]), (&json!("warning"), &json!(0)));
    assert!(row["tokens"].as_u64().unwrap() >= 950);
    let other = app.get(Ada, SPENT).expect(200).await;
    assert_eq!((&other.body[0]["tokens"], &other.body[0]["status"]), (&json!(0), &json!("ok")));
    ask(app, Ada, &helper, hello).await;
}

pub(crate) async fn of_many_questions_for_the_last_tokens_one_is_answered(app: &App) {
    let upstream = upstream(app).await;
    let helper = assistant(app, json!({"max_completion_tokens": 600})).await;
    set(app, json!([{"subject": "organization", "period": "month", "maxTokens": 1000}])).await;
    upstream.answer_usually(used(600));
    let path = format!("{helper}/responses");

    let hello = json!({"input": "Hello"});
    let asked = (0..10).map(|_| app.post(Bob, &path).json(&hello).send());
    let answers = join_all(asked).await;

    let answered = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(answered, 1, "{:?}", answers.iter().map(|a| &a.body).collect::<Vec<_>>());
    assert!(answers.iter().all(|answer| answer.status == 200 || answer.status == 429));
    assert_eq!(upstream.requests().len(), 1);
}
