//! The store of what assistants are made of: blobs, uploads, pictures, providers.

use async_trait::async_trait;
use time::Duration;

use super::StoreResult;
use crate::{
    AssistantId, Blob, Digest, Extraction, Image, ImageId, OrganizationId, Provider, ProviderId,
    Timestamp, Upload, UploadId, UploadPurpose, Usage, UsageTotal, UserId,
};

/// The ledger of blobs: which there are, and which rows name them.
///
/// Every repository keeps it: a row that names blobs (an assistant by
/// [`crate::Content::blobs`], a version likewise, an upload, an image, an
/// extraction) MUST count as naming them as long as it stands, and a row that
/// would name a blob that is not in the ledger MUST be refused as
/// [`StoreError::Conflict`](super::StoreError::Conflict).
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait BlobLedger: Send {
    /// Notes that the blob was taken in at `now`, again or for the first time; of
    /// two times the later one MUST stay. It waits for whoever is about to
    /// [`forget`](Self::forget) it.
    async fn touch(&mut self, blob: Blob, now: Timestamp) -> StoreResult<()>;

    /// Strikes a blob out, with what was extracted from it, and keeps it locked
    /// until the end of the transaction; `false` when it is gone, when a row names
    /// it (its own extraction does not count), or when it was touched at or after
    /// `before`.
    async fn forget(&mut self, digest: Digest, before: Timestamp) -> StoreResult<bool>;

    /// Adds what was extracted from a document, in place of what there was.
    ///
    /// # Errors
    ///
    /// MUST be [`StoreError::Conflict`](super::StoreError::Conflict) also when the
    /// document is not in the ledger: nothing would ever sweep it out.
    async fn save_extraction(&mut self, extraction: &Extraction) -> StoreResult<()>;
}

/// Uploads of the transaction's organization.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait UploadRepository: Send {
    /// The upload, locked until the end of the transaction, or `None`.
    async fn find(&mut self, id: UploadId) -> StoreResult<Option<Upload>>;

    /// Adds an upload.
    async fn insert(&mut self, upload: &Upload) -> StoreResult<()>;

    /// Replaces it.
    ///
    /// # Errors
    ///
    /// MUST be [`StoreError::Conflict`](super::StoreError::Conflict) when there is
    /// none.
    async fn update(&mut self, upload: &Upload) -> StoreResult<()>;

    /// Removes it; `false` when there is none.
    async fn delete(&mut self, id: UploadId) -> StoreResult<bool>;
}

/// Pictures of the transaction's organization, and what they cost.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait ImageRepository: Send {
    /// The picture, or `None`.
    async fn find(&mut self, id: ImageId) -> StoreResult<Option<Image>>;

    /// The newest avatar of the live assistant ([`crate::ImageOrigin::Avatar`]), or
    /// `None`.
    async fn find_avatar(&mut self, assistant: AssistantId) -> StoreResult<Option<Image>>;

    /// Adds a picture.
    async fn insert(&mut self, image: &Image) -> StoreResult<()>;

    /// Removes it; `false` when there is none.
    async fn delete(&mut self, id: ImageId) -> StoreResult<bool>;

    /// Counts a use. It stays when the picture goes.
    async fn count(&mut self, usage: &Usage) -> StoreResult<()>;
}

/// Providers of the transaction's organization.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait ProviderRepository: Send {
    /// The provider, locked until the end of the transaction, or `None`.
    async fn find(&mut self, id: ProviderId) -> StoreResult<Option<Provider>>;

    /// Adds a provider.
    ///
    /// # Errors
    ///
    /// MUST be [`StoreError::AlreadyExists`](super::StoreError::AlreadyExists)
    /// `name` when the name is taken without regard to case.
    async fn insert(&mut self, provider: &Provider) -> StoreResult<()>;

    /// Replaces it and returns it with its next revision.
    ///
    /// # Errors
    ///
    /// MUST be [`StoreError::Conflict`](super::StoreError::Conflict) when the
    /// stored revision is another, and `AlreadyExists` as for
    /// [`insert`](Self::insert).
    async fn update(&mut self, provider: Provider) -> StoreResult<Provider>;

    /// Removes it; `false` when there is none.
    async fn delete(&mut self, id: ProviderId) -> StoreResult<bool>;
}

