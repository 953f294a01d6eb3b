//! Pictures and documents.

use async_trait::async_trait;
use bytes::Bytes;

use super::BlobReader;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why a picture or document could not be worked on.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// It is of a kind that is not taken.
    #[error("{0}")]
    Unsupported(String),
    /// It is broken, or not what it says it is.
    #[error("{0}")]
    Invalid(String),
    /// It is larger than the limit that the text names.
    #[error("{0}")]
    TooLarge(String),
    /// Working on it took too long or too much memory.
    #[error("the file takes too much time or memory to read")]
    TooCostly,
    /// The tool that works on it cannot be started here; no fault of the file.
    #[error("this kind of file cannot be worked on now")]
    Unavailable(#[source] Source),
}

/// An icon made of what somebody uploaded: re-encoded, nothing active in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IconFiles {
    /// A PNG of at most 1,024 pixels a side.
    pub png: Bytes,
    /// The static shapes of an SVG, when it was one.
    pub svg: Option<Bytes>,
    /// Width of the PNG in pixels.
    pub width: u32,
    /// Height of the PNG in pixels.
    pub height: u32,
    /// A PNG of at most 96 pixels a side, for `icon_data`.
    pub thumbnail: Bytes,
}

/// A picture that is drawn here, or was made safe here.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Picture {
    /// The PNG of an [`IconFiles`].
    Png(Bytes),
    /// An icon of the library ([`crate::icons`]) on a ground whose colour comes
    /// from `tint`, which names the assistant.
    Icon {
        /// Its name.
        name: String,
        /// Any text; the same text gives the same colour.
        tint: String,
    },
    /// An emoji.
    Emoji(String),
    /// An avatar of the library ([`crate::avatars`]), by its id.
    Avatar(String),
}

/// A PNG and its size in pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raster {
    /// The PNG.
    pub png: Bytes,
    /// Its width.
    pub width: u32,
    /// Its height.
    pub height: u32,
}

/// Works on pictures, off the async threads.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Pictures: Send + Sync {
    /// An icon of an uploaded PNG, JPEG, GIF, WebP or SVG, told by its bytes.
    /// Nothing in it MUST run, load or name anything when a browser shows it.
    async fn make_icon(&self, upload: Bytes) -> Result<IconFiles, MediaError>;

    /// A picture from elsewhere, encoded anew, scaled and cut to `size` (width and
    /// height in pixels) when that is given.
    async fn reencode(
        &self,
        picture: Bytes,
        size: Option<(u32, u32)>,
    ) -> Result<Raster, MediaError>;

    /// The picture as a square PNG of `size` pixels, 16 to 1,024.
    async fn draw(&self, picture: &Picture, size: u32) -> Result<Bytes, MediaError>;

    /// The picture as an ICO with 16, 32 and 48 pixels.
    async fn favicon(&self, picture: &Picture) -> Result<Bytes, MediaError>;

    /// The picture as SVG, if it is one of ours; `None` for [`Picture::Png`].
    async fn vector(&self, picture: &Picture) -> Result<Option<Bytes>, MediaError>;

    /// The bare icon of the library as SVG, in `currentColor`; `None` when there is
    /// none of that name.
    fn library_icon(&self, name: &str) -> Option<Bytes>;
}

/// An image that was found in a document, encoded anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundImage {
    /// `image/png` or `image/jpeg`.
    pub content_type: &'static str,
    /// Its bytes.
    pub bytes: Bytes,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Where it was, for example `page 3` or `word/media/image1.png`.
    pub place: String,
}

/// Takes documents apart, in a confined process.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Documents: Send + Sync {
    /// The images in a PDF, DOCX, PPTX, XLSX or EPUB, in the document's order.
    ///
    /// # Errors
    ///
    /// [`MediaError::Unsupported`] for other media types.
    async fn images(
        &self,
        media_type: &str,
        size: u64,
        document: Box<dyn BlobReader>,
    ) -> Result<Vec<FoundImage>, MediaError>;
}
