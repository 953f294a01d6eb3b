//! A sky, a sun and hills.

use super::{
    dice::Dice,
    paper::{Colour, Ellipse, Paper},
};

/// Colours of the sky at the top and at the horizon, of the sun, and of the hills
/// far away and near.
#[derive(Clone, Copy, Debug)]
struct Mood {
    zenith: Colour,
    horizon: Colour,
    sun: Colour,
    far: Colour,
    near: Colour,
}

const MORNING: Mood = Mood {
    zenith: [0x7f, 0xa8, 0xd9],
    horizon: [0xff, 0xd9, 0xc2],
    sun: [0xff, 0xf3, 0xd6],
    far: [0xb9, 0x9f, 0xb8],
    near: [0x3d, 0x4a, 0x6b],
};
const OTHERS: [Mood; 7] = [
    // Noon.
    Mood {
        zenith: [0x3f, 0x8f, 0xd6],
        horizon: [0xd6, 0xef, 0xfb],
        sun: [0xff, 0xf7, 0xc2],
        far: [0x9c, 0xc9, 0xa0],
        near: [0x24, 0x5e, 0x45],
    },
    // Evening.
    Mood {
        zenith: [0x4b, 0x3f, 0x72],
        horizon: [0xff, 0xa0, 0x6b],
        sun: [0xff, 0xe1, 0x7d],
        far: [0xa8, 0x53, 0x6d],
        near: [0x2d, 0x1e, 0x3e],
    },
    // Night.
    Mood {
        zenith: [0x0c, 0x12, 0x2e],
        horizon: [0x3b, 0x4f, 0x86],
        sun: [0xf2, 0xf0, 0xe1],
        far: [0x33, 0x43, 0x74],
        near: [0x08, 0x0d, 0x21],
    },
    // Desert.
    Mood {
        zenith: [0x5f, 0xb3, 0xb3],
        horizon: [0xfb, 0xe6, 0xb8],
        sun: [0xff, 0xfa, 0xe5],
        far: [0xe3, 0xa8, 0x6f],
        near: [0x8a, 0x45, 0x2f],
    },
    // Winter.
    Mood {
        zenith: [0x9a, 0xb4, 0xc8],
        horizon: [0xf1, 0xf4, 0xf6],
        sun: [0xff, 0xff, 0xff],
        far: [0xcf, 0xdb, 0xe4],
        near: [0x4f, 0x6d, 0x85],
    },
    // Autumn.
    Mood {
        zenith: [0x6d, 0x86, 0x9c],
        horizon: [0xf6, 0xd3, 0x94],
        sun: [0xff, 0xee, 0xc7],
        far: [0xd0, 0x8c, 0x4a],
        near: [0x5c, 0x26, 0x1d],
    },
    // A dream.
    Mood {
        zenith: [0x8e, 0x6c, 0xc4],
        horizon: [0xfb, 0xc8, 0xe2],
        sun: [0xff, 0xf0, 0xfa],
        far: [0x7f, 0x9f, 0xd8],
        near: [0x2c, 0x3c, 0x7c],
    },
];

/// Colours of the sky.
const SKY: u8 = 96;
/// Rings of light around the sun, the sun itself among them.
const RINGS: u8 = 4;
/// Rows of hills, one behind the other.
const RIDGES: u8 = 5;
/// Hills in a row.
const HILLS: i64 = 4;

/// A landscape for one size of paper.
#[derive(Debug)]
pub(super) struct Landscape {
    mood: Mood,
    height: i64,
    rings: Vec<Ellipse>,
    ridges: Vec<Vec<Ellipse>>,
}

impl Landscape {
    /// The landscape that belongs to the words.
    pub(super) fn of(words: &str, width: u32, height: u32) -> Self {
        let mut dice = Dice::of(words);
        let (width, height) = (i64::from(width), i64::from(height));
        let mood = dice.one_of(MORNING, &OTHERS);
        let rings = rings(&mut dice, width, height);
        let ridges = (0..RIDGES).map(|ridge| hills(&mut dice, i64::from(ridge), width, height));
        Self { mood, height, rings, ridges: ridges.collect() }
    }

    /// Draws it, from the sky to what is near.
    pub(super) fn draw(&self, paper: &mut Paper) {
        let last = i64::from(SKY - 1);
        let height = self.height;
        paper.fill_rows(|y| u8::try_from(y * last / height).unwrap_or(SKY - 1));
        for (ring, colour) in self.rings.iter().zip(SKY..) {
            paper.fill(*ring, colour);
        }
        for (hills, colour) in self.ridges.iter().zip(SKY + RINGS..) {
            for hill in hills {
                paper.fill(*hill, colour);
            }
        }
    }

    /// The colours, in the order of their numbers.
    pub(super) fn colours(&self) -> Vec<Colour> {
        let Mood { zenith, horizon, sun, far, near } = self.mood;
        let sky = (0..SKY).map(|step| mixed(zenith, horizon, step, SKY - 1));
        // The light is seen before the sky that is about as high.
        let behind = mixed(zenith, horizon, 1, 2);
        let rings = (1..=RINGS).map(|step| mixed(behind, sun, step, RINGS));
        let ridges = (0..RIDGES).map(|step| mixed(far, near, step, RIDGES - 1));
        sky.chain(rings).chain(ridges).collect()
    }
}

/// The sun, preceded by its light, the widest first.
fn rings(dice: &mut Dice, width: i64, height: i64) -> Vec<Ellipse> {
    let side = width.min(height);
    let (x, y) = (width * dice.between(15, 85) / 100, height * dice.between(18, 45) / 100);
    let sun = side * dice.between(7, 13);
    let wider = [240, 185, 140, 100].map(|percent| (sun * percent / 10_000).max(1));
    wider.map(|radius| Ellipse { x, y, across: radius, down: radius }).to_vec()
}

/// A row of hills, lower the nearer they are.
fn hills(dice: &mut Dice, ridge: i64, width: i64, height: i64) -> Vec<Ellipse> {
    let crest = 48 + ridge * 10;
    let stride = width / HILLS + 1;
    let hill = |number: i64| {
        let x = number * stride + stride * dice.between(-40, 40) / 100;
        let top = height * (crest + dice.between(-6, 6)) / 100;
        let across = stride * dice.between(90, 190) / 100;
        // The middle is below the paper, so that hills are never seen to end.
        let down = (height + height / 4 - top).max(1);
        Ellipse { x, y: top + down, across: across.max(1), down }
    };
    (0..=HILLS).map(hill).collect()
}

/// `part` of `whole` steps from one colour to another.
fn mixed(from: Colour, to: Colour, part: u8, whole: u8) -> Colour {
    let (part, whole) = (u16::from(part), u16::from(whole));
    let [red, green, blue] = [0, 1, 2].map(|channel: usize| {
        let of = |colour: Colour| u16::from(colour.get(channel).copied().unwrap_or_default());
        let mixed = (of(from) * (whole - part) + of(to) * part) / whole;
        u8::try_from(mixed).unwrap_or(u8::MAX)
    });
    [red, green, blue]
}
