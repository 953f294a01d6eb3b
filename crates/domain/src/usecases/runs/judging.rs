//! Moderation: what is asked is judged before a model is, what it answers before it
//! is shown (reference §3.10).

use super::{plan::Plan, working::Working};
use crate::{
    ProviderKind,
    assistant::content::SafetyLevel,
    ports::{ModerationScores, ProviderAccess, ProviderError},
    run::{Notice, NoticeAction, moderation::verdict},
    usecases::{Result, providers::access_of},
};

const FIELD: &str = "moderation_enabled";

/// Judges by the assistant's safety level.
pub(super) struct Judge<'a> {
    level: SafetyLevel,
    plan: &'a Plan,
}

impl<'a> Judge<'a> {
    /// The judge of a run; `None` where nothing is to be moderated.
    pub(super) fn of(enabled: bool, level: SafetyLevel, plan: &'a Plan) -> Option<Self> {
        enabled.then_some(Self { level, plan })
    }

    /// The category for which the text is to be kept back. A judge that fails keeps
    /// everything back where the level is high, and nothing otherwise, with a notice.
    pub(super) async fn verdict(
        &self,
        working: &Working<'_>,
        text: &str,
    ) -> Result<Option<String>> {
        if text.trim().is_empty() {
            return Ok(None);
        }
        match self.scores(working, text).await? {
            Ok(scores) => Ok(verdict(&scores, self.level)),
            Err(error) => {
                tracing::warn!(%error, "moderation failed");
                if self.level == SafetyLevel::High {
                    return Ok(Some("moderation_unavailable".to_owned()));
                }
                let reason = "the text was not judged: moderation did not answer";
                working.notice(Notice::new(FIELD, NoticeAction::Unavailable, reason)).await;
                Ok(None)
            }
        }
    }

    /// The scores by the vendor's model where one may be asked, or else by our own
    /// rules of thumb.
    async fn scores(
        &self,
        working: &Working<'_>,
        text: &str,
    ) -> Result<std::result::Result<ModerationScores, ProviderError>> {
        let run = working.run;
        let provider = self.plan.providers.iter().find(|row| {
            row.enabled && row.kind == ProviderKind::Openai && self.plan.allows("openai")
        });
        let access = if let Some(provider) = provider {
            access_of(&run.deps, run.vault, provider).await?
        } else {
            let reason = "judged by this server's own rules of thumb: no provider with a \
                          moderation model is set up or allowed";
            working.notice(Notice::new(FIELD, NoticeAction::Emulated, reason)).await;
            ProviderAccess::builtin()
        };
        Ok(run.moderator.judge(&access, text).await)
    }
}
