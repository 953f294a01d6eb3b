//! Users.

use async_trait::async_trait;
use diesel::{
    AsChangeset, ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable,
    RunQueryDsl, Selectable, SelectableHelper, SqliteConnection, dsl::exists,
};
use understudy_domain::{
    Department, Email, PasswordHash, Role, Secret, User, UserId,
    ports::{StoreError, StoreResult, UserRepository},
};

use crate::{
    errors::{corrupt, on_read, on_write},
    schema::users,
    unit_of_work::SqliteUnitOfWork,
    values::{Json, Key, Micros},
};

/// A user as it is stored.
#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = users, check_for_backend(diesel::sqlite::Sqlite))]
#[diesel(primary_key(organization_id, id), treat_none_as_null = true)]
pub(crate) struct Row {
    organization_id: Key,
    id: Key,
    email: String,
    name: String,
    name_key: String,
    role: String,
    departments: Json<Vec<String>>,
    ai_seat: bool,
    disabled: bool,
    password: Option<String>,
    created_at: Micros,
    updated_at: Micros,
    revision: i64,
    external_id: Option<String>,
}

impl From<&User> for Row {
    fn from(user: &User) -> Self {
        let departments = user.departments.iter().map(|d| d.as_str().to_owned()).collect();
        Self {
            organization_id: user.organization.into(),
            id: user.id.into(),
            email: user.email.as_str().to_owned(),
            name: user.name.clone(),
            name_key: user.name.to_lowercase(),
            role: user.role.as_str().to_owned(),
            departments: Json(departments),
            ai_seat: user.ai_seat,
            disabled: user.disabled,
            password: user.password.as_ref().map(|hash| hash.0.expose().clone()),
            created_at: Micros(user.created_at),
            updated_at: Micros(user.updated_at),
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
            email: Email::parse(&row.email).map_err(corrupt("users"))?,
            name: row.name,
            role: role(&row.role)?,
            departments: departments(&row.departments)?.into_iter().collect(),
            ai_seat: row.ai_seat,
            disabled: row.disabled,
            password: row.password.map(|hash| PasswordHash(Secret::new(hash))),
            external_id: row.external_id,
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            revision: row.revision,
        })
    }
}

/// Reads a stored role.
pub(crate) fn role(text: &str) -> StoreResult<Role> {
    text.parse().map_err(corrupt("users"))
}

/// Reads a stored list of departments.
pub(crate) fn departments(names: &Json<Vec<String>>) -> StoreResult<Vec<Department>> {
    let parse = |name: &String| {
        Department::parse(name).ok_or_else(|| corrupt("users")("a department has a bad name"))
    };
    names.0.iter().map(parse).collect()
}

/// The user, or `None`.
pub(crate) fn find(conn: &mut SqliteConnection, tenant: Key, id: Key) -> StoreResult<Option<User>> {
    let row = users::table.find((tenant, id)).select(Row::as_select()).first(conn);
    row.optional().map_err(on_read("users"))?.map(User::try_from).transpose()
}

/// The user whom the organization's directory knows so, or `None`.
pub(crate) fn by_external_id(
    conn: &mut SqliteConnection,
    tenant: Key,
    external_id: &str,
) -> StoreResult<Option<User>> {
    let row = users::table
        .filter(users::organization_id.eq(tenant))
        .filter(users::external_id.eq(external_id))
        .select(Row::as_select())
        .first(conn);
    row.optional().map_err(on_read("users"))?.map(User::try_from).transpose()
}

#[async_trait]
impl UserRepository for SqliteUnitOfWork {
    async fn find(&mut self, id: UserId) -> StoreResult<Option<User>> {
        let tenant = self.tenant();
        self.run("users.find", move |conn| find(conn, tenant, id.into())).await
    }

    async fn known(&mut self, ids: &[UserId]) -> StoreResult<Vec<UserId>> {
        let tenant = self.tenant();
        let ids = ids.to_vec();
        self.run("users.known", move |conn| {
            // One prepared statement for each; a list would be another statement
            // for each length.
            let mut known = Vec::with_capacity(ids.len());
            for id in ids {
                let user = users::table.find((tenant, Key::from(id)));
                let is_known = diesel::select(exists(user)).get_result(conn);
                if is_known.map_err(on_read("users"))? {
                    known.push(id);
                }
            }
            Ok(known)
        })
        .await
    }

    async fn find_by_external_id(&mut self, external_id: &str) -> StoreResult<Option<User>> {
        let tenant = self.tenant();
        let external_id = external_id.to_owned();
        self.run("users.find_by_external_id", move |conn| {
            by_external_id(conn, tenant, &external_id)
        })
        .await
    }

    async fn count_owners(&mut self) -> StoreResult<u64> {
        let tenant = self.tenant();
        self.run("users.count_owners", move |conn| {
            let owners = users::table
                .filter(users::organization_id.eq(tenant))
                .filter(users::role.eq(Role::Owner.as_str()))
                .filter(users::disabled.eq(false));
            let count: i64 = owners.count().get_result(conn).map_err(on_read("users"))?;
            u64::try_from(count).map_err(corrupt("users"))
        })
        .await
    }

    async fn insert(&mut self, user: &User) -> StoreResult<()> {
        self.check_tenant("users", user.organization)?;
        let row = Row::from(user);
        self.run("users.insert", move |conn| {
            diesel::insert_into(users::table)
                .values(row)
                .execute(conn)
                .map_err(on_write("users"))?;
            Ok(())
        })
        .await
    }

    async fn update(&mut self, mut user: User) -> StoreResult<User> {
        self.check_tenant("users", user.organization)?;
        let tenant = self.tenant();
        self.run("users.update", move |conn| {
            let read = user.revision;
            user.revision += 1;
            let unchanged =
                users::table.find((tenant, Key::from(user.id))).filter(users::revision.eq(read));
            let updated = diesel::update(unchanged).set(Row::from(&user)).execute(conn);
            match updated.map_err(on_write("users"))? {
                1 => Ok(user),
                _ => Err(StoreError::Conflict),
            }
        })
        .await
    }

    async fn delete(&mut self, id: UserId) -> StoreResult<bool> {
        let tenant = self.tenant();
        self.run("users.delete", move |conn| {
            // What is theirs goes with its foreign keys.
            let deleted = diesel::delete(users::table.find((tenant, Key::from(id)))).execute(conn);
            Ok(deleted.map_err(on_write("users"))? == 1)
        })
        .await
    }
}
