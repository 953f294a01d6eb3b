//! The request that a custom skill sends, made of its settings and of what the model
//! gives. What the model gives is never more than a value: it decides neither where
//! the request goes nor how it is taken apart there.

use std::time::Duration;

use serde_json::{Map, Value};

use super::{
    Part, Template,
    custom::{Custom, is_refused},
};
use crate::{Secret, assistant::document, ports::ActionRequest};

mod address;
mod body;

/// Most faults of an input that are told.
const MOST_TOLD: usize = 5;

/// Why a skill sends no request. Texts hold no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SkillFault {
    /// What was given is not what the skill asks for; the model can give better.
    #[error("{0}")]
    Input(String),
    /// Its settings do not make a request; whoever edits the assistant must see to it.
    #[error("{0}")]
    Settings(String),
    /// A secret cannot be used, or not there.
    #[error("{0}")]
    Secret(String),
}

/// Gives the secret with this name, to be sent to this origin, or says why not.
pub type Secrets<'a> = dyn Fn(&str, &str) -> Result<Secret<String>, String> + 'a;

/// Makes the request. `secrets` is asked for a secret by its name and the origin that
/// it would be sent to, and says why it may not be.
///
/// # Errors
///
/// [`SkillFault`]; whom the fault is for says what it is.
pub fn request(
    custom: &Custom,
    input: &Map<String, Value>,
    secrets: &Secrets<'_>,
) -> Result<ActionRequest, SkillFault> {
    check_input(custom, input)?;
    let (url, origin) = address::render(custom, input)?;
    let filling = Filling { input, origin: &origin, secrets };
    let (headers, content_type) = headers(custom, &filling)?;
    let body = match &custom.body {
        Some(body) => Some(body::render(body, content_type, &filling)?),
        None => None,
    };
    Ok(ActionRequest {
        method: custom.method.as_str().to_owned(),
        url,
        headers,
        body,
        timeout: Duration::from_secs(custom.timeout_seconds.into()),
        max_bytes: custom.max_response_bytes.into(),
    })
}

fn check_input(custom: &Custom, input: &Map<String, Value>) -> Result<(), SkillFault> {
    let Some(schema) = &custom.input_schema else { return Ok(()) };
    let schema = Value::Object(schema.clone());
    let Ok(validator) = jsonschema::validator_for(&schema) else {
        return Err(SkillFault::Settings("`inputSchema` is no valid JSON Schema".to_owned()));
    };
    let faults = document::refused_by(&schema, &validator, &Value::Object(input.clone()));
    if faults.is_empty() {
        return Ok(());
    }
    let told = faults.iter().take(MOST_TOLD).map(|fault| {
        let place = if fault.pointer.is_empty() { "the input" } else { fault.pointer.as_str() };
        format!("{place}: {}", fault.message)
    });
    Err(SkillFault::Input(told.collect::<Vec<_>>().join("; ")))
}

/// What placeholders stand for.
struct Filling<'a> {
    input: &'a Map<String, Value>,
    origin: &'a str,
    secrets: &'a Secrets<'a>,
}

impl Filling<'_> {
    fn secret(&self, name: &str) -> Result<Secret<String>, SkillFault> {
        (self.secrets)(name, self.origin).map_err(SkillFault::Secret)
    }

    /// Fills a text in; `spell` writes a value as it may stand there.
    fn text(
        &self,
        text: &str,
        mut spell: impl FnMut(&str) -> Result<String, SkillFault>,
    ) -> Result<String, SkillFault> {
        let mut filled = String::new();
        for part in parts(text)? {
            match part {
                Part::Text(text) => filled.push_str(text),
                Part::Input(name) => filled.push_str(&spell(&plain(self.input.get(name)))?),
                Part::Secret(name) => filled.push_str(&spell(self.secret(name)?.expose())?),
            }
        }
        Ok(filled)
    }

    /// Whether a text is nothing but an input that was not given.
    fn is_left_out(&self, text: &str) -> Result<bool, SkillFault> {
        Ok(match parts(text)?.as_slice() {
            [Part::Input(name)] => self.input.get(*name).is_none_or(Value::is_null),
            _ => false,
        })
    }
}

fn parts(text: &str) -> Result<Vec<Part<'_>>, SkillFault> {
    match Template::parse(text) {
        Ok(template) => Ok(template.parts().to_vec()),
        Err(malformed) => Err(SkillFault::Settings(format!("a text of the skill {malformed}"))),
    }
}

/// A value as text: nothing for what was not given.
fn plain(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// The headers but `Content-Type`, and that one.
type Headers = (Vec<(String, Secret<String>)>, Option<String>);

fn headers(custom: &Custom, filling: &Filling<'_>) -> Result<Headers, SkillFault> {
    let (mut headers, mut content_type) = (Vec::new(), None);
    for (name, text) in &custom.headers {
        let known = name.to_ascii_lowercase();
        if is_refused(&known) {
            let message = format!("the header `{name}` is not for skills to set");
            return Err(SkillFault::Settings(message));
        }
        if filling.is_left_out(text)? {
            continue;
        }
        let value = filling.text(text, |value| {
            if value.chars().any(char::is_control) {
                let message = format!("the header `{name}` must not get control characters");
                return Err(SkillFault::Input(message));
            }
            Ok(value.to_owned())
        })?;
        if known == "content-type" && custom.body.is_some() {
            content_type = Some(value);
        } else {
            headers.push((name.clone(), Secret::new(value)));
        }
    }
    Ok((headers, content_type))
}

#[cfg(test)]
mod tests;
