//! Users.

use async_trait::async_trait;
use diesel::{
    AsChangeset, ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable, Selectable,
    SelectableHelper,
};
use diesel_async::RunQueryDsl;
use understudy_domain::{
    Department, Email, PasswordHash, Role, Secret, User, UserId,
    ports::{StoreError, StoreResult, UserRepository},
};

use crate::{
    errors::{corrupt, on_read, on_write},
    schema::users,
    sql::prepared,
    unit_of_work::PgUnitOfWork,
    values::{Key, Moment, comparable},
};

/// A user as it is stored.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = users, check_for_backend(diesel::pg::Pg))]
#[diesel(primary_key(organization_id, id), treat_none_as_null = true)]
#[diesel(treat_none_as_default_value = false)]
pub(crate) struct Row {
    organization_id: Key,
    id: Key,
    email: String,
    name: String,
    name_key: String,
    role: String,
    departments: Vec<String>,
    ai_seat: bool,
    disabled: bool,
    password: Option<String>,
    created_at: Moment,
    updated_at: Moment,
    revision: i64,
    external_id: Option<String>,
}

impl From<&User> for Row {
    fn from(user: &User) -> Self {
        Self {
            organization_id: user.organization.into(),
            id: user.id.into(),
            email: user.email.as_str().to_owned(),
            name: user.name.clone(),
            name_key: user.name.to_lowercase(),
            role: user.role.as_str().to_owned(),
            departments: user.departments.iter().map(|d| d.as_str().to_owned()).collect(),
            ai_seat: user.ai_seat,
            disabled: user.disabled,
            password: user.password.as_ref().map(|hash| hash.0.expose().clone()),
            created_at: Moment(user.created_at),
            updated_at: Moment(user.updated_at),
            revision: user.revision,
            external_id: user.external_id.clone(),
        }
    }
}

impl TryFrom<Row> for User {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id.id(),
            organization: row.organization_id.id(),
            email: email(&row.email)?,
            name: row.name,
            role: role(&row.role)?,
            departments: departments(&row.departments)?.into_iter().collect(),
            ai_seat: row.ai_seat,
            disabled: row.disabled,
            password: row.password.map(|hash| PasswordHash(Secret::new(hash))),
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            revision: row.revision,
            external_id: row.external_id,
        })
    }
}

/// Reads a stored address.
pub(crate) fn email(text: &str) -> StoreResult<Email> {
    Email::parse(text).map_err(corrupt("users"))
}

/// Reads a stored role.
pub(crate) fn role(text: &str) -> StoreResult<Role> {
    text.parse().map_err(corrupt("users"))
}

/// Reads a stored list of departments.
pub(crate) fn departments(names: &[String]) -> StoreResult<Vec<Department>> {
    let parse = |name: &String| {
        Department::parse(name).ok_or_else(|| corrupt("users")("a department has a bad name"))
    };
    names.iter().map(parse).collect()
}

#[async_trait]
impl UserRepository for PgUnitOfWork {
    #[tracing::instrument(name = "db.users.find", skip_all, fields(user.id = %id))]
    async fn find(&mut self, id: UserId) -> StoreResult<Option<User>> {
        // NO KEY: others may still add rows that refer to the user.
        let row = users::table
            .find((self.tenant(), Key::from(id)))
            .select(Row::as_select())
            .for_no_key_update()
            .first(self.conn()?)
            .await;
        row.optional().map_err(on_read("users"))?.map(User::try_from).transpose()
    }

    #[tracing::instrument(name = "db.users.find_by_external_id", skip_all)]
    async fn find_by_external_id(&mut self, external_id: &str) -> StoreResult<Option<User>> {
        let row = users::table
            .filter(users::organization_id.eq(self.tenant()))
            .filter(users::external_id.eq(comparable(external_id.to_owned())))
            .select(Row::as_select())
            .for_no_key_update()
            .first(self.conn()?)
            .await;
        row.optional().map_err(on_read("users"))?.map(User::try_from).transpose()
    }

    #[tracing::instrument(name = "db.users.known", skip_all)]
    async fn known(&mut self, ids: &[UserId]) -> StoreResult<Vec<UserId>> {
        let ids: Vec<Key> = ids.iter().copied().map(Key::from).collect();
        let known: Vec<Key> = users::table
            .filter(users::organization_id.eq(self.tenant()))
            .filter(users::id.eq_any(ids))
            .select(users::id)
            .load(self.conn()?)
            .await
            .map_err(on_read("users"))?;
        Ok(known.into_iter().map(Key::id).collect())
    }

    #[tracing::instrument(name = "db.users.count_owners", skip_all)]
    async fn count_owners(&mut self) -> StoreResult<u64> {
        self.lock_organization().await?;
        let count: i64 = users::table
            .filter(users::organization_id.eq(self.tenant()))
            .filter(users::role.eq(Role::Owner.as_str()))
            .filter(users::disabled.eq(false))
            .count()
            .get_result(self.conn()?)
            .await
            .map_err(on_read("users"))?;
        u64::try_from(count).map_err(corrupt("users"))
    }

    #[tracing::instrument(name = "db.users.insert", skip_all, fields(user.id = %user.id))]
    async fn insert(&mut self, user: &User) -> StoreResult<()> {
        prepared(diesel::insert_into(users::table).values(Row::from(user)))
            .execute(self.conn()?)
            .await
            .map_err(on_write("users"))?;
        Ok(())
    }

    #[tracing::instrument(name = "db.users.update", skip_all, fields(user.id = %user.id))]
    async fn update(&mut self, mut user: User) -> StoreResult<User> {
        let read = user.revision;
        user.revision += 1;
        let unchanged =
            users::table.find((self.tenant(), Key::from(user.id))).filter(users::revision.eq(read));
        let updated =
            prepared(diesel::update(unchanged).set(Row::from(&user))).execute(self.conn()?).await;
        if updated.map_err(on_write("users"))? == 1 { Ok(user) } else { Err(StoreError::Conflict) }
    }

    #[tracing::instrument(name = "db.users.delete", skip_all, fields(user.id = %id))]
    async fn delete(&mut self, id: UserId) -> StoreResult<bool> {
        // Tokens, sessions and memberships go with their foreign keys.
        let user = users::table.find((self.tenant(), Key::from(id)));
        let deleted = diesel::delete(user).execute(self.conn()?).await;
        Ok(deleted.map_err(on_write("users"))? == 1)
    }
}
