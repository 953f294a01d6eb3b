//! Markdown read as plain text, line by line, so that it can be done while an answer
//! comes.

use std::borrow::Cow;

use crate::run::text::cut;

/// Takes Markdown out of a text that comes in pieces. A line is shown when it is
/// complete.
#[derive(Clone, Debug, Default)]
pub struct PlainText {
    held: String,
    /// What closes the code block that the text is in.
    fence: Option<String>,
}

impl PlainText {
    /// Takes more of the text; gives the lines that are complete.
    pub fn push(&mut self, text: &str) -> String {
        let before = self.held.len();
        self.held.push_str(text);
        // What was held has no end of a line.
        let Some(end) = text.rfind('\n') else { return String::new() };
        let rest = self.held.split_off(before + end + 1);
        let lines = std::mem::replace(&mut self.held, rest);
        lines.split_inclusive('\n').map(|line| self.line(line)).collect()
    }

    /// The last line, now that nothing more comes.
    pub fn finish(&mut self) -> String {
        let line = std::mem::take(&mut self.held);
        self.line(&line)
    }

    fn line(&mut self, line: &str) -> String {
        let text = line.trim_end_matches(['\n', '\r']);
        let end = line.get(text.len()..).unwrap_or_default();
        let trimmed = text.trim();
        if let Some(fence) = &self.fence {
            let closes = trimmed.starts_with(fence.as_str())
                && trimmed.trim_start_matches(['`', '~']).is_empty();
            if closes {
                self.fence = None;
                return String::new();
            }
            return line.to_owned();
        }
        if let Some(fence) = ["```", "~~~"].into_iter().find(|fence| opens(trimmed, fence)) {
            self.fence = Some(fence.to_owned());
            return String::new();
        }
        if is_table_rule(trimmed) {
            return String::new();
        }
        if is_rule(trimmed) {
            return end.to_owned();
        }
        format!("{}{end}", block(text))
    }
}

/// The text without Markdown.
#[must_use]
pub fn strip_markdown(text: &str) -> String {
    let mut plain = PlainText::default();
    let mut shown = plain.push(text);
    shown.push_str(&plain.finish());
    shown
}

/// Whether a line opens a code block: code in a line of its own closes there again.
fn opens(line: &str, fence: &str) -> bool {
    line.strip_prefix(fence).is_some_and(|rest| !rest.contains(fence))
}

/// `---`, `* * *`, `___`, or the line under a heading.
fn is_rule(line: &str) -> bool {
    let marks: Vec<char> = line.chars().filter(|c| !c.is_whitespace()).collect();
    let first = marks.first().copied().unwrap_or_default();
    marks.len() >= 3 && "-*_=".contains(first) && marks.iter().all(|c| *c == first)
}

/// `| --- | :-: |`.
fn is_table_rule(line: &str) -> bool {
    line.contains('|') && line.contains("--") && line.chars().all(|c| "|-: \t".contains(c))
}

/// A line without the marks that say what kind of block it is in.
fn block(line: &str) -> String {
    let indent_ends = line.len() - line.trim_start().len();
    let (indent, mut rest) = line.split_at(indent_ends);
    while let Some(quoted) = rest.strip_prefix('>') {
        rest = quoted.trim_start();
    }
    let hashes = rest.bytes().take_while(|b| *b == b'#').count();
    if (1..=6).contains(&hashes)
        && let Some(heading) = rest.get(hashes..).filter(|text| text.starts_with(' '))
    {
        return inline(heading.trim().trim_end_matches('#').trim_end());
    }
    if let Some(item) = ["* ", "+ ", "- "].iter().find_map(|mark| rest.strip_prefix(mark)) {
        let task = ["[ ] ", "[x] ", "[X] "].iter().find_map(|mark| item.strip_prefix(mark));
        return format!("{indent}- {}", inline(task.unwrap_or(item)));
    }
    if let Some(row) = rest.strip_prefix('|') {
        let row = row.trim_end().trim_end_matches('|');
        let cells: Vec<String> = row.split('|').map(|cell| inline(cell.trim())).collect();
        return cells.join("\t");
    }
    format!("{indent}{}", inline(rest))
}

