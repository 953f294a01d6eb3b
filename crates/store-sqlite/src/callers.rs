//! Who is calling: the queries that run with every request, before the
//! organization is known.

use async_trait::async_trait;
use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, OptionalExtension, QueryDsl, Queryable,
    RunQueryDsl, Selectable, SelectableHelper, SqliteConnection, dsl::auto_type,
};
use understudy_domain::{
    Actor, AssistantRef, Credential, Email, Organization, OrganizationId, PasswordHash, Secret,
    SessionId, TeamId, TeamRole, TokenId, TokenLimits, TokenUse,
    ports::{
        AssistantRecord, CallerQueries, CallerRecord, Installation, LoginRecord, Proof, StoreResult,
    },
};

use crate::{
    assistant_queries,
    credentials::LimitsRow,
    errors::{corrupt, on_read, on_write},
    organizations,
    schema::{api_tokens, sessions, team_members, users},
    store::SqliteStore,
    teams,
    users::{departments, role},
    values::{Hash, Json, Key, Micros},
};

/// What of a user says who acts.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = users, check_for_backend(diesel::sqlite::Sqlite))]
struct UserRow {
    organization_id: Key,
    id: Key,
    email: String,
    name: String,
    role: String,
    departments: Json<Vec<String>>,
    ai_seat: bool,
    disabled: bool,
}

impl UserRow {
    fn caller(
        self,
        credential: Credential,
        teams: Vec<(TeamId, TeamRole)>,
    ) -> StoreResult<CallerRecord> {
        let expires_at = match &credential {
            Credential::Token { limits, .. } => limits.expires_at,
            Credential::Session(_) | Credential::Console => None,
        };
        let actor = Actor {
            user: self.id.id(),
            organization: self.organization_id.id(),
            email: Email::parse(&self.email).map_err(corrupt("users"))?,
            name: self.name,
            role: role(&self.role)?,
            departments: departments(&self.departments)?,
            teams,
            ai_seat: self.ai_seat,
            credential,
        };
        Ok(CallerRecord { actor, disabled: self.disabled, expires_at })
    }
}

/// Tokens, each beside its user.
#[auto_type]
pub(crate) fn tokens_with_users() -> _ {
    api_tokens::table.inner_join(
        users::table.on(users::organization_id
            .eq(api_tokens::organization_id)
            .and(users::id.eq(api_tokens::user_id))),
    )
}

/// Sessions, each beside its user.
#[auto_type]
pub(crate) fn sessions_with_users() -> _ {
    sessions::table.inner_join(users::table.on(
        users::organization_id.eq(sessions::organization_id).and(users::id.eq(sessions::user_id)),
    ))
}

/// The caller behind `proof`, or `None`.
fn find(conn: &mut SqliteConnection, proof: Proof) -> StoreResult<Option<CallerRecord>> {
    let columns = (UserRow::as_select(), sessions::id, sessions::expires_at);
    let row = match proof {
        Proof::Token(hash) => {
            let shown = tokens_with_users().filter(api_tokens::hash.eq(Hash(hash)));
            let row = shown
                .select((UserRow::as_select(), api_tokens::id, LimitsRow::as_select()))
                .first(conn);
            return by_token(conn, row.optional().map_err(on_read("api_tokens"))?);
        }
        Proof::KnownToken(id) => {
            let known = tokens_with_users().filter(api_tokens::id.eq(Key::from(id)));
            let row = known
                .select((UserRow::as_select(), api_tokens::id, LimitsRow::as_select()))
                .first(conn);
            return by_token(conn, row.optional().map_err(on_read("api_tokens"))?);
        }
        Proof::Cookie(cookie) => sessions_with_users()
            .filter(sessions::cookie.eq(Hash(cookie)))
            .select(columns)
            .first(conn),
        Proof::Session(id) => {
            sessions_with_users().filter(sessions::id.eq(Key::from(id))).select(columns).first(conn)
        }
    };
    by_session(conn, row.optional().map_err(on_read("sessions"))?)
}

/// The caller and the assistant they name.
pub(crate) fn find_with_assistant(
    conn: &mut SqliteConnection,
    proof: Proof,
    reference: &AssistantRef,
) -> StoreResult<Option<(CallerRecord, Option<AssistantRecord>)>> {
    let Some(caller) = find(conn, proof)? else { return Ok(None) };
    let home = Key::from(caller.actor.organization);
    let assistant = assistant_queries::find(conn, home, reference)?;
    Ok(Some((caller, assistant)))
}

