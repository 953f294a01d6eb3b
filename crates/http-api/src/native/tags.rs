//! Tags of the organization, and of assistants.

use actix_web::http::Method;
use serde::Serialize;
use understudy_domain::{
    Tag, TagId, Timestamp,
    usecases::tags::{self, UpdateTag},
};
use utoipa::ToSchema;

use crate::{
    answer::{self, Answer},
    call::{Asked, Call},
    endpoint::Endpoint,
    fields::Fields,
    idempotency::once,
    input::{self, Input},
    openapi::{Doc, Parameter},
    problem::Code,
};

const ALL: &str = "/api/tags";
const ONE: &str = "/api/tags/{id}";
const ATTACHED: &str = "/api/assistants/{id}/tags";
const ATTACHED_ONE: &str = "/api/assistants/{id}/tags/{tagId}";

/// What only the server sets.
const READ_ONLY: &[&str] = &["id", "createdAt", "updatedAt"];

/// A label for assistants.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Tag)]
pub(crate) struct TagView {
    /// Its identifier.
    #[schema(value_type = String, example = "tag_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    id: TagId,
    /// What people call it; unique in the organization, without regard to case.
    #[schema(example = "Support")]
    name: String,
    /// Its colour as `#rrggbb`, or empty for none.
    #[schema(example = "#2e7d32")]
    color: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T12:00:00Z")]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T12:00:00Z")]
    updated_at: Timestamp,
}

impl From<Tag> for TagView {
    fn from(tag: Tag) -> Self {
        let Tag { id, organization: _, name, color, created_at, updated_at, revision: _ } = tag;
        Self { id, name, color, created_at, updated_at }
    }
}

/// Tags of the organization.
pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, ALL, list_tags, |doc: Doc| {
            doc.op("tags", "listTags", "List the organization's tags")
                .about("By name. For everybody in it.")
                .query(
                    "name",
                    "Only the one with this name, without regard to case.",
                    Parameter::text(),
                )
                .json(200, "The tags.", "TagList")
        }),
        Endpoint::new(Method::POST, ALL, create_tag, |doc: Doc| {
            doc.op("tags", "createTag", "Make a tag")
                .about("Needs the role member or higher.")
                .body("TagCreate")
                .created("The new tag.", "Tag")
                .codes(&[Code::NameTaken, Code::LimitReached, Code::InsufficientRole])
        }),
        Endpoint::new(Method::GET, ONE, read_tag, |doc: Doc| {
            doc.op("tags", "getTag", "Read a tag")
                .about("For everybody in the organization.")
                .tagged(200, "The tag.", "Tag")
                .codes(&[Code::NotFound])
        }),
        Endpoint::new(Method::PUT, ONE, update_tag, |doc: Doc| {
            doc.op("tags", "updateTag", "Change a tag")
                .about("What is not named stays. It changes wherever it is. Needs the role manager or higher.")
                .body("TagUpdate")
                .tagged(200, "The tag as it is now.", "Tag")
                .codes(&[
                    Code::NotFound,
                    Code::NameTaken,
                    Code::ConcurrentChange,
                    Code::InsufficientRole,
                ])
        }),
        Endpoint::new(Method::DELETE, ONE, delete_tag, |doc: Doc| {
            doc.op("tags", "deleteTag", "Delete a tag")
                .about("It is taken off every assistant. Needs the role manager or higher.")
                .empty(204, "It is gone.")
                .conditional()
                .codes(&[Code::NotFound, Code::ConcurrentChange, Code::InsufficientRole])
        }),
    ]
}

