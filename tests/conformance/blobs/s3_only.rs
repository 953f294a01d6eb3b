//! What only the store in a bucket has: links, access keys, and others in the
//! bucket.

#![expect(clippy::disallowed_types, reason = "a test is a client of the server")]
#![expect(clippy::unwrap_used, reason = "a failing test panics")]

use std::{error::Error, fs};

use reqwest::{Client, StatusCode, header};
use understudy_blob_store::{Links, ObjectBlobs, OpenError, S3Settings};
use understudy_domain::{
    Digest, OrganizationId, Secret, Timestamp,
    ports::{BlobError, BlobStore},
};
use understudy_testkit::sample;
use understudy_tests::{
    http_client,
    s3::{Bucket, Moto, S3s},
};

fn ours() -> OrganizationId {
    sample::id(1)
}

async fn put(blobs: &ObjectBlobs, bytes: Vec<u8>) -> Digest {
    let digest = Digest::of(&bytes);
    let mut writer = blobs.begin(ours()).await.unwrap();
    writer.write(bytes.into()).await.unwrap();
    writer.finish(digest).await.unwrap();
    digest
}

fn with_links(bucket: &Bucket) -> ObjectBlobs {
    let settings = S3Settings { links: Links::Presigned, ..bucket.settings() };
    ObjectBlobs::s3(settings).unwrap()
}

fn client() -> Client {
    http_client().build().unwrap()
}

/// Everything that an error says to whoever looks.
fn all_of(error: &BlobError) -> String {
    let mut said = vec![format!("{error:?}")];
    let mut next: Option<&dyn Error> = Some(error);
    while let Some(error) = next {
        said.push(error.to_string());
        next = error.source();
    }
    said.join("\n")
}

#[tokio::test]
async fn no_link_is_given_unless_wanted() {
    let server = S3s::start().await;
    let blobs = server.bucket.blobs();
    let digest = put(&blobs, b"x".to_vec()).await;

    assert_eq!(blobs.link(ours(), digest, 60).await.unwrap(), None);
}

