//! Log-ins by an identity provider, and the users that they make and keep up to date.
//!
//! A user is linked to an account of the provider by its subject
//! ([`User::external_id`]), never by an e-mail address: whoever could give themselves
//! an address at the provider would else be whom it belongs to here.

use super::{
    Conflict, Denied, Deps, Error, Origin, Result,
    sessions::{BegunSession, LoggedIn},
    support::{fresh, on_write, record},
    users::{MAX_EXTERNAL_ID_CHARS, MAX_NAME_CHARS, state_of},
};
use crate::{
    Email, OrganizationId, Role, Secret, TokenHash, User,
    directory::{DirectoryMapping, Mapped},
    ports::{
        BegunLogin, Counted, ExternalIdentity, IdentityProvider, LoginSealer, LoginStart,
        SessionSigner, UnitOfWork,
    },
};

/// How long a log-in at the provider may take.
pub const LOGIN_LIFETIME: time::Duration = time::Duration::minutes(10);

const NOT_BEGUN: Denied =
    Denied::LogIn("the log-in was not begun in this browser, or too long ago; begin again");
const SAID_NO: Denied = Denied::LogIn("the identity provider did not log in; begin again");
const NO_ADDRESS: Denied =
    Denied::LogIn("the identity provider tells no verified e-mail address of this account");
const NOT_HERE: Denied =
    Denied::LogIn("this account may not log in here; ask an administrator of the organization");

/// How log-ins by the provider are done.
#[derive(Clone, Copy)]
pub struct SignOn<'a> {
    /// The provider.
    pub provider: &'a dyn IdentityProvider,
    /// Keeps what is remembered of a log-in.
    pub sealer: &'a dyn LoginSealer,
    /// What the provider's claims mean.
    pub mapping: &'a DirectoryMapping,
    /// Where the provider sends browsers back to.
    pub redirect_url: &'a str,
}

/// A log-in that a browser goes on with.
#[derive(Debug)]
pub struct Begun {
    /// Where to.
    pub url: String,
    /// What it brings back, in a cookie.
    pub cookie: Secret<String>,
}

/// Begins a log-in that goes on to the path `return_to` afterwards.
///
/// # Errors
///
/// [`Error::Identity`] when the provider cannot be asked.
#[tracing::instrument(skip_all)]
pub async fn begin_log_in(deps: Deps<'_>, sign_on: SignOn<'_>, return_to: &str) -> Result<Begun> {
    let LoginStart { url, pending } = sign_on.provider.begin(sign_on.redirect_url).await?;
    let expires_at = deps.clock.now().plus(LOGIN_LIFETIME);
    let begun = BegunLogin { pending, return_to: return_to.to_owned(), expires_at };
    Ok(Begun { url, cookie: sign_on.sealer.seal(&begun)? })
}

/// A browser that comes back from the provider.
#[derive(Debug)]
pub struct Return {
    /// The cookie, if it brought one.
    pub cookie: Option<String>,
    /// The state that the provider sent with it.
    pub state: String,
    /// The provider's code; `None` when it told an error instead.
    pub code: Option<Secret<String>>,
}

/// Ends a log-in: who it was, logged in, and the path to go on to.
///
/// # Errors
///
/// [`Denied::LogIn`] with what the person can do about it, and nothing else;
/// [`Conflict::AccountNotLinked`]; [`Error::Identity`].
#[tracing::instrument(skip_all)]
pub async fn finish_log_in(
    deps: Deps<'_>,
    sign_on: SignOn<'_>,
    signer: &dyn SessionSigner,
    origin: &Origin,
    back: Return,
) -> Result<(LoggedIn, String)> {
    let Return { cookie, state, code } = back;
    let begun = cookie.and_then(|cookie| sign_on.sealer.open(&cookie, deps.clock.now()));
    // Hashes, so that the time does not tell how much of it was right.
    let ours =
        |begun: &BegunLogin| TokenHash::of(begun.pending.state.expose()) == TokenHash::of(&state);
    let begun = begun.filter(ours).ok_or(NOT_BEGUN)?;
    let code = code.ok_or(SAID_NO)?;
    let identity = sign_on.provider.finish(&begun.pending, code, sign_on.redirect_url).await?;
    let logged_in = log_in_external(deps, sign_on.mapping, signer, origin, &identity).await?;
    Ok((logged_in, begun.return_to))
}

