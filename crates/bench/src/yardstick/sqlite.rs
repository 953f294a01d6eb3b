//! The yardstick on SQLite.

use std::{
    num::NonZeroU32,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, Result};
use diesel::{
    Connection, QueryResult, RunQueryDsl, SqliteConnection,
    connection::SimpleConnection,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_types::Text,
    sqlite::Sqlite as Backend,
};
use tokio::{sync::Semaphore, task::spawn_blocking};
use uuid::Uuid;

use super::{Database, Viewer};

/// A few connections that are lent out, one thread for each.
#[derive(Clone)]
pub(super) struct Sqlite {
    file: String,
    idle: Arc<Mutex<Vec<SqliteConnection>>>,
    turns: Arc<Semaphore>,
    viewer: Viewer,
}

impl Sqlite {
    pub(super) fn new(file: &Path, connections: NonZeroU32, viewer: Viewer) -> Result<Self> {
        let turns = Arc::new(Semaphore::new(usize::try_from(connections.get())?));
        let file = file.to_str().context("the file's name is no text")?.to_owned();
        Ok(Self { file, idle: Arc::default(), turns, viewer })
    }

    async fn ask<T, F>(&self, question: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut SqliteConnection) -> QueryResult<T> + Send + 'static,
    {
        let turn = Arc::clone(&self.turns).acquire_owned().await?;
        let (file, idle) = (self.file.clone(), Arc::clone(&self.idle));
        spawn_blocking(move || {
            let drawn = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut conn = drawn.map_or_else(|| open(&file), Ok)?;
            let answer = question(&mut conn);
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(conn);
            drop(turn);
            Ok(answer?)
        })
        .await?
    }
}

fn open(file: &str) -> Result<SqliteConnection> {
    let mut conn = SqliteConnection::establish(file)?;
    conn.batch_execute("PRAGMA busy_timeout = 5000; PRAGMA query_only = ON;")?;
    Ok(conn)
}

impl Database for Sqlite {
    async fn body(&self, id: Uuid) -> Result<String> {
        self.ask(move |conn| Question::Body(id.simple().to_string()).get_result(conn)).await
    }

    async fn items(&self) -> Result<Vec<String>> {
        let Viewer { organization, keys } = self.viewer.clone();
        let question = Question::List(organization.simple().to_string(), keys);
        self.ask(move |conn| question.load(conn)).await
    }
}

/// A statement that stays prepared, unlike those of `sql_query`.
enum Question {
    Body(String),
    List(String, Vec<String>),
}

impl QueryFragment<Backend> for Question {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Backend>) -> QueryResult<()> {
        match self {
            Self::Body(id) => {
                out.push_sql("SELECT body FROM yardstick WHERE id = ");
                out.push_bind_param::<Text, _>(id)?;
            }
            Self::List(organization, keys) => {
                out.push_sql("SELECT y.item FROM (SELECT DISTINCT updated_at, assistant_id FROM (");
                for (key, place) in keys.iter().zip(0..) {
                    out.push_sql(if place == 0 { "" } else { " UNION ALL " });
                    out.push_sql("SELECT * FROM (SELECT g.updated_at, g.assistant_id ");
                    out.push_sql("FROM assistant_audience g JOIN assistants a ON ");
                    out.push_sql(
                        "a.organization_id = g.organization_id AND a.id = g.assistant_id ",
                    );
                    out.push_sql("WHERE a.is_active AND a.api_enabled AND g.realm = ");
                    out.push_bind_param::<Text, _>(organization)?;
                    out.push_sql(" AND g.key = ");
                    out.push_bind_param::<Text, _>(key)?;
                    out.push_sql(" ORDER BY g.updated_at DESC, g.assistant_id DESC LIMIT 51)");
                }
                out.push_sql(") ORDER BY updated_at DESC, assistant_id DESC LIMIT 51) page ");
                out.push_sql("JOIN yardstick y ON y.id = page.assistant_id ");
                out.push_sql("ORDER BY page.updated_at DESC, page.assistant_id DESC");
            }
        }
        Ok(())
    }
}

impl QueryId for Question {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false; // known by its text
}

impl Query for Question {
    type SqlType = Text;
}

impl RunQueryDsl<SqliteConnection> for Question {}
