//! The pool, and what each of its connections is before anybody uses it.

use std::{error::Error, time::Duration};

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::{
    AsyncPgConnection, SimpleAsyncConnection,
    pooled_connection::{
        AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
        deadpool::{BuildError, Object, Pool},
    },
};
use futures_util::FutureExt;
use tokio::time::timeout;
use tokio_postgres::{Config, NoTls};
use understudy_domain::ports::StoreResult;

use crate::errors::unavailable;

/// A connection of the pool.
pub(crate) type Connection = Object<AsyncPgConnection>;

/// How long making a connection may take.
const CONNECT: Duration = Duration::from_secs(3);

/// How long to wait for a free connection, making one included.
const WAIT: Duration = Duration::from_secs(5);

/// Takes the role that row-level security binds, and bounds what may hang: a
/// statement whose client is gone, a lock, a statement, an idle transaction.
const SET_UP: &str = "SET ROLE understudy_app; \
    SET client_connection_check_interval = '1s'; \
    SET lock_timeout = '10s'; \
    SET statement_timeout = '30s'; \
    SET idle_in_transaction_session_timeout = '60s'";

/// Makes and keeps connections.
pub(crate) struct Connections {
    config: Config,
    pool: Pool<AsyncPgConnection>,
}

impl Connections {
    /// A pool that connects when it is first used.
    pub(crate) fn new(config: Config, most: usize) -> Result<Self, BuildError> {
        let for_pool = config.clone();
        let mut manager = ManagerConfig::default();
        // Not `Verified`: that costs a round trip for each use. A connection that
        // is known to be closed is not handed out either way.
        manager.recycling_method = RecyclingMethod::Fast;
        manager.custom_setup = Box::new(move |_| as_application(for_pool.clone()).boxed());
        let manager = AsyncDieselConnectionManager::new_with_config("", manager);
        let pool = Pool::builder(manager).max_size(most).build()?;
        Ok(Self { config, pool })
    }

    /// A connection that acts as the application.
    pub(crate) async fn get(&self) -> StoreResult<Connection> {
        timeout(WAIT, self.pool.get()).await.map_err(unavailable)?.map_err(unavailable)
    }

    /// A connection of its own that acts as the user of the URL.
    pub(crate) async fn as_owner(&self) -> ConnectionResult<AsyncPgConnection> {
        connect(&self.config).await
    }
}

async fn as_application(config: Config) -> ConnectionResult<AsyncPgConnection> {
    let mut conn = connect(&config).await?;
    conn.batch_execute(SET_UP).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(conn)
}

async fn connect(config: &Config) -> ConnectionResult<AsyncPgConnection> {
    let connecting = async {
        let (client, connection) = config.connect(NoTls).await.map_err(refused)?;
        AsyncPgConnection::try_from_client_and_connection(client, connection).await
    };
    timeout(CONNECT, connecting).await.map_err(refused)?
}

/// With its causes: the error itself says no more than 'error connecting'.
fn refused(error: impl Error) -> ConnectionError {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    ConnectionError::BadConnection(text)
}
