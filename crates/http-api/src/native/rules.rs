//! Rules of the organization.

use actix_web::http::Method;
use serde::Serialize;
use understudy_domain::{
    OrganizationId, Rule, RuleId, Timestamp, UserId,
    ports::{Position, PositionKey},
    rule::{ApplyMode, RuleCategory, RuleScope, RuleType},
    usecases::rules::{self, CreateRule, ListRules, UpdateRule},
};
use utoipa::ToSchema;

use crate::{
    answer::{self, Answer},
    call::{Asked, Call},
    cursor,
    endpoint::Endpoint,
    fields::Fields,
    idempotency::once,
    input::{self, Input},
    openapi::{Doc, Parameter},
    problem::{Code, Problem},
};

pub(super) mod assistant;
pub(super) mod attachments;

const ALL: &str = "/api/rules";
const ONE: &str = "/api/rules/{id}";

/// What only the server sets, or lists tell.
const READ_ONLY: &[&str] = &[
    "id",
    "organizationId",
    "contentLength",
    "contentPreview",
    "version",
    "createdBy",
    "createdAt",
    "updatedAt",
];

/// Characters of a rule's text in lists.
const PREVIEW_CHARS: usize = 200;

const CATEGORIES: &[&str] = &["safety", "professional", "creative", "technical", "custom"];
const TYPES: &[&str] =
    &["behavior", "guardrails", "formatting", "context", "content_policy", "constraint"];
const SCOPES: &[&str] = &["organization", "model", "assistant", "user", "vector_store"];
const MODES: &[&str] = &["always", "auto", "manual"];

/// What a rule is beside its text.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RuleFacts)]
pub(crate) struct RuleFacts {
    /// Its identifier.
    #[schema(value_type = String, example = "rule_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    id: RuleId,
    /// The organization it belongs to.
    #[schema(value_type = String, example = "org_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    organization_id: OrganizationId,
    /// Its name, unique in the organization.
    #[schema(example = "Plain language")]
    name: String,
    /// What it is for.
    #[schema(example = "How we write to customers.")]
    description: Option<String>,
    /// How many characters its text has.
    #[schema(example = 42)]
    content_length: usize,
    /// `safety`, `professional`, `creative`, `technical` or `custom`.
    #[schema(value_type = String, example = "professional")]
    category: RuleCategory,
    /// `behavior`, `guardrails`, `formatting`, `context`, `content_policy` or `constraint`.
    #[schema(value_type = String, example = "behavior")]
    rule_type: RuleType,
    /// What it may be attached to: anything (`organization`), or only a `model`, an
    /// `assistant`, a `user` or a `vector_store`.
    #[schema(value_type = String, example = "organization")]
    scope: RuleScope,
    /// `always`, `auto` or `manual`.
    #[schema(value_type = String, example = "always")]
    apply_mode: ApplyMode,
    /// Whether every member may read and attach it.
    is_public: bool,
    /// Whether it is applied at all.
    is_active: bool,
    /// Counts changes, from 1.
    #[schema(example = 1)]
    version: i64,
    /// Who made it.
    #[schema(value_type = String, example = "usr_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    created_by: UserId,
    /// When it was made.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T12:00:00Z")]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T12:00:00Z")]
    updated_at: Timestamp,
}

/// A reusable text.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Rule)]
pub(crate) struct RuleView {
    #[serde(flatten)]
    facts: RuleFacts,
    /// The text.
    #[schema(example = "Use short sentences and no jargon.")]
    content: String,
}

/// A rule in a list.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RuleListItem)]
pub(crate) struct RuleItem {
    #[serde(flatten)]
    facts: RuleFacts,
    /// The first 200 characters of the text.
    #[schema(example = "Use short sentences and no jargon.")]
    content_preview: String,
}

/// A page of rules.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RulePage {
    /// The rules, by name.
    data: Vec<RuleItem>,
    /// Where the next page begins; null on the last one.
    next_cursor: Option<String>,
    /// How many match in all; only with `total=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    total: Option<u64>,
}

