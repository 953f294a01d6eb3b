//! What an assistant notes of its user after a turn (reference §3.9).

use super::{plan::Plan, resuming, rights, working::Working};
use crate::{
    Memory, Run,
    run::remember,
    token::hex,
    usecases::{Result, support::fresh},
};

/// How many memories of a user are looked at, so that nothing is noted twice.
const KNOWN: u32 = 200;
/// Most memories of one user.
const MAX_MEMORIES: usize = 200;

/// Notes what is worth it, where the assistant remembers and the turn is stored.
/// Whatever goes wrong, the answer stands.
pub(super) async fn remember(working: &Working<'_>, run: &Run) {
    if !working.remembers() || !run.visible || run.thread.is_none() || run.outcome.refused {
        return;
    }
    if let Err(error) = note(working, run).await {
        tracing::warn!(%error, "nothing was remembered of a turn");
    }
}

async fn note(working: &Working<'_>, run: &Run) -> Result<()> {
    let deps = working.run.deps;
    let caller = rights::caller_of(&deps, run).await?;
    let view = rights::runnable(&deps, &caller, run.assistant).await?;
    let content = &view.record.assistant.content;
    if !content.memory_enabled {
        return Ok(());
    }
    let store = deps.store.conversations();
    let known = store.memories(run.organization, run.lineage, run.user, KNOWN).await?;
    if known.len() >= MAX_MEMORIES {
        return Ok(());
    }
    let earlier = resuming::asked(&deps, run).await?;
    let said = resuming::question(run, earlier.as_ref().unwrap_or(run));
    let plan = Plan::make(&deps, &caller, content, &run.request).await?;
    let facts = if plan.is_builtin() {
        remember::by_pattern(&said)
    } else {
        let question = remember::request(&said, &run.outcome.text, &known);
        let user = hex(crate::Digest::of(run.user.to_string().as_bytes()).as_bytes());
        match super::asking::ask(working.run, &plan, &user, &question).await {
            Some(answered) => {
                super::asking::count_aside(working.run, run, &plan, &answered.usage).await?;
                remember::parse(&answered.text)
            }
            None => Vec::new(),
        }
    };
    let facts = remember::unknown(facts, &known);
    if facts.is_empty() {
        return Ok(());
    }
    let now = deps.clock.now();
    let memories: Vec<Memory> = facts
        .into_iter()
        .map(|text| Memory {
            id: fresh(&deps),
            organization: run.organization,
            assistant: run.lineage,
            user: run.user,
            text,
            thread: run.thread,
            created_at: now,
        })
        .collect();
    let mut work = deps.store.begin(run.organization).await?;
    work.conversations().insert_memories(&memories).await?;
    Ok(work.commit().await?)
}
