//! Reading runs, approvals and automations.

use async_trait::async_trait;
use diesel::{RunQueryDsl, SqliteConnection, sql_types::Text};
use understudy_domain::{
    Approval, Automation, AutomationId, Execution, ExecutionId, OrganizationId, Run, RunId,
    Timestamp,
    budget::{Spending, SpendingKey},
    ports::{RunQueries, StoreResult},
};

use crate::{
    automations, errors::on_read, runs, spending, sql::Sql, store::SqliteStore, values::Key,
};

/// The runs that the statement names.
fn named(
    conn: &mut SqliteConnection,
    statement: Sql<(Text, Text)>,
) -> StoreResult<Vec<(OrganizationId, RunId)>> {
    let rows: Vec<(Key, Key)> = statement.load(conn).map_err(on_read("runs"))?;
    Ok(rows.into_iter().map(|(tenant, id)| (tenant.id(), id.id())).collect())
}

#[async_trait]
impl RunQueries for SqliteStore {
    async fn run(&self, tenant: OrganizationId, id: RunId) -> StoreResult<Option<Run>> {
        self.readers.glance("runs.read", move |conn| runs::find(conn, tenant.into(), id)).await
    }

    async fn approvals(&self, tenant: OrganizationId, run: RunId) -> StoreResult<Vec<Approval>> {
        self.readers
            .glance("approvals.list", move |conn| runs::find_approvals(conn, tenant.into(), run))
            .await
    }

    async fn automations(&self, tenant: OrganizationId) -> StoreResult<Vec<Automation>> {
        self.readers
            .run("automations.list", move |conn| automations::all(conn, tenant.into()))
            .await
    }

    async fn executions(
        &self,
        tenant: OrganizationId,
        automation: AutomationId,
        before: Option<ExecutionId>,
        limit: u32,
    ) -> StoreResult<Vec<Execution>> {
        self.readers
            .run("executions.list", move |conn| {
                automations::executions(conn, tenant.into(), automation, before, limit)
            })
            .await
    }

    async fn spending(
        &self,
        tenant: OrganizationId,
        keys: &[SpendingKey],
    ) -> StoreResult<Vec<(SpendingKey, Spending)>> {
        let keys = keys.to_vec();
        self.readers
            .glance("spending.read", move |conn| spending::find_all(conn, tenant.into(), keys))
            .await
    }

    async fn abandoned(
        &self,
        now: Timestamp,
        queued_before: Timestamp,
        limit: u32,
    ) -> StoreResult<Vec<(OrganizationId, RunId)>> {
        let abandoned = runs::abandoned(now, queued_before, limit);
        self.readers.run("runs.abandoned", move |conn| named(conn, abandoned)).await
    }

    async fn overdue(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> StoreResult<Vec<(OrganizationId, RunId)>> {
        let overdue = runs::overdue(now, limit);
        self.readers.run("runs.overdue", move |conn| named(conn, overdue)).await
    }

    async fn forgettable(
        &self,
        ended_before: Timestamp,
        limit: u32,
    ) -> StoreResult<Vec<(OrganizationId, RunId)>> {
        let forgettable = runs::forgettable(ended_before, limit);
        self.readers.run("runs.forgettable", move |conn| named(conn, forgettable)).await
    }
}
