//! Runs that are asked for over HTTP, in whatever dialect.

use std::sync::Arc;

use actix_web::{
    HttpResponse, body,
    http::{StatusCode, header::HeaderName},
};
use serde::de::DeserializeOwned;
use serde_json::json;
use understudy_domain::{
    RunId,
    ports::Runner,
    run::{Interruption, Run},
};

use crate::{
    problem::{Code, Problem},
    server::State,
};

/// Tells a client that the same request was made before.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// Most bytes of what is remembered of a start.
const MAX_REMEMBERED: usize = 64 * 1024;

/// Stops a run that does not outlive its connection when the connection ends.
pub(crate) struct Leash {
    runner: Arc<dyn Runner>,
    run: RunId,
}

impl Leash {
    pub(crate) fn new(state: &State, run: RunId) -> Self {
        Self { runner: Arc::clone(&state.services.runner), run }
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        // Of a run that has ended nothing is left to stop.
        self.runner.stop(self.run, Interruption::Abandoned);
    }
}

/// A run that was begun, now or by the same request before.
pub(crate) struct Begun<T> {
    /// What was remembered of it.
    pub(crate) what: T,
    /// Whether that was before.
    pub(crate) is_replay: bool,
}

/// What a request that is carried out once began; or its refusal, which is remembered
/// too. What begins a run answers `202`.
pub(crate) async fn begun<T: DeserializeOwned>(
    started: HttpResponse,
) -> Result<Result<Begun<T>, HttpResponse>, Problem> {
    if started.status() != StatusCode::ACCEPTED {
        return Ok(Err(started));
    }
    let is_replay = started.headers().contains_key(REPLAYED);
    let bytes = match body::to_bytes_limited(started.into_body(), MAX_REMEMBERED).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(error)) => return Err(Problem::internal(&std::io::Error::other(error.to_string()))),
        Err(error) => return Err(Problem::internal(&error)),
    };
    let what = serde_json::from_slice(&bytes).map_err(|error| Problem::internal(&error))?;
    Ok(Ok(Begun { what, is_replay }))
}

/// A run that failed, to one who waited for its answer.
pub(crate) fn failure(run: &Run) -> Problem {
    let (code, message) = match &run.outcome.failure {
        Some(failure) => (failure.code.as_str(), failure.message.clone()),
        None => ("", String::new()),
    };
    let code = match code {
        "provider_busy" => Code::ProviderBusy,
        "timeout" | "provider_timeout" => Code::ProviderTimeout,
        "schema_validation_failed" => Code::SchemaValidationFailed,
        "interrupted" => Code::Interrupted,
        "budget_exceeded" => Code::BudgetExceeded,
        "internal_error" => Code::Internal,
        _ => Code::ProviderFailed,
    };
    let problem = Problem::new(code).member("responseId", run.id.to_string().into());
    let problem = problem.member("threadId", json!(run.thread));
    if message.is_empty() { problem } else { problem.detail(message) }
}
