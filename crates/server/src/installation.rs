//! An installation: a database, the master key that belongs to it, and the ports
//! over both. Whoever starts anything comes through here, so that a wrong key or
//! a database of another version is refused everywhere alike.

use std::{path::PathBuf, sync::Arc};

use understudy_crypto::{
    Argon2Passwords, JwtSigner, MasterKey, SystemClock, SystemIds, XChaChaLogins, XChaChaVault,
};
use understudy_domain::{
    ports::{
        ActionCaller, BlobStore, ChatModel, Clock, CryptoError, Documents, Embedder, IdSource,
        ImageModel, Installation as Record, KnowledgeIndex, LoginSealer, McpGateway, Moderator,
        PasswordHasher, Pictures, SessionSigner, Store, StoreError, Tokenizer, Vault, WebSearch,
        WebhookSender,
    },
    run::file_knowledge::FileKnowledge,
    usecases::Deps,
};

use understudy_media::{Media, MediaOptions, WorkerCommand};
use understudy_models::{Models, TokenCounter};
use understudy_outbound::{NoTls, Outbound, OutboundOptions, Webhooks};
use understudy_runner::RunPorts;

use crate::{
    abilities::{self, WebSearchError},
    blobs::{self, BlobsError},
    config::{BlobUrl, Config, DatabaseUrl, KeySource},
    database::{Database, DatabaseError, Schema, Sharing},
    files::{self, FileError},
};

/// The hidden command that works on one picture or document.
pub(crate) const MEDIA_WORKER: &str = "media-worker";

/// Everything that use cases need, made for one configuration. A clone is another
/// handle to the same.
#[derive(Clone)]
pub struct Installation {
    /// The database.
    pub store: Arc<dyn Store>,
    /// The machine's clock.
    pub clock: Arc<dyn Clock>,
    /// Identifiers and randomness.
    pub ids: Arc<dyn IdSource>,
    /// Password hashes.
    pub passwords: Arc<dyn PasswordHasher>,
    /// Session JWTs.
    pub signer: Arc<dyn SessionSigner>,
    /// What is remembered of log-ins at an identity provider.
    pub logins: Arc<dyn LoginSealer>,
    /// Write-only values.
    pub vault: Arc<dyn Vault>,
    /// Bytes of users.
    pub blobs: Arc<dyn BlobStore>,
    /// Drawing.
    pub pictures: Arc<dyn Pictures>,
    /// Documents.
    pub documents: Arc<dyn Documents>,
    /// Models that draw.
    pub image_model: Arc<dyn ImageModel>,
    /// Models that embed.
    pub embedder: Arc<dyn Embedder>,
    /// Models that converse.
    pub chat_model: Arc<dyn ChatModel>,
    /// Counts tokens.
    pub tokenizer: Arc<dyn Tokenizer>,
    /// Judges texts.
    pub moderator: Arc<dyn Moderator>,
    /// MCP servers.
    pub mcp: Arc<dyn McpGateway>,
    /// HTTP services of skills and automations.
    pub actions: Arc<dyn ActionCaller>,
    /// Searches the web, where an engine is configured.
    pub web_search: Option<Arc<dyn WebSearch>>,
    /// Searches files.
    pub knowledge: Arc<dyn KnowledgeIndex>,
    /// Who sends to webhooks.
    pub webhooks: Arc<dyn WebhookSender>,
}

/// What an installation is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To have it alone, and to make what is not there yet.
    Serve,
    /// To do one thing, possibly beside a server.
    Command,
}

/// There can be no installation.
#[derive(Debug, thiserror::Error)]
pub enum InstallationError {
    /// A file or directory is not usable.
    #[error(transparent)]
    File(FileError),
    /// The database is not usable.
    #[error(transparent)]
    Database(DatabaseError),
    /// The blob store is not usable.
    #[error(transparent)]
    Blobs(BlobsError),
    /// Nothing can be asked of others.
    #[error(transparent)]
    Outbound(NoTls),
    /// The web cannot be searched as it is configured.
    #[error(transparent)]
    WebSearch(WebSearchError),
    /// The database's record of the installation cannot be read.
    #[error("the installation's record cannot be read")]
    Record(#[source] StoreError),
    /// Nothing was made here yet.
    #[error(
        "the database is not set up or not up to date; start the server once: understudy serve"
    )]
    NotSetUp,
    /// The key is gone that the database was made with.
    #[error(
        "there is no master key at {}; nothing was changed; \
         put back the one that this database was made with",
        .0.display()
    )]
    KeyMissing(PathBuf),
    /// The key is another than the one that the database was made with.
    #[error("the master key is not the one that this database was made with; nothing was changed")]
    WrongKey,
    /// No key can be made.
    #[error("no master key can be made")]
    Key(#[source] CryptoError),
}

