//! Saving samples.

use understudy_domain::{
    ApiToken, Approval, Assistant, AuditEvent, Automation, Blob, Comment, DataKey, Delivery,
    Execution, Extraction, Image, Memory, Message, Organization, OrganizationId, Provider, Rule,
    RuleAttachment, Run, SealedValue, Session, Tag, Team, Thread, Timestamp, Upload, Usage, User,
    Version, Webhook,
    ports::{Store, StoreResult, UnitOfWork},
};

use super::Spent;

/// Anything that a store can add.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "each variant is named for the entity that it holds")]
pub enum Row {
    Organization(Organization),
    User(Box<User>),
    Team(Team),
    Token(Box<ApiToken>),
    Session(Session),
    Assistant(Box<Assistant>),
    Version(Box<Version>),
    Sealed(SealedValue),
    DataKey(DataKey),
    Event(Box<AuditEvent>),
    Blob(Touched),
    Upload(Box<Upload>),
    Image(Box<Image>),
    Extraction(Extraction),
    Provider(Box<Provider>),
    Usage(Box<Usage>),
    Rule(Box<Rule>),
    Attachment(RuleAttachment),
    Comment(Box<Comment>),
    Tag(Tag),
    Webhook(Box<Webhook>),
    Delivery(Box<Delivery>),
    Thread(Box<Thread>),
    Message(Box<Message>),
    Memory(Box<Memory>),
    Run(Box<Run>),
    Approval(Box<Approval>),
    Spent(Box<Spent>),
    Automation(Box<Automation>),
    Execution(Box<Execution>),
}

/// A blob that an organization took in.
#[derive(Clone, Copy, Debug)]
pub struct Touched {
    /// Which organization.
    pub organization: OrganizationId,
    /// Which blob.
    pub blob: Blob,
    /// When.
    pub at: Timestamp,
}

macro_rules! rows {
    ($($entity:ty => $variant:ident($wrap:expr)),+ $(,)?) => {
        $(impl From<$entity> for Row {
            fn from(entity: $entity) -> Self {
                Self::$variant($wrap(entity))
            }
        })+
    };
}
rows!(
    Organization => Organization(std::convert::identity),
    User => User(Box::new),
    Team => Team(std::convert::identity),
    ApiToken => Token(Box::new),
    Session => Session(std::convert::identity),
    Assistant => Assistant(Box::new),
    Version => Version(Box::new),
    SealedValue => Sealed(std::convert::identity),
    DataKey => DataKey(std::convert::identity),
    AuditEvent => Event(Box::new),
    Touched => Blob(std::convert::identity),
    Upload => Upload(Box::new),
    Image => Image(Box::new),
    Extraction => Extraction(std::convert::identity),
    Provider => Provider(Box::new),
    Usage => Usage(Box::new),
    Rule => Rule(Box::new),
    RuleAttachment => Attachment(std::convert::identity),
    Comment => Comment(Box::new),
    Tag => Tag(std::convert::identity),
    Webhook => Webhook(Box::new),
    Delivery => Delivery(Box::new),
    Thread => Thread(Box::new),
    Message => Message(Box::new),
    Memory => Memory(Box::new),
    Run => Run(Box::new),
    Approval => Approval(Box::new),
    Spent => Spent(Box::new),
    Automation => Automation(Box::new),
    Execution => Execution(Box::new),
);

