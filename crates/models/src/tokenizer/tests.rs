use proptest::prelude::*;

use super::*;

#[test]
fn known_texts_have_their_known_tokens() {
    let counter = TokenCounter;
    // As OpenAI's own tokenizer counts them.
    for (model, text, tokens) in [
        ("gpt-4o", "hello world", 2),
        ("gpt-4", "hello world", 2),
        ("gpt-5", "tiktoken is great!", 6),
        ("gpt-3.5-turbo", "tiktoken is great!", 6),
        ("gpt-4", "お誕生日おめでとう", 9),
        ("o3", "お誕生日おめでとう", 8),
        ("gpt-4o", "", 0),
    ] {
        assert_eq!(counter.count(model, text), tokens, "{model}: {text}");
    }
}

#[test]
fn it_is_told_which_counts_are_exact() {
    let counter = TokenCounter;
    for model in [
        "gpt-4o",
        "gpt-4o-mini",
        "chatgpt-4o-latest",
        "gpt-4.1",
        "gpt-5.4-mini",
        "o1",
        "o4-mini",
        "gpt-4-turbo",
        "gpt-3.5-turbo",
        "openai/gpt-4o",
        "ft:gpt-4o:org:name:1",
        "gpt-oss-20b",
    ] {
        assert!(counter.is_exact(model), "{model}");
    }
    for model in ["claude-opus-5", "gpt-9", "llama-3.3-70b-instruct", "builtin-extractive", ""] {
        assert!(!counter.is_exact(model), "{model}");
    }
    // The nearest that is known, not a guess by letters.
    let text = "Donaudampfschifffahrtsgesellschaft";
    assert_eq!(counter.count("gpt-9", text), counter.count("gpt-5", text));
}

#[test]
fn others_are_estimated_by_their_letters() {
    let counter = TokenCounter;
    for (text, tokens) in
        [("", 0), ("a", 1), ("abcd", 1), ("abcde", 2), ("東京タワー", 5), ("Привет", 3), ("東a", 2)]
    {
        assert_eq!(counter.count("claude-opus-5", text), tokens, "{text}");
    }
}

#[test]
fn long_texts_of_one_kind_are_counted_in_time_and_do_no_harm() {
    for text in [" ", "\n", "a", "A", "東", "!", "\u{301}", "'s", "\t \r\n", "0"] {
        let long = text.repeat(40_000);
        for model in ["gpt-4o", "gpt-4"] {
            let tokens = TokenCounter.count(model, &long);
            assert!((1..=200_000).contains(&tokens), "{text:?}: {tokens}");
        }
    }
}

#[test]
fn a_long_text_counts_as_its_words_do_together() {
    let text = "The quick brown fox, it's said, jumps over 12,345 lazy dogs.\n".repeat(1_000);
    let whole = O200K.as_ref().unwrap().count_ordinary(&text);
    assert_eq!(TokenCounter.count("gpt-4o", &text), u64::try_from(whole).unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn pieces_are_the_text_and_none_is_long(words in "([a-z东é!]{1,9}[ \n]{0,2}){0,3000}") {
        let text = words.repeat(3);
        prop_assert_eq!(pieces(&text).collect::<String>(), text.as_str());
        prop_assert!(pieces(&text).all(|piece| !piece.is_empty() && piece.len() <= PIECE_BYTES));
    }

    #[test]
    fn what_is_not_empty_has_tokens(text in ".{1,50}") {
        prop_assert!(TokenCounter.count("claude-opus-5", &text) > 0);
        prop_assert!(TokenCounter.count("gpt-4o", &text) > 0);
    }

    #[test]
    fn no_text_has_more_tokens_than_bytes(text in "(.|[a-z ]{1,8}){0,80}") {
        for model in ["claude-opus-5", "gpt-4o", "gpt-4"] {
            let tokens = TokenCounter.count(model, &text);
            prop_assert!(tokens <= u64::try_from(text.len()).unwrap(), "{model}: {tokens}");
        }
    }
}