impl Installation {
    /// Opens the database and checks the master key. To serve, brings the database
    /// up to date and makes a key for an empty one.
    ///
    /// # Errors
    ///
    /// [`InstallationError`]; a database that is refused was not changed.
    pub async fn open(config: &Config, purpose: Purpose) -> Result<Self, InstallationError> {
        let sharing = match purpose {
            Purpose::Serve => Sharing::Alone,
            Purpose::Command => Sharing::Beside,
        };
        if purpose == Purpose::Command && is_absent(&config.database) {
            return Err(InstallationError::NotSetUp);
        }
        if needs_data_dir(config) {
            files::make_data_dir(&config.data_dir).map_err(InstallationError::File)?;
        }
        let key = read_key(config)?;
        let database = Database::open(config, sharing).map_err(InstallationError::Database)?;
        bring_up_to_date(&database, key.as_ref(), config, purpose).await?;
        let store = database.store();
        let record = store.callers().installation().await.map_err(InstallationError::Record)?;
        let previous = read_previous_key(config)?;
        let key = match (record, key, purpose) {
            // The operator moved the key aside so that a new one is made.
            (Some(record), None, Purpose::Serve) if is_of(previous.as_ref(), &record) => {
                make_key(config)?
            }
            (Some(record), key, _) => check(key.as_ref(), &record, config)?,
            (None, _, Purpose::Command) => return Err(InstallationError::NotSetUp),
            (None, Some(key), Purpose::Serve) => key,
            (None, None, Purpose::Serve) => make_key(config)?,
        };
        let (signer, logins, vault) = keyed(&key, previous.as_ref());
        let media = Arc::new(Media::new(media_options(config)));
        let allowed_networks = config.allow_private_network.clone();
        let outbound = Outbound::new(OutboundOptions { allowed_networks });
        let outbound = Arc::new(outbound.map_err(InstallationError::Outbound)?);
        let web_search = abilities::web_search(config, Arc::clone(&outbound));
        let web_search = web_search.map_err(InstallationError::WebSearch)?;
        let models = Arc::new(Models::new(Arc::clone(&outbound)));
        let blobs = blobs::open(config).map_err(InstallationError::Blobs)?;
        Ok(Self {
            store,
            knowledge: Arc::new(FileKnowledge::new(Arc::clone(&blobs))),
            blobs,
            pictures: Arc::<Media>::clone(&media),
            documents: media,
            image_model: Arc::<Models>::clone(&models),
            embedder: Arc::<Models>::clone(&models),
            chat_model: Arc::<Models>::clone(&models),
            moderator: models,
            tokenizer: Arc::new(TokenCounter),
            mcp: Arc::new(abilities::mcp(config, Arc::clone(&outbound))),
            actions: Arc::<Outbound>::clone(&outbound),
            web_search: web_search.map(|search| -> Arc<dyn WebSearch> { Arc::new(search) }),
            webhooks: Arc::new(Webhooks::new(outbound)),
            clock: Arc::new(SystemClock),
            ids: Arc::new(SystemIds),
            passwords: Arc::new(Argon2Passwords::new()),
            signer: Arc::new(signer),
            logins: Arc::new(logins),
            vault: Arc::new(vault),
        })
    }

    /// What runs are carried out with, for a service that callers reach at
    /// `public_url`.
    #[must_use]
    pub fn run_ports(&self, public_url: String) -> RunPorts {
        RunPorts {
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock),
            ids: Arc::clone(&self.ids),
            blobs: Arc::clone(&self.blobs),
            pictures: Arc::clone(&self.pictures),
            vault: Arc::clone(&self.vault),
            chat_model: Arc::clone(&self.chat_model),
            image_model: Arc::clone(&self.image_model),
            tokenizer: Arc::clone(&self.tokenizer),
            moderator: Arc::clone(&self.moderator),
            mcp: Arc::clone(&self.mcp),
            actions: Arc::clone(&self.actions),
            web_search: self.web_search.clone(),
            code: None,
            knowledge: Arc::clone(&self.knowledge),
            datasets: None,
            public_url,
        }
    }

    /// The ports that nearly every use case takes.
    #[must_use]
    pub fn deps(&self) -> Deps<'_> {
        Deps {
            store: &*self.store,
            clock: &*self.clock,
            ids: &*self.ids,
            blobs: &*self.blobs,
            pictures: &*self.pictures,
        }
    }
}

/// What is made of the master key, and of the one before while it is changed.
fn keyed(
    key: &MasterKey,
    previous: Option<&MasterKey>,
) -> (JwtSigner, XChaChaLogins, XChaChaVault) {
    match previous {
        None => (JwtSigner::new(key), XChaChaLogins::new(key), XChaChaVault::new(key)),
        Some(previous) => (
            JwtSigner::with_previous(key, previous),
            XChaChaLogins::with_previous(key, previous),
            XChaChaVault::with_previous(key, previous),
        ),
    }
}

