//! Administering providers of models.

use serde_json::{Value, json};

use super::{
    Caller, Deps, Error, Precondition, Result,
    support::{fresh, on_write, read_text, record, require_admin, seal_text},
};
use crate::{
    Provider, ProviderId, ProviderKind, Scope, Secret,
    ports::{ImageModel, ProviderAccess, ProviderError, UnitOfWork, Vault},
    sealed::MASK,
};

mod input;
mod install;

use input::Settings;
pub(super) use input::web_address;
pub use input::{MAX_KEY_CHARS, MAX_MODEL_CHARS, MAX_MODELS, MAX_NAME_CHARS, MAX_URL_CHARS};
pub use install::{InstalledProvider, install_providers};

/// Most providers of an organization.
pub const MAX_PROVIDERS: usize = 50;

/// A new provider.
#[derive(Debug)]
pub struct CreateProvider {
    /// Its name, unique in the organization.
    pub name: String,
    /// Its protocol.
    pub kind: ProviderKind,
    /// Where it is, if not at the vendor's own address.
    pub base_url: Option<String>,
    /// Its API key.
    pub api_key: Option<Secret<String>>,
    /// Keys of the models it is used for; empty for all.
    pub models: Vec<String>,
    /// Those with a lower number are asked first.
    pub priority: i32,
    /// Whether it is used at all.
    pub enabled: bool,
}

/// A change to a provider; what is `None` stays.
#[derive(Debug, Default)]
#[expect(missing_docs, reason = "as in CreateProvider")]
pub struct UpdateProvider {
    pub name: Option<String>,
    /// Must be the one that it has.
    pub kind: Option<ProviderKind>,
    pub base_url: Option<Option<String>>,
    /// The mask keeps the key.
    pub api_key: Option<Option<Secret<String>>>,
    pub models: Option<Vec<String>>,
    pub priority: Option<i32>,
    pub enabled: Option<bool>,
    /// What the caller demands of the state.
    pub precondition: Precondition,
}

/// The strong entity tag of a provider, without quotes.
#[must_use]
pub fn etag(provider: &Provider) -> String {
    format!("{:x}", provider.revision)
}

/// Adds a provider. Its key is sealed and never shown again.
///
/// # Errors
///
/// [`Error::Invalid`] with every fault, [`Error::Conflict`] for a taken name,
/// [`Error::TooMany`], [`Error::Forbidden`] for all but administrators.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn create_provider(
    deps: Deps<'_>,
    vault: &dyn Vault,
    caller: &Caller,
    command: CreateProvider,
) -> Result<Provider> {
    require_admin(&caller.actor, Scope::Admin)?;
    let CreateProvider { name, kind, base_url, api_key, models, priority, enabled } = command;
    let mut faults = Vec::new();
    if api_key.as_ref().is_some_and(is_mask) {
        faults.push(input::nothing_to_keep());
    }
    let settings = Settings { name, kind, base_url, api_key: api_key.as_ref(), models };
    let (name, base_url, models) = settings.check(faults)?;
    let known = deps.store.content().providers(caller.tenant()).await?;
    if known.len() >= MAX_PROVIDERS {
        return Err(Error::TooMany { what: "providers in an organization", limit: MAX_PROVIDERS });
    }
    let now = deps.clock.now();
    let provider = Provider {
        id: fresh(&deps),
        organization: caller.tenant(),
        name,
        kind,
        base_url,
        api_key: None,
        models,
        priority,
        enabled,
        created_at: now,
        updated_at: now,
        revision: 1,
    };

    let mut work = deps.store.begin(caller.tenant()).await?;
    let provider = with_key(&deps, vault, &mut *work, provider, api_key).await?;
    work.providers().insert(&provider).await.map_err(on_write)?;
    let values = (None, Some(state_of(&provider)));
    let target = provider.id.to_string();
    record(&deps, caller, &mut *work, "provider.created", target, values).await?;
    work.commit().await?;

    Ok(provider)
}

/// The organization's providers, by priority and then by name.
///
/// # Errors
///
/// [`Error::Forbidden`] for all but administrators.
pub async fn list_providers(deps: Deps<'_>, caller: &Caller) -> Result<Vec<Provider>> {
    require_admin(&caller.actor, Scope::Read)?;
    Ok(deps.store.content().providers(caller.tenant()).await?)
}

