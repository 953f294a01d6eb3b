//! Which rows name which blobs. Whoever writes a row that can name any writes its
//! names in the same transaction; that a name is of a known blob, the database
//! checks, and keeps the blob from being forgotten meanwhile.

use std::collections::BTreeSet;

use diesel::sql_types::{Array, Binary, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use understudy_domain::{Blob, Digest, ports::StoreResult};

use crate::{
    errors::on_write,
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
        Self { tenant, kind: "assistant", owner: owner(id) }
    }

    /// A version.
    pub(crate) fn version(tenant: Key, id: impl Into<Key>) -> Self {
        Self { tenant, kind: "version", owner: owner(id) }
    }

    /// An upload.
    pub(crate) fn upload(tenant: Key, id: impl Into<Key>) -> Self {
        Self { tenant, kind: "upload", owner: owner(id) }
    }

    /// A picture.
    pub(crate) fn image(tenant: Key, id: impl Into<Key>) -> Self {
        Self { tenant, kind: "image", owner: owner(id) }
    }

    /// What was extracted from a document.
    pub(crate) fn extraction(tenant: Key, source: Digest) -> Self {
        Self { tenant, kind: "extraction", owner: source.to_string() }
    }

    /// Adds the names of a new row: no statement when it names nothing.
    pub(crate) async fn name(
        &self,
        conn: &mut AsyncPgConnection,
        blobs: impl Iterator<Item = Blob>,
    ) -> StoreResult<()> {
        let digests = digests(blobs);
        if digests.is_empty() {
            return Ok(());
        }
        let names = Sql::<()>::new(
            "INSERT INTO blob_names (organization_id, kind, owner, digest) \
             SELECT ?, ?, ?, n.digest FROM unnest(?) AS n (digest)",
        );
        let names = self.bind(names).bind::<Array<Binary>, _>(digests);
        names.execute(conn).await.map_err(on_write("blob_names"))?;
        Ok(())
    }

    /// Makes the names of a row those that it has now.
    pub(crate) async fn rename(
        &self,
        conn: &mut AsyncPgConnection,
        blobs: impl Iterator<Item = Blob>,
    ) -> StoreResult<()> {
        let renaming = self.renaming(blobs).then("SELECT");
        renaming.execute(conn).await.map_err(on_write("blob_names"))?;
        Ok(())
    }

    /// What makes the names of a row those that it has now, in front of a statement
    /// that is sent anyway.
    ///
    /// The row MUST have been written by a statement before it: that waits for whoever
    /// else writes the row, and this one then sees the names that they have given.
    pub(crate) fn renaming(&self, blobs: impl Iterator<Item = Blob>) -> Sql<()> {
        let digests = digests(blobs);
        let gone = Sql::new(
            "WITH unnamed AS (DELETE FROM blob_names WHERE organization_id = ? AND kind = ? \
             AND owner = ? AND digest <> ALL (?)), ",
        );
        let gone = self.bind(gone).bind::<Array<Binary>, _>(digests.clone());
        let named = gone.then(
            "named AS (INSERT INTO blob_names (organization_id, kind, owner, digest) \
             SELECT ?, ?, ?, n.digest FROM unnest(?) AS n (digest) ON CONFLICT DO NOTHING) ",
        );
        self.bind(named).bind::<Array<Binary>, _>(digests)
    }

    /// Takes all names of a row away.
    pub(crate) async fn unname(&self, conn: &mut AsyncPgConnection) -> StoreResult<()> {
        let gone = Sql::<()>::new(
            "DELETE FROM blob_names WHERE organization_id = ? AND kind = ? AND owner = ?",
        );
        self.bind(gone).execute(conn).await.map_err(on_write("blob_names"))?;
        Ok(())
    }

    /// Gives the next three parameters their values: the key of the names.
    fn bind<R>(&self, statement: Sql<R>) -> Sql<R> {
        statement
            .bind::<SqlUuid, _>(self.tenant)
            .bind::<Text, _>(self.kind)
            .bind::<Text, _>(self.owner.clone())
    }
}

fn owner(id: impl Into<Key>) -> String {
    id.into().0.simple().to_string()
}

/// Each once, and in order: whoever else locks the same blobs does so likewise.
fn digests(blobs: impl Iterator<Item = Blob>) -> Vec<Sum> {
    let digests: BTreeSet<Digest> = blobs.map(|blob| blob.digest).collect();
    digests.into_iter().map(Sum).collect()
}
