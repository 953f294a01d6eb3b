//! Fakes of the environment: exact, repeatable, and of no use to an attacker's
//! victim, because none of them protects anything.

mod chat;
mod clock;
mod documents;
mod embedder;
mod gate;
mod identity;
mod ids;
mod mcp;
mod models;
mod passwords;
mod pictures;
mod runs;
mod script;
mod signer;
mod texts;
mod tools;
mod vault;

pub use chat::{ChatAnswer, FakeChatModel};
pub use clock::FixedClock;
pub use documents::FakeDocuments;
pub use embedder::FakeEmbedder;
pub(crate) use embedder::{tokens, vector};
pub use gate::Gate;
pub use identity::{FakeIdentityProvider, FakeLogins};
pub use ids::SequentialIds;
pub use mcp::{FakeMcp, McpCall};
pub use models::FakeImageModel;
pub use passwords::FakePasswords;
pub use pictures::FakePictures;
pub use runs::{FakeRunner, FakeSink};
pub use signer::FakeSigner;
pub use texts::{FakeModerator, FakeTokenizer};
pub use tools::{FakeActions, FakeCodeRunner, FakeDatasets, FakeKnowledge, FakeWebSearch};
pub use vault::FakeVault;

use understudy_domain::TokenHash;

/// 32 bytes that depend on every part and on where one ends and the next begins.
fn digest(parts: &[&str]) -> [u8; 32] {
    let text = parts.iter().fold(String::new(), |text, part| {
        let length = part.len();
        text + &format!("{length}:{part}")
    });
    *TokenHash::of(&text).as_bytes()
}
