//! Why a use case refused or failed: few variants, by what a program does next.

use crate::{
    Fault,
    access::Level,
    budget::{BudgetPeriod, BudgetSubject},
    merge::MergeConflict,
    ports::{BlobError, CryptoError, IdentityError, MediaError, ProviderError, StoreError},
};

/// Result of a use case.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a use case refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No credential, or one that is unknown, expired, revoked, of a disabled
    /// user or used from elsewhere. Does not tell which.
    #[error("the credential is missing or not valid")]
    Unauthenticated,
    /// The user has no AI seat.
    #[error("an AI seat is needed to use assistants")]
    SeatRequired,
    /// The assistant is not open to API tokens.
    #[error("this assistant is not open to API tokens")]
    ApiDisabled,
    /// The caller may see the thing but not do this.
    #[error("{0}")]
    Forbidden(Denied),
    /// There is none, or none that the caller may see.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The input is wrong; every fault of it.
    #[error("the request is not valid")]
    Invalid(Vec<Fault>),
    /// The state of things does not allow it.
    #[error("{0}")]
    Conflict(Conflict),
    /// `If-Match` names another state.
    #[error("it was changed since the version that If-Match names")]
    PreconditionFailed,
    /// Something is larger than its limit.
    #[error("{what} may have at most {limit} bytes")]
    TooLarge {
        /// What, for example `a file`.
        what: &'static str,
        /// The limit in bytes.
        limit: u64,
    },
    /// There may be no more of something.
    #[error("there may be at most {limit} {what}")]
    TooMany {
        /// What, for example `files in an assistant`.
        what: &'static str,
        /// The limit.
        limit: usize,
    },
    /// A budget has nothing left for it.
    #[error(
        "the {} budget of this {} is used up; it begins anew in {retry_after} s",
        .period.as_str(), .subject.as_str()
    )]
    BudgetExceeded {
        /// Whose.
        subject: BudgetSubject,
        /// How long it lasts.
        period: BudgetPeriod,
        /// Seconds until it begins anew.
        retry_after: u64,
    },
    /// Too much of something goes on at the same time.
    #[error("{what} may be at most {limit} at a time; wait for one to end")]
    Busy {
        /// What, for example `responses of a user`.
        what: &'static str,
        /// The limit.
        limit: u64,
    },
    /// A picture or document cannot be worked on.
    #[error(transparent)]
    Media(#[from] MediaError),
    /// A provider did not do what was asked.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// An identity provider did not log anybody in.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The blob store failed.
    #[error("the blob store could not do it")]
    Blobs(#[from] BlobError),
    /// The store failed.
    #[error("the store could not do it")]
    Store(#[from] StoreError),
    /// Cryptography failed.
    #[error("a cryptographic operation failed")]
    Crypto(#[from] CryptoError),
}

impl Error {
    /// One fault.
    pub fn invalid(
        pointer: impl Into<String>,
        code: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self::Invalid(vec![Fault::new(pointer, code, message)])
    }
}

impl From<Denied> for Error {
    fn from(denied: Denied) -> Self {
        Self::Forbidden(denied)
    }
}

impl From<Conflict> for Error {
    fn from(conflict: Conflict) -> Self {
        Self::Conflict(conflict)
    }
}

/// What the caller lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// Their level on the assistant is too low.
    #[error("this needs {} access to the assistant", word(*.needed))]
    Level {
        /// The level that is needed.
        needed: Level,
    },
    /// Their role in the organization is too low.
    #[error("this needs {0}")]
    Role(&'static str),
    /// They would touch somebody at or above their own rank.
    #[error("nobody may grant, change or remove a rank at or above their own")]
    Rank,
    /// The token does not cover it.
    #[error("this token does not have the scope `{0}`")]
    Scope(&'static str),
    /// The token is read-only.
    #[error("this token is read-only")]
    ReadOnly,
    /// The token is limited to one assistant.
    #[error("this token is limited to one assistant")]
    OneAssistant,
    /// It is an affair of the assistant's organization.
    #[error("this is for people of the assistant's organization")]
    OtherOrganization,
    /// Somebody else wrote it.
    #[error("this is for its author")]
    Author,
    /// They may not log in, and this is what they can do about it.
    #[error("{0}")]
    LogIn(&'static str),
}

impl Denied {
    /// A stable name for programs.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Level { .. } => "insufficient_level",
            Self::Role(_) => "insufficient_role",
            Self::Rank => "insufficient_rank",
            Self::Scope(_) => "insufficient_scope",
            Self::ReadOnly => "token_read_only",
            Self::OneAssistant => "token_limited",
            Self::OtherOrganization => "other_organization",
            Self::Author => "not_the_author",
            Self::LogIn(_) => "login_refused",
        }
    }
}

const fn word(level: Level) -> &'static str {
    match level {
        Level::None => "no",
        Level::View => "view",
        Level::Edit => "edit",
        Level::Manage => "manage",
        Level::Owner => "owner",
    }
}

/// What stands in the way.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Conflict {
    /// A unique value is taken.
    #[error("this {what} is taken")]
    Taken {
        /// `name`, `slug` or `email`.
        what: &'static str,
    },
    /// Somebody else changed it at the same moment; trying again may succeed.
    #[error("it was changed at the same time; read it and try again")]
    Concurrent,
    /// The assistant has a draft already.
    #[error("the assistant has a draft; commit or discard it first")]
    DraftExists,
    /// The draft and the live assistant changed the same values.
    #[error("the draft and the live assistant changed the same values")]
    Merge(Vec<MergeConflict>),
    /// Each side is right, but together they are not.
    #[error("the merged content would not be valid")]
    MergeInvalid(Vec<Fault>),
    /// The version refers to things that are gone.
    #[error(
        "the version refers to things that are gone; restore with drop_missing to leave them out"
    )]
    Missing(Vec<String>),
    /// The last owner must stay.
    #[error("the organization's last owner must stay")]
    LastOwner,
    /// The team owns assistants.
    #[error("the team owns assistants; give them away first")]
    TeamOwnsAssistants,
    /// Only active assistants can be the default.
    #[error("an inactive assistant cannot be the default")]
    Inactive,
    /// There is nothing to restore.
    #[error("it is not deleted")]
    NotDeleted,
    /// The installation was set up before.
    #[error("the installation is set up already")]
    AlreadySetUp,
    /// The assistant has a reference to this target.
    #[error("the assistant has a reference to this target already")]
    ReferenceExists,
    /// The upload is not whole yet.
    #[error("the upload is not complete; send the rest first")]
    UploadIncomplete,
    /// The upload has another length so far.
    #[error("the upload has {received} bytes so far; go on from there")]
    WrongOffset {
        /// How many bytes it has.
        received: u64,
    },
    /// Nobody is set up who draws with this model.
    #[error("no provider that draws with `{model}` is set up")]
    NoProvider {
        /// The model's key.
        model: String,
    },
    /// The assistant or its organization is not open to the provider.
    #[error("the provider `{provider}` is not allowed, by the assistant or by the organization")]
    ProviderNotAllowed {
        /// The provider's kind.
        provider: &'static str,
    },
    /// Nobody is set up who answers with this model.
    #[error("no provider that answers with `{model}` is set up")]
    NoModelProvider {
        /// The model's key.
        model: String,
    },
    /// The assistant or its organization is not open to the model's vendor.
    #[error("models of `{provider}` are not allowed, by the assistant or by the organization")]
    VendorNotAllowed {
        /// The vendor, or the kind of the provider.
        provider: String,
    },
    /// The rule is attached to something.
    #[error("the rule is attached to {count} things; detach it, or delete it with `force`")]
    RuleAttached {
        /// How many.
        count: usize,
    },
    /// Skills use the secret.
    #[error("the secret is used by {}", .skills.join(", "))]
    SecretInUse {
        /// Their names.
        skills: Vec<String>,
    },
    /// The webhook is switched off, so nothing is sent to it.
    #[error("the webhook is switched off; enable it first")]
    WebhookDisabled,
    /// Somebody has this address who was not linked to the directory's account.
    #[error(
        "there is a user with this address who is not linked to this account; an administrator can link them by `externalId`"
    )]
    AccountNotLinked,
    /// The assistant is switched off.
    #[error("the assistant is not active")]
    NotActive,
    /// Another answer is on its way in the thread.
    #[error("an answer is on its way in this thread; wait for it, or cancel it")]
    ThreadBusy,
    /// A dispatcher has nobody to hand a conversation over to.
    #[error("there is no assistant that the dispatcher could hand over to")]
    NobodyToHandTo,
    /// The thread belongs to another assistant.
    #[error("the thread belongs to another assistant")]
    ThreadOfAnother,
    /// The run is not at work.
    #[error("the response is not on its way")]
    NotRunning,
    /// Somebody decided before, or nobody did in time.
    #[error("this was decided already: {state}")]
    Decided {
        /// What became of it.
        state: &'static str,
    },
    /// An import names an assistant that the caller may not change.
    #[error("this was imported before, into an assistant that the caller may not change")]
    ImportedElsewhere,
}

