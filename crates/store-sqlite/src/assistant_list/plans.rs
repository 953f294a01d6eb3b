//! How SQLite goes about the queries whose cost must not grow.

use diesel::sql_types::{BigInt, Text};
use understudy_domain::{
    OrganizationId, TagId, UserId,
    access::Standing,
    assistant::{content::AssistantKind, policy::AccessMode},
    ports::{AssistantFilter, AssistantListQuery, Position, PositionKey, Sort, SortKey},
};
use uuid::Uuid;

use super::{Search, Walk};
use crate::tests::plans::{plan, scans};

fn everything() -> AssistantFilter {
    AssistantFilter {
        q: Some("x".to_owned()),
        kind: Some(AssistantKind::Custom),
        owner: None,
        access_mode: Some(AccessMode::Private),
        model: Some("x".to_owned()),
        is_active: Some(true),
        api_enabled_only: true,
        visible_in_chat_to: Some(UserId::from_uuid(Uuid::nil())),
        metadata: vec![("a".to_owned(), "b".to_owned())],
        only: None,
        tag: Some(TagId::from_uuid(Uuid::nil())),
        favorite_of: None,
    }
}

fn nothing() -> AssistantFilter {
    AssistantFilter {
        q: None,
        kind: None,
        owner: None,
        access_mode: None,
        model: None,
        is_active: None,
        api_enabled_only: false,
        visible_in_chat_to: None,
        metadata: vec![],
        only: None,
        tag: None,
        favorite_of: None,
    }
}

/// Every shape of list there is.
fn queries() -> Vec<AssistantListQuery> {
    let mut queries = Vec::new();
    for key in [SortKey::UpdatedAt, SortKey::CreatedAt, SortKey::Name] {
        for descending in [false, true] {
            for filter in [nothing(), everything()] {
                for is_behind in [false, true] {
                    let text = PositionKey::Text("x".to_owned());
                    let after = is_behind.then_some(Position { key: text, id: Uuid::nil() });
                    queries.push(AssistantListQuery {
                        standing: Standing {
                            organization: OrganizationId::from_uuid(Uuid::nil()),
                            administers: true,
                            keys: vec![],
                        },
                        filter: filter.clone(),
                        sort: Sort { key, descending },
                        after,
                        limit: 50,
                        count: true,
                    });
                }
            }
        }
    }
    queries
}

#[test]
fn every_walk_of_a_list_follows_its_index_in_order() {
    for query in queries() {
        let search = Search::new(&query).unwrap();
        let lookup = search.lookups.first().unwrap();
        let index = format!("in_order_{}", search.column());
        for walk in [Walk::Organization, Walk::Audience(lookup)] {
            let plan = plan(&search.walk::<Text>(walk));

            let first = plan.first().unwrap();
            assert!(first.starts_with("SEARCH w USING") && first.contains(&index), "{plan:#?}");
            assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{plan:#?}");
            assert!(!scans(&plan), "{plan:#?}");
            // Behind a position it begins there and does not count its way.
            assert_eq!(
                query.after.is_some(),
                first.contains("id)<") || first.contains("id)>"),
                "{plan:#?}"
            );
        }
    }
}

#[test]
fn a_list_of_favourites_begins_with_them() {
    let user = UserId::from_uuid(Uuid::nil());
    for mut query in queries() {
        query.filter.favorite_of = Some(user);
        let search = Search::new(&query).unwrap();
        let walks = search.walks().into_iter().map(|walk| plan(&search.walk::<Text>(walk)));
        for plan in walks.chain([plan(&search.count::<BigInt>())]) {
            let mut steps = plan.iter().filter(|step| step.starts_with("SEARCH"));
            let first = steps.next().unwrap();
            assert!(first.starts_with("SEARCH f USING PRIMARY KEY"), "{plan:#?}");
            assert!(!scans(&plan), "{plan:#?}");
        }
    }
}

#[test]
fn counting_a_list_reads_only_what_the_caller_may_see() {
    for query in queries() {
        let search = Search::new(&query).unwrap();
        let plan = plan(&search.count::<BigInt>());

        assert!(!scans(&plan), "{plan:#?}");
    }
}
