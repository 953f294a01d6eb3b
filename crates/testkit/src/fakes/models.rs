//! A model that draws without drawing.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use understudy_domain::ports::{
    DrawnImage, ImageModel, ImageRequest, ProviderAccess, ProviderError,
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

    /// Answers all later requests with these bytes.
    pub fn draw_always(&self, bytes: &'static [u8]) {
        self.state().bytes = Some(bytes);
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
        let model = request.model.clone().unwrap_or_else(|| Self::USUAL_MODEL.to_owned());
        let caption = format!("{} by {model} of {}", request.prompt, provider.kind.as_str());
        let drawn = || [PNG, caption.as_bytes()].concat().into();
        let bytes = state.bytes.map_or_else(drawn, bytes::Bytes::from_static);
        Ok(DrawnImage { bytes, model })
    }

    async fn test(&self, provider: &ProviderAccess) -> Result<(), ProviderError> {
        let mut state = self.state();
        state.tested.push(provider.clone());
        state.failures.pop_front().map_or(Ok(()), Err)
    }
}