impl From<&Rule> for RuleFacts {
    fn from(rule: &Rule) -> Self {
        Self {
            id: rule.id,
            organization_id: rule.organization,
            name: rule.name.clone(),
            description: rule.description.clone(),
            content_length: rule.content.chars().count(),
            category: rule.category,
            rule_type: rule.kind,
            scope: rule.scope,
            apply_mode: rule.apply_mode,
            is_public: rule.is_public,
            is_active: rule.is_active,
            version: rule.version,
            created_by: rule.created_by,
            created_at: rule.created_at,
            updated_at: rule.updated_at,
        }
    }
}

impl From<&Rule> for RuleView {
    fn from(rule: &Rule) -> Self {
        Self { facts: rule.into(), content: rule.content.clone() }
    }
}

impl From<&Rule> for RuleItem {
    fn from(rule: &Rule) -> Self {
        let content_preview = rule.content.chars().take(PREVIEW_CHARS).collect();
        Self { facts: rule.into(), content_preview }
    }
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, ALL, list_rules, |doc: Doc| {
            doc.op("rules", "listRules", "List rules")
                .about("By name. All for the roles admin and owner, public ones for others.")
                .query("q", "Text that name or description contains.", Parameter::text())
                .query("category", "What they are about.", Parameter::word(CATEGORIES))
                .query("ruleType", "What they regulate.", Parameter::word(TYPES))
                .query("isActive", "Whether they are applied.", Parameter::flag())
                .page_parameters()
                .json(200, "A page of rules.", "RulePage")
                .codes(&[Code::BadCursor])
        }),
        Endpoint::new(Method::POST, ALL, create_rule, |doc: Doc| {
            doc.op("rules", "createRule", "Make a rule")
                .about("At most 1,000. Needs the role admin or owner.")
                .body("RuleCreate")
                .created("The new rule.", "Rule")
                .codes(&[Code::NameTaken, Code::LimitReached, Code::InsufficientRole])
        }),
        Endpoint::new(Method::GET, ONE, read_rule, |doc: Doc| {
            doc.op("rules", "getRule", "Read a rule")
                .about("Any for the roles admin and owner, public ones for others.")
                .tagged(200, "The rule.", "Rule")
                .codes(&[Code::NotFound])
        }),
        Endpoint::new(Method::PUT, ONE, update_rule, |doc: Doc| {
            doc.op("rules", "updateRule", "Change a rule")
                .about("What is not named stays. Where its scope leaves out what it is attached to, it stays attached and does not count there. Needs the role admin or owner.")
                .body("RuleUpdate")
                .tagged(200, "The rule as it is now.", "Rule")
                .codes(&[Code::NotFound, Code::NameTaken, Code::ConcurrentChange, Code::InsufficientRole])
        }),
        Endpoint::new(Method::DELETE, ONE, delete_rule, |doc: Doc| {
            doc.op("rules", "deleteRule", "Delete a rule")
                .about("While it is attached to something this takes `force=true`, which detaches it: from assistants and drafts as a change of their content. Needs the role admin or owner.")
                .query("force", "Whether to detach it from everything.", Parameter::flag())
                .empty(204, "It is gone.")
                .conditional()
                .codes(&[Code::NotFound, Code::RuleAttached, Code::ConcurrentChange, Code::InsufficientRole])
        }),
    ]
}

async fn list_rules(Asked { call, mut query }: Asked) -> Answer {
    let words = |words: &[&str]| format!("one of {}", words.join(", "));
    let q = query.text("q").filter(|q| !q.is_empty());
    let category = query.read("category", &words(CATEGORIES), RuleCategory::from_word);
    let kind = query.read("ruleType", &words(TYPES), RuleType::from_word);
    let is_active = query.flag("isActive");
    let list_key = cursor::list_of(&[
        "rules",
        q.as_deref().unwrap_or_default(),
        category.map_or("", RuleCategory::as_str),
        kind.map_or("", RuleType::as_str),
        is_active.map_or("", |active| if active { "true" } else { "false" }),
    ]);
    let cursor = query.text("cursor");
    let limit = query.limit();
    let count = query.flag("total").unwrap_or(false);
    query.finish()?;
    let after = match cursor {
        Some(text) => match cursor::to_position(&list_key, &text, false)? {
            Position { key: PositionKey::Text(name), id } => Some((name, RuleId::from_uuid(id))),
            Position { key: PositionKey::Time(_), .. } => None,
        },
        None => None,
    };
    let command = ListRules { q, category, kind, is_active, after, limit, count };
    let page = rules::list_rules(call.deps(), &call.caller, command).await?;
    let position = |rule: &Rule| Position {
        key: PositionKey::Text(rule.name.to_lowercase()),
        id: rule.id.as_uuid(),
    };
    let last = page.rows.last().filter(|_| page.more);
    answer::ok(&RulePage {
        next_cursor: last.map(|rule| cursor::of_position(&list_key, &position(rule))),
        data: page.rows.iter().map(RuleItem::from).collect(),
        total: page.total,
    })
}

