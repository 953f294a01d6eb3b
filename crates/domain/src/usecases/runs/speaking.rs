//! What a run leaves in its thread when it ends.

use std::collections::BTreeSet;

use super::start::append;
use crate::{
    Message, MessageId, Run, Thread,
    assistant::content::MessageRole,
    conversation::{Item, Order, ToolCall},
    ports::UnitOfWork,
    run::naming::{answer_id, call_id, input_id},
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
    let messages = messages_of(deps, &mut thread, run);
    work.conversations().insert_messages(&messages).await?;
    if thread.active_run == Some(run.id) {
        thread.active_run = None;
    }
    thread.last_model = run.outcome.model.clone().or(thread.last_model);
    work.conversations().update_thread(thread).await?;
    Ok(())
}

/// What of a run belongs into its thread, as the next messages there.
pub(super) fn messages_of(deps: &Deps<'_>, thread: &mut Thread, run: &Run) -> Vec<Message> {
    let items = spoken(run);
    let answer = items.iter().rposition(|(name, item)| {
        name.is_none() && matches!(item, Item::Message { role: MessageRole::Assistant, .. })
    });
    // Models may call two calls by one name.
    let mut known = BTreeSet::new();
    let named = items.into_iter().enumerate().map(|(at, (name, item))| {
        let name = match &item {
            Item::ToolCall(call) => requested(run, call).or(name),
            _ if answer == Some(at) => Some(answer_id(run.id)),
            _ => name,
        };
        (name.filter(|name| known.insert(*name)), item)
    });
    append(deps, thread, run.id, named, deps.clock.now())
}

/// What a call is called that the caller is to run.
fn requested(run: &Run, call: &ToolCall) -> Option<MessageId> {
    run.outcome.requested_calls.contains(call).then(|| call_id(run.id, &call.id))
}

/// What was said and done, without the attempts that were taken back; what the user
/// said has its name already.
fn spoken(run: &Run) -> Vec<(Option<MessageId>, Item)> {
    let heard = |at: usize| {
        let mut all = run.heard.iter();
        all.find_map(|heard| heard.number(at).map(|number| input_id(heard.run, number)))
    };
    let items = run.transcript.iter().enumerate().map(|(at, item)| (heard(at), item.clone()));
    let items: Vec<(Option<MessageId>, Item)> = items.collect();
    let is_repair = |(name, item): &(Option<MessageId>, Item)| {
        name.is_none() && matches!(item, Item::Message { role: MessageRole::User, .. })
    };
    // What stands before a request for repair was taken back.
    let from = items.iter().rposition(is_repair).map_or(0, |at| at + 1);
    let is_kept = |(at, (name, item)): &(usize, (Option<MessageId>, Item))| {
        let is_done = matches!(item, Item::ToolCall(_) | Item::ToolResult(_));
        *at >= from || name.is_some() || is_done
    };
    items.into_iter().enumerate().filter(is_kept).map(|(_, named)| named).collect()
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
