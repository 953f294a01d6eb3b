//! The caller's organization: its settings, and what they allow.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    Caller, Deps, Error, Precondition, Result, budgets,
    support::{on_write, record, require_admin, require_scope, require_unlimited},
};
use crate::{
    Content, Fault, Organization, OrganizationLimits, OrganizationSettings, Scope,
    budget::Budget,
    catalogue,
    ports::{Counted, UnitOfWork},
};

/// Most characters of the name.
pub const MAX_NAME_CHARS: usize = 255;
/// The highest number that a limit can be: every client can read it.
pub const MAX_LIMIT: u64 = (1 << 53) - 1;

/// A change to the organization; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct UpdateOrganization {
    /// What people call it.
    pub name: Option<String>,
    /// The model of new assistants that name none.
    pub default_model_key: Option<String>,
    /// The providers whose models may be used; `Some(None)` for all.
    pub allowed_providers: Option<Option<Vec<String>>>,
    /// How much there may be.
    pub limits: LimitChanges,
    /// How much may be used of models: all budgets that there are to be.
    pub budgets: Option<Vec<Budget>>,
    /// What the caller demands of the state.
    pub precondition: Precondition,
}

/// Limits that are to change; `Some(None)` takes one away.
#[derive(Clone, Copy, Debug, Default)]
#[expect(missing_docs, reason = "as in OrganizationLimits")]
pub struct LimitChanges {
    pub max_assistants: Option<Option<u64>>,
    pub max_users: Option<Option<u64>>,
    pub max_tokens_per_user: Option<Option<u64>>,
    pub max_token_days: Option<Option<u64>>,
    pub max_storage_bytes: Option<Option<u64>>,
}

impl LimitChanges {
    fn apply(self, before: OrganizationLimits) -> OrganizationLimits {
        OrganizationLimits {
            max_assistants: self.max_assistants.unwrap_or(before.max_assistants),
            max_users: self.max_users.unwrap_or(before.max_users),
            max_tokens_per_user: self.max_tokens_per_user.unwrap_or(before.max_tokens_per_user),
            max_token_days: self.max_token_days.unwrap_or(before.max_token_days),
            max_storage_bytes: self.max_storage_bytes.unwrap_or(before.max_storage_bytes),
        }
    }
}

/// The strong entity tag of an organization, without quotes.
#[must_use]
pub fn etag(organization: &Organization) -> String {
    format!("{:x}", organization.revision)
}

/// The caller's organization.
///
/// # Errors
///
/// [`Error::Forbidden`] for tokens that do not cover it.
pub async fn view_organization(deps: Deps<'_>, caller: &Caller) -> Result<Organization> {
    require_unlimited(&caller.actor)?;
    require_scope(&caller.actor, Scope::Read)?;
    let found = deps.store.directory().organization(caller.tenant()).await?;
    found.ok_or(Error::NotFound("organization"))
}

/// Changes name and settings. A limit that is below what there is takes nothing
/// away; there may be no more until it fits.
///
/// # Errors
///
/// [`Error::Invalid`] with every fault, [`Error::PreconditionFailed`],
/// [`Error::Forbidden`] for all but administrators.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn update_organization(
    deps: Deps<'_>,
    caller: &Caller,
    command: UpdateOrganization,
) -> Result<Organization> {
    require_admin(&caller.actor, Scope::Admin)?;
    let mut work = deps.store.begin(caller.tenant()).await?;
    let before = work.organizations().find().await?.ok_or(Error::NotFound("organization"))?;
    let UpdateOrganization {
        name,
        default_model_key,
        allowed_providers,
        limits,
        budgets,
        precondition,
    } = command;
    precondition.check(&etag(&before))?;
    let settings = OrganizationSettings {
        default_model_key: default_model_key
            .unwrap_or_else(|| before.settings.default_model_key.clone()),
        allowed_providers: allowed_providers
            .unwrap_or_else(|| before.settings.allowed_providers.clone()),
        limits: limits.apply(before.settings.limits),
        budgets: budgets.unwrap_or_else(|| before.settings.budgets.clone()),
    };
    let name = name.map_or_else(|| before.name.clone(), |name| name.trim().to_owned());
    let after = Organization { name, settings, ..before.clone() };
    let faults = faults_of(&after);
    if !faults.is_empty() {
        return Err(Error::Invalid(faults));
    }
    if after == before {
        return Ok(before);
    }
    let values = (Some(state_of(&before)), Some(state_of(&after)));
    let after = work.organizations().update(after).await.map_err(on_write)?;
    record(&deps, caller, &mut *work, "organization.updated", after.id.to_string(), values).await?;
    work.commit().await?;

    Ok(after)
}

