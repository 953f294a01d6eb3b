//! What may be said of a secret.

use std::collections::BTreeSet;

use crate::{
    Fault, Secret,
    assistant::content::SecretEntry,
    sealed::MASK,
    skill::{MAX_DESCRIPTION_CHARS, read_origin},
};

/// Most bytes of a value.
pub const MAX_VALUE_BYTES: usize = 8_192;
/// Most origins that a secret may be sent to.
pub const MAX_ORIGINS: usize = 10;
/// Most characters of a name.
const MAX_NAME_CHARS: usize = 64;

/// What was said of a secret beside its value, in one spelling.
pub(in crate::usecases) struct Settings {
    pub(in crate::usecases) name: String,
    pub(in crate::usecases) description: Option<String>,
    /// In order, each once: they are what the value is bound to.
    pub(in crate::usecases) origins: Vec<String>,
}

impl Settings {
    /// Checks all of it; what is wrong joins `faults`.
    pub(in crate::usecases) fn read(
        name: String,
        description: Option<String>,
        origins: &[String],
        faults: &mut Vec<Fault>,
    ) -> Self {
        if !is_name(&name) {
            let message = format!(
                "must have 1 to {MAX_NAME_CHARS} letters, digits, `_` and `-`, and begin with a \
                 letter or `_`"
            );
            faults.push(Fault::new("/name", "pattern", message));
        }
        if description.as_ref().is_some_and(|text| text.chars().count() > MAX_DESCRIPTION_CHARS) {
            let message = format!("must have at most {MAX_DESCRIPTION_CHARS} characters");
            faults.push(Fault::new("/description", "too_long", message));
        }
        let origins = read_origins(origins, faults);
        Self { name, description, origins }
    }
}

fn is_name(text: &str) -> bool {
    let first = text.bytes().next();
    first.is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && text.len() <= MAX_NAME_CHARS
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
}

fn read_origins(texts: &[String], faults: &mut Vec<Fault>) -> Vec<String> {
    if texts.len() > MAX_ORIGINS {
        let message = format!("must have at most {MAX_ORIGINS} items");
        faults.push(Fault::new("/origins", "too_many", message));
        return Vec::new();
    }
    let mut origins = BTreeSet::new();
    for (index, text) in texts.iter().enumerate() {
        match read_origin(text) {
            Ok(origin) => {
                origins.insert(origin);
            }
            Err(message) => faults.push(Fault::new(format!("/origins/{index}"), "origin", message)),
        }
    }
    origins.into_iter().collect()
}

/// What a write does to the value.
pub(in crate::usecases) enum Given {
    /// It stays, if there is one.
    Kept,
    /// It is another.
    New(Secret<String>),
    /// There is none any more.
    Cleared,
}

/// Reads a text that was given as the value: the mask keeps the stored one.
pub(in crate::usecases) fn given(
    value: Secret<String>,
    is_stored: bool,
    faults: &mut Vec<Fault>,
) -> Given {
    let mut fault = |code, message: String| faults.push(Fault::new("/value", code, message));
    if value.expose() == MASK {
        if !is_stored {
            fault("nothing_to_keep", "there is no stored value; give the value".to_owned());
        }
        return Given::Kept;
    }
    if !(1..=MAX_VALUE_BYTES).contains(&value.expose().len()) {
        fault("length", format!("must have 1 to {MAX_VALUE_BYTES} bytes"));
    }
    Given::New(value)
}

/// That a value would come to a place that it was not given for.
pub(in crate::usecases) fn new_origin(before: &SecretEntry, origins: &[String]) -> Option<Fault> {
    let added = origins.iter().find(|origin| !before.origins.contains(origin))?;
    let message = format!(
        "`{added}` is new: give the value again, since a secret is never sent to a place that it \
         was not given for"
    );
    Some(Fault::new("/origins", "value_required", message))
}
