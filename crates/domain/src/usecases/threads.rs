//! Threads: the conversations of a user. Nobody else reads or changes them,
//! administrators included; where responses are not stored, nobody at all does.

mod drafting;
mod items;
mod metadata_change;

use std::collections::BTreeMap;

pub(super) use self::drafting::take_off_lists;
pub use self::{
    items::{MAX_ADDED_ITEMS, add_items, delete_item, view_item},
    metadata_change::MetadataChange,
};
use super::{
    Caller, Conflict, Denied, Deps, Error, Precondition, Result,
    support::{find, fresh, locate, on_write, record, require_scope, require_seat},
};
use crate::{
    AssistantId, Fault, Message, Scope, Thread, ThreadId, UserId,
    conversation::{Item, Order},
    metadata,
    ports::{ConversationRepository, ThreadFilter},
};

/// Most characters of a title.
pub const MAX_TITLE_CHARS: usize = 200;
/// Most threads that a user may pin.
pub const MAX_PINNED: usize = 20;
/// How many threads are looked at in one go to count those that are pinned.
const LOOK: u32 = 200;

const NO_THREAD: Error = Error::NotFound("thread");

/// A new thread.
#[derive(Clone, Debug, Default)]
pub struct CreateThread {
    /// What people call it.
    pub title: Option<String>,
    /// Pairs of its user.
    pub metadata: BTreeMap<String, String>,
    /// The assistant that is to answer in it: an id or a slug. Without one it is the
    /// first that is asked in it.
    pub assistant: Option<String>,
    /// What was said already, at most [`MAX_ADDED_ITEMS`] items.
    pub items: Vec<Item>,
}

/// A change to a thread; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct UpdateThread {
    /// What people call it; `Some(None)` takes it away.
    pub title: Option<Option<String>>,
    /// Pairs.
    pub metadata: Option<MetadataChange>,
    /// Whether it is kept at the top of lists.
    pub pinned: Option<bool>,
    /// The assistant that is to answer in it; `Some(None)` leaves it open. Only while
    /// nothing was said, or nobody answers yet.
    pub assistant: Option<Option<String>>,
    /// What the caller demands of the state.
    pub precondition: Precondition,
}

/// Which threads to list.
#[derive(Clone, Debug)]
pub struct ListThreads {
    /// Of this assistant: an id or a slug.
    pub assistant: Option<String>,
    /// Text that the title contains.
    pub q: Option<String>,
    /// With all of these pairs.
    pub metadata: BTreeMap<String, String>,
    /// Behind this one.
    pub after: Option<ThreadId>,
    /// By the time of making.
    pub order: Order,
    /// How many at most.
    pub limit: u32,
}

/// A page of threads.
#[derive(Clone, Debug)]
pub struct ThreadPage {
    /// The threads.
    pub threads: Vec<Thread>,
    /// Whether there are more behind them.
    pub more: bool,
}

/// A page of messages.
#[derive(Clone, Debug)]
pub struct MessagePage {
    /// The messages.
    pub messages: Vec<Message>,
    /// Whether there are more behind them.
    pub more: bool,
}

/// The strong entity tag of a thread, without quotes.
#[must_use]
pub fn etag(thread: &Thread) -> String {
    format!("{:x}", thread.revision)
}

/// Begins a thread in which nothing was said yet.
///
/// # Errors
///
/// [`Error::Invalid`] with every fault, [`Error::NotFound`] for an assistant that the
/// caller cannot see, [`Error::SeatRequired`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn create_thread(
    deps: Deps<'_>,
    caller: &Caller,
    command: CreateThread,
) -> Result<Thread> {
    require_seat(&caller.actor)?;
    require_scope(&caller.actor, Scope::Write)?;
    let CreateThread { title, metadata, assistant, items } = command;
    let title = title.map(|title| title.trim().to_owned());
    let mut faults = metadata::faults_of(&metadata);
    title_faults(title.as_deref(), &mut faults);
    if !faults.is_empty() {
        return Err(Error::Invalid(faults));
    }
    let assistant = match &assistant {
        Some(reference) => Some(locate(&deps, caller, reference).await?.record.assistant.id),
        // A token of one assistant begins no thread that could become another's.
        None if caller.actor.only_assistant().is_some() => caller.actor.only_assistant(),
        None => None,
    };
    items::check(&deps, caller, assistant, &items).await?;
    let now = deps.clock.now();
    let mut thread = Thread {
        id: fresh(&deps),
        organization: caller.tenant(),
        user: caller.actor.user,
        assistant,
        title,
        visible: true,
        metadata,
        drafts_instructions: false,
        pinned_at: None,
        last_position: 0,
        message_count: 0,
        last_model: None,
        summary: None,
        active_run: None,
        created_at: now,
        updated_at: now,
        last_message_at: None,
        revision: 1,
    };
    thread.title_by(&items);
    let messages = thread.say(items.into_iter(), None, now, || fresh(&deps));
    let mut work = deps.store.begin(caller.tenant()).await?;
    work.conversations().insert_thread(&thread).await.map_err(on_write)?;
    work.conversations().insert_messages(&messages).await.map_err(on_write)?;
    work.commit().await?;
    Ok(thread)
}

