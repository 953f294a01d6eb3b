//! Counting and judging texts by eye.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use understudy_domain::ports::{
    ModerationScores, Moderator, ProviderAccess, ProviderError, Tokenizer,
};

/// Counts words, for every model, and is sure of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct FakeTokenizer;

impl Tokenizer for FakeTokenizer {
    fn count(&self, _: &str, text: &str) -> u64 {
        u64::try_from(text.split_whitespace().count()).unwrap_or(u64::MAX)
    }

    fn is_exact(&self, _: &str) -> bool {
        true
    }
}

/// Objects to the words that it was told, and to nothing else.
#[derive(Debug, Default)]
pub struct FakeModerator {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    objections: Vec<(String, String, f64)>,
    failures: VecDeque<ProviderError>,
    judged: Vec<(ProviderAccess, String)>,
}

impl FakeModerator {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A text that holds `words` is of `category` with this score, from now on.
    pub fn object_to(&self, words: &str, category: &str, score: f64) {
        self.state().objections.push((words.to_owned(), category.to_owned(), score));
    }

    /// Lets a judgement fail: the next one, or the one after those that fail already.
    pub fn fail_next(&self, error: ProviderError) {
        self.state().failures.push_back(error);
    }

    /// What it judged, in order, and with which provider.
    #[must_use]
    pub fn judged(&self) -> Vec<(ProviderAccess, String)> {
        self.state().judged.clone()
    }
}

#[async_trait]
impl Moderator for FakeModerator {
    async fn judge(
        &self,
        provider: &ProviderAccess,
        text: &str,
    ) -> Result<ModerationScores, ProviderError> {
        let mut state = self.state();
        state.judged.push((provider.clone(), text.to_owned()));
        if let Some(error) = state.failures.pop_front() {
            return Err(error);
        }
        let mut scores = ModerationScores::new();
        for (_, category, score) in state.objections.iter().filter(|(w, ..)| text.contains(w)) {
            let highest = scores.entry(category.clone()).or_insert(*score);
            *highest = highest.max(*score);
        }
        Ok(scores)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_highest_of_all_objections_to_a_text_counts() {
        let moderator = FakeModerator::default();
        moderator.object_to("knife", "violence", 0.4);
        moderator.object_to("gun", "violence", 0.9);
        moderator.fail_next(ProviderError::TimedOut);

        let here = ProviderAccess::builtin();
        assert!(moderator.judge(&here, "a gun").await.is_err());
        let scores = moderator.judge(&here, "a gun and a knife").await.unwrap();
        assert_eq!(scores, ModerationScores::from([("violence".to_owned(), 0.9)]));
        assert!(moderator.judge(&here, "a spoon").await.unwrap().is_empty());
        assert_eq!(moderator.judged().len(), 3);
    }
}
