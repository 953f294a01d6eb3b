//! Answers to requests with an idempotency key.

use async_trait::async_trait;
use diesel::{
    AsChangeset, ExpressionMethods, OptionalExtension, QueryDsl, Queryable, RunQueryDsl,
    Selectable, SelectableHelper, SqliteConnection,
};
use time::Duration;
use understudy_domain::{
    Timestamp, TokenHash,
    ports::{IdempotencyScope, IdempotencyStore, Reservation, StoreResult, StoredAnswer},
};

use crate::{
    errors::{corrupt, on_read, on_write},
    schema::{idempotency_keys as table, sessions},
    store::SqliteStore,
    values::{Hash, Json, Key, Micros},
};

type Headers = Json<Vec<(String, String)>>;

#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = table, check_for_backend(diesel::sqlite::Sqlite))]
struct Row {
    body_hash: Hash,
    created_at: Micros,
    status: Option<i32>,
    headers: Option<Headers>,
    body: Option<Vec<u8>>,
}

#[derive(Debug, AsChangeset)]
#[diesel(table_name = table, check_for_backend(diesel::sqlite::Sqlite))]
#[diesel(treat_none_as_null = true)]
struct Answer {
    status: Option<i32>,
    headers: Option<Headers>,
    body: Option<Vec<u8>>,
}

impl Row {
    /// What the stored key means to a request with this body.
    fn reservation(self, body: TokenHash) -> StoreResult<Reservation> {
        if self.body_hash != Hash(body) {
            return Ok(Reservation::OtherBody);
        }
        match (self.status, self.headers, self.body) {
            (Some(status), Some(headers), Some(body)) => {
                let status = u16::try_from(status).map_err(corrupt("idempotency_keys"))?;
                Ok(Reservation::Answered(StoredAnswer { status, headers: headers.0, body }))
            }
            (None, None, None) => Ok(Reservation::UnderWay),
            _ => Err(corrupt("idempotency_keys")("a stored answer lacks a part")),
        }
    }
}

type ScopeKey = (Key, Key, String, String);

fn key_of(scope: &IdempotencyScope) -> ScopeKey {
    (scope.organization.into(), scope.user.into(), scope.route.clone(), scope.key.clone())
}

fn reserve(
    conn: &mut SqliteConnection,
    key: ScopeKey,
    body: TokenHash,
    now: Timestamp,
    keep: Duration,
) -> StoreResult<Reservation> {
    let row = table::table.find(key.clone()).select(Row::as_select()).first(conn).optional();
    let row: Option<Row> = row.map_err(on_read("idempotency_keys"))?;
    if let Some(row) = row.filter(|row| now.since(row.created_at.0) <= keep) {
        return row.reservation(body);
    }

    let (organization, user, route, text) = key;
    diesel::replace_into(table::table)
        .values((
            table::organization_id.eq(organization),
            table::user_id.eq(user),
            table::route.eq(route),
            table::key.eq(text),
            table::body_hash.eq(Hash(body)),
            table::created_at.eq(Micros(now)),
        ))
        .execute(conn)
        .map_err(on_write("idempotency_keys"))?;
    Ok(Reservation::Fresh)
}

fn sweep(conn: &mut SqliteConnection, before: Timestamp, now: Timestamp) -> StoreResult<()> {
    diesel::delete(table::table.filter(table::created_at.lt(Micros(before))))
        .execute(conn)
        .map_err(on_write("idempotency_keys"))?;
    diesel::delete(sessions::table.filter(sessions::expires_at.le(Micros(now))))
        .execute(conn)
        .map_err(on_write("sessions"))?;
    Ok(())
}

#[async_trait]
impl IdempotencyStore for SqliteStore {
    async fn reserve(
        &self,
        scope: &IdempotencyScope,
        body: TokenHash,
        now: Timestamp,
        keep: Duration,
    ) -> StoreResult<Reservation> {
        let key = key_of(scope);
        self.writer
            .run("idempotency.reserve", move |conn| reserve(conn, key, body, now, keep))
            .await
    }

    async fn complete(&self, scope: &IdempotencyScope, answer: &StoredAnswer) -> StoreResult<()> {
        let key = key_of(scope);
        let answer = Answer {
            status: Some(answer.status.into()),
            headers: Some(Json(answer.headers.clone())),
            body: Some(answer.body.clone()),
        };
        self.writer
            .run("idempotency.complete", move |conn| {
                diesel::update(table::table.find(key))
                    .set(answer)
                    .execute(conn)
                    .map_err(on_write("idempotency_keys"))?;
                Ok(())
            })
            .await
    }

    async fn release(&self, scope: &IdempotencyScope) -> StoreResult<()> {
        let key = key_of(scope);
        self.writer
            .run("idempotency.release", move |conn| {
                diesel::delete(table::table.find(key))
                    .execute(conn)
                    .map_err(on_write("idempotency_keys"))?;
                Ok(())
            })
            .await
    }

    async fn sweep(&self, before: Timestamp, now: Timestamp) -> StoreResult<()> {
        self.writer.run("idempotency.sweep", move |conn| sweep(conn, before, now)).await
    }
}
