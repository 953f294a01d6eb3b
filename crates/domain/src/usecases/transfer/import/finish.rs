//! Carrying an import out, once its bytes are stored.

use serde_json::Value;

use super::{Import, Imported, abilities::hold_rules, base_of, other_bytes};
use crate::{
    Assistant,
    assistant::{
        edit::{self, Base, Edit, WriteMode},
        view::AssistantView,
    },
    ports::{StoreError, Vault},
    usecases::{
        Caller, Conflict, Deps, Error, Result,
        assistants::{add_assistant, blank, owned},
        change::Change,
        icons::IconInput,
        organization::{require_allowed_model, require_room_for_assistant},
        rules::attach_rules,
        support::{check_content, free_slug, fresh, seal},
        transfer::{package::Carrier, report::Report},
    },
};

/// Most tries to find a name that is free.
const MOST_NAMES: u32 = 100;

/// Carries an import out. `rename` gives it another name where its own is taken.
///
/// # Errors
///
/// [`Error::Invalid`], [`Error::Media`] for the icon, [`Conflict::Taken`],
/// [`Conflict::Concurrent`], [`Error::Forbidden`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn finish_import(
    deps: Deps<'_>,
    vault: &dyn Vault,
    caller: &Caller,
    import: Import,
    rename: bool,
) -> Result<Imported> {
    if import.files().any(|file| !import.received.contains_key(&file.blob)) {
        return Err(other_bytes("/files"));
    }
    let packed = matches!(import.carrier, Carrier::Archive { .. });
    if packed && import.package.icon.is_some() && import.icon.is_none() {
        return Err(other_bytes("/icon"));
    }
    let mut number = 1;
    loop {
        let done = Box::pin(attempt(&deps, vault, caller, &import, number)).await;
        match done {
            Err(Error::Conflict(Conflict::Taken { what: "name" }))
                if rename && number < MOST_NAMES =>
            {
                number += 1;
            }
            done => return done,
        }
    }
}

async fn attempt(
    deps: &Deps<'_>,
    vault: &dyn Vault,
    caller: &Caller,
    import: &Import,
    number: u32,
) -> Result<Imported> {
    let mut report = import.package.report.clone();
    report.external_id.clone_from(&import.package.external);
    let base = import.base(deps, caller).await?;
    let mut input = import.input(&base.content, &mut report);
    if let Some(Value::String(name)) = input.get_mut("name").filter(|_| number > 1) {
        let other = numbered(name, number);
        report.map(std::mem::replace(name, other.clone()), other);
    }
    report.icon = import.icon.is_some();
    let mut input = Value::Object(input);
    let icon = IconInput::take(deps, caller.tenant(), &base.content, &mut input).await?;
    let ready = Ready { import, input, icon, report };
    match &import.found {
        Some(found) => Box::pin(ready.update(deps, vault, caller, found)).await,
        None => Box::pin(ready.create(deps, vault, caller, base)).await,
    }
}

/// An import whose bytes are all stored.
struct Ready<'a> {
    import: &'a Import,
    input: Value,
    icon: IconInput,
    report: Report,
}

impl Ready<'_> {
    /// The content that it makes of `base`.
    async fn edit(&mut self, deps: &Deps<'_>, caller: &Caller, base: &Base) -> Result<Edit> {
        let input = std::mem::take(&mut self.input);
        let edit = edit::apply(base, input, WriteMode::Replace, &mut || fresh(deps));
        let mut edit = self.icon.join(edit).map_err(|error| self.import.refused(error))?;
        edit.content.files = self.import.entries(deps, caller, &base.content, &mut self.report);
        edit.content.references =
            self.import.references(deps, caller, &edit.content, &mut self.report).await?;
        let base = &base.content;
        let (secrets, sealed) = self.import.secrets(deps, caller, base, &mut self.report);
        edit.content.secrets = secrets;
        edit.sealed.extend(sealed);
        let contents = (base, &edit.content);
        edit.content.skills = self.import.skills(deps, caller, contents, &mut self.report);
        if let Some(rules) = self.import.rules(deps, caller, base, &mut self.report).await? {
            edit.rule_ids = rules.iter().map(|attached| attached.rule_id).collect();
            edit.content.rules = rules;
        }
        Ok(edit)
    }

    async fn create(
        mut self,
        deps: &Deps<'_>,
        vault: &dyn Vault,
        caller: &Caller,
        base: Base,
    ) -> Result<Imported> {
        let Edit { mut content, rule_ids, sealed, .. } = self.edit(deps, caller, &base).await?;
        self.icon.put(&mut content);
        let content = check_content(content).map_err(|faults| self.import.invalid(faults))?;
        let mut work = deps.store.begin(caller.tenant()).await?;
        require_room_for_assistant(&mut *work).await?;
        let allowed = require_allowed_model(&mut *work, None, &content).await;
        allowed.map_err(|error| self.import.refused(error))?;
        if let Some(external) = &self.import.package.external
            && work.imports().find(external).await? != self.import.noted
        {
            return Err(Conflict::Concurrent.into());
        }
        let mut content = content;
        attach_rules(deps, caller, &mut *work, &mut content, rule_ids).await?;
        hold_rules(&mut *work, &base.content, &content).await?;
        let slug = free_slug(deps, &mut *work, &content.name).await?;
        let assistant = Assistant { slug: Some(slug), content, ..blank(deps, caller) };
        add_assistant(deps, caller, &mut *work, &assistant, "assistant.imported").await?;
        let place = (assistant.organization, assistant.id);
        seal(deps, vault, &mut *work, place, sealed).await?;
        if let Some(external) = &self.import.package.external {
            work.imports().save(external, assistant.id).await?;
        }
        work.commit().await?;
        Ok(Imported { assistant: owned(assistant), created: true, report: self.report })
    }

    async fn update(
        mut self,
        deps: &Deps<'_>,
        vault: &dyn Vault,
        caller: &Caller,
        found: &AssistantView,
    ) -> Result<Imported> {
        // Outside of the transaction, since it asks the store whether targets are here.
        let seen = base_of(&found.record.assistant);
        let Edit { mut content, rule_ids, sealed, .. } = self.edit(deps, caller, &seen).await?;
        content.rules.retain(|attached| rule_ids.contains(&attached.rule_id));
        self.icon.put(&mut content);
        let content = check_content(content).map_err(|faults| self.import.invalid(faults))?;
        let mut change = Change::begin(deps, caller, found).await?;
        if change.view().record.assistant.revision != found.record.assistant.revision {
            return Err(StoreError::Conflict.into());
        }
        let before = &found.record.assistant.content;
        let allowed = require_allowed_model(&mut *change.work, Some(before), &content).await;
        allowed.map_err(|error| self.import.refused(error))?;
        hold_rules(&mut *change.work, &seen.content, &content).await?;
        let place = (caller.tenant(), found.record.assistant.id);
        seal(deps, vault, &mut *change.work, place, sealed).await?;
        if let Some(external) = &self.import.package.external {
            change.work.imports().save(external, found.record.assistant.id).await?;
        }
        let assistant = Box::pin(change.commit(deps, caller, content)).await?;
        Ok(Imported { assistant, created: false, report: self.report })
    }
}

/// `name (2)`, cut so that it can be kept.
fn numbered(name: &str, number: u32) -> String {
    const MAX_CHARS: usize = 255;
    let suffix = format!(" ({number})");
    let kept: String = name.chars().take(MAX_CHARS - suffix.len()).collect();
    format!("{}{suffix}", kept.trim_end())
}
