//! Lists of assistants, at the cost of a page whatever there is to see.
//!
//! A caller has a handful of keys, and each key has an index of its assistants in
//! the order of the list. So the first rows of each key are walked, merged, and the
//! first of them all are the page. Every walk is the same prepared statement.

use diesel::{
    OptionalExtension, RunQueryDsl, SqliteConnection,
    deserialize::FromSqlRow,
    sql_types::{BigInt, Integer, SingleValue, SqlType, Text},
    sqlite::Sqlite,
};
use understudy_domain::{
    Principal,
    access::{self, Level},
    ports::{
        AssistantFilter, AssistantListQuery, AssistantRecord, Page, PositionKey, SortKey,
        StoreResult,
    },
};

use crate::{
    assistant_queries,
    audience::{EDIT, Lookup, lookups},
    errors::{corrupt, on_read},
    sql::Sql,
    values::Key,
};

#[cfg(test)]
mod plans;

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

/// Where a walk goes: an index of all of an organization, or of one key.
#[derive(Clone, Copy)]
enum Walk<'a> {
    Organization,
    Audience(&'a Lookup),
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
        let everything = self.query.standing.administers.then_some(Walk::Organization);
        let walks = everything.into_iter().chain(self.lookups.iter().map(Walk::Audience));
        let mut rows: Vec<(K, Key, Key)> = Vec::new();
        for walk in walks {
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

    /// Sort key, id and organization of the first rows of one walk.
    fn walk<R>(&self, walk: Walk<'_>) -> Sql<R> {
        let column = self.column();
        let mut sql = match walk {
            Walk::Organization => {
                let mut sql = Sql::new("SELECT w.");
                sql.text(column).text(", w.id, w.organization_id FROM assistants w");
                sql.text(" INDEXED BY assistants_in_order_").text(column);
                sql
            }
            Walk::Audience(_) => {
                let mut sql = Sql::new("SELECT w.");
                sql.text(column).text(", w.assistant_id, w.organization_id");
                sql.text(" FROM assistant_audience w");
                sql.text(" INDEXED BY assistant_audience_in_order_").text(column);
                sql
            }
        };
        let id = match walk {
            Walk::Organization => "w.id",
            Walk::Audience(_) => "w.assistant_id",
        };
        if self.is_filtered {
            // CROSS keeps the index outside, whatever the planner thinks.
            sql.text(" CROSS JOIN assistants a ON a.organization_id = w.organization_id");
            sql.text(" AND a.id = ").text(id);
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
        }
        if self.is_filtered {
            self.filter(&mut sql);
        }
        self.position(&mut sql, id);
        let order = if self.query.sort.descending { " DESC" } else { " ASC" };
        sql.text(" ORDER BY w.").text(column).text(order).text(", ").text(id).text(order);
        sql.text(" LIMIT ").number(i64::from(self.query.limit) + 1);
        sql
    }

    const fn column(&self) -> &'static str {
        match self.query.sort.key {
            SortKey::UpdatedAt => "updated_at",
            SortKey::CreatedAt => "created_at",
            SortKey::Name => "name_key",
        }
    }

    /// Only rows behind the page before.
    fn position<R>(&self, sql: &mut Sql<R>, id: &'static str) {
        let Some(after) = &self.query.after else { return };
        sql.text(" AND (w.").text(self.column()).text(", ").text(id);
        sql.text(if self.query.sort.descending { ") < (" } else { ") > (" });
        match &after.key {
            PositionKey::Time(time) => sql.number(time.unix_micros()),
            PositionKey::Text(text) => sql.word(text.clone()),
        };
        sql.text(", ").word(Key(after.id).text()).text(")");
    }

    /// What the row `a` of assistants must be. All conditions are always there, so
    /// that there is one statement and not one for each choice of filters.
    fn filter<R>(&self, sql: &mut Sql<R>) {
        let filter = &self.query.filter;
        let (user, team) = match filter.owner {
            Some(Principal::User(user)) => (Some(Key::from(user).text()), None),
            Some(Principal::Team(team)) => (None, Some(Key::from(team).text())),
            None => (None, None),
        };
        sql.text(" AND ifnull(a.kind = ").word(filter.kind.map(|kind| kind.as_str().to_owned()));
        sql.text(", 1) AND (").word(user.clone()).text(" IS NULL OR a.owner_user = ").word(user);
        sql.text(") AND (").word(team.clone()).text(" IS NULL OR a.owner_team = ").word(team);
        let mode = filter.access_mode.map(|mode| mode.as_str().to_owned());
        sql.text(") AND ifnull(a.access_mode = ").word(mode);
        sql.text(", 1) AND ifnull(a.model_key = ").word(filter.model.clone());
        sql.text(", 1) AND ifnull(a.is_active = ").number(filter.is_active.map(i64::from));
        sql.text(", 1) AND a.api_enabled >= ").number(i64::from(filter.api_enabled_only));
        sql.text(" AND (").word(filter.q.clone()).text(" IS NULL OR instr(a.name_key, ");
        sql.word(filter.q.clone()).text(") > 0 OR instr(a.description_key, ");
        sql.word(filter.q.clone()).text(") > 0)");
        self.metadata(sql);
        self.shown_in_chat(sql);
    }

    /// No pair is wanted that the assistant lacks.
    fn metadata<R>(&self, sql: &mut Sql<R>) {
        let pairs = self.query.filter.metadata.iter();
        let wanted: serde_json::Value = pairs.map(|(key, value)| vec![&**key, &**value]).collect();
        sql.text(" AND NOT EXISTS (SELECT 1 FROM json_each(").word(wanted.to_string());
        sql.text(
            ") p WHERE NOT EXISTS (SELECT 1 FROM json_each(a.content, '$.metadata') m \
             WHERE m.key = p.value ->> 0 AND m.value = p.value ->> 1))",
        );
    }

    /// Shown in chat to all or to this user, or edited by the caller.
    fn shown_in_chat<R>(&self, sql: &mut Sql<R>) {
        let user = self.query.filter.visible_in_chat_to.map(|user| user.to_string());
        let home = self.query.standing.administers.then(|| self.home.text());
        sql.text(" AND (").word(user.clone());
        sql.text(
            " IS NULL OR ifnull(json_array_length(a.policy, '$.visible_in_chat_to_users'), 0) = 0 \
             OR EXISTS (SELECT 1 FROM json_each(a.policy, '$.visible_in_chat_to_users') u \
             WHERE u.value = ",
        );
        sql.word(user).text(") OR ifnull(a.organization_id = ").word(home);
        sql.text(", 0) OR EXISTS (SELECT 1 FROM json_each(").word(self.lookups_json.clone());
        sql.text(
            ") l CROSS JOIN assistant_audience g ON g.organization_id = a.organization_id \
             AND g.assistant_id = a.id AND g.realm = l.value ->> 0 AND g.key = l.value ->> 1 \
             WHERE g.level >= ",
        );
        sql.number(i64::from(EDIT)).text("))");
    }

    /// How many match on all pages.
    fn total(&self, conn: &mut SqliteConnection) -> StoreResult<u64> {
        let count: i64 =
            self.count::<BigInt>().get_result(conn).map_err(on_read("assistant_audience"))?;
        u64::try_from(count).map_err(corrupt("assistant_audience"))
    }

    fn count<R>(&self) -> Sql<R> {
        let mut sql = Sql::new("SELECT count(*) FROM (");
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

/// Whether the filter says anything. `only` is not among what it says: that goes
/// another way.
fn is_filtered(filter: &AssistantFilter) -> bool {
    let AssistantFilter {
        q,
        kind,
        owner,
        access_mode,
        model,
        is_active,
        api_enabled_only,
        visible_in_chat_to,
        metadata,
        only: _,
    } = filter;
    q.is_some()
        || kind.is_some()
        || owner.is_some()
        || access_mode.is_some()
        || model.is_some()
        || is_active.is_some()
        || *api_enabled_only
        || visible_in_chat_to.is_some()
        || !metadata.is_empty()
}
