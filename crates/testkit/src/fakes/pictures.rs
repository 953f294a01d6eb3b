//! Pictures that nobody looks at.

use async_trait::async_trait;
use bytes::Bytes;
use understudy_domain::{
    Digest, icons,
    ports::{IconFiles, MediaError, Picture, Pictures, Raster},
};

/// What every PNG begins with.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Takes what begins like a PNG, JPEG, GIF or SVG, and gives bytes that begin like
/// what they are said to be and go on with a digest of what they were made of.
/// Whatever is asked twice is answered the same.
#[derive(Clone, Copy, Debug, Default)]
pub struct FakePictures;

impl FakePictures {
    /// Width and height of everything that keeps its size.
    pub const SIZE: (u32, u32) = (640, 480);
}

fn is_svg(picture: &[u8]) -> bool {
    picture.starts_with(b"<svg")
}

fn check(picture: &[u8]) -> Result<(), MediaError> {
    let is_raster = [PNG, b"\xff\xd8\xff", b"GIF8"].iter().any(|head| picture.starts_with(head));
    if is_raster || is_svg(picture) {
        return Ok(());
    }
    Err(MediaError::Unsupported("the file is no picture of a kind that is taken".to_owned()))
}

fn png(of: &str, bytes: &[u8]) -> Bytes {
    [PNG, format!("{of} of {}", Digest::of(bytes)).as_bytes()].concat().into()
}

fn svg(of: &str, bytes: &[u8]) -> Bytes {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\"><desc>{of} of {}</desc></svg>",
        Digest::of(bytes)
    )
    .into()
}

/// All that a picture says of itself.
fn text(picture: &Picture) -> Bytes {
    match picture {
        Picture::Png(bytes) => bytes.clone(),
        other => format!("{other:?}").into(),
    }
}

#[async_trait]
impl Pictures for FakePictures {
    async fn make_icon(&self, upload: Bytes) -> Result<IconFiles, MediaError> {
        check(&upload)?;
        let (width, height) = Self::SIZE;
        Ok(IconFiles {
            png: png("icon", &upload),
            svg: is_svg(&upload).then(|| svg("icon", &upload)),
            width,
            height,
            thumbnail: png("thumbnail", &upload),
        })
    }

    async fn reencode(
        &self,
        picture: Bytes,
        size: Option<(u32, u32)>,
    ) -> Result<Raster, MediaError> {
        check(&picture)?;
        let (width, height) = size.unwrap_or(Self::SIZE);
        Ok(Raster { png: png(&format!("{width}x{height}"), &picture), width, height })
    }

    async fn draw(&self, picture: &Picture, size: u32) -> Result<Bytes, MediaError> {
        Ok(png(&format!("{size}x{size}"), &text(picture)))
    }

    async fn favicon(&self, picture: &Picture) -> Result<Bytes, MediaError> {
        Ok([b"\0\0\x01\0\x03\0", &*png("favicon", &text(picture))].concat().into())
    }

    async fn vector(&self, picture: &Picture) -> Result<Option<Bytes>, MediaError> {
        let is_drawn_here = !matches!(picture, Picture::Png(_));
        Ok(is_drawn_here.then(|| svg("vector", &text(picture))))
    }

    fn library_icon(&self, name: &str) -> Option<Bytes> {
        icons::find(name).map(|name| svg(name, name.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_no_picture_is_refused() {
        let refused = FakePictures.make_icon(Bytes::from_static(b"Dear Ada")).await;

        assert!(matches!(refused, Err(MediaError::Unsupported(_))), "got {refused:?}");
    }

    #[tokio::test]
    async fn what_it_makes_it_takes_again() {
        let icon = FakePictures.make_icon(Bytes::from_static(b"<svg/>")).await.unwrap();
        let again = FakePictures.make_icon(icon.png.clone()).await.unwrap();

        assert!(FakePictures.make_icon(icon.svg.unwrap()).await.unwrap().svg.is_some());
        assert_eq!(again.svg, None);
        assert_ne!(again.png, icon.png);
    }

    #[test]
    fn icons_of_the_library_are_known_by_name() {
        assert!(FakePictures.library_icon(icons::DEFAULT).is_some());
        assert_eq!(FakePictures.library_icon("no-such-icon"), None);
    }
}
