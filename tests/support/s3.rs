//! S3 servers that we did not write: `s3s-fs`, which checks signatures, and
//! `moto`, which knows conditional requests.
#![expect(clippy::expect_used, reason = "a server that does not start fails the test")]

use std::{
    net::Ipv4Addr,
    process::Command,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU32, Ordering},
    },
};

use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use s3s::{auth::SimpleAuth, service::S3ServiceBuilder};
use tempfile::TempDir;
use tokio::{
    net::TcpListener,
    task::{JoinHandle, JoinSet},
};
use understudy_blob_store::{Links, ObjectBlobs, S3Credentials, S3Settings};
use understudy_domain::Secret;
use url::Url;

use crate::{
    http_client,
    tools::{Server, python},
};

/// An empty bucket, and how to get at it.
#[derive(Clone, Debug)]
pub struct Bucket {
    /// Where its service is, as `http://127.0.0.1:port`.
    pub endpoint: Url,
    /// The access key's identifier.
    pub access_key: String,
    /// The access key's secret.
    pub secret_key: String,
    /// Its name.
    pub bucket: String,
}

impl Bucket {
    /// What a client needs for it; change what should be otherwise.
    #[must_use]
    pub fn settings(&self) -> S3Settings {
        S3Settings {
            bucket: self.bucket.clone(),
            prefix: "some/prefix".to_owned(),
            region: None,
            endpoint: Some(self.endpoint.clone()),
            credentials: Some(S3Credentials {
                access_key: Secret::new(self.access_key.clone()),
                secret_key: Secret::new(self.secret_key.clone()),
                session_token: None,
            }),
            links: Links::Never,
        }
    }

    /// A blob store in it.
    ///
    /// # Panics
    ///
    /// When the settings are refused.
    #[must_use]
    pub fn blobs(&self) -> ObjectBlobs {
        ObjectBlobs::s3(self.settings()).expect("the settings of a test are usable")
    }
}

/// `s3s-fs` in this process, with one bucket. Dropping it ends it.
pub struct S3s {
    /// Its bucket.
    pub bucket: Bucket,
    folder: TempDir,
    serving: JoinHandle<()>,
}

impl S3s {
    /// Starts it.
    ///
    /// # Panics
    ///
    /// When it cannot be started.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().expect("there is room for a temporary folder");
        let bucket = "understudy".to_owned();
        std::fs::create_dir(folder.path().join(&bucket)).expect("a bucket can be made");
        let (access_key, secret_key) = ("AKIDTEST", "a-secret-for-tests");
        let files = s3s_fs::FileSystem::new(folder.path()).expect("the folder is usable");
        let mut service = S3ServiceBuilder::new(files);
        service.set_auth(SimpleAuth::from_single(access_key, secret_key));
        let service = service.build();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = listener.expect("a port is free");
        let port = listener.local_addr().expect("it listens").port();
        let serving = tokio::spawn(async move {
            // Its connections end with it.
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let service = service.clone();
                connections.spawn(async move {
                    let server = auto::Builder::new(TokioExecutor::new());
                    let _ = server.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        let bucket = Bucket {
            endpoint: endpoint(port),
            access_key: access_key.to_owned(),
            secret_key: secret_key.to_owned(),
            bucket,
        };
        Self { bucket, folder, serving }
    }

    /// Where its buckets are, each a folder.
    #[must_use]
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }
}

impl Drop for S3s {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// An empty bucket of moto, the S3 server that is written in Python.
pub struct Moto {
    /// Its bucket.
    pub bucket: Bucket,
    _server: Arc<Server>,
}

impl Moto {
    /// Makes a bucket.
    ///
    /// # Panics
    ///
    /// When the server cannot be started.
    pub async fn start() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let (server, endpoint) = moto();
        let bucket = format!("understudy-{number}");
        let address = endpoint.join(&bucket).expect("the name of the bucket is plain");
        let client = http_client().build().expect("a client can be made");
        let made = client.put(address).send().await;
        let made = made.and_then(reqwest::Response::error_for_status);
        made.expect("a bucket can be made");
        let (access_key, secret_key) = ("AKIDTEST".to_owned(), "any".to_owned());
        Self { bucket: Bucket { endpoint, access_key, secret_key, bucket }, _server: server }
    }
}

/// The server of this process, which runs as long as somebody holds it.
fn moto() -> (Arc<Server>, Url) {
    static RUNNING: Mutex<Option<(Weak<Server>, Url)>> = Mutex::new(None);
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((server, url)) = &*running
        && let Some(server) = server.upgrade()
    {
        return (server, url.clone());
    }
    let mut command = Command::new(python());
    command.args(["-u", "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]);
    let port = |line: &str| line.split_once("http://127.0.0.1:")?.1.trim().parse().ok();
    let (server, port) = Server::start(&command, port).expect("moto starts");
    let (server, url) = (Arc::new(server), endpoint(port));
    *running = Some((Arc::downgrade(&server), url.clone()));
    (server, url)
}

fn endpoint(port: u16) -> Url {
    let text = format!("http://{}:{port}", Ipv4Addr::LOCALHOST);
    text.parse().expect("it is an address")
}
