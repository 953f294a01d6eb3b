//! What a rule is attached to.

use actix_web::http::Method;
use serde::Serialize;
use understudy_domain::{
    RuleId, Timestamp, UserId,
    usecases::rules::{self, AttachRule, AttachmentView},
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

const ALL: &str = "/api/rules/{id}/attachments";
const ONE: &str = "/api/rules/{id}/attachments/{entityType}/{entityId}";

/// What the path tells, or only the server sets.
const READ_ONLY: &[&str] =
    &["ruleId", "entityType", "entityId", "assistantId", "rule", "attachedAt", "attachedBy"];

/// That a rule is attached to something.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RuleAttachment)]
pub(crate) struct RuleAttachmentView {
    /// The rule.
    #[schema(value_type = String, example = "rule_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    rule_id: RuleId,
    /// `organization`, `user`, `model`, `vector_store` or `assistant`.
    #[schema(example = "model")]
    entity_type: &'static str,
    /// What it is attached to: an identifier, or the key of a model.
    #[schema(example = "gpt-4o")]
    entity_id: String,
    /// 1 to 100; higher first.
    #[schema(example = 50, minimum = 1, maximum = 100)]
    priority: u8,
    /// Most characters of its text that are used, 100 to 50,000.
    #[schema(example = 50000, minimum = 100, maximum = 50000)]
    character_limit: u32,
    /// Whether it counts.
    is_active: bool,
    /// When it was attached.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T12:00:00Z")]
    attached_at: Timestamp,
    /// Who attached it.
    #[schema(value_type = String, example = "usr_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    attached_by: UserId,
}

impl From<AttachmentView> for RuleAttachmentView {
    fn from(view: AttachmentView) -> Self {
        Self {
            rule_id: view.rule,
            entity_type: view.kind,
            entity_id: view.entity,
            priority: view.priority,
            character_limit: view.character_limit,
            is_active: view.is_active,
            attached_at: view.attached_at,
            attached_by: view.attached_by,
        }
    }
}

pub(in crate::native) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, ALL, list_attachments, |doc: Doc| {
            doc.op("rules", "listRuleAttachments", "List what a rule is attached to")
                .about("Assistants and drafts included. Needs the role admin or owner.")
                .json(200, "The attachments.", "RuleAttachmentList")
                .codes(&[Code::NotFound, Code::InsufficientRole])
        }),
        Endpoint::new(Method::GET, ONE, read_attachment, |doc: Doc| {
            doc.op("rules", "getRuleAttachment", "Read how a rule is attached")
                .about("Needs the role admin or owner.")
                .tagged(200, "The attachment.", "RuleAttachment")
                .codes(&[Code::NotFound, Code::InsufficientRole])
        }),
        Endpoint::new(Method::PUT, ONE, put_attachment, |doc: Doc| {
            doc.op("rules", "putRuleAttachment", "Attach a rule, or change how it is attached")
                .about("To the `organization`, a `user`, a `model`, a `vector_store` or an `assistant`, as far as the rule's scope goes; at most 1,000 things beside assistants. What is not named stays, or has its default. Needs the role admin or owner.")
                .optional_body("RuleAttach")
                .tagged(200, "The attachment; it was attached before.", "RuleAttachment")
                .tagged(201, "The attachment; it is attached now.", "RuleAttachment")
                .codes(&[
                    Code::NotFound,
                    Code::LimitReached,
                    Code::ConcurrentChange,
                    Code::InsufficientRole,
                    Code::AiSeatRequired,
                    Code::ApiDisabled,
                ])
        }),
        Endpoint::new(Method::DELETE, ONE, remove_attachment, |doc: Doc| {
            doc.op("rules", "deleteRuleAttachment", "Detach a rule from something")
                .about("Needs the role admin or owner.")
                .empty(204, "It is detached.")
                .codes(&[
                    Code::NotFound,
                    Code::ConcurrentChange,
                    Code::InsufficientRole,
                    Code::AiSeatRequired,
                    Code::ApiDisabled,
                ])
        }),
    ]
}

/// How to attach a rule.
pub(super) async fn settings(call: &mut Call) -> Result<AttachRule, Problem> {
    let precondition = call.precondition()?;
    let mut fields = Fields::of(call.optional_input().await?.value)?.ignoring(READ_ONLY);
    let command = AttachRule {
        priority: fields.integer("priority"),
        character_limit: fields.integer("characterLimit"),
        is_active: fields.flag("isActive"),
        precondition,
    };
    fields.finish().map(|()| command)
}

/// What the path names.
fn place(call: &Call) -> Result<(RuleId, String, String), Problem> {
    let kind = call.segment("entityType", "kind of thing that rules are attached to")?;
    let entity = call.segment("entityId", "thing that rules are attached to")?;
    Ok((call.id("id", "rule")?, kind, entity))
}

async fn list_attachments(call: Call) -> Answer {
    let rule = call.id("id", "rule")?;
    let all = rules::list_attachments(call.deps(), &call.caller, rule).await?;
    answer::ok(&all.into_iter().map(RuleAttachmentView::from).collect::<Vec<_>>())
}

async fn read_attachment(call: Call) -> Answer {
    let (rule, kind, entity) = place(&call)?;
    let found = rules::view_attachment(call.deps(), &call.caller, rule, (&kind, &entity)).await?;
    let tag = found.etag();
    answer::resource(&call.request, &tag, &RuleAttachmentView::from(found))
}

async fn put_attachment(mut call: Call) -> Answer {
    let (rule, kind, entity) = place(&call)?;
    let command = settings(&mut call).await?;
    let (deps, caller) = (call.deps(), &call.caller);
    let (view, is_new) = rules::attach_rule(deps, caller, rule, (&kind, &entity), command).await?;
    let (tag, view) = (view.etag(), RuleAttachmentView::from(view));
    if is_new {
        answer::created(call.request.path(), &tag, &view)
    } else {
        answer::changed(&tag, &view)
    }
}

async fn remove_attachment(call: Call) -> Answer {
    let (rule, kind, entity) = place(&call)?;
    rules::detach_rule(call.deps(), &call.caller, rule, (&kind, &entity)).await?;
    answer::gone()
}
