//! Texts as sentences. What is written in Markdown is read as it is shown.

/// Most characters of a sentence; longer ones are cut.
const MOST_CHARS: usize = 500;
/// What ends with a point and no sentence.
const ABBREVIATIONS: [&str; 14] = [
    "e.g.", "i.e.", "etc.", "vs.", "mr.", "mrs.", "dr.", "st.", "no.", "z.b.", "bzw.", "ca.",
    "nr.", "inkl.",
];

/// A sentence, or something else that stands by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sentence {
    /// Its words, in one line.
    pub(super) text: String,
    /// The heading that it stands under; empty if there is none.
    pub(super) heading: String,
    /// Whether it is a heading itself.
    pub(super) is_heading: bool,
}

/// All sentences of a text, in order.
pub(super) fn sentences(text: &str) -> Vec<Sentence> {
    let mut found = Vec::new();
    let mut heading = String::new();
    for paragraph in paragraphs(text) {
        if paragraph.is_heading || paragraph.text.ends_with(':') {
            heading.clone_from(&paragraph.text);
            let text = paragraph.text;
            found.push(Sentence { text, heading: String::new(), is_heading: true });
            continue;
        }
        found.extend(split(&paragraph.text).into_iter().map(|text| Sentence {
            text,
            heading: heading.clone(),
            is_heading: false,
        }));
    }
    found
}

#[derive(Default)]
struct Paragraph {
    text: String,
    is_heading: bool,
}

/// Lines that belong together. Items of lists and headings stand by themselves.
fn paragraphs(text: &str) -> Vec<Paragraph> {
    let mut found: Vec<Paragraph> = Vec::new();
    let mut goes_on = false;
    for line in text.lines() {
        let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
        let heading = line.trim_start_matches('#');
        let is_heading = heading.len() < line.len() && heading.starts_with(' ');
        let (line, is_item) = if is_heading { (heading.trim(), true) } else { item(&line) };
        let is_empty = line.is_empty();
        match found.last_mut().filter(|_| goes_on && !is_item && !is_empty) {
            Some(last) => {
                last.text.push(' ');
                last.text.push_str(line);
            }
            None if is_empty => {}
            None => found.push(Paragraph { text: line.to_owned(), is_heading }),
        }
        goes_on = !is_empty && !is_heading;
    }
    found
}

/// What an item of a list says, and whether the line is one.
fn item(line: &str) -> (&str, bool) {
    for mark in ["- ", "* ", "• ", "> "] {
        if let Some(rest) = line.strip_prefix(mark) {
            return (rest, true);
        }
    }
    let digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let is_numbered =
        digits.len() < line.len() && (digits.starts_with(". ") || digits.starts_with(") "));
    if is_numbered { (digits.get(2..).unwrap_or_default(), true) } else { (line, false) }
}

fn split(paragraph: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut sentence = String::new();
    for word in paragraph.split(' ') {
        if !sentence.is_empty() {
            sentence.push(' ');
        }
        sentence.push_str(word);
        if ends(word) {
            found.push(short(&std::mem::take(&mut sentence)));
        }
    }
    if !sentence.is_empty() {
        found.push(short(&sentence));
    }
    found
}

fn ends(word: &str) -> bool {
    let word = word.trim_end_matches(['"', '\'', ')', '”', '“', '»', '*', '_']);
    if word.ends_with(['!', '?', '…', '。', '！', '？']) {
        return true;
    }
    let Some(before) = word.strip_suffix('.') else {
        return false;
    };
    // `3.` counts something, `J.` is a name.
    let is_number = before.chars().all(|c| c.is_ascii_digit()) && (1..3).contains(&before.len());
    let is_letter = before.chars().count() == 1 && before.chars().all(char::is_alphabetic);
    let is_short = ABBREVIATIONS.contains(&word.to_lowercase().as_str());
    !(is_number || is_letter || is_short)
}

fn short(sentence: &str) -> String {
    if sentence.chars().count() <= MOST_CHARS {
        return sentence.to_owned();
    }
    let cut: String = sentence.chars().take(MOST_CHARS - 1).collect();
    let cut = cut.rsplit_once(' ').map_or(cut.as_str(), |(whole, _)| whole);
    format!("{cut}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        sentences(text).into_iter().map(|sentence| sentence.text).collect()
    }

    #[test]
    fn sentences_end_where_people_see_them_end() {
        let text = "Dr. Who paid 3.50 e.g. for tea. \"Really?\" It was\nthe 3. time! Fin";
        let expected =
            ["Dr. Who paid 3.50 e.g. for tea.", "\"Really?\"", "It was the 3. time!", "Fin"];
        assert_eq!(texts(text), expected);
    }

    #[test]
    fn items_of_lists_stand_under_what_leads_to_them() {
        let found = sentences("# Prices\nWe sell:\n- tea\n- cake\n\n2. All is fresh. Really.");
        let headings: Vec<(&str, &str, bool)> = found
            .iter()
            .map(|found| (found.text.as_str(), found.heading.as_str(), found.is_heading))
            .collect();
        let expected = [
            ("Prices", "", true),
            ("We sell:", "", true),
            ("tea", "We sell:", false),
            ("cake", "We sell:", false),
            ("All is fresh.", "We sell:", false),
            ("Really.", "We sell:", false),
        ];
        assert_eq!(headings, expected);
    }

    #[test]
    fn what_never_ends_is_cut_between_words() {
        let [cut] = texts(&"word ".repeat(200)).try_into().unwrap();
        assert!(cut.ends_with("word…") && cut.chars().count() <= MOST_CHARS, "{cut}");
    }
}
