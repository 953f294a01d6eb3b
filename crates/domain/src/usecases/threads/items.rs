//! What a user adds to a thread or takes out of it without asking anybody.

use super::{lock, view_thread};
use crate::{
    AssistantId, AssistantRef, Fault, Message, MessageId, Scope, Thread, ThreadId,
    conversation::Item,
    usecases::{
        Caller, Conflict, Deps, Error, Result,
        runs::item_faults,
        support::{fresh, judge, on_write, require_scope, require_seat},
    },
};

/// Most items that are added at once.
pub const MAX_ADDED_ITEMS: usize = 20;
/// Where they stand.
const AT: &str = "/items";

const NO_ITEM: Error = Error::NotFound("item");

/// Refuses items that cannot be kept in a thread of this assistant, with every fault.
pub(super) async fn check(
    deps: &Deps<'_>,
    caller: &Caller,
    assistant: Option<AssistantId>,
    items: &[Item],
) -> Result<()> {
    let mut faults = Vec::new();
    if items.len() > MAX_ADDED_ITEMS {
        let message = format!("may hold at most {MAX_ADDED_ITEMS} items");
        faults.push(Fault::new(AT, "too_many", message));
    }
    let record = match assistant {
        Some(id) if !items.is_empty() => {
            let reference = AssistantRef::Id(id);
            deps.store.assistants().find(caller.tenant(), &reference).await?
        }
        Some(_) | None => None,
    };
    // Files are for those who see their assistant.
    let view = record.and_then(|record| judge(&caller.actor, record).ok());
    let content = view.as_ref().map(|view| &view.record.assistant.content);
    item_faults(&mut faults, AT, items, content);
    if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
}

/// Adds items to the end of one of the caller's threads; nobody answers them. What
/// was added, in order.
///
/// # Errors
///
/// As [`view_thread`], and [`Error::Invalid`], `Conflict::ThreadBusy` while an answer
/// is on its way in it or waits for approval.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn add_items(
    deps: Deps<'_>,
    caller: &Caller,
    id: ThreadId,
    items: Vec<Item>,
) -> Result<Vec<Message>> {
    require_seat(&caller.actor)?;
    require_scope(&caller.actor, Scope::Write)?;
    if items.is_empty() {
        return Err(Error::invalid(AT, "required", "must hold at least one item"));
    }
    let mut work = deps.store.begin(caller.tenant()).await?;
    let mut thread = lock(&deps, caller, work.conversations(), id).await?;
    require_rest(&thread)?;
    check(&deps, caller, thread.assistant, &items).await?;
    thread.title_by(&items);
    let messages = thread.say(items.into_iter(), None, deps.clock.now(), || fresh(&deps));
    work.conversations().update_thread(thread).await.map_err(on_write)?;
    work.conversations().insert_messages(&messages).await.map_err(on_write)?;
    work.commit().await?;
    Ok(messages)
}

/// One item of one of the caller's threads.
///
/// # Errors
///
/// As [`view_thread`], and [`Error::NotFound`].
pub async fn view_item(
    deps: Deps<'_>,
    caller: &Caller,
    (thread, id): (ThreadId, MessageId),
) -> Result<Message> {
    let thread = view_thread(deps, caller, thread).await?;
    let found = deps.store.conversations().message(caller.tenant(), thread.id, id).await?;
    found.ok_or(NO_ITEM)
}

/// Takes an item out of one of the caller's threads; models are not told it again.
/// The thread as it is now.
///
/// # Errors
///
/// As [`view_item`], and `Conflict::ThreadBusy` while an answer is on its way in it or
/// waits for approval.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn delete_item(
    deps: Deps<'_>,
    caller: &Caller,
    (thread, id): (ThreadId, MessageId),
) -> Result<Thread> {
    require_seat(&caller.actor)?;
    require_scope(&caller.actor, Scope::Write)?;
    let mut work = deps.store.begin(caller.tenant()).await?;
    let mut state = lock(&deps, caller, work.conversations(), thread).await?;
    let found = deps.store.conversations().message(caller.tenant(), thread, id).await?;
    let message = found.ok_or(NO_ITEM)?;
    require_rest(&state)?;
    // Whoever removes it at the same time waited for the thread, and is too late.
    if !work.conversations().delete_message(thread, id).await? {
        return Err(NO_ITEM);
    }
    state.forget(message.position, deps.clock.now());
    let state = work.conversations().update_thread(state).await.map_err(on_write)?;
    work.commit().await?;
    Ok(state)
}

/// Refuses to change what an answer is being made of.
fn require_rest(thread: &Thread) -> Result<()> {
    if thread.active_run.is_some() { Err(Conflict::ThreadBusy.into()) } else { Ok(()) }
}
