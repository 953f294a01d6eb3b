//! `/api/assistants/{id}/_export` and `/api/assistants/_import`

pub(crate) mod abilities;
mod openai;
mod tampered;

pub(crate) use openai::*;
pub(crate) use tampered::*;

use std::io::{Cursor, Read, Write};

use serde_json::{Value, json};
use zip::{CompressionMethod, ZipArchive, ZipWriter, write::SimpleFileOptions};

use crate::{
    App,
    Person::{self, Ada, Admin, Bob, Stranger, Viewer},
    assistants::{automations, made, seed_example},
    icons::{PNG, with_file},
    request::{Reply, Request},
    rules,
};

const ZIP: &str = "application/zip";
const IMPORT: &str = "/api/assistants/_import";

/// Attaches a file.
async fn attach(app: &App, path: &str, bytes: &[u8]) -> Value {
    let request = app.post(Ada, &format!("{path}/files/_upload"));
    with_file(request, "file", bytes).expect(201).await.body
}

async fn export(app: &App, path: &str) -> Vec<u8> {
    let reply = app.get(Ada, &format!("{path}/_export")).header("accept", ZIP).expect(200).await;
    assert_eq!(reply.header("content-type"), ZIP);
    reply.bytes
}

fn import(app: &App, person: Person, archive: &[u8]) -> Request {
    app.post(person, IMPORT).body(ZIP, archive)
}

/// The entries of an archive, in their order.
fn entries(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = ZipArchive::new(Cursor::new(archive)).unwrap();
    let mut entries = Vec::new();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        entries.push((entry.name().unwrap().into_owned(), bytes));
    }
    entries
}

fn archive_of<'a>(entries: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        zip.start_file(name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn document(archive: &[u8]) -> Value {
    serde_json::from_slice(&entries(archive)[0].1).unwrap()
}

/// The archive with its document changed.
fn altered(archive: &[u8], change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut entries = entries(archive);
    let mut document: Value = serde_json::from_slice(&entries[0].1).unwrap();
    change(&mut document);
    entries[0].1 = serde_json::to_vec(&document).unwrap();
    archive_of(entries.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())))
}

/// An assistant with all that an export carries.
async fn rich(app: &App) -> String {
    let mut input = seed_example();
    for gone in
        ["rule_ids", "vector_store_ids", "access_mode", "editable_by_roles", "visible_to_roles"]
    {
        input.as_object_mut().unwrap().remove(gone);
    }
    input["tool_configurations"]["streamlineTools"] = json!([]);
    input["tool_configurations"]["mcpTools"] = json!([{
        "serverLabel": "github",
        "serverUrl": "https://mcp.example.com",
        "authorization": "top secret",
        "headers": {"X-Key": "also secret"},
    }]);
    let path = made(app, input).await;
    with_file(app.put(Ada, &format!("{path}/icon")), "icon", PNG).expect(200).await;
    attach(app, &path, b"one").await;
    attach(app, &path, b"two").await;
    attach(app, &path, b"one").await;
    path
}

/// What an export carries of an assistant, as its readers see it.
async fn seen(app: &App, person: Person, path: &str) -> Value {
    let mut body = app.get(person, path).expect(200).await.body;
    let map = body.as_object_mut().unwrap();
    for own in [
        "id",
        "organization_id",
        "created_by",
        "created_at",
        "updated_at",
        "owner",
        "slug",
        "version",
        "icon_url",
        "permissions",
        "_links",
        "tool_configurations",
        "icon_data",
    ] {
        map.remove(own);
    }
    let mut files = app.get(person, &format!("{path}/files")).expect(200).await.body;
    for file in files.as_array_mut().unwrap() {
        let file = file.as_object_mut().unwrap();
        for own in ["assistantId", "createdAt", "createdBy", "modifiedAt", "_links"] {
            file.remove(own);
        }
    }
    json!([body, files])
}

