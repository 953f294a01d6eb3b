//! The domain of Understudy: assistants, drafts, versions, access and the people
//! behind them, as plain values, pure decisions, ports and use cases.
//!
//! It knows no HTTP, no SQL, no environment and no clock: what it needs of the
//! world comes through [`ports`], and adapters of any kind can stand behind them.
//! Start reading at [`usecases`].

pub mod access;
pub mod actor;
pub mod assistant;
pub mod audit;
pub mod automation;
pub mod avatars;
pub mod blob;
pub mod budget;
pub mod catalogue;
pub mod chat;
pub mod comment;
pub mod conversation;
pub mod diff;
pub mod directory;
pub mod extraction;
pub mod fault;
pub mod icons;
pub mod id;
pub mod image;
pub mod media_type;
pub mod merge;
pub mod metadata;
pub mod organization;
pub mod ports;
pub mod provider;
pub mod rule;
pub mod run;
pub mod sealed;
pub mod secret;
pub mod skill;
pub mod tag;
pub mod team;
pub mod timestamp;
pub mod token;
pub mod upload;
pub mod usage;
pub mod usecases;
pub mod user;
pub mod version;
pub mod visible;
mod web_address;
pub mod webhook;

pub use actor::{Actor, Credential};
pub use assistant::{
    Assistant, AssistantRef, Content, Editing, Policy, Principal, Share, ShareLevel, Slug,
};
pub use audit::{AuditEvent, ChainHash, EventFilter, RecordedEvent};
pub use automation::{Automation, Execution};
pub use blob::{Blob, Digest, InvalidDigest};
pub use comment::Comment;
pub use conversation::{Memory, Message, Thread};
pub use directory::DirectoryMapping;
pub use extraction::{EmbeddedImage, Extraction, ExtractionOutcome};
pub use fault::Fault;
pub use id::{Id, Kind, ParseIdError};
pub use image::{Image, ImageOrigin};
pub use organization::{Organization, OrganizationLimits, OrganizationSettings};
pub use provider::{Provider, ProviderKind};
pub use rule::{Rule, RuleAttachment, RuleEntity};
pub use run::{Approval, Run, RunEvent};
pub use sealed::{DataKey, SealedValue};
pub use secret::Secret;
pub use tag::Tag;
pub use team::{Team, TeamRole};
pub use timestamp::Timestamp;
pub use token::{ApiToken, Scope, Session, TokenHash, TokenKind, TokenLimits, TokenText, TokenUse};
pub use upload::{Upload, UploadPurpose, WholeUpload};
pub use usage::{Usage, UsageTotal};
pub use user::{Department, Email, PasswordHash, Role, User};
pub use version::{Version, VersionSummary};
pub use webhook::{Attempt, Delivery, DeliveryState, Webhook};

/// Names a kind of thing for its identifiers.
macro_rules! ids {
    ($($(#[$meta:meta])* $id:ident = $kind:ident($prefix:literal)),+ $(,)?) => {
        $(
            /// The kind of an identifier.
            pub enum $kind {}
            impl Kind for $kind {
                const PREFIX: &'static str = $prefix;
            }
            $(#[$meta])*
            pub type $id = Id<$kind>;
        )+
    };
}

ids!(
    /// Names an assistant or a draft.
    AssistantId = AssistantKey("asst"),
    /// Names an organization.
    OrganizationId = OrganizationKey("org"),
    /// Names a user.
    UserId = UserKey("usr"),
    /// Names a team.
    TeamId = TeamKey("team"),
    /// Names an API token.
    TokenId = TokenKey("tok"),
    /// Names a session.
    SessionId = SessionKey("sess"),
    /// Names a version of an assistant.
    VersionId = VersionKey("ver"),
    /// Names a write-only value.
    SealedId = SealedKey("sealed"),
    /// Names a data key.
    DataKeyId = DataKeyKey("key"),
    /// Names an audit event.
    EventId = EventKey("evt"),
    /// Names a file of an assistant.
    FileId = FileKey("file"),
    /// Names an upload.
    UploadId = UploadKey("upl"),
    /// Names a picture.
    ImageId = ImageKey("img"),
    /// Names an image inside of a document.
    EmbeddingId = EmbeddingKey("emb"),
    /// Names a provider.
    ProviderId = ProviderKey("prov"),
    /// Names a use of a model.
    UsageId = UsageKey("use"),
    /// Names a skill of an assistant.
    SkillId = SkillKey("skl"),
    /// Names a secret of an assistant.
    SecretId = SecretKey("sec"),
    /// Names a rule.
    RuleId = RuleKey("rule"),
    /// Names a comment.
    CommentId = CommentKey("cmt"),
    /// Names a tag.
    TagId = TagKey("tag"),
    /// Names a webhook.
    WebhookId = WebhookKey("hook"),
    /// Names the delivery of an event to a webhook.
    DeliveryId = DeliveryKey("dlv"),
    /// Names a run, which the API calls a response.
    RunId = RunKey("resp"),
    /// Names a call that waits for approval.
    ApprovalId = ApprovalKey("apr"),
    /// Names a thread.
    ThreadId = ThreadKey("thread"),
    /// Names a message of a thread.
    MessageId = MessageKey("msg"),
    /// Names something that an assistant remembers.
    MemoryId = MemoryKey("mem"),
    /// Names an automation.
    AutomationId = AutomationKey("auto"),
    /// Names a call of an automation.
    ExecutionId = ExecutionKey("exec"),
);
