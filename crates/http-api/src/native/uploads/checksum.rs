//! `Upload-Checksum`: the bytes of one request are those that were sent.

use base64::{Engine, prelude::BASE64_STANDARD};
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// The algorithms, as `Tus-Checksum-Algorithm` lists them.
pub(super) const ALGORITHMS: &str = "sha1,sha256";

/// A checksum that was told, and the one that comes out.
#[derive(Debug)]
pub(super) struct Checksum {
    told: Vec<u8>,
    running: Running,
}

#[derive(Debug)]
enum Running {
    Sha1(Sha1),
    Sha256(Sha256),
}

impl Checksum {
    /// Reads `sha1 <base64>`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (algorithm, told) = text.trim().split_once(' ')?;
        let told = BASE64_STANDARD.decode(told.trim()).ok()?;
        let (running, length) = match algorithm {
            "sha1" => (Running::Sha1(Sha1::new()), 20),
            "sha256" => (Running::Sha256(Sha256::new()), 32),
            _ => return None,
        };
        (told.len() == length).then_some(Self { told, running })
    }

    /// Counts bytes in.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        match &mut self.running {
            Running::Sha1(sha1) => sha1.update(bytes),
            Running::Sha256(sha256) => sha256.update(bytes),
        }
    }

    /// Whether the bytes are those that were told.
    pub(super) fn matches(self) -> bool {
        match self.running {
            Running::Sha1(sha1) => sha1.finalize().as_slice() == self.told,
            Running::Sha256(sha256) => sha256.finalize().as_slice() == self.told,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_held_against_the_checksum_that_was_told() {
        for told in [
            "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=",
            "sha256 uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=",
        ] {
            for (bytes, matches) in [(["hello ", "world"], true), (["hello", "world"], false)] {
                let mut checksum = Checksum::parse(told).unwrap();
                for bytes in bytes {
                    checksum.update(bytes.as_bytes());
                }
                assert_eq!(checksum.matches(), matches);
            }
        }
    }

    #[test]
    fn what_is_no_checksum_is_refused() {
        for text in ["", "sha1", "sha1 !", "sha1 AAAA", "md5 XrY7u+Ae7tCTyyK7j1rNww==", "SHA1 Kq5s"]
        {
            assert!(Checksum::parse(text).is_none(), "{text}");
        }
    }
}
