//! Images in documents that other software wrote, and in hostile ones.

use std::io::{Cursor, Write};

use async_trait::async_trait;
use bytes::Bytes;
use understudy_domain::ports::{
    BlobError, BlobReader, BlobResult, Documents, FoundImage, MediaError,
};
use understudy_media::{Media, MediaOptions};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::{confined, data};

const PDF: &str = "application/pdf";
const DOCX: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
const PPTX: &str = "application/vnd.openxmlformats-officedocument.presentationml.presentation";
const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const EPUB: &str = "application/epub+zip";

/// Hands bytes out in small pieces.
struct Pieces(Bytes);

#[async_trait]
impl BlobReader for Pieces {
    async fn next(&mut self) -> BlobResult<Option<Bytes>> {
        let most = self.0.len().min(1_000);
        Ok((most > 0).then(|| self.0.split_to(most)))
    }
}

async fn images(media_type: &str, document: Bytes) -> Result<Vec<FoundImage>, MediaError> {
    let size = u64::try_from(document.len()).unwrap();
    confined().images(media_type, size, Box::new(Pieces(document))).await
}

/// What was found, in short.
fn summary(images: &[FoundImage]) -> Vec<(&str, &str, u32, u32)> {
    images.iter().map(|i| (i.place.as_str(), i.content_type, i.width, i.height)).collect()
}

#[tokio::test]
async fn images_are_found_in_documents_of_every_kind() {
    let photo = ("image/jpeg", 64, 48);
    let logo = ("image/png", 40, 20);
    for (name, media_type, expected) in [
        (
            "python-docx.docx",
            DOCX,
            vec![("word/media/image1.png", logo), ("word/media/image2.jpg", photo)],
        ),
        (
            "python-pptx.pptx",
            PPTX,
            vec![("ppt/media/image1.jpg", photo), ("ppt/media/image2.png", logo)],
        ),
        (
            "openpyxl.xlsx",
            XLSX,
            vec![("xl/media/image1.png", logo), ("xl/media/image2.jpeg", photo)],
        ),
        ("ebooklib.epub", EPUB, vec![("EPUB/cover.jpg", photo), ("EPUB/img/l.png", logo)]),
        ("reportlab.pdf", PDF, vec![("page 2", photo), ("page 3", logo)]),
    ] {
        let found = images(media_type, data(name)).await.unwrap();
        let expected: Vec<_> = expected.into_iter().map(|(p, (t, w, h))| (p, t, w, h)).collect();
        assert_eq!(summary(&found), expected, "{name}");
        for image in &found {
            let decoded = image::load_from_memory(&image.bytes).unwrap();
            assert_eq!((decoded.width(), decoded.height()), (image.width, image.height));
        }
    }
}

#[tokio::test]
async fn an_image_with_a_mask_is_transparent() {
    let found = images(PDF, data("reportlab.pdf")).await.unwrap();
    let logo = image::load_from_memory(&found[1].bytes).unwrap().into_rgba8();
    assert_eq!(logo.get_pixel(39, 0).0[3], 0);
    let middle = logo.get_pixel(16, 10).0;
    assert_eq!(middle, [200, 30, 30, 255]);
}

#[tokio::test]
async fn gray_palettes_and_inks_of_a_pdf_are_read_and_fax_is_left_out() {
    let found = images(PDF, data("pillow.pdf")).await.unwrap();
    let places: Vec<_> = found.iter().map(|image| image.place.as_str()).collect();
    assert_eq!(places, ["page 1", "page 2", "page 4"]);
    let inks = image::load_from_memory(&found[2].bytes).unwrap().into_rgb8();
    let red = inks.get_pixel(10, 10).0;
    assert!(red[0] > 180 && red[1] < 70 && red[2] < 70, "{red:?}");
}

#[tokio::test]
async fn other_documents_are_not_taken() {
    for media_type in ["text/plain", "application/msword", "application/zip", ""] {
        let outcome = images(media_type, Bytes::new()).await;
        assert!(matches!(outcome, Err(MediaError::Unsupported(_))), "{media_type}: {outcome:?}");
    }
}

#[tokio::test]
async fn without_a_worker_documents_are_not_read_at_all() {
    let media = Media::new(MediaOptions::default());
    let outcome = media.images(PDF, 1, Box::new(Pieces(Bytes::from_static(b"x")))).await;
    assert!(matches!(outcome, Err(MediaError::Unavailable(_))), "{outcome:?}");
}

