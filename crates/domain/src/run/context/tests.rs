use proptest::prelude::*;

use super::*;
use crate::{
    Id, Timestamp,
    conversation::{Part, ToolCall},
};

fn thread(items: Vec<Item>) -> Vec<Message> {
    let id = uuid::Uuid::from_u128(1);
    let message = |(position, item)| Message {
        id: Id::from_uuid(id),
        organization: Id::from_uuid(id),
        thread: Id::from_uuid(id),
        position,
        item,
        run: None,
        created_at: Timestamp::from_unix_micros(0).unwrap(),
    };
    (1..).zip(items).map(message).collect()
}

fn user(text: &str) -> Item {
    Item::text(MessageRole::User, text)
}

fn assistant(text: &str) -> Item {
    Item::text(MessageRole::Assistant, text)
}

fn call(id: &str) -> Item {
    Item::ToolCall(ToolCall { id: id.into(), name: "find".into(), arguments: String::new() })
}

fn result(id: &str, content: &str) -> Item {
    Item::ToolResult(ToolResult { call_id: id.into(), content: content.into(), is_error: false })
}

/// One token a character.
fn tokens(item: &Item) -> u64 {
    let chars = match item {
        Item::Message { parts, .. } => parts
            .iter()
            .map(|part| match part {
                Part::Text { text } => text.chars().count(),
                _ => 0,
            })
            .sum(),
        Item::ToolCall(_) => 5,
        Item::ToolResult(result) => result.content.chars().count(),
        Item::Reasoning(_) => 0,
    };
    length(chars)
}

fn length(count: usize) -> u64 {
    u64::try_from(count).unwrap()
}

fn total(items: &[Item]) -> u64 {
    items.iter().map(tokens).sum()
}

/// `turns` questions and answers of `size` characters each.
fn turns(turns: usize, size: usize) -> Vec<Message> {
    let said = |n: usize| {
        let question = format!("{n:0>size$}");
        [user(&question), assistant(&question)]
    };
    thread((1..=turns).flat_map(said).collect())
}

const fn room(history: u64) -> Room {
    Room { window: history + 300, reserved_output: 200, fixed: 100 }
}

fn pick(history: &[Message], strategy: ContextStrategy, budget: u64) -> Chosen {
    choose(history, strategy, room(budget), None, None, &tokens).unwrap()
}

fn positions(history: &[Message], chosen: &Chosen) -> Vec<u64> {
    let of = |item: &Item| history.iter().find(|m| m.item == *item).map(|m| m.position).unwrap();
    chosen.items.iter().map(of).collect()
}

use ContextStrategy::{Auto, Full, Off, Saver};

#[test]
fn full_is_all_of_it_or_an_error() {
    let history = turns(5, 100);

    assert_eq!(pick(&history, Full, 1_000).items.len(), 10);
    let refused = choose(&history, Full, room(999), None, None, &tokens).unwrap_err();
    assert_eq!(refused, TooLong { tokens: 1_100, limit: 1_099 });
    let refused = choose(&history, Full, room(999), Some(false), None, &tokens);
    assert!(refused.is_err());
}

#[test]
fn full_leaves_the_oldest_out_where_it_may() {
    let history = turns(5, 100);

    let chosen = choose(&history, Full, room(450), Some(true), None, &tokens).unwrap();

    assert_eq!(chosen.items.len(), 4);
    assert_eq!(chosen.items[3], history[9].item);
    assert_eq!((chosen.omitted, chosen.is_summarized), (6, false));
}

#[test]
fn off_is_nothing() {
    let chosen = pick(&turns(5, 100), Off, 1_000);

    assert_eq!((chosen.items.len(), chosen.omitted), (0, 10));
}

#[test]
fn what_is_sent_in_any_case_must_fit() {
    let room = Room { window: 100, reserved_output: 20, fixed: 81 };

    for strategy in [Off, Full, Auto, Saver] {
        let refused = choose(&[], strategy, room, Some(true), None, &tokens).unwrap_err();
        assert_eq!(refused, TooLong { tokens: 81, limit: 80 });
    }
}

#[test]
fn auto_is_all_of_it_while_it_fits() {
    let history = turns(20, 100);

    let chosen = pick(&history, Auto, 4_000);

    assert_eq!((chosen.items.len(), chosen.omitted, chosen.is_summarized), (40, 0, false));
    assert_eq!((chosen.summary, chosen.summarize), (None, None));
}

#[test]
fn auto_keeps_the_first_three_and_the_last_seven_and_wants_a_summary_of_the_rest() {
    let history = turns(20, 100);

    let chosen = pick(&history, Auto, 3_999);

    let expected: Vec<Item> =
        history[..3].iter().chain(&history[33..]).map(|message| message.item.clone()).collect();
    assert_eq!(chosen.items, expected);
    assert_eq!(chosen.omitted, 30);
    assert!(chosen.is_summarized);
    assert_eq!(chosen.summarize, Some(Gap { first: 4, since: 4, until: 33, tokens: 999 }));
    assert_eq!(chosen.summary, None);
}