pub(crate) async fn an_export_holds_the_content_and_no_secret(app: &App) {
    let path = rich(app).await;

    let archive = export(app, &path).await;

    let entries = entries(&archive);
    let names: Vec<&str> = entries.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names[..2], ["assistant.json", "icon.png"]);
    assert_eq!(names.len(), 4, "bytes that two files share are packed once: {names:?}");
    assert!(names[2] < names[3]);
    let text = String::from_utf8(entries[0].1.clone()).unwrap();
    assert!(!text.contains("top secret") && !text.contains("also secret"), "{text}");
    let document = document(&archive);
    assert_eq!(document["format"], "understudy.assistant");
    assert_eq!(format!("/api/assistants/{}", document["externalId"].as_str().unwrap()), path);
    let names = json!([
        {"name": "mcp/github/authorization", "value": null},
        {"name": "mcp/github/headers/X-Key", "value": null},
    ]);
    assert_eq!(document["secrets"], names);
    assert_eq!(document["files"].as_array().unwrap().len(), 3);
    assert_eq!(export(app, &path).await, archive, "the same state gives the same export");
    let reply = app.get(Ada, &format!("{path}/_export")).expect(200).await;
    let disposition = "attachment; filename=\"customer-support-assistant.zip\"";
    assert_eq!(reply.header("content-disposition"), disposition);
    let again = app.get(Ada, &format!("{path}/_export"));
    again.header("if-none-match", reply.etag()).expect(304).await;
}

pub(crate) async fn an_import_elsewhere_gives_the_same_content(app: &App) {
    let path = rich(app).await;
    let before = seen(app, Ada, &path).await;
    let archive = export(app, &path).await;

    let imported = import(app, Stranger, &archive).expect(201).await;

    let report = &imported.body["report"];
    assert_eq!(imported.body["created"], true);
    assert_eq!(report["files"], 3);
    assert_eq!(report["icon"], true);
    assert_eq!(report["dropped"], json!([]));
    let secrets = json!(["mcp/github/authorization", "mcp/github/headers/X-Key"]);
    assert_eq!(report["secrets"], secrets);
    let place = imported.header("location").to_owned();
    assert_eq!(seen(app, Stranger, &place).await, before);
    let files = app.get(Stranger, &format!("{place}/files")).expect(200).await.body;
    let contents = files[1]["_links"]["contents"]["href"].as_str().unwrap();
    assert_eq!(app.get(Stranger, contents).expect(200).await.bytes, b"two");
    app.get(Stranger, &format!("{place}/icon")).expect(200).await;
}

pub(crate) async fn importing_twice_changes_instead_of_doubling(app: &App) {
    let path = rich(app).await;
    let archive = export(app, &path).await;
    let first = import(app, Stranger, &archive).expect(201).await;
    let place = first.header("location").to_owned();
    let secrets = json!({"tool_configurations": {"mcpTools": [{
        "serverLabel": "github",
        "serverUrl": "https://mcp.example.com",
        "authorization": "theirs",
        "headers": {"X-Key": "theirs"},
    }]}});
    app.patch(Stranger, &place).json(&secrets).expect(200).await;
    let before = seen(app, Stranger, &place).await;
    app.put(Stranger, &place).json(&json!({"temperature": 1.5})).expect(200).await;

    let second = import(app, Stranger, &archive).expect(200).await;

    assert_eq!(second.body["created"], false);
    assert_eq!(second.body["assistant"]["id"], first.body["assistant"]["id"]);
    assert_eq!(second.body["report"]["secrets"], json!([]), "stored ones stay");
    assert_eq!(seen(app, Stranger, &place).await, before);
    let list = app.get(Stranger, "/api/assistants").expect(200).await.body;
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
}

pub(crate) async fn an_import_at_home_changes_the_original(app: &App) {
    let path = rich(app).await;
    let archive = export(app, &path).await;
    let before = app.get(Ada, &path).expect(200).await.body;

    let same = import(app, Ada, &archive).expect(200).await.body;
    assert_eq!(same["assistant"], before, "nothing has changed");
    app.put(Ada, &path).json(&json!({"seed": 7})).expect(200).await;
    import(app, Admin, &archive).expect(200).await;

    let after = app.get(Ada, &path).expect(200).await.body;
    assert_eq!(after["seed"], before["seed"]);
    assert_eq!(after["version"], before["version"].as_u64().unwrap() + 2);
}

