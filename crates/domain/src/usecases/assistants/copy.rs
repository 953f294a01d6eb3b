//! Makes an assistant of another's content.

use crate::{
    Assistant, Content,
    assistant::{
        content::{Reference, ReferenceType},
        view::AssistantView,
    },
    usecases::{
        Caller, Deps, Error, Result,
        assistants::create::{add_assistant, blank, owned, require_creation},
        intake::carry_over,
        organization::{require_allowed_model, require_room_for_assistant},
        support::{check_content, find, free_slug},
    },
};

/// Copies an assistant's content, without secrets and write-only values, into a
/// new, private assistant of the caller, in the caller's organization.
///
/// `name` is the copy's; without it, the original's and ` (copy)`.
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::Forbidden`] for roles that may not create,
/// [`Error::Conflict`] for a taken name, [`Error::Invalid`] for a wrong one.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn copy_assistant(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    name: Option<String>,
) -> Result<AssistantView> {
    let original = find(&deps, caller, reference).await?;
    require_creation(caller)?;
    let mut content = original.record.assistant.content.clone().without_sealed();
    if !original.at_home {
        content = without_foreign_references(content);
    }
    content.name = copy_name(name, &content.name)?;
    let content = check_content(content).map_err(Error::Invalid)?;
    let from = original.record.assistant.organization;
    for blob in content.blobs() {
        carry_over(&deps, (from, caller.tenant()), blob).await?;
    }

    let mut work = deps.store.begin(caller.tenant()).await?;
    require_room_for_assistant(&mut *work).await?;
    require_allowed_model(&mut *work, None, &content).await?;
    let slug = free_slug(&deps, &mut *work, &content.name).await?;
    let copy = Assistant { slug: Some(slug), content, ..blank(&deps, caller) };
    add_assistant(&deps, caller, &mut *work, &copy, "assistant.copied").await?;
    work.commit().await?;

    Ok(owned(copy))
}

fn copy_name(asked: Option<String>, original: &str) -> Result<String> {
    const MAX_CHARS: usize = 255;
    const SUFFIX: &str = " (copy)";
    let name = if let Some(name) = asked {
        name.trim().to_owned()
    } else {
        let kept: String = original.chars().take(MAX_CHARS - SUFFIX.len()).collect();
        format!("{kept}{SUFFIX}")
    };
    if name.chars().count() > MAX_CHARS {
        let message = format!("must have at most {MAX_CHARS} characters");
        return Err(Error::invalid("/name", "too_long", message));
    }
    Ok(name)
}

/// Ids of another organization's things name nothing here.
fn without_foreign_references(content: Content) -> Content {
    let mut content = Content {
        rules: Vec::new(),
        vector_store_ids: None,
        instructions_thread_id: None,
        ..content
    };
    let at_home = |reference: &Reference| {
        matches!(reference.target_type, ReferenceType::File | ReferenceType::Url)
    };
    content.references.retain(at_home);
    content.skills.retain(|skill| skill.dataset_id.is_none());
    content.tool_configurations.streamline_tools.clear();
    content
}
