//! The client of MCP servers: it asks them for their tools and calls them.
//!
//! What a server says is a stranger's: lists, descriptions and answers are bounded,
//! nothing that nobody sees comes through, and nothing is fetched because a server
//! names it. Servers behind an address are reached over streamable HTTP, on the
//! guarded way out; programs are started only if the operator listed them.
//!
//! - [`Mcp`] keeps one connection for each organization, server and set of
//!   credentials, and forgets those that nobody uses.
//! - Before a call goes out on a connection that was kept, the server is asked whether
//!   it is still there. One that restarted, or forgot the session, is connected to
//!   anew. So a call that was sent never needs to be sent again, and never is.

mod answer;
mod connection;
mod fault;
mod gateway;
mod listing;
mod pool;
mod process;
mod session;
mod wire;

pub use gateway::{Mcp, McpConfig};
pub use process::StdioServer;
