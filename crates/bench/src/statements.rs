//! A bare loop over the statements of a script, on SQLite: what `pgbench` is for
//! PostgreSQL.
//!
//! One connection does all the work, since only one may write at a time anyway,
//! and so nobody waits for a lock. Each commit is on the disk before the next.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use diesel::{
    Connection as _, OptionalExtension as _, QueryResult, QueryableByName, RunQueryDsl,
    SqliteConnection,
    connection::SimpleConnection as _,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_types::{BigInt, Text, Untyped},
    sqlite::Sqlite,
};

/// Arguments of `statements`; the short ones are those of `pgbench`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// A SQLite file
    #[arg(long)]
    sqlite: PathBuf,
    /// A file with one statement on each line
    #[arg(long)]
    script: PathBuf,
    /// For how many seconds
    #[arg(short = 'T')]
    seconds: u64,
    /// Taken and ignored
    #[arg(short = 'c')]
    _clients: u32,
}

/// What a statement gives to the following ones.
#[derive(Clone, Default, QueryableByName)]
struct Given {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = BigInt)]
    number: i64,
}

struct Statement {
    text: String,
    gives: bool,
}

/// Runs the script again and again, and says how often.
pub(crate) fn run(args: &Args) -> Result<()> {
    let script = std::fs::read_to_string(&args.script)?;
    let statements: Vec<Statement> = script.lines().map(Statement::parse).collect();
    let mut conn = open(&args.sqlite)?;
    let begun = Instant::now();
    let until = begun + Duration::from_secs(args.seconds);
    let mut processed = 0_u32;
    while Instant::now() < until {
        let mut given = Given::default();
        for statement in &statements {
            statement.execute(&mut conn, &mut given)?;
        }
        processed += 1;
    }
    let rate = f64::from(processed) / begun.elapsed().as_secs_f64();
    let mut out = std::io::stdout();
    writeln!(out, "number of transactions actually processed: {processed}")?;
    writeln!(out, "latency average = {:.3} ms", 1_000.0 / rate)?;
    writeln!(out, "tps = {rate:.3}")?;
    Ok(())
}

fn open(file: &Path) -> Result<SqliteConnection> {
    let file = file.to_str().context("the file's name is no text")?;
    let mut conn = SqliteConnection::establish(file)?;
    conn.batch_execute(
        "PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL;",
    )?;
    Ok(conn)
}

impl Statement {
    fn parse(line: &str) -> Self {
        let given = line.strip_suffix("\\gset");
        let text = given.unwrap_or(line).trim_end().trim_end_matches(';').to_owned();
        Self { text, gives: given.is_some() }
    }

    fn execute(&self, conn: &mut SqliteConnection, given: &mut Given) -> Result<()> {
        let filled = Filled { text: &self.text, given: given.clone() };
        if self.gives {
            *given = filled.get_result(conn).optional()?.context("a statement gives no row")?;
        } else {
            RunQueryDsl::execute(filled, conn)?;
        }
        Ok(())
    }
}

/// A statement with its parameters; it stays prepared.
struct Filled<'a> {
    text: &'a str,
    given: Given,
}

impl QueryFragment<Sqlite> for Filled<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        let mut rest = self.text;
        while let Some((before, after)) = rest.split_once(':') {
            out.push_sql(before);
            if let Some(after) = after.strip_prefix("id") {
                out.push_bind_param::<Text, _>(&self.given.id)?;
                rest = after;
            } else if let Some(after) = after.strip_prefix("number") {
                out.push_bind_param::<BigInt, _>(&self.given.number)?;
                rest = after;
            } else {
                out.push_sql(":");
                rest = after;
            }
        }
        out.push_sql(rest);
        Ok(())
    }
}

impl QueryId for Filled<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false; // known by its text
}

impl Query for Filled<'_> {
    type SqlType = Untyped;
}

impl RunQueryDsl<SqliteConnection> for Filled<'_> {}
