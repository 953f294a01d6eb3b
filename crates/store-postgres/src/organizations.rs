//! Organizations and the installation.

use async_trait::async_trait;
use diesel::{
    ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable, Selectable,
    SelectableHelper,
};
use diesel_async::RunQueryDsl;
use understudy_domain::{
    Organization, OrganizationSettings,
    ports::{Installation, OrganizationRepository, StoreError, StoreResult},
};

use crate::{
    errors::{on_read, on_write},
    schema::{installation, organizations},
    sql::prepared,
    unit_of_work::PgUnitOfWork,
    values::{Json, JsonText, Key, Moment},
};

/// An organization as it is stored.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = organizations, check_for_backend(diesel::pg::Pg))]
pub(crate) struct Row {
    id: Key,
    name: String,
    settings: Json<OrganizationSettings>,
    created_at: Moment,
}

#[derive(Debug, Insertable)]
#[diesel(table_name = organizations, check_for_backend(diesel::pg::Pg))]
struct NewRow {
    id: Key,
    name: String,
    settings: JsonText,
    created_at: Moment,
}

impl From<Row> for Organization {
    fn from(row: Row) -> Self {
        Self {
            id: row.id.id(),
            name: row.name,
            settings: row.settings.0,
            created_at: row.created_at.0,
        }
    }
}

#[async_trait]
impl OrganizationRepository for PgUnitOfWork {
    #[tracing::instrument(name = "db.organizations.find", skip_all)]
    async fn find(&mut self) -> StoreResult<Option<Organization>> {
        let row = organizations::table
            .find(self.tenant())
            .select(Row::as_select())
            .first(self.conn()?)
            .await;
        Ok(row.optional().map_err(on_read("organizations"))?.map(Organization::from))
    }

    #[tracing::instrument(name = "db.organizations.insert", skip_all)]
    async fn insert(&mut self, organization: &Organization) -> StoreResult<()> {
        let row = NewRow {
            id: organization.id.into(),
            name: organization.name.clone(),
            settings: JsonText::of(&organization.settings)?,
            created_at: Moment(organization.created_at),
        };
        prepared(diesel::insert_into(organizations::table).values(row))
            .execute(self.conn()?)
            .await
            .map_err(on_write("organizations"))?;
        Ok(())
    }

    #[tracing::instrument(name = "db.organizations.insert_installation", skip_all)]
    async fn insert_installation(&mut self, record: &Installation) -> StoreResult<()> {
        let row = (
            installation::single.eq(true),
            installation::key_check.eq(record.key_check.clone()),
            installation::created_at.eq(Moment(record.created_at)),
        );
        // Waits for a transaction that is recording it, and then finds it recorded.
        let inserted = diesel::insert_into(installation::table)
            .values(row)
            .on_conflict_do_nothing()
            .execute(self.conn()?)
            .await
            .map_err(on_write("installation"))?;
        if inserted == 1 { Ok(()) } else { Err(StoreError::AlreadyExists { what: "id" }) }
    }
}
