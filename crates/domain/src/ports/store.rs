//! Writing: one transaction seen through every repository.

use async_trait::async_trait;

use crate::{
    ApiToken, Assistant, AssistantId, AuditEvent, DataKey, Organization, OrganizationId, SealedId,
    SealedValue, Session, SessionId, Slug, Team, TeamId, Timestamp, TokenId, User, UserId, Version,
    ports::{
        AssistantQueries, AuditQueries, AutomationRepository, BlobLedger, CallerQueries,
        CommentQueries, CommentRepository, ContentQueries, ConversationQueries,
        ConversationRepository, DirectoryQueries, Housekeeping, IdempotencyStore, ImageRepository,
        ImportRepository, KeyQueries, KeyRepository, LabelQueries, LabelRepository,
        ProviderRepository, RuleQueries, RuleRepository, RunEventLog, RunQueries, RunRepository,
        SpendingRepository, UploadRepository, WebhookQueries, WebhookRepository,
    },
};

/// Result of a store operation.
pub type StoreResult<T> = Result<T, StoreError>;

/// Why a store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else changed the record since it was read.
    #[error("the record was changed concurrently")]
    Conflict,
    /// A unique value is taken.
    #[error("a record with this {what} already exists")]
    AlreadyExists {
        /// `name`, `slug`, `email`, `external id`, `draft`, `default` or `id`.
        what: &'static str,
    },
    /// The database cannot be reached or does not answer; worth another try.
    #[error("the store is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The store holds something that this version cannot read.
    #[error("stored {table} data is invalid")]
    Corrupt {
        /// Where it is.
        table: &'static str,
        /// Why it cannot be read.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl StoreError {
    /// Whether the same call may succeed later.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable(_) => true,
            Self::Conflict | Self::AlreadyExists { .. } | Self::Corrupt { .. } => false,
        }
    }
}

/// A database.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait Store: Send + Sync {
    /// Starts a transaction that sees and writes one organization only.
    ///
    /// It MUST serialize with others that write the same rows, so that no
    /// update is lost.
    async fn begin(&self, tenant: OrganizationId) -> StoreResult<Box<dyn UnitOfWork>>;

    /// Finds callers by what they show.
    fn callers(&self) -> &dyn CallerQueries;

    /// Reads assistants and versions.
    fn assistants(&self) -> &dyn AssistantQueries;

    /// Reads organizations, users, teams and tokens.
    fn directory(&self) -> &dyn DirectoryQueries;

    /// Reads the audit log.
    fn audit(&self) -> &dyn AuditQueries;

    /// Reads uploads, pictures, extractions, providers and usage.
    fn content(&self) -> &dyn ContentQueries;

    /// Reads data keys and what is sealed with them.
    fn keys(&self) -> &dyn KeyQueries;

    /// Reads rules.
    fn rules(&self) -> &dyn RuleQueries;

    /// Reads comments.
    fn comments(&self) -> &dyn CommentQueries;

    /// Reads tags and favourites.
    fn labels(&self) -> &dyn LabelQueries;

    /// Reads webhooks and their deliveries.
    fn webhooks(&self) -> &dyn WebhookQueries;

    /// Reads threads, messages and memories.
    fn conversations(&self) -> &dyn ConversationQueries;

    /// Reads runs, approvals and automations.
    fn runs(&self) -> &dyn RunQueries;

    /// The events of runs.
    fn run_events(&self) -> &dyn RunEventLog;

    /// Finds what is to be swept out.
    fn housekeeping(&self) -> &dyn Housekeeping;

    /// Remembers answers to requests with an idempotency key.
    fn idempotency(&self) -> &dyn IdempotencyStore;

    /// Does nothing, but needs the database for it.
    async fn ping(&self) -> StoreResult<()>;
}

