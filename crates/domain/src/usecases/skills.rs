//! Skills of an assistant.

use serde_json::{Map, Value};

use super::{
    Caller, Conflict, Deps, Error, Precondition, Result,
    change::Change,
    support::{find, find_to_write, fresh},
};
use crate::{
    AssistantId, Content, Digest, Fault, SkillId,
    access::Level,
    assistant::{
        content::{Skill, SkillType},
        view::AssistantView,
    },
    skill::{self, Driver, tool_name},
};

/// Most skills of one assistant (assistant.md, 'limits').
pub const MAX_SKILLS: usize = 100;

/// What of a custom skill's data is for those who may edit: where it goes and what
/// it brings along, the names of secrets among it.
const FOR_EDITORS: [&str; 4] = ["url", "query", "headers", "body"];

/// A skill, as its reader sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct SkillView {
    /// The assistant or draft.
    pub assistant: AssistantId,
    /// The skill.
    pub skill: Skill,
}

impl SkillView {
    /// The strong entity tag of this representation, without quotes.
    #[must_use]
    pub fn etag(&self) -> String {
        let text = serde_json::to_vec(&self.skill).unwrap_or_default();
        Digest::of(&text).to_string().chars().take(32).collect()
    }
}

/// A skill to add.
#[derive(Clone, Debug)]
pub struct NewSkill {
    /// What kind of thing it does.
    pub kind: SkillType,
    /// Its name; made of the type when absent.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Its settings.
    pub data: Map<String, Value>,
    /// The dataset that is asked.
    pub dataset_id: Option<String>,
    /// Whether the model is offered it.
    pub enabled: bool,
}

/// A change of a skill; what is `None` stays.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "as in NewSkill")]
pub struct SkillChange {
    pub kind: Option<SkillType>,
    pub name: Option<String>,
    pub description: Option<Option<String>>,
    /// All of it.
    pub data: Option<Map<String, Value>>,
    pub dataset_id: Option<Option<String>>,
    pub enabled: Option<bool>,
    /// What the caller demands of the state.
    pub precondition: Precondition,
}

/// The skills of an assistant, in the order in which they were added.
///
/// # Errors
///
/// [`Error::NotFound`].
pub async fn list_skills(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
) -> Result<Vec<SkillView>> {
    let view = find(&deps, caller, reference).await?;
    Ok(view.record.assistant.content.skills.iter().map(|skill| seen(&view, skill)).collect())
}

/// A skill.
///
/// # Errors
///
/// [`Error::NotFound`].
pub async fn view_skill(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    id: SkillId,
) -> Result<SkillView> {
    let view = find(&deps, caller, reference).await?;
    let found = view.record.assistant.content.skills.iter().find(|skill| skill.id == id);
    Ok(seen(&view, found.ok_or(Error::NotFound("skill"))?))
}

/// A skill as the model sees it.
///
/// # Errors
///
/// [`Error::NotFound`].
pub async fn view_driver(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    id: SkillId,
) -> Result<Driver> {
    Ok(skill::driver(&view_skill(deps, caller, reference, id).await?.skill))
}

/// Adds a skill.
///
/// # Errors
///
/// [`Error::Invalid`] with every fault, [`Conflict::Taken`], [`Error::NotFound`],
/// [`Error::Forbidden`], [`Error::TooMany`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn add_skill(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    new: NewSkill,
) -> Result<SkillView> {
    let found = find_to_write(&deps, caller, reference, Level::Edit).await?;
    let change = Change::begin(&deps, caller, &found).await?;
    let mut content = change.content().clone();
    if content.skills.len() >= MAX_SKILLS {
        return Err(Error::TooMany { what: "skills in an assistant", limit: MAX_SKILLS });
    }
    let NewSkill { kind, name, description, data, dataset_id, enabled } = new;
    let now = deps.clock.now();
    let skill = Skill {
        id: fresh(&deps),
        kind,
        name: name.map_or_else(|| free_name(kind, &content), |name| trimmed(&name)),
        description,
        data,
        dataset_id,
        enabled,
        created_at: now,
        created_by: caller.actor.user,
        updated_at: now,
    };
    let skill = checked(skill, &content)?;
    content.skills.push(skill.clone());
    let view = change.commit(&deps, caller, content).await?;
    Ok(seen(&view, &skill))
}

