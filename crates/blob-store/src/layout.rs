//! Where a blob lies, in a directory as in a bucket.

use std::fmt::Display;

use understudy_domain::{Digest, OrganizationId, ports::BlobError};
use uuid::Uuid;

use crate::errors::unavailable;

/// Under it lie the blobs.
pub(crate) const BLOBS: &str = "blobs";
/// Under it lies what is being written.
pub(crate) const STAGING: &str = "staging";

/// The name of an organization's folder.
pub(crate) fn organization(tenant: OrganizationId) -> String {
    tenant.as_uuid().simple().to_string()
}

/// The name of the folder in an organization's in which a blob lies: a directory
/// with a million files is slow on many file systems.
pub(crate) fn shard(digest: Digest) -> String {
    format!("{:02x}", digest.as_bytes().first().unwrap_or(&0))
}

/// The name of a blob from the root on.
pub(crate) fn blob(tenant: OrganizationId, digest: Digest) -> String {
    format!("{BLOBS}/{}/{}/{digest}", organization(tenant), shard(digest))
}

/// A new name for something unfinished, from the root on.
pub(crate) fn staging(tenant: OrganizationId) -> Result<String, BlobError> {
    Ok(format!("{STAGING}/{}/{}", organization(tenant), random()?))
}

/// A name that nobody else has.
pub(crate) fn random() -> Result<impl Display, BlobError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(unavailable)?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid().simple())
}

/// Which organization a folder belongs to; `None` when we did not name it.
pub(crate) fn parse_organization(name: &str) -> Option<OrganizationId> {
    let tenant = OrganizationId::from_uuid(Uuid::try_parse(name).ok()?);
    (organization(tenant) == name).then_some(tenant)
}

/// Which blob lies there; `None` when it is none of ours.
pub(crate) fn parse_blob(name: &str) -> Option<(OrganizationId, Digest)> {
    let mut parts = name.strip_prefix(BLOBS)?.strip_prefix('/')?.splitn(3, '/');
    let tenant = parse_organization(parts.next()?)?;
    let folder = parts.next()?;
    let digest: Digest = parts.next()?.parse().ok()?;
    (shard(digest) == folder).then_some((tenant, digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant() -> OrganizationId {
        OrganizationId::from_uuid(Uuid::from_u128(7))
    }

    #[test]
    fn the_name_of_a_blob_says_which_it_is() {
        let digest = Digest::of(b"x");

        assert_eq!(parse_blob(&blob(tenant(), digest)), Some((tenant(), digest)));
    }

    #[test]
    fn what_we_did_not_name_is_no_blob() {
        let name = blob(tenant(), Digest::of(b"x"));
        let digest = Digest::of(b"x").to_string();

        for other in [
            String::new(),
            name.replace("blobs/", "staging/"),
            name.to_uppercase(),
            name.replace("/2d/", "/00/"),
            format!("{name}.tmp"),
            format!("blobs/{}/2d/{digest}", tenant().as_uuid()),
            format!("blobs/../2d/{digest}"),
        ] {
            assert_eq!(parse_blob(&other), None, "{other}");
        }
    }
}