/// One transaction.
///
/// Dropping it without [`commit`](Self::commit) MUST undo everything and free
/// its locks at once, also when the drop is a cancelled future.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait UnitOfWork: Send {
    /// Organizations and the installation's own record.
    fn organizations(&mut self) -> &mut dyn OrganizationRepository;
    /// Users.
    fn users(&mut self) -> &mut dyn UserRepository;
    /// Teams and their members.
    fn teams(&mut self) -> &mut dyn TeamRepository;
    /// API tokens and sessions.
    fn credentials(&mut self) -> &mut dyn CredentialRepository;
    /// Assistants and drafts.
    fn assistants(&mut self) -> &mut dyn AssistantRepository;
    /// Versions, sealed values, and the audit log.
    fn records(&mut self) -> &mut dyn RecordRepository;
    /// The ledger of blobs, and extractions.
    fn blobs(&mut self) -> &mut dyn BlobLedger;
    /// Uploads.
    fn uploads(&mut self) -> &mut dyn UploadRepository;
    /// Pictures and their usage.
    fn images(&mut self) -> &mut dyn ImageRepository;
    /// Providers.
    fn providers(&mut self) -> &mut dyn ProviderRepository;
    /// Where imported assistants come from.
    fn imports(&mut self) -> &mut dyn ImportRepository;
    /// Rules and what they are attached to.
    fn rules(&mut self) -> &mut dyn RuleRepository;
    /// Comments.
    fn comments(&mut self) -> &mut dyn CommentRepository;
    /// Tags and favourites.
    fn labels(&mut self) -> &mut dyn LabelRepository;
    /// Webhooks and their deliveries.
    fn webhooks(&mut self) -> &mut dyn WebhookRepository;
    /// Threads, messages and memories.
    fn conversations(&mut self) -> &mut dyn ConversationRepository;

    /// Runs and approvals.
    fn runs(&mut self) -> &mut dyn RunRepository;

    /// What was spent of budgets.
    fn spending(&mut self) -> &mut dyn SpendingRepository;

    /// Automations and their executions.
    fn automations(&mut self) -> &mut dyn AutomationRepository;

    /// Data keys and what is sealed with them.
    fn keys(&mut self) -> &mut dyn KeyRepository;
    /// Makes everything visible and durable. When it returns `Ok`, a crash at
    /// any later moment MUST NOT lose it.
    async fn commit(self: Box<Self>) -> StoreResult<()>;
}

/// The one record that an installation has of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// By which a wrong master key is recognized.
    pub key_check: Vec<u8>,
    /// When it was first started.
    pub created_at: Timestamp,
}

/// What an organization may have only so many of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Live assistants that are not deleted.
    Assistants,
    /// Users, disabled ones included.
    Users,
    /// API tokens of this user that have not expired at the instant.
    Tokens(UserId, Timestamp),
    /// Bytes of the blobs in the ledger.
    StoredBytes,
}

/// Organizations.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait OrganizationRepository: Send {
    /// The organization of the transaction, or `None`.
    async fn find(&mut self) -> StoreResult<Option<Organization>>;

    /// Adds the organization; its id MUST be the transaction's.
    async fn insert(&mut self, organization: &Organization) -> StoreResult<()>;

    /// Replaces name and settings and returns it with its next revision.
    ///
    /// # Errors
    ///
    /// MUST be [`StoreError::Conflict`] when the stored revision is another.
    async fn update(&mut self, organization: Organization) -> StoreResult<Organization>;

    /// How many there are. MUST serialize with other transactions of the
    /// organization that count, so that two of them do not both take the last place.
    async fn count(&mut self, what: Counted) -> StoreResult<u64>;

    /// Replaces the installation's key check, after the master key was changed.
    async fn update_key_check(&mut self, key_check: &[u8]) -> StoreResult<()>;

    /// Records the installation, once.
    ///
    /// # Errors
    ///
    /// MUST be [`StoreError::AlreadyExists`] when it is recorded, also by a
    /// transaction that runs at the same time.
    async fn insert_installation(&mut self, installation: &Installation) -> StoreResult<()>;
}

/// Users of the transaction's organization.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait UserRepository: Send {
    /// The user, locked until the end of the transaction, or `None`.
    async fn find(&mut self, id: UserId) -> StoreResult<Option<User>>;

    /// Which of `ids` are users of the organization, in any order.
    async fn known(&mut self, ids: &[UserId]) -> StoreResult<Vec<UserId>>;

    /// The user with this [`external_id`](User::external_id), locked likewise, or
    /// `None`.
    async fn find_by_external_id(&mut self, external_id: &str) -> StoreResult<Option<User>>;

    /// How many enabled users with role `owner` there are. MUST serialize with
    /// other transactions that call it, so that the last owner stays.
    async fn count_owners(&mut self) -> StoreResult<u64>;

    /// Adds a user.
    ///
    /// # Errors
    ///
    /// MUST be [`StoreError::AlreadyExists`] `email` when any organization has a
    /// user with that address, and `external id` when another user of the
    /// organization has that one.
    async fn insert(&mut self, user: &User) -> StoreResult<()>;

    /// Replaces the user and returns it with its next revision.
    ///
    /// # Errors
    ///
    /// MUST be [`StoreError::Conflict`] when the stored revision is another, and
    /// `AlreadyExists` as for [`insert`](Self::insert).
    async fn update(&mut self, user: User) -> StoreResult<User>;

    /// Removes the user with their tokens, sessions and memberships, with their
    /// threads, memories and runs and all that belongs to those; `false` when there
    /// is none. What was spent and used stays noted.
    async fn delete(&mut self, id: UserId) -> StoreResult<bool>;
}

