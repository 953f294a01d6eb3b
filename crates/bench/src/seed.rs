//! Many assistants, made from a few by the database itself: through the API it
//! would take hours.

use std::path::Path;

use anyhow::{Context, Result};
use diesel::{
    Connection as _, QueryableByName, RunQueryDsl as _, SqliteConnection,
    connection::SimpleConnection as _, sql_types::Text,
};
use diesel_async::{AsyncConnection as _, AsyncPgConnection, SimpleAsyncConnection as _};
use uuid::Uuid;

use crate::yardstick::TABLE;

/// One of so many is visible to the member.
pub(crate) const VISIBLE: u64 = 20;

/// A connection that may do everything.
pub(crate) enum Database {
    /// PostgreSQL, as superuser.
    Postgres(Box<AsyncPgConnection>),
    /// SQLite, while the service is down.
    Sqlite(Box<SqliteConnection>),
}

#[derive(QueryableByName)]
struct Value {
    #[diesel(sql_type = Text)]
    value: String,
}

/// What the copies are made from.
#[derive(Clone, Debug)]
pub(crate) struct Templates {
    /// Nobody but its owner sees it.
    pub(crate) hidden: Uuid,
    /// The member sees them, each for another reason.
    pub(crate) visible: [Uuid; 3],
}

impl Database {
    /// Connects to PostgreSQL.
    pub(crate) async fn postgres(url: &str) -> Result<Self> {
        Ok(Self::Postgres(Box::new(AsyncPgConnection::establish(url).await?)))
    }

    /// Opens a SQLite file.
    pub(crate) fn sqlite(file: &Path) -> Result<Self> {
        let file = file.to_str().context("the file's name is no text")?;
        let mut conn = SqliteConnection::establish(file)?;
        conn.batch_execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;")?;
        Ok(Self::Sqlite(Box::new(conn)))
    }

    /// Executes statements.
    pub(crate) async fn execute(&mut self, sql: &str) -> Result<()> {
        match self {
            Self::Postgres(conn) => conn.batch_execute(sql).await?,
            Self::Sqlite(conn) => conn.batch_execute(sql)?,
        }
        Ok(())
    }

    /// The texts that a query gives in its column `value`.
    pub(crate) async fn texts(&mut self, sql: &str) -> Result<Vec<String>> {
        let query = diesel::sql_query(sql);
        let values: Vec<Value> = match self {
            Self::Postgres(conn) => diesel_async::RunQueryDsl::load(query, &mut **conn).await?,
            Self::Sqlite(conn) => query.load(&mut **conn)?,
        };
        Ok(values.into_iter().map(|value| value.value).collect())
    }

    /// The columns of a table.
    pub(crate) async fn columns(&mut self, table: &str) -> Result<Vec<String>> {
        let query = (self.dialect().columns)(table);
        self.texts(&query).await
    }

    /// Makes `count` copies and returns the ids of those that the member sees.
    pub(crate) async fn fill(&mut self, templates: &Templates, count: u64) -> Result<Vec<String>> {
        let dialect = self.dialect();
        self.execute(&dialect.clones(templates, count)).await?;
        self.execute("CREATE UNIQUE INDEX clones_n ON clones (n)").await?;
        for (table, template, replaced) in dialect.copies() {
            let columns = self.columns(table).await?;
            self.execute(&copy(table, template, &columns, &replaced)).await?;
        }
        self.execute(dialect.afterwards).await?;
        let visible = format!("SELECT {} AS value FROM clones WHERE n % {VISIBLE} = 0", dialect.id);
        self.texts(&visible).await
    }

    /// Gives the yardstick its rows: what the service answers for each assistant
    /// that the member sees.
    pub(crate) async fn prepare_yardstick(&mut self, body: &str, item: &str) -> Result<()> {
        let kind = self.dialect().uuid;
        let (body, item) = (body.replace('\'', "''"), item.replace('\'', "''"));
        self.execute(&format!(
            "CREATE TABLE {TABLE} (id {kind} PRIMARY KEY, body text NOT NULL, item text NOT NULL);
             INSERT INTO {TABLE} SELECT id, '{body}', '{item}' FROM assistants
                 WHERE access_mode <> 'private'"
        ))
        .await
    }

    const fn dialect(&self) -> &'static Dialect {
        match self {
            Self::Postgres(_) => &POSTGRES,
            Self::Sqlite(_) => &SQLITE,
        }
    }
}

