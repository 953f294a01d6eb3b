//! Drafts: a change rehearsed beside the live assistant.

use actix_web::http::Method;
use understudy_domain::{
    assistant::edit::WriteMode,
    merge::OnConflict,
    usecases::drafts::{self, CommitDraft},
};

use super::assistants::location;
use crate::{
    answer::{self, Answer},
    call::Call,
    endpoint::Endpoint,
    fields::Fields,
    idempotency::once,
    input::Input,
    openapi::Doc,
    problem::{Code, Problem},
};

const DRAFT: &str = "/api/assistants/{id}/draft";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, DRAFT, read_draft, |doc: Doc| {
            doc.op("drafts", "getDraft", "Read the draft of an assistant")
                .about("Needs edit access.")
                .tagged(200, "The draft.", "Assistant")
                .needs_seat()
        }),
        Endpoint::new(Method::PUT, DRAFT, replace_fields, |doc: Doc| {
            doc.op("drafts", "updateDraft", "Replace fields of the draft")
                .about("As for the assistant itself; the access policy, `slug` and `is_default` are not part of a draft. Needs edit access.")
                .body("AssistantWrite")
                .tagged(200, "The draft as it is now.", "Assistant")
                .codes(&[Code::LimitReached, Code::ConcurrentChange])
                .needs_seat()
        }),
        Endpoint::new(Method::PATCH, DRAFT, merge_fields, |doc: Doc| {
            doc.op("drafts", "patchDraft", "Merge into the draft")
                .about("An RFC 7396 merge patch. Needs edit access.")
                .patch("AssistantWrite")
                .tagged(200, "The draft as it is now.", "Assistant")
                .codes(&[Code::LimitReached, Code::ConcurrentChange])
                .needs_seat()
        }),
        Endpoint::new(Method::DELETE, DRAFT, discard_draft, |doc: Doc| {
            doc.op("drafts", "discardDraft", "Discard the draft")
                .about("The live assistant stays as it is. Needs edit access.")
                .empty(204, "It is gone.")
                .conditional()
                .codes(&[Code::ConcurrentChange])
                .needs_seat()
        }),
    ]
}

/// Opening, committing and comparing a draft.
pub(super) fn actions() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::POST, "/api/assistants/{id}/_edit", open_draft, |doc: Doc| {
            doc.op("drafts", "openDraft", "Open the draft of an assistant")
                .about("Makes it of the live content, or returns the one that exists. Needs edit access.")
                .optional_body("Nothing")
                .tagged(200, "The draft that exists.", "Assistant")
                .created("The new draft.", "Assistant")
                .conditional()
                .needs_seat()
        }),
        Endpoint::new(
            Method::POST,
            "/api/assistants/{id}/draft/_commit",
            commit_draft,
            |doc: Doc| {
                doc.op("drafts", "commitDraft", "Commit the draft")
                    .about("In one transaction the draft's content becomes the live content, a version is added, and the draft is gone. What changed on the live assistant since the draft was opened is merged, field by field; what both changed differently is a conflict. `If-Match` is about the live assistant. Needs edit access.")
                    .optional_body("DraftCommit")
                    .tagged(200, "The live assistant as it is now.", "Assistant")
                    .conditional()
                    .codes(&[Code::MergeConflict, Code::MergeInvalid, Code::NameTaken, Code::ConcurrentChange])
                    .needs_seat()
            },
        ),
        Endpoint::new(Method::GET, "/api/assistants/{id}/draft/_diff", diff_draft, |doc: Doc| {
            doc.op("drafts", "diffDraft", "What a commit would change")
                .about("Needs edit access.")
                .json(200, "From the live content to the draft's.", "Diff")
                .needs_seat()
        }),
    ]
}

async fn open_draft(mut call: Call) -> Answer {
    let input = call.optional_input().await?;
    once(call, input, async |call: Call, input: Input| {
        Fields::of(input.value)?.finish()?;
        call.require_match(call.path("id")).await?;
        let (view, created) =
            drafts::open_draft(call.deps(), &call.caller, call.path("id")).await?;
        if created {
            answer::created(&location(&view), &view.etag(), &view)
        } else {
            answer::changed(&view.etag(), &view)
        }
    })
    .await
}

async fn read_draft(call: Call) -> Answer {
    let view = drafts::view_draft(call.deps(), &call.caller, call.path("id")).await?;
    answer::resource(&call.request, &view.etag(), &view)
}

async fn replace_fields(call: Call) -> Answer {
    update_draft(call, WriteMode::Replace).await
}

async fn merge_fields(call: Call) -> Answer {
    update_draft(call, WriteMode::Merge).await
}

async fn update_draft(mut call: Call, mode: WriteMode) -> Answer {
    let command = call.update(mode).await?;
    let (vault, reference) = (&*call.state.services.vault, call.path("id"));
    let view = drafts::update_draft(call.deps(), vault, &call.caller, reference, command).await?;
    answer::changed(&view.etag(), &view)
}

async fn discard_draft(call: Call) -> Answer {
    let precondition = call.precondition()?;
    drafts::discard_draft(call.deps(), &call.caller, call.path("id"), precondition).await?;
    answer::gone()
}

async fn commit_draft(mut call: Call) -> Answer {
    let input = call.optional_input().await?;
    once(call, input, async |call: Call, input: Input| {
        let command = commit_of(&call, input)?;
        let view =
            drafts::commit_draft(call.deps(), &call.caller, call.path("id"), command).await?;
        answer::changed(&view.etag(), &view)
    })
    .await
}

fn commit_of(call: &Call, input: Input) -> Result<CommitDraft, Problem> {
    let mut fields = Fields::of(input.value)?;
    let message = fields.nullable("message", Fields::text).flatten();
    let on_conflict = match fields.text("onConflict").as_deref() {
        None | Some("fail") => OnConflict::Fail,
        Some("draft") => OnConflict::Draft,
        Some("live") => OnConflict::Live,
        Some(_) => {
            fields.fault("on_conflict", "enum", "must be `fail`, `draft` or `live`");
            OnConflict::Fail
        }
    };
    fields.finish()?;
    Ok(CommitDraft { message, on_conflict, precondition: call.precondition()? })
}

async fn diff_draft(call: Call) -> Answer {
    answer::ok(&drafts::diff_draft(call.deps(), &call.caller, call.path("id")).await?)
}
