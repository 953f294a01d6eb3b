//! Administering users.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    Caller, Conflict, Denied, Deps, Error, Precondition, Result,
    organization::require_room_for_user,
    support::{fresh, on_write, record, require_admin, require_scope, require_unlimited},
};
use crate::{
    Department, Email, Fault, Role, Scope, Secret, User, UserId,
    ports::{Page, PasswordHasher},
};

/// Fewest and most characters of a password.
pub const PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 12..=1_024;
/// Most characters of a user's name.
pub const MAX_NAME_CHARS: usize = 255;
/// Most characters of an external id.
pub const MAX_EXTERNAL_ID_CHARS: usize = 255;
/// Most departments of one user.
pub const MAX_DEPARTMENTS: usize = 50;

/// A new user.
#[derive(Debug)]
pub struct CreateUser {
    /// The log-in name.
    pub email: String,
    /// The display name.
    pub name: Option<String>,
    /// The rank.
    pub role: Role,
    /// The departments.
    pub departments: Vec<String>,
    /// Whether they may use assistants.
    pub ai_seat: bool,
    /// The password, if they shall log in with one.
    pub password: Option<Secret<String>>,
    /// Who they are to the organization's directory.
    pub external_id: Option<String>,
}

/// A change to a user; what is `None` stays.
#[derive(Debug, Default)]
#[expect(missing_docs, reason = "as in CreateUser")]
pub struct UpdateUser {
    pub email: Option<String>,
    pub name: Option<String>,
    pub role: Option<Role>,
    pub departments: Option<Vec<String>>,
    pub ai_seat: Option<bool>,
    /// Whether they are shut out.
    pub disabled: Option<bool>,
    pub password: Option<Secret<String>>,
    /// Who they are to the organization's directory; `Some(None)` is nobody.
    pub external_id: Option<Option<String>>,
    /// What the caller demands of the state.
    pub precondition: Precondition,
}

/// Which users to list.
#[derive(Clone, Debug)]
pub struct ListUsers {
    /// Text that address or name contains.
    pub q: Option<String>,
    /// Behind which address.
    pub after: Option<Email>,
    /// How many at most.
    pub limit: u32,
    /// Whether to count all.
    pub count: bool,
}

/// The strong entity tag of a user, without quotes.
#[must_use]
pub fn etag(user: &User) -> String {
    format!("{:x}", user.revision)
}

/// Makes a user.
///
/// # Errors
///
/// [`Error::Invalid`] with every fault, [`Error::Conflict`] for a taken address,
/// [`Error::Forbidden`] for a rank at or above the caller's.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn create_user(
    deps: Deps<'_>,
    passwords: &dyn PasswordHasher,
    caller: &Caller,
    command: CreateUser,
) -> Result<User> {
    require_admin(&caller.actor, Scope::Admin)?;
    let CreateUser { email, name, role, departments, ai_seat, password, external_id } = command;
    let mut faults = Vec::new();
    let email = parse_email(&email, &mut faults);
    let name = parse_name(name.unwrap_or_default(), &mut faults);
    let departments = parse_departments(&departments, &mut faults);
    check_password(password.as_ref(), &mut faults);
    check_external_id(external_id.as_ref(), &mut faults);
    let (true, Some(email)) = (faults.is_empty(), email) else {
        return Err(Error::Invalid(faults));
    };
    require_rank_over(caller, role)?;
    let password = match password {
        Some(password) => Some(passwords.hash(password).await?),
        None => None,
    };
    let now = deps.clock.now();
    let user = User {
        id: fresh(&deps),
        organization: caller.tenant(),
        email,
        name,
        role,
        departments,
        ai_seat,
        disabled: false,
        password,
        external_id,
        created_at: now,
        updated_at: now,
        revision: 1,
    };

    let mut work = deps.store.begin(caller.tenant()).await?;
    require_room_for_user(&mut *work).await?;
    work.users().insert(&user).await.map_err(on_write)?;
    let values = (None, Some(state_of(&user)));
    record(&deps, caller, &mut *work, "user.created", user.id.to_string(), values).await?;
    work.commit().await?;

    Ok(user)
}

/// A page of the organization's users.
///
/// # Errors
///
/// [`Error::Forbidden`] for all but administrators.
pub async fn list_users(deps: Deps<'_>, caller: &Caller, command: ListUsers) -> Result<Page<User>> {
    require_admin(&caller.actor, Scope::Read)?;
    let ListUsers { q, after, limit, count } = command;
    let q = q.map(|q| q.to_lowercase());
    Ok(deps.store.directory().users(caller.tenant(), q, after, limit, count).await?)
}

/// What names one user beside their id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserName {
    /// Who they are to the organization's directory.
    ExternalId(String),
    /// Their log-in name.
    Email(String),
}

