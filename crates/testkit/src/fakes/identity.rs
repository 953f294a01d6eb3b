//! A provider of identities who believes whatever a test tells, and envelopes of
//! glass.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use understudy_domain::{
    Secret, Timestamp,
    ports::{
        BegunLogin, CryptoError, ExternalIdentity, IdentityError, IdentityProvider, LoginSealer,
        LoginStart, PendingLogin,
    },
    token::hex,
};

use super::digest;

/// Tells of somebody when it is shown the code that a test gave them. A code is good
/// once.
#[derive(Debug, Default)]
pub struct FakeIdentityProvider {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    begun: u32,
    away: bool,
    identities: HashMap<String, ExternalIdentity>,
    redirects: Vec<String>,
}

impl FakeIdentityProvider {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells of `identity` whoever shows `code` next.
    pub fn knows(&self, code: &str, identity: ExternalIdentity) {
        self.state().identities.insert(code.to_owned(), identity);
    }

    /// Is not reached any more.
    pub fn go_away(&self) {
        self.state().away = true;
    }

    /// Where browsers were to be sent back to, log-in for log-in.
    #[must_use]
    pub fn redirects(&self) -> Vec<String> {
        self.state().redirects.clone()
    }

    fn reached(&self) -> Result<MutexGuard<'_, State>, IdentityError> {
        let state = self.state();
        if state.away { Err(IdentityError::Unavailable("it is away".into())) } else { Ok(state) }
    }
}

#[async_trait]
impl IdentityProvider for FakeIdentityProvider {
    fn name(&self) -> String {
        "identity.example".to_owned()
    }

    async fn test(&self) -> Result<(), IdentityError> {
        self.reached().map(drop)
    }

    async fn begin(&self, redirect_url: &str) -> Result<LoginStart, IdentityError> {
        let mut state = self.reached()?;
        state.begun += 1;
        state.redirects.push(redirect_url.to_owned());
        let number = state.begun;
        let secret = |what: &str| Secret::new(format!("{what}-{number}"));
        let pending = PendingLogin {
            state: secret("state"),
            nonce: secret("nonce"),
            verifier: secret("verifier"),
        };
        let url = format!("https://identity.example/authorize?state=state-{number}");
        Ok(LoginStart { url, pending })
    }

    async fn finish(
        &self,
        _: &PendingLogin,
        code: Secret<String>,
        _: &str,
    ) -> Result<ExternalIdentity, IdentityError> {
        let found = self.reached()?.identities.remove(code.expose());
        found.ok_or_else(|| IdentityError::Refused("invalid_grant".into()))
    }
}

/// Seals log-ins so that everybody can read them, and nobody can change them: for
/// tests only.
#[derive(Clone, Copy, Debug, Default)]
pub struct FakeLogins;

impl LoginSealer for FakeLogins {
    fn seal(&self, login: &BegunLogin) -> Result<Secret<String>, CryptoError> {
        let BegunLogin { pending, return_to, expires_at } = login;
        let PendingLogin { state, nonce, verifier } = pending;
        let until = expires_at.unix_micros().to_string();
        let parts = [state.expose(), nonce.expose(), verifier.expose(), return_to, &until];
        let text = parts.map(|part| hex(part.as_bytes())).join("_");
        let tag = hex(&digest(&["login", &text]));
        Ok(Secret::new(format!("{text}_{tag}")))
    }

    fn open(&self, sealed: &str, now: Timestamp) -> Option<BegunLogin> {
        let (text, tag) = sealed.rsplit_once('_')?;
        if tag != hex(&digest(&["login", text])) {
            return None;
        }
        let mut parts = text.split('_').map(unhex);
        let mut secret = || parts.next().flatten().map(Secret::new);
        let pending = PendingLogin { state: secret()?, nonce: secret()?, verifier: secret()? };
        let return_to = parts.next()??;
        let expires_at = Timestamp::from_unix_micros(parts.next()??.parse().ok()?)?;
        (now < expires_at).then_some(BegunLogin { pending, return_to, expires_at })
    }
}

fn unhex(text: &str) -> Option<String> {
    let digits: Vec<u8> = text
        .chars()
        .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let bytes = digits.chunks(2).map(|pair| match pair {
        [high, low] => Some(high * 16 + low),
        _ => None,
    });
    String::from_utf8(bytes.collect::<Option<_>>()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_login_opens_as_it_was_until_it_is_too_late() {
        let secret = |text: &str| Secret::new(text.to_owned());
        let pending =
            PendingLogin { state: secret("s"), nonce: secret("n_"), verifier: secret("ü") };
        let at = |micros| Timestamp::from_unix_micros(micros).unwrap();
        let login = BegunLogin { pending, return_to: "/x".to_owned(), expires_at: at(10) };

        let sealed = FakeLogins.seal(&login).unwrap();
        let opened = FakeLogins.open(sealed.expose(), at(9)).unwrap();

        assert_eq!(opened.pending.nonce.expose(), "n_");
        assert_eq!(opened.pending.verifier.expose(), "ü");
        assert_eq!(opened.return_to, "/x");
        assert!(FakeLogins.open(sealed.expose(), at(10)).is_none());
        assert!(FakeLogins.open(&sealed.expose().replacen('7', "6", 1), at(9)).is_none());
    }
}
