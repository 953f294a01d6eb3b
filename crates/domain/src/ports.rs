//! What the domain needs of the world, as traits. Adapters implement them; each
//! MUST in their documentation has a named case in the conformance suite.

mod environment;
mod query;
mod store;

pub use environment::*;
pub use query::*;
pub use store::*;
