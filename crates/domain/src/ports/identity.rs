//! Who somebody is to another who knows them: log-ins by an identity provider, and
//! what is remembered of one between its beginning and its end.

use async_trait::async_trait;
use serde_json::{Map, Value};

use crate::{Secret, Timestamp, ports::CryptoError};

/// Where a browser is sent to log in.
#[derive(Debug)]
pub struct LoginStart {
    /// The address at the provider.
    pub url: String,
    /// What the answer will be held against.
    pub pending: PendingLogin,
}

/// What the answer to a log-in is held against. Nobody but the browser that began it
/// may have it.
#[derive(Clone, Debug)]
pub struct PendingLogin {
    /// What the provider sends back beside its code.
    pub state: Secret<String>,
    /// What the provider writes into the identity that it tells.
    pub nonce: Secret<String>,
    /// What proves to the provider that the code is ours (PKCE).
    pub verifier: Secret<String>,
}

/// Somebody as the provider knows them.
#[derive(Clone, Debug, PartialEq)]
pub struct ExternalIdentity {
    /// Their identifier there; it never goes to anybody else.
    pub subject: String,
    /// Their e-mail address, if it is told.
    pub email: Option<String>,
    /// Whether the provider has made sure that the address is theirs.
    pub email_verified: bool,
    /// What people call them, if it is told.
    pub name: Option<String>,
    /// All that is told of them.
    pub claims: Map<String, Value>,
}

/// Nobody was logged in. Says nothing that the provider sent.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The provider cannot be asked; worth another try.
    #[error("the identity provider cannot be reached")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The provider said no: the code is used, expired or not ours, or the person
    /// did not want to.
    #[error("the identity provider refused the log-in")]
    Refused(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What the provider said must not be believed.
    #[error("the answer of the identity provider is not valid")]
    Invalid(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A provider of identities, such as one that speaks `OpenID` Connect.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait IdentityProvider: Send + Sync {
    /// What people call it.
    fn name(&self) -> String;

    /// Asks whether it is there and set up.
    async fn test(&self) -> Result<(), IdentityError>;

    /// Begins a log-in that ends at `redirect_url`, with fresh and unguessable
    /// values.
    async fn begin(&self, redirect_url: &str) -> Result<LoginStart, IdentityError>;

    /// Who logged in. MUST be [`IdentityError`] when the provider does not take the
    /// code, when it does not belong to `pending`, and when what it says is not
    /// signed by it, not for us, expired, or for another nonce.
    async fn finish(
        &self,
        pending: &PendingLogin,
        code: Secret<String>,
        redirect_url: &str,
    ) -> Result<ExternalIdentity, IdentityError>;
}

/// A log-in that was begun.
#[derive(Clone, Debug)]
pub struct BegunLogin {
    /// What the answer will be held against.
    pub pending: PendingLogin,
    /// The path to go on to afterwards.
    pub return_to: String,
    /// When it is too late to end it.
    pub expires_at: Timestamp,
}

/// Gives a browser what is remembered of its log-in, so that no server needs to.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait LoginSealer: Send + Sync {
    /// The log-in as a text for a cookie: letters, digits, `-` and `_`.
    ///
    /// # Errors
    ///
    /// [`CryptoError`] when the cipher fails.
    fn seal(&self, login: &BegunLogin) -> Result<Secret<String>, CryptoError>;

    /// What was sealed, or `None` when it was made elsewhere, was changed, or is too
    /// old at `now`.
    fn open(&self, sealed: &str, now: Timestamp) -> Option<BegunLogin>;
}
