//! Envelope encryption with XChaCha20-Poly1305.
//!
//! Everything stored has one form: a version byte, the 16-byte id of the key, a
//! 24-byte nonce, and the ciphertext with its tag. The version and the key's id
//! are authenticated together with what the caller binds the value to.

use chacha20poly1305::{
    Key, KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use subtle::ConstantTimeEq;
use understudy_domain::{
    Secret,
    ports::{CryptoError, SealingKey, Vault},
};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::{MasterKey, key::Label};

const VERSION: u8 = 1;
const KEY_ID: usize = 16;
const NONCE: usize = 24;
const TAG: usize = 16;

/// Seals values under data keys that the master key wraps.
pub struct XChaChaVault {
    newest: Wrapping,
    previous: Option<Wrapping>,
}

/// What comes of one master key.
struct Wrapping {
    key: Zeroizing<[u8; 32]>,
    id: [u8; KEY_ID],
    check: Zeroizing<[u8; 32]>,
}

impl Wrapping {
    fn of(master: &MasterKey) -> Self {
        Self {
            key: master.derive(Label::Wrapping),
            id: *master.derive(Label::WrappingKeyId),
            check: master.derive(Label::KeyCheck),
        }
    }
}

impl XChaChaVault {
    /// The vault of this installation.
    #[must_use]
    pub fn new(master: &MasterKey) -> Self {
        Self { newest: Wrapping::of(master), previous: None }
    }

    /// The vault of an installation whose master key is being changed: wraps with
    /// `master`, and still unwraps what `previous` wrapped.
    #[must_use]
    pub fn with_previous(master: &MasterKey, previous: &MasterKey) -> Self {
        Self { newest: Wrapping::of(master), previous: Some(Wrapping::of(previous)) }
    }

    fn known(&self) -> impl Iterator<Item = &Wrapping> {
        std::iter::once(&self.newest).chain(&self.previous)
    }

    fn unwrap_key(&self, key: &SealingKey<'_>) -> Result<Zeroizing<[u8; 32]>, CryptoError> {
        let id = key_id(key.wrapped)?;
        let wrapping = self.known().find(|wrapping| wrapping.id == id);
        let wrapping = wrapping.ok_or(CryptoError::Mismatch)?;
        let bytes = decrypt(&wrapping.key, wrapping.id, key.context, key.wrapped)?;
        <[u8; 32]>::try_from(bytes.as_slice())
            .map(Zeroizing::new)
            .or(Err(CryptoError::UnknownFormat))
    }
}

impl std::fmt::Debug for XChaChaVault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("XChaChaVault").finish_non_exhaustive()
    }
}

impl Vault for XChaChaVault {
    fn new_data_key(&self, context: &[u8]) -> Result<Vec<u8>, CryptoError> {
        let mut key = Zeroizing::new([0; 32]);
        getrandom::fill(key.as_mut_slice()).or(Err(CryptoError::Failed))?;
        encrypt(&self.newest.key, self.newest.id, context, key.as_slice())
    }

    fn seal(
        &self,
        key: &SealingKey<'_>,
        associated_data: &[u8],
        plaintext: &Secret<String>,
    ) -> Result<Vec<u8>, CryptoError> {
        let data_key = self.unwrap_key(key)?;
        encrypt(&data_key, key.id.into_bytes(), associated_data, plaintext.expose().as_bytes())
    }

    fn open(
        &self,
        key: &SealingKey<'_>,
        associated_data: &[u8],
        sealed: &[u8],
    ) -> Result<Secret<String>, CryptoError> {
        let data_key = self.unwrap_key(key)?;
        let plaintext = decrypt(&data_key, key.id.into_bytes(), associated_data, sealed)?;
        let text = std::str::from_utf8(&plaintext).or(Err(CryptoError::UnknownFormat))?;
        Ok(Secret::new(text.to_owned()))
    }

    fn key_of(&self, sealed: &[u8]) -> Result<Uuid, CryptoError> {
        key_id(sealed).map(Uuid::from_bytes)
    }

    fn rewrap(&self, key: &SealingKey<'_>) -> Result<Option<Vec<u8>>, CryptoError> {
        let data_key = self.unwrap_key(key)?;
        if key_id(key.wrapped)? == self.newest.id {
            return Ok(None);
        }
        encrypt(&self.newest.key, self.newest.id, key.context, data_key.as_slice()).map(Some)
    }

    fn key_check(&self) -> Result<Vec<u8>, CryptoError> {
        Ok([&[VERSION], self.newest.check.as_slice()].concat())
    }

