//! Names of files: data for people, never part of a path.

use super::{Error, Result};

/// Most characters of a name.
const MAX_NAME_CHARS: usize = 255;

/// What a file is called that came without a usable name.
const NAMELESS: &str = "file";

/// A name as it came with an upload, fit to be shown: without control characters,
/// not blank, not too long. Everything else stays as it is.
#[must_use]
pub(super) fn clean_name(name: &str) -> String {
    let clean: String = name
        .chars()
        .map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c })
        .take(MAX_NAME_CHARS)
        .collect();
    let trimmed = clean.trim();
    if trimmed.is_empty() { NAMELESS.to_owned() } else { trimmed.to_owned() }
}

/// A name that somebody chose.
///
/// # Errors
///
/// [`Error::Invalid`] when it is blank, too long, or has control characters.
pub(super) fn check_name(name: &str) -> Result<String> {
    let name = name.trim();
    if name.is_empty() {
        return Err(Error::invalid("/name", "required", "must not be blank"));
    }
    if name.chars().count() > MAX_NAME_CHARS {
        let message = format!("must have at most {MAX_NAME_CHARS} characters");
        return Err(Error::invalid("/name", "too_long", message));
    }
    if name.chars().any(char::is_control) {
        return Err(Error::invalid("/name", "pattern", "must not contain control characters"));
    }
    Ok(name.to_owned())
}

/// Most characters of what a file or reference is about.
const MAX_DESCRIPTION_CHARS: usize = 1_000;

/// What a file or reference is about.
///
/// # Errors
///
/// [`Error::Invalid`] when it is too long.
pub(super) fn check_description(text: Option<String>) -> Result<Option<String>> {
    if text.as_ref().is_some_and(|text| text.chars().count() > MAX_DESCRIPTION_CHARS) {
        let message = format!("must have at most {MAX_DESCRIPTION_CHARS} characters");
        return Err(Error::invalid("/description", "too_long", message));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_came_are_shown_as_they_are_but_for_control_characters() {
        assert_eq!(clean_name("../../etc/passwd"), "../../etc/passwd");
        assert_eq!(clean_name("a\r\nb\0.txt"), "a\u{fffd}\u{fffd}b\u{fffd}.txt");
        assert_eq!(clean_name("  "), "file");
        assert_eq!(clean_name(&"é".repeat(4_096)).chars().count(), MAX_NAME_CHARS);
    }

    #[test]
    fn names_that_were_chosen_are_refused_when_they_cannot_be_kept() {
        assert_eq!(check_name(" a.txt ").unwrap(), "a.txt");
        for wrong in ["", " ", "a\nb", &"x".repeat(256)] {
            assert!(check_name(wrong).is_err(), "{wrong:?}");
        }
    }
}
