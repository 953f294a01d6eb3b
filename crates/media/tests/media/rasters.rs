//! Pictures made of pixels.

use bytes::Bytes;
use understudy_domain::ports::{MediaError, Pictures};
use understudy_media::{Media, MediaOptions};

use crate::{chunks, confined, data, pixels};

#[tokio::test]
async fn every_format_becomes_a_png_of_pixels_alone() {
    let media = confined();
    for (name, size) in [
        ("profile.png", (40, 20)),
        ("palette.png", (64, 48)),
        ("gray16.png", (20, 10)),
        ("photo.jpg", (64, 48)),
        ("cmyk.jpg", (30, 20)),
        ("photo.webp", (64, 48)),
        ("animated.gif", (24, 16)),
    ] {
        let icon = media.make_icon(data(name)).await.unwrap_or_else(|e| panic!("{name}: {e:?}"));
        assert_eq!((icon.width, icon.height), size, "{name}");
        assert_eq!(pixels(&icon.png).dimensions(), size, "{name}");
        assert!(icon.svg.is_none(), "{name}");
        for png in [&icon.png, &icon.thumbnail] {
            let mut names = chunks(png);
            names.dedup();
            assert_eq!(names, ["IHDR", "IDAT", "IEND"], "{name}");
        }
        for secret in ["Secret", "Exif", "GPS", "ICC"] {
            assert!(!icon.png.windows(secret.len()).any(|w| w == secret.as_bytes()), "{name}");
        }
    }
}

#[tokio::test]
async fn a_picture_is_turned_as_its_camera_says_and_forgets_the_camera() {
    let icon = confined().make_icon(data("rotated.jpg")).await.unwrap();
    assert_eq!((icon.width, icon.height), (40, 60));
    let image = pixels(&icon.png);
    let (top, bottom) = (image.get_pixel(20, 5).0, image.get_pixel(20, 55).0);
    assert!(top[0] > 200 && top[2] < 60, "{top:?}");
    assert!(bottom[2] > 200 && bottom[0] < 60, "{bottom:?}");
}

#[tokio::test]
async fn the_colours_of_inks_are_kept() {
    let icon = confined().make_icon(data("cmyk.jpg")).await.unwrap();
    let pixel = pixels(&icon.png).get_pixel(10, 10).0;
    assert!(pixel[0] > 180 && pixel[1] < 70 && pixel[2] < 70, "{pixel:?}");
}

#[tokio::test]
async fn a_large_picture_is_scaled_down_and_its_thumbnail_further() {
    let large = image::RgbImage::from_fn(3000, 1500, |x, y| {
        image::Rgb([u8::try_from(x % 256).unwrap(), u8::try_from(y % 256).unwrap(), 0])
    });
    let icon = confined().make_icon(png(&large.into())).await.unwrap();
    assert_eq!((icon.width, icon.height), (1024, 512));
    assert_eq!(pixels(&icon.thumbnail).dimensions(), (96, 48));
}

#[tokio::test]
async fn both_ways_of_working_give_the_same_bytes() {
    let here = Media::new(MediaOptions::default());
    for name in ["profile.png", "rotated.jpg", "animated.gif", "photo.webp"] {
        let icon = here.make_icon(data(name)).await.unwrap();
        assert_eq!(icon, confined().make_icon(data(name)).await.unwrap(), "{name}");
    }
}

#[tokio::test]
async fn reencoding_covers_the_size_that_is_asked_for() {
    let media = confined();
    let whole = media.reencode(data("photo.jpg"), None).await.unwrap();
    assert_eq!((whole.width, whole.height), (64, 48));
    let cut = media.reencode(data("photo.webp"), Some((30, 60))).await.unwrap();
    assert_eq!((cut.width, cut.height), (30, 60));
    assert_eq!(pixels(&cut.png).dimensions(), (30, 60));
    let svg = media.reencode(Bytes::from_static(b"<svg/>"), None).await;
    assert!(matches!(svg, Err(MediaError::Unsupported(_))), "{svg:?}");
    let huge = media.reencode(data("photo.jpg"), Some((8192, 8192))).await;
    assert!(matches!(huge, Err(MediaError::TooLarge(_))), "{huge:?}");
}

/// What is expected of a hostile file.
enum Expected {
    Invalid,
    TooLarge,
    Unsupported,
    Drawn,
}

