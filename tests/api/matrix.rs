//! The permission matrix: every operation of the OpenAPI document, asked by every
//! kind of person with every kind of credential (safety.md, 'tenants and access').
//!
//! What each operation needs stands in [`operations`]; an operation of the document
//! that is not there fails. What somebody may do is worked out by [`people`] anew,
//! from the words of the specification, not from the code that is tested. Whoever
//! is refused must leave no trace in the audit log.
//!
//! Each area of the table is asked about in a world and in tests of its own: what
//! one operation leaves behind burdens few others, and no test is long.

mod operations;
mod people;
mod things;
mod world;

use std::collections::{BTreeMap, HashMap};

use futures_util::{StreamExt, stream};
use reqwest::Method;
use understudy_tests::TestStore;

use self::{
    operations::{
        Area, Need, Operation, administration, assistants, content, open, own, running, sharing,
    },
    people::{Expected, PEOPLE, SHOWN, Show, Standing, expected},
    world::World,
};
use crate::contract::DOCUMENT;

/// How many of those who are refused ask at a time.
const AT_A_TIME: usize = 8;

/// Makes the areas of the table known, and the tests of each.
macro_rules! areas {
    ($($area:ident),+) => {
        const AREAS: &[Area] = &[$($area),+];

        $(mod $area {
            use super::{Area, everybody_may_do_exactly_what_is_specified};

            const AREA: Area = super::$area;

            #[tokio::test(flavor = "multi_thread")]
            async fn everybody_may_do_exactly_what_is_specified_on_sqlite() {
                let store = understudy_tests::sqlite().await;
                everybody_may_do_exactly_what_is_specified(AREA, store).await;
            }

            #[tokio::test(flavor = "multi_thread")]
            async fn everybody_may_do_exactly_what_is_specified_on_postgres() {
                let store = understudy_tests::postgres().await;
                everybody_may_do_exactly_what_is_specified(AREA, store).await;
            }
        })+
    };
}

areas!(open, assistants, running, content, sharing, own, administration);

/// How one cell came out.
struct Cell {
    standing: Standing,
    show: Show,
    status: u16,
    expected: Expected,
}

/// Every operation of the document: its name, method and path.
fn documented() -> Vec<(String, Method, String)> {
    let mut all = Vec::new();
    for (path, item) in DOCUMENT["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Some(name) = operation["operationId"].as_str() else { continue };
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            all.push((name.to_owned(), method, path.clone()));
        }
    }
    all
}

/// What an area says of an operation; a HEAD is as its GET.
fn found(area: Area, name: &str, method: &Method) -> Option<Operation> {
    area(if *method == Method::HEAD { name.trim_end_matches("Head") } else { name })
}

#[test]
fn every_operation_of_the_document_is_in_one_area_of_the_matrix() {
    let all = documented();
    let astray: Vec<_> = all
        .iter()
        .map(|(name, method, _)| {
            (name, AREAS.iter().filter(|area| found(**area, name, method).is_some()).count())
        })
        .filter(|(_, areas)| *areas != 1)
        .collect();

    assert!(all.len() > 100, "the document was not read");
    assert!(astray.is_empty(), "not once in tests/api/matrix/operations.rs: {astray:?}");
}

/// Asks for everything of an area in every way.
async fn everybody_may_do_exactly_what_is_specified(area: Area, store: TestStore) {
    let world = World::on(store).await;
    let (mut wrong, mut cells) = (Vec::new(), 0);
    for (name, method, path) in documented() {
        let Some(operation) = found(area, &name, &method) else { continue };
        let row = row(&world, &operation, (&method, &path)).await;
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
    assert!(cells > 0, "nothing was asked");
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

/// Somebody who asks, with what, and what must come of it.
type Asked = (Standing, Show, Expected);

/// All cells of one operation: first those that are refused, which must change
/// nothing, then those that are let in.
async fn row(world: &World, operation: &Operation, at: (&Method, &str)) -> Vec<Cell> {
    let all = PEOPLE.iter().flat_map(|standing| SHOWN.iter().map(move |show| (*standing, *show)));
    let (let_in, refused): (Vec<Asked>, Vec<Asked>) = all
        .map(|(standing, show)| (standing, show, expected(operation, at.0, standing, show)))
        .partition(|(.., expected)| *expected == Expected::Success);
    let mut cells = those_refused(world, operation, at, &refused).await;
    cells.extend(those_let_in(world, operation, at, &let_in).await);
    cells
}

/// They ask for the same thing, or each for what is their own: none uses it up.
async fn those_refused(
    world: &World,
    operation: &Operation,
    at: (&Method, &str),
    refused: &[Asked],
) -> Vec<Cell> {
    let own = matches!(
        operation.need,
        Need::Own(_) | Need::OwnSeat(_) | Need::OwnFreeSeat(_) | Need::OwnAnswer(_)
    );
    let mut places: HashMap<Standing, String> = HashMap::new();
    for (standing, ..) in refused {
        if places.contains_key(standing) {
            continue;
        }
        let place = match places.values().next() {
            Some(place) if !own => place.clone(),
            _ => world.ready(operation, at, *standing, false).await,
        };
        places.insert(*standing, place);
    }
    let before = world.events().await;
    let cells = stream::iter(refused)
        .map(|(standing, show, expected)| {
            let request = world.request(operation, at.0, &places[standing], (*standing, *show));
            async move {
                let status = request.send().await.status.as_u16();
                Cell { standing: *standing, show: *show, status, expected: *expected }
            }
        })
        .buffered(AT_A_TIME)
        .collect()
        .await;
    let after = world.events().await;
    assert!(before == after, "{at:?}: somebody who was refused left a trace");
    cells
}

/// They ask one behind the other, each on a state that is ready for it.
async fn those_let_in(
    world: &World,
    operation: &Operation,
    at: (&Method, &str),
    let_in: &[Asked],
) -> Vec<Cell> {
    let uses_up = operation.uses_up(at.0);
    let (mut cells, mut place, mut last) = (Vec::new(), String::new(), None);
    let mut answer = None;
    for (standing, show, expected) in let_in {
        if uses_up || last != Some(standing) {
            place = world.ready(operation, at, *standing, uses_up).await;
            last = Some(standing);
        }
        let request = world.request(operation, at.0, &place, (*standing, *show));
        let status = request.status_behind(&mut answer).await;
        cells.push(Cell { standing: *standing, show: *show, status, expected: *expected });
    }
    cells
}
