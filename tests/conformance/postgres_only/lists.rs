//! What a page of a list costs, in rows that the server reads.

use tokio_postgres::Client;
use understudy_tests::Database;

use super::{connect, connect_as_application, cost};

/// Assistants of 100 users; every twentieth is open to the organization and every
/// hundredth to everyone.
const FILL: &str = "
    INSERT INTO organizations
        VALUES ('00000000-0000-0000-0000-0000000000a1', 'A', '{}', now());
    CREATE TEMPORARY TABLE made AS
        SELECT '00000000-0000-0000-0000-0000000000a1'::uuid AS organization_id,
               ('00000000-0000-0000-0002-' || lpad(to_hex(n), 12, '0'))::uuid AS id,
               ('00000000-0000-0000-0001-' || lpad(to_hex(n % 100), 12, '0'))::uuid AS owner,
               '2026-01-01'::timestamptz - n * interval '1 second' AS created_at,
               '2026-01-01'::timestamptz - (n * 7919 % $COUNT) * interval '1 second' AS updated_at,
               md5(n::text) AS name_key, n
        FROM generate_series(1, $COUNT) AS n;
    INSERT INTO assistants (organization_id, id, slug, owner_user, created_by, created_at,
            updated_at, is_default, version, revision, content, policy, kind, name_key, model_key,
            metadata, access_mode, is_active, api_enabled, chat_users)
        SELECT organization_id, id, 's' || n, owner, owner, created_at, updated_at, false, 1, 1,
               '{}', '{}', 'custom', name_key, 'm', '{}',
               CASE WHEN n % 100 = 0 THEN 'global' ELSE 'private' END, true, true, '{}'
        FROM made;
    INSERT INTO assistant_audience
        SELECT organization_id, id, organization_id, 'user:' || replace(owner::text, '-', ''), 4,
               updated_at, created_at, name_key FROM made
        UNION ALL
        SELECT organization_id, id, organization_id, 'everyone', 1,
               updated_at, created_at, name_key FROM made WHERE n % 20 = 0
        UNION ALL
        SELECT organization_id, id, '00000000-0000-0000-0000-000000000000', 'everyone', 1,
               updated_at, created_at, name_key FROM made WHERE n % 100 = 0;
    ANALYZE assistants; ANALYZE assistant_audience";

/// The rows of a page, and the one that tells whether there are more.
const ROWS: i64 = 51;

/// An application in a database with so many assistants.
async fn filled(assistants: u32) -> (Database, Client) {
    let database = Database::create().await;
    let owner = connect(database.url()).await;
    owner
        .batch_execute(
            "ALTER TABLE organizations NO FORCE ROW LEVEL SECURITY; \
            ALTER TABLE assistants NO FORCE ROW LEVEL SECURITY; \
            ALTER TABLE assistant_audience NO FORCE ROW LEVEL SECURITY",
        )
        .await
        .unwrap();
    owner.batch_execute(&FILL.replace("$COUNT", &assistants.to_string())).await.unwrap();
    let application = connect_as_application(&database).await;
    (database, application)
}

/// A page to be read.
#[derive(Debug)]
struct Page<'a> {
    column: &'a str,
    direction: &'a str,
    administers: bool,
    filter: &'a str,
    after: String,
}

impl<'a> Page<'a> {
    /// The first page, unfiltered.
    fn first(column: &'a str, direction: &'a str, administers: bool) -> Self {
        let after = match (column, direction) {
            ("name_key", "asc") => "''",
            ("name_key", _) => "'~'",
            (_, "asc") => "'-infinity'",
            _ => "'infinity'",
        };
        Self { column, direction, administers, filter: "NULL", after: after.to_owned() }
    }

    /// The page in the middle of so many assistants.
    fn behind_half_of(mut self, assistants: u32) -> Self {
        self.after = match self.column {
            "name_key" => String::from("'8'"),
            _ => format!("'2026-01-01'::timestamptz - {} * interval '1 second'", assistants / 2),
        };
        self
    }

