//! Asking assistants, and what came of it. What the domain calls a run is a response
//! here.

mod approvals;
mod body;
mod explain;
mod items;
mod stream;

use actix_web::{
    HttpRequest,
    http::{
        Method, StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use understudy_domain::{
    RunId,
    run::{Run, RunStatus, view},
    usecases::runs::{self, StartRun},
};

use crate::{
    answer::{self, Answer},
    call::{AnyKind, Call},
    endpoint::Endpoint,
    fields::Fields,
    idempotency::once,
    input::{self, Input},
    negotiation::{AnswerKind, named_kind, require_json_accepted, require_stream_accepted},
    openapi::Doc,
    problem::{Code, Problem},
    running::{self, Begun, Leash, REPLAYED, failure},
};

pub(crate) use approvals::ApprovalView;

const CREATE: &str = "/api/assistants/{id}/responses";
const ALL: &str = "/api/responses";
const ONE: &str = "/api/responses/{id}";
const EVENTS: &str = "/api/responses/{id}/events";
const CANCEL: &str = "/api/responses/{id}/_cancel";

/// By which a client says that it does not want to wait (RFC 7240).
const PREFER: HeaderName = HeaderName::from_static("prefer");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
const RESPOND_ASYNC: &str = "respond-async";

pub(super) fn endpoints() -> Vec<Endpoint> {
    let mut all = vec![
        Endpoint::new(Method::POST, CREATE, create_response, |doc: Doc| {
            described_run(doc.op("responses", "createResponse", "Ask an assistant or draft"))
                .about("Answers with a stream of events when `stream` says so, else when `Accept` names only `text/event-stream`, else when neither says anything and the assistant has `streaming: true`; with the whole response otherwise. Everything that can be refused is refused before a stream opens. A response goes on when its client is gone, unless both `background` and `store` are false; `GET /api/responses/{id}/events` goes on with its stream. With `Prefer: respond-async` the answer is `202` at once. The same `Idempotency-Key` asks once and answers with the same response again, from its beginning. Needs view access and the scope `run`.")
                .body("ResponseCreate")
                .json(200, "The response, or a stream of what happens in it.", "Response")
                .or_kinds(&["text/event-stream"])
                .json(202, "With `Prefer: respond-async`: the response as it begins.", "Response")
                .codes(&[
                    Code::AssistantInactive,
                    Code::ThreadBusy,
                    Code::ThreadOfAnotherAssistant,
                    Code::NoProvider,
                    Code::ProviderNotAllowed,
                    Code::NobodyToHandTo,
                    Code::BudgetExceeded,
                    Code::TooManyRuns,
                    Code::TooManyRequests,
                    Code::LimitReached,
                    Code::ConcurrentChange,
                ])
                .needs_seat()
        }),
        Endpoint::new(Method::GET, ONE, read_response, |doc: Doc| {
            doc.op("responses", "getResponse", "Read a response")
                .about("For its user only, and only where it was stored.")
                .tagged(200, "The response.", "Response")
                .codes(&[Code::NotFound, Code::AiSeatRequired, Code::ApiDisabled])
        }),
        Endpoint::new(Method::DELETE, ONE, delete_response, |doc: Doc| {
            doc.op("responses", "deleteResponse", "Remove a response")
                .about("With its events. What was said stays in its thread. For its user only.")
                .empty(204, "It is gone.")
                .conditional()
                .codes(&[
                    Code::NotFound,
                    Code::ThreadBusy,
                    Code::ConcurrentChange,
                    Code::AiSeatRequired,
                    Code::ApiDisabled,
                ])
        }),
        Endpoint::new(Method::GET, EVENTS, stream::follow_response, |doc: Doc| {
            doc.op("responses", "followResponse", "Follow what happens in a response")
                .about("A stream of everything behind the event that `after` or `Last-Event-ID` names, on whatever server it happens. It ends with one of `response.completed`, `response.failed` and `response.cancelled`, and then `data: [DONE]`. For its user only.")
                .query("after", "The number of the last event that one has; 0 when absent.", crate::openapi::Parameter::number(0, u32::MAX))
                .bytes("The stream.", &["text/event-stream"])
                .codes(&[Code::NotFound, Code::TooManyRequests, Code::AiSeatRequired, Code::ApiDisabled])
        }),
        Endpoint::new(Method::POST, CANCEL, cancel_response, |doc: Doc| {
            doc.op("responses", "cancelResponse", "Stop a response")
                .about("Within five seconds of its start both messages are taken back (`quick_edit`); later the partial answer is kept (`keep_partial`). For its user only.")
                .optional_body("Nothing")
                .json(200, "What became of it.", "ResponseCancelled")
                .codes(&[Code::NotFound, Code::NotRunning, Code::ConcurrentChange, Code::AiSeatRequired, Code::ApiDisabled])
        }),
    ];
    all.extend(approvals::endpoints());
    all.extend(explain::endpoints());
    all
}

/// What may become of every run.
fn described_run(doc: Doc) -> Doc {
    doc.codes(&[
        Code::ProviderFailed,
        Code::ProviderBusy,
        Code::ProviderTimeout,
        Code::SchemaValidationFailed,
        Code::Interrupted,
    ])
}

/// What is remembered of a start: enough to answer with the run again.
#[derive(Serialize, Deserialize)]
struct Accepted {
    id: RunId,
    streams: bool,
    outlives_connection: bool,
    /// As it began, for one who does not want to wait.
    begun: Option<Map<String, Value>>,
}

async fn create_response(AnyKind(mut call): AnyKind) -> Answer {
    let input = call.input(input::RUN).await?;
    let rest = call.again();
    let started = once(call, input, async |call: Call, input: Input| {
        let mut command = body::read(input.value)?;
        command.stream = wanted(&call.request, command.stream)?;
        start(&call, command).await
    })
    .await?;
    let Begun { what: accepted, is_replay } = match running::begun::<Accepted>(started).await? {
        Ok(begun) => begun,
        Err(refused) => return Ok(refused),
    };
    let mut answer = answer_with(rest, &accepted, is_replay).await?;
    let place = format!("{ALL}/{}", accepted.id);
    answer::set_header(&mut answer, header::CONTENT_LOCATION, &place);
    if is_replay {
        answer::set_header(&mut answer, REPLAYED, "true");
    }
    Ok(answer)
}

/// Whether the answer is to be streamed, as far as the request says: who does not want
/// to wait and asks for no stream gets none, whatever the assistant is set to.
fn wanted(request: &HttpRequest, stream: Option<bool>) -> Result<Option<bool>, Problem> {
    let headers = request.headers();
    match stream.or_else(|| named_kind(headers).map(|kind| kind == AnswerKind::Stream)) {
        Some(true) => require_stream_accepted(headers).map(|()| Some(true)),
        Some(false) => require_json_accepted(headers).map(|()| Some(false)),
        None => Ok(prefers_not_to_wait(request).then_some(false)),
    }
}

async fn start(call: &Call, command: StartRun) -> Answer {
    let state = &call.state;
    let started = runs::start_run(state.run_deps(), &call.caller, call.path("id"), command).await?;
    let accepted = Accepted {
        id: started.run.id,
        streams: started.streams,
        outlives_connection: started.run.outlives_connection,
        begun: prefers_not_to_wait(&call.request).then(|| view::response(&started.run, &[])),
    };
    answer::json(StatusCode::ACCEPTED, &accepted)
}

async fn answer_with(call: Call, accepted: &Accepted, is_replay: bool) -> Answer {
    // Who asks again only looks on; who asked first takes the run with them.
    let is_first = !is_replay && accepted.begun.is_none();
    let leash =
        (!accepted.outlives_connection && is_first).then(|| Leash::new(&call.state, accepted.id));
    if accepted.streams {
        return if is_replay {
            stream::open(call, accepted.id, 0, leash).await
        } else {
            stream::begin(call, accepted.id, leash)
        };
    }
    if let Some(begun) = &accepted.begun {
        return does_not_wait(accepted.id, begun);
    }
    let run = runs::wait_for_run(call.state.run_deps(), &call.caller, accepted.id).await?;
    drop(leash);
    finished(&call, &run).await
}

fn prefers_not_to_wait(request: &HttpRequest) -> bool {
    let lines = request.headers().get_all(PREFER).filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(','))
        .any(|word| word.trim().eq_ignore_ascii_case(RESPOND_ASYNC))
}

fn does_not_wait(id: RunId, begun: &Map<String, Value>) -> Answer {
    let mut answer = answer::json(StatusCode::ACCEPTED, begun)?;
    answer.headers_mut().insert(PREFERENCE_APPLIED, HeaderValue::from_static(RESPOND_ASYNC));
    answer::set_header(&mut answer, header::LOCATION, &format!("{ALL}/{id}"));
    Ok(answer)
}

/// The response, or the problem that it is when a provider failed.
async fn finished(call: &Call, run: &Run) -> Answer {
    if run.status == RunStatus::Failed {
        return Err(failure(run));
    }
    answer::ok(&shown(call, run).await?)
}

/// The response object.
async fn shown(call: &Call, run: &Run) -> Result<Map<String, Value>, Problem> {
    let approvals = if run.status == RunStatus::Waiting {
        runs::list_approvals(call.deps(), &call.caller, run.id).await?
    } else {
        Vec::new()
    };
    Ok(view::response(run, &approvals))
}

async fn read_response(call: Call) -> Answer {
    let run = runs::view_run(call.deps(), &call.caller, call.id("id", "response")?).await?;
    answer::resource(&call.request, &etag(&run), &shown(&call, &run).await?)
}

/// The strong entity tag of a response, without quotes.
fn etag(run: &Run) -> String {
    format!("{:x}", run.revision)
}

async fn delete_response(call: Call) -> Answer {
    let (id, precondition) = (call.id("id", "response")?, call.precondition()?);
    let run = runs::view_run(call.deps(), &call.caller, id).await?;
    precondition.check(&etag(&run))?;
    runs::delete_run(call.deps(), &call.caller, id).await?;
    answer::gone()
}

async fn cancel_response(mut call: Call) -> Answer {
    let input = call.optional_input().await?;
    once(call, input, async |call: Call, input: Input| {
        Fields::of(input.value)?.finish()?;
        let id = call.id("id", "response")?;
        let done = runs::cancel_run(call.state.run_deps(), &call.caller, id).await?;
        answer::ok(&json!({
            "cancel_mode": done.mode,
            "elapsed_seconds": done.elapsed_seconds,
            "user_message_deleted": done.user_message_deleted,
            "assistant_response_deleted": done.assistant_response_deleted,
            "response": shown(&call, &done.run).await?,
        }))
    })
    .await
}
