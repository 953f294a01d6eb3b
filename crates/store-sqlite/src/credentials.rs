//! API tokens and sessions.

use std::collections::BTreeSet;

use async_trait::async_trait;
use diesel::{
    ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable, RunQueryDsl, Selectable,
    SelectableHelper, SqliteConnection,
};
use understudy_domain::{
    ApiToken, Scope, Session, SessionId, TokenId, TokenKind, TokenLimits, TokenUse, UserId,
    ports::{CredentialRepository, StoreError, StoreResult},
};

use crate::{
    errors::{corrupt, on_read, on_write},
    schema::{api_tokens, sessions},
    unit_of_work::SqliteUnitOfWork,
    values::{Hash, Json, Key, Micros},
};

/// The columns that narrow a token.
#[derive(Debug, Queryable, Selectable, Insertable, diesel::AsChangeset)]
#[diesel(table_name = api_tokens, check_for_backend(diesel::sqlite::Sqlite))]
#[diesel(treat_none_as_null = true)]
pub(crate) struct LimitsRow {
    read_only: bool,
    assistant_id: Option<Key>,
    cidr: Option<String>,
    scopes: Json<BTreeSet<Scope>>,
    expires_at: Option<Micros>,
}

impl From<&TokenLimits> for LimitsRow {
    fn from(limits: &TokenLimits) -> Self {
        Self {
            read_only: limits.read_only,
            assistant_id: limits.assistant.map(Key::from),
            cidr: limits.cidr.map(|cidr| cidr.to_string()),
            scopes: Json(limits.scopes.clone()),
            expires_at: limits.expires_at.map(Micros),
        }
    }
}

impl TryFrom<LimitsRow> for TokenLimits {
    type Error = StoreError;

    fn try_from(row: LimitsRow) -> Result<Self, StoreError> {
        let cidr = row.cidr.map(|cidr| cidr.parse()).transpose().map_err(corrupt("api_tokens"))?;
        if row.scopes.0.is_empty() {
            return Err(corrupt("api_tokens")("a token has no scope"));
        }
        Ok(Self {
            read_only: row.read_only,
            assistant: row.assistant_id.map(Key::id),
            cidr,
            scopes: row.scopes.0,
            expires_at: row.expires_at.map(|at| at.0),
        })
    }
}

#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = api_tokens, check_for_backend(diesel::sqlite::Sqlite))]
struct TokenRow {
    organization_id: Key,
    id: Key,
    user_id: Key,
    kind: String,
    notes: String,
    #[diesel(embed)]
    limits: LimitsRow,
    hash: Hash,
    created_at: Micros,
    updated_at: Micros,
    used_at: Option<Micros>,
    used_from: Option<String>,
}

impl From<&ApiToken> for TokenRow {
    fn from(token: &ApiToken) -> Self {
        Self {
            organization_id: token.organization.into(),
            id: token.id.into(),
            user_id: token.user.into(),
            kind: token.kind.as_str().to_owned(),
            notes: token.notes.clone(),
            limits: LimitsRow::from(&token.limits),
            hash: Hash(token.hash),
            created_at: Micros(token.created_at),
            updated_at: Micros(token.updated_at),
            used_at: token.last_use.as_ref().map(|last| Micros(last.at)),
            used_from: token.last_use.as_ref().map(|last| last.address.clone()),
        }
    }
}

impl TryFrom<TokenRow> for ApiToken {
    type Error = StoreError;

    fn try_from(row: TokenRow) -> Result<Self, StoreError> {
        let kind = [TokenKind::Personal, TokenKind::Assistant]
            .into_iter()
            .find(|kind| kind.as_str() == row.kind)
            .ok_or_else(|| corrupt("api_tokens")("a token has an unknown kind"))?;
        let last_use = match (row.used_at, row.used_from) {
            (Some(at), Some(address)) => Some(TokenUse { at: at.0, address }),
            (None, None) => None,
            _ => return Err(corrupt("api_tokens")("a token's last use lacks a half")),
        };
        Ok(Self {
            id: row.id.id(),
            organization: row.organization_id.id(),
            user: row.user_id.id(),
            kind,
            notes: row.notes,
            limits: row.limits.try_into()?,
            hash: row.hash.0,
            created_at: row.created_at.0,
            updated_at: row.updated_at.0,
            last_use,
        })
    }
}

#[derive(Debug, Insertable)]
#[diesel(table_name = sessions, check_for_backend(diesel::sqlite::Sqlite))]
struct SessionRow {
    organization_id: Key,
    id: Key,
    user_id: Key,
    cookie: Hash,
    created_at: Micros,
    expires_at: Micros,
}

