//! How SQLite goes about the queries that run with every request.

use diesel::{
    Connection, ExpressionMethods, QueryDsl, QueryableByName, RunQueryDsl, SqliteConnection,
    connection::SimpleConnection, debug_query, query_builder::QueryFragment, sql_types::Text,
    sqlite::Sqlite,
};

use crate::{
    assistant_queries::with_draft,
    callers::{sessions_with_users, tokens_with_users},
    schema::{api_tokens, assistants, sessions, team_members},
};

const TABLES: &str = include_str!("../../../../migrations/sqlite/2026-11-21-000001_core/up.sql");

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    detail: String,
}

/// The steps that SQLite takes for the statement.
pub(crate) fn plan<T: QueryFragment<Sqlite>>(statement: &T) -> Vec<String> {
    let mut conn = SqliteConnection::establish(":memory:").unwrap();
    conn.batch_execute(TABLES).unwrap();
    let debug = debug_query::<Sqlite, _>(statement).to_string();
    let text = debug.split(" -- binds").next().unwrap();
    let steps = diesel::sql_query(format!("EXPLAIN QUERY PLAN {text}")).load::<Step>(&mut conn);
    steps.unwrap().into_iter().map(|step| step.detail).collect()
}

/// Whether a table is read from end to end. Parameters that are JSON are read
/// whole, and so is what other steps have made.
pub(crate) fn scans(plan: &[String]) -> bool {
    plan.iter().any(|step| {
        step.starts_with("SCAN") && !step.contains("VIRTUAL TABLE") && !step.contains("(subquery")
    })
}

#[test]
fn a_caller_is_found_by_index() {
    let plans = [
        plan(&tokens_with_users().filter(api_tokens::hash.eq(vec![])).select(api_tokens::id)),
        plan(&sessions_with_users().filter(sessions::cookie.eq(vec![])).select(sessions::id)),
        plan(&sessions_with_users().filter(sessions::id.eq("")).select(sessions::id)),
        plan(
            &team_members::table
                .filter(team_members::organization_id.eq(""))
                .filter(team_members::user_id.eq(""))
                .order(team_members::team_id)
                .select((team_members::team_id, team_members::role)),
        ),
    ];

    for plan in plans {
        assert!(!scans(&plan) && !plan.iter().any(|step| step.contains("TEMP")), "{plan:#?}");
    }
}

#[test]
fn an_assistant_and_its_draft_are_found_by_index() {
    let own = with_draft().filter(assistants::organization_id.eq(""));
    let plans = [
        plan(&own.filter(assistants::id.eq("")).select(assistants::content)),
        plan(&own.filter(assistants::slug.eq("")).select(assistants::content)),
    ];

    for plan in plans {
        assert!(!scans(&plan), "{plan:#?}");
        assert!(plan.iter().any(|step| step.contains("assistants_by_draft")), "{plan:#?}");
    }
}
