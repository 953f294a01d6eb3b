//! What skills, secrets and rules of an import become here.

use std::collections::BTreeSet;

use super::Import;
use crate::{
    AssistantId, Content, Id, Rule, RuleId, SecretId, SkillId,
    assistant::content::{AttachedRule, SecretEntry, Skill, SkillType},
    assistant::edit::NewSealed,
    ports::{RuleFilter, RuleListQuery, UnitOfWork},
    usecases::{
        Caller, Conflict, Deps, Result,
        rules::may_attach,
        support::fresh,
        transfer::{
            SECRETS,
            package::{PackedRule, PackedSecret, PackedSkill},
            report::Report,
        },
    },
};

/// How many rules are looked through at a time for a name.
const PAGE: u32 = 200;

impl Import {
    /// The secrets that the assistant will have, with the values that came. A stored
    /// value stays where name and origins are those that it is bound to.
    pub(super) fn secrets(
        &self,
        deps: &Deps<'_>,
        caller: &Caller,
        base: &Content,
        report: &mut Report,
    ) -> (Vec<SecretEntry>, Vec<NewSealed>) {
        let Some(packed) = &self.package.own_secrets else {
            return (base.secrets.clone(), Vec::new());
        };
        let now = deps.clock.now();
        let known = base.secrets.iter().map(|entry| (entry.id, entry.name.as_str())).collect();
        let known = Known::new(known, packed.iter().filter_map(|secret| secret.id));
        let mut sealed = Vec::new();
        let mut entries = Vec::with_capacity(packed.len());
        for secret in packed {
            let id: SecretId = known
                .id(secret.id, &secret.name, self.is_the_same())
                .unwrap_or_else(|| fresh(deps));
            let before = base.secrets.iter().find(|entry| entry.id == id);
            let entry = SecretEntry {
                id,
                name: secret.name.clone(),
                description: secret.description.clone(),
                origins: secret.origins.clone(),
                shared: secret.shared,
                value: stored_value(secret, base),
                created_at: before.map_or(now, |entry| entry.created_at),
                created_by: before.map_or(caller.actor.user, |entry| entry.created_by),
                updated_at: before.map_or(now, |entry| entry.updated_at),
            };
            let entry = match &secret.value {
                Some(value) => {
                    let id = fresh(deps);
                    let name = SecretEntry::sealed_name(&entry.name, &entry.origins);
                    sealed.push(NewSealed { id, name, value: value.clone() });
                    SecretEntry { value: Some(id), ..entry }
                }
                None => entry,
            };
            if entry.value.is_none() {
                report.secrets.push(format!("{SECRETS}{}", entry.name));
            }
            let changed = before.is_some_and(|before| *before != entry);
            entries.push(if changed { SecretEntry { updated_at: now, ..entry } } else { entry });
        }
        (entries, sealed)
    }

    /// The skills that the assistant will have, of those that find here what they
    /// need; `content` is the imported one with its files.
    pub(super) fn skills(
        &self,
        deps: &Deps<'_>,
        caller: &Caller,
        (base, content): (&Content, &Content),
        report: &mut Report,
    ) -> Vec<Skill> {
        let Some(packed) = &self.package.skills else { return base.skills.clone() };
        let now = deps.clock.now();
        let known = base.skills.iter().map(|skill| (skill.id, skill.name.as_str())).collect();
        let known = Known::new(known, packed.iter().filter_map(|skill| skill.id));
        let mut skills = Vec::with_capacity(packed.len());
        for skill in packed {
            let PackedSkill { kind, name, description, dataset_id, enabled, pointer, .. } = skill;
            let is_there =
                |id: &String| base.skills.iter().any(|known| known.dataset_id.as_ref() == Some(id));
            if !dataset_id.as_ref().is_none_or(is_there) {
                report.drop(pointer, "its dataset is not here");
                continue;
            }
            let mut data = skill.data.clone();
            if *kind == SkillType::FileAnalysis && !keep_files(&mut data, content, skill, report) {
                continue;
            }
            let id: SkillId =
                known.id(skill.id, name, self.is_the_same()).unwrap_or_else(|| fresh(deps));
            let before = base.skills.iter().find(|known| known.id == id);
            let skill = Skill {
                id,
                kind: *kind,
                name: name.clone(),
                description: description.clone(),
                data,
                dataset_id: dataset_id.clone(),
                enabled: *enabled,
                created_at: before.map_or(now, |known| known.created_at),
                created_by: before.map_or(caller.actor.user, |known| known.created_by),
                updated_at: before.map_or(now, |known| known.updated_at),
            };
            let changed = before.is_some_and(|before| *before != skill);
            skills.push(if changed { Skill { updated_at: now, ..skill } } else { skill });
        }
        skills
    }

