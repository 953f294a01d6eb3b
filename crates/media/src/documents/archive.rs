//! Documents that are archives: DOCX, PPTX, XLSX and EPUB.
//!
//! Names are never paths here: they are compared, and told as the place of an
//! image. Archives inside are not opened.

use std::io::{Cursor, Read};

use understudy_domain::ports::MediaError;
use zip::{ZipArchive, result::ZipError};

use super::found::Found;
use crate::protocol::DocumentFormat;

const MAX_ENTRIES: usize = 1_000;
/// What all images together may unpack to.
const MAX_UNPACKED: u64 = 100 * 1024 * 1024;
/// How many times its packed size an entry may unpack to.
const MAX_RATIO: u64 = 100;
/// Below this, the ratio does not matter.
const SMALL: u64 = 1024 * 1024;
const MAX_PLACE: usize = 200;

/// Files of the container that OOXML with a password and the formats before it use.
const COMPOUND_FILE: &[u8] = &[0xd0, 0xcf, 0x11, 0xe0];

type Archive = ZipArchive<Cursor<Vec<u8>>>;

/// Finds the images in a document.
pub(super) fn extract(
    format: DocumentFormat,
    document: Vec<u8>,
    found: &mut Found,
) -> Result<(), MediaError> {
    if document.starts_with(COMPOUND_FILE) {
        return invalid("the document is protected by a password, or in a format before 2007");
    }
    let mut archive = ZipArchive::new(Cursor::new(document)).map_err(|error| refused(&error))?;
    if archive.len() > MAX_ENTRIES {
        return Err(MediaError::TooLarge("a document has at most 1,000 parts".to_owned()));
    }
    let (part, folder) = match format {
        DocumentFormat::Docx => ("word/document.xml", "word/media/"),
        DocumentFormat::Pptx => ("ppt/presentation.xml", "ppt/media/"),
        DocumentFormat::Xlsx => ("xl/workbook.xml", "xl/media/"),
        DocumentFormat::Epub | DocumentFormat::Pdf => ("META-INF/container.xml", ""),
    };
    if archive.index_for_name(part).is_none() {
        return invalid("the document is not of the kind that it is said to be");
    }
    let mut budget = MAX_UNPACKED;
    for (index, name) in images(&archive, folder)? {
        if found.is_full() {
            break;
        }
        if let Some(bytes) = unpack(&mut archive, index, &mut budget)? {
            found.add_file(&bytes, &place(&name));
        }
    }
    Ok(())
}

/// The entries that are called like images, in the order of their numbers.
fn images(archive: &Archive, folder: &str) -> Result<Vec<(usize, String)>, MediaError> {
    let mut images = Vec::new();
    for index in 0..archive.len() {
        let name = archive.name_for_index(index).transpose().map_err(|error| refused(&error))?;
        let Some(name) = name else { continue };
        let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
        let endings = ["png", "jpg", "jpeg", "gif", "webp"];
        if name.starts_with(folder) && ending.is_some_and(|e| endings.contains(&e.as_str())) {
            images.push((index, name.into_owned()));
        }
    }
    images.sort_by_cached_key(|(_, name)| by_number(name));
    Ok(images)
}

/// Orders `image2` before `image10`.
fn by_number(name: &str) -> Vec<(String, u64)> {
    let mut parts = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let (text, from_digits) = split_at(rest, |c| c.is_ascii_digit());
        let (digits, behind) = split_at(from_digits, |c| !c.is_ascii_digit());
        parts.push((text.to_owned(), digits.parse().unwrap_or(u64::MAX)));
        rest = behind;
    }
    parts
}

fn split_at(text: &str, end: impl Fn(char) -> bool) -> (&str, &str) {
    text.find(end).and_then(|index| text.split_at_checked(index)).unwrap_or((text, ""))
}

/// Unpacks an entry; `None` for a link or a folder.
fn unpack(
    archive: &mut Archive,
    index: usize,
    budget: &mut u64,
) -> Result<Option<Vec<u8>>, MediaError> {
    let mut entry = archive.by_index(index).map_err(|error| refused(&error))?;
    if entry.is_symlink() || entry.is_dir() {
        return Ok(None);
    }
    // What it says of its size is not believed, but read no further than.
    let packed = entry.compressed_size();
    let most = (*budget).min(packed.saturating_mul(MAX_RATIO).max(SMALL));
    let mut bytes = Vec::new();
    let read = entry.by_ref().take(most + 1).read_to_end(&mut bytes);
    let Ok(read) = read.map(|read| u64::try_from(read).unwrap_or(u64::MAX)) else {
        // A damaged entry; others may be whole.
        return Ok(None);
    };
    if read > most {
        return Err(MediaError::TooLarge(
            "the images of a document have at most 100 MiB, and a hundred times their packed size"
                .to_owned(),
        ));
    }
    *budget -= read;
    Ok(Some(bytes))
}

fn place(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(MAX_PLACE).collect()
}

fn invalid<T>(why: &str) -> Result<T, MediaError> {
    Err(MediaError::Invalid(why.to_owned()))
}

fn refused(error: &ZipError) -> MediaError {
    MediaError::Invalid(match error {
        ZipError::UnsupportedArchive(why) if *why == ZipError::PASSWORD_REQUIRED => {
            "the document is protected by a password".to_owned()
        }
        _ => "the document cannot be read; it is broken".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_ordered_by_their_numbers() {
        let mut names = ["word/media/image10.png", "word/media/image2.png", "word/media/a.png"];
        names.sort_by_cached_key(|name| by_number(name));
        assert_eq!(names, ["word/media/a.png", "word/media/image2.png", "word/media/image10.png"]);
    }

    #[test]
    fn places_hold_no_control_characters() {
        assert_eq!(place("a\u{0}\n\u{1b}[2Jb"), "a[2Jb");
    }
}
