//! What was used of providers.

use diesel::{
    Insertable, RunQueryDsl, SqliteConnection,
    sql_types::{BigInt, Nullable, Text},
};
use understudy_domain::{
    Usage, UsageTotal,
    ports::{StoreError, StoreResult, UsageFilter},
};

use crate::{
    errors::{corrupt, on_read, on_write},
    schema::usage,
    sql::Sql,
    values::{Key, Micros},
};

#[derive(Debug, Insertable)]
#[diesel(table_name = usage, check_for_backend(diesel::sqlite::Sqlite))]
struct Row {
    organization_id: Key,
    id: Key,
    user_id: Key,
    assistant_id: Option<Key>,
    kind: String,
    provider: String,
    model: String,
    quantity: i64,
    at: Micros,
    input_tokens: i64,
    output_tokens: i64,
    cost_micros: i64,
}

/// Adds a use.
pub(crate) fn insert(conn: &mut SqliteConnection, used: &Usage) -> StoreResult<()> {
    let row = Row {
        organization_id: used.organization.into(),
        id: used.id.into(),
        user_id: used.user.into(),
        assistant_id: used.assistant.map(Key::from),
        kind: used.kind.clone(),
        provider: used.provider.clone(),
        model: used.model.clone(),
        quantity: i64::try_from(used.quantity).map_err(corrupt("usage"))?,
        at: Micros(used.at),
        input_tokens: i64::try_from(used.input_tokens).map_err(corrupt("usage"))?,
        output_tokens: i64::try_from(used.output_tokens).map_err(corrupt("usage"))?,
        cost_micros: i64::try_from(used.cost_micros).map_err(corrupt("usage"))?,
    };
    diesel::insert_into(usage::table).values(row).execute(conn).map_err(on_write("usage"))?;
    Ok(())
}

/// The columns of [`totals`].
type Columns =
    (Text, Text, Nullable<Text>, Text, Text, Text, BigInt, BigInt, BigInt, BigInt, BigInt);

/// A row of [`totals`].
type Total = (String, Key, Option<Key>, String, String, String, i64, i64, i64, i64, i64);

pub(crate) fn totals(tenant: Key, filter: &UsageFilter) -> Sql<Columns> {
    let user = filter.user.map(|user| Key::from(user).text());
    let mut sql = Sql::new(
        "SELECT date(at / 1000000, 'unixepoch'), user_id, assistant_id, kind, provider, model, \
         count(*), sum(quantity), sum(input_tokens), sum(output_tokens), sum(cost_micros) \
         FROM usage WHERE organization_id = ",
    );
    sql.word(tenant.text());
    sql.text(" AND at >= ").number(filter.from.unix_micros());
    sql.text(" AND at < ").number(filter.until.unix_micros());
    sql.text(" AND ifnull(user_id = ").word(user);
    sql.text(", 1) GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6");
    sql
}

/// Uses, counted by day in UTC and by what they were.
pub(crate) fn count(
    conn: &mut SqliteConnection,
    tenant: Key,
    filter: &UsageFilter,
) -> StoreResult<Vec<UsageTotal>> {
    let rows: Vec<Total> = totals(tenant, filter).load(conn).map_err(on_read("usage"))?;
    rows.into_iter().map(total).collect()
}

fn total(row: Total) -> Result<UsageTotal, StoreError> {
    let (day, user, assistant, kind, provider, model, count, quantity, input, output, cost) = row;
    Ok(UsageTotal {
        day,
        user: user.id(),
        assistant: assistant.map(Key::id),
        kind,
        provider,
        model,
        count: u64::try_from(count).map_err(corrupt("usage"))?,
        quantity: u64::try_from(quantity).map_err(corrupt("usage"))?,
        input_tokens: u64::try_from(input).map_err(corrupt("usage"))?,
        output_tokens: u64::try_from(output).map_err(corrupt("usage"))?,
        cost_micros: u64::try_from(cost).map_err(corrupt("usage"))?,
    })
}
