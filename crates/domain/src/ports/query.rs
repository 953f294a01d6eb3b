//! Reading: one statement each, no transaction, read models with keyset pages.

use async_trait::async_trait;
use time::Duration;

use crate::{
    Actor, ApiToken, Assistant, AssistantId, AssistantRef, Email, EventFilter, Organization,
    OrganizationId, PasswordHash, RecordedEvent, SessionId, TagId, Team, TeamId, Timestamp,
    TokenHash, TokenId, TokenUse, User, UserId, Version, VersionSummary,
    access::Standing,
    assistant::{content::AssistantKind, policy::AccessMode},
    audit::ChainHead,
    ports::{Installation, StoreResult},
};

/// What a caller shows to prove who they are, already hashed or checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// An API token.
    Token(TokenHash),
    /// The value of a session cookie.
    Cookie(TokenHash),
    /// A session named by a JWT whose signature was checked.
    Session(SessionId),
    /// An API token that was shown before, by which a run asks again what its user
    /// may do. It finds what [`Token`](Self::Token) finds, limits and expiry included.
    KnownToken(TokenId),
}

/// A caller as the store knows them, before any limit was checked.
#[derive(Clone, Debug)]
pub struct CallerRecord {
    /// Who it would be. For tokens, `actor.credential` holds the limits.
    pub actor: Actor,
    /// Whether the user is shut out.
    pub disabled: bool,
    /// When the token (if limited) or session ends.
    pub expires_at: Option<Timestamp>,
}

/// What logging in needs to know of a user.
#[derive(Clone, Debug)]
pub struct LoginRecord {
    /// The user.
    pub user: UserId,
    /// The user's organization.
    pub organization: OrganizationId,
    /// The password's hash, if they may log in with one.
    pub password: Option<PasswordHash>,
    /// Whether the user is shut out.
    pub disabled: bool,
}

/// Finds callers. These queries run before the organization is known.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait CallerQueries: Send + Sync {
    /// The caller behind `proof`, or `None`.
    async fn find(&self, proof: Proof) -> StoreResult<Option<CallerRecord>>;

    /// The caller behind `proof` and the assistant they name, in one round trip.
    /// The assistant MUST be as [`AssistantQueries::find`] gives it.
    async fn find_with_assistant(
        &self,
        proof: Proof,
        reference: &AssistantRef,
    ) -> StoreResult<Option<(CallerRecord, Option<AssistantRecord>)>>;

    /// The user with this log-in name, or `None`.
    async fn find_login(&self, email: &Email) -> StoreResult<Option<LoginRecord>>;

    /// Records the last use of tokens, best effort.
    async fn record_uses(&self, uses: &[(OrganizationId, TokenId, TokenUse)]) -> StoreResult<()>;

    /// The installation's record, or `None` before the first start.
    async fn installation(&self) -> StoreResult<Option<Installation>>;

    /// The first organization that was made, or `None`.
    async fn first_organization(&self) -> StoreResult<Option<Organization>>;
}

/// An assistant with what deciding about it and showing it needs.
#[derive(Clone, Debug, PartialEq)]
pub struct AssistantRecord {
    /// The assistant or draft.
    pub assistant: Assistant,
    /// On a draft, the live assistant it drafts, whose owner and policy decide.
    pub live: Option<Box<Assistant>>,
    /// On a live assistant of the asker's organization, its draft. Others MUST NOT
    /// learn that it has one.
    pub draft: Option<DraftMark>,
}

/// That a live assistant has a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DraftMark {
    /// The draft's id.
    pub id: AssistantId,
}

impl AssistantRecord {
    /// The assistant whose owner and policy decide about access.
    #[must_use]
    pub fn authority(&self) -> &Assistant {
        self.live.as_deref().unwrap_or(&self.assistant)
    }
}

/// Keys that assistants are listed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortKey {
    /// When they were last changed.
    UpdatedAt,
    /// When they were made.
    CreatedAt,
    /// Their name without regard to case.
    Name,
}

