//! Reading runs, approvals and automations.

use async_trait::async_trait;
use diesel::{
    ExpressionMethods, QueryDsl,
    sql_types::{BigInt, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use understudy_domain::{
    Approval, Automation, AutomationId, Execution, ExecutionId, OrganizationId, Run, RunId,
    Timestamp,
    budget::{Spending, SpendingKey},
    ports::{RunQueries, StoreResult},
};
use uuid::Uuid;

use crate::{
    errors::on_read,
    runs::approvals_of,
    schema::{approvals, automations, executions, runs},
    spending,
    sql::Sql,
    store::PgStore,
    transaction::Transaction,
    values::{Json, Key, Moment},
};

impl PgStore {
    /// The runs of whatever organization that the statement names.
    async fn runs_named_by(
        &self,
        statement: Sql<(SqlUuid, SqlUuid)>,
    ) -> StoreResult<Vec<(OrganizationId, RunId)>> {
        let mut conn = self.connections.get().await?;
        let rows: Vec<(Key, Key)> = statement.load(&mut conn).await.map_err(on_read("runs"))?;
        Ok(rows.into_iter().map(|(tenant, id)| (tenant.id(), id.id())).collect())
    }
}

#[async_trait]
impl RunQueries for PgStore {
    #[tracing::instrument(name = "db.runs.read", skip_all, fields(run.id = %id))]
    async fn run(&self, tenant: OrganizationId, id: RunId) -> StoreResult<Option<Run>> {
        let run = runs::table.find((Key::from(tenant), Key::from(id))).select(runs::document);
        let rows: Vec<Json<Run>> =
            Transaction::read(&self.connections, tenant, run).await?.map_err(on_read("runs"))?;
        Ok(rows.into_iter().next().map(|document| document.0))
    }

    #[tracing::instrument(name = "db.approvals.list", skip_all, fields(run.id = %run))]
    async fn approvals(&self, tenant: OrganizationId, run: RunId) -> StoreResult<Vec<Approval>> {
        let all = approvals_of(tenant.into(), run.into()).select(approvals::document);
        let rows: Vec<Json<Approval>> = Transaction::read(&self.connections, tenant, all)
            .await?
            .map_err(on_read("approvals"))?;
        Ok(rows.into_iter().map(|document| document.0).collect())
    }

    #[tracing::instrument(name = "db.automations.list", skip_all)]
    async fn automations(&self, tenant: OrganizationId) -> StoreResult<Vec<Automation>> {
        let all = automations::table
            .filter(automations::organization_id.eq(Key::from(tenant)))
            .order(automations::name_key)
            .select(automations::document);
        let rows: Vec<Json<Automation>> = Transaction::read(&self.connections, tenant, all)
            .await?
            .map_err(on_read("automations"))?;
        Ok(rows.into_iter().map(|document| document.0).collect())
    }

    #[tracing::instrument(name = "db.executions.list", skip_all)]
    async fn executions(
        &self,
        tenant: OrganizationId,
        automation: AutomationId,
        before: Option<ExecutionId>,
        limit: u32,
    ) -> StoreResult<Vec<Execution>> {
        // Ids are of version 7, so the largest of all is never one of them.
        let before = before.map_or(Key(Uuid::max()), Key::from);
        let page = executions::table
            .filter(executions::organization_id.eq(Key::from(tenant)))
            .filter(executions::automation_id.eq(Key::from(automation)))
            .filter(executions::id.lt(before))
            .order(executions::id.desc())
            .limit(limit.into())
            .select(executions::document);
        let rows: Vec<Json<Execution>> = Transaction::read(&self.connections, tenant, page)
            .await?
            .map_err(on_read("executions"))?;
        Ok(rows.into_iter().map(|document| document.0).collect())
    }

    #[tracing::instrument(name = "db.spending.read", skip_all)]
    async fn spending(
        &self,
        tenant: OrganizationId,
        keys: &[SpendingKey],
    ) -> StoreResult<Vec<(SpendingKey, Spending)>> {
        spending::read(&self.connections, tenant, keys).await
    }

    #[tracing::instrument(name = "db.runs.abandoned", skip_all)]
    async fn abandoned(
        &self,
        now: Timestamp,
        queued_before: Timestamp,
        limit: u32,
    ) -> StoreResult<Vec<(OrganizationId, RunId)>> {
        let abandoned = Sql::new("SELECT * FROM find_abandoned_runs(?, ?, ?)")
            .bind::<Timestamptz, _>(Moment(now))
            .bind::<Timestamptz, _>(Moment(queued_before))
            .bind::<BigInt, _>(i64::from(limit));
        self.runs_named_by(abandoned).await
    }

    #[tracing::instrument(name = "db.runs.overdue", skip_all)]
    async fn overdue(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> StoreResult<Vec<(OrganizationId, RunId)>> {
        let overdue = Sql::new("SELECT * FROM find_overdue_runs(?, ?)")
            .bind::<Timestamptz, _>(Moment(now))
            .bind::<BigInt, _>(i64::from(limit));
        self.runs_named_by(overdue).await
    }

    #[tracing::instrument(name = "db.runs.forgettable", skip_all)]
    async fn forgettable(
        &self,
        ended_before: Timestamp,
        limit: u32,
    ) -> StoreResult<Vec<(OrganizationId, RunId)>> {
        let forgettable = Sql::new("SELECT * FROM find_forgettable_runs(?, ?)")
            .bind::<Timestamptz, _>(Moment(ended_before))
            .bind::<BigInt, _>(i64::from(limit));
        self.runs_named_by(forgettable).await
    }
}