    fn is_same_key(&self, check: &[u8]) -> bool {
        match check.split_first() {
            Some((&VERSION, check)) => {
                self.known().any(|known| check.ct_eq(known.check.as_slice()).into())
            }
            _ => false,
        }
    }
}

/// The id of the key that a stored form names.
fn key_id(stored: &[u8]) -> Result<[u8; KEY_ID], CryptoError> {
    let (version, rest) = stored.split_first().ok_or(CryptoError::UnknownFormat)?;
    let (id, _) = rest.split_first_chunk::<KEY_ID>().ok_or(CryptoError::UnknownFormat)?;
    if *version == VERSION { Ok(*id) } else { Err(CryptoError::UnknownFormat) }
}

fn encrypt(
    key: &[u8; 32],
    key_id: [u8; KEY_ID],
    associated_data: &[u8],
    plaintext: &[u8],
) -> Result<Vec<u8>, CryptoError> {
    let mut nonce = [0; NONCE];
    getrandom::fill(&mut nonce).or(Err(CryptoError::Failed))?;
    let aad = bound(key_id, associated_data);
    let ciphertext = XChaCha20Poly1305::new(&Key::from(*key))
        .encrypt(&XNonce::from(nonce), Payload { msg: plaintext, aad: &aad })
        .or(Err(CryptoError::Failed))?;
    Ok([&[VERSION], key_id.as_slice(), &nonce, &ciphertext].concat())
}

fn decrypt(
    key: &[u8; 32],
    key_id: [u8; KEY_ID],
    associated_data: &[u8],
    stored: &[u8],
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let (version, rest) = stored.split_first().ok_or(CryptoError::UnknownFormat)?;
    let (id, rest) = rest.split_first_chunk::<KEY_ID>().ok_or(CryptoError::UnknownFormat)?;
    let (nonce, ciphertext) =
        rest.split_first_chunk::<NONCE>().ok_or(CryptoError::UnknownFormat)?;
    if *version != VERSION || ciphertext.len() < TAG {
        return Err(CryptoError::UnknownFormat);
    }
    if *id != key_id {
        return Err(CryptoError::Mismatch);
    }
    let aad = bound(key_id, associated_data);
    XChaCha20Poly1305::new(&Key::from(*key))
        .decrypt(&XNonce::from(*nonce), Payload { msg: ciphertext, aad: &aad })
        .map(Zeroizing::new)
        .or(Err(CryptoError::Mismatch))
}

