//! What is done to the rows of the audit log behind the service's back is found, and
//! named.

use std::{path::PathBuf, sync::Arc};

use diesel::{Connection, SqliteConnection, connection::SimpleConnection};
use serde_json::json;
use tempfile::TempDir;
use understudy_domain::{
    AuditEvent, ChainHash, EventFilter, OrganizationId,
    audit::ChainHead,
    ports::{Store, Walk},
    usecases::{
        Deps,
        audit::{Broken, Verified, Wrong, verify},
    },
};
use understudy_store_postgres::{PgOptions, PgStore};
use understudy_store_sqlite::{SqliteOptions, SqliteStore};
use understudy_testkit::{FakePictures, FixedClock, MemoryBlobs, SequentialIds, sample};
use understudy_tests::Database;

/// How many events the log has.
const EVENTS: u64 = 6;

/// A store, and the place that it is kept in.
struct Tampered {
    store: Arc<dyn Store>,
    place: Place,
}

enum Place {
    Sqlite(PathBuf, #[expect(dead_code, reason = "held, not used")] TempDir),
    Postgres(Database),
}

async fn sqlite() -> Tampered {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("understudy.db");
    let store = SqliteStore::open(&path, SqliteOptions::default()).unwrap();
    store.migrate().await.unwrap();
    Tampered { store: Arc::new(store), place: Place::Sqlite(path, folder) }
}

async fn postgres() -> Tampered {
    let database = Database::create().await;
    let options = PgOptions { max_connections: 4.try_into().unwrap() };
    let store = PgStore::open(database.url(), options).unwrap();
    Tampered { store: Arc::new(store), place: Place::Postgres(database) }
}

fn tenant() -> OrganizationId {
    sample::id(1)
}

impl Tampered {
    /// With a log of some events.
    async fn with_events(self) -> Self {
        sample::save(&*self.store, vec![sample::organization(1).into()]).await.unwrap();
        let clock = FixedClock::default();
        let ids = SequentialIds::default();
        for number in 1..=EVENTS {
            let event = AuditEvent {
                id: understudy_domain::Id::from_uuid(understudy_domain::ports::IdSource::uuid(
                    &ids,
                )),
                organization: tenant(),
                at: understudy_domain::ports::Clock::now(&clock),
                actor: None,
                token: None,
                address: None,
                request_id: None,
                action: "assistant.updated".to_owned(),
                target: format!("asst_{number}"),
                assistant: None,
                before: None,
                after: Some(json!({"b": number, "a": 0.1})),
            };
            let mut work = self.store.begin(tenant()).await.unwrap();
            work.records().append_event(&event).await.unwrap();
            work.commit().await.unwrap();
        }
        self
    }

    /// Does to the rows what nobody may.
    async fn tamper(&self, statements: &str) {
        match &self.place {
            Place::Sqlite(path, _) => {
                let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
                let unlocked = "PRAGMA busy_timeout = 5000; \
                    DROP TRIGGER IF EXISTS audit_events_are_not_changed; \
                    DROP TRIGGER IF EXISTS audit_events_are_not_deleted;";
                connection.batch_execute(unlocked).unwrap();
                connection.batch_execute(statements).unwrap();
            }
            Place::Postgres(database) => {
                let client = database.administrator().await;
                let unlocked = "SET session_replication_role = replica;";
                client.batch_execute(unlocked).await.unwrap();
                client.batch_execute(statements).await.unwrap();
            }
        }
    }

    /// A hash as the database writes it.
    fn literal(&self, hash: ChainHash) -> String {
        match &self.place {
            Place::Sqlite(..) => format!("X'{hash}'"),
            Place::Postgres(_) => format!("'\\x{hash}'::bytea"),
        }
    }

    fn id_of_nobody(&self) -> &'static str {
        match &self.place {
            Place::Sqlite(..) => "'0190000000007000800000000000ffff'",
            Place::Postgres(_) => "'01900000-0000-7000-8000-00000000ffff'::uuid",
        }
    }

    async fn head(&self) -> ChainHead {
        self.store.audit().head(tenant()).await.unwrap()
    }

    async fn verify(&self, noted: Option<ChainHead>) -> Result<Verified, Broken> {
        let deps = Deps {
            store: &*self.store,
            clock: &FixedClock::default(),
            ids: &SequentialIds::default(),
            blobs: &MemoryBlobs::default(),
            pictures: &FakePictures,
        };
        verify(deps, tenant(), noted).await.unwrap()
    }

    /// The first place that is not as it was: the number, whether there is an event,
    /// and what is wrong.
    async fn broken(&self, noted: Option<ChainHead>) -> (u64, bool, Wrong) {
        let Broken { seq, event, wrong } = self.verify(noted).await.unwrap_err();
        (seq, event.is_some(), wrong)
    }

