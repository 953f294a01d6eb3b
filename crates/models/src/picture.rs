//! What a provider says is a picture.

use bytes::Bytes;
use understudy_domain::{media_type::sniff, ports::ProviderError};

/// Kinds of pictures that are taken.
const KINDS: [&str; 3] = ["image/png", "image/jpeg", "image/webp"];

/// The bytes, if they begin as a picture does.
pub(crate) fn picture(bytes: Bytes) -> Result<Bytes, ProviderError> {
    if KINDS.contains(&sniff(&bytes, None)) {
        return Ok(bytes);
    }
    Err(ProviderError::Garbled("what it drew is neither PNG nor JPEG nor WebP".to_owned()))
}
