//! The database: opening it, and what it offers.

use std::{num::NonZeroU16, str::FromStr, sync::Arc};

use async_trait::async_trait;
use diesel_async::SimpleAsyncConnection;
use tokio_postgres::{Config, config::SslMode};
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
    audit::Log, connections::Connections, errors::unavailable, run_news::RunNews,
    unit_of_work::PgUnitOfWork,
};

/// How much of the server a store takes for itself.
#[derive(Clone, Copy, Debug)]
pub struct PgOptions {
    /// How many connections it makes at most, beside the one on which it hears of
    /// events of runs once somebody waits for them.
    pub max_connections: NonZeroU16,
}

impl Default for PgOptions {
    fn default() -> Self {
        Self { max_connections: NonZeroU16::MIN.saturating_add(15) }
    }
}

/// A store in a PostgreSQL database.
#[derive(Clone)]
pub struct PgStore {
    pub(crate) connections: Arc<Connections>,
    pub(crate) log: Log,
    pub(crate) run_news: RunNews,
}

/// Why a database URL was refused.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It is for another kind of database.
    #[error("a PostgreSQL database URL begins with postgres:// or postgresql://")]
    Scheme,
    /// It cannot be read. The source names the part, not its value.
    #[error("the PostgreSQL database URL cannot be read")]
    Url(#[source] tokio_postgres::Error),
    /// It names no host.
    #[error("the PostgreSQL database URL names no host")]
    Host,
    /// It demands encryption.
    #[error("sslmode=require is not supported: reach PostgreSQL over a trusted network or tunnel")]
    Tls,
    /// The pool cannot be made.
    #[error("the connection pool cannot be made")]
    Pool(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl PgStore {
    /// A store in the database that `url` names. Connects when it is first used, so
    /// the server need not be up. Does not migrate.
    ///
    /// # Errors
    ///
    /// [`OpenError`], one line for the operator, when the URL cannot be used.
    pub fn open(url: &str, options: PgOptions) -> Result<Self, OpenError> {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(OpenError::Scheme);
        }
        let mut config = Config::from_str(url).map_err(OpenError::Url)?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(OpenError::Host);
        }
        if config.get_ssl_mode() == SslMode::Require {
            return Err(OpenError::Tls);
        }
        if config.get_application_name().is_none() {
            config.application_name("understudy");
        }
        let most = usize::from(options.max_connections.get());
        let run_news = RunNews::new(config.clone());
        let connections =
            Connections::new(config, most).map_err(|error| OpenError::Pool(Box::new(error)))?;
        Ok(Self { connections: Arc::new(connections), log: Log::default(), run_news })
    }
}

#[async_trait]
impl Store for PgStore {
    #[tracing::instrument(name = "db.begin", skip_all)]
    async fn begin(&self, tenant: OrganizationId) -> StoreResult<Box<dyn UnitOfWork>> {
        Ok(Box::new(PgUnitOfWork::begin(&self.connections, self.log.clone(), tenant).await?))
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

    #[tracing::instrument(name = "db.ping", skip_all)]
    async fn ping(&self) -> StoreResult<()> {
        self.connections.get().await?.batch_execute("SELECT 1").await.map_err(unavailable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(url: &str) -> String {
        PgStore::open(url, PgOptions::default()).err().unwrap().to_string()
    }

    #[test]
    fn a_url_of_another_database_is_refused() {
        assert!(refusal("mysql://localhost/understudy").contains("postgres://"));
    }

    #[test]
    fn a_url_that_cannot_be_read_is_refused() {
        assert!(refusal("postgres://localhost:port/understudy").contains("cannot be read"));
    }

    #[test]
    fn a_url_that_demands_encryption_is_refused() {
        assert!(refusal("postgres://localhost/understudy?sslmode=require").contains("sslmode"));
    }

    #[test]
    fn opening_does_not_need_the_server() {
        assert!(PgStore::open("postgres://localhost:1/nowhere", PgOptions::default()).is_ok());
    }
}