/// How far behind its beginning something marked may end, in characters. Without an
/// end to it a long line would be read again from each of its marks.
const REACH: usize = 1_000;

/// Marks of emphasis, the longer before the shorter.
const EMPHASIS: [&str; 6] = ["***", "**", "__", "~~", "*", "_"];

/// The text of a line without marks within it.
fn inline(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut before = None;
    while let Some(c) = rest.chars().next() {
        let (shown, behind) = step(rest, c, before);
        before = shown.chars().next_back().or(before);
        out.push_str(&shown);
        rest = behind;
    }
    out
}

/// What the beginning of `rest` is shown as, and what comes behind it.
fn step(rest: &str, c: char, before: Option<char>) -> (Cow<'_, str>, &str) {
    let marked = match c {
        '\\' => escaped(rest),
        '`' => code(rest),
        '!' => link(rest.get(1..).unwrap_or_default()).map(|(text, _, behind)| (text, behind)),
        '[' => link(rest).map(|(text, address, behind)| {
            let is_told = address.is_empty() || address == text || address.starts_with('#');
            let shown = if is_told { text } else { format!("{text} ({address})").into() };
            (shown, behind)
        }),
        '<' => address(rest),
        '*' | '_' | '~' => emphasis(rest, before),
        _ => None,
    };
    marked.unwrap_or_else(|| {
        let (shown, behind) = rest.split_at(c.len_utf8());
        (shown.into(), behind)
    })
}

/// What is before and behind `mark`, if it comes soon.
fn split_near<'a>(text: &'a str, mark: &str) -> Option<(&'a str, &'a str)> {
    let at = cut(text, REACH).find(mark)?;
    Some((text.get(..at)?, text.get(at + mark.len()..)?))
}

type Marked<'a> = Option<(Cow<'a, str>, &'a str)>;

fn escaped(rest: &str) -> Marked<'_> {
    let next = rest.get(1..)?;
    let c = next.chars().next().filter(char::is_ascii_punctuation)?;
    let (shown, behind) = next.split_at(c.len_utf8());
    Some((shown.into(), behind))
}

fn code(rest: &str) -> Marked<'_> {
    let ticks = cut(rest, REACH).bytes().take_while(|b| *b == b'`').count();
    let (mark, inner) = rest.split_at(ticks);
    let (shown, behind) = split_near(inner, mark)?;
    Some((shown.trim().into(), behind))
}

/// The text and address of `[text](address "title")`, and what comes behind it.
fn link(rest: &str) -> Option<(Cow<'_, str>, &str, &str)> {
    let inner = rest.strip_prefix('[')?;
    let (text, behind) = split_near(inner, "](")?;
    if text.contains(['[', ']']) {
        return None;
    }
    let end = closing(cut(behind, REACH))?;
    let (address, behind) = (behind.get(..end)?, behind.get(end + 1..)?);
    let address = address.split_whitespace().next().unwrap_or_default();
    Some((inline(text).into(), address.trim_matches(['<', '>']), behind))
}

/// Where the parenthesis ends that is open before `text`.
fn closing(text: &str) -> Option<usize> {
    let mut open = 0_u32;
    for (at, c) in text.char_indices() {
        match c {
            '(' => open += 1,
            ')' if open == 0 => return Some(at),
            ')' => open -= 1,
            _ => {}
        }
    }
    None
}

fn address(rest: &str) -> Marked<'_> {
    let (inner, behind) = split_near(rest.strip_prefix('<')?, ">")?;
    let is_address = ["http://", "https://", "mailto:"].iter().any(|s| inner.starts_with(s));
    (is_address && !inner.contains(char::is_whitespace)).then_some((inner.into(), behind))
}

