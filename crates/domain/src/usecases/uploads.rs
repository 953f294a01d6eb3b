//! Uploads: bytes that are sent before they are attached, at once or piece by
//! piece.

use time::Duration;

use super::{
    Caller, Conflict, Deps, Error, Result,
    intake::{ByteLimit, Intake, Received},
    names::clean_name,
    support::{require_scope, require_seat},
};
use crate::{
    Blob, Id, Scope, Timestamp, Upload, UploadId, UploadPurpose, WholeUpload,
    media_type::sniff,
    ports::{Page, StoreError, UnitOfWork, UploadListQuery},
};

/// How long an upload waits to be attached (http.md).
pub const EXPIRES_AFTER: Duration = Duration::hours(24);

/// So many pieces of like size are put together, so that an upload of a million
/// pieces is still a short list and each byte is copied only a few times.
const PIECES_TO_JOIN: usize = 16;

/// An upload that begins.
#[derive(Clone, Debug, Default)]
pub struct NewUpload {
    /// What its sender calls it.
    pub name: Option<String>,
    /// The media type that its sender claims.
    pub declared_type: Option<String>,
    /// How many bytes it will have, if that is known.
    pub length: Option<u64>,
    /// `Upload-Metadata` as it came.
    pub metadata: String,
    /// What it is for.
    pub purpose: UploadPurpose,
}

/// Which uploads to list.
#[derive(Clone, Copy, Debug)]
pub struct ListUploads {
    /// Only those for this.
    pub purpose: Option<UploadPurpose>,
    /// Whether the newest come first.
    pub newest_first: bool,
    /// Behind this one.
    pub after: Option<UploadId>,
    /// How many at most.
    pub limit: u32,
}

/// Whether the caller may upload at all; to be asked before anything is read.
fn require_uploader(caller: &Caller) -> Result<()> {
    require_seat(&caller.actor)?;
    require_scope(&caller.actor, Scope::Write)
}

/// Begins to take in a file that comes at once, of at most `max` bytes.
///
/// # Errors
///
/// [`Error::SeatRequired`], [`Error::Forbidden`], [`Error::Blobs`].
pub async fn begin_intake<'a>(deps: Deps<'a>, caller: &Caller, max: u64) -> Result<Intake<'a>> {
    require_uploader(caller)?;
    let limit = ByteLimit { what: "a file", bytes: max };
    Intake::begin(deps, caller.tenant(), limit).await
}

/// Keeps a file that came at once, however long it was said to be.
///
/// # Errors
///
/// As for [`begin_intake`], [`Error::Store`].
pub async fn keep_upload(
    deps: Deps<'_>,
    caller: &Caller,
    new: NewUpload,
    received: Received,
) -> Result<Upload> {
    require_uploader(caller)?;
    let new = NewUpload { length: Some(received.blob.size), ..new };
    let mut upload = blank(&deps, caller, new);
    let media_type = received.media_type(upload.name.as_deref()).to_owned();
    upload.whole = Some(WholeUpload { blob: received.blob, media_type });
    insert(&deps, &upload).await?;
    Ok(upload)
}

/// Begins an upload that comes piece by piece.
///
/// # Errors
///
/// [`Error::SeatRequired`], [`Error::Forbidden`], [`Error::Store`].
pub async fn begin_upload(deps: Deps<'_>, caller: &Caller, new: NewUpload) -> Result<Upload> {
    require_uploader(caller)?;
    let upload = blank(&deps, caller, new);
    insert(&deps, &upload).await?;
    // One without bytes is whole at once.
    completed(&deps, upload).await
}

fn blank(deps: &Deps<'_>, caller: &Caller, new: NewUpload) -> Upload {
    let NewUpload { name, declared_type, length, metadata, purpose } = new;
    let now = deps.clock.now();
    let mut random = [0; 16];
    random.iter_mut().zip(deps.ids.random()).for_each(|(to, from)| *to = from);
    Upload {
        id: Id::from_uuid(uuid::Builder::from_random_bytes(random).into_uuid()),
        organization: caller.tenant(),
        user: caller.actor.user,
        name: name.map(|name| clean_name(&name)),
        declared_type,
        length,
        parts: Vec::new(),
        whole: None,
        metadata,
        purpose,
        created_at: now,
        expires_at: now.plus(EXPIRES_AFTER),
    }
}

async fn insert(deps: &Deps<'_>, upload: &Upload) -> Result<()> {
    let mut work = deps.store.begin(upload.organization).await?;
    work.uploads().insert(upload).await?;
    Ok(work.commit().await?)
}

/// An upload of the caller.
///
/// # Errors
///
/// [`Error::NotFound`], also for those of others and those that expired.
pub async fn view_upload(deps: Deps<'_>, caller: &Caller, id: UploadId) -> Result<Upload> {
    require_scope(&caller.actor, Scope::Read)?;
    find_own(&deps, caller, id).await
}

