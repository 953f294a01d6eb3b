use proptest::prelude::*;

use super::*;
use crate::{Id, rule::RuleScope};

fn at(second: i64) -> Timestamp {
    Timestamp::from_unix_micros(second * 1_000_000).unwrap()
}

fn rule(number: u128, category: RuleCategory) -> Rule {
    Rule {
        id: Id::from_uuid(uuid::Uuid::from_u128(number)),
        organization: Id::from_uuid(uuid::Uuid::from_u128(1)),
        name: format!("r{number}"),
        description: None,
        content: format!("the text of rule {number}"),
        category,
        kind: RuleType::Behavior,
        scope: RuleScope::Organization,
        apply_mode: ApplyMode::Always,
        is_public: true,
        is_active: true,
        version: 1,
        created_by: Id::from_uuid(uuid::Uuid::from_u128(2)),
        created_at: at(0),
        updated_at: at(0),
    }
}

fn weight(priority: u8, second: i64) -> Weight {
    Weight { priority, attached_at: Reverse(at(second)), character_limit: 50_000 }
}

fn names(rules: &[EffectiveRule]) -> Vec<&str> {
    rules.iter().map(|rule| rule.name.as_str()).collect()
}

#[test]
fn priority_counts_first_then_safety_then_age() {
    use RuleCategory::{Custom, Safety};

    let ordered = arrange(vec![
        (rule(1, Custom), weight(50, 1)),
        (rule(2, Safety), weight(50, 9)),
        (rule(3, Custom), weight(51, 9)),
        (rule(4, Custom), weight(50, 0)),
        (rule(5, Safety), weight(49, 0)),
    ]);

    assert_eq!(names(&ordered), ["r3", "r2", "r4", "r1", "r5"]);
}

#[test]
fn a_rule_holds_once_with_the_highest_of_its_priorities() {
    let short = Weight { character_limit: 8, ..weight(90, 2) };
    let ordered = arrange(vec![
        (rule(1, RuleCategory::Custom), weight(10, 1)),
        (rule(1, RuleCategory::Custom), short),
        (rule(2, RuleCategory::Custom), weight(50, 1)),
    ]);

    assert_eq!(names(&ordered), ["r1", "r2"]);
    assert_eq!((ordered[0].priority, ordered[0].text.as_str()), (90, "the text"));
    assert!(ordered[0].is_cut && !ordered[1].is_cut);
}

#[test]
fn what_is_not_active_does_not_hold() {
    let off = Rule { is_active: false, ..rule(1, RuleCategory::Safety) };

    assert_eq!(arrange(vec![(off, weight(100, 0))]), []);
}

#[test]
fn texts_are_cut_at_the_end_of_a_word() {
    for (text, limit, expected) in [
        ("be kind to people", 100, "be kind to people"),
        ("be kind to people", 17, "be kind to people"),
        ("be kind to people", 16, "be kind to"),
        ("be kind to people", 7, "be kind"),
        ("be kind to people", 8, "be kind"),
        ("be kind, please", 9, "be kind,"),
        ("incomprehensibilities", 5, "incom"),
        ("   incomprehensibilities", 5, "   in"),
        ("日本語の文章です", 3, "日本語"),
        ("e\u{301}e\u{301}e\u{301}", 3, "e\u{301}"),
        ("e\u{301}\u{302}\u{303}", 2, "e\u{301}"),
    ] {
        assert_eq!(cut(text, limit), expected, "{text:?} at {limit}");
    }
}

proptest! {
    #[test]
    fn a_cut_text_is_a_beginning_that_fits_and_loses_no_more_than_it_must(
        text in "[a-z é日\n.,]{0,60}", limit in 1_usize..70
    ) {
        let kept = cut(&text, limit);

        prop_assert!(text.starts_with(kept));
        prop_assert!(kept.chars().count() <= limit);
        prop_assert_eq!(kept == text, text.chars().count() <= limit);
        // What was cut off would not have fitted, up to the next end of a word.
        if let Some(rest) = text.strip_prefix(kept).filter(|rest| !rest.is_empty()) {
            let blank = rest.chars().take_while(|c| c.is_whitespace()).count();
            let word = rest.trim_start().split_word_bounds().next().map_or(0, |w| w.chars().count());
            prop_assert!(kept.chars().count() + blank + word.max(1) > limit || word == 0);
        }
    }

    #[test]
    fn the_order_does_not_depend_on_where_rules_come_from(
        attachments in prop::collection::vec((1_u128..6, any::<bool>(), 1_u8..5, 0_i64..4), 0..20)
            .prop_shuffle(),
        turn in 0_usize..20,
    ) {
        let safety: BTreeSet<u128> =
            attachments.iter().filter(|(_, safe, ..)| *safe).map(|(n, ..)| *n).collect();
        let mut found: Vec<_> = attachments.iter().map(|&(number, _, priority, second)| {
            let category = if safety.contains(&number) {
                RuleCategory::Safety
            } else {
                RuleCategory::Custom
            };
            (rule(number, category), weight(priority, second))
        }).collect();
        let ordered = arrange(found.clone());
        let middle = turn.min(found.len());
        found.rotate_left(middle);

        prop_assert_eq!(&arrange(found.clone()), &ordered);
        let ids: BTreeSet<_> = ordered.iter().map(|rule| rule.id).collect();
        prop_assert_eq!(ids.len(), ordered.len());
        let all: BTreeSet<_> = found.iter().map(|(rule, _)| rule.id).collect();
        prop_assert_eq!(&ids, &all);
        for rule in &ordered {
            let most = found.iter().filter(|(of, _)| of.id == rule.id).map(|(_, w)| w.priority);
            prop_assert_eq!(most.max(), Some(rule.priority));
        }
        for pair in ordered.windows(2) {
            let rank = |rule: &EffectiveRule| (rule.priority, rule.category == RuleCategory::Safety);
            prop_assert!(rank(&pair[0]) >= rank(&pair[1]));
        }
    }
}
