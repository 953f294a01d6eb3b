//! Forms with one file (`multipart/form-data`): the one reader of all routes that
//! take a file.

use actix_web::{
    HttpRequest,
    dev::Payload,
    http::header::{self, HeaderMap},
    web::{Bytes, BytesMut},
};
use understudy_domain::{Fault, fault::pointer_to, usecases::intake::Intake};

use self::parts::{Head, OVERHEAD, Parts, malformed};
use crate::{
    body::{Body, refuse_longer, too_large},
    call::Call,
    parameters,
    problem::{Code, Problem},
};

mod parts;

const MEDIA_TYPE: &str = "multipart/form-data";
/// Most bytes of a text in a form.
const MAX_TEXT: usize = 4 * 1024;
/// Most characters of a part's name that are told again.
const SHOWN_CHARS: usize = 100;

/// Which parts a form has.
#[derive(Clone, Copy)]
pub(crate) struct Form {
    /// What the part with the file may be called.
    pub(crate) file: &'static [&'static str],
    /// What other parts there may be, with texts.
    pub(crate) texts: &'static [&'static str],
    /// Most bytes of the file.
    pub(crate) max: u64,
}

/// What came with the bytes of a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Sent {
    /// What the sender calls the file.
    pub(crate) filename: Option<String>,
    /// The media type that the sender claims.
    pub(crate) content_type: Option<String>,
    /// The texts of the other parts, by their names.
    pub(crate) texts: Vec<(String, String)>,
}

impl Sent {
    /// Takes out the text of a part.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        let place = self.texts.iter().position(|(key, _)| key == name)?;
        Some(self.texts.swap_remove(place).1)
    }
}

/// Where the bytes of a file go, piece by piece.
pub(crate) trait Sink {
    /// Takes a piece.
    async fn write(&mut self, piece: Bytes) -> Result<(), Problem>;
}

impl Sink for Intake<'_> {
    async fn write(&mut self, piece: Bytes) -> Result<(), Problem> {
        Ok(Intake::write(self, piece).await?)
    }
}

/// A file that is small enough to be kept in memory.
struct Memory {
    bytes: BytesMut,
    max: u64,
}

impl Sink for Memory {
    async fn write(&mut self, piece: Bytes) -> Result<(), Problem> {
        self.bytes.extend_from_slice(&piece);
        let length = u64::try_from(self.bytes.len()).unwrap_or(u64::MAX);
        if length > self.max { Err(too_large(self.max)) } else { Ok(()) }
    }
}

/// The bytes of the one file of a form, which are at most `max`; its part has one
/// of these names.
pub(crate) async fn small_file(
    call: &mut Call,
    file: &'static [&'static str],
    max: u64,
) -> Result<Bytes, Problem> {
    let payload = call.take_payload();
    let mut memory = Memory { bytes: BytesMut::new(), max };
    let form = Form { file, texts: &[], max };
    one_file(&call.request, payload, form, &mut memory).await?;
    Ok(memory.bytes.freeze())
}

/// Reads a form, and hands the bytes of its file to `sink`. Whatever is wrong with
/// the form, the sink may have got bytes before that was seen.
pub(crate) async fn one_file(
    request: &HttpRequest,
    payload: Payload,
    form: Form,
    sink: &mut impl Sink,
) -> Result<Sent, Problem> {
    let boundary = boundary(request.headers())?;
    let longest = form.max.saturating_add(OVERHEAD);
    refuse_longer(request, longest).or(Err(too_large(form.max)))?;
    read(Parts::new(Body::new(payload), &boundary)?, form, sink).await
}

async fn read(mut parts: Parts, form: Form, sink: &mut impl Sink) -> Result<Sent, Problem> {
    let mut sent = Sent::default();
    let mut found = false;
    while let Some(Head { name, filename, content_type }) = parts.next().await? {
        let is_file = form.file.contains(&name.as_str());
        let is_again = sent.texts.iter().any(|(known, _)| *known == name);
        if is_again || (is_file && found) {
            return Err(wrong(&name, "duplicate_field", "is given twice"));
        }
        if is_file {
            found = true;
            while let Some(piece) = parts.data().await? {
                sink.write(piece).await?;
            }
            (sent.filename, sent.content_type) = (filename, content_type);
        } else if form.texts.contains(&name.as_str()) {
            let text = text(&mut parts, &name).await?;
            sent.texts.push((name, text));
        } else {
            return Err(wrong(
                &name,
                "unknown_field",
                &format!("is not a part here; {}", form.expected()),
            ));
        }
    }
    if !found {
        let name = form.file.first().copied().unwrap_or_default();
        return Err(wrong(name, "required", &format!("is required; {}", form.expected())));
    }
    Ok(sent)
}

