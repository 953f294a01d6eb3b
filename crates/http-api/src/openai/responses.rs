//! Responses: what the domain calls runs.

mod items;
mod request;
mod stream;
mod view;

use actix_web::http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use understudy_domain::{
    Approval, RunId,
    run::{ApprovalState, Run, RunStatus, StopReason},
    usecases::{
        Caller, Deps, assistants,
        runs::{self, StartRun},
    },
};

use super::{chat, model, models};
use crate::{
    answer::{self, Answer},
    call::{AnyKind, Asked, Call},
    endpoint::Endpoint,
    fields::Fields,
    idempotency::once,
    input::{self, Input},
    openapi::{Doc, Parameter},
    problem::{Code, Problem},
    running::{self, Begun, Leash, REPLAYED, failure},
};

const ALL: &str = "/openai/v1/responses";
const ONE: &str = "/openai/v1/responses/{id}";
const CANCEL: &str = "/openai/v1/responses/{id}/cancel";
const INPUT: &str = "/openai/v1/responses/{id}/input_items";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::POST, ALL, create, |doc: Doc| {
            chat::refusals(doc.op("openai", "openaiCreateResponse", "Ask an assistant"))
                .about("The model is an assistant: its id or slug, with `@draft` its draft, with `@v3` its third version. What it keeps goes on by `previous_response_id` or `conversation`. Where calls wait (`mcp_approval_request`), items of the type `mcp_approval_response` decide about all of them, and the response goes on with what the other had come to; what else is said is said behind that. With `background: true` the answer comes at once and the response goes on. Needs view access and the scope `run`.")
                .body("OpenaiResponseCreate")
                .json(200, "The response, or a stream of what happens in it.", "OpenaiResponse")
                .or_kinds(&["text/event-stream"])
                .codes(&[Code::AlreadyDecided])
        }),
        Endpoint::new(Method::GET, ONE, read, |doc: Doc| {
            doc.op("openai", "openaiGetResponse", "Read a response")
                .about("For its user only, and only where it was stored.")
                .json(200, "The response.", "OpenaiResponse")
                .codes(&[Code::NotFound, Code::AiSeatRequired, Code::ApiDisabled])
        }),
        Endpoint::new(Method::DELETE, ONE, delete, |doc: Doc| {
            doc.op("openai", "openaiDeleteResponse", "Remove a response")
                .about("What was said stays in its conversation. For its user only.")
                .json(200, "It is gone.", "OpenaiDeleted")
                .codes(&[
                    Code::NotFound,
                    Code::ThreadBusy,
                    Code::ConcurrentChange,
                    Code::AiSeatRequired,
                    Code::ApiDisabled,
                ])
        }),
        Endpoint::new(Method::POST, CANCEL, cancel, |doc: Doc| {
            doc.op("openai", "openaiCancelResponse", "Stop a response")
                .about("For its user only.")
                .optional_body("Nothing")
                .json(200, "The response as it is now.", "OpenaiResponse")
                .codes(&[
                    Code::NotFound,
                    Code::NotRunning,
                    Code::ConcurrentChange,
                    Code::AiSeatRequired,
                    Code::ApiDisabled,
                ])
        }),
        Endpoint::new(Method::GET, INPUT, list_input, |doc: Doc| {
            doc.op("openai", "openaiListInputItems", "List what a response was asked")
                .query("limit", "How many at most; 20 when absent.", Parameter::number(1, 100))
                .query(
                    "order",
                    "Last first (`desc`) or first first.",
                    Parameter::word(&["asc", "desc"]),
                )
                .query("after", "Behind the item with this id.", Parameter::text())
                .json(200, "The items.", "OpenaiItemList")
                .codes(&[Code::NotFound, Code::AiSeatRequired, Code::ApiDisabled])
        }),
    ]
}

/// What is remembered of a start: enough to answer with the run again.
#[derive(Serialize, Deserialize)]
struct Accepted {
    id: RunId,
    streams: bool,
    waits: bool,
    outlives_connection: bool,
    /// The model as it was named.
    model: String,
}

async fn create(AnyKind(mut call): AnyKind) -> Answer {
    let input = call.input(input::RUN).await?;
    let rest = call.again();
    let started = once(call, input, async |call: Call, input: Input| start(&call, input).await);
    let Begun { what, is_replay } = match running::begun::<Accepted>(started.await?).await? {
        Ok(begun) => begun,
        Err(refused) => return Ok(refused),
    };
    let mut answer = answer_with(rest, what, is_replay).await?;
    if is_replay {
        answer::set_header(&mut answer, REPLAYED, "true");
    }
    Ok(answer)
}

