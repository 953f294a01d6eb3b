//! Documents that are made of words.

use async_trait::async_trait;
use understudy_domain::{
    media_type::OCTET_STREAM,
    ports::{BlobReader, Documents, FoundImage, MediaError},
};

/// Finds as many images as the document tells: `%PDF with 3 images` has three. A
/// document that tells none is broken.
#[derive(Clone, Copy, Debug, Default)]
pub struct FakeDocuments;

fn told(document: &[u8]) -> Option<u32> {
    let text = String::from_utf8_lossy(document);
    let mut words = text.split_whitespace().rev();
    let count = words.by_ref().find(|word| word.starts_with("image")).and(words.next())?;
    count.parse().ok()
}

fn found(n: u32) -> FoundImage {
    FoundImage {
        content_type: "image/png",
        bytes: format!("\u{89}PNG image {n}").into_bytes().into(),
        width: 10 * n,
        height: 20 * n,
        place: format!("page {n}"),
    }
}

#[async_trait]
impl Documents for FakeDocuments {
    async fn images(
        &self,
        media_type: &str,
        size: u64,
        mut document: Box<dyn BlobReader>,
    ) -> Result<Vec<FoundImage>, MediaError> {
        if media_type.starts_with("text/") || media_type == OCTET_STREAM {
            return Err(MediaError::Unsupported(format!("{media_type} is no document")));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) =
            document.next().await.map_err(|error| MediaError::Unavailable(error.into()))?
        {
            bytes.extend_from_slice(&chunk);
        }
        if u64::try_from(bytes.len()) != Ok(size) {
            return Err(MediaError::Invalid("the document has another size".to_owned()));
        }
        let count = told(&bytes);
        let count =
            count.ok_or_else(|| MediaError::Invalid("the document is broken".to_owned()))?;
        Ok((1..=count).map(found).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_tells_how_many_images_it_has() {
        assert_eq!(told(b"%PDF with 3 images"), Some(3));
        assert_eq!(told(b"%PDF with no images"), None);
        assert_eq!(told(b"%PDF"), None);
    }
}
