//! Answers in JSON.

use serde_json::{Map, Value, json};
use understudy_domain::run::Citation;

/// How deep schemas are followed.
const DEEPEST: usize = 16;

/// The answer as any JSON object.
pub(super) fn object(answer: &str, cited: &[&Citation]) -> Value {
    let citations =
        cited.iter().map(|passage| json!({ "number": passage.number, "title": passage.title }));
    json!({ "answer": answer, "citations": citations.collect::<Vec<_>>() })
}

/// The answer as the schema wants it: texts are the answer, numbers are the first of
/// the answer's that fits, lists hold one of what they are lists of (the titles of
/// what is drawn on, if they hold texts and are about sources), and what may be left
/// out is, unless it is a text. `None` when no text has a place.
pub(super) fn fill(
    schema: &Map<String, Value>,
    answer: &str,
    cited: &[&Citation],
) -> Option<Value> {
    let root = Value::Object(schema.clone());
    let mut filling = Filling { root: &root, answer, cited, has_told: false };
    let filled = filling.value("", &root, 0)?;
    filling.has_told.then_some(filled)
}

struct Filling<'a> {
    root: &'a Value,
    answer: &'a str,
    cited: &'a [&'a Citation],
    has_told: bool,
}

impl Filling<'_> {
    fn value(&mut self, name: &str, schema: &Value, depth: usize) -> Option<Value> {
        if depth > DEEPEST {
            return None;
        }
        if let Some(only) = schema.get("const") {
            return Some(only.clone());
        }
        if let Some(words) = schema.get("enum").and_then(Value::as_array) {
            return self.choice(words);
        }
        if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
            let target = self.root.pointer(target.strip_prefix('#')?)?.clone();
            return self.value(name, &target, depth + 1);
        }
        for either in ["anyOf", "oneOf", "allOf"] {
            if let Some(all) = schema.get(either).and_then(Value::as_array) {
                return all.iter().find_map(|one| self.value(name, one, depth + 1));
            }
        }
        match kind(schema)? {
            "object" => self.object(schema, depth),
            "array" => self.list(name, schema, depth),
            "string" => Some(self.text(schema)),
            "integer" => Some(json!(self.integer(schema))),
            "number" => Some(json!(self.number(schema))),
            "boolean" => Some(json!(!self.cited.is_empty())),
            "null" => Some(Value::Null),
            _ => None,
        }
    }

    fn object(&mut self, schema: &Value, depth: usize) -> Option<Value> {
        let mut object = Map::new();
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            let is_required = required.contains(&name.as_str());
            if !is_required && kind(property) != Some("string") {
                continue;
            }
            match self.value(name, property, depth + 1) {
                Some(value) => drop(object.insert(name.clone(), value)),
                None if is_required => return None,
                None => {}
            }
        }
        Some(Value::Object(object))
    }

    fn list(&mut self, name: &str, schema: &Value, depth: usize) -> Option<Value> {
        let items = schema.get("items").cloned().unwrap_or_else(|| json!({ "type": "string" }));
        let is_about_sources = ["citation", "source", "reference"]
            .iter()
            .any(|word| name.to_lowercase().contains(word));
        if is_about_sources && kind(&items) == Some("string") {
            let titles = self.cited.iter().map(|passage| Value::from(passage.title.clone()));
            return Some(titles.collect());
        }
        if schema.get("maxItems").and_then(Value::as_u64) == Some(0) {
            return Some(json!([]));
        }
        Some(json!([self.value(name, &items, depth + 1)?]))
    }

    fn text(&mut self, schema: &Value) -> Value {
        self.has_told = true;
        let most = schema.get("maxLength").and_then(Value::as_u64);
        let most = most.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
        self.answer.chars().take(most).collect::<String>().into()
    }

    /// The word that the answer has, else the first.
    fn choice(&mut self, words: &[Value]) -> Option<Value> {
        let answer = self.answer.to_lowercase();
        let mut named = words
            .iter()
            .filter(|word| word.as_str().is_some_and(|word| answer.contains(&word.to_lowercase())));
        let chosen = named.next().or(words.first())?;
        self.has_told = true;
        Some(chosen.clone())
    }

    fn integer(&self, schema: &Value) -> i64 {
        let bound = |name: &str| schema.get(name).and_then(Value::as_i64);
        let (least, most) =
            (bound("minimum").unwrap_or(i64::MIN), bound("maximum").unwrap_or(i64::MAX));
        let mut numbers = self.numbers().filter_map(|number| number.parse::<i64>().ok());
        let fitting = numbers.find(|number| (least..=most).contains(number));
        fitting.unwrap_or_else(|| 0.max(least).min(most))
    }

    fn number(&self, schema: &Value) -> f64 {
        let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
        let (least, most) =
            (bound("minimum").unwrap_or(f64::MIN), bound("maximum").unwrap_or(f64::MAX));
        let mut numbers = self.numbers().filter_map(|number| number.parse::<f64>().ok());
        let fitting = numbers.find(|number| (least..=most).contains(number));
        fitting.unwrap_or_else(|| 0.0_f64.max(least).min(most))
    }

    fn numbers(&self) -> impl Iterator<Item = &str> {
        let words = self.answer.split(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-')));
        words.map(|word| word.trim_end_matches('.')).filter(|word| !word.is_empty())
    }
}

/// The type that a schema speaks of; of several the first.
fn kind(schema: &Value) -> Option<&str> {
    let named = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str),
        Some(kind) => kind.as_str(),
        None => None,
    };
    named.or_else(|| schema.get("properties").map(|_| "object"))
}
