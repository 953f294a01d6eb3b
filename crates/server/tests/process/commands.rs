//! The commands beside `serve`.

use std::{fs, os::unix::fs::PermissionsExt};

use serde_json::Value;

use crate::support::{Server, directory, finish, refusal, run, understudy};

#[test]
fn config_check_prints_each_setting_with_its_source_and_no_secret() {
    let directory = directory();
    fs::write(directory.path().join("understudy.toml"), "database_pool_size = 4\n").unwrap();
    let mut command = understudy(directory.path(), &["config", "check", "--listen", "[::1]:1"]);
    command.env("UNDERSTUDY_DATABASE_URL", "postgres://ada:hunter2@db/x");
    command.env("UNDERSTUDY_BOOTSTRAP_TOKEN", "ust_hunter2-hunter2-hunter2-hunter2");

    let said = finish(&mut command, "");

    assert_eq!(said.code, 0, "{said:?}");
    let line = |key: &str| {
        let start = format!("{key} = ");
        let line = said.stdout.lines().find(|line| line.starts_with(&start)).unwrap();
        let (setting, source) = line.split_once("  # ").unwrap();
        (setting.trim_end().to_owned(), source.to_owned())
    };
    assert_eq!(line("listen"), ("listen = \"[::1]:1\"".to_owned(), "flag".to_owned()));
    assert_eq!(line("database_pool_size").0, "database_pool_size = 4");
    assert_eq!(line("database_pool_size").1, "file, understudy.toml");
    assert_eq!(line("database_url").0, "database_url = \"postgres://ada:********@db/x\"");
    assert_eq!(line("database_url").1, "environment, UNDERSTUDY_DATABASE_URL");
    assert_eq!(line("shutdown_grace_seconds").1, "default");
    assert!(!said.stdout.contains("hunter2"), "{said:?}");
}

#[test]
fn config_check_lists_every_fault_on_a_line_of_its_own() {
    let directory = directory();

    let said = run(
        directory.path(),
        &["config", "check", "--listen", "x", "--database-url", "y", "--blob-url", "z"],
    );

    assert_eq!(said.code, 1, "{said:?}");
    assert_eq!(said.stderr.lines().count(), 3, "{said:?}");
    assert!(said.stderr.lines().all(|line| line.starts_with("understudy: ")), "{said:?}");
}

#[test]
fn doctor_finds_nothing_wrong_before_and_after_the_first_start_and_changes_nothing() {
    let directory = directory();

    let before = run(directory.path(), &["doctor", "--listen", "127.0.0.1:0"]);
    assert_eq!(before.code, 0, "{before:?}");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);

    Server::start(directory.path()).rest();
    let after = run(directory.path(), &["doctor", "--listen", "127.0.0.1:0"]);
    assert_eq!(after.code, 0, "{after:?}");
    assert!(after.stdout.lines().all(|line| line.starts_with("ok ")), "{after:?}");
}

#[test]
fn doctor_says_what_to_do_about_an_exposed_key_and_an_open_directory() {
    let directory = directory();
    Server::start(directory.path()).rest();
    let data = directory.path().join("understudy-data");
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(data.join("master.key"), fs::Permissions::from_mode(0o644)).unwrap();

    let said = run(directory.path(), &["doctor", "--listen", "127.0.0.1:0"]);

    assert_eq!(said.code, 1, "{said:?}");
    let problems: Vec<&str> =
        said.stdout.lines().filter(|line| line.starts_with("problem ")).collect();
    assert!(problems.iter().any(|line| line.contains("chmod 700")), "{said:?}");
    assert!(problems.iter().any(|line| line.contains("chmod 600")), "{said:?}");
}

#[test]
fn a_token_is_made_beside_a_running_server_and_keeps_its_limits() {
    let directory = directory();
    let server = Server::start(directory.path());

    let said = run(
        directory.path(),
        &["token", "create", "--user", "admin@localhost", "--read-only", "--expires-in", "1h"],
    );

    let token = said.stdout.trim();
    assert_eq!(said.code, 0, "{said:?}");
    let (read, session) = server.ask("GET", "/api/session", token, "");
    let (write, _) = server.ask("POST", "/api/assistants", token, r#"{"name":"A"}"#);
    assert_eq!((read, write), (200, 403));
    assert_eq!(session["user"]["email"], "admin@localhost");
    assert!(session["token"]["expiresAt"].is_string(), "{session}");
}

#[test]
fn a_token_for_nobody_is_refused() {
    let directory = directory();
    let create = ["token", "create", "--user", "nobody@example.org"];

    let said = run(directory.path(), &create);
    assert!(refusal(&said).contains("start the server once"), "{said:?}");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);

    Server::start(directory.path()).rest();
    let said = run(directory.path(), &create);
    assert!(refusal(&said).contains("nobody@example.org"), "{said:?}");
}

#[test]
fn a_user_that_is_made_here_can_log_in() {
    let directory = directory();
    let server = Server::start(directory.path());
    let create =
        ["user", "create", "--email", "ada@example.org", "--name", "Ada", "--role", "manager"];
    let mut command = understudy(directory.path(), &create);

    let said = finish(command.arg("--password-stdin"), "correct horse battery\n");
    let again = run(directory.path(), &create);

    assert_eq!(said.code, 0, "{said:?}");
    let body = r#"{"email":"ada@example.org","password":"correct horse battery"}"#;
    let (status, session) = server.ask("POST", "/api/session", "", body);
    assert!(matches!(status, 200 | 201), "{status} {session}");
    assert_eq!(session["user"]["id"], said.stdout.trim());
    assert_eq!(session["user"]["role"], "manager");
    assert!(refusal(&again).contains("email"), "{again:?}");
}

#[test]
fn migrate_makes_the_database_and_ends() {
    let directory = directory();

    let first = run(directory.path(), &["migrate"]);
    let second = run(directory.path(), &["migrate"]);

    assert_eq!((first.code, second.code), (0, 0), "{first:?} {second:?}");
    assert!(directory.path().join("understudy-data/understudy.db").exists());
}

#[test]
fn the_openapi_document_is_printed() {
    let directory = directory();

    let said = run(directory.path(), &["openapi"]);

    let document: Value = serde_json::from_str(&said.stdout).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
    assert!(document["paths"]["/api/assistants"].is_object());
}
