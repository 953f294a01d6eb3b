//! Taking a multipart body apart (RFC 7578), piece by piece.
//!
//! What is kept in memory is bounded whatever is sent: a piece as it came, and the
//! head of one part.

use actix_web::web::{Bytes, BytesMut};
use memchr::memmem;

use crate::{
    body::Body,
    parameters,
    problem::{Code, Problem},
};

/// Most characters of a boundary (RFC 2046).
const MAX_BOUNDARY: usize = 70;
/// Most bytes of the headers of a part.
const MAX_HEAD: usize = 8 * 1024;
/// Most headers of a part.
const MAX_HEADERS: usize = 16;
/// Most parts of a body.
const MAX_PARTS: usize = 20;
/// Most bytes that belong to no part: before the first and behind the last.
const MAX_AROUND: usize = 8 * 1024;

/// The most that a body with one file may have beside the file.
pub(super) const OVERHEAD: u64 = 256 * 1024;

/// What the headers of a part say.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// The name of the field.
    pub(super) name: String,
    /// What the sender calls the file.
    pub(super) filename: Option<String>,
    /// The media type that the sender claims.
    pub(super) content_type: Option<String>,
}

/// The parts of a body, one after the other.
pub(super) struct Parts {
    body: Body,
    finder: memmem::Finder<'static>,
    /// What came and was not handed out yet. It begins with a line break that is
    /// not the sender's, so that the first delimiter is one like the others.
    buffer: BytesMut,
    /// How many parts began.
    count: usize,
    /// Whether what comes next belongs to a part.
    within: bool,
}

/// That a body is not what it says it is.
pub(super) fn malformed(why: &'static str) -> Problem {
    Problem::new(Code::MalformedMultipart).detail(why)
}

impl Parts {
    /// The parts of a body between delimiters made of `boundary`.
    pub(super) fn new(body: Body, boundary: &[u8]) -> Result<Self, Problem> {
        if boundary.is_empty() || boundary.len() > MAX_BOUNDARY {
            return Err(malformed("the boundary must have 1 to 70 characters"));
        }
        let delimiter = [b"\r\n--", boundary].concat();
        let finder = memmem::Finder::new(&delimiter).into_owned();
        let buffer = BytesMut::from(&b"\r\n"[..]);
        Ok(Self { body, finder, buffer, count: 0, within: false })
    }

    /// The head of the next part; `None` behind the last. The data of the part
    /// before must have been read.
    pub(super) async fn next(&mut self) -> Result<Option<Head>, Problem> {
        if self.count == 0 {
            self.skip_preamble().await?;
        }
        self.fill(2).await?;
        if self.buffer.starts_with(b"--") {
            self.skip_epilogue().await?;
            return Ok(None);
        }
        self.count += 1;
        if self.count > MAX_PARTS {
            return Err(malformed("the body has more than 20 parts"));
        }
        let head = self.take_head().await?;
        self.within = true;
        parse_head(&head).map(Some)
    }

    /// More of the data of the part; `None` at its end.
    pub(super) async fn data(&mut self) -> Result<Option<Bytes>, Problem> {
        while self.within {
            let delimiter = self.finder.needle().len();
            if let Some(end) = self.finder.find(&self.buffer) {
                let data = self.buffer.split_to(end).freeze();
                let _delimiter = self.buffer.split_to(delimiter);
                self.within = false;
                return Ok((!data.is_empty()).then_some(data));
            }
            // The delimiter may have come in part.
            let safe = self.buffer.len().saturating_sub(delimiter - 1);
            if safe > 0 {
                return Ok(Some(self.buffer.split_to(safe).freeze()));
            }
            self.more().await?;
        }
        Ok(None)
    }

    async fn skip_preamble(&mut self) -> Result<(), Problem> {
        let mut skipped = 0;
        self.within = true;
        while let Some(data) = self.data().await? {
            skipped += data.len();
            if skipped > MAX_AROUND {
                return Err(malformed("the body does not begin with its boundary"));
            }
        }
        Ok(())
    }

