//! References of assistants to other documents and resources.

use actix_web::http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use understudy_domain::{
    Digest,
    assistant::content::Reference,
    usecases::references::{self, NewReference},
};

use crate::{
    answer::{self, Answer},
    call::Call,
    endpoint::Endpoint,
    fields::Fields,
    idempotency::once,
    input::{self, Input},
    openapi::Doc,
    problem::Code,
};

const ALL: &str = "/api/assistants/{id}/references";
const ONE: &str = "/api/assistants/{id}/references/{targetId}";

/// What stands as it is in a segment of a path, beside letters and digits.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, ALL, list_references, |doc: Doc| {
            doc.op("references", "listReferences", "List the references of an assistant or draft")
                .about("In the order in which they were added. Needs view access.")
                .json(200, "The references.", "ReferenceList")
                .needs_seat()
        }),
        Endpoint::new(Method::POST, ALL, add_reference, |doc: Doc| {
            doc.op("references", "addReference", "Add a reference to an assistant or draft")
                .about("The target must be there for the caller; whether they may use it is asked again whenever it is used. Needs edit access.")
                .body("ReferenceCreate")
                .created("The reference.", "Reference")
                .codes(&[Code::ReferenceExists, Code::LimitReached, Code::ConcurrentChange])
                .needs_seat()
        }),
        Endpoint::new(Method::GET, ONE, read_reference, |doc: Doc| {
            doc.op("references", "getReference", "Read a reference")
                .about("Needs view access.")
                .tagged(200, "The reference.", "Reference")
                .needs_seat()
        }),
        Endpoint::new(Method::DELETE, ONE, remove_reference, |doc: Doc| {
            doc.op("references", "deleteReference", "Remove a reference")
                .about("What it points to stays. Needs edit access.")
                .empty(204, "It is gone.")
                .codes(&[Code::ConcurrentChange])
                .needs_seat()
        }),
    ]
}

/// Names the state of a reference.
fn tag(reference: &Reference) -> String {
    let text = serde_json::to_vec(reference).unwrap_or_default();
    Digest::of(&text).to_string().chars().take(32).collect()
}

async fn list_references(call: Call) -> Answer {
    let all = references::list_references(call.deps(), &call.caller, call.path("id")).await?;
    answer::ok(&all)
}

async fn add_reference(mut call: Call) -> Answer {
    let input = call.input(input::SMALL).await?;
    once(call, input, async |call: Call, input: Input| {
        let mut fields = Fields::of(input.value)?.ignoring(&["createdAt", "createdBy"]);
        let target_id = fields.required("targetId", Fields::text);
        let target_type = fields.required("targetType", Fields::text);
        let description = fields.nullable("description", Fields::text).flatten();
        fields.finish()?;
        let new = NewReference { target_id, target_type, description };
        let (deps, caller, assistant) = (call.deps(), &call.caller, call.path("id"));
        let added = references::add_reference(deps, caller, assistant, new).await?;
        let target = utf8_percent_encode(&added.target_id, UNRESERVED);
        let location = format!("/api/assistants/{assistant}/references/{target}");
        answer::created(&location, &tag(&added), &added)
    })
    .await
}

async fn read_reference(call: Call) -> Answer {
    let target = call.segment("targetId", "reference")?;
    let (deps, caller) = (call.deps(), &call.caller);
    let found = references::view_reference(deps, caller, call.path("id"), &target).await?;
    answer::resource(&call.request, &tag(&found), &found)
}

async fn remove_reference(call: Call) -> Answer {
    let target = call.segment("targetId", "reference")?;
    references::remove_reference(call.deps(), &call.caller, call.path("id"), &target).await?;
    answer::gone()
}