/// A token beside its user.
type TokenColumns = (UserRow, Key, LimitsRow);

fn by_token(
    conn: &mut SqliteConnection,
    row: Option<TokenColumns>,
) -> StoreResult<Option<CallerRecord>> {
    let Some((user, id, limits)) = row else { return Ok(None) };
    let limits = TokenLimits::try_from(limits)?;
    let teams = teams_of(conn, &user)?;
    user.caller(Credential::Token { id: id.id(), limits }, teams).map(Some)
}

fn by_session(
    conn: &mut SqliteConnection,
    row: Option<(UserRow, Key, Micros)>,
) -> StoreResult<Option<CallerRecord>> {
    let Some((user, id, expires_at)) = row else { return Ok(None) };
    let session: SessionId = id.id();
    let teams = teams_of(conn, &user)?;
    let caller = user.caller(Credential::Session(session), teams)?;
    Ok(Some(CallerRecord { expires_at: Some(expires_at.0), ..caller }))
}

fn teams_of(conn: &mut SqliteConnection, user: &UserRow) -> StoreResult<Vec<(TeamId, TeamRole)>> {
    let rows: Vec<(Key, String)> = team_members::table
        .filter(team_members::organization_id.eq(user.organization_id))
        .filter(team_members::user_id.eq(user.id))
        .order(team_members::team_id)
        .select((team_members::team_id, team_members::role))
        .load(conn)
        .map_err(on_read("team_members"))?;
    rows.into_iter().map(|(team, text)| Ok((team.id(), teams::role(&text)?))).collect()
}

fn find_login(conn: &mut SqliteConnection, email: &Email) -> StoreResult<Option<LoginRecord>> {
    let row = users::table
        .filter(users::email.eq(email.as_str()))
        .select((users::id, users::organization_id, users::password, users::disabled))
        .first::<(Key, Key, Option<String>, bool)>(conn);
    let row = row.optional().map_err(on_read("users"))?;
    Ok(row.map(|(user, organization, password, disabled)| LoginRecord {
        user: user.id(),
        organization: organization.id(),
        password: password.map(|hash| PasswordHash(Secret::new(hash))),
        disabled,
    }))
}

fn record_use(
    conn: &mut SqliteConnection,
    (tenant, token, last): &(OrganizationId, TokenId, TokenUse),
) -> StoreResult<()> {
    let at = Micros(last.at);
    let earlier = api_tokens::table
        .find((Key::from(*tenant), Key::from(*token)))
        .filter(api_tokens::used_at.is_null().or(api_tokens::used_at.lt(at)));
    diesel::update(earlier)
        .set((api_tokens::used_at.eq(at), api_tokens::used_from.eq(&last.address)))
        .execute(conn)
        .map_err(on_write("api_tokens"))?;
    Ok(())
}

#[async_trait]
impl CallerQueries for SqliteStore {
    async fn find(&self, proof: Proof) -> StoreResult<Option<CallerRecord>> {
        self.readers.glance("callers.find", move |conn| find(conn, proof)).await
    }

    async fn find_with_assistant(
        &self,
        proof: Proof,
        reference: &AssistantRef,
    ) -> StoreResult<Option<(CallerRecord, Option<AssistantRecord>)>> {
        let reference = reference.clone();
        self.readers
            .glance("callers.find_with_assistant", move |conn| {
                find_with_assistant(conn, proof, &reference)
            })
            .await
    }

    async fn find_login(&self, email: &Email) -> StoreResult<Option<LoginRecord>> {
        let email = email.clone();
        self.readers.run("callers.find_login", move |conn| find_login(conn, &email)).await
    }

    async fn record_uses(&self, uses: &[(OrganizationId, TokenId, TokenUse)]) -> StoreResult<()> {
        if uses.is_empty() {
            return Ok(());
        }
        let uses = uses.to_vec();
        self.writer
            .run("callers.record_uses", move |conn| {
                uses.iter().try_for_each(|last| record_use(conn, last))
            })
            .await
    }

    async fn installation(&self) -> StoreResult<Option<Installation>> {
        self.readers.run("callers.installation", organizations::installation).await
    }

    async fn first_organization(&self) -> StoreResult<Option<Organization>> {
        self.readers.run("callers.first_organization", organizations::first).await
    }
}
