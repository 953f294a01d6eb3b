//! Answers in JSON, streamed: as they are written where the provider holds its model to
//! the form, and whole where it may have to be asked once more.

use reqwest::Method;
use serde_json::{Value, json};
use understudy_testkit::{Fault, Tap, Turn};

use crate::{
    App,
    Person::Bob,
    responses::{assistant, streams::Followed, upstream},
};

const CHAT: &str = "/openai/v1/chat/completions";
const RESPONSES: &str = "/openai/v1/responses";
const PIECES: [&str; 2] = [r#"{"name":"#, r#" "Ada"}"#];

/// A schema of a person as OpenAI's packages send theirs, or one that nobody is held to.
fn person(strict: bool) -> Value {
    let schema = json!({
        "type": "object",
        "properties": {"name": {"type": "string"}},
        "required": ["name"],
        "additionalProperties": false,
    });
    json!({"name": "person", "schema": schema, "strict": strict})
}

fn chat(format: &Value) -> Value {
    let messages = json!([{"role": "user", "content": "Which person?"}]);
    json!({"model": "helper", "messages": messages, "stream": true, "response_format": format})
}

fn response(strict: bool) -> Value {
    let mut format = person(strict);
    format["type"] = "json_schema".into();
    json!({"model": "helper", "input": "Which person?", "stream": true,
        "text": {"format": format}})
}

fn by_schema(strict: bool) -> Value {
    json!({"type": "json_schema", "json_schema": person(strict)})
}

/// A stream of this dialect, and what of the text it tells.
struct Heard {
    stream: Followed,
}

impl Heard {
    async fn open(app: &App, path: &str, body: &Value) -> Self {
        let who = (Bob, Method::POST);
        Self { stream: Followed::open(&app.address, app, who, path, Some(body)).await }
    }

    /// The next event; `None` at the end.
    async fn event(&mut self) -> Option<Value> {
        loop {
            let part = self.stream.part().await?;
            let data = part.lines().find_map(|line| line.strip_prefix("data: "));
            match data {
                Some("[DONE]") => assert_eq!(self.stream.part().await, None),
                Some(data) => return Some(serde_json::from_str(data).unwrap()),
                None => {}
            }
        }
    }

    /// The next piece of the text; `None` where none comes any more.
    async fn piece(&mut self) -> Option<String> {
        while let Some(event) = self.event().await {
            if let Some(piece) = piece_of(&event) {
                return Some(piece);
            }
        }
        None
    }

    /// The pieces that are left, and what the stream ends with.
    async fn rest(mut self) -> (Vec<String>, Value) {
        let (mut pieces, mut last) = (Vec::new(), Value::Null);
        while let Some(event) = self.event().await {
            pieces.extend(piece_of(&event));
            last = event;
        }
        (pieces, last)
    }
}

fn piece_of(event: &Value) -> Option<String> {
    let is_delta = event["type"] == "response.output_text.delta";
    let text = if is_delta { &event["delta"] } else { &event["choices"][0]["delta"]["content"] };
    text.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

pub(crate) async fn json_is_told_as_it_is_written(app: &App) {
    let upstream = upstream(app).await;
    assistant(app, json!({})).await;
    let asked = [
        (CHAT, chat(&by_schema(true))),
        (CHAT, chat(&json!({"type": "json_object"}))),
        (RESPONSES, response(true)),
    ];
    for (path, body) in asked {
        let tap = Tap::shut();
        upstream.answer(Turn::chunks(PIECES).with_fault(Fault::SlowDrip(tap.clone())));
        let mut heard = Heard::open(app, path, &body).await;
        // The head of the upstream's answer, and the first piece: no more is written yet.
        tap.let_through(2);
        assert_eq!(heard.piece().await.as_deref(), Some(PIECES[0]), "{body}");
        tap.open();

        let (rest, last) = heard.rest().await;

        assert_eq!(rest, [PIECES[1]]);
        if path == CHAT {
            assert_eq!(last["choices"][0]["finish_reason"], "stop");
        } else {
            assert_eq!(last["response"]["status"], "completed");
            let text = &last["response"]["output"][0]["content"][0]["text"];
            assert_eq!(text, &PIECES.concat());
        }
    }
}

pub(crate) async fn json_that_may_not_fit_is_told_once_it_does(app: &App) {
    let upstream = upstream(app).await;
    assistant(app, json!({})).await;

    for (path, body) in [(CHAT, chat(&by_schema(false))), (RESPONSES, response(false))] {
        upstream.answer(Turn::chunks([r#"{"name":"#, " 7}"]));
        upstream.answer(Turn::chunks(["```json\n", PIECES[0], PIECES[1], "\n```"]));
        let before = upstream.requests().len();

        let (pieces, last) = Heard::open(app, path, &body).await.rest().await;

        assert_eq!(pieces, [PIECES.concat()], "{path}");
        assert_eq!(upstream.requests().len(), before + 2);
        if path == RESPONSES {
            assert_eq!(last["response"]["output"][0]["content"][0]["text"], PIECES.concat());
        }
    }
}

pub(crate) async fn json_that_was_told_stays_as_it_is(app: &App) {
    let upstream = upstream(app).await;
    upstream.answer_usually(Turn::chunks([r#"{"name":"#, " 7}"]));
    assistant(app, json!({})).await;

    let (pieces, last) = Heard::open(app, CHAT, &chat(&by_schema(true))).await.rest().await;

    assert_eq!(pieces, [r#"{"name":"#, " 7}"]);
    assert_eq!(last["choices"][0]["finish_reason"], "stop");
    let notices = last["understudy"]["notices"].as_array().unwrap();
    assert!(notices.iter().any(|notice| notice["field"] == "response_format"), "{notices:?}");
    assert_eq!(upstream.requests().len(), 1);

    let (pieces, last) = Heard::open(app, RESPONSES, &response(true)).await.rest().await;

    assert_eq!(pieces, [r#"{"name":"#, " 7}"]);
    let response = &last["response"];
    assert_eq!(response["status"], "completed");
    let kept = format!("{RESPONSES}/{}", response["id"].as_str().unwrap());
    let kept = app.get(Bob, &kept).expect(200).await;
    assert_eq!(kept.body["output"], response["output"]);
    // Who waits for the whole gets one that fits, or none.
    let mut whole = chat(&by_schema(true));
    whole["stream"] = false.into();
    let refused = app.post(Bob, CHAT).json(&whole).expect(502).await;
    assert_eq!(refused.body["error"]["code"], "schema_validation_failed");
    assert_eq!(upstream.requests().len(), 4);
}
