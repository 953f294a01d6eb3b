//! What several use cases share: finding and locking an assistant, writing its
//! history, sealing write-only values.

use serde_json::{Map, Value};

use super::{Caller, Conflict, Denied, Deps, Error, Precondition, Result};
use crate::{
    Actor, Assistant, AssistantId, AuditEvent, Content, DataKey, Fault, Id, OrganizationId,
    Principal, Scope, SealedValue, Secret, Slug, Timestamp, Version,
    access::{self, Level, Standing},
    assistant::{AssistantRef, edit::NewSealed, view::AssistantView},
    diff::{Change, changes_of, mask},
    ports::{
        AssistantRecord, CryptoError, DraftMark, SealingKey, StoreError, TeamRepository,
        UnitOfWork, UserRepository, Vault,
    },
};

/// A fresh identifier of any kind.
pub(super) fn fresh<T>(deps: &Deps<'_>) -> Id<T> {
    Id::from_uuid(deps.ids.uuid())
}

pub(super) fn require_seat(actor: &Actor) -> Result<()> {
    if actor.ai_seat { Ok(()) } else { Err(Error::SeatRequired) }
}

/// Refuses a token that does not cover `scope`.
pub(super) fn require_scope(actor: &Actor, scope: Scope) -> Result<()> {
    if actor.has_scope(scope) {
        return Ok(());
    }
    let read_only = actor.limits().is_some_and(|limits| limits.read_only && scope != Scope::Read);
    Err(if read_only { Denied::ReadOnly } else { Denied::Scope(scope.as_str()) }.into())
}

/// Refuses everyone but administrators, and their tokens without the scope.
pub(super) fn require_admin(actor: &Actor, scope: Scope) -> Result<()> {
    if !actor.role.is_admin() {
        return Err(Denied::Role("the role admin or owner").into());
    }
    require_unlimited(actor)?;
    require_scope(actor, scope)
}

/// Refuses tokens of one assistant: they reach nothing else.
pub(super) fn require_unlimited(actor: &Actor) -> Result<()> {
    match actor.only_assistant() {
        Some(_) => Err(Denied::OneAssistant.into()),
        None => Ok(()),
    }
}

pub(super) fn require_level(view: &AssistantView, needed: Level) -> Result<()> {
    if view.level >= needed { Ok(()) } else { Err(Denied::Level { needed }.into()) }
}

/// What the caller may do with an assistant that was found, or why it is as if
/// there were none. The order is that of assistant.md: the seat before anything
/// about the assistant is revealed, then whether it is visible at all.
pub(super) fn judge(actor: &Actor, record: AssistantRecord) -> Result<AssistantView> {
    require_seat(actor)?;
    let authority = record.authority();
    let out_of_reach =
        actor.only_assistant().is_some_and(|only| only != record.assistant.lineage());
    let level = access::level(&Standing::of(actor), authority);
    let least = if record.assistant.is_draft() { Level::Edit } else { Level::View };
    if out_of_reach || level < least || authority.deleted_at.is_some() {
        return Err(Error::NotFound("assistant"));
    }
    if !authority.policy.api_enabled && actor.limits().is_some() {
        return Err(Error::ApiDisabled);
    }
    let at_home = actor.organization == authority.organization;
    Ok(AssistantView { record, level, at_home })
}

/// The assistant that a path names, if the caller may see it.
pub(super) async fn find(
    deps: &Deps<'_>,
    caller: &Caller,
    reference: &str,
) -> Result<AssistantView> {
    require_seat(&caller.actor)?;
    require_scope(&caller.actor, Scope::Read)?;
    locate(deps, caller, reference).await
}

/// As [`find`], for those whose credential needs another scope than that of reading.
pub(super) async fn locate(
    deps: &Deps<'_>,
    caller: &Caller,
    reference: &str,
) -> Result<AssistantView> {
    require_seat(&caller.actor)?;
    let missing = || Error::NotFound("assistant");
    let reference = AssistantRef::parse(reference).ok_or_else(missing)?;
    let found = deps.store.assistants().find(caller.tenant(), &reference).await?;
    judge(&caller.actor, found.ok_or_else(missing)?)
}

