//! Tricks that take a whole file.

use std::fmt::Write;

use super::{
    Outcome::{self, Cleaned, Harmless, Refused},
    SHAPE, beside,
};

type Files = Vec<(&'static str, Vec<u8>, Outcome)>;

/// What the root element says first.
const BODY: &str = "xmlns='http://www.w3.org/2000/svg' width='100' height='100'";

/// All of them.
pub(super) fn whole() -> Files {
    let mut files = frames();
    for more in [growth(), sizes(), counts(), forms()] {
        files.extend(more);
    }
    files
}

/// What stands around the shapes: instructions, document types, entities.
fn frames() -> Files {
    let mut files = Files::new();
    let mut add = |name, text: String, outcome| files.push((name, text.into_bytes(), outcome));
    add("onload on the root", format!("<svg {BODY} onload='alert(1)'>{SHAPE}</svg>"), Cleaned);
    add(
        "a style sheet by instruction",
        format!(
            "<?xml-stylesheet href='https://evil.example/secret.css'?><svg {BODY}>{SHAPE}</svg>"
        ),
        Cleaned,
    );
    add(
        "a transformation by instruction",
        format!("<?xml-stylesheet type='text/xsl' href='#x'?><svg {BODY}>{SHAPE}</svg>"),
        Cleaned,
    );
    add("an instruction inside", beside("<?php system('id') ?>"), Cleaned);
    add("a prefix for everything", "<s:svg xmlns:s='http://www.w3.org/2000/svg' width='9' height='9'><s:script>alert(1)</s:script><s:path d='M0 0h9v9z'/></s:svg>".to_owned(), Cleaned);
    add(
        "an external entity",
        format!(
            "<!DOCTYPE svg [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><svg {BODY}><text>&x;</text></svg>"
        ),
        Refused,
    );
    add(
        "an entity with a script",
        format!("<!DOCTYPE svg [<!ENTITY x '<script>alert(1)</script>'>]><svg {BODY}>&x;</svg>"),
        Refused,
    );
    add(
        "a document type from elsewhere",
        format!(
            "<!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN' 'http://evil.example/secret.dtd'><svg {BODY}>{SHAPE}</svg>"
        ),
        Cleaned,
    );
    add(
        "a document type in lower case",
        format!("<!doctype svg><svg {BODY}>{SHAPE}</svg>"),
        Refused,
    );
    add(
        "a parameter entity",
        format!(
            "<!DOCTYPE svg [<!ENTITY % x SYSTEM 'http://evil.example/secret'>%x;]><svg {BODY}/>"
        ),
        Refused,
    );
    add(
        "an attribute list",
        format!(
            "<!DOCTYPE svg [<!ATTLIST path onload CDATA 'alert(1)'>]><svg {BODY}>{SHAPE}</svg>"
        ),
        Refused,
    );
    files
}

/// What grows without end.
fn growth() -> Files {
    let mut files = Files::new();
    let mut add = |name, text: String, outcome| files.push((name, text.into_bytes(), outcome));
    add("laughs by the billion", laughs(), Refused);
    add("laughs by use", uses(10, 10), Refused);
    add("laughs by use, with few", uses(30, 2), Refused);
    add("laughs by patterns", patterns(12, 4), Refused);
    add("laughs by masks", masks(24), Refused);
    add("laughs by bytes", bytes(), Refused);
    add("filters in filters", filters(20), Refused);
    files
}

/// Numbers beyond all use.
fn sizes() -> Files {
    let mut files = Files::new();
    let mut add = |name, text: String, outcome| files.push((name, text.into_bytes(), outcome));
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
    files
}

/// Too many of everything.
fn counts() -> Files {
    let mut files = Files::new();
    let mut add = |name, text: String, outcome| files.push((name, text.into_bytes(), outcome));
    add(
        "depth",
        format!("<svg {BODY}>{}{SHAPE}{}</svg>", "<g>".repeat(5_000), "</g>".repeat(5_000)),
        Refused,
    );
    add("depth without an end", format!("<svg {BODY}>{}", "<g>".repeat(500_000)), Refused);
    add(
        "many elements",
        format!("<svg {BODY}>{}</svg>", "<path d='M0 0h9'/>".repeat(20_000)),
        Refused,
    );
    add("many attributes", many_attributes(4_900_000), Refused);
    add(
        "many attributes on each",
        format!(
            "<svg {BODY}>{}</svg>",
            format!("<g {}/>", numbered(200, |n| format!("a{n}='' "))).repeat(100)
        ),
        Refused,
    );
    add(
        "many namespaces",
        format!("<svg {BODY}>{}</svg>", numbered(500, |n| format!("<g xmlns:a{n}='urn:{n}'/>"))),
        Refused,
    );
    add(
        "an attribute that does not end",
        format!("<svg {BODY} a='{}", "x".repeat(4_000_000)),
        Refused,
    );
    add(
        "a comment that does not end",
        format!("<svg {BODY}><!-- {}", "-".repeat(4_000_000)),
        Refused,
    );
    add("many comments", format!("<svg {BODY}>{}</svg>", "<!---->".repeat(600_000)), Refused);
    add(
        "a large style sheet",
        beside(&format!("<style>{}</style>", "path{fill:red}".repeat(30_000))),
        Refused,
    );
    files
}

/// What is no SVG to begin with, or only to some readers.
fn forms() -> Files {
    let mut files = Files::new();
    let mut add = |name, text: String, outcome| files.push((name, text.into_bytes(), outcome));
    add(
        "an attribute twice",
        format!("<svg {BODY}><path d='M0 0' d='M1 1' onload='a' onload='b'/></svg>"),
        Refused,
    );
    add("an end that is missing", format!("<svg {BODY}><g>{SHAPE}</svg>"), Refused);
    add(
        "something behind the end",
        format!("<svg {BODY}>{SHAPE}</svg><script>alert(1)</script>"),
        Refused,
    );
    add(
        "UTF-7",
        format!(
            "<?xml version='1.0' encoding='UTF-7'?><svg {BODY}>+ADw-script+AD4-alert(1)+ADw-/script+AD4-</svg>"
        ),
        Refused,
    );
    add(
        "a declared Latin-1",
        format!("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><svg {BODY}>{SHAPE}</svg>"),
        Refused,
    );
    add("NUL", format!("<svg {BODY}><scr\u{0}ipt>alert(1)</scr\u{0}ipt></svg>"), Refused);
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

pub(super) fn laughs() -> String {
    let mut dtd = String::from("<!ENTITY a0 'ha'>");
    for n in 1..10 {
        let _ = write!(dtd, "<!ENTITY a{n} '{}'>", format!("&a{};", n - 1).repeat(10));
    }
    format!("<!DOCTYPE svg [{dtd}]><svg xmlns='http://www.w3.org/2000/svg'><text>&a9;</text></svg>")
}

/// `levels` groups, each of which uses the one before `times`.
pub(super) fn uses(levels: u32, times: usize) -> String {
    let mut groups = String::from("<g id='u0'><rect width='1' height='1'/></g>");
    for n in 1..=levels {
        let uses = format!("<use href='#u{}'/>", n - 1).repeat(times);
        let _ = write!(groups, "<g id='u{n}'>{uses}</g>");
    }
    beside(&groups)
}

pub(super) fn patterns(levels: u32, times: usize) -> String {
    let mut patterns = String::from(
        "<pattern id='p0' width='1' height='1'><rect width='1' height='1'/></pattern>",
    );
    for n in 1..=levels {
        let fills = format!("<rect width='9' height='9' fill='url(#p{})'/>", n - 1).repeat(times);
        let _ = write!(patterns, "<pattern id='p{n}' width='9' height='9'>{fills}</pattern>");
    }
    beside(&format!("{patterns}<rect width='9' height='9' fill='url(#p{levels})'/>"))
}

pub(super) fn masks(levels: u32) -> String {
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
pub(super) fn bytes() -> String {
    let path = format!("<path id='p' d='M0 0{}'/>", "h1".repeat(400_000));
    beside(&format!("{path}{}", "<use href='#p'/>".repeat(1_000)))
}

pub(super) fn many_attributes(size: usize) -> String {
    let mut tag = String::from("<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9' ");
    let mut n = 0;
    while tag.len() < size {
        let _ = write!(tag, "a{n}='' ");
        n += 1;
    }
    tag + "/>"
}

fn numbered(count: u32, text: impl Fn(u32) -> String) -> String {
    (0..count).map(text).collect()
}
