//! What it costs to read conversations and runs, in rows that the server reads.

use tokio_postgres::Client;
use understudy_tests::Database;

use super::{connect, connect_as_application, cost};

/// Two organizations with 10,000 threads, of which all but every tenth are visible,
/// memories and runs each, of 10 users and with 100 assistants. Of
/// every 100 runs one is waiting, one queued and one in progress, the others are over;
/// each was made, ended, or is held until, a second before the one before it. Of the
/// first 2,000 threads every hundredth has 1,000 messages, and of as many runs every
/// hundredth 1,000 events, which were swept from the others.
const FILL: &str = "
    INSERT INTO organizations VALUES
        ('00000000-0000-0000-0000-0000000000a1', 'A', '{}', now()),
        ('00000000-0000-0000-0000-0000000000a2', 'B', '{}', now());
    CREATE TEMPORARY TABLE made AS
        SELECT ('00000000-0000-0000-0000-0000000000a' || 1 + n % 2)::uuid AS organization_id,
               ('00000000-0000-0000-0002-' || lpad(to_hex(n), 12, '0'))::uuid AS id,
               ('00000000-0000-0000-0001-' || lpad(to_hex(n / 2 % 10), 12, '0'))::uuid AS user_id,
               ('00000000-0000-0000-0003-' || lpad(to_hex(n / 2 % 100), 12, '0'))::uuid AS assistant_id,
               '2026-01-01Z'::timestamptz - n * interval '1 second' AS at,
               n / 2 % 100 AS kind, n
        FROM generate_series(1, 20000) AS n;
    INSERT INTO users (organization_id, id, email, name, name_key, role, departments, ai_seat,
            disabled, created_at, updated_at, revision)
        SELECT DISTINCT ON (organization_id, user_id) organization_id, user_id,
               n || '@example.com', '', '', 'member', '{}'::text[], true, false, at, at, 1
        FROM made;
    INSERT INTO threads
        SELECT organization_id, id, user_id, assistant_id, n / 20 % 10 <> 0, 'thread ' || n, '{}',
               1, '{}'
        FROM made;
    INSERT INTO messages
        SELECT organization_id, id, m, '{}', gen_random_uuid()
        FROM made CROSS JOIN generate_series(1, 1000) AS m
        WHERE kind = 0 AND n < 2000;
    INSERT INTO memories SELECT organization_id, id, user_id, assistant_id, '{}' FROM made;
    INSERT INTO runs
        SELECT organization_id, id, user_id,
               CASE kind WHEN 0 THEN 'requires_approval' WHEN 1 THEN 'queued'
                         WHEN 2 THEN 'in_progress' ELSE 'completed' END,
               kind % 10 <> 9, CASE WHEN kind = 2 THEN at END, at,
               CASE WHEN kind > 2 THEN at END, kind <> 8 OR n >= 2000, 1, '{}'
        FROM made;
    INSERT INTO approvals
        SELECT organization_id, id, id, 'pending', at, '{}' FROM made WHERE kind = 0;
    INSERT INTO run_events
        SELECT organization_id, id, e, 'response.content_delta', '{}'
        FROM made CROSS JOIN generate_series(1, 1000) AS e
        WHERE kind = 8 AND n < 2000;
    ANALYZE";

/// The tables that are filled, those that others refer to first.
const TABLES: [&str; 7] =
    ["users", "threads", "messages", "memories", "runs", "approvals", "run_events"];

const IN_FIRST: &str =
    "BEGIN; SELECT set_config('app.organization', '00000000-0000-0000-0000-0000000000a1', true)";

/// An application in a database with so much.
async fn filled() -> (Database, Client) {
    let database = Database::create().await;
    let owner = connect(database.url()).await;
    for table in TABLES.iter().chain(&["organizations"]) {
        let open = format!("ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY");
        owner.batch_execute(&open).await.unwrap();
    }
    owner.batch_execute(FILL).await.unwrap();
    let application = connect_as_application(&database).await;
    (database, application)
}