/// What a ciphertext is authenticated with: its own head and what it belongs to.
fn bound(key_id: [u8; KEY_ID], associated_data: &[u8]) -> Vec<u8> {
    [&[VERSION], key_id.as_slice(), associated_data].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTEXT: &[u8] = b"organization 1";

    fn vault(key: u8) -> XChaChaVault {
        XChaChaVault::new(&MasterKey::from_bytes([key; 32]))
    }

    fn key(wrapped: &[u8]) -> SealingKey<'_> {
        SealingKey { id: Uuid::from_u128(42), context: CONTEXT, wrapped }
    }

    fn secret() -> Secret<String> {
        Secret::new("Bearer höchst geheim".to_owned())
    }

    #[test]
    fn a_sealed_value_opens_with_its_key_and_binding() {
        let wrapped = vault(1).new_data_key(CONTEXT).unwrap();

        for text in ["", "Bearer höchst geheim", &"x".repeat(100_000)] {
            let sealed =
                vault(1).seal(&key(&wrapped), b"here", &Secret::new(text.to_owned())).unwrap();
            let opened = vault(1).open(&key(&wrapped), b"here", &sealed).unwrap();
            assert_eq!(opened.expose(), text);
        }
    }

    #[test]
    fn the_stored_form_names_version_and_key_and_never_repeats() {
        let wrapped = vault(1).new_data_key(CONTEXT).unwrap();

        let first = vault(1).seal(&key(&wrapped), b"here", &secret()).unwrap();
        let second = vault(1).seal(&key(&wrapped), b"here", &secret()).unwrap();

        assert_eq!(first[0], 1);
        assert_eq!(first[1..17], Uuid::from_u128(42).into_bytes());
        assert_eq!(first.len(), 1 + 16 + 24 + secret().expose().len() + 16);
        assert_ne!(first[17..41], second[17..41]);
    }

    #[test]
    fn a_value_that_was_moved_does_not_open() {
        let wrapped = vault(1).new_data_key(CONTEXT).unwrap();
        let sealed = vault(1).seal(&key(&wrapped), b"here", &secret()).unwrap();

        let opened = vault(1).open(&key(&wrapped), b"there", &sealed);

        assert_eq!(opened.unwrap_err(), CryptoError::Mismatch);
    }

    #[test]
    fn a_data_key_opens_only_with_its_master_key_and_context() {
        let wrapped = vault(1).new_data_key(CONTEXT).unwrap();
        let sealed = vault(1).seal(&key(&wrapped), b"here", &secret()).unwrap();
        let moved = SealingKey { context: b"organization 2", ..key(&wrapped) };

        let with_other_master = vault(2).open(&key(&wrapped), b"here", &sealed);
        let in_other_context = vault(1).open(&moved, b"here", &sealed);

        assert_eq!(with_other_master.unwrap_err(), CryptoError::Mismatch);
        assert_eq!(in_other_context.unwrap_err(), CryptoError::Mismatch);
    }

    #[test]
    fn another_data_key_does_not_open_it_under_any_id() {
        let wrapped = vault(1).new_data_key(CONTEXT).unwrap();
        let other = vault(1).new_data_key(CONTEXT).unwrap();
        let sealed = vault(1).seal(&key(&wrapped), b"here", &secret()).unwrap();
        let renamed = SealingKey { id: Uuid::from_u128(43), ..key(&wrapped) };

        for key in [key(&other), renamed] {
            let opened = vault(1).open(&key, b"here", &sealed);
            assert_eq!(opened.unwrap_err(), CryptoError::Mismatch);
        }
    }

    #[test]
    fn no_altered_byte_and_no_truncation_opens() {
        let wrapped = vault(1).new_data_key(CONTEXT).unwrap();
        let sealed = vault(1).seal(&key(&wrapped), b"here", &secret()).unwrap();

        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert!(vault(1).open(&key(&wrapped), b"here", &altered).is_err(), "byte {at}");
            assert!(vault(1).open(&key(&wrapped), b"here", &sealed[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn an_unknown_version_and_a_short_value_are_told_from_a_wrong_key() {
        let wrapped = vault(1).new_data_key(CONTEXT).unwrap();
        let mut sealed = vault(1).seal(&key(&wrapped), b"here", &secret()).unwrap();
        sealed[0] = 2;

        for stored in [sealed.as_slice(), b"", b"plain text"] {
            let opened = vault(1).open(&key(&wrapped), b"here", stored);
            assert_eq!(opened.unwrap_err(), CryptoError::UnknownFormat);
        }
    }

    #[test]
    fn a_key_check_recognizes_its_master_key_only() {
        let check = vault(1).key_check().unwrap();

        assert!(vault(1).is_same_key(&check));
        assert!(!vault(2).is_same_key(&check));
        assert!(!vault(1).is_same_key(&check[..check.len() - 1]));
        assert!(!vault(1).is_same_key(b""));
    }

    #[test]
    fn a_changed_master_key_reads_what_the_previous_one_wrapped() {
        let (old, new) = (MasterKey::from_bytes([1; 32]), MasterKey::from_bytes([2; 32]));
        let wrapped = vault(1).new_data_key(CONTEXT).unwrap();
        let sealed = vault(1).seal(&key(&wrapped), b"here", &secret()).unwrap();
        let both = XChaChaVault::with_previous(&new, &old);

        let opened = both.open(&key(&wrapped), b"here", &sealed).unwrap();
        let rewrapped = both.rewrap(&key(&wrapped)).unwrap().unwrap();
        let by_new_alone = vault(2).open(&key(&rewrapped), b"here", &sealed).unwrap();

        assert_eq!(opened.expose(), secret().expose());
        assert_eq!(by_new_alone.expose(), secret().expose());
        assert_eq!(both.rewrap(&key(&rewrapped)).unwrap(), None);
        assert!(vault(1).rewrap(&key(&rewrapped)).is_err());
        assert!(both.is_same_key(&vault(1).key_check().unwrap()));
        assert_eq!(both.key_check().unwrap(), vault(2).key_check().unwrap());
    }

    #[test]
    fn a_sealed_value_names_its_data_key() {
        let wrapped = vault(1).new_data_key(CONTEXT).unwrap();
        let sealed = vault(1).seal(&key(&wrapped), b"here", &secret()).unwrap();

        assert_eq!(vault(2).key_of(&sealed), Ok(Uuid::from_u128(42)));
        assert_eq!(vault(2).key_of(b"\x01short"), Err(CryptoError::UnknownFormat));
        assert_eq!(vault(2).key_of(&[7; 64]), Err(CryptoError::UnknownFormat));
    }
}