/// Uploads of the caller, by the time of their beginning.
///
/// # Errors
///
/// [`Error::Invalid`] when there is no such upload to go on behind.
pub async fn list_uploads(
    deps: Deps<'_>,
    caller: &Caller,
    command: ListUploads,
) -> Result<Page<Upload>> {
    let ListUploads { purpose, newest_first, after, limit } = command;
    require_seat(&caller.actor)?;
    require_scope(&caller.actor, Scope::Read)?;
    let after = match after {
        Some(id) => Some(place_of(&deps, caller, id).await?),
        None => None,
    };
    let query = UploadListQuery {
        user: caller.actor.user,
        alive_at: deps.clock.now(),
        purpose,
        newest_first,
        after,
        limit: limit.saturating_add(1),
    };
    let mut rows = deps.store.content().uploads(caller.tenant(), &query).await?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    Ok(Page { rows, more, total: None })
}

/// Where in a list an upload of the caller stands.
async fn place_of(deps: &Deps<'_>, caller: &Caller, id: UploadId) -> Result<(Timestamp, UploadId)> {
    match find_own(deps, caller, id).await {
        Ok(upload) => Ok((upload.created_at, upload.id)),
        Err(Error::NotFound(_)) => {
            let message = "must be the id of an upload of yours that is still there";
            Err(Error::invalid("after", "unknown", message))
        }
        Err(error) => Err(error),
    }
}

/// An upload of the caller, for whatever their credential may do with it.
async fn find_own(deps: &Deps<'_>, caller: &Caller, id: UploadId) -> Result<Upload> {
    require_seat(&caller.actor)?;
    let found = deps.store.content().upload(caller.tenant(), id).await?;
    own(deps, caller, found)
}

fn own(deps: &Deps<'_>, caller: &Caller, found: Option<Upload>) -> Result<Upload> {
    found
        .filter(|upload| upload.user == caller.actor.user && upload.expires_at > deps.clock.now())
        .ok_or(Error::NotFound("upload"))
}

/// An upload of the caller, locked until the end of the transaction.
async fn lock(
    deps: &Deps<'_>,
    caller: &Caller,
    work: &mut dyn UnitOfWork,
    id: UploadId,
) -> Result<Upload> {
    let found = work.uploads().find(id).await?;
    own(deps, caller, found)
}

/// Says how long an upload is that began without that.
///
/// # Errors
///
/// [`Error::Invalid`] when it has another length, or more bytes already.
pub async fn set_length(
    deps: Deps<'_>,
    caller: &Caller,
    id: UploadId,
    length: u64,
) -> Result<Upload> {
    require_uploader(caller)?;
    let mut work = deps.store.begin(caller.tenant()).await?;
    let mut upload = lock(&deps, caller, &mut *work, id).await?;
    if upload.length.is_some_and(|known| known != length) || upload.received() > length {
        let message = "the length is given once, and is not less than what was sent";
        return Err(Error::invalid("upload-length", "contradiction", message));
    }
    upload.length = Some(length);
    work.uploads().update(&upload).await?;
    work.commit().await?;
    completed(&deps, upload).await
}

/// Begins to take in the next piece of an upload; `max` is what an upload may have
/// in all.
///
/// # Errors
///
/// [`Conflict::WrongOffset`], [`Error::NotFound`].
pub async fn begin_append<'a>(
    deps: Deps<'a>,
    caller: &Caller,
    id: UploadId,
    offset: u64,
    max: u64,
) -> Result<Intake<'a>> {
    require_uploader(caller)?;
    let upload = find_own(&deps, caller, id).await?;
    require_offset(&upload, offset)?;
    let missing = upload.length.unwrap_or(max).saturating_sub(offset);
    let limit = ByteLimit { what: "the rest of the upload", bytes: missing };
    Intake::begin(deps, caller.tenant(), limit).await
}

fn require_offset(upload: &Upload, offset: u64) -> Result<()> {
    let received = upload.received();
    if received == offset { Ok(()) } else { Err(Conflict::WrongOffset { received }.into()) }
}

/// Adds a piece to an upload. With the last one it is whole.
///
/// # Errors
///
/// [`Conflict::WrongOffset`] when another piece came first, [`Error::NotFound`].
pub async fn append_upload(
    deps: Deps<'_>,
    caller: &Caller,
    id: UploadId,
    offset: u64,
    intake: Intake<'_>,
) -> Result<Upload> {
    if intake.received() == 0 {
        intake.abandon().await?;
        let upload = find_own(&deps, caller, id).await?;
        require_offset(&upload, offset)?;
        return completed(&deps, upload).await;
    }
    let piece = intake.finish().await?;
    let mut work = deps.store.begin(caller.tenant()).await?;
    let mut upload = lock(&deps, caller, &mut *work, id).await?;
    require_offset(&upload, offset)?;
    upload.parts.push(piece.blob);
    if is_all_there(&upload) && upload.parts.len() == 1 {
        finish(&mut upload, &piece);
    }
    work.uploads().update(&upload).await?;
    work.commit().await?;
    let upload = joined(&deps, upload).await?;
    completed(&deps, upload).await
}

fn is_all_there(upload: &Upload) -> bool {
    upload.whole.is_none() && upload.length == Some(upload.received())
}

