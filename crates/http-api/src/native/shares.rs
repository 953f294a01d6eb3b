//! With whom an assistant is shared.

use actix_web::http::Method;
use serde::Serialize;
use understudy_domain::{
    AssistantId, Principal, ShareLevel, Timestamp, UserId,
    usecases::{
        Error,
        shares::{self, SharedWith},
    },
};
use utoipa::ToSchema;

use super::owner::kind_of;
use crate::{
    answer::{self, Answer},
    call::Call,
    endpoint::Endpoint,
    fields::Fields,
    openapi::Doc,
    problem::{Code, Problem},
};

const ALL: &str = "/api/assistants/{id}/shares";
const ONE: &str = "/api/assistants/{id}/shares/{principalId}";

/// What only the server sets.
const READ_ONLY: &[&str] =
    &["assistantId", "principalId", "principalType", "principalName", "createdAt", "createdBy"];

/// What a user or team was given on an assistant.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Share)]
pub(crate) struct ShareView {
    /// The assistant.
    #[schema(value_type = String, example = "asst_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    assistant_id: AssistantId,
    /// The user or team.
    #[schema(value_type = String, example = "usr_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    principal_id: Principal,
    /// `user` or `team`.
    #[schema(example = "user")]
    principal_type: &'static str,
    /// What people call them; may be empty.
    #[schema(example = "Ada")]
    principal_name: String,
    /// 1 to read and run, 2 to change the content, 3 to decide about access too.
    #[schema(example = 2, minimum = 1, maximum = 3)]
    access_level: i64,
    /// When it was first given.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T12:00:00Z")]
    created_at: Timestamp,
    /// Who gave it, or changed it last.
    #[schema(value_type = String, example = "usr_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    created_by: UserId,
}

impl From<SharedWith> for ShareView {
    fn from(shared: SharedWith) -> Self {
        let SharedWith { assistant, principal, name, share } = shared;
        Self {
            assistant_id: assistant,
            principal_id: principal,
            principal_type: kind_of(principal),
            principal_name: name,
            access_level: share.level.number(),
            created_at: share.created_at,
            created_by: share.created_by,
        }
    }
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, ALL, list_shares, |doc: Doc| {
            doc.op("sharing", "listShares", "List with whom an assistant is shared")
                .about("Users first. Needs manage access.")
                .json(200, "The shares.", "ShareList")
                .codes(&[Code::OtherOrganization])
                .needs_seat()
        }),
        Endpoint::new(Method::GET, ONE, read_share, |doc: Doc| {
            doc.op("sharing", "getShare", "Read what a user or team was given")
                .about("Needs manage access.")
                .tagged(200, "The share.", "Share")
                .codes(&[Code::OtherOrganization])
                .needs_seat()
        }),
        Endpoint::new(Method::PUT, ONE, put_share, |doc: Doc| {
            doc.op("sharing", "putShare", "Share an assistant with a user or team")
                .about("Or change what they have. Needs manage access; nobody but owners grants, changes or takes what is at or above their own level. It takes effect with the next request.")
                .body("ShareWrite")
                .tagged(200, "The share; they had one before.", "Share")
                .tagged(201, "The share; they have it now.", "Share")
                .codes(&[
                    Code::OtherOrganization,
                    Code::InsufficientRank,
                    Code::LimitReached,
                    Code::ConcurrentChange,
                ])
                .needs_seat()
        }),
        Endpoint::new(Method::DELETE, ONE, delete_share, |doc: Doc| {
            doc.op("sharing", "deleteShare", "Take back what a user or team was given")
                .about("Needs manage access, as for giving it; one's own share can be given up by anybody. It takes effect with the next request.")
                .empty(204, "They have it no more.")
                .conditional()
                .codes(&[Code::OtherOrganization, Code::InsufficientRank, Code::ConcurrentChange])
                .needs_seat()
        }),
    ]
}

/// The user or team of the path; a text that names none is as good as unknown.
fn principal(call: &Call, what: &'static str) -> Result<Principal, Problem> {
    call.segment("principalId", what)?.parse().or(Err(Error::NotFound(what).into()))
}

async fn list_shares(call: Call) -> Answer {
    let all = shares::list_shares(call.deps(), &call.caller, call.path("id")).await?;
    answer::ok(&all.into_iter().map(ShareView::from).collect::<Vec<_>>())
}

async fn read_share(call: Call) -> Answer {
    let principal = principal(&call, "share")?;
    let (deps, caller) = (call.deps(), &call.caller);
    let found = shares::view_share(deps, caller, call.path("id"), principal).await?;
    let tag = shares::etag(&found);
    answer::resource(&call.request, &tag, &ShareView::from(found))
}

async fn put_share(mut call: Call) -> Answer {
    let (principal, precondition) = (principal(&call, "user or team")?, call.precondition()?);
    let level = level_of(call.fields().await?)?;
    let (deps, caller, assistant) = (call.deps(), &call.caller, call.path("id"));
    let (shared, created) =
        shares::put_share(deps, caller, assistant, (principal, level), precondition).await?;
    let tag = shares::etag(&shared);
    if created {
        let place = format!("/api/assistants/{}/shares/{principal}", shared.assistant);
        answer::created(&place, &tag, &ShareView::from(shared))
    } else {
        answer::changed(&tag, &ShareView::from(shared))
    }
}

fn level_of(fields: Fields) -> Result<ShareLevel, Problem> {
    let mut fields = fields.ignoring(READ_ONLY);
    fields.require("accessLevel");
    let number = fields.integer("accessLevel");
    let level = number.and_then(|number| ShareLevel::from_number(number.into()));
    if number.is_some() && level.is_none() {
        fields.fault("accessLevel", "enum", "must be 1 (read), 2 (write) or 3 (admin)");
    }
    fields.finish()?;
    level.ok_or_else(|| Problem::new(Code::ValidationFailed))
}

async fn delete_share(call: Call) -> Answer {
    let (principal, precondition) = (principal(&call, "share")?, call.precondition()?);
    let (deps, caller) = (call.deps(), &call.caller);
    shares::delete_share(deps, caller, call.path("id"), principal, precondition).await?;
    answer::gone()
}
