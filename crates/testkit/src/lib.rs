//! What tests of Understudy need: adapters in memory, fakes of the environment,
//! sample entities, and the suites that every adapter of a port passes.
//!
//! It is published for embedders. Someone who writes a store, a vault or a
//! password hasher of their own proves it with the same cases that ours pass:
//!
//! ```
//! mod my_store {
//!     async fn open() -> std::sync::Arc<dyn understudy_domain::ports::Store> {
//!         std::sync::Arc::new(understudy_testkit::MemoryStore::default())
//!     }
//!
//!     understudy_testkit::store_suite!(open);
//! }
//! ```
//!
//! The macros expand to `#[tokio::test]` functions, so the package that uses them
//! needs `tokio` with `macros` and `rt-multi-thread` among its dependencies.
//!
//! [`MemoryStore`] is good enough to run the whole service, and with the fakes a
//! use case is tested without any I/O:
//!
//! ```
//! use understudy_domain::ports::Store;
//! use understudy_testkit::{MemoryStore, sample};
//!
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let store = MemoryStore::default();
//! let ada = sample::user(1);
//! sample::save(&store, vec![sample::organization(1).into(), ada.clone().into()]).await?;
//!
//! let found = store.directory().user(ada.organization, ada.id).await?;
//! assert!(found.is_some_and(|user| user.email == ada.email));
//! # Ok::<(), understudy_domain::ports::StoreError>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod fakes;
mod memory;
mod recording;
pub mod sample;
pub mod suite;
mod upstream;

pub use fakes::{
    ChatAnswer, FakeActions, FakeChatModel, FakeCodeRunner, FakeDatasets, FakeDocuments,
    FakeEmbedder, FakeIdentityProvider, FakeImageModel, FakeKnowledge, FakeLogins, FakeMcp,
    FakeModerator, FakePasswords, FakePictures, FakeRunner, FakeSigner, FakeSink, FakeTokenizer,
    FakeVault, FakeWebSearch, FixedClock, Gate, McpCall, SequentialIds,
};
pub use memory::{BlobFault, MemoryBlobs, MemoryStore};
pub use recording::{
    Cut, Fault, Finish, Hang, ModelApi, ModelUpstream, RecordedRequest, Tap, Trouble, Turn, Usage,
};
pub use upstream::{Asked, Reply, Upstream};
