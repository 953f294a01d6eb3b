//! The rules of an assistant.

use actix_web::http::Method;
use serde::Serialize;
use understudy_domain::{
    AssistantId, Rule, RuleId, Timestamp, UserId,
    rule::RuleCategory,
    usecases::rules::{self, AssistantRule},
};
use utoipa::ToSchema;

use super::attachments::settings;
use crate::{
    answer::{self, Answer},
    call::Call,
    endpoint::Endpoint,
    openapi::Doc,
    problem::Code,
};

const ALL: &str = "/api/assistants/{id}/rules";
const ONE: &str = "/api/assistants/{id}/rules/{ruleId}";

/// A rule as an assistant has it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AssistantRule)]
pub(crate) struct AssistantRuleView {
    /// The rule.
    #[schema(value_type = String, example = "rule_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    rule_id: RuleId,
    /// The assistant or draft.
    #[schema(value_type = String, example = "asst_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    assistant_id: AssistantId,
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
    /// The rule in short; null when it is gone, or not for the caller to read.
    rule: Option<RuleInShortView>,
}

/// A rule in short.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RuleInShort)]
pub(crate) struct RuleInShortView {
    /// Its identifier.
    #[schema(value_type = String, example = "rule_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    id: RuleId,
    /// Its name.
    #[schema(example = "Plain language")]
    name: String,
    /// What it is about.
    #[schema(value_type = String, example = "professional")]
    category: RuleCategory,
    /// Whether it is applied at all.
    is_active: bool,
}

impl From<Rule> for RuleInShortView {
    fn from(rule: Rule) -> Self {
        let Rule { id, name, category, is_active, .. } = rule;
        Self { id, name, category, is_active }
    }
}

impl From<AssistantRule> for AssistantRuleView {
    fn from(of: AssistantRule) -> Self {
        let AssistantRule { assistant, attached, rule } = of;
        Self {
            rule_id: attached.rule_id,
            assistant_id: assistant,
            priority: attached.priority,
            character_limit: attached.character_limit,
            is_active: attached.is_active,
            attached_at: attached.attached_at,
            attached_by: attached.attached_by,
            rule: rule.map(RuleInShortView::from),
        }
    }
}

pub(in crate::native) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, ALL, list_rules, |doc: Doc| {
            doc.op("rules", "listAssistantRules", "List the rules of an assistant or draft")
                .about("In the order in which they were attached. Needs edit access.")
                .json(200, "The rules.", "AssistantRuleList")
                .needs_seat()
        }),
        Endpoint::new(Method::GET, ONE, read_rule, |doc: Doc| {
            doc.op(
                "rules",
                "getAssistantRule",
                "Read how a rule is attached to an assistant or draft",
            )
            .about("Needs edit access.")
            .tagged(200, "The rule.", "AssistantRule")
            .needs_seat()
        }),
        Endpoint::new(Method::PUT, ONE, put_rule, |doc: Doc| {
            doc.op("rules", "attachRule", "Attach a rule to an assistant or draft, or change how it is attached")
                .about("A rule that the caller may read, of scope `organization` or `assistant`. What is not named stays, or has its default. Needs edit access.")
                .optional_body("RuleAttach")
                .tagged(200, "The rule; it was attached before.", "AssistantRule")
                .tagged(201, "The rule; it is attached now.", "AssistantRule")
                .codes(&[Code::LimitReached, Code::ConcurrentChange])
                .needs_seat()
        }),
        Endpoint::new(Method::DELETE, ONE, remove_rule, |doc: Doc| {
            doc.op("rules", "detachRule", "Detach a rule from an assistant or draft")
                .about("Needs edit access.")
                .empty(204, "It is detached.")
                .codes(&[Code::ConcurrentChange])
                .needs_seat()
        }),
    ]
}

async fn list_rules(call: Call) -> Answer {
    let all = rules::list_assistant_rules(call.deps(), &call.caller, call.path("id")).await?;
    answer::ok(&all.into_iter().map(AssistantRuleView::from).collect::<Vec<_>>())
}

async fn read_rule(call: Call) -> Answer {
    let rule = call.id("ruleId", "rule")?;
    let (deps, caller) = (call.deps(), &call.caller);
    let found = rules::view_assistant_rule(deps, caller, call.path("id"), rule).await?;
    let tag = found.etag();
    answer::resource(&call.request, &tag, &AssistantRuleView::from(found))
}

async fn put_rule(mut call: Call) -> Answer {
    let rule = call.id("ruleId", "rule")?;
    let command = settings(&mut call).await?;
    let (deps, caller, assistant) = (call.deps(), &call.caller, call.path("id"));
    let (found, is_new) =
        rules::attach_to_assistant(deps, caller, assistant, rule, command).await?;
    let (tag, view) = (found.etag(), AssistantRuleView::from(found));
    if is_new {
        answer::created(call.request.path(), &tag, &view)
    } else {
        answer::changed(&tag, &view)
    }
}

async fn remove_rule(call: Call) -> Answer {
    let rule = call.id("ruleId", "rule")?;
    let (deps, caller) = (call.deps(), &call.caller);
    rules::detach_from_assistant(deps, caller, call.path("id"), rule).await?;
    answer::gone()
}
