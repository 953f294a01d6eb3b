//! Judging texts: by OpenAI's model for it, or by a list of phrases.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};
use understudy_domain::{
    ProviderKind,
    ports::{ModerationScores, Moderator, ProviderAccess, ProviderError},
};

use crate::{
    Models,
    complaint::masked,
    line::{Line, json as parsed, unanswered},
    openai,
};

mod phrases;

const MODEL: &str = "omni-moderation-latest";
/// Longer texts are judged in parts, and are as bad as the worst of them.
const PART_CHARS: usize = 8_000;

#[async_trait]
impl Moderator for Models {
    /// For providers that judge nothing a list of phrases in English and German
    /// decides, which is crude: it knows no irony, no context and no spelling but the
    /// usual one. It is better than nothing, and nothing more.
    async fn judge(
        &self,
        provider: &ProviderAccess,
        text: &str,
    ) -> Result<ModerationScores, ProviderError> {
        if !matches!(provider.kind, ProviderKind::Openai | ProviderKind::OpenaiCompatible) {
            return Ok(phrases::judge(text));
        }
        if text.trim().is_empty() {
            return Ok(ModerationScores::new());
        }
        let mut permit = self.breakers.admit(provider.id)?;
        let judged = self.in_time(ask(self.line(provider), text)).await;
        let judged = judged.map_err(|error| masked(error, provider.api_key.as_ref()));
        permit.settle(judged.as_ref().err());
        judged
    }
}

#[derive(Deserialize)]
struct Verdict {
    results: Vec<Judged>,
}

#[derive(Deserialize)]
struct Judged {
    category_scores: BTreeMap<String, Option<f64>>,
}

async fn ask(line: Line<'_>, text: &str) -> Result<ModerationScores, ProviderError> {
    let url = line.url(openai::usual_base(line.kind()), &["moderations"])?;
    let body = json!({ "model": MODEL, "input": input(text) });
    let answer = line.open(&line.with_bearer(line.asking(url, &body))).await?;
    let answer = answer.whole().await.map_err(|error| unanswered(&error))?;
    let verdict: Verdict = parsed(&answer)?;
    if verdict.results.is_empty() {
        return Err(ProviderError::Garbled("it judged nothing".to_owned()));
    }
    let mut scores = ModerationScores::new();
    for (category, score) in verdict.results.into_iter().flat_map(|part| part.category_scores) {
        // Of categories that it did not look at there is no score.
        let worst: &mut f64 = scores.entry(category).or_default();
        *worst = worst.max(score.unwrap_or_default());
    }
    Ok(scores)
}

fn input(text: &str) -> Value {
    let chars: Vec<char> = text.chars().collect();
    let parts: Vec<String> = chars.chunks(PART_CHARS).map(|part| part.iter().collect()).collect();
    match parts.as_slice() {
        [whole] => json!(whole),
        parts => json!(parts),
    }
}
