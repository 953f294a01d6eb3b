//! Lists of assistants, at the cost of a page whatever there is to see.
//!
//! A caller has a handful of keys, and each key has an index of its assistants in
//! the order of the list. So the first rows of each key are walked, merged, and the
//! first of them all are the page. Every walk is the same prepared statement.
//! Favourites are so few that the walk begins with them.

use diesel::{
    OptionalExtension, RunQueryDsl, SqliteConnection,
    deserialize::FromSqlRow,
    sql_types::{BigInt, Integer, SingleValue, SqlType, Text},
    sqlite::Sqlite,
};
use understudy_domain::{
    UserId,
    access::{self, Level},
    ports::{AssistantListQuery, AssistantRecord, Page, SortKey, StoreResult},
};

use crate::{
    assistant_queries,
    audience::{Lookup, lookups},
    errors::{corrupt, on_read},
    sql::Sql,
    values::Key,
};

mod conditions;
#[cfg(test)]
mod plans;

use conditions::is_filtered;

/// A page of assistants.
pub(crate) fn list(
    conn: &mut SqliteConnection,
    query: &AssistantListQuery,
) -> StoreResult<Page<AssistantRecord>> {
    let search = Search::new(query)?;
    if let Some(only) = query.filter.only {
        return search.only(conn, only.into());
    }
    let mut page = match query.sort.key {
        SortKey::UpdatedAt | SortKey::CreatedAt => search.page::<BigInt, i64>(conn)?,
        SortKey::Name => search.page::<Text, String>(conn)?,
    };
    let limit = usize::try_from(query.limit).map_err(corrupt("assistants"))?;
    let more = page.len() > limit;
    page.truncate(limit);

    let mut rows = Vec::with_capacity(page.len());
    for (organization, id) in page {
        rows.extend(search.record(conn, organization, id)?);
    }
    let total = query.count.then(|| search.total(conn)).transpose()?;
    Ok(Page { rows, more, total })
}

/// Where a walk goes: an index of all of an organization, or of one key, or from a
/// user's favourites to those at home or to those of others.
#[derive(Clone, Copy)]
enum Walk<'a> {
    Organization,
    Audience(&'a Lookup),
    Favorites(UserId),
    FavoritesElsewhere(UserId),
}

impl Walk<'_> {
    /// The column with the assistant's id.
    const fn id(self) -> &'static str {
        match self {
            Walk::Audience(_) => "w.assistant_id",
            Walk::Organization | Walk::Favorites(_) | Walk::FavoritesElsewhere(_) => "w.id",
        }
    }
}

struct Search<'a> {
    query: &'a AssistantListQuery,
    home: Key,
    lookups: Vec<Lookup>,
    /// The lookups as JSON, for statements that need them all.
    lookups_json: String,
    is_filtered: bool,
}

impl<'a> Search<'a> {
    fn new(query: &'a AssistantListQuery) -> StoreResult<Self> {
        let lookups = lookups(&query.standing);
        let pairs: Vec<(String, &str)> =
            lookups.iter().map(|l| (l.realm.text(), l.key.as_str())).collect();
        Ok(Self {
            query,
            home: query.standing.organization.into(),
            lookups_json: serde_json::to_string(&pairs).map_err(corrupt("assistant_audience"))?,
            lookups,
            is_filtered: is_filtered(&query.filter),
        })
    }

    /// Organization and id of the first rows behind the position, one more than
    /// the limit.
    fn page<S, K>(&self, conn: &mut SqliteConnection) -> StoreResult<Vec<(Key, Key)>>
    where
        S: SqlType + SingleValue + 'static,
        K: Ord + FromSqlRow<S, Sqlite> + 'static,
        (K, Key, Key): FromSqlRow<(S, Text, Text), Sqlite>,
        Sqlite:
            diesel::sql_types::HasSqlType<S> + diesel::expression::QueryMetadata<(S, Text, Text)>,
    {
        let mut rows: Vec<(K, Key, Key)> = Vec::new();
        for walk in self.walks() {
            let found = self.walk::<(S, Text, Text)>(walk).load::<(K, Key, Key)>(conn);
            rows.extend(found.map_err(on_read("assistant_audience"))?);
        }
        rows.sort();
        if self.query.sort.descending {
            rows.reverse();
        }
        rows.dedup(); // who is found by several keys is found once
        rows.truncate(usize::try_from(self.query.limit).map_err(corrupt("assistants"))? + 1);
        Ok(rows.into_iter().map(|(_, id, organization)| (organization, id)).collect())
    }

