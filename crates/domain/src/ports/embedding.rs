//! Texts as vectors.

use async_trait::async_trait;

use super::{ProviderAccess, ProviderError};

/// What is to be embedded, many at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EmbeddingInput {
    /// Texts.
    Texts(Vec<String>),
    /// Texts that whoever asks has taken apart by the model's vocabulary.
    Tokens(Vec<Vec<u32>>),
}

impl EmbeddingInput {
    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::Texts(texts) => texts.len(),
            Self::Tokens(lists) => lists.len(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Texts whose vectors are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbeddingRequest {
    /// The model, by the provider's name.
    pub model: String,
    /// They.
    pub input: EmbeddingInput,
    /// How many numbers each vector shall have; the model's usual count when `None`.
    pub dimensions: Option<u32>,
}

/// Vectors of texts.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedded {
    /// One for each text, in their order.
    pub vectors: Vec<Vec<f32>>,
    /// The model that made them, as the provider calls it: vectors of different models
    /// are not to be compared.
    pub model: String,
    /// Tokens that it read, if the provider told.
    pub input_tokens: Option<u64>,
}

impl Embedded {
    /// How many numbers each vector has.
    #[must_use]
    pub fn dimensions(&self) -> usize {
        self.vectors.first().map_or(0, Vec::len)
    }
}

/// Makes vectors of texts with the models of providers.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Embedder: Send + Sync {
    /// Embeds. There MUST be one vector for each text, in their order, all of the same
    /// length, which is the one that was asked for if one was, and of finite numbers;
    /// whatever else a provider gives is [`ProviderError::Garbled`].
    ///
    /// # Errors
    ///
    /// [`ProviderError`], also where the provider has no models for this.
    async fn embed(
        &self,
        provider: &ProviderAccess,
        request: &EmbeddingRequest,
    ) -> Result<Embedded, ProviderError>;
}
