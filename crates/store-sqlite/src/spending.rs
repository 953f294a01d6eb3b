//! What was spent under budgets.

use async_trait::async_trait;
use diesel::{OptionalExtension, RunQueryDsl, SqliteConnection, sql_types::BigInt};
use understudy_domain::{
    budget::{Spending, SpendingKey},
    ports::{SpendingChange, SpendingRepository, StoreResult},
};

use crate::{
    errors::{corrupt, on_read, on_write},
    sql::Sql,
    unit_of_work::SqliteUnitOfWork,
    values::Key,
};

fn find(conn: &mut SqliteConnection, tenant: Key, key: &SpendingKey) -> StoreResult<Spending> {
    let mut sql = Sql::<(BigInt, BigInt, BigInt)>::new(
        "SELECT tokens, cost_micros, reserved_tokens FROM spending WHERE organization_id = ",
    );
    sql.word(tenant.text()).text(" AND subject = ").word(key.subject.as_str().to_owned());
    sql.text(" AND subject_id = ").word(key.id.clone());
    sql.text(" AND period = ").word(key.period.clone());
    let row = sql.get_result::<(i64, i64, i64)>(conn).optional();
    let Some((tokens, cost, reserved)) = row.map_err(on_read("spending"))? else {
        return Ok(Spending::default());
    };
    Ok(Spending {
        tokens: u64::try_from(tokens).map_err(corrupt("spending"))?,
        cost_micros: u64::try_from(cost).map_err(corrupt("spending"))?,
        reserved_tokens: u64::try_from(reserved).map_err(corrupt("spending"))?,
    })
}

/// What was spent under each of the keys, in their order.
pub(crate) fn find_all(
    conn: &mut SqliteConnection,
    tenant: Key,
    keys: Vec<SpendingKey>,
) -> StoreResult<Vec<(SpendingKey, Spending)>> {
    let spent = |key: SpendingKey| find(conn, tenant, &key).map(|spent| (key, spent));
    keys.into_iter().map(spent).collect()
}

fn add(
    conn: &mut SqliteConnection,
    tenant: Key,
    key: &SpendingKey,
    change: SpendingChange,
) -> StoreResult<()> {
    let SpendingChange { tokens, cost_micros, reserved_tokens } = change;
    let mut sql = Sql::<()>::new(
        "INSERT INTO spending (organization_id, subject, subject_id, period, tokens, cost_micros, \
         reserved_tokens) VALUES (",
    );
    sql.word(tenant.text()).text(", ").word(key.subject.as_str().to_owned());
    sql.text(", ").word(key.id.clone()).text(", ").word(key.period.clone());
    sql.text(", max(0, ").number(tokens);
    sql.text("), max(0, ").number(cost_micros);
    sql.text("), max(0, ").number(reserved_tokens);
    sql.text(")) ON CONFLICT DO UPDATE SET tokens = max(0, tokens + ").number(tokens);
    sql.text("), cost_micros = max(0, cost_micros + ").number(cost_micros);
    sql.text("), reserved_tokens = max(0, reserved_tokens + ").number(reserved_tokens).text(")");
    sql.execute(conn).map_err(on_write("spending"))?;
    Ok(())
}

#[async_trait]
impl SpendingRepository for SqliteUnitOfWork {
    async fn find(&mut self, keys: &[SpendingKey]) -> StoreResult<Vec<(SpendingKey, Spending)>> {
        let (tenant, keys) = (self.tenant(), keys.to_vec());
        // Nobody else is spending: transactions come one after the other.
        self.touch("spending.find", move |conn| find_all(conn, tenant, keys))
    }

    async fn add(&mut self, changes: &[(SpendingKey, SpendingChange)]) -> StoreResult<()> {
        let (tenant, changes) = (self.tenant(), changes.to_vec());
        self.touch("spending.add", move |conn| {
            changes.iter().try_for_each(|(key, change)| add(conn, tenant, key, *change))
        })
    }
}
