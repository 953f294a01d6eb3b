//! Which models an assistant can have.

use std::collections::BTreeSet;

use super::{Caller, Deps, Error, Result, support::require_scope};
use crate::{OrganizationSettings, Provider, Scope, catalogue, run::route::serves};

/// A model that an assistant can have.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedModel {
    /// What assistants name it by.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// Whose it is; the kind of the provider that lists it when the catalogue does
    /// not have it.
    pub provider: String,
    /// What the catalogue tells of it.
    pub known: Option<&'static catalogue::Model>,
    /// Whether a provider that is set up and enabled serves it.
    pub available: bool,
}

/// The models of the catalogue that the organization allows, and behind them those
/// that only its providers list.
///
/// # Errors
///
/// [`Error::Forbidden`] for tokens that do not cover it.
pub async fn list_models(deps: Deps<'_>, caller: &Caller) -> Result<Vec<ListedModel>> {
    require_scope(&caller.actor, Scope::Read)?;
    let organization = deps.store.directory().organization(caller.tenant()).await?;
    let settings = organization.ok_or(Error::NotFound("organization"))?.settings;
    let mut providers = deps.store.content().providers(caller.tenant()).await?;
    providers.retain(|row| row.enabled && settings.allows_provider(row.kind.as_str()));
    Ok(merge(&settings, &providers))
}

fn merge(settings: &OrganizationSettings, providers: &[Provider]) -> Vec<ListedModel> {
    let of_catalogue = |model: &'static catalogue::Model| ListedModel {
        key: model.key.clone(),
        name: model.name.clone(),
        provider: model.provider.clone(),
        known: Some(model),
        available: providers.iter().any(|row| serves(row, model)),
    };
    let allowed = catalogue::models().iter().filter(|m| settings.allows_provider(&m.provider));
    let mut all: Vec<ListedModel> = allowed.map(of_catalogue).collect();
    let mut seen = BTreeSet::new();
    for row in providers {
        for key in &row.models {
            if catalogue::find(key).is_none() && seen.insert(key.as_str()) {
                all.push(ListedModel {
                    key: key.clone(),
                    name: key.clone(),
                    provider: row.kind.as_str().to_owned(),
                    known: None,
                    available: true,
                });
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Id, ProviderKind, Timestamp};

    fn row(kind: ProviderKind, models: &[&str]) -> Provider {
        let at = Timestamp::from_unix_micros(0).unwrap();
        Provider {
            id: Id::from_uuid(uuid::Uuid::from_u128(1)),
            organization: Id::from_uuid(uuid::Uuid::from_u128(2)),
            name: kind.as_str().to_owned(),
            kind,
            base_url: None,
            api_key: None,
            models: models.iter().map(|&model| model.to_owned()).collect(),
            priority: 0,
            enabled: true,
            created_at: at,
            updated_at: at,
            revision: 1,
        }
    }

    fn available(rows: &[Provider], key: &str) -> Option<bool> {
        let all = merge(&OrganizationSettings::default(), rows);
        all.iter().find(|model| model.key == key).map(|model| model.available)
    }

    #[test]
    fn a_provider_serves_what_it_lists_or_else_what_its_vendor_has() {
        let vendor = [row(ProviderKind::Openai, &[])];
        let listing = [row(ProviderKind::Openai, &["gpt-4o"])];
        let other = [row(ProviderKind::OpenaiCompatible, &["gpt-5", "flux"])];

        assert_eq!(available(&[], "gpt-4o"), Some(false));
        assert_eq!(available(&vendor, "gpt-4o"), Some(true));
        assert_eq!(available(&vendor, "claude-3-5-sonnet"), Some(false));
        assert_eq!(available(&listing, "gpt-4o"), Some(true));
        assert_eq!(available(&listing, "gpt-5"), Some(false));
        assert_eq!(available(&other, "gpt-5"), Some(true));
        assert_eq!(available(&other, "flux"), Some(true));
        assert_eq!(available(&[], "flux"), None);
    }

    #[test]
    fn a_model_that_two_providers_list_is_listed_once() {
        let rows = [row(ProviderKind::Ollama, &["mine"]), row(ProviderKind::Openai, &["mine"])];

        let all = merge(&OrganizationSettings::default(), &rows);

        assert_eq!(all.iter().filter(|model| model.key == "mine").count(), 1);
        assert_eq!(all.len(), catalogue::models().len() + 1);
    }

    #[test]
    fn what_the_organization_does_not_allow_is_left_out() {
        let allowed = Some(vec!["anthropic".to_owned()]);
        let settings = OrganizationSettings { allowed_providers: allowed, ..Default::default() };

        let all = merge(&settings, &[]);

        assert!(!all.is_empty());
        assert!(all.iter().all(|model| model.provider == "anthropic"));
    }
}
