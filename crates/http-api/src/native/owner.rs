//! Who owns an assistant.

use actix_web::http::Method;
use serde::Serialize;
use understudy_domain::{
    Principal,
    usecases::owner::{self, Owner},
};
use utoipa::ToSchema;

use crate::{
    answer::{self, Answer},
    call::Call,
    endpoint::Endpoint,
    fields::Fields,
    openapi::Doc,
    problem::{Code, Problem},
};

const OWNER: &str = "/api/assistants/{id}/owner";

/// Who owns an assistant.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Owner)]
pub(crate) struct OwnerView {
    /// The user or team.
    #[schema(value_type = String, example = "team_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    owner_id: Principal,
    /// `user` or `team`.
    #[schema(example = "team")]
    owner_type: &'static str,
    /// The same, as the assistant object names it.
    #[serde(rename = "type")]
    #[schema(example = "team")]
    kind: &'static str,
    /// The same, as the assistant object names it.
    #[schema(value_type = String, example = "team_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    id: Principal,
    /// What people call them; empty when they are gone or have no name.
    #[schema(example = "Customer care")]
    name: String,
}

impl From<Owner> for OwnerView {
    fn from(owner: Owner) -> Self {
        let Owner { principal, name } = owner;
        let kind = kind_of(principal);
        Self { owner_id: principal, owner_type: kind, kind, id: principal, name }
    }
}

/// `user` or `team`.
pub(super) const fn kind_of(principal: Principal) -> &'static str {
    match principal {
        Principal::User(_) => "user",
        Principal::Team(_) => "team",
    }
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, OWNER, read_owner, |doc: Doc| {
            doc.op("sharing", "getOwner", "Read who owns an assistant")
                .about("Needs view access, in the assistant's organization.")
                .tagged(200, "The owner.", "Owner")
                .codes(&[Code::OtherOrganization])
                .needs_seat()
        }),
        Endpoint::new(Method::PUT, OWNER, change_owner, |doc: Doc| {
            doc.op("sharing", "changeOwner", "Give an assistant to another user or team")
                .about("Needs owner access; for a team also the role admin in it or in the organization. Whoever made the assistant stays its maker, with owner access. `If-Match` names the state of the owner, or of the assistant.")
                .body("OwnerWrite")
                .tagged(200, "The assistant as the caller sees it now.", "Assistant")
                .codes(&[Code::OtherOrganization, Code::InsufficientRole, Code::ConcurrentChange])
                .needs_seat()
        }),
    ]
}

async fn read_owner(call: Call) -> Answer {
    let found = owner::view_owner(call.deps(), &call.caller, call.path("id")).await?;
    let tag = owner::etag(&found);
    answer::resource(&call.request, &tag, &OwnerView::from(found))
}

async fn change_owner(mut call: Call) -> Answer {
    let precondition = call.precondition()?;
    let new = new_owner(call.fields().await?)?;
    let (deps, caller, assistant) = (call.deps(), &call.caller, call.path("id"));
    let view = owner::change_owner(deps, caller, assistant, new, precondition).await?;
    answer::changed(&view.etag(), &view)
}

/// `ownerId`, or `type` and `id` as the assistant object names its owner. What was
/// read can be sent back with another `ownerId`: that is the one that counts.
fn new_owner(fields: Fields) -> Result<Principal, Problem> {
    let mut fields = fields.ignoring(&["ownerType", "name"]);
    let (kind, id) = (fields.text("type"), fields.text("id"));
    if kind.is_none() || id.is_none() {
        fields.require("ownerId");
    }
    let owner = fields.parsed::<Principal>("ownerId");
    let named = owner.or_else(|| {
        let named = format!("{}:{}", kind?, id?).parse().ok();
        if named.is_none() {
            let message = "must be the id of what `type` says, `user` or `team`";
            fields.fault("id", "invalid", message);
        }
        named
    });
    fields.finish()?;
    named.ok_or_else(|| Problem::new(Code::ValidationFailed))
}
