//! Pictures and documents: [`Media`] implements the domain's `Pictures` and
//! `Documents`.
//!
//! Bytes that users uploaded are decoded in a child process that has taken its
//! own rights away ([`worker`]); what is drawn from the libraries of icons,
//! emoji and avatars is drawn in this process and kept in a bounded cache.
//!
//! Taken as icons are PNG, JPEG, GIF (its first frame), WebP and SVG. Text in
//! an SVG is not drawn, since no fonts are loaded; AVIF is not taken, since no
//! decoder without C code is at hand.

mod cache;
mod colours;
mod documents;
mod drawing;
mod emoji;
mod favicon;
mod jobs;
mod kind;
mod library;
mod media;
mod pages;
mod pool;
mod protocol;
mod raster;
mod svg;
pub mod worker;

pub use media::{Media, MediaOptions, WorkerCommand};
