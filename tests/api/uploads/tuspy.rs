//! The tus protocol as `tuspy` speaks it, which others wrote.

use std::{fs, process::Command};

use serde_json::json;
use understudy_tests::tools::python;

use crate::{
    App,
    Person::Ada,
    files::{assistant, read},
};

/// Sends a piece of a file, and the rest by another uploader, which asks where to go
/// on; then an empty file.
const SCRIPT: &str = r#"
import io, sys
from tusclient.client import TusClient

address, token, path = sys.argv[1:]
client = TusClient(address + "/api/uploads", headers={"authorization": "Bearer " + token})
size = {"chunk_size": 100_000, "upload_checksum": True}
metadata = {"filename": "Größe.bin", "filetype": "text/html"}
first = client.uploader(file_path=path, metadata=metadata, **size)
first.upload_chunk()
assert first.offset == 100_000, first.offset
second = client.uploader(file_path=path, url=first.url, **size)
assert second.offset == 100_000, second.offset
second.upload()
empty = client.uploader(file_stream=io.BytesIO(b""))
empty.upload()
print(first.url, empty.url)
"#;

pub(crate) async fn a_client_that_others_wrote_goes_on_where_it_broke_off(app: &App) {
    let path = assistant(app).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    let bytes: Vec<u8> = (0..250_001_u32).map(|n| n.wrapping_mul(7).to_be_bytes()[3]).collect();
    fs::write(&file, &bytes).unwrap();

    let mut command = Command::new(python());
    command.args(["-c", SCRIPT, &app.address, &Ada.token()]).arg(&file).env("NO_PROXY", "*");
    let run = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();

    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let said = String::from_utf8(run.stdout).unwrap();
    let (whole, empty) = said.trim().split_once(' ').unwrap();
    let id = whole.rsplit('/').next().unwrap();
    let attach = app.post(Ada, &format!("{path}/files")).json(&json!({"uploadId": id}));
    let attached = attach.expect(201).await;
    assert_eq!(attached.body["name"], "Größe.bin");
    assert_eq!(attached.body["contentType"], "application/octet-stream");
    let contents = read(app, &format!("{}/contents", attached.header("location"))).await;
    assert!(contents.bytes == bytes);
    let empty = read(app, empty.strip_prefix(&app.address).unwrap()).await;
    assert_eq!(empty.body["complete"], true);
}
