//! Who asks: the one parser of credentials, whichever way they come.

use actix_web::{
    HttpRequest,
    http::{Method, header},
};
use subtle::ConstantTimeEq;
use understudy_domain::{
    Secret, Timestamp, TokenHash, TokenText,
    assistant::view::AssistantView,
    ports::Proof,
    usecases::{self, Caller, Error, Origin, assistants, sessions},
};

use crate::{
    address::client_address,
    problem::{Code, Problem},
    request_id::RequestId,
    server::State,
};

/// The name of the session cookie.
pub(crate) const SESSION_COOKIE: &str = "understudy_session";

const API_KEY: &str = "x-api-key";
const CSRF: &str = "x-csrf-token";
const CHALLENGE: &str = "Bearer realm=\"understudy\"";
const CHALLENGE_INVALID: &str = "Bearer realm=\"understudy\", error=\"invalid_token\"";

/// A credential as it was shown, not yet looked up.
struct Shown {
    proof: Proof,
    cookie: Option<String>,
}

/// Where a request came from.
pub(crate) fn origin(request: &HttpRequest, state: &State) -> Origin {
    Origin {
        address: client_address(request, &state.options.trusted_proxies),
        request_id: RequestId::of(request).map(|id| id.as_str().to_owned()),
    }
}

/// The caller behind a request.
pub(crate) async fn authenticate(request: &HttpRequest, state: &State) -> Result<Caller, Problem> {
    let shown = shown(request, state)?;
    let (caller, _) = identify(shown.proof, &origin(request, state), state).await?;
    require_csrf(request, &shown)?;
    Ok(caller)
}

/// The caller behind a proof, and when it ends by itself, if it does.
async fn identify(
    proof: Proof,
    origin: &Origin,
    state: &State,
) -> Result<(Caller, Option<Timestamp>), Problem> {
    require_open(&proof, origin, state)?;
    let found = sessions::identify(state.deps(), proof, origin).await;
    settle(state, &proof, origin, found, |(caller, _)| caller)
}

/// What a request showed, kept to find out anew who its caller is when the request is
/// let go of. That they meant to send it was checked with the request.
pub(crate) struct Kept {
    proof: Proof,
    /// What ends earlier than the session that it names.
    jwt: Option<Secret<String>>,
}

impl Kept {
    /// What the request shows.
    pub(crate) fn of(request: &HttpRequest, state: &State) -> Result<Self, Problem> {
        let Shown { proof, .. } = shown(request, state)?;
        let jwt = match proof {
            Proof::Session(_) => bearer(request)?.map(|jwt| Secret::new(jwt.to_owned())),
            Proof::Token(_) | Proof::KnownToken(_) | Proof::Cookie(_) => None,
        };
        Ok(Self { proof, jwt })
    }

    /// Whether it is still good by itself, whatever became of what it names.
    pub(crate) fn is_current(&self, state: &State) -> bool {
        let now = state.services.clock.now();
        let verifies = |jwt: &Secret<String>| state.services.signer.verify(jwt.expose(), now);
        self.jwt.as_ref().is_none_or(|jwt| verifies(jwt).is_some())
    }

    /// The caller as they are now, and when their credential ends by itself.
    pub(crate) async fn identify(
        &self,
        origin: &Origin,
        state: &State,
    ) -> Result<(Caller, Option<Timestamp>), Problem> {
        if self.is_current(state) {
            identify(self.proof, origin, state).await
        } else {
            Err(unauthenticated(CHALLENGE_INVALID))
        }
    }

    /// Notes that the caller goes on using it.
    pub(crate) fn note_use(&self, caller: &Caller, state: &State) {
        if let Proof::Token(hash) = self.proof {
            state.options.token_uses.note(hash, caller, state.services.clock.now());
        }
    }
}

/// The caller behind a request to read an assistant, and the assistant.
pub(crate) async fn read_assistant(
    request: &HttpRequest,
    state: &State,
    reference: &str,
) -> Result<AssistantView, Problem> {
    let (Shown { proof, .. }, origin) = (shown(request, state)?, origin(request, state));
    require_open(&proof, &origin, state)?;
    let found = assistants::read_assistant(state.deps(), proof, &origin, reference).await;
    let (_, view) = settle(state, &proof, &origin, found, |(caller, _)| caller)?;
    Ok(view)
}

/// The session cookie that a request carries, if any.
pub(crate) fn session_cookie(request: &HttpRequest) -> Option<String> {
    request.cookie(SESSION_COOKIE).map(|cookie| cookie.value().to_owned())
}

