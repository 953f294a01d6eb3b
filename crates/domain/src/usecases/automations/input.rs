//! What may be said of an automation.

use serde_json::{Map, Value, json};

use crate::{
    Fault,
    usecases::{
        Error, Result,
        names::{check_description, check_name},
        providers::web_address,
    },
};

/// Most bytes of the schema of what an automation takes.
pub const MAX_SCHEMA_BYTES: usize = 64 * 1024;
/// The longest that a call may take, in seconds.
pub const MAX_TIMEOUT_SECONDS: u32 = 120;

/// What was said of an automation.
pub(super) struct Settings {
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) url: String,
    pub(super) parameters: Map<String, Value>,
    pub(super) timeout_seconds: u32,
}

/// A schema that every object fits.
pub(super) fn any_object() -> Map<String, Value> {
    Map::from_iter([("type".to_owned(), "object".into())])
}

impl Settings {
    /// All of it, checked; every fault at once.
    pub(super) fn check(self) -> Result<Self> {
        let mut faults = Vec::new();
        let name = sorted_out(check_name(&self.name), &mut faults)?.unwrap_or_default();
        let description = sorted_out(check_description(self.description), &mut faults)?.flatten();
        let url = match web_address(&self.url) {
            Ok(url) => url.into(),
            Err(message) => {
                faults.push(Fault::new("/url", "invalid", message));
                String::new()
            }
        };
        schema_faults(&self.parameters, &mut faults);
        if !(1..=MAX_TIMEOUT_SECONDS).contains(&self.timeout_seconds) {
            let message = format!("must be 1 to {MAX_TIMEOUT_SECONDS}");
            faults.push(Fault::new("/timeoutSeconds", "range", message));
        }
        let checked = Self { name, description, url, ..self };
        if faults.is_empty() { Ok(checked) } else { Err(Error::Invalid(faults)) }
    }
}

/// What was checked, or its faults beside the others.
fn sorted_out<T>(checked: Result<T>, faults: &mut Vec<Fault>) -> Result<Option<T>> {
    match checked {
        Ok(value) => Ok(Some(value)),
        Err(Error::Invalid(found)) => {
            faults.extend(found);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn schema_faults(schema: &Map<String, Value>, faults: &mut Vec<Fault>) {
    let value = Value::Object(schema.clone());
    let bytes = value.to_string().len();
    if bytes > MAX_SCHEMA_BYTES {
        let message = format!("must have at most {MAX_SCHEMA_BYTES} bytes");
        faults.push(Fault::new("/parameters", "too_long", message));
    } else if schema.get("type") != Some(&json!("object")) {
        let message = "must be a JSON Schema whose `type` is `object`";
        faults.push(Fault::new("/parameters/type", "invalid", message));
    } else if jsonschema::validator_for(&value).is_err() {
        faults.push(Fault::new("/parameters", "invalid", "must be a JSON Schema"));
    }
}

/// What is wrong with parameters by the automation's schema, in a sentence.
pub(super) fn complaint(schema: &Map<String, Value>, given: &Map<String, Value>) -> Option<String> {
    let schema = Value::Object(schema.clone());
    let validator = jsonschema::validator_for(&schema).ok()?;
    let given = Value::Object(given.clone());
    let first = validator.iter_errors(&given).next()?;
    let at = first.instance_path().as_str();
    let place = if at.is_empty() { "they" } else { at };
    Some(format!("the parameters do not fit: {place}: {}", first.masked_with("the value")))
}
