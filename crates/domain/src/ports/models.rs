//! Models of providers.

use async_trait::async_trait;
use bytes::Bytes;

use crate::{ProviderId, ProviderKind, Secret};

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
}

/// A picture that a model drew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrawnImage {
    /// PNG, JPEG or WebP, of about the size that was asked: models have sizes of
    /// their own.
    pub bytes: Bytes,
    /// The model that drew it.
    pub model: String,
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
