//! What may be said of a webhook.

use std::{collections::BTreeSet, ops::RangeInclusive};

use base64::{Engine, prelude::BASE64_STANDARD};

use crate::{
    Fault, Secret,
    sealed::MASK,
    usecases::{Error, Result, names::check_description, providers::web_address},
};

/// Most entries of a webhook's list of events.
pub const MAX_EVENTS: usize = 100;
/// Most characters of one of them.
pub const MAX_EVENT_CHARS: usize = 100;
/// How many bytes a signing secret has, as the Standard Webhooks specification says.
pub const SECRET_BYTES: RangeInclusive<usize> = 24..=64;
/// What signing secrets begin with.
pub(super) const SECRET_PREFIX: &str = "whsec_";

/// What was said of a webhook.
pub(super) struct Settings<'a> {
    pub(super) url: String,
    pub(super) description: Option<String>,
    pub(super) events: Vec<String>,
    pub(super) secret: Option<&'a Secret<String>>,
}

/// Address, description and events, checked.
pub(super) type Checked = (String, Option<String>, Vec<String>);

impl Settings<'_> {
    /// Checks all of it; what is wrong joins `faults`.
    pub(super) fn check(self, mut faults: Vec<Fault>) -> Result<Checked> {
        let Self { url, description, events, secret } = self;
        let url = match web_address(&url) {
            Ok(url) => url.into(),
            Err(message) => {
                faults.push(Fault::new("/url", "invalid", message));
                String::new()
            }
        };
        let description = match check_description(description) {
            Ok(description) => description,
            Err(Error::Invalid(found)) => {
                faults.extend(found);
                None
            }
            Err(error) => return Err(error),
        };
        check_events(&events, &mut faults);
        let is_wrong = |secret: &&Secret<String>| !is_secret(secret.expose());
        if secret.filter(is_wrong).is_some_and(|secret| secret.expose() != MASK) {
            faults.push(no_secret());
        }
        if faults.is_empty() { Ok((url, description, events)) } else { Err(Error::Invalid(faults)) }
    }
}

pub(super) fn nothing_to_keep() -> Fault {
    let message = "there is no stored secret; give one, or leave it out to have one made";
    Fault::new("/secret", "nothing_to_keep", message)
}

fn no_secret() -> Fault {
    let (least, most) = (SECRET_BYTES.start(), SECRET_BYTES.end());
    let message = format!("must be `{SECRET_PREFIX}` and the base64 of {least} to {most} bytes");
    Fault::new("/secret", "invalid", message)
}

fn is_secret(text: &str) -> bool {
    let encoded = text.strip_prefix(SECRET_PREFIX);
    let bytes = encoded.and_then(|encoded| BASE64_STANDARD.decode(encoded).ok());
    bytes.is_some_and(|bytes| SECRET_BYTES.contains(&bytes.len()))
}

fn check_events(events: &[String], faults: &mut Vec<Fault>) {
    if events.len() > MAX_EVENTS {
        let message = format!("must have at most {MAX_EVENTS} items");
        faults.push(Fault::new("/events", "too_many", message));
        return;
    }
    let mut seen = BTreeSet::new();
    for (index, event) in events.iter().enumerate() {
        let mut fault = |code, message: String| {
            faults.push(Fault::new(format!("/events/{index}"), code, message));
        };
        if event.len() > MAX_EVENT_CHARS || !names_events(event) {
            let message = format!(
                "must be an action such as `assistant.updated`, or a kind such as `assistant.*`, \
                 of at most {MAX_EVENT_CHARS} characters"
            );
            fault("invalid", message);
        } else if !seen.insert(event) {
            fault("duplicate", "is in the list twice".to_owned());
        }
    }
}

/// Whether a text has the form of an action, or of the beginning of some and `.*`.
fn names_events(text: &str) -> bool {
    let (words, is_kind) = match text.strip_suffix(".*") {
        Some(kind) => (kind, true),
        None => (text, false),
    };
    let is_word =
        |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    words.split('.').all(is_word) && (is_kind || words.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_actions_and_kinds() {
        for text in ["assistant.updated", "assistant.*", "webhook.secret_rotated", "a.b.*"] {
            assert!(names_events(text), "{text} was refused");
        }
        for text in ["", "*", ".*", "assistant", "Assistant.updated", "assistant.", "a..b", "a*"] {
            assert!(!names_events(text), "{text} was taken");
        }
    }

    #[test]
    fn secrets_have_24_to_64_bytes() {
        let secret = |bytes: usize| format!("whsec_{}", BASE64_STANDARD.encode(vec![7; bytes]));

        assert!(is_secret(&secret(24)) && is_secret(&secret(64)));
        assert!(!is_secret(&secret(23)) && !is_secret(&secret(65)));
        assert!(!is_secret("whsec_!") && !is_secret(&BASE64_STANDARD.encode([7; 32])));
    }
}
