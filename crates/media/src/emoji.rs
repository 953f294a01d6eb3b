//! The drawings of emoji.

use std::sync::LazyLock;

use understudy_domain::ports::MediaError;

use crate::pages::Pages;

static DATA: &[u8] = include_bytes!("../data/emoji.zip");

static PAGES: LazyLock<Result<Pages, MediaError>> = LazyLock::new(|| Pages::open(DATA));

/// The longest sequences are families of ten code points.
const MAX_POINTS: usize = 16;

/// What is inside of the 36 by 36 drawing of an emoji.
pub(crate) fn markup(emoji: &str) -> Result<String, MediaError> {
    let unknown = || MediaError::Unsupported("this is not one emoji".to_owned());
    let Some(name) = name(emoji) else { return Err(unknown()) };
    match PAGES.as_ref() {
        Ok(pages) => pages.find(&name)?.ok_or_else(unknown),
        Err(error) => Err(MediaError::Unavailable(error.to_string().into())),
    }
}

/// Its code points in hex. The selector of the coloured presentation does not
/// count: some keyboards write it, some do not.
fn name(emoji: &str) -> Option<String> {
    let points: Vec<String> = emoji
        .chars()
        .filter(|point| *point != '\u{fe0f}')
        .take(MAX_POINTS + 1)
        .map(|point| format!("{:x}", u32::from(point)))
        .collect();
    (1..=MAX_POINTS).contains(&points.len()).then(|| points.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_are_found_with_and_without_the_selector() {
        for emoji in [
            "😀",
            "❤",
            "❤\u{fe0f}",
            "👍🏽",
            "👩‍💻",
            "👨‍👩‍👧‍👦",
            "🇨🇭",
            "🏴󠁧󠁢󠁳󠁣󠁴󠁿",
            "1\u{fe0f}\u{20e3}",
            "🏳\u{fe0f}‍🌈",
            "🏳‍🌈",
            "🍉",
        ] {
            assert!(markup(emoji).unwrap().starts_with('<'), "{emoji}");
        }
    }

    #[test]
    fn other_texts_are_no_emoji() {
        let long = "😀".repeat(1000);
        for text in ["", "a", "😀😀", "\u{fe0f}", "../x", long.as_str()] {
            assert!(matches!(markup(text), Err(MediaError::Unsupported(_))), "{text}");
        }
    }
}