/// The caller's threads.
///
/// # Errors
///
/// [`Error::NotFound`] for an assistant that the caller cannot see,
/// [`Error::SeatRequired`].
pub async fn list_threads(
    deps: Deps<'_>,
    caller: &Caller,
    command: ListThreads,
) -> Result<ThreadPage> {
    require_seat(&caller.actor)?;
    require_scope(&caller.actor, Scope::Read)?;
    let ListThreads { assistant, q, metadata, after, order, limit } = command;
    let assistant = match (&assistant, caller.actor.only_assistant()) {
        (Some(reference), _) => Some(find(&deps, caller, reference).await?.record.assistant.id),
        (None, only) => only,
    };
    let filter = ThreadFilter {
        user: caller.actor.user,
        assistant,
        q: q.map(|text| text.trim().to_lowercase()).filter(|text| !text.is_empty()),
        metadata,
        after,
        order,
        limit: limit.saturating_add(1),
    };
    let mut threads = deps.store.conversations().threads(caller.tenant(), &filter).await?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = threads.len() > most;
    threads.truncate(most);
    Ok(ThreadPage { threads, more })
}

/// One of the caller's threads.
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::SeatRequired`].
pub async fn view_thread(deps: Deps<'_>, caller: &Caller, id: ThreadId) -> Result<Thread> {
    require_seat(&caller.actor)?;
    require_scope(&caller.actor, Scope::Read)?;
    let found = deps.store.conversations().thread(caller.tenant(), id).await?;
    let thread = found.filter(|thread| is_for(caller, thread)).ok_or(NO_THREAD)?;
    require_reach(&deps, caller, &thread).await?;
    Ok(thread)
}

/// What was said in one of the caller's threads, from behind the position `after`
/// (before it, when the order is descending).
///
/// # Errors
///
/// As [`view_thread`].
pub async fn list_messages(
    deps: Deps<'_>,
    caller: &Caller,
    id: ThreadId,
    (after, order, limit): (Option<u64>, Order, u32),
) -> Result<MessagePage> {
    let thread = view_thread(deps, caller, id).await?;
    let queries = deps.store.conversations();
    let rows = limit.saturating_add(1);
    let mut messages = queries.messages(caller.tenant(), thread.id, after, order, rows).await?;
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = messages.len() > most;
    messages.truncate(most);
    Ok(MessagePage { messages, more })
}

/// Changes one of the caller's threads.
///
/// # Errors
///
/// As [`create_thread`], and [`Error::PreconditionFailed`], [`Error::TooMany`] for
/// more pinned threads than there may be, `Conflict::ThreadOfAnother` for another
/// assistant once something was said.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn update_thread(
    deps: Deps<'_>,
    caller: &Caller,
    id: ThreadId,
    command: UpdateThread,
) -> Result<Thread> {
    require_seat(&caller.actor)?;
    require_scope(&caller.actor, Scope::Write)?;
    let UpdateThread { title, metadata, pinned, assistant, precondition } = command;
    let assistant = match assistant {
        Some(Some(reference)) => {
            Some(Some(locate(&deps, caller, &reference).await?.record.assistant.id))
        }
        Some(None) if caller.actor.only_assistant().is_some() => {
            return Err(Denied::OneAssistant.into());
        }
        other => other.map(|_| None),
    };
    let mut work = deps.store.begin(caller.tenant()).await?;
    if pinned == Some(true) {
        // Whoever pins at the same time waits here.
        work.users().find(caller.actor.user).await?;
    }
    let before = lock(&deps, caller, work.conversations(), id).await?;
    precondition.check(&etag(&before))?;
    let after = Thread {
        title: match title {
            Some(title) => title.map(|title| title.trim().to_owned()),
            None => before.title.clone(),
        },
        metadata: metadata_change::changed(&before.metadata, metadata),
        assistant: assistant.unwrap_or(before.assistant),
        pinned_at: match pinned {
            Some(true) => before.pinned_at.or_else(|| Some(deps.clock.now())),
            Some(false) => None,
            None => before.pinned_at,
        },
        ..before.clone()
    };
    check(&before, &after)?;
    if after == before {
        return Ok(before);
    }
    if before.pinned_at.is_none() && after.pinned_at.is_some() {
        require_room_to_pin(&deps, caller).await?;
    }
    let after = Thread { updated_at: deps.clock.now(), ..after };
    let after = work.conversations().update_thread(after).await.map_err(on_write)?;
    work.commit().await?;
    Ok(after)
}

/// Removes one of the caller's threads with its messages.
///
/// # Errors
///
/// As [`view_thread`], and [`Error::PreconditionFailed`], `Conflict::ThreadBusy`
/// while an answer is on its way in it.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn delete_thread(
    deps: Deps<'_>,
    caller: &Caller,
    id: ThreadId,
    precondition: Precondition,
) -> Result<()> {
    require_seat(&caller.actor)?;
    require_scope(&caller.actor, Scope::Write)?;
    let mut work = deps.store.begin(caller.tenant()).await?;
    let thread = lock(&deps, caller, work.conversations(), id).await?;
    precondition.check(&etag(&thread))?;
    if thread.active_run.is_some() {
        return Err(Conflict::ThreadBusy.into());
    }
    work.conversations().delete_thread(id).await?;
    // What was said is nobody else's affair, that it is gone is.
    record(&deps, caller, &mut *work, "thread.deleted", id.to_string(), (None, None)).await?;
    Ok(work.commit().await?)
}

/// One of the caller's threads, locked.
async fn lock(
    deps: &Deps<'_>,
    caller: &Caller,
    threads: &mut dyn ConversationRepository,
    id: ThreadId,
) -> Result<Thread> {
    let found = threads.find_thread(id).await?;
    let thread = found.filter(|thread| is_for(caller, thread)).ok_or(NO_THREAD)?;
    require_reach(deps, caller, &thread).await?;
    Ok(thread)
}

/// Whether a thread is the caller's to read.
fn is_for(caller: &Caller, thread: &Thread) -> bool {
    thread.visible && thread.user == caller.actor.user
}

/// Hides threads of other assistants from a token of one.
async fn require_reach(deps: &Deps<'_>, caller: &Caller, thread: &Thread) -> Result<()> {
    let Some(only) = caller.actor.only_assistant() else { return Ok(()) };
    let reached = match thread.assistant {
        Some(assistant) if assistant == only => true,
        Some(assistant) => is_draft_of(deps, caller, assistant, only).await?,
        None => false,
    };
    if reached { Ok(()) } else { Err(NO_THREAD) }
}

async fn is_draft_of(
    deps: &Deps<'_>,
    caller: &Caller,
    draft: AssistantId,
    live: AssistantId,
) -> Result<bool> {
    let reference = crate::AssistantRef::Id(draft);
    let found = deps.store.assistants().find(caller.tenant(), &reference).await?;
    Ok(found.is_some_and(|record| record.assistant.lineage() == live))
}

/// What changed must be able to stand.
fn check(before: &Thread, after: &Thread) -> Result<()> {
    let mut faults = metadata::faults_of(&after.metadata);
    title_faults(after.title.as_deref(), &mut faults);
    if !faults.is_empty() {
        return Err(Error::Invalid(faults));
    }
    let has_answered = before.assistant.is_some() && before.last_position > 0;
    if before.assistant != after.assistant && has_answered {
        return Err(Conflict::ThreadOfAnother.into());
    }
    Ok(())
}

fn title_faults(title: Option<&str>, faults: &mut Vec<Fault>) {
    let Some(title) = title else { return };
    if title.is_empty() || title.chars().count() > MAX_TITLE_CHARS {
        let message = format!("must have 1 to {MAX_TITLE_CHARS} characters");
        faults.push(Fault::new("/title", "invalid", message));
    }
}

/// Refuses one more pinned thread than there may be.
async fn require_room_to_pin(deps: &Deps<'_>, caller: &Caller) -> Result<()> {
    if pinned(deps, caller, caller.actor.user).await? < MAX_PINNED {
        return Ok(());
    }
    Err(Error::TooMany { what: "pinned threads of a user", limit: MAX_PINNED })
}

async fn pinned(deps: &Deps<'_>, caller: &Caller, user: UserId) -> Result<usize> {
    let mut count = 0;
    let mut after = None;
    loop {
        let filter = ThreadFilter {
            user,
            assistant: None,
            q: None,
            metadata: BTreeMap::new(),
            after,
            order: Order::Ascending,
            limit: LOOK,
        };
        let threads = deps.store.conversations().threads(caller.tenant(), &filter).await?;
        count += threads.iter().filter(|thread| thread.pinned_at.is_some()).count();
        after = threads.last().map(|thread| thread.id);
        let is_last = u32::try_from(threads.len()).is_ok_and(|found| found < LOOK);
        if is_last || after.is_none() {
            return Ok(count);
        }
    }
}