/// How the databases say the same.
struct Dialect {
    uuid: &'static str,
    /// The id of a clone as 32 hex digits.
    id: &'static str,
    /// Numbers from 1 to COUNT, each with a fresh id in the order of the numbers.
    numbers: &'static str,
    content: &'static str,
    time: fn(&str) -> String,
    columns: fn(&str) -> String,
    afterwards: &'static str,
}

static POSTGRES: Dialect = Dialect {
    uuid: "uuid",
    id: "replace(id::text, '-', '')",
    numbers:
        "SELECT n, (lpad(to_hex(1700000000000 + n), 12, '0') || '7' || substr(md5(n::text), 1, 3)
                  || '8' || substr(md5('x' || n), 1, 15))::uuid AS id
              FROM generate_series(1::bigint, COUNT) n",
    content: "regexp_replace(t.content::text, '\"Template [a-z]+\"', '\"Bench ' || c.n || '\"')::json",
    time: |column| format!("t.{column} - c.n * interval '1 second'"),
    columns: |table| {
        format!(
            "SELECT column_name::text AS value FROM information_schema.columns
             WHERE table_schema = current_schema() AND table_name = '{table}'
               AND is_generated = 'NEVER'"
        )
    },
    afterwards: "ANALYZE",
};

static SQLITE: Dialect = Dialect {
    uuid: "TEXT",
    id: "id",
    numbers: "WITH RECURSIVE numbers (n) AS
                  (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < COUNT)
              SELECT n, printf('%012x', 1700000000000 + n) || '7'
                  || substr(lower(hex(randomblob(2))), 2) || '8'
                  || substr(lower(hex(randomblob(8))), 2) AS id
              FROM numbers",
    content: "json_set(t.content, '$.name', 'Bench ' || c.n)",
    time: |column| format!("t.{column} - c.n * 1000000"),
    columns: |table| format!("SELECT name AS value FROM pragma_table_info('{table}')"),
    afterwards: "PRAGMA wal_checkpoint(TRUNCATE)",
};

impl Dialect {
    fn clones(&self, templates: &Templates, count: u64) -> String {
        let Templates { hidden, visible: [first, second, third] } = templates;
        let literal = |id: &Uuid| match self.uuid {
            "uuid" => format!("'{id}'::uuid"),
            _ => format!("'{}'", id.simple()),
        };
        format!(
            "CREATE TABLE clones AS
             SELECT n, id, CASE WHEN n % {VISIBLE} <> 0 THEN {}
                                WHEN n / {VISIBLE} % 3 = 0 THEN {}
                                WHEN n / {VISIBLE} % 3 = 1 THEN {}
                                ELSE {} END AS template
             FROM ({}) numbered",
            literal(hidden),
            literal(first),
            literal(second),
            literal(third),
            self.numbers.replace("COUNT", &count.to_string()),
        )
    }

    /// Tables, the column that names the template, and what is not copied as it is.
    fn copies(&self) -> [Copies; 3] {
        let id = || "c.id".to_owned();
        let name = || ("name_key", "'bench ' || c.n".to_owned());
        let content = || ("content", self.content.to_owned());
        let time = |column: &'static str| (column, (self.time)(column));
        let slug = ("slug", "'bench-' || c.n".to_owned());
        [
            (
                "assistants",
                "id",
                vec![("id", id()), slug, name(), content(), time("updated_at"), time("created_at")],
            ),
            (
                "assistant_audience",
                "assistant_id",
                vec![("assistant_id", id()), name(), time("updated_at"), time("created_at")],
            ),
            (
                "versions",
                "assistant_id",
                vec![("id", id()), ("assistant_id", id()), content(), time("created_at")],
            ),
        ]
    }
}

type Copies = (&'static str, &'static str, Vec<(&'static str, String)>);

fn copy(table: &str, template: &str, columns: &[String], replaced: &[(&str, String)]) -> String {
    let values: Vec<String> = columns
        .iter()
        .map(|column| {
            let other = replaced.iter().find(|(name, _)| name == column);
            other.map_or_else(|| format!("t.{column}"), |(_, value)| value.clone())
        })
        .collect();
    format!(
        "INSERT INTO {table} ({}) SELECT {} FROM clones c JOIN {table} t ON t.{template} = c.template",
        columns.join(", "),
        values.join(", "),
    )
}
