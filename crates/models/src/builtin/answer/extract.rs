//! The choice of sentences that answer a question.

use std::collections::BTreeSet;

use understudy_domain::{chat::ChatRequest, run::Citation};

use super::{
    sentences::{Sentence, sentences},
    terms::terms,
};

/// How many sentences are said at most.
const MOST: usize = 5;
/// How much worse than the best one a sentence may be.
const NEAR_BEST: f64 = 0.4;
/// How much of what is asked for the best one must speak of.
const SPEAKS_OF: f64 = 0.25;
/// What a word counts that is not in the sentence but in its heading.
const IN_HEADING: f64 = 0.6;
/// … or in the title of its passage.
const IN_TITLE: f64 = 0.2;
/// What comes without a number to show counts a little less.
const WITHOUT_PASSAGE: f64 = 0.9;
/// Longer first lines are the beginning of a text.
const MOST_HEADING_WORDS: usize = 8;
/// Layers of the system prompt that tell something. Others say how to answer.
const TELLING: [&str; 6] =
    ["instructions", "request_instructions", "descriptions", "memory", "system_message", "summary"];

/// A sentence that is said.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Chosen<'a> {
    /// It.
    pub(super) text: String,
    /// Where it comes from.
    pub(super) passage: Option<&'a Citation>,
}

impl Chosen<'_> {
    /// Something that comes from nowhere else.
    pub(super) fn own(text: &str) -> Self {
        Self { text: text.to_owned(), passage: None }
    }

    /// The number of its passage.
    pub(super) fn number(&self) -> Option<u32> {
        self.passage.map(|passage| passage.number)
    }
}

struct Candidate<'a> {
    sentence: Sentence,
    terms: BTreeSet<String>,
    heading: BTreeSet<String>,
    title: BTreeSet<String>,
    passage: Option<&'a Citation>,
}

/// The sentences that share most with the question, in the order of what they come
/// from; none when nothing fits.
pub(super) fn choose<'a>(request: &'a ChatRequest, question: &str) -> Vec<Chosen<'a>> {
    let wanted = terms(question);
    let candidates = candidates(request);
    let weights: Vec<(&String, f64)> =
        wanted.iter().map(|term| (term, rarity(term, &candidates))).collect();
    let whole: f64 = weights.iter().map(|(_, weight)| weight).sum();
    let mut scored: Vec<(f64, usize)> = (0..)
        .zip(&candidates)
        .map(|(place, candidate)| (score(candidate, &weights), place))
        .filter(|(score, _)| *score > 0.0)
        .collect();
    scored.sort_by(|(one, first), (other, second)| other.total_cmp(one).then(first.cmp(second)));
    let best = scored.first().map_or(0.0, |(score, _)| *score);
    if best <= whole * SPEAKS_OF {
        return Vec::new();
    }
    scored.retain(|(score, _)| *score >= best * NEAR_BEST);
    let mut places = distinct(&scored, &candidates);
    places.sort_unstable();
    let chosen = places.into_iter().filter_map(|place| candidates.get(place));
    chosen
        .map(|candidate| Chosen {
            text: candidate.sentence.text.clone(),
            passage: candidate.passage,
        })
        .collect()
}

/// The places of the best, none of which says what another says, and what follows a
/// question, since that is its answer.
fn distinct(scored: &[(f64, usize)], candidates: &[Candidate<'_>]) -> Vec<usize> {
    let mut said: Vec<String> = Vec::new();
    let mut places: Vec<usize> = Vec::new();
    for &(_, place) in scored {
        let Some(candidate) = candidates.get(place) else {
            continue;
        };
        let follows = candidate.sentence.text.ends_with('?').then_some(place + 1);
        let follows = follows.filter(|next| {
            candidates.get(*next).is_some_and(|next| {
                next.passage.map(|passage| passage.number)
                    == candidate.passage.map(|passage| passage.number)
            })
        });
        for place in [Some(place), follows].into_iter().flatten() {
            let text = candidates.get(place).map(|candidate| plain(&candidate.sentence.text));
            let is_new = text.as_ref().is_some_and(|text| !said.contains(text));
            if is_new && places.len() < MOST {
                said.extend(text);
                places.push(place);
            }
        }
    }
    places
}

fn plain(text: &str) -> String {
    let text = text.to_lowercase().replace(|c: char| !c.is_alphanumeric(), " ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn candidates(request: &ChatRequest) -> Vec<Candidate<'_>> {
    let passages = request
        .passages
        .iter()
        .filter_map(|passage| Some((headed(passage.text.as_deref()?), Some(passage))));
    let told = request.system.iter().filter(|block| TELLING.contains(&block.layer.as_str()));
    let told = told.map(|block| (block.text.clone(), None));
    let texts = passages.chain(told).flat_map(|(text, passage)| {
        let said = sentences(&text).into_iter().filter(|sentence| !sentence.is_heading);
        said.map(move |sentence| Candidate {
            terms: terms(&sentence.text),
            heading: terms(&sentence.heading),
            title: passage.map(|passage| terms(&passage.title)).unwrap_or_default(),
            sentence,
            passage,
        })
    });
    texts.collect()
}

/// The text of a passage, whose first line may be the heading that it stood under.
fn headed(text: &str) -> String {
    let Some((first, rest)) = text.split_once('\n') else {
        return text.to_owned();
    };
    let is_short = first.split_whitespace().count() <= MOST_HEADING_WORDS;
    let begins =
        rest.chars().next().is_some_and(|next| !next.is_lowercase() && !next.is_whitespace());
    let is_open = !first.trim_end().ends_with(['.', '!', '?', ',', ';', ':']);
    let is_heading = first.contains(" › ") || (is_short && begins && is_open);
    let mark = if is_heading && !first.starts_with('#') { "# " } else { "" };
    format!("{mark}{text}")
}

/// What a word counts: the more, the fewer sentences have it. One that none has tells
/// little of what fits.
fn rarity(term: &str, candidates: &[Candidate<'_>]) -> f64 {
    let has = |candidate: &&Candidate<'_>| {
        candidate.terms.contains(term) || candidate.heading.contains(term)
    };
    let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    match candidates.iter().filter(has).count() {
        0 => 1.0,
        holding => (1.0 + number(candidates.len()) / number(holding)).ln(),
    }
}

fn score(candidate: &Candidate<'_>, weights: &[(&String, f64)]) -> f64 {
    let mut speaks = false;
    let mut score = 0.0;
    for &(term, weight) in weights {
        let share = if candidate.terms.contains(term) {
            1.0
        } else if candidate.heading.contains(term) {
            IN_HEADING
        } else if candidate.title.contains(term) {
            score += weight * IN_TITLE;
            continue;
        } else {
            continue;
        };
        speaks = true;
        score += weight * share;
    }
    let share = if candidate.passage.is_some() { 1.0 } else { WITHOUT_PASSAGE };
    if speaks { score * share } else { 0.0 }
}
