//! The form of a run's answer: what of it is held back until it is known to fit, and
//! what is asked for once more.
//!
//! An answer in JSON is told as it comes, and taken back where it does not fit. Where
//! nothing can be taken back ([`RunRequest::final_deltas`](crate::run::RunRequest)),
//! it is told as it comes only by providers that hold their models to the form; of
//! others it is told as a whole, once it fits.

use serde_json::json;

use super::{ending::Ending, output::told, scene::Scene, working::Working};
use crate::run::{Notice, NoticeAction, StopReason, fit::Fitted, format, names, settings::Format};

const FIELD: &str = "response_format";

/// The form of one run's answer.
pub(super) struct Form<'a> {
    format: &'a Format,
    /// Whether what is told cannot be taken back.
    is_final: bool,
    was_repaired: bool,
    holding: Holding,
}

/// What of the text is held back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Holding {
    /// Where in the text of the run it begins. Nothing behind it is told before it.
    from: Option<usize>,
    /// Whether what comes now is held back.
    is_on: bool,
}

impl Holding {
    /// Whether what comes now is held back; it goes behind the text of the run, which
    /// is this long.
    pub(super) fn holds(&mut self, length: usize) -> bool {
        if self.is_on {
            self.from.get_or_insert(length);
        }
        self.is_on
    }
}

impl<'a> Form<'a> {
    pub(super) const fn of(scene: &'a Scene) -> Self {
        Self {
            format: &scene.plan.settings.format,
            is_final: scene.request.final_deltas,
            was_repaired: false,
            holding: Holding { from: None, is_on: false },
        }
    }

    pub(super) const fn format(&self) -> &'a Format {
        self.format
    }

    const fn is_json(&self) -> bool {
        matches!(self.format, Format::JsonObject | Format::JsonSchema { .. })
    }

    /// What is held back of an answer by a provider that is asked so.
    pub(super) const fn holding(&self, fitted: &Fitted) -> Holding {
        let Holding { from, .. } = self.holding;
        let may_be_unfit = self.is_final && self.is_json() && !fitted.is_held_to_form;
        Holding { from, is_on: from.is_some() || may_be_unfit }
    }

    /// Notes what of the text was held back.
    pub(super) const fn held(&mut self, holding: Holding) {
        self.holding = holding;
    }

    /// Forgets what was held back.
    pub(super) const fn drop_held(&mut self) {
        self.holding = Holding { from: None, is_on: false };
    }

    /// Whether something of the answer stays told, whatever comes of it.
    fn is_bound(&self, working: &Working<'_>) -> bool {
        let length = working.with(|run| run.outcome.text.len());
        self.is_final && self.holding.from.unwrap_or(length) > 0
    }

    /// What the last step's answer comes to; `None` where the model is asked once more.
    pub(super) async fn judge(&mut self, working: &Working<'_>, text: &str) -> Option<Ending> {
        let Some(errors) = self.faults(working, text) else {
            self.tidy(working);
            return Some(Ending::Completed(StopReason::EndTurn));
        };
        if self.is_bound(working) {
            let reason = "the answer does not have the form that was asked for, and had been told";
            working.notice(Notice::new(FIELD, NoticeAction::Dropped, reason)).await;
            return Some(Ending::Completed(StopReason::EndTurn));
        }
        if self.was_repaired {
            return Some(Ending::Unfit(errors));
        }
        self.was_repaired = true;
        self.ask_again(working, &errors).await;
        None
    }

    /// What is wrong with the form of an answer; nothing is with a refusal.
    fn faults(&self, working: &Working<'_>, text: &str) -> Option<Vec<String>> {
        if working.with(|run| run.outcome.refused) {
            return None;
        }
        format::check(self.format, text).err()
    }

    /// Leaves nothing of a JSON answer but the JSON: some models put a fence around it.
    fn tidy(&self, working: &Working<'_>) {
        if self.is_json() && !self.is_bound(working) {
            working
                .with(|run| run.outcome.text = format::normalize(&run.outcome.text).into_owned());
        }
    }

    /// Takes an answer back that has not the form that was asked for, and asks once
    /// more (reference §3.5).
    async fn ask_again(&self, working: &Working<'_>, errors: &[String]) {
        working.with(|run| run.outcome.text.clear());
        if !self.is_final {
            let told = json!({ "reason": "the answer did not have the form that was asked for" });
            working.tell(names::CONTENT_RESET, told).await;
        }
        let reason = "the first answer did not fit its form, so the model was asked again";
        working.notice(Notice::new(FIELD, NoticeAction::Emulated, reason)).await;
        working.said([format::repair_request(errors)]);
    }

    /// Tells what was held back, where the run ends so that it counts.
    pub(super) async fn tell(&mut self, working: &Working<'_>, ending: &Ending) {
        let from = self.holding.from;
        self.drop_held();
        let (Some(from), Ending::Completed(_) | Ending::Paused(_)) = (from, ending) else {
            return;
        };
        let text = working.with(|run| run.outcome.text.get(from..).map(str::to_owned));
        told(working, &text.unwrap_or_default()).await;
    }
}
