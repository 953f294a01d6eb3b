//! Calls that wait for a person's approval.

use actix_web::http::Method;
use serde::Serialize;
use serde_json::Value;
use understudy_domain::{
    Approval, ApprovalId, RunId, Timestamp,
    run::{ApprovalState, Decision},
    usecases::runs,
};
use utoipa::ToSchema;

use super::{shown, stream};
use crate::{
    answer::{self, Answer},
    call::{AnyQuery, Call},
    endpoint::Endpoint,
    fields::Fields,
    idempotency::once,
    input::Input,
    negotiation::{AnswerKind, named_kind, require_json_accepted, require_stream_accepted},
    openapi::{Doc, Parameter},
    problem::{Code, Problem},
};

const ALL: &str = "/api/responses/{id}/approvals";
const ONE: &str = "/api/responses/{id}/approvals/{approvalId}";

/// A call that waits for approval, or waited.
#[derive(Serialize, ToSchema)]
#[schema(as = Approval)]
pub(crate) struct ApprovalView {
    /// Its identifier.
    #[schema(value_type = String, example = "apr_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    id: ApprovalId,
    /// The response that waits for it.
    #[schema(value_type = String, example = "resp_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    response_id: RunId,
    /// Where the tool is: the label of an MCP server, or `skill`.
    #[schema(example = "tickets")]
    server_label: String,
    /// The tool's name there.
    #[schema(example = "close_ticket")]
    name: String,
    /// The arguments, exactly as they are going to be used.
    arguments: Value,
    /// `pending`, `approved`, `denied` or `expired`.
    #[schema(value_type = String, example = "pending")]
    status: ApprovalState,
    /// Why, if it was said.
    #[schema(example = "Not this one.")]
    reason: Option<String>,
    /// When the call was made.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T12:00:00Z")]
    created_at: Timestamp,
    /// When it is too late to decide.
    #[schema(value_type = String, format = DateTime, example = "2026-02-01T12:00:00Z")]
    expires_at: Timestamp,
    /// When it was decided.
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-01-31T12:01:00Z")]
    decided_at: Option<Timestamp>,
}

impl From<Approval> for ApprovalView {
    fn from(approval: Approval) -> Self {
        let call = &approval.call;
        let arguments = call.object().map_or_else(|| call.arguments.clone().into(), Value::Object);
        Self {
            id: approval.id,
            response_id: approval.run,
            server_label: approval.server_label,
            name: approval.tool,
            arguments,
            status: approval.state,
            reason: approval.reason,
            created_at: approval.created_at,
            expires_at: approval.expires_at,
            decided_at: approval.decided_at,
        }
    }
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, ALL, list_approvals, |doc: Doc| {
            doc.op("responses", "listApprovals", "List the approvals of a response")
                .about("In the order of the calls. For the response's user only.")
                .json(200, "The approvals.", "ApprovalList")
                .codes(&[Code::NotFound, Code::AiSeatRequired, Code::ApiDisabled])
        }),
        Endpoint::new(Method::POST, ONE, decide, |doc: Doc| {
            doc.op("responses", "decideApproval", "Approve or deny a call")
                .about("A call is run exactly as it was shown, once. When all that wait are decided the response goes on; with `stream=true`, or when `Accept` names only `text/event-stream`, the answer is the stream of what happens from then on, else the response as it is now. For the response's user only.")
                .query("stream", "Whether to follow what happens.", Parameter::flag())
                .body("ApprovalDecision")
                .json(200, "The response, or a stream of what happens in it.", "Response")
                .or_kinds(&["text/event-stream"])
                .codes(&[Code::NotFound, Code::AlreadyDecided, Code::ConcurrentChange, Code::TooManyRequests, Code::TooManyRuns, Code::BudgetExceeded, Code::AiSeatRequired, Code::ApiDisabled])
        }),
    ]
}

async fn list_approvals(call: Call) -> Answer {
    let id = call.id("id", "response")?;
    let all = runs::list_approvals(call.deps(), &call.caller, id).await?;
    answer::ok(&all.into_iter().map(ApprovalView::from).collect::<Vec<_>>())
}

async fn decide(AnyQuery { mut call, mut query }: AnyQuery) -> Answer {
    let stream = query.flag("stream");
    query.finish()?;
    let headers = call.request.headers();
    let streams = stream.unwrap_or_else(|| named_kind(headers) == Some(AnswerKind::Stream));
    if streams {
        require_stream_accepted(headers)?;
    } else {
        require_json_accepted(headers)?;
    }
    let id = call.id("id", "response")?;
    let behind = if streams { stream::reached(&call, id).await? } else { 0 };
    let input = call.input(crate::input::SMALL).await?;
    let rest = call.again();
    let decided = once(call, input, async |call: Call, input: Input| {
        let decision = decision(Fields::of(input.value)?)?;
        let ids = (call.id("id", "response")?, call.id("approvalId", "approval")?);
        let (run, _) = runs::decide(call.state.run_deps(), &call.caller, ids, decision).await?;
        answer::ok(&shown(&call, &run).await?)
    })
    .await?;
    if !streams || !decided.status().is_success() {
        return Ok(decided);
    }
    stream::open(rest, id, behind, None).await
}

fn decision(mut fields: Fields) -> Result<Decision, Problem> {
    fields.require("approve");
    let decision = Decision {
        approve: fields.flag("approve").unwrap_or(false),
        reason: fields.nullable("reason", Fields::text).flatten(),
    };
    fields.finish().map(|()| decision)
}
