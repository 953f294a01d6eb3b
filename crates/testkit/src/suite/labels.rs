//! Tags and favourites.

use understudy_domain::{Assistant, AssistantRef, Tag, ports::Store};

use super::stage::{add, assert_conflict, assert_taken, begin, home, people, refusal};
use crate::sample::{Members, assistant, id, instant, organization, tag, user};

fn named(n: u32, name: &str) -> Tag {
    Tag { name: name.to_owned(), ..tag(n) }
}

async fn found(store: &dyn Store, n: u32) -> Option<Tag> {
    let in_work = begin(store).await.labels().find(id(n)).await.unwrap();
    let tags = store.labels().tags(home()).await.unwrap();
    assert_eq!(tags.into_iter().find(|tag| tag.id == id(n)), in_work);
    in_work
}

/// A tag reads back as it was written, with a colour or without.
pub async fn a_saved_tag_reads_back_equal(store: &dyn Store) {
    people(store, 0).await;
    let full = Tag {
        name: "Größe – «XL» 100 % 🏷".to_owned(),
        color: "#00ffAA".to_owned(),
        created_at: instant(123_456),
        updated_at: instant(234_567),
        revision: 7,
        ..tag(1)
    };
    let bare = Tag { color: String::new(), ..tag(2) };
    add(store, vec![full.clone().into(), bare.clone().into()]).await;

    assert_eq!(found(store, 1).await, Some(full));
    assert_eq!(found(store, 2).await, Some(bare));
    assert_eq!(found(store, 9).await, None);
}

/// Tags are listed by name whatever its case, and nobody else's.
pub async fn tags_are_listed_by_name(store: &dyn Store) {
    people(store, 0).await;
    add(store, vec![organization(2).into(), tag(9).of(2).into()]).await;
    let tags = [named(1, "beta"), named(2, "Gamma"), named(3, "ALPHA"), named(4, "ärger")];
    add(store, tags.iter().cloned().map(Into::into).collect()).await;

    let [beta, gamma, alpha, umlaut] = tags;
    assert_eq!(store.labels().tags(home()).await.unwrap(), [alpha, beta, gamma, umlaut]);
}

/// A changed tag has its next revision.
pub async fn an_updated_tag_reads_back_with_its_next_revision(store: &dyn Store) {
    people(store, 0).await;
    add(store, vec![tag(1).into()]).await;
    let changed = Tag { color: String::new(), updated_at: instant(9), ..named(1, "Other") };
    let mut work = begin(store).await;
    let updated = work.labels().update(changed.clone()).await.unwrap();
    work.commit().await.unwrap();

    assert_eq!(updated, Tag { revision: 2, ..changed });
    assert_eq!(found(store, 1).await, Some(updated));
}

/// The second of two changes of the same revision is refused, and that of no tag.
pub async fn a_stale_tag_conflicts(store: &dyn Store) {
    people(store, 0).await;
    add(store, vec![tag(1).into()]).await;
    let mut work = begin(store).await;
    work.labels().update(tag(1)).await.unwrap();
    work.commit().await.unwrap();

    assert_conflict(&begin(store).await.labels().update(tag(1)).await.unwrap_err());
    assert_conflict(&begin(store).await.labels().update(tag(9)).await.unwrap_err());
}

/// No two tags of an organization have the same name.
pub async fn a_tag_name_is_taken_in_whatever_case(store: &dyn Store) {
    people(store, 0).await;
    add(store, vec![named(1, "Ärzte").into(), tag(2).into()]).await;

    assert_taken(&refusal(store, named(3, "ÄRZTE")).await, "name");
    let error = begin(store).await.labels().update(named(2, "ärzte")).await.unwrap_err();
    assert_taken(&error, "name");
    let mut work = begin(store).await;
    assert_eq!(work.labels().update(named(1, "ÄRZTE")).await.unwrap().name, "ÄRZTE");
}

/// Names are free in other organizations, and when their tag is gone.
pub async fn a_tag_name_is_free_elsewhere_and_afterwards(store: &dyn Store) {
    people(store, 0).await;
    add(store, vec![organization(2).into(), named(2, "Ada").of(2).into()]).await;
    add(store, vec![named(1, "Ada").into()]).await;
    let mut work = begin(store).await;
    assert!(work.labels().delete(id(1)).await.unwrap());
    assert!(!work.labels().delete(id(1)).await.unwrap());
    work.labels().insert(&named(3, "ADA")).await.unwrap();
    work.commit().await.unwrap();

    assert_eq!(store.labels().tags(home()).await.unwrap(), [named(3, "ADA")]);
}

