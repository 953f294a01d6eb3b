//! `kill -9` under load, again and again: what was acknowledged is there, and
//! nothing is there by half.

use std::{
    collections::BTreeMap,
    sync::{Mutex, mpsc},
    thread,
};

use serde_json::{Value, json};

use crate::{
    Place, ask,
    support::{Server, directory},
};

const WRITERS: usize = 4;
const KILLS: usize = 5;
/// How many acknowledged writes a life of the server lasts.
const WRITES: usize = 40;

#[test]
fn sqlite_loses_no_acknowledged_write() {
    survive(&Place::Embedded);
}

#[test]
fn postgres_loses_no_acknowledged_write() {
    survive(&Place::postgres());
}

/// What the writers were told: for each assistant the last acknowledged step.
type Acknowledged = Mutex<BTreeMap<String, u64>>;

fn survive(place: &Place) {
    let directory = directory();
    let acknowledged = Acknowledged::default();
    let mut server = Server::spawn(place.command(directory.path()));
    let token = server.first_token();
    for life in 0..KILLS {
        let (told, heard) = mpsc::channel();
        thread::scope(|scope| {
            for writer in 0..WRITERS {
                let (told, url, token) = (told.clone(), server.url.clone(), token.clone());
                let acknowledged = &acknowledged;
                let name = format!("life {life} writer {writer}");
                scope.spawn(move || write(&url, &token, &name, acknowledged, &told));
            }
            drop(told);
            // A different moment of the work in each life.
            assert_eq!(heard.iter().take(WRITES + life).count(), WRITES + life);
            server.signal("KILL");
        });
        server.wait();
        server = Server::spawn(place.command(directory.path()));
        check(&server.url, &token, &acknowledged.lock().unwrap());
    }
}

/// Makes an assistant and goes on changing it through drafts and directly, until
/// the server is gone.
fn write(url: &str, token: &str, name: &str, acknowledged: &Acknowledged, told: &mpsc::Sender<()>) {
    let tell = |id: &str, step: u64| {
        acknowledged.lock().unwrap().insert(id.to_owned(), step);
        told.send(()).is_ok()
    };
    let input = json!({"name": name, "instructions": "0", "welcome": "0"}).to_string();
    let Ok(made) = ask(url, token, "POST", "/api/assistants", &input) else { return };
    assert_eq!(made.status, 201, "{made:?}");
    let id = made.body["id"].as_str().unwrap().to_owned();
    let path = format!("/api/assistants/{id}");
    tell(&id, 0);
    for step in 1.. {
        let input = json!({"instructions": step.to_string(), "welcome": step.to_string()});
        let done = if step % 3 == 0 {
            by_draft(url, token, &path, &input)
        } else {
            ask(url, token, "PATCH", &path, &input.to_string()).map(|answer| answer.status == 200)
        };
        match done {
            Ok(true) => tell(&id, step),
            Ok(false) => panic!("step {step} of {name} was refused"),
            Err(_) => return,
        };
    }
}

fn by_draft(url: &str, token: &str, path: &str, input: &Value) -> std::io::Result<bool> {
    let opened = ask(url, token, "POST", &format!("{path}/_edit"), "")?;
    let changed = ask(url, token, "PATCH", &format!("{path}/draft"), &input.to_string())?;
    let committed = ask(url, token, "POST", &format!("{path}/draft/_commit"), "")?;
    Ok([opened.status, changed.status, committed.status] == [201, 200, 200])
}

fn check(url: &str, token: &str, acknowledged: &BTreeMap<String, u64>) {
    for (id, step) in acknowledged {
        let path = format!("/api/assistants/{id}");
        let read = ask(url, token, "GET", &path, "").unwrap();
        assert_eq!(read.status, 200, "{id}: {read:?}");
        let found: u64 = read.body["instructions"].as_str().unwrap().parse().unwrap();
        assert!(found >= *step, "{id}: step {step} was acknowledged, {found} is there");
        assert_eq!(read.body["instructions"], read.body["welcome"], "{id}: half a write");

        let number = read.body["version"].as_u64().unwrap();
        let newest = ask(url, token, "GET", &format!("{path}/versions/{number}"), "").unwrap();
        assert_eq!(newest.body["content"]["welcome"], read.body["welcome"], "{id}: half a commit");
        let next = format!("{path}/versions/{}", number + 1);
        assert_eq!(ask(url, token, "GET", &next, "").unwrap().status, 404, "{id}");
    }
}
