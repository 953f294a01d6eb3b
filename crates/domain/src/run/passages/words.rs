//! Words as they are compared: without case, accents and endings, and without those
//! that are in every text.

use unicode_segmentation::UnicodeSegmentation;

/// A language that is known by its little words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::run) enum Language {
    English,
    German,
}

/// Little words of English.
const ENGLISH: &[&str] = &[
    "a", "about", "after", "all", "also", "am", "an", "and", "any", "are", "as", "at", "be",
    "been", "but", "by", "can", "could", "did", "do", "does", "for", "from", "had", "has", "have",
    "he", "her", "his", "how", "i", "if", "in", "into", "is", "it", "its", "may", "me", "much",
    "must", "my", "no", "not", "of", "on", "or", "our", "please", "she", "should", "so", "some",
    "such", "tell", "than", "that", "the", "their", "them", "then", "there", "these", "they",
    "this", "those", "to", "up", "us", "was", "we", "were", "what", "when", "where", "which",
    "who", "why", "will", "with", "would", "you", "your",
];

/// Little words of German, as [`fold`] spells them.
const GERMAN: &[&str] = &[
    "aber", "alle", "als", "also", "am", "an", "auch", "auf", "aus", "bei", "bin", "bis", "bist",
    "bitte", "da", "das", "dass", "dein", "dem", "den", "der", "des", "die", "dies", "diese",
    "dieser", "dieses", "doch", "du", "durch", "ein", "eine", "einem", "einen", "einer", "eines",
    "er", "es", "fur", "gibt", "hab", "habe", "haben", "hat", "hier", "ich", "ihr", "ihre", "im",
    "in", "ist", "ja", "kann", "kein", "keine", "konnen", "mein", "meine", "mich", "mir", "mit",
    "muss", "nach", "nicht", "noch", "nur", "oder", "ohne", "sein", "sie", "sind", "so", "soll",
    "uber", "um", "und", "uns", "unser", "vom", "von", "vor", "wann", "war", "warum", "was",
    "welche", "wenn", "wer", "werden", "wie", "wieviel", "will", "wir", "wird", "wo", "zu", "zum",
    "zur",
];

/// Endings that do not make another word of one, the longer before the shorter.
const ENDINGS: &[&str] = &["ing", "ern", "ed", "em", "en", "er", "es", "e", "s"];
/// Fewest characters that are left when an ending is taken away.
const LEAST_STEM: usize = 4;
/// Fewest characters of a word that others are compounds of.
const LEAST_COMPOUND: usize = 5;

/// The words that a text is about, as they are compared. Of a text of little words
/// only, these.
pub(in crate::run) fn keywords(text: &str) -> Vec<String> {
    let folded: Vec<String> = text.unicode_words().map(fold).collect();
    let told = folded.iter().filter(|word| !is_little(word)).map(|word| stem(word).to_owned());
    let told: Vec<String> = told.collect();
    if told.is_empty() { folded } else { told }
}

/// The language of a text, if its little words tell.
pub(in crate::run) fn language(text: &str) -> Option<Language> {
    let (mut english, mut german) = (0, 0);
    for word in text.unicode_words().map(fold) {
        let both = (ENGLISH.contains(&word.as_str()), GERMAN.contains(&word.as_str()));
        match both {
            (true, false) => english += 1,
            (false, true) => german += 1,
            _ => {}
        }
    }
    match english - german {
        2.. => Some(Language::English),
        ..=-2 => Some(Language::German),
        _ => None,
    }
}

/// How many words a text has.
pub(super) fn count(text: &str) -> usize {
    text.unicode_words().count()
}

/// Where the beginning of `text` ends that has at most so many words and characters,
/// up to the end of a word where there is one.
pub(super) fn end_of(text: &str, words: usize, chars: usize) -> usize {
    // Only the beginning is looked at: one word may be as long as a file.
    let limit = text.char_indices().nth(chars).map_or(text.len(), |(at, _)| at);
    let beginning = text.get(..limit).unwrap_or_default();
    let starts = beginning.unicode_word_indices().skip(1).take(words);
    let last = starts.map(|(at, _)| at).last();
    if limit == text.len() && count(beginning) <= words {
        return limit;
    }
    last.unwrap_or(limit)
}

/// Whether `word` begins with `wanted`, as `Rückgabefrist` with `Rückgabe`.
pub(super) fn is_compound_of(word: &str, wanted: &str) -> bool {
    wanted.len() >= LEAST_COMPOUND && word.starts_with(wanted)
}

fn is_little(word: &str) -> bool {
    ENGLISH.contains(&word) || GERMAN.contains(&word)
}

/// Small letters; those of Latin alphabets without accents.
fn fold(word: &str) -> String {
    let mut folded = String::with_capacity(word.len());
    for c in word.chars().flat_map(char::to_lowercase) {
        match deunicode::deunicode_char(c) {
            Some(plain) if ('\u{80}'..'\u{250}').contains(&c) => {
                folded.extend(plain.chars().flat_map(char::to_lowercase));
            }
            // An accent that stands by itself behind its letter.
            _ if ('\u{300}'..'\u{370}').contains(&c) => {}
            _ => folded.push(c),
        }
    }
    folded
}

fn stem(word: &str) -> &str {
    let word = word.strip_suffix("'s").or_else(|| word.strip_suffix("’s")).unwrap_or(word);
    // `policies` and `policy`.
    if let Some(base) = word.strip_suffix("ies").or_else(|| word.strip_suffix('y'))
        && base.chars().count() >= LEAST_STEM
    {
        return base;
    }
    let mut bases = ENDINGS.iter().filter_map(|ending| word.strip_suffix(ending));
    bases.find(|base| base.chars().count() >= LEAST_STEM).unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_one_word_are_one() {
        for forms in [
            &["return", "returns", "returned", "returning", "Returns", "RETURN"][..],
            &["policy", "policies", "policy's"],
            &["house", "houses"],
            &["Haus", "Häuser", "Hause"],
            &["price", "prices"],
            &["Straße", "Strasse", "straßen"],
            &["café", "cafe", "cafe\u{301}"],
        ] {
            let stems: Vec<Vec<String>> = forms.iter().map(|word| keywords(word)).collect();
            assert!(stems.iter().all(|stem| *stem == stems[0]), "{forms:?}: {stems:?}");
        }
    }

    #[test]
    fn little_words_count_where_there_is_nothing_else() {
        assert_eq!(keywords("What is the price of it?"), ["pric"]);
        assert_eq!(keywords("Was kostet das?"), ["kostet"]);
        assert_eq!(keywords("who are you"), ["who", "are", "you"]);
        assert_eq!(keywords("?!"), Vec::<String>::new());
    }

    #[test]
    fn a_language_is_told_by_its_little_words() {
        assert_eq!(language("What is the price of this?"), Some(Language::English));
        assert_eq!(language("Was ist der Preis für das hier?"), Some(Language::German));
        assert_eq!(language("price list"), None);
    }
}
