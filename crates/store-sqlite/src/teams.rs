//! Teams and their members.

use std::collections::BTreeMap;

use async_trait::async_trait;
use diesel::{
    AsChangeset, ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable,
    RunQueryDsl, Selectable, SelectableHelper, SqliteConnection, dsl::exists,
};
use understudy_domain::{
    Team, TeamId, TeamRole, UserId,
    ports::{StoreError, StoreResult, TeamRepository},
};

use crate::{
    errors::{corrupt, on_read, on_write},
    schema::{assistants, team_members, teams},
    sql::Sql,
    unit_of_work::SqliteUnitOfWork,
    values::{Key, Micros},
};

type Members = BTreeMap<UserId, TeamRole>;

#[derive(Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = teams, check_for_backend(diesel::sqlite::Sqlite))]
#[diesel(primary_key(organization_id, id))]
struct Row {
    organization_id: Key,
    id: Key,
    name: String,
    name_key: String,
    created_at: Micros,
    updated_at: Micros,
    revision: i64,
}

impl From<&Team> for Row {
    fn from(team: &Team) -> Self {
        Self {
            organization_id: team.organization.into(),
            id: team.id.into(),
            name: team.name.clone(),
            name_key: team.name.to_lowercase(),
            created_at: Micros(team.created_at),
            updated_at: Micros(team.updated_at),
            revision: team.revision,
        }
    }
}

impl Row {
    fn with(self, members: Members) -> Team {
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

/// The team, or `None`.
pub(crate) fn find(conn: &mut SqliteConnection, tenant: Key, id: Key) -> StoreResult<Option<Team>> {
    let row = teams::table.find((tenant, id)).select(Row::as_select()).first(conn);
    let Some(row) = row.optional().map_err(on_read("teams"))? else { return Ok(None) };
    Ok(Some(row.with(members(conn, tenant, id)?)))
}

/// All teams by name.
pub(crate) fn all(conn: &mut SqliteConnection, tenant: Key) -> StoreResult<Vec<Team>> {
    let rows: Vec<Row> = teams::table
        .filter(teams::organization_id.eq(tenant))
        .order((teams::name_key, teams::id))
        .select(Row::as_select())
        .load(conn)
        .map_err(on_read("teams"))?;
    let memberships: Vec<(Key, Key, String)> = team_members::table
        .filter(team_members::organization_id.eq(tenant))
        .select((team_members::team_id, team_members::user_id, team_members::role))
        .load(conn)
        .map_err(on_read("team_members"))?;
    let mut by_team = BTreeMap::<Key, Members>::new();
    for (team, user, text) in memberships {
        by_team.entry(team).or_default().insert(user.id(), role(&text)?);
    }
    let with_members = |row: Row| {
        let members = by_team.remove(&row.id).unwrap_or_default();
        row.with(members)
    };
    Ok(rows.into_iter().map(with_members).collect())
}

fn members(conn: &mut SqliteConnection, tenant: Key, team: Key) -> StoreResult<Members> {
    let rows: Vec<(Key, String)> = team_members::table
        .filter(team_members::organization_id.eq(tenant))
        .filter(team_members::team_id.eq(team))
        .select((team_members::user_id, team_members::role))
        .load(conn)
        .map_err(on_read("team_members"))?;
    rows.into_iter().map(|(user, text)| Ok((user.id(), role(&text)?))).collect()
}

/// Writes what differs between the stored members and those of `team`.
fn write_members(conn: &mut SqliteConnection, team: &Team) -> StoreResult<()> {
    let (tenant, id) = (Key::from(team.organization), Key::from(team.id));
    let stored = members(conn, tenant, id)?;
    for user in stored.keys().filter(|user| !team.members.contains_key(user)) {
        diesel::delete(team_members::table.find((tenant, id, Key::from(*user))))
            .execute(conn)
            .map_err(on_write("team_members"))?;
    }
    for (user, role) in team.members.iter().filter(|(user, role)| stored.get(user) != Some(role)) {
        let mut upsert = Sql::<()>::new("INSERT OR REPLACE INTO team_members VALUES (");
        upsert.word(tenant.text()).text(", ").word(id.text()).text(", ");
        upsert.word(Key::from(*user).text()).text(", ").word(role.as_str().to_owned()).text(")");
        upsert.execute(conn).map_err(on_write("team_members"))?;
    }
    Ok(())
}

#[async_trait]
impl TeamRepository for SqliteUnitOfWork {
    async fn find(&mut self, id: TeamId) -> StoreResult<Option<Team>> {
        let tenant = self.tenant();
        self.run("teams.find", move |conn| find(conn, tenant, id.into())).await
    }

    async fn insert(&mut self, team: &Team) -> StoreResult<()> {
        self.check_tenant("teams", team.organization)?;
        let team = team.clone();
        self.run("teams.insert", move |conn| {
            diesel::insert_into(teams::table)
                .values(Row::from(&team))
                .execute(conn)
                .map_err(on_write("teams"))?;
            write_members(conn, &team)
        })
        .await
    }

    async fn update(&mut self, mut team: Team) -> StoreResult<Team> {
        self.check_tenant("teams", team.organization)?;
        let tenant = self.tenant();
        self.run("teams.update", move |conn| {
            let read = team.revision;
            team.revision += 1;
            let unchanged =
                teams::table.find((tenant, Key::from(team.id))).filter(teams::revision.eq(read));
            let updated = diesel::update(unchanged).set(Row::from(&team)).execute(conn);
            if updated.map_err(on_write("teams"))? != 1 {
                return Err(StoreError::Conflict);
            }
            write_members(conn, &team)?;
            Ok(team)
        })
        .await
    }

    async fn delete(&mut self, id: TeamId) -> StoreResult<bool> {
        let tenant = self.tenant();
        self.run("teams.delete", move |conn| {
            // Memberships go with their foreign key.
            let deleted = diesel::delete(teams::table.find((tenant, Key::from(id)))).execute(conn);
            Ok(deleted.map_err(on_write("teams"))? == 1)
        })
        .await
    }

    async fn owns_assistants(&mut self, id: TeamId) -> StoreResult<bool> {
        let tenant = self.tenant();
        self.run("teams.owns_assistants", move |conn| {
            let owned = assistants::table
                .filter(assistants::organization_id.eq(tenant))
                .filter(assistants::owner_team.eq(Key::from(id)))
                .filter(assistants::editing_id.is_null())
                .filter(assistants::deleted_at.is_null());
            diesel::select(exists(owned)).get_result(conn).map_err(on_read("assistants"))
        })
        .await
    }
}
