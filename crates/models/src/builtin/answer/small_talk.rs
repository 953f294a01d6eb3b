//! What is said to a greeting, and to the question who one is.

use understudy_domain::chat::SystemBlock;

use super::sentences::sentences;

const GREETING: &str = "Hello! What would you like to know?";
const NAMELESS: &str = "I answer from what this assistant was given, without a model.";

/// Texts of which a greeting consists.
const GREETINGS: [&str; 24] = [
    "hello",
    "hi",
    "hey",
    "hiya",
    "howdy",
    "greetings",
    "good",
    "morning",
    "afternoon",
    "evening",
    "day",
    "there",
    "hallo",
    "guten",
    "tag",
    "morgen",
    "abend",
    "moin",
    "servus",
    "grüezi",
    "bonjour",
    "salut",
    "hola",
    "ciao",
];
/// Greetings that others follow.
const OPENINGS: [&str; 16] = [
    "hello",
    "hi",
    "hey",
    "hiya",
    "howdy",
    "greetings",
    "good",
    "hallo",
    "guten",
    "moin",
    "servus",
    "grüezi",
    "bonjour",
    "salut",
    "hola",
    "ciao",
];
/// Who one is, as it is asked.
const WHO: [&str; 7] = [
    "who are you",
    "what are you",
    "what can you do",
    "introduce yourself",
    "wer bist du",
    "was kannst du",
    "wer sind sie",
];

/// An answer, if `question` is no more than that.
pub(super) fn answer(question: &str, system: &[SystemBlock]) -> Option<String> {
    let plain = question.to_lowercase().replace(|c: char| !c.is_alphanumeric(), " ");
    let words: Vec<&str> = plain.split_whitespace().collect();
    let is_greeting = words.first().is_some_and(|first| OPENINGS.contains(first))
        && words.len() <= 3
        && words.iter().all(|word| GREETINGS.contains(word));
    if is_greeting {
        return Some(GREETING.to_owned());
    }
    WHO.contains(&words.join(" ").as_str()).then(|| introduction(system))
}

/// The first sentence of the instructions, which mostly says who one is.
fn introduction(system: &[SystemBlock]) -> String {
    let own = system.iter().find(|block| block.layer == "instructions");
    let own = own.map(|block| sentences(&block.text)).unwrap_or_default();
    let Some(first) = own.into_iter().find(|sentence| !sentence.is_heading) else {
        return NAMELESS.to_owned();
    };
    for (theirs, ours) in
        [("You are ", "I am "), ("Du bist ", "Ich bin "), ("Sie sind ", "Ich bin ")]
    {
        if let Some(rest) = first.text.strip_prefix(theirs) {
            return ours.to_owned() + rest;
        }
    }
    first.text
}