    /// The rules that the assistant will have, of those that are here for the
    /// caller, by their ids or else by their names; `None` where the document says
    /// nothing of rules.
    pub(super) async fn rules(
        &self,
        deps: &Deps<'_>,
        caller: &Caller,
        base: &Content,
        report: &mut Report,
    ) -> Result<Option<Vec<AttachedRule>>> {
        let Some(packed) = &self.package.rules else { return Ok(None) };
        let ids: Vec<RuleId> = packed.iter().filter_map(PackedRule::rule_id).collect();
        let here = match ids.as_slice() {
            [] => Vec::new(),
            ids => deps.store.rules().find(caller.tenant(), ids).await?,
        };
        let mut rules: Vec<AttachedRule> = Vec::with_capacity(packed.len());
        for rule in packed {
            let found = match rule.rule_id().filter(|id| may_have(caller, base, *id, &here)) {
                Some(id) => Some(id),
                None => by_name(deps, caller, rule.name.as_deref()).await?,
            };
            let Some(rule_id) = found else {
                report.drop(&rule.pointer, "there is no such rule here that you may attach");
                continue;
            };
            if rules.iter().any(|known| known.rule_id == rule_id) {
                report.drop(&rule.pointer, "that rule is attached already");
                continue;
            }
            if rule.rule_id() != Some(rule_id) {
                report.map(&rule.id, rule_id.to_string());
            }
            let before = base.rules.iter().find(|known| known.rule_id == rule_id);
            let (attached_at, attached_by) = before
                .map_or((deps.clock.now(), caller.actor.user), |known| {
                    (known.attached_at, known.attached_by)
                });
            rules.push(AttachedRule {
                rule_id,
                priority: rule.priority,
                character_limit: rule.character_limit,
                is_active: rule.is_active,
                attached_at,
                attached_by,
            });
        }
        Ok(Some(rules))
    }

    /// Whether the assistant that is changed is the one that was exported.
    fn is_the_same(&self) -> bool {
        let external = self.package.external.as_deref();
        let external = external.and_then(|text| text.parse::<AssistantId>().ok());
        let found = self.found.as_ref().map(|found| found.record.assistant.id);
        found.is_some() && found == external
    }
}

/// What of the assistant can be recognized in a document.
struct Known<'a, T> {
    /// What it has, by id and name.
    here: Vec<(Id<T>, &'a str)>,
    /// What the document names by id.
    packed: BTreeSet<Id<T>>,
}

impl<'a, T> Known<'a, T> {
    fn new(here: Vec<(Id<T>, &'a str)>, packed: impl Iterator<Item = Id<T>>) -> Self {
        Self { here, packed: packed.collect() }
    }

    /// The id here of what has this id and name there: that of the same id, else of
    /// the same name unless the document has that one too. Of the same assistant
    /// also one that is gone keeps its id.
    fn id(&self, packed: Option<Id<T>>, name: &str, is_same: bool) -> Option<Id<T>> {
        let by_id = packed.filter(|id| self.here.iter().any(|(known, _)| known == id));
        let free = |id: &Id<T>| !self.packed.contains(id);
        let mut by_name = self.here.iter().filter(|(id, known)| *known == name && free(id));
        by_id.or_else(|| by_name.next().map(|(id, _)| *id)).or(packed.filter(|_| is_same))
    }
}

/// The stored value that a secret keeps: it is bound to name and origins.
fn stored_value(secret: &PackedSecret, base: &Content) -> Option<crate::SealedId> {
    let bound =
        |entry: &&SecretEntry| (&entry.name, &entry.origins) == (&secret.name, &secret.origins);
    base.secrets.iter().find(bound).and_then(|entry| entry.value)
}

/// Leaves out files that did not come. Without any of those that it was meant for,
/// the skill cannot stay: an empty list means all files.
fn keep_files(
    data: &mut serde_json::Map<String, serde_json::Value>,
    content: &Content,
    skill: &PackedSkill,
    report: &mut Report,
) -> bool {
    let Some(ids) = data.get_mut("fileIds").and_then(serde_json::Value::as_array_mut) else {
        return true;
    };
    let before = ids.len();
    let mut index = 0;
    ids.retain(|id| {
        let here =
            content.files.iter().any(|file| Some(file.id.to_string().as_str()) == id.as_str());
        if !here {
            report.drop(format!("{}/data/fileIds/{index}", skill.pointer), "there is none here");
        }
        index += 1;
        here
    });
    let stays = before == 0 || !ids.is_empty();
    if !stays {
        report.drop(&skill.pointer, "none of its files is here");
    }
    stays
}

/// Whether the rule may be attached: it is already, or it is here for the caller.
fn may_have(caller: &Caller, base: &Content, id: RuleId, here: &[Rule]) -> bool {
    let rule = here.iter().find(|rule| rule.id == id);
    rule.is_some_and(|rule| {
        may_attach(caller, rule) || base.rules.iter().any(|attached| attached.rule_id == id)
    })
}

/// The rule with this name, without regard to case, that the caller may attach.
async fn by_name(deps: &Deps<'_>, caller: &Caller, name: Option<&str>) -> Result<Option<RuleId>> {
    let Some(name) = name.map(str::to_lowercase) else { return Ok(None) };
    let mut after = None;
    loop {
        let filter = RuleFilter { q: Some(name.clone()), ..RuleFilter::default() };
        let query = RuleListQuery { filter, after, limit: PAGE, count: false };
        let page = deps.store.rules().list(caller.tenant(), &query).await?;
        let mut named = page.rows.iter().filter(|rule| rule.name.to_lowercase() == name);
        if let Some(rule) = named.next() {
            return Ok(may_attach(caller, rule).then_some(rule.id));
        }
        after = match page.rows.last() {
            Some(last) if page.more => Some((last.name.to_lowercase(), last.id)),
            _ => return Ok(None),
        };
    }
}

/// Holds the rules that a content has and `base` has not until the end of the
/// transaction.
///
/// # Errors
///
/// [`Conflict::Concurrent`] when one was removed since it was found.
pub(super) async fn hold_rules(
    work: &mut dyn UnitOfWork,
    base: &Content,
    content: &Content,
) -> Result<()> {
    let is_new = |id: &RuleId| !base.rule_ids().any(|known| known == *id);
    let new: Vec<RuleId> = content.rule_ids().filter(is_new).collect();
    if new.is_empty() || work.rules().find(&new).await?.len() == new.len() {
        return Ok(());
    }
    Err(Conflict::Concurrent.into())
}
