//! What was used of providers.

use diesel::{
    Insertable, Queryable,
    sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use understudy_domain::{
    OrganizationId, Usage, UsageTotal,
    ports::{StoreError, StoreResult, UsageFilter},
};

use crate::{
    errors::{corrupt, on_write},
    schema::usage,
    sql::{Sql, prepared},
    values::{Key, Moment, comparable},
};

#[derive(Debug, Insertable)]
#[diesel(table_name = usage, check_for_backend(diesel::pg::Pg))]
#[diesel(treat_none_as_default_value = false)]
struct Row {
    organization_id: Key,
    id: Key,
    user_id: Key,
    assistant_id: Option<Key>,
    kind: String,
    provider: String,
    model: String,
    quantity: i64,
    at: Moment,
    input_tokens: i64,
    output_tokens: i64,
    cost_micros: i64,
}

/// Adds a use.
pub(crate) async fn insert(conn: &mut AsyncPgConnection, used: &Usage) -> StoreResult<()> {
    let row = Row {
        organization_id: used.organization.into(),
        id: used.id.into(),
        user_id: used.user.into(),
        assistant_id: used.assistant.map(Key::from),
        kind: used.kind.clone(),
        provider: used.provider.clone(),
        model: comparable(used.model.clone()),
        quantity: i64::try_from(used.quantity).map_err(corrupt("usage"))?,
        at: Moment(used.at),
        input_tokens: i64::try_from(used.input_tokens).map_err(corrupt("usage"))?,
        output_tokens: i64::try_from(used.output_tokens).map_err(corrupt("usage"))?,
        cost_micros: i64::try_from(used.cost_micros).map_err(corrupt("usage"))?,
    };
    prepared(diesel::insert_into(usage::table).values(row))
        .execute(conn)
        .await
        .map_err(on_write("usage"))?;
    Ok(())
}

/// The SQL types of a [`TotalRow`].
type TotalTypes =
    (Text, SqlUuid, Nullable<SqlUuid>, Text, Text, Text, BigInt, BigInt, BigInt, BigInt, BigInt);

/// A row of [`totals`].
#[derive(Debug, Queryable)]
#[diesel(check_for_backend(diesel::pg::Pg))]
pub(crate) struct TotalRow {
    day: String,
    user: Key,
    assistant: Option<Key>,
    kind: String,
    provider: String,
    model: String,
    count: i64,
    quantity: i64,
    input_tokens: i64,
    output_tokens: i64,
    cost_micros: i64,
}

impl TryFrom<TotalRow> for UsageTotal {
    type Error = StoreError;

    fn try_from(row: TotalRow) -> Result<Self, StoreError> {
        Ok(Self {
            day: row.day,
            user: row.user.id(),
            assistant: row.assistant.map(Key::id),
            kind: row.kind,
            provider: row.provider,
            model: row.model,
            count: u64::try_from(row.count).map_err(corrupt("usage"))?,
            quantity: u64::try_from(row.quantity).map_err(corrupt("usage"))?,
            input_tokens: u64::try_from(row.input_tokens).map_err(corrupt("usage"))?,
            output_tokens: u64::try_from(row.output_tokens).map_err(corrupt("usage"))?,
            cost_micros: u64::try_from(row.cost_micros).map_err(corrupt("usage"))?,
        })
    }
}

/// Uses, counted by day in UTC and by what they were.
pub(crate) fn totals(tenant: OrganizationId, filter: &UsageFilter) -> Sql<TotalTypes> {
    Sql::new(
        "SELECT to_char(day, 'YYYY-MM-DD'), user_id, assistant_id, kind, provider, model, \
         count(*), sum(quantity)::bigint, sum(input_tokens)::bigint, sum(output_tokens)::bigint, \
         sum(cost_micros)::bigint \
         FROM (SELECT u.*, (u.at AT TIME ZONE 'UTC')::date AS day FROM usage u \
         WHERE u.organization_id = ? AND u.at >= ? AND u.at < ? \
         AND coalesce(u.user_id = ?, true)) AS used \
         GROUP BY day, user_id, assistant_id, kind, provider, model \
         ORDER BY used.day, user_id, assistant_id NULLS FIRST, kind, provider, model",
    )
    .bind::<SqlUuid, _>(Key::from(tenant))
    .bind::<Timestamptz, _>(Moment(filter.from))
    .bind::<Timestamptz, _>(Moment(filter.until))
    .bind::<Nullable<SqlUuid>, _>(filter.user.map(Key::from))
}
