//! SVG: an upload reduced to static shapes, and drawing.

mod cost;
mod gate;
mod shapes;

use image::RgbaImage;
use resvg::tiny_skia::{IntSize, Pixmap, Transform};
use understudy_domain::ports::MediaError;
use usvg::{ImageHrefResolver, Options, Size, Tree, WriteOptions};

pub(crate) use shapes::verify;

/// No side of the PNG of an SVG is longer.
const MAX_SIDE: f32 = 1_024.0;
/// The longer side of the PNG is at least this.
const MIN_SIDE: f32 = 512.0;
/// The sizes, in its own units, that a drawing may have.
const SIZES: std::ops::RangeInclusive<f32> = 0.01..=1_000_000.0;

/// What was made of an upload.
pub(crate) struct Made {
    /// Its static shapes.
    pub(crate) svg: String,
    /// Its pixels.
    pub(crate) image: RgbaImage,
}

/// Reduces an upload to its static shapes and draws them.
pub(crate) fn make(bytes: &[u8]) -> Result<Made, MediaError> {
    let text = gate::text(bytes)?;
    let document = gate::open(text)?;
    let tree = Tree::from_xmltree(&document, &options()).map_err(|error| refused(&error))?;
    let size = tree.size();
    if !SIZES.contains(&size.width()) || !SIZES.contains(&size.height()) {
        return Err(MediaError::Invalid("the SVG has no usable width and height".to_owned()));
    }
    let written = tree.to_string(&WriteOptions {
        indent: usvg::Indent::None,
        attributes_indent: usvg::Indent::None,
        ..WriteOptions::default()
    });
    let svg = shapes::rewrite(&written)?;
    verify(&svg)?;
    // What is shown is drawn from what is served.
    let tree = parse(&svg)?;
    let longest = size.width().max(size.height()).clamp(MIN_SIDE, MAX_SIDE);
    let target = Size::from_wh(longest, longest).map(|square| size.scale_to(square));
    let target = target.unwrap_or(size).to_int_size();
    Ok(Made { image: render(&tree, target.width(), target.height())?, svg })
}

/// Draws an SVG of ours in a square of `side` pixels.
pub(crate) fn draw(svg: &[u8], side: u32) -> Result<RgbaImage, MediaError> {
    let text =
        std::str::from_utf8(svg).map_err(|error| MediaError::Unavailable(Box::new(error)))?;
    render(&parse(text)?, side, side)
}

fn parse(svg: &str) -> Result<Tree, MediaError> {
    Tree::from_str(svg, &options()).map_err(|error| refused(&error))
}

/// Nothing but the text itself is read: by default, files would be.
fn options() -> Options<'static> {
    Options {
        resources_dir: None,
        image_href_resolver: ImageHrefResolver {
            resolve_data: Box::new(|_, _, _| None),
            resolve_string: Box::new(|_, _| None),
        },
        ..Options::default()
    }
}

fn render(tree: &Tree, width: u32, height: u32) -> Result<RgbaImage, MediaError> {
    let mut pixmap = Pixmap::new(width, height).ok_or(MediaError::TooCostly)?;
    let target = IntSize::from_wh(width, height).ok_or(MediaError::TooCostly)?.to_size();
    let (x, y) = (target.width() / tree.size().width(), target.height() / tree.size().height());
    resvg::render(tree, Transform::from_scale(x, y), &mut pixmap.as_mut());
    RgbaImage::from_raw(width, height, pixmap.take_demultiplied()).ok_or(MediaError::TooCostly)
}

fn refused(error: &usvg::Error) -> MediaError {
    match error {
        usvg::Error::ElementsLimitReached => MediaError::TooCostly,
        usvg::Error::InvalidSize => {
            MediaError::Invalid("the SVG has no usable width and height".to_owned())
        }
        other => MediaError::Invalid(format!("the SVG cannot be read: {other}")),
    }
}
