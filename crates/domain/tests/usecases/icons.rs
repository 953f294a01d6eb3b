use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::{Value, json};
use understudy_domain::{
    ports::MediaError,
    usecases::{
        Error, Precondition,
        icons::{IconForm, reset_icon, set_icon, view_icon},
    },
};

use crate::stage::{Stage, caller, faults, id_of, named, seen};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n one";
const OTHER: &[u8] = b"\x89PNG\r\n\x1a\n two";

fn data_url(bytes: &[u8]) -> String {
    format!("data:image/png;base64,{}", STANDARD.encode(bytes))
}

#[tokio::test]
async fn an_uploaded_icon_is_the_same_however_it_comes() {
    let stage = Stage::set().await;
    let me = caller(4);
    let by_file = id_of(&stage.create(&me, named("a")).await.unwrap());
    let shown = set_icon(stage.deps(), &me, &by_file, Bytes::from_static(PNG), Precondition::None);
    let shown = seen(&shown.await.unwrap());
    let input = json!({"name": "b", "icon_type": "upload", "icon_data": data_url(PNG)});
    let by_url = seen(&stage.create(&me, input).await.unwrap());
    let input = json!({"name": "c", "iconType": "upload", "iconData": STANDARD.encode(PNG)});
    let by_base64 = seen(&stage.create(&me, input).await.unwrap());

    assert_eq!(shown["icon_type"], "upload");
    assert_eq!(shown["icon_data"], by_url["icon_data"]);
    assert_eq!(shown["icon_data"], by_base64["icon_data"]);
    let tag =
        async |id: &str| view_icon(stage.deps(), &me, id).await.unwrap().etag(IconForm::Natural);
    assert_eq!(tag(&by_file).await, tag(by_url["id"].as_str().unwrap()).await);
}

#[tokio::test]
async fn what_was_read_can_be_put_back_and_another_image_is_taken() {
    let stage = Stage::set().await;
    let me = caller(4);
    let input = json!({"name": "b", "icon_type": "upload", "icon_data": data_url(PNG)});
    let made = stage.create(&me, input).await.unwrap();
    let id = id_of(&made);

    let same = stage.put(&me, &id, seen(&made)).await.unwrap();
    let other = stage.patch(&me, &id, json!({"icon_data": data_url(OTHER)})).await.unwrap();

    assert_eq!(seen(&same), seen(&made));
    assert_ne!(seen(&other)["icon_data"], seen(&made)["icon_data"]);
    let content = &other.record.assistant.content;
    assert_ne!(content.icon_image, made.record.assistant.content.icon_image);
    assert!(content.icon_image.is_some());
}

#[tokio::test]
async fn a_bad_image_is_told_with_everything_else_that_is_wrong() {
    let stage = Stage::set().await;
    let input = json!({
        "name": "", "icon_type": "upload", "icon_data": data_url(b"RIFF no picture at all"),
        "temperature": 9,
    });
    let text = json!({"name": "x", "icon_type": "upload", "icon_data": "no image"});

    let refused = stage.create(&caller(4), input).await;

    assert_eq!(faults(refused), ["/icon_data", "/name", "/temperature"]);
    assert_eq!(faults(stage.create(&caller(4), text).await), ["/icon_data"]);
}

#[tokio::test]
async fn a_removed_icon_leaves_the_default_and_cannot_be_removed_twice() {
    let stage = Stage::set().await;
    let me = caller(4);
    let id = id_of(&stage.create(&me, json!({"name": "x", "icon": "star"})).await.unwrap());
    let default = view_icon(stage.deps(), &me, &id).await.unwrap().etag(IconForm::Natural);
    let upload = Bytes::from_static(PNG);
    set_icon(stage.deps(), &me, &id, upload, Precondition::None).await.unwrap();
    let uploaded = view_icon(stage.deps(), &me, &id).await.unwrap().etag(IconForm::Natural);

    reset_icon(stage.deps(), &me, &id, Precondition::None).await.unwrap();
    let again = reset_icon(stage.deps(), &me, &id, Precondition::None).await;

    assert_ne!(uploaded, default);
    assert_eq!(view_icon(stage.deps(), &me, &id).await.unwrap().etag(IconForm::Natural), default);
    assert!(matches!(again, Err(Error::NotFound("icon"))));
}

#[tokio::test]
async fn names_that_no_library_has_are_refused() {
    let stage = Stage::set().await;
    let me = caller(4);
    let create = async |input: Value| faults(stage.create(&me, input).await);

    assert_eq!(create(json!({"name": "x", "icon": "no-such-icon"})).await, ["/icon"]);
    assert_eq!(create(json!({"name": "x", "avatar_id": "avt_none"})).await, ["/avatar_id"]);
    let icon = json!({"name": "x", "icon_type": "icon", "icon_data": "icon_none"});
    assert_eq!(create(icon).await, ["/icon_data"]);
    let known = json!({"name": "x", "icon_type": "icon", "icon_data": "icon_star",
        "icon": "bot", "avatar_id": "avt_support_green"});
    assert!(stage.create(&me, known).await.is_ok());
}

#[tokio::test]
async fn an_upload_that_is_no_picture_changes_nothing() {
    let stage = Stage::set().await;
    let me = caller(4);
    let made = stage.create(&me, named("x")).await.unwrap();
    let id = id_of(&made);

    let text = Bytes::from_static(b"no picture");
    let refused = set_icon(stage.deps(), &me, &id, text, Precondition::None).await;

    assert!(matches!(refused, Err(Error::Media(MediaError::Unsupported(_)))));
    let same = understudy_domain::usecases::assistants::view_assistant(stage.deps(), &me, &id);
    assert_eq!(seen(&same.await.unwrap()), seen(&made));
}
