//! One organization with people of every rank, and calls as they would make them.

use serde_json::{Value, json};
use understudy_domain::{
    Organization, OrganizationSettings, Role, TokenKind, TokenLimits, User,
    assistant::{edit::WriteMode, view::AssistantView},
    usecases::{
        Caller, Deps, Precondition, Result,
        assistants::{UpdateAssistant, create_assistant, update_assistant},
        bootstrap::operator,
        drafts::{CommitDraft, commit_draft, open_draft, update_draft},
        intake::{ByteLimit, Intake, Received},
        tokens::CreateToken,
    },
};
use understudy_testkit::{
    FakePictures, FakeVault, FixedClock, MemoryBlobs, MemoryStore, SequentialIds, sample,
};

/// A store with one organization: user 1 is its owner, 2 an admin, 3 a manager,
/// 4 and 6 members, 5 a viewer.
#[derive(Default)]
pub struct Stage {
    pub store: MemoryStore,
    pub clock: FixedClock,
    pub ids: SequentialIds,
    pub vault: FakeVault,
    pub blobs: MemoryBlobs,
    pub pictures: FakePictures,
}

pub const ROLES: [Role; 6] =
    [Role::Owner, Role::Admin, Role::Manager, Role::Member, Role::Viewer, Role::Member];

impl Stage {
    pub async fn set() -> Self {
        let stage = Self::default();
        let settings = OrganizationSettings::default();
        let mut rows = vec![Organization { settings, ..sample::organization(1) }.into()];
        rows.extend((1..=6).map(|n| user(n).into()));
        sample::save(&stage.store, rows).await.unwrap();
        stage
    }

    pub fn deps(&self) -> Deps<'_> {
        Deps {
            store: &self.store,
            clock: &self.clock,
            ids: &self.ids,
            blobs: &self.blobs,
            pictures: &self.pictures,
        }
    }

    pub async fn create(&self, caller: &Caller, input: Value) -> Result<AssistantView> {
        create_assistant(self.deps(), &self.vault, caller, input).await
    }

    pub async fn put(&self, caller: &Caller, id: &str, input: Value) -> Result<AssistantView> {
        self.write(caller, id, input, WriteMode::Replace).await
    }

    pub async fn patch(&self, caller: &Caller, id: &str, input: Value) -> Result<AssistantView> {
        self.write(caller, id, input, WriteMode::Merge).await
    }

    async fn write(
        &self,
        caller: &Caller,
        id: &str,
        input: Value,
        mode: WriteMode,
    ) -> Result<AssistantView> {
        let command = UpdateAssistant { input, mode, precondition: Precondition::None };
        update_assistant(self.deps(), &self.vault, caller, id, command).await
    }

    pub async fn open(&self, caller: &Caller, id: &str) -> Result<(AssistantView, bool)> {
        open_draft(self.deps(), caller, id).await
    }

    pub async fn patch_draft(
        &self,
        caller: &Caller,
        id: &str,
        input: Value,
    ) -> Result<AssistantView> {
        let mode = WriteMode::Merge;
        let command = UpdateAssistant { input, mode, precondition: Precondition::None };
        update_draft(self.deps(), &self.vault, caller, id, command).await
    }

    pub async fn commit(&self, caller: &Caller, id: &str) -> Result<AssistantView> {
        commit_draft(self.deps(), caller, id, CommitDraft::default()).await
    }
}

/// The `n`th user of the stage.
pub fn user(n: u32) -> User {
    let role = ROLES[usize::try_from(n).unwrap() - 1];
    User { role, ai_seat: true, disabled: false, ..sample::user(n) }
}

/// The `n`th user, in person.
pub fn caller(n: u32) -> Caller {
    operator(&user(n))
}

/// The `n`th user by a token with these limits.
pub fn by_token(n: u32, limits: TokenLimits) -> Caller {
    let mut caller = caller(n);
    caller.actor.credential = understudy_domain::Credential::Token { id: sample::id(n), limits };
    caller
}

/// A token of one's own without limits.
pub fn token() -> CreateToken {
    CreateToken {
        kind: TokenKind::Personal,
        notes: String::new(),
        read_only: false,
        assistant: None,
        cidr: None,
        scopes: None,
        expires_at: None,
    }
}

pub fn id_of(view: &AssistantView) -> String {
    view.record.assistant.id.to_string()
}

pub fn seen(view: &AssistantView) -> Value {
    serde_json::to_value(view).unwrap()
}

pub fn named(name: &str) -> Value {
    json!({ "name": name })
}

/// The pointers of all faults of a refused write, sorted.
pub fn faults(result: Result<AssistantView>) -> Vec<String> {
    match result {
        Err(understudy_domain::usecases::Error::Invalid(faults)) => {
            let mut pointers: Vec<_> = faults.into_iter().map(|fault| fault.pointer).collect();
            pointers.sort();
            pointers
        }
        other => panic!("expected faults, got {other:?}"),
    }
}

/// Bytes that came in, and that nothing names yet.
pub async fn received(stage: &Stage, caller: &Caller, bytes: &'static [u8]) -> Received {
    let limit = ByteLimit { what: "a file", bytes: u64::MAX };
    let mut intake = Intake::begin(stage.deps(), caller.actor.organization, limit).await.unwrap();
    intake.write(bytes.into()).await.unwrap();
    intake.finish().await.unwrap()
}
