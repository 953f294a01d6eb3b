//! Where the bytes of users are, as the configuration says.

use std::sync::Arc;

use understudy_blob_store::{
    DirectoryBlobs, Links, ObjectBlobs, OpenError, S3Credentials, S3Settings,
};
use understudy_domain::ports::BlobStore;
use url::Url;

use crate::config::{BlobUrl, Config};

/// The blob store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BlobsError {
    /// It cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A variable that AWS tools read makes no sense.
    #[error("{name} {message}")]
    Variable {
        /// Which.
        name: &'static str,
        /// What it must be.
        message: &'static str,
    },
}

const ENDPOINT: [&str; 2] = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"];

/// Opens the blob store of this configuration. A bucket is not asked anything yet.
///
/// # Errors
///
/// [`BlobsError`] when the directory or the settings are not usable.
pub fn open(config: &Config) -> Result<Arc<dyn BlobStore>, BlobsError> {
    Ok(match &config.blobs {
        BlobUrl::Directory(path) => Arc::new(DirectoryBlobs::open(path)?),
        BlobUrl::S3(url) => Arc::new(ObjectBlobs::s3(settings(config, url)?)?),
    })
}

fn settings(config: &Config, url: &Url) -> Result<S3Settings, BlobsError> {
    let foreign = &config.foreign;
    let text = |names: &[&str]| foreign.first(names).map(|value| value.expose().clone());
    let endpoint = text(&ENDPOINT).map(|text| {
        Url::parse(&text).ok().filter(|url| matches!(url.scheme(), "http" | "https")).ok_or(
            BlobsError::Variable {
                name: "AWS_ENDPOINT_URL",
                message: "must be an http or https URL such as https://s3.example.com",
            },
        )
    });
    let credentials =
        match (foreign.first(&["AWS_ACCESS_KEY_ID"]), foreign.first(&["AWS_SECRET_ACCESS_KEY"])) {
            (Some(access_key), Some(secret_key)) => Some(S3Credentials {
                access_key: access_key.clone(),
                secret_key: secret_key.clone(),
                session_token: foreign.first(&["AWS_SESSION_TOKEN"]).cloned(),
            }),
            (None, None) => None,
            (Some(_), None) => {
                let message = "must be set when AWS_ACCESS_KEY_ID is";
                return Err(BlobsError::Variable { name: "AWS_SECRET_ACCESS_KEY", message });
            }
            (None, Some(_)) => {
                let message = "must be set when AWS_SECRET_ACCESS_KEY is";
                return Err(BlobsError::Variable { name: "AWS_ACCESS_KEY_ID", message });
            }
        };
    Ok(S3Settings {
        bucket: url.host_str().unwrap_or_default().to_owned(),
        prefix: url.path().trim_matches('/').to_owned(),
        region: text(&["AWS_REGION", "AWS_DEFAULT_REGION"]),
        endpoint: endpoint.transpose()?,
        credentials,
        links: if config.presigned_downloads { Links::Presigned } else { Links::Never },
    })
}
