//! Time, randomness and cryptography.

use async_trait::async_trait;
use uuid::Uuid;

use crate::{OrganizationId, PasswordHash, Secret, SessionId, Timestamp, UserId};

/// Tells the time.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait Clock: Send + Sync {
    /// The instant now, in UTC.
    fn now(&self) -> Timestamp;
}

/// Makes identifiers and unguessable values.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait IdSource: Send + Sync {
    /// A fresh UUID; version 7 outside tests.
    fn uuid(&self) -> Uuid;

    /// 256 random bits from a cryptographically secure source.
    fn random(&self) -> [u8; 32];
}

/// Hashes passwords, off the async threads.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait PasswordHasher: Send + Sync {
    /// The hash of `password`, with a fresh salt.
    ///
    /// # Errors
    ///
    /// [`CryptoError`] when the hasher fails.
    async fn hash(&self, password: Secret<String>) -> Result<PasswordHash, CryptoError>;

    /// Whether `password` has the hash. With `None` it MUST do the same work
    /// and say no, so that the time does not tell whether a user exists.
    ///
    /// # Errors
    ///
    /// [`CryptoError`] when the stored hash cannot be read.
    async fn verify(
        &self,
        password: Secret<String>,
        hash: Option<PasswordHash>,
    ) -> Result<bool, CryptoError>;
}

/// What a session's JWT says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionClaims {
    /// The session; its state on the server decides.
    pub session: SessionId,
    /// Its user.
    pub user: UserId,
    /// The user's organization.
    pub organization: OrganizationId,
}

/// Signs and checks the JWTs of sessions.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait SessionSigner: Send + Sync {
    /// A JWT with these claims, valid from `now` until `expires_at`.
    ///
    /// # Errors
    ///
    /// [`CryptoError`] when it cannot be signed.
    fn sign(
        &self,
        claims: &SessionClaims,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Secret<String>, CryptoError>;

    /// The claims of `jwt`, or `None` unless its algorithm, signature, `exp`,
    /// `nbf`, `iss` and `aud` are all there and right at `now`.
    fn verify(&self, jwt: &str, now: Timestamp) -> Option<SessionClaims>;
}

/// Envelope encryption: data keys wrapped by the master key, values sealed with
/// data keys.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[expect(clippy::elidable_lifetime_names, reason = "the mocks need the lifetime named")]
pub trait Vault: Send + Sync {
    /// A fresh data key, wrapped with the master key and bound to `context`.
    ///
    /// # Errors
    ///
    /// [`CryptoError`] when the cipher fails.
    fn new_data_key(&self, context: &[u8]) -> Result<Vec<u8>, CryptoError>;

    /// `plaintext` sealed with the wrapped key and bound to `associated_data`.
    ///
    /// # Errors
    ///
    /// [`CryptoError`] when the key cannot be unwrapped.
    fn seal<'a>(
        &self,
        key: &SealingKey<'a>,
        associated_data: &[u8],
        plaintext: &Secret<String>,
    ) -> Result<Vec<u8>, CryptoError>;

    /// The sealed text.
    ///
    /// # Errors
    ///
    /// [`CryptoError`] when key, data or binding is another.
    fn open<'a>(
        &self,
        key: &SealingKey<'a>,
        associated_data: &[u8],
        sealed: &[u8],
    ) -> Result<Secret<String>, CryptoError>;

    /// The UUID of the data key that a value was sealed with.
    ///
    /// # Errors
    ///
    /// [`CryptoError::UnknownFormat`] when it is no sealed value.
    fn key_of(&self, sealed: &[u8]) -> Result<Uuid, CryptoError>;

    /// The data key wrapped with the newest master key; `None` when it is already.
    ///
    /// # Errors
    ///
    /// [`CryptoError`] when none of the master keys unwraps it.
    fn rewrap<'a>(&self, key: &SealingKey<'a>) -> Result<Option<Vec<u8>>, CryptoError>;

    /// A value by which a later start recognizes the same master key.
    ///
    /// # Errors
    ///
    /// [`CryptoError`] when the cipher fails.
    fn key_check(&self) -> Result<Vec<u8>, CryptoError>;

    /// Whether `check` was made with the newest master key, or with one that is
    /// still known.
    fn is_same_key(&self, check: &[u8]) -> bool;
}

/// A wrapped data key with what it is bound to.
#[derive(Clone, Copy, Debug)]
pub struct SealingKey<'a> {
    /// The key's UUID, written into each ciphertext.
    pub id: Uuid,
    /// The `context` it was made with.
    pub context: &'a [u8],
    /// The wrapped key.
    pub wrapped: &'a [u8],
}

/// A cryptographic operation failed; says nothing of keys or values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CryptoError {
    /// The key, the data or what they are bound to do not belong together.
    #[error("the value cannot be decrypted with this key")]
    Mismatch,
    /// The stored form is not one this version knows.
    #[error("the stored value has an unknown format")]
    UnknownFormat,
    /// The operation itself failed.
    #[error("a cryptographic operation failed")]
    Failed,
}
