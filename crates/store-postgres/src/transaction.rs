//! One transaction on one connection, seen by one organization.

use std::time::Duration;

use diesel::QueryResult;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection, methods::LoadQuery};
use futures_util::{
    FutureExt,
    future::{BoxFuture, join},
};
use tokio::{runtime::Handle, time::timeout};
use understudy_domain::{OrganizationId, ports::StoreResult};

use crate::{
    chain::Chain,
    connections::{Connection, Connections},
    errors::{on_write, unavailable},
};

/// How long the server may take to undo an abandoned transaction before its
/// connection is closed.
const UNDO: Duration = Duration::from_millis(500);

/// A transaction; dropping it undoes it.
pub(crate) struct Transaction {
    /// `None` once the transaction has ended.
    conn: Option<Connection>,
}

impl Transaction {
    /// Starts a transaction that sees `tenant` only.
    pub(crate) async fn begin(
        connections: &Connections,
        tenant: OrganizationId,
    ) -> StoreResult<Self> {
        let mut transaction = Self { conn: Some(connections.get().await?) };
        transaction.conn()?.batch_execute(&begin_as(tenant)).await.map_err(unavailable)?;
        Ok(transaction)
    }

    /// The rows of one query in a transaction of its own, in one round trip: the
    /// tenant is set by a statement sent ahead of it, and nobody waits for the end.
    pub(crate) async fn read<Q, U>(
        connections: &Connections,
        tenant: OrganizationId,
        query: Q,
    ) -> StoreResult<QueryResult<Vec<U>>>
    where
        Q: for<'c> LoadQuery<'static, &'c AsyncPgConnection, U> + Send + 'static,
        U: Send,
    {
        let mut transaction = Self { conn: Some(connections.get().await?) };
        let conn: &AsyncPgConnection = transaction.conn()?;
        let begin = begin_as(tenant);
        let mut ahead = conn;
        // In this order on the wire: `join` polls the first one first.
        let (started, rows) = join(ahead.batch_execute(&begin), load(query, conn)).await;
        started.map_err(unavailable)?;
        Ok(rows)
    }

    /// The connection.
    pub(crate) fn conn(&mut self) -> StoreResult<&mut AsyncPgConnection> {
        match &mut self.conn {
            Some(conn) => Ok(conn),
            None => Err(unavailable("the transaction has ended")),
        }
    }

    /// Makes everything durable.
    pub(crate) async fn commit(self) -> StoreResult<()> {
        // A failed transaction answers COMMIT with a rollback and no error, but
        // refuses the SELECT.
        self.end("SELECT 1; COMMIT").await
    }

    /// Adds the events to the log, if there are any, and makes everything durable.
    pub(crate) async fn commit_with(self, events: &Chain) -> StoreResult<()> {
        match events.statement() {
            None => self.commit().await,
            Some(adding) => self.end(&format!("{adding}; COMMIT")).await,
        }
    }

    async fn end(mut self, statements: &str) -> StoreResult<()> {
        let ended = self.conn()?.batch_execute(statements).await;
        ended.map_err(on_write("audit_events"))?;
        self.conn = None; // back to the pool
        Ok(())
    }
}

impl Drop for Transaction {
    /// Undoes an abandoned transaction, or closes its connection.
    ///
    /// The pool would not notice it before the connection is used again; until then
    /// the server would keep its locks.
    fn drop(&mut self) {
        let Some(conn) = self.conn.take() else { return };
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(undo(Closing(Some(conn))))),
            Err(_) => drop(Closing(Some(conn))),
        }
    }
}

/// A connection that is closed unless it is taken out.
struct Closing(Option<Connection>);

impl Drop for Closing {
    fn drop(&mut self) {
        if let Some(conn) = self.0.take() {
            drop(Connection::take(conn));
        }
    }
}

async fn undo(mut closing: Closing) {
    let Some(conn) = &mut closing.0 else { return };
    // A statement that still runs is waited for only so long.
    if let Ok(Ok(())) = timeout(UNDO, conn.batch_execute("ROLLBACK")).await {
        drop(closing.0.take()); // back to the pool
    }
}

/// Boxed where the lifetime has a name: the compiler cannot show for all lifetimes
/// that the future may be sent.
fn load<'c, Q, U>(query: Q, mut conn: &'c AsyncPgConnection) -> BoxFuture<'c, QueryResult<Vec<U>>>
where
    Q: LoadQuery<'static, &'c AsyncPgConnection, U> + Send + 'static,
    U: Send + 'c,
{
    async move { RunQueryDsl::load(query, &mut conn).await }.boxed()
}

/// `SET LOCAL` would do, but takes no parameter either; a UUID needs no quoting.
fn begin_as(tenant: OrganizationId) -> String {
    format!("BEGIN; SELECT set_config('app.organization', '{}', true)", tenant.as_uuid())
}
