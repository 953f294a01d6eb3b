//! Skills, secrets and rules of the document of an import. Where there are no
//! `skills` the document is older than they are, and says nothing of any of them.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::Reader;
use crate::{
    Fault, RuleId, Secret, SecretId, SkillId,
    assistant::content::{AttachedRule, SkillType},
    skill::{self, Described, Usable, tool_name},
    usecases::{
        rules::{CHARACTER_LIMITS, MAX_RULES_OF_ASSISTANT, PRIORITIES},
        secrets::{
            MAX_SECRETS,
            input::{Given, Settings, given},
        },
        skills::MAX_SKILLS,
    },
};

/// A skill that a document names.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::usecases::transfer) struct PackedSkill {
    pub(in crate::usecases::transfer) id: Option<SkillId>,
    pub(in crate::usecases::transfer) kind: SkillType,
    pub(in crate::usecases::transfer) name: String,
    pub(in crate::usecases::transfer) description: Option<String>,
    pub(in crate::usecases::transfer) data: Map<String, Value>,
    pub(in crate::usecases::transfer) dataset_id: Option<String>,
    pub(in crate::usecases::transfer) enabled: bool,
    /// Where it stands in the document.
    pub(in crate::usecases::transfer) pointer: String,
}

/// A secret that a document names; its value only where somebody gave it.
#[derive(Clone, Debug)]
pub(in crate::usecases::transfer) struct PackedSecret {
    pub(in crate::usecases::transfer) id: Option<SecretId>,
    pub(in crate::usecases::transfer) name: String,
    pub(in crate::usecases::transfer) description: Option<String>,
    pub(in crate::usecases::transfer) origins: Vec<String>,
    pub(in crate::usecases::transfer) shared: bool,
    pub(in crate::usecases::transfer) value: Option<Secret<String>>,
}

/// A rule that a document names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::usecases::transfer) struct PackedRule {
    /// As it stands there; it may be of no form of ours.
    pub(in crate::usecases::transfer) id: String,
    pub(in crate::usecases::transfer) name: Option<String>,
    pub(in crate::usecases::transfer) priority: u8,
    pub(in crate::usecases::transfer) character_limit: u32,
    pub(in crate::usecases::transfer) is_active: bool,
    /// Where it stands in the document.
    pub(in crate::usecases::transfer) pointer: String,
}

impl PackedRule {
    /// The rule, if it is here.
    pub(in crate::usecases::transfer) fn rule_id(&self) -> Option<RuleId> {
        self.id.parse().ok()
    }
}

impl Reader {
    /// The secret of the assistant at this place; `name` is without what stands
    /// before it in the document.
    pub(super) fn secret(
        &mut self,
        at: &str,
        name: &str,
        item: &Map<String, Value>,
    ) -> Option<PackedSecret> {
        let before = self.faults.len();
        let id = self.id(at, item);
        let description = self.description(at, item).flatten();
        let origins = self.texts(at, "origins", item);
        let shared = self.flag(at, "shared", item, false);
        let mut faults = Vec::new();
        let settings = Settings::read(name.to_owned(), None, &origins, &mut faults);
        let value = match item.get("value") {
            Some(Value::String(text)) => Some(Secret::new(text.clone())),
            _ => None,
        };
        // The mask means here what it means elsewhere, and nothing is stored yet.
        let value = match value.map(|value| given(value, true, &mut faults)) {
            Some(Given::New(value)) => Some(value),
            Some(Given::Kept | Given::Cleared) | None => None,
        };
        self.join(at, faults);
        let Settings { name, origins, .. } = settings;
        let secret = PackedSecret { id, name, description, origins, shared, value };
        (self.faults.len() == before).then_some(secret)
    }

    /// Notes what the secrets demand of each other.
    pub(super) fn check_secrets(&mut self, secrets: &[(String, PackedSecret)]) {
        if secrets.len() > MAX_SECRETS {
            let message = format!("must have at most {MAX_SECRETS} secrets of the assistant");
            self.fault("/secrets", "too_long", message);
        }
        let (mut names, mut ids) = (BTreeSet::new(), BTreeSet::new());
        for (at, secret) in secrets {
            if !names.insert(&secret.name) {
                self.fault(format!("{at}/name"), "duplicate", "is the name of a secret before it");
            }
            if secret.id.is_some_and(|id| !ids.insert(id)) {
                self.fault(format!("{at}/id"), "duplicate", "is the id of a secret before it");
            }
        }
    }

    pub(super) fn skills(&mut self, secrets: &[PackedSecret]) -> Vec<PackedSkill> {
        let usable: Vec<_> = secrets
            .iter()
            .map(|secret| Usable { name: &secret.name, origins: &secret.origins })
            .collect();
        let mut skills: Vec<PackedSkill> = Vec::new();
        let mut ids = BTreeSet::new();
        for (pointer, item) in self.list("skills", MAX_SKILLS) {
            let Some(skill) = self.skill(pointer, &item, &usable) else { continue };
            let at = &skill.pointer;
            if skill.id.is_some_and(|id| !ids.insert(id)) {
                self.fault(format!("{at}/id"), "duplicate", "is the id of a skill before it");
            }
            let tool = tool_name(&skill.name);
            if skills.iter().any(|other| tool_name(&other.name) == tool) {
                let message = format!("is the tool `{tool}`, as a skill before it is");
                self.fault(format!("{at}/name"), "duplicate", message);
            }
            skills.push(skill);
        }
        skills
    }

