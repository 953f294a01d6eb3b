//! Pictures made of pixels: decoding within limits, scaling, encoding.

use std::io::Cursor;

use image::{
    DynamicImage, ExtendedColorType, ImageDecoder, ImageEncoder, ImageError, ImageFormat,
    ImageReader, Limits, Rgba, RgbaImage,
    codecs::{jpeg::JpegEncoder, png::PngEncoder},
    imageops::{self, FilterType},
};
use understudy_domain::ports::MediaError;

/// The longest side that is taken.
const MAX_SIDE: u32 = 8_192;
const MAX_PIXELS: u64 = 40_000_000;
/// What the decoded pixels may take.
const MAX_DECODED: u64 = 64 * 1024 * 1024;
const JPEG_QUALITY: u8 = 85;

/// Decodes a picture and turns it as its EXIF data say.
pub(crate) fn decode(bytes: &[u8], format: ImageFormat) -> Result<DynamicImage, MediaError> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    // Twice, since some decoders count buffers of their own too.
    limits.max_alloc = Some(2 * MAX_DECODED);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| refused(&error))?;
    let (width, height) = decoder.dimensions();
    check_size(width, height)?;
    if decoder.total_bytes() > MAX_DECODED {
        return Err(too_large());
    }
    // Unreadable EXIF data are no reason to refuse the picture.
    let orientation = decoder.orientation().ok();
    let mut image = DynamicImage::from_decoder(decoder).map_err(|error| refused(&error))?;
    if let Some(orientation) = orientation {
        image.apply_orientation(orientation);
    }
    Ok(image)
}

/// Refuses more pixels than are taken.
pub(crate) fn check_size(width: u32, height: u32) -> Result<(), MediaError> {
    if width == 0 || height == 0 {
        return Err(MediaError::Invalid("the picture has no pixels".to_owned()));
    }
    let pixels = u64::from(width) * u64::from(height);
    if width > MAX_SIDE || height > MAX_SIDE || pixels > MAX_PIXELS {
        return Err(too_large());
    }
    Ok(())
}

fn too_large() -> MediaError {
    MediaError::TooLarge(
        "a picture has at most 8,192 pixels a side, 40 million in all and 64 MiB decoded"
            .to_owned(),
    )
}

fn refused(error: &ImageError) -> MediaError {
    match error {
        ImageError::Limits(_) => too_large(),
        ImageError::Unsupported(_) => {
            MediaError::Unsupported("this variant of the picture format is not taken".to_owned())
        }
        _ => MediaError::Invalid("the picture is broken".to_owned()),
    }
}

/// The picture with no side longer than `side`; a smaller one stays as it is.
pub(crate) fn within(image: &RgbaImage, side: u32) -> RgbaImage {
    if image.width() <= side && image.height() <= side {
        return image.clone();
    }
    let (width, height) = fitting(image.dimensions(), side);
    scale(image, width, height)
}

/// The picture scaled to touch a square of `side` pixels from inside, centred.
pub(crate) fn contain(image: &RgbaImage, side: u32) -> RgbaImage {
    let (width, height) = fitting(image.dimensions(), side);
    let scaled = scale(image, width, height);
    if width == height {
        return scaled;
    }
    let mut square = RgbaImage::new(side, side);
    let (x, y) = ((side - width) / 2, (side - height) / 2);
    imageops::replace(&mut square, &scaled, i64::from(x), i64::from(y));
    square
}

/// The picture scaled to cover `width` by `height`, and its middle cut out.
pub(crate) fn cover(image: &RgbaImage, width: u32, height: u32) -> RgbaImage {
    let (from_width, from_height) = image.dimensions();
    // The part with the proportions that are asked for, before scaling.
    let wide = u64::from(from_height) * u64::from(width);
    let tall = u64::from(from_width) * u64::from(height);
    let (part_width, part_height) = if tall > wide {
        (at_least_one(wide / u64::from(height.max(1)), from_width), from_height)
    } else {
        (from_width, at_least_one(tall / u64::from(width.max(1)), from_height))
    };
    let (x, y) = ((from_width - part_width) / 2, (from_height - part_height) / 2);
    let part = imageops::crop_imm(image, x, y, part_width, part_height).to_image();
    scale(&part, width, height)
}