/// The assistant that a path names, if the caller has this level on it and their
/// credential may write.
pub(super) async fn find_to_write(
    deps: &Deps<'_>,
    caller: &Caller,
    reference: &str,
    needed: Level,
) -> Result<AssistantView> {
    let view = locate(deps, caller, reference).await?;
    require_scope(&caller.actor, Scope::Write)?;
    require_level(&view, needed)?;
    Ok(view)
}

/// Reads an assistant again, locked until the end of the transaction, and judges
/// it anew: what was seen before may have changed. The live row is locked before
/// its draft, always, so that two writers never wait for each other.
pub(super) async fn lock(
    work: &mut dyn UnitOfWork,
    actor: &Actor,
    seen: &AssistantView,
    needed: Level,
) -> Result<AssistantView> {
    let missing = || Error::NotFound("assistant");
    let assistant = &seen.record.assistant;
    let live = work.assistants().find(assistant.lineage()).await?.ok_or_else(missing)?;
    let record = if assistant.is_draft() {
        let draft = work.assistants().find(assistant.id).await?.ok_or_else(missing)?;
        AssistantRecord { assistant: draft, live: Some(Box::new(live)), draft: None }
    } else {
        let draft = work.assistants().find_draft_of(live.id).await?;
        let draft = draft.map(|draft| DraftMark { id: draft.id });
        AssistantRecord { assistant: live, live: None, draft }
    };
    let view = judge(actor, record)?;
    require_level(&view, needed)?;
    Ok(view)
}

/// Locks an assistant and checks `If-Match` against it.
pub(super) async fn lock_matching(
    work: &mut dyn UnitOfWork,
    actor: &Actor,
    seen: &AssistantView,
    needed: Level,
    precondition: &Precondition,
) -> Result<AssistantView> {
    let view = lock(work, actor, seen, needed).await?;
    precondition.check(&view.etag())?;
    Ok(view)
}

/// Seals new write-only values for the live assistant and stores them.
pub(super) async fn seal(
    deps: &Deps<'_>,
    vault: &dyn Vault,
    work: &mut dyn UnitOfWork,
    (organization, live): (OrganizationId, AssistantId),
    values: Vec<NewSealed>,
) -> Result<()> {
    if values.is_empty() {
        return Ok(());
    }
    let now = deps.clock.now();
    let key = data_key(deps, vault, work, organization).await?;
    let context = key_context(organization);
    let sealing = SealingKey { id: key.id.as_uuid(), context: &context, wrapped: &key.wrapped };
    let mut sealed = Vec::with_capacity(values.len());
    for NewSealed { id, name, value } in values {
        let bound = SealedValue::associated_data(organization, live, id, &name);
        let ciphertext = vault.seal(&sealing, &bound, &value)?;
        sealed.push(SealedValue {
            id,
            organization,
            assistant: live,
            name,
            ciphertext,
            created_at: now,
        });
    }
    Ok(work.records().insert_sealed(&sealed).await?)
}

/// The key that the organization's values are sealed with; the first time it makes
/// one.
pub(super) async fn data_key(
    deps: &Deps<'_>,
    vault: &dyn Vault,
    work: &mut dyn UnitOfWork,
    organization: OrganizationId,
) -> Result<DataKey> {
    if let Some(key) = work.records().newest_data_key().await? {
        return Ok(key);
    }
    let wrapped = vault.new_data_key(&key_context(organization))?;
    let key = DataKey { id: fresh(deps), organization, wrapped, created_at: deps.clock.now() };
    work.records().insert_data_key(&key).await?;
    Ok(key)
}

/// Seals one text for the organization, bound to `associated_data`.
pub(super) async fn seal_text(
    deps: &Deps<'_>,
    vault: &dyn Vault,
    work: &mut dyn UnitOfWork,
    organization: OrganizationId,
    (associated_data, text): (&[u8], &Secret<String>),
) -> Result<Vec<u8>> {
    let key = data_key(deps, vault, work, organization).await?;
    let context = key_context(organization);
    let sealing = SealingKey { id: key.id.as_uuid(), context: &context, wrapped: &key.wrapped };
    Ok(vault.seal(&sealing, associated_data, text)?)
}

