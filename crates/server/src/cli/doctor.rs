//! `understudy doctor`: one line for each thing that a server needs.

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt, path::Path};

use clap::ArgMatches;
use understudy_crypto::SystemClock;
use understudy_domain::{
    Timestamp,
    ports::{Clock, IdentityProvider},
};

use super::{Done, Failure, say};
use crate::{
    config::{BlobUrl, Config, DatabaseUrl, KeySource, OidcConfig},
    database::{Database, Schema, Sharing},
    error::chain,
    installation::{check, needs_data_dir, read_key},
    sign_on,
};

/// No machine with a right clock runs this before it was written.
const BUILT: &str = "2026-01-01T00:00:00Z";
/// A clock beyond this one is more likely wrong than right.
const FAR: &str = "2100-01-01T00:00:00Z";

/// What is right, or what is wrong and what to do.
type Finding = Result<String, String>;

/// Looks at everything and changes nothing.
pub(super) async fn doctor(matches: &ArgMatches) -> Done {
    let mut findings = vec![("clock", clock(SystemClock.now()))];
    match Config::load(matches) {
        Err(invalid) => findings.push(("configuration", Err(invalid.to_string()))),
        Ok(config) => {
            findings.push(("configuration", Ok("valid".to_owned())));
            findings.push(("data directory", data_dir(&config)));
            findings.push(("master key", master_key(&config)));
            findings.push(("blobs", blobs(&config).await));
            findings.push(("address", address(&config)));
            findings.push(("database", database(&config).await));
            if let Some(oidc) = &config.oidc {
                findings.push(("identity provider", identity_provider(&config, oidc).await));
            }
        }
    }
    let mut healthy = true;
    for (what, finding) in findings {
        healthy &= finding.is_ok();
        match finding {
            Ok(text) => say(&format!("ok       {what}: {text}"))?,
            Err(text) => say(&format!("problem  {what}: {text}"))?,
        }
    }
    if healthy { Ok(()) } else { Err(Failure::Said) }
}

fn clock(now: Timestamp) -> Finding {
    let text = now.to_rfc3339();
    let sane = Timestamp::parse_rfc3339(BUILT).is_none_or(|built| built <= now)
        && Timestamp::parse_rfc3339(FAR).is_none_or(|far| now < far);
    if sane { Ok(text) } else { Err(format!("it says {text}; set it, since tokens expire by it")) }
}

fn data_dir(config: &Config) -> Finding {
    let path = &config.data_dir;
    let shown = path.display();
    if !needs_data_dir(config) {
        return Ok("not needed".to_owned());
    }
    if !path.exists() {
        return writable(nearest(path))
            .map(|()| format!("{shown} will be made on the first start"))
            .map_err(|why| {
                format!("{shown} cannot be made ({why}); name another with --data-dir")
            });
    }
    let mode = fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode());
    if mode & 0o077 != 0 {
        return Err(format!("{shown} is open to others; run: chmod 700 {shown}"));
    }
    writable(path)
        .map(|()| shown.to_string())
        .map_err(|why| format!("{shown} cannot be written ({why}); give it to the server's user"))
}

fn master_key(config: &Config) -> Finding {
    match (read_key(config), &config.master_key) {
        (Ok(Some(_)), KeySource::Given(_)) => Ok("given by the configuration".to_owned()),
        (Ok(Some(_)), _) => Ok("readable by its owner only".to_owned()),
        (Ok(None), _) => Ok("will be made on the first start".to_owned()),
        (Err(error), _) => Err(chain(&error)),
    }
}

async fn blobs(config: &Config) -> Finding {
    match &config.blobs {
        BlobUrl::S3(url) => {
            let store = crate::blobs::open(config).map_err(|error| chain(&error))?;
            let tried = store.inventory().ping().await;
            tried.map(|()| format!("{url} can be written")).map_err(|error| chain(&error))
        }
        BlobUrl::Directory(path) => writable(nearest(path))
            .map(|()| path.display().to_string())
            .map_err(|why| format!("{} cannot be written ({why})", path.display())),
    }
}

async fn identity_provider(config: &Config, oidc: &OidcConfig) -> Finding {
    let provider = sign_on::provider(config, oidc).map_err(|error| chain(&error))?;
    let tried = provider.test().await;
    tried.map(|()| format!("{} answers", oidc.issuer)).map_err(|error| chain(&error))
}

fn address(config: &Config) -> Finding {
    TcpListener::bind(config.listen)
        .map(|_| format!("{} is free", config.listen))
        .map_err(|error| format!("{} cannot be listened on ({error})", config.listen))
}

async fn database(config: &Config) -> Finding {
    if let DatabaseUrl::Sqlite(path) = &config.database
        && !path.exists()
    {
        return Ok(format!("{} will be made on the first start", path.display()));
    }
    let database = Database::open(config, Sharing::Beside).map_err(|error| chain(&error))?;
    let schema = database.schema().await.map_err(|error| chain(&error))?;
    let record = database.store().callers().installation().await;
    match (schema, record) {
        (Schema::Current, Ok(None)) => Ok("empty; the first start sets it up".to_owned()),
        (Schema::Behind, Ok(None) | Err(_)) => {
            Ok("reachable; the first start brings it up to date".to_owned())
        }
        (Schema::Current, Err(error)) => Err(chain(&error)),
        (schema, Ok(Some(record))) => {
            let key = read_key(config).unwrap_or_default();
            check(key.as_ref(), &record, config).map_err(|error| chain(&error))?;
            Ok(match schema {
                Schema::Current => "reachable, up to date, and of this master key".to_owned(),
                Schema::Behind => {
                    "of this master key; the next start brings it up to date".to_owned()
                }
            })
        }
    }
}

/// The path, or the directory above it that is there.
fn nearest(path: &Path) -> &Path {
    let there = path.ancestors().find(|path| path.exists());
    there.unwrap_or(Path::new("."))
}

fn writable(directory: &Path) -> Result<(), String> {
    let probe = directory.join(format!(".understudy-doctor-{}", std::process::id()));
    fs::write(&probe, b"")
        .and_then(|()| fs::remove_file(&probe))
        .map_err(|error| error.kind().to_string())
}
