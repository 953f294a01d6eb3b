//! SVG that means harm: each trick is refused, or nothing is left of it.

mod inner;
mod whole;

use bytes::Bytes;
use understudy_domain::ports::{MediaError, Pictures};
use usvg::roxmltree::Document;

use self::{
    inner::INNER,
    whole::{bytes, laughs, many_attributes, masks, patterns, uses, whole},
};
use crate::confined;

/// What must not be in an SVG that is served; it is compared in lower case.
const DANGEROUS: &[&str] = &[
    "script",
    "javascript",
    "onload",
    "onclick",
    "onerror",
    "onbegin",
    "onmouse",
    "onfocus",
    "href",
    "foreignobject",
    "<image",
    "<use",
    "<a ",
    "<a>",
    "<style",
    "@import",
    "http",
    "file:",
    "data:",
    "//",
    "doctype",
    "entity",
    "<set",
    "<animate",
    "<handler",
    "<iframe",
    "<?",
    "<!",
    "cdata",
    "expression",
    "base64",
    "secret",
    "alert",
    "root:",
    "passwd",
    "<text",
    "feimage",
    "xml:",
    "xlink",
    "\u{0}",
];

/// The elements that may be there.
const SHAPES: &[&str] = &[
    "svg",
    "g",
    "defs",
    "path",
    "linearGradient",
    "radialGradient",
    "stop",
    "clipPath",
    "mask",
    "pattern",
    "filter",
    "feGaussianBlur",
    "feFlood",
    "feTile",
    "feMerge",
    "feMergeNode",
    "feTurbulence",
    "feOffset",
    "feBlend",
    "feComposite",
    "feColorMatrix",
];

/// What may come of a trick.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    /// The trick is gone and the shape beside it is left.
    Cleaned,
    /// It is refused.
    Refused,
    /// Either.
    Harmless,
}
use Outcome::{Cleaned, Harmless, Refused};

const SHAPE: &str = "<path d='M0 0h50v50z' fill='red'/>";

/// Wraps what is beside a shape.
fn beside(inner: &str) -> String {
    format!(
        "<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink' \
         width='100' height='100'>{inner}{SHAPE}</svg>"
    )
}

#[tokio::test]
async fn nothing_is_left_of_any_trick() {
    let media = confined();
    let inner =
        INNER.iter().map(|(name, inner, outcome)| (*name, beside(inner).into_bytes(), *outcome));
    let cases: Vec<_> = inner.chain(whole()).collect();
    assert!(cases.len() > 120);
    let mut failures = Vec::new();
    for (name, upload, expected) in cases {
        let icon = media.make_icon(Bytes::from(upload)).await;
        let outcome = match &icon {
            Ok(_) => Cleaned,
            Err(MediaError::Unavailable(_)) => panic!("{name}: {icon:?}"),
            Err(_) => Refused,
        };
        if expected != Harmless && outcome != expected {
            failures.push(format!("{name}: {expected:?} expected, but {outcome:?}: {icon:?}"));
        }
        if let Ok(icon) = icon {
            let svg = String::from_utf8(icon.svg.unwrap().to_vec()).unwrap();
            failures.extend(leftovers(&svg).map(|what| format!("{name}: {what} in {svg}")));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// What should not be there.
fn leftovers(svg: &str) -> Option<String> {
    const SVG: &str = "http://www.w3.org/2000/svg";
    let without = svg.replacen(&format!("xmlns=\"{SVG}\""), "", 1).to_lowercase();
    if let Some(token) = DANGEROUS.iter().find(|token| without.contains(**token)) {
        return Some((*token).to_owned());
    }
    let document = Document::parse(svg).unwrap();
    for node in document.root_element().descendants() {
        let tag = node.tag_name();
        if !node.is_element() || tag.namespace() != Some(SVG) || !SHAPES.contains(&tag.name()) {
            return Some(format!("{node:?}"));
        }
        let odd = node.attributes().find(|attribute| {
            let value = attribute.value();
            attribute.namespace().is_some()
                || attribute.name().starts_with("on")
                || value.matches("url(").count() != value.matches("url(#n").count()
                || (attribute.name() != "style" && value.contains(':'))
        });
        if let Some(attribute) = odd {
            return Some(format!("{attribute:?}"));
        }
    }
    None
}

#[tokio::test]
async fn the_tricks_end_without_a_worker_too() {
    let media = understudy_media::Media::new(understudy_media::MediaOptions::default());
    for upload in
        [uses(10, 10), patterns(12, 4), masks(24), laughs(), bytes(), many_attributes(4_900_000)]
    {
        let icon = media.make_icon(Bytes::from(upload)).await;
        assert!(matches!(icon, Err(MediaError::TooLarge(_) | MediaError::Invalid(_))), "{icon:?}");
    }
}
