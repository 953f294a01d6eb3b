//! The images that were found so far.

use image::DynamicImage;
use understudy_domain::ports::MediaError;

use crate::{
    kind,
    protocol::{Label, Piece},
    raster,
};

const MAX_IMAGES: usize = 200;
/// What all images together may weigh.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// Images, encoded anew, within the limits of their number and weight.
#[derive(Default)]
pub(super) struct Found {
    pieces: Vec<Piece>,
    bytes: usize,
}

impl Found {
    /// Whether no more are wanted.
    pub(super) fn is_full(&self) -> bool {
        self.pieces.len() >= MAX_IMAGES || self.bytes >= MAX_BYTES
    }

    /// Adds an image file. What cannot be decoded is left out: documents hold
    /// drawings and broken pictures too, and the others are still of use.
    pub(super) fn add_file(&mut self, file: &[u8], place: &str) {
        let Some(format) = kind::raster(file) else { return };
        let Ok(image) = raster::decode(file, format) else { return };
        let label = match format {
            image::ImageFormat::Jpeg => Label::Jpeg,
            _ => Label::Png,
        };
        self.add(&image, label, place);
    }

    /// Adds an image.
    pub(super) fn add(&mut self, image: &DynamicImage, label: Label, place: &str) {
        let Ok(bytes) = encode(image, label) else { return };
        if self.is_full() || self.bytes + bytes.len() > MAX_BYTES {
            return;
        }
        self.bytes += bytes.len();
        let (width, height) = (image.width(), image.height());
        self.pieces.push(Piece { label, width, height, place: place.to_owned(), bytes });
    }

    /// All that was found.
    pub(super) fn into_pieces(self) -> Vec<Piece> {
        self.pieces
    }
}

fn encode(image: &DynamicImage, label: Label) -> Result<Vec<u8>, MediaError> {
    match label {
        Label::Jpeg => raster::to_jpeg(image),
        _ => raster::to_png(&image.to_rgba8()),
    }
}