fn fitting((width, height): (u32, u32), side: u32) -> (u32, u32) {
    let longest = u64::from(width.max(height).max(1));
    let of = |length: u32| at_least_one(u64::from(length) * u64::from(side) / longest, side);
    (of(width), of(height))
}

fn at_least_one(length: u64, at_most: u32) -> u32 {
    u32::try_from(length).unwrap_or(at_most).clamp(1, at_most.max(1))
}

/// Scales with colours weighted by opacity, so that what is transparent does not
/// shine through at edges; and then without sharpening, which would make colours
/// exceed their opacity there.
fn scale(image: &RgbaImage, width: u32, height: u32) -> RgbaImage {
    if image.dimensions() == (width, height) {
        return image.clone();
    }
    if image.pixels().all(|pixel| pixel.0[3] == u8::MAX) {
        return imageops::resize(image, width, height, FilterType::CatmullRom);
    }
    let mut weighted = image.clone();
    for Rgba([r, g, b, alpha]) in weighted.pixels_mut() {
        for channel in [r, g, b] {
            *channel = ratio(u32::from(*channel) * u32::from(*alpha), 255);
        }
    }
    let mut scaled = imageops::resize(&weighted, width, height, FilterType::Triangle);
    for Rgba([r, g, b, alpha]) in scaled.pixels_mut() {
        for channel in [r, g, b] {
            *channel = ratio(u32::from(*channel) * 255, u32::from(*alpha));
        }
    }
    scaled
}

fn ratio(numerator: u32, denominator: u32) -> u8 {
    let rounded = (numerator + denominator / 2).checked_div(denominator).unwrap_or(0);
    u8::try_from(rounded).unwrap_or(u8::MAX)
}

/// Encodes as PNG, with pixels and nothing else.
pub(crate) fn to_png(image: &RgbaImage) -> Result<Vec<u8>, MediaError> {
    let mut png = Vec::new();
    PngEncoder::new(&mut png)
        .write_image(image, image.width(), image.height(), ExtendedColorType::Rgba8)
        .map_err(|error| refused(&error))?;
    Ok(png)
}

/// Encodes as JPEG, with pixels and nothing else; opacity is lost.
pub(crate) fn to_jpeg(image: &DynamicImage) -> Result<Vec<u8>, MediaError> {
    let image = image.to_rgb8();
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, JPEG_QUALITY)
        .write_image(&image, image.width(), image.height(), ExtendedColorType::Rgb8)
        .map_err(|error| refused(&error))?;
    Ok(jpeg)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scaling_keeps_proportions_and_at_least_one_pixel() {
        let image = RgbaImage::new(3000, 2);
        assert_eq!(within(&image, 1024).dimensions(), (1024, 1));
        assert_eq!(within(&RgbaImage::new(10, 20), 1024).dimensions(), (10, 20));
    }

    #[test]
    fn covering_cuts_the_middle_out() {
        let mut image = RgbaImage::from_pixel(30, 10, Rgba([255, 0, 0, 255]));
        for x in 10..20 {
            for y in 0..10 {
                image.put_pixel(x, y, Rgba([0, 255, 0, 255]));
            }
        }
        let cut = cover(&image, 5, 5);
        assert!(cut.pixels().all(|pixel| pixel.0 == [0, 255, 0, 255]));
    }

    #[test]
    fn containing_pads_with_transparency() {
        let image = RgbaImage::from_pixel(20, 10, Rgba([9, 9, 9, 255]));
        let square = contain(&image, 40);
        assert_eq!(square.dimensions(), (40, 40));
        assert_eq!(square.get_pixel(0, 0).0[3], 0);
        assert_eq!(square.get_pixel(20, 20).0, [9, 9, 9, 255]);
    }

    #[test]
    fn transparent_pixels_do_not_colour_their_neighbours() {
        let mut image = RgbaImage::from_pixel(64, 64, Rgba([0, 0, 0, 0]));
        for x in 0..32 {
            for y in 0..64 {
                image.put_pixel(x, y, Rgba([200, 100, 50, 255]));
            }
        }
        for pixel in within(&image, 21).pixels().filter(|pixel| pixel.0[3] > 40) {
            assert!(pixel.0[0].abs_diff(200) < 5, "{pixel:?}");
        }
    }
}
