//! What was spent under budgets.

use std::collections::HashMap;

use async_trait::async_trait;
use diesel::sql_types::{Array, BigInt, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use understudy_domain::{
    budget::{BudgetSubject, Spending, SpendingKey},
    ports::{SpendingChange, SpendingRepository, StoreError, StoreResult},
};

use crate::{
    errors::{corrupt, on_write},
    sql::Sql,
    unit_of_work::PgUnitOfWork,
    values::comparable,
};

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

/// Gives the next four parameters their values: the organization and the keys.
fn bind<'a, R>(
    statement: Sql<R>,
    unit: &PgUnitOfWork,
    keys: impl Iterator<Item = &'a SpendingKey> + Clone,
) -> Sql<R> {
    let subjects: Vec<&'static str> = keys.clone().map(|key| key.subject.as_str()).collect();
    let ids: Vec<String> = keys.clone().map(|key| comparable(key.id.clone())).collect();
    let periods: Vec<String> = keys.map(|key| comparable(key.period.clone())).collect();
    statement
        .bind::<SqlUuid, _>(unit.tenant())
        .bind::<Array<Text>, _>(subjects)
        .bind::<Array<Text>, _>(ids)
        .bind::<Array<Text>, _>(periods)
}

#[async_trait]
impl SpendingRepository for PgUnitOfWork {
    #[tracing::instrument(name = "db.spending.find", skip_all)]
    async fn find(&mut self, keys: &[SpendingKey]) -> StoreResult<Vec<(SpendingKey, Spending)>> {
        let locked = Sql::<(Text, Text, Text, BigInt, BigInt, BigInt)>::new(
            "SELECT * FROM lock_spending(?, ?, ?, ?)",
        );
        let locked = bind(locked, self, keys.iter());
        let rows: Vec<Row> = locked.load(self.conn()?).await.map_err(on_write("spending"))?;
        let found = rows.into_iter().map(spent).collect::<Result<HashMap<_, _>, StoreError>>()?;
        let spending = |key: &SpendingKey| {
            let of = (key.subject, comparable(key.id.clone()), comparable(key.period.clone()));
            (key.clone(), found.get(&of).copied().unwrap_or_default())
        };
        Ok(keys.iter().map(spending).collect())
    }

    #[tracing::instrument(name = "db.spending.add", skip_all)]
    async fn add(&mut self, changes: &[(SpendingKey, SpendingChange)]) -> StoreResult<()> {
        let differences = || changes.iter().map(|(_, change)| change);
        let tokens: Vec<i64> = differences().map(|change| change.tokens).collect();
        let costs: Vec<i64> = differences().map(|change| change.cost_micros).collect();
        let reserved: Vec<i64> = differences().map(|change| change.reserved_tokens).collect();
        let adding = Sql::<()>::new("SELECT FROM add_spending(?, ?, ?, ?, ?, ?, ?)");
        bind(adding, self, changes.iter().map(|(key, _)| key))
            .bind::<Array<BigInt>, _>(tokens)
            .bind::<Array<BigInt>, _>(costs)
            .bind::<Array<BigInt>, _>(reserved)
            .execute(self.conn()?)
            .await
            .map_err(on_write("spending"))?;
        Ok(())
    }
}
