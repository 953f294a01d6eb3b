//! Models of providers: one file for each protocol, all behind [`Models`].
//!
//! - `openai`: OpenAI, and whoever speaks its protocol;
//! - `clipdrop`: Clipdrop;
//! - `builtin`: drawn here, without a model;
//! - `listing`: those that draw nothing, and are only tested.
//!
//! All requests go out through [`Outbound`], since tenants say where providers are.
//! What a provider says about a request that it refuses is shown to people, after
//! the key that was sent along is masked in it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use understudy_domain::{
    ProviderKind,
    ports::{DrawnImage, ImageModel, ImageRequest, ProviderAccess, ProviderError},
};
use understudy_outbound::Outbound;

use crate::line::Line;

mod builtin;
mod clipdrop;
mod complaint;
mod line;
mod listing;
mod openai;
mod picture;

/// How long drawing may take.
const DEADLINE: Duration = Duration::from_mins(2);

/// Draws with the models of all kinds of providers.
#[derive(Clone, Debug)]
pub struct Models {
    outbound: Arc<Outbound>,
    deadline: Duration,
}

impl Models {
    /// Reaches providers through `outbound`.
    #[must_use]
    pub const fn new(outbound: Arc<Outbound>) -> Self {
        Self { outbound, deadline: DEADLINE }
    }

    /// The same with another limit for how long a provider may take.
    #[must_use]
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    /// What `work` gives, if it does in time.
    async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, ProviderError>> + Send,
    ) -> Result<T, ProviderError> {
        let done = tokio::time::timeout(self.deadline, work).await;
        done.unwrap_or(Err(ProviderError::TimedOut))
    }
}

#[async_trait]
impl ImageModel for Models {
    async fn draw(
        &self,
        provider: &ProviderAccess,
        request: &ImageRequest,
    ) -> Result<DrawnImage, ProviderError> {
        let line = Line::new(&self.outbound, provider, self.deadline);
        self.in_time(async {
            match provider.kind {
                ProviderKind::Openai | ProviderKind::OpenaiCompatible => {
                    openai::draw(&line, request).await
                }
                ProviderKind::Clipdrop => clipdrop::draw(&line, request).await,
                ProviderKind::Builtin => builtin::draw(request).await,
                ProviderKind::Anthropic | ProviderKind::Ollama => Err(draws_nothing(provider.kind)),
            }
        })
        .await
    }

    async fn test(&self, provider: &ProviderAccess) -> Result<(), ProviderError> {
        let line = Line::new(&self.outbound, provider, self.deadline);
        self.in_time(async {
            match provider.kind {
                ProviderKind::Openai | ProviderKind::OpenaiCompatible => openai::test(&line).await,
                ProviderKind::Anthropic => listing::anthropic(&line).await,
                ProviderKind::Ollama => listing::ollama(&line).await,
                ProviderKind::Clipdrop => clipdrop::test(&line).await,
                ProviderKind::Builtin => Ok(()),
            }
        })
        .await
    }
}

/// What a provider would say that was asked for a picture and has no such model.
fn draws_nothing(kind: ProviderKind) -> ProviderError {
    let message = format!("models of {} draw no pictures", kind.as_str());
    ProviderError::Refused { status: 501, message }
}
