//! The permission matrix: every operation of the OpenAPI document, asked by every
//! kind of person with every kind of credential (safety.md, 'tenants and access').
//!
//! What each operation needs stands in [`operations`]; an operation of the document
//! that is not there fails. What somebody may do is worked out by [`people`] anew,
//! from the words of the specification, not from the code that is tested. Whoever
//! is refused must leave no trace in the audit log.

mod operations;
mod people;
mod things;
mod world;

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::Value;
use understudy_http_api::openapi_json;
use understudy_tests::TestStore;

use self::{
    operations::{Need, Operation, operation},
    people::{Expected, PEOPLE, SHOWN, Show, Standing, expected},
    world::World,
};

/// How one cell came out.
struct Cell {
    standing: Standing,
    show: Show,
    status: u16,
    expected: Expected,
}

/// Every operation of the document: its name, method and path.
fn documented() -> Vec<(String, Method, String)> {
    let document: Value = serde_json::from_str(&openapi_json()).unwrap();
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Some(name) = operation["operationId"].as_str() else { continue };
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            all.push((name.to_owned(), method, path.clone()));
        }
    }
    all
}

/// What the table says of an operation; a HEAD is as its GET.
fn found(name: &str, method: &Method) -> Option<Operation> {
    let name = if *method == Method::HEAD { name.trim_end_matches("Head") } else { name };
    operation(name)
}

#[test]
fn every_operation_of_the_document_is_in_the_matrix() {
    let all = documented();
    let missing: Vec<_> = all
        .iter()
        .filter(|(name, method, _)| found(name, method).is_none())
        .map(|(name, ..)| name)
        .collect();

    assert!(all.len() > 100, "the document was not read");
    assert!(missing.is_empty(), "not in tests/api/matrix/operations.rs: {missing:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_may_do_exactly_what_is_specified_on_sqlite() {
    everybody_may_do_exactly_what_is_specified(understudy_tests::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_may_do_exactly_what_is_specified_on_postgres() {
    everybody_may_do_exactly_what_is_specified(understudy_tests::postgres().await).await;
}

/// Asks for everything in every way.
async fn everybody_may_do_exactly_what_is_specified(store: TestStore) {
    let world = World::on(store).await;
    let (mut wrong, mut cells) = (Vec::new(), 0);
    for (name, method, path) in documented() {
        let Some(operation) = found(&name, &method) else { continue };
        let row = row(&world, &operation, &method, &path).await;
        cells += row.len();
        if name == "logOut" {
            world.log_in_again().await;
        }
        for Cell { standing, show, status, expected } in row {
            if !expected.allows(status, operation.also) {
                wrong.push(format!(
                    "{name}: {standing:?} with {show:?}: {status}, not {expected:?}"
                ));
            }
        }
    }
    eprintln!("permission matrix: {cells} cells");
    world.stop().await;

    let summary = summary(&wrong);
    assert!(wrong.is_empty(), "{} of {cells} cells are wrong\n{summary}", wrong.len());
}

fn summary(wrong: &[String]) -> String {
    let mut shown: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in wrong {
        let (name, rest) = line.split_once(": ").unwrap_or((line, ""));
        shown.entry(name).or_default().push(rest);
    }
    let lines = shown.into_iter().map(|(name, rest)| {
        format!(
            "{name} ({}): {}",
            rest.len(),
            rest.into_iter().take(4).collect::<Vec<_>>().join("; ")
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// All cells of one operation: first those that are refused, which must change
/// nothing, then those that are let in, each on a state made ready for it.
async fn row(world: &World, operation: &Operation, method: &Method, path: &str) -> Vec<Cell> {
    let all = PEOPLE.iter().flat_map(|standing| SHOWN.iter().map(move |show| (*standing, *show)));
    let (let_in, refused): (Vec<_>, Vec<_>) = all
        .map(|(standing, show)| (standing, show, expected(operation, method, standing, show)))
        .partition(|(.., expected)| *expected == Expected::Success);
    let mut cells = Vec::new();
    if let Some((first, ..)) = refused.first() {
        let place = world.ready(operation, method, path, *first).await;
        let before = world.events().await;
        let own = matches!(
            operation.need,
            Need::Own(_) | Need::OwnSeat(_) | Need::OwnFreeSeat(_) | Need::OwnAnswer(_)
        );
        for (standing, show, expected) in refused {
            let place = if own {
                world.ready(operation, method, path, standing).await
            } else {
                place.clone()
            };
            let request = world.request(operation, method, &place, (standing, show));
            let status = request.send().await.status.as_u16();
            cells.push(Cell { standing, show, status, expected });
        }
        let after = world.events().await;
        // What is one's own was made in between.
        assert!(own || before == after, "{method} {path}: somebody who was refused left a trace");
    }
    let mut place = String::new();
    let mut last = None;
    for (standing, show, expected) in let_in {
        // What only reads needs its things once.
        if !method.is_safe() || last != Some(standing) {
            place = world.ready(operation, method, path, standing).await;
            last = Some(standing);
        }
        let request = world.request(operation, method, &place, (standing, show));
        let status = request.send().await.status.as_u16();
        cells.push(Cell { standing, show, status, expected });
    }
    cells
}
