use png::Decoder;
use understudy_domain::ports::ImageLook;

use super::*;

async fn drawn(prompt: &str, width: u32, height: u32) -> Vec<u8> {
    let request = ImageRequest {
        prompt: prompt.to_owned(),
        model: None,
        width,
        height,
        look: ImageLook::default(),
    };
    draw(&request).await.unwrap().bytes.to_vec()
}

fn size(png: &[u8]) -> (u32, u32) {
    let mut reader = Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    (info.width, info.height)
}

#[tokio::test]
async fn every_size_is_drawn_exactly() {
    for (width, height) in [(16, 16), (16, 4096), (4096, 16), (17, 19), (1024, 768), (4096, 4096)] {
        assert_eq!(size(&drawn("a fox", width, height).await), (width, height));
    }
}

#[tokio::test]
async fn the_same_words_give_the_same_picture_and_others_another() {
    let fox = drawn("a fox", 64, 64).await;

    assert_eq!(fox, drawn("a fox", 64, 64).await);
    assert_ne!(fox, drawn("a hen", 64, 64).await);
    assert!(!drawn("", 64, 64).await.is_empty());
}
