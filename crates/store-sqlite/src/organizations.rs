//! Organizations and the installation.

use async_trait::async_trait;
use diesel::{
    ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable, RunQueryDsl, Selectable,
    SelectableHelper, SqliteConnection, sql_types::BigInt,
};
use understudy_domain::{
    Organization, OrganizationSettings,
    ports::{Counted, Installation, OrganizationRepository, StoreError, StoreResult},
};

use crate::{
    errors::{corrupt, on_read, on_write},
    schema::{installation, organizations},
    sql::Sql,
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
    revision: i64,
}

impl From<&Organization> for Row {
    fn from(organization: &Organization) -> Self {
        Self {
            id: organization.id.into(),
            name: organization.name.clone(),
            settings: Json(organization.settings.clone()),
            created_at: Micros(organization.created_at),
            revision: organization.revision,
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
            revision: row.revision,
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

fn count(conn: &mut SqliteConnection, tenant: Key, what: Counted) -> StoreResult<u64> {
    let table = match what {
        Counted::Assistants => "assistants",
        Counted::Users => "users",
        Counted::Tokens(..) => "api_tokens",
        Counted::StoredBytes => "blobs",
    };
    let mut sql = Sql::<BigInt>::new(match what {
        Counted::StoredBytes => "SELECT ifnull(sum(size), 0) FROM ",
        Counted::Assistants | Counted::Users | Counted::Tokens(..) => "SELECT count(*) FROM ",
    });
    sql.text(table).text(" WHERE organization_id = ").word(tenant.text());
    match what {
        Counted::Assistants => {
            sql.text(" AND editing_id IS NULL AND deleted_at IS NULL");
        }
        Counted::Tokens(user, now) => {
            sql.text(" AND user_id = ").word(Key::from(user).text());
            sql.text(" AND ifnull(expires_at > ").number(now.unix_micros()).text(", 1)");
        }
        Counted::Users | Counted::StoredBytes => {}
    }
    let count: i64 = sql.get_result(conn).map_err(on_read(table))?;
    u64::try_from(count).map_err(corrupt(table))
}

#[async_trait]
impl OrganizationRepository for SqliteUnitOfWork {
    async fn find(&mut self) -> StoreResult<Option<Organization>> {
        let tenant = self.tenant();
        self.touch("organizations.find", move |conn| find(conn, tenant))
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

    async fn update(&mut self, mut organization: Organization) -> StoreResult<Organization> {
        let tenant = self.tenant();
        self.run("organizations.update", move |conn| {
            let read = organization.revision;
            organization.revision += 1;
            // Another organization is not there to be changed.
            let unchanged = organizations::table
                .find(Key::from(organization.id))
                .filter(organizations::id.eq(tenant))
                .filter(organizations::revision.eq(read));
            let changes = (
                organizations::name.eq(&organization.name),
                organizations::settings.eq(Json(organization.settings.clone())),
                organizations::revision.eq(organization.revision),
            );
            let updated = diesel::update(unchanged).set(changes).execute(conn);
            match updated.map_err(on_write("organizations"))? {
                1 => Ok(organization),
                _ => Err(StoreError::Conflict),
            }
        })
        .await
    }

    async fn count(&mut self, what: Counted) -> StoreResult<u64> {
        let tenant = self.tenant();
        self.run("organizations.count", move |conn| count(conn, tenant, what)).await
    }

    async fn update_key_check(&mut self, key_check: &[u8]) -> StoreResult<()> {
        let key_check = key_check.to_vec();
        self.run("organizations.update_key_check", move |conn| {
            diesel::update(installation::table)
                .set(installation::key_check.eq(key_check))
                .execute(conn)
                .map_err(on_write("installation"))?;
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
