//! Texts as vectors: who speaks which protocol, and what holds for all.

use std::fmt;

use async_trait::async_trait;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor},
};
use understudy_domain::{
    ProviderKind,
    ports::{Embedded, Embedder, EmbeddingRequest, ProviderAccess, ProviderError},
};

use crate::{
    Models,
    complaint::masked,
    line::{Line, unanswered},
};

mod ollama;
mod openai;

#[async_trait]
impl Embedder for Models {
    async fn embed(
        &self,
        provider: &ProviderAccess,
        request: &EmbeddingRequest,
    ) -> Result<Embedded, ProviderError> {
        let mut permit = self.breakers.admit(provider.id)?;
        let line = self.line(provider);
        let embedded = self.in_time(async {
            match provider.kind {
                ProviderKind::Openai | ProviderKind::OpenaiCompatible => {
                    openai::embed(&line, request).await
                }
                ProviderKind::Ollama => ollama::embed(&line, request).await,
                ProviderKind::Anthropic | ProviderKind::Clipdrop | ProviderKind::Builtin => {
                    Err(embeds_nothing(provider.kind))
                }
            }
        });
        let embedded = embedded.await.and_then(|embedded| checked(embedded, request));
        let embedded = embedded.map_err(|error| masked(error, provider.api_key.as_ref()));
        permit.settle(embedded.as_ref().err());
        embedded
    }
}

/// What a provider would say that has no models for this.
fn embeds_nothing(kind: ProviderKind) -> ProviderError {
    let message = format!("models of {} embed no texts", kind.as_str());
    ProviderError::Refused { status: 501, message }
}

/// The answer's JSON. It may be large, and is asked for again where that may help:
/// nothing is done twice by it.
async fn answer<T: serde::de::DeserializeOwned>(
    line: &Line<'_>,
    path: (Option<&str>, &[&str]),
    body: &serde_json::Value,
) -> Result<T, ProviderError> {
    let url = line.url(path.0, path.1)?;
    let answer = line.open(&line.with_bearer(line.asking(url, body))).await?;
    let answer = answer.whole().await.map_err(|error| unanswered(&error))?;
    crate::line::json(&answer)
}

/// The vectors, if they are what was asked for.
fn checked(embedded: Embedded, request: &EmbeddingRequest) -> Result<Embedded, ProviderError> {
    let garbled = |what: String| Err(ProviderError::Garbled(what));
    let (given, wanted) = (embedded.vectors.len(), request.input.len());
    if given != wanted {
        return garbled(format!("it gave {given} vectors for {wanted} texts"));
    }
    let length = embedded.dimensions();
    let expected = request.dimensions.and_then(|count| usize::try_from(count).ok());
    if length == 0 || embedded.vectors.iter().any(|vector| vector.len() != length) {
        return garbled("its vectors are empty, or not of one length".to_owned());
    }
    if expected.is_some_and(|expected| expected != length) {
        return garbled(format!("its vectors have {length} numbers, whatever was asked for"));
    }
    if embedded.vectors.iter().flatten().any(|number| !number.is_finite()) {
        return garbled("its vectors have what is no number".to_owned());
    }
    Ok(embedded)
}

/// A vector as protocols spell it: a list of numbers, or their bytes in base64.
struct Vector(Vec<f32>);

impl<'de> Deserialize<'de> for Vector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Spelling).map(Self)
    }
}

struct Spelling;

impl<'de> Visitor<'de> for Spelling {
    type Value = Vec<f32>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of numbers, or their bytes in base64")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        let bytes = STANDARD.decode(text).map_err(E::custom)?;
        let (numbers, rest) = bytes.as_chunks::<4>();
        if !rest.is_empty() {
            return Err(E::custom("the bytes are no whole numbers"));
        }
        Ok(numbers.iter().map(|number| f32::from_le_bytes(*number)).collect())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut numbers = Vec::new();
        while let Some(number) = list.next_element()? {
            numbers.push(number);
        }
        Ok(numbers)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_are_the_same_in_both_spellings(numbers in prop::collection::vec(-1e3_f32..1e3, 0..9)) {
            let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
            let texts = [
                serde_json::to_string(&numbers).unwrap(),
                serde_json::to_string(&STANDARD.encode(bytes)).unwrap(),
            ];
            for text in texts {
                let Vector(read) = serde_json::from_str(&text).unwrap();
                prop_assert_eq!(&read, &numbers);
            }
        }
    }

    #[test]
    fn what_is_no_vector_is_none() {
        for text in ["\"AAA=\"", "\"?\"", "[\"1\"]", "{}", "null"] {
            assert!(serde_json::from_str::<Vector>(text).is_err(), "{text}");
        }
    }
}
