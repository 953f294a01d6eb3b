//! How a database's schema is judged and brought forward.

use std::num::NonZeroU16;

use understudy_domain::{
    AssistantId, ChainHash, Content, EventFilter, Id, MessageId, OrganizationId, ThreadId,
    Timestamp,
    audit::ChainHead,
    ports::{Proof, Store, UsageFilter, Walk},
};
use understudy_store_postgres::{MigrateError, PgOptions, PgStore, SchemaState};
use understudy_testkit::sample::{blob, event, id, instant, organization, save, user, with_files};
use understudy_tests::Database;

use super::{connect, open};

/// An empty schema in a database of its own, and the URL of a store in it.
async fn empty() -> (Database, String) {
    let database = Database::create().await;
    connect(database.url()).await.batch_execute("CREATE SCHEMA fresh").await.unwrap();
    let url = format!("{}?options=-csearch_path%3Dfresh", database.url());
    (database, url)
}

/// The migrations of the first release, with what it stored.
const FIRST: ([(&str, &str); 5], &str) = (
    [
        (
            "20261121000000",
            include_str!("../../../migrations/postgres/2026-11-21-000000_tables/up.sql"),
        ),
        (
            "20261121000001",
            include_str!(
                "../../../migrations/postgres/2026-11-21-000001_row_level_security/up.sql"
            ),
        ),
        (
            "20261121000002",
            include_str!("../../../migrations/postgres/2026-11-21-000002_lookups/up.sql"),
        ),
        (
            "20261121000003",
            include_str!("../../../migrations/postgres/2026-11-21-000003_lists/up.sql"),
        ),
        (
            "20261121000004",
            include_str!("../../../migrations/postgres/2026-11-21-000004_content/up.sql"),
        ),
    ],
    include_str!("released.sql"),
);

/// The migrations of the second release, with what it added to that.
const SECOND: ([(&str, &str); 2], &str) = (
    [
        (
            "20261121000005",
            include_str!("../../../migrations/postgres/2026-11-21-000005_collaboration/up.sql"),
        ),
        (
            "20261121000006",
            include_str!("../../../migrations/postgres/2026-11-21-000006_shared_assistants/up.sql"),
        ),
    ],
    include_str!("released_2.sql"),
);

/// The migrations of the third release, with what it added to that.
const THIRD: ([(&str, &str); 1], &str) = (
    [(
        "20261121000007",
        include_str!("../../../migrations/postgres/2026-11-21-000007_runs/up.sql"),
    )],
    include_str!("released_3.sql"),
);

/// The organization and the assistant in [`released`].
const TENANT: OrganizationId = Id::from_uuid(uuid::Uuid::from_u128(0xa));
const ASSISTANT: AssistantId = Id::from_uuid(uuid::Uuid::from_u128(1));