fn finish(upload: &mut Upload, whole: &Received) {
    let media_type = sniff(&whole.head, upload.name.as_deref()).to_owned();
    upload.parts.clear();
    upload.whole = Some(WholeUpload { blob: whole.blob, media_type });
}

/// The upload as one blob, if all of it is there.
async fn completed(deps: &Deps<'_>, upload: Upload) -> Result<Upload> {
    if !is_all_there(&upload) {
        return Ok(upload);
    }
    let whole = join(deps, &upload, &upload.parts).await?;
    replace(deps, upload, |upload| finish(upload, &whole)).await
}

/// The upload with its newest pieces put together, where there are many.
async fn joined(deps: &Deps<'_>, mut upload: Upload) -> Result<Upload> {
    while let Some(start) = run_to_join(&upload.parts).filter(|_| !is_all_there(&upload)) {
        let run = upload.parts.get(start..).unwrap_or_default().to_vec();
        let one = join(deps, &upload, &run).await?.blob;
        upload = replace(deps, upload, |upload| {
            upload.parts.truncate(start);
            upload.parts.push(one);
        })
        .await?;
    }
    Ok(upload)
}

/// Where the run of newest pieces begins that are of like size, if it is long.
fn run_to_join(parts: &[Blob]) -> Option<usize> {
    let like = parts.last()?.size.saturating_mul(2);
    let run = parts.iter().rev().take_while(|part| part.size <= like).count();
    (run >= PIECES_TO_JOIN).then(|| parts.len() - run)
}

async fn join(deps: &Deps<'_>, upload: &Upload, parts: &[Blob]) -> Result<Received> {
    let limit = ByteLimit { what: "an upload", bytes: u64::MAX };
    let mut intake = Intake::begin_derived(*deps, upload.organization, limit).await?;
    for part in parts {
        let mut reader = deps.blobs.read(upload.organization, part.digest, None).await?;
        while let Some(chunk) = reader.next().await? {
            intake.write(chunk).await?;
        }
    }
    intake.finish().await
}

/// Replaces an upload whose pieces were put together, unless it changed meanwhile.
async fn replace(
    deps: &Deps<'_>,
    seen: Upload,
    change: impl FnOnce(&mut Upload),
) -> Result<Upload> {
    let mut work = deps.store.begin(seen.organization).await?;
    let Some(mut upload) = work.uploads().find(seen.id).await? else {
        return Err(Error::NotFound("upload"));
    };
    if upload != seen {
        return Ok(upload); // somebody else did it
    }
    change(&mut upload);
    work.uploads().update(&upload).await?;
    work.commit().await?;
    Ok(upload)
}

/// Ends an upload; its bytes are swept out.
///
/// # Errors
///
/// [`Error::NotFound`].
pub async fn delete_upload(deps: Deps<'_>, caller: &Caller, id: UploadId) -> Result<()> {
    require_uploader(caller)?;
    let mut work = deps.store.begin(caller.tenant()).await?;
    lock(&deps, caller, &mut *work, id).await?;
    work.uploads().delete(id).await?;
    Ok(work.commit().await?)
}

/// An upload of the caller that is whole, or why it is not.
pub(super) async fn require_whole(
    deps: &Deps<'_>,
    caller: &Caller,
    id: UploadId,
) -> Result<Upload> {
    let upload = completed(deps, find_own(deps, caller, id).await?).await?;
    match upload.whole {
        Some(_) => Ok(upload),
        None => Err(Conflict::UploadIncomplete.into()),
    }
}

/// Takes a whole upload out, in the transaction that puts its bytes elsewhere: of
/// two that try, one gets it.
pub(super) async fn claim(work: &mut dyn UnitOfWork, id: UploadId) -> Result<()> {
    match work.uploads().delete(id).await {
        Ok(true) => Ok(()),
        Ok(false) | Err(StoreError::Conflict) => Err(Error::NotFound("upload")),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blobs(sizes: &[u64]) -> Vec<Blob> {
        sizes.iter().map(|size| Blob { size: *size, ..Blob::of(&size.to_be_bytes()) }).collect()
    }

    /// How many bytes are copied, and how many pieces are left, after `sizes` came.
    fn simulate(sizes: impl Iterator<Item = u64>) -> (u64, usize) {
        let (mut parts, mut copied) = (Vec::new(), 0);
        for size in sizes {
            parts.extend(blobs(&[size]));
            while let Some(start) = run_to_join(&parts) {
                let sum = parts[start..].iter().map(|part| part.size).sum();
                copied += sum;
                parts.truncate(start);
                parts.extend(blobs(&[sum]));
            }
        }
        (copied, parts.len())
    }

    #[test]
    fn an_upload_of_many_pieces_stays_a_short_list_and_is_copied_a_few_times() {
        let (copied, left) = simulate(std::iter::repeat_n(1_000, 10_000));

        assert!(left < 64, "{left} pieces");
        assert!(copied < 5 * 10_000_000, "{copied} bytes copied");
    }

    #[test]
    fn pieces_of_any_sizes_stay_a_short_list() {
        let sizes = (0..10_000u64).map(|n| 1 + (n * 7_919) % 100_003);

        assert!(simulate(sizes).1 < 128);
    }
}
