//! Sizes of pictures that models have.

use std::{cmp::Ordering, fmt};

use understudy_domain::ports::ImageRequest;

/// Width and height in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size(u32, u32);

const GPT_IMAGE: [Size; 3] = [Size(1024, 1024), Size(1536, 1024), Size(1024, 1536)];
const DALL_E_3: [Size; 3] = [Size(1024, 1024), Size(1792, 1024), Size(1024, 1792)];
const DALL_E_2: [Size; 3] = [Size(256, 256), Size(512, 512), Size(1024, 1024)];

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.0, self.1)
    }
}

impl Size {
    /// The size of the model that is most like what was asked: in shape first, then
    /// the smallest that is large enough, or the largest. Other models than
    /// OpenAI's are asked for the very size.
    pub(super) fn nearest(model: Option<&str>, request: &ImageRequest) -> Self {
        let asked = Self(request.width.max(1), request.height.max(1));
        let sizes = match model {
            Some("dall-e-2") => DALL_E_2,
            Some("dall-e-3") => DALL_E_3,
            Some(model) if model.starts_with("gpt-image") => GPT_IMAGE,
            _ => return asked,
        };
        let nearest = sizes.into_iter().min_by(|a, b| a.compared(*b, asked));
        nearest.unwrap_or(asked)
    }

    fn compared(self, other: Self, asked: Self) -> Ordering {
        let shapes = self.shape_from(asked).total_cmp(&other.shape_from(asked));
        shapes.then_with(|| self.distance(asked).cmp(&other.distance(asked)))
    }

    /// How much more oblong it is than `asked`, or less.
    fn shape_from(self, asked: Self) -> f64 {
        let shape = |size: Self| (f64::from(size.0) / f64::from(size.1)).ln();
        (shape(self) - shape(asked)).abs()
    }

    /// Those that are too small come after those that are not.
    const fn distance(self, asked: Self) -> (bool, u32) {
        let too_small = self.0 < asked.0 || self.1 < asked.1;
        (too_small, if too_small { u32::MAX - self.0 } else { self.0 })
    }
}

#[cfg(test)]
mod tests {
    use understudy_domain::ports::ImageLook;

    use super::*;

    fn nearest(model: &str, width: u32, height: u32) -> String {
        let look = ImageLook::default();
        let request = ImageRequest { prompt: String::new(), model: None, width, height, look };
        Size::nearest(Some(model), &request).to_string()
    }

    #[test]
    fn the_shape_decides_then_the_smallest_that_is_large_enough() {
        for (model, width, height, size) in [
            ("gpt-image-1", 512, 512, "1024x1024"),
            ("gpt-image-1", 1000, 600, "1536x1024"),
            ("gpt-image-1-mini", 600, 1000, "1024x1536"),
            ("gpt-image-1", 4096, 4096, "1024x1024"),
            ("gpt-image-1", 16, 4096, "1024x1536"),
            ("dall-e-3", 1920, 1080, "1792x1024"),
            ("dall-e-3", 1080, 1920, "1024x1792"),
            ("dall-e-3", 1100, 1000, "1024x1024"),
            ("dall-e-2", 16, 16, "256x256"),
            ("dall-e-2", 256, 256, "256x256"),
            ("dall-e-2", 257, 256, "512x512"),
            ("dall-e-2", 4096, 16, "1024x1024"),
            ("stable-diffusion", 640, 360, "640x360"),
        ] {
            assert_eq!(nearest(model, width, height), size, "{model} {width}x{height}");
        }
    }
}
