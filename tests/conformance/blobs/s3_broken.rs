//! The store in a bucket behind a network that breaks every transfer.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test panics")]

use std::{io, net::Ipv4Addr};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};
use understudy_blob_store::{Links, ObjectBlobs, S3Credentials, S3Settings};
use understudy_domain::{
    Digest, OrganizationId, Secret,
    ports::{BlobError, BlobReader, BlobStore},
};
use understudy_testkit::sample;

const BYTES: usize = 10_000;

fn bytes() -> Vec<u8> {
    (0..=u8::MAX).cycle().take(BYTES).collect()
}

/// A bucket of which every object is [`bytes`]. Each answer promises what was asked
/// for, and ends after `piece` bytes of it.
async fn breaking_after(piece: usize) -> ObjectBlobs {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, piece));
        }
    });
    let key = || Secret::new("any".to_owned());
    ObjectBlobs::s3(S3Settings {
        bucket: "bucket".to_owned(),
        prefix: String::new(),
        region: None,
        endpoint: Some(format!("http://127.0.0.1:{port}").parse().unwrap()),
        credentials: Some(S3Credentials {
            access_key: key(),
            secret_key: key(),
            session_token: None,
        }),
        links: Links::Never,
    })
    .unwrap()
}

async fn answer(stream: TcpStream, piece: usize) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut start = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        if let Some(range) = line.to_lowercase().strip_prefix("range: bytes=") {
            start = range.split('-').next().unwrap().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let head = format!(
        "HTTP/1.1 {}\r\nContent-Length: {}\r\nContent-Range: bytes {start}-{}/{BYTES}\r\n\
         ETag: \"one\"\r\nLast-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n\r\n",
        if start == 0 { "200 OK" } else { "206 Partial Content" },
        BYTES - start,
        BYTES - 1,
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&bytes()[start..BYTES.min(start + piece)]).await?;
    stream.shutdown().await
}

async fn read(blobs: &ObjectBlobs) -> Box<dyn BlobReader> {
    let tenant: OrganizationId = sample::id(1);
    blobs.read(tenant, Digest::of(b"any"), None).await.unwrap()
}

#[tokio::test]
async fn a_transfer_that_breaks_again_and_again_is_taken_up_where_it_broke() {
    let blobs = breaking_after(1_000).await;
    let mut reader = read(&blobs).await;

    let mut whole = Vec::new();
    while let Some(chunk) = reader.next().await.unwrap() {
        whole.extend_from_slice(&chunk);
    }

    assert!(whole == bytes());
}

#[tokio::test]
async fn a_transfer_that_does_not_go_on_is_an_error() {
    let blobs = breaking_after(0).await;
    let mut reader = read(&blobs).await;

    let error = reader.next().await.unwrap_err();

    assert!(matches!(error, BlobError::Unavailable(_)), "{error:?}");
}
