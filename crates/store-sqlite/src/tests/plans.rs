//! How SQLite goes about the queries that run with every request.

use diesel::{
    Connection, ExpressionMethods, QueryDsl, QueryableByName, RunQueryDsl, SqliteConnection,
    connection::SimpleConnection, debug_query, query_builder::QueryFragment, sql_types::Text,
    sqlite::Sqlite,
};
use understudy_domain::{
    CommentId, EventFilter, Id, TokenId, UploadPurpose,
    ports::{CommentListQuery, RuleFilter, RuleListQuery, UploadListQuery, UsageFilter, Walk},
};
use uuid::Uuid;

use super::samples::{ADA, TENANT, assistant, at};
use crate::{
    assistant_queries::with_draft,
    audit,
    callers::{sessions_with_users, tokens_with_users},
    comments,
    housekeeping::{expired, named, unnamed},
    images::{avatars, generated},
    rules,
    schema::{
        api_tokens, assistants, blob_names, images, providers, rule_attachments, sessions,
        team_members, uploads, users, webhook_deliveries,
    },
    uploads::page as page_of_uploads,
    usage::totals,
    values::{Key, Micros},
    webhooks,
};

const TABLES: [&str; 5] = [
    include_str!("../../../../migrations/sqlite/2026-11-21-000001_core/up.sql"),
    include_str!("../../../../migrations/sqlite/2026-11-21-000002_content/up.sql"),
    include_str!("../../../../migrations/sqlite/2026-11-21-000003_collaboration/up.sql"),
    include_str!("../../../../migrations/sqlite/2026-11-21-000004_runs/up.sql"),
    include_str!("../../../../migrations/sqlite/2026-11-21-000005_items/up.sql"),
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
        plan(&tokens_with_users().filter(api_tokens::id.eq("")).select(api_tokens::id)),
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
pub(crate) fn goes_by(plan: &[String], index: &str) -> bool {
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
fn a_page_of_uploads_is_found_by_index_in_order() {
    let first = UploadListQuery {
        user: ADA,
        alive_at: at(0),
        purpose: Some(UploadPurpose::Vision),
        newest_first: true,
        after: None,
        limit: 10,
    };
    let next = UploadListQuery { after: Some((at(1), Id::from_uuid(Uuid::nil()))), ..first };
    for query in [first, next, UploadListQuery { newest_first: false, ..next }] {
        let plan = plan(&page_of_uploads::<Text>(Key::from(TENANT), &query));

        assert!(goes_by(&plan, "uploads_in_order"), "{plan:#?}");
        let is_bounded = plan.iter().any(|step| step.contains("created_at"));
        assert_eq!(is_bounded, query.after.is_some(), "{plan:#?}");
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

#[test]
fn the_log_is_walked_by_index_in_both_directions() {
    let all = EventFilter::default();
    let of_assistant = EventFilter { assistant: Some(assistant(1).id), ..all.clone() };
    let of_target = EventFilter { target: Some("x".to_owned()), ..of_assistant.clone() };
    let of_actor = EventFilter {
        actor: Some(ADA),
        token: Some(TokenId::from_uuid(Uuid::nil())),
        action: Some("x.*".to_owned()),
        from: Some(at(0)),
        until: Some(at(1)),
        ..all.clone()
    };
    let cases = [
        ("sqlite_autoindex_audit_events_1", all),
        ("audit_events_by_assistant", of_assistant),
        ("audit_events_by_target", of_target),
        ("audit_events_by_actor", of_actor),
    ];
    for (index, filter) in cases {
        for (walk, bound) in [(Walk::Forward(7), "seq>?"), (Walk::Backward(None), "seq<?")] {
            let plan = plan(&audit::page::<Text>(Key::from(TENANT), &filter, walk, 10));

            assert!(goes_by(&plan, index), "{index}: {plan:#?}");
            assert!(plan.iter().any(|step| step.contains(bound)), "{index}: {plan:#?}");
        }
    }
}

#[test]
fn comments_of_an_assistant_are_found_by_index_in_order() {
    let parent = CommentId::from_uuid(Uuid::nil());
    for (parent, after) in [(None, None), (None, Some(parent)), (Some(parent), Some(parent))] {
        for newest_first in [false, true] {
            let assistant = assistant(1).id;
            let resolved = Some(true);
            let query =
                CommentListQuery { assistant, parent, newest_first, resolved, after, limit: 10 };
            let plan = plan(&comments::page::<Text>(Key::from(TENANT), &query));

            assert!(goes_by(&plan, "comments_in_order"), "{plan:#?}");
            assert!(plan.iter().any(|step| step.contains("comments_by_parent")), "{plan:#?}");
            let first = plan.first().unwrap();
            assert_eq!(after.is_some(), first.contains("id>?") || first.contains("id<?"));
        }
    }
}

#[test]
fn what_is_new_to_a_user_is_counted_without_the_comments() {
    let plan = plan(&comments::unread(Key::from(TENANT), ADA, assistant(1).id));

    assert!(goes_by(&plan, "COVERING INDEX comments_by_age"), "{plan:#?}");
    assert!(plan.iter().any(|step| step.contains("created_at>?")), "{plan:#?}");
}

#[test]
fn deliveries_that_are_due_are_found_by_index_in_order() {
    let due = plan(&webhooks::due(at(0), 10));
    let of_webhook = webhook_deliveries::table
        .filter(webhook_deliveries::organization_id.eq(""))
        .filter(webhook_deliveries::webhook_id.eq(""))
        .filter(webhook_deliveries::id.lt(""))
        .order(webhook_deliveries::id.desc())
        .select(webhook_deliveries::attempts);
    let of_webhook = plan(&of_webhook);

    assert!(goes_by(&due, "webhook_deliveries_by_turn"), "{due:#?}");
    assert!(goes_by(&of_webhook, "webhook_deliveries_in_order"), "{of_webhook:#?}");
}

#[test]
fn webhooks_that_are_behind_are_found_without_the_others_logs() {
    let plan = plan(&webhooks::behind(10));

    // All that are enabled are looked at, and nothing else of them but the index.
    assert!(
        plan.contains(&"SCAN w USING COVERING INDEX webhooks_by_cursor".to_owned()),
        "{plan:#?}"
    );
    assert!(plan.iter().any(|step| step.starts_with("SEARCH h USING PRIMARY KEY")), "{plan:#?}");
}

#[test]
fn rules_are_found_by_index() {
    let query =
        RuleListQuery { filter: RuleFilter::default(), after: None, limit: 10, count: false };
    let page = plan(&rules::page::<Text>(Key::from(TENANT), &query));
    let attached = rules::attached()
        .filter(rule_attachments::organization_id.eq(""))
        .filter(rule_attachments::entity_kind.eq(""))
        .filter(rule_attachments::entity_id.eq(""))
        .select(rule_attachments::priority);
    let attached = plan(&attached);

    assert!(goes_by(&page, "rules_by_name"), "{page:#?}");
    assert!(goes_by(&attached, "rule_attachments_by_entity"), "{attached:#?}");
}

#[test]
fn users_and_tokens_are_found_by_what_they_are_for() {
    let user = users::table
        .filter(users::organization_id.eq(""))
        .filter(users::external_id.eq(""))
        .select(users::name);
    let tokens = api_tokens::table
        .filter(api_tokens::organization_id.eq(""))
        .filter(api_tokens::assistant_id.eq(""))
        .order((api_tokens::created_at.desc(), api_tokens::id.desc()))
        .select(api_tokens::notes);
    let (user, tokens) = (plan(&user), plan(&tokens));

    assert!(goes_by(&user, "users_by_external_id"), "{user:#?}");
    assert!(goes_by(&tokens, "api_tokens_by_assistant"), "{tokens:#?}");
}
