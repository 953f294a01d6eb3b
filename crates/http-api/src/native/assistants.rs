//! Assistants: make, read, change, delete, copy.

use actix_web::{HttpRequest, http::Method};
use understudy_domain::{
    assistant::{edit::WriteMode, view::AssistantView},
    usecases::assistants,
};

use super::list::list_assistants;
use crate::{
    answer::{self, Answer},
    call::{Call, state_of},
    caller,
    endpoint::Endpoint,
    fields::Fields,
    idempotency::once,
    input,
    negotiation::require_json_accepted,
    openapi::Doc,
    problem::Code,
    query::Query,
};

const ALL: &str = "/api/assistants";
const ONE: &str = "/api/assistants/{id}";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, ALL, list_assistants, super::list::describe),
        Endpoint::new(Method::POST, ALL, create_assistant, |doc: Doc| {
            doc.op("assistants", "createAssistant", "Make an assistant")
                .about("What is not named has its default. Needs the role member or higher.")
                .body("AssistantCreate")
                .created("The new assistant.", "Assistant")
                .codes(&[
                    Code::LimitReached,
                    Code::NameTaken,
                    Code::SlugTaken,
                    Code::AssistantInactive,
                ])
                .needs_seat()
        }),
        Endpoint::new(Method::GET, ONE, read_assistant, |doc: Doc| {
            doc.op("assistants", "getAssistant", "Read an assistant or draft")
                .about("Needs view access; a draft needs edit access.")
                .tagged(200, "The assistant.", "Assistant")
                .needs_seat()
        }),
        Endpoint::new(Method::PUT, ONE, replace_fields, |doc: Doc| {
            doc.op("assistants", "updateAssistant", "Replace fields of an assistant or draft")
                .about("Each top-level field that is named is replaced; the others stay. Needs edit access; the access policy, `slug` and `is_default` need manage.")
                .body("AssistantWrite")
                .tagged(200, "The assistant as it is now.", "Assistant")
                .codes(&[Code::LimitReached, Code::NameTaken, Code::SlugTaken, Code::ConcurrentChange, Code::AssistantInactive])
                .needs_seat()
        }),
        Endpoint::new(Method::PATCH, ONE, merge_fields, |doc: Doc| {
            doc.op("assistants", "patchAssistant", "Merge into an assistant or draft")
                .about("An RFC 7396 merge patch: it reaches into objects, and `null` clears. Needs edit access; the access policy, `slug` and `is_default` need manage.")
                .patch("AssistantWrite")
                .tagged(200, "The assistant as it is now.", "Assistant")
                .codes(&[Code::LimitReached, Code::NameTaken, Code::SlugTaken, Code::ConcurrentChange, Code::AssistantInactive])
                .needs_seat()
        }),
        Endpoint::new(Method::DELETE, ONE, delete_assistant, |doc: Doc| {
            doc.op("assistants", "deleteAssistant", "Delete an assistant, or discard a draft")
                .about("A deleted assistant can be restored by its owners for 30 days; its draft goes for good. Needs manage access; a draft by its own id needs edit.")
                .empty(204, "It is gone.")
                .conditional()
                .codes(&[Code::ConcurrentChange])
                .needs_seat()
        }),
    ]
}

