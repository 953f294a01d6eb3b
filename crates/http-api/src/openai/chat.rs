//! Chat completions.

mod answer;
mod request;
mod stream;

use actix_web::http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use understudy_domain::{RunId, run::RunStatus, usecases::runs};

use self::request::Wish;
use super::model;
use crate::{
    answer::{self as answers, Answer},
    call::{AnyKind, Call},
    endpoint::Endpoint,
    idempotency::once,
    input::{self, Input},
    openapi::Doc,
    problem::Code,
    running::{self, Begun, Leash, REPLAYED, failure},
};

const CREATE: &str = "/openai/v1/chat/completions";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::new(Method::POST, CREATE, create, |doc: Doc| {
        refusals(doc.op("openai", "openaiCreateChatCompletion", "Ask an assistant by messages"))
            .about("The model is an assistant: its id or slug, with `@draft` its draft, with `@v3` its third version. The messages are the whole conversation; nothing of it is kept in a thread. System and developer messages go behind the assistant's instructions. Needs view access and the scope `run`.")
            .body("OpenaiChatCompletionCreate")
            .json(200, "The completion, or a stream of its chunks.", "OpenaiChatCompletion")
            .or_kinds(&["text/event-stream"])
    })]
}

/// Everything that may be wrong with asking an assistant.
pub(super) fn refusals(doc: Doc) -> Doc {
    doc.codes(&[
        Code::ApiDisabled,
        Code::InsufficientLevel,
        Code::NotFound,
        Code::AiSeatRequired,
        Code::ValidationFailed,
        Code::AssistantInactive,
        Code::NoProvider,
        Code::ProviderNotAllowed,
        Code::BudgetExceeded,
        Code::TooManyRuns,
        Code::ThreadBusy,
        Code::ThreadOfAnotherAssistant,
        Code::ConcurrentChange,
        Code::ProviderFailed,
        Code::ProviderBusy,
        Code::ProviderTimeout,
        Code::SchemaValidationFailed,
        Code::Interrupted,
        Code::Internal,
    ])
}

/// What is remembered of a start: enough to answer with the run again.
#[derive(Serialize, Deserialize)]
struct Accepted {
    id: RunId,
    streams: bool,
    outlives_connection: bool,
    created: i64,
    wish: Wish,
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
        answers::set_header(&mut answer, REPLAYED, "true");
    }
    Ok(answer)
}

async fn start(call: &Call, input: Input) -> Answer {
    let (wish, mut command) = request::read(input.value)?;
    let named = model::named(call, &wish.model).await?;
    command.request.version = named.version;
    let streams = command.stream == Some(true);
    let started =
        runs::start_run(call.state.run_deps(), &call.caller, &named.reference, command).await?;
    let run = started.run;
    answers::json(
        StatusCode::ACCEPTED,
        &Accepted {
            id: run.id,
            streams,
            outlives_connection: run.outlives_connection,
            created: run.created_at.unix_seconds(),
            wish,
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
    let run = runs::wait_for_run(call.state.run_deps(), &call.caller, accepted.id).await?;
    drop(leash);
    if run.status == RunStatus::Failed {
        return Err(failure(&run));
    }
    answers::ok(&answer::completion(&run, &accepted.wish))
}
