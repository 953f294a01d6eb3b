//! What a start refuses: one line, exit code 1, nothing changed.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use diesel::{Connection, SqliteConnection, connection::SimpleConnection};

use crate::support::{Server, directory, refusal, run, understudy};

const DATABASE: &str = "understudy-data/understudy.db";
const KEY: &str = "understudy-data/master.key";

/// Runs a server once, so that there is a database.
fn set_up(directory: &Path) {
    let server = Server::start(directory);
    server.rest();
}

/// Tells SQLite something behind the server's back.
fn sql(directory: &Path, statements: &str) {
    let path = directory.join(DATABASE);
    let mut database = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    database.batch_execute(statements).unwrap();
}

fn serve(directory: &Path) -> crate::support::Said {
    run(directory, &["--listen", "127.0.0.1:0"])
}

#[test]
fn another_scheme_never_becomes_an_empty_database() {
    let directory = directory();

    for url in ["mysql://root@db/x", "postgresq://db/x", "db.sqlite", "sqlite:"] {
        let said = run(directory.path(), &["--database-url", url]);
        assert!(refusal(&said).starts_with("database_url "), "{said:?}");
    }
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn another_master_key_is_refused_and_the_right_one_still_works() {
    let directory = directory();
    let mut server = Server::start(directory.path());
    let token = server.first_token();
    server.rest();
    let key = directory.path().join(KEY);
    let right = fs::read(&key).unwrap();
    let wrong = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

    fs::write(&key, wrong).unwrap();
    let start = serve(directory.path());
    let made = run(directory.path(), &["token", "create", "--user", "admin@localhost"]);
    let kept = fs::read_to_string(&key).unwrap();
    fs::write(&key, right).unwrap();
    let server = Server::start(directory.path());

    for said in [start, made] {
        assert!(refusal(&said).contains("the master key is not the one"), "{said:?}");
    }
    assert_eq!(kept, wrong);
    assert_eq!(server.ask("GET", "/api/session", &token, "").0, 200);
}

#[test]
fn a_missing_master_key_is_not_replaced_by_a_new_one() {
    let directory = directory();
    set_up(directory.path());
    fs::remove_file(directory.path().join(KEY)).unwrap();

    let said = serve(directory.path());

    assert!(refusal(&said).contains("there is no master key at"), "{said:?}");
    assert!(!directory.path().join(KEY).exists());
}

#[test]
fn a_master_key_that_others_can_read_is_refused_with_what_to_do() {
    let directory = directory();
    set_up(directory.path());
    let key = directory.path().join(KEY);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();

    let said = serve(directory.path());

    assert!(refusal(&said).contains("run: chmod 600"), "{said:?}");
}

#[test]
fn a_newer_schema_is_refused() {
    let directory = directory();
    set_up(directory.path());
    sql(
        directory.path(),
        "INSERT INTO __diesel_schema_migrations (version) VALUES ('99990101000000')",
    );

    let said = serve(directory.path());

    assert!(refusal(&said).contains("made by a newer version"), "{said:?}");
}

#[test]
fn another_programs_database_is_refused() {
    let directory = directory();
    fs::create_dir(directory.path().join("understudy-data")).unwrap();
    sql(directory.path(), "CREATE TABLE theirs (id INTEGER)");

    let said = serve(directory.path());

    assert!(refusal(&said).contains("belongs to another program"), "{said:?}");
    assert!(!directory.path().join(KEY).exists());
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let directory = directory();
    fs::create_dir(directory.path().join("understudy-data")).unwrap();
    fs::write(directory.path().join(DATABASE), "This is a text, and a long one. ".repeat(100))
        .unwrap();

    let said = serve(directory.path());

    refusal(&said);
}

#[test]
fn a_second_server_on_the_same_sqlite_file_is_refused() {
    let directory = directory();
    let _first = Server::start(directory.path());

    let said = serve(directory.path());

    assert!(refusal(&said).contains("SQLite is for one process on one machine"), "{said:?}");
}

#[test]
fn a_postgres_that_does_not_answer_is_waited_for_and_then_refused() {
    let directory = directory();
    // A port of this machine on which nobody listens.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://ada:hunter2@{}/x", listener.local_addr().unwrap());
    drop(listener);

    let said = run(directory.path(), &["--database-url", &url, "--database-wait-seconds", "0"]);

    assert!(refusal(&said).contains("could not be used for 0 seconds"), "{said:?}");
    assert!(!said.stderr.contains("hunter2"), "{said:?}");
}

#[test]
fn a_taken_address_is_refused_before_anything_is_set_up() {
    let directory = directory();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();

    let said = run(directory.path(), &["--listen", &address, "--log", "off"]);

    assert!(refusal(&said).contains("cannot be listened on"), "{said:?}");
    drop(listener);
    let mut server = Server::start(directory.path());
    assert!(server.first_token().starts_with("ust_"));
}

#[test]
fn all_faults_of_the_configuration_stand_in_the_one_line() {
    let directory = directory();
    fs::write(directory.path().join("understudy.toml"), "listn = \"127.0.0.1:1\"\n").unwrap();
    let mut command = understudy(directory.path(), &["--log-format", "xml"]);
    command.env("UNDERSTUDY_BOOTSTRAP_TOKEN", "short");

    let said = crate::support::finish(&mut command, "");

    let line = refusal(&said);
    assert!(line.contains("`listn`; the nearest known one is `listen`"), "{line}");
    assert!(line.contains("bootstrap_token must") && line.contains("log_format must"), "{line}");
}

#[test]
fn wrong_usage_has_its_own_exit_code() {
    let directory = directory();

    for arguments in [&["--nonsense"][..], &["sevre"], &["token", "create"]] {
        assert_eq!(run(directory.path(), arguments).code, 2, "{arguments:?}");
    }
}