/// The user with this name, if the organization has one.
///
/// # Errors
///
/// [`Error::Forbidden`] for all but administrators.
pub async fn find_user(deps: Deps<'_>, caller: &Caller, name: &UserName) -> Result<Option<User>> {
    require_admin(&caller.actor, Scope::Read)?;
    let (tenant, directory) = (caller.tenant(), deps.store.directory());
    match name {
        UserName::ExternalId(id) => Ok(directory.user_by_external_id(tenant, id).await?),
        UserName::Email(text) => {
            let Ok(email) = Email::parse(text) else { return Ok(None) };
            let found = deps.store.callers().find_login(&email).await?;
            // Addresses are unique in the installation: it may be another's.
            match found.filter(|login| login.organization == tenant) {
                Some(login) => Ok(directory.user(tenant, login.user).await?),
                None => Ok(None),
            }
        }
    }
}

/// A user: oneself, or any for administrators.
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::Forbidden`].
pub async fn view_user(deps: Deps<'_>, caller: &Caller, id: UserId) -> Result<User> {
    if id == caller.actor.user {
        require_scope(&caller.actor, Scope::Read)?;
    } else {
        require_admin(&caller.actor, Scope::Read)?;
    }
    let user = deps.store.directory().user(caller.tenant(), id).await?;
    user.ok_or(Error::NotFound("user"))
}

/// Changes a user. Changing rank, seat, password or external id, and shutting out,
/// end all of the user's sessions.
///
/// # Errors
///
/// [`Error::Invalid`] with every fault; [`Error::Forbidden`] when it touches a
/// rank at or above the caller's (oneself may change name and password);
/// [`Conflict::LastOwner`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn update_user(
    deps: Deps<'_>,
    passwords: &dyn PasswordHasher,
    caller: &Caller,
    id: UserId,
    command: UpdateUser,
) -> Result<User> {
    let before = authorize_change(&deps, caller, id, &command).await?;
    let precondition = command.precondition.clone();
    let mut change = Change::check(command)?;
    let password = match change.password.take() {
        Some(password) => Some(passwords.hash(password).await?),
        None => None,
    };

    let mut work = deps.store.begin(caller.tenant()).await?;
    let owners = if before.role == Role::Owner { work.users().count_owners().await? } else { 2 };
    let before = work.users().find(id).await?.ok_or(Error::NotFound("user"))?;
    require_rank(caller, &before)?;
    precondition.check(&etag(&before))?;
    let ends_sessions = password.is_some() || change.ends_sessions(&before);
    let after = User {
        password: password.or_else(|| before.password.clone()),
        updated_at: deps.clock.now(),
        ..change.of(&before)
    };
    let stays_owner = after.role == Role::Owner && !after.disabled;
    if before.role == Role::Owner && !before.disabled && !stays_owner && owners <= 1 {
        return Err(Conflict::LastOwner.into());
    }
    let values = (Some(state_of(&before)), Some(state_of(&after)));
    let after = work.users().update(after).await.map_err(on_write)?;
    if ends_sessions {
        work.credentials().delete_sessions_of(id).await?;
    }
    record(&deps, caller, &mut *work, "user.updated", id.to_string(), values).await?;
    work.commit().await?;

    Ok(after)
}

/// A change to a user that can stand.
struct Change {
    email: Option<Email>,
    name: Option<String>,
    role: Option<Role>,
    departments: Option<BTreeSet<Department>>,
    ai_seat: Option<bool>,
    disabled: Option<bool>,
    password: Option<Secret<String>>,
    #[expect(clippy::option_option, reason = "to stay, none, or a text")]
    external_id: Option<Option<String>>,
}

impl Change {
    fn check(command: UpdateUser) -> Result<Self> {
        let mut faults = Vec::new();
        check_password(command.password.as_ref(), &mut faults);
        check_external_id(command.external_id.iter().flatten().next(), &mut faults);
        let change = Self {
            email: command.email.and_then(|email| parse_email(&email, &mut faults)),
            name: command.name.map(|name| parse_name(name, &mut faults)),
            departments: command.departments.map(|list| parse_departments(&list, &mut faults)),
            role: command.role,
            ai_seat: command.ai_seat,
            disabled: command.disabled,
            password: command.password,
            external_id: command.external_id,
        };
        if faults.is_empty() { Ok(change) } else { Err(Error::Invalid(faults)) }
    }

    fn ends_sessions(&self, before: &User) -> bool {
        self.role.is_some_and(|role| role != before.role)
            || self.ai_seat.is_some_and(|seat| seat != before.ai_seat)
            || self.external_id.as_ref().is_some_and(|id| *id != before.external_id)
            || self.disabled == Some(true)
    }

    fn of(self, before: &User) -> User {
        User {
            email: self.email.unwrap_or_else(|| before.email.clone()),
            name: self.name.unwrap_or_else(|| before.name.clone()),
            role: self.role.unwrap_or(before.role),
            departments: self.departments.unwrap_or_else(|| before.departments.clone()),
            ai_seat: self.ai_seat.unwrap_or(before.ai_seat),
            disabled: self.disabled.unwrap_or(before.disabled),
            external_id: self.external_id.unwrap_or_else(|| before.external_id.clone()),
            ..before.clone()
        }
    }
}

/// Removes a user with their tokens, sessions and memberships; their assistants
/// stay, in the hands of administrators.
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::Forbidden`], [`Conflict::LastOwner`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn delete_user(
    deps: Deps<'_>,
    caller: &Caller,
    id: UserId,
    precondition: Precondition,
) -> Result<()> {
    require_admin(&caller.actor, Scope::Admin)?;
    let mut work = deps.store.begin(caller.tenant()).await?;
    let owners = work.users().count_owners().await?;
    let user = work.users().find(id).await?.ok_or(Error::NotFound("user"))?;
    require_rank(caller, &user)?;
    precondition.check(&etag(&user))?;
    if user.role == Role::Owner && !user.disabled && owners <= 1 {
        return Err(Conflict::LastOwner.into());
    }
    work.users().delete(id).await?;
    let values = (Some(state_of(&user)), None);
    record(&deps, caller, &mut *work, "user.deleted", id.to_string(), values).await?;
    Ok(work.commit().await?)
}

async fn authorize_change(
    deps: &Deps<'_>,
    caller: &Caller,
    id: UserId,
    command: &UpdateUser,
) -> Result<User> {
    let own = id == caller.actor.user;
    let modest = command.email.is_none()
        && command.role.is_none()
        && command.departments.is_none()
        && command.ai_seat.is_none()
        && command.disabled.is_none()
        && command.external_id.is_none();
    if own && modest {
        require_unlimited(&caller.actor)?;
        require_scope(&caller.actor, Scope::Admin)?;
    } else {
        require_admin(&caller.actor, Scope::Admin)?;
    }
    let user = deps.store.directory().user(caller.tenant(), id).await?;
    let user = user.ok_or(Error::NotFound("user"))?;
    require_rank(caller, &user)?;
    if let Some(role) = command.role.filter(|role| *role != user.role) {
        require_rank_over(caller, role)?;
    }
    if own && !modest && caller.actor.role != Role::Owner {
        return Err(Denied::Rank.into());
    }
    Ok(user)
}

/// Oneself, or somebody below; owners also other owners, or there could never be
/// two.
pub(super) fn require_rank(caller: &Caller, user: &User) -> Result<()> {
    if user.id == caller.actor.user { Ok(()) } else { require_rank_over(caller, user.role) }
}

fn require_rank_over(caller: &Caller, role: Role) -> Result<()> {
    let own = caller.actor.role;
    if own == Role::Owner || role < own { Ok(()) } else { Err(Denied::Rank.into()) }
}

fn parse_email(raw: &str, faults: &mut Vec<Fault>) -> Option<Email> {
    Email::parse(raw)
        .map_err(|error| faults.push(Fault::new("/email", "email", error.to_string())))
        .ok()
}

fn parse_name(raw: String, faults: &mut Vec<Fault>) -> String {
    if raw.chars().count() > MAX_NAME_CHARS || raw.chars().any(char::is_control) {
        let message =
            format!("must have at most {MAX_NAME_CHARS} characters and no control characters");
        faults.push(Fault::new("/name", "too_long", message));
    }
    raw
}

fn parse_departments(raw: &[String], faults: &mut Vec<Fault>) -> BTreeSet<Department> {
    if raw.len() > MAX_DEPARTMENTS {
        let message = format!("must have at most {MAX_DEPARTMENTS} items");
        faults.push(Fault::new("/departments", "too_many", message));
    }
    let mut parsed = BTreeSet::new();
    for (index, text) in raw.iter().enumerate() {
        match Department::parse(text) {
            Some(department) => {
                parsed.insert(department);
            }
            None => faults.push(Fault::new(
                format!("/departments/{index}"),
                "invalid",
                format!("must have 1 to {} characters", Department::MAX_CHARS),
            )),
        }
    }
    parsed
}

fn check_password(password: Option<&Secret<String>>, faults: &mut Vec<Fault>) {
    let chars = password.map(|password| password.expose().chars().count());
    if chars.is_some_and(|chars| !PASSWORD_CHARS.contains(&chars)) {
        let (least, most) = (PASSWORD_CHARS.start(), PASSWORD_CHARS.end());
        let message = format!("must have {least} to {most} characters");
        faults.push(Fault::new("/password", "too_short", message));
    }
}

fn check_external_id(id: Option<&String>, faults: &mut Vec<Fault>) {
    let fits = |id: &String| {
        (1..=MAX_EXTERNAL_ID_CHARS).contains(&id.chars().count())
            && !id.chars().any(char::is_control)
    };
    if id.is_some_and(|id| !fits(id)) {
        let message =
            format!("must have 1 to {MAX_EXTERNAL_ID_CHARS} characters and no control characters");
        faults.push(Fault::new("/externalId", "too_long", message));
    }
}

/// What the audit log keeps of a user; of the password only that there is one.
pub(super) fn state_of(user: &User) -> Value {
    json!({
        "email": user.email,
        "name": user.name,
        "role": user.role,
        "departments": user.departments,
        "aiSeat": user.ai_seat,
        "disabled": user.disabled,
        "hasPassword": user.password.is_some(),
        "externalId": user.external_id,
    })
}
