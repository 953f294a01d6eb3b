//! Configuration: what the operator decides, read once, all faults at once.
//!
//! Flags count over the environment, the environment over `understudy.toml`,
//! the file over defaults. Nothing else in the workspace reads the environment.

use std::{
    collections::BTreeMap, fmt, net::SocketAddr, num::NonZeroU16, path::PathBuf, time::Duration,
};

use clap::ArgMatches;
use ipnet::IpNet;
use understudy_crypto::MasterKey;
use understudy_domain::{Email, Secret};
use understudy_mcp::StdioServer;
use url::Url;

pub use foreign::Foreign;
pub(crate) use mcp::CONNECTOR;
pub use oidc::OidcConfig;
pub use options::Options;
pub use secret::{SecretSource, UnreadableSecret};
pub use settings::{Setting, Settings, Source};
pub use values::{BlobUrl, DatabaseUrl, LogFormat};
pub use web_search::{SearchEngine, WebSearchSettings};

mod foreign;
mod mcp;
mod oidc;
mod options;
mod secret;
mod settings;
mod show;
mod values;
mod web_search;

/// One thing wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    subject: String,
    message: String,
}

impl Fault {
    /// The setting, variable or file `subject` is wrong in the way `message` says.
    pub fn new(subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self { subject: subject.into(), message: message.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.subject, self.message)
    }
}

/// Everything that is wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct InvalidConfig {
    /// The faults, each of them a line.
    pub faults: Vec<Fault>,
}

impl fmt::Display for InvalidConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults: Vec<String> = self.faults.iter().map(ToString::to_string).collect();
        f.write_str(&faults.join("; "))
    }
}

/// Where the master key is.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// In the configuration itself.
    Given(MasterKey),
    /// In a file that the operator made.
    File(PathBuf),
    /// In the data directory, made on the first start.
    DataDir,
}

/// The configuration, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where files are kept.
    pub data_dir: PathBuf,
    /// Which database.
    pub database: DatabaseUrl,
    /// Most connections to the database at a time.
    pub database_pool_size: NonZeroU16,
    /// How long a start waits for a database that does not answer.
    pub database_wait: Duration,
    /// Where bytes of users are kept.
    pub blobs: BlobUrl,
    /// Whether downloads are sent to the bucket with a signed address.
    pub presigned_downloads: bool,
    /// Most bytes of a file.
    pub max_file_bytes: u64,
    /// Where the master key is.
    pub master_key: KeySource,
    /// Where the master key is that is accepted beside it while it is changed.
    pub previous_master_key: KeySource,
    /// Where users reach the server; the address it listens on when `None`.
    pub public_url: Option<Url>,
    /// The first administrator's token; generated when `None`.
    pub bootstrap_token: Option<Secret<String>>,
    /// The first organization's name.
    pub organization: String,
    /// The first administrator's address.
    pub admin_email: Email,
    /// Proxies that may say where a request comes from.
    pub trusted_proxies: Vec<IpNet>,
    /// Private networks that assistants may call.
    pub allow_private_network: Vec<IpNet>,
    /// Who logs people in beside passwords, if anybody does.
    pub oidc: Option<OidcConfig>,
    /// How the web is searched, if at all.
    pub web_search: Option<WebSearchSettings>,
    /// MCP servers that are programs, by their names.
    pub mcp: BTreeMap<String, StdioServer>,
    /// What is logged, in the directives of `tracing`.
    pub log: String,
    /// In which form.
    pub log_format: LogFormat,
    /// Where traces go, if anywhere.
    pub otlp_endpoint: Option<Url>,
    /// How long requests may take to finish when the server stops.
    pub shutdown_grace: Duration,
    /// Variables whose names others chose.
    pub foreign: Foreign,
    /// This program, if it can be started again as `understudy media-worker`; `None`
    /// in processes that embed the server, which then work on pictures themselves
    /// and take no documents apart.
    pub program: Option<PathBuf>,
}

impl Config {
    /// A server for tests and embedders: on a free port of this machine, with
    /// everything it keeps in `data_dir`.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] when the path is not one that a URL can name.
    pub fn embedded(data_dir: &std::path::Path) -> Result<Self, InvalidConfig> {
        let mut settings = Settings::defaults();
        settings.set("listen", "127.0.0.1:0");
        settings.set("data_dir", &data_dir.to_string_lossy());
        Self::read(&settings)
    }

    /// Reads the configuration from the command line's matches, the environment
    /// and the file.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] with all that is wrong.
    pub fn load(matches: &ArgMatches) -> Result<Self, InvalidConfig> {
        Self::read(&Self::settings(matches))
    }