impl Row {
    /// The organization whose unit of work adds it.
    #[must_use]
    pub fn organization(&self) -> OrganizationId {
        match self {
            Self::Organization(organization) => organization.id,
            Self::User(user) => user.organization,
            Self::Team(team) => team.organization,
            Self::Token(token) => token.organization,
            Self::Session(session) => session.organization,
            Self::Assistant(assistant) => assistant.organization,
            Self::Version(version) => version.organization,
            Self::Sealed(value) => value.organization,
            Self::DataKey(key) => key.organization,
            Self::Event(event) => event.organization,
            Self::Blob(touched) => touched.organization,
            Self::Upload(upload) => upload.organization,
            Self::Image(image) => image.organization,
            Self::Extraction(extraction) => extraction.organization,
            Self::Provider(provider) => provider.organization,
            Self::Usage(usage) => usage.organization,
            Self::Rule(rule) => rule.organization,
            Self::Attachment(attachment) => attachment.organization,
            Self::Comment(comment) => comment.organization,
            Self::Tag(tag) => tag.organization,
            Self::Webhook(webhook) => webhook.organization,
            Self::Delivery(delivery) => delivery.organization,
            Self::Thread(thread) => thread.organization,
            Self::Message(message) => message.organization,
            Self::Memory(memory) => memory.organization,
            Self::Run(run) => run.organization,
            Self::Approval(approval) => approval.organization,
            Self::Spent(spent) => spent.organization,
            Self::Automation(automation) => automation.organization,
            Self::Execution(execution) => execution.organization,
        }
    }

    /// Adds it in a unit of work of its organization.
    ///
    /// # Errors
    ///
    /// Those of the repository.
    pub async fn insert(&self, work: &mut dyn UnitOfWork) -> StoreResult<()> {
        match self {
            Self::Organization(organization) => work.organizations().insert(organization).await,
            Self::User(user) => work.users().insert(user).await,
            Self::Team(team) => work.teams().insert(team).await,
            Self::Token(token) => work.credentials().insert_token(token).await,
            Self::Session(session) => work.credentials().insert_session(session).await,
            Self::Assistant(assistant) => work.assistants().insert(assistant).await,
            Self::Version(version) => work.records().insert_version(version).await,
            Self::Sealed(value) => work.records().insert_sealed(std::slice::from_ref(value)).await,
            Self::DataKey(key) => work.records().insert_data_key(key).await,
            Self::Event(event) => work.records().append_event(event).await,
            Self::Blob(touched) => work.blobs().touch(touched.blob, touched.at).await,
            Self::Upload(upload) => work.uploads().insert(upload).await,
            Self::Image(image) => work.images().insert(image).await,
            Self::Extraction(extraction) => work.blobs().save_extraction(extraction).await,
            Self::Provider(provider) => work.providers().insert(provider).await,
            Self::Usage(usage) => work.images().count(usage).await,
            Self::Rule(rule) => work.rules().insert(rule).await,
            Self::Attachment(row) => work.rules().save_attachment(row).await.map(drop),
            Self::Comment(comment) => work.comments().insert(comment).await,
            Self::Tag(tag) => work.labels().insert(tag).await,
            Self::Webhook(webhook) => work.webhooks().insert(webhook).await,
            Self::Delivery(delivery) => {
                work.webhooks().insert_deliveries(std::slice::from_ref(delivery)).await
            }
            Self::Thread(thread) => work.conversations().insert_thread(thread).await,
            Self::Message(message) => {
                work.conversations().insert_messages(std::slice::from_ref(message)).await
            }
            Self::Memory(memory) => {
                work.conversations().insert_memories(std::slice::from_ref(memory)).await
            }
            Self::Run(run) => work.runs().insert(run).await,
            Self::Approval(row) => work.runs().save_approvals(std::slice::from_ref(row)).await,
            Self::Spent(spent) => work.spending().add(&[(spent.key.clone(), spent.change)]).await,
            Self::Automation(automation) => work.automations().insert(automation).await,
            Self::Execution(execution) => work.automations().save_execution(execution).await,
        }
    }
}

/// Adds rows in their order, those of one organization that stand together in
/// one unit of work.
///
/// # Errors
///
/// The first one of the store; rows before the failed unit of work stay.
pub async fn save(store: &dyn Store, rows: Vec<Row>) -> StoreResult<()> {
    for group in rows.chunk_by(|a, b| a.organization() == b.organization()) {
        let Some(first) = group.first() else { continue };
        let mut work = store.begin(first.organization()).await?;
        for row in group {
            row.insert(&mut *work).await?;
        }
        work.commit().await?;
    }
    Ok(())
}
