//! Organizations and the installation.

use async_trait::async_trait;
use diesel::{
    ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable, RunQueryDsl, Selectable,
    SelectableHelper, SqliteConnection,
};
use understudy_domain::{
    Organization, OrganizationSettings,
    ports::{Installation, OrganizationRepository, StoreResult},
};

use crate::{
    errors::{on_read, on_write},
    schema::{installation, organizations},
    unit_of_work::SqliteUnitOfWork,
    values::{Json, Key, Micros},
};

#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = organizations, check_for_backend(diesel::sqlite::Sqlite))]
struct Row {
    id: Key,
    name: String,
    settings: Json<OrganizationSettings>,
    created_at: Micros,
}

impl From<&Organization> for Row {
    fn from(organization: &Organization) -> Self {
        Self {
            id: organization.id.into(),
            name: organization.name.clone(),
            settings: Json(organization.settings.clone()),
            created_at: Micros(organization.created_at),
        }
    }
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

/// The organization, or `None`.
pub(crate) fn find(conn: &mut SqliteConnection, id: Key) -> StoreResult<Option<Organization>> {
    let row = organizations::table.find(id).select(Row::as_select()).first(conn);
    Ok(row.optional().map_err(on_read("organizations"))?.map(Organization::from))
}

/// The one that was made first, or `None`.
pub(crate) fn first(conn: &mut SqliteConnection) -> StoreResult<Option<Organization>> {
    let row = organizations::table
        .order((organizations::created_at, organizations::id))
        .select(Row::as_select())
        .first(conn);
    Ok(row.optional().map_err(on_read("organizations"))?.map(Organization::from))
}

/// The installation's record, or `None`.
pub(crate) fn installation(conn: &mut SqliteConnection) -> StoreResult<Option<Installation>> {
    let row = installation::table
        .select((installation::key_check, installation::created_at))
        .first::<(Vec<u8>, Micros)>(conn);
    let row = row.optional().map_err(on_read("installation"))?;
    Ok(row.map(|(key_check, created_at)| Installation { key_check, created_at: created_at.0 }))
}

#[async_trait]
impl OrganizationRepository for SqliteUnitOfWork {
    async fn find(&mut self) -> StoreResult<Option<Organization>> {
        let tenant = self.tenant();
        self.run("organizations.find", move |conn| find(conn, tenant)).await
    }

    async fn insert(&mut self, organization: &Organization) -> StoreResult<()> {
        self.check_tenant("organizations", organization.id)?;
        let row = Row::from(organization);
        self.run("organizations.insert", move |conn| {
            diesel::insert_into(organizations::table)
                .values(row)
                .execute(conn)
                .map_err(on_write("organizations"))?;
            Ok(())
        })
        .await
    }

    async fn insert_installation(&mut self, record: &Installation) -> StoreResult<()> {
        let row = (
            installation::only.eq(1),
            installation::key_check.eq(record.key_check.clone()),
            installation::created_at.eq(Micros(record.created_at)),
        );
        self.run("organizations.insert_installation", move |conn| {
            diesel::insert_into(installation::table)
                .values(row)
                .execute(conn)
                .map_err(on_write("installation"))?;
            Ok(())
        })
        .await
    }
}
