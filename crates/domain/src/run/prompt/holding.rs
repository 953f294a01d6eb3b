//! Which of the rules that are attached hold in a turn: by their `apply_mode`
//! (reference §3.2).

use std::collections::BTreeSet;

use crate::{
    RuleId,
    rule::{ApplyMode, RuleCategory, RuleType},
    run::passages::{keywords, language},
    usecases::rules::EffectiveRule,
};

/// Fewer words than these say too little to judge by.
const LEAST_KEYWORDS: usize = 3;

/// The rules that hold when the user says `input`: `always` ones; `auto` ones where
/// they are relevant, and in any case those that keep people from harm; `manual` ones
/// that the request names.
#[must_use]
pub fn holding(rules: Vec<EffectiveRule>, named: &[RuleId], input: &str) -> Vec<EffectiveRule> {
    let holds = |rule: &EffectiveRule| {
        let guards = rule.category == RuleCategory::Safety
            || matches!(rule.kind, RuleType::Guardrails | RuleType::ContentPolicy);
        match rule.apply_mode {
            ApplyMode::Always => true,
            ApplyMode::Auto => {
                guards
                    || named.contains(&rule.id)
                    || relevant(&format!("{}\n{}", rule.name, rule.text), input)
            }
            ApplyMode::Manual => named.contains(&rule.id),
        }
    };
    rules.into_iter().filter(holds).collect()
}

/// Whether a rule may have to do with what the user says: they share a word. Where
/// words say little, or the two are not surely in one language, it is taken to.
#[must_use]
pub fn relevant(rule: &str, input: &str) -> bool {
    let (of_rule, of_input) = (words(rule), words(input));
    if of_rule.len() < LEAST_KEYWORDS || of_input.len() < LEAST_KEYWORDS {
        return true;
    }
    let is_comparable = language(rule).is_some() && language(rule) == language(input);
    !is_comparable || !of_rule.is_disjoint(&of_input)
}

fn words(text: &str) -> BTreeSet<String> {
    keywords(text).into_iter().collect()
}
