//! Runs the binary in a directory of its own and reads what it says.

use std::{
    io::{BufRead, BufReader, Lines, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

/// A working directory without anything in it.
pub(crate) fn directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// The binary in `directory`, without this process's settings.
pub(crate) fn understudy(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_understudy"));
    command.current_dir(directory).args(arguments).env_clear();
    command.stdin(Stdio::null());
    command
}

/// What a finished run said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs the binary to its end.
pub(crate) fn run(directory: &Path, arguments: &[&str]) -> Said {
    finish(&mut understudy(directory, arguments), "")
}

/// Runs a command to its end with `input` on stdin.
pub(crate) fn finish(command: &mut Command, input: &str) -> Said {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command that does not read its stdin may be gone already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    Said {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The one line of a refusal, after checking that it is one.
pub(crate) fn refusal(said: &Said) -> &str {
    assert_eq!(said.code, 1, "{said:?}");
    let line = said.stderr.strip_suffix('\n').unwrap();
    assert!(!line.contains('\n'), "{said:?}");
    line.strip_prefix("understudy: ").unwrap()
}

/// A server that is killed when the test is over.
pub(crate) struct Server {
    child: Child,
    stdout: Lines<BufReader<ChildStdout>>,
    /// Where it listens.
    pub(crate) url: String,
}

impl Server {
    /// Starts one on a free port and waits until it says where.
    pub(crate) fn start(directory: &Path) -> Self {
        Self::spawn(understudy(directory, &["--listen", "127.0.0.1:0", "--log", "warn"]))
    }

    /// Starts one with this command.
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = stdout.next().unwrap().unwrap();
        let url = line.strip_prefix("Understudy listens on ").unwrap().to_owned();
        Self { child, stdout, url }
    }

    /// The next `count` lines that it says.
    pub(crate) fn lines(&mut self, count: usize) -> Vec<String> {
        self.stdout.by_ref().take(count).map(Result::unwrap).collect()
    }

    /// What is left to read after it ended.
    pub(crate) fn rest(mut self) -> Vec<String> {
        self.signal("TERM");
        self.stdout.by_ref().map(Result::unwrap).collect()
    }

    /// The token of a first start.
    pub(crate) fn first_token(&mut self) -> String {
        let export = self.stdout.by_ref().map(Result::unwrap);
        let token = export
            .into_iter()
            .find_map(|line| line.strip_prefix("export UNDERSTUDY_TOKEN=").map(str::to_owned));
        token.unwrap()
    }

    pub(crate) fn signal(&self, name: &str) {
        let killed = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(killed.unwrap().success());
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }

    /// A connection to it.
    pub(crate) fn connect(&self) -> TcpStream {
        TcpStream::connect(self.url.strip_prefix("http://").unwrap()).unwrap()
    }

    /// Asks it for something; the answer's status and JSON.
    pub(crate) fn ask(&self, method: &str, path: &str, token: &str, body: &str) -> (u16, Value) {
        let mut connection = self.connect();
        let request = request(method, path, token, body);
        connection.write_all(request.as_bytes()).unwrap();
        answer(connection)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A request that closes its connection.
pub(crate) fn request(method: &str, path: &str, token: &str, body: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Authorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Reads an answer to its end.
pub(crate) fn answer(mut connection: impl Read) -> (u16, Value) {
    let mut text = String::new();
    connection.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let body = if head.to_lowercase().contains("transfer-encoding: chunked") {
        body.split("\r\n").nth(1).unwrap_or_default()
    } else {
        body
    };
    (status, serde_json::from_str(body).unwrap_or_default())
}