#[tokio::test]
async fn a_document_of_more_than_100_mib_is_refused_unread() {
    struct Unread;
    #[async_trait]
    impl BlobReader for Unread {
        async fn next(&mut self) -> BlobResult<Option<Bytes>> {
            panic!("nobody reads it");
        }
    }
    let outcome = confined().images(PDF, 100 * 1024 * 1024 + 1, Box::new(Unread)).await;
    let Err(MediaError::TooLarge(why)) = outcome else { panic!("{outcome:?}") };
    assert!(why.contains("100 MiB"), "{why}");
}

#[tokio::test]
async fn a_store_that_fails_is_no_fault_of_the_document() {
    struct Failing;
    #[async_trait]
    impl BlobReader for Failing {
        async fn next(&mut self) -> BlobResult<Option<Bytes>> {
            Err(BlobError::NotFound)
        }
    }
    let outcome = confined().images(PDF, 5, Box::new(Failing)).await;
    assert!(matches!(outcome, Err(MediaError::Unavailable(_))), "{outcome:?}");
}

#[tokio::test]
async fn a_password_is_told_of() {
    let outcome = images(PDF, data("password.pdf")).await;
    let Err(MediaError::Invalid(why)) = outcome else { panic!("{outcome:?}") };
    assert!(why.contains("password"), "{why}");
    let old = Bytes::from_static(&[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]);
    let outcome = images(DOCX, old).await;
    let Err(MediaError::Invalid(why)) = outcome else { panic!("{outcome:?}") };
    assert!(why.contains("password"), "{why}");
}

#[tokio::test]
async fn broken_documents_are_refused() {
    let half = |name: &str| data(name).slice(..data(name).len() / 2);
    for (name, media_type, document) in [
        ("nothing", PDF, Bytes::new()),
        ("nothing", DOCX, Bytes::new()),
        ("a PDF that is none", PDF, Bytes::from_static(b"%PDF-1.7\nhello")),
        ("half a DOCX", DOCX, half("python-docx.docx")),
        ("half an EPUB", EPUB, half("ebooklib.epub")),
        ("a DOCX called XLSX", XLSX, data("python-docx.docx")),
        ("a PDF called DOCX", DOCX, data("reportlab.pdf")),
        ("a DOCX called PDF", PDF, data("python-docx.docx")),
    ] {
        let outcome = images(media_type, document).await;
        assert!(matches!(outcome, Err(MediaError::Invalid(_))), "{name}: {outcome:?}");
    }
}

#[tokio::test]
async fn a_pdf_that_breaks_its_reader_breaks_nothing_else() {
    for document in [
        nested_arrays(200_000),
        nested_dictionaries(200_000),
        circular_pages(),
        deep_pages(5_000),
        recursive_forms(),
    ] {
        let outcome = images(PDF, document.into()).await;
        let held = match &outcome {
            Ok(found) => found.is_empty(),
            Err(MediaError::Invalid(_) | MediaError::TooCostly) => true,
            Err(_) => false,
        };
        assert!(held, "{outcome:?}");
    }
}

#[tokio::test]
async fn archives_are_read_within_their_limits() {
    let bomb = archive(&[("word/media/image1.png", &vec![0; 150 * 1024 * 1024])]);
    let outcome = images(DOCX, bomb.into()).await;
    assert!(matches!(outcome, Err(MediaError::TooLarge(_))), "{outcome:?}");

    let many: Vec<_> = (0..1_000).map(|n| format!("word/media/image{n}.png")).collect();
    let many: Vec<_> = many.iter().map(|name| (name.as_str(), &b"x"[..])).collect();
    let outcome = images(DOCX, archive(&many).into()).await;
    assert!(matches!(outcome, Err(MediaError::TooLarge(_))), "{outcome:?}");

    let photo = data("photo.jpg");
    let names: Vec<_> = (0..300).map(|n| format!("word/media/image{n}.jpg")).collect();
    let all: Vec<_> = names.iter().map(|name| (name.as_str(), &photo[..])).collect();
    let found = images(DOCX, archive(&all).into()).await.unwrap();
    assert_eq!(found.len(), 200);
}

