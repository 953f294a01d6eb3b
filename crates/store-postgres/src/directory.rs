//! Organizations, users, teams and tokens, read.

use async_trait::async_trait;
use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, NullableExpressionMethods, QueryDsl,
    SelectableHelper, define_sql_function, sql_types::Text,
};
use understudy_domain::{
    ApiToken, AssistantId, Email, Organization, OrganizationId, Team, TeamId, User, UserId,
    ports::{DirectoryQueries, Page, StoreResult},
};

use crate::{
    credentials::TokenRow,
    errors::{corrupt, on_read},
    organizations,
    schema::{
        api_tokens, organizations as organization_table, team_members, teams as team_table,
        users as user_table,
    },
    store::PgStore,
    teams::{self, Members},
    transaction::Transaction,
    users,
    values::{Key, comparable},
};

define_sql_function! {
    /// Where `part` begins in `text`, or 0.
    fn strpos(text: Text, part: Text) -> Integer;
}

/// A team with one of its members, if it has any.
type TeamRow = (teams::Row, Option<(Key, String)>);

/// Teams with their members, from rows that have those of a team in sequence.
fn with_members(rows: Vec<TeamRow>) -> StoreResult<Vec<Team>> {
    let mut teams: Vec<(teams::Row, Members)> = Vec::new();
    for (row, member) in rows {
        if teams.last().is_none_or(|(last, _)| last.id != row.id) {
            teams.push((row, Members::new()));
        }
        if let (Some((_, members)), Some((user, text))) = (teams.last_mut(), member) {
            members.insert(user.id(), teams::role(&text)?);
        }
    }
    Ok(teams.into_iter().map(|(row, members)| row.with(members)).collect())
}

#[async_trait]
impl DirectoryQueries for PgStore {
    #[tracing::instrument(name = "db.directory.organization", skip_all)]
    async fn organization(&self, tenant: OrganizationId) -> StoreResult<Option<Organization>> {
        let organization = organization_table::table
            .find(Key::from(tenant))
            .select(organizations::Row::as_select());
        let rows: Vec<organizations::Row> =
            Transaction::read(&self.connections, tenant, organization)
                .await?
                .map_err(on_read("organizations"))?;
        Ok(rows.into_iter().next().map(Organization::from))
    }

    #[tracing::instrument(name = "db.directory.user", skip_all, fields(user.id = %id))]
    async fn user(&self, tenant: OrganizationId, id: UserId) -> StoreResult<Option<User>> {
        let user = user_table::table
            .find((Key::from(tenant), Key::from(id)))
            .select(users::Row::as_select());
        let rows: Vec<users::Row> =
            Transaction::read(&self.connections, tenant, user).await?.map_err(on_read("users"))?;
        rows.into_iter().next().map(User::try_from).transpose()
    }

    #[tracing::instrument(name = "db.directory.user_by_external_id", skip_all)]
    async fn user_by_external_id(
        &self,
        tenant: OrganizationId,
        external_id: &str,
    ) -> StoreResult<Option<User>> {
        let user = user_table::table
            .filter(user_table::organization_id.eq(Key::from(tenant)))
            .filter(user_table::external_id.eq(comparable(external_id.to_owned())))
            .select(users::Row::as_select());
        let rows: Vec<users::Row> =
            Transaction::read(&self.connections, tenant, user).await?.map_err(on_read("users"))?;
        rows.into_iter().next().map(User::try_from).transpose()
    }

    #[tracing::instrument(name = "db.directory.users_by_id", skip_all)]
    async fn users_by_id(&self, tenant: OrganizationId, ids: &[UserId]) -> StoreResult<Vec<User>> {
        let ids: Vec<Key> = ids.iter().copied().map(Key::from).collect();
        let named = user_table::table
            .filter(user_table::organization_id.eq(Key::from(tenant)))
            .filter(user_table::id.eq_any(ids))
            .select(users::Row::as_select());
        let rows: Vec<users::Row> =
            Transaction::read(&self.connections, tenant, named).await?.map_err(on_read("users"))?;
        rows.into_iter().map(User::try_from).collect()
    }

