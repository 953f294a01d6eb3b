//! The index of who may reach an assistant, kept in the transaction of the
//! assistant itself.

use diesel::sql_types::{Array, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use understudy_domain::{
    Assistant,
    access::{self, Realm},
    ports::StoreResult,
};
use uuid::Uuid;

use crate::{
    assistants::name_key,
    errors::on_write,
    sql::Sql,
    values::{Key, Moment},
};

/// The audience in columns, one for each part of a grant.
#[derive(Default)]
struct Columns {
    realms: Vec<Key>,
    keys: Vec<String>,
    levels: Vec<i16>,
}

impl Columns {
    /// Everyone who may reach it: nobody when it is a draft or deleted.
    fn of(assistant: &Assistant) -> Self {
        let mut columns = Self::default();
        if assistant.is_draft() || assistant.deleted_at.is_some() {
            return columns;
        }
        for grant in access::audience(assistant) {
            columns.realms.push(match grant.realm {
                Realm::Organization(organization) => organization.into(),
                Realm::Everywhere => Key(Uuid::nil()),
            });
            columns.keys.push(grant.key.as_str().to_owned());
            columns.levels.push(grant.level.rank());
        }
        columns
    }
}

/// Writes the audience of an assistant that had none.
pub(crate) async fn write_first(
    conn: &mut AsyncPgConnection,
    assistant: &Assistant,
) -> StoreResult<()> {
    upsert(conn, assistant, Columns::of(assistant)).await
}

/// Replaces the audience of an assistant, sort keys included. `with` is what goes in
/// front of a statement, so that it costs no round trip of its own.
pub(crate) async fn write(
    conn: &mut AsyncPgConnection,
    assistant: &Assistant,
    with: Sql<()>,
) -> StoreResult<()> {
    let columns = Columns::of(assistant);
    with.then(
        "DELETE FROM assistant_audience WHERE organization_id = ? AND assistant_id = ? \
         AND (realm, key) NOT IN (SELECT * FROM unnest(?, ?))",
    )
    .bind::<SqlUuid, _>(Key::from(assistant.organization))
    .bind::<SqlUuid, _>(Key::from(assistant.id))
    .bind::<Array<SqlUuid>, _>(columns.realms.clone())
    .bind::<Array<Text>, _>(columns.keys.clone())
    .execute(conn)
    .await
    .map_err(on_write("assistant_audience"))?;
    upsert(conn, assistant, columns).await
}

async fn upsert(
    conn: &mut AsyncPgConnection,
    assistant: &Assistant,
    columns: Columns,
) -> StoreResult<()> {
    if columns.keys.is_empty() {
        return Ok(());
    }
    Sql::<()>::new(
        "INSERT INTO assistant_audience (organization_id, assistant_id, updated_at, created_at, \
         name_key, realm, key, level) \
         SELECT ?, ?, ?, ?, ?, g.* FROM unnest(?, ?, ?) AS g \
         ON CONFLICT (organization_id, assistant_id, realm, key) DO UPDATE SET \
         updated_at = excluded.updated_at, created_at = excluded.created_at, \
         name_key = excluded.name_key, level = excluded.level",
    )
    .bind::<SqlUuid, _>(Key::from(assistant.organization))
    .bind::<SqlUuid, _>(Key::from(assistant.id))
    .bind::<Timestamptz, _>(Moment(assistant.updated_at))
    .bind::<Timestamptz, _>(Moment(assistant.created_at))
    .bind::<Text, _>(name_key(assistant))
    .bind::<Array<SqlUuid>, _>(columns.realms)
    .bind::<Array<Text>, _>(columns.keys)
    .bind::<Array<SmallInt>, _>(columns.levels)
    .execute(conn)
    .await
    .map_err(on_write("assistant_audience"))?;
    Ok(())
}
