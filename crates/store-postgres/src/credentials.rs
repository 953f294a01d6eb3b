//! API tokens and sessions.

use std::collections::BTreeSet;

use async_trait::async_trait;
use diesel::{
    ExpressionMethods, Insertable, OptionalExtension, QueryDsl, Queryable, Selectable,
    SelectableHelper,
};
use diesel_async::RunQueryDsl;
use understudy_domain::{
    ApiToken, Scope, Session, SessionId, TokenId, TokenKind, TokenLimits, TokenUse, UserId,
    ports::{CredentialRepository, StoreError, StoreResult},
};

use crate::{
    errors::{corrupt, on_read, on_write},
    schema::{api_tokens, sessions},
    sql::prepared,
    unit_of_work::PgUnitOfWork,
    values::{Hash, Key, Moment},
};

/// The columns that narrow a token.
#[derive(Debug, Queryable, Selectable, Insertable, diesel::AsChangeset)]
#[diesel(table_name = api_tokens, check_for_backend(diesel::pg::Pg))]
#[diesel(treat_none_as_null = true, treat_none_as_default_value = false)]
pub(crate) struct LimitsRow {
    /// `readOnly`.
    pub(crate) read_only: bool,
    /// The one assistant.
    pub(crate) assistant_id: Option<Key>,
    /// The network.
    pub(crate) cidr: Option<String>,
    /// Never empty.
    pub(crate) scopes: Vec<String>,
    /// The end.
    pub(crate) expires_at: Option<Moment>,
}

impl From<&TokenLimits> for LimitsRow {
    fn from(limits: &TokenLimits) -> Self {
        Self {
            read_only: limits.read_only,
            assistant_id: limits.assistant.map(Key::from),
            cidr: limits.cidr.map(|cidr| cidr.to_string()),
            scopes: limits.scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
            expires_at: limits.expires_at.map(Moment),
        }
    }
}

impl TryFrom<LimitsRow> for TokenLimits {
    type Error = StoreError;

    fn try_from(row: LimitsRow) -> Result<Self, StoreError> {
        let cidr = row.cidr.map(|cidr| cidr.parse()).transpose().map_err(corrupt("api_tokens"))?;
        let scopes: Result<BTreeSet<Scope>, _> =
            row.scopes.iter().map(|scope| scope.parse()).collect();
        let scopes = scopes.map_err(corrupt("api_tokens"))?;
        if scopes.is_empty() {
            return Err(corrupt("api_tokens")("a token has no scope"));
        }
        Ok(Self {
            read_only: row.read_only,
            assistant: row.assistant_id.map(Key::id),
            cidr,
            scopes,
            expires_at: row.expires_at.map(|at| at.0),
        })
    }
}

/// A token as it is stored.
#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = api_tokens, check_for_backend(diesel::pg::Pg))]
#[diesel(treat_none_as_default_value = false)]
pub(crate) struct TokenRow {
    organization_id: Key,
    id: Key,
    user_id: Key,
    kind: String,
    notes: String,
    #[diesel(embed)]
    limits: LimitsRow,
    hash: Hash,
    created_at: Moment,
    updated_at: Moment,
    used_at: Option<Moment>,
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
            created_at: Moment(token.created_at),
            updated_at: Moment(token.updated_at),
            used_at: token.last_use.as_ref().map(|last| Moment(last.at)),
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
#[diesel(table_name = sessions, check_for_backend(diesel::pg::Pg))]
struct SessionRow {
    organization_id: Key,
    id: Key,
    user_id: Key,
    cookie: Hash,
    created_at: Moment,
    expires_at: Moment,
}

impl From<&Session> for SessionRow {
    fn from(session: &Session) -> Self {
        Self {
            organization_id: session.organization.into(),
            id: session.id.into(),
            user_id: session.user.into(),
            cookie: Hash(session.cookie),
            created_at: Moment(session.created_at),
            expires_at: Moment(session.expires_at),
        }
    }
}

#[async_trait]
impl CredentialRepository for PgUnitOfWork {
    #[tracing::instrument(name = "db.credentials.find_token", skip_all, fields(token.id = %id))]
    async fn find_token(&mut self, id: TokenId) -> StoreResult<Option<ApiToken>> {
        let token = api_tokens::table.find((self.tenant(), Key::from(id)));
        let row = token.select(TokenRow::as_select()).first(self.conn()?).await.optional();
        row.map_err(on_read("api_tokens"))?.map(ApiToken::try_from).transpose()
    }

    #[tracing::instrument(name = "db.credentials.insert_token", skip_all)]
    async fn insert_token(&mut self, token: &ApiToken) -> StoreResult<()> {
        prepared(diesel::insert_into(api_tokens::table).values(TokenRow::from(token)))
            .execute(self.conn()?)
            .await
            .map_err(on_write("api_tokens"))?;
        Ok(())
    }

    #[tracing::instrument(name = "db.credentials.update_token", skip_all)]
    async fn update_token(&mut self, token: &ApiToken) -> StoreResult<()> {
        let changes = (
            api_tokens::notes.eq(token.notes.clone()),
            api_tokens::updated_at.eq(Moment(token.updated_at)),
            LimitsRow::from(&token.limits),
        );
        diesel::update(api_tokens::table.find((self.tenant(), Key::from(token.id))))
            .set(changes)
            .execute(self.conn()?)
            .await
            .map_err(on_write("api_tokens"))?;
        Ok(())
    }

    #[tracing::instrument(name = "db.credentials.delete_token", skip_all, fields(token.id = %id))]
    async fn delete_token(&mut self, id: TokenId) -> StoreResult<bool> {
        let token = api_tokens::table.find((self.tenant(), Key::from(id)));
        let deleted = diesel::delete(token).execute(self.conn()?).await;
        Ok(deleted.map_err(on_write("api_tokens"))? == 1)
    }

    #[tracing::instrument(name = "db.credentials.insert_session", skip_all)]
    async fn insert_session(&mut self, session: &Session) -> StoreResult<()> {
        prepared(diesel::insert_into(sessions::table).values(SessionRow::from(session)))
            .execute(self.conn()?)
            .await
            .map_err(on_write("sessions"))?;
        Ok(())
    }

    #[tracing::instrument(name = "db.credentials.delete_session", skip_all)]
    async fn delete_session(&mut self, id: SessionId) -> StoreResult<bool> {
        let session = sessions::table.find((self.tenant(), Key::from(id)));
        let deleted = diesel::delete(session).execute(self.conn()?).await;
        Ok(deleted.map_err(on_write("sessions"))? == 1)
    }

    #[tracing::instrument(name = "db.credentials.delete_sessions_of", skip_all)]
    async fn delete_sessions_of(&mut self, user: UserId) -> StoreResult<()> {
        let theirs = sessions::table
            .filter(sessions::organization_id.eq(self.tenant()))
            .filter(sessions::user_id.eq(Key::from(user)));
        diesel::delete(theirs).execute(self.conn()?).await.map_err(on_write("sessions"))?;
        Ok(())
    }
}
