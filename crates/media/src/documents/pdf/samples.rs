//! Images that a PDF holds as samples.

use image::{DynamicImage, GrayImage, RgbImage};
use lopdf::{Document, Object, Stream};

use super::MAX_STREAM;
use crate::raster;

/// Filters that make something else than samples.
const FOREIGN: [&[u8]; 4] = [b"JPXDecode", b"JBIG2Decode", b"CCITTFaxDecode", b"CCF"];

enum Space {
    Gray,
    Rgb,
    Cmyk,
    /// A palette of RGB colours.
    Indexed(Vec<[u8; 3]>),
}

impl Space {
    fn components(&self) -> usize {
        match self {
            Self::Gray | Self::Indexed(_) => 1,
            Self::Rgb => 3,
            Self::Cmyk => 4,
        }
    }
}

/// The image of a stream of samples; `None` for what is not taken.
pub(super) fn image(document: &Document, stream: &Stream) -> Option<DynamicImage> {
    let number = |long: &[u8], short: &[u8]| {
        let dict = &stream.dict;
        let value = dict.get_deref(long, document).or_else(|_| dict.get_deref(short, document));
        value.and_then(Object::as_i64).ok()
    };
    let width = u32::try_from(number(b"Width", b"W")?).ok()?;
    let height = u32::try_from(number(b"Height", b"H")?).ok()?;
    raster::check_size(width, height).ok()?;
    let bits = u32::try_from(number(b"BitsPerComponent", b"BPC").unwrap_or(8)).ok()?;
    if stream.filters().is_ok_and(|names| names.iter().any(|name| FOREIGN.contains(name))) {
        return None;
    }
    let space = stream.dict.get_deref(b"ColorSpace", document).ok()?;
    let space = space_of(document, space, 0)?;
    let data = stream.get_plain_content_with_limit(MAX_STREAM).ok()?;
    let row = usize::try_from(width).ok()?.checked_mul(space.components())?;
    let mut samples = unpack(&data, bits, row, usize::try_from(height).ok()?)?;
    scale(&mut samples, bits, &space);
    if is_inverted(document, stream) && !matches!(space, Space::Indexed(_)) {
        for sample in &mut samples {
            *sample = !*sample;
        }
    }
    paint(&space, samples, width, height)
}

fn space_of(document: &Document, space: &Object, depth: u32) -> Option<Space> {
    let (name, rest) = match space {
        Object::Name(name) => (name.as_slice(), [].as_slice()),
        Object::Array(parts) => {
            let (first, rest) = parts.split_first()?;
            (document.dereference(first).ok()?.1.as_name().ok()?, rest)
        }
        _ => return None,
    };
    let part = |index: usize| document.dereference(rest.get(index)?).ok().map(|(_, part)| part);
    match name {
        b"DeviceGray" | b"CalGray" | b"G" => Some(Space::Gray),
        b"DeviceRGB" | b"CalRGB" | b"RGB" => Some(Space::Rgb),
        b"DeviceCMYK" | b"CMYK" => Some(Space::Cmyk),
        b"ICCBased" => match part(0)?.as_stream().ok()?.dict.get_deref(b"N", document).ok()? {
            Object::Integer(1) => Some(Space::Gray),
            Object::Integer(3) => Some(Space::Rgb),
            Object::Integer(4) => Some(Space::Cmyk),
            _ => None,
        },
        b"Indexed" | b"I" if depth == 0 => {
            let base = space_of(document, part(0)?, depth + 1)?;
            let table = match part(2)? {
                Object::String(table, _) => table.clone(),
                Object::Stream(table) => table.get_plain_content_with_limit(MAX_STREAM).ok()?,
                _ => return None,
            };
            Some(Space::Indexed(
                table.chunks_exact(base.components()).map(|c| rgb(&base, c)).collect(),
            ))
        }
        _ => None,
    }
}

