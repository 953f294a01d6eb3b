//! A PostgreSQL server for one run: found or installed, started, thrown away.

use std::{
    env, fs,
    io::Write as _,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;
use tokio::process::Command;

use crate::process;

/// How often a start is tried: between finding a free port and using it,
/// somebody else may take it.
const ATTEMPTS: u32 = 5;

/// The programs of a PostgreSQL server.
#[derive(Clone)]
pub(crate) struct Binaries {
    /// Where they are.
    pub(crate) folder: PathBuf,
    /// The user that runs them; a server refuses to be root's.
    run_as: Option<&'static str>,
}

impl Binaries {
    /// Finds them: in `given`, where Debian puts them, or on the `PATH`. As root
    /// on a Debian-like system it installs them when they are missing.
    ///
    /// # Errors
    ///
    /// Says in one line what to do when there are none.
    pub(crate) async fn find(given: Option<PathBuf>) -> Result<Self> {
        if let Some(folder) = given {
            if !has_server(&folder) {
                bail!("there is no PostgreSQL server in {}", folder.display());
            }
            return Self::in_folder(folder).await;
        }
        if let Some(folder) = look_around() {
            return Self::in_folder(folder).await;
        }
        if is_root().await && Path::new("/usr/bin/apt-get").exists() {
            install().await?;
        }
        match look_around() {
            Some(folder) => Self::in_folder(folder).await,
            None => bail!(
                "PostgreSQL is missing: install its server (Debian: apt-get install postgresql), \
                 or name the folder of initdb in UNDERSTUDY_TEST_POSTGRES_BIN, \
                 or leave its tests out with --fast"
            ),
        }
    }

    async fn in_folder(folder: PathBuf) -> Result<Self> {
        let run_as = match is_root().await {
            false => None,
            true if process::succeeds(Command::new("id").arg("postgres")).await => Some("postgres"),
            true => Some("nobody"),
        };
        Ok(Self { folder, run_as })
    }

    /// A command that runs one of them as the right user.
    pub(crate) fn command(&self, program: &str) -> Command {
        let program = self.folder.join(program);
        match self.run_as {
            None => Command::new(program),
            Some(user) => {
                let mut command = Command::new("runuser");
                command.args(["-u", user, "--"]).arg(program);
                command
            }
        }
    }
}

/// A running server with an empty cluster. Dropping it stops and removes it.
pub(crate) struct Cluster {
    binaries: Binaries,
    folder: TempDir,
    port: u16,
}

impl Cluster {
    /// Starts a server with `settings` on a free port of the loopback address.
    pub(crate) async fn start(binaries: Binaries, settings: &[&str]) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("understudy-postgres-").tempdir()?;
        if let Some(user) = binaries.run_as {
            process::output(Command::new("chown").arg(user).arg(folder.path())).await?;
        }
        let mut cluster = Self { binaries, folder, port: 0 };
        let mut initdb = cluster.binaries.command("initdb");
        initdb.arg("-D").arg(cluster.data());
        initdb.args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]);
        process::output(initdb.current_dir(cluster.folder.path())).await?;
        cluster.configure(settings)?;
        for _ in 1..ATTEMPTS {
            if cluster.listen().await.is_ok() {
                return Ok(cluster);
            }
        }
        cluster.listen().await?;
        Ok(cluster)
    }

    /// The address of its first database, for its superuser.
    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@{}:{}/postgres", Ipv4Addr::LOCALHOST, self.port)
    }

    /// The process id of the server.
    pub(crate) fn process(&self) -> Result<u32> {
        let file = fs::read_to_string(self.data().join("postmaster.pid"))?;
        Ok(file.lines().next().unwrap_or_default().trim().parse()?)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn configure(&self, settings: &[&str]) -> Result<()> {
        let path = self.data().join("postgresql.conf");
        let mut file = fs::OpenOptions::new().append(true).open(&path)?;
        writeln!(file, "listen_addresses = '{}'", Ipv4Addr::LOCALHOST)?;
        writeln!(file, "unix_socket_directories = ''")?;
        for setting in settings {
            writeln!(file, "{setting}")?;
        }
        Ok(())
    }

    async fn listen(&mut self) -> Result<()> {
        self.port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let log = self.folder.path().join("log");
        let mut start = self.binaries.command("pg_ctl");
        start.arg("-D").arg(self.data()).arg("-l").arg(&log);
        start.args(["-w", "-s", "-o", &format!("-p {}", self.port), "start"]);
        start.current_dir(self.folder.path()).stdin(Stdio::null());
        if process::status(&mut start).await?.success() {
            return Ok(());
        }
        let log = fs::read_to_string(log).unwrap_or_default();
        bail!("PostgreSQL does not start: {}", log.trim_end().lines().last().unwrap_or("no log"))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let mut stop = self.binaries.command("pg_ctl");
        stop.arg("-D").arg(self.data()).args(["-w", "-s", "-m", "immediate", "stop"]);
        stop.current_dir(self.folder.path()).stdin(Stdio::null()).stderr(Stdio::null());
        // A server that never started has nothing to stop.
        drop(stop.as_std_mut().status());
    }
}

fn look_around() -> Option<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    versions.sort();
    let newest_first = versions.into_iter().rev().map(|(_, folder)| folder);
    let path = env::var_os("PATH").unwrap_or_default();
    newest_first.chain(env::split_paths(&path)).find(|folder| has_server(folder))
}

fn has_server(folder: &Path) -> bool {
    ["initdb", "pg_ctl", "postgres"].iter().all(|program| folder.join(program).is_file())
}

async fn is_root() -> bool {
    let id = process::output(Command::new("id").arg("-u")).await;
    id.is_ok_and(|id| id.trim() == "0")
}

async fn install() -> Result<()> {
    eprintln!("xtask: installing PostgreSQL");
    let apt = || {
        let mut apt = Command::new("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive").arg("-qq");
        apt
    };
    process::output(apt().arg("update")).await.context("cannot install PostgreSQL")?;
    process::output(apt().args(["install", "-y", "--no-install-recommends", "postgresql"]))
        .await
        .context("cannot install PostgreSQL")?;
    Ok(())
}
