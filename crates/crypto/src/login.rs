//! Log-ins that were begun, sealed for the browser that began them with
//! XChaCha20-Poly1305.
//!
//! The text is base64url of a version byte, a 24-byte nonce, and the ciphertext with
//! its tag; the version is authenticated with it. When it is too late is inside.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chacha20poly1305::{
    Key, KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use serde::{Deserialize, Serialize};
use understudy_domain::{
    Secret, Timestamp,
    ports::{BegunLogin, CryptoError, LoginSealer, PendingLogin},
};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{MasterKey, key::Label};

const VERSION: u8 = 1;
const NONCE: usize = 24;
/// A cookie has 4 KiB at most; nothing longer is ours.
const MOST_CHARS: usize = 4_096;

/// Seals log-ins with a key derived from the master key.
pub struct XChaChaLogins {
    key: Zeroizing<[u8; 32]>,
    previous: Option<Zeroizing<[u8; 32]>>,
}

#[derive(Serialize, Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(deny_unknown_fields)]
struct Sealed {
    state: String,
    nonce: String,
    verifier: String,
    return_to: String,
    expires_at: i64,
}

impl XChaChaLogins {
    /// The sealer of this installation.
    #[must_use]
    pub fn new(master: &MasterKey) -> Self {
        Self { key: master.derive(Label::Logins), previous: None }
    }

    /// The sealer of an installation whose master key is being changed: seals with
    /// `master`, and still opens what `previous` sealed.
    #[must_use]
    pub fn with_previous(master: &MasterKey, previous: &MasterKey) -> Self {
        Self { previous: Some(previous.derive(Label::Logins)), ..Self::new(master) }
    }
}

impl std::fmt::Debug for XChaChaLogins {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("XChaChaLogins").finish_non_exhaustive()
    }
}

impl LoginSealer for XChaChaLogins {
    fn seal(&self, login: &BegunLogin) -> Result<Secret<String>, CryptoError> {
        let sealed = Sealed {
            state: login.pending.state.expose().clone(),
            nonce: login.pending.nonce.expose().clone(),
            verifier: login.pending.verifier.expose().clone(),
            return_to: login.return_to.clone(),
            expires_at: login.expires_at.unix_micros(),
        };
        let text = serde_json::to_vec(&sealed).map(Zeroizing::new).or(Err(CryptoError::Failed))?;
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).or(Err(CryptoError::Failed))?;
        let ciphertext = XChaCha20Poly1305::new(&Key::from(*self.key))
            .encrypt(&XNonce::from(nonce), Payload { msg: &text, aad: &[VERSION] })
            .or(Err(CryptoError::Failed))?;
        let bytes = [&[VERSION], nonce.as_slice(), &ciphertext].concat();
        Ok(Secret::new(URL_SAFE_NO_PAD.encode(bytes)))
    }

    fn open(&self, sealed: &str, now: Timestamp) -> Option<BegunLogin> {
        if sealed.len() > MOST_CHARS {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let keys = std::iter::once(&self.key).chain(&self.previous);
        let text = keys.into_iter().find_map(|key| decrypt(key, &bytes))?;
        let login: Sealed = serde_json::from_slice(&text).ok()?;
        let expires_at = Timestamp::from_unix_micros(login.expires_at)?;
        (now < expires_at).then(|| BegunLogin {
            pending: PendingLogin {
                state: Secret::new(login.state.clone()),
                nonce: Secret::new(login.nonce.clone()),
                verifier: Secret::new(login.verifier.clone()),
            },
            return_to: login.return_to.clone(),
            expires_at,
        })
    }
}

fn decrypt(key: &[u8; 32], bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (&version, rest) = bytes.split_first()?;
    let (nonce, ciphertext) = rest.split_first_chunk::<NONCE>()?;
    if version != VERSION {
        return None;
    }
    XChaCha20Poly1305::new(&Key::from(*key))
        .decrypt(&XNonce::from(*nonce), Payload { msg: ciphertext, aad: &[VERSION] })
        .map(Zeroizing::new)
        .ok()
}

#[cfg(test)]
mod tests {
    use time::{Duration, macros::datetime};

    use super::*;

    fn now() -> Timestamp {
        Timestamp::new(datetime!(2026-01-01 12:00 UTC))
    }

    fn master(key: u8) -> MasterKey {
        MasterKey::from_bytes([key; 32])
    }

    fn login() -> BegunLogin {
        let secret = |text: &str| Secret::new(text.to_owned());
        BegunLogin {
            pending: PendingLogin {
                state: secret("state"),
                nonce: secret("nonce"),
                verifier: secret("verifier"),
            },
            return_to: "/höme?x=1".to_owned(),
            expires_at: now().plus(Duration::minutes(10)),
        }
    }

    #[test]
    fn a_sealed_login_opens_until_it_is_too_late() {
        let logins = XChaChaLogins::new(&master(1));
        let sealed = logins.seal(&login()).unwrap();

        let opened = logins.open(sealed.expose(), now()).unwrap();

        assert_eq!(opened.pending.state.expose(), "state");
        assert_eq!(opened.pending.nonce.expose(), "nonce");
        assert_eq!(opened.pending.verifier.expose(), "verifier");
        assert_eq!((opened.return_to, opened.expires_at), (login().return_to, login().expires_at));
        let at = |minutes| logins.open(sealed.expose(), now().plus(Duration::minutes(minutes)));
        assert!(at(9).is_some());
        assert!(at(10).is_none());
    }

    #[test]
    fn the_text_fits_into_a_cookie_shows_nothing_and_never_repeats() {
        let logins = XChaChaLogins::new(&master(1));

        let (first, second) = (logins.seal(&login()).unwrap(), logins.seal(&login()).unwrap());

        let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        assert!(first.expose().chars().all(plain));
        assert_ne!(first.expose(), second.expose());
        let bytes = URL_SAFE_NO_PAD.decode(first.expose()).unwrap();
        assert!(!bytes.windows(5).any(|part| part == b"state"));
    }

    #[test]
    fn no_altered_byte_and_no_truncation_opens() {
        let logins = XChaChaLogins::new(&master(1));
        let bytes = URL_SAFE_NO_PAD.decode(logins.seal(&login()).unwrap().expose()).unwrap();

        for at in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            assert!(logins.open(&URL_SAFE_NO_PAD.encode(&altered), now()).is_none(), "byte {at}");
            let cut = URL_SAFE_NO_PAD.encode(&bytes[..at]);
            assert!(logins.open(&cut, now()).is_none(), "cut at {at}");
        }
        for junk in ["", "ä", "====", &"A".repeat(5_000)] {
            assert!(logins.open(junk, now()).is_none());
        }
    }

    #[test]
    fn a_changed_master_key_opens_what_the_previous_one_sealed() {
        let sealed = XChaChaLogins::new(&master(1)).seal(&login()).unwrap();
        let both = XChaChaLogins::with_previous(&master(2), &master(1));
        let newer = both.seal(&login()).unwrap();

        assert!(both.open(sealed.expose(), now()).is_some());
        assert!(both.open(newer.expose(), now()).is_some());
        assert!(XChaChaLogins::new(&master(2)).open(newer.expose(), now()).is_some());
        assert!(XChaChaLogins::new(&master(2)).open(sealed.expose(), now()).is_none());
    }
}