/// One number for each sample, from rows that begin on whole bytes.
fn unpack(data: &[u8], bits: u32, row: usize, rows: usize) -> Option<Vec<u8>> {
    if !matches!(bits, 1 | 2 | 4 | 8 | 16) {
        return None;
    }
    let per_row = row.checked_mul(usize::try_from(bits).ok()?)?.div_ceil(8);
    if data.len() < per_row.checked_mul(rows)? {
        return None;
    }
    let mut samples = Vec::with_capacity(row.checked_mul(rows)?);
    for line in data.chunks_exact(per_row).take(rows) {
        match bits {
            8 => samples.extend(line.iter().take(row)),
            // The upper half of each sample.
            16 => samples.extend(line.iter().step_by(2).take(row)),
            _ => {
                let parts = line.iter().flat_map(|byte| {
                    let mask = u8::MAX >> (8 - bits);
                    (1..=8 / bits).map(move |nth| (byte >> (8 - bits * nth)) & mask)
                });
                samples.extend(parts.take(row));
            }
        }
    }
    Some(samples)
}

/// Brings samples of few bits to the range of a byte; a palette's stay numbers.
fn scale(samples: &mut [u8], bits: u32, space: &Space) {
    if bits < 8 && !matches!(space, Space::Indexed(_)) {
        let factor = u8::MAX / (u8::MAX >> (8 - bits));
        for sample in samples {
            *sample = sample.saturating_mul(factor);
        }
    }
}

fn is_inverted(document: &Document, stream: &Stream) -> bool {
    let decode = stream.dict.get_deref(b"Decode", document).and_then(Object::as_array);
    decode.is_ok_and(|range| {
        range.first().is_some_and(|first| first.as_float().is_ok_and(|from| from > 0.5))
    })
}

fn paint(space: &Space, samples: Vec<u8>, width: u32, height: u32) -> Option<DynamicImage> {
    match space {
        Space::Gray => GrayImage::from_raw(width, height, samples).map(DynamicImage::from),
        Space::Rgb => RgbImage::from_raw(width, height, samples).map(DynamicImage::from),
        Space::Cmyk | Space::Indexed(_) => {
            let pixels = samples.chunks_exact(space.components());
            let colours = pixels.flat_map(|pixel| rgb(space, pixel)).collect();
            RgbImage::from_raw(width, height, colours).map(DynamicImage::from)
        }
    }
}

fn rgb(space: &Space, pixel: &[u8]) -> [u8; 3] {
    match (space, pixel) {
        (Space::Rgb, &[r, g, b]) => [r, g, b],
        (Space::Cmyk, &[c, m, y, k]) => [c, m, y].map(|ink| over(ink, k)),
        (Space::Indexed(palette), &[index]) => {
            palette.get(usize::from(index)).copied().unwrap_or_default()
        }
        (_, &[gray, ..]) => [gray; 3],
        (_, &[]) => [0; 3],
    }
}

/// What is left of white under an ink and black.
fn over(ink: u8, black: u8) -> u8 {
    let left = u16::from(255 - ink) * u16::from(255 - black) / 255;
    u8::try_from(left).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_of_few_bits_are_unpacked_row_by_row() {
        assert_eq!(unpack(&[0b1010_0000, 0b0110_0000], 1, 3, 2).unwrap(), [1, 0, 1, 0, 1, 1]);
        assert_eq!(unpack(&[0x12, 0x30], 4, 3, 1).unwrap(), [1, 2, 3]);
        assert_eq!(unpack(&[1, 2], 8, 3, 1), None, "too few bytes");
        assert_eq!(unpack(&[1, 2], 3, 1, 1), None, "no such number of bits");
    }

    #[test]
    fn inks_darken() {
        assert_eq!(rgb(&Space::Cmyk, &[0, 0, 0, 0]), [255, 255, 255]);
        assert_eq!(rgb(&Space::Cmyk, &[255, 0, 0, 0]), [0, 255, 255]);
        assert_eq!(rgb(&Space::Cmyk, &[0, 0, 0, 255]), [0, 0, 0]);
    }
}
