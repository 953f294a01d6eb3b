//! `kill -9` in the middle of uploads: no row without its bytes, and what is left
//! over is swept out.

use std::{
    fs,
    io::{self, Read, Write},
    net::TcpStream,
    path::Path,
    sync::{Mutex, mpsc},
    thread,
};

use serde_json::{Value, json};
use understudy_domain::Digest;

use crate::{
    Place, ask,
    support::{Said, Server, directory, finish},
};

const SENDERS: usize = 4;
const KILLS: usize = 4;
/// How many acknowledged uploads a life of the server lasts; 200 in all.
const UPLOADS: usize = 50;

#[test]
fn sqlite_names_no_bytes_that_are_not_there() {
    survive(&Place::Embedded);
}

#[test]
fn postgres_names_no_bytes_that_are_not_there() {
    survive(&Place::postgres());
}

/// An acknowledged file: where its bytes are, and what they are.
type Acknowledged = Mutex<Vec<(String, Digest)>>;

fn survive(place: &Place) {
    let directory = directory();
    let acknowledged = Acknowledged::default();
    let mut server = Server::spawn(place.command(directory.path()));
    let token = server.first_token();
    for life in 0..KILLS {
        let input = json!({"name": format!("life {life}")}).to_string();
        let made = ask(&server.url, &token, "POST", "/api/assistants", &input).unwrap();
        let path = format!("/api/assistants/{}/files", made.body["id"].as_str().unwrap());
        let (told, heard) = mpsc::channel();
        thread::scope(|scope| {
            for sender in 0..SENDERS {
                let (told, url, token) = (told.clone(), server.url.clone(), token.clone());
                let (acknowledged, path) = (&acknowledged, path.as_str());
                let first = u64::try_from((life * SENDERS + sender) * 1_000_000).unwrap();
                scope.spawn(move || send(&url, &token, (path, first), acknowledged, &told));
            }
            drop(told);
            assert_eq!(heard.iter().take(UPLOADS + life).count(), UPLOADS + life);
            server.signal("KILL");
        });
        server.wait();
        server = Server::spawn(place.command(directory.path()));
    }
    for (path, digest) in acknowledged.lock().unwrap().iter() {
        let bytes = download(&server.url, &token, path);
        assert_eq!(Digest::of(&bytes), *digest, "{path}");
    }
    let checked = fsck(place, directory.path(), &["--deep"]);
    assert_eq!(checked.code, 0, "{checked:?}");
    drop(server);

    let swept = fsck(place, directory.path(), &["--deep", "--sweep", "--min-age", "0"]);
    assert_eq!(swept.code, 0, "{swept:?}");
    let named = swept.stdout.lines().last().unwrap();
    let stored = files_in(&directory.path().join("understudy-data/blobs"));
    assert!(named.starts_with(&format!("checked  {stored} ")), "{stored} stored; {swept:?}");
}

/// Uploads one file after the other, until the server is gone.
fn send(
    url: &str,
    token: &str,
    (path, first): (&str, u64),
    acknowledged: &Acknowledged,
    told: &mpsc::Sender<()>,
) {
    for number in first.. {
        let bytes = content(number);
        match upload(url, token, path, &bytes) {
            Ok((201, file)) => {
                let path = format!("{path}/{}/contents", file["id"].as_str().unwrap());
                acknowledged.lock().unwrap().push((path, Digest::of(&bytes)));
                if told.send(()).is_err() {
                    return;
                }
            }
            Ok(refused) => panic!("upload {number} was refused: {refused:?}"),
            Err(_) => return,
        }
    }
}

/// Some KiB that no other upload has.
fn content(number: u64) -> Vec<u8> {
    let length = usize::try_from(1 + (number * 7_919) % 40_000).unwrap();
    number.to_le_bytes().iter().copied().cycle().take(length * 8).collect()
}

fn upload(url: &str, token: &str, path: &str, bytes: &[u8]) -> io::Result<(u16, Value)> {
    let head = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n";
    let tail = "\r\n--b--\r\n";
    let length = head.len() + bytes.len() + tail.len();
    let mut connection = TcpStream::connect(url.strip_prefix("http://").unwrap())?;
    let request = format!(
        "POST {path}/_upload HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Authorization: Bearer {token}\r\nContent-Type: multipart/form-data; boundary=b\r\n\
         Content-Length: {length}\r\n\r\n{head}"
    );
    connection.write_all(request.as_bytes())?;
    connection.write_all(bytes)?;
    connection.write_all(tail.as_bytes())?;
    let mut text = String::new();
    connection.read_to_string(&mut text)?;
    let cut = || io::Error::other("the answer was cut");
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(cut)?;
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or_else(cut)?;
    Ok((status, serde_json::from_str(body).map_err(io::Error::other)?))
}

fn download(url: &str, token: &str, path: &str) -> Vec<u8> {
    let mut connection = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    let request = crate::support::request("GET", path, token, "");
    connection.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    connection.read_to_end(&mut bytes).unwrap();
    assert!(bytes.starts_with(b"HTTP/1.1 200 "), "{path}");
    let body = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    bytes.split_off(body)
}

fn fsck(place: &Place, directory: &Path, arguments: &[&str]) -> Said {
    let mut command = place.command(directory);
    finish(command.arg("fsck").args(arguments), "")
}

fn files_in(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries.map(|entry| if entry.path().is_dir() { files_in(&entry.path()) } else { 1 }).sum()
}
