//! Providers that the operator's environment names.

use super::{input::address, state_of, with_key};
use crate::{
    AuditEvent, OrganizationId, Provider, ProviderKind, Secret,
    ports::{StoreError, Vault},
    usecases::{Deps, Result, support::fresh},
};

/// A provider that the operator set up outside of the API.
#[derive(Clone, Debug)]
pub struct InstalledProvider {
    /// Its name.
    pub name: String,
    /// Its protocol.
    pub kind: ProviderKind,
    /// Where it is, if not at the vendor's own address.
    pub base_url: Option<String>,
    /// Its API key.
    pub api_key: Option<Secret<String>>,
}

/// Adds those providers whose name nobody has yet, and tells how many it were.
/// Those that are there already stay as administrators made them.
///
/// # Errors
///
/// The store's or the vault's.
#[tracing::instrument(skip_all)]
pub async fn install_providers(
    deps: Deps<'_>,
    vault: &dyn Vault,
    tenant: OrganizationId,
    providers: Vec<InstalledProvider>,
) -> Result<usize> {
    let known = deps.store.content().providers(tenant).await?;
    let mut added = 0;
    for (priority, wanted) in (0..).zip(providers) {
        let is_taken = |known: &Provider| known.name.to_lowercase() == wanted.name.to_lowercase();
        if !known.iter().any(is_taken) && install(&deps, vault, tenant, wanted, priority).await? {
            added += 1;
        }
    }
    Ok(added)
}

async fn install(
    deps: &Deps<'_>,
    vault: &dyn Vault,
    tenant: OrganizationId,
    wanted: InstalledProvider,
    priority: i32,
) -> Result<bool> {
    let InstalledProvider { name, kind, base_url, api_key } = wanted;
    let now = deps.clock.now();
    let provider = Provider {
        id: fresh(deps),
        organization: tenant,
        name,
        kind,
        base_url: base_url.map(|raw| address(&raw).unwrap_or(raw)),
        api_key: None,
        models: Vec::new(),
        priority,
        enabled: true,
        created_at: now,
        updated_at: now,
        revision: 1,
    };
    let mut work = deps.store.begin(tenant).await?;
    let provider = with_key(deps, vault, &mut *work, provider, api_key).await?;
    match work.providers().insert(&provider).await {
        // Another server started at the same moment.
        Err(StoreError::AlreadyExists { .. }) => return Ok(false),
        inserted => inserted?,
    }
    let event = AuditEvent {
        id: fresh(deps),
        organization: tenant,
        at: now,
        actor: None,
        token: None,
        address: None,
        request_id: None,
        action: "provider.created".to_owned(),
        target: provider.id.to_string(),
        assistant: None,
        before: None,
        after: Some(state_of(&provider)),
    };
    work.records().append_event(&event).await?;
    work.commit().await?;
    Ok(true)
}