#[tokio::test]
async fn names_lead_nowhere_and_what_is_no_picture_is_left_out() {
    let photo = data("photo.jpg");
    let inner = archive(&[("word/media/image1.jpg", &photo)]);
    let document = archive(&[
        ("../../etc/evil.jpg", &photo),
        ("/word/media/absolute.jpg", &photo),
        ("word/media/../../../up.jpg", &photo),
        ("word/media/inner.zip", &inner),
        ("word/media/inner.jpg", &inner),
        ("word/media/drawing.emf", b"\x01\x00\x00\x00"),
        ("word/media/active.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("word/media/broken.png", b"\x89PNG\r\n\x1a\n"),
        ("word/media/text.png", b"hello"),
    ]);
    let found = images(DOCX, document.into()).await.unwrap();
    assert_eq!(summary(&found), [("word/media/../../../up.jpg", "image/jpeg", 64, 48)]);
}

#[tokio::test]
async fn sizes_that_lie_are_not_believed() {
    let photo = data("photo.jpg");
    let mut document = archive(&[("word/media/image1.jpg", &photo)]);
    // The central directory says that everything is 4 GiB once unpacked, and
    // then that it is a byte.
    for size in [u32::MAX - 1, 1] {
        let mut at = 0;
        while let Some(found) = document[at..].windows(4).position(|w| w == b"PK\x01\x02") {
            at += found + 4;
            document[at + 20..at + 24].copy_from_slice(&size.to_le_bytes());
        }
        match images(DOCX, document.clone().into()).await {
            Ok(found) => assert!(found.len() <= 1),
            Err(error) => assert!(matches!(error, MediaError::Invalid(_)), "{error:?}"),
        }
    }
}

/// A document with these parts beside the one that makes it a DOCX.
fn archive(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    zip.start_file("word/document.xml", options).unwrap();
    for (name, bytes) in parts {
        zip.start_file(*name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A PDF of these objects, the first of which is the catalogue.
fn pdf(objects: &[String]) -> Vec<u8> {
    let mut file = b"%PDF-1.7\n".to_vec();
    let mut offsets = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        offsets.push(file.len());
        file.extend(format!("{} 0 obj\n{object}\nendobj\n", index + 1).bytes());
    }
    let start = file.len();
    file.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).bytes());
    for offset in offsets {
        file.extend(format!("{offset:010} 00000 n \n").bytes());
    }
    let size = objects.len() + 1;
    file.extend(
        format!("trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n").bytes(),
    );
    file
}

const CATALOGUE: &str = "<< /Type /Catalog /Pages 2 0 R >>";

fn nested_arrays(levels: usize) -> Vec<u8> {
    let nested = format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    pdf(&[CATALOGUE.to_owned(), "<< /Type /Pages /Kids [] /Count 0 >>".to_owned(), nested])
}

fn nested_dictionaries(levels: usize) -> Vec<u8> {
    let nested = format!("{}{}", "<</A".repeat(levels), ">>".repeat(levels));
    pdf(&[CATALOGUE.to_owned(), "<< /Type /Pages /Kids [] /Count 0 >>".to_owned(), nested])
}

fn circular_pages() -> Vec<u8> {
    pdf(&[
        CATALOGUE.to_owned(),
        "<< /Type /Pages /Kids [2 0 R 3 0 R] /Count 2 /Parent 2 0 R >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /Resources 3 0 R /XObject 3 0 R >>".to_owned(),
    ])
}

fn deep_pages(levels: usize) -> Vec<u8> {
    let mut objects = vec![CATALOGUE.to_owned()];
    for level in 2..levels + 2 {
        objects.push(format!(
            "<< /Type /Pages /Kids [{} 0 R] /Count 1 /Parent {} 0 R >>",
            level + 1,
            level - 1
        ));
    }
    objects.push(format!("<< /Type /Page /Parent {} 0 R >>", levels + 1));
    pdf(&objects)
}

fn recursive_forms() -> Vec<u8> {
    let form = "<< /Subtype /Form /Length 0 /Resources << /XObject << /A 4 0 R /B 5 0 R >> >> >>\nstream\n\nendstream";
    pdf(&[
        CATALOGUE.to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /Resources << /XObject << /A 4 0 R >> >> >>".to_owned(),
        form.to_owned(),
        form.to_owned(),
    ])
}
