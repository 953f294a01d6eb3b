//! Pictures that are drawn here, without a model: a landscape that depends on the
//! words, so that everything around pictures can be tried without a key.

use understudy_domain::ports::{DrawnImage, ImageRequest, ImageTokens, ProviderError};

use self::{landscape::Landscape, paper::Paper};

pub(crate) mod answer;
mod dice;
mod landscape;
mod paper;

const MODEL: &str = "builtin";
const MOST_PIXELS: u32 = 4096;

/// Draws a picture of exactly the size that was asked; the same words and size give
/// the same bytes.
pub(crate) async fn draw(request: &ImageRequest) -> Result<DrawnImage, ProviderError> {
    let (width, height) =
        (request.width.clamp(1, MOST_PIXELS), request.height.clamp(1, MOST_PIXELS));
    let prompt = request.prompt.clone();
    let drawing = tokio::task::spawn_blocking(move || {
        let landscape = Landscape::of(&prompt, width, height);
        let mut paper = Paper::new(width, height);
        landscape.draw(&mut paper);
        paper.to_png(&landscape.colours())
    });
    let failed = || ProviderError::Garbled("drawing failed".to_owned());
    let png = drawing.await.ok().and_then(Result::ok).ok_or_else(failed)?;
    let tokens = ImageTokens::default();
    Ok(DrawnImage { bytes: png.into(), model: MODEL.to_owned(), tokens })
}

#[cfg(test)]
mod tests;
