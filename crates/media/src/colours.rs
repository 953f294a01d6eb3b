//! The colours of the grounds that icons stand on.

/// Each has a contrast of at least 4.5 to white, which the icon is drawn in.
const GROUNDS: [&str; 14] = [
    "#b91c1c", "#c2410c", "#a16207", "#4d7c0f", "#15803d", "#047857", "#0f766e", "#0e7490",
    "#0369a1", "#1d4ed8", "#4338ca", "#6d28d9", "#a21caf", "#be185d",
];

/// The ground for `tint`: always the same for the same text.
pub(crate) fn ground(tint: &str) -> &'static str {
    // FNV-1a: short, and the same on every machine and in every release.
    let hash = tint.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let count = u64::try_from(GROUNDS.len()).unwrap_or(1);
    // The low bits of FNV of texts that differ in one place are too alike.
    let index = usize::try_from((hash ^ (hash >> 32)) % count).unwrap_or(0);
    GROUNDS.get(index).copied().unwrap_or("#1d4ed8")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use understudy_domain::avatars;

    use super::*;

    /// The contrast of white to `#rrggbb`, as WCAG 2 computes it.
    fn contrast_to_white(colour: &str) -> f64 {
        let channel = |range: std::ops::Range<usize>| {
            let value = f64::from(u8::from_str_radix(&colour[range], 16).unwrap()) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        let luminance = 0.2126 * channel(1..3) + 0.7152 * channel(3..5) + 0.0722 * channel(5..7);
        1.05 / (luminance + 0.05)
    }

    #[test]
    fn white_is_legible_on_every_ground() {
        let avatars = avatars::all().iter().map(|avatar| avatar.colour.as_str());
        for colour in GROUNDS.into_iter().chain(avatars) {
            assert!(contrast_to_white(colour) >= 4.5, "{colour}: {}", contrast_to_white(colour));
        }
    }

    #[test]
    fn every_ground_is_used_and_each_text_has_one() {
        let used: BTreeSet<_> = (0..500).map(|n| ground(&format!("asst_{n}"))).collect();
        assert_eq!(used.len(), GROUNDS.len());
        assert_eq!(ground("asst_1"), ground("asst_1"));
    }
}
