//! Changing keys while everything runs: data keys are wrapped anew with the newest
//! master key, values are sealed anew with the newest data key (safety.md,
//! 'secrets at rest').

use super::{
    Deps, Result,
    support::{fresh, key_context, open_text},
};
use crate::{
    AuditEvent, DataKey, DataKeyId, Id, OrganizationId, SealedId, SealedValue, Secret,
    ports::{CryptoError, SealingKey, UnitOfWork, Vault},
};

/// How many values one transaction seals anew: a writer waits for no more.
const PAGE: u32 = 100;

/// What a rotation did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rotated {
    /// Data keys that were wrapped with the newest master key.
    pub wrapped: u64,
    /// Values that were sealed with the newest data key.
    pub sealed: u64,
    /// What no key opens, by what it is; it was left as it is.
    pub unreadable: Vec<String>,
}

/// Wraps the data keys of an organization with the newest master key, and, with
/// `data_keys`, makes a new data key and seals everything with it. Can be stopped
/// at any moment and begun again; reading and writing go on meanwhile.
///
/// # Errors
///
/// The store's, and [`CryptoError::Mismatch`] when none of the master keys unwraps
/// a data key.
#[tracing::instrument(skip_all, fields(organization.id = %organization))]
pub async fn rotate(
    deps: Deps<'_>,
    vault: &dyn Vault,
    organization: OrganizationId,
    data_keys: bool,
) -> Result<Rotated> {
    let mut rotated = Rotated::default();
    if data_keys {
        add_data_key(&deps, vault, organization).await?;
    }
    let newest = wrap(&deps, vault, organization, &mut rotated).await?;
    let Some(newest) = newest.filter(|_| data_keys) else { return Ok(rotated) };
    let turn = Turn { deps: &deps, vault, organization, newest };
    turn.values(&mut rotated).await?;
    turn.providers(&mut rotated).await?;
    turn.webhooks(&mut rotated).await?;
    turn.note(&rotated).await?;
    Ok(rotated)
}

/// Makes the newest master key the one that the installation is known by, once
/// every organization's data keys are wrapped with it.
///
/// # Errors
///
/// The store's.
pub async fn adopt_master_key(
    deps: Deps<'_>,
    vault: &dyn Vault,
    organization: OrganizationId,
) -> Result<()> {
    let mut work = deps.store.begin(organization).await?;
    work.organizations().update_key_check(&vault.key_check()?).await?;
    Ok(work.commit().await?)
}

