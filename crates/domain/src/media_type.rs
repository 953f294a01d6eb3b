//! What a file is, told by its bytes; what its sender says is only a hint.

/// How many of a file's first bytes tell what it is.
pub const HEAD_BYTES: usize = 8_192;

/// A file that nothing better is known of.
pub const OCTET_STREAM: &str = "application/octet-stream";

/// The media type of a file that begins with `head` ([`HEAD_BYTES`] of it, or all)
/// and is called `name`. Text and containers of office documents are told apart by
/// the name's ending, since their bytes do not.
#[must_use]
pub fn sniff(head: &[u8], name: Option<&str>) -> &'static str {
    let ending = name.and_then(|name| name.rsplit_once('.')).map(|(_, ending)| ending);
    let ending = ending.unwrap_or_default().to_ascii_lowercase();
    let told = infer::get(head).map(|kind| kind.mime_type());
    match told {
        Some("application/zip") => office(&ending).unwrap_or("application/zip"),
        // What a browser would run is told as what it is, and never shown.
        Some("text/html" | "text/xml") | None if is_text(head) => text(head, &ending),
        Some(kind) => kind,
        None => OCTET_STREAM,
    }
}

fn office(ending: &str) -> Option<&'static str> {
    Some(match ending {
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "pptx" => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "epub" => "application/epub+zip",
        _ => return None,
    })
}

fn text(head: &[u8], ending: &str) -> &'static str {
    let text = String::from_utf8_lossy(head);
    let start = text.trim_start_matches('\u{feff}').trim_start().to_ascii_lowercase();
    if start.contains("<svg") && start.starts_with('<') {
        return "image/svg+xml";
    }
    if ["<!doctype html", "<html", "<head", "<body", "<script"]
        .iter()
        .any(|tag| start.starts_with(tag))
    {
        return "text/html";
    }
    match ending {
        "md" | "markdown" => "text/markdown",
        "csv" => "text/csv",
        "tsv" => "text/tab-separated-values",
        "json" => "application/json",
        "ndjson" | "jsonl" => "application/x-ndjson",
        "yaml" | "yml" => "application/yaml",
        "html" | "htm" | "xhtml" => "text/html",
        "xml" => "application/xml",
        "svg" => "image/svg+xml",
        "js" | "mjs" => "text/javascript",
        "css" => "text/css",
        _ if start.starts_with("<?xml") => "application/xml",
        _ => "text/plain",
    }
}

/// Whether the bytes are UTF-8 without control characters, perhaps cut in the
/// middle of a character.
fn is_text(head: &[u8]) -> bool {
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            let whole = head.get(..error.valid_up_to()).unwrap_or_default();
            std::str::from_utf8(whole).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !text.chars().any(|c| c.is_control() && !['\n', '\r', '\t', '\u{c}'].contains(&c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_tell_what_a_file_is_whatever_it_is_called() {
        assert_eq!(sniff(b"\x89PNG\r\n\x1a\n....", Some("notes.txt")), "image/png");
        assert_eq!(sniff(b"%PDF-1.7\n", Some("a.png")), "application/pdf");
        assert_eq!(sniff(b"<!DOCTYPE html><p>", Some("a.txt")), "text/html");
        assert_eq!(sniff(b"\0\x01\x02", Some("a.txt")), OCTET_STREAM);
    }

    #[test]
    fn endings_tell_texts_and_office_documents_apart() {
        assert_eq!(sniff(b"# Title", Some("README.md")), "text/markdown");
        assert_eq!(sniff(b"# Title", None), "text/plain");
        assert_eq!(sniff(b"", Some("empty.csv")), "text/csv");
        assert!(sniff(b"PK\x03\x04....", Some("a.DOCX")).ends_with("wordprocessingml.document"));
        assert_eq!(sniff(b"PK\x03\x04....", Some("a.bin")), "application/zip");
    }

    #[test]
    fn a_text_that_is_cut_in_a_character_is_a_text() {
        assert_eq!(sniff(&"é".as_bytes()[..1], None), "text/plain");
        assert_eq!(sniff(b"\xff\xfe", None), OCTET_STREAM);
    }
}
