//! Automations and their executions.

use async_trait::async_trait;
use diesel::{
    AsChangeset, ExpressionMethods, Insertable, OptionalExtension, QueryDsl,
    sql_types::{Json as SqlJson, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use understudy_domain::{
    Automation, AutomationId, Execution,
    ports::{AutomationRepository, StoreError, StoreResult},
};

use crate::{
    errors::{on_read, on_write},
    schema::automations,
    sql::{Sql, prepared},
    unit_of_work::PgUnitOfWork,
    values::{Json, JsonText, Key, comparable},
};

/// An automation as it is to be stored.
#[derive(Debug, Insertable, AsChangeset)]
#[diesel(table_name = automations, check_for_backend(diesel::pg::Pg))]
#[diesel(primary_key(organization_id, id))]
struct NewRow {
    organization_id: Key,
    id: Key,
    name_key: String,
    revision: i64,
    document: JsonText,
}

impl NewRow {
    fn of(automation: &Automation) -> StoreResult<Self> {
        Ok(Self {
            organization_id: automation.organization.into(),
            id: automation.id.into(),
            name_key: comparable(automation.name.to_lowercase()),
            revision: automation.revision,
            document: JsonText::of(automation)?,
        })
    }
}

#[async_trait]
impl AutomationRepository for PgUnitOfWork {
    #[tracing::instrument(name = "db.automations.find", skip_all, fields(automation.id = %id))]
    async fn find(&mut self, id: AutomationId) -> StoreResult<Option<Automation>> {
        let row: Option<Json<Automation>> = automations::table
            .find((self.tenant(), Key::from(id)))
            .select(automations::document)
            .for_no_key_update()
            .first(self.conn()?)
            .await
            .optional()
            .map_err(on_read("automations"))?;
        Ok(row.map(|document| document.0))
    }

    #[tracing::instrument(
        name = "db.automations.insert", skip_all, fields(automation.id = %automation.id)
    )]
    async fn insert(&mut self, automation: &Automation) -> StoreResult<()> {
        prepared(diesel::insert_into(automations::table).values(NewRow::of(automation)?))
            .execute(self.conn()?)
            .await
            .map_err(on_write("automations"))?;
        Ok(())
    }

    #[tracing::instrument(
        name = "db.automations.update", skip_all, fields(automation.id = %automation.id)
    )]
    async fn update(&mut self, mut automation: Automation) -> StoreResult<Automation> {
        let read = automation.revision;
        automation.revision += 1;
        let unchanged = automations::table
            .find((self.tenant(), Key::from(automation.id)))
            .filter(automations::revision.eq(read));
        let updated = prepared(diesel::update(unchanged).set(NewRow::of(&automation)?))
            .execute(self.conn()?)
            .await;
        if updated.map_err(on_write("automations"))? != 1 {
            return Err(StoreError::Conflict);
        }
        Ok(automation)
    }

    #[tracing::instrument(name = "db.automations.delete", skip_all, fields(automation.id = %id))]
    async fn delete(&mut self, id: AutomationId) -> StoreResult<bool> {
        // Executions go with their foreign key.
        let automation = automations::table.find((self.tenant(), Key::from(id)));
        let deleted = diesel::delete(automation).execute(self.conn()?).await;
        Ok(deleted.map_err(on_write("automations"))? == 1)
    }

    #[tracing::instrument(
        name = "db.executions.save", skip_all, fields(execution.id = %execution.id)
    )]
    async fn save_execution(&mut self, execution: &Execution) -> StoreResult<()> {
        Sql::<()>::new(
            "INSERT INTO executions (organization_id, id, automation_id, document) \
             VALUES (?, ?, ?, ?) \
             ON CONFLICT (organization_id, id) DO UPDATE SET document = excluded.document",
        )
        .bind::<SqlUuid, _>(Key::from(execution.organization))
        .bind::<SqlUuid, _>(Key::from(execution.id))
        .bind::<SqlUuid, _>(Key::from(execution.automation))
        .bind::<SqlJson, _>(JsonText::of(execution)?)
        .execute(self.conn()?)
        .await
        .map_err(on_write("executions"))?;
        Ok(())
    }
}
