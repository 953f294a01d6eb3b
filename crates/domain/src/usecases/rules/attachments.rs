//! What a rule is attached to: the organization, users, models, vector stores, and
//! assistants, whose content carries theirs.

use serde_json::{Value, json};

use super::{
    assistant::{AssistantRule, attach_to_assistant, detach_from_assistant},
    attach::ASSISTANT,
    delete::holders,
    manage::view_rule,
};
use crate::{
    AssistantId, AssistantRef, Fault, Rule, RuleAttachment, RuleEntity, RuleId, Scope, Timestamp,
    UserId,
    assistant::content::AttachedRule,
    catalogue,
    ports::UnitOfWork,
    usecases::{
        Caller, Deps, Error, Precondition, Result,
        support::{on_write, record, require_admin},
    },
};

/// Lowest and highest priority; higher first (reference §3.2).
pub const PRIORITIES: std::ops::RangeInclusive<u8> = 1..=100;
/// Fewest and most characters of a rule that can be asked for (reference §3.2).
pub const CHARACTER_LIMITS: std::ops::RangeInclusive<u32> = 100..=50_000;
/// Most things that one rule is attached to, assistants aside.
pub const MAX_ATTACHMENTS: usize = 1_000;

/// How to attach a rule; what is `None` stays as it is, or has its default.
#[derive(Clone, Debug, Default)]
pub struct AttachRule {
    /// 1 to 100; higher first.
    pub priority: Option<i32>,
    /// Most characters of its text, 100 to 50,000.
    pub character_limit: Option<i32>,
    /// Whether it counts.
    pub is_active: Option<bool>,
    /// What the caller demands of the state.
    pub precondition: Precondition,
}

/// How a rule is attached.
pub(super) struct Settings {
    pub(super) priority: u8,
    pub(super) character_limit: u32,
    pub(super) is_active: bool,
}

impl AttachRule {
    /// What is asked for, in place of how it was.
    pub(super) fn settings(
        &self,
        priority: u8,
        character_limit: u32,
        is_active: bool,
    ) -> Result<Settings> {
        let mut faults = Vec::new();
        let priority = bounded(self.priority, &PRIORITIES, "/priority", &mut faults, priority);
        let limits = &CHARACTER_LIMITS;
        let at = "/characterLimit";
        let character_limit =
            bounded(self.character_limit, limits, at, &mut faults, character_limit);
        if !faults.is_empty() {
            return Err(Error::Invalid(faults));
        }
        let is_active = self.is_active.unwrap_or(is_active);
        Ok(Settings { priority, character_limit, is_active })
    }
}

fn bounded<T: TryFrom<i32> + PartialOrd + std::fmt::Display>(
    asked: Option<i32>,
    range: &std::ops::RangeInclusive<T>,
    pointer: &str,
    faults: &mut Vec<Fault>,
    before: T,
) -> T {
    let Some(asked) = asked else { return before };
    if let Some(value) = T::try_from(asked).ok().filter(|value| range.contains(value)) {
        return value;
    }
    let message = format!("must be {} to {}", range.start(), range.end());
    faults.push(Fault::new(pointer, "range", message));
    before
}

/// That a rule is attached to something, of whatever kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachmentView {
    /// The rule.
    pub rule: RuleId,
    /// `organization`, `user`, `model`, `vector_store` or `assistant`.
    pub kind: &'static str,
    /// What it is attached to.
    pub entity: String,
    /// 1 to 100; higher first.
    pub priority: u8,
    /// Most characters of its text.
    pub character_limit: u32,
    /// Whether it counts.
    pub is_active: bool,
    /// When it was attached.
    pub attached_at: Timestamp,
    /// Who attached it.
    pub attached_by: UserId,
}

impl AttachmentView {
    /// The strong entity tag, without quotes.
    #[must_use]
    pub fn etag(&self) -> String {
        tag_of(self.priority, self.character_limit, self.is_active, self.attached_at)
    }

    fn of_assistant(assistant: AssistantId, attached: &AttachedRule) -> Self {
        Self {
            rule: attached.rule_id,
            kind: ASSISTANT,
            entity: assistant.to_string(),
            priority: attached.priority,
            character_limit: attached.character_limit,
            is_active: attached.is_active,
            attached_at: attached.attached_at,
            attached_by: attached.attached_by,
        }
    }
}

