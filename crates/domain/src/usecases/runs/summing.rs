//! Earlier turns in few words, where not all of them can be told.

use super::{asking::Answered, history, scene::Scene, working::Working};
use crate::{Run, conversation::ThreadSummary, run::summarize, usecases::Result};

/// Sums up what the context strategy leaves out and nobody has summed up yet. The
/// summary stays with the thread for the next turn.
pub(super) async fn sum_up(working: &Working<'_>, scene: &mut Scene, state: &Run) -> Result<()> {
    let Some(gap) = scene.to_summarize.take() else {
        return Ok(());
    };
    let run = working.run;
    let past = history::of(run, state).await?;
    let messages: Vec<_> =
        history::between(&past, (gap.since, gap.until)).into_iter().cloned().collect();
    let earlier = past.summary().filter(|_| gap.extends());
    let question = summarize::request(&messages, earlier.as_deref());
    let asked = scene.ask_aside(run, &question).await;
    let by_model = asked.and_then(|Answered { text, usage }| {
        working.settle(&usage);
        summarize::parse(&text)
    });
    let text = by_model.unwrap_or_else(|| summarize::extract(&messages, earlier.as_deref()));
    scene.summary = Some(text.clone());
    if let Some(id) = state.thread {
        let mut work = run.deps.store.begin(state.organization).await?;
        if let Some(mut thread) = work.conversations().find_thread(id).await? {
            thread.summary = Some(ThreadSummary { text, from: gap.first, until: gap.until });
            work.conversations().update_thread(thread).await?;
            work.commit().await?;
        }
    }
    Ok(())
}
