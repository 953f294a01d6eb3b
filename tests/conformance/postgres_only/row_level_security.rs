//! The second wall: what the application's role sees and writes when a statement
//! forgets its organization.

use tokio_postgres::Client;
use understudy_domain::{
    Assistant, AssistantId, OrganizationId, Principal, TeamRole, TokenHash,
    ports::{IdempotencyScope, Store},
};
use understudy_testkit::sample::{
    assistant, avatar, blob, data_key, event, extraction, id, image, organization, provider, save,
    sealed_value, session, team, token, touched, usage, user, version, whole_upload,
};
use understudy_tests::Database;

use super::{connect_as_application, open};

/// Rows of organization 1 in every table that has such rows.
async fn filled() -> Database {
    let database = Database::create().await;
    let store = open(&database, 1);
    let (ada, live) = (user(1), assistant(1, id(1), "Ada"));
    let rows = vec![
        organization(1).into(),
        organization(2).into(),
        ada.clone().into(),
        team(1, [(ada.id, TeamRole::Member)]).into(),
        token(1, &ada).into(),
        session(1, &ada).into(),
        live.clone().into(),
        version(1, &live).into(),
        sealed_value(1, &live).into(),
        data_key(1, id(1)).into(),
        event(1, &ada, "asst_1").into(),
        touched(1).into(),
        touched(2).into(),
        whole_upload(1).into(),
        image(1).into(),
        avatar(2, live.id).into(),
        extraction(1, [2]).into(),
        provider(1).into(),
        usage(1).into(),
    ];
    save(&store, rows).await.unwrap();
    let mut work = store.begin(id(1)).await.unwrap();
    work.imports().save("external", live.id).await.unwrap();
    work.commit().await.unwrap();
    let scope = IdempotencyScope {
        organization: id(1),
        user: ada.id,
        route: String::from("POST /api/assistants"),
        key: String::from("once"),
    };
    let body = TokenHash::of("body");
    let now = ada.created_at;
    store.idempotency().reserve(&scope, body, now, time::Duration::DAY).await.unwrap();
    share(&database, &live).await;
    database
}

/// One row in each table of what people share about an assistant.
const SHARED: &str = "
    INSERT INTO rules VALUES ('$T', '$T', 'Tone', 'tone', NULL, '', 'Be kind.', 'custom',
        'behavior', 'organization', 'always', true, true, 1, '$U', now(), now());
    INSERT INTO rule_attachments VALUES ('$T', '$T', 'model', 'gpt-4o', 50, 100, true, now(), '$U');
    INSERT INTO comments VALUES ('$T', '$T', '$A', NULL, '$U', 'Well done.', NULL, NULL, NULL,
        now(), now(), 1);
    INSERT INTO comment_reads VALUES ('$T', '$U', '$A', now());
    INSERT INTO tags VALUES ('$T', '$T', 'Sales', 'sales', '', now(), now(), 1);
    INSERT INTO favorites VALUES ('$T', '$U', '$A', now());
    INSERT INTO webhooks VALUES ('$T', '$T', 'https://example.com', NULL, '{}', 'secret', true,
        NULL, 0, NULL, '$U', now(), now(), 1);
    INSERT INTO webhook_deliveries VALUES ('$T', '$T', '$T', 1, '$T', 'assistant.updated',
        'pending', '[]', '2026-01-01Z', now(), 1)";