    fn skill(
        &mut self,
        pointer: String,
        item: &Map<String, Value>,
        secrets: &[Usable<'_>],
    ) -> Option<PackedSkill> {
        let before = self.faults.len();
        let kind = item.get("type").and_then(Value::as_str).and_then(SkillType::from_word);
        let Some(kind) = kind else {
            self.fault(pointer + "/type", "enum", "must be the type of a skill");
            return None;
        };
        let id = self.id(&pointer, item);
        let description = self.description(&pointer, item).flatten();
        let name = item.get("name").and_then(Value::as_str).unwrap_or_default().trim().to_owned();
        let dataset_id = item.get("datasetId").and_then(Value::as_str).map(str::to_owned);
        let enabled = self.flag(&pointer, "enabled", item, true);
        let mut data = match item.get("data") {
            Some(Value::Object(data)) => data.clone(),
            None | Some(Value::Null) => Map::new(),
            Some(_) => {
                self.fault(pointer + "/data", "type", "must be an object");
                return None;
            }
        };
        let mut faults = Vec::new();
        skill::spell(kind, &mut data, &mut faults);
        let described = Described {
            kind,
            name: &name,
            description: None,
            data: &data,
            dataset_id: dataset_id.as_deref(),
        };
        faults.extend(skill::faults(&described, secrets));
        self.join(&pointer, faults);
        let skill = PackedSkill { id, kind, name, description, data, dataset_id, enabled, pointer };
        (self.faults.len() == before).then_some(skill)
    }

    pub(super) fn rules(&mut self) -> Vec<PackedRule> {
        let mut rules = Vec::new();
        for (pointer, item) in self.list("rules", MAX_RULES_OF_ASSISTANT) {
            let text = |name: &str| item.get(name).and_then(Value::as_str).map(str::to_owned);
            let Some(id) = text("id") else {
                self.fault(pointer + "/id", "type", "must be a text");
                continue;
            };
            let name = text("name");
            let usual = u64::from(AttachedRule::PRIORITY);
            let priority = self.number(&pointer, "priority", &item, usual, &PRIORITIES);
            let usual = u64::from(AttachedRule::CHARACTER_LIMIT);
            let limit = self.number(&pointer, "characterLimit", &item, usual, &CHARACTER_LIMITS);
            let is_active = self.flag(&pointer, "isActive", &item, true);
            if let (Some(priority), Some(character_limit)) = (priority, limit) {
                rules.push(PackedRule { id, name, priority, character_limit, is_active, pointer });
            }
        }
        rules
    }

    fn join(&mut self, at: &str, faults: Vec<Fault>) {
        let there = |fault: Fault| Fault { pointer: format!("{at}{}", fault.pointer), ..fault };
        self.faults.extend(faults.into_iter().map(there));
    }

    /// The identifier of a skill or secret, where there is one.
    fn id<T: std::str::FromStr>(&mut self, at: &str, item: &Map<String, Value>) -> Option<T> {
        let value = item.get("id").filter(|value| !value.is_null())?;
        let id = value.as_str().and_then(|text| text.parse().ok());
        if id.is_none() {
            self.fault(format!("{at}/id"), "id", "must be an id as exports have them");
        }
        id
    }

    fn flag(&mut self, at: &str, name: &str, item: &Map<String, Value>, usual: bool) -> bool {
        match item.get(name) {
            None => usual,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => {
                self.fault(format!("{at}/{name}"), "type", "must be true or false");
                usual
            }
        }
    }

    fn number<T: TryFrom<u64> + PartialOrd + std::fmt::Display>(
        &mut self,
        at: &str,
        name: &str,
        item: &Map<String, Value>,
        usual: u64,
        range: &std::ops::RangeInclusive<T>,
    ) -> Option<T> {
        let number = item.get(name).map_or(Some(usual), Value::as_u64);
        let number = number.and_then(|number| T::try_from(number).ok());
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            let message = format!("must be a number from {} to {}", range.start(), range.end());
            self.fault(format!("{at}/{name}"), "maximum", message);
        }
        number
    }

    fn texts(&mut self, at: &str, name: &str, item: &Map<String, Value>) -> Vec<String> {
        let items = match item.get(name) {
            None | Some(Value::Null) => return Vec::new(),
            Some(Value::Array(items)) => items.iter().map(|item| item.as_str().map(str::to_owned)),
            Some(_) => return self.no_texts(at, name),
        };
        match items.collect() {
            Some(texts) => texts,
            None => self.no_texts(at, name),
        }
    }

    fn no_texts(&mut self, at: &str, name: &str) -> Vec<String> {
        self.fault(format!("{at}/{name}"), "type", "must be a list of texts");
        Vec::new()
    }
}
