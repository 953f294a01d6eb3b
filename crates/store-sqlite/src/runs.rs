//! Runs and their approvals.

use async_trait::async_trait;
use diesel::{
    AsChangeset, ExpressionMethods, Insertable, OptionalExtension, QueryDsl, RunQueryDsl,
    SqliteConnection,
    sql_types::{BigInt, Text},
};
use understudy_domain::{
    Approval, Run, RunId, Timestamp, UserId,
    ports::{RunRepository, StoreError, StoreResult},
};

use crate::{
    errors::{corrupt, on_read, on_write},
    schema::{approvals, runs},
    sql::Sql,
    unit_of_work::SqliteUnitOfWork,
    values::{Json, Key, Micros},
};

/// A run as it is to be stored. Whether its events were swept is not for it to say.
#[derive(Debug, Insertable, AsChangeset)]
#[diesel(table_name = runs, check_for_backend(diesel::sqlite::Sqlite))]
#[diesel(primary_key(organization_id, id), treat_none_as_null = true)]
struct NewRow {
    organization_id: Key,
    id: Key,
    user_id: Key,
    status: &'static str,
    visible: bool,
    lease_until: Option<Micros>,
    created_at: Micros,
    finished_at: Option<Micros>,
    revision: i64,
    document: Json<Run>,
}

impl From<Run> for NewRow {
    fn from(run: Run) -> Self {
        Self {
            organization_id: run.organization.into(),
            id: run.id.into(),
            user_id: run.user.into(),
            status: run.status.as_str(),
            visible: run.visible,
            lease_until: run.lease.map(|lease| Micros(lease.until)),
            created_at: Micros(run.created_at),
            finished_at: run.finished_at.map(Micros),
            revision: run.revision,
            document: Json(run),
        }
    }
}

/// The run, or `None`.
pub(crate) fn find(
    conn: &mut SqliteConnection,
    tenant: Key,
    id: RunId,
) -> StoreResult<Option<Run>> {
    let run = runs::table.find((tenant, Key::from(id)));
    let row = run.select(runs::document).first::<Json<Run>>(conn).optional();
    Ok(row.map_err(on_read("runs"))?.map(|document| document.0))
}

/// Approvals of a run in the order of ids.
#[diesel::dsl::auto_type]
pub(crate) fn approvals_of(tenant: Key, run: Key) -> _ {
    approvals::table
        .filter(approvals::organization_id.eq(tenant))
        .filter(approvals::run_id.eq(run))
        .order(approvals::id)
}

/// They.
pub(crate) fn find_approvals(
    conn: &mut SqliteConnection,
    tenant: Key,
    run: RunId,
) -> StoreResult<Vec<Approval>> {
    let rows: Vec<Json<Approval>> = approvals_of(tenant, run.into())
        .select(approvals::document)
        .load(conn)
        .map_err(on_read("approvals"))?;
    Ok(rows.into_iter().map(|document| document.0).collect())
}

/// How many runs of a user are active.
pub(crate) fn active(tenant: Key, user: UserId) -> Sql<BigInt> {
    let mut sql = Sql::new("SELECT count(*) FROM runs WHERE organization_id = ");
    sql.word(tenant.text()).text(" AND user_id = ").word(Key::from(user).text());
    sql.text(" AND status IN ('queued', 'in_progress')");
    sql
}

fn save_approval(conn: &mut SqliteConnection, tenant: Key, approval: &Approval) -> StoreResult<()> {
    let changing = (
        approvals::state.eq(approval.state.as_str()),
        approvals::expires_at.eq(Micros(approval.expires_at)),
        approvals::document.eq(Json(approval.clone())),
    );
    let key = (
        approvals::organization_id.eq(tenant),
        approvals::id.eq(Key::from(approval.id)),
        approvals::run_id.eq(Key::from(approval.run)),
    );
    diesel::insert_into(approvals::table)
        .values((key, changing.clone()))
        .on_conflict((approvals::organization_id, approvals::id))
        .do_update()
        .set(changing)
        .execute(conn)
        .map_err(on_write("approvals"))?;
    Ok(())
}

