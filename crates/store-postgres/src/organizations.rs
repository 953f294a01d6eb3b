//! Organizations and the installation.

use async_trait::async_trait;
use diesel::{
    ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable, Selectable,
    SelectableHelper,
    sql_types::{BigInt, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use understudy_domain::{
    Organization, OrganizationSettings,
    ports::{Counted, Installation, OrganizationRepository, StoreError, StoreResult},
};

use crate::{
    errors::{corrupt, on_read, on_write},
    schema::{installation, organizations},
    sql::{Sql, prepared},
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
    revision: i64,
}

#[derive(Debug, Insertable)]
#[diesel(table_name = organizations, check_for_backend(diesel::pg::Pg))]
struct NewRow {
    id: Key,
    name: String,
    settings: JsonText,
    created_at: Moment,
    revision: i64,
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

impl PgUnitOfWork {
    /// Whoever else locks the organization waits until this transaction has ended.
    /// Rows that refer to it may still be added.
    pub(crate) async fn lock_organization(&mut self) -> StoreResult<()> {
        let id = organizations::table
            .find(self.tenant())
            .select(organizations::id)
            .for_no_key_update()
            .first::<Key>(self.conn()?)
            .await;
        id.optional().map_err(on_read("organizations"))?;
        Ok(())
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
            revision: organization.revision,
        };
        prepared(diesel::insert_into(organizations::table).values(row))
            .execute(self.conn()?)
            .await
            .map_err(on_write("organizations"))?;
        Ok(())
    }

    #[tracing::instrument(name = "db.organizations.update", skip_all)]
    async fn update(&mut self, mut organization: Organization) -> StoreResult<Organization> {
        let read = organization.revision;
        organization.revision += 1;
        let unchanged =
            organizations::table.find(self.tenant()).filter(organizations::revision.eq(read));
        let values = (
            organizations::name.eq(organization.name.clone()),
            organizations::settings.eq(JsonText::of(&organization.settings)?),
            organizations::revision.eq(organization.revision),
        );
        let updated = prepared(diesel::update(unchanged).set(values)).execute(self.conn()?).await;
        if updated.map_err(on_write("organizations"))? != 1 {
            return Err(StoreError::Conflict);
        }
        Ok(organization)
    }

    #[tracing::instrument(name = "db.organizations.count", skip_all)]
    async fn count(&mut self, what: Counted) -> StoreResult<u64> {
        self.lock_organization().await?;
        let statement = match what {
            Counted::Assistants => Sql::<BigInt>::new(
                "SELECT count(*) FROM assistants WHERE organization_id = ? \
                 AND editing_id IS NULL AND deleted_at IS NULL",
            ),
            Counted::Users => Sql::new("SELECT count(*) FROM users WHERE organization_id = ?"),
            Counted::Tokens(..) => Sql::new(
                "SELECT count(*) FROM api_tokens WHERE organization_id = ? AND user_id = ? \
                 AND (expires_at IS NULL OR expires_at > ?)",
            ),
            Counted::StoredBytes => Sql::new(
                "SELECT coalesce(sum(size), 0)::bigint FROM blobs WHERE organization_id = ?",
            ),
        };
        let statement = statement.bind::<SqlUuid, _>(self.tenant());
        let statement = match what {
            Counted::Tokens(user, now) => {
                statement.bind::<SqlUuid, _>(Key::from(user)).bind::<Timestamptz, _>(Moment(now))
            }
            Counted::Assistants | Counted::Users | Counted::StoredBytes => statement,
        };
        let count: i64 =
            statement.get_result(self.conn()?).await.map_err(on_read("organizations"))?;
        u64::try_from(count).map_err(corrupt("organizations"))
    }

    #[tracing::instrument(name = "db.organizations.update_key_check", skip_all)]
    async fn update_key_check(&mut self, key_check: &[u8]) -> StoreResult<()> {
        diesel::update(installation::table.filter(installation::single.eq(true)))
            .set(installation::key_check.eq(key_check.to_vec()))
            .execute(self.conn()?)
            .await
            .map_err(on_write("installation"))?;
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