/// Opens what was sealed for the organization, with whichever data key it was.
pub(super) async fn open_text(
    vault: &dyn Vault,
    work: &mut dyn UnitOfWork,
    organization: OrganizationId,
    (associated_data, sealed): (&[u8], &[u8]),
) -> Result<Secret<String>> {
    let id = Id::from_uuid(vault.key_of(sealed)?);
    let key = work.keys().find(id).await?.ok_or(CryptoError::Mismatch)?;
    open_with(vault, &key, organization, (associated_data, sealed))
}

/// The same for those who write nothing: they need not wait for those who do.
pub(super) async fn read_text(
    deps: &Deps<'_>,
    vault: &dyn Vault,
    organization: OrganizationId,
    (associated_data, sealed): (&[u8], &[u8]),
) -> Result<Secret<String>> {
    let id = Id::from_uuid(vault.key_of(sealed)?);
    let key = deps.store.keys().data_key(organization, id).await?;
    let key = key.ok_or(CryptoError::Mismatch)?;
    open_with(vault, &key, organization, (associated_data, sealed))
}

fn open_with(
    vault: &dyn Vault,
    key: &DataKey,
    organization: OrganizationId,
    (associated_data, sealed): (&[u8], &[u8]),
) -> Result<Secret<String>> {
    let context = key_context(organization);
    let sealing = SealingKey { id: key.id.as_uuid(), context: &context, wrapped: &key.wrapped };
    Ok(vault.open(&sealing, associated_data, sealed)?)
}

/// What the data keys of an organization are bound to.
pub(super) fn key_context(organization: OrganizationId) -> Vec<u8> {
    organization.to_string().into_bytes()
}

/// The slug of a new or renamed assistant that asked for none.
pub(super) async fn free_slug(
    deps: &Deps<'_>,
    work: &mut dyn UnitOfWork,
    name: &str,
) -> Result<Slug> {
    const TRIES: u32 = 20;
    let plain = Slug::of_name(name);
    if work.assistants().find_by_slug(&plain).await?.is_none() {
        return Ok(plain);
    }
    for number in 2..TRIES {
        let slug = plain.numbered(number);
        if work.assistants().find_by_slug(&slug).await?.is_none() {
            return Ok(slug);
        }
    }
    let random = deps.ids.random();
    let number = u32::from_be_bytes([random[0], random[1], random[2], random[3]]);
    Ok(plain.numbered(number.max(TRIES)))
}

/// All of an assistant that writes change, as one document: what the audit log
/// and the count of a version's changes compare.
pub(super) fn document_of(assistant: &Assistant) -> Value {
    let mut document = Map::new();
    let parts = [serde_json::to_value(&assistant.content), serde_json::to_value(&assistant.policy)];
    for part in parts {
        if let Ok(Value::Object(map)) = part {
            document.extend(map);
        }
    }
    let owner = match assistant.owner {
        Principal::User(user) => user.to_string(),
        Principal::Team(team) => team.to_string(),
    };
    document.insert("slug".to_owned(), assistant.slug.as_ref().map(Slug::as_str).into());
    document.insert("is_default".to_owned(), assistant.is_default.into());
    document.insert("owner".to_owned(), owner.into());
    document
        .insert("deleted_at".to_owned(), assistant.deleted_at.map(Timestamp::unix_seconds).into());
    Value::Object(document)
}

/// The readable changes between two states of an assistant.
pub(super) fn changes_between(before: &Assistant, after: &Assistant) -> Vec<Change> {
    changes_of(&document_of(before), &document_of(after))
}

/// Adds the version that `assistant.version` names.
pub(super) async fn add_version(
    deps: &Deps<'_>,
    caller: &Caller,
    work: &mut dyn UnitOfWork,
    assistant: &Assistant,
    (changes, message): (usize, Option<String>),
) -> Result<()> {
    let version = Version {
        id: fresh(deps),
        organization: assistant.organization,
        assistant: assistant.id,
        number: assistant.version,
        author: caller.actor.user,
        created_at: assistant.updated_at,
        message,
        changes: u32::try_from(changes).unwrap_or(u32::MAX),
        content: assistant.content.clone(),
    };
    Ok(work.records().insert_version(&version).await?)
}

