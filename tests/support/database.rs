//! A database for one test, cloned from a template that was migrated once.
#![expect(clippy::expect_used, reason = "a database that cannot be made fails the test")]

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;
use tokio_postgres::{Client, NoTls};
use understudy_domain::token::hex;
use understudy_store_postgres::PgStore;
use url::Url;

use crate::{cluster::Cluster, store::few_connections};

/// Names the lock of whoever makes the template.
const LOCK: i64 = 0x7465_6d70_6c61_7465;

/// Who owns the databases: no superuser, so that tests meet the permissions of
/// production.
const OWNER: &str = "understudy_test_owner";

/// Protects nothing: the databases hold samples.
const PASSWORD: &str = "understudy";

const MIGRATIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations/postgres");

/// A database of its own. Dropping it removes it.
pub struct Database {
    name: String,
    url: String,
}

impl Database {
    /// Clones the template.
    ///
    /// # Panics
    ///
    /// When there is no PostgreSQL server and none can be started.
    pub async fn create() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let template = template().await;
        let name =
            format!("{template}_{}_{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let clone = format!("CREATE DATABASE {name} TEMPLATE {template} OWNER {OWNER}");
        let admin = connect().await;
        admin.batch_execute(&clone).await.expect("the template can be cloned");
        Self { url: owners_url(&name), name }
    }

    /// Its address, for its owner.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Every row of every table as text, whosever it is; bytes are in hex.
    ///
    /// # Panics
    ///
    /// When it cannot be read.
    pub async fn dump(&self) -> String {
        let client = self.administrator().await;
        let tables = "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables \
            WHERE schemaname NOT IN ('pg_catalog', 'information_schema')";
        let mut dump = String::new();
        for table in client.query(tables, &[]).await.expect("a list of tables") {
            let table: String = table.get(0);
            let rows = client.query(&format!("SELECT t::text FROM {table} t"), &[]).await;
            for row in rows.expect("a readable table") {
                dump.push_str(row.get(0));
                dump.push('\n');
            }
        }
        dump
    }

    /// A connection that nothing is hidden from and everything is allowed to.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub async fn administrator(&self) -> Client {
        let mut url = server().clone();
        url.set_path(&self.name);
        let connected = tokio_postgres::connect(url.as_str(), NoTls).await;
        let (client, connection) = connected.expect("a connection of the administrator");
        tokio::spawn(connection);
        client
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // A thread of its own: this one may be driving the runtime that it waits for.
        let removal = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async { connect().await.batch_execute(&statement).await })?;
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
        });
        // What cannot be removed goes with the server.
        drop(removal.join());
    }
}

/// The server of this process: a running one that was named, or one of its own.
fn server() -> &'static Url {
    static SERVER: OnceLock<(Url, Option<Cluster>)> = OnceLock::new();
    let (url, _) = SERVER.get_or_init(|| {
        let (text, cluster) = if let Some(named) = env::var_os("UNDERSTUDY_TEST_DATABASE_URL") {
            (named.to_string_lossy().into_owned(), None)
        } else {
            let bin = env::var_os("UNDERSTUDY_TEST_POSTGRES_BIN").map(PathBuf::from);
            let cluster = Cluster::start(bin).unwrap_or_else(|line| panic!("{line}"));
            (cluster.url(), Some(cluster))
        };
        let url = Url::parse(&text).expect("UNDERSTUDY_TEST_DATABASE_URL is a URL");
        (url, cluster)
    });
    url
}

/// A connection as the server's administrator.
async fn connect() -> Client {
    let connected = tokio_postgres::connect(server().as_str(), NoTls).await;
    let (client, connection) = connected.unwrap_or_else(|error| {
        panic!("PostgreSQL cannot be reached at UNDERSTUDY_TEST_DATABASE_URL: {error:?}")
    });
    tokio::spawn(connection);
    client
}

fn owners_url(database: &str) -> String {
    let mut url = server().clone();
    url.set_path(database);
    let named = url.set_username(OWNER).and_then(|()| url.set_password(Some(PASSWORD)));
    named.expect("a URL of a server has room for a user");
    url.into()
}

/// The name of the database that tests clone. It is made by whoever comes first,
/// and again when a migration changes.
async fn template() -> &'static str {
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    TEMPLATE
        .get_or_init(|| async {
            let name = format!("understudy_{}", digest(Path::new(MIGRATIONS)));
            let admin = connect().await;
            admin.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await.expect("a lock");
            let known = "SELECT 1 FROM pg_database WHERE datname = $1";
            let found = admin.query_opt(known, &[&name]).await.expect("a list of databases");
            if found.is_none() {
                migrate(&admin, &name).await;
            }
            name
        })
        .await
}

/// Makes the template under another name first, so that nobody clones half of it.
async fn migrate(admin: &Client, template: &str) {
    let half = format!("{template}_half");
    admin.batch_execute(&make_owner()).await.expect("a role that owns databases");
    let statements = [
        format!("DROP DATABASE IF EXISTS {half}"),
        format!("CREATE DATABASE {half} OWNER {OWNER}"),
    ];
    for statement in statements {
        admin.batch_execute(&statement).await.expect("an empty database");
    }
    let store = PgStore::open(&owners_url(&half), few_connections()).expect("a well-formed URL");
    store.migrate().await.expect("the migrations can be applied");
    drop(store);
    let close = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
    admin.execute(close, &[&half]).await.expect("closed connections");
    let rename = format!("ALTER DATABASE {half} RENAME TO {template}");
    admin.batch_execute(&rename).await.expect("a name for the template");
}

/// Makes the owner if it is missing; where the application's role is there
/// already, lets the owner hand it out.
fn make_owner() -> String {
    format!(
        "DO $$ BEGIN \
             IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{OWNER}') THEN \
                 CREATE ROLE {OWNER} LOGIN CREATEROLE PASSWORD '{PASSWORD}'; \
             END IF; \
             IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'understudy_app') THEN \
                 GRANT understudy_app TO {OWNER} WITH ADMIN OPTION; \
             END IF; \
         END $$"
    )
}

/// Twelve characters that change with any file of the folder.
fn digest(folder: &Path) -> String {
    let mut files = Vec::new();
    collect(folder, &mut files).expect("readable migrations");
    files.sort();
    let mut digest = Sha256::new();
    for file in files {
        digest.update(file.to_string_lossy().as_bytes());
        digest.update(fs::read(&file).expect("a readable migration"));
    }
    hex(&digest.finalize()).chars().take(12).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