/// Changes a skill.
///
/// # Errors
///
/// [`Error::Invalid`] with every fault, [`Conflict::Taken`], [`Error::NotFound`],
/// [`Error::Forbidden`], [`Error::PreconditionFailed`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn update_skill(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    id: SkillId,
    command: SkillChange,
) -> Result<SkillView> {
    let found = find_to_write(&deps, caller, reference, Level::Edit).await?;
    let change = Change::begin(&deps, caller, &found).await?;
    let mut content = change.content().clone();
    let place = content.skills.iter().position(|skill| skill.id == id);
    let place = place.ok_or(Error::NotFound("skill"))?;
    let before = content.skills.remove(place);
    command.precondition.check(&seen(change.view(), &before).etag())?;
    let mut after = checked(changed(before.clone(), command), &content)?;
    if after != before {
        after.updated_at = deps.clock.now();
    }
    content.skills.insert(place, after.clone());
    let view = change.commit(&deps, caller, content).await?;
    Ok(seen(&view, &after))
}

/// Removes a skill.
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::Forbidden`], [`Error::PreconditionFailed`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn remove_skill(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    id: SkillId,
    precondition: Precondition,
) -> Result<()> {
    let found = find_to_write(&deps, caller, reference, Level::Edit).await?;
    let change = Change::begin(&deps, caller, &found).await?;
    let mut content = change.content().clone();
    let place = content.skills.iter().position(|skill| skill.id == id);
    let removed = content.skills.remove(place.ok_or(Error::NotFound("skill"))?);
    precondition.check(&seen(change.view(), &removed).etag())?;
    change.commit(&deps, caller, content).await.map(drop)
}

/// The skill as the caller of this view may see it.
fn seen(view: &AssistantView, skill: &Skill) -> SkillView {
    let mut skill = skill.clone();
    if view.level < Level::Edit && skill.kind == SkillType::Custom {
        skill.data.retain(|name, _| !FOR_EDITORS.contains(&name.as_str()));
    }
    SkillView { assistant: view.record.assistant.id, skill }
}

fn trimmed(name: &str) -> String {
    name.trim().to_owned()
}

fn changed(before: Skill, command: SkillChange) -> Skill {
    let SkillChange { kind, name, description, data, dataset_id, enabled, precondition: _ } =
        command;
    Skill {
        kind: kind.unwrap_or(before.kind),
        name: name.map_or(before.name, |name| trimmed(&name)),
        description: description.unwrap_or(before.description),
        data: data.unwrap_or(before.data),
        dataset_id: dataset_id.unwrap_or(before.dataset_id),
        enabled: enabled.unwrap_or(before.enabled),
        ..before
    }
}

/// The type's word, with a number where there is one already.
fn free_name(kind: SkillType, content: &Content) -> String {
    let taken = |name: &str| content.skills.iter().any(|skill| tool_name(&skill.name) == name);
    let word = kind.as_str();
    let numbered = (2..).map(|number: usize| format!("{word}-{number}"));
    // One more than there are skills is always free.
    std::iter::once(word.to_owned()).chain(numbered).find(|name| !taken(name)).unwrap_or_default()
}

/// The skill, if it can stand beside the others of `content`.
fn checked(mut skill: Skill, content: &Content) -> Result<Skill> {
    let mut faults = Vec::new();
    skill::spell(skill.kind, &mut skill.data, &mut faults);
    faults.extend(skill::faults(&(&skill).into(), &skill::usable(&content.secrets)));
    faults.extend(unknown_files(&skill, content));
    if !faults.is_empty() {
        return Err(Error::Invalid(faults));
    }
    let tool = tool_name(&skill.name);
    if content.skills.iter().any(|other| tool_name(&other.name) == tool) {
        return Err(Conflict::Taken { what: "name" }.into());
    }
    Ok(skill)
}

fn unknown_files<'a>(skill: &'a Skill, content: &'a Content) -> impl Iterator<Item = Fault> + 'a {
    let ids = skill.data.get("fileIds").filter(|_| skill.kind == SkillType::FileAnalysis);
    let ids = ids.and_then(Value::as_array).into_iter().flatten().enumerate();
    let known = |id: &str| content.files.iter().any(|file| file.id.to_string() == id);
    ids.filter(move |(_, id)| id.as_str().is_some_and(|id| !known(id))).map(|(index, _)| {
        let message = "must be the id of a file of the assistant";
        Fault::new(format!("/data/fileIds/{index}"), "unknown", message)
    })
}
