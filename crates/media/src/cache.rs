//! What was drawn, kept while there is room.

use std::hash::{Hash, Hasher};

use bytes::Bytes;
use quick_cache::{Equivalent, Weighter, sync::Cache};
use understudy_domain::ports::Picture;

/// How many bytes of pictures are kept.
const ROOM: u64 = 16 * 1024 * 1024;
/// What to plan for.
const USUAL_COUNT: usize = 1_000;
/// How much of the end of a PNG tells it from others.
const TAIL: usize = 64;
/// What an entry takes beside its bytes.
const OVERHEAD: usize = 256;

/// What a picture was drawn as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Form {
    Square(u32),
    Favicon,
    Vector,
}

#[derive(Clone, PartialEq, Eq)]
struct Key {
    picture: Picture,
    form: Form,
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Asked { picture: &self.picture, form: self.form }.hash(state);
    }
}

/// A key that owns nothing.
struct Asked<'a> {
    picture: &'a Picture,
    form: Form,
}

impl Hash for Asked<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.form.hash(state);
        match self.picture {
            // Its end holds checksums of all of it.
            Picture::Png(png) => {
                png.len().hash(state);
                png.get(png.len().saturating_sub(TAIL)..).hash(state);
            }
            other => other.hash(state),
        }
    }
}

impl Equivalent<Key> for Asked<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.form == key.form && *self.picture == key.picture
    }
}

#[derive(Clone)]
struct Weight;

impl Weighter<Key, Bytes> for Weight {
    fn weight(&self, key: &Key, drawn: &Bytes) -> u64 {
        let source = match &key.picture {
            Picture::Png(png) => png.len(),
            Picture::Icon { name, tint } => name.len() + tint.len(),
            Picture::Emoji(text) | Picture::Avatar(text) => text.len(),
        };
        u64::try_from(source + drawn.len() + OVERHEAD).unwrap_or(ROOM)
    }
}

/// Pictures in the forms they were asked for.
pub(crate) struct Drawn(Cache<Key, Bytes, Weight>);

impl Drawn {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self(Cache::with_weighter(USUAL_COUNT, ROOM, Weight))
    }

    /// What was drawn, if it is still here.
    pub(crate) fn get(&self, picture: &Picture, form: Form) -> Option<Bytes> {
        self.0.get(&Asked { picture, form })
    }

    /// Keeps what was drawn.
    pub(crate) fn put(&self, picture: Picture, form: Form, drawn: Bytes) {
        self.0.insert(Key { picture, form }, drawn);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_never_holds_more_than_there_is_room_for() {
        let drawn = Drawn::new();
        for tint in 0..200 {
            let picture = Picture::Icon { name: "bot".to_owned(), tint: tint.to_string() };
            drawn.put(picture.clone(), Form::Square(64), Bytes::from(vec![0; 200_000]));
            assert!(drawn.0.weight() <= ROOM);
        }
        assert!(!drawn.0.is_empty());
    }

    #[test]
    fn forms_and_pictures_are_kept_apart() {
        let drawn = Drawn::new();
        let picture = Picture::Emoji("😀".to_owned());
        drawn.put(picture.clone(), Form::Square(16), Bytes::from_static(b"16"));
        assert_eq!(drawn.get(&picture, Form::Square(16)).as_deref(), Some(&b"16"[..]));
        assert_eq!(drawn.get(&picture, Form::Square(17)), None);
        assert_eq!(drawn.get(&Picture::Avatar("😀".to_owned()), Form::Square(16)), None);
    }
}
