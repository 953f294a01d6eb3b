//! What of a model's text is shown, and when: nothing behind a stop sequence, no
//! Markdown where none is wanted, nothing that moderation has not passed, nothing yet
//! of what may have to be asked for once more.

use super::{
    form::{Form, Holding},
    judging::Judge,
    working::Working,
};
use crate::{
    run::{
        EventData, fit::Fitted, format::PlainText, moderation::Window, names, settings::Format,
        stop::StopMatcher,
    },
    usecases::Result,
};

/// Lets text through to whoever follows.
pub(super) struct Output<'a> {
    stop: StopMatcher,
    plain: Option<PlainText>,
    judge: Option<(&'a Judge<'a>, Window)>,
    form: &'a Form<'a>,
    /// What of the text waits until the answer is known to fit.
    pub(super) holding: Holding,
    /// Where in the text of the run that of this output begins.
    from: Option<usize>,
    /// The category for which the answer is kept back.
    pub(super) blocked: Option<String>,
}

impl<'a> Output<'a> {
    pub(super) fn new(stop: &[String], form: &'a Form<'a>, judge: Option<&'a Judge<'a>>) -> Self {
        Self {
            stop: StopMatcher::new(stop),
            plain: matches!(form.format(), Format::Plain).then(PlainText::default),
            judge: judge.map(|judge| (judge, Window::default())),
            form,
            holding: Holding::default(),
            from: None,
            blocked: None,
        }
    }

    /// A provider is asked so for what comes.
    pub(super) fn fit(&mut self, fitted: &Fitted) {
        self.holding = self.form.holding(fitted);
    }

    /// Whether nothing more is to be shown.
    pub(super) fn is_over(&self) -> bool {
        self.stop.is_stopped() || self.blocked.is_some()
    }

    /// Whether all text of the model is shown, as it comes.
    pub(super) fn is_open(&self) -> bool {
        self.stop.is_idle() && self.plain.is_none() && self.judge.is_none()
    }

    /// What was shown so far.
    pub(super) fn shown(&self, working: &Working<'_>) -> String {
        let Some(from) = self.from else { return String::new() };
        working.with(|run| run.outcome.text.get(from..).unwrap_or_default().to_owned())
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
            show(working, &mut self.from, &mut self.holding, &text).await;
            return Ok(());
        };
        let mut due = window.push(&text);
        if is_end {
            due.extend(window.finish());
        }
        for held in due {
            if let Some(category) = Box::pin(judge.verdict(working, &held.judged)).await? {
                self.blocked = Some(category);
                return Ok(());
            }
            show(working, &mut self.from, &mut self.holding, &held.text).await;
        }
        Ok(())
    }
}

/// Adds to the text of the run, and tells it unless it is to wait.
async fn show(working: &Working<'_>, from: &mut Option<usize>, holding: &mut Holding, text: &str) {
    if text.is_empty() {
        return;
    }
    let waits = working.with(|run| {
        from.get_or_insert(run.outcome.text.len());
        let waits = holding.holds(run.outcome.text.len());
        run.outcome.text.push_str(text);
        waits
    });
    if !waits {
        told(working, text).await;
    }
}

/// Tells more of the text.
pub(super) async fn told(working: &Working<'_>, text: &str) {
    if text.is_empty() {
        return;
    }
    let is_refusal = working.with(|run| run.outcome.refused);
    let data = if is_refusal { EventData::refusal(text) } else { EventData::delta(text) };
    working.tell(names::CONTENT_DELTA, data).await;
}
