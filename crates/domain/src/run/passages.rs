//! Passages of texts, and which of them fit a question: by words, without an engine.

mod words;

use std::collections::BTreeSet;

pub(super) use words::{keywords, language};

use self::words::is_compound_of;
use super::{
    Citation,
    text::{cut, sentences},
};

/// Words from which a passage ends with its paragraph.
pub const LEAST_WORDS: usize = 120;
/// Most words of a passage.
pub const MOST_WORDS: usize = 200;
/// Most characters of a passage as it is cited, its heading included.
pub const MAX_CHARS: usize = 1_200;
/// Most characters of the heading of a passage.
const MAX_HEADING_CHARS: usize = 200;
/// How soon more of the same word counts no more (BM25's `k1`).
const SATURATION: f64 = 1.2;
/// How much longer passages count less (BM25's `b`).
const LENGTH: f64 = 0.75;
/// What a word counts that only begins with the word that is sought.
const COMPOUND: f64 = 0.5;

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// What the text is called.
    pub title: String,
    /// What kind of thing it is, as citations tell it.
    pub kind: String,
    /// Its identifier, if it has one.
    pub id: Option<String>,
    /// The headings that the piece stands under; for a table, its columns.
    pub heading: String,
    /// The piece.
    pub text: String,
}

impl Passage {
    /// The piece with its heading.
    #[must_use]
    pub fn told(&self) -> String {
        if self.heading.is_empty() {
            return cut(&self.text, MAX_CHARS).to_owned();
        }
        cut(&format!("{}\n{}", self.heading, self.text), MAX_CHARS).to_owned()
    }
}

/// Takes a text apart at its headings (as Markdown has them) and paragraphs; one
/// without paragraphs at its lines, sentences or words. Of a table each passage knows
/// the columns.
#[must_use]
pub fn chunk(text: &str, title: &str, kind: &str, id: Option<&str>) -> Vec<Passage> {
    let ending = title.rsplit_once('.').map_or("", |(_, ending)| ending);
    let is_table = ["csv", "tsv"].iter().any(|table| ending.eq_ignore_ascii_case(table));
    let mut chunker = Chunker {
        whole: Passage {
            title: title.to_owned(),
            kind: kind.to_owned(),
            id: id.map(str::to_owned),
            heading: String::new(),
            text: String::new(),
        },
        headings: Vec::new(),
        words: 0,
        passages: Vec::new(),
    };
    let mut lines = text.trim_start_matches('\u{feff}').lines();
    if is_table && let Some(columns) = lines.next() {
        chunker.headings.push((0, columns));
    }
    let mut in_code = false;
    for line in lines {
        let fence = line.trim_start().starts_with("```");
        in_code ^= fence;
        match heading(line).filter(|_| !in_code && !is_table) {
            Some((level, text)) => chunker.begin(level, text),
            None => chunker.add(line),
        }
    }
    chunker.end();
    chunker.passages
}

/// The level and text of a heading.
fn heading(line: &str) -> Option<(usize, &str)> {
    let level = line.bytes().take_while(|b| *b == b'#').count();
    let text = line.get(level..)?.strip_prefix(' ')?.trim().trim_end_matches('#').trim_end();
    ((1..=6).contains(&level) && !text.is_empty()).then_some((level, text))
}

struct Chunker<'a> {
    /// The passage as it has come so far.
    whole: Passage,
    headings: Vec<(usize, &'a str)>,
    /// How many words it has.
    words: usize,
    passages: Vec<Passage>,
}

impl<'a> Chunker<'a> {
    fn begin(&mut self, level: usize, heading: &'a str) {
        self.end();
        self.headings.retain(|(above, _)| *above < level);
        self.headings.push((level, heading));
    }

    fn add(&mut self, line: &str) {
        if line.trim().is_empty() {
            if self.words >= LEAST_WORDS {
                self.end();
            } else if !self.whole.text.is_empty() {
                self.whole.text.push('\n');
            }
            return;
        }
        for piece in pieces(line) {
            let words = words::count(piece);
            let chars = self.whole.text.chars().count() + piece.chars().count();
            if self.words + words > MOST_WORDS || chars > most_chars() {
                self.end();
            }
            self.whole.text.push_str(piece);
            self.words += words;
        }
        self.whole.text.push('\n');
    }

    fn end(&mut self) {
        let text = std::mem::take(&mut self.whole.text);
        self.words = 0;
        if text.trim().is_empty() {
            return;
        }
        let names: Vec<&str> = self.headings.iter().map(|(_, heading)| *heading).collect();
        let heading = cut(&names.join(" › "), MAX_HEADING_CHARS).to_owned();
        let text = text.trim_matches('\n').trim_end().to_owned();
        self.passages.push(Passage { heading, text, ..self.whole.clone() });
    }
}