#[tokio::test]
async fn a_link_gives_the_bytes_and_a_changed_one_does_not() {
    let server = S3s::start().await;
    let blobs = with_links(&server.bucket);
    let digest = put(&blobs, b"linked".to_vec()).await;
    let other = put(&blobs, b"not linked".to_vec()).await;

    let link = blobs.link(ours(), digest, 60).await.unwrap().unwrap();
    let answer = client().get(link.clone()).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.bytes().await.unwrap(), "linked");

    let link = link.as_str();
    let of_other = link.replace(&digest.to_string(), &other.to_string());
    let of_other = of_other.replace("/16/", &format!("/{}/", &other.to_string()[..2]));
    for changed in [of_other, link.replace("Expires=60", "Expires=61")] {
        assert_ne!(changed, link);
        let answer = client().get(changed).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    }
    let put = client().put(link).body("other bytes").send().await.unwrap();
    assert_eq!(put.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_browser_saves_what_a_link_gives() {
    let server = Moto::start().await;
    let blobs = with_links(&server.bucket);
    for length in [10, 9 << 20] {
        let digest = put(&blobs, vec![b'<'; length]).await;

        let link = blobs.link(ours(), digest, 60).await.unwrap().unwrap();
        let answer = client().get(link).send().await.unwrap();

        assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/octet-stream");
        assert_eq!(answer.headers()[header::CONTENT_DISPOSITION], "attachment");
        assert_eq!(answer.bytes().await.unwrap().len(), length);
    }
}

#[tokio::test]
async fn a_wrong_key_is_unavailable_and_is_not_repeated() {
    let server = S3s::start().await;
    let digest = put(&server.bucket.blobs(), b"x".to_vec()).await;
    let mut settings = server.bucket.settings();
    let credentials = settings.credentials.as_mut().unwrap();
    credentials.secret_key = Secret::new("wr0ng-secret".to_owned());
    assert!(!format!("{settings:?}").contains("wr0ng-secret"));
    let blobs = ObjectBlobs::s3(settings).unwrap();

    let mut writer = blobs.begin(ours()).await.unwrap();
    writer.write("y".into()).await.unwrap();
    for error in [
        blobs.read(ours(), digest, None).await.err(),
        blobs.size(ours(), digest).await.err(),
        writer.finish(Digest::of(b"y")).await.err(),
        blobs.delete(ours(), digest).await.err(),
        blobs.inventory().list(None, 10).await.err(),
        blobs.inventory().ping().await.err(),
    ] {
        let error = error.unwrap();
        assert!(matches!(error, BlobError::Unavailable(_)), "{error:?}");
        let text = all_of(&error);
        assert!(text.contains("403"), "{text}");
        for secret in ["wr0ng-secret", "AKIDTEST", "Signature="] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}

#[tokio::test]
async fn a_bucket_that_is_not_there_is_unavailable() {
    let server = Moto::start().await;
    let settings = S3Settings { bucket: "nobodys".to_owned(), ..server.bucket.settings() };
    let blobs = ObjectBlobs::s3(settings).unwrap();

    let read = blobs.read(ours(), Digest::of(b"x"), None).await.err().unwrap();
    let ping = blobs.inventory().ping().await.err().unwrap();

    assert!(matches!(read, BlobError::Unavailable(_)), "{read:?}");
    assert!(matches!(ping, BlobError::Unavailable(_)), "{ping:?}");
}

#[tokio::test]
async fn a_service_that_is_gone_is_unavailable() {
    let server = S3s::start().await;
    let mut settings = server.bucket.settings();
    let endpoint = settings.endpoint.as_mut().unwrap();
    // Nothing listens on port 1.
    endpoint.set_port(Some(1)).unwrap();
    let blobs = ObjectBlobs::s3(settings).unwrap();

    let error = blobs.inventory().ping().await.err().unwrap();

    assert!(matches!(error, BlobError::Unavailable(_)), "{error:?}");
    assert!(all_of(&error).contains("onnection"), "{}", all_of(&error));
}

#[tokio::test]
async fn two_prefixes_of_a_bucket_are_two_stores() {
    let server = Moto::start().await;
    let at = |prefix: &str| {
        let settings = S3Settings { prefix: prefix.to_owned(), ..server.bucket.settings() };
        ObjectBlobs::s3(settings).unwrap()
    };
    let digest = put(&at("a"), b"x".to_vec()).await;

    for other in ["", "b", "a/b", "aa"] {
        assert_eq!(at(other).size(ours(), digest).await.unwrap(), None, "{other:?}");
        assert_eq!(at(other).inventory().list(None, 10).await.unwrap(), [], "{other:?}");
    }
    assert_eq!(at("a/").inventory().list(None, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_a_crash_left_staged_is_swept_out() {
    let server = S3s::start().await;
    let blobs = server.bucket.blobs();
    let root = server.folder().join(&server.bucket.bucket).join("some/prefix");
    let staged = root.join("staging").join(ours().as_uuid().simple().to_string()).join("left");
    fs::create_dir_all(staged.parent().unwrap()).unwrap();
    fs::write(&staged, "left over").unwrap();
    let ahead = Timestamp::parse_rfc3339("3026-01-01T00:00:00Z").unwrap();

    assert_eq!(blobs.inventory().remove_unfinished(ahead).await.unwrap(), 1);

    assert!(!staged.exists());
}

#[test]
fn settings_that_make_no_client_are_refused_without_secrets() {
    let settings = S3Settings {
        bucket: "bucket".to_owned(),
        prefix: "a//b".to_owned(),
        region: None,
        endpoint: None,
        credentials: None,
        links: Links::Never,
    };

    let opened = ObjectBlobs::s3(settings);

    assert!(matches!(opened, Err(OpenError::Settings { .. })), "{opened:?}");
}
