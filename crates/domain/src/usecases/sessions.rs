//! Who is it: log-ins, credentials, and what the server knows of a caller.

use sha2::{Digest, Sha256};
use time::Duration;

use super::{
    Caller, Deps, Error, Origin, Result,
    support::{fresh, record, require_admin, require_scope, require_unlimited},
    users::require_rank,
};
use crate::{
    Actor, ApiToken, Credential, Email, Organization, Scope, Secret, Session, Team, Timestamp,
    TokenHash, User, UserId,
    ports::{CallerRecord, PasswordHasher, Proof, SessionClaims, SessionSigner, UnitOfWork},
    token::hex,
};

/// How long a JWT is valid (safety.md: at most 15 minutes).
pub const JWT_LIFETIME: Duration = Duration::minutes(15);

/// How long a log-in lasts.
pub const SESSION_LIFETIME: Duration = Duration::hours(12);

/// The caller behind a credential, if it is good here and now.
///
/// # Errors
///
/// [`Error::Unauthenticated`], which does not tell what was wrong.
pub async fn authenticate(deps: Deps<'_>, proof: Proof, origin: &Origin) -> Result<Caller> {
    Ok(identify(deps, proof, origin).await?.0)
}

/// As [`authenticate`]; and when the credential ends by itself, if it does.
///
/// # Errors
///
/// As [`authenticate`].
pub async fn identify(
    deps: Deps<'_>,
    proof: Proof,
    origin: &Origin,
) -> Result<(Caller, Option<Timestamp>)> {
    let found = deps.store.callers().find(proof).await?.ok_or(Error::Unauthenticated)?;
    let ends_at = found.expires_at;
    Ok((admit(&deps, found, origin)?, ends_at))
}

/// The caller, unless disabled, expired or in the wrong place.
pub(super) fn admit(deps: &Deps<'_>, caller: CallerRecord, origin: &Origin) -> Result<Caller> {
    let CallerRecord { actor, disabled, expires_at } = caller;
    let expired = expires_at.is_some_and(|at| at <= deps.clock.now());
    if disabled || expired || !actor.may_come_from(origin.address) {
        return Err(Error::Unauthenticated);
    }
    Ok(Caller { actor, origin: origin.clone() })
}

/// A log-in attempt.
#[derive(Debug)]
pub struct LogIn {
    /// The e-mail address.
    pub email: String,
    /// The password.
    pub password: Secret<String>,
}

/// A log-in that succeeded.
#[derive(Debug)]
pub struct LoggedIn {
    /// The JWT, for `Authorization: Bearer`.
    pub jwt: Secret<String>,
    /// When the JWT ends; a new one comes from [`refresh`].
    pub jwt_expires_at: Timestamp,
    /// The value of the session cookie.
    pub cookie: Secret<String>,
    /// When the session ends.
    pub session_expires_at: Timestamp,
    /// What writes by cookie must send as `X-CSRF-Token`.
    pub csrf: String,
    /// Who logged in.
    pub user: User,
}

/// Logs a user in.
///
/// # Errors
///
/// [`Error::Unauthenticated`], whichever part was wrong.
#[tracing::instrument(skip_all)]
pub async fn log_in(
    deps: Deps<'_>,
    passwords: &dyn PasswordHasher,
    signer: &dyn SessionSigner,
    origin: &Origin,
    command: LogIn,
) -> Result<LoggedIn> {
    let LogIn { email, password } = command;
    let found = match Email::parse(&email) {
        Ok(email) => deps.store.callers().find_login(&email).await?,
        Err(_) => None,
    };
    let hash = found.as_ref().and_then(|login| login.password.clone());
    let right = passwords.verify(password, hash).await?;
    let login = found.filter(|login| right && !login.disabled).ok_or(Error::Unauthenticated)?;

    let mut work = deps.store.begin(login.organization).await?;
    let user = work.users().find(login.user).await?.ok_or(Error::Unauthenticated)?;
    let begun = BegunSession::of(&deps, origin, &user);
    begun.record(&deps, &mut *work).await?;
    work.commit().await?;

    begun.logged_in(signer, user)
}

/// A session that is being made.
pub(super) struct BegunSession {
    session: Session,
    cookie: Secret<String>,
    /// The user as the session will act.
    pub(super) caller: Caller,
}

impl BegunSession {
    pub(super) fn of(deps: &Deps<'_>, origin: &Origin, user: &User) -> Self {
        let now = deps.clock.now();
        let cookie = Secret::new(hex(&deps.ids.random()));
        let session = Session {
            id: fresh(deps),
            organization: user.organization,
            user: user.id,
            cookie: TokenHash::of(cookie.expose()),
            created_at: now,
            expires_at: now.plus(SESSION_LIFETIME),
        };
        let caller = Caller { actor: actor_of(user, session.id), origin: origin.clone() };
        Self { session, cookie, caller }
    }

    /// Adds the session.
    pub(super) async fn record(&self, deps: &Deps<'_>, work: &mut dyn UnitOfWork) -> Result<()> {
        work.credentials().insert_session(&self.session).await?;
        let target = self.session.user.to_string();
        record(deps, &self.caller, work, "session.created", target, (None, None)).await
    }

    /// What its user is given, after the commit.
    pub(super) fn logged_in(self, signer: &dyn SessionSigner, user: User) -> Result<LoggedIn> {
        let Self { session, cookie, .. } = self;
        let (jwt, jwt_expires_at) = sign(signer, &session, session.created_at)?;
        let csrf = csrf_of(cookie.expose());
        let session_expires_at = session.expires_at;
        Ok(LoggedIn { jwt, jwt_expires_at, cookie, session_expires_at, csrf, user })
    }
}

