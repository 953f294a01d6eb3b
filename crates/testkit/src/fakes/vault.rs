//! A vault with glass walls.

use std::sync::atomic::{AtomicU64, Ordering};

use understudy_domain::{
    Secret,
    ports::{CryptoError, SealingKey, Vault},
    token::hex,
};

use super::digest;

const VERSION: u8 = 0;
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
    count: AtomicU64,
}

impl FakeVault {
    /// The vault with master key `master`.
    #[must_use]
    pub const fn with_master(master: u8) -> Self {
        Self { master, count: AtomicU64::new(0) }
    }

    fn nonce(&self) -> [u8; NONCE] {
        self.count.fetch_add(1, Ordering::Relaxed).to_be_bytes()
    }

    /// `version | nonce | tag | scrambled`
    fn close(&self, binding: &str, plaintext: &[u8]) -> Vec<u8> {
        let nonce = self.nonce();
        let mut sealed = vec![VERSION];
        sealed.extend(nonce);
        sealed.extend(self.tag(binding, nonce, plaintext));
        sealed.extend(self.scramble(binding, nonce, plaintext));
        sealed
    }

    fn disclose(&self, binding: &str, sealed: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let (version, rest) = sealed.split_first().ok_or(CryptoError::UnknownFormat)?;
        let (nonce, rest) = rest.split_first_chunk().ok_or(CryptoError::UnknownFormat)?;
        let (tag, body) = rest.split_first_chunk::<TAG>().ok_or(CryptoError::UnknownFormat)?;
        if *version != VERSION {
            return Err(CryptoError::UnknownFormat);
        }
        let plaintext = self.scramble(binding, *nonce, body);
        if *tag == self.tag(binding, *nonce, &plaintext) {
            Ok(plaintext)
        } else {
            Err(CryptoError::Mismatch)
        }
    }

    fn tag(&self, binding: &str, nonce: [u8; NONCE], plaintext: &[u8]) -> [u8; TAG] {
        let master = self.master.to_string();
        digest(&["tag", &master, binding, &hex(&nonce), &hex(plaintext)])
    }

    /// XOR with a stream of digests; its own inverse.
    fn scramble(&self, binding: &str, nonce: [u8; NONCE], bytes: &[u8]) -> Vec<u8> {
        let (master, nonce) = (self.master.to_string(), hex(&nonce));
        let blocks = bytes.chunks(TAG).enumerate();
        let scrambled = blocks.flat_map(|(index, block)| {
            let stream = digest(&["stream", &master, binding, &nonce, &index.to_string()]);
            block.iter().zip(stream).map(|(byte, mask)| byte ^ mask).collect::<Vec<_>>()
        });
        scrambled.collect()
    }

    /// Everything a value is bound to, the unwrapped data key included.
    fn binding(&self, key: &SealingKey<'_>, associated_data: &[u8]) -> Result<String, CryptoError> {
        let data_key = self.disclose(&key_binding(key.context), key.wrapped)?;
        Ok(format!("{}/{}/{}", key.id, hex(&data_key), hex(associated_data)))
    }
}

impl Vault for FakeVault {
    fn new_data_key(&self, context: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let key = digest(&["data key", &hex(&self.nonce())]);
        Ok(self.close(&key_binding(context), &key))
    }

    fn seal(
        &self,
        key: &SealingKey<'_>,
        associated_data: &[u8],
        plaintext: &Secret<String>,
    ) -> Result<Vec<u8>, CryptoError> {
        let binding = self.binding(key, associated_data)?;
        Ok(self.close(&binding, plaintext.expose().as_bytes()))
    }

    fn open(
        &self,
        key: &SealingKey<'_>,
        associated_data: &[u8],
        sealed: &[u8],
    ) -> Result<Secret<String>, CryptoError> {
        let plaintext = self.disclose(&self.binding(key, associated_data)?, sealed)?;
        String::from_utf8(plaintext).map(Secret::new).or(Err(CryptoError::Mismatch))
    }

    fn key_check(&self) -> Result<Vec<u8>, CryptoError> {
        Ok(self.close("key check", b"understudy"))
    }

    fn is_same_key(&self, check: &[u8]) -> bool {
        self.disclose("key check", check).is_ok()
    }
}

fn key_binding(context: &[u8]) -> String {
    format!("data key/{}", hex(context))
}
