//! What was spent under budgets.

use std::collections::HashMap;

use async_trait::async_trait;
use diesel::sql_types::{Array, BigInt, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use understudy_domain::{
    OrganizationId,
    budget::{BudgetSubject, Spending, SpendingKey},
    ports::{SpendingChange, SpendingRepository, StoreError, StoreResult},
};

use crate::{
    connections::Connections,
    errors::{corrupt, on_read, on_write},
    sql::Sql,
    transaction::Transaction,
    unit_of_work::PgUnitOfWork,
    values::{Key, comparable},
};

/// The columns of a [`Row`].
type Columns = (Text, Text, Text, BigInt, BigInt, BigInt);
/// A key with what was spent.
type Row = (String, String, String, i64, i64, i64);

fn spent(row: Row) -> StoreResult<((BudgetSubject, String, String), Spending)> {
    let (subject, id, period, tokens, cost, reserved) = row;
    let subject = BudgetSubject::from_word(&subject)
        .ok_or_else(|| corrupt::<&str>("spending")("no budget is for this"))?;
    let number = |number: i64| u64::try_from(number).map_err(corrupt("spending"));
    let spending = Spending {
        tokens: number(tokens)?,
        cost_micros: number(cost)?,
        reserved_tokens: number(reserved)?,
    };
    Ok(((subject, id, period), spending))
}

/// What the rows say of each of the keys, in the order of the keys.
fn spent_under(keys: &[SpendingKey], rows: Vec<Row>) -> StoreResult<Vec<(SpendingKey, Spending)>> {
    let found = rows.into_iter().map(spent).collect::<Result<HashMap<_, _>, StoreError>>()?;
    let spending = |key: &SpendingKey| {
        let of = (key.subject, comparable(key.id.clone()), comparable(key.period.clone()));
        (key.clone(), found.get(&of).copied().unwrap_or_default())
    };
    Ok(keys.iter().map(spending).collect())
}

/// What was spent under each of the keys, as it was committed last.
pub(crate) async fn read(
    connections: &Connections,
    tenant: OrganizationId,
    keys: &[SpendingKey],
) -> StoreResult<Vec<(SpendingKey, Spending)>> {
    let noted = Sql::<Columns>::new(
        "SELECT s.subject, s.subject_id, s.period, s.tokens, s.cost_micros, s.reserved_tokens \
         FROM spending s WHERE s.organization_id = ? AND (s.subject, s.subject_id, s.period) IN \
         (SELECT k.subject COLLATE \"C\", k.subject_id COLLATE \"C\", k.period COLLATE \"C\" \
         FROM unnest(?, ?, ?) AS k (subject, subject_id, period))",
    );
    let noted = bind(noted, Key::from(tenant), keys.iter());
    let rows = Transaction::read(connections, tenant, noted).await?;
    spent_under(keys, rows.map_err(on_read("spending"))?)
}

/// Gives the next four parameters their values: the organization and the keys.
fn bind<'a, R>(
    statement: Sql<R>,
    tenant: Key,
    keys: impl Iterator<Item = &'a SpendingKey> + Clone,
) -> Sql<R> {
    let subjects: Vec<&'static str> = keys.clone().map(|key| key.subject.as_str()).collect();
    let ids: Vec<String> = keys.clone().map(|key| comparable(key.id.clone())).collect();
    let periods: Vec<String> = keys.map(|key| comparable(key.period.clone())).collect();
    statement
        .bind::<SqlUuid, _>(tenant)
        .bind::<Array<Text>, _>(subjects)
        .bind::<Array<Text>, _>(ids)
        .bind::<Array<Text>, _>(periods)
}

#[async_trait]
impl SpendingRepository for PgUnitOfWork {
    #[tracing::instrument(name = "db.spending.find", skip_all)]
    async fn find(&mut self, keys: &[SpendingKey]) -> StoreResult<Vec<(SpendingKey, Spending)>> {
        let locked = Sql::<Columns>::new("SELECT * FROM lock_spending(?, ?, ?, ?)");
        let locked = bind(locked, self.tenant(), keys.iter());
        let rows: Vec<Row> = locked.load(self.conn()?).await.map_err(on_write("spending"))?;
        spent_under(keys, rows)
    }

    #[tracing::instrument(name = "db.spending.add", skip_all)]
    async fn add(&mut self, changes: &[(SpendingKey, SpendingChange)]) -> StoreResult<()> {
        let differences = || changes.iter().map(|(_, change)| change);
        let tokens: Vec<i64> = differences().map(|change| change.tokens).collect();
        let costs: Vec<i64> = differences().map(|change| change.cost_micros).collect();
        let reserved: Vec<i64> = differences().map(|change| change.reserved_tokens).collect();
        let adding = Sql::<()>::new("SELECT FROM add_spending(?, ?, ?, ?, ?, ?, ?)");
        bind(adding, self.tenant(), changes.iter().map(|(key, _)| key))
            .bind::<Array<BigInt>, _>(tokens)
            .bind::<Array<BigInt>, _>(costs)
            .bind::<Array<BigInt>, _>(reserved)
            .execute(self.conn()?)
            .await
            .map_err(on_write("spending"))?;
        Ok(())
    }
}
