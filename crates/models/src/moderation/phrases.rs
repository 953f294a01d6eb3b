//! A judge that knows phrases, and nothing else.

use std::sync::LazyLock;

use understudy_domain::ports::ModerationScores;

/// Categories in brackets; under each, phrases with how much one of them tells. A
/// star stands for any ending of a word.
const FILE: &str = include_str!("../../data/moderation.txt");

static PHRASES: LazyLock<Vec<Phrase>> = LazyLock::new(|| parse(FILE));

struct Phrase {
    category: &'static str,
    weight: f64,
    words: Vec<Word>,
}

struct Word {
    letters: &'static str,
    is_beginning: bool,
}

/// How likely the text is of each category. Every phrase that is found takes its
/// part of the doubt that is left, once, however often it is there.
pub(super) fn judge(text: &str) -> ModerationScores {
    let small = text.to_lowercase();
    let words: Vec<&str> =
        small.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let mut scores = ModerationScores::new();
    for phrase in PHRASES.iter() {
        let score = scores.entry(phrase.category.to_owned()).or_insert(0.0);
        if phrase.is_in(&words) {
            *score = (1.0 - *score).mul_add(phrase.weight, *score);
        }
    }
    scores
}

impl Phrase {
    fn is_in(&self, words: &[&str]) -> bool {
        let mut places = words.windows(self.words.len());
        places.any(|place| place.iter().zip(&self.words).all(|(word, known)| known.is(word)))
    }
}

impl Word {
    fn is(&self, word: &str) -> bool {
        if self.is_beginning { word.starts_with(self.letters) } else { word == self.letters }
    }
}

fn parse(file: &'static str) -> Vec<Phrase> {
    let mut category = "";
    let mut phrases = Vec::new();
    let lines = file.lines().map(str::trim);
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            category = name;
        } else if let Some((weight, text)) = line.split_once(' ')
            && let Ok(weight) = weight.parse()
        {
            let words = text.split_whitespace().map(word).collect();
            phrases.push(Phrase { category, weight, words });
        }
    }
    phrases
}

fn word(text: &'static str) -> Word {
    match text.strip_suffix('*') {
        Some(letters) => Word { letters, is_beginning: true },
        None => Word { letters: text, is_beginning: false },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(category: &str, text: &str) -> f64 {
        judge(text)[category]
    }

    #[test]
    fn every_line_of_the_file_is_understood() {
        let lines = FILE
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#') && !line.starts_with('['));
        assert_eq!(PHRASES.len(), lines.count());
        for Phrase { category, weight, words } in PHRASES.iter() {
            assert!(!category.is_empty() && !words.is_empty());
            assert!((0.05..=0.95).contains(weight), "{category}: {weight}");
            for Word { letters, .. } in words {
                let is_plain = letters.chars().all(|c| c.is_alphanumeric() && !c.is_uppercase());
                assert!(is_plain && !letters.is_empty(), "{letters}");
            }
        }
    }

    #[test]
    fn every_category_has_a_score() {
        let scores = judge("");
        let categories: Vec<&str> = scores.keys().map(String::as_str).collect();
        assert_eq!(
            categories,
            [
                "harassment",
                "harassment/threatening",
                "hate",
                "hate/threatening",
                "illicit",
                "illicit/violent",
                "self-harm",
                "self-harm/instructions",
                "self-harm/intent",
                "sexual",
                "sexual/minors",
                "violence",
                "violence/graphic",
            ]
        );
        assert!(scores.values().all(|score| *score == 0.0));
    }

    #[test]
    fn phrases_are_found_in_both_languages_whatever_stands_between_their_words() {
        assert!(score("self-harm/intent", "I want to   KILL, myself!") > 0.7);
        assert!(score("self-harm/intent", "Ich will mich umbringen.") > 0.7);
        assert!(score("violence", "I will kill you") > 0.7);
        assert!(score("violence", "Ich bringe dich um") > 0.7);
        assert!(score("illicit/violent", "how to build a pipe bomb") > 0.7);
        assert!(score("illicit/violent", "Wie baue ich eine Bombe?") > 0.7);
    }

    #[test]
    fn harmless_texts_are_harmless() {
        for text in [
            "The bath bombs smell of roses, and I am dying to see you.",
            "How do I kill a process in Linux?",
            "Wie bringe ich den Garten durch den Winter?",
            "Wir besprechen morgen die Bilanz.",
        ] {
            let worst = judge(text).into_values().fold(0.0, f64::max);
            assert!(worst < 0.3, "{text}: {:?}", judge(text));
        }
    }

    #[test]
    fn several_phrases_tell_more_than_one_and_never_all() {
        let one = score("violence", "i will kill you");
        let two = score("violence", "i will kill you, i will hurt you");
        assert!(one < two && two < 1.0, "{one} {two}");
    }
}
