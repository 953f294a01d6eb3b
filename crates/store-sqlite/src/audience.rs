//! The index of who may reach an assistant, kept in the transaction of the
//! assistant itself.

use diesel::{BoolExpressionMethods, ExpressionMethods, QueryDsl, RunQueryDsl, SqliteConnection};
use understudy_domain::{
    Assistant,
    access::{self, AudienceKey, Realm},
    ports::StoreResult,
};
use uuid::Uuid;

use crate::{
    assistants::name_key,
    errors::{on_read, on_write},
    schema::assistant_audience as table,
    sql::Sql,
    values::{Key, Micros},
};

/// How a realm stands in its column: the organization, or 32 zeros.
pub(crate) fn realm_key(realm: Realm) -> Key {
    match realm {
        Realm::Organization(organization) => organization.into(),
        Realm::Everywhere => Key(Uuid::nil()),
    }
}

/// Makes the assistant findable by exactly those who may reach it: nobody when it
/// is a draft or deleted.
pub(crate) fn write(conn: &mut SqliteConnection, assistant: &Assistant) -> StoreResult<()> {
    let is_listed = !assistant.is_draft() && assistant.deleted_at.is_none();
    let grants = if is_listed { access::audience(assistant) } else { Vec::new() };
    let mut wanted: Vec<(Key, String, i16)> = grants
        .iter()
        .map(|g| (realm_key(g.realm), g.key.as_str().to_owned(), g.level.rank()))
        .collect();
    wanted.sort();

    let rows = table::table
        .filter(table::organization_id.eq(Key::from(assistant.organization)))
        .filter(table::assistant_id.eq(Key::from(assistant.id)));
    let stored: Vec<(Key, String, i16)> = rows
        .order((table::realm, table::key))
        .select((table::realm, table::key, table::level))
        .load(conn)
        .map_err(on_read("assistant_audience"))?;
    if wanted == stored {
        return write_sort_keys(conn, assistant);
    }

    diesel::delete(rows).execute(conn).map_err(on_write("assistant_audience"))?;
    wanted.into_iter().try_for_each(|grant| insert(conn, assistant, grant))
}

fn write_sort_keys(conn: &mut SqliteConnection, assistant: &Assistant) -> StoreResult<()> {
    let updated_at = Micros(assistant.updated_at);
    let created_at = Micros(assistant.created_at);
    let name_key = name_key(assistant);
    let stale = table::table
        .filter(table::organization_id.eq(Key::from(assistant.organization)))
        .filter(table::assistant_id.eq(Key::from(assistant.id)))
        .filter(
            table::updated_at
                .ne(updated_at)
                .or(table::created_at.ne(created_at))
                .or(table::name_key.ne(name_key.clone())),
        );
    diesel::update(stale)
        .set((
            table::updated_at.eq(updated_at),
            table::created_at.eq(created_at),
            table::name_key.eq(name_key),
        ))
        .execute(conn)
        .map_err(on_write("assistant_audience"))?;
    Ok(())
}

/// By hand, as an audience may have thousands of rows and the query builder
/// prepares every insert anew.
fn insert(
    conn: &mut SqliteConnection,
    assistant: &Assistant,
    (realm, key, level): (Key, String, i16),
) -> StoreResult<()> {
    let mut row = Sql::<()>::new(
        "INSERT INTO assistant_audience (organization_id, assistant_id, realm, key, level, \
         updated_at, created_at, name_key) VALUES (",
    );
    row.word(Key::from(assistant.organization).text()).text(", ");
    row.word(Key::from(assistant.id).text()).text(", ");
    row.word(realm.text()).text(", ").word(key).text(", ");
    row.number(i64::from(level)).text(", ");
    row.number(assistant.updated_at.unix_micros()).text(", ");
    row.number(assistant.created_at.unix_micros()).text(", ");
    row.word(name_key(assistant)).text(")");
    row.execute(conn).map_err(on_write("assistant_audience"))?;
    Ok(())
}

/// The columns that one of a caller's keys is found by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lookup {
    /// The realm's column.
    pub(crate) realm: Key,
    /// The key's column.
    pub(crate) key: String,
}

/// Every lookup of a caller: their keys at home, and everyone everywhere. Those
/// who administer their organization need no key of it.
pub(crate) fn lookups(standing: &access::Standing) -> Vec<Lookup> {
    let everywhere = Lookup {
        realm: realm_key(Realm::Everywhere),
        key: AudienceKey::everyone().as_str().to_owned(),
    };
    let home = Key::from(standing.organization);
    let own = standing.keys.iter().filter(|_| !standing.administers);
    own.map(|key| Lookup { realm: home, key: key.as_str().to_owned() })
        .chain([everywhere])
        .collect()
}
