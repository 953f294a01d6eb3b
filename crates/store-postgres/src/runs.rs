//! Runs and their approvals.

use async_trait::async_trait;
use diesel::{
    AsChangeset, ExpressionMethods, Insertable, OptionalExtension, QueryDsl,
    dsl::auto_type,
    sql_types::{Array, BigInt, Json as SqlJson, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use understudy_domain::{
    Approval, Run, RunId, UserId,
    ports::{RunRepository, StoreError, StoreResult},
};

use crate::{
    errors::{corrupt, on_read, on_write},
    schema::{approvals, runs, users},
    sql::{Sql, prepared},
    unit_of_work::PgUnitOfWork,
    values::{Json, JsonText, Key, Moment},
};

/// A run as it is to be stored. Whether its events were swept is not for it to say.
#[derive(Debug, Insertable, AsChangeset)]
#[diesel(table_name = runs, check_for_backend(diesel::pg::Pg))]
#[diesel(primary_key(organization_id, id), treat_none_as_null = true)]
#[diesel(treat_none_as_default_value = false)]
struct NewRow {
    organization_id: Key,
    id: Key,
    user_id: Key,
    status: &'static str,
    visible: bool,
    lease_until: Option<Moment>,
    created_at: Moment,
    finished_at: Option<Moment>,
    revision: i64,
    document: JsonText,
}

impl NewRow {
    fn of(run: &Run) -> StoreResult<Self> {
        Ok(Self {
            organization_id: run.organization.into(),
            id: run.id.into(),
            user_id: run.user.into(),
            status: run.status.as_str(),
            visible: run.visible,
            lease_until: run.lease.map(|lease| Moment(lease.until)),
            created_at: Moment(run.created_at),
            finished_at: run.finished_at.map(Moment),
            revision: run.revision,
            document: JsonText::of(run)?,
        })
    }
}

/// Approvals of a run in the order of ids.
#[auto_type]
pub(crate) fn approvals_of(tenant: Key, run: Key) -> _ {
    approvals::table
        .filter(approvals::organization_id.eq(tenant))
        .filter(approvals::run_id.eq(run))
        .order(approvals::id)
}

#[async_trait]
impl RunRepository for PgUnitOfWork {
    #[tracing::instrument(name = "db.runs.find", skip_all, fields(run.id = %id))]
    async fn find(&mut self, id: RunId) -> StoreResult<Option<Run>> {
        // NO KEY: events may still be added.
        let row: Option<Json<Run>> = runs::table
            .find((self.tenant(), Key::from(id)))
            .select(runs::document)
            .for_no_key_update()
            .first(self.conn()?)
            .await
            .optional()
            .map_err(on_read("runs"))?;
        Ok(row.map(|document| document.0))
    }

    #[tracing::instrument(name = "db.runs.insert", skip_all, fields(run.id = %run.id))]
    async fn insert(&mut self, run: &Run) -> StoreResult<()> {
        prepared(diesel::insert_into(runs::table).values(NewRow::of(run)?))
            .execute(self.conn()?)
            .await
            .map_err(on_write("runs"))?;
        Ok(())
    }

    #[tracing::instrument(name = "db.runs.update", skip_all, fields(run.id = %run.id))]
    async fn update(&mut self, mut run: Run) -> StoreResult<Run> {
        let read = run.revision;
        run.revision += 1;
        let unchanged =
            runs::table.find((self.tenant(), Key::from(run.id))).filter(runs::revision.eq(read));
        let updated =
            prepared(diesel::update(unchanged).set(NewRow::of(&run)?)).execute(self.conn()?).await;
        if updated.map_err(on_write("runs"))? == 1 { Ok(run) } else { Err(StoreError::Conflict) }
    }

    #[tracing::instrument(name = "db.runs.delete", skip_all, fields(run.id = %id))]
    async fn delete(&mut self, id: RunId) -> StoreResult<bool> {
        // Events and approvals go with their foreign keys.
        let run = runs::table.find((self.tenant(), Key::from(id)));
        let deleted = diesel::delete(run).execute(self.conn()?).await;
        Ok(deleted.map_err(on_write("runs"))? == 1)
    }

    #[tracing::instrument(name = "db.runs.count_active", skip_all)]
    async fn count_active(&mut self, user: UserId) -> StoreResult<u64> {
        // Others who count the user's runs wait for the user.
        let locked = users::table
            .find((self.tenant(), Key::from(user)))
            .select(users::id)
            .for_no_key_update()
            .first::<Key>(self.conn()?)
            .await;
        locked.optional().map_err(on_read("users"))?;
        let count: i64 = Sql::<BigInt>::new(
            "SELECT count(*) FROM runs WHERE organization_id = ? AND user_id = ? \
             AND status IN ('queued', 'in_progress')",
        )
        .bind::<SqlUuid, _>(self.tenant())
        .bind::<SqlUuid, _>(Key::from(user))
        .get_result(self.conn()?)
        .await
        .map_err(on_read("runs"))?;
        u64::try_from(count).map_err(corrupt("runs"))
    }

    #[tracing::instrument(name = "db.approvals.save", skip_all)]
    async fn save_approvals(&mut self, approvals: &[Approval]) -> StoreResult<()> {
        let each = || approvals.iter();
        let tenants: Vec<Key> = each().map(|it| it.organization.into()).collect();
        let ids: Vec<Key> = each().map(|it| it.id.into()).collect();
        let runs: Vec<Key> = each().map(|it| it.run.into()).collect();
        let states: Vec<&'static str> = each().map(|it| it.state.as_str()).collect();
        let ends: Vec<Moment> = each().map(|it| Moment(it.expires_at)).collect();
        let documents: Vec<JsonText> = each().map(JsonText::of).collect::<StoreResult<_>>()?;
        // In the order of ids, as whoever locks them does.
        Sql::<()>::new(
            "INSERT INTO approvals (organization_id, id, run_id, state, expires_at, document) \
             SELECT a.* FROM unnest(?, ?, ?, ?, ?, ?) \
             AS a (organization_id, id, run_id, state, expires_at, document) ORDER BY a.id \
             ON CONFLICT (organization_id, id) DO UPDATE SET state = excluded.state, \
             expires_at = excluded.expires_at, document = excluded.document",
        )
        .bind::<Array<SqlUuid>, _>(tenants)
        .bind::<Array<SqlUuid>, _>(ids)
        .bind::<Array<SqlUuid>, _>(runs)
        .bind::<Array<Text>, _>(states)
        .bind::<Array<Timestamptz>, _>(ends)
        .bind::<Array<SqlJson>, _>(documents)
        .execute(self.conn()?)
        .await
        .map_err(on_write("approvals"))?;
        Ok(())
    }

    #[tracing::instrument(name = "db.approvals.find", skip_all, fields(run.id = %run))]
    async fn approvals(&mut self, run: RunId) -> StoreResult<Vec<Approval>> {
        let rows: Vec<Json<Approval>> = approvals_of(self.tenant(), run.into())
            .select(approvals::document)
            .for_no_key_update()
            .load(self.conn()?)
            .await
            .map_err(on_read("approvals"))?;
        Ok(rows.into_iter().map(|document| document.0).collect())
    }
}
