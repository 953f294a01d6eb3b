//! Taking secrets out of what comes back from those who were given them.

use std::{cmp::Reverse, fmt::Write};

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Secret;
use crate::sealed::MASK;

/// Encodings of a secret that are shorter are found everywhere.
const LEAST_FORM: usize = 4;
/// What is escaped at least in parts of an address.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The text without the secrets in any of their usual spellings: as they are, in
/// base64 (also amid other bytes), percent-encoded, in hexadecimal digits, and as
/// JSON escapes them.
#[must_use]
pub fn mask(text: &str, secrets: &[Secret<String>]) -> String {
    let mut forms: Vec<String> = secrets.iter().flat_map(|secret| forms(secret.expose())).collect();
    // The longest first, or a part of it would be left over.
    forms.sort_by_key(|form| Reverse(form.len()));
    forms.dedup();
    forms.iter().fold(text.to_owned(), |text, form| {
        if text.contains(form.as_str()) { text.replace(form, MASK) } else { text }
    })
}

fn forms(secret: &str) -> Vec<String> {
    let mut forms = encodings(secret);
    if secret.trim() != secret {
        forms.extend(encodings(secret.trim()));
    }
    forms.retain(|form| form.len() >= LEAST_FORM);
    forms.extend([secret.to_owned(), secret.trim().to_owned()]);
    forms.retain(|form| !form.trim().is_empty());
    forms
}

fn encodings(secret: &str) -> Vec<String> {
    let percent = [NON_ALPHANUMERIC, RESERVED].map(|set| utf8_percent_encode(secret, set));
    let percent = percent.map(|form| form.to_string());
    let form = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let urls = percent.into_iter().chain([form]);
    let urls = urls.flat_map(|form| [lowercase_escapes(&form), form]);
    let base64 = (0..3).map(|before| base64_within(secret, before));
    let base64 = base64.flat_map(|form| {
        let url_safe = form.replace('+', "-").replace('/', "_");
        [form, url_safe]
    });
    let hex = hex(secret);
    let json = json_escaped(secret);
    let slashes = json.replace('/', "\\/");
    let ascii = ascii_escaped(&json);
    let others = [hex.to_ascii_uppercase(), hex, ascii.replace('/', "\\/"), ascii, slashes, json];
    urls.chain(base64).chain(others).collect()
}

/// `%2B` as `%2b`.
fn lowercase_escapes(text: &str) -> String {
    let mut parts = text.split('%');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let (escape, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        text + "%" + &escape.to_ascii_lowercase() + rest
    })
}

/// The characters that base64 of anything has which holds the secret after `before`
/// bytes, modulo three: `Basic` credentials, for example.
fn base64_within(secret: &str, before: usize) -> String {
    let bytes: Vec<u8> = std::iter::repeat_n(0, before).chain(secret.bytes()).collect();
    let whole = STANDARD_NO_PAD.encode(&bytes);
    // The first characters have bits of what is before, the last of what follows.
    let start = [0, 2, 3].get(before).copied().unwrap_or_default();
    let end =
        if bytes.len().is_multiple_of(3) { whole.len() } else { whole.len().saturating_sub(1) };
    whole.get(start..end).unwrap_or_default().to_owned()
}

fn hex(secret: &str) -> String {
    secret.bytes().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// As it stands within the quotes of a JSON text.
fn json_escaped(secret: &str) -> String {
    let quoted = serde_json::Value::from(secret).to_string();
    let inside = quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    inside.unwrap_or_default().to_owned()
}

/// The same for those who write nothing but ASCII.
fn ascii_escaped(json: &str) -> String {
    let mut text = String::new();
    for c in json.chars() {
        if c.is_ascii() {
            text.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(text, "\\u{unit:04x}");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    use super::*;

    fn masked(text: &str, secret: &str) -> String {
        mask(text, &[Secret::new(secret.to_owned())])
    }

    #[test]
    fn an_empty_secret_masks_nothing() {
        assert_eq!(masked("no key", ""), "no key");
        assert_eq!(masked("no key", " "), "no key");
        assert_eq!(mask("no key", &[]), "no key");
    }

    #[test]
    fn a_secret_that_holds_another_goes_whole() {
        let secrets = ["sesame", "sesame-open"].map(|secret| Secret::new(secret.to_owned()));
        assert_eq!(mask("<sesame-open> <sesame>", &secrets), "<********> <********>");
    }

    #[test]
    fn the_spellings_of_json_and_of_digits_go() {
        let secret = "a\"b/c\\d\nü😀";
        for spelled in [
            r#"a\"b/c\\d\nü😀"#,
            r#"a\"b\/c\\d\nü😀"#,
            r#"a\"b/c\\d\n\u00fc\ud83d\ude00"#,
            "6122622f635c640ac3bcf09f9880",
            "6122622F635C640AC3BCF09F9880",
        ] {
            assert_eq!(masked(&format!("<{spelled}>"), secret), "<********>");
        }
    }

    proptest! {
        #[test]
        fn no_spelling_of_a_secret_comes_back(
            secret in "[!-~ü]{12,40}",
            before in "[a-z]{0,5}",
            after in "[a-z]{0,5}",
        ) {
            let amid = STANDARD.encode(format!("{before}:{secret}:{after}"));
            let spellings = [
                secret.clone(),
                STANDARD.encode(&secret),
                URL_SAFE.encode(&secret),
                URL_SAFE_NO_PAD.encode(&secret),
                utf8_percent_encode(&secret, NON_ALPHANUMERIC).to_string(),
                utf8_percent_encode(&secret, RESERVED).to_string(),
                url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
                hex(&secret),
                json_escaped(&secret),
            ];
            for spelling in spellings {
                let text = masked(&format!("<{spelling}>"), &secret);
                prop_assert!(!text.contains(&spelling), "{} holds {}", text, spelling);
            }
            let middle = amid.get(10..18).unwrap();
            prop_assert!(!masked(&amid, &secret).contains(middle));
        }
    }
}