fn faults_of(organization: &Organization) -> Vec<Fault> {
    let Organization { name, settings, .. } = organization;
    let mut faults = Vec::new();
    if name.is_empty()
        || name.chars().count() > MAX_NAME_CHARS
        || name.chars().any(char::is_control)
    {
        let message =
            format!("must have 1 to {MAX_NAME_CHARS} characters, and no control characters");
        faults.push(Fault::new("/name", "invalid", message));
    }
    provider_faults(settings.allowed_providers.as_deref().unwrap_or_default(), &mut faults);
    match catalogue::find(&settings.default_model_key) {
        None => {
            let message = "is not a model of the catalogue; see `/api/models`";
            faults.push(Fault::new("/defaultModelKey", "unknown_model", message));
        }
        Some(model) if !settings.allows_provider(&model.provider) => {
            let message = format!("must be of an allowed provider; it is of `{}`", model.provider);
            faults.push(Fault::new("/defaultModelKey", "provider_not_allowed", message));
        }
        Some(_) => {}
    }
    faults.extend(budgets::faults_of(&settings.budgets));
    let OrganizationLimits {
        max_assistants,
        max_users,
        max_tokens_per_user,
        max_token_days,
        max_storage_bytes,
    } = settings.limits;
    for (limit, least, at) in [
        (max_assistants, 0, "/limits/maxAssistants"),
        (max_users, 1, "/limits/maxUsers"),
        (max_tokens_per_user, 0, "/limits/maxTokensPerUser"),
        (max_token_days, 1, "/limits/maxTokenDays"),
        (max_storage_bytes, 0, "/limits/maxStorageBytes"),
    ] {
        if limit.is_some_and(|limit| !(least..=MAX_LIMIT).contains(&limit)) {
            let message = format!("must be {least} to {MAX_LIMIT}, or null");
            faults.push(Fault::new(at, "range", message));
        }
    }
    faults
}

fn provider_faults(allowed: &[String], faults: &mut Vec<Fault>) {
    let mut seen = BTreeSet::new();
    for (index, provider) in allowed.iter().enumerate() {
        let at = format!("/allowedProviders/{index}");
        if !catalogue::providers().contains(provider) {
            let known = catalogue::providers().join(", ");
            faults.push(Fault::new(at, "unknown_provider", format!("must be one of {known}")));
        } else if !seen.insert(provider) {
            faults.push(Fault::new(at, "duplicate_item", "must be unique"));
        }
    }
}

/// What the audit log keeps of an organization.
fn state_of(organization: &Organization) -> Value {
    json!({ "name": organization.name, "settings": organization.settings })
}

/// The settings, as they are in this transaction.
pub(super) async fn settings(work: &mut dyn UnitOfWork) -> Result<OrganizationSettings> {
    let found = work.organizations().find().await?;
    Ok(found.ok_or(Error::NotFound("organization"))?.settings)
}

/// Refuses one more of `what` than the organization may have. What is counted stays
/// counted until the transaction ends, so ask before anything else is locked.
pub(super) async fn require_room(
    work: &mut dyn UnitOfWork,
    counted: Counted,
    (limit, what): (Option<u64>, &'static str),
) -> Result<()> {
    let Some(limit) = limit else { return Ok(()) };
    if work.organizations().count(counted).await? < limit {
        return Ok(());
    }
    Err(too_many(what, limit))
}

/// Refuses an assistant more than the organization may have.
pub(super) async fn require_room_for_assistant(work: &mut dyn UnitOfWork) -> Result<()> {
    let limit = settings(work).await?.limits.max_assistants;
    require_room(work, Counted::Assistants, (limit, "assistants in the organization")).await
}

/// Refuses a user more than the organization may have.
pub(super) async fn require_room_for_user(work: &mut dyn UnitOfWork) -> Result<()> {
    let limit = settings(work).await?.limits.max_users;
    require_room(work, Counted::Users, (limit, "users in the organization")).await
}

/// How many bytes the organization may have, and how many it has; `None` where
/// there is no limit. It stays counted until the transaction ends.
pub(super) struct Storage {
    limit: u64,
    before: u64,
}

impl Storage {
    /// To be asked before the bytes are noted.
    pub(super) async fn measure(work: &mut dyn UnitOfWork) -> Result<Option<Self>> {
        let Some(limit) = settings(work).await?.limits.max_storage_bytes else { return Ok(None) };
        let before = work.organizations().count(Counted::StoredBytes).await?;
        Ok(Some(Self { limit, before }))
    }

    /// Refuses what was noted since, if it is new and does not fit. The same bytes
    /// count once.
    pub(super) async fn require_fit(self, work: &mut dyn UnitOfWork) -> Result<()> {
        let Self { limit, before } = self;
        let after = work.organizations().count(Counted::StoredBytes).await?;
        if after <= limit || after <= before {
            return Ok(());
        }
        Err(too_many("bytes of files, icons and pictures in the organization", limit))
    }
}

fn too_many(what: &'static str, limit: u64) -> Error {
    Error::TooMany { what, limit: usize::try_from(limit).unwrap_or(usize::MAX) }
}

/// Refuses a write that takes a model of a provider that the organization does not
/// allow. A model that was there before may stay: it is the run that is refused.
pub(super) async fn require_allowed_model(
    work: &mut dyn UnitOfWork,
    before: Option<&Content>,
    after: &Content,
) -> Result<()> {
    let key = after.default_model_key.as_str();
    if before.is_some_and(|before| before.default_model_key == key) {
        return Ok(());
    }
    let Some(model) = catalogue::find(key) else { return Ok(()) };
    if settings(work).await?.allows_provider(&model.provider) {
        return Ok(());
    }
    let message = format!(
        "must be of a provider that the organization allows; `{key}` is of `{}`",
        model.provider
    );
    Err(Error::invalid("/default_model_key", "provider_not_allowed", message))
}
