//! Lists of assistants, by the functions that the migrations make for each order.

use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::{Map, Value, json};
use understudy_domain::{
    Principal, Timestamp,
    access::Standing,
    ports::{
        AssistantFilter, AssistantListQuery, AssistantRecord, Page, PositionKey, Sort, SortKey,
        StoreResult,
    },
};
use uuid::Uuid;

use crate::{
    assistant_queries::{RecordRow, RecordTypes, record},
    assistants::metadata,
    errors::{corrupt, on_read},
    sql::Sql,
    store::PgStore,
    values::{Key, Moment, comparable},
};

/// Greater than every name: no name begins with so many of the greatest character.
const LAST_NAME_CHARS: usize = 300;

impl PgStore {
    /// A page of assistants.
    pub(crate) async fn list_assistants(
        &self,
        query: &AssistantListQuery,
    ) -> StoreResult<Page<AssistantRecord>> {
        let limit = usize::try_from(query.limit).map_err(corrupt("assistants"))?;
        let mut conn = self.connections.get().await?;
        let mut rows: Vec<RecordRow> =
            page(query).load(&mut conn).await.map_err(on_read("assistants"))?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let rows = rows.into_iter().filter_map(|row| record(std::iter::once(row)).transpose());
        let rows = rows.collect::<StoreResult<_>>()?;
        let total = if query.count {
            let total: i64 =
                count(query).get_result(&mut conn).await.map_err(on_read("assistants"))?;
            Some(u64::try_from(total).map_err(corrupt("assistants"))?)
        } else {
            None
        };
        Ok(Page { rows, more, total })
    }
}

/// The statement for one row more than the page has.
fn page(query: &AssistantListQuery) -> Sql<RecordTypes> {
    let statement = narrowed(Sql::new(text(query.sort)), &query.standing, &query.filter);
    let beginning = if query.sort.descending { Uuid::max() } else { Uuid::nil() };
    let id = Key(query.after.as_ref().map_or(beginning, |position| position.id));
    let key = query.after.as_ref().map(|position| &position.key);
    let statement = match query.sort.key {
        SortKey::UpdatedAt | SortKey::CreatedAt => {
            statement.bind::<Timestamptz, _>(Moment(time_key(key, query.sort.descending)))
        }
        SortKey::Name => statement.bind::<Text, _>(name_key(key, query.sort.descending)),
    };
    statement.bind::<SqlUuid, _>(id).bind::<BigInt, _>(i64::from(query.limit) + 1)
}

fn count(query: &AssistantListQuery) -> Sql<BigInt> {
    let statement = Sql::new("SELECT count_assistants(?, ?, ?, ?)");
    narrowed(statement, &query.standing, &query.filter)
}

const fn text(sort: Sort) -> &'static str {
    match (sort.key, sort.descending) {
        (SortKey::UpdatedAt, false) => {
            "SELECT * FROM list_assistants_by_updated_at_asc(?, ?, ?, ?, ?, ?, ?)"
        }
        (SortKey::UpdatedAt, true) => {
            "SELECT * FROM list_assistants_by_updated_at_desc(?, ?, ?, ?, ?, ?, ?)"
        }
        (SortKey::CreatedAt, false) => {
            "SELECT * FROM list_assistants_by_created_at_asc(?, ?, ?, ?, ?, ?, ?)"
        }
        (SortKey::CreatedAt, true) => {
            "SELECT * FROM list_assistants_by_created_at_desc(?, ?, ?, ?, ?, ?, ?)"
        }
        (SortKey::Name, false) => {
            "SELECT * FROM list_assistants_by_name_key_asc(?, ?, ?, ?, ?, ?, ?)"
        }
        (SortKey::Name, true) => {
            "SELECT * FROM list_assistants_by_name_key_desc(?, ?, ?, ?, ?, ?, ?)"
        }
    }
}

/// Without a position a list begins behind a row that sorts before all others.
fn time_key(key: Option<&PositionKey>, descending: bool) -> Timestamp {
    /// 4,000 BC and 9999: PostgreSQL's calendar begins in 4714 BC.
    const FIRST: i64 = -188_000_000_000_000_000;
    const LAST: i64 = 253_402_300_799_000_000;
    match key {
        Some(PositionKey::Time(at)) => *at,
        Some(PositionKey::Text(_)) | None => {
            let micros = if descending { LAST } else { FIRST };
            Timestamp::from_unix_micros(micros)
                .unwrap_or_else(|| Timestamp::new(time::OffsetDateTime::UNIX_EPOCH))
        }
    }
}

fn name_key(key: Option<&PositionKey>, descending: bool) -> String {
    match key {
        Some(PositionKey::Text(name)) => comparable(name.clone()),
        Some(PositionKey::Time(_)) | None if descending => {
            char::MAX.to_string().repeat(LAST_NAME_CHARS)
        }
        Some(PositionKey::Time(_)) | None => String::new(),
    }
}

fn narrowed<R>(statement: Sql<R>, standing: &Standing, filter: &AssistantFilter) -> Sql<R> {
    let keys: Vec<String> = standing.keys.iter().map(|key| key.as_str().to_owned()).collect();
    statement
        .bind::<SqlUuid, _>(Key::from(standing.organization))
        .bind::<Bool, _>(standing.administers)
        .bind::<Array<Text>, _>(keys)
        .bind::<Nullable<Jsonb>, _>(conditions(filter))
}

/// The filter as the functions take it; `None` when it lets everything through.
fn conditions(filter: &AssistantFilter) -> Option<Value> {
    let mut conditions = Map::new();
    let mut require = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            conditions.insert(name.to_owned(), value);
        }
    };
    let (owner_user, owner_team) = match filter.owner {
        Some(Principal::User(user)) => (Some(json!(user.as_uuid())), None),
        Some(Principal::Team(team)) => (None, Some(json!(team.as_uuid()))),
        None => (None, None),
    };
    let text = |text: &String| json!(comparable(text.clone()));
    require("q", filter.q.as_ref().map(text));
    require("kind", filter.kind.map(|kind| json!(kind.as_str())));
    require("owner_user", owner_user);
    require("owner_team", owner_team);
    require("access_mode", filter.access_mode.map(|mode| json!(mode.as_str())));
    require("model", filter.model.as_ref().map(text));
    require("is_active", filter.is_active.map(Value::Bool));
    require("api_enabled_only", filter.api_enabled_only.then_some(Value::Bool(true)));
    require("visible_in_chat_to", filter.visible_in_chat_to.map(|user| json!(user.as_uuid())));
    require("metadata", (!filter.metadata.is_empty()).then(|| pairs(&filter.metadata)));
    require("only", filter.only.map(|id| json!(id.as_uuid())));
    require("tag", filter.tag.map(|tag| json!(tag)));
    require("favorite_of", filter.favorite_of.map(|user| json!(user.as_uuid())));
    (!conditions.is_empty()).then_some(Value::Object(conditions))
}

/// The pairs as one object. A key with two values is one that no assistant has.
fn pairs(wanted: &[(String, String)]) -> Value {
    let mut object = metadata(wanted.iter().map(|(key, value)| (key, value)));
    for (key, value) in wanted {
        if let Some(kept) = object.get_mut(comparable(key.clone()))
            && *kept != json!(comparable(value.clone()))
        {
            *kept = Value::Null;
        }
    }
    object
}
