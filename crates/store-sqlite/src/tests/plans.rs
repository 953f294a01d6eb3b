//! How SQLite goes about the queries that run with every request.

use diesel::{
    Connection, ExpressionMethods, QueryDsl, QueryableByName, RunQueryDsl, SqliteConnection,
    connection::SimpleConnection, debug_query, query_builder::QueryFragment, sql_types::Text,
    sqlite::Sqlite,
};
use understudy_domain::ports::UsageFilter;

use super::samples::{ADA, TENANT, at};
use crate::{
    assistant_queries::with_draft,
    callers::{sessions_with_users, tokens_with_users},
    housekeeping::{expired, named, unnamed},
    images::{avatars, generated},
    schema::{
        api_tokens, assistants, blob_names, images, providers, sessions, team_members, uploads,
    },
    usage::totals,
    values::{Key, Micros},
};

const TABLES: [&str; 2] = [
    include_str!("../../../../migrations/sqlite/2026-11-21-000001_core/up.sql"),
    include_str!("../../../../migrations/sqlite/2026-11-21-000002_content/up.sql"),
];

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    detail: String,
}

/// The steps that SQLite takes for the statement.
pub(crate) fn plan<T: QueryFragment<Sqlite>>(statement: &T) -> Vec<String> {
    let mut conn = SqliteConnection::establish(":memory:").unwrap();
    conn.batch_execute(&TABLES.concat()).unwrap();
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

/// Whether the plan goes by this index alone, without sorting.
fn goes_by(plan: &[String], index: &str) -> bool {
    let sorts = plan.iter().any(|step| step.contains("TEMP"));
    !scans(plan) && !sorts && plan.iter().any(|step| step.contains(index))
}

#[test]
fn pictures_are_found_by_index() {
    let tenant = Key::from(TENANT);
    let of_ada = generated(tenant, tenant).filter(images::user_id.eq(Key::from(ADA)));
    let plans = [
        ("images_by_key", plan(&images::table.filter(images::key.eq("")).select(images::id))),
        ("images_by_avatar", plan(&avatars(tenant, tenant).select(images::digest))),
        ("images_in_order", plan(&generated(tenant, tenant).limit(1).select(images::digest))),
        ("images_of_user_in_order", plan(&of_ada.limit(1).select(images::digest))),
    ];

    for (index, plan) in plans {
        assert!(goes_by(&plan, index), "{index}: {plan:#?}");
    }
}

#[test]
fn providers_and_usage_are_found_by_index() {
    let of_tenant = providers::table.filter(providers::organization_id.eq(Key::from(TENANT)));
    let in_order = of_tenant.order((providers::priority, providers::name_key));
    let filter = UsageFilter { from: at(0), until: at(1), user: Some(ADA) };

    let in_order = plan(&in_order.select(providers::name));
    assert!(goes_by(&in_order, "providers_in_order"), "{in_order:#?}");
    // What is found is grouped, and for that sorted.
    let totals = plan(&totals(Key::from(TENANT), &filter));
    assert!(!scans(&totals), "{totals:#?}");
    assert!(totals.iter().any(|step| step.contains("usage_in_order")), "{totals:#?}");
}

#[test]
fn the_names_of_a_row_are_found_by_its_key() {
    let names = blob_names::table
        .filter(blob_names::organization_id.eq(""))
        .filter(blob_names::kind.eq(""))
        .filter(blob_names::owner.eq(""))
        .select(blob_names::digest);

    let names = plan(&names);
    assert!(goes_by(&names, "PRIMARY KEY"), "{names:#?}");
}

#[test]
fn what_is_to_be_swept_out_is_found_by_index() {
    let expired = plan(&expired(Micros(at(0))).limit(1).select(uploads::id));
    let unnamed = plan(&unnamed(at(0), 1));
    let named = plan(&named(None, 1));

    assert!(goes_by(&expired, "uploads_by_end"), "{expired:#?}");
    assert!(goes_by(&unnamed, "blobs_by_age"), "{unnamed:#?}");
    assert!(goes_by(&unnamed, "blob_names_by_digest"), "{unnamed:#?}");
    assert!(goes_by(&named, "PRIMARY KEY"), "{named:#?}");
    assert!(goes_by(&named, "blob_names_by_digest"), "{named:#?}");
}
