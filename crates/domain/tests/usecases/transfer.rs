mod abilities;

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};
use understudy_domain::{
    Blob, Content, TokenLimits,
    usecases::{
        Caller, Conflict, Denied, Error, Precondition, Result,
        files::add_file,
        icons::set_icon,
        transfer::{
            Carrier, Export, Import, Imported, begin_import, export_assistant, finish_import,
        },
    },
};

use crate::stage::{Stage, by_token, caller, id_of, named, received};

const ARCHIVE: Carrier = Carrier::Archive { max_file: 1_000 };

async fn export(stage: &Stage, who: &Caller, id: &str) -> Export {
    export_assistant(stage.deps(), who, id).await.unwrap()
}

fn document(export: &Export) -> Value {
    serde_json::from_slice(&export.document).unwrap()
}

async fn bytes_of(stage: &Stage, export: &Export, blob: Blob) -> Bytes {
    let mut reader = stage.deps().blobs.read(export.organization, blob.digest, None).await.unwrap();
    let mut all = Vec::new();
    while let Some(piece) = reader.next().await.unwrap() {
        all.extend_from_slice(&piece);
    }
    all.into()
}

/// Imports `document` with the bytes of `export`.
async fn import(stage: &Stage, who: &Caller, export: &Export, document: Value) -> Result<Imported> {
    let mut import = begin_import(stage.deps(), who, document, ARCHIVE).await?;
    let bytes = async |name: &str| {
        let entry = export.entries.iter().find(|entry| entry.name == name).unwrap();
        bytes_of(stage, export, entry.blob).await
    };
    if let Some((name, _)) = import.icon().map(|(name, size)| (name.to_owned(), size)) {
        import.receive_icon(bytes(&name).await)?;
    }
    let files: Vec<_> = import.files().cloned().collect();
    for file in files {
        let mut intake = Import::begin_file(stage.deps(), who, &file).await?;
        intake.write(bytes(&file.entry).await).await?;
        import.receive(&file, intake.finish().await?)?;
    }
    finish_import(stage.deps(), &stage.vault, who, import, true).await
}

/// What is the same after an export and an import as a new assistant.
fn carried(content: &Content) -> Value {
    let mut value = serde_json::to_value(content).unwrap();
    let map = value.as_object_mut().unwrap();
    for own in ["name", "icon_data", "icon_image"] {
        map.remove(own);
    }
    for file in map["files"].as_array_mut().unwrap() {
        for own in ["createdAt", "createdBy", "modifiedAt"] {
            file.as_object_mut().unwrap().remove(own);
        }
    }
    value
}

fn text() -> impl Strategy<Value = String> {
    "[^\\x00]{1,40}"
}

prop_compose! {
    /// Fields of an assistant that can stand together.
    fn fields()(
        name in "[a-zA-Zé ]{1,30}x",
        description in proptest::option::of(text()),
        instructions in text(),
        (temperature, top_p) in (0.0..2.0_f64, 0.0..1.0_f64),
        seed in proptest::option::of(any::<i32>()),
        prompts in prop::collection::vec("[a-z?]{1,20}", 0..4),
        metadata in proptest::option::of(prop::collection::btree_map("[a-z]{1,8}", "[^\\x00]{0,20}", 0..3)),
        icon in proptest::option::of(prop::sample::select(vec!["star", "bot", "heart"])),
        mode in prop::sample::select(vec!["on", "off", "auto"]),
        stop in proptest::option::of(prop::collection::vec("[a-z]{1,5}", 1..3)),
        kind in prop::sample::select(vec!["custom", "dispatcher"]),
        emoji in any::<bool>(),
    ) -> Value {
        let mut fields = json!({
            "name": name, "description": description, "instructions": instructions,
            "temperature": temperature, "top_p": top_p, "seed": seed, "kind": kind,
            "preset_prompts": prompts, "metadata": metadata, "icon": icon,
            "stopSequences": stop,
            "tool_configurations": {"systemTools": {"webSearch": {"mode": mode}}},
        });
        if emoji {
            fields["icon_type"] = "emoji".into();
            fields["icon_data"] = "🧑🏽‍💻".into();
        }
        fields
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn what_is_exported_and_imported_has_the_same_content(
        fields in fields(),
        files in prop::collection::vec("[ab]{0,3}", 0..4),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let stage = Stage::set().await;
            let me = caller(4);
            let made = stage.create(&me, fields).await.unwrap();
            let id = id_of(&made);
            for bytes in files {
                let bytes = received(&stage, &me, Box::leak(bytes.into_boxed_str()).as_bytes());
                let name = Some("a.txt".to_owned());
                add_file(stage.deps(), &me, &id, name, bytes.await).await.unwrap();
            }
            let original = export(&stage, &me, &id).await;
            let mut document = document(&original);
            document["externalId"] = "elsewhere".into();

            let copy = import(&stage, &caller(6), &original, document.clone()).await.unwrap();
            let again = import(&stage, &caller(6), &original, document).await.unwrap();

            let before = stage.patch(&me, &id, json!({})).await.unwrap();
            let before = carried(&before.record.assistant.content);
            assert!(copy.created);
            assert_eq!(carried(&copy.assistant.record.assistant.content), before);
            assert!(!again.created);
            assert_eq!(carried(&again.assistant.record.assistant.content), before);
            assert_eq!(copy.report.dropped, []);
        });
    }
}