    #[tracing::instrument(name = "db.directory.users", skip_all)]
    async fn users(
        &self,
        tenant: OrganizationId,
        q: Option<String>,
        after: Option<Email>,
        limit: u32,
        count: bool,
    ) -> StoreResult<Page<User>> {
        // Every text has the empty one in it and is greater than it or equal, and
        // no address is empty: one statement serves all.
        let q = comparable(q.unwrap_or_default());
        let after = after.map(|email| email.as_str().to_owned()).unwrap_or_default();
        let matching =
            user_table::table.filter(user_table::organization_id.eq(Key::from(tenant))).filter(
                strpos(user_table::email, q.clone())
                    .gt(0)
                    .or(strpos(user_table::name_key, q).gt(0)),
            );
        let total = if count {
            let counts: Vec<i64> =
                Transaction::read(&self.connections, tenant, matching.clone().count())
                    .await?
                    .map_err(on_read("users"))?;
            let total = counts.into_iter().next().unwrap_or_default();
            Some(u64::try_from(total).map_err(corrupt("users"))?)
        } else {
            None
        };
        let page = matching
            .filter(user_table::email.gt(after))
            .order(user_table::email)
            .limit(i64::from(limit) + 1)
            .select(users::Row::as_select());
        let mut rows: Vec<users::Row> =
            Transaction::read(&self.connections, tenant, page).await?.map_err(on_read("users"))?;
        let limit = usize::try_from(limit).map_err(corrupt("users"))?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let rows = rows.into_iter().map(User::try_from).collect::<StoreResult<_>>()?;
        Ok(Page { rows, more, total })
    }

    #[tracing::instrument(name = "db.directory.team", skip_all, fields(team.id = %id))]
    async fn team(&self, tenant: OrganizationId, id: TeamId) -> StoreResult<Option<Team>> {
        // One statement, so that team and members are of the same moment.
        let team = team_table::table
            .left_join(
                team_members::table.on(team_members::organization_id
                    .eq(team_table::organization_id)
                    .and(team_members::team_id.eq(team_table::id))),
            )
            .filter(team_table::organization_id.eq(Key::from(tenant)))
            .filter(team_table::id.eq(Key::from(id)))
            .select((
                teams::Row::as_select(),
                (team_members::user_id, team_members::role).nullable(),
            ));
        let rows: Vec<TeamRow> =
            Transaction::read(&self.connections, tenant, team).await?.map_err(on_read("teams"))?;
        Ok(with_members(rows)?.into_iter().next())
    }

    #[tracing::instrument(name = "db.directory.teams", skip_all)]
    async fn teams(&self, tenant: OrganizationId) -> StoreResult<Vec<Team>> {
        let all = team_table::table
            .left_join(
                team_members::table.on(team_members::organization_id
                    .eq(team_table::organization_id)
                    .and(team_members::team_id.eq(team_table::id))),
            )
            .filter(team_table::organization_id.eq(Key::from(tenant)))
            .order((team_table::name_key, team_table::id))
            .select((
                teams::Row::as_select(),
                (team_members::user_id, team_members::role).nullable(),
            ));
        let rows: Vec<TeamRow> =
            Transaction::read(&self.connections, tenant, all).await?.map_err(on_read("teams"))?;
        with_members(rows)
    }

    #[tracing::instrument(name = "db.directory.tokens", skip_all, fields(user.id = %user))]
    async fn tokens(&self, tenant: OrganizationId, user: UserId) -> StoreResult<Vec<ApiToken>> {
        let theirs = api_tokens::table
            .filter(api_tokens::organization_id.eq(Key::from(tenant)))
            .filter(api_tokens::user_id.eq(Key::from(user)))
            .order((api_tokens::created_at.desc(), api_tokens::id.desc()))
            .select(TokenRow::as_select());
        let rows: Vec<TokenRow> = Transaction::read(&self.connections, tenant, theirs)
            .await?
            .map_err(on_read("api_tokens"))?;
        rows.into_iter().map(ApiToken::try_from).collect()
    }
    #[tracing::instrument(name = "db.directory.assistant_tokens", skip_all)]
    async fn assistant_tokens(
        &self,
        tenant: OrganizationId,
        assistant: AssistantId,
    ) -> StoreResult<Vec<ApiToken>> {
        let its = api_tokens::table
            .filter(api_tokens::organization_id.eq(Key::from(tenant)))
            .filter(api_tokens::assistant_id.eq(Key::from(assistant)))
            .order((api_tokens::created_at.desc(), api_tokens::id.desc()))
            .select(TokenRow::as_select());
        let rows: Vec<TokenRow> = Transaction::read(&self.connections, tenant, its)
            .await?
            .map_err(on_read("api_tokens"))?;
        rows.into_iter().map(ApiToken::try_from).collect()
    }
}