/// Which assistants of the transaction's organization were imported, by the
/// identifier they had where they come from.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait ImportRepository: Send {
    /// The assistant that was imported under this identifier, or `None`.
    async fn find(&mut self, external: &str) -> StoreResult<Option<AssistantId>>;

    /// Notes it, in place of an earlier one.
    async fn save(&mut self, external: &str, assistant: AssistantId) -> StoreResult<()>;
}

/// What of the usage to count.
#[derive(Clone, Debug)]
pub struct UsageFilter {
    /// From this instant on.
    pub from: Timestamp,
    /// Before this instant.
    pub until: Timestamp,
    /// Of this user only.
    pub user: Option<UserId>,
}

/// One page of a user's uploads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadListQuery {
    /// Whose.
    pub user: UserId,
    /// Only those that expire after this instant.
    pub alive_at: Timestamp,
    /// Only those for this.
    pub purpose: Option<UploadPurpose>,
    /// Whether those come first that were begun last; of one instant by their ids in
    /// the same direction.
    pub newest_first: bool,
    /// Behind the upload that was begun then and has this id.
    pub after: Option<(Timestamp, UploadId)>,
    /// How many at most.
    pub limit: u32,
}

/// Reads uploads, pictures, extractions, providers and usage.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait ContentQueries: Send + Sync {
    /// The upload, or `None`.
    async fn upload(&self, tenant: OrganizationId, id: UploadId) -> StoreResult<Option<Upload>>;

    /// A page of a user's uploads. Its cost MUST NOT grow with the uploads of others
    /// or with the page's place.
    async fn uploads(
        &self,
        tenant: OrganizationId,
        query: &UploadListQuery,
    ) -> StoreResult<Vec<Upload>>;

    /// The picture whose address ends with `key`, of whatever organization, or
    /// `None`.
    async fn image_by_key(&self, key: &str) -> StoreResult<Option<Image>>;

    /// Generated pictures (of one user, if given), newest first, older than
    /// `before`.
    async fn images(
        &self,
        tenant: OrganizationId,
        user: Option<UserId>,
        before: Option<ImageId>,
        limit: u32,
    ) -> StoreResult<Vec<Image>>;

    /// The newest avatar of the live assistant, or `None`.
    async fn avatar(
        &self,
        tenant: OrganizationId,
        assistant: AssistantId,
    ) -> StoreResult<Option<Image>>;

    /// What was extracted from the document with these bytes, or `None`.
    async fn extraction(
        &self,
        tenant: OrganizationId,
        source: Digest,
    ) -> StoreResult<Option<Extraction>>;

    /// All providers, by priority and then by name.
    async fn providers(&self, tenant: OrganizationId) -> StoreResult<Vec<Provider>>;

    /// Usage by day, user, assistant, kind, provider and model, in that order; what
    /// was for no assistant comes first.
    async fn usage(
        &self,
        tenant: OrganizationId,
        filter: &UsageFilter,
    ) -> StoreResult<Vec<UsageTotal>>;
}

/// Finds, in all organizations, what is to be swept out or checked.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Housekeeping: Send + Sync {
    /// At most `limit` uploads that expired at or before `now`.
    async fn expired_uploads(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> StoreResult<Vec<(OrganizationId, UploadId)>>;

    /// At most `limit` blobs of the ledger that no row names (but their own
    /// extraction) and that were touched before `before`.
    async fn unnamed_blobs(
        &self,
        before: Timestamp,
        limit: u32,
    ) -> StoreResult<Vec<(OrganizationId, Digest)>>;

    /// At most `limit` blobs that rows name, behind `after`, in the order of
    /// organization and digest.
    async fn named_blobs(
        &self,
        after: Option<(OrganizationId, Digest)>,
        limit: u32,
    ) -> StoreResult<Vec<(OrganizationId, Blob)>>;

    /// At most `limit` organizations behind `after`, in the order of ids.
    async fn organizations(
        &self,
        after: Option<OrganizationId>,
        limit: u32,
    ) -> StoreResult<Vec<OrganizationId>>;

    /// Which of `blobs` are in the ledger, in any order.
    async fn known_blobs(
        &self,
        blobs: &[(OrganizationId, Digest)],
    ) -> StoreResult<Vec<(OrganizationId, Digest)>>;
}

/// How long a blob that no row names is kept (safety.md, 'writing and losing').
pub const KEEP_UNNAMED: Duration = Duration::hours(24);
