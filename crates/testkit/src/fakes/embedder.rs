//! A model that embeds by words, without understanding them.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use understudy_domain::ports::{
    Embedded, Embedder, EmbeddingInput, EmbeddingRequest, ProviderAccess, ProviderError,
};

/// How many numbers a vector has unless they are asked for.
const DIMENSIONS: u32 = 16;

/// Makes vectors of which those of texts that share words are near, remembers what it
/// was asked, and fails when it is told to. Each word is a token.
#[derive(Debug, Default)]
pub struct FakeEmbedder {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    asked: Vec<(ProviderAccess, EmbeddingRequest)>,
    failures: VecDeque<ProviderError>,
    counts_nothing: bool,
}

impl FakeEmbedder {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a call fail: the next one, or the one after those that fail already.
    pub fn fail_next(&self, error: ProviderError) {
        self.state().failures.push_back(error);
    }

    /// Tells no more how many tokens it read.
    pub fn count_nothing(&self) {
        self.state().counts_nothing = true;
    }

    /// Everything that was asked for, and of which provider, in order.
    #[must_use]
    pub fn asked(&self) -> Vec<(ProviderAccess, EmbeddingRequest)> {
        self.state().asked.clone()
    }
}

#[async_trait]
impl Embedder for FakeEmbedder {
    async fn embed(
        &self,
        provider: &ProviderAccess,
        request: &EmbeddingRequest,
    ) -> Result<Embedded, ProviderError> {
        let mut state = self.state();
        state.asked.push((provider.clone(), request.clone()));
        if let Some(error) = state.failures.pop_front() {
            return Err(error);
        }
        let texts: Vec<String> = match &request.input {
            EmbeddingInput::Texts(texts) => texts.clone(),
            EmbeddingInput::Tokens(lists) => lists.iter().map(|list| words(list)).collect(),
        };
        let dimensions = request.dimensions.unwrap_or(DIMENSIONS);
        let tokens = texts.iter().map(|text| tokens(text)).sum();
        Ok(Embedded {
            vectors: texts.iter().map(|text| vector(text, dimensions)).collect(),
            model: request.model.clone(),
            input_tokens: (!state.counts_nothing).then_some(tokens),
        })
    }
}

/// Tokens as a text of which each is a word.
fn words(tokens: &[u32]) -> String {
    tokens.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// How many tokens a text has.
pub(crate) fn tokens(text: &str) -> u64 {
    u64::try_from(text.split_whitespace().count()).unwrap_or(u64::MAX)
}

/// A vector of length 1: those of texts that share words are near.
pub(crate) fn vector(text: &str, dimensions: u32) -> Vec<f32> {
    let mut places: BTreeMap<u64, f32> = BTreeMap::new();
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        // FNV-1a: the same everywhere and always.
        let hash = word.to_lowercase().bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        *places.entry(hash % u64::from(dimensions.max(1))).or_default() += 1.0;
    }
    let length = places.values().map(|value| value * value).sum::<f32>().sqrt();
    let length = if length > 0.0 { length } else { 1.0 };
    let places = (0..u64::from(dimensions)).map(|place| places.get(&place));
    places.map(|value| value.copied().unwrap_or_default() / length).collect()
}