const fn most_chars() -> usize {
    MAX_CHARS - MAX_HEADING_CHARS - 1
}

fn is_short(text: &str) -> bool {
    text.chars().nth(most_chars()).is_none() && words::count(text) <= MOST_WORDS
}

/// A line as pieces that each are short enough for a passage.
fn pieces(line: &str) -> Vec<&str> {
    if is_short(line) {
        return vec![line];
    }
    sentences(line).into_iter().flat_map(of_sentence).collect()
}

fn of_sentence(sentence: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = sentence;
    while !is_short(rest) {
        let (head, behind) = rest.split_at(words::end_of(rest, MOST_WORDS, most_chars()));
        found.push(head);
        rest = behind;
    }
    found.push(rest);
    found
}

/// The passages that fit the question best: see [`Ranking`].
#[must_use]
pub fn rank(passages: &[Passage], query: &str, limit: usize) -> Vec<Citation> {
    let mut ranking = Ranking::new(query);
    ranking.add(passages.iter().cloned());
    ranking.finish(limit)
}

/// Finds the passages that fit a question best among many that come one after the
/// other. It keeps only those that share a word with it.
///
/// The measure is BM25, as a part of what a passage that holds nothing but the words
/// of the question could have: 0 to 1, and to be compared between questions.
#[derive(Clone, Debug)]
pub struct Ranking {
    /// The words of the question, each once.
    sought: Vec<String>,
    found: Vec<(Passage, Counted)>,
    /// How many passages there were.
    total: u32,
    /// How many words they had.
    length: f64,
}

/// How often each word of a question is in a passage, and how many words that has.
#[derive(Clone, Debug)]
struct Counted {
    hits: Vec<f64>,
    length: f64,
}

impl Ranking {
    /// Begins with the question.
    #[must_use]
    pub fn new(query: &str) -> Self {
        let sought: BTreeSet<String> = keywords(query).into_iter().collect();
        Self { sought: sought.into_iter().collect(), found: Vec::new(), total: 0, length: 0.0 }
    }

    /// Looks at more passages. Takes time in proportion to their text.
    pub fn add(&mut self, passages: impl IntoIterator<Item = Passage>) {
        for passage in passages {
            let counted = counted(&passage, &self.sought);
            self.total = self.total.saturating_add(1);
            self.length += counted.length;
            if counted.hits.iter().any(|hits| *hits > 0.0) {
                self.found.push((passage, counted));
            }
        }
    }

    /// The best ones, best first, numbered from 1.
    #[must_use]
    pub fn finish(self, limit: usize) -> Vec<Citation> {
        let total = f64::from(self.total);
        let average = (self.length / total.max(1.0)).max(1.0);
        let rarity: Vec<f64> = (0..self.sought.len())
            .map(|index| {
                let has = |one: &Counted| one.hits.get(index).is_some_and(|hits| *hits > 0.0);
                let having = small(self.found.iter().filter(|(_, one)| has(one)).count());
                (1.0 + (total - having + 0.5) / (having + 0.5)).ln()
            })
            .collect();
        let best = rarity.iter().sum::<f64>() * (SATURATION + 1.0);
        let score = |one: &Counted| {
            let norm = SATURATION * (1.0 - LENGTH + LENGTH * one.length / average);
            let parts = one.hits.iter().zip(&rarity);
            let sum: f64 = parts.map(|(n, rare)| rare * n * (SATURATION + 1.0) / (n + norm)).sum();
            if best > 0.0 { (sum / best).clamp(0.0, 1.0) } else { 0.0 }
        };
        let mut scored: Vec<(f64, Passage)> =
            self.found.into_iter().map(|(passage, counted)| (score(&counted), passage)).collect();
        // Stable: of equal ones the earlier comes first.
        scored.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        scored.truncate(limit);
        (1..).zip(scored).map(|(number, (score, passage))| cite(number, score, passage)).collect()
    }
}

fn cite(number: u32, score: f64, passage: Passage) -> Citation {
    let text = Some(passage.told());
    let Passage { title, kind, id, .. } = passage;
    Citation { number, title, kind, id, url: None, text, score: Some(score) }
}

fn counted(passage: &Passage, sought: &[String]) -> Counted {
    let mut hits = vec![0.0; sought.len()];
    let mut length = 0_u32;
    for part in [&passage.title, &passage.heading, &passage.text] {
        for word in keywords(part) {
            length = length.saturating_add(1);
            for (hit, wanted) in hits.iter_mut().zip(sought) {
                if word == *wanted {
                    *hit += 1.0;
                } else if is_compound_of(&word, wanted) {
                    *hit += COMPOUND;
                }
            }
        }
    }
    Counted { hits, length: f64::from(length) }
}

fn small(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests;
