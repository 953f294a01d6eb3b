//! What must survive: acknowledged writes, uploads and responses a `kill -9`, the
//! service an outage of its database.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test panics")]
#![cfg(unix)]

mod kill;
mod outage;
mod proxy;
mod runs;
#[path = "../peers/servers.rs"]
#[expect(dead_code, reason = "runs among others' programs use the rest")]
mod servers;
#[path = "../peers/service.rs"]
mod service;
#[path = "../process/support.rs"]
#[expect(dead_code, reason = "the other tests of the process use the rest")]
mod support;
mod uploads;

use std::{
    io::{self, Read, Write},
    net::TcpStream,
    path::Path,
    process::Command,
};

use serde_json::Value;
use understudy_tests::Database;

/// Where a server keeps its data.
pub(crate) enum Place {
    /// In its data directory.
    Embedded,
    /// In a PostgreSQL database.
    Postgres(Database),
}

impl Place {
    pub(crate) fn postgres() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self::Postgres(runtime.block_on(Database::create()))
    }

    /// The command that serves it.
    pub(crate) fn command(&self, directory: &Path) -> Command {
        let mut command = support::understudy(directory, &["--listen", "127.0.0.1:0"]);
        if let Self::Postgres(database) = self {
            command.env("UNDERSTUDY_DATABASE_URL", database.url());
        }
        command
    }
}

/// An answer: status, head and JSON.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Value,
}

/// Asks a server that may be gone at any moment.
pub(crate) fn ask(
    url: &str,
    token: &str,
    method: &str,
    path: &str,
    body: &str,
) -> io::Result<Answer> {
    let mut connection = TcpStream::connect(url.strip_prefix("http://").unwrap())?;
    connection.write_all(support::request(method, path, token, body).as_bytes())?;
    let mut bytes = Vec::new();
    connection.read_to_end(&mut bytes)?;
    let text = String::from_utf8(bytes).map_err(io::Error::other)?;
    let cut = || io::Error::other("the answer was cut");
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(cut)?;
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(cut)?;
    let body = if body.is_empty() {
        Value::Null
    } else {
        serde_json::from_str(body).map_err(io::Error::other)?
    };
    Ok(Answer { status, head: head.to_lowercase(), body })
}
