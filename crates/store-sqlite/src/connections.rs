//! Connections: how they are made, who waits for them, and where they go when
//! their user is gone.

use std::{
    fs::File,
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use diesel::{
    Connection, RunQueryDsl, SqliteConnection,
    connection::{AnsiTransactionManager, SimpleConnection, TransactionManager},
    sql_types::{Integer, Text},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::Instrument;
use understudy_domain::ports::StoreResult;

use crate::{
    errors::{on_read, on_write, unavailable},
    sql::Sql,
    store::SqliteOptions,
};

type Source = Box<dyn std::error::Error + Send + Sync>;

/// The database file, held against other processes that want it alone.
pub(crate) struct Place {
    /// Where it is.
    pub(crate) path: String,
    /// Page cache of one connection.
    pub(crate) cache_kib: u32,
    /// The lock, while anything still needs the file.
    pub(crate) _lock: Option<File>,
}

/// Where a commit is when it is acknowledged.
#[derive(Clone, Copy, Debug)]
enum Durability {
    /// On the disk.
    Disk,
    /// With the operating system: it outlives the process, but no loss of power. Later
    /// commits to the disk take it along.
    System,
}

impl Place {
    /// A connection whose commits are on the disk.
    pub(crate) fn writer(&self) -> Result<SqliteConnection, Source> {
        self.writer_with(Durability::Disk)
    }

    fn writer_with(&self, durability: Durability) -> Result<SqliteConnection, Source> {
        let mut conn = self.connect()?;
        conn.batch_execute("PRAGMA journal_mode = WAL; PRAGMA fullfsync = ON;")?;
        conn.batch_execute(match durability {
            Durability::Disk => "PRAGMA synchronous = FULL;",
            Durability::System => "PRAGMA synchronous = NORMAL;",
        })?;
        let mode = Sql::<Text>::new("SELECT journal_mode FROM pragma_journal_mode");
        let mode: String = mode.get_result(&mut conn)?;
        if mode == "wal" { Ok(conn) } else { Err("the file system allows no WAL".into()) }
    }

    /// A connection that cannot write.
    fn reader(&self) -> Result<SqliteConnection, Source> {
        let mut conn = self.connect()?;
        conn.batch_execute("PRAGMA query_only = ON;")?;
        Ok(conn)
    }

    fn connect(&self) -> Result<SqliteConnection, Source> {
        let mut conn = SqliteConnection::establish(&self.path)?;
        conn.batch_execute("PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON;")?;
        conn.batch_execute(&format!("PRAGMA cache_size = -{};", self.cache_kib))?;
        let enforced = Sql::<Integer>::new("SELECT foreign_keys FROM pragma_foreign_keys");
        let enforced: i32 = enforced.get_result(&mut conn)?;
        if enforced == 1 { Ok(conn) } else { Err("this SQLite enforces no foreign keys".into()) }
    }
}

/// The connections that cannot write.
pub(crate) struct Readers {
    place: Arc<Place>,
    idle: Mutex<Vec<SqliteConnection>>,
    turns: Arc<Semaphore>,
}

impl Readers {
    pub(crate) fn new(place: Arc<Place>, options: SqliteOptions) -> Self {
        let turns = Arc::new(Semaphore::new(usize::from(options.readers.get())));
        Self { place, idle: Mutex::default(), turns }
    }

    /// Runs `query` on a connection, on a thread that may block. All of its
    /// statements are one hop.
    pub(crate) async fn run<T, F>(
        self: &Arc<Self>,
        operation: &'static str,
        query: F,
    ) -> StoreResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut SqliteConnection) -> StoreResult<T> + Send + 'static,
    {
        let turn = take_turn(&self.turns);
        let readers = Arc::clone(self);
        let work = async move {
            let turn = turn.await?;
            blocking(move || {
                let mut conn = readers.draw()?;
                let result = query(&mut conn);
                readers.put_back(conn);
                drop(turn);
                result
            })
            .await
        };
        work.instrument(tracing::debug_span!("db", operation)).await
    }

    /// As [`run`](Self::run), for what looks up a few rows by their keys: that takes
    /// less time than changing to another thread and back, so it is done right here
    /// where a connection is free (decision 0028).
    pub(crate) async fn glance<T, F>(
        self: &Arc<Self>,
        operation: &'static str,
        query: F,
    ) -> StoreResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut SqliteConnection) -> StoreResult<T> + Send + 'static,
    {
        let Some((turn, mut conn)) = self.draw_idle() else {
            return self.run(operation, query).await;
        };
        let result = tracing::debug_span!("db", operation).in_scope(|| query(&mut conn));
        self.put_back(conn);
        drop(turn);
        result
    }

    /// As [`run`](Self::run), all of the query's statements seeing one moment.
    pub(crate) async fn run_consistently<T, F>(
        self: &Arc<Self>,
        operation: &'static str,
        query: F,
    ) -> StoreResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut SqliteConnection) -> StoreResult<T> + Send + 'static,
    {
        let query = move |conn: &mut SqliteConnection| {
            let begun = AnsiTransactionManager::begin_transaction(conn);
            begun.map_err(on_read("transaction"))?;
            query(conn) // the transaction ends when the connection goes back
        };
        self.run(operation, query).await
    }

    fn draw(&self) -> StoreResult<SqliteConnection> {
        let idle = lock(&self.idle).pop();
        idle.map_or_else(|| self.place.reader().map_err(unavailable), Ok)
    }

    /// A connection that is open already, if nobody has to wait for it.
    fn draw_idle(&self) -> Option<(OwnedSemaphorePermit, SqliteConnection)> {
        let turn = Arc::clone(&self.turns).try_acquire_owned().ok()?;
        Some((turn, lock(&self.idle).pop()?))
    }

    fn put_back(&self, mut conn: SqliteConnection) {
        if ended(&mut conn) {
            lock(&self.idle).push(conn);
        }
    }
}