fn summary(from: u64, until: u64) -> ThreadSummary {
    ThreadSummary { text: "what was said".into(), from, until }
}

#[test]
fn auto_uses_the_summary_that_there_is() {
    let history = turns(20, 100);
    let with = |summary: &ThreadSummary, budget| {
        choose(&history, Auto, room(budget), None, Some(summary), &tokens).unwrap()
    };

    let exact = with(&summary(4, 33), 2_000);
    assert_eq!((exact.items.len(), exact.summary.as_deref()), (10, Some("what was said")));
    assert_eq!((exact.summarize, exact.is_summarized), (None, true));

    let older = with(&summary(4, 29), 2_000);
    assert_eq!((older.items.len(), older.summarize), (14, None), "what came since stands as it is");

    let too_old = with(&summary(4, 9), 2_000);
    assert_eq!(too_old.items.len(), 10);
    assert_eq!(too_old.summarize, Some(Gap { first: 4, since: 10, until: 33, tokens: 500 }));
    assert!(too_old.summarize.unwrap().extends());
    assert_eq!(too_old.summary, None);
}

#[test]
fn auto_leaves_a_summary_alone_that_does_not_fit_the_history() {
    let history = turns(20, 100);

    for other in [summary(6, 33), summary(4, 41), summary(1, 3)] {
        let chosen = choose(&history, Auto, room(2_000), None, Some(&other), &tokens).unwrap();
        assert_eq!(chosen.summary, None, "{other:?}");
        let gap = chosen.summarize.unwrap();
        assert_eq!((gap.first, gap.since, gap.until), (4, 4, 33), "{other:?}");
    }
}

#[test]
fn auto_gives_up_the_older_of_the_last_ones_and_the_newest_at_the_very_end() {
    let history = turns(20, 100);

    let kept = |budget| positions(&history, &pick(&history, Auto, budget));
    assert_eq!(kept(1_000), [1, 2, 3, 37, 38, 39, 40]);
    assert_eq!(kept(400), [1, 2, 40]);
    assert_eq!(kept(140), [40]);
    let nothing = pick(&history, Auto, 90);
    assert_eq!((nothing.items.len(), nothing.is_summarized), (0, false));
}

#[test]
fn auto_elides_the_results_of_the_newest_before_it_gives_it_up() {
    let mut items: Vec<Item> = turns(10, 50).into_iter().map(|message| message.item).collect();
    items.extend([call("a"), result("a", &"x".repeat(5_000))]);

    let chosen = pick(&thread(items), Auto, 400);

    assert_eq!(chosen.items, [call("a"), result("a", ELIDED)]);
    assert!(chosen.is_summarized);
}

#[test]
fn saver_keeps_four_turns_without_results() {
    let mut items: Vec<Item> = Vec::new();
    for n in 0..6 {
        let id = format!("c{n}");
        items.extend([user(&format!("q{n}")), call(&id), result(&id, &"x".repeat(500))]);
        items.push(assistant(&format!("a{n}")));
    }

    let chosen = pick(&thread(items), Saver, 100_000);

    assert_eq!(chosen.items.len(), 16);
    assert_eq!(chosen.items[0], user("q2"));
    assert_eq!(chosen.items[2], result("c2", ELIDED));
    assert!(!chosen.is_summarized);
}

#[test]
fn saver_keeps_to_a_quarter_of_the_window_and_two_thousand_tokens() {
    let history = turns(10, 300);

    assert_eq!(pick(&history, Saver, 100_000).items.len(), 6, "3 turns of 600 tokens");
    // A window of 2,900 without the 500 for the answer: 600 tokens.
    let room = Room { window: 2_900, reserved_output: 500, fixed: 0 };
    assert_eq!(choose(&history, Saver, room, None, None, &tokens).unwrap().items.len(), 2);
    let room = Room { window: 2_896, ..room };
    assert_eq!(choose(&history, Saver, room, None, None, &tokens).unwrap().items.len(), 1);
}

#[test]
fn strategies_differ_in_what_they_cost() {
    for size in [20, 300] {
        let history = turns(40, size);
        let cost = |strategy| total(&pick(&history, strategy, 30_000).items);

        assert!(cost(Off) < cost(Saver), "{size}");
        assert!(cost(Saver) < cost(Auto), "{size}");
        assert!(cost(Auto) <= cost(Full), "{size}");
    }
}

#[test]
fn input_that_answers_a_call_goes_on_with_its_turn() {
    let history =
        thread(vec![user("1"), assistant("1"), user("2"), call("a"), call("b"), result("b", "x")]);

    let (past, turn) = split(&history, &[result("a", "y")]);
    assert_eq!((past.len(), turn.len()), (2, 4));
    assert_eq!(turn[0].item, user("2"));
    let (past, turn) = split(&history, &[user("never mind")]);
    assert_eq!((past.len(), turn.len()), (6, 0));
    let (past, turn) = split(&history, &[result("unknown", "y")]);
    assert_eq!((past.len(), turn.len()), (6, 0));
}

