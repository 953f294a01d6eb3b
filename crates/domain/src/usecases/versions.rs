//! Reading, comparing and restoring versions.

use serde::Serialize;
use serde_json::Value;

use super::{
    Caller, Conflict, Deps, Error, Result,
    drafts::{find_draft, make_draft},
    support::{check_content, find, find_to_write, lock, require_level},
};
use crate::{
    Content, RuleId, SealedId, Version, VersionSummary,
    access::Level,
    assistant::{
        content::{Reference, ReferenceType},
        view::AssistantView,
    },
    diff::{self, Diff},
    ports::{AssistantRecord, UnitOfWork},
};

/// Most characters of a version's message.
pub const MAX_MESSAGE_CHARS: usize = 1_000;

/// A version as its readers see it: write-only values as the mask.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionView {
    /// Its identifier.
    pub id: crate::VersionId,
    /// Its number, from 1.
    pub number: u32,
    /// Who made the change.
    pub author: crate::UserId,
    /// When.
    pub created_at: crate::Timestamp,
    /// What the author said about it.
    pub message: Option<String>,
    /// How many values differ from the version before.
    pub changes: u32,
    /// The content, with the names of the assistant object.
    pub content: Value,
}

impl From<Version> for VersionView {
    fn from(version: Version) -> Self {
        let mut content = diff::to_value(&version.content);
        diff::mask(&mut content);
        Self {
            id: version.id,
            number: version.number,
            author: version.author,
            created_at: version.created_at,
            message: version.message,
            changes: version.changes,
            content,
        }
    }
}

/// What a version is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Against {
    /// Another version.
    Version(u32),
    /// The live assistant.
    Live,
    /// The draft.
    Draft,
}

/// Versions of an assistant, newest first, with numbers below `before`.
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::Forbidden`] below edit.
pub async fn list_versions(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    before: Option<u32>,
    limit: u32,
) -> Result<Vec<VersionSummary>> {
    let live = find_editable(&deps, caller, reference).await?;
    let id = live.record.assistant.lineage();
    Ok(deps.store.assistants().versions(caller.tenant(), id, before, limit).await?)
}

/// One version.
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::Forbidden`] below edit.
pub async fn view_version(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    number: u32,
) -> Result<VersionView> {
    let live = find_editable(&deps, caller, reference).await?;
    Ok(load(&deps, caller, &live, number).await?.into())
}

/// What changed from `against` to the version; from the version to the live
/// assistant or the draft when compared with those.
///
/// # Errors
///
/// [`Error::NotFound`] when either is not there, [`Error::Forbidden`] below edit.
pub async fn diff_version(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    number: u32,
    against: Against,
) -> Result<Diff> {
    let live = find_editable(&deps, caller, reference).await?;
    let version = load(&deps, caller, &live, number).await?.content;
    Ok(match against {
        Against::Version(other) => {
            let other = load(&deps, caller, &live, other).await?.content;
            diff::diff(&other, &version)
        }
        Against::Live => diff::diff(&version, &live.record.authority().content),
        Against::Draft => {
            let id = live.record.assistant.lineage().to_string();
            let draft = find_draft(&deps, caller, &id, crate::Scope::Read).await?;
            diff::diff(&version, &draft.record.assistant.content)
        }
    })
}

/// Makes a draft with a version's content.
///
/// # Errors
///
/// [`Conflict::DraftExists`]; [`Conflict::Missing`] when the version refers to
/// things that are gone and `drop_missing` does not ask to leave them out.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn restore_version(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    number: u32,
    drop_missing: bool,
) -> Result<AssistantView> {
    let seen = find_to_write(&deps, caller, reference, Level::Edit).await?;
    let mut work = deps.store.begin(caller.tenant()).await?;

    let view = lock(&mut *work, &caller.actor, &seen, Level::Edit).await?;
    let live = view.record.authority().clone();
    if work.assistants().find_draft_of(live.id).await?.is_some() {
        return Err(Conflict::DraftExists.into());
    }
    let version = work.records().find_version(live.id, number).await?;
    let mut content = version.ok_or(Error::NotFound("version"))?.content;
    let gone = Gone::of(&mut *work, &content).await?;
    if !gone.is_empty() {
        if !drop_missing {
            return Err(Conflict::Missing(gone.told(&content)).into());
        }
        gone.drop_from(&mut content);
    }
    let content = check_content(content).map_err(Error::Invalid)?;
    let draft = make_draft(&deps, caller, &mut *work, &live, content).await?;
    work.commit().await?;

    let record = AssistantRecord { assistant: draft, live: Some(Box::new(live)), draft: None };
    Ok(AssistantView { record, ..view })
}

