//! Models of providers.

use async_trait::async_trait;
use bytes::Bytes;

use crate::{ProviderId, ProviderKind, Secret, assistant::content::words};

/// How a provider is reached.
#[derive(Clone, Debug)]
pub struct ProviderAccess {
    /// Which provider it is, for what is remembered of its failures; `None` for the
    /// built-in one without a row.
    pub id: Option<ProviderId>,
    /// Its protocol.
    pub kind: ProviderKind,
    /// Where it is; `None` for the vendor's own address.
    pub base_url: Option<String>,
    /// Its API key.
    pub api_key: Option<Secret<String>>,
}

impl ProviderAccess {
    /// The built-in provider, which needs no row, no address and no key.
    #[must_use]
    pub const fn builtin() -> Self {
        Self { id: None, kind: ProviderKind::Builtin, base_url: None, api_key: None }
    }
}

words!(
    /// How much care a model takes. Which of them a model knows is its provider's to
    /// say.
    ImageQuality {
        /// Little.
        Low = "low",
        /// Some.
        Medium = "medium",
        /// Much.
        High = "high",
        /// More.
        ExtraHigh = "xhigh",
        /// The most.
        Max = "max",
        /// The usual of models that know two.
        Standard = "standard",
        /// The better of models that know two.
        Hd = "hd",
    }
);
words!(
    /// What is behind what a picture shows.
    ImageBackground {
        /// Nothing.
        Transparent = "transparent",
        /// Something.
        Opaque = "opaque",
    }
);

/// How a picture shall look, beside what it shows; what is not said is the model's
/// choice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImageLook {
    /// How much care is taken.
    pub quality: Option<ImageQuality>,
    /// What is behind it all.
    pub background: Option<ImageBackground>,
}

/// Tokens that a picture took, where its provider tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImageTokens {
    /// Those of what was asked for.
    pub input: u64,
    /// Those of the picture.
    pub output: u64,
}

/// A picture that a model shall draw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageRequest {
    /// What it shall show.
    pub prompt: String,
    /// The model, by the provider's name; `None` for the provider's usual one.
    pub model: Option<String>,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// How it shall look. Not all kinds of providers can be told.
    pub look: ImageLook,
}

/// A picture that a model drew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrawnImage {
    /// PNG, JPEG or WebP, of about the size that was asked: models have sizes of
    /// their own.
    pub bytes: Bytes,
    /// The model that drew it.
    pub model: String,
    /// What it took.
    pub tokens: ImageTokens,
}

/// Why a provider did not do what was asked. Texts never hold a key.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// It refused; what it said.
    #[error("the provider refused with status {status}: {message}")]
    Refused {
        /// Its HTTP status.
        status: u16,
        /// What it said, at most 500 characters.
        message: String,
    },
    /// It has had enough for now.
    #[error("the provider takes no more requests now: {message}")]
    Busy {
        /// Seconds after which it takes more, if it said.
        retry_after: Option<u64>,
        /// What it said, at most 500 characters.
        message: String,
    },
    /// It cannot be reached; why, for people.
    #[error("the provider cannot be reached: {0}")]
    Unreachable(String),
    /// It took too long.
    #[error("the provider did not answer in time")]
    TimedOut,
    /// Its answer cannot be understood; why, for people.
    #[error("the provider's answer cannot be understood: {0}")]
    Garbled(String),
}

impl ProviderError {
    /// Whether another provider may do what this one did not: it refused for reasons of
    /// its own, not because of what was asked.
    #[must_use]
    pub const fn may_go_elsewhere(&self) -> bool {
        match self {
            Self::Refused { status, .. } => !matches!(*status, 400 | 413 | 422),
            Self::Busy { .. } | Self::Unreachable(_) | Self::TimedOut | Self::Garbled(_) => true,
        }
    }
}

/// Draws pictures with the models of providers.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait ImageModel: Send + Sync {
    /// Draws a picture.
    async fn draw(
        &self,
        provider: &ProviderAccess,
        request: &ImageRequest,
    ) -> Result<DrawnImage, ProviderError>;

    /// Asks the provider for as little as shows that address and key are right.
    async fn test(&self, provider: &ProviderAccess) -> Result<(), ProviderError>;
}
