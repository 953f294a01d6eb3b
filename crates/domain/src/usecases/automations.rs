//! Streamline automations: webhooks that an organization registered, which assistants
//! and people may run. Each run is recorded.

use serde_json::{Map, Value, json};

use super::{
    Caller, Denied, Deps, Error, Precondition, Result,
    support::{
        fresh, on_write, open_text, record, require_admin, require_scope, require_seat,
        require_unlimited, seal_text,
    },
};
use crate::{
    Automation, AutomationId, Scope, Secret,
    ports::{UnitOfWork, Vault},
    sealed::MASK,
};

mod attach;
mod execute;
mod input;
mod signature;

pub(super) use attach::require_known_automations;
pub(crate) use execute::run_automation;
pub use execute::{ExecutionPage, MAX_RESULT_BYTES, execute_automation, list_executions};
use input::Settings;
pub use input::{MAX_SCHEMA_BYTES, MAX_TIMEOUT_SECONDS};

/// Most automations of an organization.
pub const MAX_AUTOMATIONS: usize = 200;
/// How long a call may take when nothing is said, in seconds.
const USUAL_TIMEOUT: u32 = 30;

const NO_AUTOMATION: Error = Error::NotFound("automation");
const ROTATED: &str = "automation.secret_rotated";

/// A new automation.
#[derive(Debug)]
pub struct CreateAutomation {
    /// What people and models call it.
    pub name: String,
    /// What it does.
    pub description: Option<String>,
    /// Where it is called.
    pub url: String,
    /// A JSON Schema of what it takes; any object when absent.
    pub parameters: Option<Map<String, Value>>,
    /// How long a call may take; 30 s when absent.
    pub timeout_seconds: Option<u32>,
    /// Whether it may be run.
    pub is_active: bool,
}

/// A change to an automation; what is `None` stays.
#[derive(Debug, Default)]
#[expect(missing_docs, reason = "as in CreateAutomation")]
pub struct UpdateAutomation {
    pub name: Option<String>,
    pub description: Option<Option<String>>,
    pub url: Option<String>,
    pub parameters: Option<Map<String, Value>>,
    pub timeout_seconds: Option<u32>,
    pub is_active: Option<bool>,
    /// What the caller demands of the state.
    pub precondition: Precondition,
}

/// The strong entity tag of an automation, without quotes.
#[must_use]
pub fn etag(automation: &Automation) -> String {
    format!("{:x}", automation.revision)
}

/// Adds an automation. Its signing secret is returned this once.
///
/// # Errors
///
/// [`Error::Invalid`] with every fault, `Conflict::Taken` for a name that is taken,
/// [`Error::TooMany`], [`Error::Forbidden`] for all but administrators.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn create_automation(
    deps: Deps<'_>,
    vault: &dyn Vault,
    caller: &Caller,
    command: CreateAutomation,
) -> Result<(Automation, Secret<String>)> {
    require_admin(&caller.actor, Scope::Admin)?;
    let CreateAutomation { name, description, url, parameters, timeout_seconds, is_active } =
        command;
    let settings = Settings {
        name,
        description,
        url,
        parameters: parameters.unwrap_or_else(input::any_object),
        timeout_seconds: timeout_seconds.unwrap_or(USUAL_TIMEOUT),
    };
    let settings = settings.check()?;
    let known = deps.store.runs().automations(caller.tenant()).await?;
    if known.len() >= MAX_AUTOMATIONS {
        let what = "automations in an organization";
        return Err(Error::TooMany { what, limit: MAX_AUTOMATIONS });
    }
    let now = deps.clock.now();
    let automation = Automation {
        id: fresh(&deps),
        organization: caller.tenant(),
        name: settings.name,
        description: settings.description,
        url: settings.url,
        parameters: settings.parameters,
        secret: Vec::new(),
        timeout_seconds: settings.timeout_seconds,
        is_active,
        created_by: caller.actor.user,
        created_at: now,
        updated_at: now,
        revision: 1,
    };
    let secret = signature::new_secret(&deps);
    let mut work = deps.store.begin(caller.tenant()).await?;
    let automation = with_secret(&deps, vault, &mut *work, automation, &secret).await?;
    work.automations().insert(&automation).await.map_err(on_write)?;
    let (target, values) = (automation.id.to_string(), (None, Some(state_of(&automation))));
    record(&deps, caller, &mut *work, "automation.created", target, values).await?;
    work.commit().await?;
    Ok((automation, secret))
}

/// The organization's automations, by name: for administrators, and for those who may
/// make assistants.
///
/// # Errors
///
/// [`Error::Forbidden`] for others.
pub async fn list_automations(deps: Deps<'_>, caller: &Caller) -> Result<Vec<Automation>> {
    require_user(caller, Scope::Read)?;
    Ok(deps.store.runs().automations(caller.tenant()).await?)
}

/// An automation.
///
/// # Errors
///
/// As [`list_automations`], and [`Error::NotFound`].
pub async fn view_automation(
    deps: Deps<'_>,
    caller: &Caller,
    id: AutomationId,
) -> Result<Automation> {
    let all = list_automations(deps, caller).await?;
    all.into_iter().find(|automation| automation.id == id).ok_or(NO_AUTOMATION)
}

/// Whether the caller may see where an automation is.
#[must_use]
pub const fn sees_address(caller: &Caller) -> bool {
    caller.actor.role.is_admin()
}

