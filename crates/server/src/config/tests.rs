//! What counts over what, and what is refused.

use std::{ffi::OsString, fs, path::Path};

use clap::{ArgMatches, Args, Command};
use understudy_domain::{Role, directory::SeatRule};

use super::*;

fn matches(flags: &[&str]) -> ArgMatches {
    let flags = std::iter::once(&"understudy").chain(flags);
    Options::augment_args(Command::new("understudy")).try_get_matches_from(flags).unwrap()
}

fn gather(flags: &[&str], environment: &[(&str, &str)]) -> Settings {
    let environment: Vec<(OsString, OsString)> =
        environment.iter().map(|(name, value)| (name.into(), value.into())).collect();
    Settings::gather(&matches(flags), &environment)
}

fn faults(flags: &[&str], environment: &[(&str, &str)]) -> Vec<String> {
    let faults = Config::read(&gather(flags, environment)).unwrap_err().faults;
    faults.iter().map(ToString::to_string).collect()
}

fn file(directory: &Path, text: &str) -> String {
    let path = directory.join("settings.toml");
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_flag_counts_over_the_environment_over_the_file_over_the_default() {
    let directory = tempfile::tempdir().unwrap();
    let path = file(directory.path(), "listen = \"127.0.0.1:3\"\nlog = \"debug\"\n");
    let environment = [("UNDERSTUDY_LISTEN", "127.0.0.1:2")];

    let flag = gather(&["--config", &path, "--listen", "127.0.0.1:1"], &environment);
    let from_environment = gather(&["--config", &path], &environment);
    let from_file = gather(&["--config", &path], &[]);
    let default = gather(&[], &[]);

    let listen = |settings: &Settings| settings.get("listen").unwrap().clone();
    assert_eq!(listen(&flag).text, "127.0.0.1:1");
    assert_eq!(listen(&flag).source, Source::Flag);
    assert_eq!(listen(&from_environment).text, "127.0.0.1:2");
    assert_eq!(listen(&from_environment).source.to_string(), "environment, UNDERSTUDY_LISTEN");
    assert_eq!(listen(&from_file).text, "127.0.0.1:3");
    assert_eq!(listen(&from_file).source, Source::File(path.into()));
    assert_eq!(listen(&default).text, "127.0.0.1:8080");
    assert_eq!(listen(&default).source, Source::Default);
}

#[test]
fn defaults_are_valid_and_follow_the_data_directory() {
    let config = Config::read(&gather(&["--data-dir", "/srv/data"], &[])).unwrap();

    assert!(
        matches!(config.database, DatabaseUrl::Sqlite(path) if path == Path::new("/srv/data/understudy.db"))
    );
    assert_eq!(config.blobs, BlobUrl::Directory("/srv/data/blobs".into()));
    assert!(matches!(config.master_key, KeySource::DataDir));
}

#[test]
fn a_blank_variable_is_as_good_as_none() {
    let config = Config::read(&gather(&[], &[("UNDERSTUDY_DATABASE_URL", " ")])).unwrap();

    assert!(matches!(config.database, DatabaseUrl::Sqlite(_)));
}

#[test]
fn lists_are_the_same_from_the_file_and_from_the_environment() {
    let directory = tempfile::tempdir().unwrap();
    let path = file(
        directory.path(),
        "trusted_proxies = [\"10.0.0.0/8\", \"::1\"]\ndatabase_pool_size = 4",
    );

    let from_file = Config::read(&gather(&["--config", &path], &[])).unwrap();
    let environment = [("UNDERSTUDY_TRUSTED_PROXIES", "10.0.0.0/8, ::1")];
    let from_environment = Config::read(&gather(&[], &environment)).unwrap();

    assert_eq!(from_file.trusted_proxies.len(), 2);
    assert_eq!(from_file.trusted_proxies, from_environment.trusted_proxies);
    assert_eq!(from_file.database_pool_size.get(), 4);
}

#[test]
fn every_fault_is_told_at_once_with_its_source() {
    let faults = faults(
        &["--listen", "nowhere", "--blob-url", "ftp://x/y"],
        &[
            ("UNDERSTUDY_DATABASE_URL", "mysql://root:hunter2@db/x"),
            ("UNDERSTUDY_MASTER_KEY", "hunter2"),
            ("UNDERSTUDY_BOOTSTRAP_TOKEN", "ust_hunter2"),
            ("UNDERSTUDY_TRUSTED_PROXIES", "10.0.0.0/8,nonsense"),
            ("UNDERSTUDY_LOG_FORMAT", "xml"),
            ("UNDERSTUDY_SHUTDOWN_GRACE_SECONDS", "-1"),
        ],
    );

    let settings: Vec<&str> = faults.iter().map(|fault| fault.split(' ').next().unwrap()).collect();
    assert_eq!(
        settings,
        [
            "listen",
            "database_url",
            "blob_url",
            "master_key",
            "bootstrap_token",
            "trusted_proxies",
            "log_format",
            "shutdown_grace_seconds"
        ]
    );
    assert!(faults[0].ends_with("(flag)"), "{}", faults[0]);
    assert!(faults[1].contains("`mysql`"), "{}", faults[1]);
    assert!(faults[1].ends_with("(environment, UNDERSTUDY_DATABASE_URL)"), "{}", faults[1]);
    assert!(!faults.join("\n").contains("hunter2"));
}

#[test]
fn an_unknown_key_of_the_file_is_named_with_the_nearest_known_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = file(directory.path(), "databse_url = \"sqlite:x\"\n[listen]\nport = 1\n");

    let faults = faults(&["--config", &path], &[]);

    assert_eq!(faults.len(), 2);
    assert!(faults[0].contains("`databse_url`; the nearest known one is `database_url`"));
    assert!(faults[1].contains("`listen` must be a text"));
}