pub(crate) async fn what_is_deleted_is_made_anew(app: &App) {
    let path = rich(app).await;
    let archive = export(app, &path).await;
    app.delete(Ada, &path).expect(204).await;

    let anew = import(app, Ada, &archive).expect(201).await;

    assert_ne!(anew.header("location"), path);
}

pub(crate) async fn an_import_does_not_reach_what_the_caller_may_not_change(app: &App) {
    let path = rich(app).await;
    let archive = export(app, &path).await;
    app.get(Bob, &format!("{path}/_export")).refused(404, "not_found").await;
    app.put(Ada, &path).json(&json!({"access_mode": "organization"})).expect(200).await;
    app.get(Bob, &format!("{path}/_export")).refused(403, "insufficient_level").await;

    import(app, Bob, &archive).refused(409, "imported_elsewhere").await;
    import(app, Viewer, &archive).refused(403, "insufficient_role").await;
}

pub(crate) async fn a_taken_name_is_refused_or_another_is_found(app: &App) {
    let path = made(app, json!({"name": "Support"})).await;
    let archive = altered(&export(app, &path).await, |document| {
        document["externalId"] = "elsewhere".into();
    });

    import(app, Bob, &archive).refused(409, "name_taken").await;
    let path = format!("{IMPORT}?rename=true");
    let renamed = app.post(Bob, &path).body(ZIP, archive.clone()).expect(201).await;

    assert_eq!(renamed.body["assistant"]["name"], "Support (2)");
    assert_eq!(renamed.body["report"]["mapped"], json!([{"from": "Support", "to": "Support (2)"}]));
}

pub(crate) async fn what_names_nothing_here_is_left_out_and_told(app: &App) {
    let target = made(app, json!({"name": "Target"})).await;
    let target = target.rsplit('/').next().unwrap();
    let mut input = seed_example();
    input["name"] = "Pointing".into();
    let [tone, safety] = ["Tone", "Safety"].map(|name| rules::made(app, rules::rule(name)));
    input["rule_ids"] = json!([tone.await.id(), safety.await.id()]);
    input["tool_configurations"]["streamlineTools"] = json!(automations(app).await);
    let path = made(app, input).await;
    for (kind, id) in [
        ("assistant", target),
        ("dataset", "ds_1"),
        ("vector_store", "vs_1"),
        ("url", "https://example.com/"),
    ] {
        let body = json!({"targetType": kind, "targetId": id});
        app.post(Ada, &format!("{path}/references")).json(&body).expect(201).await;
    }
    let archive = export(app, &path).await;

    let imported = import(app, Stranger, &archive).expect(201).await;

    let dropped: Vec<&str> = imported.body["report"]["dropped"]
        .as_array()
        .unwrap()
        .iter()
        .map(|dropped| dropped["pointer"].as_str().unwrap())
        .collect();
    let expected = [
        "/assistant/vector_store_ids/0",
        "/assistant/vector_store_ids/1",
        "/assistant/tool_configurations/streamlineTools/0",
        "/assistant/tool_configurations/streamlineTools/1",
        "/references/0",
        "/references/1",
        "/references/2",
        "/rules/0",
        "/rules/1",
    ];
    assert_eq!(dropped, expected);
    let place = imported.header("location");
    let references = app.get(Stranger, &format!("{place}/references")).expect(200).await.body;
    assert_eq!(references.as_array().unwrap().len(), 1);
    let at_home = import(app, Ada, &archive).expect(200).await.body;
    assert_eq!(at_home["report"]["dropped"], json!([]));
}

pub(crate) async fn a_reference_follows_what_was_imported_with_it(app: &App) {
    let target = made(app, json!({"name": "Target"})).await;
    let path = made(app, json!({"name": "Pointing"})).await;
    let id = target.rsplit('/').next().unwrap();
    let body = json!({"targetType": "assistant", "targetId": id});
    app.post(Ada, &format!("{path}/references")).json(&body).expect(201).await;
    let there = import(app, Stranger, &export(app, &target).await).expect(201).await;

    let imported = import(app, Stranger, &export(app, &path).await).expect(201).await;

    let to = &there.body["assistant"]["id"];
    assert_eq!(imported.body["report"]["mapped"], json!([{"from": id, "to": to}]));
}