/// A short text.
async fn text(parts: &mut Parts, name: &str) -> Result<String, Problem> {
    let mut text = Vec::new();
    while let Some(piece) = parts.data().await? {
        text.extend_from_slice(&piece);
        if text.len() > MAX_TEXT {
            return Err(wrong(name, "too_long", "must have at most 4096 bytes"));
        }
    }
    let text = String::from_utf8(text).or(Err(()));
    let text = text.ok().filter(|text| !text.contains('\0'));
    text.ok_or_else(|| wrong(name, "invalid", "must be UTF-8 without U+0000"))
}

fn wrong(name: &str, code: &'static str, message: &str) -> Problem {
    let shown: String = name.chars().take(SHOWN_CHARS).collect();
    Problem::invalid(vec![Fault::new(pointer_to("", &shown), code, message)])
}

impl Form {
    /// What parts there may be, for people.
    fn expected(&self) -> String {
        let names = |names: &[&str]| {
            names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ")
        };
        match self.texts {
            [] => format!("send the file as {}", names(self.file)),
            texts => {
                format!("send the file as {}, and if you like {}", names(self.file), names(texts))
            }
        }
    }
}

/// Whether a request says that its body is a form.
pub(crate) fn is_form(headers: &HeaderMap) -> bool {
    let kind =
        headers.get(header::CONTENT_TYPE).and_then(|kind| parameters::parse(kind.as_bytes()));
    kind.is_some_and(|(kind, _)| kind == MEDIA_TYPE)
}

/// The boundary that a request names.
fn boundary(headers: &HeaderMap) -> Result<Vec<u8>, Problem> {
    let encoded = headers.get(header::CONTENT_ENCODING).is_some_and(|value| value != "identity");
    if encoded || !is_form(headers) {
        let detail = if encoded {
            "the body must not be compressed"
        } else {
            "the body must be multipart/form-data"
        };
        let problem = Problem::new(Code::UnsupportedMediaType).detail(detail);
        return Err(problem
            .header(header::ACCEPT, MEDIA_TYPE)
            .header(header::ACCEPT_ENCODING, "identity"));
    }
    let kind = headers.get(header::CONTENT_TYPE);
    let parsed = kind.and_then(|kind| parameters::parse(kind.as_bytes()));
    let boundary = parsed
        .and_then(|(_, parameters)| parameters.into_iter().find(|(name, _)| name == "boundary"));
    match boundary {
        Some((_, boundary)) => Ok(boundary),
        None => Err(malformed("`Content-Type` must name the boundary")),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        parts::tests::{body, run},
        *,
    };

    const FORM: Form = Form { file: &["file", "icon"], texts: &["name"], max: 100 };

    fn sent(form: &str) -> Result<(Sent, Vec<u8>), Problem> {
        let text = form.replace('\n', "\r\n");
        let mut memory = Memory { bytes: BytesMut::new(), max: FORM.max };
        let parts = Parts::new(body(text.as_bytes(), &[13]), b"xx")?;
        let sent = run(read(parts, FORM, &mut memory))?;
        Ok((sent, memory.bytes.to_vec()))
    }

    fn part(name: &str, data: &str) -> String {
        format!("--xx\nContent-Disposition: form-data; name={name}\n\n{data}\n")
    }

    #[test]
    fn texts_may_stand_before_and_behind_the_file() {
        let (file, name) = (part("icon", "data"), part("name", "a.txt"));
        for form in [format!("{file}{name}--xx--"), format!("{name}{file}--xx--")] {
            let (mut sent, data) = sent(&form).unwrap();

            assert_eq!(data, b"data");
            assert_eq!(sent.text("name").as_deref(), Some("a.txt"));
        }
    }

    #[test]
    fn a_form_that_is_not_what_is_expected_is_told_what_is() {
        let file = part("file", "data");
        let long = "a".repeat(MAX_TEXT + 1);
        for (form, fault) in [
            ("--xx--".to_owned(), "required"),
            (part("name", "a") + "--xx--", "required"),
            (part("files", "data") + "--xx--", "unknown_field"),
            (format!("{file}{file}--xx--"), "duplicate_field"),
            (format!("{file}{0}{0}--xx--", part("name", "a")), "duplicate_field"),
            (file.clone() + &part("name", &long) + "--xx--", "too_long"),
            (file + &part("name", "a\0b") + "--xx--", "invalid"),
            (part("file", &"a".repeat(101)) + "--xx--", "BodyTooLarge"),
        ] {
            let problem = format!("{:?}", sent(&form).unwrap_err());
            assert!(problem.contains(fault), "{form} gives {problem}");
        }
    }
}
