//! What it costs to find blobs, uploads, pictures and usage, in rows that the server
//! reads.

use tokio_postgres::Client;
use understudy_tests::Database;

use super::{connect, connect_as_application, cost};

/// Two organizations with 10,000 blobs each, of which all but every hundredth are
/// named; each touched, and as an upload expired, a second before the one before it.
const FILL: &str = "
    INSERT INTO organizations VALUES
        ('00000000-0000-0000-0000-0000000000a1', 'A', '{}', now()),
        ('00000000-0000-0000-0000-0000000000a2', 'B', '{}', now());
    CREATE TEMPORARY TABLE made AS
        SELECT ('00000000-0000-0000-0000-0000000000a' || 1 + n % 2)::uuid AS organization_id,
               ('00000000-0000-0000-0002-' || lpad(to_hex(n), 12, '0'))::uuid AS id,
               ('00000000-0000-0000-0001-' || lpad(to_hex(n % 10), 12, '0'))::uuid AS user_id,
               '2026-01-01Z'::timestamptz - n * interval '1 second' AS at,
               sha256(n::text::bytea) AS digest, n
        FROM generate_series(1, 20000) AS n;
    INSERT INTO blobs SELECT organization_id, digest, n, at FROM made;
    INSERT INTO blob_names SELECT organization_id, 'upload', replace(id::text, '-', ''), digest
        FROM made WHERE n % 100 <> 0;
    INSERT INTO uploads
        SELECT organization_id, id, user_id, NULL, NULL, NULL, '[]', NULL, NULL, NULL, '', at, at
        FROM made;
    INSERT INTO images
        SELECT organization_id, id, user_id, user_id, 'key-' || n, n % 4 = 0, digest, n, at, '{}'
        FROM made;
    INSERT INTO usage
        SELECT organization_id, id, user_id, NULL, 'image', 'openai', 'm', 1, at FROM made;
    ANALYZE";

const TABLES: [&str; 5] = ["blobs", "blob_names", "uploads", "images", "usage"];

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

#[tokio::test(flavor = "multi_thread")]
async fn finding_what_is_to_be_swept_out_reads_what_is_old_enough() {
    let (_database, client) = filled().await;
    // Two entries for each blob that is looked at: its own and its name's. A few more
    // are the planner's, who looks where an index begins and ends.
    let cases = [
        ("find_expired_uploads('2026-01-01Z'::timestamptz - interval '19991 s', 50)", 10, 20),
        ("find_expired_uploads('2026-01-01Z', 50)", 50, 60),
        ("find_unnamed_blobs('2026-01-01Z'::timestamptz - interval '19000 s', 50)", 10, 2_010),
        ("find_unnamed_blobs('2026-01-01Z', 5)", 5, 1_010),
    ];

    for (call, rows, most) in cases {
        let (found, entries) =
            cost(&client, "BEGIN", &TABLES, &format!("SELECT FROM {call}")).await;
        assert_eq!(found, rows, "{call}");
        assert!(entries <= most, "{entries} entries for {call}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_named_blobs_costs_the_same_wherever_it_is() {
    let (_database, client) = filled().await;
    for (tenant, digest) in [("a1", "00"), ("a1", "80"), ("a2", "80")] {
        let page = format!(
            "SELECT FROM find_named_blobs(
                '00000000-0000-0000-0000-0000000000{tenant}', '\\x{digest}', 50)"
        );
        let (found, entries) = cost(&client, "BEGIN", &TABLES, &page).await;
        assert_eq!(found, 50, "{page}");
        assert!(entries <= 120, "{entries} entries for {page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn telling_known_blobs_reads_one_entry_for_each() {
    let (_database, client) = filled().await;
    let known = "SELECT FROM find_known_blobs(
        array_fill('00000000-0000-0000-0000-0000000000a1'::uuid, ARRAY[100]),
        ARRAY(SELECT sha256(n::text::bytea) FROM generate_series(1, 100) AS n))";

    let (found, entries) = cost(&client, "BEGIN", &TABLES, known).await;
    assert_eq!(found, 50);
    assert!(entries <= 100, "{entries} entries");
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_uploads_and_usage_are_found_by_index() {
    let (_database, client) = filled().await;
    let cases = [
        ("find_image('key-77')", 1),
        ("uploads WHERE $MINE AND id = '00000000-0000-0000-0002-000000000010'", 1),
        (
            "uploads WHERE $MINE AND $USER AND expires_at > '2025-12-31T20:00:00Z'
             AND (created_at, id) < ('2025-12-31T23:00:00Z', '00000000-0000-0000-0002-0000000003e8')
             ORDER BY created_at DESC, id DESC LIMIT 10",
            10,
        ),
        ("images WHERE $MINE AND NOT is_avatar AND $BEFORE ORDER BY id DESC LIMIT 50", 50),
        (
            "images WHERE $MINE AND NOT is_avatar AND $BEFORE AND $USER ORDER BY id DESC LIMIT 50",
            50,
        ),
        (
            "images WHERE $MINE AND assistant_id = '00000000-0000-0000-0001-000000000004'
             AND is_avatar ORDER BY id DESC LIMIT 1",
            1,
        ),
        (
            "blob_names WHERE $MINE AND kind = 'upload'
             AND owner = '00000000000000000002000000000010'",
            1,
        ),
        ("usage WHERE $MINE AND at >= '2025-12-31T23:58:20Z' AND at < '2025-12-31T23:59:20Z'", 30),
    ];
    for (from, rows) in cases {
        let query = format!("SELECT FROM {from}")
            .replace("$MINE", "organization_id = '00000000-0000-0000-0000-0000000000a1'")
            .replace("$BEFORE", "id < '00000000-0000-0000-0002-000000002710'")
            .replace("$USER", "user_id = '00000000-0000-0000-0001-000000000006'");
        let (found, entries) = cost(&client, IN_FIRST, &TABLES, &query).await;
        assert_eq!(found, rows, "{query}");
        assert!(entries <= i64::try_from(rows).unwrap(), "{entries} entries for {query}");
    }
}
