//! Session tokens that can be read with the naked eye.

use understudy_domain::{
    Id, Secret, Timestamp,
    ports::{CryptoError, SessionClaims, SessionSigner},
    token::hex,
};

use super::digest;

const PREFIX: &str = "fake";

/// Signs with a number that everybody knows: for tests only.
///
/// Its tokens are
/// `fake.<session>.<user>.<organization>.<from>.<until>.<signature>`, with the
/// instants in microseconds.
#[derive(Debug, Default)]
pub struct FakeSigner {
    key: u8,
}

impl FakeSigner {
    /// The signer with key `key`; others refuse what it signs.
    #[must_use]
    pub const fn with_key(key: u8) -> Self {
        Self { key }
    }

    fn signature(&self, text: &str) -> String {
        hex(&digest(&["jwt", &self.key.to_string(), text]))
    }
}

impl SessionSigner for FakeSigner {
    fn sign(
        &self,
        claims: &SessionClaims,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Secret<String>, CryptoError> {
        let SessionClaims { session, user, organization } = claims;
        let (from, until) = (now.unix_micros(), expires_at.unix_micros());
        let text = format!("{PREFIX}.{session}.{user}.{organization}.{from}.{until}");
        let signature = self.signature(&text);
        Ok(Secret::new(format!("{text}.{signature}")))
    }

    fn verify(&self, jwt: &str, now: Timestamp) -> Option<SessionClaims> {
        let (text, signature) = jwt.rsplit_once('.')?;
        if signature != self.signature(text) {
            return None;
        }
        let mut parts = text.strip_prefix(PREFIX)?.strip_prefix('.')?.split('.');
        let claims = SessionClaims {
            session: id(parts.next()?)?,
            user: id(parts.next()?)?,
            organization: id(parts.next()?)?,
        };
        let from: i64 = parts.next()?.parse().ok()?;
        let until: i64 = parts.next()?.parse().ok()?;
        (from..until).contains(&now.unix_micros()).then_some(claims)
    }
}

fn id<T: understudy_domain::Kind>(text: &str) -> Option<Id<T>> {
    text.parse().ok()
}
