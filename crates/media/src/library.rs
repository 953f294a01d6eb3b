//! The icons of the library, as markup.

use std::{collections::HashMap, sync::LazyLock};

use understudy_domain::ports::MediaError;

use crate::pages::Pages;

static DATA: &[u8] = include_bytes!("../data/icons.zip");

static MARKUP: LazyLock<Result<HashMap<String, String>, MediaError>> = LazyLock::new(|| {
    let all = Pages::open(DATA)?.all()?;
    let lines = all.lines().filter_map(|line| line.split_once('\t'));
    Ok(lines.map(|(name, markup)| (name.to_owned(), markup.to_owned())).collect())
});

/// What is inside of the 24 by 24 drawing of an icon; strokes without colour.
pub(crate) fn markup(name: &str) -> Option<&'static str> {
    let name = understudy_domain::icons::find(name)?;
    // The data are part of the program, and a test reads them.
    MARKUP.as_ref().ok()?.get(name).map(String::as_str)
}

/// The drawing of an icon in `currentColor`.
pub(crate) fn bare(name: &str) -> Option<String> {
    markup(name).map(|markup| {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"24\" height=\"24\" \
             viewBox=\"0 0 24 24\" {}>{markup}</svg>",
            strokes("currentColor")
        )
    })
}

/// How the strokes of an icon are drawn.
pub(crate) fn strokes(colour: &str) -> String {
    format!(
        "fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" stroke-linecap=\"round\" \
         stroke-linejoin=\"round\""
    )
}

#[cfg(test)]
mod tests {
    use understudy_domain::icons;

    use super::*;

    #[test]
    fn drawings_and_names_agree() {
        let drawings = MARKUP.as_ref().unwrap();
        assert_eq!(drawings.len(), icons::all().len());
        for name in icons::all() {
            assert!(drawings.contains_key(*name), "{name}");
        }
    }

    #[test]
    fn an_icon_is_found_by_name_and_by_identifier() {
        assert_eq!(bare("star"), bare("icon_star"));
        assert!(bare("star").unwrap().contains("currentColor"));
        assert_eq!(bare("no-such-icon"), None);
    }
}
