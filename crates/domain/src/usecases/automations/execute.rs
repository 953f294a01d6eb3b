//! Running automations.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{NO_AUTOMATION, input, require_user, secret_of, signature};
use crate::{
    Automation, AutomationId, Execution, ExecutionId, RunId, Scope, Secret, Timestamp, UserId,
    automation::{ExecutionState, Trigger},
    ports::{ActionAnswer, ActionRequest},
    usecases::{
        Caller, Deps, Error, Result,
        runs::RunDeps,
        support::{fresh, require_admin},
    },
};

/// Most bytes of what an automation answers.
pub const MAX_RESULT_BYTES: u64 = 64 * 1024;
/// How much later than its deadline an execution that did not end is taken to be lost.
const GRACE_SECONDS: i64 = 60;

const JSON: &str = "application/json";

/// A page of executions.
#[derive(Clone, Debug)]
pub struct ExecutionPage {
    /// The executions, newest first.
    pub executions: Vec<Execution>,
    /// Whether there are older ones.
    pub more: bool,
}

/// Runs an automation for the caller and waits for its answer.
///
/// # Errors
///
/// [`Error::Invalid`] for parameters that do not fit, [`Error::NotFound`] also for one
/// that is switched off, [`Error::Forbidden`] for those who may not make assistants.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn execute_automation(
    run: RunDeps<'_>,
    caller: &Caller,
    id: AutomationId,
    parameters: Map<String, Value>,
) -> Result<Execution> {
    require_user(caller, Scope::Run)?;
    let all = run.deps.store.runs().automations(caller.tenant()).await?;
    let automation = all.into_iter().find(|automation| automation.id == id);
    let automation = automation.filter(|found| found.is_active).ok_or(NO_AUTOMATION)?;
    if let Some(complaint) = input::complaint(&automation.parameters, &parameters) {
        return Err(Error::invalid("/parameters", "invalid", complaint));
    }
    run_automation(run, &automation, caller.actor.user, (Trigger::Api, None), parameters).await
}

/// Runs an automation, records that it was run, and waits for its answer. What it does
/// wrong is told in the execution.
///
/// # Errors
///
/// [`Error::NotFound`] when it is gone or switched off, and the store's.
pub(crate) async fn run_automation(
    run: RunDeps<'_>,
    automation: &Automation,
    user: UserId,
    (trigger, in_run): (Trigger, Option<RunId>),
    parameters: Map<String, Value>,
) -> Result<Execution> {
    let begun = Execution {
        id: fresh(&run.deps),
        organization: automation.organization,
        automation: automation.id,
        trigger,
        user,
        run: in_run,
        parameters,
        state: ExecutionState::Running,
        result: None,
        error: None,
        started_at: run.deps.clock.now(),
        finished_at: None,
    };
    let (automation, secret) = begin(&run, &begun).await?;
    let answered = match input::complaint(&automation.parameters, &begun.parameters) {
        Some(complaint) => Err(complaint),
        None => call(&run, &automation, &secret, &begun).await,
    };
    let (state, result, error) = match answered {
        Ok(result) => (ExecutionState::Succeeded, Some(result), None),
        Err(error) => (ExecutionState::Failed, None, Some(error)),
    };
    let finished_at = Some(run.deps.clock.now());
    let ended = Execution { state, result, error, finished_at, ..begun };
    let mut work = run.deps.store.begin(ended.organization).await?;
    // It may have been removed meanwhile, and the record with it.
    if work.automations().find(ended.automation).await?.is_some() {
        work.automations().save_execution(&ended).await?;
        work.commit().await?;
    }
    Ok(ended)
}

/// Records that an automation is run: whatever comes of it, it is known to have begun.
async fn begin(run: &RunDeps<'_>, begun: &Execution) -> Result<(Automation, Secret<String>)> {
    let mut work = run.deps.store.begin(begun.organization).await?;
    let found = work.automations().find(begun.automation).await?;
    let automation = found.filter(|found| found.is_active).ok_or(NO_AUTOMATION)?;
    let secret = secret_of(run.vault, &mut *work, &automation).await?;
    work.automations().save_execution(begun).await?;
    work.commit().await?;
    Ok((automation, secret))
}