/// The one connection that writes.
pub(crate) struct Writer {
    place: Arc<Place>,
    idle: Mutex<Option<SqliteConnection>>,
    durability: Durability,
    turn: Arc<Semaphore>,
}

impl Writer {
    pub(crate) fn new(place: Arc<Place>, conn: SqliteConnection) -> Self {
        let idle = Mutex::new(Some(conn));
        Self { place, idle, durability: Durability::Disk, turn: Arc::new(Semaphore::new(1)) }
    }

    /// One whose commits do not wait for the disk. It takes turns with this one, so
    /// that neither finds the file locked by the other.
    pub(crate) fn hasty(&self) -> Self {
        Self {
            place: Arc::clone(&self.place),
            idle: Mutex::default(),
            durability: Durability::System,
            turn: Arc::clone(&self.turn),
        }
    }

    /// Starts a transaction, after all that waited before.
    pub(crate) async fn begin(self: &Arc<Self>) -> StoreResult<Transaction> {
        let turn = take_turn(&self.turn).await?;
        let writer = Arc::clone(self);
        blocking(move || writer.start(turn)).await
    }

    /// Runs `change` as a transaction of its own.
    pub(crate) async fn run<T, F>(
        self: &Arc<Self>,
        operation: &'static str,
        change: F,
    ) -> StoreResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut SqliteConnection) -> StoreResult<T> + Send + 'static,
    {
        let turn = take_turn(&self.turn);
        let writer = Arc::clone(self);
        let work = async move {
            let turn = turn.await?;
            blocking(move || {
                let mut transaction = writer.start(turn)?;
                let value = change(transaction.conn()?)?;
                transaction.commit()?;
                Ok(value)
            })
            .await
        };
        work.instrument(tracing::debug_span!("db", operation)).await
    }

    /// Runs `work` on the connection while nobody else writes, but outside of any
    /// transaction.
    pub(crate) async fn exclusively<T, F>(self: &Arc<Self>, work: F) -> StoreResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut SqliteConnection) -> T + Send + 'static,
    {
        let turn = take_turn(&self.turn).await?;
        let writer = Arc::clone(self);
        blocking(move || {
            let mut conn = writer.draw()?;
            let value = work(&mut conn);
            writer.put_back(conn);
            drop(turn);
            Ok(value)
        })
        .await
    }

    fn start(self: Arc<Self>, turn: OwnedSemaphorePermit) -> StoreResult<Transaction> {
        let mut conn = self.draw()?;
        // IMMEDIATE: take the write lock now, under the busy timeout. A transaction
        // that upgrades later would fail at once.
        let begun = AnsiTransactionManager::begin_transaction_sql(&mut conn, "BEGIN IMMEDIATE");
        if let Err(error) = begun {
            self.put_back(conn);
            return Err(on_read("transaction")(error));
        }
        Ok(Transaction { conn: Some(conn), writer: self, _turn: turn })
    }

    fn draw(&self) -> StoreResult<SqliteConnection> {
        let idle = lock(&self.idle).take();
        let fresh = || self.place.writer_with(self.durability).map_err(unavailable);
        idle.map_or_else(fresh, Ok)
    }

    fn put_back(&self, mut conn: SqliteConnection) {
        if ended(&mut conn) {
            *lock(&self.idle) = Some(conn);
        }
    }
}

/// An open transaction, which undoes itself unless it is committed.
pub(crate) struct Transaction {
    conn: Option<SqliteConnection>,
    writer: Arc<Writer>,
    _turn: OwnedSemaphorePermit, // the last to go: the connection is back by then
}

impl Transaction {
    pub(crate) fn conn(&mut self) -> StoreResult<&mut SqliteConnection> {
        self.conn.as_mut().ok_or_else(|| unavailable("the transaction has ended"))
    }

    pub(crate) fn commit(mut self) -> StoreResult<()> {
        AnsiTransactionManager::commit_transaction(self.conn()?).map_err(on_write("transaction"))
    }
}

impl Drop for Transaction {
    /// Rolls back what was not committed, here and now: a rollback waits for
    /// nobody, and whoever is next would wait for it.
    fn drop(&mut self) {
        if let Some(conn) = self.conn.take() {
            self.writer.put_back(conn);
        }
    }
}

/// Ends any open transaction; `false` when the connection must not be used again.
fn ended(conn: &mut SqliteConnection) -> bool {
    let status = AnsiTransactionManager::transaction_manager_status_mut(conn);
    match status.transaction_depth().map(|depth| depth.map_or(0, NonZeroU32::get)) {
        Ok(0) => true,
        // Fails when SQLite has rolled back by itself, as it does on a full disk.
        Ok(_) => AnsiTransactionManager::rollback_transaction(conn).is_ok(),
        Err(_) => false,
    }
}

async fn take_turn(turns: &Arc<Semaphore>) -> StoreResult<OwnedSemaphorePermit> {
    Arc::clone(turns).acquire_owned().await.map_err(unavailable)
}

/// Runs `work` on a thread that may block.
pub(crate) async fn blocking<T, F>(work: F) -> StoreResult<T>
where
    T: Send + 'static,
    F: FnOnce() -> StoreResult<T> + Send + 'static,
{
    tokio::task::spawn_blocking(work).await.map_err(unavailable)?
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing is left half done under it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
