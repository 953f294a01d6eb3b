//! The form of answers, held here for every provider: JSON is parsed and validated
//! before an answer counts as one (reference §3.5), and Markdown is taken out where
//! none is wanted.

mod plain;

use std::borrow::Cow;

use jsonschema::{PatternOptions, Validator};
pub use plain::{PlainText, strip_markdown};
use serde_json::{Map, Value};

use super::{
    settings::Format,
    text::{cut, shorten},
};
use crate::{assistant::content::MessageRole, conversation::Item};

/// Most faults that a model is told of.
pub const MAX_TOLD: usize = 10;
/// Most characters in which it is told of them.
pub const MAX_TOLD_CHARS: usize = 2_000;
/// Most characters of one of them: some quote what they are about.
const MAX_FAULT_CHARS: usize = 300;
/// How often a pattern may turn back before it counts as not matching.
const BACKTRACK_LIMIT: usize = 100_000;
/// Most bytes of a compiled pattern.
const PATTERN_BYTES: usize = 1024 * 1024;

/// Whether a whole answer has its form; otherwise everything that is wrong, for the
/// model, at most [`MAX_TOLD`] faults.
///
/// # Errors
///
/// What is wrong, in words.
pub fn check(format: &Format, text: &str) -> Result<(), Vec<String>> {
    match format {
        Format::Text | Format::Plain => Ok(()),
        Format::JsonObject => match parse(text)? {
            Value::Object(_) => Ok(()),
            other => Err(vec![format!("it must be a JSON object, not {}", kind(&other))]),
        },
        Format::JsonSchema { schema, .. } => {
            let value = parse(text)?;
            let validator = validator(schema).map_err(|message| vec![message])?;
            let faults: Vec<String> = validator
                .iter_errors(&value)
                .take(MAX_TOLD)
                .map(|error| {
                    let at = error.instance_path().to_string();
                    let at = if at.is_empty() { "the root".to_owned() } else { at };
                    shorten(&format!("at {at}: {error}"), MAX_FAULT_CHARS)
                })
                .collect();
            if faults.is_empty() { Ok(()) } else { Err(faults) }
        }
    }
}

/// What checks JSON against a schema that somebody wrote: nothing is fetched for it,
/// and its patterns take bounded time and room.
///
/// # Errors
///
/// Why it is no schema, in words.
pub fn validator(schema: &Map<String, Value>) -> Result<Validator, String> {
    let patterns = PatternOptions::fancy_regex()
        .backtrack_limit(BACKTRACK_LIMIT)
        .size_limit(PATTERN_BYTES)
        .dfa_size_limit(PATTERN_BYTES);
    jsonschema::options()
        .offline()
        .with_pattern_options(patterns)
        .build(&Value::Object(schema.clone()))
        .map_err(|error| format!("the schema cannot be used: {}", error.masked_with("a value")))
}

fn parse(text: &str) -> Result<Value, Vec<String>> {
    let text = normalize(text);
    if text.is_empty() {
        return Err(vec!["it must be JSON, and there is no text".to_owned()]);
    }
    serde_json::from_str(&text).map_err(|error| vec![format!("it must be JSON: {error}")])
}

const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// The JSON of an answer: models put it into a fence, and some say a few words before
/// it. The text without the space around it when it holds no such JSON.
#[must_use]
pub fn normalize(text: &str) -> Cow<'_, str> {
    let text = text.trim().trim_start_matches('\u{feff}');
    if is_json(text) {
        return Cow::Borrowed(text);
    }
    let fenced = fenced(text).map(str::trim).filter(|inner| is_json(inner));
    Cow::Borrowed(fenced.unwrap_or(text))
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// What stands in the only fence of the text.
fn fenced(text: &str) -> Option<&str> {
    const FENCE: &str = "```";
    let (before, behind) = text.split_once(FENCE)?;
    if !(before.is_empty() || before.ends_with('\n')) {
        return None;
    }
    let (language, rest) = behind.split_once('\n')?;
    // JSON in one line may stand right behind the fence.
    let inner = if language.trim().chars().all(char::is_alphanumeric) { rest } else { behind };
    let (inner, after) = inner.rsplit_once(FENCE)?;
    (!inner.contains(FENCE) && !after.contains('{')).then_some(inner)
}

