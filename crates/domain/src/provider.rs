//! Providers: configured connections to vendors of models.

use crate::{OrganizationId, ProviderId, Timestamp, assistant::content::words};

words!(
    /// Which wire protocol a provider speaks.
    ProviderKind {
        /// OpenAI.
        Openai = "openai",
        /// Anthropic.
        Anthropic = "anthropic",
        /// Anything that speaks OpenAI's protocol at another address.
        OpenaiCompatible = "openai-compatible",
        /// Ollama.
        Ollama = "ollama",
        /// Clipdrop, for images.
        Clipdrop = "clipdrop",
        /// This service itself, without a model: for trying things out.
        Builtin = "builtin",
    }
);

/// A provider as its organization configured it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Its identifier.
    pub id: ProviderId,
    /// The organization it belongs to.
    pub organization: OrganizationId,
    /// Its name, unique in the organization.
    pub name: String,
    /// Its protocol.
    pub kind: ProviderKind,
    /// Where it is; `None` for the vendor's own address.
    pub base_url: Option<String>,
    /// Its API key, sealed with the organization's data key and bound to
    /// organization, provider and `base_url`.
    pub api_key: Option<Vec<u8>>,
    /// Keys of the models it is used for; empty for all that it has.
    pub models: Vec<String>,
    /// Those with a lower number are asked first.
    pub priority: i32,
    /// Whether it is used at all.
    pub enabled: bool,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// How often it was written.
    pub revision: i64,
}

impl Provider {
    /// What the sealed key is bound to: another organization, provider or address
    /// makes it unreadable, so no change of the address takes the key with it.
    #[must_use]
    pub fn associated_data(&self) -> Vec<u8> {
        let Self { organization, id, kind, base_url, .. } = self;
        let address = base_url.as_deref().unwrap_or_default();
        format!("{organization}/{id}/{}/{address}", kind.as_str()).into_bytes()
    }
}