    /// The settings as they were given, for showing them.
    #[must_use]
    pub fn settings(matches: &ArgMatches) -> Settings {
        Settings::gather(matches, &std::env::vars_os().collect::<Vec<_>>())
    }

    /// Makes sense of the settings.
    ///
    /// # Errors
    ///
    /// [`InvalidConfig`] with all that is wrong.
    pub fn read(settings: &Settings) -> Result<Self, InvalidConfig> {
        let mut reader = Reader { settings, faults: settings.faults().to_vec() };
        let config = reader.config();
        match config {
            Some(config) if reader.faults.is_empty() => Ok(config),
            _ => Err(InvalidConfig { faults: reader.faults }),
        }
    }

    /// The settings with where each came from, secrets masked, one a line.
    #[must_use]
    pub fn show(settings: &Settings) -> String {
        show::lines(settings)
    }
}

/// Reads setting after setting and collects what is wrong.
struct Reader<'a> {
    settings: &'a Settings,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    fn config(&mut self) -> Option<Config> {
        // Every setting is read before the first missing one ends this.
        let listen = self.required("listen", values::listen);
        let data_dir = self.required("data_dir", values::path);
        let database = self.optional("database_url", values::database);
        let database_pool_size = self.required("database_pool_size", values::pool_size);
        let database_wait = self.required("database_wait_seconds", values::seconds);
        let blobs = self.optional("blob_url", values::blobs);
        let presigned_downloads = self.required("presigned_downloads", values::switch);
        let max_file_bytes = self.required("max_file_bytes", values::bytes);
        let master_key = self.key_source("master_key", "master_key_file");
        let previous_master_key =
            self.key_source("master_key_previous", "master_key_previous_file");
        let public_url = self.optional("public_url", values::public_url);
        let bootstrap_token = self.optional("bootstrap_token", values::bootstrap_token);
        let organization = self.required("organization", values::organization);
        let admin_email = self.required("admin_email", values::email);
        let trusted_proxies = self.optional("trusted_proxies", values::networks);
        let allow_private_network = self.optional("allow_private_network", values::networks);
        let oidc = self.oidc();
        let web_search = self.web_search();
        let log = self.required("log", values::log);
        let log_format = self.required("log_format", values::log_format);
        let otlp_endpoint = self.optional("otlp_endpoint", values::otlp_endpoint);
        let shutdown_grace = self.required("shutdown_grace_seconds", values::seconds);
        let data_dir = data_dir?;
        Some(Config {
            listen: listen?,
            database: database.unwrap_or_else(|| DatabaseUrl::in_data_dir(&data_dir)),
            database_pool_size: database_pool_size?,
            database_wait: database_wait?,
            blobs: blobs.unwrap_or_else(|| BlobUrl::in_data_dir(&data_dir)),
            presigned_downloads: presigned_downloads?,
            max_file_bytes: max_file_bytes?,
            master_key,
            previous_master_key,
            public_url,
            bootstrap_token,
            organization: organization?,
            admin_email: admin_email?,
            trusted_proxies: trusted_proxies.unwrap_or_default(),
            allow_private_network: allow_private_network.unwrap_or_default(),
            oidc,
            web_search,
            mcp: self.settings.mcp().clone(),
            log: log?,
            log_format: log_format?,
            otlp_endpoint,
            shutdown_grace: shutdown_grace?,
            foreign: self.settings.foreign().clone(),
            program: None,
            data_dir,
        })
    }

    fn key_source(&mut self, key: &str, file: &str) -> KeySource {
        let given = self.optional(key, values::master_key);
        let path = self.optional(file, values::path);
        match (given, path) {
            (Some(_), Some(_)) => {
                self.faults.push(Fault::new(key, format!("and {file} are both set")));
                KeySource::DataDir
            }
            (Some(key), None) => KeySource::Given(key),
            (None, Some(path)) => KeySource::File(path),
            (None, None) => KeySource::DataDir,
        }
    }

    fn optional<T>(&mut self, key: &str, parse: fn(&str) -> Result<T, String>) -> Option<T> {
        let setting = self.settings.get(key)?;
        match parse(&setting.text) {
            Ok(value) => Some(value),
            Err(message) => {
                let message = format!("{message} ({})", setting.source);
                self.faults.push(Fault::new(key, message));
                None
            }
        }
    }

    fn required<T>(&mut self, key: &str, parse: fn(&str) -> Result<T, String>) -> Option<T> {
        if self.settings.get(key).is_none() {
            self.faults.push(Fault::new(key, "is not set"));
        }
        self.optional(key, parse)
    }
}

#[cfg(test)]
mod tests;
