use time::Duration;
use understudy_domain::{
    Blob, OrganizationId,
    ports::{BlobStore, KEEP_UNNAMED},
    usecases::{
        Caller, Precondition,
        files::{add_file, delete_file},
        housekeeping::{Checked, Damage, Swept, check, sweep, sweep_strays},
        uploads::{NewUpload, append_upload, begin_append, begin_upload, keep_upload},
    },
};

use crate::stage::{Stage, caller, id_of, named, received};

async fn is_there(stage: &Stage, bytes: &[u8]) -> bool {
    stage.blobs.size(home(), Blob::of(bytes).digest).await.unwrap().is_some()
}

fn home() -> OrganizationId {
    caller(4).actor.organization
}

async fn attach(stage: &Stage, me: &Caller, id: &str, bytes: &'static [u8]) {
    let received = received(stage, me, bytes).await;
    add_file(stage.deps(), me, id, Some("a".to_owned()), received).await.unwrap();
}

#[tokio::test]
async fn a_sweep_takes_what_nothing_names_and_nobody_touched_for_a_day() {
    let stage = Stage::set().await;
    let me = caller(4);
    let id = id_of(&stage.create(&me, named("x")).await.unwrap());
    attach(&stage, &me, &id, b"named").await;
    attach(&stage, &me, &id, b"named by a version").await;
    delete_file(stage.deps(), &me, &id, "a", Precondition::None).await.unwrap_err();
    received(&stage, &me, b"unnamed").await;
    received(&stage, &me, b"touched again").await;

    stage.clock.advance(KEEP_UNNAMED);
    assert_eq!(sweep(stage.deps(), KEEP_UNNAMED).await.unwrap(), Swept::default());
    received(&stage, &me, b"touched again").await;
    stage.clock.advance(Duration::SECOND);
    let swept = sweep(stage.deps(), KEEP_UNNAMED).await.unwrap();

    assert_eq!(swept.blobs, 1);
    assert!(!is_there(&stage, b"unnamed").await);
    for kept in [&b"named"[..], b"named by a version", b"touched again"] {
        assert!(is_there(&stage, kept).await);
    }
}

#[tokio::test]
async fn bytes_that_a_version_names_outlive_the_file() {
    let stage = Stage::set().await;
    let me = caller(4);
    let id = id_of(&stage.create(&me, named("x")).await.unwrap());
    attach(&stage, &me, &id, b"1").await;
    delete_file(stage.deps(), &me, &id, "a", Precondition::None).await.unwrap();
    stage.clock.advance(KEEP_UNNAMED * 2);

    let swept = sweep(stage.deps(), KEEP_UNNAMED).await.unwrap();

    assert_eq!(swept, Swept::default());
    assert!(is_there(&stage, b"1").await);
}

#[tokio::test]
async fn expired_uploads_go_and_then_their_bytes() {
    let stage = Stage::set().await;
    let me = caller(4);
    let whole = received(&stage, &me, b"whole").await;
    keep_upload(stage.deps(), &me, NewUpload::default(), whole).await.unwrap();
    let new = NewUpload { length: Some(9), ..NewUpload::default() };
    let part = begin_upload(stage.deps(), &me, new).await.unwrap();
    let mut intake = begin_append(stage.deps(), &me, part.id, 0, 9).await.unwrap();
    intake.write("part".into()).await.unwrap();
    append_upload(stage.deps(), &me, part.id, 0, intake).await.unwrap();

    stage.clock.advance(KEEP_UNNAMED - Duration::SECOND);
    assert_eq!(sweep(stage.deps(), Duration::ZERO).await.unwrap(), Swept::default());
    stage.clock.advance(Duration::SECOND * 2);
    let swept = sweep(stage.deps(), Duration::ZERO).await.unwrap();

    assert_eq!((swept.uploads, swept.blobs), (2, 2));
    assert!(!is_there(&stage, b"whole").await);
    assert!(!is_there(&stage, b"part").await);
}

#[tokio::test]
async fn a_check_finds_what_is_missing() {
    let stage = Stage::set().await;
    let me = caller(4);
    let id = id_of(&stage.create(&me, named("x")).await.unwrap());
    attach(&stage, &me, &id, b"1").await;
    let whole = check(stage.deps(), true).await.unwrap();

    let blob = Blob::of(b"1");
    stage.blobs.delete(home(), blob.digest).await.unwrap();
    let damaged = check(stage.deps(), false).await.unwrap();

    assert_eq!(whole, Checked { named: 1, damaged: Vec::new() });
    assert_eq!(damaged.damaged, [(home(), blob, Damage::Missing)]);
}

#[tokio::test]
async fn bytes_that_no_row_stands_for_are_swept_out_when_they_are_old() {
    let stage = Stage::set().await;
    let me = caller(4);
    let id = id_of(&stage.create(&me, named("x")).await.unwrap());
    attach(&stage, &me, &id, b"known").await;
    let stray = Blob::of(b"stray");
    let mut writer = stage.blobs.begin(home()).await.unwrap();
    writer.write("stray".into()).await.unwrap();
    writer.finish(stray.digest).await.unwrap();

    stage.clock.advance(KEEP_UNNAMED);
    assert_eq!(sweep_strays(stage.deps(), KEEP_UNNAMED).await.unwrap(), Swept::default());
    stage.clock.advance(Duration::SECOND);
    let swept = sweep_strays(stage.deps(), KEEP_UNNAMED).await.unwrap();

    assert_eq!(swept, Swept { strays: 1, ..Swept::default() });
    assert!(!is_there(&stage, b"stray").await);
    assert!(is_there(&stage, b"known").await);
}