/// A removed tag comes off every assistant that has it, whose revisions count up, so
/// that nobody puts it back unseen.
pub async fn a_removed_tag_comes_off_every_assistant(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![tag(1).into(), tag(2).into()]).await;
    let tagged = |n, tags: &[u32]| Assistant {
        tags: tags.iter().map(|n| id(*n)).collect(),
        ..assistant(n, id(1), &format!("Assistant {n}"))
    };
    let deleted = Assistant { deleted_at: Some(instant(9)), ..tagged(3, &[1]) };
    let saved = [tagged(1, &[1, 2]), tagged(2, &[1]), deleted, tagged(4, &[2]), tagged(5, &[])];
    add(store, saved.iter().cloned().map(Into::into).collect()).await;
    let mut work = begin(store).await;
    assert!(work.labels().delete(id(1)).await.unwrap());
    work.commit().await.unwrap();

    for before in saved {
        let had = before.tags.contains(&id(1));
        let mut expected = Assistant { revision: if had { 2 } else { 1 }, ..before.clone() };
        expected.tags.remove(&id(1));
        let by_id = AssistantRef::Id(before.id);
        let found = store.assistants().find(home(), &by_id).await.unwrap().unwrap();
        assert_eq!(found.assistant, expected);
        let stale = begin(store).await.assistants().update(before).await;
        assert_eq!(stale.is_err(), had);
    }
}

/// Marks an assistant as a favourite of user `n`, and whether it was none.
async fn mark(store: &dyn Store, n: u32, assistant: u32, now: u32) -> bool {
    let mut work = begin(store).await;
    let is_new = work.labels().add_favorite(id(n), id(assistant), instant(now)).await.unwrap();
    work.commit().await.unwrap();
    is_new
}

/// A favourite is one since it was marked first, for one user, until it is unmarked.
pub async fn a_favorite_is_one_until_it_is_unmarked(store: &dyn Store) {
    people(store, 2).await;
    add(store, vec![assistant(1, id(1), "Ada").into(), assistant(2, id(1), "Bob").into()]).await;
    let since = async |user, n| store.labels().favorite(home(), id(user), id(n)).await.unwrap();
    assert_eq!(since(1, 1).await, None);
    assert!(mark(store, 1, 1, 123_456).await);
    assert!(!mark(store, 1, 1, 234_567).await);

    assert_eq!(since(1, 1).await, Some(instant(123_456)));
    assert_eq!((since(1, 2).await, since(2, 1).await), (None, None));
    let mut work = begin(store).await;
    assert!(work.labels().remove_favorite(id(1), id(1)).await.unwrap());
    assert!(!work.labels().remove_favorite(id(1), id(1)).await.unwrap());
    assert!(!work.labels().remove_favorite(id(2), id(1)).await.unwrap());
    work.commit().await.unwrap();
    assert_eq!(since(1, 1).await, None);
}

/// What another organization shows to everybody can be a favourite.
pub async fn an_assistant_of_another_organization_can_be_a_favorite(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![organization(2).into(), user(2).of(2).into()]).await;
    add(store, vec![assistant(2, id(2), "Bob").of(2).into()]).await;
    assert!(mark(store, 1, 2, 5).await);

    let since = store.labels().favorite(home(), id(1), id(2)).await.unwrap();
    assert_eq!(since, Some(instant(5)));
}

/// A removed user takes their favourites along, and nobody else's.
pub async fn a_removed_user_takes_their_favorites_along(store: &dyn Store) {
    people(store, 2).await;
    add(store, vec![assistant(1, id(1), "Ada").into()]).await;
    mark(store, 1, 1, 5).await;
    mark(store, 2, 1, 6).await;
    let mut work = begin(store).await;
    assert!(work.users().delete(id(2)).await.unwrap());
    work.commit().await.unwrap();

    let since = async |user| store.labels().favorite(home(), id(user), id(1)).await.unwrap();
    assert_eq!((since(1).await, since(2).await), (Some(instant(5)), None));
}