#[tokio::test]
async fn an_import_of_what_is_there_already_changes_nothing() {
    let stage = Stage::set().await;
    let me = caller(4);
    let id = id_of(&stage.create(&me, named("x")).await.unwrap());
    let icon = Bytes::from_static(b"<svg/>");
    set_icon(stage.deps(), &me, &id, icon, Precondition::None).await.unwrap();
    let file = received(&stage, &me, b"one").await;
    add_file(stage.deps(), &me, &id, None, file).await.unwrap();
    let before = stage.patch(&me, &id, json!({})).await.unwrap();
    let export = export(&stage, &me, &id).await;

    let same = import(&stage, &me, &export, document(&export)).await.unwrap();

    assert_eq!(same.assistant.etag(), before.etag());
    assert_eq!(export.entries[0].name, "icon.svg");
}

#[tokio::test]
async fn an_export_of_a_draft_is_one_of_its_assistant() {
    let stage = Stage::set().await;
    let me = caller(4);
    let id = id_of(&stage.create(&me, named("x")).await.unwrap());
    let (draft, _) = stage.open(&me, &id).await.unwrap();
    stage.patch_draft(&me, &id, json!({"seed": 7})).await.unwrap();

    let document = document(&export(&stage, &me, &id_of(&draft)).await);

    assert_eq!(document["externalId"], id);
    assert_eq!(document["assistant"]["seed"], 7);
}

#[tokio::test]
async fn bytes_that_did_not_come_or_are_others_are_refused() {
    let stage = Stage::set().await;
    let me = caller(4);
    let id = id_of(&stage.create(&me, named("x")).await.unwrap());
    let file = received(&stage, &me, b"one").await;
    add_file(stage.deps(), &me, &id, None, file).await.unwrap();
    let icon = Bytes::from_static(b"\x89PNG\r\n\x1a\n one");
    set_icon(stage.deps(), &me, &id, icon, Precondition::None).await.unwrap();
    let mut document = document(&export(&stage, &me, &id).await);
    document["externalId"] = "elsewhere".into();
    let begin = async || begin_import(stage.deps(), &me, document.clone(), ARCHIVE).await.unwrap();

    let unfinished = finish_import(stage.deps(), &stage.vault, &me, begin().await, true).await;
    assert!(matches!(unfinished, Err(Error::Invalid(_))), "{unfinished:?}");
    let mut other = begin().await;
    let file = other.files().next().unwrap().clone();
    assert!(other.receive(&file, received(&stage, &me, b"two").await).is_err());
    assert!(other.receive_icon(Bytes::from_static(b"\x89PNG\r\n\x1a\n two")).is_err());
    let mut without_icon = begin().await;
    without_icon.receive(&file, received(&stage, &me, b"one").await).unwrap();
    let refused = finish_import(stage.deps(), &stage.vault, &me, without_icon, true).await;
    assert!(matches!(refused, Err(Error::Invalid(faults)) if faults[0].pointer == "/icon"));
    let larger = Carrier::Archive { max_file: 2 };
    let larger = begin_import(stage.deps(), &me, document.clone(), larger).await;
    assert!(matches!(larger, Err(Error::Invalid(faults)) if faults[0].pointer == "/files/0/size"));
}

#[tokio::test]
async fn what_was_imported_by_others_is_not_changed_and_what_is_hidden_is_not_told() {
    let stage = Stage::set().await;
    let (me, other) = (caller(4), caller(6));
    let id = id_of(&stage.create(&me, named("x")).await.unwrap());
    let export = export(&stage, &me, &id).await;
    let mut elsewhere = document(&export);
    elsewhere["externalId"] = "elsewhere".into();

    let hidden = import(&stage, &other, &export, document(&export)).await.unwrap();
    import(&stage, &me, &export, elsewhere.clone()).await.unwrap();
    let imported = import(&stage, &other, &export, elsewhere).await;

    assert!(hidden.created);
    let conflict = Conflict::ImportedElsewhere;
    assert!(matches!(imported, Err(Error::Conflict(found)) if found == conflict));
}

#[tokio::test]
async fn imports_are_for_those_who_may_make_assistants() {
    let stage = Stage::set().await;
    let document = json!({"object": "assistant", "name": "x", "model": "gpt-4o"});
    let begin = async |who: Caller| {
        begin_import(stage.deps(), &who, document.clone(), Carrier::Document).await.err()
    };

    let viewer = begin(caller(5)).await;
    assert!(matches!(viewer, Some(Error::Forbidden(Denied::Role(_)))), "{viewer:?}");
    let limits = TokenLimits { read_only: true, ..TokenLimits::default() };
    let read_only = begin(by_token(4, limits)).await;
    assert!(matches!(read_only, Some(Error::Forbidden(Denied::ReadOnly))), "{read_only:?}");
    assert!(begin(caller(4)).await.is_none());
}
