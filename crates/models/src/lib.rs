//! Models of providers: one file for each protocol, all behind [`Models`].
//!
//! - `openai`: OpenAI, and whoever speaks its protocol;
//! - `anthropic`: Anthropic;
//! - `ollama`: Ollama;
//! - `clipdrop`: Clipdrop;
//! - `builtin`: answered and drawn here, without a model;
//! - `listing`: those that draw nothing, and are only tested.
//!
//! How a conversation goes: `chat` chooses the protocol, whose file writes the
//! request; `line` sends it, and again where `retry` allows it; `sse` takes the
//! answer apart, `stream` gives the pieces to the protocol's file, and `chat` sees to
//! what every answer must keep to. `breaker` leaves providers alone that keep failing.
//!
//! Texts are embedded by `embedding`, counted by `tokenizer` and judged by `moderation`.
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

use crate::{
    breaker::Breakers,
    line::{Line, Patience},
};

mod anthropic;
mod breaker;
mod builtin;
mod chat;
mod clipdrop;
mod complaint;
mod embedding;
mod fields;
mod line;
mod listing;
mod moderation;
mod ollama;
mod openai;
mod picture;
mod retry;
mod sse;
mod stream;
mod tokenizer;

pub use tokenizer::TokenCounter;

/// How long drawing may take.
const DEADLINE: Duration = Duration::from_mins(2);

/// How long to wait at most before asking again for the first time.
const PAUSE: Duration = Duration::from_millis(500);

/// How long an answer that comes piece by piece may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Until the provider begins to answer.
    pub first_byte: Duration,
    /// Between two pieces.
    pub idle: Duration,
    /// All of it, asking again included.
    pub whole: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let minute = Duration::from_mins(1);
        Self { first_byte: minute, idle: minute, whole: 15 * minute }
    }
}

/// Converses, embeds and draws with the models of all kinds of providers.
#[derive(Clone, Debug)]
pub struct Models {
    outbound: Arc<Outbound>,
    breakers: Arc<Breakers>,
    patience: Patience,
}

impl Models {
    /// Reaches providers through `outbound`.
    #[must_use]
    pub fn new(outbound: Arc<Outbound>) -> Self {
        let patience = Patience { deadline: DEADLINE, timeouts: Timeouts::default(), pause: PAUSE };
        Self { outbound, breakers: Arc::default(), patience }
    }

    /// The same with another limit for how long a provider may take to draw, to list
    /// its models and to judge.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.patience.deadline = deadline;
        self
    }

    /// The same with other limits for how long a provider may take to answer.
    #[must_use]
    pub fn with_timeouts(mut self, timeouts: Timeouts) -> Self {
        self.patience.timeouts = timeouts;
        self
    }

    /// The same with another limit for how long to wait before asking again for the
    /// first time; before the second it is twice as long.
    #[must_use]
    pub fn with_pause(mut self, pause: Duration) -> Self {
        self.patience.pause = pause;
        self
    }

    fn line<'a>(&'a self, provider: &'a ProviderAccess) -> Line<'a> {
        Line::new(&self.outbound, provider, self.patience)
    }

    /// What `work` gives, if it does in time.
    async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, ProviderError>> + Send,
    ) -> Result<T, ProviderError> {
        let done = tokio::time::timeout(self.patience.deadline, work).await;
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
        let mut permit = self.breakers.admit(provider.id)?;
        let line = self.line(provider);
        let drawn = self.in_time(async {
            match provider.kind {
                ProviderKind::Openai | ProviderKind::OpenaiCompatible => {
                    openai::draw(&line, request).await
                }
                ProviderKind::Clipdrop => clipdrop::draw(&line, request).await,
                ProviderKind::Builtin => builtin::draw(request).await,
                ProviderKind::Anthropic | ProviderKind::Ollama => Err(draws_nothing(provider.kind)),
            }
        });
        let drawn = drawn.await;
        permit.settle(drawn.as_ref().err());
        drawn
    }

    async fn test(&self, provider: &ProviderAccess) -> Result<(), ProviderError> {
        let line = self.line(provider);
        let tested = self.in_time(async {
            match provider.kind {
                ProviderKind::Openai | ProviderKind::OpenaiCompatible => openai::test(&line).await,
                ProviderKind::Anthropic => listing::anthropic(&line).await,
                ProviderKind::Ollama => listing::ollama(&line).await,
                ProviderKind::Clipdrop => clipdrop::test(&line).await,
                ProviderKind::Builtin => Ok(()),
            }
        });
        // Who asks this wants to know how it is now, and then it is known.
        tested.await.inspect(|()| self.breakers.forget(provider.id))
    }
}

/// What a provider would say that was asked for a picture and has no such model.
fn draws_nothing(kind: ProviderKind) -> ProviderError {
    let message = format!("models of {} draw no pictures", kind.as_str());
    ProviderError::Refused { status: 501, message }
}
