//! A provider with real weights, small ones, behind OpenAI's chat completions. What
//! it says is of no account; that it is said, counted and stopped is.

use std::{path::Path, process::Command};

use serde_json::{Value, json};
use understudy_tests::{http_client, tools};

use crate::service::{Heard, Kept, Service};

const NAME: &str = "smollm2-135m-instruct";
const QUESTION: &str = "What is the capital of France?";

/// The service, and the model, which both end with this value.
struct Stage {
    service: Service,
    model: String,
    /// An assistant that says the same whenever it is asked the same.
    helper: String,
    _server: tools::Server,
}

impl Stage {
    async fn set() -> Self {
        let (packages, weights) = tools::small_model();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/small_model.mjs");
        let mut command = Command::new("node");
        command.arg(script).arg(packages).arg(weights);
        let ready = |line: &str| line.strip_prefix("listening on ").map(str::to_owned);
        let (server, port) = tools::Server::start(&command, ready).unwrap();
        let model = format!("http://127.0.0.1:{port}");
        let service = Service::configured(Kept::Sqlite, |_| String::new()).await;
        service.provide(&format!("{model}/v1"), NAME).await;
        let settings = json!({"temperature": 0, "maxCompletionTokens": 24});
        let helper = service.assistant(settings).await;
        Self { service, model, helper, _server: server }
    }

    async fn ask(&self, more: Value) -> Heard {
        let mut body = json!({"input": QUESTION, "model": NAME, "stream": true});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.service.stream(&format!("{}/responses", self.helper), &body).await.end().await
    }

    /// How answers came to their end, in the model's own words, and with how many
    /// tokens.
    async fn journal(&self) -> Vec<(String, u64)> {
        let url = format!("{}/journal", self.model);
        let all: Value =
            http_client().build().unwrap().get(url).send().await.unwrap().json().await.unwrap();
        let entry = |entry: &Value| {
            (entry["stopReason"].as_str().unwrap().to_owned(), entry["written"].as_u64().unwrap())
        };
        all.as_array().unwrap().iter().map(entry).collect()
    }
}

#[tokio::test]
async fn real_weights_answer_piece_by_piece_and_are_counted() {
    let stage = Stage::set().await;

    let heard = stage.ask(json!({})).await;

    let last = heard.last();
    assert_eq!((&last["status"], &last["model"]), (&json!("completed"), &json!(NAME)));
    assert_eq!(last["provider"], "openai-compatible");
    assert!(!heard.text().trim().is_empty());
    assert_eq!(last["output_text"], heard.text());
    assert!(heard.all("response.content_delta").len() > 1, "{heard:#?}");
    let [(_, written)] = stage.journal().await[..] else { panic!("it was asked once") };
    assert_eq!(last["usage"]["output_tokens"], written);
    assert_eq!(last["usage"]["is_estimated"], false);
    assert!(last["usage"]["input_tokens"].as_u64().unwrap() > 5, "{last}");
}

#[tokio::test]
async fn real_weights_say_no_more_than_they_may() {
    let stage = Stage::set().await;

    let heard = stage.ask(json!({"maxCompletionTokens": 3})).await;

    assert_eq!(heard.last()["stop_reason"], "max_tokens");
    assert_eq!(heard.last()["usage"]["output_tokens"], 3);
    assert_eq!(stage.journal().await, [("maxTokens".to_owned(), 3)]);
}

#[tokio::test]
async fn real_weights_stop_where_they_are_to_stop() {
    let stage = Stage::set().await;
    let whole = stage.ask(json!({})).await.text();
    let stop = whole.split_whitespace().nth(2).unwrap();

    let heard = stage.ask(json!({"stop": stop})).await;

    let (before, _) = whole.split_once(stop).unwrap();
    assert_eq!(heard.text().trim_end(), before.trim_end());
    assert!(!before.trim().is_empty());
    let journal = stage.journal().await;
    assert_eq!(journal[1].0, "customStopTrigger");
    assert!(journal[1].1 < journal[0].1, "{journal:?}");
}

#[tokio::test]
async fn real_weights_rest_when_nobody_wants_to_hear_more() {
    let stage = Stage::set().await;
    let body = json!({"input": "Write a long story.", "model": NAME, "stream": true, "maxCompletionTokens": 1_500});
    let path = format!("{}/responses", stage.helper);
    let mut stream = stage.service.stream(&path, &body).await;
    let created = stream.until("response.created").await;
    stream.until("response.content_delta").await;

    let cancel = format!("/api/responses/{}/_cancel", created["response_id"].as_str().unwrap());
    let cancelled = stage.service.post(&cancel, &json!({}), 200).await;
    let heard = stream.end().await;

    assert_eq!(cancelled["response"]["status"], "cancelled");
    assert_eq!(heard.last()["event"], "response.cancelled");
    let [(how, written)] = &stage.journal().await[..] else { panic!("it was asked once") };
    assert!(how == "abort" && *written < 1_500, "{how} after {written}");
}