    /// How many index entries reading it takes.
    async fn cost(&self, client: &Client) -> i64 {
        let Self { column, direction, administers, filter, after } = self;
        let query = format!(
            "SELECT FROM list_assistants_by_{column}_{direction}(
                '00000000-0000-0000-0000-0000000000a1', {administers},
                '{{everyone,role:member,user:00000000000000000001000000000007}}', {filter},
                {after}, '77777777-7777-7777-7777-777777777777', {ROWS})"
        );
        let tables = ["assistants", "assistant_audience"];
        let (rows, entries) = cost(client, "BEGIN", &tables, &query).await;
        assert_eq!(i64::try_from(rows).unwrap(), ROWS, "{self:?}");
        entries
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_costs_the_same_wherever_it_is_and_however_many_assistants_there_are() {
    // Three keys and everywhere, each a page; then the page's assistants.
    const MOST: i64 = 5 * ROWS;
    for assistants in [4_000, 20_000] {
        let (_database, client) = filled(assistants).await;
        for column in ["updated_at", "created_at", "name_key"] {
            for (direction, administers) in
                [("asc", false), ("asc", true), ("desc", false), ("desc", true)]
            {
                let first = Page::first(column, direction, administers);
                let middle = Page::first(column, direction, administers).behind_half_of(assistants);
                for page in [first, middle] {
                    let cost = page.cost(&client).await;
                    assert!(cost <= MOST, "{cost} entries for {page:?}");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_all_pass_adds_one_look_for_each_row() {
    const MOST: i64 = 9 * ROWS;
    let (_database, client) = filled(20_000).await;
    for administers in [false, true] {
        let filter = r#"'{"kind": "custom", "is_active": true}'"#;
        let page = Page { filter, ..Page::first("updated_at", "desc", administers) };
        let cost = page.cost(&client).await;
        assert!(cost <= MOST, "{cost} entries for {page:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn finding_a_caller_with_an_assistant_reads_one_row_of_each() {
    let (database, client) = filled(20_000).await;
    let fill = "ALTER TABLE users NO FORCE ROW LEVEL SECURITY; \
        ALTER TABLE api_tokens NO FORCE ROW LEVEL SECURITY; \
        INSERT INTO users (organization_id, id, email, name, name_key, role, departments, \
            ai_seat, disabled, created_at, updated_at, revision) \
        SELECT '00000000-0000-0000-0000-0000000000a1', gen_random_uuid(), n || '@example.com', \
            '', '', 'member', '{}', true, false, now(), now(), 1 FROM generate_series(1, 5000) n; \
        INSERT INTO api_tokens SELECT organization_id, id, id, 'personal', '', false, NULL, NULL, \
            '{read}', NULL, sha256(email::bytea), now(), now() FROM users; \
        ANALYZE users; ANALYZE api_tokens";
    connect(database.url()).await.batch_execute(fill).await.unwrap();

    client.batch_execute("BEGIN").await.unwrap();
    let find = "SELECT FROM find_caller(sha256('7@example.com'), NULL, NULL, NULL, \
        '00000000-0000-0000-0002-000000000007', NULL)";
    assert_eq!(client.query(find, &[]).await.unwrap().len(), 1);
    let read = "SELECT relname::text, seq_tup_read, coalesce(idx_tup_fetch, 0) \
        FROM pg_stat_xact_user_tables WHERE seq_tup_read > 0 OR idx_tup_fetch > 0 \
        ORDER BY relname";
    let read: Vec<(String, i64, i64)> = client
        .query(read, &[])
        .await
        .unwrap()
        .iter()
        .map(|row| (row.get(0), row.get(1), row.get(2)))
        .collect();

    let once = |table: &str| (table.to_owned(), 0, 1);
    assert_eq!(read, [once("api_tokens"), once("assistants"), once("users")]);
}
