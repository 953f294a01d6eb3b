//! Statements written by hand, for what the query builder cannot say.
//!
//! Unlike `diesel::sql_query` these stay prepared: their text is made of fixed
//! pieces only, so there are few of them.

use std::marker::PhantomData;

use diesel::{
    QueryResult, RunQueryDsl, SqliteConnection,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_types::{BigInt, Binary, Nullable, Text},
    sqlite::Sqlite,
};
use understudy_domain::Digest;

/// A statement whose rows have the SQL types `R`.
pub(crate) struct Sql<R> {
    parts: Vec<Part>,
    rows: PhantomData<R>,
}

enum Part {
    Text(&'static str),
    Word(Option<String>),
    Number(Option<i64>),
    Digest(Digest),
}

impl<R> Sql<R> {
    /// A statement that begins with `text`.
    pub(crate) fn new(text: &'static str) -> Self {
        Self { parts: vec![Part::Text(text)], rows: PhantomData }
    }

    /// Goes on with `text`.
    pub(crate) fn text(&mut self, text: &'static str) -> &mut Self {
        self.parts.push(Part::Text(text));
        self
    }

    /// Goes on with a parameter.
    pub(crate) fn word(&mut self, value: impl Into<Option<String>>) -> &mut Self {
        self.parts.push(Part::Word(value.into()));
        self
    }

    /// Goes on with a parameter.
    pub(crate) fn number(&mut self, value: impl Into<Option<i64>>) -> &mut Self {
        self.parts.push(Part::Number(value.into()));
        self
    }

    /// Goes on with a parameter.
    pub(crate) fn digest(&mut self, value: Digest) -> &mut Self {
        self.parts.push(Part::Digest(value));
        self
    }
}

impl<R> QueryFragment<Sqlite> for Sql<R> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_sql(text),
                Part::Word(value) => out.push_bind_param::<Nullable<Text>, _>(value)?,
                Part::Number(value) => out.push_bind_param::<Nullable<BigInt>, _>(value)?,
                Part::Digest(value) => out.push_bind_param::<Binary, [u8]>(value.as_bytes())?,
            }
        }
        Ok(())
    }
}

impl<R> QueryId for Sql<R> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false; // known by its text
}

impl<R> Query for Sql<R> {
    type SqlType = R;
}

impl<R> RunQueryDsl<SqliteConnection> for Sql<R> {}
