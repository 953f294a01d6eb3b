//! The database: opening it, and what it offers.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io,
    num::NonZeroU8,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use diesel::{OptionalExtension, RunQueryDsl, sql_types::Integer};
use understudy_domain::{
    OrganizationId,
    ports::{
        AssistantQueries, AuditQueries, CallerQueries, CommentQueries, ContentQueries,
        ConversationQueries, DirectoryQueries, Housekeeping, IdempotencyStore, KeyQueries,
        LabelQueries, RuleQueries, RunEventLog, RunQueries, Store, StoreResult, UnitOfWork,
        WebhookQueries,
    },
};

use crate::{
    audit::News,
    connections::{Place, Readers, Writer},
    errors::on_read,
    run_news::RunNews,
    sql::Sql,
    unit_of_work::SqliteUnitOfWork,
    values::Key,
};

/// Who else may have the database open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// Nobody: a server has it.
    Alone,
    /// A server too: a short command works beside it and waits for its writes.
    Beside,
}

/// How much a store takes for itself.
#[derive(Clone, Copy, Debug)]
pub struct SqliteOptions {
    /// Who else may have the database open.
    pub sharing: Sharing,
    /// How many queries run at the same time.
    pub readers: NonZeroU8,
    /// Page cache of each connection, in KiB; it grows to that only when used.
    pub cache_kib: u32,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            sharing: Sharing::Alone,
            readers: NonZeroU8::MIN.saturating_add(3),
            cache_kib: 2_048,
        }
    }
}

/// A store in one SQLite file.
#[derive(Clone)]
pub struct SqliteStore {
    pub(crate) readers: Arc<Readers>,
    pub(crate) writer: Arc<Writer>,
    /// Writes the events of runs.
    pub(crate) hasty: Arc<Writer>,
    pub(crate) news: News,
    pub(crate) run_news: RunNews,
}

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error(
        "{} is in use by another process; SQLite is for one process on one machine",
        path.display()
    )]
    InUse {
        /// The database.
        path: PathBuf,
    },
    /// The path is not UTF-8.
    #[error("{} is not UTF-8, as SQLite asks of a path", path.display())]
    NotUtf8 {
        /// The database.
        path: PathBuf,
    },
    /// The file cannot be made or opened.
    #[error("{} cannot be opened", path.display())]
    File {
        /// The file: the database or the lock beside it.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// SQLite does not take the file.
    #[error("{} cannot be used as a database", path.display())]
    Database {
        /// The database.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl SqliteStore {
    /// Opens the database, making the file (for its owner only) if there is none,
    /// and, if it is to be alone, holds it against other processes that want the
    /// same as long as the store lives. Does not migrate.
    ///
    /// # Errors
    ///
    /// [`OpenError`], one line for the operator.
    pub fn open(path: &Path, options: SqliteOptions) -> Result<Self, OpenError> {
        let file = |source| OpenError::File { path: path.to_owned(), source };
        let full = std::path::absolute(path).map_err(file)?;
        let Some(text) = full.to_str() else {
            return Err(OpenError::NotUtf8 { path: path.to_owned() });
        };
        let lock = match options.sharing {
            Sharing::Alone => Some(hold(path, Path::new(&format!("{text}.lock")))?),
            Sharing::Beside => None,
        };
        private_file(&full).and_then(|file| file.sync_all()).map_err(file)?;
        sync_folder(&full).map_err(file)?;

        let place =
            Arc::new(Place { path: text.to_owned(), cache_kib: options.cache_kib, _lock: lock });
        let conn = place
            .writer()
            .map_err(|source| OpenError::Database { path: path.to_owned(), source })?;
        let readers = Readers::new(Arc::clone(&place), options);
        let writer = Writer::new(place, conn);
        Ok(Self {
            readers: Arc::new(readers),
            hasty: Arc::new(writer.hasty()),
            writer: Arc::new(writer),
            news: News::default(),
            run_news: RunNews::default(),
        })
    }
}

/// Takes the lock, which the operating system gives back when the process ends.
fn hold(database: &Path, path: &Path) -> Result<File, OpenError> {
    let failed = |source| OpenError::File { path: path.to_owned(), source };
    let lock = private_file(path).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: database.to_owned() }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// Opens the file, making it readable for its owner only if there is none. SQLite
/// gives the files beside its database the same mode.
fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes the file's name as durable as its content.
fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn begin(&self, tenant: OrganizationId) -> StoreResult<Box<dyn UnitOfWork>> {
        let transaction = self.writer.begin().await?;
        Ok(Box::new(SqliteUnitOfWork::new(Key::from(tenant), transaction, self.news.clone())))
    }

    fn callers(&self) -> &dyn CallerQueries {
        self
    }

    fn assistants(&self) -> &dyn AssistantQueries {
        self
    }

    fn directory(&self) -> &dyn DirectoryQueries {
        self
    }

    fn audit(&self) -> &dyn AuditQueries {
        self
    }

    fn content(&self) -> &dyn ContentQueries {
        self
    }

    fn keys(&self) -> &dyn KeyQueries {
        self
    }

    fn rules(&self) -> &dyn RuleQueries {
        self
    }

    fn comments(&self) -> &dyn CommentQueries {
        self
    }

    fn labels(&self) -> &dyn LabelQueries {
        self
    }

    fn webhooks(&self) -> &dyn WebhookQueries {
        self
    }

    fn conversations(&self) -> &dyn ConversationQueries {
        self
    }

    fn runs(&self) -> &dyn RunQueries {
        self
    }

    fn run_events(&self) -> &dyn RunEventLog {
        self
    }

    fn housekeeping(&self) -> &dyn Housekeeping {
        self
    }

    fn idempotency(&self) -> &dyn IdempotencyStore {
        self
    }

    async fn ping(&self) -> StoreResult<()> {
        self.readers
            .run("ping", |conn| {
                // A constant would not touch the file.
                let any = Sql::<Integer>::new("SELECT 1 FROM sqlite_schema LIMIT 1");
                any.get_result::<i32>(conn).optional().map_err(on_read("sqlite_schema"))?;
                Ok(())
            })
            .await
    }
}
