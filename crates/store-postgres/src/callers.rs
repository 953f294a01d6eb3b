//! Callers, found by what they show before their organization is known.

use std::{iter::zip, mem::take};

use async_trait::async_trait;
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, Queryable,
    dsl::{AsSelect, SqlTypeOf},
    pg::Pg,
    sql_types::{Array, Binary, Bool, Nullable, Text, Timestamptz, Uuid},
};
use diesel_async::RunQueryDsl;
use understudy_domain::{
    Actor, AssistantRef, Credential, Email, Organization, OrganizationId, PasswordHash, Secret,
    TeamId, TeamRole, TokenId, TokenLimits, TokenUse,
    ports::{
        AssistantRecord, CallerQueries, CallerRecord, Installation, LoginRecord, Proof, StoreError,
        StoreResult,
    },
};

use crate::{
    assistant_queries::{RecordRow, RecordTypes, record, reference_columns},
    credentials::LimitsRow,
    errors::{corrupt, on_read, on_write},
    organizations,
    schema::installation,
    sql::Sql,
    store::PgStore,
    teams, users,
    values::{Hash, Key, Moment, comparable},
};

/// What `find_caller` says of the caller, in its order.
#[derive(Debug, Queryable)]
#[diesel(check_for_backend(diesel::pg::Pg))]
struct CallerRow {
    organization: Key,
    user: Key,
    email: String,
    name: String,
    role: String,
    departments: Vec<String>,
    teams: Vec<Key>,
    team_roles: Vec<String>,
    ai_seat: bool,
    disabled: bool,
    expires_at: Option<Moment>,
    session: Option<Key>,
    token: Option<Key>,
    token_read_only: Option<bool>,
    token_assistant: Option<Key>,
    token_cidr: Option<String>,
    token_scopes: Option<Vec<String>>,
}

type CallerTypes = (
    Uuid,
    Uuid,
    Text,
    Text,
    Text,
    Array<Text>,
    Array<Uuid>,
    Array<Text>,
    Bool,
    Bool,
    Nullable<Timestamptz>,
    Nullable<Uuid>,
    Nullable<Uuid>,
    Nullable<Bool>,
    Nullable<Uuid>,
    Nullable<Text>,
    Nullable<Array<Text>>,
);

type Found = (CallerRow, Option<RecordRow>);

impl CallerRow {
    fn teams(&mut self) -> StoreResult<Vec<(TeamId, TeamRole)>> {
        let (teams, roles) = (take(&mut self.teams), take(&mut self.team_roles));
        zip(teams, roles).map(|(team, text)| Ok((team.id(), teams::role(&text)?))).collect()
    }

    fn credential(&mut self) -> StoreResult<Credential> {
        if let Some(session) = self.session {
            return Ok(Credential::Session(session.id()));
        }
        let Some(token) = self.token else {
            return Err(corrupt("api_tokens")("a caller came by neither token nor session"));
        };
        let limits = TokenLimits::try_from(LimitsRow {
            read_only: self.token_read_only.unwrap_or(true),
            assistant_id: self.token_assistant,
            cidr: self.token_cidr.take(),
            scopes: self.token_scopes.take().unwrap_or_default(),
            expires_at: self.expires_at,
        })?;
        Ok(Credential::Token { id: token.id(), limits })
    }
}

impl TryFrom<CallerRow> for CallerRecord {
    type Error = StoreError;

    fn try_from(mut row: CallerRow) -> Result<Self, StoreError> {
        let actor = Actor {
            user: row.user.id(),
            organization: row.organization.id(),
            email: users::email(&row.email)?,
            role: users::role(&row.role)?,
            departments: users::departments(&row.departments)?,
            teams: row.teams()?,
            ai_seat: row.ai_seat,
            credential: row.credential()?,
            name: row.name,
        };
        Ok(Self { actor, disabled: row.disabled, expires_at: row.expires_at.map(|at| at.0) })
    }
}

impl PgStore {
    async fn find_caller(
        &self,
        proof: Proof,
        reference: Option<&AssistantRef>,
    ) -> StoreResult<Vec<Found>> {
        let (token, cookie, session, known) = match proof {
            Proof::Token(hash) => (Some(Hash(hash)), None, None, None),
            Proof::Cookie(hash) => (None, Some(Hash(hash)), None, None),
            Proof::Session(id) => (None, None, Some(Key::from(id)), None),
            Proof::KnownToken(id) => (None, None, None, Some(Key::from(id))),
        };
        let (id, slug) = reference.map_or((None, None), reference_columns);
        let mut conn = self.connections.get().await?;
        Sql::<(CallerTypes, Nullable<RecordTypes>)>::new(
            "SELECT * FROM find_caller(?, ?, ?, ?, ?, ?)",
        )
        .bind::<Nullable<Binary>, _>(token)
        .bind::<Nullable<Binary>, _>(cookie)
        .bind::<Nullable<Uuid>, _>(session)
        .bind::<Nullable<Uuid>, _>(known)
        .bind::<Nullable<Uuid>, _>(id)
        .bind::<Nullable<Text>, _>(slug)
        .load::<Found>(&mut conn)
        .await
        .map_err(on_read("users"))
    }
}