impl From<&RuleAttachment> for AttachmentView {
    fn from(attachment: &RuleAttachment) -> Self {
        Self {
            rule: attachment.rule,
            kind: attachment.entity.kind(),
            entity: attachment.entity.id(attachment.organization),
            priority: attachment.priority,
            character_limit: attachment.character_limit,
            is_active: attachment.is_active,
            attached_at: attachment.attached_at,
            attached_by: attachment.attached_by,
        }
    }
}

impl From<&AssistantRule> for AttachmentView {
    fn from(rule: &AssistantRule) -> Self {
        Self::of_assistant(rule.assistant, &rule.attached)
    }
}

/// Names the state of an attachment.
pub(super) fn tag_of(
    priority: u8,
    character_limit: u32,
    is_active: bool,
    attached_at: Timestamp,
) -> String {
    let active = u8::from(is_active);
    format!("{priority:x}-{character_limit:x}-{active}-{:x}", attached_at.unix_micros())
}

/// Checks `If-Match` against what is there, if anything is.
pub(super) fn check_precondition(precondition: &Precondition, tag: Option<String>) -> Result<()> {
    match (precondition, tag) {
        (Precondition::None, None) => Ok(()),
        (_, None) => Err(Error::PreconditionFailed),
        (precondition, Some(tag)) => precondition.check(&tag),
    }
}

/// Refuses to attach a rule to a kind of thing that its scope leaves out.
pub(super) fn require_scope_of(rule: &Rule, kind: &str) -> Result<()> {
    if rule.scope.covers(kind) {
        return Ok(());
    }
    let message = format!("must be `{}`, which the rule's scope is", rule.scope.as_str());
    Err(Error::invalid("entityType", "scope", message))
}

/// Everything that a rule is attached to, assistants and drafts included.
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::Forbidden`] for all but administrators.
pub async fn list_attachments(
    deps: Deps<'_>,
    caller: &Caller,
    rule: RuleId,
) -> Result<Vec<AttachmentView>> {
    require_admin(&caller.actor, Scope::Read)?;
    view_rule(deps, caller, rule).await?;
    let mut all = of_assistants(&deps, caller, rule).await?;
    let others = deps.store.rules().attachments(caller.tenant(), rule).await?;
    all.extend(others.iter().map(AttachmentView::from));
    Ok(all)
}

async fn of_assistants(
    deps: &Deps<'_>,
    caller: &Caller,
    rule: RuleId,
) -> Result<Vec<AttachmentView>> {
    let mut all = Vec::new();
    for id in holders(deps, caller, rule).await?.into_values().flatten() {
        let reference = AssistantRef::Id(id);
        let Some(found) = deps.store.assistants().find(caller.tenant(), &reference).await? else {
            continue;
        };
        let rules = &found.assistant.content.rules;
        let attached = rules.iter().find(|attached| attached.rule_id == rule);
        all.extend(attached.map(|attached| AttachmentView::of_assistant(id, attached)));
    }
    Ok(all)
}

/// One of the things that a rule is attached to.
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::Forbidden`] for all but administrators.
pub async fn view_attachment(
    deps: Deps<'_>,
    caller: &Caller,
    rule: RuleId,
    (kind, entity): (&str, &str),
) -> Result<AttachmentView> {
    let all = list_attachments(deps, caller, rule).await?;
    let mut found = all.into_iter().filter(|one| one.kind == kind && one.entity == entity);
    found.next().ok_or(Error::NotFound("attachment"))
}