    fn walks(&self) -> Vec<Walk<'_>> {
        if let Some(user) = self.query.filter.favorite_of {
            return vec![Walk::Favorites(user), Walk::FavoritesElsewhere(user)];
        }
        let everything = self.query.standing.administers.then_some(Walk::Organization);
        everything.into_iter().chain(self.lookups.iter().map(Walk::Audience)).collect()
    }

    /// Sort key, id and organization of the first rows of one walk.
    fn walk<R>(&self, walk: Walk<'_>) -> Sql<R> {
        let (column, id) = (self.column(), walk.id());
        let mut sql = Sql::new("SELECT w.");
        self.source(&mut sql, walk);
        if self.is_filtered {
            self.filter(&mut sql);
        }
        self.position(&mut sql, id);
        let order = if self.query.sort.descending { " DESC" } else { " ASC" };
        sql.text(" ORDER BY w.").text(column).text(order).text(", ").text(id).text(order);
        sql.text(" LIMIT ").number(i64::from(self.query.limit) + 1);
        sql
    }

    /// The rows `w` of a walk, each beside its assistant `a` if there is a filter.
    fn source<R>(&self, sql: &mut Sql<R>, walk: Walk<'_>) {
        let column = self.column();
        sql.text(column).text(", ").text(walk.id()).text(", w.organization_id FROM ");
        match walk {
            Walk::Organization => {
                sql.text("assistants w INDEXED BY assistants_in_order_").text(column)
            }
            Walk::Audience(_) => {
                sql.text("assistant_audience w INDEXED BY assistant_audience_in_order_");
                sql.text(column)
            }
            Walk::Favorites(_) => sql.text(
                "favorites f CROSS JOIN assistants w \
                 ON w.organization_id = f.organization_id AND w.id = f.assistant_id",
            ),
            Walk::FavoritesElsewhere(_) => sql.text(
                "favorites f CROSS JOIN assistants w INDEXED BY assistants_everywhere \
                 ON w.id = f.assistant_id",
            ),
        };
        if self.is_filtered {
            // CROSS keeps the index outside, whatever the planner thinks.
            sql.text(" CROSS JOIN assistants a ON a.organization_id = w.organization_id");
            sql.text(" AND a.id = ").text(walk.id());
        }
        match walk {
            Walk::Organization => {
                sql.text(" WHERE w.editing_id IS NULL AND w.deleted_at IS NULL");
                sql.text(" AND w.organization_id = ").word(self.home.text());
            }
            Walk::Audience(lookup) => {
                sql.text(" WHERE w.realm = ").word(lookup.realm.text());
                sql.text(" AND w.key = ").word(lookup.key.clone());
            }
            Walk::Favorites(user) => {
                self.marked(sql, user);
                let administers = self.query.standing.administers;
                sql.text(" AND (1 = ").number(i64::from(administers)).text(" OR ");
                self.reached(sql, "w", Level::View);
                sql.text(")");
            }
            Walk::FavoritesElsewhere(user) => {
                self.marked(sql, user);
                sql.text(" AND w.access_mode IN ('global', 'public')");
            }
        }
    }

    /// Begins the conditions of a walk from favourites.
    fn marked<R>(&self, sql: &mut Sql<R>, user: UserId) {
        sql.text(" WHERE f.organization_id = ").word(self.home.text());
        sql.text(" AND f.user_id = ").word(Key::from(user).text());
        sql.text(" AND w.editing_id IS NULL AND w.deleted_at IS NULL");
    }

    const fn column(&self) -> &'static str {
        match self.query.sort.key {
            SortKey::UpdatedAt => "updated_at",
            SortKey::CreatedAt => "created_at",
            SortKey::Name => "name_key",
        }
    }

    /// How many match on all pages.
    fn total(&self, conn: &mut SqliteConnection) -> StoreResult<u64> {
        let count: i64 =
            self.count::<BigInt>().get_result(conn).map_err(on_read("assistant_audience"))?;
        u64::try_from(count).map_err(corrupt("assistant_audience"))
    }

    fn count<R>(&self) -> Sql<R> {
        let mut sql = Sql::new("SELECT count(*) FROM (");
        if let Some(user) = self.query.filter.favorite_of {
            sql.text("SELECT w.");
            self.source(&mut sql, Walk::Favorites(user));
            self.filter(&mut sql);
            sql.text(" UNION SELECT w.");
            self.source(&mut sql, Walk::FavoritesElsewhere(user));
            self.filter(&mut sql);
            sql.text(")");
            return sql;
        }
        if self.query.standing.administers {
            sql.text("SELECT a.organization_id, a.id FROM assistants a ");
            sql.text("WHERE a.editing_id IS NULL AND a.deleted_at IS NULL");
            sql.text(" AND a.organization_id = ").word(self.home.text());
            if self.is_filtered {
                self.filter(&mut sql);
            }
            sql.text(" UNION ");
        }
        sql.text("SELECT DISTINCT w.organization_id, w.assistant_id FROM json_each(");
        sql.word(self.lookups_json.clone());
        sql.text(") l CROSS JOIN assistant_audience w");
        sql.text(" ON w.realm = l.value ->> 0 AND w.key = l.value ->> 1");
        if self.is_filtered {
            sql.text(" CROSS JOIN assistants a ON a.organization_id = w.organization_id");
            sql.text(" AND a.id = w.assistant_id WHERE 1 = 1");
            self.filter(&mut sql);
        }
        sql.text(")");
        sql
    }

    /// The page when at most one assistant is asked for: walking an index would
    /// pass by all others.
    fn only(&self, conn: &mut SqliteConnection, id: Key) -> StoreResult<Page<AssistantRecord>> {
        let reference = understudy_domain::AssistantRef::Id(id.id());
        let found = assistant_queries::find(conn, self.home, &reference)?;
        let standing = &self.query.standing;
        let found = found.filter(|record| {
            let assistant = &record.assistant;
            let is_listed = !assistant.is_draft() && assistant.deleted_at.is_none();
            is_listed && access::level(standing, assistant) >= Level::View
        });
        let Some(record) = found else {
            return Ok(Page { rows: vec![], more: false, total: self.query.count.then_some(0) });
        };

        let organization = Key::from(record.assistant.organization);
        let matches = self.matches(conn, organization, id, false)?;
        let total = self.query.count.then_some(u64::from(matches));
        let is_here = matches && self.matches(conn, organization, id, true)?;
        let mut rows = if is_here { vec![record] } else { vec![] };
        let limit = usize::try_from(self.query.limit).map_err(corrupt("assistants"))?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        Ok(Page { rows, more, total })
    }

    /// Whether one assistant passes the filter, and lies behind the position.
    fn matches(
        &self,
        conn: &mut SqliteConnection,
        organization: Key,
        id: Key,
        is_positioned: bool,
    ) -> StoreResult<bool> {
        let mut sql = Sql::<Integer>::new(
            "SELECT 1 FROM assistants w CROSS JOIN assistants a \
             ON a.organization_id = w.organization_id AND a.id = w.id WHERE w.organization_id = ",
        );
        sql.word(organization.text()).text(" AND w.id = ").word(id.text());
        self.filter(&mut sql);
        if is_positioned {
            self.position(&mut sql, "w.id");
        }
        let found = sql.get_result::<i32>(conn).optional();
        Ok(found.map_err(on_read("assistants"))?.is_some())
    }

    fn record(
        &self,
        conn: &mut SqliteConnection,
        organization: Key,
        id: Key,
    ) -> StoreResult<Option<AssistantRecord>> {
        if organization == self.home {
            assistant_queries::by_id(conn, organization, id)
        } else {
            assistant_queries::elsewhere(conn, organization, id)
        }
    }
}
