//! A vault with glass walls.

use std::sync::atomic::{AtomicU64, Ordering};

use understudy_domain::{
    Secret,
    ports::{CryptoError, SealingKey, Vault},
    token::hex,
};
use uuid::Uuid;

use super::digest;

/// What a wrapped key or a key check begins with.
const UNDER_MASTER: u8 = 0;
/// What a sealed value begins with; the UUID of its data key follows.
const UNDER_DATA_KEY: u8 = 1;
const TAG: usize = 32;
const NONCE: usize = 8;

/// Scrambles instead of encrypting, and everybody can undo it: for tests only.
///
/// It keeps the rules of a real one: what was sealed with one master key, data
/// key or binding opens with no other, a changed byte is noticed, and the same
/// text sealed twice looks different.
#[derive(Debug, Default)]
pub struct FakeVault {
    master: u8,
    previous: Option<u8>,
    count: AtomicU64,
}

impl FakeVault {
    /// The vault with master key `master`.
    #[must_use]
    pub const fn with_master(master: u8) -> Self {
        Self { master, previous: None, count: AtomicU64::new(0) }
    }

    /// The vault with master key `master`, which also opens what was sealed under
    /// `previous`.
    #[must_use]
    pub const fn with_previous(master: u8, previous: u8) -> Self {
        Self { master, previous: Some(previous), count: AtomicU64::new(0) }
    }

    fn nonce(&self) -> [u8; NONCE] {
        self.count.fetch_add(1, Ordering::Relaxed).to_be_bytes()
    }

    /// Closes something with the newest master key.
    fn close_under_master(&self, binding: &str, plaintext: &[u8]) -> Vec<u8> {
        let mut closed = vec![UNDER_MASTER];
        closed.extend(close(&bound_to(self.master, binding), self.nonce(), plaintext));
        closed
    }

    /// What is in it, if it was closed with this master key.
    fn disclose_under(master: u8, binding: &str, closed: &[u8]) -> Result<Vec<u8>, CryptoError> {
        match closed.split_first() {
            Some((&UNDER_MASTER, closed)) => disclose(&bound_to(master, binding), closed),
            _ => Err(CryptoError::UnknownFormat),
        }
    }

    /// What is in it, if it was closed with any known master key.
    fn disclose_under_any(&self, binding: &str, closed: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let newest = Self::disclose_under(self.master, binding, closed);
        match (newest, self.previous) {
            (Err(_), Some(previous)) => Self::disclose_under(previous, binding, closed),
            (newest, _) => newest,
        }
    }

    /// Everything a value is bound to, the unwrapped data key included.
    fn binding(&self, key: &SealingKey<'_>, associated_data: &[u8]) -> Result<String, CryptoError> {
        let data_key = self.disclose_under_any(&key_binding(key.context), key.wrapped)?;
        Ok(format!("{}/{}/{}", key.id, hex(&data_key), hex(associated_data)))
    }
}

impl Vault for FakeVault {
    fn new_data_key(&self, context: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let key = digest(&["data key", &hex(&self.nonce())]);
        Ok(self.close_under_master(&key_binding(context), &key))
    }

    fn seal(
        &self,
        key: &SealingKey<'_>,
        associated_data: &[u8],
        plaintext: &Secret<String>,
    ) -> Result<Vec<u8>, CryptoError> {
        let binding = self.binding(key, associated_data)?;
        let mut sealed = vec![UNDER_DATA_KEY];
        sealed.extend(key.id.as_bytes());
        sealed.extend(close(&binding, self.nonce(), plaintext.expose().as_bytes()));
        Ok(sealed)
    }

    fn open(
        &self,
        key: &SealingKey<'_>,
        associated_data: &[u8],
        sealed: &[u8],
    ) -> Result<Secret<String>, CryptoError> {
        let (id, closed) = split(sealed)?;
        if id != key.id {
            return Err(CryptoError::Mismatch);
        }
        let plaintext = disclose(&self.binding(key, associated_data)?, closed)?;
        String::from_utf8(plaintext).map(Secret::new).or(Err(CryptoError::Mismatch))
    }

    fn key_of(&self, sealed: &[u8]) -> Result<Uuid, CryptoError> {
        split(sealed).map(|(id, _)| id)
    }

    fn rewrap(&self, key: &SealingKey<'_>) -> Result<Option<Vec<u8>>, CryptoError> {
        let binding = key_binding(key.context);
        if Self::disclose_under(self.master, &binding, key.wrapped).is_ok() {
            return Ok(None);
        }
        let data_key = self.disclose_under_any(&binding, key.wrapped)?;
        Ok(Some(self.close_under_master(&binding, &data_key)))
    }

    fn key_check(&self) -> Result<Vec<u8>, CryptoError> {
        Ok(self.close_under_master("key check", b"understudy"))
    }

    fn is_same_key(&self, check: &[u8]) -> bool {
        self.disclose_under_any("key check", check).is_ok()
    }
}

fn key_binding(context: &[u8]) -> String {
    format!("data key/{}", hex(context))
}

fn bound_to(master: u8, binding: &str) -> String {
    format!("master key {master}/{binding}")
}

/// The data key's UUID and what was closed with it.
fn split(sealed: &[u8]) -> Result<(Uuid, &[u8]), CryptoError> {
    match sealed.split_first() {
        Some((&UNDER_DATA_KEY, rest)) => {
            let (id, closed) = rest.split_first_chunk().ok_or(CryptoError::UnknownFormat)?;
            Ok((Uuid::from_bytes(*id), closed))
        }
        _ => Err(CryptoError::UnknownFormat),
    }
}

/// `nonce | tag | scrambled`
fn close(binding: &str, nonce: [u8; NONCE], plaintext: &[u8]) -> Vec<u8> {
    let mut closed = nonce.to_vec();
    closed.extend(tag(binding, nonce, plaintext));
    closed.extend(scramble(binding, nonce, plaintext));
    closed
}

fn disclose(binding: &str, closed: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let (nonce, rest) = closed.split_first_chunk().ok_or(CryptoError::UnknownFormat)?;
    let (stored, body) = rest.split_first_chunk::<TAG>().ok_or(CryptoError::UnknownFormat)?;
    let plaintext = scramble(binding, *nonce, body);
    if *stored == tag(binding, *nonce, &plaintext) {
        Ok(plaintext)
    } else {
        Err(CryptoError::Mismatch)
    }
}

fn tag(binding: &str, nonce: [u8; NONCE], plaintext: &[u8]) -> [u8; TAG] {
    digest(&["tag", binding, &hex(&nonce), &hex(plaintext)])
}

/// XOR with a stream of digests; its own inverse.
fn scramble(binding: &str, nonce: [u8; NONCE], bytes: &[u8]) -> Vec<u8> {
    let nonce = hex(&nonce);
    let blocks = bytes.chunks(TAG).enumerate();
    let scrambled = blocks.flat_map(|(index, block)| {
        let stream = digest(&["stream", binding, &nonce, &index.to_string()]);
        block.iter().zip(stream).map(|(byte, mask)| byte ^ mask).collect::<Vec<_>>()
    });
    scrambled.collect()
}