/// Logs in whoever the provider says it is. Somebody new becomes a user; of others,
/// what the directory decides follows it.
///
/// # Errors
///
/// As [`finish_log_in`].
#[tracing::instrument(skip_all)]
pub async fn log_in_external(
    deps: Deps<'_>,
    mapping: &DirectoryMapping,
    signer: &dyn SessionSigner,
    origin: &Origin,
    identity: &ExternalIdentity,
) -> Result<LoggedIn> {
    let subject_chars = identity.subject.chars().count();
    if !(1..=MAX_EXTERNAL_ID_CHARS).contains(&subject_chars) {
        return Err(NOT_HERE.into());
    }
    let mapped = mapping.map(&identity.claims).ok_or(NOT_HERE)?;
    let organization = deps.store.callers().first_organization().await?.ok_or(NOT_HERE)?.id;
    let log_in = LogIn { deps, origin, organization, identity, mapped };
    let (begun, user) = match log_in.once().await {
        // Somebody was made at the same moment: perhaps this very one.
        Err(Error::Conflict(Conflict::Taken { .. } | Conflict::Concurrent)) => log_in.once().await,
        other => other,
    }
    .map_err(|error| match error {
        Error::Conflict(Conflict::Taken { what: "email" }) => Conflict::AccountNotLinked.into(),
        other => other,
    })?;
    begun.logged_in(signer, user)
}

struct LogIn<'a> {
    deps: Deps<'a>,
    origin: &'a Origin,
    organization: OrganizationId,
    identity: &'a ExternalIdentity,
    mapped: Mapped,
}

impl LogIn<'_> {
    async fn once(&self) -> Result<(BegunSession, User)> {
        let mut work = self.deps.store.begin(self.organization).await?;
        let known = work.users().find_by_external_id(&self.identity.subject).await?;
        let (begun, user) = match known {
            Some(user) => self.follow(&mut *work, user).await?,
            None => self.provision(&mut *work).await?,
        };
        begun.record(&self.deps, &mut *work).await?;
        work.commit().await?;
        Ok((begun, user))
    }

    /// A user for somebody new.
    async fn provision(&self, work: &mut dyn UnitOfWork) -> Result<(BegunSession, User)> {
        let identity = self.identity;
        let email = identity.email.as_deref().filter(|_| identity.email_verified);
        let email = email.and_then(|email| Email::parse(email).ok()).ok_or(NO_ADDRESS)?;
        let organization = work.organizations().find().await?.ok_or(NOT_HERE)?;
        if let Some(most) = organization.settings.limits.max_users
            && work.organizations().count(Counted::Users).await? >= most
        {
            tracing::warn!(most, "a log-in was refused: the organization has all its users");
            return Err(NOT_HERE.into());
        }
        let now = self.deps.clock.now();
        let Mapped { role, departments, ai_seat } = self.mapped.clone();
        let user = User {
            id: fresh(&self.deps),
            organization: self.organization,
            email,
            name: self.name().unwrap_or_default(),
            role: role.first(),
            departments: departments.first(),
            ai_seat: ai_seat.first(),
            disabled: false,
            password: None,
            external_id: Some(identity.subject.clone()),
            created_at: now,
            updated_at: now,
            revision: 1,
        };
        work.users().insert(&user).await.map_err(on_write)?;
        let begun = BegunSession::of(&self.deps, self.origin, &user);
        let (target, values) = (user.id.to_string(), (None, Some(state_of(&user))));
        record(&self.deps, &begun.caller, work, "user.provisioned", target, values).await?;
        Ok((begun, user))
    }

    /// The user as the directory has them now. An owner stays one.
    async fn follow(
        &self,
        work: &mut dyn UnitOfWork,
        before: User,
    ) -> Result<(BegunSession, User)> {
        if before.disabled {
            return Err(NOT_HERE.into());
        }
        let Mapped { role, departments, ai_seat } = self.mapped.clone();
        let owner = before.role == Role::Owner;
        let after = User {
            name: self.name().unwrap_or_else(|| before.name.clone()),
            role: if owner { Role::Owner } else { role.over(before.role) },
            departments: departments.over(before.departments.clone()),
            ai_seat: ai_seat.over(before.ai_seat),
            updated_at: self.deps.clock.now(),
            ..before.clone()
        };
        let (old, new) = (state_of(&before), state_of(&after));
        if old == new {
            return Ok((BegunSession::of(&self.deps, self.origin, &before), before));
        }
        let ends_sessions = (before.role, before.ai_seat) != (after.role, after.ai_seat);
        let after = work.users().update(after).await.map_err(on_write)?;
        if ends_sessions {
            work.credentials().delete_sessions_of(after.id).await?;
        }
        let begun = BegunSession::of(&self.deps, self.origin, &after);
        let (target, values) = (after.id.to_string(), (Some(old), Some(new)));
        record(&self.deps, &begun.caller, work, "user.updated", target, values).await?;
        Ok((begun, after))
    }

    /// What people call them, as far as it fits here.
    fn name(&self) -> Option<String> {
        let told = self.identity.name.as_deref()?;
        let plain: String = told.chars().filter(|c| !c.is_control()).take(MAX_NAME_CHARS).collect();
        let name = plain.trim();
        (!name.is_empty()).then(|| name.to_owned())
    }
}
