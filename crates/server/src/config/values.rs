//! What the texts of settings mean. Each parser's error completes the sentence
//! that begins with the setting's name, and repeats no secret.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    num::NonZeroU16,
    path::{Path, PathBuf},
    time::Duration,
};

use ipnet::IpNet;
use tracing_subscriber::EnvFilter;
use understudy_crypto::MasterKey;
use understudy_domain::{Email, Secret, TokenText};
use url::Url;

/// Which database keeps everything.
#[derive(Clone, Debug)]
pub enum DatabaseUrl {
    /// An SQLite file.
    Sqlite(PathBuf),
    /// A Postgres server.
    Postgres(Secret<String>),
}

impl DatabaseUrl {
    /// The embedded database's usual place.
    #[must_use]
    pub fn in_data_dir(data_dir: &Path) -> Self {
        Self::Sqlite(data_dir.join("understudy.db"))
    }
}

/// Where bytes of users are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BlobUrl {
    /// In a directory.
    Directory(PathBuf),
    /// In an S3 bucket.
    S3(Url),
}

impl BlobUrl {
    /// The usual place.
    #[must_use]
    pub fn in_data_dir(data_dir: &Path) -> Self {
        Self::Directory(data_dir.join("blobs"))
    }
}

/// The form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
    /// Pretty on a terminal, JSON elsewhere.
    Auto,
}

/// `text` as a URL for showing: its password is masked.
pub(super) fn masked_url(text: &str) -> String {
    const MASK: &str = "********";
    let Ok(mut url) = Url::parse(text) else { return text.to_owned() };
    if url.password().is_none() && !url.query_pairs().any(|(name, _)| name == "password") {
        return text.to_owned();
    }
    let query: Vec<(String, String)> = url
        .query_pairs()
        .map(|(name, value)| {
            let value = if name == "password" { MASK.into() } else { value };
            (name.into_owned(), value.into_owned())
        })
        .collect();
    if !query.is_empty() {
        url.query_pairs_mut().clear().extend_pairs(query);
    }
    let password = url.password().map(|_| MASK);
    // Fails only on URLs that cannot have a password.
    let _ = url.set_password(password);
    url.into()
}

pub(super) fn listen(text: &str) -> Result<SocketAddr, String> {
    let numeric = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    numeric
        .as_deref()
        .unwrap_or(text)
        .parse()
        .or_else(|_| said("must be an address and a port such as 127.0.0.1:8080 or [::]:8080"))
}

pub(super) fn path(text: &str) -> Result<PathBuf, String> {
    if text.contains('\0') { said("must be a path") } else { Ok(PathBuf::from(text)) }
}

pub(super) fn database(text: &str) -> Result<DatabaseUrl, String> {
    let Some((scheme, rest)) = text.split_once(':') else {
        return said("must begin sqlite:, postgres:// or postgresql://");
    };
    match scheme {
        "sqlite" => {
            let file = rest.strip_prefix("//").unwrap_or(rest);
            let special = file.is_empty() || file.starts_with(':') || file.contains(['?', '\0']);
            if special {
                return said("must name a file, such as sqlite:understudy-data/understudy.db");
            }
            Ok(DatabaseUrl::Sqlite(PathBuf::from(file)))
        }
        "postgres" | "postgresql" => {
            let valid = Url::parse(text).is_ok_and(|url| url.has_host() || url.query().is_some());
            if valid {
                Ok(DatabaseUrl::Postgres(Secret::new(text.to_owned())))
            } else {
                said("must be a URL such as postgres://user:password@host:5432/database")
            }
        }
        _ => Err(format!(
            "has the scheme `{}`; it must begin sqlite:, postgres:// or postgresql://",
            scheme.escape_debug()
        )),
    }
}

pub(super) fn pool_size(text: &str) -> Result<NonZeroU16, String> {
    text.parse()
        .ok()
        .filter(|size: &NonZeroU16| size.get() <= 1_000)
        .ok_or_else(|| "must be a number from 1 to 1000".to_owned())
}