/// Asks the model for its JSON again, once it is known what is wrong with it.
#[must_use]
pub fn repair_request(errors: &[String]) -> Item {
    let mut told = String::new();
    for error in errors.iter().take(MAX_TOLD) {
        told.push_str("- ");
        told.push_str(error);
        told.push('\n');
    }
    let text = format!(
        "Your answer does not have the form that is needed:\n{}\nAnswer again with the whole \
         corrected JSON and nothing else: no words before or behind it, no code fence.",
        cut(&told, MAX_TOLD_CHARS).trim_end()
    );
    Item::text(MessageRole::User, text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::conversation::Part;

    fn schema(schema: &Value) -> Format {
        Format::JsonSchema {
            name: "order".to_owned(),
            description: None,
            schema: schema.as_object().unwrap().clone(),
            strict: true,
        }
    }

    fn order() -> Format {
        schema(&json!({
            "type": "object",
            "properties": {"count": {"type": "integer"}, "code": {"pattern": "^[A-Z]+$"}},
            "required": ["count"],
            "additionalProperties": false,
        }))
    }

    #[test]
    fn natural_language_is_always_right() {
        assert_eq!(check(&Format::Text, "{"), Ok(()));
        assert_eq!(check(&Format::Plain, ""), Ok(()));
    }

    #[test]
    fn an_object_is_json_and_an_object() {
        assert_eq!(check(&Format::JsonObject, " {\"a\": 1}\n"), Ok(()));
        assert_eq!(check(&Format::JsonObject, "```json\n{\"a\": 1}\n```"), Ok(()));
        let list = check(&Format::JsonObject, "[1]").unwrap_err();
        assert_eq!(list, ["it must be a JSON object, not a list"]);
        assert!(check(&Format::JsonObject, "{\"a\": ").unwrap_err()[0].contains("must be JSON"));
        assert!(check(&Format::JsonObject, "").is_err());
    }

    #[test]
    fn every_fault_against_a_schema_is_told_with_its_place() {
        assert_eq!(check(&order(), "{\"count\": 2, \"code\": \"AB\"}"), Ok(()));

        let faults = check(&order(), "{\"count\": \"two\", \"code\": \"ab\"}").unwrap_err();

        assert_eq!(faults.len(), 2, "{faults:?}");
        assert!(faults.iter().any(|fault| fault.starts_with("at /count: ")), "{faults:?}");
        assert!(faults.iter().any(|fault| fault.starts_with("at /code: ")), "{faults:?}");
    }

    #[test]
    fn a_schema_fetches_nothing() {
        let remote = schema(&json!({"$ref": "https://example.com/schema.json"}));

        let faults = check(&remote, "{}").unwrap_err();

        assert!(faults[0].contains("cannot be used"), "{faults:?}");
    }

    #[test]
    fn a_pattern_that_turns_back_for_ever_takes_bounded_time() {
        let greedy = json!({"properties": {"a": {"pattern": "^(?=(a+)+$)(a+)+\\1$"}}});
        let text = json!({"a": format!("{}b", "a".repeat(5_000))}).to_string();

        assert!(check(&schema(&greedy), &text).is_err());
    }

    #[test]
    fn json_is_found_within_a_fence_and_behind_a_few_words() {
        for text in [
            "{\"a\":1}",
            "\n {\"a\":1} ",
            "```json\n{\"a\":1}\n```",
            "```\n{\"a\":1}\n```\n",
            "```JSON\r\n{\"a\":1}\r\n```",
            "Here it is:\n```json\n{\"a\":1}\n```\nAnything else?",
        ] {
            assert_eq!(normalize(text), "{\"a\":1}", "{text}");
        }
        for text in ["no JSON", "```json\n{\"a\":\n```", "```\n{}\n```\nor\n```\n{}\n```"] {
            assert_eq!(normalize(text), text);
        }
        assert_eq!(normalize("{\"a\":\"```x```\"}"), "{\"a\":\"```x```\"}");
    }

    #[test]
    fn a_model_is_told_what_is_wrong_within_bounds() {
        let errors: Vec<String> =
            (0..50).map(|n| format!("fault {n} {}", "x".repeat(290))).collect();

        let Item::Message { role, parts } = repair_request(&errors) else { panic!("no message") };
        let [Part::Text { text }] = parts.as_slice() else { panic!("no text") };

        assert_eq!(role, MessageRole::User);
        assert!(text.contains("- fault 0 ") && !text.contains("fault 10 "), "{text}");
        assert!(text.chars().count() < MAX_TOLD_CHARS + 300);
    }
}
