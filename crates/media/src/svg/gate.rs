//! What an SVG must keep to before it is looked at in earnest.

use understudy_domain::ports::MediaError;
use usvg::roxmltree::{self, Document, ParsingOptions};

use super::cost;

const MAX_ELEMENTS: u32 = 10_000;
const MAX_DEPTH: u32 = 32;
const MAX_ATTRIBUTES: usize = 128;
/// Every element with a declaration copies those above it.
const MAX_NAMESPACES: usize = 64;
/// Elements, texts and comments.
const MAX_NODES: u32 = 40_000;
/// Every rule is tried on every element.
const MAX_STYLES: usize = 256 * 1024;

/// The text of an SVG without its byte order mark.
pub(super) fn text(bytes: &[u8]) -> Result<&str, MediaError> {
    let text = std::str::from_utf8(bytes);
    let text = text.or_else(|_| invalid("an SVG must be UTF-8"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some(declaration) = text.trim_start().strip_prefix("<?xml") {
        let declaration = declaration.split_once("?>").map_or("", |(inner, _)| inner);
        let encoding = declaration.split_once("encoding").map(|(_, rest)| rest);
        let encoding = encoding.and_then(|rest| rest.split(['"', '\'']).nth(1));
        if encoding
            .is_some_and(|name| !["utf-8", "utf8", "us-ascii"].contains(&lower(name).as_str()))
        {
            return invalid("an SVG must be UTF-8");
        }
    }
    Ok(text)
}

fn lower(text: &str) -> String {
    text.to_ascii_lowercase()
}

/// Parses the text, after a look at what that would cost.
pub(super) fn open(text: &str) -> Result<Document<'_>, MediaError> {
    let text = behind_doctype(text);
    scan(text)?;
    let options =
        ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|error| match error {
        roxmltree::Error::NodesLimitReached => too_large("at most 10,000 elements"),
        roxmltree::Error::DtdDetected => {
            MediaError::Invalid("an SVG must not have a document type".to_owned())
        }
        other => MediaError::Invalid(format!("the SVG is not well-formed: {other}")),
    })?;
    let styles = document.descendants().filter(|node| node.tag_name().name() == "style");
    let texts = styles.flat_map(|style| style.descendants()).filter_map(|node| node.text());
    if texts.map(str::len).sum::<usize>() > MAX_STYLES {
        return Err(too_large("at most 256 KiB of style sheets"));
    }
    cost::check(&document)?;
    Ok(document)
}

/// What follows a document type that only names the standard, as drawing programs
/// write it. Nothing is ever read from there. One that declares anything stays,
/// and is refused.
fn behind_doctype(text: &str) -> &str {
    const START: &str = "<!DOCTYPE";
    let Some((prolog, doctype)) = text.split_once(START) else { return text };
    let begun = |(at, _): (usize, &str)| {
        prolog.get(at + 1..).is_some_and(|rest| rest.starts_with(|c: char| c.is_alphabetic()))
    };
    match doctype.split_once('>') {
        Some((inner, rest)) if !inner.contains('[') && !prolog.match_indices('<').any(begun) => {
            rest
        }
        _ => text,
    }
}

fn invalid<T>(why: &str) -> Result<T, MediaError> {
    Err(MediaError::Invalid(why.to_owned()))
}

pub(super) fn too_large(limit: &str) -> MediaError {
    MediaError::TooLarge(format!("an SVG has {limit}"))
}

#[derive(Default)]
struct Counts {
    elements: u32,
    depth: u32,
    namespaces: usize,
}

/// Counts tags without building anything: a parser compares each attribute of an
/// element with each other, and copies namespaces.
fn scan(text: &str) -> Result<(), MediaError> {
    let mut counts = Counts::default();
    let mut rest = text;
    while let Some((_, tag)) = rest.split_once('<') {
        rest = if let Some(comment) = tag.strip_prefix("!--") {
            behind(comment, "-->")?
        } else if let Some(characters) = tag.strip_prefix("![CDATA[") {
            behind(characters, "]]>")?
        } else if tag.starts_with('!') {
            return invalid("an SVG must not have a document type or entities");
        } else if let Some(instruction) = tag.strip_prefix('?') {
            behind(instruction, "?>")?
        } else if let Some(end) = tag.strip_prefix('/') {
            counts.depth = counts.depth.saturating_sub(1);
            behind(end, ">")?
        } else {
            start_tag(tag, &mut counts)?
        };
    }
    Ok(())
}

fn behind<'a>(text: &'a str, end: &str) -> Result<&'a str, MediaError> {
    match text.split_once(end) {
        Some((_, rest)) => Ok(rest),
        None => invalid("the SVG is not well-formed: it ends too early"),
    }
}

/// Counts a start tag; what is behind it.
fn start_tag<'a>(tag: &'a str, counts: &mut Counts) -> Result<&'a str, MediaError> {
    let mut quote = None;
    let mut attributes = 0;
    let mut last = ' ';
    for (index, c) in tag.char_indices() {
        match (quote, c) {
            (Some(open), c) if open == c => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '=') => attributes += 1,
            (None, '>') => {
                let (inner, rest) = tag.split_at_checked(index).unwrap_or((tag, ""));
                counts.namespaces += inner.matches("xmlns").count();
                counts.elements += 1;
                let depth = counts.depth + 1;
                if last != '/' {
                    counts.depth = depth;
                }
                limit(counts, depth, attributes)?;
                return Ok(rest);
            }
            _ => {}
        }
        last = c;
        if attributes > MAX_ATTRIBUTES {
            break;
        }
    }
    limit(counts, 0, attributes)?;
    invalid("the SVG is not well-formed: it ends too early")
}

fn limit(counts: &Counts, depth: u32, attributes: usize) -> Result<(), MediaError> {
    if counts.elements > MAX_ELEMENTS {
        return Err(too_large("at most 10,000 elements"));
    }
    if depth > MAX_DEPTH {
        return Err(too_large("at most 32 levels"));
    }
    if attributes > MAX_ATTRIBUTES {
        return Err(too_large("at most 128 attributes on an element"));
    }
    if counts.namespaces > MAX_NAMESPACES {
        return Err(too_large("at most 64 declarations of namespaces"));
    }
    Ok(())
}