#[test]
fn each_call_is_answered_right_behind_it() {
    let items = vec![
        call("a"),
        call("b"),
        result("b", "B"),
        user("never mind"),
        result("a", "A"),
        result("x", "X"),
        call("c"),
        result("c", "C"),
        call("d"),
        assistant("done"),
    ];

    let lost = Item::ToolResult(ToolResult {
        call_id: "d".into(),
        content: NOT_RUN_TEXT.into(),
        is_error: true,
    });
    let expected = [
        call("a"),
        call("b"),
        result("a", "A"),
        result("b", "B"),
        user("never mind"),
        call("c"),
        result("c", "C"),
        call("d"),
        lost,
        assistant("done"),
    ];
    assert_eq!(pair(items), expected);
}

const NOT_RUN_TEXT: &str = "This call was not carried out.";

/// Messages, and calls with their results, some of them at once and some with
/// messages between.
fn items() -> impl Strategy<Value = Vec<Item>> {
    let step = prop_oneof![
        3 => (1_usize..60).prop_map(|size| vec![user(&"u".repeat(size))]),
        3 => (1_usize..60).prop_map(|size| vec![assistant(&"a".repeat(size))]),
        2 => (1_usize..80).prop_map(|size| vec![call("?"), result("?", &"r".repeat(size))]),
        1 => Just(vec![call("?"), call("!"), result("!", "1"), user("u"), result("?", "2")]),
    ];
    prop::collection::vec(step, 0..30).prop_map(|steps| {
        let named = steps.into_iter().enumerate().map(|(index, step)| {
            let rename = |id: &str| format!("{id}{index}");
            step.into_iter()
                .map(|item| match item {
                    Item::ToolCall(call) => {
                        Item::ToolCall(ToolCall { id: rename(&call.id), ..call })
                    }
                    Item::ToolResult(result) => {
                        Item::ToolResult(ToolResult { call_id: rename(&result.call_id), ..result })
                    }
                    other => other,
                })
                .collect::<Vec<_>>()
        });
        named.flatten().collect()
    })
}

fn is_same_but_elided(chosen: &Item, original: &Item) -> bool {
    match (chosen, original) {
        (Item::ToolResult(one), Item::ToolResult(other)) => one.call_id == other.call_id,
        (one, other) => one == other,
    }
}

proptest! {
    #[test]
    fn what_fits_by_a_count_that_is_too_high_fits(
        items in items(),
        budget in 0_u64..4_000,
        strategy in prop::sample::select(vec![Off, Full, Auto, Saver]),
    ) {
        let history = thread(items);
        let chosen = |count: &dyn Fn(&Item) -> u64| {
            choose(&history, strategy, room(budget), None, None, count)
        };
        if let Ok(all) = chosen(&|item| 3 * tokens(item)) && all.omitted == 0 {
            prop_assert_eq!(chosen(&tokens), Ok(all));
        }
    }

    #[test]
    fn what_is_chosen_is_in_order_in_pairs_and_fits(
        items in items(),
        budget in 0_u64..2_000,
        strategy in prop::sample::select(vec![Off, Full, Auto, Saver]),
        known in prop::option::of((1_u64..20, 1_u64..40)),
    ) {
        let history = thread(items);
        let known = known.map(|(from, until)| summary(from, until));
        let chosen =
            choose(&history, strategy, room(budget), Some(true), known.as_ref(), &tokens).unwrap();

        let mut rest = history.iter();
        for item in &chosen.items {
            prop_assert!(rest.any(|message| is_same_but_elided(item, &message.item)), "order");
        }
        prop_assert_eq!(length(chosen.items.len()) + chosen.omitted, length(history.len()));

        prop_assert_eq!(pair(chosen.items.clone()).len(), chosen.items.len(), "pairs");
        let ids = |wanted: bool| {
            let mut ids: Vec<String> = chosen.items.iter().filter_map(|item| match item {
                Item::ToolCall(call) if wanted => Some(call.id.clone()),
                Item::ToolResult(result) if !wanted => Some(result.call_id.clone()),
                _ => None,
            }).collect();
            ids.sort();
            ids
        };
        prop_assert_eq!(ids(true), ids(false));

        let reserved = chosen.summarize.map_or(0, |gap| gap.tokens);
        let told = chosen.summary.as_ref().map_or(0, |text| length(text.len()));
        prop_assert!(total(&chosen.items) + reserved + told <= budget);
        if let Some(gap) = chosen.summarize {
            prop_assert!(gap.first <= gap.since && gap.since <= gap.until);
        }
        prop_assert!(!chosen.is_summarized || chosen.omitted > 0);
    }

    #[test]
    fn a_summary_that_is_made_as_wanted_is_used(items in items(), budget in 300_u64..1_000) {
        let history = thread(items);
        let first = pick(&history, Auto, budget);
        if let Some(gap) = first.summarize {
            let made = summary(gap.first, gap.until);
            let again = choose(&history, Auto, room(budget), None, Some(&made), &tokens).unwrap();
            prop_assert_eq!(again.summarize, None);
            prop_assert_eq!(again.summary, Some(made.text));
        }
    }
}
