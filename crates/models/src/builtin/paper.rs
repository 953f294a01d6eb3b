//! What is drawn on: pixels that are numbers of colours.

use png::{BitDepth, ColorType, Compression, Encoder, EncodingError};

/// Red, green and blue.
pub(super) type Colour = [u8; 3];

/// An ellipse. Lengths are pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ellipse {
    pub(super) x: i64,
    pub(super) y: i64,
    pub(super) across: i64,
    pub(super) down: i64,
}

/// A sheet of pixels.
#[derive(Debug)]
pub(super) struct Paper {
    width: u32,
    height: u32,
    pixels: Vec<u8>,
}

impl Paper {
    pub(super) fn new(width: u32, height: u32) -> Self {
        let pixels = usize::try_from(u64::from(width) * u64::from(height)).unwrap_or_default();
        Self { width, height, pixels: vec![0; pixels] }
    }

    /// Gives each row, counted from the top, one colour.
    pub(super) fn fill_rows(&mut self, colour: impl Fn(i64) -> u8) {
        for (row, y) in self.rows() {
            row.fill(colour(y));
        }
    }

    /// Draws an ellipse.
    pub(super) fn fill(&mut self, ellipse: Ellipse, colour: u8) {
        let Ellipse { x, y, across, down } = ellipse;
        for (row, here) in self.rows() {
            let above = down * down - (here - y) * (here - y);
            if above < 0 || down == 0 {
                continue;
            }
            let half = across * above.isqrt() / down;
            let clip = |x: i64| usize::try_from(x).unwrap_or(0).min(row.len());
            let (from, to) = (clip(x - half), clip(x + half + 1));
            if let Some(span) = row.get_mut(from..to) {
                span.fill(colour);
            }
        }
    }

    fn rows(&mut self) -> impl Iterator<Item = (&mut [u8], i64)> {
        let width = usize::try_from(self.width).unwrap_or(1).max(1);
        self.pixels.chunks_exact_mut(width).zip(0..)
    }

    /// As PNG.
    pub(super) fn to_png(&self, colours: &[Colour]) -> Result<Vec<u8>, EncodingError> {
        let mut png = Vec::new();
        let mut encoder = Encoder::new(&mut png, self.width, self.height);
        encoder.set_color(ColorType::Indexed);
        encoder.set_depth(BitDepth::Eight);
        encoder.set_palette(colours.concat());
        encoder.set_compression(Compression::Fast);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.pixels)?;
        writer.finish()?;
        Ok(png)
    }
}
