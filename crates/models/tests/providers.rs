//! Providers that answer well and badly.

#![expect(clippy::unwrap_used, reason = "a failing test panics")]

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use understudy_domain::{
    ProviderKind, Secret,
    ports::{
        DrawnImage, ImageBackground, ImageLook, ImageModel, ImageQuality, ImageRequest,
        ImageTokens, ProviderAccess, ProviderError,
    },
};
use understudy_models::Models;
use understudy_outbound::{Outbound, OutboundOptions};
use understudy_testkit::{Asked, Reply, Upstream};

const KEY: &str = "sk-sesame+open/please";

use ProviderKind::{Anthropic, Clipdrop, Ollama, Openai, OpenaiCompatible};

fn models() -> Models {
    let allowed_networks = vec!["127.0.0.1/32".parse().unwrap()];
    Models::new(Arc::new(Outbound::new(OutboundOptions { allowed_networks }).unwrap()))
}

fn access(kind: ProviderKind, upstream: &Upstream) -> ProviderAccess {
    let api_key = Some(Secret::new(KEY.to_owned()));
    ProviderAccess { id: None, kind, base_url: Some(upstream.url("/v1/")), api_key }
}

fn wish(model: Option<&str>) -> ImageRequest {
    let model = model.map(str::to_owned);
    let look = ImageLook::default();
    ImageRequest { prompt: "a fox".to_owned(), model, width: 600, height: 400, look }
}

/// A picture of some provider.
async fn png() -> Vec<u8> {
    let builtin = ProviderAccess::builtin();
    models().draw(&builtin, &wish(None)).await.unwrap().bytes.to_vec()
}

async fn drawing(kind: ProviderKind, reply: Reply) -> Result<DrawnImage, ProviderError> {
    let upstream = Upstream::always(reply).await.unwrap();
    models().draw(&access(kind, &upstream), &wish(None)).await
}

async fn testing(kind: ProviderKind, reply: Reply) -> Result<(), ProviderError> {
    let upstream = Upstream::always(reply).await.unwrap();
    models().test(&access(kind, &upstream)).await
}

fn sent(asked: &Asked) -> Value {
    serde_json::from_slice(&asked.body).unwrap()
}

#[tokio::test]
async fn openai_is_asked_in_its_own_words() {
    let picture = png().await;
    let answer = json!({"created": 1, "data": [{"b64_json": STANDARD.encode(&picture)}]});
    let upstream = Upstream::always(Reply::new(200, answer.to_string())).await.unwrap();
    let provider = access(Openai, &upstream);

    let usual = models().draw(&provider, &wish(None)).await.unwrap();
    let older = models().draw(&provider, &wish(Some("dall-e-3"))).await.unwrap();

    assert_eq!((usual.bytes.as_ref(), usual.model.as_str()), (&picture[..], "gpt-image-1"));
    assert_eq!(older.model, "dall-e-3");
    let [usual, older] = upstream.asked().try_into().unwrap();
    assert_eq!((usual.method.as_str(), usual.path.as_str()), ("POST", "/v1/images/generations"));
    assert_eq!(usual.header("authorization"), Some(&*format!("Bearer {KEY}")));
    let expected = json!({"prompt": "a fox", "model": "gpt-image-1", "n": 1, "size": "1536x1024"});
    assert_eq!(sent(&usual), expected);
    assert_eq!(
        sent(&older),
        json!({
            "prompt": "a fox", "model": "dall-e-3", "n": 1, "size": "1792x1024",
            "response_format": "b64_json",
        })
    );
}

#[tokio::test]
async fn how_a_picture_shall_look_is_passed_on_and_what_it_took_is_told() {
    let picture = STANDARD.encode(png().await);
    let usage = json!({"input_tokens": 9, "output_tokens": 1056, "total_tokens": 1065});
    let answer = json!({"created": 1, "data": [{"b64_json": picture}], "usage": usage});
    let upstream = Upstream::always(Reply::new(200, answer.to_string())).await.unwrap();
    let look = ImageLook {
        quality: Some(ImageQuality::ExtraHigh),
        background: Some(ImageBackground::Transparent),
    };

    let asked = ImageRequest { look, ..wish(None) };
    let drawn = models().draw(&access(Openai, &upstream), &asked).await.unwrap();

    assert_eq!(drawn.tokens, ImageTokens { input: 9, output: 1056 });
    let body = sent(&upstream.asked()[0]);
    assert_eq!((&body["quality"], &body["background"]), (&json!("xhigh"), &json!("transparent")));
}

