//! Pictures that are drawn here: their SVG, and its pixels.

use bytes::Bytes;
use image::{ImageFormat, RgbaImage};
use understudy_domain::{
    avatars,
    ports::{MediaError, Picture},
};

use crate::{colours, emoji, library, raster, svg};

/// The picture as SVG; `None` when it is made of pixels.
pub(crate) fn vector(picture: &Picture) -> Result<Option<Bytes>, MediaError> {
    let svg = match picture {
        Picture::Png(_) => return Ok(None),
        Picture::Icon { name, tint } => {
            let ground = colours::ground(tint);
            let ground = format!("<rect width=\"48\" height=\"48\" rx=\"11\" fill=\"{ground}\"/>");
            on_ground(&ground, name)?
        }
        Picture::Avatar(id) => {
            let avatar = avatars::find(id).ok_or_else(|| {
                MediaError::Unsupported("there is no avatar of this name".to_owned())
            })?;
            let colour = &avatar.colour;
            let ground = format!("<circle cx=\"24\" cy=\"24\" r=\"24\" fill=\"{colour}\"/>");
            on_ground(&ground, &avatar.icon)?
        }
        Picture::Emoji(emoji) => {
            let markup = emoji::markup(emoji)?;
            format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 36 36\">{markup}</svg>"
            )
        }
    };
    Ok(Some(Bytes::from(svg)))
}

fn on_ground(ground: &str, icon: &str) -> Result<String, MediaError> {
    let markup = library::markup(icon)
        .ok_or_else(|| MediaError::Unsupported("there is no icon of this name".to_owned()))?;
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 48 48\">{ground}\
         <g transform=\"translate(9.6 9.6) scale(1.2)\" {}>{markup}</g></svg>",
        library::strokes("#fff")
    ))
}

/// The picture in a square of `side` pixels.
pub(crate) fn pixels(picture: &Picture, side: u32) -> Result<RgbaImage, MediaError> {
    if let Picture::Png(png) = picture {
        let image = raster::decode(png, ImageFormat::Png)?.into_rgba8();
        return Ok(raster::contain(&image, side));
    }
    let svg = vector(picture)?.unwrap_or_default();
    svg::draw(&svg, side)
}