/// A database that this many releases have made and brought forward, with an assistant,
/// a draft and a version in it.
async fn released(releases: usize) -> (Database, PgStore) {
    let (database, url) = empty().await;
    let client = connect(&url).await;
    let table = "CREATE TABLE __diesel_schema_migrations (version varchar(50) PRIMARY KEY, \
        run_on timestamp NOT NULL DEFAULT current_timestamp)";
    client.batch_execute(table).await.unwrap();
    let all = [(&FIRST.0[..], FIRST.1), (&SECOND.0[..], SECOND.1), (&THIRD.0[..], THIRD.1)];
    for (migrations, rows) in all.into_iter().take(releases) {
        for (version, sql) in migrations {
            client.batch_execute(sql).await.unwrap();
            let note = "INSERT INTO __diesel_schema_migrations (version) VALUES ($1)";
            client.execute(note, &[version]).await.unwrap();
        }
        client.batch_execute(rows).await.unwrap();
    }
    (database, open_at(&url))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_a_release_before_is_brought_forward_with_what_it_holds() {
    for releases in [1, 2, 3] {
        let (_database, store) = released(releases).await;
        assert_eq!(store.schema_state().await.unwrap(), SchemaState::Behind);
        store.migrate().await.unwrap();
        assert_eq!(store.schema_state().await.unwrap(), SchemaState::Current);

        let mut work = store.begin(TENANT).await.unwrap();
        let organization = work.organizations().find().await.unwrap().unwrap();
        assert_eq!(organization.name, "Example");
        let live = work.assistants().find(ASSISTANT).await.unwrap().unwrap();
        assert_eq!(live.content, Content { name: "Assistant 1".to_owned(), ..Content::default() });
        let draft = work.assistants().find_draft_of(ASSISTANT).await.unwrap().unwrap();
        assert_eq!(draft.content.name, "Assistant 1, better");
        let version = work.records().find_version(ASSISTANT, 1).await.unwrap().unwrap();
        assert_eq!(version.content, live.content);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_used_before_tokens_were_counted_is_counted_without_them() {
    let (_database, store) = released(2).await;
    store.migrate().await.unwrap();

    let from = Timestamp::parse_rfc3339("2026-01-01T00:00:00Z").unwrap();
    let filter = UsageFilter { from, until: from.plus(time::Duration::DAY), user: None };
    let totals = store.content().usage(TENANT, &filter).await.unwrap();
    let [total] = &totals[..] else { panic!("one use was noted: {totals:?}") };
    assert_eq!((total.count, total.quantity), (1, 2));
    assert_eq!((total.input_tokens, total.output_tokens, total.cost_micros), (0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_a_release_before_can_be_asked_for_by_its_id() {
    let (_database, store) = released(2).await;
    store.migrate().await.unwrap();

    let token = Id::from_uuid(uuid::Uuid::from_u128(4));
    let caller = store.callers().find(Proof::KnownToken(token)).await.unwrap().unwrap();
    assert_eq!(caller.actor.email.as_str(), "ada@example.org");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_a_release_before_is_found_by_its_id() {
    let (_database, store) = released(3).await;
    store.migrate().await.unwrap();

    let [thread, message] = [5, 6].map(uuid::Uuid::from_u128);
    let (thread, message) = (ThreadId::from_uuid(thread), MessageId::from_uuid(message));
    let found = store.conversations().message(TENANT, thread, message).await.unwrap().unwrap();
    assert_eq!((found.id, found.position), (message, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_release_before_are_numbered_and_the_next_one_begins_the_chain() {
    let (_database, store) = released(1).await;
    store.migrate().await.unwrap();
    let mut next = event(9, &user(1), "asst_1");
    next.organization = TENANT;
    let mut work = store.begin(TENANT).await.unwrap();
    work.records().append_event(&next).await.unwrap();
    work.commit().await.unwrap();

    let all = EventFilter::default();
    let events = store.audit().events(TENANT, &all, Walk::Forward(0), 10).await.unwrap();
    let told: Vec<_> = events.iter().map(|it| (it.seq, it.event.action.as_str())).collect();
    assert_eq!(
        told,
        [(1, "assistant.created"), (2, "assistant.updated"), (3, next.action.as_str())]
    );
    let hash = ChainHash::START.next(3, &next.canonical());
    let hashes: Vec<_> = events.iter().map(|it| it.hash).collect();
    assert_eq!(hashes, [None, None, Some(hash)]);
    assert_eq!(store.audit().head(TENANT).await.unwrap(), ChainHead { seq: 3, hash });
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assistant_of_a_release_before_takes_a_file() {
    let (_database, store) = released(1).await;
    store.migrate().await.unwrap();
    let mut work = store.begin(TENANT).await.unwrap();
    let live = work.assistants().find(ASSISTANT).await.unwrap().unwrap();
    work.blobs().touch(blob(1), instant(1)).await.unwrap();
    work.assistants().update(with_files(live, [1])).await.unwrap();
    work.commit().await.unwrap();

    let named = store.housekeeping().named_blobs(None, 10).await.unwrap();
    assert_eq!(named, [(TENANT, blob(1))]);
}

fn open_at(url: &str) -> PgStore {
    PgStore::open(url, PgOptions { max_connections: NonZeroU16::MIN }).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_database_is_brought_forward_and_used() {
    let (_database, url) = empty().await;
    let store = open_at(&url);
    assert_eq!(store.schema_state().await.unwrap(), SchemaState::Behind);

    store.migrate().await.unwrap();

    assert_eq!(store.schema_state().await.unwrap(), SchemaState::Current);
    save(&store, vec![organization(1).into(), user(1).into()]).await.unwrap();
    assert!(store.directory().user(id(1), id(1)).await.unwrap().is_some());
    store.migrate().await.unwrap();
    assert!(store.directory().user(id(1), id(1)).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_simultaneous_migrations_each_ends_well() {
    let (_database, url) = empty().await;
    let migrations: Vec<_> = (0..4)
        .map(|_| {
            let store = open_at(&url);
            tokio::spawn(async move { store.migrate().await })
        })
        .collect();

    for migration in migrations {
        migration.await.unwrap().unwrap();
    }
    assert_eq!(open_at(&url).schema_state().await.unwrap(), SchemaState::Current);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_a_newer_version_is_refused() {
    let database = Database::create().await;
    let newer = "INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000000')";
    connect(database.url()).await.batch_execute(newer).await.unwrap();
    let store = open(&database, 1);

    assert_eq!(store.schema_state().await.unwrap(), SchemaState::Newer);
    assert!(matches!(store.migrate().await, Err(MigrateError::Newer)));
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_that_somebody_else_made_are_left_alone() {
    let (database, url) = empty().await;
    let foreign = "CREATE TABLE fresh.users (login text); INSERT INTO fresh.users VALUES ('ada')";
    let client = connect(database.url()).await;
    client.batch_execute(foreign).await.unwrap();
    let store = open_at(&url);

    assert_eq!(store.schema_state().await.unwrap(), SchemaState::Foreign);
    assert!(matches!(store.migrate().await, Err(MigrateError::Foreign)));
    let row = client.query_one("SELECT login FROM fresh.users", &[]).await.unwrap();
    assert_eq!(row.get::<_, &str>(0), "ada");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_cannot_take_the_role_is_told_what_an_administrator_does() {
    let (database, url) = empty().await;
    let name = format!("understudy_test_powerless_{}", std::process::id());
    let client = connect(database.url()).await;
    let make = format!(
        "DROP ROLE IF EXISTS {name}; CREATE ROLE {name} LOGIN PASSWORD 'understudy'; \
         GRANT CREATE, USAGE ON SCHEMA fresh TO {name}"
    );
    client.batch_execute(&make).await.unwrap();
    let user = connected_user(&client).await;

    let refusal = open_at(&url.replace(&user, &name)).migrate().await;

    let remove = format!("DROP OWNED BY {name}; DROP ROLE {name}");
    client.batch_execute(&format!("GRANT {name} TO {user}; {remove}")).await.unwrap();
    let text = refusal.unwrap_err().to_string();
    assert!(text.contains("CREATE ROLE understudy_app NOLOGIN;"), "got {text}");
    assert!(text.contains(&format!("GRANT understudy_app TO {name};")), "got {text}");
}

async fn connected_user(client: &tokio_postgres::Client) -> String {
    client.query_one("SELECT current_user::text", &[]).await.unwrap().get(0)
}
