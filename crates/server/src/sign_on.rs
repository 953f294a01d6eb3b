//! Logging in by the identity provider that the configuration names.

use std::{io, path::PathBuf, sync::Arc};

use understudy_crypto::SystemClock;
use understudy_http_api::SingleSignOn;
use understudy_oidc::{Oidc, OidcOptions};
use understudy_outbound::{NoTls, Outbound, OutboundOptions};

use crate::{
    config::{Config, OidcConfig, SecretSource, UnreadableSecret},
    installation::Installation,
};

/// The provider cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum SignOnError {
    /// The file with the client's secret cannot be read.
    #[error("the file {} with the secret for the identity provider cannot be read", .path.display())]
    Secret {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Nothing can be asked of others.
    #[error(transparent)]
    Outbound(NoTls),
}

/// The provider; it is asked when somebody first logs in.
///
/// # Errors
///
/// [`SignOnError`] when its secret cannot be read.
pub fn provider(config: &Config, oidc: &OidcConfig) -> Result<Oidc, SignOnError> {
    let client_secret = oidc.client_secret.as_ref().map(SecretSource::read).transpose();
    let client_secret = client_secret
        .map_err(|UnreadableSecret { path, source }| SignOnError::Secret { path, source })?;
    let options = OidcOptions {
        issuer: oidc.issuer.clone(),
        client_id: oidc.client_id.clone(),
        client_secret,
        scopes: oidc.scopes.clone(),
        claims: oidc.mapping.claims(),
    };
    let allowed_networks = config.allow_private_network.clone();
    let outbound =
        Outbound::new(OutboundOptions { allowed_networks }).map_err(SignOnError::Outbound)?;
    Ok(Oidc::new(options, Arc::new(outbound), Arc::new(SystemClock)))
}

/// How people log in beside passwords, if the configuration says so.
///
/// # Errors
///
/// As [`provider`].
pub fn single_sign_on(
    config: &Config,
    installation: &Installation,
) -> Result<Option<SingleSignOn>, SignOnError> {
    let Some(oidc) = &config.oidc else { return Ok(None) };
    Ok(Some(SingleSignOn {
        provider: Arc::new(provider(config, oidc)?),
        sealer: Arc::clone(&installation.logins),
        mapping: Arc::new(oidc.mapping.clone()),
    }))
}
