//! References: pointers of an assistant to other documents and resources.

use url::Url;

use super::{
    Caller, Conflict, Deps, Error, Result,
    change::Change,
    names::check_description,
    support::{find, find_to_write},
};
use crate::{
    Content, FileId,
    access::Level,
    assistant::content::{Reference, ReferenceType},
};

/// Most references of one assistant (assistant.md, 'limits').
pub const MAX_REFERENCES: usize = 1_000;
/// Most characters of a target.
const MAX_TARGET_CHARS: usize = 2_048;

/// A reference to add.
#[derive(Clone, Debug)]
pub struct NewReference {
    /// What it points to.
    pub target_id: String,
    /// What kind of thing that is.
    pub target_type: String,
    /// What it is for.
    pub description: Option<String>,
}

/// The references of an assistant, in the order in which they were added.
///
/// # Errors
///
/// [`Error::NotFound`].
pub async fn list_references(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
) -> Result<Vec<Reference>> {
    let view = find(&deps, caller, reference).await?;
    Ok(view.record.assistant.content.references)
}

/// The reference to a target.
///
/// # Errors
///
/// [`Error::NotFound`].
pub async fn view_reference(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    target: &str,
) -> Result<Reference> {
    let view = find(&deps, caller, reference).await?;
    let content = &view.record.assistant.content;
    let found = content.references.iter().find(|known| known.target_id == target);
    found.cloned().ok_or(Error::NotFound("reference"))
}

/// Adds a reference.
///
/// # Errors
///
/// [`Conflict::ReferenceExists`], [`Error::Invalid`] when the target is not what
/// its type says, or is not there for the caller; [`Error::NotFound`],
/// [`Error::Forbidden`], [`Error::TooMany`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn add_reference(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    new: NewReference,
) -> Result<Reference> {
    let found = find_to_write(&deps, caller, reference, Level::Edit).await?;
    let NewReference { target_id, target_type, description } = new;
    let Some(target_type) = ReferenceType::from_word(&target_type) else {
        let message = "must be `assistant`, `dataset`, `file`, `url` or `vector_store`";
        return Err(Error::invalid("/targetType", "enum", message));
    };
    let description = check_description(description)?;
    let content = &found.record.assistant.content;
    let lineage = found.record.assistant.lineage().to_string();
    let target_id = target(&deps, caller, (target_type, &target_id), (content, &lineage)).await?;

    let change = Change::begin(&deps, caller, &found).await?;
    let mut content = change.content().clone();
    if content.references.iter().any(|known| known.target_id == target_id) {
        return Err(Conflict::ReferenceExists.into());
    }
    if content.references.len() >= MAX_REFERENCES {
        return Err(Error::TooMany { what: "references in an assistant", limit: MAX_REFERENCES });
    }
    let added = Reference {
        target_id,
        target_type,
        description,
        created_at: deps.clock.now(),
        created_by: caller.actor.user,
    };
    content.references.push(added.clone());
    change.commit(&deps, caller, content).await?;
    Ok(added)
}

/// Removes the reference to a target.
///
/// # Errors
///
/// [`Error::NotFound`], [`Error::Forbidden`].
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn remove_reference(
    deps: Deps<'_>,
    caller: &Caller,
    reference: &str,
    target: &str,
) -> Result<()> {
    let found = find_to_write(&deps, caller, reference, Level::Edit).await?;
    let change = Change::begin(&deps, caller, &found).await?;
    let mut content = change.content().clone();
    let before = content.references.len();
    content.references.retain(|known| known.target_id != target);
    if content.references.len() == before {
        return Err(Error::NotFound("reference"));
    }
    change.commit(&deps, caller, content).await.map(drop)
}

/// The target in the form in which it is kept, if it is there for the caller. The
/// right to it is checked again whenever it is used.
pub(super) async fn target(
    deps: &Deps<'_>,
    caller: &Caller,
    (kind, text): (ReferenceType, &str),
    (content, own): (&Content, &str),
) -> Result<String> {
    let wrong = |code, message: &str| Error::invalid("/targetId", code, message);
    if text.chars().count() > MAX_TARGET_CHARS {
        return Err(wrong("too_long", "must have at most 2048 characters"));
    }
    match kind {
        ReferenceType::Assistant => {
            let view = find(deps, caller, text).await.map_err(|error| match error {
                Error::NotFound(_) => wrong("unknown", "must be an assistant that you may see"),
                error => error,
            })?;
            let id = view.record.assistant.lineage().to_string();
            if id == own {
                return Err(wrong("self", "must not be the assistant itself"));
            }
            Ok(id)
        }
        ReferenceType::File => {
            let id = text.parse::<FileId>().ok();
            let known = content.files.iter().find(|file| Some(file.id) == id);
            let file = known.ok_or_else(|| wrong("unknown", "must be a file of the assistant"))?;
            Ok(file.id.to_string())
        }
        ReferenceType::Url => match Url::parse(text) {
            Ok(url) if is_web(&url) => Ok(url.into()),
            _ => Err(wrong("url", "must be an absolute http(s) URL without credentials")),
        },
        ReferenceType::Dataset => prefixed(text, "ds_"),
        ReferenceType::VectorStore => prefixed(text, "vs_"),
    }
}

fn is_web(url: &Url) -> bool {
    let plain = url.username().is_empty() && url.password().is_none();
    matches!(url.scheme(), "http" | "https") && url.has_host() && plain
}

/// An identifier of something that this service does not keep itself.
fn prefixed(text: &str, prefix: &str) -> Result<String> {
    let rest = text.strip_prefix(prefix).unwrap_or_default();
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-".contains(&b);
    if (1..=128).contains(&rest.len()) && rest.bytes().all(plain) {
        return Ok(text.to_owned());
    }
    let message = format!("must be an id that begins with `{prefix}`");
    Err(Error::invalid("/targetId", "id", message))
}