async fn bring_up_to_date(
    database: &Database,
    key: Option<&MasterKey>,
    config: &Config,
    purpose: Purpose,
) -> Result<(), InstallationError> {
    let schema = database.await_schema(config.database_wait).await;
    match (schema.map_err(InstallationError::Database)?, purpose) {
        (Schema::Current, _) => Ok(()),
        (Schema::Behind, Purpose::Command) => Err(InstallationError::NotSetUp),
        (Schema::Behind, Purpose::Serve) => {
            // An empty database has no record to read. One that needs migrating
            // has, and must not be migrated under a wrong key.
            if let Ok(Some(record)) = database.store().callers().installation().await
                && !is_of(read_previous_key(config)?.as_ref(), &record)
            {
                check(key, &record, config)?;
            }
            database.migrate().await.map_err(InstallationError::Database)
        }
    }
}

/// Untrusted files are read by this program started anew, where it can be.
fn media_options(config: &Config) -> MediaOptions {
    let worker = config
        .program
        .clone()
        .map(|program| WorkerCommand { program, args: vec![MEDIA_WORKER.to_owned()] });
    MediaOptions { worker, ..MediaOptions::default() }
}

fn is_absent(database: &DatabaseUrl) -> bool {
    matches!(database, DatabaseUrl::Sqlite(path) if !path.exists())
}

/// Whether anything is kept in the data directory.
#[must_use]
pub fn needs_data_dir(config: &Config) -> bool {
    let database = match &config.database {
        DatabaseUrl::Sqlite(path) => path.starts_with(&config.data_dir),
        DatabaseUrl::Postgres(_) => false,
    };
    let blobs = match &config.blobs {
        BlobUrl::Directory(path) => path.starts_with(&config.data_dir),
        BlobUrl::S3(_) => false,
    };
    database || blobs || matches!(config.master_key, KeySource::DataDir)
}

/// The master key's file, unless the configuration has the key itself.
#[must_use]
pub fn key_path(config: &Config) -> Option<PathBuf> {
    match &config.master_key {
        KeySource::Given(_) => None,
        KeySource::File(path) => Some(path.clone()),
        KeySource::DataDir => Some(config.data_dir.join(files::KEY_FILE)),
    }
}

/// The configured key; `None` when it is to be made on the first start.
///
/// # Errors
///
/// [`InstallationError`] when its file cannot be read or holds no key.
pub fn read_key(config: &Config) -> Result<Option<MasterKey>, InstallationError> {
    match (&config.master_key, key_path(config)) {
        (KeySource::Given(key), _) => Ok(Some(key.clone())),
        (KeySource::File(_), Some(path)) => {
            let key = files::read_key(&path).map_err(InstallationError::File)?;
            key.map(Some).ok_or(InstallationError::KeyMissing(path))
        }
        (KeySource::DataDir, Some(path)) => files::read_key(&path).map_err(InstallationError::File),
        (_, None) => Ok(None),
    }
}

/// The master key that is still, or already, accepted beside the configured one,
/// while it is being changed.
///
/// # Errors
///
/// [`InstallationError`] when its file cannot be read or holds no key.
pub fn read_previous_key(config: &Config) -> Result<Option<MasterKey>, InstallationError> {
    match &config.previous_master_key {
        KeySource::Given(key) => Ok(Some(key.clone())),
        KeySource::File(path) => {
            let key = files::read_key(path).map_err(InstallationError::File)?;
            key.map(Some).ok_or_else(|| InstallationError::KeyMissing(path.clone()))
        }
        KeySource::DataDir => {
            let path = config.data_dir.join(files::PREVIOUS_KEY_FILE);
            files::read_key(&path).map_err(InstallationError::File)
        }
    }
}

fn is_of(key: Option<&MasterKey>, record: &Record) -> bool {
    key.is_some_and(|key| XChaChaVault::new(key).is_same_key(&record.key_check))
}

/// Refuses any key but the one that the record was made with, unless that one is
/// the previous key.
///
/// # Errors
///
/// [`InstallationError`] that says whether the key is missing or another.
pub fn check(
    key: Option<&MasterKey>,
    record: &Record,
    config: &Config,
) -> Result<MasterKey, InstallationError> {
    let Some(key) = key else {
        return Err(InstallationError::KeyMissing(key_path(config).unwrap_or_default()));
    };
    if is_of(Some(key), record) || is_of(read_previous_key(config)?.as_ref(), record) {
        Ok(key.clone())
    } else {
        Err(InstallationError::WrongKey)
    }
}

fn make_key(config: &Config) -> Result<MasterKey, InstallationError> {
    let key = MasterKey::generate().map_err(InstallationError::Key)?;
    match key_path(config) {
        Some(path) => files::keep_key(&path, key).map_err(InstallationError::File),
        None => Ok(key),
    }
}
