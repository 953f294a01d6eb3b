//! A model that draws without drawing.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use understudy_domain::ports::{
    DrawnImage, ImageModel, ImageRequest, ImageTokens, ProviderAccess, ProviderError,
};

/// What every picture of it begins with: so it is taken for a PNG.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Draws a "PNG" that says what it shows and who drew it, remembers what it was
/// asked, and fails when it is told to.
#[derive(Debug, Default)]
pub struct FakeImageModel {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    asked: Vec<(ProviderAccess, ImageRequest)>,
    tested: Vec<ProviderAccess>,
    failures: VecDeque<ProviderError>,
    bytes: Option<&'static [u8]>,
    tells_tokens: bool,
    later: Option<(usize, ProviderError)>,
}

impl FakeImageModel {
    /// The model that draws when a request names none.
    pub const USUAL_MODEL: &str = "fake-1";

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a call fail: the next one, or the one after those that fail already.
    pub fn fail_next(&self, error: ProviderError) {
        self.state().failures.push_back(error);
    }

    /// Lets the call behind the next `count` ones fail.
    pub fn fail_after(&self, count: usize, error: ProviderError) {
        self.state().later = Some((count, error));
    }

    /// Answers all later requests with these bytes.
    pub fn draw_always(&self, bytes: &'static [u8]) {
        self.state().bytes = Some(bytes);
    }

    /// Tells from now on that a picture takes 7 tokens to read and 100 to draw.
    pub fn tell_tokens(&self) {
        self.state().tells_tokens = true;
    }

    /// Every picture that was asked for, and of which provider, in order.
    #[must_use]
    pub fn asked(&self) -> Vec<(ProviderAccess, ImageRequest)> {
        self.state().asked.clone()
    }

    /// Every provider that was tested, in order.
    #[must_use]
    pub fn tested(&self) -> Vec<ProviderAccess> {
        self.state().tested.clone()
    }
}

#[async_trait]
impl ImageModel for FakeImageModel {
    async fn draw(
        &self,
        provider: &ProviderAccess,
        request: &ImageRequest,
    ) -> Result<DrawnImage, ProviderError> {
        let mut state = self.state();
        state.asked.push((provider.clone(), request.clone()));
        if let Some(error) = state.failures.pop_front() {
            return Err(error);
        }
        state.later = match state.later.take() {
            Some((0, error)) => return Err(error),
            Some((count, error)) => Some((count - 1, error)),
            None => None,
        };
        let model = request.model.clone().unwrap_or_else(|| Self::USUAL_MODEL.to_owned());
        let caption = format!("{} by {model} of {}", request.prompt, provider.kind.as_str());
        let drawn = || [PNG, caption.as_bytes()].concat().into();
        let bytes = state.bytes.map_or_else(drawn, bytes::Bytes::from_static);
        let tokens = state.tells_tokens.then_some(ImageTokens { input: 7, output: 100 });
        Ok(DrawnImage { bytes, model, tokens: tokens.unwrap_or_default() })
    }

    async fn test(&self, provider: &ProviderAccess) -> Result<(), ProviderError> {
        let mut state = self.state();
        state.tested.push(provider.clone());
        state.failures.pop_front().map_or(Ok(()), Err)
    }
}
