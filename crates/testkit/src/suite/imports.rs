//! Where imported assistants come from.

use understudy_domain::ports::Store;

use super::stage::{add, begin, people};
use crate::sample::{assistant, id};

/// An import is found under the very identifier it was noted with.
pub async fn a_noted_import_is_found(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![assistant(1, id(1), "Ada").into()]).await;
    let mut work = begin(store).await;
    work.imports().save("okchat:größe/1", id(1)).await.unwrap();
    assert_eq!(work.imports().find("okchat:größe/1").await.unwrap(), Some(id(1)));
    work.commit().await.unwrap();

    let mut work = begin(store).await;
    assert_eq!(work.imports().find("okchat:größe/1").await.unwrap(), Some(id(1)));
    for other in ["okchat:GRÖßE/1", "okchat:größe/", "", "okchat:%"] {
        assert_eq!(work.imports().find(other).await.unwrap(), None, "{other:?}");
    }
}

/// A later import takes the place of an earlier one; an assistant may have several.
pub async fn an_import_is_replaced(store: &dyn Store) {
    people(store, 1).await;
    add(store, [1, 2].map(|n| assistant(n, id(1), &format!("{n}")).into()).into()).await;
    for (external, n) in [("a", 1), ("b", 1), ("a", 2), ("a", 2)] {
        let mut work = begin(store).await;
        work.imports().save(external, id(n)).await.unwrap();
        work.commit().await.unwrap();
    }

    let mut work = begin(store).await;
    assert_eq!(work.imports().find("a").await.unwrap(), Some(id(2)));
    assert_eq!(work.imports().find("b").await.unwrap(), Some(id(1)));
}
