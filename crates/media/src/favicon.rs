//! Icons of pages: one picture in the sizes that browsers ask for.

use image::{
    ExtendedColorType,
    codecs::ico::{IcoEncoder, IcoFrame},
};
use understudy_domain::ports::{MediaError, Picture};

use crate::{drawing, raster};

const SIDES: [u32; 3] = [16, 32, 48];

/// The picture as an ICO.
pub(crate) fn make(picture: &Picture) -> Result<Vec<u8>, MediaError> {
    let frames =
        SIDES.into_iter().map(|side| frame(picture, side)).collect::<Result<Vec<_>, _>>()?;
    let mut ico = Vec::new();
    IcoEncoder::new(&mut ico).encode_images(&frames).map_err(unavailable)?;
    Ok(ico)
}

fn frame(picture: &Picture, side: u32) -> Result<IcoFrame<'static>, MediaError> {
    let png = raster::to_png(&drawing::pixels(picture, side)?)?;
    IcoFrame::with_encoded(png, side, side, ExtendedColorType::Rgba8).map_err(unavailable)
}

fn unavailable(error: image::ImageError) -> MediaError {
    MediaError::Unavailable(Box::new(error))
}