impl From<&Session> for SessionRow {
    fn from(session: &Session) -> Self {
        Self {
            organization_id: session.organization.into(),
            id: session.id.into(),
            user_id: session.user.into(),
            cookie: Hash(session.cookie),
            created_at: Micros(session.created_at),
            expires_at: Micros(session.expires_at),
        }
    }
}

/// All tokens of a user, newest first.
pub(crate) fn tokens_of(
    conn: &mut SqliteConnection,
    tenant: Key,
    user: Key,
) -> StoreResult<Vec<ApiToken>> {
    let rows: Vec<TokenRow> = api_tokens::table
        .filter(api_tokens::organization_id.eq(tenant))
        .filter(api_tokens::user_id.eq(user))
        .order((api_tokens::created_at.desc(), api_tokens::id.desc()))
        .select(TokenRow::as_select())
        .load(conn)
        .map_err(on_read("api_tokens"))?;
    rows.into_iter().map(ApiToken::try_from).collect()
}

/// All tokens that reach this assistant only, newest first.
pub(crate) fn tokens_for(
    conn: &mut SqliteConnection,
    tenant: Key,
    assistant: Key,
) -> StoreResult<Vec<ApiToken>> {
    let rows: Vec<TokenRow> = api_tokens::table
        .filter(api_tokens::organization_id.eq(tenant))
        .filter(api_tokens::assistant_id.eq(assistant))
        .order((api_tokens::created_at.desc(), api_tokens::id.desc()))
        .select(TokenRow::as_select())
        .load(conn)
        .map_err(on_read("api_tokens"))?;
    rows.into_iter().map(ApiToken::try_from).collect()
}

#[async_trait]
impl CredentialRepository for SqliteUnitOfWork {
    async fn find_token(&mut self, id: TokenId) -> StoreResult<Option<ApiToken>> {
        let tenant = self.tenant();
        self.run("credentials.find_token", move |conn| {
            let token = api_tokens::table.find((tenant, Key::from(id)));
            let row = token.select(TokenRow::as_select()).first(conn).optional();
            row.map_err(on_read("api_tokens"))?.map(ApiToken::try_from).transpose()
        })
        .await
    }

    async fn insert_token(&mut self, token: &ApiToken) -> StoreResult<()> {
        self.check_tenant("api_tokens", token.organization)?;
        let row = TokenRow::from(token);
        self.run("credentials.insert_token", move |conn| {
            diesel::insert_into(api_tokens::table)
                .values(row)
                .execute(conn)
                .map_err(on_write("api_tokens"))?;
            Ok(())
        })
        .await
    }

    async fn update_token(&mut self, token: &ApiToken) -> StoreResult<()> {
        let tenant = self.tenant();
        let changes = (
            api_tokens::notes.eq(token.notes.clone()),
            api_tokens::updated_at.eq(Micros(token.updated_at)),
            LimitsRow::from(&token.limits),
        );
        let id = Key::from(token.id);
        self.run("credentials.update_token", move |conn| {
            diesel::update(api_tokens::table.find((tenant, id)))
                .set(changes)
                .execute(conn)
                .map_err(on_write("api_tokens"))?;
            Ok(())
        })
        .await
    }

    async fn delete_token(&mut self, id: TokenId) -> StoreResult<bool> {
        let tenant = self.tenant();
        self.run("credentials.delete_token", move |conn| {
            let token = api_tokens::table.find((tenant, Key::from(id)));
            let deleted = diesel::delete(token).execute(conn);
            Ok(deleted.map_err(on_write("api_tokens"))? == 1)
        })
        .await
    }

    async fn insert_session(&mut self, session: &Session) -> StoreResult<()> {
        self.check_tenant("sessions", session.organization)?;
        let row = SessionRow::from(session);
        self.run("credentials.insert_session", move |conn| {
            diesel::insert_into(sessions::table)
                .values(row)
                .execute(conn)
                .map_err(on_write("sessions"))?;
            Ok(())
        })
        .await
    }

    async fn delete_session(&mut self, id: SessionId) -> StoreResult<bool> {
        let tenant = self.tenant();
        self.run("credentials.delete_session", move |conn| {
            let session = sessions::table.find((tenant, Key::from(id)));
            let deleted = diesel::delete(session).execute(conn);
            Ok(deleted.map_err(on_write("sessions"))? == 1)
        })
        .await
    }

    async fn delete_sessions_of(&mut self, user: UserId) -> StoreResult<()> {
        let tenant = self.tenant();
        self.run("credentials.delete_sessions_of", move |conn| {
            let theirs = sessions::table
                .filter(sessions::organization_id.eq(tenant))
                .filter(sessions::user_id.eq(Key::from(user)));
            diesel::delete(theirs).execute(conn).map_err(on_write("sessions"))?;
            Ok(())
        })
        .await
    }
}