#[tokio::test]
async fn others_that_speak_the_protocol_are_asked_for_the_very_size() {
    let url = format!("data:image/png;base64,{}", STANDARD.encode(png().await));
    let answer = json!({"model": "sdxl", "data": [{"b64_json": url}]});
    let upstream = Upstream::always(Reply::new(200, answer.to_string())).await.unwrap();
    let provider = access(OpenaiCompatible, &upstream);

    let unnamed = models().draw(&provider, &wish(None)).await.unwrap();
    let named = models().draw(&provider, &wish(Some("flux"))).await.unwrap();

    assert_eq!((unnamed.model.as_str(), named.model.as_str()), ("sdxl", "flux"));
    let [unnamed, named] = upstream.asked().try_into().unwrap();
    let expected =
        json!({"prompt": "a fox", "n": 1, "size": "600x400", "response_format": "b64_json"});
    assert_eq!(sent(&unnamed), expected);
    assert_eq!(sent(&named)["model"], "flux");
}

#[tokio::test]
async fn one_that_speaks_the_protocol_must_say_where_it_is() {
    let provider =
        ProviderAccess { id: None, kind: OpenaiCompatible, base_url: None, api_key: None };
    let error = models().draw(&provider, &wish(None)).await.unwrap_err();
    assert!(matches!(error, ProviderError::Unreachable(_)), "{error:?}");
}

#[tokio::test]
async fn a_picture_at_an_address_is_fetched_without_the_key() {
    let picture = png().await;
    let upstream = Upstream::answering("127.0.0.1", move |asked| {
        if asked.path == "/fox.png" {
            return Reply::new(200, picture.clone());
        }
        let url = format!("http://{}/fox.png", asked.header("host").unwrap());
        Reply::new(200, json!({"data": [{"url": url}]}).to_string())
    });
    let upstream = upstream.await.unwrap();

    let drawn = models().draw(&access(OpenaiCompatible, &upstream), &wish(None)).await.unwrap();

    assert_eq!(drawn.bytes, png().await);
    let [_, fetched] = upstream.asked().try_into().unwrap();
    assert_eq!((fetched.method.as_str(), fetched.path.as_str()), ("GET", "/fox.png"));
    assert!(!format!("{fetched:?}").contains("sesame"), "{fetched:?}");
}

#[tokio::test]
async fn a_picture_at_an_address_of_the_inside_is_not_fetched() {
    let inside = Upstream::answering("127.0.0.2", |_| Reply::new(200, "secret")).await.unwrap();
    for url in [
        inside.url("/"),
        "https://169.254.169.254/latest/meta-data/".to_owned(),
        "file:///etc/passwd".to_owned(),
    ] {
        let answer = json!({"data": [{"url": url}]}).to_string();
        let error = drawing(OpenaiCompatible, Reply::new(200, answer)).await.unwrap_err();
        assert!(matches!(error, ProviderError::Unreachable(_)), "{url}: {error:?}");
    }
    assert_eq!(inside.asked(), []);
}

#[tokio::test]
async fn clipdrop_is_sent_a_form() {
    let picture = png().await;
    let upstream = Upstream::always(Reply::new(200, picture.clone())).await.unwrap();

    let drawn = models().draw(&access(Clipdrop, &upstream), &wish(None)).await.unwrap();

    assert_eq!((drawn.bytes.as_ref(), drawn.model.as_str()), (&picture[..], "clipdrop"));
    let [asked] = upstream.asked().try_into().unwrap();
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/v1/text-to-image/v1"));
    assert_eq!((asked.header("x-api-key"), asked.header("authorization")), (Some(KEY), None));
    let body = String::from_utf8(asked.body.clone()).unwrap();
    assert!(body.contains("name=\"prompt\"\r\n\r\na fox\r\n"), "{body}");
}

