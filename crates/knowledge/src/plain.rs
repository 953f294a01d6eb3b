//! Texts of pages without what is for browsers.

use understudy_domain::visible::visible_line;

/// What stands for a character in HTML, as far as engines write it.
const ENTITIES: [(&str, &str); 8] = [
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("&quot;", "\""),
    ("&#39;", "'"),
    ("&#x27;", "'"),
    ("&apos;", "'"),
    ("&nbsp;", " "),
    // The last, or it would make others.
    ("&amp;", "&"),
];

/// One line without tags, entities and what nobody sees, of at most `max_chars`
/// characters.
pub(crate) fn plain(text: &str, max_chars: usize) -> String {
    let mut text = without_tags(text);
    for (entity, character) in ENTITIES {
        text = text.replace(entity, character);
    }
    visible_line(&text, max_chars)
}

/// A `<` that no letter, slash, `!` or `?` follows is one that somebody wrote.
fn without_tags(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('<') {
        kept.push_str(before);
        let opens = behind.starts_with(|c: char| c.is_ascii_alphabetic() || "/!?".contains(c));
        rest = match behind.split_once('>') {
            Some((_, after)) if opens => after,
            _ => {
                kept.push('<');
                behind
            }
        };
    }
    kept + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_entities_and_what_nobody_sees_go() {
        for (text, expected) in [
            ("a <strong>b</strong>\n c", "a b c"),
            ("&lt;b&gt; &amp;lt; R&amp;D &quot;x&#x27;", "<b> &lt; R&D \"x'"),
            ("1 < 2 > 1 <br/>", "1 < 2 > 1"),
            ("a\u{202e}b\u{1b}[1m", "ab[1m"),
            ("open <a href='", "open <a href='"),
            ("<!-- x -->y<?z?>", "y"),
        ] {
            assert_eq!(plain(text, 100), expected, "{text}");
        }
        assert_eq!(plain(&"ä".repeat(1_000), 500), "ä".repeat(500));
    }
}
