//! Versions: what an assistant was.

use actix_web::http::Method;
use serde::Serialize;
use understudy_domain::{
    Timestamp, UserId, VersionId, VersionSummary,
    usecases::versions::{self, Against},
};
use utoipa::ToSchema;

use super::assistants::location;
use crate::{
    answer::{self, Answer},
    call::{Asked, Call},
    endpoint::Endpoint,
    fields::Fields,
    idempotency::once,
    input::Input,
    openapi::{Doc, Parameter},
    problem::Code,
};

const ALL: &str = "/api/assistants/{id}/versions";
const ONE: &str = "/api/assistants/{id}/versions/{number}";

/// A version without its content.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = VersionSummary)]
pub(crate) struct VersionSummaryView {
    /// Its identifier.
    #[schema(value_type = String, example = "ver_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    id: VersionId,
    /// Its number, from 1.
    #[schema(example = 2)]
    number: u32,
    /// Who made the change.
    #[schema(value_type = String, example = "usr_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    author: UserId,
    /// When.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T12:00:00Z")]
    created_at: Timestamp,
    /// What the author said about it.
    #[schema(example = "Answer more soberly")]
    message: Option<String>,
    /// How many values differ from the version before.
    #[schema(example = 1)]
    changes: u32,
}

impl From<VersionSummary> for VersionSummaryView {
    fn from(summary: VersionSummary) -> Self {
        let VersionSummary { id, number, author, created_at, message, changes } = summary;
        Self { id, number, author, created_at, message, changes }
    }
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, ALL, list_versions, |doc: Doc| {
            doc.op("versions", "listVersions", "List the versions of an assistant")
                .about("Newest first. Needs edit access.")
                .query(
                    "before",
                    "Only versions with a smaller number.",
                    Parameter::number(1, u32::MAX),
                )
                .limit_parameter()
                .json(200, "The versions.", "VersionList")
                .needs_seat()
        }),
        Endpoint::new(Method::GET, ONE, read_version, |doc: Doc| {
            doc.op("versions", "getVersion", "Read a version")
                .about("With its content; write-only values are masked. Needs edit access.")
                .tagged(200, "The version.", "Version")
                .needs_seat()
        }),
        Endpoint::new(
            Method::GET,
            "/api/assistants/{id}/versions/{number}/_diff",
            diff_version,
            |doc: Doc| {
                doc.op("versions", "diffVersion", "Compare a version")
                    .about("From another version to this one; from this one to the live assistant or the draft. Needs edit access.")
                    .query("against", "The number of a version, `live` or `draft`; the version before when absent.", Parameter::text())
                    .json(200, "The difference.", "Diff")
                    .needs_seat()
            },
        ),
        Endpoint::new(
            Method::POST,
            "/api/assistants/{id}/versions/{number}/_restore",
            restore_version,
            |doc: Doc| {
                doc.op("versions", "restoreVersion", "Make a draft of a version")
                    .about("Needs edit access, and no draft may be there.")
                    .optional_body("VersionRestore")
                    .created("The new draft.", "Assistant")
                    .conditional()
                    .codes(&[Code::DraftExists, Code::MissingReferences])
                    .needs_seat()
            },
        ),
    ]
}

async fn list_versions(Asked { call, mut query }: Asked) -> Answer {
    let before = query.read("before", "a whole number from 1", positive);
    let limit = query.limit();
    query.finish()?;
    let reference = call.path("id");
    let all = versions::list_versions(call.deps(), &call.caller, reference, before, limit).await?;
    answer::ok(&all.into_iter().map(VersionSummaryView::from).collect::<Vec<_>>())
}

async fn read_version(call: Call) -> Answer {
    let number = call.id("number", "version")?;
    let version =
        versions::view_version(call.deps(), &call.caller, call.path("id"), number).await?;
    answer::resource(&call.request, &version.id.to_string(), &version)
}

async fn diff_version(Asked { call, mut query }: Asked) -> Answer {
    let number: u32 = call.id("number", "version")?;
    let read = |text: &str| match text {
        "live" => Some(Against::Live),
        "draft" => Some(Against::Draft),
        _ => positive(text).map(Against::Version),
    };
    let expects = "the number of a version, `live` or `draft`";
    let against = query.read("against", expects, read);
    let against = against.unwrap_or(Against::Version(number.saturating_sub(1).max(1)));
    query.finish()?;
    let reference = call.path("id");
    let diff =
        versions::diff_version(call.deps(), &call.caller, reference, number, against).await?;
    answer::ok(&diff)
}

fn positive(text: &str) -> Option<u32> {
    text.parse().ok().filter(|number| *number > 0)
}

async fn restore_version(mut call: Call) -> Answer {
    let input = call.optional_input().await?;
    once(call, input, async |call: Call, input: Input| {
        let number = call.id("number", "version")?;
        let mut fields = Fields::of(input.value)?;
        let drop_missing = fields.flag("dropMissing").unwrap_or(false);
        fields.finish()?;
        let (deps, reference) = (call.deps(), call.path("id"));
        call.require_match(reference).await?;
        let view =
            versions::restore_version(deps, &call.caller, reference, number, drop_missing).await?;
        answer::created(&location(&view), &view.etag(), &view)
    })
    .await
}
