//! Clipdrop's text-to-image: a form goes there, a PNG of 1,024 pixels a side comes
//! back.

use understudy_domain::ports::{DrawnImage, ImageRequest, ImageTokens, ProviderError};
use understudy_outbound::{Body, Method, OutboundRequest};

use crate::{line::Line, picture::picture};

const BASE: &str = "https://clipdrop-api.co";
const MODEL: &str = "clipdrop";

/// Draws a picture.
pub(crate) async fn draw(
    line: &Line<'_>,
    request: &ImageRequest,
) -> Result<DrawnImage, ProviderError> {
    let answer = line.ask(&form(line, "prompt", &request.prompt)?).await?;
    let bytes = picture(answer.body)?;
    Ok(DrawnImage { bytes, model: MODEL.to_owned(), tokens: ImageTokens::default() })
}

/// Asks for a picture of nothing, which is a mistake and costs nothing, but is
/// noticed only after the key was found right.
pub(crate) async fn test(line: &Line<'_>) -> Result<(), ProviderError> {
    match line.ask(&form(line, "nothing", "")?).await {
        Ok(_) | Err(ProviderError::Refused { status: 400 | 422, .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

fn form(line: &Line<'_>, name: &str, text: &str) -> Result<OutboundRequest, ProviderError> {
    let url = line.url(Some(BASE), &["text-to-image", "v1"])?;
    let request = line.with_key(line.request(Method::POST, url));
    Ok(request.body(Body::Form(vec![(name.to_owned(), text.to_owned())])))
}
