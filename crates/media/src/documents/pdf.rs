//! Images in a PDF.
//!
//! Taken are JPEGs and samples in gray, RGB, CMYK and palettes. JPEG 2000, JBIG2
//! and fax images are left out, and so is what is drawn rather than placed.

mod samples;

use std::collections::BTreeSet;

use image::{DynamicImage, RgbaImage, imageops};
use lopdf::{Dictionary, Document, Error, LoadOptions, Object, ObjectId, Stream};
use understudy_domain::ports::MediaError;

use super::found::Found;
use crate::{kind, protocol::Label, raster};

/// What a stream may unpack to.
const MAX_STREAM: usize = 64 * 1024 * 1024;
/// How deep drawings in drawings are looked into.
const MAX_DEPTH: u32 = 8;

/// Finds the images in a document.
pub(super) fn extract(document: &[u8], found: &mut Found) -> Result<(), MediaError> {
    let options = LoadOptions::with_max_decompressed_size(MAX_STREAM);
    let document =
        Document::load_mem_with_options(document, options).map_err(|error| refused(&error))?;
    if document.is_encrypted() {
        return Err(protected());
    }
    let pages = document.get_pages();
    if pages.is_empty() {
        return Err(MediaError::Invalid("the document has no pages".to_owned()));
    }
    let mut search = Search { document: &document, seen: BTreeSet::new(), found };
    for (number, page) in pages {
        search.page(number, page);
    }
    Ok(())
}

fn protected() -> MediaError {
    MediaError::Invalid("the document is protected by a password".to_owned())
}

fn refused(error: &Error) -> MediaError {
    match error {
        Error::InvalidPassword | Error::Decryption(_) | Error::UnsupportedSecurityHandler(_) => {
            protected()
        }
        _ => MediaError::Invalid("the document cannot be read; it is broken".to_owned()),
    }
}

struct Search<'a> {
    document: &'a Document,
    /// Images and drawings stand for themselves on the first page they are on.
    seen: BTreeSet<ObjectId>,
    found: &'a mut Found,
}

impl<'a> Search<'a> {
    fn page(&mut self, number: u32, page: ObjectId) {
        let Ok((own, inherited)) = self.document.get_page_resources(page) else { return };
        let inherited = inherited.into_iter();
        let inherited = inherited.filter_map(|id| self.document.get_dictionary(id).ok());
        let place = format!("page {number}");
        for resources in own.into_iter().chain(inherited).collect::<Vec<_>>() {
            self.resources(resources, &place, 0);
        }
    }

    fn resources(&mut self, resources: &'a Dictionary, place: &str, depth: u32) {
        let objects = resources.get_deref(b"XObject", self.document).and_then(Object::as_dict);
        let Ok(objects) = objects else { return };
        for (_, object) in objects {
            if self.found.is_full() {
                return;
            }
            let Ok((id, object)) = self.document.dereference(object) else { continue };
            let fresh = id.is_none_or(|id| self.seen.insert(id));
            let Ok(stream) = object.as_stream() else { continue };
            if fresh {
                self.object(stream, place, depth);
            }
        }
    }

    fn object(&mut self, stream: &'a Stream, place: &str, depth: u32) {
        match stream.dict.get_deref(b"Subtype", self.document).and_then(Object::as_name) {
            Ok(b"Image") => {
                if let Some((image, label)) = self.image(stream) {
                    self.found.add(&image, label, place);
                }
            }
            Ok(b"Form") if depth < MAX_DEPTH => {
                let resources = stream.dict.get_deref(b"Resources", self.document);
                if let Ok(resources) = resources.and_then(Object::as_dict) {
                    self.resources(resources, place, depth + 1);
                }
            }
            _ => {}
        }
    }

    /// An image and what it is best written as.
    fn image(&self, stream: &Stream) -> Option<(DynamicImage, Label)> {
        if matches!(stream.dict.get_deref(b"ImageMask", self.document), Ok(Object::Boolean(true))) {
            return None;
        }
        let (image, label) = self.opaque(stream)?;
        let mask = stream.dict.get_deref(b"SMask", self.document).and_then(Object::as_stream);
        let mask = mask.ok().and_then(|mask| self.opaque(mask));
        match mask {
            Some((mask, _)) => Some((with_mask(&image, &mask), Label::Png)),
            None => Some((image, label)),
        }
    }

    fn opaque(&self, stream: &Stream) -> Option<(DynamicImage, Label)> {
        if let Some(jpeg) = self.jpeg(stream) {
            let format = kind::raster(&jpeg)?;
            return Some((raster::decode(&jpeg, format).ok()?, Label::Jpeg));
        }
        Some((samples::image(self.document, stream)?, Label::Png))
    }

    /// The file inside of the stream, when the last of its filters is JPEG's.
    fn jpeg(&self, stream: &Stream) -> Option<Vec<u8>> {
        let filter = stream.dict.get_deref(b"Filter", self.document).ok()?;
        let mut filters = match filter {
            Object::Array(names) => names.clone(),
            name => vec![name.clone()],
        };
        let last = filters.pop()?;
        if !matches!(last.as_name(), Ok(b"DCTDecode" | b"DCT")) {
            return None;
        }
        if filters.is_empty() {
            return Some(stream.content.clone());
        }
        let mut before = Stream::new(Dictionary::new(), stream.content.clone());
        before.dict.set("Filter", filters);
        before.decompressed_content_with_limit(MAX_STREAM).ok()
    }
}

fn with_mask(image: &DynamicImage, mask: &DynamicImage) -> DynamicImage {
    let mut image: RgbaImage = image.to_rgba8();
    let mask = mask.to_luma8();
    let (width, height) = image.dimensions();
    let mask = imageops::resize(&mask, width, height, imageops::FilterType::Triangle);
    for (pixel, opacity) in image.pixels_mut().zip(mask.pixels()) {
        pixel.0[3] = opacity.0[0];
    }
    image.into()
}
