//! The arrows between the crates point inwards (docs/architecture.md).
//!
//! Cargo says who depends on whom, so a crate that is added or a dependency that
//! slips in is seen here whatever it is called in the code.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test panics")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

const BENCH: &str = "understudy-bench";
const DOMAIN: &str = "understudy-domain";
const HTTP_API: &str = "understudy-http-api";
const OUTBOUND: &str = "understudy-outbound";
const SERVER: &str = "understudy-server";
const TESTKIT: &str = "understudy-testkit";
const TESTS: &str = "understudy-tests";
const XTASK: &str = "xtask";

/// What the domain may use: values, text and traits, nothing that waits for the
/// world. Add a crate only if it does no input or output and starts no thread.
const DOMAIN_MAY_USE: [&str; 25] = [
    "async-trait",
    "base64",
    "bytes",
    "crc32fast",
    "deunicode",
    "futures-core",
    "futures-util",
    "infer",
    "ipnet",
    "json-patch",
    "jsonschema",
    "mockall",
    "percent-encoding",
    "serde",
    "serde_json",
    "sha2",
    "similar",
    "strsim",
    "thiserror",
    "time",
    "tracing",
    "unicode-segmentation",
    "url",
    "uuid",
    "zeroize",
];

/// Technologies, and the only crates of the workspace that may use them.
const TECHNOLOGIES: [(&str, &[&str]); 8] = [
    ("actix-web", &[HTTP_API, SERVER, TESTKIT, TESTS, BENCH]),
    ("diesel", &["understudy-store-postgres", "understudy-store-sqlite", TESTS, BENCH]),
    ("diesel-async", &["understudy-store-postgres", TESTS, BENCH]),
    ("object_store", &["understudy-blob-store"]),
    // The blob store chooses the TLS of object_store by it; `.clippy.toml` keeps
    // everybody but the way out from making clients.
    ("reqwest", &[OUTBOUND, "understudy-blob-store", TESTS]),
    ("rmcp", &["understudy-mcp", TESTS]),
    ("utoipa", &[HTTP_API, SERVER]),
    ("clap", &[SERVER, BENCH, XTASK]),
];

/// What the source of the domain never names.
const DOMAIN_NEVER_SAYS: [&str; 9] = [
    "std::env",
    "std::fs",
    "std::net::Tcp",
    "std::process",
    "tokio",
    "actix",
    "diesel",
    "object_store",
    "reqwest",
];

/// The crates of the workspace, each with its normal and build dependencies.
fn workspace() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline", "--locked"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages.map(|package| (text(&package["name"]), dependencies(package))).collect()
}

fn dependencies(package: &Value) -> BTreeSet<String> {
    let all = package["dependencies"].as_array().unwrap().iter();
    all.filter(|dependency| dependency["kind"] != "dev")
        .map(|dependency| text(&dependency["name"]))
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Crates that connect the domain to one technology: all of ours but those that
/// have a place of their own in the picture.
fn is_adapter(name: &str) -> bool {
    let known = [BENCH, DOMAIN, HTTP_API, SERVER, TESTKIT, TESTS];
    name.starts_with("understudy-") && !known.contains(&name)
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

#[test]
fn the_domain_uses_only_what_it_is_allowed() {
    let allowed = BTreeSet::from(DOMAIN_MAY_USE.map(str::to_owned));
    let used = &workspace()[DOMAIN];
    let strangers: Vec<_> = used.difference(&allowed).collect();
    assert!(strangers.is_empty(), "the domain must not depend on {strangers:?}");
}

#[test]
fn the_domain_never_names_a_technology() {
    let files = sources(&root().join("crates/domain/src"));
    assert!(files.len() > 10, "the domain has moved");
    for file in files {
        let source = fs::read_to_string(&file).unwrap();
        for (line, number) in source.lines().zip(1..) {
            let named = DOMAIN_NEVER_SAYS.iter().find(|word| line.contains(**word));
            assert!(named.is_none(), "{}:{number} names {named:?}", file.display());
        }
    }
}

#[test]
fn an_adapter_depends_on_the_domain_and_on_nothing_else_of_ours_but_the_way_out() {
    let workspace = workspace();
    let common = [DOMAIN, OUTBOUND];
    let ours = |name: &&String| workspace.contains_key(*name) && !common.contains(&name.as_str());
    let adapters: Vec<_> = workspace.iter().filter(|(name, _)| is_adapter(name)).collect();
    assert!(adapters.len() >= 3, "the adapters have moved");
    for (name, used) in adapters {
        assert!(used.contains(DOMAIN), "{name} does not depend on the domain");
        let strangers: Vec<_> = used.iter().filter(ours).collect();
        assert!(strangers.is_empty(), "{name} must not depend on {strangers:?}");
    }
}

#[test]
fn the_http_api_depends_on_the_domain_and_on_no_other_crate_of_ours() {
    let workspace = workspace();
    let used = &workspace[HTTP_API];
    let ours: Vec<_> = used.iter().filter(|name| workspace.contains_key(*name)).collect();
    assert_eq!(ours, [DOMAIN]);
}

#[test]
fn only_the_server_and_what_drives_it_know_adapters() {
    let workspace = workspace();
    for (name, used) in &workspace {
        if [SERVER, TESTKIT, TESTS, XTASK].contains(&name.as_str()) {
            continue;
        }
        // Adapters that call out go through the one that looks where to.
        let way_out = |used: &str| is_adapter(name) && used == OUTBOUND;
        let known: Vec<_> = used.iter().filter(|used| is_adapter(used) && !way_out(used)).collect();
        assert!(known.is_empty(), "{name} must not know {known:?}");
        assert!(!used.contains(SERVER), "{name} must not know the server");
    }
    let wired: Vec<_> = workspace[SERVER].iter().filter(|used| is_adapter(used)).collect();
    assert!(!wired.is_empty(), "the server wires no adapter");
}

#[test]
fn a_technology_stays_in_the_crates_that_are_for_it() {
    for (name, used) in workspace() {
        for (technology, homes) in TECHNOLOGIES {
            let at_home = homes.contains(&name.as_str());
            assert!(at_home || !used.contains(technology), "{name} must not use {technology}");
        }
    }
}

#[test]
fn every_crate_keeps_to_the_lints_of_the_workspace() {
    for folder in fs::read_dir(root().join("crates")).unwrap() {
        let manifest = folder.unwrap().path().join("Cargo.toml");
        let text = fs::read_to_string(&manifest).unwrap();
        let keeps = text.contains("[lints]\nworkspace = true");
        assert!(keeps, "{} has lints of its own, or none", manifest.display());
    }
}
