//! Texts that are embedded.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use understudy_domain::{
    ProviderKind::{self, Anthropic, Clipdrop, Ollama, Openai, OpenaiCompatible},
    ports::{Embedded, Embedder, EmbeddingInput, EmbeddingRequest, ProviderAccess, ProviderError},
};
use understudy_testkit::{Fault, ModelUpstream, Reply, Upstream};

use crate::support::{KEY, access, models, named, sent};

fn request(texts: &[&str]) -> EmbeddingRequest {
    let texts = texts.iter().map(|&text| text.to_owned()).collect();
    EmbeddingRequest {
        model: "e5".to_owned(),
        input: EmbeddingInput::Texts(texts),
        dimensions: None,
    }
}

/// What is made of an answer.
async fn made_of(kind: ProviderKind, answer: Value) -> Result<Embedded, ProviderError> {
    let upstream = Upstream::always(Reply::new(200, answer.to_string())).await.unwrap();
    models().embed(&access(kind, &upstream), &request(&["a", "b"])).await
}

fn base64(numbers: &[f32]) -> String {
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    STANDARD.encode(bytes)
}

#[tokio::test]
async fn vectors_come_in_the_order_of_the_texts_however_they_are_spelled() {
    let answer = json!({
        "data": [
            {"index": 1, "embedding": [0.25, -1]},
            {"index": 0, "embedding": base64(&[0.5, 2.0])},
        ],
        "model": "e5-large",
        "usage": {"prompt_tokens": 7, "total_tokens": 7},
    });
    let upstream = Upstream::always(Reply::new(200, answer.to_string())).await.unwrap();
    for (kind, format) in [(Openai, "base64"), (OpenaiCompatible, "float")] {
        let embedded = models().embed(&access(kind, &upstream), &request(&["a", "b"])).await;

        let embedded = embedded.unwrap();
        assert_eq!(embedded.vectors, [[0.5, 2.0], [0.25, -1.0]]);
        assert_eq!((embedded.model.as_str(), embedded.input_tokens), ("e5-large", Some(7)));
        assert_eq!(embedded.dimensions(), 2);
        let asked = upstream.asked().pop().unwrap();
        assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/v1/embeddings"));
        assert_eq!(asked.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
        let expected = json!({"model": "e5", "input": ["a", "b"], "encoding_format": format});
        assert_eq!(sent(&asked), expected);
    }
}

#[tokio::test]
async fn tokens_and_the_count_of_numbers_are_passed_on() {
    let upstream = ModelUpstream::start().await.unwrap();
    let provider = named(OpenaiCompatible, 1, upstream.openai_url());
    let input = EmbeddingInput::Tokens(vec![vec![1, 2], vec![3]]);
    let asked = EmbeddingRequest { model: "e5".to_owned(), input, dimensions: Some(8) };

    let embedded = models().embed(&provider, &asked).await.unwrap();

    assert_eq!((embedded.vectors.len(), embedded.dimensions()), (2, 8));
    let body = upstream.last().unwrap().body;
    assert_eq!((&body["input"], &body["dimensions"]), (&json!([[1, 2], [3]]), &json!(8)));
}

#[tokio::test]
async fn texts_that_share_words_are_near_in_every_protocol() {
    let upstream = ModelUpstream::start().await.unwrap();
    let near = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    for (kind, url) in [
        (Openai, upstream.openai_url()),
        (OpenaiCompatible, upstream.openai_url()),
        (Ollama, upstream.ollama_url()),
    ] {
        let texts = ["the red fox", "a red fox", "opening hours"];
        let embedded = models().embed(&named(kind, 1, url), &request(&texts)).await.unwrap();

        let [fox, other, hours] = embedded.vectors.as_slice() else { panic!("{embedded:?}") };
        assert!(near(fox, other) > near(fox, hours), "{kind:?} {embedded:?}");
        assert_eq!(embedded.input_tokens, Some(8), "{kind:?}");
        assert_eq!(embedded.model, "e5", "{kind:?}");
    }
    let body = upstream.last().unwrap().body;
    assert_eq!(body["truncate"], json!(false));
}

#[tokio::test]
async fn what_are_not_the_vectors_that_were_asked_for_are_none() {
    let item = |index: usize, embedding: Value| json!({"index": index, "embedding": embedding});
    for data in [
        json!([item(0, json!([1.0]))]),
        json!([item(0, json!([1.0])), item(0, json!([1.0]))]),
        json!([item(0, json!([1.0])), item(2, json!([1.0]))]),
        json!([item(0, json!([1.0])), item(1, json!([1.0, 2.0]))]),
        json!([item(0, json!([])), item(1, json!([]))]),
        json!([item(0, json!([1.0])), item(1, json!([1e300]))]),
        json!([item(0, json!([1.0])), item(1, json!(base64(&[f32::NAN])))]),
        json!([item(0, json!([1.0])), item(1, json!("AAA="))]),
    ] {
        let made = made_of(OpenaiCompatible, json!({"data": data})).await;
        assert!(matches!(made, Err(ProviderError::Garbled(_))), "{data} {made:?}");
    }
    let made = made_of(Ollama, json!({"embeddings": [[1.0]]})).await;
    assert!(matches!(made, Err(ProviderError::Garbled(_))), "{made:?}");
    // A server that knows no `dimensions` is not believed to have heeded them.
    let answer = json!({"embeddings": [[1.0, 2.0]]});
    let upstream = Upstream::always(Reply::new(200, answer.to_string())).await.unwrap();
    let asked = EmbeddingRequest { dimensions: Some(1), ..request(&["a"]) };
    let made = models().embed(&access(Ollama, &upstream), &asked).await;
    assert!(matches!(made, Err(ProviderError::Garbled(_))), "{made:?}");
}

#[tokio::test]
async fn what_passes_is_asked_again_and_a_refusal_is_told_without_the_key() {
    let upstream = ModelUpstream::start().await.unwrap();
    let provider = named(Openai, 1, upstream.openai_url());
    upstream.fail_at("/v1/embeddings", Fault::status(503));
    models().embed(&provider, &request(&["a"])).await.unwrap();
    assert_eq!(upstream.requests().len(), 2);

    let refusal = json!({"error": {"message": format!("no {KEY} here")}}).to_string();
    let upstream = Upstream::always(Reply::new(400, refusal)).await.unwrap();
    let error = models().embed(&access(Openai, &upstream), &request(&["a"])).await.unwrap_err();
    assert!(matches!(&error, ProviderError::Refused { status: 400, .. }), "{error}");
    assert!(!error.to_string().contains(KEY), "{error}");
    assert_eq!(upstream.asked().len(), 1);
}

#[tokio::test]
async fn who_has_no_such_models_says_so_without_being_asked() {
    let upstream = Upstream::always(Reply::new(500, "")).await.unwrap();
    let providers = [access(Anthropic, &upstream), access(Clipdrop, &upstream)];
    for provider in providers.into_iter().chain([ProviderAccess::builtin()]) {
        let error = models().embed(&provider, &request(&["a"])).await.unwrap_err();
        assert!(matches!(error, ProviderError::Refused { status: 501, .. }), "{error}");
    }
    let tokens = EmbeddingInput::Tokens(vec![vec![1]]);
    let asked = EmbeddingRequest { input: tokens, ..request(&["a"]) };
    let error = models().embed(&access(Ollama, &upstream), &asked).await.unwrap_err();
    assert!(matches!(error, ProviderError::Refused { status: 400, .. }), "{error}");
    assert_eq!(upstream.asked(), []);
}
