use std::sync::Arc;

use understudy_domain::{
    ports::{KnowledgeIndex, KnowledgeScope, ToolError},
    run::file_knowledge::{FileKnowledge, MAX_FILE_BYTES, is_readable},
    usecases::{assistants::view_assistant, files::add_file},
};
use understudy_testkit::BlobFault;

use crate::stage::{Stage, caller, id_of, named, received};

const HANDBOOK: &[u8] = "\
# Returns

Shoes may be returned within 60 days. Grüße.

# Hours

We are open from nine to five.
"
.as_bytes();

/// An assistant with a handbook, a table and a PDF.
async fn scope(stage: &Stage) -> KnowledgeScope {
    let me = caller(4);
    let id = id_of(&stage.create(&me, named("x")).await.unwrap());
    for (name, bytes) in [
        ("handbook.md", HANDBOOK),
        ("prices.csv", b"name,price\nboots,90\n".as_slice()),
        ("scan.pdf", b"%PDF-1.7 shoes".as_slice()),
    ] {
        let bytes = received(stage, &me, bytes).await;
        add_file(stage.deps(), &me, &id, Some(name.to_owned()), bytes).await.unwrap();
    }
    let view = view_assistant(stage.deps(), &me, &id).await.unwrap();
    KnowledgeScope {
        organization: view.record.assistant.organization,
        assistant: view.record.assistant.id,
        files: view.record.assistant.content.files.clone(),
        vector_stores: vec!["vs_1".to_owned()],
    }
}

fn knowledge(stage: &Stage) -> FileKnowledge {
    FileKnowledge::new(Arc::new(stage.blobs.clone()))
}

#[tokio::test]
async fn passages_of_text_files_are_found() {
    let stage = Stage::set().await;
    let scope = scope(&stage).await;
    let knowledge = knowledge(&stage);

    let found = knowledge.search(&scope, "How long can I return shoes?", 5).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].title.as_str(), found[0].kind.as_str()), ("handbook.md", "file"));
    assert_eq!(found[0].id, Some(scope.files[0].id.to_string()));
    let found = knowledge.search(&scope, "What do boots cost?", 5).await.unwrap();
    assert_eq!(found[0].text.as_deref(), Some("name,price\nboots,90"));
    assert!(!knowledge.searches_vector_stores());
}

#[tokio::test]
async fn a_file_is_read_by_its_name_or_id_from_any_character_on() {
    let stage = Stage::set().await;
    let scope = scope(&stage).await;
    let knowledge = knowledge(&stage);
    let id = scope.files[0].id.to_string();
    let whole = String::from_utf8(HANDBOOK.to_vec()).unwrap();

    assert_eq!(knowledge.read(&scope, &id, 0, 1_000).await.unwrap(), Some(whole.clone()));
    let from = u64::try_from(whole.chars().take_while(|c| *c != 'ü').count()).unwrap();
    let part = knowledge.read(&scope, "Handbook.MD", from, 2).await.unwrap();
    assert_eq!(part.as_deref(), Some("üß"));
    assert_eq!(
        knowledge.read(&scope, "handbook.md", 10_000, 5).await.unwrap().as_deref(),
        Some("")
    );
    assert_eq!(knowledge.read(&scope, "scan.pdf", 0, 5).await.unwrap(), None);
    assert_eq!(knowledge.read(&scope, "nothing.txt", 0, 5).await.unwrap(), None);
}

#[tokio::test]
async fn large_files_and_other_documents_are_left_alone() {
    let stage = Stage::set().await;
    let scope = scope(&stage).await;
    let sized = |size| {
        let mut file = scope.files[0].clone();
        file.blob.size = size;
        file
    };

    assert!(is_readable(&sized(MAX_FILE_BYTES)));
    assert!(!is_readable(&sized(MAX_FILE_BYTES + 1)));
    assert_eq!(scope.files.iter().filter(|file| is_readable(file)).count(), 2);
}

#[tokio::test]
async fn a_store_that_fails_is_told_and_a_lost_file_is_passed_over() {
    let stage = Stage::set().await;
    let mut scope = scope(&stage).await;
    let knowledge = knowledge(&stage);
    scope.files[0].blob = understudy_domain::Blob::of(b"never stored");

    let found = knowledge.search(&scope, "boots", 5).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(knowledge.read(&scope, "handbook.md", 0, 5).await.unwrap(), None);

    stage.blobs.set_fault(Some(BlobFault::Unavailable));
    let failed = knowledge.search(&scope, "boots", 5).await;
    assert!(matches!(failed, Err(ToolError::Unreachable(_))), "{failed:?}");
}
