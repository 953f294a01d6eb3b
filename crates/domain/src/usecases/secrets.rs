//! Secrets of an assistant: written and used, never read back. A value is bound to
//! the name and the origins it was given for, so it never travels to another place.

use super::{
    Caller, Conflict, Deps, Error, Precondition, Result,
    change::Change,
    support::{find, find_to_write, fresh, open_text, require_level, seal},
};
use crate::{
    AssistantId, Content, Digest, SealedId, SealedValue, Secret, SecretId,
    access::Level,
    assistant::{content::SecretEntry, edit::NewSealed, view::AssistantView},
    ports::Vault,
    skill,
};

pub(super) mod input;

use input::{Given, Settings};
pub use input::{MAX_ORIGINS, MAX_VALUE_BYTES};

/// Most secrets of one assistant.
pub const MAX_SECRETS: usize = 100;

/// A secret, as its editors see it: without its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretView {
    /// The assistant or draft.
    pub assistant: AssistantId,
    /// The secret.
    pub entry: SecretEntry,
}

impl SecretView {
    /// The strong entity tag of its state, without quotes; another value is another
    /// state.
    #[must_use]
    pub fn etag(&self) -> String {
        let text = serde_json::to_vec(&self.entry).unwrap_or_default();
        Digest::of(&text).to_string().chars().take(32).collect()
    }
}

/// A secret to add.
#[derive(Debug)]
pub struct NewSecret {
    /// The name by which skills refer to it.
    pub name: String,
    /// Its value.
    pub value: Secret<String>,
    /// What it is for.
    pub description: Option<String>,
    /// The origins it may be sent to; none yet when empty.
    pub origins: Vec<String>,
    /// Whether skills may use it in the runs of other people.
    pub shared: bool,
}

/// A change of a secret; what is `None` stays.
#[derive(Debug, Default)]
#[expect(missing_docs, reason = "as in NewSecret")]
pub struct SecretChange {
    pub name: Option<String>,
    /// The mask keeps the value.
    pub value: Option<Option<Secret<String>>>,
    pub description: Option<Option<String>>,
    pub origins: Option<Vec<String>>,
    pub shared: Option<bool>,
    /// What the caller demands of the state.
    pub precondition: Precondition,
}

/// The secrets of an assistant, in the order in which they were added.
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::Forbidden`] below edit.
pub async fn list_secrets(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
) -> Result<Vec<SecretView>> {
    let view = find(&deps, caller, reference).await?;
    require_level(&view, Level::Edit)?;
    Ok(view.record.assistant.content.secrets.iter().map(|entry| seen(&view, entry)).collect())
}

/// A secret.
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::Forbidden`] below edit.
pub async fn view_secret(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    id: SecretId,
) -> Result<SecretView> {
    let all = list_secrets(deps, caller, reference).await?;
    all.into_iter().find(|view| view.entry.id == id).ok_or(Error::NotFound("secret"))
}

/// Adds a secret. Its value is sealed and never shown again.
///
/// # Errors
///
/// [`Error::Invalid`] with every fault, [`Conflict::Taken`], [`Error::NotFound`],
/// [`Error::Forbidden`], [`Error::TooMany`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn add_secret(
    deps: Deps<'_>,
    vault: &dyn Vault,
    caller: &Caller,
    reference: &str,
    new: NewSecret,
) -> Result<SecretView> {
    let found = find_to_write(&deps, caller, reference, Level::Edit).await?;
    let NewSecret { name, value, description, origins, shared } = new;
    let mut faults = Vec::new();
    let settings = Settings::read(name, description, &origins, &mut faults);
    match input::given(value, false, &mut faults) {
        Given::New(value) if faults.is_empty() => {
            let now = deps.clock.now();
            let entry = SecretEntry {
                id: fresh(&deps),
                name: settings.name,
                description: settings.description,
                origins: settings.origins,
                shared,
                value: None,
                created_at: now,
                created_by: caller.actor.user,
                updated_at: now,
            };
            insert(&deps, vault, caller, &found, entry, value).await
        }
        Given::New(_) | Given::Kept | Given::Cleared => Err(Error::Invalid(faults)),
    }
}

async fn insert(
    deps: &Deps<'_>,
    vault: &dyn Vault,
    caller: &Caller,
    found: &AssistantView,
    mut entry: SecretEntry,
    value: Secret<String>,
) -> Result<SecretView> {
    let mut change = Change::begin(deps, caller, found).await?;
    let mut content = change.content().clone();
    if content.secrets.len() >= MAX_SECRETS {
        return Err(Error::TooMany { what: "secrets in an assistant", limit: MAX_SECRETS });
    }
    require_free_name(&entry.name, &content)?;
    put_value(deps, vault, &mut change, &mut entry, value).await?;
    content.secrets.push(entry.clone());
    let view = change.commit(deps, caller, content).await?;
    Ok(seen(&view, &entry))
}