/// Changes an automation. Its secret stays when its address changes.
///
/// # Errors
///
/// As [`create_automation`], and [`Error::NotFound`], [`Error::PreconditionFailed`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn update_automation(
    deps: Deps<'_>,
    vault: &dyn Vault,
    caller: &Caller,
    id: AutomationId,
    command: UpdateAutomation,
) -> Result<Automation> {
    require_admin(&caller.actor, Scope::Admin)?;
    let mut work = deps.store.begin(caller.tenant()).await?;
    let before = work.automations().find(id).await?.ok_or(NO_AUTOMATION)?;
    command.precondition.check(&etag(&before))?;
    let settings = Settings {
        name: command.name.unwrap_or_else(|| before.name.clone()),
        description: command.description.unwrap_or_else(|| before.description.clone()),
        url: command.url.unwrap_or_else(|| before.url.clone()),
        parameters: command.parameters.unwrap_or_else(|| before.parameters.clone()),
        timeout_seconds: command.timeout_seconds.unwrap_or(before.timeout_seconds),
    };
    let settings = settings.check()?;
    let after = Automation {
        name: settings.name,
        description: settings.description,
        url: settings.url,
        parameters: settings.parameters,
        timeout_seconds: settings.timeout_seconds,
        is_active: command.is_active.unwrap_or(before.is_active),
        ..before.clone()
    };
    if after == before {
        return Ok(before);
    }
    let values = (Some(state_of(&before)), Some(state_of(&after)));
    let mut after = Automation { updated_at: deps.clock.now(), ..after };
    if after.url != before.url {
        // The sealed secret is bound to the address.
        let secret = secret_of(vault, &mut *work, &before).await?;
        after = with_secret(&deps, vault, &mut *work, after, &secret).await?;
    }
    let after = work.automations().update(after).await.map_err(on_write)?;
    record(&deps, caller, &mut *work, "automation.updated", id.to_string(), values).await?;
    work.commit().await?;
    Ok(after)
}

/// Gives an automation another signing secret, which is returned this once.
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::PreconditionFailed`], [`Error::Forbidden`] for all
/// but administrators.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn rotate_automation_secret(
    deps: Deps<'_>,
    vault: &dyn Vault,
    caller: &Caller,
    id: AutomationId,
    precondition: Precondition,
) -> Result<(Automation, Secret<String>)> {
    require_admin(&caller.actor, Scope::Admin)?;
    let secret = signature::new_secret(&deps);
    let mut work = deps.store.begin(caller.tenant()).await?;
    let before = work.automations().find(id).await?.ok_or(NO_AUTOMATION)?;
    precondition.check(&etag(&before))?;
    let after = Automation { updated_at: deps.clock.now(), ..before };
    let after = with_secret(&deps, vault, &mut *work, after, &secret).await?;
    let after = work.automations().update(after).await.map_err(on_write)?;
    record(&deps, caller, &mut *work, ROTATED, id.to_string(), (None, None)).await?;
    work.commit().await?;
    Ok((after, secret))
}

/// Removes an automation with the record of its executions. Assistants that name it
/// are told of it when they run.
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::PreconditionFailed`], [`Error::Forbidden`] for all
/// but administrators.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn delete_automation(
    deps: Deps<'_>,
    caller: &Caller,
    id: AutomationId,
    precondition: Precondition,
) -> Result<()> {
    require_admin(&caller.actor, Scope::Admin)?;
    let mut work = deps.store.begin(caller.tenant()).await?;
    let automation = work.automations().find(id).await?.ok_or(NO_AUTOMATION)?;
    precondition.check(&etag(&automation))?;
    work.automations().delete(id).await?;
    let values = (Some(state_of(&automation)), None);
    record(&deps, caller, &mut *work, "automation.deleted", id.to_string(), values).await?;
    Ok(work.commit().await?)
}

/// Administrators see automations, and so do those who may give them to assistants.
fn require_user(caller: &Caller, scope: Scope) -> Result<()> {
    require_unlimited(&caller.actor)?;
    require_scope(&caller.actor, scope)?;
    if caller.actor.role.is_admin() {
        return Ok(());
    }
    require_seat(&caller.actor)?;
    if caller.actor.role.may_create_assistants() {
        Ok(())
    } else {
        Err(Denied::Role("the role member or higher").into())
    }
}

/// The automation with this secret sealed in it.
async fn with_secret(
    deps: &Deps<'_>,
    vault: &dyn Vault,
    work: &mut dyn UnitOfWork,
    automation: Automation,
    secret: &Secret<String>,
) -> Result<Automation> {
    let bound = automation.associated_data();
    let organization = automation.organization;
    let secret = seal_text(deps, vault, work, organization, (&bound, secret)).await?;
    Ok(Automation { secret, ..automation })
}

async fn secret_of(
    vault: &dyn Vault,
    work: &mut dyn UnitOfWork,
    automation: &Automation,
) -> Result<Secret<String>> {
    let bound = automation.associated_data();
    open_text(vault, work, automation.organization, (&bound, &automation.secret)).await
}

/// What the audit log keeps of an automation; of the secret only that there is one.
fn state_of(automation: &Automation) -> Value {
    json!({
        "name": automation.name,
        "description": automation.description,
        "url": automation.url,
        "parameters": automation.parameters,
        "timeoutSeconds": automation.timeout_seconds,
        "isActive": automation.is_active,
        "secret": MASK,
    })
}