/// A thread with a message, a memory, runs in each state that somebody looks for, with
/// an approval and an event, what was spent, and an automation with an execution.
const RUNS: &str = "
    INSERT INTO threads VALUES ('$T', '$T', '$U', '$A', true, 'title', '{}', 1, '{}');
    INSERT INTO messages VALUES ('$T', '$T', 1, '{}', '$T');
    INSERT INTO memories VALUES ('$T', '$T', '$U', '$A', '{}');
    INSERT INTO runs VALUES
        ('$T', '$T', '$U', 'requires_approval', true, NULL, now(), NULL, false, 1, '{}'),
        ('$T', gen_random_uuid(), '$U', 'in_progress', true, now(), now(), NULL, false, 1, '{}'),
        ('$T', gen_random_uuid(), '$U', 'failed', false, NULL, now(), now(), false, 1, '{}');
    INSERT INTO approvals VALUES ('$T', '$T', '$T', 'pending', now(), '{}');
    INSERT INTO run_events VALUES ('$T', '$T', 1, 'response.processing', '{}');
    INSERT INTO spending VALUES ('$T', 'user', 'user_1', '2026-01', 1, 2, 3);
    INSERT INTO automations VALUES ('$T', '$T', 'report', 1, '{}');
    INSERT INTO executions VALUES ('$T', '$T', '$T', '{}')";

async fn share(database: &Database, live: &Assistant) {
    let Principal::User(owner) = live.owner else { panic!("the owner is a user") };
    let rows = format!("{SHARED};{RUNS}")
        .replace("$T", &tenant(1))
        .replace("$U", &owner.as_uuid().to_string())
        .replace("$A", &live.id.as_uuid().to_string());
    let client = connect_as_application(database).await;
    begin_as(&client, 1).await;
    client.batch_execute(&rows).await.unwrap();
    client.batch_execute("COMMIT").await.unwrap();
}

fn tenant(n: u32) -> String {
    let organization: OrganizationId = id(n);
    organization.as_uuid().to_string()
}

