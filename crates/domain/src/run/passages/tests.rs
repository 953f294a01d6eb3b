use proptest::prelude::*;

use super::*;

const HANDBOOK: &str = "\
# Handbook

Welcome to the shop.

## Returns

Customers may return goods within 30 days.

### Shoes

Shoes may be returned within 60 days if they were not worn.

```sh
# not a heading
```

## Opening hours

We are open from nine to five.
";

fn of(text: &str) -> Vec<Passage> {
    chunk(text, "handbook.md", "file", Some("file_1"))
}

#[test]
fn passages_know_the_headings_that_they_stand_under() {
    let passages = of(HANDBOOK);

    let headings: Vec<&str> = passages.iter().map(|passage| passage.heading.as_str()).collect();
    assert_eq!(
        headings,
        [
            "Handbook",
            "Handbook › Returns",
            "Handbook › Returns › Shoes",
            "Handbook › Opening hours"
        ]
    );
    assert!(passages[2].text.contains("# not a heading"));
    assert_eq!(passages[0].text, "Welcome to the shop.");
}

#[test]
fn long_texts_are_taken_apart_at_paragraphs() {
    let paragraph = "word ".repeat(50);
    let text = [paragraph.as_str(); 10].join("\n\n");

    let passages = of(&text);

    let words: Vec<usize> = passages.iter().map(|passage| words::count(&passage.text)).collect();
    assert_eq!(words, [150, 150, 150, 50]);
}

#[test]
fn every_passage_of_a_table_knows_the_columns() {
    let rows: Vec<String> = (0..300).map(|n| format!("item{n},{n}\n")).collect();
    let rows = rows.concat();

    let passages = chunk(&format!("name,price\n{rows}"), "Prices.CSV", "file", None);

    assert!(passages.len() > 2);
    assert!(passages.iter().all(|passage| passage.heading == "name,price"));
    assert!(passages[0].told().starts_with("name,price\nitem0,0\n"));
}

#[test]
fn the_best_passage_comes_first_and_others_are_left_out() {
    let found = rank(&of(HANDBOOK), "How long can I return shoes?", 5);

    assert_eq!(found.len(), 2);
    assert!(found[0].text.as_ref().unwrap().starts_with("Handbook › Returns › Shoes\nShoes"));
    assert_eq!((found[0].number, found[1].number), (1, 2));
    assert!(found[0].score > found[1].score);
    assert_eq!((found[0].id.as_deref(), found[0].kind.as_str()), (Some("file_1"), "file"));
    assert_eq!(rank(&of(HANDBOOK), "bicycle", 5), []);
    assert_eq!(rank(&of(HANDBOOK), "shoes return", 1).len(), 1);
}

#[test]
fn german_is_found_by_other_forms_and_within_compounds() {
    let text =
        "# Rückgaberecht\n\nSie können Schuhe zurückgeben.\n\n# Versand\n\nWir liefern überall.";

    let found = rank(&of(text), "Wie ist die Rückgabe?", 5);
    assert!(found[0].text.as_ref().unwrap().contains("Schuhe"), "{found:?}");
    let found = rank(&of(text), "Kann ich einen Schuh zurückgeben?", 5);
    assert!(found[0].text.as_ref().unwrap().contains("Schuhe"), "{found:?}");
}

proptest! {
    #[test]
    fn passages_are_short_and_hold_all_of_the_text(
        text in prop::collection::vec("[a-zä.# \\n]{0,90}|[a-z]{1300}|(word ){300}|字{1500}", 0..8)
    ) {
        let text = text.join("\n");
        let passages = of(&text);

        let squeezed = |text: &str| text.split_whitespace().collect::<String>();
        let whole: Vec<&str> = text.lines().filter(|line| heading(line).is_none()).collect();
        let held: String = passages.iter().map(|passage| squeezed(&passage.text)).collect();
        prop_assert_eq!(held, squeezed(&whole.join("\n")));
        for passage in &passages {
            prop_assert!(words::count(&passage.text) <= MOST_WORDS, "{}", words::count(&passage.text));
            prop_assert!(passage.told().chars().count() <= MAX_CHARS);
            prop_assert!(passage.told().ends_with(&passage.text));
        }
    }

    #[test]
    fn scores_are_between_nothing_and_all(query in "[a-e ]{0,20}", texts in prop::collection::vec("[a-e ]{0,40}", 0..6)) {
        let passages: Vec<Passage> = texts.iter().flat_map(|text| of(text)).collect();
        let found = rank(&passages, &query, 3);

        prop_assert!(found.len() <= 3);
        prop_assert!(found.windows(2).all(|pair| pair[0].score >= pair[1].score));
        for citation in &found {
            prop_assert!((0.0..=1.0).contains(&citation.score.unwrap()));
        }
    }
}

#[test]
fn a_file_of_one_word_is_taken_apart_too() {
    let passages = of(&"x".repeat(300_000));

    assert_eq!(passages.iter().map(|passage| passage.text.len()).sum::<usize>(), 300_000);
}
