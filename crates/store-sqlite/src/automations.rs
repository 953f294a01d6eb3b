//! Automations and their executions.

use async_trait::async_trait;
use diesel::{
    AsChangeset, ExpressionMethods, Insertable, OptionalExtension, QueryDsl, RunQueryDsl,
    SqliteConnection,
};
use understudy_domain::{
    Automation, AutomationId, Execution, ExecutionId,
    ports::{AutomationRepository, StoreError, StoreResult},
};
use uuid::Uuid;

use crate::{
    errors::{on_read, on_write},
    schema::{automations, executions},
    unit_of_work::SqliteUnitOfWork,
    values::{Json, Key},
};

/// An automation as it is to be stored.
#[derive(Debug, Insertable, AsChangeset)]
#[diesel(table_name = automations, check_for_backend(diesel::sqlite::Sqlite))]
#[diesel(primary_key(organization_id, id))]
struct NewRow {
    organization_id: Key,
    id: Key,
    name_key: String,
    revision: i64,
    document: Json<Automation>,
}

impl From<Automation> for NewRow {
    fn from(automation: Automation) -> Self {
        Self {
            organization_id: automation.organization.into(),
            id: automation.id.into(),
            name_key: automation.name.to_lowercase(),
            revision: automation.revision,
            document: Json(automation),
        }
    }
}

/// All in the order of names.
#[diesel::dsl::auto_type]
pub(crate) fn in_order(tenant: Key) -> _ {
    automations::table.filter(automations::organization_id.eq(tenant)).order(automations::name_key)
}

/// They.
pub(crate) fn all(conn: &mut SqliteConnection, tenant: Key) -> StoreResult<Vec<Automation>> {
    let rows: Vec<Json<Automation>> = in_order(tenant)
        .select(automations::document)
        .load(conn)
        .map_err(on_read("automations"))?;
    Ok(rows.into_iter().map(|document| document.0).collect())
}

/// Executions of an automation before one, newest first.
#[diesel::dsl::auto_type]
pub(crate) fn before(tenant: Key, automation: Key, before: Key) -> _ {
    executions::table
        .filter(executions::organization_id.eq(tenant))
        .filter(executions::automation_id.eq(automation))
        .filter(executions::id.lt(before))
        .order(executions::id.desc())
}

/// A page of them.
pub(crate) fn executions(
    conn: &mut SqliteConnection,
    tenant: Key,
    automation: AutomationId,
    last: Option<ExecutionId>,
    limit: u32,
) -> StoreResult<Vec<Execution>> {
    // Ids are of version 7, so the largest of all is never one of them.
    let last = last.map_or(Key(Uuid::max()), Key::from);
    let rows: Vec<Json<Execution>> = before(tenant, automation.into(), last)
        .limit(limit.into())
        .select(executions::document)
        .load(conn)
        .map_err(on_read("executions"))?;
    Ok(rows.into_iter().map(|document| document.0).collect())
}

#[async_trait]
impl AutomationRepository for SqliteUnitOfWork {
    async fn find(&mut self, id: AutomationId) -> StoreResult<Option<Automation>> {
        let tenant = self.tenant();
        self.run("automations.find", move |conn| {
            let automation = automations::table.find((tenant, Key::from(id)));
            let row = automation.select(automations::document).first::<Json<_>>(conn).optional();
            Ok(row.map_err(on_read("automations"))?.map(|document| document.0))
        })
        .await
    }

    async fn insert(&mut self, automation: &Automation) -> StoreResult<()> {
        self.check_tenant("automations", automation.organization)?;
        let row = NewRow::from(automation.clone());
        self.run("automations.insert", move |conn| {
            diesel::insert_into(automations::table)
                .values(row)
                .execute(conn)
                .map_err(on_write("automations"))?;
            Ok(())
        })
        .await
    }

    async fn update(&mut self, mut automation: Automation) -> StoreResult<Automation> {
        self.check_tenant("automations", automation.organization).or(Err(StoreError::Conflict))?;
        let tenant = self.tenant();
        self.run("automations.update", move |conn| {
            let read = automation.revision;
            automation.revision += 1;
            let unchanged = automations::table
                .find((tenant, Key::from(automation.id)))
                .filter(automations::revision.eq(read));
            let row = NewRow::from(automation.clone());
            let updated = diesel::update(unchanged).set(row).execute(conn);
            match updated.map_err(on_write("automations"))? {
                1 => Ok(automation),
                _ => Err(StoreError::Conflict),
            }
        })
        .await
    }

    async fn delete(&mut self, id: AutomationId) -> StoreResult<bool> {
        let tenant = self.tenant();
        self.run("automations.delete", move |conn| {
            // Executions go with their foreign key.
            let automation = automations::table.find((tenant, Key::from(id)));
            Ok(diesel::delete(automation).execute(conn).map_err(on_write("automations"))? == 1)
        })
        .await
    }

    async fn save_execution(&mut self, execution: &Execution) -> StoreResult<()> {
        self.check_tenant("executions", execution.organization)?;
        let (tenant, execution) = (self.tenant(), execution.clone());
        self.run("automations.save_execution", move |conn| {
            let key = (
                executions::organization_id.eq(tenant),
                executions::id.eq(Key::from(execution.id)),
                executions::automation_id.eq(Key::from(execution.automation)),
            );
            let document = executions::document.eq(Json(execution));
            diesel::insert_into(executions::table)
                .values((key, document.clone()))
                .on_conflict((executions::organization_id, executions::id))
                .do_update()
                .set(document)
                .execute(conn)
                .map_err(on_write("executions"))?;
            Ok(())
        })
        .await
    }
}
