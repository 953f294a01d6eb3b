//! Teams and their members.

use std::collections::BTreeMap;

use async_trait::async_trait;
use diesel::{
    AsChangeset, ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable, Selectable,
    SelectableHelper,
    dsl::exists,
    sql_types::{Array, Text, Uuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use understudy_domain::{
    Team, TeamId, TeamRole, UserId,
    ports::{StoreError, StoreResult, TeamRepository},
};

use crate::{
    errors::{corrupt, on_read, on_write},
    schema::{assistants, team_members, teams},
    sql::{Sql, prepared},
    unit_of_work::PgUnitOfWork,
    values::{Key, Moment},
};

/// The members of one team.
pub(crate) type Members = BTreeMap<UserId, TeamRole>;

/// A team as it is stored, without its members.
#[derive(Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = teams, check_for_backend(diesel::pg::Pg))]
#[diesel(primary_key(organization_id, id))]
pub(crate) struct Row {
    organization_id: Key,
    /// Its identifier.
    pub(crate) id: Key,
    name: String,
    name_key: String,
    created_at: Moment,
    updated_at: Moment,
    revision: i64,
}

impl From<&Team> for Row {
    fn from(team: &Team) -> Self {
        Self {
            organization_id: team.organization.into(),
            id: team.id.into(),
            name: team.name.clone(),
            name_key: team.name.to_lowercase(),
            created_at: Moment(team.created_at),
            updated_at: Moment(team.updated_at),
            revision: team.revision,
        }
    }
}

impl Row {
    /// The team with these members.
    pub(crate) fn with(self, members: Members) -> Team {
        Team {
            id: self.id.id(),
            organization: self.organization_id.id(),
            name: self.name,
            members,
            created_at: self.created_at.0,
            updated_at: self.updated_at.0,
            revision: self.revision,
        }
    }
}

/// Reads a stored role.
pub(crate) fn role(text: &str) -> StoreResult<TeamRole> {
    text.parse().map_err(corrupt("team_members"))
}

/// Makes the stored members those of `team`.
async fn write_members(conn: &mut AsyncPgConnection, team: &Team) -> StoreResult<()> {
    let (tenant, id) = (Key::from(team.organization), Key::from(team.id));
    let users: Vec<Key> = team.members.keys().copied().map(Key::from).collect();
    let roles: Vec<&'static str> = team.members.values().map(|role| role.as_str()).collect();
    let gone = team_members::table
        .filter(team_members::organization_id.eq(tenant))
        .filter(team_members::team_id.eq(id))
        .filter(team_members::user_id.ne_all(users.clone()));
    diesel::delete(gone).execute(conn).await.map_err(on_write("team_members"))?;
    if users.is_empty() {
        return Ok(());
    }
    Sql::<()>::new(
        "INSERT INTO team_members (organization_id, team_id, user_id, role) \
         SELECT ?, ?, m.user_id, m.role FROM unnest(?, ?) AS m (user_id, role) \
         ON CONFLICT (organization_id, team_id, user_id) DO UPDATE SET role = excluded.role \
         WHERE team_members.role <> excluded.role",
    )
    .bind::<Uuid, _>(tenant)
    .bind::<Uuid, _>(id)
    .bind::<Array<Uuid>, _>(users)
    .bind::<Array<Text>, _>(roles)
    .execute(conn)
    .await
    .map_err(on_write("team_members"))?;
    Ok(())
}

#[async_trait]
impl TeamRepository for PgUnitOfWork {
    #[tracing::instrument(name = "db.teams.find", skip_all, fields(team.id = %id))]
    async fn find(&mut self, id: TeamId) -> StoreResult<Option<Team>> {
        let row: Option<Row> = teams::table
            .find((self.tenant(), Key::from(id)))
            .select(Row::as_select())
            .for_no_key_update()
            .first(self.conn()?)
            .await
            .optional()
            .map_err(on_read("teams"))?;
        let Some(row) = row else { return Ok(None) };
        let members: Vec<(Key, String)> = team_members::table
            .filter(team_members::organization_id.eq(self.tenant()))
            .filter(team_members::team_id.eq(row.id))
            .select((team_members::user_id, team_members::role))
            .load(self.conn()?)
            .await
            .map_err(on_read("team_members"))?;
        let members = members.into_iter().map(|(user, text)| Ok((user.id(), role(&text)?)));
        Ok(Some(row.with(members.collect::<StoreResult<_>>()?)))
    }

    #[tracing::instrument(name = "db.teams.insert", skip_all, fields(team.id = %team.id))]
    async fn insert(&mut self, team: &Team) -> StoreResult<()> {
        let conn = self.conn()?;
        prepared(diesel::insert_into(teams::table).values(Row::from(team)))
            .execute(conn)
            .await
            .map_err(on_write("teams"))?;
        write_members(conn, team).await
    }

    #[tracing::instrument(name = "db.teams.update", skip_all, fields(team.id = %team.id))]
    async fn update(&mut self, mut team: Team) -> StoreResult<Team> {
        let read = team.revision;
        team.revision += 1;
        let unchanged =
            teams::table.find((self.tenant(), Key::from(team.id))).filter(teams::revision.eq(read));
        let conn = self.conn()?;
        let updated = prepared(diesel::update(unchanged).set(Row::from(&team))).execute(conn).await;
        if updated.map_err(on_write("teams"))? != 1 {
            return Err(StoreError::Conflict);
        }
        write_members(conn, &team).await?;
        Ok(team)
    }

    #[tracing::instrument(name = "db.teams.delete", skip_all, fields(team.id = %id))]
    async fn delete(&mut self, id: TeamId) -> StoreResult<bool> {
        // Memberships go with their foreign key.
        let team = teams::table.find((self.tenant(), Key::from(id)));
        let deleted = diesel::delete(team).execute(self.conn()?).await;
        Ok(deleted.map_err(on_write("teams"))? == 1)
    }

    #[tracing::instrument(name = "db.teams.owns_assistants", skip_all, fields(team.id = %id))]
    async fn owns_assistants(&mut self, id: TeamId) -> StoreResult<bool> {
        let owned = assistants::table
            .filter(assistants::organization_id.eq(self.tenant()))
            .filter(assistants::owner_team.eq(Key::from(id)))
            .filter(assistants::editing_id.is_null())
            .filter(assistants::deleted_at.is_null());
        diesel::select(exists(owned)).get_result(self.conn()?).await.map_err(on_read("assistants"))
    }
}