/// Every table that has rows of organizations.
async fn tenant_tables(client: &Client) -> Vec<String> {
    let tables = "SELECT relname::text FROM pg_class WHERE relkind IN ('r', 'p') \
        AND relnamespace = 'public'::regnamespace \
        AND relname NOT IN ('installation', '__diesel_schema_migrations') ORDER BY relname";
    client.query(tables, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

async fn count(client: &Client, table: &str) -> i64 {
    let query = format!("SELECT count(*) FROM {table}");
    client.query_one(&query, &[]).await.unwrap().get(0)
}

async fn assert_nothing_is_seen(client: &Client) {
    for table in tenant_tables(client).await {
        assert_eq!(count(client, &table).await, 0, "{table}");
    }
}

/// The tables of which `setting` shows something, each with how many rows.
async fn seen_with(client: &Client, setting: &str, value: &str) -> Vec<(String, i64)> {
    let begin = format!("BEGIN; SELECT set_config('{setting}', '{value}', true)");
    client.batch_execute(&begin).await.unwrap();
    let mut seen = Vec::new();
    for table in tenant_tables(client).await {
        match count(client, &table).await {
            0 => {}
            rows => seen.push((table.clone(), rows)),
        }
        client.batch_execute("SAVEPOINT before").await.unwrap();
        let deleted = client.execute(&format!("DELETE FROM {table}"), &[]).await;
        assert!(deleted.is_err() || deleted.unwrap() == 0, "{setting} removes from {table}");
        client.batch_execute("ROLLBACK TO SAVEPOINT before").await.unwrap();
    }
    client.batch_execute("ROLLBACK").await.unwrap();
    seen
}

async fn begin_as(client: &Client, n: u32) {
    let begin = format!("BEGIN; SELECT set_config('app.organization', '{}', true)", tenant(n));
    client.batch_execute(&begin).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_of_organizations_has_the_wall_and_another_owner() {
    let database = Database::create().await;
    let client = connect_as_application(&database).await;
    let open_tables = "SELECT relname::text FROM pg_class WHERE relkind IN ('r', 'p') \
        AND relnamespace = 'public'::regnamespace \
        AND relname NOT IN ('installation', '__diesel_schema_migrations') \
        AND NOT (relrowsecurity AND relforcerowsecurity \
                 AND pg_get_userbyid(relowner) <> current_user)";
    let unprotected = client.query(open_tables, &[]).await.unwrap();
    assert!(
        unprotected.is_empty(),
        "{:?}",
        unprotected.iter().map(|r| r.get::<_, String>(0)).collect::<Vec<_>>()
    );

    let role = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user";
    let is_above_the_wall: bool = client.query_one(role, &[]).await.unwrap().get(0);
    assert!(!is_above_the_wall);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_without_an_organization_sees_nothing() {
    let database = filled().await;
    let client = connect_as_application(&database).await;

    assert_nothing_is_seen(&client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reused_connection_sees_nothing_of_the_organization_before() {
    let database = filled().await;
    let client = connect_as_application(&database).await;
    begin_as(&client, 1).await;
    for table in tenant_tables(&client).await {
        assert!(count(&client, &table).await > 0, "{table} has no row to see");
    }
    client.batch_execute("COMMIT").await.unwrap();
    assert_nothing_is_seen(&client).await;

    let ada = user(1);
    let token = token(1, &ada);
    let hash: &[u8] = token.hash.as_bytes();
    let assistant: AssistantId = id(1);
    let found = client
        .query(
            "SELECT FROM find_caller($1, NULL, NULL, NULL, $2::text::uuid, NULL)",
            &[&hash, &assistant.as_uuid().to_string()],
        )
        .await
        .unwrap();
    assert_eq!(found.len(), 1);
    assert_nothing_is_seen(&client).await;
    let known = "SELECT FROM find_caller(NULL, NULL, NULL, $1::text::uuid, NULL, NULL)";
    let found = client.query(known, &[&token.id.as_uuid().to_string()]).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_nothing_is_seen(&client).await;

    let found = client.query("SELECT FROM find_login($1)", &[&ada.email.as_str()]).await.unwrap();
    assert_eq!(found.len(), 1);
    client.query_one("SELECT FROM find_first_organization()", &[]).await.unwrap();
    assert_nothing_is_seen(&client).await;

    let key = image(1).key;
    client.query_one("SELECT FROM find_image($1)", &[key.expose()]).await.unwrap();
    let expired = "SELECT FROM find_expired_uploads('3000-01-01Z', 10)";
    client.query_one(expired, &[]).await.unwrap();
    client.query("SELECT FROM find_unnamed_blobs('3000-01-01Z', 10)", &[]).await.unwrap();
    let named = "SELECT FROM find_named_blobs('00000000-0000-0000-0000-000000000000', '', 10)";
    assert_eq!(client.query(named, &[]).await.unwrap().len(), 2);
    assert_nothing_is_seen(&client).await;

    let all = "SELECT FROM list_organizations('00000000-0000-0000-0000-000000000000', 10)";
    assert_eq!(client.query(all, &[]).await.unwrap().len(), 2);
    client.query_one("SELECT FROM find_webhooks_behind(10)", &[]).await.unwrap();
    client.query_one("SELECT FROM find_due_deliveries('3000-01-01Z', 10)", &[]).await.unwrap();
    assert_nothing_is_seen(&client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_worked_on_runs_of_all_organizations_sees_nothing_of_them() {
    let database = filled().await;
    let client = connect_as_application(&database).await;
    let calls = [
        "SELECT FROM find_abandoned_runs('3000-01-01Z', '3000-01-01Z', 10)",
        "SELECT FROM find_overdue_runs('3000-01-01Z', 10)",
        "SELECT FROM find_forgettable_runs('3000-01-01Z', 10)",
        "SELECT FROM sweep_run_events('3000-01-01Z', 10)",
        "SELECT FROM append_run_events(ARRAY['$T', '$T']::uuid[], ARRAY['$T', '$T']::uuid[], \
         ARRAY[2, 3], ARRAY['x', 'y'], ARRAY['{}', '{}']::json[])",
    ];
    for call in calls {
        client.query(&call.replace("$T", &tenant(1)), &[]).await.unwrap();
        assert_nothing_is_seen(&client).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_not_added_to_a_run_of_another_organization() {
    let database = filled().await;
    let client = connect_as_application(&database).await;
    let append = "SELECT FROM append_run_events(ARRAY['$O']::uuid[], ARRAY['$T']::uuid[], \
        ARRAY[7], ARRAY['x'], ARRAY['{}']::json[])";
    let append = append.replace("$O", &tenant(2)).replace("$T", &tenant(1));

    client.query(&append, &[]).await.unwrap();

    for n in [1, 2] {
        begin_as(&client, n).await;
        let added = "SELECT count(*) FROM run_events WHERE sequence = 7";
        let added: i64 = client.query_one(added, &[]).await.unwrap().get(0);
        assert_eq!(added, 0, "organization {n}");
        client.batch_execute("ROLLBACK").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_id_of_a_token_shows_it_and_nothing_else() {
    let database = filled().await;
    let client = connect_as_application(&database).await;

    let known = token(1, &user(1)).id.as_uuid().to_string();
    let seen = seen_with(&client, "app.token", &known).await;
    assert_eq!(seen, [("api_tokens".to_owned(), 1)]);
    let other = token(2, &user(1)).id.as_uuid().to_string();
    assert_eq!(seen_with(&client, "app.token", &other).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_goes_on_with_runs_sees_them_and_what_belongs_to_them_and_nothing_else() {
    let database = filled().await;
    let client = connect_as_application(&database).await;

    let seen = seen_with(&client, "app.sweep", "runs").await;
    let rows = |table: &str, count: i64| (table.to_owned(), count);
    assert_eq!(seen, [rows("approvals", 1), rows("run_events", 1), rows("runs", 3)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_shows_its_picture_and_nothing_else() {
    let database = filled().await;
    let client = connect_as_application(&database).await;

    let seen = seen_with(&client, "app.image_key", image(1).key.expose()).await;
    assert_eq!(seen, [("images".to_owned(), 1)]);
    assert_eq!(seen_with(&client, "app.image_key", "").await, []);
    assert_eq!(seen_with(&client, "app.image_key", "key-of").await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_sees_expired_uploads_and_nothing_else() {
    let database = filled().await;
    let client = connect_as_application(&database).await;
    let end = whole_upload(1).expires_at;

    let seen = seen_with(&client, "app.sweep_uploads", &end.to_rfc3339()).await;
    assert_eq!(seen, [("uploads".to_owned(), 1)]);
    let before = end.plus(-time::Duration::SECOND).to_rfc3339();
    assert_eq!(seen_with(&client, "app.sweep_uploads", &before).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sweep_sees_the_ledger_and_nothing_else() {
    let database = filled().await;
    let client = connect_as_application(&database).await;

    let seen = seen_with(&client, "app.sweep", "blobs").await;
    // Named by the upload, two pictures and the extraction.
    assert_eq!(seen, [("blob_names".to_owned(), 4), ("blobs".to_owned(), 2)]);
    assert_eq!(seen_with(&client, "app.sweep", "uploads").await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_sends_to_webhooks_sees_what_is_to_be_sent_and_nothing_else() {
    let database = filled().await;
    let client = connect_as_application(&database).await;

    let seen = seen_with(&client, "app.sweep", "webhooks").await;
    let one = |table: &str| (table.to_owned(), 1);
    assert_eq!(seen, [one("audit_heads"), one("webhook_deliveries"), one("webhooks")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_goes_through_all_organizations_sees_them_and_nothing_else() {
    let database = filled().await;
    let client = connect_as_application(&database).await;

    let seen = seen_with(&client, "app.sweep", "organizations").await;
    assert_eq!(seen, [("organizations".to_owned(), 2)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_added_to_the_log_of_another_organization() {
    let database = filled().await;
    let client = connect_as_application(&database).await;
    begin_as(&client, 2).await;
    let event = format!(
        "SELECT append_events('{}', ARRAY[(gen_random_uuid(), now(), NULL, NULL, NULL, NULL, \
         'x', 'y', NULL, NULL, NULL, 'z')::new_event])",
        tenant(1)
    );

    let error = client.query(&event, &[]).await.unwrap_err();

    assert_eq!(error.code().unwrap().code(), "42501");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blob_of_another_organization_is_neither_forgotten_nor_touched() {
    let database = filled().await;
    let client = connect_as_application(&database).await;
    begin_as(&client, 2).await;
    let digest = blob(1).digest;
    let digest: &[u8] = digest.as_bytes();
    let forget = "SELECT forget_blob($1::text::uuid, $2, '3000-01-01Z')";
    let forgotten: bool = client.query_one(forget, &[&tenant(1), &digest]).await.unwrap().get(0);
    assert!(!forgotten);

    let touched = client.execute("UPDATE blobs SET touched_at = now()", &[]).await.unwrap();
    assert_eq!(touched, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_another_organization_are_neither_seen_nor_written() {
    let database = filled().await;
    let client = connect_as_application(&database).await;
    for table in tenant_tables(&client).await {
        begin_as(&client, 2).await;
        let own = i64::from(table == "organizations");
        assert_eq!(count(&client, &table).await, own, "{table}");
        // The tables that only grow refuse for want of a grant.
        let deleted = client.execute(&format!("DELETE FROM {table}"), &[]).await;
        assert!(deleted.is_err() || deleted.unwrap() == 0, "{table}");
        client.batch_execute("ROLLBACK").await.unwrap();
    }
    begin_as(&client, 2).await;
    let renamed = client.execute("UPDATE users SET name = 'mine'", &[]).await.unwrap();
    assert_eq!(renamed, 0);
    client.batch_execute("ROLLBACK").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_cannot_be_written_into_another_organization() {
    let database = filled().await;
    let client = connect_as_application(&database).await;
    begin_as(&client, 2).await;
    let foreign =
        format!("INSERT INTO data_keys VALUES ('{}', gen_random_uuid(), 'x', now())", tenant(1));

    let error = client.execute(&foreign, &[]).await.unwrap_err();

    let code = error.code().unwrap().code();
    assert_eq!(code, "42501", "row-level security refuses it");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_cannot_write_for_another_organization() {
    let database = filled().await;
    let store = open(&database, 1);
    let mut stranger = user(2);
    stranger.organization = id(2);
    let mut work = store.begin(id(1)).await.unwrap();

    work.users().insert(&stranger).await.unwrap_err();

    drop(work);
    assert!(store.directory().user(id(2), stranger.id).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_never_changes_cannot_be_changed() {
    let database = filled().await;
    let client = connect_as_application(&database).await;
    let changes = [
        "UPDATE audit_events SET action = 'nothing'",
        "DELETE FROM audit_events",
        "UPDATE versions SET number = 7",
        "DELETE FROM versions",
        "UPDATE sealed_values SET name = 'other'",
        "DELETE FROM data_keys",
        "TRUNCATE audit_events",
        "UPDATE blob_names SET owner = 'other'",
        "UPDATE images SET key = 'other'",
        "UPDATE usage SET quantity = 0",
        "DELETE FROM usage",
        "DELETE FROM imports",
        "UPDATE audit_events SET seq = seq + 1",
        "DELETE FROM audit_heads",
        "TRUNCATE audit_heads",
        "UPDATE audit_heads SET organization_id = gen_random_uuid()",
        "UPDATE data_keys SET created_at = now()",
        "UPDATE sealed_values SET assistant_id = gen_random_uuid()",
        "UPDATE installation SET created_at = now()",
        "UPDATE favorites SET created_at = now()",
        "DELETE FROM comment_reads",
        "DELETE FROM webhook_deliveries",
        "UPDATE messages SET position = 7",
        "UPDATE memories SET document = '{}'",
        "UPDATE run_events SET data = '{}'",
        "DELETE FROM approvals",
        "DELETE FROM spending",
        "DELETE FROM executions",
    ];
    for change in changes {
        begin_as(&client, 1).await;
        let error = client.execute(change, &[]).await.unwrap_err();
        assert_eq!(error.code().unwrap().code(), "42501", "{change}");
        client.batch_execute("ROLLBACK").await.unwrap();
    }
}
