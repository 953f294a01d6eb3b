//! Understudy's blob stores.
//!
//! [`DirectoryBlobs`] keeps blobs as files of a local directory, [`ObjectBlobs`]
//! as objects of an S3 bucket or in memory. Both lay them out alike, so that a
//! directory can be copied into a bucket and back:
//!
//! ```text
//! blobs/<organization>/<first two digits>/<64 digits of the SHA-256>
//! staging/<organization>/<random>        what is not finished yet
//! ```
//!
//! The directory is written with `std::fs` rather than through `object_store`,
//! which reads files in pieces of 8 KiB, lists them in no order and leaves it to
//! luck whether a new directory outlives a crash.

mod directory;
mod errors;
mod layout;
mod objects;

pub use directory::DirectoryBlobs;
pub use errors::OpenError;
pub use objects::{Links, ObjectBlobs, S3Credentials, S3Settings};
