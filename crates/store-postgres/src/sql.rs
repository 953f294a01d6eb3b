//! Statements written by hand, for what the query builder cannot say.
//!
//! Unlike `diesel::sql_query` these stay prepared: their text is fixed, so there
//! are few of them. So do built inserts and updates that are [`prepared`].

use std::marker::PhantomData;

use diesel::{
    QueryResult,
    expression::{AsExpression, TypedExpressionType},
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_types::SqlType,
};

/// A statement whose rows have the SQL types `R`; `?` stands for a parameter.
pub(crate) struct Sql<R> {
    texts: Vec<&'static str>,
    parameters: Vec<Box<dyn QueryFragment<Pg> + Send>>,
    rows: PhantomData<fn() -> R>,
}

impl<R> Sql<R> {
    /// The statement with this text.
    pub(crate) fn new(text: &'static str) -> Self {
        Self { texts: vec![text], parameters: Vec::new(), rows: PhantomData }
    }

    /// Goes on with this text.
    pub(crate) fn then(mut self, text: &'static str) -> Self {
        self.texts.push(text);
        self
    }

    /// Gives the next parameter its value.
    pub(crate) fn bind<T, V>(mut self, value: V) -> Self
    where
        T: SqlType + TypedExpressionType,
        V: AsExpression<T>,
        V::Expression: QueryFragment<Pg> + Send + 'static,
    {
        self.parameters.push(Box::new(value.as_expression()));
        self
    }
}

impl<R> QueryFragment<Pg> for Sql<R> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let mut parameters = self.parameters.iter();
        for text in &self.texts {
            for (n, part) in text.split('?').enumerate() {
                if n > 0
                    && let Some(parameter) = parameters.next()
                {
                    parameter.walk_ast(out.reborrow())?;
                }
                out.push_sql(part);
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

/// A built insert or update that stays prepared.
///
/// The query builder prepares these anew each time, a round trip more, because
/// their text may depend on their values. That of ours does not: they are of one
/// row, and `None` is a parameter like any other.
pub(crate) const fn prepared<Q>(query: Q) -> Prepared<Q> {
    Prepared(query)
}

/// See [`prepared`].
pub(crate) struct Prepared<Q>(Q);

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Prepared<Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }

    fn is_safe_to_cache_prepared(&self, _: &Pg) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<Q> QueryId for Prepared<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false; // known by its text
}

impl<Q> Query for Prepared<Q> {
    type SqlType = ();
}
