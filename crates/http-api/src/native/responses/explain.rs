//! What would be sent to a model, layer by layer.

use actix_web::http::Method;
use serde_json::{Value, json};
use understudy_domain::{
    assistant::content::MessageRole,
    conversation::Item,
    run::RunRequest,
    usecases::runs::{self, ExplainedLayer, Explanation, StartRun},
};

use super::body;
use crate::{
    answer::{self, Answer},
    call::{Asked, Call},
    endpoint::Endpoint,
    input,
    openapi::{Doc, Parameter},
    problem::Code,
};

const ONE: &str = "/api/assistants/{id}/_explain";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, ONE, explain_input, |doc: Doc| {
            described(doc.op("responses", "explainInput", "Show what would be sent for a text"))
                .query("input", "What a user would say.", Parameter::text())
        }),
        Endpoint::new(Method::POST, ONE, explain_request, |doc: Doc| {
            described(doc.op(
                "responses",
                "explainRequest",
                "Show what would be sent for a request",
            ))
            .body("ResponseCreate")
            .codes(&[Code::ThreadOfAnotherAssistant])
        }),
    ]
}

fn described(doc: Doc) -> Doc {
    doc.about("The request as it would go to the model: each layer of the prompt with its source, its tokens and what was cut, the tools, what would not be honoured, and the body, without credentials. Nothing is sent and nothing is stored. Needs edit access and the scope `run`.")
        .json(200, "What would be sent.", "Explanation")
        .codes(&[
            Code::AssistantInactive,
            Code::NoProvider,
            Code::ProviderNotAllowed,
            Code::NobodyToHandTo,
            Code::TokenReadOnly,
        ])
        .needs_seat()
}

async fn explain_input(Asked { call, mut query }: Asked) -> Answer {
    let text = query.text("input");
    if text.is_none() {
        query.fault("input", "required", "is required");
    }
    query.finish()?;
    let input = vec![Item::text(MessageRole::User, text.unwrap_or_default())];
    let request = RunRequest { input, ..RunRequest::default() };
    explain(&call, StartRun { request, ..StartRun::default() }).await
}

async fn explain_request(mut call: Call) -> Answer {
    let input = call.input(input::RUN).await?;
    let command = body::read(input.value)?;
    explain(&call, command).await
}

async fn explain(call: &Call, command: StartRun) -> Answer {
    let deps = call.state.run_deps();
    let found = runs::explain_run(deps, &call.caller, call.path("id"), command).await?;
    answer::ok(&shown(found))
}

fn shown(found: Explanation) -> Value {
    json!({
        "provider": found.provider,
        "model": found.model,
        "upstream_model": found.upstream_model,
        "protocol": found.protocol,
        "tokens": found.tokens,
        "is_exact": found.is_exact,
        "context_window": found.context_window,
        "layers": found.layers.into_iter().map(layer).collect::<Vec<_>>(),
        "tools": found.tools,
        "notices": found.notices,
        "request": found.request,
    })
}

fn layer(layer: ExplainedLayer) -> Value {
    let ExplainedLayer { layer, source, text, tokens, cut } = layer;
    json!({ "layer": layer, "source": source, "text": text, "tokens": tokens, "cut": cut })
}
