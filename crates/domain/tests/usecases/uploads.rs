use bytes::Bytes;
use time::Duration;
use understudy_domain::{
    Blob, Upload,
    usecases::{
        Caller, Conflict, Error, Result,
        uploads::{
            EXPIRES_AFTER, NewUpload, append_upload, begin_append, begin_upload, delete_upload,
            set_length, view_upload,
        },
    },
};

use crate::stage::{Stage, caller};

const MAX: u64 = 1_000_000;

async fn send(
    stage: &Stage,
    me: &Caller,
    upload: &Upload,
    (offset, bytes): (u64, &[u8]),
) -> Result<Upload> {
    let mut intake = begin_append(stage.deps(), me, upload.id, offset, MAX).await?;
    intake.write(Bytes::copy_from_slice(bytes)).await?;
    append_upload(stage.deps(), me, upload.id, offset, intake).await
}

fn new(length: Option<u64>) -> NewUpload {
    NewUpload { name: Some("a.md".to_owned()), length, ..NewUpload::default() }
}

#[tokio::test]
async fn pieces_make_the_whole_in_whatever_sizes_they_come() {
    for size in [1_usize, 7, 50, 99, 100] {
        let stage = Stage::set().await;
        let me = caller(4);
        let whole: Vec<u8> = (b'0'..=b'9').cycle().take(100).collect();
        let mut upload = begin_upload(stage.deps(), &me, new(Some(100))).await.unwrap();

        for piece in whole.chunks(size) {
            assert_eq!(upload.whole, None);
            upload = send(&stage, &me, &upload, (upload.received(), piece)).await.unwrap();
        }

        let finished = upload.whole.unwrap();
        assert_eq!(finished.blob, Blob::of(&whole));
        assert_eq!(finished.media_type, "text/markdown");
        assert!(upload.parts.is_empty());
    }
}

#[tokio::test]
async fn a_piece_goes_on_where_the_last_one_ended_or_is_refused() {
    let stage = Stage::set().await;
    let me = caller(4);
    let upload = begin_upload(stage.deps(), &me, new(Some(4))).await.unwrap();
    send(&stage, &me, &upload, (0, b"12")).await.unwrap();

    let again = send(&stage, &me, &upload, (0, b"12")).await;
    let gap = send(&stage, &me, &upload, (3, b"4")).await;
    let beyond = send(&stage, &me, &upload, (2, b"345")).await;

    let wrong =
        |result| matches!(result, Err(Error::Conflict(Conflict::WrongOffset { received: 2 })));
    assert!(wrong(again));
    assert!(wrong(gap));
    assert!(matches!(beyond, Err(Error::TooLarge { limit: 2, .. })));
    assert_eq!(send(&stage, &me, &upload, (2, b"34")).await.unwrap().received(), 4);
}

#[tokio::test]
async fn of_two_pieces_for_one_place_one_is_taken() {
    let stage = Stage::set().await;
    let me = caller(4);
    let upload = begin_upload(stage.deps(), &me, new(Some(2))).await.unwrap();
    let mut one = begin_append(stage.deps(), &me, upload.id, 0, MAX).await.unwrap();
    let mut other = begin_append(stage.deps(), &me, upload.id, 0, MAX).await.unwrap();
    one.write("1".into()).await.unwrap();
    other.write("x".into()).await.unwrap();

    let first = append_upload(stage.deps(), &me, upload.id, 0, one).await;
    let second = append_upload(stage.deps(), &me, upload.id, 0, other).await;

    assert!(first.is_ok());
    assert!(matches!(second, Err(Error::Conflict(Conflict::WrongOffset { received: 1 }))));
}

#[tokio::test]
async fn a_length_may_come_later_but_not_change() {
    let stage = Stage::set().await;
    let me = caller(4);
    let upload = begin_upload(stage.deps(), &me, new(None)).await.unwrap();
    send(&stage, &me, &upload, (0, b"123")).await.unwrap();

    let short = set_length(stage.deps(), &me, upload.id, 2).await;
    let right = set_length(stage.deps(), &me, upload.id, 3).await.unwrap();
    let other = set_length(stage.deps(), &me, upload.id, 4).await;

    assert!(matches!(short, Err(Error::Invalid(_))));
    assert_eq!(right.whole.unwrap().blob, Blob::of(b"123"));
    assert!(matches!(other, Err(Error::Invalid(_))));
}

#[tokio::test]
async fn an_empty_upload_is_whole_at_once() {
    let stage = Stage::set().await;
    let upload = begin_upload(stage.deps(), &caller(4), new(Some(0))).await.unwrap();

    assert_eq!(upload.whole.unwrap().blob, Blob::of(b""));
}

#[tokio::test]
async fn an_upload_is_its_makers_alone_and_ends() {
    let stage = Stage::set().await;
    let me = caller(4);
    let [kept, ended] = [(); 2].map(|()| begin_upload(stage.deps(), &me, new(Some(1))));
    let (kept, ended) = (kept.await.unwrap(), ended.await.unwrap());

    let missing = |result: Result<Upload>| matches!(result, Err(Error::NotFound("upload")));
    assert!(missing(view_upload(stage.deps(), &caller(1), kept.id).await));
    assert!(missing(send(&stage, &caller(6), &kept, (0, b"1")).await));
    delete_upload(stage.deps(), &me, ended.id).await.unwrap();
    assert!(missing(view_upload(stage.deps(), &me, ended.id).await));
    stage.clock.advance(EXPIRES_AFTER - Duration::SECOND);
    assert!(view_upload(stage.deps(), &me, kept.id).await.is_ok());
    stage.clock.advance(Duration::SECOND);
    assert!(missing(view_upload(stage.deps(), &me, kept.id).await));
}
