use serde_json::json;
use understudy_domain::{
    Blob, Scope, TokenLimits,
    usecases::{
        Caller, Conflict, Error, Precondition, Result,
        assistants::copy_assistant,
        files::{
            FilePatch, FileView, add_file, attach_upload, begin_file, delete_file, list_files,
            replace_file, update_file, view_file,
        },
        intake::{ByteLimit, Intake, Received},
        uploads::{NewUpload, begin_intake, keep_upload, view_upload},
        versions::{list_versions, restore_version},
    },
};

use understudy_testkit::BlobFault;

use crate::stage::{Stage, by_token, caller, id_of, named, received};

async fn add(
    stage: &Stage,
    me: &Caller,
    id: &str,
    (name, bytes): (&str, &'static [u8]),
) -> Result<FileView> {
    let received = received(stage, me, bytes).await;
    add_file(stage.deps(), me, id, Some(name.to_owned()), received).await
}

async fn names(stage: &Stage, me: &Caller, id: &str) -> Vec<String> {
    let files = list_files(stage.deps(), me, id).await.unwrap();
    files.into_iter().map(|file| file.entry.name).collect()
}

#[tokio::test]
async fn a_file_is_attached_renamed_replaced_and_taken_off_each_with_a_version() {
    let stage = Stage::set().await;
    let me = caller(4);
    let id = id_of(&stage.create(&me, named("x")).await.unwrap());

    let added = add(&stage, &me, &id, ("a.txt", b"one")).await.unwrap();
    let file = added.entry.id.to_string();
    let patch = FilePatch {
        name: Some("b.csv".to_owned()),
        description: Some(Some("about it".to_owned())),
    };
    let renamed =
        update_file(stage.deps(), &me, &id, &file, patch, Precondition::None).await.unwrap();
    let bytes = received(&stage, &me, b"%PDF-1.7 two").await;
    let replaced =
        replace_file(stage.deps(), &me, &id, "b.csv", bytes, Precondition::None).await.unwrap();

    assert_eq!(
        (added.entry.content_type.as_str(), added.entry.blob),
        ("text/plain", Blob::of(b"one"))
    );
    assert_eq!(renamed.entry.description.as_deref(), Some("about it"));
    assert_eq!(renamed.entry.blob, added.entry.blob);
    assert_eq!(replaced.entry.id, added.entry.id);
    assert_eq!(replaced.entry.name, "b.csv");
    assert_eq!(replaced.entry.content_type, "application/pdf");
    assert_eq!(view_file(stage.deps(), &me, &id, &file).await.unwrap(), replaced);

    delete_file(stage.deps(), &me, &id, &file, Precondition::None).await.unwrap();
    let again = delete_file(stage.deps(), &me, &id, &file, Precondition::None).await;
    assert!(matches!(again, Err(Error::NotFound("file"))));
    let versions = list_versions(stage.deps(), &me, &id, None, 10).await.unwrap();
    assert_eq!(versions.len(), 5);
}

#[tokio::test]
async fn a_draft_has_its_files_to_itself_until_it_is_committed() {
    let stage = Stage::set().await;
    let me = caller(4);
    let id = id_of(&stage.create(&me, named("x")).await.unwrap());
    add(&stage, &me, &id, ("kept", b"1")).await.unwrap();
    add(&stage, &me, &id, ("dropped", b"2")).await.unwrap();
    let draft = id_of(&stage.open(&me, &id).await.unwrap().0);

    add(&stage, &me, &draft, ("added", b"3")).await.unwrap();
    delete_file(stage.deps(), &me, &draft, "dropped", Precondition::None).await.unwrap();
    add(&stage, &me, &id, ("meanwhile", b"4")).await.unwrap();

    assert_eq!(names(&stage, &me, &id).await, ["kept", "dropped", "meanwhile"]);
    assert_eq!(names(&stage, &me, &draft).await, ["kept", "added"]);
    stage.commit(&me, &id).await.unwrap();
    assert_eq!(names(&stage, &me, &id).await, ["kept", "meanwhile", "added"]);
}

#[tokio::test]
async fn versions_and_copies_carry_files() {
    let stage = Stage::set().await;
    let me = caller(4);
    let id = id_of(&stage.create(&me, named("x")).await.unwrap());
    let file = add(&stage, &me, &id, ("a", b"1")).await.unwrap();
    delete_file(stage.deps(), &me, &id, "a", Precondition::None).await.unwrap();

    let draft = restore_version(stage.deps(), &me, &id, 2, false).await.unwrap();
    let restored = view_file(stage.deps(), &me, &id_of(&draft), "a").await.unwrap();
    let copy = copy_assistant(stage.deps(), &me, &id_of(&draft), None).await.unwrap();

    assert_eq!(restored.entry, file.entry);
    assert_eq!(names(&stage, &me, &id_of(&copy)).await, ["a"]);
}

#[tokio::test]
async fn a_precondition_is_about_the_file() {
    let stage = Stage::set().await;
    let me = caller(4);
    let id = id_of(&stage.create(&me, named("x")).await.unwrap());
    let file = add(&stage, &me, &id, ("a", b"1")).await.unwrap();
    let seen = Precondition::OneOf(vec![file.etag()]);
    let rename = |name: &str| FilePatch { name: Some(name.to_owned()), description: None };

    let first = update_file(stage.deps(), &me, &id, "a", rename("b"), seen.clone()).await;
    let second = update_file(stage.deps(), &me, &id, "b", rename("c"), seen.clone()).await;
    let third = delete_file(stage.deps(), &me, &id, "b", seen).await;

    assert!(first.is_ok());
    assert!(matches!(second, Err(Error::PreconditionFailed)));
    assert!(matches!(third, Err(Error::PreconditionFailed)));
}

#[tokio::test]
async fn an_upload_is_attached_once_by_the_one_who_made_it() {
    let stage = Stage::set().await;
    let (me, other) = (caller(4), caller(6));
    let input = json!({"name": "x", "editable_by_users": ["*"]});
    let id = id_of(&stage.create(&me, input).await.unwrap());
    let bytes = received(&stage, &me, b"1").await;
    let name = Some("up.txt".to_owned());
    let new = NewUpload { name, ..NewUpload::default() };
    let upload = keep_upload(stage.deps(), &me, new, bytes).await.unwrap();

    let theirs = attach_upload(stage.deps(), &other, &id, upload.id, None).await;
    let first = attach_upload(stage.deps(), &me, &id, upload.id, None).await.unwrap();
    let second = attach_upload(stage.deps(), &me, &id, upload.id, None).await;

    assert!(matches!(theirs, Err(Error::NotFound("upload"))));
    assert_eq!(first.entry.name, "up.txt");
    assert!(matches!(second, Err(Error::NotFound("upload"))));
    assert!(view_upload(stage.deps(), &me, upload.id).await.is_err());
}

#[tokio::test]
async fn an_upload_that_cannot_be_attached_is_kept() {
    let stage = Stage::set().await;
    let me = caller(4);
    let id = id_of(&stage.create(&me, named("x")).await.unwrap());
    let bytes = received(&stage, &me, b"1").await;
    let upload = keep_upload(stage.deps(), &me, NewUpload::default(), bytes).await.unwrap();

    let wrong = attach_upload(stage.deps(), &me, &id, upload.id, Some("a\nb".to_owned())).await;
    let absent = attach_upload(stage.deps(), &me, "none", upload.id, None).await;

    assert!(matches!(wrong, Err(Error::Invalid(_))));
    assert!(matches!(absent, Err(Error::NotFound("assistant"))));
    assert!(view_upload(stage.deps(), &me, upload.id).await.is_ok());
}

#[tokio::test]
async fn nothing_is_taken_in_from_those_who_may_not_edit() {
    let stage = Stage::set().await;
    let me = caller(4);
    let input = json!({"name": "x", "access_mode": "organization"});
    let id = id_of(&stage.create(&me, input).await.unwrap());
    let read_only = TokenLimits { scopes: [Scope::Read].into(), ..TokenLimits::default() };

    let viewer = begin_file(stage.deps(), &caller(6), &id, 10).await;
    let reading = begin_file(stage.deps(), &by_token(4, read_only.clone()), &id, 10).await;
    let uploading = begin_intake(stage.deps(), &by_token(4, read_only), 10).await;
    let absent = begin_file(stage.deps(), &me, "none", 10).await;

    assert!(matches!(viewer, Err(Error::Forbidden(_))));
    assert!(matches!(reading, Err(Error::Forbidden(_))));
    assert!(matches!(uploading, Err(Error::Forbidden(_))));
    assert!(matches!(absent, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn more_than_the_limit_is_refused_as_soon_as_it_comes() {
    let stage = Stage::set().await;
    let limit = ByteLimit { what: "a file", bytes: 4 };
    let mut intake =
        Intake::begin(stage.deps(), caller(4).actor.organization, limit).await.unwrap();

    intake.write("1234".into()).await.unwrap();
    let more = intake.write("5".into()).await;

    assert!(matches!(more, Err(Error::TooLarge { what: "a file", limit: 4 })));
}

#[tokio::test]
async fn two_files_of_one_name_are_told_apart_by_id_only() {
    let stage = Stage::set().await;
    let me = caller(4);
    let id = id_of(&stage.create(&me, named("x")).await.unwrap());
    let first = add(&stage, &me, &id, ("a", b"1")).await.unwrap();
    add(&stage, &me, &id, ("a", b"1")).await.unwrap();

    assert!(matches!(view_file(stage.deps(), &me, &id, "a").await, Err(Error::NotFound("file"))));
    let by_id = view_file(stage.deps(), &me, &id, &first.entry.id.to_string()).await.unwrap();
    assert_eq!(by_id, first);
}

#[tokio::test]
async fn a_blob_store_without_room_leaves_nothing_behind() {
    let stage = Stage::set().await;
    let me = caller(4);
    let id = id_of(&stage.create(&me, named("x")).await.unwrap());
    stage.blobs.set_fault(Some(BlobFault::Full));

    let refused = begin_file(stage.deps(), &me, &id, 10).await;
    let refused = match refused {
        Err(error) => Err(error),
        Ok(mut intake) => match intake.write("1".into()).await {
            Err(error) => Err(error),
            Ok(()) => intake.finish().await.map(|_: Received| ()),
        },
    };

    assert!(matches!(refused, Err(Error::Blobs(_))));
    assert_eq!(names(&stage, &me, &id).await, Vec::<String>::new());
}

#[tokio::test]
async fn an_incomplete_upload_cannot_be_attached() {
    use understudy_domain::usecases::uploads::begin_upload;
    let stage = Stage::set().await;
    let me = caller(4);
    let id = id_of(&stage.create(&me, named("x")).await.unwrap());
    let new = NewUpload { length: Some(5), ..NewUpload::default() };
    let upload = begin_upload(stage.deps(), &me, new).await.unwrap();

    let refused = attach_upload(stage.deps(), &me, &id, upload.id, None).await;

    assert!(matches!(refused, Err(Error::Conflict(Conflict::UploadIncomplete))));
}
