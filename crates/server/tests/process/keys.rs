//! Changing keys: what was sealed stays usable before, while and after, and the
//! previous key is needed no more.

use serde_json::json;

use crate::support::{Said, Server, directory, finish, refusal, understudy};

const OLD: &str = "b2xkLW1hc3Rlci1rZXktMDEyMzQ1Njc4OWFiY2RlZmc=";
const NEW: &str = "bmV3LW1hc3Rlci1rZXktMDEyMzQ1Njc4OWFiY2RlZmc=";
const TOKEN: &str = "ust_token-of-the-first-administrator-012";

fn command(
    folder: &std::path::Path,
    arguments: &[&str],
    keys: &[(&str, &str)],
) -> std::process::Command {
    let mut command = understudy(folder, arguments);
    command.env("UNDERSTUDY_BOOTSTRAP_TOKEN", TOKEN).envs(keys.iter().copied());
    command
}

fn served(folder: &std::path::Path, keys: &[(&str, &str)]) -> Server {
    Server::spawn(command(folder, &["--listen", "127.0.0.1:0", "--log", "warn"], keys))
}

fn rotate(folder: &std::path::Path, keys: &[(&str, &str)]) -> Said {
    finish(&mut command(folder, &["keys", "rotate"], keys), "")
}

/// A provider whose key is sealed; nobody answers at its address.
fn add_provider(server: &Server) -> String {
    let body = json!({
        "name": "Mine", "kind": "openai-compatible", "baseUrl": "http://127.0.0.1:9/v1",
        "apiKey": "sk-0123456789",
    });
    let (status, made) = server.ask("POST", "/api/providers", TOKEN, &body.to_string());
    assert_eq!(status, 201, "{made}");
    made["id"].as_str().unwrap().to_owned()
}

/// Whether the provider's key can be opened: if it can, the call fails only since
/// nobody is there.
fn opens(server: &Server, provider: &str) {
    let path = format!("/api/providers/{provider}/_test");
    let (status, answer) = server.ask("POST", &path, TOKEN, "{}");
    assert_eq!((status, &answer["ok"]), (200, &json!(false)), "{answer}");
}

#[test]
fn the_master_key_is_changed_while_the_server_runs() {
    let folder = directory();
    let both = [("UNDERSTUDY_MASTER_KEY", NEW), ("UNDERSTUDY_MASTER_KEY_PREVIOUS", OLD)];
    let first = served(folder.path(), &[("UNDERSTUDY_MASTER_KEY", OLD)]);
    let provider = add_provider(&first);
    drop(first);

    let refused = rotate(folder.path(), &[("UNDERSTUDY_MASTER_KEY", NEW)]);
    assert!(refusal(&refused).contains("the master key is not the one"), "{refused:?}");
    let running = served(folder.path(), &both);
    opens(&running, &provider);
    let said = rotate(folder.path(), &both);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stdout.contains("1 values sealed"), "{said:?}");
    opens(&running, &provider);
    drop(running);
    opens(&served(folder.path(), &[("UNDERSTUDY_MASTER_KEY", NEW)]), &provider);

    let old =
        finish(&mut command(folder.path(), &["serve"], &[("UNDERSTUDY_MASTER_KEY", OLD)]), "");
    assert!(refusal(&old).contains("the master key is not the one"), "{old:?}");
}

#[test]
fn a_key_that_was_moved_aside_is_replaced_by_a_new_one() {
    let folder = directory();
    let first = served(folder.path(), &[]);
    let provider = add_provider(&first);
    drop(first);
    let data = folder.path().join("understudy-data");
    std::fs::rename(data.join("master.key"), data.join("master.key.previous")).unwrap();

    let running = served(folder.path(), &[]);
    opens(&running, &provider);
    assert_eq!(rotate(folder.path(), &[]).code, 0);
    opens(&running, &provider);
    drop(running);
    std::fs::remove_file(data.join("master.key.previous")).unwrap();

    opens(&served(folder.path(), &[]), &provider);
}

#[test]
fn rotating_twice_changes_the_data_keys_twice_and_loses_nothing() {
    let folder = directory();
    let server = served(folder.path(), &[]);
    let provider = add_provider(&server);

    for _ in 0..2 {
        let said = rotate(folder.path(), &[]);
        assert!(said.stdout.contains("0 data keys wrapped, 1 values sealed"), "{said:?}");
        opens(&server, &provider);
    }
    let only = finish(&mut command(folder.path(), &["keys", "rotate", "--master-only"], &[]), "");
    assert!(only.stdout.contains("0 data keys wrapped, 0 values sealed"), "{only:?}");
}