#[async_trait]
impl CallerQueries for PgStore {
    #[tracing::instrument(name = "db.callers.find", skip_all)]
    async fn find(&self, proof: Proof) -> StoreResult<Option<CallerRecord>> {
        let found = self.find_caller(proof, None).await?.into_iter().next();
        found.map(|(caller, _)| caller.try_into()).transpose()
    }

    #[tracing::instrument(name = "db.callers.find_with_assistant", skip_all)]
    async fn find_with_assistant(
        &self,
        proof: Proof,
        reference: &AssistantRef,
    ) -> StoreResult<Option<(CallerRecord, Option<AssistantRecord>)>> {
        let (callers, records): (Vec<_>, Vec<_>) =
            self.find_caller(proof, Some(reference)).await?.into_iter().unzip();
        let Some(caller) = callers.into_iter().next() else { return Ok(None) };
        Ok(Some((caller.try_into()?, record(records.into_iter().flatten())?)))
    }

    #[tracing::instrument(name = "db.callers.find_login", skip_all)]
    async fn find_login(&self, email: &Email) -> StoreResult<Option<LoginRecord>> {
        let mut conn = self.connections.get().await?;
        let row = Sql::<(Uuid, Uuid, Nullable<Text>, Bool)>::new("SELECT * FROM find_login(?)")
            .bind::<Text, _>(email.as_str().to_owned())
            .get_result::<(Key, Key, Option<String>, bool)>(&mut conn)
            .await
            .optional()
            .map_err(on_read("users"))?;
        Ok(row.map(|(user, organization, password, disabled)| LoginRecord {
            user: user.id(),
            organization: organization.id(),
            password: password.map(|hash| PasswordHash(Secret::new(hash))),
            disabled,
        }))
    }

    #[tracing::instrument(name = "db.callers.record_uses", skip_all)]
    async fn record_uses(&self, uses: &[(OrganizationId, TokenId, TokenUse)]) -> StoreResult<()> {
        // In the order of their keys, so that two of these never wait for each other.
        let mut uses: Vec<_> = uses.iter().collect();
        uses.sort_by_key(|(tenant, token, last)| (*tenant, *token, last.at));
        let tenants: Vec<Key> = uses.iter().map(|(tenant, ..)| Key::from(*tenant)).collect();
        let tokens: Vec<Key> = uses.iter().map(|(_, token, _)| Key::from(*token)).collect();
        let times: Vec<Moment> = uses.iter().map(|(_, _, last)| Moment(last.at)).collect();
        let addresses: Vec<String> =
            uses.iter().map(|(_, _, last)| comparable(last.address.clone())).collect();
        let mut conn = self.connections.get().await?;
        Sql::<()>::new("SELECT FROM record_token_uses(?, ?, ?, ?)")
            .bind::<Array<Uuid>, _>(tenants)
            .bind::<Array<Uuid>, _>(tokens)
            .bind::<Array<Timestamptz>, _>(times)
            .bind::<Array<Text>, _>(addresses)
            .execute(&mut conn)
            .await
            .map_err(on_write("api_tokens"))?;
        Ok(())
    }

    #[tracing::instrument(name = "db.callers.installation", skip_all)]
    async fn installation(&self) -> StoreResult<Option<Installation>> {
        let mut conn = self.connections.get().await?;
        let row = installation::table
            .filter(installation::single.eq(true))
            .select((installation::key_check, installation::created_at))
            .first::<(Vec<u8>, Moment)>(&mut conn)
            .await;
        let row = row.optional().map_err(on_read("installation"))?;
        Ok(row.map(|(key_check, created_at)| Installation { key_check, created_at: created_at.0 }))
    }

    #[tracing::instrument(name = "db.callers.first_organization", skip_all)]
    async fn first_organization(&self) -> StoreResult<Option<Organization>> {
        let mut conn = self.connections.get().await?;
        let row = Sql::<SqlTypeOf<AsSelect<organizations::Row, Pg>>>::new(
            "SELECT id, name, settings, created_at, revision FROM find_first_organization()",
        )
        .get_result::<organizations::Row>(&mut conn)
        .await;
        Ok(row.optional().map_err(on_read("organizations"))?.map(Organization::from))
    }
}