fn emphasis(rest: &str, before: Option<char>) -> Marked<'_> {
    let mark = EMPHASIS.into_iter().find(|mark| rest.starts_with(mark))?;
    let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let inner = rest.get(mark.len()..)?;
    // Within words an underscore is one: `snake_case`.
    if mark.starts_with('_') && is_word(before) {
        return None;
    }
    if inner.starts_with(char::is_whitespace) {
        return None;
    }
    for (end, _) in cut(inner, REACH).match_indices(mark) {
        let (text, behind) = (inner.get(..end)?, inner.get(end + mark.len()..)?);
        let is_inside_word = mark.starts_with('_') && is_word(behind.chars().next());
        let is_part_of_longer =
            mark.len() == 1 && (behind.starts_with(mark) || text.ends_with(mark));
        let is_open = text.is_empty() || text.ends_with(char::is_whitespace);
        if !is_open && !is_inside_word && !is_part_of_longer {
            return Some((inline(text).into(), behind));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn marks_are_taken_out_and_words_stay() {
        for (markdown, plain) in [
            ("# A *heading* #", "A heading"),
            ("**bold**, *it*, __b__, _i_, ***both***, ~~gone~~", "bold, it, b, i, both, gone"),
            ("**a *nested* one**", "a nested one"),
            ("call `f(x)` and ``a`b``", "call f(x) and a`b"),
            ("* one\n+ two\n  - [x] three", "- one\n- two\n  - three"),
            ("1. first\n2. second", "1. first\n2. second"),
            ("> a\n> > b", "a\nb"),
            ("a\n\n---\n\nb", "a\n\n\n\nb"),
            ("see [the page](https://a.b/c_(d) \"t\").", "see the page (https://a.b/c_(d))."),
            ("![a picture](x.png) and <https://a.b>", "a picture and https://a.b"),
            ("| a | **b** |\n| --- | :-: |\n| 1 | 2 |\n", "a\tb\n1\t2\n"),
            ("```rust\nlet a = \"*b*\";\n```\nend", "let a = \"*b*\";\nend"),
            ("\\*not\\* marked", "*not* marked"),
        ] {
            assert_eq!(strip_markdown(markdown), plain, "{markdown}");
        }
    }

    #[test]
    fn what_is_no_markdown_stays() {
        for text in [
            "2 * 3 * 4 = 24",
            "snake_case_name and __init",
            "#hashtag",
            "a < b > c",
            "[1] says so",
            "5*",
            "a\r\nb\r\n",
            "**open",
            "",
        ] {
            assert_eq!(strip_markdown(text), text);
        }
    }

    #[test]
    fn marks_count_only_as_far_as_they_reach() {
        let near = "x".repeat(REACH - 2);
        assert_eq!(strip_markdown(&format!("*{near}*")), near);
        let far = format!("*{}*", "x".repeat(REACH));
        assert_eq!(strip_markdown(&far), far);
        let open = "*a [c <d ".repeat(2_000);
        assert!(strip_markdown(&open) == open, "marks that never end stay");
    }

    proptest! {
        #[test]
        fn however_a_text_is_split_it_is_read_the_same(
            pieces in prop::collection::vec("[a-b*_`#>\\[\\]()| \\n~-]{0,12}", 0..8),
        ) {
            let mut plain = PlainText::default();
            let mut shown: String = pieces.iter().map(|piece| plain.push(piece)).collect();
            shown.push_str(&plain.finish());

            prop_assert_eq!(shown, strip_markdown(&pieces.concat()));
        }

        #[test]
        fn nothing_is_made_up(text in "[\\PC*_`#<>\\[\\]()|\\\\\\n~-]{0,60}") {
            let letters = |text: &str| text.chars().filter(|c| c.is_alphabetic()).count();
            prop_assert!(letters(&strip_markdown(&text)) <= letters(&text));
        }
    }
}
