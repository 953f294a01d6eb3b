//! The first start: an organization, its owner, and a token for them.

use super::{
    Caller, Deps, Error, Origin,
    support::{fresh, record},
};
use crate::{
    Actor, ApiToken, Credential, Email, Organization, OrganizationSettings, Role, TokenKind,
    TokenLimits, TokenText, User,
    ports::{Installation, StoreError, UnitOfWork, Vault},
};

/// What an empty database is set up with.
#[derive(Debug)]
pub struct Bootstrap {
    /// The first organization's name.
    pub organization_name: String,
    /// The first owner's log-in name.
    pub email: Email,
    /// The first token, if the operator chose it.
    pub token: Option<TokenText>,
}

/// Why the service must not start on this database.
#[derive(Debug, thiserror::Error)]
pub enum BootstrapError {
    /// The database was set up with another master key; nothing was changed.
    #[error("the master key is not the one that this database was set up with")]
    WrongMasterKey,
    /// Setting up failed.
    #[error("setting up the database failed")]
    Failed(#[from] Error),
}

impl From<StoreError> for BootstrapError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

/// Sets an empty database up and returns the first token; on one that was set up
/// before, checks the master key and returns `None`. Of several servers that
/// start at the same moment, one sets up.
///
/// # Errors
///
/// [`BootstrapError::WrongMasterKey`], or the store's.
#[tracing::instrument(skip_all)]
pub async fn bootstrap(
    deps: Deps<'_>,
    vault: &dyn Vault,
    command: Bootstrap,
) -> Result<Option<TokenText>, BootstrapError> {
    if let Some(found) = deps.store.callers().installation().await? {
        return check_key(vault, &found);
    }
    match set_up(&deps, vault, command).await {
        Err(BootstrapError::Failed(Error::Store(StoreError::AlreadyExists { .. }))) => {
            // Another server was faster; its key must be ours too.
            let found = deps.store.callers().installation().await?;
            found.map_or(Err(BootstrapError::WrongMasterKey), |found| check_key(vault, &found))
        }
        other => other.map(Some),
    }
}

fn check_key(
    vault: &dyn Vault,
    installation: &Installation,
) -> Result<Option<TokenText>, BootstrapError> {
    if vault.is_same_key(&installation.key_check) {
        Ok(None)
    } else {
        Err(BootstrapError::WrongMasterKey)
    }
}

async fn set_up(
    deps: &Deps<'_>,
    vault: &dyn Vault,
    command: Bootstrap,
) -> Result<TokenText, BootstrapError> {
    let Bootstrap { organization_name, email, token } = command;
    let now = deps.clock.now();
    let organization = Organization {
        id: fresh(deps),
        name: organization_name,
        settings: OrganizationSettings::default(),
        created_at: now,
        revision: 1,
    };
    let owner = User {
        id: fresh(deps),
        organization: organization.id,
        email,
        name: "Administrator".to_owned(),
        role: Role::Owner,
        departments: std::collections::BTreeSet::new(),
        ai_seat: true,
        disabled: false,
        password: None,
        external_id: None,
        created_at: now,
        updated_at: now,
        revision: 1,
    };
    let text = token.unwrap_or_else(|| TokenText::from_random(deps.ids.random()));
    let key_check = vault.key_check().map_err(Error::from)?;
    let installation = Installation { key_check, created_at: now };

    let mut work = deps.store.begin(organization.id).await?;
    work.organizations().insert_installation(&installation).await?;
    work.organizations().insert(&organization).await?;
    work.users().insert(&owner).await?;
    let token = first_token(deps, &owner, &text);
    work.credentials().insert_token(&token).await?;
    let caller = operator(&owner);
    record_set_up(deps, &caller, &mut *work, &organization).await?;
    work.commit().await?;

    Ok(text)
}

fn first_token(deps: &Deps<'_>, owner: &User, text: &TokenText) -> ApiToken {
    ApiToken {
        id: fresh(deps),
        organization: owner.organization,
        user: owner.id,
        kind: TokenKind::Personal,
        notes: "made at the first start".to_owned(),
        limits: TokenLimits::default(),
        hash: text.hash(),
        created_at: owner.created_at,
        updated_at: owner.created_at,
        last_use: None,
    }
}

async fn record_set_up(
    deps: &Deps<'_>,
    caller: &Caller,
    work: &mut dyn UnitOfWork,
    organization: &Organization,
) -> super::Result<()> {
    let target = organization.id.to_string();
    record(deps, caller, work, "installation.set_up", target, (None, None)).await
}

/// The operator at the machine, acting as a user: what `understudy token create`
/// and `understudy user create` act as.
#[must_use]
pub fn operator(user: &User) -> Caller {
    let actor = Actor {
        user: user.id,
        organization: user.organization,
        email: user.email.clone(),
        name: user.name.clone(),
        role: user.role,
        departments: user.departments.iter().cloned().collect(),
        teams: Vec::new(),
        ai_seat: user.ai_seat,
        credential: Credential::Console,
    };
    Caller { actor, origin: Origin::default() }
}
