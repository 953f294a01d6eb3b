//! The work on bytes of others, wherever it is done.

use image::RgbaImage;
use understudy_domain::ports::MediaError;

use crate::{
    documents,
    kind::{self, Kind},
    protocol::{Job, Label, Piece},
    raster, svg,
};

/// No side of an icon is longer.
const ICON_SIDE: u32 = 1_024;
/// No side of a thumbnail is longer.
const THUMBNAIL_SIDE: u32 = 96;

/// Does a job.
pub(crate) fn run(job: &Job, input: Vec<u8>) -> Result<Vec<Piece>, MediaError> {
    match job {
        Job::Icon => icon(&input),
        Job::Reencode { size } => reencode(&input, *size),
        Job::Images { format } => documents::extract(*format, input),
    }
}

fn icon(upload: &[u8]) -> Result<Vec<Piece>, MediaError> {
    let (image, svg) = match kind::tell(upload)? {
        Kind::Svg => {
            let made = svg::make(upload)?;
            (made.image, Some(made.svg))
        }
        Kind::Raster(format) => {
            let image = raster::decode(upload, format)?.into_rgba8();
            (raster::within(&image, ICON_SIDE), None)
        }
    };
    let thumbnail = raster::within(&image, THUMBNAIL_SIDE);
    let mut pieces = vec![png(Label::Png, &image)?, png(Label::Thumbnail, &thumbnail)?];
    pieces.extend(svg.map(|svg| Piece {
        label: Label::Svg,
        width: image.width(),
        height: image.height(),
        place: String::new(),
        bytes: svg.into_bytes(),
    }));
    Ok(pieces)
}

fn reencode(picture: &[u8], size: Option<(u32, u32)>) -> Result<Vec<Piece>, MediaError> {
    let Some(format) = kind::raster(picture) else {
        return Err(MediaError::Unsupported(
            "a picture must be a PNG, JPEG, GIF or WebP".to_owned(),
        ));
    };
    if let Some((width, height)) = size {
        raster::check_size(width, height)?;
    }
    let image = raster::decode(picture, format)?.into_rgba8();
    let image = match size {
        Some((width, height)) => raster::cover(&image, width, height),
        None => image,
    };
    Ok(vec![png(Label::Png, &image)?])
}

fn png(label: Label, image: &RgbaImage) -> Result<Piece, MediaError> {
    Ok(Piece {
        label,
        width: image.width(),
        height: image.height(),
        place: String::new(),
        bytes: raster::to_png(image)?,
    })
}
