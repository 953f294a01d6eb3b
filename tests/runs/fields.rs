//! Every field of the assistant object with every protocol: what of it the provider
//! sees, what is honoured here instead, and what is told.

mod lines;
mod show;

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;
use understudy_domain::{
    chat::Protocol,
    run::fit::{FIELDS, PROTOCOLS, Treatment},
};
use understudy_testkit::Turn;

use self::{
    lines::{Line, lines},
    show::{Seen, Show},
};
use crate::stage::{Stage, merge, settings};

/// What is asked of every assistant here.
const QUESTION: &str = "When does the shop open?";

/// Shows an assistant with a value of the field that is not the usual one.
async fn see(line: &Line, protocol: Protocol) -> Seen {
    let stage = Stage::of(protocol).await;
    stage.mcp.serve("box", [understudy_testkit::FakeMcp::tool("look")]);
    stage.upstream.answer_usually(Turn::text(line.answer));
    let mut wanted = settings(protocol, line.common.clone());
    merge(&mut wanted, (line.set)(protocol));
    let assistant = stage.assistant(wanted).await;
    let ran = stage.ask(&assistant, QUESTION).await;
    stage.close().await;
    Seen { request: stage.asked().into_iter().next(), ran }
}

#[tokio::test]
async fn every_field_shows_as_the_table_says() {
    let mut wrong = Vec::new();
    for line in lines() {
        for (protocol, shows) in PROTOCOLS.into_iter().zip(&line.shows) {
            if shows.iter().all(|show| matches!(show, Show::Elsewhere(_))) {
                continue;
            }
            let seen = see(&line, protocol).await;
            let faults = shows.iter().filter_map(|show| show.fault(&seen));
            wrong.extend(faults.map(|fault| format!("{} {protocol:?}: {fault}", line.field)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The property of the object that a line speaks of.
fn property(field: &str) -> &str {
    field.split_once('.').map_or(field, |(property, _)| property)
}

#[test]
fn no_field_is_forgotten() {
    let schema = include_str!("../../crates/domain/data/assistant.schema.json");
    let schema: Value = serde_json::from_str(schema).unwrap();
    let fields = schema["properties"].as_object().unwrap();
    let lines = lines();
    let shown: BTreeSet<&str> = lines.iter().map(|line| property(line.field)).collect();
    let missing: Vec<_> = fields.keys().filter(|key| !shown.contains(key.as_str())).collect();
    let unknown: Vec<_> = shown.iter().filter(|key| !fields.contains_key(**key)).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "{missing:?} {unknown:?}");
    for (field, _) in FIELDS {
        assert!(lines.iter().any(|line| line.field == *field), "{field}");
    }
}

/// Whether what is shown is what the table in the domain promises.
fn keeps(treatment: Treatment, protocol: Protocol, shows: &[Show]) -> bool {
    let has = |is: fn(&Show) -> bool| shows.iter().any(is);
    match treatment {
        // What the built-in model is told goes over no wire: its answer shows it.
        Treatment::Sent(_) if protocol == Protocol::Builtin => {
            has(|show| matches!(show, Show::Emulated(..)))
        }
        Treatment::Sent(name) => {
            let at = format!("/{}", name.replace('.', "/"));
            shows.iter().any(|show| show.place().is_some_and(|place| place.starts_with(&at)))
        }
        Treatment::Emulated => has(|s| matches!(s, Show::Emulated(..) | Show::Elsewhere(_))),
        Treatment::Told => has(|show| matches!(show, Show::Told(_))),
        Treatment::Nothing => {
            !shows.is_empty() && shows.iter().all(|show| show.place().is_none() && !show.is_told())
        }
    }
}

#[test]
fn what_is_shown_is_what_the_table_of_the_domain_promises() {
    for line in lines() {
        let Some((_, row)) = FIELDS.iter().find(|(field, _)| *field == line.field) else {
            continue;
        };
        for ((protocol, treatment), shows) in PROTOCOLS.iter().zip(row).zip(&line.shows) {
            assert!(
                keeps(*treatment, *protocol, shows),
                "{} {protocol:?}: {treatment:?}",
                line.field
            );
        }
    }
}

#[test]
fn what_is_shown_elsewhere_is_shown_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut sources = String::new();
    read(&root.join("tests"), &mut sources);
    read(&root.join("crates"), &mut sources);
    let lines = lines();
    for line in &lines {
        for show in line.shows.iter().flatten() {
            if let Show::Elsewhere(test) = show {
                assert!(sources.contains(&format!("fn {test}(")), "{}: {test}", line.field);
            }
        }
    }
}

fn read(folder: &Path, into: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, into);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            into.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}
