use super::{
    IMPORT, Stranger, ZIP, altered, archive_of, entries, export, import, nothing_was_made, rich,
};
use crate::App;

async fn refused(app: &App, archive: &[u8], about: &str) {
    let refused = import(app, Stranger, archive).refused(400, "invalid_file").await;
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(detail.contains(about), "{detail} does not tell of {about}");
}

/// Puts bytes in the place of others of the same length, everywhere.
fn replaced(archive: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut archive = archive.to_vec();
    let places: Vec<usize> =
        (0..archive.len() - from.len()).filter(|&at| archive[at..].starts_with(from)).collect();
    assert!(!places.is_empty());
    for at in places {
        archive[at..at + to.len()].copy_from_slice(to);
    }
    archive
}

pub(crate) async fn a_tampered_archive_is_refused_as_a_whole(app: &App) {
    let archive = export(app, &rich(app).await).await;
    let all = entries(&archive);
    let parts = || all.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));

    refused(app, b"PK\x03\x04 no archive", "no zip archive").await;
    refused(app, &archive[..archive.len() - 1], "no zip archive").await;
    refused(app, &[archive.as_slice(), b"more"].concat(), "behind it").await;
    refused(app, &archive_of(parts().skip(1)), "assistant.json").await;
    refused(app, &archive_of(parts().take(3)), "does not hold").await;
    for name in ["../../etc/passwd", "/etc/passwd", "files/../../x", "files/x", "C:\\x"] {
        let more = archive_of(parts().chain([(name, b"x".as_slice())]));
        refused(app, &more, "does not name").await;
    }
    let [_, _, first, second] = all.as_slice() else { panic!("there are four entries") };
    refused(app, &replaced(&archive, second.0.as_bytes(), first.0.as_bytes()), "twice").await;
    nothing_was_made(app).await;
}

pub(crate) async fn bytes_that_are_not_those_that_are_named_are_refused(app: &App) {
    let archive = export(app, &rich(app).await).await;
    let all = entries(&archive);
    let other: Vec<(&str, &[u8])> = all
        .iter()
        .map(|(name, bytes)| {
            let bytes = if name.starts_with("files/") { b"six" } else { bytes.as_slice() };
            (name.as_str(), bytes)
        })
        .collect();

    let refused = import(app, Stranger, &archive_of(other)).refused(400, "validation_failed").await;
    assert_eq!(refused.faults()[0].1, "digest");
    let icon = altered(&archive, |document| {
        document["icon"]["sha256"] = "0".repeat(64).into();
    });
    let refused = import(app, Stranger, &icon).refused(400, "validation_failed").await;
    assert_eq!(refused.faults(), [("/icon", "digest")]);
    nothing_was_made(app).await;
}

pub(crate) async fn an_archive_that_unpacks_to_too_much_is_refused(app: &App) {
    let archive = export(app, &rich(app).await).await;
    let all = entries(&archive);
    let bomb = vec![b' '; 8 * 1024 * 1024];
    let parts = all.iter().map(|(name, bytes)| {
        let bytes = if name == "assistant.json" { bomb.as_slice() } else { bytes.as_slice() };
        (name.as_str(), bytes)
    });
    refused(app, &archive_of(parts), "a hundred times").await;

    let names: Vec<String> = (0..2_101).map(|number| number.to_string()).collect();
    let many = archive_of(names.iter().map(|name| (name.as_str(), b"".as_slice())));
    refused(app, &many, "2100 entries").await;
    // The size of an entry is what its table says, and no more is unpacked.
    let lying = lie_about_size(&archive_of([("assistant.json", all[0].1.as_slice())]));
    refused(app, &lying, "larger than the archive says").await;
    nothing_was_made(app).await;
}

/// Says of the one entry of an archive that it unpacks to ten bytes.
fn lie_about_size(archive: &[u8]) -> Vec<u8> {
    let at = archive.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
    let mut archive = archive.to_vec();
    archive[at + 24..at + 28].copy_from_slice(&[10, 0, 0, 0]);
    archive
}

pub(crate) async fn an_import_that_fails_leaves_nothing(app: &App) {
    let path = rich(app).await;
    let archive = altered(&export(app, &path).await, |document| {
        document["assistant"]["icon_type"] = "emoji".into();
    });
    // The icon is an emoji that its data is not: told after all else was taken in.
    let refused = import(app, Stranger, &archive).refused(400, "validation_failed").await;
    assert!(!refused.faults().is_empty());
    app.post(Stranger, IMPORT).body(ZIP, Vec::new()).refused(400, "malformed_json").await;
    nothing_was_made(app).await;
}
