//! The domain's ports of time, randomness and cryptography, over existing
//! libraries: argon2id, HS256 JWTs and XChaCha20-Poly1305.
//!
//! Every key is derived from one [`MasterKey`] under a label of its own, so that
//! no key serves two purposes. Nothing here stores or transports anything.

mod environment;
mod jwt;
mod key;
mod login;
mod passwords;
mod vault;

pub use environment::{SystemClock, SystemIds};
pub use jwt::JwtSigner;
pub use key::{InvalidMasterKey, MasterKey};
pub use login::XChaChaLogins;
pub use passwords::Argon2Passwords;
pub use vault::XChaChaVault;