#[tokio::test]
async fn hostile_files_are_refused_with_a_reason_or_drawn_as_what_they_are() {
    use Expected::{Drawn, Invalid, TooLarge, Unsupported};

    let media = confined();
    let cases: Vec<(&str, Vec<u8>, Expected)> = vec![
        ("empty", Vec::new(), Invalid),
        ("one byte", vec![0x89], Unsupported),
        ("the beginning of a PNG", data("profile.png")[..8].to_vec(), Invalid),
        ("half a PNG", half("profile.png"), Invalid),
        ("half a WebP", half("photo.webp"), Invalid),
        ("the beginning of a GIF", data("animated.gif")[..13].to_vec(), Invalid),
        ("the beginning of a JPEG", data("photo.jpg")[..20].to_vec(), Invalid),
        ("a PNG of 65,535 a side", lying(65_535, 65_535), TooLarge),
        ("a PNG of 1 by a billion", lying(1, 1_000_000_000), TooLarge),
        ("a PNG of a billion by 1", lying(1_000_000_000, 1), TooLarge),
        ("a PNG of 2^31 - 1 a side", lying(0x7fff_ffff, 0x7fff_ffff), TooLarge),
        ("a PNG of 8,192 a side", lying(8_192, 8_192), TooLarge),
        ("a PNG of no pixels", lying(0, 0), Invalid),
        ("a PNG that says it is larger", lying(400, 400), Invalid),
        ("a GIF of 65,535 a side", large_gif(), TooLarge),
        ("a JPEG of 65,535 a side", large_jpeg(), TooLarge),
        ("a PNG with a page behind it", behind("profile.png", b"<script>alert(1)</script>"), Drawn),
        ("a PNG with an archive behind it", behind("profile.png", b"PK\x03\x04evil"), Drawn),
        ("a GIF that is a script", behind("animated.gif", b"*/=1;alert(1)"), Drawn),
        ("a JPEG with a page behind it", behind("photo.jpg", b"<html><script>"), Drawn),
        ("a PDF", b"%PDF-1.7\n".to_vec(), Unsupported),
        ("an archive", b"PK\x03\x04".to_vec(), Unsupported),
        ("a page", b"<!DOCTYPE html><html></html>".to_vec(), Unsupported),
        ("a page called svg", b"<html><svg/></html>".to_vec(), Unsupported),
        ("a BMP", b"BM\x00\x00\x00\x00".to_vec(), Unsupported),
        ("a TIFF", b"II*\x00".to_vec(), Unsupported),
        ("an ICO", vec![0, 0, 1, 0, 1, 0], Unsupported),
        ("an AVIF", b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00".to_vec(), Unsupported),
        ("too many bytes", vec![b'<'; 5 * 1024 * 1024 + 1], TooLarge),
    ];
    for (name, bytes, expected) in cases {
        let outcome = media.make_icon(bytes.into()).await;
        let held = match expected {
            Invalid => matches!(outcome, Err(MediaError::Invalid(_))),
            TooLarge => matches!(outcome, Err(MediaError::TooLarge(_))),
            Unsupported => matches!(outcome, Err(MediaError::Unsupported(_))),
            Drawn => outcome.as_ref().is_ok_and(|icon| !holds_text(&icon.png)),
        };
        assert!(held, "{name}: {outcome:?}");
    }
}

#[tokio::test]
async fn of_ten_thousand_frames_the_first_is_drawn() {
    let gif = data("animated.gif");
    // What is between the palette and the trailer, again and again.
    let start = gif.windows(2).position(|w| w == [0x21, 0xf9]).unwrap();
    let frame = &gif[start..gif.len() - 1];
    let mut bytes = gif[..start].to_vec();
    for _ in 0..2_500 {
        bytes.extend_from_slice(frame);
    }
    bytes.push(0x3b);
    let icon = confined().make_icon(bytes.into()).await.unwrap();
    assert_eq!(icon, confined().make_icon(gif).await.unwrap());
}

#[tokio::test]
async fn what_is_not_taken_is_told_what_is() {
    let avif = Bytes::from_static(b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00");
    let error = confined().make_icon(avif).await.unwrap_err().to_string();
    assert!(error.contains("PNG, JPEG, GIF, WebP or SVG"), "{error}");
    assert!(error.contains("AVIF"), "{error}");
}

fn png(image: &image::DynamicImage) -> Bytes {
    let mut png = std::io::Cursor::new(Vec::new());
    image.write_to(&mut png, image::ImageFormat::Png).unwrap();
    png.into_inner().into()
}

fn half(name: &str) -> Vec<u8> {
    let bytes = data(name);
    bytes[..bytes.len() / 2].to_vec()
}

fn behind(name: &str, what: &[u8]) -> Vec<u8> {
    [&data(name), what].concat()
}

fn holds_text(png: &[u8]) -> bool {
    [&b"alert"[..], b"script", b"PK\x03\x04"].iter().any(|t| png.windows(t.len()).any(|w| w == *t))
}

/// A small PNG whose header says another size.
fn lying(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = data("profile.png").to_vec();
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let checksum = crc32fast::hash(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&checksum.to_be_bytes());
    bytes
}

fn large_gif() -> Vec<u8> {
    let mut bytes = data("animated.gif").to_vec();
    bytes[6..10].fill(0xff);
    bytes
}

fn large_jpeg() -> Vec<u8> {
    let mut bytes = data("photo.jpg").to_vec();
    let frame = bytes.windows(2).position(|w| w == [0xff, 0xc0]).unwrap();
    bytes[frame + 5..frame + 9].fill(0xff);
    bytes
}
