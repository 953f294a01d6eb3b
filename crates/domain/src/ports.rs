//! What the domain needs of the world, as traits. Adapters implement them; each
//! MUST in their documentation has a named case in the conformance suite.

mod blobs;
mod content;
mod environment;
mod media;
mod models;
mod query;
mod store;

pub use blobs::*;
pub use content::*;
pub use environment::*;
pub use media::*;
pub use models::*;
pub use query::*;
pub use store::*;