/// Tags of assistants.
pub(super) fn attached() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, ATTACHED, list_attached, |doc: Doc| {
            doc.op("tags", "listAssistantTags", "List the tags of an assistant")
                .about("By name. Needs view access, in the assistant's organization.")
                .json(200, "The tags.", "TagList")
                .codes(&[Code::OtherOrganization])
                .needs_seat()
        }),
        Endpoint::new(Method::GET, ATTACHED_ONE, read_attached, |doc: Doc| {
            doc.op("tags", "getAssistantTag", "Read a tag of an assistant")
                .about("`404` when the assistant has it not. Needs view access, in the assistant's organization.")
                .tagged(200, "The tag.", "Tag")
                .codes(&[Code::OtherOrganization])
                .needs_seat()
        }),
        Endpoint::new(Method::PUT, ATTACHED_ONE, attach, |doc: Doc| {
            doc.op("tags", "tagAssistant", "Put a tag on an assistant")
                .about(
                    "Needs edit access. It is no change of the content: there is no new version.",
                )
                .optional_body("Nothing")
                .tagged(200, "The tag; the assistant had it before.", "Tag")
                .tagged(201, "The tag; the assistant has it now.", "Tag")
                .codes(&[Code::OtherOrganization, Code::LimitReached, Code::ConcurrentChange])
                .needs_seat()
        }),
        Endpoint::new(Method::DELETE, ATTACHED_ONE, detach, |doc: Doc| {
            doc.op("tags", "untagAssistant", "Take a tag off an assistant")
                .about("The tag itself stays. Needs edit access.")
                .empty(204, "The assistant has it no more.")
                .conditional()
                .codes(&[Code::OtherOrganization, Code::ConcurrentChange])
                .needs_seat()
        }),
    ]
}

async fn list_tags(Asked { call, mut query }: Asked) -> Answer {
    let name = query.text("name");
    query.finish()?;
    let all = tags::list_tags(call.deps(), &call.caller, name.as_deref()).await?;
    answer::ok(&all.into_iter().map(TagView::from).collect::<Vec<_>>())
}

async fn create_tag(mut call: Call) -> Answer {
    let input = call.input(input::SMALL).await?;
    once(call, input, async |call: Call, input: Input| {
        let mut fields = Fields::of(input.value)?.ignoring(READ_ONLY);
        let name = fields.required("name", Fields::text);
        let color = fields.nullable("color", Fields::text).flatten().unwrap_or_default();
        fields.finish()?;
        let tag = tags::create_tag(call.deps(), &call.caller, name, color).await?;
        let location = format!("{ALL}/{}", tag.id);
        answer::created(&location, &tags::etag(&tag), &TagView::from(tag))
    })
    .await
}

async fn read_tag(call: Call) -> Answer {
    let tag = tags::view_tag(call.deps(), &call.caller, call.id("id", "tag")?).await?;
    answer::resource(&call.request, &tags::etag(&tag), &TagView::from(tag))
}

async fn update_tag(mut call: Call) -> Answer {
    let (id, precondition) = (call.id("id", "tag")?, call.precondition()?);
    let mut fields = call.fields().await?.ignoring(READ_ONLY);
    let name = fields.text("name");
    let color = fields.nullable("color", Fields::text).map(Option::unwrap_or_default);
    fields.finish()?;
    let command = UpdateTag { name, color, precondition };
    let tag = tags::update_tag(call.deps(), &call.caller, id, command).await?;
    answer::changed(&tags::etag(&tag), &TagView::from(tag))
}

async fn delete_tag(call: Call) -> Answer {
    let (id, precondition) = (call.id("id", "tag")?, call.precondition()?);
    tags::delete_tag(call.deps(), &call.caller, id, precondition).await?;
    answer::gone()
}

async fn list_attached(call: Call) -> Answer {
    let all = tags::attached_tags(call.deps(), &call.caller, call.path("id")).await?;
    answer::ok(&all.into_iter().map(TagView::from).collect::<Vec<_>>())
}

async fn read_attached(call: Call) -> Answer {
    let (id, assistant) = (call.id("tagId", "tag")?, call.path("id"));
    let tag = tags::view_attached_tag(call.deps(), &call.caller, assistant, id).await?;
    answer::resource(&call.request, &tags::etag(&tag), &TagView::from(tag))
}

async fn attach(mut call: Call) -> Answer {
    let (id, precondition) = (call.id("tagId", "tag")?, call.precondition()?);
    let input = call.optional_input().await?;
    let fields = Fields::of(input.value)?.ignoring(READ_ONLY);
    fields.ignoring(&["name", "color"]).finish()?;
    let (deps, caller, assistant) = (call.deps(), &call.caller, call.path("id"));
    let (tag, created) = tags::attach_tag(deps, caller, assistant, id, precondition).await?;
    let etag = tags::etag(&tag);
    if created {
        answer::created(call.request.path(), &etag, &TagView::from(tag))
    } else {
        answer::changed(&etag, &TagView::from(tag))
    }
}

async fn detach(call: Call) -> Answer {
    let (id, precondition) = (call.id("tagId", "tag")?, call.precondition()?);
    let assistant = call.path("id");
    tags::detach_tag(call.deps(), &call.caller, assistant, id, precondition).await?;
    answer::gone()
}