/// What is done with an assistant beside reading and writing it.
pub(super) fn actions() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::POST, "/api/assistants/{id}/_copy", copy_assistant, |doc: Doc| {
            doc.op("assistants", "copyAssistant", "Copy an assistant")
                .about("The copy is private, belongs to the caller, and has the content without write-only values. Needs view access and the role member or higher.")
                .optional_body("AssistantCopy")
                .created("The copy.", "Assistant")
                .conditional()
                .codes(&[Code::LimitReached, Code::NameTaken, Code::InsufficientRole])
                .needs_seat()
        }),
        Endpoint::new(
            Method::POST,
            "/api/assistants/{id}/_restore",
            restore_assistant,
            |doc: Doc| {
                doc.op("assistants", "restoreAssistant", "Bring a deleted assistant back")
                    .about("Within 30 days of its deletion. Needs owner access.")
                    .optional_body("Nothing")
                    .tagged(200, "The assistant.", "Assistant")
                    .codes(&[
                        Code::LimitReached,
                        Code::NotDeleted,
                        Code::NameTaken,
                        Code::ConcurrentChange,
                    ])
                    .needs_seat()
            },
        ),
        Endpoint::new(
            Method::POST,
            "/api/assistants/{id}/_set-default",
            set_default_assistant,
            |doc: Doc| {
                doc.op("assistants", "setDefaultAssistant", "Make an assistant the default")
                    .about("Takes that from the one that was. Needs manage access.")
                    .optional_body("Nothing")
                    .tagged(200, "The assistant.", "Assistant")
                    .conditional()
                    .codes(&[Code::AssistantInactive, Code::ConcurrentChange])
                    .needs_seat()
            },
        ),
    ]
}

/// Where an assistant is.
pub(super) fn location(view: &AssistantView) -> String {
    format!("{ALL}/{}", view.record.assistant.id)
}

async fn create_assistant(mut call: Call) -> Answer {
    let input = call.input(input::ASSISTANT).await?;
    once(call, input, async |call: Call, input: input::Input| {
        let vault = &*call.state.services.vault;
        let view =
            assistants::create_assistant(call.deps(), vault, &call.caller, input.value).await?;
        answer::created(&location(&view), &view.etag(), &view)
    })
    .await
}

/// Not by [`Call`]: who asks and what they ask for is one round trip.
async fn read_assistant(request: HttpRequest) -> Answer {
    let state = state_of(&request)?;
    let reference = request.match_info().get("id").unwrap_or_default();
    let view = caller::read_assistant(&request, &state, reference).await?;
    require_json_accepted(request.headers())?;
    Query::of(&request).finish()?;
    answer::resource(&request, &view.etag(), &view)
}

async fn replace_fields(call: Call) -> Answer {
    update_assistant(call, WriteMode::Replace).await
}

async fn merge_fields(call: Call) -> Answer {
    update_assistant(call, WriteMode::Merge).await
}

async fn update_assistant(mut call: Call, mode: WriteMode) -> Answer {
    let command = call.update(mode).await?;
    let (vault, reference) = (&*call.state.services.vault, call.path("id"));
    let view =
        assistants::update_assistant(call.deps(), vault, &call.caller, reference, command).await?;
    answer::changed(&view.etag(), &view)
}

async fn delete_assistant(call: Call) -> Answer {
    let precondition = call.precondition()?;
    assistants::delete_assistant(call.deps(), &call.caller, call.path("id"), precondition).await?;
    answer::gone()
}

async fn copy_assistant(mut call: Call) -> Answer {
    let input = call.optional_input().await?;
    once(call, input, async |call: Call, input: input::Input| {
        let mut fields = Fields::of(input.value)?;
        let name = fields.nullable("name", Fields::text).flatten();
        fields.finish()?;
        call.require_match(call.path("id")).await?;
        let view =
            assistants::copy_assistant(call.deps(), &call.caller, call.path("id"), name).await?;
        answer::created(&location(&view), &view.etag(), &view)
    })
    .await
}

async fn restore_assistant(mut call: Call) -> Answer {
    let input = call.optional_input().await?;
    once(call, input, async |call: Call, input: input::Input| {
        Fields::of(input.value)?.finish()?;
        let view =
            assistants::restore_assistant(call.deps(), &call.caller, call.path("id")).await?;
        answer::changed(&view.etag(), &view)
    })
    .await
}

async fn set_default_assistant(mut call: Call) -> Answer {
    let input = call.optional_input().await?;
    once(call, input, async |call: Call, input: input::Input| {
        Fields::of(input.value)?.finish()?;
        call.require_match(call.path("id")).await?;
        let view =
            assistants::set_default_assistant(call.deps(), &call.caller, call.path("id")).await?;
        answer::changed(&view.etag(), &view)
    })
    .await
}
