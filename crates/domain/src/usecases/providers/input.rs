//! What may be said of a provider.

use std::collections::BTreeSet;

use url::Url;

use super::{Error, Result};
use crate::{
    Fault, ProviderKind, Secret,
    web_address::{self, SCHEMES, Unfit},
};

/// Most characters of a provider's name.
pub const MAX_NAME_CHARS: usize = 255;
/// Most characters of a provider's address.
pub const MAX_URL_CHARS: usize = 2_048;
/// Most characters of an API key.
pub const MAX_KEY_CHARS: usize = 4_096;
/// Most models that a provider is used for by name.
pub const MAX_MODELS: usize = 100;
/// Most characters of a model's key.
pub const MAX_MODEL_CHARS: usize = 128;

/// What was said of a provider.
pub(super) struct Settings<'a> {
    pub(super) name: String,
    pub(super) kind: ProviderKind,
    pub(super) base_url: Option<String>,
    pub(super) api_key: Option<&'a Secret<String>>,
    pub(super) models: Vec<String>,
}

/// Name, address and models, checked.
pub(super) type Checked = (String, Option<String>, Vec<String>);

impl Settings<'_> {
    /// Checks all of it; what is wrong joins `faults`.
    pub(super) fn check(self, mut faults: Vec<Fault>) -> Result<Checked> {
        let Self { name, kind, base_url, api_key, models } = self;
        let name = check_name(&name, &mut faults);
        let base_url = check_base_url(kind, base_url, &mut faults);
        check_key(kind, api_key, &mut faults);
        check_models(&models, &mut faults);
        if faults.is_empty() { Ok((name, base_url, models)) } else { Err(Error::Invalid(faults)) }
    }
}

pub(super) fn nothing_to_keep() -> Fault {
    let message = "there is no stored key for this kind and address; give the key, or null";
    Fault::new("/apiKey", "nothing_to_keep", message)
}

pub(super) fn kind_is_fixed() -> Fault {
    Fault::new("/kind", "immutable", "cannot be changed; make another provider")
}

fn check_name(raw: &str, faults: &mut Vec<Fault>) -> String {
    let name = raw.trim();
    let chars = name.chars().count();
    if !(1..=MAX_NAME_CHARS).contains(&chars) || name.chars().any(char::is_control) {
        let message =
            format!("must have 1 to {MAX_NAME_CHARS} characters, none of them control characters");
        faults.push(Fault::new("/name", "invalid", message));
    }
    name.to_owned()
}

fn check_base_url(
    kind: ProviderKind,
    raw: Option<String>,
    faults: &mut Vec<Fault>,
) -> Option<String> {
    let mut fault = |code, message: String| faults.push(Fault::new("/baseUrl", code, message));
    match (kind, raw) {
        (ProviderKind::Builtin, Some(_)) => {
            fault("contradiction", "the built-in provider has no address".to_owned());
            None
        }
        (ProviderKind::OpenaiCompatible | ProviderKind::Ollama, None) => {
            fault("required", format!("is required for the kind `{}`", kind.as_str()));
            None
        }
        (_, None) => None,
        (_, Some(raw)) => match address(&raw) {
            Ok(address) => Some(address),
            Err(message) => {
                fault("invalid", message);
                None
            }
        },
    }
}

/// The address in one spelling. Whether it may be reached is decided by the
/// operator's networks, at the call.
pub(super) fn address(raw: &str) -> std::result::Result<String, String> {
    let url = web_address(raw)?;
    if url.query().is_some() {
        return Err("must not contain a query".to_owned());
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// An address that requests go to, which may have a query.
pub(in crate::usecases) fn web_address(raw: &str) -> std::result::Result<Url, String> {
    let raw = raw.trim();
    if raw.chars().count() > MAX_URL_CHARS {
        return Err(format!("must have at most {MAX_URL_CHARS} characters"));
    }
    let url = Url::parse(raw).map_err(|error| format!("must be a URL: {error}"))?;
    web_address::check(&url).map_err(|unfit| match unfit {
        Unfit::Host | Unfit::Scheme => SCHEMES,
        Unfit::Credentials => "must not contain a user name or a password",
    })?;
    if url.fragment().is_some() {
        return Err("must not contain a fragment".to_owned());
    }
    Ok(url)
}

fn check_key(kind: ProviderKind, key: Option<&Secret<String>>, faults: &mut Vec<Fault>) {
    let Some(key) = key else { return };
    let text = key.expose();
    let chars = text.chars().count();
    if kind == ProviderKind::Builtin {
        let message = "the built-in provider has no key";
        faults.push(Fault::new("/apiKey", "contradiction", message));
    } else if !(1..=MAX_KEY_CHARS).contains(&chars) || !text.chars().all(|c| c.is_ascii_graphic()) {
        let message = format!("must have 1 to {MAX_KEY_CHARS} visible ASCII characters");
        faults.push(Fault::new("/apiKey", "invalid", message));
    }
}

fn check_models(models: &[String], faults: &mut Vec<Fault>) {
    if models.len() > MAX_MODELS {
        let message = format!("must have at most {MAX_MODELS} items");
        faults.push(Fault::new("/models", "too_many", message));
        return;
    }
    let mut seen = BTreeSet::new();
    for (index, model) in models.iter().enumerate() {
        let mut fault = |code, message: String| {
            faults.push(Fault::new(format!("/models/{index}"), code, message));
        };
        let chars = model.chars().count();
        let is_blank = model.trim().len() != model.len() || chars == 0;
        if is_blank || chars > MAX_MODEL_CHARS || model.chars().any(char::is_control) {
            fault("invalid", format!("must have 1 to {MAX_MODEL_CHARS} characters, trimmed"));
        } else if !seen.insert(model) {
            fault("duplicate", "is in the list twice".to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_kept_in_one_spelling() {
        for (raw, kept) in [
            ("https://API.Example.com/v1/", "https://api.example.com/v1"),
            ("https://api.example.com", "https://api.example.com"),
            (" http://192.168.1.7:8080/v1 ", "http://192.168.1.7:8080/v1"),
            ("http://localhost:11434/", "http://localhost:11434"),
            ("http://ollama:11434", "http://ollama:11434"),
            ("http://[::1]:1234", "http://[::1]:1234"),
        ] {
            assert_eq!(address(raw).as_deref(), Ok(kept), "{raw}");
        }
    }

    #[test]
    fn what_is_no_address_of_a_provider_is_refused() {
        for raw in [
            "",
            "example.com",
            "ftp://example.com",
            "file:///etc/passwd",
            "http://example.com",
            "https://user:pass@example.com",
            "https://user@example.com",
            "https://example.com/?key=1",
            "https://example.com/#top",
            "http://",
        ] {
            assert!(address(raw).is_err(), "{raw} was taken");
        }
    }
}
