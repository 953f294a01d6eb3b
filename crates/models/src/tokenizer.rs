//! How many tokens a text has.
//!
//! OpenAI's vocabularies are public, and two of them serve all its models of today:
//! `o200k_base` those since GPT-4o, `cl100k_base` those before. They are part of the
//! program, so nothing is fetched, and are unfolded when they are needed first, which
//! takes a moment and tens of megabytes. Instructions, rules and descriptions of tools
//! come again with every request, so what a text counted for is remembered.
//!
//! For all other models it is an estimate: four Latin characters to a token, two of
//! any other alphabet, and one of Chinese, Japanese and Korean.

use std::{
    hash::{BuildHasher, RandomState},
    sync::LazyLock,
};

use quick_cache::sync::Cache;
use tiktoken_rs::{
    CoreBPE, cl100k_base, o200k_base,
    tokenizer::{Tokenizer as Vocabulary, get_tokenizer},
};
use understudy_domain::ports::Tokenizer;

/// Most bytes that are counted at once. The patterns by which texts are split look
/// far ahead, and give up on long ones.
const PIECE_BYTES: usize = 16 << 10;

/// Fewer bytes are counted faster than remembered.
const WORTH_REMEMBERING: usize = 64;
/// How many counts are remembered, at some 50 bytes each.
const REMEMBERED: usize = 4_096;

/// What texts counted for, by their length and by two hashes: nobody who writes one
/// knows how either of them is keyed.
static COUNTS: LazyLock<Counts> = LazyLock::new(|| Counts {
    hashers: [RandomState::new(), RandomState::new()],
    counts: Cache::new(REMEMBERED),
});

struct Counts {
    hashers: [RandomState; 2],
    counts: Cache<(bool, usize, [u64; 2]), u64>,
}

static O200K: LazyLock<Option<CoreBPE>> = LazyLock::new(|| o200k_base().ok());
static CL100K: LazyLock<Option<CoreBPE>> = LazyLock::new(|| cl100k_base().ok());

/// Counts tokens.
///
/// A text without a space in 16 KiB may count for a few tokens more than the model
/// sees.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokenCounter;

impl Tokenizer for TokenCounter {
    fn count(&self, model: &str, text: &str) -> u64 {
        match vocabulary(model).and_then(|(vocabulary, _)| unfolded(vocabulary)) {
            Some((vocabulary, is_newer)) => remembered(vocabulary, is_newer, text),
            None => estimate(text),
        }
    }

    fn is_exact(&self, model: &str) -> bool {
        vocabulary(model).is_some_and(|(_, certainty)| certainty == Certainty::Known)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Certainty {
    Known,
    /// It has some vocabulary of OpenAI, and the newest known one is the nearest.
    Likely,
}

/// The vocabulary of a model.
fn vocabulary(model: &str) -> Option<(Vocabulary, Certainty)> {
    let name = model.rsplit('/').next().unwrap_or(model);
    match get_tokenizer(name) {
        Some(known @ (Vocabulary::O200kBase | Vocabulary::Cl100kBase)) => {
            Some((known, Certainty::Known))
        }
        // They differ in nothing that a text can hold.
        Some(Vocabulary::O200kHarmony) => Some((Vocabulary::O200kBase, Certainty::Known)),
        None if name.starts_with("gpt-") => Some((Vocabulary::O200kBase, Certainty::Likely)),
        _ => None,
    }
}

/// The vocabulary, and whether it is the newer one of the two.
fn unfolded(vocabulary: Vocabulary) -> Option<(&'static CoreBPE, bool)> {
    match vocabulary {
        Vocabulary::O200kBase => O200K.as_ref().map(|known| (known, true)),
        Vocabulary::Cl100kBase => CL100K.as_ref().map(|known| (known, false)),
        _ => None,
    }
}

fn remembered(vocabulary: &CoreBPE, is_newer: bool, text: &str) -> u64 {
    let count = || pieces(text).map(|piece| encoded(vocabulary, piece)).sum();
    if text.len() < WORTH_REMEMBERING {
        return count();
    }
    let Counts { hashers, counts } = &*COUNTS;
    let key = (is_newer, text.len(), hashers.each_ref().map(|hasher| hasher.hash_one(text)));
    if let Some(known) = counts.get(&key) {
        return known;
    }
    let counted = count();
    counts.insert(key, counted);
    counted
}

fn encoded(vocabulary: &CoreBPE, text: &str) -> u64 {
    u64::try_from(vocabulary.count_ordinary(text)).unwrap_or(u64::MAX)
}

/// The text in pieces that count together as it does: between a word and a single
/// space before the next word no token goes on.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (piece, others) = rest.split_at(cut(rest));
        rest = others;
        Some(piece)
    })
}

fn cut(text: &str) -> usize {
    if text.len() <= PIECE_BYTES {
        return text.len();
    }
    let end = text.floor_char_boundary(PIECE_BYTES);
    let bytes = text.as_bytes().get(..end).unwrap_or_default();
    let is_word = |byte: u8| byte.is_ascii_graphic();
    let space = bytes.windows(3).rposition(
        |around| matches!(around, [before, b' ', after] if is_word(*before) && is_word(*after)),
    );
    space.map_or(end, |before| before + 1)
}

/// Quarters of tokens, rounded up to whole ones.
fn estimate(text: &str) -> u64 {
    text.chars().map(quarters).sum::<u64>().div_ceil(4)
}

const fn quarters(character: char) -> u64 {
    match character {
        // Latin letters with all their accents, digits, punctuation.
        '\0'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' | '\u{2000}'..='\u{206f}' => 1,
        // Kana, ideographs, Hangul, full-width forms.
        '\u{1100}'..='\u{11ff}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7ff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{ff00}'..='\u{ffef}'
        | '\u{20000}'..='\u{3ffff}' => 4,
        _ => 2,
    }
}

#[cfg(test)]
mod tests;