/// What a content refers to and is no more.
struct Gone {
    sealed: Vec<SealedId>,
    targets: Vec<String>,
    rules: Vec<RuleId>,
}

impl Gone {
    async fn of(work: &mut dyn UnitOfWork, content: &Content) -> Result<Self> {
        let named: Vec<SealedId> = content.sealed().collect();
        let known = work.records().find_sealed(&named).await?;
        let is_gone = |id: &SealedId| !known.iter().any(|value| value.id == *id);
        let sealed = named.into_iter().filter(is_gone).collect();
        let targets = gone_targets(work, content).await?;
        let attached: Vec<RuleId> = content.rule_ids().collect();
        let known = if attached.is_empty() {
            Vec::new()
        } else {
            // They stay until the draft that names them is stored.
            work.rules().find(&attached).await?
        };
        let is_gone = |id: &RuleId| !known.iter().any(|rule| rule.id == *id);
        let rules = attached.into_iter().filter(is_gone).collect();
        Ok(Self { sealed, targets, rules })
    }

    const fn is_empty(&self) -> bool {
        self.sealed.is_empty() && self.targets.is_empty() && self.rules.is_empty()
    }

    /// The names of all of it; secrets by theirs.
    fn told(&self, content: &Content) -> Vec<String> {
        let sealed = self.sealed.iter().map(|id| {
            let secret = content.secrets.iter().find(|secret| secret.value == Some(*id));
            secret.map_or_else(|| id.to_string(), |secret| format!("secrets/{}", secret.name))
        });
        let rules = self.rules.iter().map(ToString::to_string);
        sealed.chain(self.targets.iter().cloned()).chain(rules).collect()
    }

    fn drop_from(&self, content: &mut Content) {
        for server in &mut content.tool_configurations.mcp_tools {
            server.authorization = server.authorization.filter(|id| !self.sealed.contains(id));
            if let Some(headers) = &mut server.headers {
                headers.retain(|_, id| !self.sealed.contains(id));
            }
        }
        for secret in &mut content.secrets {
            secret.value = secret.value.filter(|id| !self.sealed.contains(id));
        }
        content.rules.retain(|attached| !self.rules.contains(&attached.rule_id));
        content.references.retain(|reference| !self.targets.contains(&reference.target_id));
    }
}

/// Targets of references that are no more: assistants that were deleted, files
/// that the version has not. Assistants of other organizations come and go; whether
/// they are there is asked when they are used.
async fn gone_targets(work: &mut dyn UnitOfWork, content: &Content) -> Result<Vec<String>> {
    let mut gone = Vec::new();
    for Reference { target_id, target_type, .. } in &content.references {
        let is_gone = match target_type {
            ReferenceType::Assistant => match target_id.parse() {
                Ok(id) => {
                    let found = work.assistants().find(id).await?;
                    found.is_some_and(|assistant| assistant.deleted_at.is_some())
                }
                Err(_) => true,
            },
            ReferenceType::File => {
                !content.files.iter().any(|file| file.id.to_string() == *target_id)
            }
            ReferenceType::Dataset | ReferenceType::Url | ReferenceType::VectorStore => false,
        };
        if is_gone {
            gone.push(target_id.clone());
        }
    }
    Ok(gone)
}

async fn find_editable(deps: &Deps<'_>, caller: &Caller, reference: &str) -> Result<AssistantView> {
    let view = find(deps, caller, reference).await?;
    require_level(&view, Level::Edit)?;
    Ok(view)
}

async fn load(
    deps: &Deps<'_>,
    caller: &Caller,
    live: &AssistantView,
    number: u32,
) -> Result<Version> {
    let id = live.record.assistant.lineage();
    let version = deps.store.assistants().version(caller.tenant(), id, number).await?;
    version.ok_or(Error::NotFound("version"))
}
