//! What a run leaves in its thread when it ends.

use super::start::append;
use crate::{
    Run,
    assistant::content::MessageRole,
    conversation::{Item, Order},
    ports::UnitOfWork,
    usecases::{Deps, Result},
};

/// Among how many of the newest messages those of a turn are looked for.
const NEWEST: u32 = 1_000;

/// Adds what was said to the thread of a run that ended, and frees it.
pub(super) async fn speak(deps: &Deps<'_>, work: &mut dyn UnitOfWork, run: &Run) -> Result<()> {
    let Some(id) = run.thread else { return Ok(()) };
    let Some(mut thread) = work.conversations().find_thread(id).await? else {
        return Ok(());
    };
    let items = spoken(run).into_iter();
    let messages = append(deps, &mut thread, run.id, items, deps.clock.now());
    work.conversations().insert_messages(&messages).await?;
    if thread.active_run == Some(run.id) {
        thread.active_run = None;
    }
    thread.last_model = run.outcome.model.clone().or(thread.last_model);
    work.conversations().update_thread(thread).await?;
    Ok(())
}

/// What of a run belongs into its thread: what was said and done, without the
/// attempts that were taken back.
fn spoken(run: &Run) -> Vec<Item> {
    let is_repair = |item: &Item| matches!(item, Item::Message { role: MessageRole::User, .. });
    // What stands before a request for repair was taken back.
    let from = run.transcript.iter().rposition(is_repair).map_or(0, |at| at + 1);
    let before = run.transcript.iter().take(from);
    let kept = before.filter(|item| matches!(item, Item::ToolCall(_) | Item::ToolResult(_)));
    kept.chain(run.transcript.iter().skip(from)).cloned().collect()
}

/// Takes back what the user said in the turn of a run.
pub(super) async fn take_back(deps: &Deps<'_>, work: &mut dyn UnitOfWork, run: &Run) -> Result<()> {
    let Some(id) = run.thread else { return Ok(()) };
    let Some(mut thread) = work.conversations().find_thread(id).await? else {
        return Ok(());
    };
    let stored = deps.store.conversations();
    let newest = stored.messages(run.organization, id, None, Order::Descending, NEWEST).await?;
    let own = newest.iter().filter(|message| message.run == Some(run.id));
    let Some(from) = own.map(|message| message.position).min() else {
        return Ok(());
    };
    let removed = work.conversations().delete_messages(id, from).await?;
    thread.message_count = thread.message_count.saturating_sub(removed);
    thread.updated_at = deps.clock.now();
    work.conversations().update_thread(thread).await?;
    Ok(())
}
