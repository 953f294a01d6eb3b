//! The avatar library: an icon on a coloured ground for each role and colour.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// An avatar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Avatar {
    /// Its identifier, for example `avt_support_green`.
    pub id: String,
    /// Its name, for example `Support, green`.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The icon of the library that it shows.
    pub icon: String,
    /// The colour of its ground, `#rrggbb`.
    pub colour: String,
}

#[derive(Deserialize)]
struct Data {
    roles: Vec<Role>,
    colours: Vec<Colour>,
}

#[derive(Deserialize)]
struct Role {
    key: String,
    name: String,
    description: String,
    icon: String,
}

#[derive(Deserialize)]
struct Colour {
    key: String,
    hex: String,
}

static ALL: LazyLock<Vec<Avatar>> = LazyLock::new(|| {
    // The file is part of the crate and a test reads it, so it is never empty.
    let data: Result<Data, _> = serde_json::from_str(include_str!("../data/avatars.json"));
    data.map(|data| combine(&data)).unwrap_or_default()
});

fn combine(data: &Data) -> Vec<Avatar> {
    let of = |role: &Role, colour: &Colour| Avatar {
        id: format!("avt_{}_{}", role.key, colour.key),
        name: format!("{}, {}", role.name, colour.key),
        description: role.description.clone(),
        icon: role.icon.clone(),
        colour: colour.hex.clone(),
    };
    let roles = data.roles.iter();
    roles.flat_map(|role| data.colours.iter().map(move |colour| of(role, colour))).collect()
}

/// All avatars, by role and then by colour.
#[must_use]
pub fn all() -> &'static [Avatar] {
    &ALL
}

/// The avatar with this identifier.
#[must_use]
pub fn find(id: &str) -> Option<&'static Avatar> {
    ALL.iter().find(|avatar| avatar.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_avatar_shows_an_icon_of_the_library() {
        assert!(find("avt_support_green").is_some(), "the seed's example");
        for avatar in all() {
            assert_eq!(crate::icons::find(&avatar.icon), Some(avatar.icon.as_str()));
        }
    }
}