/// A sort order; ties are broken by id in the same direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    /// By what.
    pub key: SortKey,
    /// Whether the largest come first.
    pub descending: bool,
}

/// Where a page begins: behind this row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The row's sort key: microseconds for times, the lower-cased name.
    pub key: PositionKey,
    /// The row's id.
    pub id: uuid::Uuid,
}

/// The sort key of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PositionKey {
    /// A time.
    Time(Timestamp),
    /// A text.
    Text(String),
}

/// Which assistants to list.
#[derive(Clone, Debug)]
pub struct AssistantFilter {
    /// Lower-cased text that name or description contains.
    pub q: Option<String>,
    /// Their kind.
    pub kind: Option<AssistantKind>,
    /// Their owning user or team.
    pub owner: Option<crate::Principal>,
    /// Their access mode.
    pub access_mode: Option<AccessMode>,
    /// Their model key.
    pub model: Option<String>,
    /// `Some(true)`: active only; `Some(false)`: inactive only.
    pub is_active: Option<bool>,
    /// Drops those with `api_enabled: false` (for tokens).
    pub api_enabled_only: bool,
    /// Drops those that are not shown to this user in chat: a non-empty
    /// `visible_in_chat_to_users` without the user, unless the user has edit
    /// access or better.
    pub visible_in_chat_to: Option<UserId>,
    /// Metadata pairs that they all have.
    pub metadata: Vec<(String, String)>,
    /// Only this one (for tokens of one assistant).
    pub only: Option<AssistantId>,
    /// With this tag of the asker's organization; another's tags MUST NOT match.
    pub tag: Option<TagId>,
    /// Favourites of this user.
    pub favorite_of: Option<UserId>,
}

/// One page of a list of assistants.
#[derive(Clone, Debug)]
pub struct AssistantListQuery {
    /// Who asks: rows MUST be exactly those live, undeleted assistants whose
    /// [`crate::access::level`] for this standing is at least view.
    pub standing: Standing,
    /// Which.
    pub filter: AssistantFilter,
    /// In what order.
    pub sort: Sort,
    /// Behind which row.
    pub after: Option<Position>,
    /// How many at most.
    pub limit: u32,
    /// Whether to count all that match.
    pub count: bool,
}

/// A page.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Whether there are more behind them.
    pub more: bool,
    /// How many match in all, if that was asked.
    pub total: Option<u64>,
}

/// Reads assistants.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait AssistantQueries: Send + Sync {
    /// The assistant, live, draft or deleted, or `None`. MUST find those of
    /// other organizations only by id, and only live ones whose access mode is
    /// `global` or `public`.
    async fn find(
        &self,
        tenant: OrganizationId,
        reference: &AssistantRef,
    ) -> StoreResult<Option<AssistantRecord>>;

    /// A page of assistants. Its cost MUST NOT grow with the number of
    /// assistants or with the page's place.
    async fn list(&self, query: &AssistantListQuery) -> StoreResult<Page<AssistantRecord>>;

    /// Versions of an assistant, newest first, with numbers below `before`.
    async fn versions(
        &self,
        tenant: OrganizationId,
        assistant: AssistantId,
        before: Option<u32>,
        limit: u32,
    ) -> StoreResult<Vec<VersionSummary>>;

    /// A version, or `None`.
    async fn version(
        &self,
        tenant: OrganizationId,
        assistant: AssistantId,
        number: u32,
    ) -> StoreResult<Option<Version>>;

    /// The organization's default assistant, or `None`.
    async fn default_of(&self, tenant: OrganizationId) -> StoreResult<Option<AssistantRecord>>;
}