async fn start(call: &Call, input: Input) -> Answer {
    let (model, mut command) = request::read(input.value)?;
    let named = model::named(call, &model).await?;
    command.request.version = named.version;
    let (streams, waits) = (command.stream == Some(true), !command.background);
    let command = StartRun { stream: Some(streams), ..command };
    let started =
        runs::start_run(call.state.run_deps(), &call.caller, &named.reference, command).await?;
    let run = started.run;
    answer::json(
        StatusCode::ACCEPTED,
        &Accepted {
            id: run.id,
            streams,
            waits,
            outlives_connection: run.outlives_connection,
            model,
        },
    )
}

async fn answer_with(call: Call, accepted: Accepted, is_replay: bool) -> Answer {
    // Who asks again only looks on; who asked first takes the run with them.
    let leash =
        (!accepted.outlives_connection && !is_replay).then(|| Leash::new(&call.state, accepted.id));
    if accepted.streams {
        return stream::open(call, accepted, leash, is_replay).await;
    }
    if !accepted.waits {
        let run = runs::view_run(call.deps(), &call.caller, accepted.id).await?;
        return told(&call, &run, &accepted.model).await;
    }
    let run = runs::wait_for_run(call.state.run_deps(), &call.caller, accepted.id).await?;
    drop(leash);
    if run.status == RunStatus::Failed {
        return Err(failure(&run));
    }
    told(&call, &run, &accepted.model).await
}

async fn told(call: &Call, run: &Run, model: &str) -> Answer {
    let approvals = approvals(call.deps(), &call.caller, run).await?;
    answer::ok(&view::response(run, model, &view::output(run, &approvals)))
}

/// The calls that a response ended with, for somebody to approve. Those that it waited
/// with before, and went on from, are its own affair, as all calls that are run here.
async fn approvals(deps: Deps<'_>, caller: &Caller, run: &Run) -> Result<Vec<Approval>, Problem> {
    if run.outcome.stop_reason != Some(StopReason::ApprovalRequired) {
        return Ok(Vec::new());
    }
    let mut all = runs::list_approvals(deps, caller, run.id).await?;
    let last = all.iter().map(|approval| approval.created_at).max();
    let is_decided = |approval: &Approval| approval.state != ApprovalState::Pending;
    all.retain(|approval| {
        let still_waits = run.status != RunStatus::Waiting || !is_decided(approval);
        Some(approval.created_at) == last && still_waits
    });
    Ok(all)
}

/// What requests name the assistant of a run by, as far as it is there.
async fn model_of(call: &Call, run: &Run) -> String {
    let id = run.assistant.to_string();
    match assistants::view_assistant(call.deps(), &call.caller, &id).await {
        Ok(view) => models::name_of(&view),
        Err(_) => id,
    }
}

async fn read(call: Call) -> Answer {
    let run = runs::view_run(call.deps(), &call.caller, call.id("id", "response")?).await?;
    told(&call, &run, &model_of(&call, &run).await).await
}

async fn delete(call: Call) -> Answer {
    let id: RunId = call.id("id", "response")?;
    runs::delete_run(call.deps(), &call.caller, id).await?;
    answer::ok(&json!({ "id": id, "object": "response", "deleted": true }))
}

async fn cancel(mut call: Call) -> Answer {
    let input = call.optional_input().await?;
    once(call, input, async |call: Call, input: Input| {
        Fields::of(input.value)?.finish()?;
        let id = call.id("id", "response")?;
        let run = runs::cancel_run(call.state.run_deps(), &call.caller, id).await?.run;
        told(&call, &run, &model_of(&call, &run).await).await
    })
    .await
}

async fn list_input(Asked { call, mut query }: Asked) -> Answer {
    let limit = |text: &str| text.parse().ok().filter(|n| (1..=100).contains(n));
    let limit = query.read("limit", "a number from 1 to 100", limit).unwrap_or(20_usize);
    let descends = |text: &str| match text {
        "asc" => Some(false),
        "desc" => Some(true),
        _ => None,
    };
    let descends = query.read("order", "`asc` or `desc`", descends).unwrap_or(true);
    let after = query.text("after");
    query.finish()?;
    let run = runs::view_run(call.deps(), &call.caller, call.id("id", "response")?).await?;
    let mut all = items::of_input(&run);
    if descends {
        all.reverse();
    }
    let is = |item: &Value| after.as_deref().is_some_and(|after| item["id"] == after);
    let from = all.iter().position(is).map_or(0, |at| at + 1);
    let has_more = all.len() > from.saturating_add(limit);
    let data: Vec<Value> = all.into_iter().skip(from).take(limit).collect();
    answer::ok(&json!({
        "object": "list",
        "first_id": data.first().map(|item| &item["id"]),
        "last_id": data.last().map(|item| &item["id"]),
        "has_more": has_more,
        "data": data,
    }))
}
