//! What a file is, told by its first bytes.

use image::ImageFormat;
use understudy_domain::ports::MediaError;

/// A kind of picture that is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Raster(ImageFormat),
    Svg,
}

const TAKEN: &str = "a picture must be a PNG, JPEG, GIF, WebP or SVG";

/// Tells the kind of a picture; what it calls itself does not count.
pub(crate) fn tell(bytes: &[u8]) -> Result<Kind, MediaError> {
    if bytes.is_empty() {
        return Err(MediaError::Invalid("the picture is empty".to_owned()));
    }
    if let Some(format) = raster(bytes) {
        return Ok(Kind::Raster(format));
    }
    if bytes.starts_with(&[0x1f, 0x8b]) {
        return refuse("this is compressed; an SVG must be uncompressed");
    }
    if bytes.get(4..8) == Some(b"ftyp") {
        return refuse("AVIF, HEIC and videos are not taken");
    }
    if is_utf16(bytes) {
        return refuse("this is text in UTF-16; an SVG must be in UTF-8");
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if is_svg(text) => Ok(Kind::Svg),
        _ => Err(MediaError::Unsupported(TAKEN.to_owned())),
    }
}

/// The kind of a picture made of pixels.
pub(crate) fn raster(bytes: &[u8]) -> Option<ImageFormat> {
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some(ImageFormat::Png)
    } else if bytes.starts_with(&[0xff, 0xd8, 0xff]) {
        Some(ImageFormat::Jpeg)
    } else if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") {
        Some(ImageFormat::Gif)
    } else if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        Some(ImageFormat::WebP)
    } else {
        None
    }
}

fn refuse(why: &str) -> Result<Kind, MediaError> {
    Err(MediaError::Unsupported(format!("{TAKEN}; {why}")))
}

fn is_utf16(bytes: &[u8]) -> bool {
    [[0xff, 0xfe], [0xfe, 0xff], [b'<', 0], [0, b'<']].iter().any(|start| bytes.starts_with(start))
}

/// Whether the first element is called `svg`, with whatever prefix.
fn is_svg(text: &str) -> bool {
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text).trim_start();
    loop {
        let skipped = if let Some(comment) = rest.strip_prefix("<!--") {
            comment.split_once("-->")
        } else if let Some(instruction) = rest.strip_prefix("<?") {
            instruction.split_once("?>")
        } else if rest.starts_with("<!") {
            // A document type. Whether it ends here or within itself, what
            // comes is refused as SVG with a reason, or is no picture.
            return rest.to_ascii_lowercase().contains("svg");
        } else {
            break;
        };
        match skipped {
            Some((_, behind)) => rest = behind.trim_start(),
            None => return false,
        }
    }
    let Some(element) = rest.strip_prefix('<') else { return false };
    let name = element.split(|c: char| c.is_whitespace() || c == '>' || c == '/').next();
    name.is_some_and(|name| name.rsplit(':').next() == Some("svg"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_svg_is_told_behind_a_mark_a_prolog_and_comments() {
        for text in [
            "<svg/>",
            "\u{feff}<svg xmlns='http://www.w3.org/2000/svg'/>",
            "  <?xml version='1.0'?><!-- a --><!-- <html> --><svg>",
            "<s:svg xmlns:s='http://www.w3.org/2000/svg'/>",
        ] {
            assert_eq!(tell(text.as_bytes()).unwrap(), Kind::Svg, "{text}");
        }
    }

    #[test]
    fn other_text_is_no_picture() {
        for text in ["<html><svg/></html>", "svg", "<!-- <svg> ", "<svgx/>", "MZ"] {
            let refused = tell(text.as_bytes());
            assert!(matches!(refused, Err(MediaError::Unsupported(_))), "{text}");
        }
    }
}
