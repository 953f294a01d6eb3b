//! The events of a transaction, and how they get into the log: in one message with
//! COMMIT, so that the end of the log is locked for no longer than that takes.

use std::fmt::{self, Display, Write};

use serde_json::Value;
use understudy_domain::{AuditEvent, OrganizationId, ports::StoreResult, token::hex};

use crate::errors::unavailable;

/// What is added to the log when the transaction is committed.
pub(crate) struct Chain {
    tenant: OrganizationId,
    /// Rows as SQL; each begins with a comma.
    rows: String,
}

impl Chain {
    /// Of a transaction that has done nothing.
    pub(crate) const fn new(tenant: OrganizationId) -> Self {
        Self { tenant, rows: String::new() }
    }

    /// Adds an event.
    pub(crate) fn push(&mut self, event: &AuditEvent) -> StoreResult<()> {
        if event.organization != self.tenant {
            return Err(unavailable("the event is of another organization"));
        }
        self.row(event).map_err(unavailable)
    }

    fn row(&mut self, event: &AuditEvent) -> fmt::Result {
        write!(
            self.rows,
            ",({},{},{},{},{},{},{},{},{},{},{},{})::new_event",
            Quoted(event.id.as_uuid()),
            Quoted(event.at.to_rfc3339()),
            Maybe(event.actor.map(|user| Quoted(user.as_uuid()))),
            Maybe(event.token.map(|token| Quoted(token.as_uuid()))),
            Maybe(event.address.as_deref().map(Text)),
            Maybe(event.request_id.as_deref().map(Text)),
            Text(&event.action),
            Text(&event.target),
            Maybe(event.assistant.map(|assistant| Quoted(assistant.as_uuid()))),
            Maybe(event.before.as_ref().map(Document)),
            Maybe(event.after.as_ref().map(Document)),
            Bytes(&event.canonical()),
        )
    }

    /// Whether there is any event.
    pub(crate) const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// What adds the events, if there are any; refused by a failed transaction.
    pub(crate) fn statement(&self) -> Option<String> {
        let rows = self.rows.strip_prefix(',')?;
        Some(format!("SELECT append_events('{}', ARRAY[{rows}])", self.tenant.as_uuid()))
    }
}

/// Something whose text needs no escaping.
struct Quoted<T>(T);

impl<T: Display> Display for Quoted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}'", self.0)
    }
}

/// NULL when there is nothing.
struct Maybe<T>(Option<T>);

impl<T: Display> Display for Maybe<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => value.fmt(f),
            None => f.write_str("NULL"),
        }
    }
}

/// Bytes. Whatever they are, their digits cannot end the literal.
struct Bytes<'a>(&'a [u8]);

impl Display for Bytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "decode('{}','hex')", hex(self.0))
    }
}

/// A text, likewise.
struct Text<'a>(&'a str);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "convert_from({},'UTF8')", Bytes(self.0.as_bytes()))
    }
}

/// A document, likewise.
struct Document<'a>(&'a Value);

impl Display for Document<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::json", Text(&self.0.to_string()))
    }
}
