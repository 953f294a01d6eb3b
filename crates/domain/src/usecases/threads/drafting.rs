//! Threads in which the instructions of an assistant are drafted.

use crate::{
    Content, Thread,
    ports::UnitOfWork,
    usecases::{Caller, Error, Result},
};

/// Takes the thread that a content names anew off the lists of its user: it belongs to
/// the making of the assistant, not to its conversations (reference §2). One that was
/// named before may be anybody's.
///
/// # Errors
///
/// [`Error::Invalid`] when it is not a thread of the caller.
pub(in crate::usecases) async fn take_off_lists(
    caller: &Caller,
    work: &mut dyn UnitOfWork,
    before: Option<&Content>,
    after: &Content,
) -> Result<()> {
    let Some(named) = &after.instructions_thread_id else { return Ok(()) };
    if before.is_some_and(|before| before.instructions_thread_id.as_ref() == Some(named)) {
        return Ok(());
    }
    let found = match named.parse() {
        Ok(id) => work.conversations().find_thread(id).await?,
        Err(_) => None,
    };
    let own = found.filter(|thread| thread.visible && thread.user == caller.actor.user);
    let Some(thread) = own else {
        let message = "must be the id of a thread of yours";
        return Err(Error::invalid("/instructions_thread_id", "unknown", message));
    };
    if !thread.drafts_instructions {
        let thread = Thread { drafts_instructions: true, ..thread };
        work.conversations().update_thread(thread).await?;
    }
    Ok(())
}