/// Asserts that each query of organization 1 has so many rows and reads at most so
/// many entries.
async fn assert_costs(cases: &[(&str, usize, i64)]) {
    let (_database, client) = filled().await;
    for (from, rows, most) in cases {
        let query = format!("SELECT FROM {from}")
            .replace(
                "$THREADS",
                "'00000000-0000-0000-0000-0000000000a1', \
                '00000000-0000-0000-0001-000000000006'",
            )
            .replace("$FIRST", "'00000000-0000-0000-0000-000000000000'")
            .replace("$HALF", "'00000000-0000-0000-0002-000000002710'")
            .replace("$ASSISTANT", "'00000000-0000-0000-0003-000000000010'")
            .replace("$MINE", "organization_id = '00000000-0000-0000-0000-0000000000a1'")
            .replace("$USER", "user_id = '00000000-0000-0000-0001-000000000006'");
        let (found, entries) = cost(&client, IN_FIRST, &TABLES, &query).await;
        assert_eq!(found, *rows, "{query}");
        assert!(entries <= *most, "{entries} entries for {query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_conversation_costs_what_it_shows() {
    // One more is the planner's, who looks where an index begins or ends.
    let cases = [
        ("list_threads($THREADS, true, $FIRST, NULL, NULL, '{}', 50)", 50, 70),
        ("list_threads($THREADS, true, $HALF, NULL, NULL, '{}', 50)", 50, 70),
        ("list_threads($THREADS, false, $HALF, NULL, 'thread', '{}', 50)", 50, 70),
        // Of 100 assistants the user has threads with ten.
        ("list_threads($THREADS, true, $FIRST, $ASSISTANT, NULL, '{}', 5)", 5, 70),
        (
            "messages WHERE $MINE AND thread_id = '00000000-0000-0000-0002-0000000000c8' \
             AND position > 10 ORDER BY position LIMIT 50",
            50,
            51,
        ),
        (
            "messages WHERE $MINE AND thread_id = '00000000-0000-0000-0002-0000000000c8' \
             AND position < 900 ORDER BY position DESC LIMIT 50",
            50,
            51,
        ),
        (
            "memories WHERE $MINE AND $USER \
             AND assistant_id = '00000000-0000-0000-0003-000000000010'",
            100,
            101,
        ),
    ];
    assert_costs(&cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_belongs_to_a_run_is_found_by_it() {
    let cases = [
        (
            "run_events WHERE $MINE AND run_id = '00000000-0000-0000-0002-000000000010' \
             AND sequence > 10 ORDER BY sequence LIMIT 50",
            50,
            51,
        ),
        ("approvals WHERE $MINE AND run_id = '00000000-0000-0000-0002-0000000000c8'", 1, 2),
        ("runs WHERE $MINE AND $USER AND status IN ('queued', 'in_progress')", 0, 2),
    ];
    assert_costs(&cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn finding_runs_of_all_organizations_reads_those_that_are_looked_for() {
    let cases = [
        ("find_abandoned_runs('2026-01-01Z', '2025-01-01Z', 50)", 50, 55),
        ("find_abandoned_runs('2025-01-01Z', '2026-01-01Z', 50)", 50, 55),
        ("find_forgettable_runs('2026-01-01Z', 50)", 50, 55),
        // Each with its approval.
        ("find_overdue_runs('2026-01-01Z', 50)", 50, 110),
    ];
    assert_costs(&cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sweeping_reads_the_runs_that_are_swept_and_their_events() {
    let (_database, client) = filled().await;
    client.batch_execute("BEGIN").await.unwrap();
    let sweep = "SELECT sweep_run_events('2026-01-01Z', 2)";
    let swept: i64 = client.query_one(sweep, &[]).await.unwrap().get(0);
    client.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(swept, 2);

    // For each: the run twice, one event to see that it has some, and all of them.
    let (_, entries) = cost(&client, "BEGIN", &TABLES, sweep).await;
    assert!(entries <= 2 * 1_010, "{entries} entries");
}
