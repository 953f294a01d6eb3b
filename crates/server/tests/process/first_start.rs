//! The first start, and every later one.

use std::process::Command;

use serde_json::Value;

use crate::support::{Server, directory, finish, understudy};

/// Runs `lines` in one shell, literally; what they print.
fn shell(lines: &[String]) -> String {
    let script = format!("set -e\n{}\n", lines.join("\n"));
    let said = finish(Command::new("sh").args(["-c", &script]), "");
    assert_eq!(said.code, 0, "{said:?}");
    said.stdout
}

/// JSON values, one behind the other.
fn values(text: &str) -> Vec<Value> {
    let values = serde_json::Deserializer::from_str(text).into_iter();
    values.map(|value| value.unwrap_or_else(|error| panic!("{error}: {text}"))).collect()
}

#[test]
fn its_lines_make_ask_draft_diff_commit_and_read_as_they_are() {
    let directory = directory();
    let mut server = Server::start(directory.path());

    let said = server.lines(11);
    let from =
        said.iter().position(|line| line.starts_with("export UNDERSTUDY_TOKEN=ust_")).unwrap();
    let [export, create, ask, edit, commit] = &said[from..from + 5] else { panic!("{said:?}") };
    let run = |lines: &[&String]| {
        let lines: Vec<_> = [&[export], lines].concat().into_iter().cloned().collect();
        shell(&lines)
    };
    let created = &values(&run(&[create]))[0];
    let answer = run(&[ask]);
    let values = values(&run(&[edit, commit]));

    // Streamed, from the file, and saying so.
    assert!(answer.contains("event: response.content_delta"), "{answer}");
    assert!(answer.contains("Tickets cost 12 francs. [1]"), "{answer}");
    assert!(answer.contains("\"title\":\"museum.md\""), "{answer}");
    assert!(answer.trim_end().ends_with("data: [DONE]"), "{answer}");
    let [draft, changed, diff, committed, version] = values.as_slice() else {
        panic!("{values:#?}");
    };
    assert_eq!(created["name"], "Guide");
    assert_eq!(draft["instructions"], "Answer in one sentence.");
    assert_eq!(draft["editing_id"], created["id"]);
    assert_eq!(changed["instructions"], "Answer in two sentences.");
    assert_eq!(changed["id"], draft["id"]);
    assert!(diff.to_string().contains("Answer in two sentences."), "{diff}");
    assert_eq!(committed["id"], created["id"]);
    assert_eq!(committed["instructions"], "Answer in two sentences.");
    assert!(version.to_string().contains("Answer in two sentences."), "{version}");
}

#[test]
fn a_later_one_shows_no_token_and_says_how_to_make_one() {
    let directory = directory();
    drop(Server::start(directory.path()));

    let said = Server::start(directory.path()).rest();

    assert_eq!(said, ["Make a token with: understudy token create --user ADDRESS"]);
}

#[test]
fn a_chosen_token_works_and_is_not_printed() {
    let directory = directory();
    let token = "ust_chosen-by-the-operator-0123456789";
    let mut command = understudy(directory.path(), &["--listen", "127.0.0.1:0"]);
    command.env("UNDERSTUDY_BOOTSTRAP_TOKEN", token).env("UNDERSTUDY_ORGANIZATION", "Ada & Co");
    command.env("UNDERSTUDY_ADMIN_EMAIL", "ada@example.org");

    let server = Server::spawn(command);
    let (status, session) = server.ask("GET", "/api/session", token, "");
    let said = server.rest().join("\n");

    assert_eq!(status, 200);
    assert_eq!(session["user"]["email"], "ada@example.org");
    assert_eq!(session["organization"]["name"], "Ada & Co");
    assert!(said.contains("export UNDERSTUDY_TOKEN=\"$UNDERSTUDY_BOOTSTRAP_TOKEN\""), "{said}");
    assert!(!said.contains(token));
}

#[test]
fn it_keeps_everything_to_its_owner() {
    use std::os::unix::fs::PermissionsExt;
    let directory = directory();
    let _server = Server::start(directory.path());

    let data = directory.path().join("understudy-data");
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode();

    assert_eq!(mode(&data) & 0o777, 0o700);
    for entry in std::fs::read_dir(&data).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path) & 0o077, 0, "{}", path.display());
    }
}

#[test]
fn nothing_that_it_logs_has_the_token_in_it() {
    let directory = directory();
    let log = directory.path().join("log");
    let mut command = understudy(directory.path(), &["--listen", "127.0.0.1:0", "--log", "trace"]);
    command.stderr(std::fs::File::create(&log).unwrap());

    let mut server = Server::spawn(command);
    let token = server.first_token();
    let (status, _) = server.ask("GET", "/api/session", &token, "");
    drop(server);

    let logged = std::fs::read_to_string(log).unwrap();
    assert_eq!(status, 200);
    assert!(logged.lines().count() > 10);
    assert!(!logged.contains(&token));
    for line in logged.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert!(line["time"].is_string() && line["level"].is_string(), "{line}");
    }
}

#[test]
fn a_server_that_exports_traces_starts_and_answers() {
    let directory = directory();
    let listen = ["--listen", "127.0.0.1:0", "--otlp-endpoint", "http://127.0.0.1:9"];

    let server = Server::spawn(understudy(directory.path(), &listen));

    assert_eq!(server.ask("GET", "/readyz", "", "").0, 200);
}

#[test]
fn a_machine_without_certificates_has_a_server_all_the_same() {
    let directory = directory();
    let mut command = understudy(directory.path(), &["--listen", "127.0.0.1:0"]);
    command.envs([("SSL_CERT_FILE", "/nonexistent"), ("SSL_CERT_DIR", "/nonexistent")]);

    let server = Server::spawn(command);

    assert_eq!(server.ask("GET", "/readyz", "", "").0, 200);
}
