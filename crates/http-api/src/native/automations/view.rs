//! Automations and executions as they are answered.

use serde::Serialize;
use serde_json::{Map, Value};
use understudy_domain::{
    Automation, AutomationId, Execution, ExecutionId, OrganizationId, RunId, Secret, Timestamp,
    UserId,
    automation::{ExecutionState, Trigger},
    sealed::MASK,
    usecases::{Caller, automations},
};
use utoipa::ToSchema;

/// A webhook that does something when it is called.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Automation)]
pub(crate) struct AutomationView {
    /// Its identifier, for `streamlineTools`.
    #[schema(value_type = String, example = "auto_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    id: AutomationId,
    /// The organization it belongs to.
    #[schema(value_type = String, example = "org_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    organization_id: OrganizationId,
    /// Its name.
    #[schema(example = "Open a ticket")]
    name: String,
    /// What it does, told to the model.
    #[schema(example = "Opens a ticket in the help desk.")]
    description: Option<String>,
    /// Where it is called; only for the roles admin and owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "https://example.com/tickets")]
    url: Option<String>,
    /// A JSON Schema of what it takes.
    #[schema(value_type = Object, example = json!({"type": "object"}))]
    parameters: Map<String, Value>,
    /// The signing secret: `********`, but in the answer that tells a new one; only for
    /// the roles admin and owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "********")]
    secret: Option<String>,
    /// How long a call may take.
    #[schema(example = 30)]
    timeout_seconds: u32,
    /// Whether it may be run.
    is_active: bool,
    /// Who made it.
    #[schema(value_type = String, example = "usr_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    created_by: UserId,
    /// When it was made.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T12:00:00Z")]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T12:00:00Z")]
    updated_at: Timestamp,
}

impl AutomationView {
    /// As the caller may see it.
    pub(super) fn of(automation: &Automation, caller: &Caller) -> Self {
        let whole = automations::sees_address(caller);
        Self {
            id: automation.id,
            organization_id: automation.organization,
            name: automation.name.clone(),
            description: automation.description.clone(),
            url: whole.then(|| automation.url.clone()),
            parameters: automation.parameters.clone(),
            secret: whole.then(|| MASK.to_owned()),
            timeout_seconds: automation.timeout_seconds,
            is_active: automation.is_active,
            created_by: automation.created_by,
            created_at: automation.created_at,
            updated_at: automation.updated_at,
        }
    }

    /// With its secret, which is shown once, to whom made it.
    pub(super) fn showing(
        automation: &Automation,
        caller: &Caller,
        secret: &Secret<String>,
    ) -> Self {
        Self { secret: Some(secret.expose().clone()), ..Self::of(automation, caller) }
    }
}

/// One call of an automation.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Execution)]
pub(crate) struct ExecutionView {
    /// Its identifier: what the automation gets as `webhook-id` and `executionId`.
    #[schema(value_type = String, example = "exec_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    id: ExecutionId,
    /// The automation.
    #[schema(value_type = String, example = "auto_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    automation_id: AutomationId,
    /// Who ran it: `assistant` or `api`.
    #[schema(value_type = String, example = "api")]
    trigger: Trigger,
    /// For whom.
    #[schema(value_type = String, example = "usr_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    user_id: UserId,
    /// In which response, if an assistant ran it.
    #[schema(value_type = Option<String>, example = "resp_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    response_id: Option<RunId>,
    /// With what.
    #[schema(value_type = Object, example = json!({"title": "Broken"}))]
    parameters: Map<String, Value>,
    /// `running`, `succeeded` or `failed`.
    #[schema(value_type = String, example = "succeeded")]
    status: ExecutionState,
    /// What it answered: JSON, or a text.
    result: Option<Value>,
    /// Why it failed.
    #[schema(example = "it answered 500")]
    error: Option<String>,
    /// When it was begun.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T12:00:00Z")]
    started_at: Timestamp,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-01-31T12:00:01Z")]
    finished_at: Option<Timestamp>,
}

impl From<Execution> for ExecutionView {
    fn from(execution: Execution) -> Self {
        Self {
            id: execution.id,
            automation_id: execution.automation,
            trigger: execution.trigger,
            user_id: execution.user,
            response_id: execution.run,
            parameters: execution.parameters,
            status: execution.state,
            result: execution.result,
            error: execution.error,
            started_at: execution.started_at,
            finished_at: execution.finished_at,
        }
    }
}

/// A page of executions.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExecutionPage {
    /// The executions, newest first.
    pub(super) data: Vec<ExecutionView>,
    /// Where the next page begins; null on the last one.
    pub(super) next_cursor: Option<String>,
}
