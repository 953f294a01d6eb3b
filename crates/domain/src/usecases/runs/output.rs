//! What of a model's text is shown, and when: nothing behind a stop sequence, no
//! Markdown where none is wanted, nothing that moderation has not passed.

use super::{judging::Judge, working::Working};
use crate::{
    run::{
        EventData, format::PlainText, moderation::Window, names, settings::Format,
        stop::StopMatcher,
    },
    usecases::Result,
};

/// Lets text through to whoever follows.
pub(super) struct Output<'a> {
    stop: StopMatcher,
    plain: Option<PlainText>,
    judge: Option<(&'a Judge<'a>, Window)>,
    shown: String,
    /// The category for which the answer is kept back.
    pub(super) blocked: Option<String>,
}

impl<'a> Output<'a> {
    pub(super) fn new(stop: &[String], format: &Format, judge: Option<&'a Judge<'a>>) -> Self {
        Self {
            stop: StopMatcher::new(stop),
            plain: matches!(format, Format::Plain).then(PlainText::default),
            judge: judge.map(|judge| (judge, Window::default())),
            shown: String::new(),
            blocked: None,
        }
    }

    /// Whether nothing more is to be shown.
    pub(super) fn is_over(&self) -> bool {
        self.stop.is_stopped() || self.blocked.is_some()
    }

    /// What was shown since the last call.
    pub(super) fn take_shown(&mut self) -> String {
        std::mem::take(&mut self.shown)
    }

    /// Whether a stop sequence came.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.is_stopped()
    }

    /// More text of the model.
    pub(super) async fn push(&mut self, working: &Working<'_>, text: &str) -> Result<()> {
        let visible = self.stop.push(text);
        let visible = match &mut self.plain {
            Some(plain) => plain.push(&visible),
            None => visible,
        };
        self.judge_and_show(working, visible, self.stop.is_stopped()).await
    }

    /// The model has no more to say.
    pub(super) async fn finish(&mut self, working: &Working<'_>) -> Result<()> {
        let mut rest = self.stop.finish();
        if let Some(plain) = &mut self.plain {
            rest = plain.push(&rest);
            rest.push_str(&plain.finish());
        }
        self.judge_and_show(working, rest, true).await
    }

    async fn judge_and_show(
        &mut self,
        working: &Working<'_>,
        text: String,
        is_end: bool,
    ) -> Result<()> {
        if self.blocked.is_some() {
            return Ok(());
        }
        let Some((judge, window)) = &mut self.judge else {
            self.shown.push_str(&text);
            show(working, text).await;
            return Ok(());
        };
        let mut due = window.push(&text);
        if is_end {
            due.extend(window.finish());
        }
        for held in due {
            if let Some(category) = judge.verdict(working, &held.judged).await? {
                self.blocked = Some(category);
                return Ok(());
            }
            self.shown.push_str(&held.text);
            show(working, held.text).await;
        }
        Ok(())
    }
}

async fn show(working: &Working<'_>, text: String) {
    if text.is_empty() {
        return;
    }
    let is_refusal = working.with(|run| {
        run.outcome.text.push_str(&text);
        run.outcome.refused
    });
    let told = if is_refusal { EventData::refusal(&text) } else { EventData::delta(&text) };
    working.tell(names::CONTENT_DELTA, told).await;
}
