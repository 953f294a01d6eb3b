//! Which rules hold for a turn, and in what order.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use unicode_segmentation::UnicodeSegmentation;

use super::attach::ASSISTANT;
use crate::{
    OrganizationId, Rule, RuleEntity, RuleId, Timestamp, UserId,
    assistant::content::AttachedRule,
    rule::{ApplyMode, RuleCategory, RuleType},
    usecases::{Deps, Result},
};

/// What a turn is about, as far as rules go.
#[derive(Clone, Copy, Debug)]
pub struct RuleSubject<'a> {
    /// Whose rules.
    pub organization: OrganizationId,
    /// Who asks, if it is a user of the organization.
    pub user: Option<UserId>,
    /// The key of the model that answers.
    pub model: &'a str,
    /// The rules of the assistant that answers.
    pub attached: &'a [AttachedRule],
    /// The vector stores that the answer draws on.
    pub vector_stores: &'a [String],
}

/// A rule that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectiveRule {
    /// Which.
    pub id: RuleId,
    /// Its name.
    pub name: String,
    /// What it is about.
    pub category: RuleCategory,
    /// What it regulates.
    pub kind: RuleType,
    /// When it is applied; the turn decides.
    pub apply_mode: ApplyMode,
    /// 1 to 100; higher first.
    pub priority: u8,
    /// Its text, cut at its limit.
    pub text: String,
    /// Whether some of the text was cut off.
    pub is_cut: bool,
}

/// How one attachment brings a rule in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Weight {
    priority: u8,
    /// Of two with one priority the earlier counts.
    attached_at: Reverse<Timestamp>,
    character_limit: u32,
}

/// The rules that hold for a turn, those that come first first: by priority, those
/// of safety before others of the same, then as they were attached. A rule that is
/// attached in several ways holds once, with the highest priority of them. Where
/// its scope leaves the thing out that it is attached to, it does not count.
///
/// # Errors
///
/// [`crate::usecases::Error::Store`].
pub async fn effective_rules(
    deps: Deps<'_>,
    subject: RuleSubject<'_>,
) -> Result<Vec<EffectiveRule>> {
    let RuleSubject { organization, user, model, attached, vector_stores } = subject;
    let store = deps.store.rules();
    let mut entities = vec![RuleEntity::Organization, RuleEntity::Model(model.to_owned())];
    entities.extend(user.map(RuleEntity::User));
    entities.extend(vector_stores.iter().cloned().map(RuleEntity::VectorStore));
    let mut found: Vec<(Rule, Weight)> = Vec::new();
    for (rule, attachment) in store.attached_to(organization, &entities).await? {
        if attachment.is_active && rule.scope.covers(attachment.entity.kind()) {
            let weight = Weight {
                priority: attachment.priority,
                attached_at: Reverse(attachment.attached_at),
                character_limit: attachment.character_limit,
            };
            found.push((rule, weight));
        }
    }
    let own: BTreeMap<RuleId, Weight> =
        attached.iter().filter(|rule| rule.is_active).map(weigh).collect();
    let ids: Vec<RuleId> = own.keys().copied().collect();
    if !ids.is_empty() {
        let rules = store.find(organization, &ids).await?;
        let here = rules.into_iter().filter(|rule| rule.scope.covers(ASSISTANT));
        found.extend(here.filter_map(|rule| own.get(&rule.id).map(|weight| (rule, *weight))));
    }
    Ok(arrange(found))
}

fn weigh(attached: &AttachedRule) -> (RuleId, Weight) {
    let weight = Weight {
        priority: attached.priority,
        attached_at: Reverse(attached.attached_at),
        character_limit: attached.character_limit,
    };
    (attached.rule_id, weight)
}

/// Puts the active ones of `found` in order, each once.
fn arrange(mut found: Vec<(Rule, Weight)>) -> Vec<EffectiveRule> {
    found.retain(|(rule, _)| rule.is_active);
    found.sort_by_key(|(rule, weight)| {
        let is_safety = rule.category == RuleCategory::Safety;
        let Weight { priority, attached_at, character_limit } = *weight;
        (Reverse((priority, is_safety, attached_at, character_limit)), rule.id)
    });
    let mut seen = BTreeSet::new();
    found.retain(|(rule, _)| seen.insert(rule.id));
    found.into_iter().map(|(rule, weight)| effective(rule, weight)).collect()
}

fn effective(rule: Rule, weight: Weight) -> EffectiveRule {
    let limit = usize::try_from(weight.character_limit).unwrap_or(usize::MAX);
    let text = cut(&rule.content, limit);
    EffectiveRule {
        id: rule.id,
        category: rule.category,
        kind: rule.kind,
        apply_mode: rule.apply_mode,
        priority: weight.priority,
        is_cut: text.len() < rule.content.len(),
        text: text.to_owned(),
        name: rule.name,
    }
}

/// The beginning of `text` of at most `limit` characters, up to the end of a word;
/// within a word only where the first one is longer than that.
fn cut(text: &str, limit: usize) -> &str {
    if text.chars().count() <= limit {
        return text;
    }
    let by_words = up_to(text, text.split_word_bounds(), limit);
    let whole = match by_words.trim_end() {
        "" => up_to(text, text.graphemes(true), limit),
        whole => whole,
    };
    // A text that begins with a character of more parts than the limit has.
    if whole.is_empty() {
        let end = text.char_indices().nth(limit).map_or(text.len(), |(at, _)| at);
        return text.get(..end).unwrap_or_default();
    }
    whole
}

/// As many of the pieces that `text` is made of as have at most `limit` characters.
fn up_to<'a>(text: &'a str, pieces: impl Iterator<Item = &'a str>, limit: usize) -> &'a str {
    let (mut chars, mut end) = (0, 0);
    for piece in pieces {
        chars += piece.chars().count();
        if chars > limit {
            break;
        }
        end += piece.len();
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests;
