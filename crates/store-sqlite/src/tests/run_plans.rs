//! How SQLite goes about the queries of conversations and runs.

use std::collections::BTreeMap;

use diesel::{ExpressionMethods, QueryDsl};
use understudy_domain::{ThreadId, conversation::Order, ports::ThreadFilter};
use uuid::Uuid;

use super::{
    plans::{goes_by, plan, scans},
    samples::{ADA, TENANT, assistant, at},
};
use crate::{
    automations, conversation_queries,
    conversations::{one_message, remembered},
    run_events, runs,
    schema::{
        approvals, automations as table, executions, memories, messages, run_events as events,
    },
    values::Key,
};

const ANY: Key = Key(Uuid::nil());

#[test]
fn threads_of_a_user_are_found_by_index_in_order() {
    let after = ThreadId::from_uuid(Uuid::nil());
    for order in [Order::Ascending, Order::Descending] {
        let filter = ThreadFilter {
            user: ADA,
            assistant: Some(assistant(1).id),
            q: Some("words".to_owned()),
            metadata: BTreeMap::from([("key".to_owned(), "value".to_owned())]),
            after: Some(after),
            order,
            limit: 10,
        };
        let plan = plan(&conversation_queries::page(Key::from(TENANT), &filter));

        assert!(goes_by(&plan, "threads_in_order"), "{plan:#?}");
        let first = plan.first().unwrap();
        assert!(first.contains("id>?") || first.contains("id<?"), "{plan:#?}");
    }
}

#[test]
fn messages_of_a_thread_are_found_by_their_positions() {
    let thread = ThreadId::from_uuid(Uuid::nil());
    for (order, bound) in [(Order::Ascending, "position>?"), (Order::Descending, "position<?")] {
        let page = conversation_queries::messages(Key::from(TENANT), thread, Some(7), order, 10);
        let plan = plan(&page);

        assert!(goes_by(&plan, "sqlite_autoindex_messages_1"), "{plan:#?}");
        assert!(plan.iter().any(|step| step.contains(bound)), "{plan:#?}");
    }
}

#[test]
fn a_message_of_a_thread_is_found_by_its_id() {
    let any = Key::from(TENANT);
    let plan = plan(&one_message(any, any, any).select(messages::document));

    assert!(goes_by(&plan, "messages_by_id"), "{plan:#?}");
}

#[test]
fn events_of_a_run_are_found_by_their_sequences() {
    let plan = plan(&run_events::behind(ANY, ANY, 7).select(events::data));

    assert!(goes_by(&plan, "PRIMARY KEY"), "{plan:#?}");
    assert!(plan.iter().any(|step| step.contains("sequence>?")), "{plan:#?}");
}

#[test]
fn what_belongs_to_something_is_found_by_index_in_order() {
    let memories = remembered(ANY, ANY, ANY).order(memories::id.desc()).select(memories::document);
    let plans = [
        ("memories_in_order", plan(&memories)),
        ("approvals_in_order", plan(&runs::approvals_of(ANY, ANY).select(approvals::document))),
        ("automations_by_name", plan(&automations::in_order(ANY).select(table::document))),
        (
            "executions_in_order",
            plan(&automations::before(ANY, ANY, ANY).select(executions::document)),
        ),
        ("COVERING INDEX runs_by_user", plan(&runs::active(ANY, ADA))),
    ];

    for (index, plan) in plans {
        assert!(goes_by(&plan, index), "{index}: {plan:#?}");
    }
}

#[test]
fn runs_that_nobody_works_on_are_found_by_index() {
    let plan = plan(&runs::abandoned(at(0), at(0), 10));

    assert!(goes_by(&plan, "runs_by_lease (lease_until<?)"), "{plan:#?}");
    assert!(goes_by(&plan, "runs_by_turn"), "{plan:#?}");
}

#[test]
fn runs_that_wait_are_all_that_is_looked_at_for_overdue_ones() {
    let plan = plan(&runs::overdue(at(0), 10));

    assert!(plan.contains(&"SCAN r USING COVERING INDEX runs_that_wait".to_owned()), "{plan:#?}");
    assert!(plan.iter().any(|step| step.contains("approvals_in_order")), "{plan:#?}");
}

#[test]
fn runs_that_are_long_over_are_found_by_index() {
    let forgettable = plan(&runs::forgettable(at(0), 10));
    let swept = plan(&run_events::swept(at(0), 10));

    assert!(goes_by(&forgettable, "runs_to_forget (finished_at<?)"), "{forgettable:#?}");
    assert!(goes_by(&swept, "runs_to_sweep (finished_at<?)"), "{swept:#?}");
    assert!(!scans(&swept), "{swept:#?}");
}