/// Attaches a rule to something, or changes how it is attached; `true` when it was
/// not attached before.
///
/// # Errors
///
/// [`Error::Invalid`] with every fault, [`Error::NotFound`] also for what it would
/// be attached to, [`Error::TooMany`], [`Error::PreconditionFailed`],
/// [`Error::Forbidden`] for all but administrators.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn attach_rule(
    deps: Deps<'_>,
    caller: &Caller,
    rule: RuleId,
    (kind, entity): (&str, &str),
    command: AttachRule,
) -> Result<(AttachmentView, bool)> {
    require_admin(&caller.actor, Scope::Admin)?;
    if kind == ASSISTANT {
        let (attached, is_new) = attach_to_assistant(deps, caller, entity, rule, command).await?;
        return Ok((AttachmentView::from(&attached), is_new));
    }
    let entity = read_entity(caller, kind, entity)?;
    let all = deps.store.rules().attachments(caller.tenant(), rule).await?;
    let before = all.iter().find(|known| known.entity == entity).cloned();
    check_precondition(
        &command.precondition,
        before.as_ref().map(|known| AttachmentView::from(known).etag()),
    )?;
    let after = attachment(&deps, caller, (rule, entity), before.as_ref(), &command)?;
    if before.as_ref() == Some(&after) {
        return Ok((AttachmentView::from(&after), false));
    }
    if before.is_none() && all.len() >= MAX_ATTACHMENTS {
        return Err(Error::TooMany { what: "attachments of a rule", limit: MAX_ATTACHMENTS });
    }

    let mut work = deps.store.begin(caller.tenant()).await?;
    let known = work.rules().find(&[rule]).await?.pop().ok_or(Error::NotFound("rule"))?;
    require_scope_of(&known, kind)?;
    require_entity(&mut *work, &after.entity).await?;
    let is_new = work.rules().save_attachment(&after).await.map_err(on_write)?;
    let action = if is_new { "rule.attached" } else { "rule.attachment_updated" };
    let values = (before.as_ref().map(state_of), Some(state_of(&after)));
    record(&deps, caller, &mut *work, action, rule.to_string(), values).await?;
    work.commit().await?;

    Ok((AttachmentView::from(&after), is_new))
}

fn attachment(
    deps: &Deps<'_>,
    caller: &Caller,
    (rule, entity): (RuleId, RuleEntity),
    before: Option<&RuleAttachment>,
    command: &AttachRule,
) -> Result<RuleAttachment> {
    let before = before.cloned().unwrap_or_else(|| RuleAttachment {
        organization: caller.tenant(),
        rule,
        entity,
        priority: AttachedRule::PRIORITY,
        character_limit: AttachedRule::CHARACTER_LIMIT,
        is_active: true,
        attached_at: deps.clock.now(),
        attached_by: caller.actor.user,
    });
    let Settings { priority, character_limit, is_active } =
        command.settings(before.priority, before.character_limit, before.is_active)?;
    Ok(RuleAttachment { priority, character_limit, is_active, ..before })
}

/// Detaches a rule from something.
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::Forbidden`] for all but administrators.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn detach_rule(
    deps: Deps<'_>,
    caller: &Caller,
    rule: RuleId,
    (kind, entity): (&str, &str),
) -> Result<()> {
    require_admin(&caller.actor, Scope::Admin)?;
    if kind == ASSISTANT {
        return detach_from_assistant(deps, caller, entity, rule).await;
    }
    let entity = read_entity(caller, kind, entity)?;
    let all = deps.store.rules().attachments(caller.tenant(), rule).await?;
    let before = all.iter().find(|known| known.entity == entity);
    let mut work = deps.store.begin(caller.tenant()).await?;
    if !work.rules().delete_attachment(rule, &entity).await? {
        return Err(Error::NotFound("attachment"));
    }
    let values = (before.map(state_of), None);
    record(&deps, caller, &mut *work, "rule.detached", rule.to_string(), values).await?;
    Ok(work.commit().await?)
}

/// What a path names, as far as its form tells.
fn read_entity(caller: &Caller, kind: &str, id: &str) -> Result<RuleEntity> {
    let missing = || Error::NotFound("thing that rules are attached to");
    let entity = RuleEntity::read(caller.tenant(), kind, id).ok_or_else(missing)?;
    let is_there = match &entity {
        RuleEntity::Organization | RuleEntity::User(_) => true,
        RuleEntity::Model(key) => catalogue::find(key).is_some(),
        RuleEntity::VectorStore(id) => is_vector_store(id),
    };
    if is_there { Ok(entity) } else { Err(missing()) }
}

/// Whether the text can name a vector store, which this service does not keep
/// itself.
fn is_vector_store(id: &str) -> bool {
    let rest = id.strip_prefix("vs_").unwrap_or_default();
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"_-".contains(&b);
    (1..=128).contains(&rest.len()) && rest.bytes().all(is_plain)
}

async fn require_entity(work: &mut dyn UnitOfWork, entity: &RuleEntity) -> Result<()> {
    if let RuleEntity::User(user) = entity
        && work.users().known(&[*user]).await?.is_empty()
    {
        return Err(Error::NotFound("user"));
    }
    Ok(())
}

/// What the audit log keeps of an attachment.
fn state_of(attachment: &RuleAttachment) -> Value {
    json!({
        "entityType": attachment.entity.kind(),
        "entityId": attachment.entity.id(attachment.organization),
        "priority": attachment.priority,
        "characterLimit": attachment.character_limit,
        "isActive": attachment.is_active,
    })
}