#[test]
fn a_slip_in_a_variables_name_is_refused_and_a_strangers_variable_is_not() {
    let faults = faults(&[], &[("UNDERSTUDY_DATABSE_URL", "postgres://db/x")]);
    assert_eq!(
        faults,
        ["UNDERSTUDY_DATABSE_URL is not a setting; did you mean UNDERSTUDY_DATABASE_URL?"]
    );

    let theirs = [("UNDERSTUDY_TOKEN", "ust_x"), ("UNDERSTUDY_PORT", "tcp://10.0.0.1:80")];
    assert!(Config::read(&gather(&[], &theirs)).is_ok());
}

#[test]
fn a_file_that_is_named_must_be_there_and_be_toml() {
    let directory = tempfile::tempdir().unwrap();
    let broken = file(directory.path(), "listen = \"127.0.0.1:1\"\nlog = = 1\n");

    let missing = faults(&["--config", "/nowhere/understudy.toml"], &[]);
    let broken = faults(&["--config", &broken], &[]);

    assert!(missing[0].starts_with("/nowhere/understudy.toml cannot be read"), "{missing:?}");
    assert!(broken[0].contains("line 2 is not TOML"), "{broken:?}");
}

#[test]
fn a_database_url_is_sqlite_or_postgres_and_nothing_else() {
    for url in ["sqlite:x.db", "sqlite:///srv/x.db", "postgres://u@h/d", "postgresql://h/d"] {
        assert!(values::database(url).is_ok(), "{url}");
    }
    for url in [
        "",
        "x.db",
        "sqlite:",
        "sqlite::memory:",
        "sqlite:x?mode=ro",
        "mysql://h/d",
        "SQLITE",
        "postgres:x",
        "http://h",
    ] {
        assert!(values::database(url).is_err(), "{url}");
    }
}

#[test]
fn shown_settings_have_their_source_and_no_secret() {
    let token = "ust_hunter2-hunter2-hunter2-hunter2";
    let settings = gather(
        &["--database-url", "postgres://ada:hunter2@db:5432/x?password=hunter2&sslmode=disable"],
        &[
            ("UNDERSTUDY_MASTER_KEY", "aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMmh1bnQ="),
            ("UNDERSTUDY_BOOTSTRAP_TOKEN", token),
        ],
    );

    let shown = Config::show(&settings);

    assert!(!shown.contains("hunter2") && !shown.contains("aHVudGVy"), "{shown}");
    assert!(shown.contains("postgres://ada:********@db:5432/x"), "{shown}");
    assert!(shown.contains("# environment, UNDERSTUDY_MASTER_KEY"), "{shown}");
    let table: toml::Table = shown.parse().unwrap();
    assert_eq!(table.len(), settings::keys().len());
}

#[test]
fn a_collectors_usual_variable_counts_below_our_own() {
    let usual = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://usual:4318");
    let ours = ("UNDERSTUDY_OTLP_ENDPOINT", "http://ours:4318");

    for (environment, host) in
        [(vec![usual], "usual"), (vec![usual, ours], "ours"), (vec![ours, usual], "ours")]
    {
        let config = Config::read(&gather(&[], &environment)).unwrap();
        assert_eq!(config.otlp_endpoint.unwrap().host_str(), Some(host));
    }
}

