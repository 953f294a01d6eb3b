//! A store with something in it.

use std::collections::{BTreeMap, BTreeSet};

use tempfile::TempDir;
use understudy_domain::{
    Assistant, AssistantId, AuditEvent, Blob, Content, Email, EventId, FileId, Organization,
    OrganizationId, OrganizationSettings, Policy, Principal, Role, Team, TeamId, TeamRole,
    Timestamp, User, UserId, assistant::content::FileEntry, ports::Store,
};
use uuid::Uuid;

use crate::{SqliteOptions, SqliteStore};

pub(crate) const TENANT: OrganizationId = OrganizationId::from_uuid(Uuid::from_u128(0xA));
pub(crate) const ADA: UserId = UserId::from_uuid(Uuid::from_u128(0xADA));

/// A migrated store; the folder goes with the guard.
pub(crate) async fn store() -> (SqliteStore, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store =
        SqliteStore::open(&folder.path().join("test.db"), SqliteOptions::default()).unwrap();
    store.migrate().await.unwrap();
    (store, folder)
}

/// As [`store`], with an organization and its user Ada.
pub(crate) async fn inhabited() -> (SqliteStore, TempDir) {
    let (store, folder) = store().await;
    let mut work = store.begin(TENANT).await.unwrap();
    work.organizations().insert(&organization()).await.unwrap();
    work.users().insert(&user(ADA, "ada@example.org")).await.unwrap();
    work.commit().await.unwrap();
    (store, folder)
}

pub(crate) fn at(micros: i64) -> Timestamp {
    Timestamp::from_unix_micros(1_700_000_000_000_000 + micros).unwrap()
}

pub(crate) fn organization() -> Organization {
    Organization {
        id: TENANT,
        name: "Example".to_owned(),
        settings: OrganizationSettings::default(),
        created_at: at(0),
        revision: 1,
    }
}

pub(crate) fn user(id: UserId, email: &str) -> User {
    User {
        id,
        organization: TENANT,
        email: Email::parse(email).unwrap(),
        name: "Ada".to_owned(),
        role: Role::Member,
        departments: BTreeSet::new(),
        ai_seat: true,
        disabled: false,
        password: None,
        external_id: None,
        created_at: at(0),
        updated_at: at(0),
        revision: 1,
    }
}

pub(crate) fn team(number: u128) -> Team {
    Team {
        id: TeamId::from_uuid(Uuid::from_u128(number)),
        organization: TENANT,
        name: format!("Team {number}"),
        members: BTreeMap::from([(ADA, TeamRole::Admin)]),
        created_at: at(0),
        updated_at: at(0),
        revision: 1,
    }
}

pub(crate) fn assistant(number: u128) -> Assistant {
    Assistant {
        id: AssistantId::from_uuid(Uuid::from_u128(number)),
        organization: TENANT,
        editing: None,
        slug: None,
        owner: Principal::User(ADA),
        created_by: ADA,
        created_at: at(0),
        updated_at: at(0),
        deleted_at: None,
        is_default: false,
        version: 1,
        revision: 1,
        content: Content { name: format!("Assistant {number}"), ..Content::default() },
        policy: Policy::default(),
        shares: BTreeMap::new(),
        tags: BTreeSet::new(),
    }
}

pub(crate) fn event(number: u128) -> AuditEvent {
    AuditEvent {
        id: EventId::from_uuid(Uuid::from_u128(number)),
        organization: TENANT,
        at: at(0),
        actor: Some(ADA),
        token: None,
        address: None,
        request_id: None,
        action: "assistant.created".to_owned(),
        target: assistant(1).id.to_string(),
        assistant: Some(assistant(1).id),
        before: None,
        after: Some(serde_json::json!({"name": "One"})),
    }
}

/// The assistant with one file of these bytes.
pub(crate) fn with_file(mut assistant: Assistant, bytes: &[u8]) -> Assistant {
    assistant.content.files = vec![FileEntry {
        id: FileId::from_uuid(Uuid::from_u128(1)),
        name: "file.txt".to_owned(),
        description: None,
        content_type: "text/plain".to_owned(),
        blob: Blob::of(bytes),
        created_at: at(0),
        created_by: ADA,
        modified_at: at(0),
    }];
    assistant
}
