//! Small things that are done to texts before a model is given them.

/// The beginning of `text`, at most `chars` characters.
pub(super) fn cut(text: &str, chars: usize) -> &str {
    match text.char_indices().nth(chars) {
        Some((end, _)) => text.get(..end).unwrap_or(text),
        None => text,
    }
}

/// The beginning of `text`, at most `chars` characters, with `…` in place of the rest.
pub(super) fn shorten(text: &str, chars: usize) -> String {
    if text.chars().count() <= chars {
        return text.to_owned();
    }
    format!("{}…", cut(text, chars.saturating_sub(1)).trim_end())
}

/// The text in one line, without what [`visible`] takes away.
pub(super) fn one_line(text: &str) -> String {
    visible(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The text without characters that people do not see or that turn the others round:
/// controls but for line ends and tabs, marks of direction, tags, joiners of nothing.
/// What somebody else's server says must be what its readers see.
pub(super) fn visible(text: &str) -> String {
    text.chars().filter(|c| !is_hidden(*c)).collect()
}

fn is_hidden(c: char) -> bool {
    let marks = ['\u{ad}', '\u{61c}', '\u{180e}', '\u{200b}', '\u{200e}', '\u{200f}', '\u{feff}'];
    let is_mark = marks.contains(&c)
        || ('\u{202a}'..='\u{202e}').contains(&c)
        || ('\u{2060}'..='\u{206f}').contains(&c)
        || ('\u{e0000}'..='\u{e007f}').contains(&c);
    is_mark || (c.is_control() && c != '\n' && c != '\t')
}

/// Where sentences of `text` end: behind their mark, each but perhaps the last of
/// them followed by white space. A number with a point, as in a list, ends none.
pub(super) fn sentences(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(end) = sentence_end(rest) {
        let (sentence, behind) = rest.split_at(end);
        found.push(sentence);
        rest = behind;
    }
    if !rest.is_empty() {
        found.push(rest);
    }
    found
}

/// Where the first sentence of `text` ends, if it is known to.
pub(super) fn sentence_end(text: &str) -> Option<usize> {
    let mut before = None;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let end = at + c.len_utf8();
        let is_followed = chars.peek().is_some_and(|(_, next)| next.is_whitespace());
        let ends = match c {
            '\n' | '。' | '！' | '？' => true,
            '.' => is_followed && !before.is_some_and(|c: char| c.is_ascii_digit()),
            '!' | '?' | '…' => is_followed,
            _ => false,
        };
        if ends {
            return Some(end);
        }
        before = Some(c);
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_are_cut_by_characters() {
        assert_eq!(cut("äöü", 2), "äö");
        assert_eq!(cut("äöü", 3), "äöü");
        assert_eq!(shorten("äöü", 2), "ä…");
        assert_eq!(shorten("äöü", 3), "äöü");
    }

    #[test]
    fn what_nobody_sees_is_taken_away() {
        assert_eq!(visible("a\u{1b}[31mb\u{202e}c\u{e0041}d\u{200b}\ne\tf"), "a[31mbcd\ne\tf");
        assert_eq!(one_line(" a\n\tb  c "), "a b c");
    }

    #[test]
    fn sentences_end_at_their_marks() {
        let text = "One. Two! It is 3.5 m. 1. item\nlast";
        assert_eq!(sentences(text), ["One.", " Two!", " It is 3.5 m.", " 1. item\n", "last"]);
    }

    proptest! {
        #[test]
        fn sentences_are_all_of_the_text(text in "\\PC{0,80}") {
            prop_assert_eq!(sentences(&text).concat(), text);
        }
    }
}
