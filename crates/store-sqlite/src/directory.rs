//! Reading organizations, users, teams and tokens.

use async_trait::async_trait;
use diesel::{
    QueryDsl, RunQueryDsl, SelectableHelper, SqliteConnection,
    sql_types::{BigInt, Text},
};
use understudy_domain::{
    ApiToken, AssistantId, Email, Organization, OrganizationId, Team, TeamId, User, UserId,
    ports::{DirectoryQueries, Page, StoreResult},
};

use crate::{
    credentials,
    errors::{corrupt, on_read},
    organizations,
    schema::users as table,
    sql::Sql,
    store::SqliteStore,
    teams,
    users::{self, Row},
    values::Key,
};

struct UsersQuery {
    tenant: Key,
    q: Option<String>,
    after: Option<Email>,
    limit: u32,
    count: bool,
}

impl UsersQuery {
    /// Which users match, without regard to the page.
    fn matching<R>(&self, sql: &mut Sql<R>) {
        sql.text("organization_id = ").word(self.tenant.text());
        if let Some(q) = &self.q {
            sql.text(" AND (instr(email, ").word(q.clone());
            sql.text(") > 0 OR instr(name_key, ").word(q.clone()).text(") > 0)");
        }
    }

    fn run(&self, conn: &mut SqliteConnection) -> StoreResult<Page<User>> {
        let mut ids = Sql::<Text>::new("SELECT id FROM users INDEXED BY users_in_order WHERE ");
        self.matching(&mut ids);
        // No address sorts before the empty text.
        let after = self.after.as_ref().map_or_else(String::new, |email| email.as_str().to_owned());
        ids.text(" AND email > ").word(after);
        ids.text(" ORDER BY email LIMIT ").number(i64::from(self.limit) + 1);
        let mut ids: Vec<Key> = ids.load(conn).map_err(on_read("users"))?;
        let limit = usize::try_from(self.limit).map_err(corrupt("users"))?;
        let more = ids.len() > limit;
        ids.truncate(limit);

        let mut rows = Vec::with_capacity(ids.len());
        for id in ids {
            let row = table::table.find((self.tenant, id)).select(Row::as_select()).first(conn);
            rows.push(User::try_from(row.map_err(on_read("users"))?)?);
        }
        let total = self.count.then(|| self.total(conn)).transpose()?;
        Ok(Page { rows, more, total })
    }

    fn total(&self, conn: &mut SqliteConnection) -> StoreResult<u64> {
        let mut count = Sql::<BigInt>::new("SELECT count(*) FROM users WHERE ");
        self.matching(&mut count);
        let count: i64 = count.get_result(conn).map_err(on_read("users"))?;
        u64::try_from(count).map_err(corrupt("users"))
    }
}

#[async_trait]
impl DirectoryQueries for SqliteStore {
    async fn organization(&self, tenant: OrganizationId) -> StoreResult<Option<Organization>> {
        self.readers
            .glance("directory.organization", move |conn| organizations::find(conn, tenant.into()))
            .await
    }

    async fn user(&self, tenant: OrganizationId, id: UserId) -> StoreResult<Option<User>> {
        self.readers
            .glance("directory.user", move |conn| users::find(conn, tenant.into(), id.into()))
            .await
    }

    async fn user_by_external_id(
        &self,
        tenant: OrganizationId,
        external_id: &str,
    ) -> StoreResult<Option<User>> {
        let external_id = external_id.to_owned();
        self.readers
            .run("directory.user_by_external_id", move |conn| {
                users::by_external_id(conn, tenant.into(), &external_id)
            })
            .await
    }

    async fn users_by_id(&self, tenant: OrganizationId, ids: &[UserId]) -> StoreResult<Vec<User>> {
        let ids = ids.to_vec();
        self.readers
            .run("directory.users_by_id", move |conn| {
                // One prepared statement for each; a list would be another statement
                // for each length.
                let mut found = Vec::with_capacity(ids.len());
                for id in ids {
                    found.extend(users::find(conn, tenant.into(), id.into())?);
                }
                Ok(found)
            })
            .await
    }

    async fn users(
        &self,
        tenant: OrganizationId,
        q: Option<String>,
        after: Option<Email>,
        limit: u32,
        count: bool,
    ) -> StoreResult<Page<User>> {
        let query = UsersQuery { tenant: tenant.into(), q, after, limit, count };
        self.readers.run_consistently("directory.users", move |conn| query.run(conn)).await
    }

    async fn team(&self, tenant: OrganizationId, id: TeamId) -> StoreResult<Option<Team>> {
        self.readers
            .run_consistently("directory.team", move |conn| {
                teams::find(conn, tenant.into(), id.into())
            })
            .await
    }

    async fn teams(&self, tenant: OrganizationId) -> StoreResult<Vec<Team>> {
        self.readers
            .run_consistently("directory.teams", move |conn| teams::all(conn, tenant.into()))
            .await
    }

    async fn tokens(&self, tenant: OrganizationId, user: UserId) -> StoreResult<Vec<ApiToken>> {
        self.readers
            .run("directory.tokens", move |conn| {
                credentials::tokens_of(conn, tenant.into(), user.into())
            })
            .await
    }

    async fn assistant_tokens(
        &self,
        tenant: OrganizationId,
        assistant: AssistantId,
    ) -> StoreResult<Vec<ApiToken>> {
        self.readers
            .run("directory.assistant_tokens", move |conn| {
                credentials::tokens_for(conn, tenant.into(), assistant.into())
            })
            .await
    }
}
