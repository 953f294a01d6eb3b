//! The service itself, as an operator starts it.

use std::{
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use tokio::{
    process::{Child, Command},
    time::sleep,
};

use crate::{
    client::{Connection, request},
    machine::Family,
};

/// The first administrator's token, given at the start.
pub(crate) const ADMINISTRATOR: &str = "ust_benchbenchbenchbenchbenchbenchbenchbench";

/// How long a start may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where the service keeps its data and which program it is.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The program.
    pub(crate) program: PathBuf,
    /// Its data folder.
    pub(crate) folder: PathBuf,
    /// Its database, if it is not the embedded one.
    pub(crate) database: Option<String>,
}

/// A running server, ours or a yardstick. It ends when it is dropped.
pub(crate) struct Server {
    child: Child,
    /// Host and port.
    pub(crate) address: String,
    /// How long it took to answer.
    pub(crate) started_in: Duration,
}

impl Server {
    /// Starts the service with its defaults and waits until it is ready.
    pub(crate) async fn start(place: &Place) -> Result<Self> {
        let mut command = Command::new(&place.program);
        command.env_clear().current_dir(&place.folder).arg("--data-dir").arg(&place.folder);
        command.args(["--bootstrap-token", ADMINISTRATOR]);
        // The provider that it asks is on this machine.
        command.args(["--allow-private-network", "127.0.0.1/32"]);
        if let Some(url) = &place.database {
            command.args(["--database-url", url]);
        }
        Self::wait_for(command, "/readyz", 200, &place.folder.join("log")).await
    }

    /// Starts this program as a yardstick.
    pub(crate) async fn yardstick(arguments: &[String], log: &Path) -> Result<Self> {
        Self::own("yardstick", arguments, log).await
    }

    /// Starts this program as a server of the kind that the subcommand names.
    pub(crate) async fn own(kind: &str, arguments: &[String], log: &Path) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(kind).args(arguments);
        Self::wait_for(command, "/", 404, log).await
    }

    /// Starts nginx with a configuration that has `{address}` where it listens, or
    /// returns `None` where there is no nginx.
    pub(crate) async fn nginx(configuration: &str, folder: &Path) -> Result<Option<Self>> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let address = format!("{}:{port}", Ipv4Addr::LOCALHOST);
        let file = folder.join("nginx.conf");
        std::fs::write(&file, configuration.replace("{address}", &address))?;
        let mut command = Command::new("nginx");
        command.arg("-p").arg(folder).arg("-c").arg(&file).args(["-g", "daemon off;"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let begun = Instant::now();
        let Ok(child) = command.kill_on_drop(true).spawn() else { return Ok(None) };
        while begun.elapsed() < PATIENCE {
            if answers(&address, "/nothing", 404).await {
                return Ok(Some(Self { child, address, started_in: begun.elapsed() }));
            }
            sleep(Duration::from_millis(1)).await;
        }
        bail!("nginx does not start")
    }

    async fn wait_for(mut command: Command, path: &str, status: u16, log: &Path) -> Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let address = format!("{}:{port}", Ipv4Addr::LOCALHOST);
        command.args(["--listen", &address]).stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(std::fs::File::create(log)?).kill_on_drop(true);
        let begun = Instant::now();
        let mut child = command.spawn()?;
        while begun.elapsed() < PATIENCE {
            if answers(&address, path, status).await {
                return Ok(Self { child, address, started_in: begun.elapsed() });
            }
            if child.try_wait()?.is_some() {
                break;
            }
            sleep(Duration::from_millis(1)).await;
        }
        let log = std::fs::read_to_string(log).unwrap_or_default();
        bail!("a server does not start: {log}")
    }

    /// Its process id.
    pub(crate) fn id(&self) -> Result<u32> {
        self.child.id().context("the server has ended")
    }

    /// Its processes.
    pub(crate) fn family(&self) -> Result<Family> {
        Ok(Family(self.id()?))
    }

    /// Ends it in good order.
    pub(crate) async fn stop(mut self) -> Result<()> {
        let id = self.id()?.to_string();
        Command::new("kill").args(["-TERM", &id]).status().await?;
        self.child.wait().await?;
        Ok(())
    }
}

async fn answers(address: &str, path: &str, status: u16) -> bool {
    let Ok(mut connection) = Connection::open(address).await else { return false };
    let answer = connection.exchange(&request("GET", path, &[], "")).await;
    answer.is_ok_and(|answer| answer.status == status)
}
