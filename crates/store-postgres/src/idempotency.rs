//! Answers to requests with an idempotency key.

use async_trait::async_trait;
use diesel::{
    ExpressionMethods, QueryDsl,
    sql_types::{Binary, Bool, Json as SqlJson, Nullable, SmallInt, Text, Timestamptz, Uuid},
};
use diesel_async::RunQueryDsl;
use time::Duration;
use understudy_domain::{
    Timestamp, TokenHash,
    ports::{IdempotencyScope, IdempotencyStore, Reservation, StoreResult, StoredAnswer},
};

use crate::{
    errors::{corrupt, on_read, on_write},
    schema::idempotency_keys,
    sql::{Sql, prepared},
    store::PgStore,
    transaction::Transaction,
    values::{Hash, Json, JsonText, Key, Moment},
};

type Headers = Vec<(String, String)>;

/// What `reserve_idempotency_key` found: fresh, same body, and the answer.
type Found = (bool, bool, Option<i16>, Option<Json<Headers>>, Option<Vec<u8>>);

fn reservation((is_fresh, same_body, status, headers, body): Found) -> StoreResult<Reservation> {
    if is_fresh {
        return Ok(Reservation::Fresh);
    }
    if !same_body {
        return Ok(Reservation::OtherBody);
    }
    let (Some(status), Some(Json(headers)), Some(body)) = (status, headers, body) else {
        return Ok(Reservation::UnderWay);
    };
    let status = u16::try_from(status).map_err(corrupt("idempotency_keys"))?;
    Ok(Reservation::Answered(StoredAnswer { status, headers, body }))
}

#[async_trait]
impl IdempotencyStore for PgStore {
    #[tracing::instrument(name = "db.idempotency.reserve", skip_all)]
    async fn reserve(
        &self,
        scope: &IdempotencyScope,
        body: TokenHash,
        now: Timestamp,
        keep: Duration,
    ) -> StoreResult<Reservation> {
        let mut conn = self.connections.get().await?;
        let found =
            Sql::<(Bool, Bool, Nullable<SmallInt>, Nullable<SqlJson>, Nullable<Binary>)>::new(
                "SELECT * FROM reserve_idempotency_key(?, ?, ?, ?, ?, ?, ?)",
            )
            .bind::<Uuid, _>(Key::from(scope.organization))
            .bind::<Uuid, _>(Key::from(scope.user))
            .bind::<Text, _>(scope.route.clone())
            .bind::<Text, _>(scope.key.clone())
            .bind::<Binary, _>(Hash(body))
            .bind::<Timestamptz, _>(Moment(now))
            .bind::<Timestamptz, _>(Moment(now.plus(-keep)))
            .get_result::<Found>(&mut conn)
            .await
            .map_err(on_read("idempotency_keys"))?;
        reservation(found)
    }

    #[tracing::instrument(name = "db.idempotency.complete", skip_all)]
    async fn complete(&self, scope: &IdempotencyScope, answer: &StoredAnswer) -> StoreResult<()> {
        let status = i16::try_from(answer.status).map_err(corrupt("idempotency_keys"))?;
        let mut transaction = Transaction::begin(&self.connections, scope.organization).await?;
        let given = (
            idempotency_keys::status.eq(status),
            idempotency_keys::headers.eq(JsonText::of(&answer.headers)?),
            idempotency_keys::body.eq(answer.body.clone()),
        );
        prepared(diesel::update(idempotency_keys::table.find(id(scope))).set(given))
            .execute(transaction.conn()?)
            .await
            .map_err(on_write("idempotency_keys"))?;
        transaction.commit().await
    }

    #[tracing::instrument(name = "db.idempotency.release", skip_all)]
    async fn release(&self, scope: &IdempotencyScope) -> StoreResult<()> {
        let mut transaction = Transaction::begin(&self.connections, scope.organization).await?;
        diesel::delete(idempotency_keys::table.find(id(scope)))
            .execute(transaction.conn()?)
            .await
            .map_err(on_write("idempotency_keys"))?;
        transaction.commit().await
    }

    #[tracing::instrument(name = "db.idempotency.sweep", skip_all)]
    async fn sweep(&self, before: Timestamp, now: Timestamp) -> StoreResult<()> {
        let mut conn = self.connections.get().await?;
        Sql::<()>::new("SELECT FROM sweep(?, ?)")
            .bind::<Timestamptz, _>(Moment(before))
            .bind::<Timestamptz, _>(Moment(now))
            .execute(&mut conn)
            .await
            .map_err(on_write("idempotency_keys"))?;
        Ok(())
    }
}

fn id(scope: &IdempotencyScope) -> (Key, Key, String, String) {
    let (organization, user) = (Key::from(scope.organization), Key::from(scope.user));
    (organization, user, scope.route.clone(), scope.key.clone())
}