pub(crate) async fn a_document_alone_is_imported_without_its_files(app: &App) {
    let path = rich(app).await;
    let document = document(&export(app, &path).await);

    let alone = app.post(Stranger, IMPORT).json(&document).expect(201).await;
    let bytes = serde_json::to_vec(&document).unwrap();
    let in_a_form = with_file(app.post(Stranger, IMPORT), "file", &bytes).expect(200).await;

    assert_eq!(alone.body["report"]["files"], 0);
    assert_eq!(alone.body["report"]["dropped"].as_array().unwrap().len(), 3);
    assert_eq!(alone.body["assistant"]["icon_type"], "upload");
    assert_eq!(in_a_form.body["assistant"]["id"], alone.body["assistant"]["id"]);
    let whole = with_file(app.post(Stranger, IMPORT), "file", &export(app, &path).await);
    assert_eq!(whole.expect(200).await.body["report"]["files"], 3);
    let at_home = app.post(Ada, IMPORT).json(&document).expect(200).await;
    assert_eq!(at_home.body["report"]["files"], 3, "their bytes are here already");
}

pub(crate) async fn values_that_somebody_filled_in_are_taken(app: &App) {
    let path = rich(app).await;
    let archive = altered(&export(app, &path).await, |document| {
        document["secrets"][0]["value"] = "theirs".into();
    });

    let imported = import(app, Stranger, &archive).expect(201).await;

    assert_eq!(imported.body["report"]["secrets"], json!(["mcp/github/headers/X-Key"]));
    let server = &imported.body["assistant"]["tool_configurations"]["mcpTools"][0];
    assert_eq!(server["authorization"], "********");
}

pub(crate) async fn everything_wrong_with_a_document_is_told_at_once(app: &App) {
    let path = rich(app).await;
    let archive = altered(&export(app, &path).await, |document| {
        document["files"][0]["sha256"] = "x".into();
        document["files"][1]["name"] = "".into();
        document["references"] = json!([{"targetId": 1}]);
        document["icon"]["name"] = "../icon.png".into();
    });
    let faulty = import(app, Stranger, &archive).refused(400, "validation_failed").await;
    let expected = [
        ("/files/0/sha256", "digest"),
        ("/files/1/name", "required"),
        ("/icon/name", "enum"),
        ("/references/0", "type"),
    ];
    assert_eq!(faulty.faults(), expected);
    let archive = altered(&export(app, &path).await, |document| {
        document["assistant"]["temperature"] = 9.into();
        document["assistant"]["default_model_key"] = "no-such-model".into();
        document["assistant"]["colour"] = "red".into();
    });
    let faulty = import(app, Stranger, &archive).refused(400, "validation_failed").await;
    let expected = [
        ("/assistant/colour", "unknown_field"),
        ("/assistant/default_model_key", "unknown_model"),
        ("/assistant/temperature", "maximum"),
    ];
    assert_eq!(faulty.faults(), expected);
    nothing_was_made(app).await;
}

/// The stranger has no assistant.
async fn nothing_was_made(app: &App) {
    let list = app.get(Stranger, "/api/assistants?include_inactive=true").expect(200).await.body;
    assert_eq!(list["data"], json!([]));
}

pub(crate) async fn the_same_import_with_one_key_is_done_once(app: &App) {
    let archive = export(app, &rich(app).await).await;
    let keyed = |archive: &[u8]| import(app, Stranger, archive).header("idempotency-key", "k");

    let first: Reply = keyed(&archive).expect(201).await;
    let again = keyed(&archive).expect(201).await;

    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.body, first.body);
    let other = altered(&archive, |document| document["assistant"]["seed"] = 5.into());
    keyed(&other).refused(422, "idempotency_key_reused").await;
}
