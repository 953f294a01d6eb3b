//! The client of S3.

use std::time::Duration;

use object_store::{
    BackoffConfig, ClientOptions, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder, Checksum},
    path::Path,
};
use understudy_domain::Secret;
use url::Url;

use crate::errors::OpenError;

/// How long to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long to wait for the next bytes. There is no limit for all of them: a large
/// file takes as long as it takes.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// How often a request is tried again, and for how long: somebody waits for it.
const RETRIES: usize = 3;
const RETRY_TIMEOUT: Duration = Duration::from_secs(15);

/// Which bucket, and how to get at it.
#[derive(Clone, Debug)]
pub struct S3Settings {
    /// The bucket.
    pub bucket: String,
    /// What every key begins with, such as `understudy/production`; may be empty.
    pub prefix: String,
    /// Its region, `us-east-1` if not given.
    pub region: Option<String>,
    /// Where the service is, if it is not AWS. Keys follow the bucket's name in
    /// the path. One that begins with `http:` is used without encryption.
    pub endpoint: Option<Url>,
    /// Who asks; without it, the role of the machine at AWS.
    pub credentials: Option<S3Credentials>,
    /// Whether links are given.
    pub links: Links,
}

/// An access key.
#[derive(Clone, Debug)]
pub struct S3Credentials {
    /// Its identifier.
    pub access_key: Secret<String>,
    /// Its secret.
    pub secret_key: Secret<String>,
    /// The token that comes with a temporary one.
    pub session_token: Option<Secret<String>>,
}

/// Whether a blob may be had from the bucket without credentials, for a while, by
/// whoever has a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// No: every byte goes through us.
    Never,
    /// By links that are signed for an hour, a minute, or whatever is asked for.
    Presigned,
}

impl S3Settings {
    pub(super) fn prefix(&self) -> Result<Path, OpenError> {
        Path::parse(&self.prefix).or_else(|_| settings("the prefix is not one for keys"))
    }

    pub(super) fn client(self) -> Result<AmazonS3, OpenError> {
        // Fails only when the process has a provider already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let plain = self.endpoint.as_ref().is_some_and(|endpoint| endpoint.scheme() == "http");
        let options = ClientOptions::new()
            .with_timeout_disabled()
            .with_connect_timeout(CONNECT_TIMEOUT)
            .with_read_timeout(READ_TIMEOUT)
            .with_allow_http(plain);
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(self.bucket)
            .with_region(self.region.unwrap_or_else(|| "us-east-1".to_owned()))
            .with_client_options(options)
            .with_retry(retries())
            .with_checksum_algorithm(Checksum::SHA256)
            // Not every service has the request that removes several at once.
            .with_disable_bulk_delete(true);
        if let Some(endpoint) = self.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        if let Some(credentials) = self.credentials {
            builder = builder
                .with_access_key_id(credentials.access_key.expose())
                .with_secret_access_key(credentials.secret_key.expose());
            if let Some(token) = credentials.session_token {
                builder = builder.with_token(token.expose());
            }
        }
        // Its own words may repeat what it was given.
        builder.build().or_else(|_| settings("the client refuses the bucket, region or endpoint"))
    }
}

fn retries() -> RetryConfig {
    let backoff = BackoffConfig { max_backoff: READ_TIMEOUT / 10, ..BackoffConfig::default() };
    RetryConfig { backoff, max_retries: RETRIES, retry_timeout: RETRY_TIMEOUT }
}

fn settings<T>(reason: &str) -> Result<T, OpenError> {
    Err(OpenError::Settings { reason: reason.to_owned() })
}
