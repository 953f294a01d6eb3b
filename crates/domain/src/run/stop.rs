//! Stop sequences, enforced here for every provider: the answer ends before the first
//! of them, also where it comes in pieces.

/// Looks for stop sequences in a text that comes in pieces.
#[derive(Clone, Debug, Default)]
pub struct StopMatcher {
    sequences: Vec<String>,
    /// What could be the beginning of a stop sequence.
    held: String,
    matched: Option<String>,
}

impl StopMatcher {
    /// Looks for these sequences; empty ones are in no text.
    #[must_use]
    pub fn new(sequences: &[String]) -> Self {
        let sequences = sequences.iter().filter(|text| !text.is_empty()).cloned().collect();
        Self { sequences, held: String::new(), matched: None }
    }

    /// Takes more of the text; gives what may be shown now. What could be the
    /// beginning of a sequence is held back.
    pub fn push(&mut self, text: &str) -> String {
        if self.is_stopped() {
            return String::new();
        }
        if self.is_idle() {
            return text.to_owned();
        }
        self.held.push_str(text);
        if let Some((start, sequence)) = self.first() {
            self.matched = Some(sequence.to_owned());
            self.held.truncate(start);
            return std::mem::take(&mut self.held);
        }
        let kept = self.held.split_off(self.held.len() - self.undecided());
        std::mem::replace(&mut self.held, kept)
    }

    /// Whether there is nothing to look for.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        self.sequences.is_empty()
    }

    /// Whether a sequence came; nothing is shown any more.
    #[must_use]
    pub const fn is_stopped(&self) -> bool {
        self.matched.is_some()
    }

    /// The sequence that came.
    #[must_use]
    pub fn matched(&self) -> Option<&str> {
        self.matched.as_deref()
    }

    /// What was held back, now that nothing more comes.
    pub fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }

    /// Where the sequence begins that is complete first, and which it is. Of several
    /// that end at one place it is the longest, so that nothing of it is shown.
    fn first(&self) -> Option<(usize, &str)> {
        let found = self.sequences.iter().filter_map(|sequence| {
            let start = self.held.find(sequence.as_str())?;
            Some((start + sequence.len(), start, sequence.as_str()))
        });
        found.min_by_key(|(end, start, _)| (*end, *start)).map(|(_, start, text)| (start, text))
    }

    /// How many bytes at the end of what is held could be the beginning of a sequence.
    fn undecided(&self) -> usize {
        let beginnings = self.sequences.iter().flat_map(|sequence| {
            sequence.char_indices().skip(1).map(|(end, _)| sequence.get(..end).unwrap_or_default())
        });
        beginnings.filter(|text| self.held.ends_with(text)).map(str::len).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matcher(sequences: &[&str]) -> StopMatcher {
        StopMatcher::new(&sequences.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_sequence_that_comes_in_two_pieces_is_cut() {
        let mut stop = matcher(&["END"]);

        assert_eq!(stop.push("the textE"), "the text");
        assert_eq!(stop.push("N"), "");
        assert!(!stop.is_stopped());
        assert_eq!(stop.push("D and more"), "");
        assert_eq!(stop.matched(), Some("END"));
        assert_eq!(stop.push("more"), "");
        assert_eq!(stop.finish(), "");
    }

    #[test]
    fn what_was_held_back_in_vain_is_shown() {
        let mut stop = matcher(&["END"]);

        assert_eq!(stop.push("an E"), "an ");
        assert_eq!(stop.push("Nd"), "ENd");
        assert_eq!(stop.push("EN"), "");
        assert_eq!(stop.finish(), "EN");
        assert_eq!(stop.matched(), None);
    }

    #[test]
    fn the_sequence_that_is_complete_first_counts() {
        let mut stop = matcher(&["abcd", "c", "bc"]);

        assert_eq!(stop.push("xabcd"), "xa");
        assert_eq!(stop.matched(), Some("bc"));
    }

    #[test]
    fn without_sequences_nothing_is_held_back() {
        let mut stop = matcher(&[""]);

        assert_eq!(stop.push("all of it"), "all of it");
    }

    /// What a reader sees who knows all of the text at once.
    fn cut_at_once<'t>(text: &'t str, sequences: &[String]) -> &'t str {
        for end in (0..=text.len()).filter(|end| text.is_char_boundary(*end)) {
            let ends_here =
                sequences.iter().filter(|sequence| text[..end].ends_with(sequence.as_str()));
            if let Some(longest) = ends_here.map(String::len).max() {
                return &text[..end - longest];
            }
        }
        text
    }

    proptest! {
        #[test]
        fn however_the_text_is_split_it_ends_before_the_first_sequence(
            text in "[abä€]{0,40}",
            sequences in prop::collection::vec("[abä€]{1,4}", 0..4),
            cuts in prop::collection::vec(0_usize..40, 0..8),
        ) {
            let chars: Vec<char> = text.chars().collect();
            let mut cuts = cuts;
            cuts.sort_unstable();
            let mut stop = StopMatcher::new(&sequences);
            let (mut shown, mut from) = (String::new(), 0);
            for cut in cuts.into_iter().map(|cut| cut.min(chars.len())).chain([chars.len()]) {
                shown.push_str(&stop.push(&chars[from..cut].iter().collect::<String>()));
                from = cut;
            }
            shown.push_str(&stop.finish());

            let expected = cut_at_once(&text, &sequences);
            prop_assert_eq!(&shown, expected);
            prop_assert_eq!(stop.is_stopped(), expected.len() < text.len());
        }
    }
}
