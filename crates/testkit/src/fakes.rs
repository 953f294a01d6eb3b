//! Fakes of the environment: exact, repeatable, and of no use to an attacker's
//! victim, because none of them protects anything.

mod clock;
mod documents;
mod identity;
mod ids;
mod models;
mod passwords;
mod pictures;
mod signer;
mod vault;

pub use clock::FixedClock;
pub use documents::FakeDocuments;
pub use identity::{FakeIdentityProvider, FakeLogins};
pub use ids::SequentialIds;
pub use models::FakeImageModel;
pub use passwords::FakePasswords;
pub use pictures::FakePictures;
pub use signer::FakeSigner;
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