/// Refuses who tries tokens from an address that has tried too many.
fn require_open(proof: &Proof, origin: &Origin, state: &State) -> Result<(), Problem> {
    match proof {
        Proof::Token(hash) if !state.options.token_uses.knows(hash) => {
            state.limits.refuse_shut(origin.address)
        }
        Proof::Token(_) | Proof::KnownToken(_) | Proof::Cookie(_) | Proof::Session(_) => Ok(()),
    }
}

/// Notes how the attempt ended.
fn settle<T>(
    state: &State,
    proof: &Proof,
    origin: &Origin,
    found: usecases::Result<T>,
    caller: impl FnOnce(&T) -> &Caller,
) -> Result<T, Problem> {
    let uses = &state.options.token_uses;
    match (found, proof) {
        (Err(Error::Unauthenticated), _) => {
            if let Proof::Token(hash) | Proof::Cookie(hash) = proof {
                uses.forget(hash);
            }
            let shut = state.limits.unknown_credential(origin.address);
            Err(shut.unwrap_or_else(|| unauthenticated(CHALLENGE_INVALID)))
        }
        (Ok(found), Proof::Token(hash)) => {
            uses.note(*hash, caller(&found), state.services.clock.now());
            Ok(found)
        }
        (found, _) => found.map_err(Problem::from),
    }
}

/// Answers as one who has no good credential.
fn unauthenticated(challenge: &str) -> Problem {
    Problem::new(Code::Unauthenticated).header(header::WWW_AUTHENTICATE, challenge)
}

fn shown(request: &HttpRequest, state: &State) -> Result<Shown, Problem> {
    let bearer = bearer(request)?;
    let key = header_text(request, API_KEY)?;
    let cookie = session_cookie(request);
    let conflicting = match (bearer, key, &cookie) {
        (Some(bearer), Some(key), None) => bearer != key,
        (bearer, key, Some(_)) => bearer.is_some() || key.is_some(),
        (_, _, None) => false,
    };
    if conflicting {
        let problem = Problem::new(Code::ConflictingCredentials);
        return Err(problem.header(header::WWW_AUTHENTICATE, CHALLENGE));
    }
    let refused = || unauthenticated(CHALLENGE_INVALID);
    if let Some(cookie) = cookie {
        let plausible = cookie.len() == 64 && cookie.bytes().all(|b| b.is_ascii_hexdigit());
        let proof = Proof::Cookie(TokenHash::of(&cookie));
        return plausible.then_some(Shown { proof, cookie: Some(cookie) }).ok_or_else(refused);
    }
    let proof = match (bearer, key) {
        (_, Some(token)) => token_proof(token),
        (Some(text), None) if text.starts_with(TokenText::PREFIX) => token_proof(text),
        (Some(jwt), None) => {
            let claims = state.services.signer.verify(jwt, state.services.clock.now());
            claims.map(|claims| Proof::Session(claims.session))
        }
        (None, None) => return Err(unauthenticated(CHALLENGE)),
    };
    Ok(Shown { proof: proof.ok_or_else(refused)?, cookie: None })
}

fn token_proof(text: &str) -> Option<Proof> {
    TokenText::is_plausible(text).then(|| Proof::Token(TokenHash::of(text)))
}

/// The one value of a header; two are a conflict, and text that is not ASCII is
/// no credential.
fn header_text<'a>(request: &'a HttpRequest, name: &str) -> Result<Option<&'a str>, Problem> {
    let mut values = request.headers().get_all(name);
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        let problem = Problem::new(Code::ConflictingCredentials);
        return Err(problem.header(header::WWW_AUTHENTICATE, CHALLENGE));
    }
    match value.to_str() {
        Ok(text) => Ok(Some(text)),
        Err(_) => Err(unauthenticated(CHALLENGE_INVALID)),
    }
}

/// What `Authorization` shows, if it is there.
fn bearer(request: &HttpRequest) -> Result<Option<&str>, Problem> {
    header_text(request, header::AUTHORIZATION.as_str())?.map(bearer_of).transpose()
}

fn bearer_of(text: &str) -> Result<&str, Problem> {
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    let token = token.trim();
    if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() {
        Ok(token)
    } else {
        Err(unauthenticated(CHALLENGE_INVALID))
    }
}

/// Writes by cookie must prove that a page of ours, or a program that read the
/// session, sent them.
fn require_csrf(request: &HttpRequest, shown: &Shown) -> Result<(), Problem> {
    let Some(cookie) = &shown.cookie else { return Ok(()) };
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    let given = request.headers().get(CSRF).map(header::HeaderValue::as_bytes).unwrap_or_default();
    let expected = sessions::csrf_of(cookie);
    if bool::from(given.ct_eq(expected.as_bytes())) {
        Ok(())
    } else {
        Err(Problem::new(Code::CsrfFailed))
    }
}
