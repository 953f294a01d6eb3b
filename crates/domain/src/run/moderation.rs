//! When moderation keeps a text back (reference §3.10), and how much of an answer is
//! judged at once before it is shown.

use super::text::{cut, sentence_end};
use crate::{assistant::content::SafetyLevel, ports::ModerationScores};

/// What is answered to an input that moderation refuses.
pub const BLOCKED_INPUT_MESSAGE: &str =
    "I cannot help with that: the message was held back by the moderation of this assistant.";
/// What stands in place of an answer that moderation refuses.
pub const BLOCKED_OUTPUT_MESSAGE: &str =
    "The answer was held back by the moderation of this assistant.";

/// Most characters of an answer that are judged at once.
pub const WINDOW_CHARS: usize = 200;

/// The score from which a text is kept back.
#[must_use]
pub fn threshold(level: SafetyLevel, category: &str) -> f64 {
    match (level, is_grave(category)) {
        (SafetyLevel::Low, false) => 0.9,
        (SafetyLevel::Medium, false) => 0.7,
        (SafetyLevel::High, false) => 0.4,
        (SafetyLevel::Low, true) => 0.5,
        (SafetyLevel::Medium, true) => 0.3,
        (SafetyLevel::High, true) => 0.15,
    }
}

/// Whether the category is one of self-harm, minors or weapons.
fn is_grave(category: &str) -> bool {
    let category = category.to_ascii_lowercase().replace('_', "-");
    category.starts_with("self-harm")
        || category.contains("minors")
        || category.contains("weapon")
        || category == "illicit/violent"
}

/// The category for which the text is kept back: the one that is most over its
/// threshold; `None` when none is.
#[must_use]
pub fn verdict(scores: &ModerationScores, level: SafetyLevel) -> Option<String> {
    let over = scores.iter().filter_map(|(category, score)| {
        let excess = score - threshold(level, category);
        (excess >= 0.0).then_some((category, excess))
    });
    // Of equal ones the first by name, so that the answer is always the same.
    let worst = over.reduce(|worst, next| if next.1 > worst.1 { next } else { worst });
    worst.map(|(category, _)| category.clone())
}

/// A piece of an answer that is to be judged before it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// What may be shown once it is judged.
    pub text: String,
    /// What is judged: the piece and the end of what came before it, since what is
    /// meant may begin there.
    pub judged: String,
}

/// Holds an answer back until its pieces can be judged: a sentence or
/// [`WINDOW_CHARS`], whichever comes first.
#[derive(Clone, Debug, Default)]
pub struct Window {
    held: String,
    /// The end of what was given away.
    before: String,
}

impl Window {
    /// Takes more of the answer; gives the pieces that are complete.
    pub fn push(&mut self, text: &str) -> Vec<Held> {
        let mut held = std::mem::take(&mut self.held);
        held.push_str(text);
        let (mut rest, mut complete) = (held.as_str(), Vec::new());
        while let Some(end) = end_of_window(rest) {
            let (piece, behind) = rest.split_at(end);
            complete.push(self.give(piece.to_owned()));
            rest = behind;
        }
        rest.clone_into(&mut self.held);
        complete
    }

    /// The last piece, now that nothing more comes.
    pub fn finish(&mut self) -> Option<Held> {
        let piece = std::mem::take(&mut self.held);
        (!piece.is_empty()).then(|| self.give(piece))
    }

    fn give(&mut self, text: String) -> Held {
        let judged = format!("{}{text}", self.before);
        let skipped = judged.chars().count().saturating_sub(WINDOW_CHARS);
        self.before = judged.chars().skip(skipped).collect();
        Held { text, judged }
    }
}

fn end_of_window(text: &str) -> Option<usize> {
    let limit = cut(text, WINDOW_CHARS).len();
    // Whether something is an end shows the character behind it.
    let end = sentence_end(cut(text, WINDOW_CHARS + 1)).filter(|end| *end <= limit);
    end.or_else(|| (limit < text.len() || is_full(text)).then_some(limit))
}

fn is_full(text: &str) -> bool {
    text.chars().nth(WINDOW_CHARS - 1).is_some()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scores(of: &[(&str, f64)]) -> ModerationScores {
        of.iter().map(|(category, score)| ((*category).to_owned(), *score)).collect()
    }

    #[test]
    fn each_level_has_its_threshold_and_grave_things_a_lower_one() {
        use SafetyLevel::{High, Low, Medium};

        for (level, usual, grave) in [(Low, 0.9, 0.5), (Medium, 0.7, 0.3), (High, 0.4, 0.15)] {
            let at = |category, score| verdict(&scores(&[(category, score)]), level);
            assert_eq!(at("violence", usual).as_deref(), Some("violence"));
            assert_eq!(at("violence", usual - 0.01), None);
            for category in
                ["self-harm", "self-harm/intent", "self_harm", "sexual/minors", "illicit/violent"]
            {
                assert_eq!(at(category, grave).as_deref(), Some(category));
                assert_eq!(at(category, grave - 0.01), None);
            }
        }
    }

    #[test]
    fn what_is_most_over_its_threshold_is_told() {
        let scores = scores(&[("hate", 0.75), ("self-harm", 0.6), ("violence", 0.8)]);

        assert_eq!(verdict(&scores, SafetyLevel::Medium).as_deref(), Some("self-harm"));
    }

    #[test]
    fn a_sentence_is_held_back_until_it_ends() {
        let mut window = Window::default();

        assert_eq!(window.push("A first sen"), []);
        let complete = window.push("tence. And a");
        assert_eq!(complete.len(), 1);
        assert_eq!(complete[0].text, "A first sentence.");
        let last = window.finish().unwrap();
        assert_eq!(last.text, " And a");
        assert_eq!(last.judged, "A first sentence. And a");
        assert_eq!(window.finish(), None);
    }

    proptest! {
        #[test]
        fn pieces_are_short_and_all_of_the_text(
            pieces in prop::collection::vec("[a-c. ä\n]{0,150}", 0..12),
        ) {
            let mut window = Window::default();
            let mut given: Vec<Held> = Vec::new();
            for piece in &pieces {
                given.extend(window.push(piece));
                prop_assert!(window.held.chars().count() < WINDOW_CHARS);
            }
            given.extend(window.finish());

            prop_assert_eq!(given.iter().map(|held| held.text.as_str()).collect::<String>(), pieces.concat());
            for held in &given {
                prop_assert!(held.text.chars().count() <= WINDOW_CHARS);
                prop_assert!(held.judged.ends_with(&held.text));
            }
        }
    }
}
