//! Models that converse, and what goes with them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde_json::Value;

use super::{ProviderAccess, ProviderError};
use crate::chat::{ChatEvent, ChatRequest};

/// An answer on its way. Dropping it ends the exchange with the provider.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait ChatStream: Send {
    /// What comes next. After [`ChatEvent::Done`] and after an error there is
    /// nothing. A stream that ends without either MUST be an error: what came of it
    /// is not the whole answer.
    async fn next(&mut self) -> Option<Result<ChatEvent, ProviderError>>;
}

/// A model as its provider lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedByProvider {
    /// What the provider calls it.
    pub id: String,
}

/// Converses with the models of providers.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait ChatModel: Send + Sync {
    /// Asks. It returns when the provider begins to answer.
    ///
    /// It tries again, within bounds, what may be tried again: only before the first
    /// event, and only after 408, 409, 429, 5xx or when there was no connection.
    ///
    /// # Errors
    ///
    /// [`ProviderError`], whose text never holds the key.
    async fn converse(
        &self,
        provider: &ProviderAccess,
        request: &ChatRequest,
    ) -> Result<Box<dyn ChatStream>, ProviderError>;

    /// The body that [`converse`](Self::converse) would send: JSON without
    /// credentials.
    fn render(&self, request: &ChatRequest) -> Value;

    /// The models that the provider says it has.
    ///
    /// # Errors
    ///
    /// [`ProviderError`].
    async fn list(&self, provider: &ProviderAccess)
    -> Result<Vec<ListedByProvider>, ProviderError>;
}

/// Counts tokens.
#[cfg_attr(feature = "mocks", mockall::automock)]
pub trait Tokenizer: Send + Sync {
    /// How many tokens `text` has for the model with this key; an estimate where its
    /// tokenizer is not public. Costs time in proportion to the text, and is never more
    /// than the text has bytes.
    fn count(&self, model: &str, text: &str) -> u64;

    /// Whether [`count`](Self::count) is exact for the model.
    fn is_exact(&self, model: &str) -> bool;
}

/// How likely a text is of each category (`violence`, `self-harm`,
/// `sexual/minors`, …), 0 to 1.
pub type ModerationScores = BTreeMap<String, f64>;

/// Judges texts.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Moderator: Send + Sync {
    /// Judges a text, with the provider's model for it. Where the provider has none,
    /// as the built-in one, it is judged here.
    ///
    /// # Errors
    ///
    /// [`ProviderError`].
    async fn judge(
        &self,
        provider: &ProviderAccess,
        text: &str,
    ) -> Result<ModerationScores, ProviderError>;
}