/// Organization and id of runs that nobody works on although somebody should.
pub(crate) fn abandoned(now: Timestamp, queued_before: Timestamp, limit: u32) -> Sql<(Text, Text)> {
    let limit = i64::from(limit);
    let mut sql = Sql::new(
        "SELECT * FROM (SELECT organization_id, id FROM runs INDEXED BY runs_by_lease \
         WHERE status IN ('queued', 'in_progress') AND lease_until <= ",
    );
    sql.number(now.unix_micros()).text(" ORDER BY lease_until LIMIT ").number(limit);
    sql.text(
        ") UNION ALL SELECT * FROM (SELECT organization_id, id FROM runs INDEXED BY runs_by_turn \
         WHERE status = 'queued' AND lease_until IS NULL AND created_at < ",
    );
    sql.number(queued_before.unix_micros()).text(" ORDER BY created_at LIMIT ").number(limit);
    sql.text(") LIMIT ").number(limit);
    sql
}

/// Organization and id of runs that wait for an approval that nobody gave in time.
pub(crate) fn overdue(now: Timestamp, limit: u32) -> Sql<(Text, Text)> {
    let mut sql = Sql::new(
        "SELECT r.organization_id, r.id FROM runs r INDEXED BY runs_that_wait \
         WHERE r.status = 'requires_approval' AND EXISTS (SELECT 1 FROM approvals a \
         WHERE a.organization_id = r.organization_id AND a.run_id = r.id \
         AND a.state = 'pending' AND a.expires_at <= ",
    );
    sql.number(now.unix_micros()).text(") ORDER BY r.organization_id, r.id LIMIT ");
    sql.number(i64::from(limit));
    sql
}

/// Organization and id of runs that are over and that nobody is to read.
pub(crate) fn forgettable(ended_before: Timestamp, limit: u32) -> Sql<(Text, Text)> {
    let mut sql = Sql::new(
        "SELECT organization_id, id FROM runs INDEXED BY runs_to_forget \
         WHERE visible = 0 AND finished_at < ",
    );
    sql.number(ended_before.unix_micros());
    sql.text(" ORDER BY finished_at LIMIT ").number(i64::from(limit));
    sql
}

#[async_trait]
impl RunRepository for SqliteUnitOfWork {
    async fn find(&mut self, id: RunId) -> StoreResult<Option<Run>> {
        let tenant = self.tenant();
        self.touch("runs.find", move |conn| find(conn, tenant, id))
    }

    async fn insert(&mut self, run: &Run) -> StoreResult<()> {
        self.check_tenant("runs", run.organization)?;
        let row = NewRow::from(run.clone());
        self.touch("runs.insert", move |conn| {
            diesel::insert_into(runs::table).values(row).execute(conn).map_err(on_write("runs"))?;
            Ok(())
        })
    }

    async fn update(&mut self, mut run: Run) -> StoreResult<Run> {
        self.check_tenant("runs", run.organization).or(Err(StoreError::Conflict))?;
        let tenant = self.tenant();
        self.touch("runs.update", move |conn| {
            let read = run.revision;
            run.revision += 1;
            let unchanged =
                runs::table.find((tenant, Key::from(run.id))).filter(runs::revision.eq(read));
            let row = NewRow::from(run);
            let updated = diesel::update(unchanged).set(&row).execute(conn);
            match updated.map_err(on_write("runs"))? {
                1 => Ok(row.document.0),
                _ => Err(StoreError::Conflict),
            }
        })
    }

    async fn delete(&mut self, id: RunId) -> StoreResult<bool> {
        let tenant = self.tenant();
        self.run("runs.delete", move |conn| {
            // Events and approvals go with their foreign keys.
            let run = runs::table.find((tenant, Key::from(id)));
            Ok(diesel::delete(run).execute(conn).map_err(on_write("runs"))? == 1)
        })
        .await
    }

    async fn count_active(&mut self, user: UserId) -> StoreResult<u64> {
        let tenant = self.tenant();
        // Nobody else is counting: transactions come one after the other.
        self.touch("runs.count_active", move |conn| {
            let count: i64 = active(tenant, user).get_result(conn).map_err(on_read("runs"))?;
            u64::try_from(count).map_err(corrupt("runs"))
        })
    }

    async fn save_approvals(&mut self, approvals: &[Approval]) -> StoreResult<()> {
        for approval in approvals {
            self.check_tenant("approvals", approval.organization)?;
        }
        let (tenant, approvals) = (self.tenant(), approvals.to_vec());
        self.touch("runs.save_approvals", move |conn| {
            approvals.iter().try_for_each(|approval| save_approval(conn, tenant, approval))
        })
    }

    async fn approvals(&mut self, run: RunId) -> StoreResult<Vec<Approval>> {
        let tenant = self.tenant();
        self.touch("runs.approvals", move |conn| find_approvals(conn, tenant, run))
    }
}