/// Teams of the transaction's organization.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait TeamRepository: Send {
    /// The team, locked until the end of the transaction, or `None`.
    async fn find(&mut self, id: TeamId) -> StoreResult<Option<Team>>;

    /// Adds a team.
    ///
    /// # Errors
    ///
    /// MUST be [`StoreError::AlreadyExists`] `name` when the name is taken.
    async fn insert(&mut self, team: &Team) -> StoreResult<()>;

    /// Replaces the team with its members and returns it with its next revision.
    ///
    /// # Errors
    ///
    /// MUST be [`StoreError::Conflict`] when the stored revision is another, and
    /// `AlreadyExists` as for [`insert`](Self::insert).
    async fn update(&mut self, team: Team) -> StoreResult<Team>;

    /// Removes the team; `false` when there is none.
    async fn delete(&mut self, id: TeamId) -> StoreResult<bool>;

    /// Whether the team owns an assistant that is not deleted.
    async fn owns_assistants(&mut self, id: TeamId) -> StoreResult<bool>;
}

/// Tokens and sessions of the transaction's organization.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait CredentialRepository: Send {
    /// The token, or `None`.
    async fn find_token(&mut self, id: TokenId) -> StoreResult<Option<ApiToken>>;

    /// Adds a token.
    ///
    /// # Errors
    ///
    /// MUST be [`StoreError::AlreadyExists`] `id` when its hash is taken.
    async fn insert_token(&mut self, token: &ApiToken) -> StoreResult<()>;

    /// Replaces notes and limits of a token.
    async fn update_token(&mut self, token: &ApiToken) -> StoreResult<()>;

    /// Removes the token; `false` when there is none.
    async fn delete_token(&mut self, id: TokenId) -> StoreResult<bool>;

    /// Adds a session.
    async fn insert_session(&mut self, session: &Session) -> StoreResult<()>;

    /// Ends the session; `false` when there is none.
    async fn delete_session(&mut self, id: SessionId) -> StoreResult<bool>;

    /// Ends all sessions of the user.
    async fn delete_sessions_of(&mut self, user: UserId) -> StoreResult<()>;
}

/// Assistants and drafts of the transaction's organization.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait AssistantRepository: Send {
    /// The assistant, live, draft or deleted, locked until the end of the
    /// transaction, or `None`.
    async fn find(&mut self, id: AssistantId) -> StoreResult<Option<Assistant>>;

    /// The draft of a live assistant, locked likewise, or `None`.
    async fn find_draft_of(&mut self, live: AssistantId) -> StoreResult<Option<Assistant>>;

    /// The live assistant with this slug, deleted or not, or `None`.
    async fn find_by_slug(&mut self, slug: &Slug) -> StoreResult<Option<AssistantId>>;

    /// Adds an assistant or draft, and makes it findable by its audience
    /// ([`crate::access::audience`]).
    ///
    /// # Errors
    ///
    /// MUST be [`StoreError::AlreadyExists`]: `name` when a live assistant that
    /// is not deleted has that name without regard to case, `slug` when one has
    /// that slug (deleted ones included), `draft` when the live one has a draft.
    async fn insert(&mut self, assistant: &Assistant) -> StoreResult<()>;

    /// Replaces the assistant and returns it with its next revision.
    ///
    /// # Errors
    ///
    /// MUST be [`StoreError::Conflict`] when the stored revision is another, and
    /// `AlreadyExists` as for [`insert`](Self::insert).
    async fn update(&mut self, assistant: Assistant) -> StoreResult<Assistant>;

    /// Removes a draft for good; `false` when there is none with this id.
    async fn delete_draft(&mut self, id: AssistantId) -> StoreResult<bool>;

    /// Takes the organization's default away from whichever assistant has it,
    /// counting its revision up.
    async fn clear_default(&mut self) -> StoreResult<()>;
}

/// What only grows: versions, sealed values, data keys, audit events.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait RecordRepository: Send {
    /// Adds a version.
    ///
    /// # Errors
    ///
    /// MUST be [`StoreError::Conflict`] when the assistant has that number.
    async fn insert_version(&mut self, version: &Version) -> StoreResult<()>;

    /// The version with this number, or `None`.
    async fn find_version(
        &mut self,
        assistant: AssistantId,
        number: u32,
    ) -> StoreResult<Option<Version>>;

    /// Adds sealed values.
    async fn insert_sealed(&mut self, values: &[SealedValue]) -> StoreResult<()>;

    /// Those of `ids` that exist, in any order.
    async fn find_sealed(&mut self, ids: &[SealedId]) -> StoreResult<Vec<SealedValue>>;

    /// The organization's newest data key, or `None`.
    async fn newest_data_key(&mut self) -> StoreResult<Option<DataKey>>;

    /// Adds a data key.
    async fn insert_data_key(&mut self, key: &DataKey) -> StoreResult<()>;

    /// Adds an event to the audit log when the transaction is committed, chained to
    /// the last one ([`crate::ChainHash::next`]); if it cannot be added, the
    /// commit MUST fail. Numbers MUST grow in the order of commits, so that whoever
    /// has read up to a number never misses an event.
    async fn append_event(&mut self, event: &AuditEvent) -> StoreResult<()>;
}