#[test]
fn numbers_of_bytes_have_units() {
    let most = |text| {
        Config::read(&gather(&[&format!("--max-file-bytes={text}")], &[])).map(|c| c.max_file_bytes)
    };

    assert_eq!(most("1").unwrap(), 1);
    assert_eq!(most("512k").unwrap(), 512 << 10);
    assert_eq!(most("3 M").unwrap(), 3 << 20);
    assert_eq!(most("5G").unwrap(), 5 << 30);
    for wrong in ["0", "-1", "1.5G", "G", "99999999999999999999", "18446744073709551615G"] {
        assert!(most(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn variables_of_others_are_picked_out_and_never_shown() {
    let environment = [
        ("AWS_REGION", "eu-central-1"),
        ("AWS_SECRET_ACCESS_KEY", "sesame"),
        ("OPENAI_API_KEY", "sk-sesame"),
        ("ANTHROPIC_API_KEY", " "),
        ("OTHER", "x"),
    ];
    let settings = gather(&[], &environment);
    let config = Config::read(&settings).unwrap();

    let kinds: Vec<_> = config.foreign.providers().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["openai"]);
    let region = config.foreign.first(&["AWS_DEFAULT_REGION", "AWS_REGION"]).unwrap();
    assert_eq!(region.expose(), "eu-central-1");
    assert!(!format!("{config:?}{}", Config::show(&settings)).contains("sesame"));
}

#[test]
fn a_provider_of_log_ins_is_read_with_what_its_claims_mean() {
    let config = Config::read(&gather(
        &[],
        &[
            ("UNDERSTUDY_OIDC_ISSUER", "https://login.example.com/realms/x/"),
            ("UNDERSTUDY_OIDC_CLIENT_ID", "understudy"),
            ("UNDERSTUDY_OIDC_SCOPES", "openid email,groups"),
            ("UNDERSTUDY_OIDC_ROLE_CLAIM", "realm_access.roles"),
            ("UNDERSTUDY_OIDC_ROLES", "a=b=admin, staff = Member"),
            ("UNDERSTUDY_OIDC_DEFAULT_ROLE", "none"),
            ("UNDERSTUDY_OIDC_SEAT", "groups=ai, staff"),
        ],
    ));
    let oidc = config.unwrap().oidc.unwrap();

    assert_eq!(oidc.issuer, "https://login.example.com/realms/x/");
    assert_eq!(oidc.scopes, ["openid", "email", "groups"]);
    assert_eq!(oidc.mapping.roles["a=b"], Role::Admin);
    assert_eq!(oidc.mapping.roles["staff"], Role::Member);
    assert_eq!(oidc.mapping.default_role, None);
    let values = ["ai", "staff"].map(str::to_owned).into();
    assert_eq!(oidc.mapping.seat, SeatRule::Claim { name: "groups".to_owned(), values });
    let none = Config::read(&gather(&[], &[])).unwrap();
    assert!(none.oidc.is_none());
}

#[test]
fn what_is_wrong_with_a_provider_of_log_ins_is_told_at_once() {
    let wrong = faults(
        &[],
        &[
            ("UNDERSTUDY_OIDC_ISSUER", "login.example.com"),
            ("UNDERSTUDY_OIDC_CLIENT_SECRET", "hunter2"),
            ("UNDERSTUDY_OIDC_CLIENT_SECRET_FILE", "/run/secrets/hunter2"),
            ("UNDERSTUDY_OIDC_ROLES", "chiefs=owner"),
            ("UNDERSTUDY_OIDC_DEFAULT_ROLE", "owner"),
            ("UNDERSTUDY_OIDC_SEAT", "groups="),
        ],
    );
    let subjects: Vec<&str> = wrong.iter().map(|fault| fault.split(' ').next().unwrap()).collect();
    let expected = [
        "oidc_issuer",
        "oidc_client_secret",
        "oidc_roles",
        "oidc_default_role",
        "oidc_seat",
        "oidc_issuer",
        "oidc_roles",
    ];
    assert_eq!(subjects, expected, "{wrong:?}");
    assert!(!wrong.join("\n").contains("hunter2"));

    let alone =
        faults(&[], &[("UNDERSTUDY_OIDC_CLIENT_ID", "x"), ("UNDERSTUDY_OIDC_SEAT", "true")]);
    assert_eq!(
        alone,
        [
            "oidc_client_id needs oidc_issuer, which is not set",
            "oidc_seat needs oidc_issuer, which is not set"
        ]
    );
}

#[test]
fn the_secret_of_a_provider_of_log_ins_is_never_shown() {
    let settings = gather(
        &[],
        &[
            ("UNDERSTUDY_OIDC_ISSUER", "https://login.example.com"),
            ("UNDERSTUDY_OIDC_CLIENT_ID", "understudy"),
            ("UNDERSTUDY_OIDC_CLIENT_SECRET", "hunter2"),
        ],
    );
    let config = Config::read(&settings).unwrap();

    assert!(!format!("{config:?}{}", Config::show(&settings)).contains("hunter2"));
}

#[test]
fn an_engine_that_searches_the_web_is_read_with_its_key() {
    let read = |environment: &[(&str, &str)]| Config::read(&gather(&[], environment)).unwrap();

    let own = read(&[("UNDERSTUDY_WEB_SEARCH", "searxng:http://127.0.0.1:8888/search")]);
    let own = own.web_search.unwrap();
    assert_eq!((own.engine, own.key.is_none()), (SearchEngine::SearxNg, true));
    assert_eq!(own.url.unwrap().as_str(), "http://127.0.0.1:8888/search");
    let hired =
        read(&[("UNDERSTUDY_WEB_SEARCH", "brave"), ("UNDERSTUDY_WEB_SEARCH_KEY", "hunter2")]);
    let hired = hired.web_search.unwrap();
    assert_eq!((hired.engine, hired.url), (SearchEngine::Brave, None));
    assert_eq!(hired.key.unwrap().read().unwrap().expose(), "hunter2");
    assert!(read(&[]).web_search.is_none());
}

#[test]
fn what_is_wrong_with_searching_is_told() {
    for (environment, subject) in [
        (vec![("UNDERSTUDY_WEB_SEARCH", "google")], "web_search"),
        (vec![("UNDERSTUDY_WEB_SEARCH", "searxng")], "web_search"),
        (vec![("UNDERSTUDY_WEB_SEARCH", "searxng:ftp://a")], "web_search"),
        (vec![("UNDERSTUDY_WEB_SEARCH", "brave:https://hunter2@a")], "web_search"),
        (vec![("UNDERSTUDY_WEB_SEARCH", "tavily")], "web_search"),
        (vec![("UNDERSTUDY_WEB_SEARCH_KEY", "hunter2")], "web_search_key"),
        (
            vec![
                ("UNDERSTUDY_WEB_SEARCH", "searxng:https://a"),
                ("UNDERSTUDY_WEB_SEARCH_KEY", "hunter2"),
            ],
            "web_search_key",
        ),
    ] {
        let told = faults(&[], &environment);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].starts_with(&format!("{subject} ")), "{told:?}");
        assert!(!told[0].contains("hunter2"), "{told:?}");
    }
}

#[test]
fn mcp_servers_are_listed_in_the_file_and_shown_without_their_variables() {
    let directory = tempfile::tempdir().unwrap();
    let text = "log = \"debug\"\n[mcp.time]\ncommand = \"uvx\"\nargs = [\"mcp-server-time\"]\n\
                env = { KEY = \"hunter2\" }\n[mcp.plain]\ncommand = \"/bin/plain\"\n";
    let path = file(directory.path(), text);
    let settings = gather(&["--config", &path], &[("PATH", "/opt/bin")]);
    let config = Config::read(&settings).unwrap();

    let time = &config.mcp["time"];
    assert_eq!(
        (time.command.as_str(), time.args.as_slice()),
        ("uvx", ["mcp-server-time".to_owned()].as_slice())
    );
    assert_eq!(time.env["KEY"].expose(), "hunter2");
    assert!(config.mcp["plain"].args.is_empty() && config.mcp["plain"].env.is_empty());
    assert_eq!(config.foreign.first(&["PATH"]).unwrap().expose(), "/opt/bin");
    let shown = Config::show(&settings);
    assert!(!format!("{config:?}{shown}").contains("hunter2"), "{shown}");
    let table: toml::Table = shown.parse().unwrap();
    assert_eq!(table["mcp"]["time"]["args"][0].as_str(), Some("mcp-server-time"));
    assert_eq!(table["mcp"]["time"]["env"]["KEY"].as_str(), Some("********"));
}

#[test]
fn what_is_wrong_with_a_listed_mcp_server_is_told_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let text = "[mcp.Time]\ncommand = \"x\"\n[mcp.none]\nargs = []\n[mcp.wrong]\ncommand = 1\n\
                args = [1]\nenv = { A = 1 }\nurl = \"x\"\n[mcp]\nflat = \"x\"\n";
    let told = faults(&["--config", &file(directory.path(), text)], &[]);

    let about = |what: &str| told.iter().filter(|fault| fault.contains(what)).count();
    assert_eq!((about("`mcp.Time`"), about("`mcp.none` needs a command")), (1, 1), "{told:?}");
    assert_eq!((about("`mcp.wrong`"), about("`mcp.flat`")), (4, 1), "{told:?}");
    let list = file(directory.path(), "mcp = [\"x\"]\n");
    assert!(faults(&["--config", &list], &[])[0].contains("`mcp` must be tables"));
}
