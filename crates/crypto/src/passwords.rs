//! Password hashes: argon2id with the parameters that OWASP recommends.

use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{self, Output, ParamsString, Salt},
};
use async_trait::async_trait;
use subtle::ConstantTimeEq;
use tokio::{sync::Semaphore, task::spawn_blocking};
use understudy_domain::{
    PasswordHash, Secret,
    ports::{CryptoError, PasswordHasher},
};

/// Memory of one hash in KiB, passes and lanes.
const COST: (u32, u32, u32) = (19_456, 2, 1);
/// More memory than this was not asked for by any version of ours.
const MAX_MEMORY_KIB: u32 = 262_144;
/// How many hashes may be computed at a time: 2 of them take 38 MiB.
const AT_A_TIME: usize = 2;
/// An allocation of more than 32 MiB always gets pages of its own, which go back
/// to the system at once; a smaller one may stay with the allocator after the
/// second hash. Pages that are not touched cost nothing.
const RESERVED_BLOCKS: usize = 33 * 1_024;
/// Salt of the hash that is computed when there is none to compare with.
const NO_SALT: [u8; 16] = [0; 16];

/// Hashes passwords on blocking threads, two at a time.
#[derive(Clone, Debug)]
pub struct Argon2Passwords {
    turns: Arc<Semaphore>,
}

impl Default for Argon2Passwords {
    fn default() -> Self {
        Self { turns: Arc::new(Semaphore::new(AT_A_TIME)) }
    }
}

impl Argon2Passwords {
    /// A hasher with its own two turns; an application has one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs `work` when it is its turn. The turn belongs to the work and not to
    /// the caller, who may leave while it is computed.
    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, CryptoError> + Send + 'static,
    ) -> Result<T, CryptoError> {
        let turn = Arc::clone(&self.turns).acquire_owned().await.or(Err(CryptoError::Failed))?;
        let work = spawn_blocking(move || {
            let result = work();
            drop(turn);
            result
        });
        work.await.or(Err(CryptoError::Failed))?
    }
}

#[async_trait]
impl PasswordHasher for Argon2Passwords {
    async fn hash(&self, password: Secret<String>) -> Result<PasswordHash, CryptoError> {
        self.in_turn(move || hash(&password)).await
    }

    async fn verify(
        &self,
        password: Secret<String>,
        hash: Option<PasswordHash>,
    ) -> Result<bool, CryptoError> {
        self.in_turn(move || verify(&password, hash.as_ref())).await
    }
}

fn hash(password: &Secret<String>) -> Result<PasswordHash, CryptoError> {
    let mut salt = [0; 16];
    getrandom::fill(&mut salt).or(Err(CryptoError::Failed))?;
    let params = our_params()?;
    let stored = phc::PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&params).or(Err(CryptoError::Failed))?,
        salt: Some(Salt::new(&salt).or(Err(CryptoError::Failed))?),
        hash: Some(Output::new(&digest(password, &salt, params)?).or(Err(CryptoError::Failed))?),
    };
    Ok(PasswordHash(Secret::new(stored.to_string())))
}

fn verify(password: &Secret<String>, hash: Option<&PasswordHash>) -> Result<bool, CryptoError> {
    let Some(hash) = hash else {
        digest(password, &NO_SALT, our_params()?)?;
        return Ok(false);
    };
    let stored = phc::PasswordHash::new(hash.0.expose()).or(Err(CryptoError::UnknownFormat))?;
    let params = Params::try_from(&stored).or(Err(CryptoError::UnknownFormat))?;
    let known = stored.algorithm == Algorithm::Argon2id.ident()
        && stored.version == Some(Version::V0x13.into())
        && params.m_cost() <= MAX_MEMORY_KIB;
    let (true, Some(salt), Some(expected)) = (known, stored.salt, stored.hash) else {
        return Err(CryptoError::UnknownFormat);
    };
    let actual = digest(password, salt.as_ref(), params)?;
    Ok(actual.ct_eq(expected.as_bytes()).into())
}

fn our_params() -> Result<Params, CryptoError> {
    let (memory, passes, lanes) = COST;
    Params::new(memory, passes, lanes, None).or(Err(CryptoError::Failed))
}

fn digest(password: &Secret<String>, salt: &[u8], params: Params) -> Result<[u8; 32], CryptoError> {
    let blocks = params.block_count();
    let mut memory: Vec<Block> = Vec::new();
    memory.try_reserve_exact(blocks.max(RESERVED_BLOCKS)).or(Err(CryptoError::Failed))?;
    memory.resize(blocks, Block::default());
    let mut digest = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(
            password.expose().as_bytes(),
            salt,
            &mut digest,
            memory.as_mut_slice(),
        )
        .or(Err(CryptoError::Failed))?;
    Ok(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    #[tokio::test]
    async fn a_password_is_verified_by_its_hash_and_no_other_is() {
        let passwords = Argon2Passwords::new();

        let hash = passwords.hash(secret("correct horse")).await.unwrap();

        assert!(hash.0.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(passwords.verify(secret("correct horse"), Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify(secret("correct horsE"), Some(hash)).await.unwrap());
        assert!(!passwords.verify(secret("correct horse"), None).await.unwrap());
    }

    #[tokio::test]
    async fn two_hashes_of_one_password_differ() {
        let passwords = Argon2Passwords::new();

        let first = passwords.hash(secret("again")).await.unwrap();
        let second = passwords.hash(secret("again")).await.unwrap();

        assert_ne!(first.0.expose(), second.0.expose());
    }

    #[tokio::test]
    async fn a_stored_hash_of_another_kind_is_an_unknown_format() {
        let passwords = Argon2Passwords::new();
        let argon2i = "$argon2i$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21l$\
                       AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let greedy = argon2i.replace("argon2i", "argon2id").replace("19456", "4000000");

        for stored in ["", "plain", argon2i, &greedy] {
            let hash = Some(PasswordHash(secret(stored)));
            let verified = passwords.verify(secret("x"), hash).await;
            assert_eq!(verified.unwrap_err(), CryptoError::UnknownFormat, "{stored}");
        }
    }

    #[tokio::test]
    async fn a_hash_of_the_reference_implementation_verifies() {
        let passwords = Argon2Passwords::new();
        let stored = Argon2::default();
        let theirs = argon2::PasswordHasher::hash_password(&stored, b"shared").unwrap();

        let hash = Some(PasswordHash(secret(&theirs.to_string())));

        assert!(passwords.verify(secret("shared"), hash).await.unwrap());
    }
}