/// Adds an event that is no assistant's affair to the audit log.
pub(super) async fn record(
    deps: &Deps<'_>,
    caller: &Caller,
    work: &mut dyn UnitOfWork,
    action: &str,
    target: String,
    values: (Option<Value>, Option<Value>),
) -> Result<()> {
    let event = event(deps, caller, action, target, values);
    Ok(work.records().append_event(&event).await?)
}

/// Adds an event to the audit log that is the affair of this live assistant.
pub(super) async fn record_about(
    deps: &Deps<'_>,
    caller: &Caller,
    work: &mut dyn UnitOfWork,
    live: AssistantId,
    (action, target): (&str, String),
    values: (Option<Value>, Option<Value>),
) -> Result<()> {
    let event = event(deps, caller, action, target, values);
    let event = AuditEvent { assistant: Some(live), ..event };
    Ok(work.records().append_event(&event).await?)
}

/// An event as it is recorded.
pub(super) fn event(
    deps: &Deps<'_>,
    caller: &Caller,
    action: &str,
    target: String,
    (before, after): (Option<Value>, Option<Value>),
) -> AuditEvent {
    let token = match &caller.actor.credential {
        crate::Credential::Token { id, .. } => Some(*id),
        crate::Credential::Session(_) | crate::Credential::Console => None,
    };
    AuditEvent {
        id: fresh(deps),
        organization: caller.tenant(),
        at: deps.clock.now(),
        actor: Some(caller.actor.user),
        token,
        address: caller.origin.address.map(|address| address.to_canonical().to_string()),
        request_id: caller.origin.request_id.clone(),
        action: action.to_owned(),
        target,
        assistant: None,
        before,
        after,
    }
}

/// What changed, as the `before` and `after` of an event: pointers and values.
pub(super) fn event_values(changes: &[Change]) -> (Option<Value>, Option<Value>) {
    let side = |pick: fn(&Change) -> &Value| -> Value {
        changes
            .iter()
            .map(|change| (change.pointer.clone(), pick(change).clone()))
            .collect::<Map<_, _>>()
            .into()
    };
    (Some(side(|change| &change.before)), Some(side(|change| &change.after)))
}

/// A whole state as the `after` of an event, masked.
pub(super) fn event_state(assistant: &Assistant) -> (Option<Value>, Option<Value>) {
    let mut value = document_of(assistant);
    mask(&mut value);
    (None, Some(value))
}

/// Refuses users that are not of the organization.
pub(super) async fn require_known_users(
    users: &mut dyn UserRepository,
    named: std::collections::BTreeMap<crate::UserId, String>,
) -> Result<()> {
    if named.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = named.keys().copied().collect();
    let known = users.known(&ids).await?;
    let faults: Vec<_> = named
        .into_iter()
        .filter(|(id, _)| !known.contains(id))
        .map(|(_, at)| Fault::new(at, "unknown", "must be the id of a user of the organization"))
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
}

/// The team, locked, or `404`.
pub(super) async fn lock_team(
    teams: &mut dyn TeamRepository,
    id: crate::TeamId,
) -> Result<crate::Team> {
    teams.find(id).await?.ok_or(Error::NotFound("team"))
}

/// Tells a unique value that is taken, and a write that came too late, as the
/// caller's conflict instead of the store's failure.
pub(super) fn on_write(error: StoreError) -> Error {
    match error {
        StoreError::AlreadyExists { what: "draft" } => Conflict::DraftExists.into(),
        StoreError::AlreadyExists { what: what @ ("name" | "slug" | "email" | "external id") } => {
            Conflict::Taken { what }.into()
        }
        StoreError::AlreadyExists { .. } | StoreError::Conflict => Conflict::Concurrent.into(),
        StoreError::Unavailable(_) | StoreError::Corrupt { .. } => Error::Store(error),
    }
}

/// The content, if it can stand as it is.
pub(super) fn check_content(content: Content) -> std::result::Result<Content, Vec<Fault>> {
    let mut faults: Vec<_> =
        crate::assistant::check_rules(&content).into_iter().map(|rule| rule.fault).collect();
    faults.extend(crate::assistant::too_large(&content));
    if faults.is_empty() { Ok(content) } else { Err(faults) }
}
