//! Pictures that are drawn here.

use bytes::Bytes;
use understudy_domain::{
    avatars, icons,
    ports::{MediaError, Picture, Pictures},
};
use understudy_media::{Media, MediaOptions};

use crate::{data, pixels};

fn media() -> Media {
    Media::new(MediaOptions::default())
}

fn icon(tint: &str) -> Picture {
    Picture::Icon { name: "bot".to_owned(), tint: tint.to_owned() }
}

#[tokio::test]
async fn every_picture_is_drawn_as_a_square_of_the_size_asked_for() {
    let media = media();
    for picture in [
        Picture::Png(data("profile.png")),
        icon("asst_1"),
        Picture::Emoji("👩🏽‍🚀".to_owned()),
        Picture::Avatar("avt_support_green".to_owned()),
    ] {
        for size in [16, 33, 512, 1024] {
            let png = media.draw(&picture, size).await.unwrap();
            let image = pixels(&png);
            assert_eq!(image.dimensions(), (size, size), "{picture:?}");
            let colours: std::collections::BTreeSet<_> = image.pixels().map(|p| p.0).collect();
            assert!(colours.len() > 3, "{picture:?} at {size} shows something");
        }
    }
}

#[tokio::test]
async fn drawing_gives_the_same_bytes_every_time() {
    for picture in [icon("asst_1"), Picture::Emoji("😀".to_owned())] {
        let first = media().draw(&picture, 64).await.unwrap();
        assert_eq!(first, media().draw(&picture, 64).await.unwrap());
    }
    let media = media();
    let first = media.draw(&icon("asst_1"), 64).await.unwrap();
    let again = media.draw(&icon("asst_1"), 64).await.unwrap();
    assert_eq!(first.as_ptr(), again.as_ptr(), "the second is the first, kept");
}

#[tokio::test]
async fn the_ground_of_an_icon_depends_on_whose_it_is() {
    let media = media();
    let mut grounds = std::collections::BTreeSet::new();
    for tint in 0..40 {
        let png = media.draw(&icon(&format!("asst_{tint}")), 48).await.unwrap();
        grounds.insert(pixels(&png).get_pixel(24, 3).0);
    }
    assert!(grounds.len() > 5, "{grounds:?}");
}

#[tokio::test]
async fn an_avatar_stands_on_its_colour() {
    let png = media().draw(&Picture::Avatar("avt_support_green".to_owned()), 96).await.unwrap();
    let image = pixels(&png);
    assert_eq!(image.get_pixel(48, 4).0, [0x15, 0x80, 0x3d, 255]);
    assert_eq!(image.get_pixel(0, 0).0[3], 0, "it is round");
}

#[tokio::test]
async fn what_there_is_none_of_is_not_drawn() {
    let media = media();
    for picture in [
        Picture::Icon { name: "no-such".to_owned(), tint: String::new() },
        Picture::Emoji("ab".to_owned()),
        Picture::Avatar("avt_none".to_owned()),
    ] {
        let drawn = media.draw(&picture, 64).await;
        assert!(matches!(drawn, Err(MediaError::Unsupported(_))), "{drawn:?}");
    }
    for size in [0, 15, 1025] {
        assert!(matches!(media.draw(&icon("a"), size).await, Err(MediaError::Invalid(_))));
    }
}

#[tokio::test]
async fn a_favicon_has_three_sizes() {
    let media = media();
    for picture in [icon("asst_1"), Picture::Png(data("profile.png"))] {
        let ico = media.favicon(&picture).await.unwrap();
        assert_eq!(&ico[..6], [0, 0, 1, 0, 3, 0]);
        let sides: Vec<(u8, u8)> = (0..3).map(|n| (ico[6 + 16 * n], ico[7 + 16 * n])).collect();
        assert_eq!(sides, [(16, 16), (32, 32), (48, 48)]);
        for (entry, side) in sides.into_iter().enumerate() {
            let field = |at: usize| {
                let at = 6 + 16 * entry + at;
                usize::try_from(u32::from_le_bytes(ico[at..at + 4].try_into().unwrap())).unwrap()
            };
            let png = &ico[field(12)..field(12) + field(8)];
            assert_eq!(pixels(png).width(), u32::from(side.0));
        }
    }
}

#[tokio::test]
async fn ours_are_svg_and_uploads_are_not() {
    let media = media();
    for picture in [icon("a"), Picture::Emoji("❤️".to_owned())] {
        let svg = media.vector(&picture).await.unwrap().unwrap();
        assert!(svg.starts_with(b"<svg xmlns="));
    }
    assert_eq!(media.vector(&Picture::Png(Bytes::new())).await.unwrap(), None);
}

#[tokio::test]
async fn every_icon_and_avatar_of_the_libraries_is_drawn() {
    let media = media();
    for name in icons::all() {
        let svg = media.library_icon(name).unwrap();
        let text = std::str::from_utf8(&svg).unwrap();
        let tree = usvg::Tree::from_str(text, &usvg::Options::default()).unwrap();
        assert!(tree.root().has_children(), "{name} shows something");
    }
    assert!(avatars::all().len() >= 24 * 8);
    for avatar in avatars::all() {
        assert!(media.vector(&Picture::Avatar(avatar.id.clone())).await.unwrap().is_some());
    }
    assert_eq!(media.library_icon("no-such"), None);
}
