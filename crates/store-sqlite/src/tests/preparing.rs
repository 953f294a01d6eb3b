//! Statements that run with every request are few, and prepared once for each
//! connection.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use diesel::{Connection, connection::InstrumentationEvent};
use understudy_domain::{
    Assistant, AssistantRef, Blob, Session, SessionId, TokenHash,
    ports::{Proof, Store},
};
use uuid::Uuid;

use super::samples::{ADA, TENANT, assistant, at, inhabited, with_file};
use crate::{SqliteStore, callers::find_with_assistant};

#[tokio::test]
async fn every_statement_of_the_hot_path_stays_prepared() {
    let (store, _folder) = inhabited().await;
    let mut work = store.begin(TENANT).await.unwrap();
    work.assistants().insert(&assistant(1)).await.unwrap();
    let id = SessionId::from_uuid(Uuid::from_u128(1));
    let cookie = TokenHash::of("cookie");
    let session = Session {
        id,
        organization: TENANT,
        user: ADA,
        cookie,
        created_at: at(0),
        expires_at: at(1),
    };
    work.credentials().insert_session(&session).await.unwrap();
    work.commit().await.unwrap();

    let (run, kept) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let (runs, keeps) = (Arc::clone(&run), Arc::clone(&kept));
    let found = store.readers.run("test", move |conn| {
        conn.set_instrumentation(move |event: InstrumentationEvent<'_>| match event {
            InstrumentationEvent::StartQuery { .. } => _ = runs.fetch_add(1, Ordering::SeqCst),
            InstrumentationEvent::CacheQuery { .. } => _ = keeps.fetch_add(1, Ordering::SeqCst),
            _ => {}
        });
        find_with_assistant(conn, Proof::Cookie(cookie), &AssistantRef::Id(assistant(1).id))
    });

    assert!(found.await.unwrap().is_some_and(|(_, assistant)| assistant.is_some()));
    // The caller, their teams, and the assistant with its draft.
    assert_eq!(run.load(Ordering::SeqCst), 3);
    assert_eq!(kept.load(Ordering::SeqCst), 3);
}

/// Counts the statements from now on that the one writer runs on `table`.
async fn counted(store: &SqliteStore, table: &'static str) -> Arc<AtomicU32> {
    let run = Arc::new(AtomicU32::new(0));
    let runs = Arc::clone(&run);
    let counting = store.writer.exclusively(move |conn| {
        conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::StartQuery { query, .. } = event {
                runs.fetch_add(u32::from(query.to_string().contains(table)), Ordering::SeqCst);
            }
        });
    });
    counting.await.unwrap();
    run
}

#[tokio::test]
async fn an_assistant_without_files_costs_one_look_for_names_when_it_changes() {
    let (store, _folder) = inhabited().await;
    let names = counted(&store, "blob_names").await;
    let mut work = store.begin(TENANT).await.unwrap();
    work.assistants().insert(&assistant(1)).await.unwrap();
    assert_eq!(names.load(Ordering::SeqCst), 0);
    work.assistants().update(assistant(1)).await.unwrap();
    assert_eq!(names.load(Ordering::SeqCst), 1);
    work.blobs().touch(Blob::of(b"new"), at(0)).await.unwrap();
    let filed = Assistant { revision: 2, ..with_file(assistant(1), b"new") };
    let filed = work.assistants().update(filed).await.unwrap();
    assert_eq!(names.load(Ordering::SeqCst), 3);
    work.assistants().update(filed).await.unwrap();
    assert_eq!(names.load(Ordering::SeqCst), 4);
}