/// Calls it, signed by the Standard Webhooks scheme.
async fn call(
    run: &RunDeps<'_>,
    automation: &Automation,
    secret: &Secret<String>,
    begun: &Execution,
) -> std::result::Result<Value, String> {
    let body = json!({ "executionId": begun.id, "parameters": begun.parameters }).to_string();
    let (id, seconds) = (begun.id.to_string(), run.deps.clock.now().unix_seconds());
    let Some(signed) = signature::sign(secret, &id, seconds, &body) else {
        return Err("the signing secret cannot be used; rotate it".to_owned());
    };
    let headers = [
        ("webhook-id", id),
        ("webhook-timestamp", seconds.to_string()),
        ("webhook-signature", signed),
        ("accept", JSON.to_owned()),
    ];
    let request = ActionRequest {
        method: "POST".to_owned(),
        url: automation.url.clone(),
        headers: headers.map(|(name, value)| (name.to_owned(), Secret::new(value))).into(),
        body: Some((JSON.to_owned(), Secret::new(body))),
        timeout: Duration::from_secs(automation.timeout_seconds.into()),
        max_bytes: MAX_RESULT_BYTES,
    };
    let answer = run.actions.call(&request).await.map_err(|error| error.to_string())?;
    match answer.status {
        200..=299 => Ok(result_of(&answer)),
        300..=399 => Err(format!("it answered {}, and redirects are not followed", answer.status)),
        status => Err(format!("it answered {status}")),
    }
}

/// The answer as JSON, or as the text that it is.
fn result_of(answer: &ActionAnswer) -> Value {
    if answer.body.is_empty() {
        return Value::Null;
    }
    let text = String::from_utf8_lossy(&answer.body);
    // What no database keeps is left out.
    let text = text.replace('\0', "");
    serde_json::from_str(&text).map_or_else(|_| text.clone().into(), without_nul)
}

/// The value without U+0000, which may come escaped.
fn without_nul(value: Value) -> Value {
    match value {
        Value::String(text) => text.replace('\0', "").into(),
        Value::Array(items) => items.into_iter().map(without_nul).collect(),
        Value::Object(map) => map
            .into_iter()
            .map(|(key, value)| (key.replace('\0', ""), without_nul(value)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

/// What became of an automation's executions, newest first.
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::Forbidden`] for all but administrators.
pub async fn list_executions(
    deps: Deps<'_>,
    caller: &Caller,
    id: AutomationId,
    (before, limit): (Option<ExecutionId>, u32),
) -> Result<ExecutionPage> {
    require_admin(&caller.actor, Scope::Read)?;
    let queries = deps.store.runs();
    let all = queries.automations(caller.tenant()).await?;
    let automation = all.into_iter().find(|known| known.id == id).ok_or(NO_AUTOMATION)?;
    let rows = limit.saturating_add(1);
    let mut executions = queries.executions(caller.tenant(), id, before, rows).await?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = executions.len() > most;
    executions.truncate(most);
    let now = deps.clock.now();
    let executions = executions.into_iter().map(|one| as_told(one, &automation, now)).collect();
    Ok(ExecutionPage { executions, more })
}

/// An execution that ought to have ended long ago did not live to tell how.
fn as_told(execution: Execution, automation: &Automation, now: Timestamp) -> Execution {
    let patience = i64::from(automation.timeout_seconds) + GRACE_SECONDS;
    let is_lost = execution.state == ExecutionState::Running
        && now.since(execution.started_at).whole_seconds() > patience;
    if !is_lost {
        return execution;
    }
    let error = "the server stopped in the middle; whether it did something is not known";
    Execution { state: ExecutionState::Failed, error: Some(error.to_owned()), ..execution }
}