async fn create_rule(mut call: Call) -> Answer {
    let input = call.input(input::RULE).await?;
    once(call, input, async |call: Call, input: Input| {
        let command = new_rule(input)?;
        let rule = rules::create_rule(call.deps(), &call.caller, command).await?;
        let location = format!("{ALL}/{}", rule.id);
        answer::created(&location, &rules::etag(&rule), &RuleView::from(&rule))
    })
    .await
}

fn new_rule(input: Input) -> Result<CreateRule, Problem> {
    let mut fields = Fields::of(input.value)?.ignoring(READ_ONLY);
    let command = CreateRule {
        name: fields.required("name", Fields::text),
        description: fields.nullable("description", Fields::text).flatten(),
        content: fields.required("content", Fields::text),
        category: category(&mut fields).unwrap_or(RuleCategory::Custom),
        kind: kind(&mut fields).unwrap_or(RuleType::Behavior),
        scope: scope(&mut fields).unwrap_or(RuleScope::Organization),
        apply_mode: apply_mode(&mut fields).unwrap_or(ApplyMode::Always),
        is_public: fields.flag("isPublic").unwrap_or(false),
        is_active: fields.flag("isActive").unwrap_or(true),
    };
    fields.finish().map(|()| command)
}

fn category(fields: &mut Fields) -> Option<RuleCategory> {
    word(fields, "category", CATEGORIES, RuleCategory::from_word)
}

fn kind(fields: &mut Fields) -> Option<RuleType> {
    word(fields, "ruleType", TYPES, RuleType::from_word)
}

fn scope(fields: &mut Fields) -> Option<RuleScope> {
    word(fields, "scope", SCOPES, RuleScope::from_word)
}

fn apply_mode(fields: &mut Fields) -> Option<ApplyMode> {
    word(fields, "applyMode", MODES, ApplyMode::from_word)
}

fn word<T>(
    fields: &mut Fields,
    name: &str,
    words: &[&str],
    read: impl FnOnce(&str) -> Option<T>,
) -> Option<T> {
    let found = read(&fields.text(name)?);
    if found.is_none() {
        fields.fault(name, "enum", format!("must be one of {}", words.join(", ")));
    }
    found
}

async fn read_rule(call: Call) -> Answer {
    let rule = rules::view_rule(call.deps(), &call.caller, call.id("id", "rule")?).await?;
    answer::resource(&call.request, &rules::etag(&rule), &RuleView::from(&rule))
}

async fn update_rule(mut call: Call) -> Answer {
    let (id, precondition) = (call.id("id", "rule")?, call.precondition()?);
    let mut fields = Fields::of(call.input(input::RULE).await?.value)?.ignoring(READ_ONLY);
    let command = UpdateRule {
        name: fields.text("name"),
        description: fields.nullable("description", Fields::text),
        content: fields.text("content"),
        category: category(&mut fields),
        kind: kind(&mut fields),
        scope: scope(&mut fields),
        apply_mode: apply_mode(&mut fields),
        is_public: fields.flag("isPublic"),
        is_active: fields.flag("isActive"),
        precondition,
    };
    fields.finish()?;
    let rule = rules::update_rule(call.deps(), &call.caller, id, command).await?;
    answer::changed(&rules::etag(&rule), &RuleView::from(&rule))
}

async fn delete_rule(Asked { call, mut query }: Asked) -> Answer {
    let force = query.flag("force").unwrap_or(false);
    query.finish()?;
    let (id, precondition) = (call.id("id", "rule")?, call.precondition()?);
    rules::delete_rule(call.deps(), &call.caller, id, (precondition, force)).await?;
    answer::gone()
}