    async fn skip_epilogue(&mut self) -> Result<(), Problem> {
        let mut skipped = self.buffer.len();
        self.buffer.clear();
        while let Some(piece) = self.body.next().await? {
            skipped += piece.len();
            if skipped > MAX_AROUND {
                return Err(malformed("the body goes on behind its last part"));
            }
        }
        Ok(())
    }

    /// The headers of a part, with the rest of the line of its delimiter.
    async fn take_head(&mut self) -> Result<Bytes, Problem> {
        let mut searched = 0;
        loop {
            let unseen = self.buffer.get(searched..).unwrap_or_default();
            if let Some(found) = memmem::find(unseen, b"\r\n\r\n") {
                return Ok(self.buffer.split_to(searched + found + 4).freeze());
            }
            if self.buffer.len() > MAX_HEAD {
                return Err(malformed("the headers of a part have more than 8 KiB"));
            }
            searched = self.buffer.len().saturating_sub(3);
            self.more().await?;
        }
    }

    async fn fill(&mut self, length: usize) -> Result<(), Problem> {
        while self.buffer.len() < length {
            self.more().await?;
        }
        Ok(())
    }

    async fn more(&mut self) -> Result<(), Problem> {
        let piece = self.body.next().await?;
        let piece = piece.ok_or_else(|| malformed("the body ends before its last boundary"))?;
        self.buffer.extend_from_slice(&piece);
        Ok(())
    }
}

fn parse_head(head: &[u8]) -> Result<Head, Problem> {
    let line_end = memmem::find(head, b"\r\n").unwrap_or_default();
    let (padding, lines) = head.split_at_checked(line_end).unwrap_or_default();
    if !padding.trim_ascii().is_empty() {
        return Err(malformed("a boundary has something behind it on its line"));
    }
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let lines = lines.strip_prefix(b"\r\n").unwrap_or_default();
    let parsed = match httparse::parse_headers(lines, &mut headers) {
        Ok(httparse::Status::Complete((_, headers))) => headers,
        Ok(httparse::Status::Partial) | Err(_) => {
            return Err(malformed("the headers of a part cannot be read"));
        }
    };
    let header = |name: &str| {
        let mut found = parsed.iter().filter(|header| header.name.eq_ignore_ascii_case(name));
        found.next().map(|header| header.value)
    };
    let disposition = header("content-disposition").and_then(parameters::parse);
    let parameters = match disposition {
        Some((kind, parameters)) if kind == "form-data" => parameters,
        Some(_) | None => {
            return Err(malformed("each part needs `Content-Disposition: form-data`"));
        }
    };
    let name = parameters::text(&parameters, "name");
    Ok(Head {
        name: name.ok_or_else(|| malformed("each part needs a name"))?,
        filename: parameters::text(&parameters, "filename"),
        content_type: header("content-type").map(|kind| String::from_utf8_lossy(kind).into_owned()),
    })
}

#[cfg(test)]
pub(super) mod tests {
    use actix_web::{dev::Payload, error::PayloadError};
    use futures_util::stream;
    use proptest::prelude::*;

    use super::*;