/// Reads organizations, users, teams and tokens.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait DirectoryQueries: Send + Sync {
    /// The organization, or `None`.
    async fn organization(&self, tenant: OrganizationId) -> StoreResult<Option<Organization>>;

    /// The user, or `None`.
    async fn user(&self, tenant: OrganizationId, id: UserId) -> StoreResult<Option<User>>;

    /// The user with this [`external_id`](User::external_id), or `None`.
    async fn user_by_external_id(
        &self,
        tenant: OrganizationId,
        external_id: &str,
    ) -> StoreResult<Option<User>>;

    /// Those of `ids` that are users, in any order. An adapter that can ask for all
    /// of them at once does.
    async fn users_by_id(&self, tenant: OrganizationId, ids: &[UserId]) -> StoreResult<Vec<User>> {
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            found.extend(self.user(tenant, *id).await?);
        }
        Ok(found)
    }

    /// Users by their e-mail address, behind `after`; `q` is lower-cased text
    /// that address or name contains.
    async fn users(
        &self,
        tenant: OrganizationId,
        q: Option<String>,
        after: Option<Email>,
        limit: u32,
        count: bool,
    ) -> StoreResult<Page<User>>;

    /// The team, or `None`.
    async fn team(&self, tenant: OrganizationId, id: TeamId) -> StoreResult<Option<Team>>;

    /// All teams by name.
    async fn teams(&self, tenant: OrganizationId) -> StoreResult<Vec<Team>>;

    /// All tokens of a user, newest first.
    async fn tokens(&self, tenant: OrganizationId, user: UserId) -> StoreResult<Vec<ApiToken>>;

    /// All tokens that are limited to the live assistant, of whatever user of the
    /// organization, newest first.
    async fn assistant_tokens(
        &self,
        tenant: OrganizationId,
        assistant: AssistantId,
    ) -> StoreResult<Vec<ApiToken>>;
}

/// Which way to walk the audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Walk {
    /// Newest first, from the event before this number, or from the last.
    Backward(Option<u64>),
    /// Oldest first, from the event behind this number.
    Forward(u64),
}

/// Reads the audit log.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait AuditQueries: Send + Sync {
    /// Events that the filter lets through.
    async fn events(
        &self,
        tenant: OrganizationId,
        filter: &EventFilter,
        walk: Walk,
        limit: u32,
    ) -> StoreResult<Vec<RecordedEvent>>;

    /// Where the log ends.
    async fn head(&self, tenant: OrganizationId) -> StoreResult<ChainHead>;

    /// Waits until the log has an event behind number `after`, written by whatever
    /// server, at most for `patience`. It may also return early; who waits looks
    /// again.
    async fn wait(
        &self,
        tenant: OrganizationId,
        after: u64,
        patience: std::time::Duration,
    ) -> StoreResult<()>;
}

/// What an idempotency key belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IdempotencyScope {
    /// The organization of the caller.
    pub organization: OrganizationId,
    /// The caller.
    pub user: UserId,
    /// Method and path.
    pub route: String,
    /// The key, 1 to 255 characters.
    pub key: String,
}

/// An answer as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAnswer {
    /// HTTP status.
    pub status: u16,
    /// The headers that belong to the answer itself.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// What reserving an idempotency key found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reservation {
    /// Nobody used it: go on, then complete or release it.
    Fresh,
    /// The same request is under way, or was when the server stopped.
    UnderWay,
    /// The same request was answered.
    Answered(StoredAnswer),
    /// It was used with another body.
    OtherBody,
}

/// Remembers answers to requests with an idempotency key.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait IdempotencyStore: Send + Sync {
    /// Reserves the key for a request whose body has this hash. Of two calls at
    /// the same time, one MUST get [`Reservation::Fresh`] and the other MUST
    /// NOT. Keys older than `keep` count as unused.
    async fn reserve(
        &self,
        scope: &IdempotencyScope,
        body: TokenHash,
        now: Timestamp,
        keep: Duration,
    ) -> StoreResult<Reservation>;

    /// Keeps the answer.
    async fn complete(&self, scope: &IdempotencyScope, answer: &StoredAnswer) -> StoreResult<()>;

    /// Forgets the key: the request had no effect.
    async fn release(&self, scope: &IdempotencyScope) -> StoreResult<()>;

    /// Removes what is older than `before`: idempotency keys and expired
    /// sessions.
    async fn sweep(&self, before: Timestamp, now: Timestamp) -> StoreResult<()>;
}
