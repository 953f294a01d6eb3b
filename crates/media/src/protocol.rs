//! What this process and a worker say to each other, over the worker's standard
//! input and output: a length, a JSON header, then bytes.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};
use understudy_domain::ports::MediaError;

/// A header is never longer.
pub(crate) const MAX_HEADER: u32 = 1024 * 1024;
/// All pieces of an answer together are never longer.
pub(crate) const MAX_ANSWER: u64 = 80 * 1024 * 1024;

/// What is to be done.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Job {
    /// An icon of an upload.
    Icon,
    /// A picture, encoded anew.
    Reencode { size: Option<(u32, u32)> },
    /// The images in a document.
    Images { format: DocumentFormat },
}

/// A kind of document that is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum DocumentFormat {
    Pdf,
    Docx,
    Pptx,
    Xlsx,
    Epub,
}

/// Asks for work on the `size` bytes that follow.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) job: Job,
    pub(crate) size: u64,
}

/// Answers with the pieces whose bytes follow, or says why not.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    Done(Vec<Meta>),
    Failed(Failure),
}

/// What a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Label {
    Png,
    Jpeg,
    Svg,
    Thumbnail,
}

/// What is known of a piece beside its bytes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Meta {
    pub(crate) label: Label,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) place: String,
    pub(crate) length: u64,
}

/// A picture or shapes that came of a job.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    pub(crate) label: Label,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) place: String,
    pub(crate) bytes: Vec<u8>,
}

impl Piece {
    fn meta(&self) -> Meta {
        Meta {
            label: self.label,
            width: self.width,
            height: self.height,
            place: self.place.clone(),
            length: u64::try_from(self.bytes.len()).unwrap_or(u64::MAX),
        }
    }
}

/// A [`MediaError`] that crosses between processes.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Failure {
    Unsupported(String),
    Invalid(String),
    TooLarge(String),
    TooCostly,
    Unavailable(String),
}

impl From<MediaError> for Failure {
    fn from(error: MediaError) -> Self {
        match error {
            MediaError::Unsupported(why) => Self::Unsupported(why),
            MediaError::Invalid(why) => Self::Invalid(why),
            MediaError::TooLarge(why) => Self::TooLarge(why),
            MediaError::TooCostly => Self::TooCostly,
            MediaError::Unavailable(source) => Self::Unavailable(source.to_string()),
        }
    }
}

impl From<Failure> for MediaError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unsupported(why) => Self::Unsupported(why),
            Failure::Invalid(why) => Self::Invalid(why),
            Failure::TooLarge(why) => Self::TooLarge(why),
            Failure::TooCostly => Self::TooCostly,
            Failure::Unavailable(why) => Self::Unavailable(why.into()),
        }
    }
}

/// A header with its length before it.
pub(crate) fn header<T: Serialize>(value: &T) -> io::Result<Vec<u8>> {
    let json = serde_json::to_vec(value)?;
    let length = u32::try_from(json.len()).map_err(io::Error::other)?;
    let mut header = length.to_be_bytes().to_vec();
    header.extend(json);
    Ok(header)
}

/// Reads a header, in the worker.
pub(crate) fn read_header<T: for<'a> Deserialize<'a>>(from: &mut impl Read) -> io::Result<T> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length).min(MAX_HEADER);
    let mut json = Vec::new();
    from.take(u64::from(length)).read_to_end(&mut json)?;
    Ok(serde_json::from_slice(&json)?)
}

/// Writes an answer, in the worker.
pub(crate) fn write_answer(
    to: &mut impl Write,
    outcome: Result<Vec<Piece>, MediaError>,
) -> io::Result<()> {
    match outcome {
        Ok(pieces) => {
            to.write_all(&header(&Answer::Done(pieces.iter().map(Piece::meta).collect()))?)?;
            for piece in pieces {
                to.write_all(&piece.bytes)?;
            }
        }
        Err(error) => to.write_all(&header(&Answer::Failed(error.into()))?)?,
    }
    to.flush()
}
