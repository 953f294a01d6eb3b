//! Dispatchers: they answer nothing themselves, but hand the conversation over to
//! the assistant that fits (assistant.md).

use std::fmt::Write;

use serde_json::json;

use super::{asking, plan::Plan, rights::runnable, working::Working};
use crate::{
    AssistantId,
    access::Standing,
    assistant::{
        content::{AssistantKind, ReferenceType},
        view::AssistantView,
    },
    ports::{AssistantFilter, AssistantListQuery, Sort, SortKey},
    run::{Handover, Run, names, passages, question::Question},
    token::hex,
    usecases::{Caller, Conflict, Result},
};

/// Most assistants that a dispatcher chooses among.
const MAX_CANDIDATES: u32 = 50;
/// How much of an assistant's instructions tells what it is for.
const TOLD_CHARS: usize = 600;

/// Who answers: the assistant itself, or the one that a dispatcher chooses.
pub(super) async fn answerer(
    working: &Working<'_>,
    state: &Run,
    caller: &Caller,
    view: AssistantView,
    question: &str,
) -> Result<AssistantView> {
    if view.record.assistant.content.kind != AssistantKind::Dispatcher {
        return Ok(view);
    }
    // A run that goes on stays where it was handed to.
    if let Some(handed) = &state.outcome.handed_to {
        return runnable(&working.run.deps, caller, handed.assistant).await;
    }
    let candidates = candidates(working, caller, &view).await?;
    let chosen = choose(working, state, caller, (&view, candidates), question).await?;
    let assistant = &chosen.record.assistant;
    let handover = Handover {
        assistant: assistant.id,
        name: assistant.content.name.clone(),
        version: assistant.version,
    };
    let told = json!({ "assistant_id": handover.assistant, "name": handover.name });
    working.with(|run| run.outcome.handed_to = Some(handover));
    working.tell(names::HANDED_OVER, told).await;
    Ok(chosen)
}

/// Active assistants, as the caller's credential shows them.
fn active(caller: &Caller) -> AssistantFilter {
    AssistantFilter {
        q: None,
        kind: Some(AssistantKind::Custom),
        owner: None,
        access_mode: None,
        model: None,
        is_active: Some(true),
        api_enabled_only: caller.actor.limits().is_some(),
        visible_in_chat_to: None,
        metadata: Vec::new(),
        only: caller.actor.only_assistant(),
        tag: None,
        favorite_of: None,
    }
}

/// The assistants that it refers to, or with none all that the caller may run;
/// neither dispatchers nor drafts.
async fn candidates(
    working: &Working<'_>,
    caller: &Caller,
    view: &AssistantView,
) -> Result<Vec<AssistantView>> {
    let deps = working.run.deps;
    let references = view.record.assistant.content.references.iter();
    let named: Vec<AssistantId> = references
        .filter(|reference| reference.target_type == ReferenceType::Assistant)
        .filter_map(|reference| reference.target_id.parse().ok())
        .collect();
    let mut found = Vec::new();
    if named.is_empty() {
        let query = AssistantListQuery {
            standing: Standing::of(&caller.actor),
            filter: active(caller),
            sort: Sort { key: SortKey::Name, descending: false },
            after: None,
            limit: MAX_CANDIDATES,
            count: false,
        };
        for record in deps.store.assistants().list(&query).await?.rows {
            found.extend(runnable(&deps, caller, record.assistant.id).await.ok());
        }
    } else {
        for id in named {
            found.extend(runnable(&deps, caller, id).await.ok());
        }
    }
    found.retain(|view| {
        let assistant = &view.record.assistant;
        assistant.content.kind != AssistantKind::Dispatcher && !assistant.is_draft()
    });
    if found.is_empty() { Err(Conflict::NobodyToHandTo.into()) } else { Ok(found) }
}

async fn choose(
    working: &Working<'_>,
    state: &Run,
    caller: &Caller,
    (dispatcher, candidates): (&AssistantView, Vec<AssistantView>),
    question: &str,
) -> Result<AssistantView> {
    let run = working.run;
    let content = &dispatcher.record.assistant.content;
    let by_model = if candidates.len() > 1 {
        let plan = Plan::make(&run.deps, caller, content, &state.request).await?;
        let user = hex(crate::Digest::of(state.user.to_string().as_bytes()).as_bytes());
        let task = task(&content.instructions, &candidates);
        let question = Question { instructions: task, input: question.to_owned() };
        let answered = asking::ask(run, &plan, &user, &question).await;
        answered.and_then(|answered| {
            working.settle(&answered.usage);
            chosen_number(&answered.text, candidates.len())
        })
    } else {
        Some(0)
    };
    let index = by_model.unwrap_or_else(|| by_likeness(&candidates, question));
    let found = candidates.into_iter().nth(index);
    found.ok_or_else(|| Conflict::NobodyToHandTo.into())
}

fn task(instructions: &str, candidates: &[AssistantView]) -> String {
    let mut text = format!(
        "You choose which assistant answers what the user says. {instructions}\n\nThe assistants:\n"
    );
    for (number, view) in (1..).zip(candidates) {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{number}. {}", told(view).replace('\n', " "));
    }
    text.push_str("\nAnswer with the number of the assistant that fits best, and nothing else.");
    text
}

fn told(view: &AssistantView) -> String {
    let content = &view.record.assistant.content;
    let about = content.description.as_deref().unwrap_or_default();
    let text = format!("{}: {about} {}", content.name, content.instructions);
    text.chars().take(TOLD_CHARS).collect()
}

/// The number that an answer begins with or holds.
fn chosen_number(text: &str, count: usize) -> Option<usize> {
    let digits: String =
        text.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    let number: usize = digits.parse().ok()?;
    (1..=count).contains(&number).then(|| number - 1)
}

/// The candidate whose description and instructions share most with the question;
/// the first where none shares anything.
fn by_likeness(candidates: &[AssistantView], question: &str) -> usize {
    let described: Vec<_> = candidates
        .iter()
        .enumerate()
        .flat_map(|(index, view)| {
            let id = index.to_string();
            let name = &view.record.assistant.content.name;
            passages::chunk(&told(view), name, "assistant", Some(&id))
        })
        .collect();
    let best = passages::rank(&described, question, 1).into_iter().next();
    best.and_then(|best| best.id?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_read_out_of_an_answer() {
        assert_eq!(chosen_number("2", 3), Some(1));
        assert_eq!(chosen_number("Assistant 3.", 3), Some(2));
        assert_eq!(chosen_number("4", 3), None);
        assert_eq!(chosen_number("none", 3), None);
    }
}
