//! The one key that an operator keeps, and the keys derived from it.

use base64::{Engine, engine::general_purpose::STANDARD};
use hkdf::Hkdf;
use sha2::Sha256;
use understudy_domain::{Secret, ports::CryptoError};
use zeroize::Zeroizing;

/// 32 secret bytes that every other key comes from.
#[derive(Clone, Debug)]
pub struct MasterKey(Secret<[u8; 32]>);

/// The text is no master key; says nothing of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a master key is 32 bytes in base64 (44 characters)")]
pub struct InvalidMasterKey;

impl MasterKey {
    /// Reads the key from base64; blanks around it do not matter.
    ///
    /// # Errors
    ///
    /// [`InvalidMasterKey`] unless it is 32 bytes.
    pub fn from_base64(text: &str) -> Result<Self, InvalidMasterKey> {
        let bytes = STANDARD.decode(text.trim()).map(Zeroizing::new).or(Err(InvalidMasterKey))?;
        <[u8; 32]>::try_from(bytes.as_slice()).map(Self::from_bytes).or(Err(InvalidMasterKey))
    }

    /// A fresh key.
    ///
    /// # Errors
    ///
    /// [`CryptoError::Failed`] when the operating system gives no randomness.
    pub fn generate() -> Result<Self, CryptoError> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut_slice()).or(Err(CryptoError::Failed))?;
        Ok(Self::from_bytes(*bytes))
    }

    /// The key of these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Secret::new(bytes))
    }

    /// The text that [`from_base64`](Self::from_base64) reads, to be kept in a
    /// file that nobody else can read.
    #[must_use]
    pub fn to_base64(&self) -> Secret<String> {
        Secret::new(STANDARD.encode(self.0.expose()))
    }

    /// `N` bytes for the purpose that `label` names and for no other.
    pub(crate) fn derive<const N: usize>(&self, label: Label) -> Zeroizing<[u8; N]> {
        let mut derived = Zeroizing::new([0; N]);
        // HKDF fails only beyond 255 * 32 bytes, and zeros would not be a secret.
        let expanded = Hkdf::<Sha256>::new(None, self.0.expose())
            .expand(label.as_bytes(), derived.as_mut_slice());
        assert!(expanded.is_ok(), "HKDF gives no {N} bytes");
        derived
    }
}

/// What a derived key is for. The texts are part of the stored format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Label {
    Sessions,
    Logins,
    Wrapping,
    WrappingKeyId,
    KeyCheck,
}

impl Label {
    const fn as_bytes(self) -> &'static [u8] {
        match self {
            Self::Sessions => b"understudy v1 session signing",
            Self::Logins => b"understudy v1 login sealing",
            Self::Wrapping => b"understudy v1 data key wrapping",
            Self::WrappingKeyId => b"understudy v1 wrapping key id",
            Self::KeyCheck => b"understudy v1 key check",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_key_reads_back_from_its_text() {
        let key = MasterKey::generate().unwrap();

        let read = MasterKey::from_base64(&format!("{}\n", key.to_base64().expose())).unwrap();

        assert_eq!(read.0.expose(), key.0.expose());
    }

    #[test]
    fn a_text_that_is_not_32_bytes_of_base64_is_refused() {
        for text in ["", "secret", &STANDARD.encode([1; 31]), &STANDARD.encode([1; 33])] {
            assert_eq!(MasterKey::from_base64(text).unwrap_err(), InvalidMasterKey);
        }
    }

    #[test]
    fn labels_give_unrelated_keys() {
        let key = MasterKey::from_bytes([7; 32]);
        let labels = [
            Label::Sessions,
            Label::Logins,
            Label::Wrapping,
            Label::WrappingKeyId,
            Label::KeyCheck,
        ];

        let mut derived: Vec<[u8; 32]> = labels.map(|label| *key.derive(label)).to_vec();
        derived.sort_unstable();
        derived.dedup();

        assert_eq!(derived.len(), labels.len());
    }
}