impl Conflict {
    /// A stable name for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Taken { what: "name" } => "name_taken",
            Self::Taken { what: "slug" } => "slug_taken",
            Self::Taken { what: "email" } => "email_taken",
            Self::Taken { what: "external id" } => "external_id_taken",
            Self::Taken { .. } => "taken",
            Self::Concurrent => "concurrent_change",
            Self::DraftExists => "draft_exists",
            Self::Merge(_) => "merge_conflict",
            Self::MergeInvalid(_) => "merge_invalid",
            Self::Missing(_) => "missing_references",
            Self::LastOwner => "last_owner",
            Self::TeamOwnsAssistants => "team_owns_assistants",
            Self::Inactive | Self::NotActive => "assistant_inactive",
            Self::NotDeleted => "not_deleted",
            Self::AlreadySetUp => "already_set_up",
            Self::ReferenceExists => "reference_exists",
            Self::UploadIncomplete => "upload_incomplete",
            Self::WrongOffset { .. } => "wrong_offset",
            Self::NoProvider { .. } | Self::NoModelProvider { .. } => "no_provider",
            Self::ProviderNotAllowed { .. } | Self::VendorNotAllowed { .. } => {
                "provider_not_allowed"
            }
            Self::RuleAttached { .. } => "rule_attached",
            Self::SecretInUse { .. } => "secret_in_use",
            Self::WebhookDisabled => "webhook_disabled",
            Self::AccountNotLinked => "account_not_linked",
            Self::ThreadBusy => "thread_busy",
            Self::NobodyToHandTo => "nobody_to_hand_to",
            Self::ThreadOfAnother => "thread_of_another_assistant",
            Self::NotRunning => "not_running",
            Self::Decided { .. } => "already_decided",
            Self::ImportedElsewhere => "imported_elsewhere",
        }
    }
}
