//! What the domain needs of the world, as traits. Adapters implement them; each
//! MUST in their documentation has a named case in the conformance suite.

mod blobs;
mod chat;
mod comments;
mod content;
mod conversations;
mod embedding;
mod environment;
mod identity;
mod keys;
mod labels;
mod media;
mod models;
mod query;
mod rules;
mod runs;
mod store;
mod tools;
mod webhooks;

pub use blobs::*;
pub use chat::*;
pub use comments::*;
pub use content::*;
pub use conversations::*;
pub use embedding::*;
pub use environment::*;
pub use identity::*;
pub use keys::*;
pub use labels::*;
pub use media::*;
pub use models::*;
pub use query::*;
pub use rules::*;
pub use runs::*;
pub use store::*;
pub use tools::*;
pub use webhooks::*;