/// Changes a secret. A value that stays is sealed anew for another name or fewer
/// origins; for more origins it must be given again.
///
/// # Errors
///
/// [`Error::Invalid`] with every fault, [`Conflict::Taken`],
/// [`Conflict::SecretInUse`] when a skill needs the name or an origin that would
/// go, [`Error::NotFound`], [`Error::Forbidden`], [`Error::PreconditionFailed`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn update_secret(
    deps: Deps<'_>,
    vault: &dyn Vault,
    caller: &Caller,
    reference: &str,
    id: SecretId,
    command: SecretChange,
) -> Result<SecretView> {
    let found = find_to_write(&deps, caller, reference, Level::Edit).await?;
    let mut change = Change::begin(&deps, caller, &found).await?;
    let mut content = change.content().clone();
    let place = content.secrets.iter().position(|entry| entry.id == id);
    let place = place.ok_or(Error::NotFound("secret"))?;
    let before = content.secrets.remove(place);
    command.precondition.check(&seen(change.view(), &before).etag())?;
    let (mut after, given) = changed(&before, command)?;
    require_free_name(&after.name, &content)?;
    content.secrets.insert(place, after.clone());
    require_unused(&before, &content)?;

    let rebound = (&after.name, &after.origins) != (&before.name, &before.origins);
    match (given, before.value) {
        (Given::New(value), _) => {
            put_value(&deps, vault, &mut change, &mut after, value).await?;
        }
        (Given::Cleared, _) => after.value = None,
        (Given::Kept, Some(sealed)) if rebound => {
            let value = open(vault, &mut change, &before, sealed).await?;
            put_value(&deps, vault, &mut change, &mut after, value).await?;
        }
        (Given::Kept, _) => {}
    }
    if after != before {
        after.updated_at = deps.clock.now();
    }
    if let Some(stored) = content.secrets.get_mut(place) {
        stored.clone_from(&after);
    }
    let view = change.commit(&deps, caller, content).await?;
    Ok(seen(&view, &after))
}

/// Removes a secret. Versions that have it can still bring it back.
///
/// # Errors
///
/// [`Conflict::SecretInUse`], [`Error::NotFound`], [`Error::Forbidden`],
/// [`Error::PreconditionFailed`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn remove_secret(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    id: SecretId,
    precondition: Precondition,
) -> Result<()> {
    let found = find_to_write(&deps, caller, reference, Level::Edit).await?;
    let change = Change::begin(&deps, caller, &found).await?;
    let mut content = change.content().clone();
    let place = content.secrets.iter().position(|entry| entry.id == id);
    let removed = content.secrets.remove(place.ok_or(Error::NotFound("secret"))?);
    precondition.check(&seen(change.view(), &removed).etag())?;
    require_unused(&removed, &content)?;
    change.commit(&deps, caller, content).await.map(drop)
}

fn seen(view: &AssistantView, entry: &SecretEntry) -> SecretView {
    SecretView { assistant: view.record.assistant.id, entry: entry.clone() }
}

/// What the command makes of a secret, without its new value.
fn changed(before: &SecretEntry, command: SecretChange) -> Result<(SecretEntry, Given)> {
    let SecretChange { name, value, description, origins, shared, precondition: _ } = command;
    let mut faults = Vec::new();
    let settings = Settings::read(
        name.unwrap_or_else(|| before.name.clone()),
        description.unwrap_or_else(|| before.description.clone()),
        origins.as_ref().unwrap_or(&before.origins),
        &mut faults,
    );
    let given = match value {
        None => Given::Kept,
        Some(None) => Given::Cleared,
        Some(Some(value)) => input::given(value, before.value.is_some(), &mut faults),
    };
    if matches!(given, Given::Kept) && before.value.is_some() {
        faults.extend(input::new_origin(before, &settings.origins));
    }
    if !faults.is_empty() {
        return Err(Error::Invalid(faults));
    }
    let Settings { name, description, origins } = settings;
    let shared = shared.unwrap_or(before.shared);
    Ok((SecretEntry { name, description, origins, shared, ..before.clone() }, given))
}

fn require_free_name(name: &str, others: &Content) -> Result<()> {
    if others.secrets.iter().any(|other| other.name == name) {
        return Err(Conflict::Taken { what: "name" }.into());
    }
    Ok(())
}

/// Refuses a content in which skills that use the secret cannot stand any more.
fn require_unused(secret: &SecretEntry, content: &Content) -> Result<()> {
    let secrets = skill::usable(&content.secrets);
    let broken = |skill: &&crate::assistant::content::Skill| {
        skill::uses_secret(skill, &secret.name)
            && !skill::faults(&(*skill).into(), &secrets).is_empty()
    };
    let skills: Vec<_> =
        content.skills.iter().filter(broken).map(|skill| skill.name.clone()).collect();
    if skills.is_empty() { Ok(()) } else { Err(Conflict::SecretInUse { skills }.into()) }
}

/// Seals a value for the secret as it is named and where it may go.
async fn put_value(
    deps: &Deps<'_>,
    vault: &dyn Vault,
    change: &mut Change,
    entry: &mut SecretEntry,
    value: Secret<String>,
) -> Result<()> {
    let id: SealedId = fresh(deps);
    let name = SecretEntry::sealed_name(&entry.name, &entry.origins);
    let assistant = &change.view().record.assistant;
    let place = (assistant.organization, assistant.lineage());
    seal(deps, vault, &mut *change.work, place, vec![NewSealed { id, name, value }]).await?;
    entry.value = Some(id);
    Ok(())
}

/// The stored value of a secret, which must be bound to what the secret says.
async fn open(
    vault: &dyn Vault,
    change: &mut Change,
    entry: &SecretEntry,
    id: SealedId,
) -> Result<Secret<String>> {
    let assistant = &change.view().record.assistant;
    let (organization, live) = (assistant.organization, assistant.lineage());
    let known = change.work.records().find_sealed(&[id]).await?;
    let stored = known.into_iter().find(|value| value.id == id);
    let gone = || Error::invalid("/value", "nothing_to_keep", "the value is gone; give it again");
    let stored = stored.ok_or_else(gone)?;
    let name = SecretEntry::sealed_name(&entry.name, &entry.origins);
    let bound = SealedValue::associated_data(organization, live, id, &name);
    open_text(vault, &mut *change.work, organization, (&bound, &stored.ciphertext)).await
}
