//! Passwords without the work.

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use understudy_domain::{
    PasswordHash, Secret,
    ports::{CryptoError, PasswordHasher},
    token::hex,
};

use super::digest;

const PREFIX: &str = "$fake$";

/// Hashes at once, with a salt that counts. A stolen hash of it is as good as the
/// password: for tests only.
#[derive(Debug, Default)]
pub struct FakePasswords {
    salts: AtomicU64,
}

#[async_trait]
impl PasswordHasher for FakePasswords {
    async fn hash(&self, password: Secret<String>) -> Result<PasswordHash, CryptoError> {
        let salt = self.salts.fetch_add(1, Ordering::Relaxed).to_string();
        Ok(PasswordHash(Secret::new(hashed(&salt, &password))))
    }

    async fn verify(
        &self,
        password: Secret<String>,
        hash: Option<PasswordHash>,
    ) -> Result<bool, CryptoError> {
        let Some(PasswordHash(stored)) = hash else { return Ok(false) };
        let parts = stored.expose().strip_prefix(PREFIX).and_then(|rest| rest.split_once('$'));
        let (salt, _) = parts.ok_or(CryptoError::UnknownFormat)?;
        Ok(*stored.expose() == hashed(salt, &password))
    }
}

fn hashed(salt: &str, password: &Secret<String>) -> String {
    format!("{PREFIX}{salt}${}", hex(&digest(&["password", salt, password.expose()])))
}