fn actor_of(user: &User, session: crate::SessionId) -> Actor {
    Actor {
        user: user.id,
        organization: user.organization,
        email: user.email.clone(),
        name: user.name.clone(),
        role: user.role,
        departments: user.departments.iter().cloned().collect(),
        teams: Vec::new(), // nothing that a log-in decides on
        ai_seat: user.ai_seat,
        credential: Credential::Session(session),
    }
}

fn sign(
    signer: &dyn SessionSigner,
    session: &Session,
    now: Timestamp,
) -> Result<(Secret<String>, Timestamp)> {
    let claims = SessionClaims {
        session: session.id,
        user: session.user,
        organization: session.organization,
    };
    let expires_at = now.plus(JWT_LIFETIME).min(session.expires_at);
    Ok((signer.sign(&claims, now, expires_at)?, expires_at))
}

/// A new JWT for the session that the caller is in.
///
/// # Errors
///
/// [`Error::Unauthenticated`] for API tokens: they need none.
pub fn refresh(
    deps: Deps<'_>,
    signer: &dyn SessionSigner,
    caller: &Caller,
) -> Result<(Secret<String>, Timestamp)> {
    let Credential::Session(session) = caller.actor.credential else {
        return Err(Error::Unauthenticated);
    };
    let now = deps.clock.now();
    let claims =
        SessionClaims { session, user: caller.actor.user, organization: caller.actor.organization };
    let expires_at = now.plus(JWT_LIFETIME);
    Ok((signer.sign(&claims, now, expires_at)?, expires_at))
}

/// Ends the session that the caller is in, with its cookie and its JWTs.
///
/// # Errors
///
/// [`Error::NotFound`] when the caller showed an API token.
pub async fn log_out(deps: Deps<'_>, caller: &Caller) -> Result<()> {
    let Credential::Session(session) = caller.actor.credential else {
        return Err(Error::NotFound("session"));
    };
    let mut work = deps.store.begin(caller.tenant()).await?;
    work.credentials().delete_session(session).await?;
    let target = caller.actor.user.to_string();
    record(&deps, caller, &mut *work, "session.ended", target, (None, None)).await?;
    Ok(work.commit().await?)
}

/// Ends all sessions of a user, that of the caller included if they are the user.
///
/// # Errors
///
/// [`Error::NotFound`]; [`Error::Forbidden`] for all but the user and administrators
/// of a higher rank.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn end_sessions(deps: Deps<'_>, caller: &Caller, id: UserId) -> Result<()> {
    if id == caller.actor.user {
        require_unlimited(&caller.actor)?;
        require_scope(&caller.actor, Scope::Admin)?;
    } else {
        require_admin(&caller.actor, Scope::Admin)?;
    }
    let mut work = deps.store.begin(caller.tenant()).await?;
    let user = work.users().find(id).await?.ok_or(Error::NotFound("user"))?;
    require_rank(caller, &user)?;
    work.credentials().delete_sessions_of(id).await?;
    record(&deps, caller, &mut *work, "sessions.ended", id.to_string(), (None, None)).await?;
    Ok(work.commit().await?)
}

/// What a write by cookie must send as `X-CSRF-Token`: derived from the cookie,
/// which no script can read and no other site can know.
#[must_use]
pub fn csrf_of(cookie: &str) -> String {
    hex(&Sha256::new().chain_update("understudy-csrf:").chain_update(cookie).finalize())
}

/// What the server knows of a caller.
#[derive(Debug)]
pub struct WhoAmI {
    /// The user.
    pub user: User,
    /// The organization.
    pub organization: Organization,
    /// The user's teams.
    pub teams: Vec<Team>,
    /// What the caller may do in the organization, for example
    /// `assistants:create`; limits of a token are taken into account.
    pub permissions: Vec<&'static str>,
    /// The token that was shown, if it was one.
    pub token: Option<ApiToken>,
}

/// Tells a caller who they are.
///
/// # Errors
///
/// The store's.
pub async fn who_am_i(deps: Deps<'_>, caller: &Caller) -> Result<WhoAmI> {
    let (tenant, actor) = (caller.tenant(), &caller.actor);
    let directory = deps.store.directory();
    let user = directory.user(tenant, actor.user).await?.ok_or(Error::Unauthenticated)?;
    let organization = directory.organization(tenant).await?.ok_or(Error::Unauthenticated)?;
    let mut teams = directory.teams(tenant).await?;
    teams.retain(|team| team.members.contains_key(&actor.user));
    let token = match actor.credential {
        Credential::Token { id, .. } => {
            let tokens = directory.tokens(tenant, actor.user).await?;
            tokens.into_iter().find(|token| token.id == id)
        }
        Credential::Session(_) | Credential::Console => None,
    };
    Ok(WhoAmI { user, organization, teams, permissions: permissions(actor), token })
}

fn permissions(actor: &Actor) -> Vec<&'static str> {
    let free = actor.only_assistant().is_none();
    let mut all = Vec::new();
    if actor.ai_seat && free && actor.role.may_create_assistants() && actor.has_scope(Scope::Write)
    {
        all.push("assistants:create");
    }
    if free && actor.role.is_admin() && actor.has_scope(Scope::Admin) {
        all.extend(["users:manage", "teams:manage"]);
    }
    if free && actor.has_scope(Scope::Admin) {
        all.push("tokens:create");
    }
    all
}
