//! What it costs to read the log, comments, deliveries and favourites, in rows that
//! the server reads.

use tokio_postgres::Client;
use understudy_tests::Database;

use super::{connect, connect_as_application, cost};

/// Two organizations with 10,000 events, comments (as long as people write them) and
/// deliveries each, of 100 assistants, by 10 users and for 10 webhooks. Every tenth
/// delivery is pending, each to be tried a second before the one before it. One user
/// marked 20 of 10,000 assistants.
const FILL: &str = "
    INSERT INTO organizations VALUES
        ('00000000-0000-0000-0000-0000000000a1', 'A', '{}', now()),
        ('00000000-0000-0000-0000-0000000000a2', 'B', '{}', now());
    CREATE TEMPORARY TABLE made AS
        SELECT ('00000000-0000-0000-0000-0000000000a' || 1 + n % 2)::uuid AS organization_id,
               ('00000000-0000-0000-0002-' || lpad(to_hex(n), 12, '0'))::uuid AS id,
               ('00000000-0000-0000-0001-' || lpad(to_hex(n / 2 % 10), 12, '0'))::uuid AS user_id,
               ('00000000-0000-0000-0003-' || lpad(to_hex(n / 2 % 100), 12, '0'))::uuid AS assistant_id,
               ('00000000-0000-0000-0004-' || lpad(to_hex(n / 2 % 10), 12, '0'))::uuid AS webhook_id,
               '2026-01-01Z'::timestamptz - n * interval '1 second' AS at, (n + 1) / 2 AS seq, n
        FROM generate_series(1, 20000) AS n;
    INSERT INTO users (organization_id, id, email, name, name_key, role, departments, ai_seat,
            disabled, created_at, updated_at, revision)
        SELECT DISTINCT ON (organization_id, user_id) organization_id, user_id,
               n || '@example.com', '', '', 'member', '{}'::text[], true, false, at, at, 1
        FROM made;
    INSERT INTO audit_events (organization_id, id, at, actor, action, target, seq, assistant_id)
        SELECT organization_id, id, at, user_id, 'assistant.updated', 'asst_' || seq % 100, seq,
               assistant_id
        FROM made;
    INSERT INTO comments (organization_id, id, assistant_id, author, message, created_at,
            updated_at, revision)
        SELECT organization_id, id, assistant_id, user_id, repeat('x', 1000), at, at, 1 FROM made;
    INSERT INTO webhooks
        SELECT DISTINCT organization_id, webhook_id, '', NULL, '{}'::text[], ''::bytea, true, NULL,
               0, NULL::timestamptz, user_id, now(), now(), 1
        FROM made;
    INSERT INTO webhook_deliveries
        SELECT organization_id, id, webhook_id, seq, id, 'assistant.updated',
               CASE WHEN n % 10 = 0 THEN 'pending' ELSE 'delivered' END, '[]', at, at, 1
        FROM made;
    INSERT INTO assistants (organization_id, id, owner_user, created_by, created_at, updated_at,
            is_default, version, revision, content, policy, kind, name_key, model_key, metadata,
            access_mode, is_active, api_enabled, chat_users)
        SELECT organization_id, id, user_id, user_id, at, at, false, 1, 1, '{}', '{}', 'custom',
               md5(n::text), 'm', '{}', 'private', true, true, '{}'
        FROM made;
    INSERT INTO assistant_audience
        SELECT organization_id, id, organization_id, 'everyone', 1, at, at, md5(n::text) FROM made;
    INSERT INTO favorites
        SELECT organization_id, '00000000-0000-0000-0001-000000000000', id, at
        FROM made WHERE n % 1000 = 0;
    ANALYZE";

/// The tables that are filled, those that others refer to first.
const TABLES: [&str; 8] = [
    "users",
    "audit_events",
    "comments",
    "webhooks",
    "webhook_deliveries",
    "assistants",
    "assistant_audience",
    "favorites",
];

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
async fn assert_costs(client: &Client, cases: &[(&str, usize, i64)]) {
    for (from, rows, most) in cases {
        let query = format!("SELECT FROM {from}")
            .replace("$MINE", "organization_id = '00000000-0000-0000-0000-0000000000a1'");
        let (found, entries) = cost(client, IN_FIRST, &TABLES, &query).await;
        assert_eq!(found, *rows, "{query}");
        assert!(entries <= *most, "{entries} entries for {query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_the_log_costs_the_same_wherever_it_is() {
    let (_database, client) = filled().await;
    let assistant = "assistant_id = '00000000-0000-0000-0003-000000000010'";
    let actor = "actor = '00000000-0000-0000-0001-000000000006'";
    let cases = [
        String::from("audit_events WHERE $MINE AND seq > 5000 ORDER BY seq LIMIT 50"),
        String::from("audit_events WHERE $MINE AND seq < 5000 ORDER BY seq DESC LIMIT 50"),
        format!("audit_events WHERE $MINE AND {assistant} AND seq > 2000 ORDER BY seq LIMIT 50"),
        format!(
            "audit_events WHERE $MINE AND {assistant} AND seq < 8000 ORDER BY seq DESC LIMIT 50"
        ),
        String::from(
            "audit_events WHERE $MINE AND target = 'asst_7' AND seq < 8000 \
             ORDER BY seq DESC LIMIT 50",
        ),
        format!("audit_events WHERE $MINE AND {actor} AND seq < 8000 ORDER BY seq DESC LIMIT 50"),
    ];
    for case in cases {
        // One more is the planner's, who looks where an index begins or ends.
        assert_costs(&client, &[(&case, 50, 51)]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn comments_are_found_by_assistant_and_by_what_they_reply_to() {
    let (_database, client) = filled().await;
    let cases = [
        (
            "comments WHERE $MINE AND assistant_id = '00000000-0000-0000-0003-000000000010' \
             AND parent_id IS NULL AND id > '00000000-0000-0000-0002-000000000010' \
             ORDER BY id LIMIT 50",
            50,
            51,
        ),
        (
            "comments WHERE $MINE AND assistant_id = '00000000-0000-0000-0003-000000000010'",
            100,
            101,
        ),
        ("comments WHERE $MINE AND parent_id = '00000000-0000-0000-0002-000000000010'", 0, 1),
    ];
    assert_costs(&client, &cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn finding_due_deliveries_reads_what_is_due_and_whether_its_webhook_is_enabled() {
    let (_database, client) = filled().await;
    let cases = [
        ("find_due_deliveries('2026-01-01Z', 50)", 50, 110),
        ("find_due_deliveries('2026-01-01Z'::timestamptz - interval '19900 s', 50)", 11, 30),
        (
            "webhook_deliveries WHERE $MINE \
             AND webhook_id = '00000000-0000-0000-0004-000000000001' \
             AND id < '00000000-0000-0000-0002-000000002710' ORDER BY id DESC LIMIT 50",
            50,
            51,
        ),
    ];
    assert_costs(&client, &cases).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_favourites_costs_what_was_marked() {
    let (_database, client) = filled().await;
    for administers in [false, true] {
        let list = format!(
            "list_assistants_by_updated_at_desc(
                '00000000-0000-0000-0000-0000000000a1', {administers}, '{{everyone}}',
                '{{\"favorite_of\": \"00000000-0000-0000-0001-000000000000\"}}',
                'infinity', '77777777-7777-7777-7777-777777777777', 50)"
        );
        // For each: the mark twice, the assistant, its draft, and its audience.
        assert_costs(&client, &[(&list, 20, 7 * 20)]).await;
    }
}
