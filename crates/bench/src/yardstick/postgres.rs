//! The yardstick on PostgreSQL.

use std::num::NonZeroU32;

use anyhow::Result;
use diesel::{
    QueryResult,
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_types::{Array, Text, Uuid as SqlUuid},
};
use diesel_async::{
    AsyncPgConnection, RunQueryDsl,
    pooled_connection::{
        AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod, deadpool::Pool,
    },
};
use uuid::Uuid;

use super::{Database, Viewer};

/// What somebody would write in `psql`: the newest of each key, merged.
const LIST: &str = "\
    SELECT y.item FROM (
        SELECT DISTINCT walk.updated_at, walk.assistant_id
        FROM unnest($1) AS k (key)
        CROSS JOIN LATERAL (
            SELECT g.updated_at, g.assistant_id FROM assistant_audience g
            JOIN assistants a ON a.organization_id = g.organization_id AND a.id = g.assistant_id
            WHERE g.realm = $2 AND g.key = k.key AND a.is_active AND a.api_enabled
            ORDER BY g.updated_at DESC, g.assistant_id DESC LIMIT 51
        ) walk
        ORDER BY walk.updated_at DESC, walk.assistant_id DESC LIMIT 51
    ) page
    JOIN yardstick y ON y.id = page.assistant_id
    ORDER BY page.updated_at DESC, page.assistant_id DESC";

/// A pool.
#[derive(Clone)]
pub(super) struct Postgres {
    pool: Pool<AsyncPgConnection>,
    viewer: Viewer,
}

impl Postgres {
    pub(super) fn open(url: &str, connections: NonZeroU32, viewer: Viewer) -> Result<Self> {
        let mut config = ManagerConfig::default();
        config.recycling_method = RecyclingMethod::Fast;
        let manager = AsyncDieselConnectionManager::new_with_config(url, config);
        let connections = usize::try_from(connections.get())?;
        Ok(Self { pool: Pool::builder(manager).max_size(connections).build()?, viewer })
    }
}

impl Database for Postgres {
    async fn body(&self, id: Uuid) -> Result<String> {
        let mut conn = self.pool.get().await?;
        Ok(Question::Body(id).get_result(&mut conn).await?)
    }

    async fn items(&self) -> Result<Vec<String>> {
        let mut conn = self.pool.get().await?;
        Ok(Question::List(self.viewer.clone()).load(&mut conn).await?)
    }
}

/// A statement that stays prepared, unlike those of `sql_query`.
enum Question {
    Body(Uuid),
    List(Viewer),
}

impl QueryFragment<Pg> for Question {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        match self {
            Self::Body(id) => {
                out.push_sql("SELECT body FROM yardstick WHERE id = ");
                out.push_bind_param::<SqlUuid, _>(id)
            }
            Self::List(viewer) => {
                let (before, rest) = LIST.split_once("$1").unwrap_or_default();
                let (between, after) = rest.split_once("$2").unwrap_or_default();
                out.push_sql(before);
                out.push_bind_param::<Array<Text>, _>(&viewer.keys)?;
                out.push_sql(between);
                out.push_bind_param::<SqlUuid, _>(&viewer.organization)?;
                out.push_sql(after);
                Ok(())
            }
        }
    }
}

impl QueryId for Question {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false; // known by its text
}

impl Query for Question {
    type SqlType = Text;
}
