//! A PostgreSQL server for this process alone, gone when the process is.

use std::{
    env, fs, io,
    net::{Ipv4Addr, TcpListener},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// How often a start is tried: between finding a free port and using it,
/// somebody else may take it.
const ATTEMPTS: u32 = 5;

/// Settings of a server whose data nobody will miss.
const SETTINGS: &str = "\
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = off
full_page_writes = off
synchronous_commit = off
max_connections = 300
";

/// Waits until the process that started it is gone, however it went, and then
/// stops the server and removes its folder: $1 is the folder, the rest stops it.
const GUARD: &str = r#"cat >/dev/null; folder="$1"; shift; "$@"; rm -rf "$folder""#;

/// Says what to do when there is no server.
const MISSING: &str = "PostgreSQL is missing: install its server (Debian: apt-get install \
    postgresql), name the folder of initdb in UNDERSTUDY_TEST_POSTGRES_BIN, or name a running \
    server in UNDERSTUDY_TEST_DATABASE_URL";

/// A running server.
pub(crate) struct Cluster {
    port: u16,
    /// Holds the pipe whose end tells the guard that this process is gone.
    _guard: Child,
}

impl Cluster {
    /// Starts a server on a free port of the loopback address. `bin` is where its
    /// programs are, if not in their usual place.
    ///
    /// # Errors
    ///
    /// One line that says what is missing.
    pub(crate) fn start(bin: Option<PathBuf>) -> Result<Self, String> {
        let programs = Programs::find(bin)?;
        let folder = tempfile::Builder::new().prefix("understudy-postgres-").tempdir();
        let folder = folder.map_err(|error| format!("no temporary folder: {error}"))?;
        let data = folder.path().join("data");
        programs.own(folder.path())?;
        let mut initdb = programs.command("initdb");
        initdb.arg("-D").arg(&data);
        initdb.args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]);
        run(initdb.current_dir(folder.path()))?;
        let settings = data.join("postgresql.auto.conf");
        fs::write(&settings, SETTINGS)
            .map_err(|error| format!("{}: {error}", settings.display()))?;
        let guard = programs.guard(folder.path(), &data).map_err(|error| error.to_string())?;
        // From here on the guard removes the folder.
        let folder = folder.keep();
        let port = listen(&programs, &folder, &data)?;
        Ok(Self { port, _guard: guard })
    }

    /// The address of its first database, for its superuser.
    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@{}:{}/postgres", Ipv4Addr::LOCALHOST, self.port)
    }
}

fn listen(programs: &Programs, folder: &Path, data: &Path) -> Result<u16, String> {
    let mut result = Err(String::new());
    for _ in 0..ATTEMPTS {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|free| free.local_addr());
        let port = free.map_err(|error| format!("no free port: {error}"))?.port();
        let mut start = programs.command("pg_ctl");
        start.arg("-D").arg(data).arg("-l").arg(folder.join("log"));
        start.args(["-w", "-s", "-o", &format!("-p {port}"), "start"]);
        result = run(start.current_dir(folder)).map(|()| port);
        if result.is_ok() {
            break;
        }
    }
    result
}

/// The programs of a PostgreSQL server, and who may run them.
struct Programs {
    folder: PathBuf,
    /// A server refuses to be root's.
    run_as: Option<&'static str>,
}

impl Programs {
    fn find(bin: Option<PathBuf>) -> Result<Self, String> {
        let folder = match bin {
            Some(bin) if has_server(&bin) => bin,
            Some(bin) => return Err(format!("there is no PostgreSQL server in {}", bin.display())),
            None => look_around().ok_or(MISSING)?,
        };
        let run_as = match (is_root(), has_user("postgres")) {
            (false, _) => None,
            (true, true) => Some("postgres"),
            (true, false) => Some("nobody"),
        };
        Ok(Self { folder, run_as })
    }

    fn command(&self, program: &str) -> Command {
        let program = self.folder.join(program);
        let Some(user) = self.run_as else { return Command::new(program) };
        let mut command = Command::new("runuser");
        command.args(["-u", user, "--"]).arg(program);
        command
    }

    fn own(&self, folder: &Path) -> Result<(), String> {
        match self.run_as {
            None => Ok(()),
            Some(user) => run(Command::new("chown").arg(user).arg(folder)),
        }
    }

    fn guard(&self, folder: &Path, data: &Path) -> io::Result<Child> {
        let mut stop = self.command("pg_ctl");
        stop.arg("-D").arg(data).args(["-w", "-s", "-m", "immediate", "stop"]);
        let mut guard = Command::new("sh");
        guard.args(["-c", GUARD, "guard"]).arg(folder).arg(stop.get_program());
        guard.args(stop.get_args()).current_dir("/");
        // A group of its own: what ends the tests must not end their guard.
        guard.process_group(0);
        guard.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
    }
}

fn look_around() -> Option<PathBuf> {
    let installed = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = installed
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

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}

fn has_user(name: &str) -> bool {
    let id = Command::new("id").arg(name).output();
    id.is_ok_and(|id| id.status.success())
}

/// Runs a program to its end. Its output goes to a file, not to a pipe, because a
/// server that it leaves behind would hold the pipe open.
fn run(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let failed = |error: io::Error| format!("{name} cannot be run: {error}");
    let mut output = tempfile::tempfile().map_err(failed)?;
    let (out, err) = (output.try_clone().map_err(failed)?, output.try_clone().map_err(failed)?);
    let status = command.stdin(Stdio::null()).stdout(out).stderr(err).status().map_err(failed)?;
    if status.success() {
        return Ok(());
    }
    let mut text = String::new();
    let read = io::Seek::rewind(&mut output)
        .and_then(|()| io::Read::read_to_string(&mut output, &mut text));
    let last = read.ok().and_then(|_| text.trim_end().lines().last()).unwrap_or_default();
    Err(format!("PostgreSQL cannot be started: {last} ({status})"))
}