    /// A body that comes in pieces of these sizes, again and again.
    pub(in crate::multipart) fn body(bytes: &[u8], sizes: &[usize]) -> Body {
        let mut pieces = Vec::new();
        let mut rest = bytes;
        for size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, behind) = rest.split_at((*size).clamp(1, rest.len()));
            pieces.push(Ok::<_, PayloadError>(Bytes::copy_from_slice(piece)));
            rest = behind;
        }
        Body::new(Payload::Stream { payload: Box::pin(stream::iter(pieces)) })
    }

    /// Carries out what waits for nothing but the clock.
    pub(in crate::multipart) fn run<T>(reading: impl Future<Output = T>) -> T {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_time().build().unwrap().block_on(reading)
    }

    fn read(bytes: &[u8], sizes: &[usize]) -> Result<Vec<(Head, Vec<u8>)>, Problem> {
        let reading = async {
            let mut parts = Parts::new(body(bytes, sizes), b"xx")?;
            let mut all = Vec::new();
            while let Some(head) = parts.next().await? {
                let mut data = Vec::new();
                while let Some(piece) = parts.data().await? {
                    data.extend_from_slice(&piece);
                }
                all.push((head, data));
            }
            Ok(all)
        };
        run(reading)
    }

    fn form(data: &[&[u8]]) -> Vec<u8> {
        let part = |data: &&[u8]| {
            let head = b"--xx\r\nContent-Disposition: form-data; name=file\r\n\r\n".as_slice();
            [head, data, b"\r\n"].concat()
        };
        let mut body: Vec<u8> = data.iter().flat_map(part).collect();
        body.extend_from_slice(b"--xx--\r\n");
        body
    }

    proptest! {
        #[test]
        fn parts_come_out_as_they_went_in_however_they_are_cut(
            data in prop::collection::vec("[\r\nx\\-a]{0,40}", 0..5),
            sizes in prop::collection::vec(1_usize..20, 1..4),
        ) {
            let clean: Vec<String> =
                data.iter().map(|data| data.replace("\r\n--xx", "").replace("\n--xx", "")).collect();
            prop_assume!(clean.iter().all(|data| !format!("\r\n{data}").contains("\r\n--xx")));
            let bytes: Vec<&[u8]> = clean.iter().map(String::as_bytes).collect();
            let read = read(&form(&bytes), &sizes).unwrap();

            let found: Vec<Vec<u8>> = read.into_iter().map(|(_, data)| data).collect();
            prop_assert_eq!(found, clean.into_iter().map(String::into_bytes).collect::<Vec<_>>());
        }

        #[test]
        fn nothing_that_is_sent_makes_the_reader_stumble(
            bytes in prop::collection::vec(prop::sample::select(b"\r\n-x:; =\"a".to_vec()), 0..200),
            sizes in prop::collection::vec(1_usize..50, 1..3),
        ) {
            let _ = read(&bytes, &sizes);
        }
    }

    #[test]
    fn a_part_tells_what_its_sender_calls_it() {
        let body = b"ignored\r\n--xx \t\r\ncontent-TYPE: text/plain\r\n\
            CONTENT-Disposition: form-data; name=\"file\"; filename=\"a b.txt\"\r\n\r\n\
            data\r\n--xx--ignored";

        let read = read(body, &[7]).unwrap();

        let head = Head {
            name: "file".to_owned(),
            filename: Some("a b.txt".to_owned()),
            content_type: Some("text/plain".to_owned()),
        };
        assert_eq!(read, [(head, b"data".to_vec())]);
    }

    #[test]
    fn what_is_cut_off_or_without_end_is_refused() {
        let whole = form(&[b"data"]);
        for end in 0..whole.len() - 4 {
            assert!(read(&whole[..end], &[5]).is_err(), "{end} bytes");
        }
        let long = vec![b'a'; 20_000];
        let many = form(&[b"".as_slice(); 21]);
        let endless: [&[u8]; 4] = [
            &long,
            &[b"--xx\r\n".as_slice(), &long].concat(),
            &[whole.as_slice(), &long].concat(),
            &many,
        ];
        for body in endless {
            let problem = read(body, &[1_000]).unwrap_err();
            assert_eq!(problem.code(), Code::MalformedMultipart);
        }
    }

    #[test]
    fn parts_without_name_or_in_another_form_are_refused() {
        for head in [
            "",
            "Content-Disposition: form-data",
            "Content-Disposition: attachment; name=file",
            "Content-Disposition form-data",
            "Content-Disposition: form-data; name=\"file",
        ] {
            let body = format!("--xx\r\n{head}\r\n\r\n\r\n--xx--");
            assert!(read(body.as_bytes(), &[9]).is_err(), "{head}");
        }
        assert!(
            read(b"--xxy\r\nContent-Disposition: form-data; name=f\r\n\r\n\r\n--xx--", &[9])
                .is_err()
        );
    }
}
