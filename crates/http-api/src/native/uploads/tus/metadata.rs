//! `Upload-Metadata`: pairs of a key and a value in base64.

use base64::{Engine, prelude::BASE64_STANDARD};

/// Most bytes of the header, which is kept as it came.
const MAX_BYTES: usize = 4 * 1024;

/// What is heeded of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Metadata {
    /// What the sender calls the file.
    pub(super) filename: Option<String>,
    /// The media type that the sender claims.
    pub(super) filetype: Option<String>,
}

/// Reads `filename d29ybGQ=,is_confidential`; or says what is wrong with it.
pub(super) fn parse(text: &str) -> Result<Metadata, &'static str> {
    let mut found = Metadata::default();
    let mut keys = Vec::new();
    if text.len() > MAX_BYTES {
        return Err("must have at most 4096 bytes");
    }
    if text.trim().is_empty() {
        return Ok(found);
    }
    for pair in text.split(',') {
        let (key, value) = pair.trim().split_once(' ').unwrap_or((pair.trim(), ""));
        if key.is_empty() || keys.contains(&key) {
            return Err("must be pairs of a key, each another, and a value in base64");
        }
        keys.push(key);
        let value = BASE64_STANDARD.decode(value).or(Err("has a value that is not base64"))?;
        let text = || String::from_utf8(value).or(Err("has a name or type that is not UTF-8"));
        match key {
            "filename" => found.filename = Some(text()?),
            "filetype" => found.filetype = Some(text()?),
            _ => {}
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_and_type_are_heeded_among_other_pairs() {
        let found = parse("filename w6kudHh0, secret,filetype dGV4dC9wbGFpbg==").unwrap();

        assert_eq!(found.filename.as_deref(), Some("é.txt"));
        assert_eq!(found.filetype.as_deref(), Some("text/plain"));
        assert_eq!(parse(""), Ok(Metadata::default()));
    }

    #[test]
    fn what_is_not_pairs_in_base64_is_refused() {
        for text in ["a,a", ",", "a !", "a b c", "filename /w==", &"a".repeat(4_097)] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