#[tokio::test]
async fn a_busy_provider_says_when_it_takes_more() {
    for (header, expected) in [("7", Some(7)), ("soon", None)] {
        let reply = Reply::new(429, r#"{"error":{"message":"slow down"}}"#);
        let error = drawing(Openai, reply.with("retry-after", header)).await.unwrap_err();
        let ProviderError::Busy { retry_after, message } = error else { panic!("{error:?}") };
        assert_eq!((retry_after, message.as_str()), (expected, "slow down"));
    }
}

#[tokio::test]
async fn a_refusal_has_the_providers_words_and_never_the_key() {
    let echo = json!({"error": {"message": format!("Incorrect API key: {KEY}")}}).to_string();
    for kind in [Openai, OpenaiCompatible, Clipdrop] {
        let error = drawing(kind, Reply::new(401, echo.clone())).await.unwrap_err();
        let ProviderError::Refused { status, message } = error else { panic!("{error:?}") };
        assert_eq!((status, message.as_str()), (401, "Incorrect API key: ********"));
    }
    let page = format!("<html>\n<b>{}</b></html>", STANDARD.encode(KEY));
    let error = drawing(Openai, Reply::new(500, page)).await.unwrap_err();
    let ProviderError::Refused { status, message } = error else { panic!("{error:?}") };
    assert_eq!((status, message.as_str()), (500, "<html> <b>********</b></html>"));
}

#[tokio::test]
async fn a_provider_that_hangs_is_given_up() {
    for reply in [
        Reply::Stall(Vec::new()),
        Reply::Stall(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{".to_vec()),
    ] {
        let upstream = Upstream::always(reply).await.unwrap();
        let hasty = models().with_deadline(Duration::from_millis(50));
        let provider = access(Openai, &upstream);
        let drawn = hasty.draw(&provider, &wish(None)).await.unwrap_err();
        let tested = hasty.test(&provider).await.unwrap_err();
        assert!(matches!(drawn, ProviderError::TimedOut), "{drawn:?}");
        assert!(matches!(tested, ProviderError::TimedOut), "{tested:?}");
    }
}

#[tokio::test]
async fn nonsense_is_told_as_nonsense() {
    let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    let huge = format!("100000\r\n{}\r\n", "x".repeat(0x10_0000)).into_bytes();
    for reply in [
        Reply::new(200, "{"),
        Reply::new(200, "<html>"),
        Reply::new(200, r#"{"data":[]}"#),
        Reply::new(200, r#"{"data":[{}]}"#),
        Reply::new(200, r#"{"data":[{"b64_json":"!"}]}"#),
        Reply::new(200, r#"{"data":[{"b64_json":"aGVsbG8="}]}"#),
        Reply::new(200, r#"{"data":[{"url":"not an address"}]}"#),
        Reply::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"data\"".to_vec()),
        Reply::Raw(Vec::new()),
        Reply::Endless(head, huge),
    ] {
        let shown = format!("{reply:?}").chars().take(100).collect::<String>();
        let error = drawing(OpenaiCompatible, reply).await.unwrap_err();
        assert!(matches!(error, ProviderError::Garbled(_)), "{shown}: {error:?}");
    }
    let error = drawing(Clipdrop, Reply::new(200, "<svg/>")).await.unwrap_err();
    assert!(matches!(error, ProviderError::Garbled(_)), "{error:?}");
}

#[tokio::test]
async fn a_provider_of_the_inside_is_unreachable() {
    let inside = Upstream::answering("127.0.0.2", |_| Reply::new(200, "{}")).await.unwrap();
    for kind in [Openai, OpenaiCompatible, Clipdrop, Ollama, Anthropic] {
        let error = models().test(&access(kind, &inside)).await.unwrap_err();
        assert!(matches!(error, ProviderError::Unreachable(_)), "{kind:?}: {error:?}");
    }
    assert_eq!(inside.asked(), []);
}

#[tokio::test]
async fn a_test_tells_a_right_key_from_a_wrong_one_and_draws_nothing() {
    for kind in [Openai, OpenaiCompatible, Anthropic] {
        let list = json!({"object": "list", "data": [{"id": "m"}]}).to_string();
        assert!(testing(kind, Reply::new(200, list)).await.is_ok(), "{kind:?}");
    }
    assert!(testing(Ollama, Reply::new(200, r#"{"models":[]}"#)).await.is_ok());
    assert!(testing(Clipdrop, Reply::new(400, r#"{"error":"no prompt"}"#)).await.is_ok());

    for kind in [Openai, OpenaiCompatible, Anthropic, Ollama, Clipdrop] {
        for status in [401, 403] {
            let error = testing(kind, Reply::new(status, "")).await.unwrap_err();
            let refused = matches!(error, ProviderError::Refused { status: s, .. } if s == status);
            assert!(refused, "{kind:?} {error:?}");
        }
    }
    // Somebody's home page is no provider.
    let error = testing(OpenaiCompatible, Reply::new(200, "<html>")).await.unwrap_err();
    assert!(matches!(error, ProviderError::Garbled(_)), "{error:?}");
}

#[tokio::test]
async fn models_of_words_draw_nothing_and_are_not_asked() {
    for kind in [Anthropic, Ollama] {
        let upstream = Upstream::always(Reply::new(200, "{}")).await.unwrap();
        let error = models().draw(&access(kind, &upstream), &wish(None)).await.unwrap_err();
        assert!(error.to_string().contains("draw no pictures"), "{error}");
        assert_eq!(upstream.asked(), []);
    }
}

#[tokio::test]
async fn the_builtin_one_needs_nothing() {
    let provider = ProviderAccess::builtin();
    assert!(models().test(&provider).await.is_ok());
    let drawn = models().draw(&provider, &wish(None)).await.unwrap();
    assert_eq!((drawn.model.as_str(), drawn.bytes.starts_with(b"\x89PNG")), ("builtin", true));
}
