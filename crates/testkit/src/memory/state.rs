//! The tables, cheap to copy: a copy shares everything until it is changed.

use std::{collections::BTreeMap, sync::Arc};

use understudy_domain::{
    ApiToken, Approval, ApprovalId, Assistant, AssistantId, Automation, AutomationId, Comment,
    CommentId, DataKey, DataKeyId, Delivery, DeliveryId, Digest, Execution, ExecutionId,
    Extraction, Image, ImageId, Memory, MemoryId, Message, Organization, OrganizationId, Provider,
    ProviderId, RecordedEvent, Rule, RuleAttachment, RuleEntity, RuleId, Run, RunId, SealedId,
    SealedValue, Session, SessionId, Tag, TagId, Team, TeamId, Thread, ThreadId, TokenId, Upload,
    UploadId, Usage, UsageId, User, UserId, Version, Webhook, WebhookId,
    budget::{Spending, SpendingKey},
    ports::{Installation, StoreError, StoreResult},
};

use super::{labels::Marked, ledger::Known};

/// Rows by key.
pub(super) struct Table<K, V>(Arc<BTreeMap<K, Arc<V>>>);

/// A row that belongs to one organization.
pub(super) trait Owned {
    /// Which.
    fn organization(&self) -> OrganizationId;
}

macro_rules! owned {
    ($($entity:ty),+) => {
        $(impl Owned for $entity {
            fn organization(&self) -> OrganizationId {
                self.organization
            }
        })+
    };
}
owned!(User, Team, ApiToken, Session, Assistant, Version, SealedValue, DataKey);
owned!(Known, Upload, Image, Extraction, Provider, Usage);
owned!(Rule, RuleAttachment, Comment, Tag, Marked, Webhook, Delivery);
owned!(Thread, Message, Memory, Run, Approval, Automation, Execution);

impl Owned for RecordedEvent {
    fn organization(&self) -> OrganizationId {
        self.event.organization
    }
}

/// Everything that is stored.
#[derive(Clone, Default)]
pub(super) struct State {
    pub(super) installation: Option<Installation>,
    pub(super) organizations: Table<OrganizationId, Organization>,
    pub(super) users: Table<UserId, User>,
    pub(super) teams: Table<TeamId, Team>,
    pub(super) tokens: Table<TokenId, ApiToken>,
    pub(super) sessions: Table<SessionId, Session>,
    pub(super) assistants: Table<AssistantId, Assistant>,
    pub(super) versions: Table<(AssistantId, u32), Version>,
    pub(super) sealed: Table<SealedId, SealedValue>,
    pub(super) data_keys: Table<DataKeyId, DataKey>,
    pub(super) events: Table<(OrganizationId, u64), RecordedEvent>,
    pub(super) blobs: Table<(OrganizationId, Digest), Known>,
    pub(super) uploads: Table<UploadId, Upload>,
    pub(super) images: Table<ImageId, Image>,
    pub(super) extractions: Table<(OrganizationId, Digest), Extraction>,
    pub(super) providers: Table<ProviderId, Provider>,
    pub(super) usage: Table<UsageId, Usage>,
    pub(super) imports: Table<(OrganizationId, String), AssistantId>,
    pub(super) rules: Table<RuleId, Rule>,
    pub(super) attachments: Table<(RuleId, RuleEntity), RuleAttachment>,
    pub(super) comments: Table<CommentId, Comment>,
    /// Until when users have read the comments of assistants.
    pub(super) read: Table<(UserId, AssistantId), Marked>,
    pub(super) tags: Table<TagId, Tag>,
    pub(super) favorites: Table<(UserId, AssistantId), Marked>,
    pub(super) webhooks: Table<WebhookId, Webhook>,
    pub(super) deliveries: Table<DeliveryId, Delivery>,
    pub(super) threads: Table<ThreadId, Thread>,
    /// By thread and position.
    pub(super) messages: Table<(ThreadId, u64), Message>,
    pub(super) memories: Table<MemoryId, Memory>,
    pub(super) runs: Table<RunId, Run>,
    pub(super) approvals: Table<ApprovalId, Approval>,
    pub(super) spending: Table<(OrganizationId, SpendingKey), Spending>,
    pub(super) automations: Table<AutomationId, Automation>,
    pub(super) executions: Table<ExecutionId, Execution>,
}

impl<K: Ord + Clone, V> Table<K, V> {
    /// Every row, in the order of keys.
    pub(super) fn rows(&self) -> impl DoubleEndedIterator<Item = &V> {
        self.0.values().map(|row| &**row)
    }

    /// The row, whosever it is.
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.0.get(key).map(|row| &**row)
    }

    /// Adds or replaces a row.
    pub(super) fn put(&mut self, key: K, row: V) {
        Arc::make_mut(&mut self.0).insert(key, Arc::new(row));
    }

    /// Removes a row; `false` when there is none.
    pub(super) fn remove(&mut self, key: &K) -> bool {
        Arc::make_mut(&mut self.0).remove(key).is_some()
    }

    /// Keeps the rows that `keep` says.
    pub(super) fn retain(&mut self, keep: impl Fn(&V) -> bool) {
        Arc::make_mut(&mut self.0).retain(|_, row| keep(row));
    }
}

impl<K: Ord + Clone, V: Owned> Table<K, V> {
    /// The organization's rows.
    pub(super) fn of(&self, tenant: OrganizationId) -> impl DoubleEndedIterator<Item = &V> {
        self.rows().filter(move |row| row.organization() == tenant)
    }

    /// The row, if it is the organization's.
    pub(super) fn find(&self, tenant: OrganizationId, key: &K) -> Option<&V> {
        self.get(key).filter(|row| row.organization() == tenant)
    }

    /// Adds a row of the organization with a key that is not taken.
    pub(super) fn insert(&mut self, tenant: OrganizationId, key: K, row: V) -> StoreResult<()> {
        if row.organization() != tenant {
            return Err(StoreError::Conflict);
        }
        if self.get(&key).is_some() {
            return Err(StoreError::AlreadyExists { what: "id" });
        }
        self.put(key, row);
        Ok(())
    }

    /// Removes the row, if it is the organization's.
    pub(super) fn delete(&mut self, tenant: OrganizationId, key: &K) -> bool {
        self.find(tenant, key).is_some() && self.remove(key)
    }
}

impl<K, V> Clone for Table<K, V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Self {
        Self(Arc::default())
    }
}