/// All organizations of the installation.
///
/// # Errors
///
/// The store's.
pub async fn organizations(deps: Deps<'_>) -> Result<Vec<OrganizationId>> {
    let mut all: Vec<OrganizationId> = Vec::new();
    loop {
        let page = deps.store.housekeeping().organizations(all.last().copied(), PAGE).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

/// In a transaction of its own: whoever begins after it seals with the new key.
async fn add_data_key(
    deps: &Deps<'_>,
    vault: &dyn Vault,
    organization: OrganizationId,
) -> Result<()> {
    let wrapped = vault.new_data_key(&key_context(organization))?;
    let key = DataKey { id: fresh(deps), organization, wrapped, created_at: deps.clock.now() };
    let mut work = deps.store.begin(organization).await?;
    work.records().insert_data_key(&key).await?;
    Ok(work.commit().await?)
}

/// Wraps every data key with the newest master key and returns the newest data key.
/// Waits for those who are about to seal with an older one.
async fn wrap(
    deps: &Deps<'_>,
    vault: &dyn Vault,
    organization: OrganizationId,
    rotated: &mut Rotated,
) -> Result<Option<DataKey>> {
    let context = key_context(organization);
    let mut work = deps.store.begin(organization).await?;
    let mut newest = None;
    for mut key in work.keys().all().await? {
        let sealing = SealingKey { id: key.id.as_uuid(), context: &context, wrapped: &key.wrapped };
        if let Some(wrapped) = vault.rewrap(&sealing)? {
            key.wrapped = wrapped;
            work.keys().rewrap(&key).await?;
            rotated.wrapped += 1;
        }
        newest = Some(key);
    }
    work.commit().await?;
    Ok(newest)
}

/// One organization's change to its newest data key.
struct Turn<'a> {
    deps: &'a Deps<'a>,
    vault: &'a dyn Vault,
    organization: OrganizationId,
    newest: DataKey,
}

impl Turn<'_> {
    async fn begin(&self) -> Result<Box<dyn UnitOfWork>> {
        Ok(self.deps.store.begin(self.organization).await?)
    }

    fn is_due(&self, sealed: &[u8]) -> Result<bool> {
        let key: DataKeyId = Id::from_uuid(self.vault.key_of(sealed)?);
        Ok(key != self.newest.id)
    }

    /// The value sealed anew; `None` when it is already, or when nothing opens it,
    /// which is noted under `what`.
    async fn reseal(
        &self,
        work: &mut dyn UnitOfWork,
        (bound, sealed): (&[u8], &[u8]),
        what: impl ToString,
        rotated: &mut Rotated,
    ) -> Result<Option<Vec<u8>>> {
        match self.is_due(sealed) {
            Ok(true) => {}
            Ok(false) => return Ok(None),
            Err(_) => {
                rotated.unreadable.push(what.to_string());
                return Ok(None);
            }
        }
        let opened = open_text(self.vault, work, self.organization, (bound, sealed)).await;
        let text: Secret<String> = match opened {
            Ok(text) => text,
            Err(super::Error::Crypto(CryptoError::Mismatch | CryptoError::UnknownFormat)) => {
                rotated.unreadable.push(what.to_string());
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let context = key_context(self.organization);
        let (id, wrapped) = (self.newest.id.as_uuid(), self.newest.wrapped.as_slice());
        let sealing = SealingKey { id, context: &context, wrapped };
        rotated.sealed += 1;
        Ok(Some(self.vault.seal(&sealing, bound, &text)?))
    }

    async fn values(&self, rotated: &mut Rotated) -> Result<()> {
        let mut after: Option<SealedId> = None;
        loop {
            let mut work = self.begin().await?;
            let page = work.keys().sealed_after(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.id);
            for value in page {
                let SealedValue { organization, assistant, id, .. } = value;
                let bound = SealedValue::associated_data(organization, assistant, id, &value.name);
                let sealed = (bound.as_slice(), value.ciphertext.as_slice());
                let anew = self.reseal(&mut *work, sealed, id, rotated).await?;
                if let Some(ciphertext) = anew {
                    work.keys().reseal(&SealedValue { ciphertext, ..value }).await?;
                }
            }
            work.commit().await?;
        }
    }

    async fn providers(&self, rotated: &mut Rotated) -> Result<()> {
        for listed in self.deps.store.content().providers(self.organization).await? {
            let mut work = self.begin().await?;
            let Some(provider) = work.providers().find(listed.id).await? else { continue };
            let Some(sealed) = provider.api_key.clone() else { continue };
            let bound = provider.associated_data();
            let what = provider.id;
            if let Some(anew) = self.reseal(&mut *work, (&bound, &sealed), what, rotated).await? {
                let provider = crate::Provider { api_key: Some(anew), ..provider };
                work.providers().update(provider).await?;
                work.commit().await?;
            }
        }
        Ok(())
    }

    async fn webhooks(&self, rotated: &mut Rotated) -> Result<()> {
        for listed in self.deps.store.webhooks().webhooks(self.organization).await? {
            let mut work = self.begin().await?;
            let Some(webhook) = work.webhooks().find(listed.id).await? else { continue };
            let bound = webhook.associated_data();
            let sealed = (bound.as_slice(), webhook.secret.as_slice());
            let anew = self.reseal(&mut *work, sealed, webhook.id, rotated).await?;
            if let Some(secret) = anew {
                work.webhooks().update(crate::Webhook { secret, ..webhook }).await?;
                work.commit().await?;
            }
        }
        Ok(())
    }

    /// Tells the audit log, as the server's own act.
    async fn note(&self, rotated: &Rotated) -> Result<()> {
        let event = AuditEvent {
            id: fresh(self.deps),
            organization: self.organization,
            at: self.deps.clock.now(),
            actor: None,
            token: None,
            address: None,
            request_id: None,
            action: "keys.rotated".to_owned(),
            target: self.organization.to_string(),
            assistant: None,
            before: None,
            after: Some(serde_json::json!({
                "dataKey": self.newest.id,
                "wrapped": rotated.wrapped,
                "sealed": rotated.sealed,
                "unreadable": rotated.unreadable.len(),
            })),
        };
        let mut work = self.begin().await?;
        work.records().append_event(&event).await?;
        Ok(work.commit().await?)
    }
}
