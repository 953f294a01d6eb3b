//! Pictures of an OpenAI that answers from a list: `llmock` of `@copilotkit/aimock`.

use std::{fs, process::Command, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;
use tempfile::TempDir;
use understudy_domain::{
    ProviderKind, Secret,
    ports::{ImageLook, ImageModel, ImageRequest, ProviderAccess, ProviderError},
};
use understudy_models::Models;
use understudy_outbound::{Outbound, OutboundOptions};
use understudy_tests::tools::{Server, node_tool};

/// What the upstream says to which prompt.
struct Llmock {
    url: String,
    _server: Server,
    _fixtures: TempDir,
}

fn llmock(picture: &[u8]) -> Llmock {
    let on = |prompt: &str| json!({"userMessage": prompt, "endpoint": "image"});
    let limited = json!({"message": "Rate limited", "type": "rate_limit_error"});
    let fixtures = json!({"fixtures": [
        {"match": on("a fox"), "response": {"image": {"b64Json": STANDARD.encode(picture)}}},
        {"match": on("far away"), "response": {"image": {"url": "https://10.0.0.1/fox.png"}}},
        {"match": on("too much"), "response": {"error": limited, "status": 429}},
    ]});
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fixtures.json");
    fs::write(&file, fixtures.to_string()).unwrap();

    let mut command = Command::new("node");
    command.arg(node_tool("llmock")).args(["--port", "0", "--strict", "--fixtures"]).arg(file);
    let ready = |line: &str| line.split_once("listening on ").map(|(_, url)| url.to_owned());
    let (server, url) = Server::start(&command, ready).unwrap();
    Llmock { url, _server: server, _fixtures: folder }
}

fn models() -> Models {
    let allowed_networks = vec!["127.0.0.1/32".parse().unwrap()];
    Models::new(Arc::new(Outbound::new(OutboundOptions { allowed_networks }).unwrap()))
}

fn wish(prompt: &str) -> ImageRequest {
    let look = ImageLook::default();
    ImageRequest { prompt: prompt.to_owned(), model: None, width: 512, height: 512, look }
}

fn at(kind: ProviderKind, llmock: &Llmock) -> ProviderAccess {
    let base_url = Some(format!("{}/v1", llmock.url.trim_end_matches('/')));
    let api_key = Some(Secret::new("sk-sesame".to_owned()));
    ProviderAccess { id: None, kind, base_url, api_key }
}

#[tokio::test]
async fn an_openai_that_we_did_not_write_draws_and_refuses() {
    let builtin = ProviderAccess::builtin();
    let picture = models().draw(&builtin, &wish("a fox")).await.unwrap().bytes;
    let llmock = llmock(&picture);

    for kind in [ProviderKind::Openai, ProviderKind::OpenaiCompatible] {
        let provider = at(kind, &llmock);
        assert!(models().test(&provider).await.is_ok(), "{kind:?}");

        let drawn = models().draw(&provider, &wish("a fox")).await.unwrap();
        assert_eq!(drawn.bytes, picture, "{kind:?}");

        let busy = models().draw(&provider, &wish("too much")).await.unwrap_err();
        let ProviderError::Busy { retry_after, message } = busy else { panic!("{busy:?}") };
        assert_eq!((retry_after, message.as_str()), (Some(1), "Rate limited"));

        let inward = models().draw(&provider, &wish("far away")).await.unwrap_err();
        assert!(matches!(inward, ProviderError::Unreachable(_)), "{inward:?}");

        let unknown = models().draw(&provider, &wish("a hen")).await.unwrap_err();
        let ProviderError::Refused { message, .. } = unknown else { panic!("{unknown:?}") };
        assert_eq!(message, "Strict mode: no fixture matched");
    }
}
