//! Secrets that stand in the configuration itself, or in a file that it names.

use std::{fs, io, path::PathBuf};

use understudy_domain::Secret;

use super::{Fault, Reader, values};

/// Where a secret is.
#[derive(Clone, Debug)]
pub enum SecretSource {
    /// In the configuration itself.
    Given(Secret<String>),
    /// In a file.
    File(PathBuf),
}

/// The file with a secret cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the file {} with a secret cannot be read", .path.display())]
pub struct UnreadableSecret {
    /// Which.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

impl SecretSource {
    /// The secret.
    ///
    /// # Errors
    ///
    /// When its file cannot be read.
    pub fn read(&self) -> Result<Secret<String>, UnreadableSecret> {
        match self {
            Self::Given(secret) => Ok(secret.clone()),
            Self::File(path) => match fs::read_to_string(path) {
                Ok(text) => Ok(Secret::new(text.trim().to_owned())),
                Err(source) => Err(UnreadableSecret { path: path.clone(), source }),
            },
        }
    }
}

impl Reader<'_> {
    /// The secret that one of two settings gives.
    pub(super) fn secret(&mut self, key: &str, file: &str) -> Option<SecretSource> {
        let given = self.optional(key, text);
        let path = self.optional(file, values::path);
        if given.is_some() && path.is_some() {
            self.faults.push(Fault::new(key, format!("and {file} are both set")));
        }
        let given = given.map(|text| SecretSource::Given(Secret::new(text)));
        given.or(path.map(SecretSource::File))
    }
}

pub(super) fn text(text: &str) -> Result<String, String> {
    let fits = text.chars().count() <= 1_024 && !text.chars().any(char::is_control);
    if fits {
        Ok(text.to_owned())
    } else {
        Err("must be a text of at most 1024 characters".to_owned())
    }
}