/// A provider.
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::Forbidden`] for all but administrators.
pub async fn view_provider(deps: Deps<'_>, caller: &Caller, id: ProviderId) -> Result<Provider> {
    let all = list_providers(deps, caller).await?;
    all.into_iter().find(|provider| provider.id == id).ok_or(Error::NotFound("provider"))
}

/// Changes a provider. A key belongs to the address that it was given for: with
/// another address it must be given again.
///
/// # Errors
///
/// [`Error::Invalid`] with every fault, [`Error::NotFound`], [`Error::Conflict`]
/// for a taken name, [`Error::PreconditionFailed`], [`Error::Forbidden`] for all
/// but administrators.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn update_provider(
    deps: Deps<'_>,
    vault: &dyn Vault,
    caller: &Caller,
    id: ProviderId,
    command: UpdateProvider,
) -> Result<Provider> {
    require_admin(&caller.actor, Scope::Admin)?;
    let mut work = deps.store.begin(caller.tenant()).await?;
    let before = work.providers().find(id).await?.ok_or(Error::NotFound("provider"))?;
    command.precondition.check(&etag(&before))?;
    let Changed { after, new_key } = change(&before, command)?;
    if after == before && new_key.is_none() {
        return Ok(before);
    }
    let has_new_key = new_key.is_some();
    let after = Provider { updated_at: deps.clock.now(), ..after };
    let after = with_key(&deps, vault, &mut *work, after, new_key).await?;
    let mut state = state_of(&after);
    if let (true, Value::Object(state)) = (has_new_key, &mut state) {
        state.insert("apiKeyReplaced".to_owned(), true.into());
    }
    let values = (Some(state_of(&before)), Some(state));
    let after = work.providers().update(after).await.map_err(on_write)?;
    record(&deps, caller, &mut *work, "provider.updated", id.to_string(), values).await?;
    work.commit().await?;

    Ok(after)
}

struct Changed {
    after: Provider,
    /// A key that is not sealed yet.
    new_key: Option<Secret<String>>,
}

fn change(before: &Provider, command: UpdateProvider) -> Result<Changed> {
    let UpdateProvider { name, kind, base_url, api_key, models, priority, enabled, .. } = command;
    let mut faults = Vec::new();
    if kind.is_some_and(|kind| kind != before.kind) {
        faults.push(input::kind_is_fixed());
    }
    let given_key = api_key.clone().flatten().filter(|key| !is_mask(key));
    let (name, base_url, models) = Settings {
        name: name.unwrap_or_else(|| before.name.clone()),
        kind: before.kind,
        base_url: base_url.unwrap_or_else(|| before.base_url.clone()),
        api_key: given_key.as_ref(),
        models: models.unwrap_or_else(|| before.models.clone()),
    }
    .check(Vec::new())
    .or_else(|error| collect(error, &mut faults))?;
    let keeps = match &api_key {
        None => before.api_key.is_some(),
        Some(key) => key.as_ref().is_some_and(is_mask),
    };
    let has_moved = faults.is_empty() && base_url != before.base_url;
    if keeps && (before.api_key.is_none() || has_moved) {
        faults.push(input::nothing_to_keep());
    }
    if !faults.is_empty() {
        return Err(Error::Invalid(faults));
    }
    let after = Provider {
        name,
        base_url,
        api_key: before.api_key.clone().filter(|_| keeps),
        models,
        priority: priority.unwrap_or(before.priority),
        enabled: enabled.unwrap_or(before.enabled),
        ..before.clone()
    };
    Ok(Changed { after, new_key: given_key })
}

/// Keeps the faults, so that those that follow are told with them.
fn collect<T: Default>(error: Error, faults: &mut Vec<crate::Fault>) -> Result<T> {
    match error {
        Error::Invalid(found) => {
            faults.extend(found);
            Ok(T::default())
        }
        other => Err(other),
    }
}

/// Removes a provider with its key.
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::PreconditionFailed`], [`Error::Forbidden`] for
/// all but administrators.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn delete_provider(
    deps: Deps<'_>,
    caller: &Caller,
    id: ProviderId,
    precondition: Precondition,
) -> Result<()> {
    require_admin(&caller.actor, Scope::Admin)?;
    let mut work = deps.store.begin(caller.tenant()).await?;
    let provider = work.providers().find(id).await?.ok_or(Error::NotFound("provider"))?;
    precondition.check(&etag(&provider))?;
    work.providers().delete(id).await?;
    let values = (Some(state_of(&provider)), None);
    record(&deps, caller, &mut *work, "provider.deleted", id.to_string(), values).await?;
    Ok(work.commit().await?)
}

/// Asks a provider for as little as shows that address and key are right; the
/// error within is what it said.
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::Forbidden`] for all but administrators.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn test_provider(
    deps: Deps<'_>,
    vault: &dyn Vault,
    models: &dyn ImageModel,
    caller: &Caller,
    id: ProviderId,
) -> Result<std::result::Result<(), ProviderError>> {
    require_admin(&caller.actor, Scope::Admin)?;
    let all = deps.store.content().providers(caller.tenant()).await?;
    let provider = all.into_iter().find(|provider| provider.id == id);
    let provider = provider.ok_or(Error::NotFound("provider"))?;
    let access = access_of(&deps, vault, &provider).await?;
    Ok(models.test(&access).await)
}

/// How a provider is reached, its key opened for the moment of the call.
pub(super) async fn access_of(
    deps: &Deps<'_>,
    vault: &dyn Vault,
    provider: &Provider,
) -> Result<ProviderAccess> {
    let api_key = match &provider.api_key {
        Some(sealed) => Some(open_key(deps, vault, provider, sealed).await?),
        None => None,
    };
    Ok(ProviderAccess {
        id: Some(provider.id),
        kind: provider.kind,
        base_url: provider.base_url.clone(),
        api_key,
    })
}

async fn open_key(
    deps: &Deps<'_>,
    vault: &dyn Vault,
    provider: &Provider,
    sealed: &[u8],
) -> Result<Secret<String>> {
    let bound = provider.associated_data();
    read_text(deps, vault, provider.organization, (&bound, sealed)).await
}

/// The provider with this key sealed in it; as it is without one.
async fn with_key(
    deps: &Deps<'_>,
    vault: &dyn Vault,
    work: &mut dyn UnitOfWork,
    provider: Provider,
    api_key: Option<Secret<String>>,
) -> Result<Provider> {
    let Some(plain) = api_key else { return Ok(provider) };
    let bound = provider.associated_data();
    let sealed = seal_text(deps, vault, work, provider.organization, (&bound, &plain)).await?;
    Ok(Provider { api_key: Some(sealed), ..provider })
}

fn is_mask(key: &Secret<String>) -> bool {
    key.expose() == MASK
}

/// What the audit log keeps of a provider; of the key only that there is one.
fn state_of(provider: &Provider) -> Value {
    json!({
        "name": provider.name,
        "kind": provider.kind,
        "baseUrl": provider.base_url,
        "apiKey": provider.api_key.as_ref().map(|_| MASK),
        "models": provider.models,
        "priority": provider.priority,
        "enabled": provider.enabled,
    })
}