pub(super) fn blobs(text: &str) -> Result<BlobUrl, String> {
    if let Some(rest) = text.strip_prefix("file:") {
        let directory = rest.strip_prefix("//").unwrap_or(rest);
        if !directory.is_empty() {
            return path(directory).map(BlobUrl::Directory);
        }
    }
    match Url::parse(text) {
        Ok(url) if url.scheme() == "s3" && url.has_host() => Ok(BlobUrl::S3(url)),
        _ => said("must be file:DIRECTORY or s3://BUCKET/PREFIX"),
    }
}

pub(super) fn switch(text: &str) -> Result<bool, String> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => said("must be true or false"),
    }
}

pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let unit = |letter| text.strip_suffix(letter).map(str::trim_end);
    let (digits, shift) = match (unit('k'), unit('M'), unit('G')) {
        (Some(digits), ..) => (digits, 10),
        (_, Some(digits), _) => (digits, 20),
        (.., Some(digits)) => (digits, 30),
        _ => (text, 0),
    };
    digits
        .parse()
        .ok()
        .and_then(|number: u64| number.checked_mul(1 << shift))
        .filter(|bytes| *bytes > 0)
        .ok_or_else(|| "must be a number of bytes such as 104857600, 512M or 5G".to_owned())
}

pub(super) fn master_key(text: &str) -> Result<MasterKey, String> {
    MasterKey::from_base64(text)
        .or_else(|_| said("must be 32 bytes in base64, as `openssl rand -base64 32` prints them"))
}

pub(super) fn public_url(text: &str) -> Result<Url, String> {
    let plain = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    };
    Url::parse(text).ok().filter(plain).ok_or_else(|| {
        "must be an http or https URL without query, such as https://ai.example.com".to_owned()
    })
}

pub(super) fn bootstrap_token(text: &str) -> Result<Secret<String>, String> {
    let header_safe = text.bytes().all(|byte| byte.is_ascii_graphic());
    if !text.starts_with(TokenText::PREFIX) || text.len() < 32 || !header_safe {
        return said("must be 32 or more visible ASCII characters that begin `ust_`");
    }
    if !TokenText::is_plausible(text) {
        return said(
            "looks like a generated token, but its check digits are wrong, or is too long",
        );
    }
    Ok(Secret::new(text.to_owned()))
}

pub(super) fn organization(text: &str) -> Result<String, String> {
    let fits = text.chars().count() <= 255 && !text.chars().any(char::is_control);
    if fits { Ok(text.to_owned()) } else { said("must be a name of at most 255 characters") }
}

pub(super) fn email(text: &str) -> Result<Email, String> {
    Email::parse(text).or_else(said)
}

pub(super) fn networks(text: &str) -> Result<Vec<IpNet>, String> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(network).collect()
}

fn network(text: &str) -> Result<IpNet, String> {
    // A bare address is the network of that one address.
    let network = text.parse().or_else(|_| text.parse().map(|address: IpAddr| address.into()));
    network.map(|network: IpNet| network.trunc()).or_else(|_| {
        said(format!("has `{}`, which is no network such as 10.0.0.0/8", text.escape_debug()))
    })
}

pub(super) fn log(text: &str) -> Result<String, String> {
    match EnvFilter::try_new(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => said("must be a level or directives such as info,understudy_domain=debug"),
    }
}

pub(super) fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "pretty" => Ok(LogFormat::Pretty),
        "json" => Ok(LogFormat::Json),
        "auto" => Ok(LogFormat::Auto),
        _ => said("must be pretty, json or auto"),
    }
}

pub(super) fn otlp_endpoint(text: &str) -> Result<Url, String> {
    if cfg!(not(feature = "otlp")) {
        return said("needs a build with the feature `otlp`");
    }
    Url::parse(text)
        .ok()
        .filter(|url| url.scheme() == "http" && url.has_host())
        .ok_or_else(|| "must be an http URL such as http://localhost:4318".to_owned())
}

pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .filter(|seconds| (0..=3_600).contains(seconds))
        .map(Duration::from_secs)
        .ok_or_else(|| "must be a number of seconds from 0 to 3600".to_owned())
}

fn said<T>(message: impl fmt::Display) -> Result<T, String> {
    Err(message.to_string())
}
