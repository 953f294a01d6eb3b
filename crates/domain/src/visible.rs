//! Texts of strangers, without what nobody sees: they are shown to people who decide
//! by them, and to models, which read what people do not.

/// The text without control characters other than line feed and tab, without those
/// that turn the direction of text, and without those that carry text unseen.
#[must_use]
pub fn visible(text: &str) -> String {
    text.chars().filter(|c| is_visible(*c)).collect()
}

/// Whether [`visible`] leaves the character where it is.
#[must_use]
pub fn is_visible(c: char) -> bool {
    match c {
        '\n' | '\t' => true,
        // Directions: marks, embeddings, overrides and isolates.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        // Without width or meaning of their own.
        | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{206a}'..='\u{206f}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        // Tags, which spell ASCII unseen.
        | '\u{e0000}'..='\u{e007f}' => false,
        _ => !c.is_control(),
    }
}

/// The visible text in one line, at most `max_chars` characters of it.
#[must_use]
pub fn visible_line(text: &str, max_chars: usize) -> String {
    let words = text.split_whitespace().map(visible).filter(|word| !word.is_empty());
    let mut line = String::new();
    for word in words {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
        // No longer than needed; a stranger decides how long the text is.
        if line.len() > max_chars.saturating_mul(4) {
            break;
        }
    }
    line.chars().take(max_chars).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_goes_and_what_people_write_stays() {
        let unseen = "a\u{1b}[31mb\u{202e}c\u{2066}d\u{e0041}e\u{200b}f\0g\u{7f}h\u{feff}\r\ni\tj";
        assert_eq!(visible(unseen), "a[31mbcdefgh\ni\tj");

        let seen = "Ünïcode — 日本語 العربية नमस्ते 👩‍💻 e\u{301}";
        assert_eq!(visible(seen), seen);
    }

    #[test]
    fn a_line_has_one_line_and_an_end() {
        assert_eq!(visible_line("  a\r\n b\u{202e}\t\u{200b} c ", 100), "a b c");
        assert_eq!(visible_line(&"ä ".repeat(1_000), 5), "ä ä ä");
    }
}
