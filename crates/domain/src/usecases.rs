//! What the platform does, one verb a file. Each use case is given who asks,
//! loads, authorizes, decides, writes and commits, in that order.

pub mod assistants;
pub mod audit;
pub mod automations;
pub mod avatar;
pub mod bootstrap;
pub mod budgets;
mod change;
pub mod comments;
pub mod directory;
pub mod drafts;
pub mod embeddings;
mod error;
pub mod events;
pub mod favorites;
pub mod files;
mod home;
pub mod housekeeping;
pub mod icons;
pub mod images;
pub mod intake;
pub mod keys;
pub mod memories;
pub mod models;
mod names;
pub mod organization;
pub mod owner;
pub mod providers;
pub mod references;
pub mod rules;
pub mod runs;
pub mod secrets;
pub mod sessions;
pub mod shares;
pub mod skills;
mod support;
pub mod tags;
pub mod teams;
pub mod threads;
pub mod tokens;
pub mod transfer;
pub mod uploads;
pub mod usage;
pub mod users;
pub mod versions;
pub mod watching;
pub mod webhooks;

pub use error::{Conflict, Denied, Error, Result};

use crate::{
    Actor, OrganizationId,
    ports::{BlobStore, Clock, IdSource, Pictures, Store},
};

/// What nearly every use case needs of the world.
#[derive(Clone, Copy)]
pub struct Deps<'a> {
    /// The database.
    pub store: &'a dyn Store,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Identifiers and randomness.
    pub ids: &'a dyn IdSource,
    /// Bytes.
    pub blobs: &'a dyn BlobStore,
    /// Drawing.
    pub pictures: &'a dyn Pictures,
}

/// Who asks, and from where.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The authenticated user with the limits of their credential.
    pub actor: Actor,
    /// Where the request came from.
    pub origin: Origin,
}

impl Caller {
    pub(crate) const fn tenant(&self) -> OrganizationId {
        self.actor.organization
    }
}

/// Where a request came from, for the audit log and for limits by address.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The caller's address, if known.
    pub address: Option<std::net::IpAddr>,
    /// The identifier of the request.
    pub request_id: Option<String>,
}

/// What a write demands of the state that it changes (`If-Match`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing.
    #[default]
    None,
    /// That the thing exists (`*`).
    Exists,
    /// That its entity tag is one of these (without quotes).
    OneOf(Vec<String>),
}

impl Precondition {
    /// Checks the tag of the state as it is.
    ///
    /// # Errors
    ///
    /// [`Error::PreconditionFailed`] when the tag is another.
    pub fn check(&self, etag: &str) -> Result<()> {
        match self {
            Self::None | Self::Exists => Ok(()),
            Self::OneOf(tags) if tags.iter().any(|tag| tag == etag) => Ok(()),
            Self::OneOf(_) => Err(Error::PreconditionFailed),
        }
    }
}
