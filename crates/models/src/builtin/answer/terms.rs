//! Words, and what of them counts when texts are compared.

use std::collections::BTreeSet;

/// Words that are in every text, in English and German.
const COMMON: &str = " a about after all am an and any are as at be been but by can could did do does for \
    from get had has have how i if in into is it its just know let like many me more most much my \
    need no not of on one or our out please say should show so some tell than that the their \
    them then there these they this to up us want was we were what when where which who whom why \
    will with would you your \
    aber alle als am an auch auf aus bei bin bis bist bitte da das dass dein dem den der des die \
    dies dieser dir doch du ein eine einem einen einer eines er es etwas für gibt hat habe haben \
    hier ich ihr ihre im in ist ja kann kannst könnte man mein mich mir mit muss nach nicht noch \
    nur ob oder ohne sag sein seine sich sie sind so soll über um und uns unter vom von vor war \
    warum was welche welcher welches wenn wer werden wie wieviel will wir wird wo woher wohin zu \
    zum zur ";

/// Endings that words of one family differ by, the longest first.
const ENDINGS: [&str; 16] = [
    "ungen", "ing", "ies", "ern", "ers", "est", "ung", "ed", "en", "em", "er", "es", "s", "n", "e",
    "y",
];
/// How many characters are left of a word at least.
const ROOT: usize = 4;

/// What counts of a text, each word once.
pub(super) fn terms(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let small = words.map(str::to_lowercase);
    let telling = small.filter(|word| {
        let is_number = word.chars().all(|c| c.is_ascii_digit());
        is_number || (word.chars().count() > 1 && !COMMON.contains(&format!(" {word} ")))
    });
    telling.map(|word| root(&word).to_owned()).collect()
}

fn root(word: &str) -> &str {
    let mut roots = ENDINGS.iter().filter_map(|ending| word.strip_suffix(ending));
    roots.find(|root| root.chars().count() >= ROOT).unwrap_or(word)
}

/// The beginning of a text, up to and with this many words.
pub(super) fn first_words(text: &str, count: usize) -> &str {
    let mut words = 0;
    let mut within = false;
    for (at, c) in text.char_indices() {
        if c.is_whitespace() {
            if within && words == count {
                return text.get(..at).unwrap_or(text);
            }
            within = false;
        } else if !within {
            if words == count {
                return text.get(..at).unwrap_or(text).trim_end();
            }
            within = true;
            words += 1;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_one_family_are_one_term() {
        for (one, other) in [
            ("opening hours", "Opened hour"),
            ("prices", "pricing"),
            ("policies", "policy"),
            ("Häuser", "häusern"),
            ("What is the refund?", "refunds"),
        ] {
            assert_eq!(terms(one), terms(other), "{one}");
        }
        assert_eq!(terms("Was ist das? What is it of a"), BTreeSet::new());
        assert_eq!(terms("7 of 1"), BTreeSet::from(["7".to_owned(), "1".to_owned()]));
    }

    #[test]
    fn a_text_is_cut_after_whole_words() {
        for (count, expected) in
            [(0, ""), (1, "\n\nEins"), (2, "\n\nEins zwei"), (3, "\n\nEins zwei drei")]
        {
            assert_eq!(first_words("\n\nEins zwei drei ", count), expected);
        }
    }
}
