//! Which rows name which blobs. Whoever writes a row that can name any writes its
//! names in the same transaction; that a name is of a known blob, the database
//! checks.

use std::collections::BTreeSet;

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl, SqliteConnection};
use understudy_domain::{Blob, Digest, ports::StoreResult};

use crate::{
    errors::{on_read, on_write},
    schema::blob_names,
    sql::Sql,
    values::{Key, Sum},
};

/// A row that can name blobs.
#[derive(Clone, Debug)]
pub(crate) struct Namer {
    tenant: Key,
    kind: &'static str,
    owner: String,
}

impl Namer {
    /// A live assistant or draft.
    pub(crate) fn assistant(tenant: Key, id: impl Into<Key>) -> Self {
        Self { tenant, kind: "assistant", owner: id.into().text() }
    }

    /// A version.
    pub(crate) fn version(tenant: Key, id: impl Into<Key>) -> Self {
        Self { tenant, kind: "version", owner: id.into().text() }
    }

    /// An upload.
    pub(crate) fn upload(tenant: Key, id: impl Into<Key>) -> Self {
        Self { tenant, kind: "upload", owner: id.into().text() }
    }

    /// A picture.
    pub(crate) fn image(tenant: Key, id: impl Into<Key>) -> Self {
        Self { tenant, kind: "image", owner: id.into().text() }
    }

    /// What was extracted from a document.
    pub(crate) fn extraction(tenant: Key, source: Digest) -> Self {
        Self { tenant, kind: "extraction", owner: source.to_string() }
    }

    /// Adds the names of a new row: no statement when it names nothing.
    pub(crate) fn name(
        &self,
        conn: &mut SqliteConnection,
        blobs: impl Iterator<Item = Blob>,
    ) -> StoreResult<()> {
        let digests: BTreeSet<Digest> = blobs.map(|blob| blob.digest).collect();
        digests.into_iter().try_for_each(|digest| self.insert(conn, digest))
    }

    /// Makes the names of a row those that it has now: one statement when it names
    /// what it named before.
    pub(crate) fn rename(
        &self,
        conn: &mut SqliteConnection,
        blobs: impl Iterator<Item = Blob>,
    ) -> StoreResult<()> {
        let stored: Vec<Sum> = blob_names::table
            .filter(blob_names::organization_id.eq(self.tenant))
            .filter(blob_names::kind.eq(self.kind))
            .filter(blob_names::owner.eq(&self.owner))
            .select(blob_names::digest)
            .load(conn)
            .map_err(on_read("blob_names"))?;
        let stored: BTreeSet<Digest> = stored.into_iter().map(|sum| sum.0).collect();
        let wanted: BTreeSet<Digest> = blobs.map(|blob| blob.digest).collect();
        for digest in stored.difference(&wanted) {
            let name = (self.tenant, self.kind, &self.owner, Sum(*digest));
            diesel::delete(blob_names::table.find(name))
                .execute(conn)
                .map_err(on_write("blob_names"))?;
        }
        wanted.difference(&stored).try_for_each(|digest| self.insert(conn, *digest))
    }

    /// Takes all names of a row away.
    pub(crate) fn unname(&self, conn: &mut SqliteConnection) -> StoreResult<()> {
        let names = blob_names::table
            .filter(blob_names::organization_id.eq(self.tenant))
            .filter(blob_names::kind.eq(self.kind))
            .filter(blob_names::owner.eq(&self.owner));
        diesel::delete(names).execute(conn).map_err(on_write("blob_names"))?;
        Ok(())
    }

    /// By hand, as the query builder prepares every insert anew.
    fn insert(&self, conn: &mut SqliteConnection, digest: Digest) -> StoreResult<()> {
        let mut row = Sql::<()>::new(
            "INSERT INTO blob_names (organization_id, kind, owner, digest) VALUES (",
        );
        row.word(self.tenant.text()).text(", ").word(self.kind.to_owned()).text(", ");
        row.word(self.owner.clone()).text(", ").digest(digest).text(")");
        row.execute(conn).map_err(on_write("blob_names"))?;
        Ok(())
    }
}