    /// Writes all hashes anew, as one would who has the whole database.
    async fn rehash(&self) {
        let all = EventFilter::default();
        let events = self.store.audit().events(tenant(), &all, Walk::Forward(0), 100).await;
        let mut last = ChainHead { seq: 0, hash: ChainHash::START };
        let mut statements = Vec::new();
        for recorded in events.unwrap() {
            let hash = last.hash.next(recorded.seq, &recorded.event.canonical());
            last = ChainHead { seq: recorded.seq, hash };
            let literal = self.literal(hash);
            let seq = last.seq;
            let change = format!("UPDATE audit_events SET hash = {literal} WHERE seq = {seq};");
            statements.push(change);
        }
        let literal = self.literal(last.hash);
        let seq = last.seq;
        statements.push(format!("UPDATE audit_heads SET seq = {seq}, hash = {literal};"));
        self.tamper(&statements.concat()).await;
    }
}

async fn an_untouched_log_is_proved(log: Tampered) {
    let head = log.head().await;

    let proved = log.verify(Some(head)).await;

    assert_eq!(proved, Ok(Verified { events: EVENTS, unchained: 0, head }));
}

async fn a_changed_event_is_named(log: Tampered) {
    log.tamper("UPDATE audit_events SET action = 'assistant.read' WHERE seq = 3").await;

    assert_eq!(log.broken(None).await, (3, true, Wrong::Changed));
}

async fn an_event_that_is_taken_out_is_named(log: Tampered) {
    log.tamper("DELETE FROM audit_events WHERE seq = 3").await;

    assert_eq!(log.broken(None).await, (3, false, Wrong::Missing));
}

async fn events_that_change_places_are_named(log: Tampered) {
    log.tamper(
        "UPDATE audit_events SET seq = 1000 WHERE seq = 3; \
         UPDATE audit_events SET seq = 3 WHERE seq = 5; \
         UPDATE audit_events SET seq = 5 WHERE seq = 1000;",
    )
    .await;

    assert_eq!(log.broken(None).await, (3, true, Wrong::OutOfOrder));
}

async fn an_event_that_is_put_in_is_named(log: Tampered) {
    let id = log.id_of_nobody();
    log.tamper(&format!(
        "UPDATE audit_events SET seq = seq + 1000 WHERE seq >= 3; \
         UPDATE audit_events SET seq = seq - 999 WHERE seq > 1000; \
         INSERT INTO audit_events (organization_id, seq, id, hash, at, action, target) \
             SELECT organization_id, 3, {id}, hash, at, action, target \
             FROM audit_events WHERE seq = 2;",
    ))
    .await;

    assert_eq!(log.broken(None).await, (3, true, Wrong::OutOfOrder));
}

async fn an_event_behind_the_end_is_named(log: Tampered) {
    let id = log.id_of_nobody();
    log.tamper(&format!(
        "INSERT INTO audit_events (organization_id, seq, id, hash, at, action, target) \
             SELECT organization_id, 7, {id}, hash, at, action, target \
             FROM audit_events WHERE seq = 6;",
    ))
    .await;

    assert_eq!(log.broken(None).await, (7, true, Wrong::BehindTheEnd));
}

async fn a_log_that_is_cut_off_is_named(log: Tampered) {
    let head = log.head().await;
    log.tamper("DELETE FROM audit_events WHERE seq >= 5").await;
    assert_eq!(log.broken(None).await, (5, false, Wrong::CutOff));

    log.rehash().await;

    assert!(log.verify(None).await.is_ok(), "nothing in the log tells");
    assert_eq!(log.broken(Some(head)).await, (5, false, Wrong::CutOff));
}

async fn a_log_that_is_written_anew_is_told_by_its_old_head(log: Tampered) {
    let head = log.head().await;
    log.tamper("UPDATE audit_events SET target = 'asst_9' WHERE seq = 2").await;

    log.rehash().await;

    assert!(log.verify(None).await.is_ok(), "nothing in the log tells");
    assert_eq!(log.broken(Some(head)).await, (EVENTS, true, Wrong::NotAsNoted));
}

async fn an_event_without_its_hash_is_named(log: Tampered) {
    log.tamper("UPDATE audit_events SET hash = NULL WHERE seq = 4").await;
    assert_eq!(log.broken(None).await, (4, true, Wrong::Changed));

    log.tamper("UPDATE audit_events SET hash = NULL").await;

    assert_eq!(log.broken(None).await, (EVENTS, true, Wrong::OtherEnd));
}

/// Makes a test of every case for both databases.
macro_rules! cases {
    ($($case:ident,)+) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                super::$case(super::sqlite().await.with_events().await).await;
            })+
        }

        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                super::$case(super::postgres().await.with_events().await).await;
            })+
        }
    };
}

cases! {
    an_untouched_log_is_proved,
    a_changed_event_is_named,
    an_event_that_is_taken_out_is_named,
    events_that_change_places_are_named,
    an_event_that_is_put_in_is_named,
    an_event_behind_the_end_is_named,
    a_log_that_is_cut_off_is_named,
    a_log_that_is_written_anew_is_told_by_its_old_head,
    an_event_without_its_hash_is_named,
}
