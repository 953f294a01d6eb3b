//! Teams and their members.

use understudy_domain::{Assistant, Principal, Team, TeamRole, ports::Store};

use super::stage::{add, assert_conflict, assert_taken, begin, home, people, refusal};
use crate::sample::{Members, assistant, draft_of, id, instant, organization, team};

/// A team reads back as it was written.
pub async fn a_saved_team_reads_back_equal(store: &dyn Store) {
    people(store, 3).await;
    let saved = Team {
        name: "Ärzte ohne Grenzen 🩺".to_owned(),
        created_at: instant(111_111),
        updated_at: instant(222_222),
        revision: 4,
        ..team(1, [(id(1), TeamRole::Admin), (id(3), TeamRole::Member)])
    };
    add(store, vec![saved.clone().into()]).await;

    assert_eq!(begin(store).await.teams().find(id(1)).await.unwrap(), Some(saved.clone()));
    assert_eq!(store.directory().team(home(), id(1)).await.unwrap(), Some(saved));
}

/// A team that is not there is `None`.
pub async fn an_unknown_team_is_none(store: &dyn Store) {
    people(store, 1).await;

    assert!(begin(store).await.teams().find(id(9)).await.unwrap().is_none());
    assert!(store.directory().team(home(), id(9)).await.unwrap().is_none());
}

/// An update replaces the members: some go, some come, some change their role.
pub async fn an_updated_team_has_the_new_members_only(store: &dyn Store) {
    people(store, 3).await;
    add(store, vec![team(1, [(id(1), TeamRole::Admin), (id(2), TeamRole::Member)]).into()]).await;
    let changed = Team {
        name: "Renamed".to_owned(),
        updated_at: instant(500),
        ..team(1, [(id(2), TeamRole::Admin), (id(3), TeamRole::Member)])
    };
    let mut work = begin(store).await;
    let updated = work.teams().update(changed.clone()).await.unwrap();
    work.commit().await.unwrap();

    assert_eq!(updated, Team { revision: 2, ..changed });
    assert_eq!(store.directory().team(home(), id(1)).await.unwrap(), Some(updated));
}

/// The second of two changes of the same revision is refused.
pub async fn a_stale_team_conflicts(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![team(1, []).into()]).await;
    let mut work = begin(store).await;
    work.teams().update(team(1, [])).await.unwrap();
    work.commit().await.unwrap();

    assert_conflict(&begin(store).await.teams().update(team(1, [])).await.unwrap_err());
    assert_conflict(&begin(store).await.teams().update(team(9, [])).await.unwrap_err());
}

/// No two teams of an organization have the same name, in whatever case.
pub async fn a_team_name_is_taken_in_whatever_case(store: &dyn Store) {
    people(store, 1).await;
    let named = |n, name: &str| Team { name: name.to_owned(), ..team(n, []) };
    add(store, vec![named(1, "Größe").into(), team(2, []).into()]).await;

    assert_taken(&refusal(store, named(3, "GRÖßE")).await, "name");
    let error = begin(store).await.teams().update(named(2, "größe")).await.unwrap_err();
    assert_taken(&error, "name");
}

/// Another organization's team may have the name.
pub async fn a_team_name_is_free_in_another_organization(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![team(1, []).into(), organization(2).into()]).await;
    let twin = Team { name: team(1, []).name, ..team(2, []) }.of(2);
    add(store, vec![twin.clone().into()]).await;

    assert_eq!(store.directory().team(id(2), id(2)).await.unwrap(), Some(twin));
}

/// A team that was removed is gone, and its name is free.
pub async fn a_removed_team_frees_its_name(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![team(1, [(id(1), TeamRole::Admin)]).into()]).await;
    let mut work = begin(store).await;
    assert!(work.teams().delete(id(1)).await.unwrap());
    assert!(!work.teams().delete(id(1)).await.unwrap());
    work.teams().insert(&Team { name: team(1, []).name, ..team(2, []) }).await.unwrap();
    work.commit().await.unwrap();

    assert!(store.directory().team(home(), id(1)).await.unwrap().is_none());
    assert!(store.directory().team(home(), id(2)).await.unwrap().is_some());
}

/// A team owns assistants as long as one of them is not deleted.
pub async fn only_assistants_that_are_not_deleted_are_owned(store: &dyn Store) {
    people(store, 1).await;
    let of_team =
        |n, name| Assistant { owner: Principal::Team(id(1)), ..assistant(n, id(1), name) };
    let deleted = Assistant { deleted_at: Some(instant(9)), ..of_team(1, "Deleted") };
    add(store, vec![team(1, []).into(), team(2, []).into(), deleted.clone().into()]).await;
    assert!(!begin(store).await.teams().owns_assistants(id(1)).await.unwrap());

    let live = of_team(2, "Live");
    add(store, vec![live.clone().into(), draft_of(3, &live).into()]).await;

    assert!(begin(store).await.teams().owns_assistants(id(1)).await.unwrap());
    assert!(!begin(store).await.teams().owns_assistants(id(2)).await.unwrap());
}

/// A team whose assistants are all deleted can go; they stay.
pub async fn a_team_can_go_when_its_assistants_are_deleted(store: &dyn Store) {
    people(store, 1).await;
    let deleted = Assistant {
        owner: Principal::Team(id(1)),
        deleted_at: Some(instant(9)),
        ..assistant(1, id(1), "Deleted")
    };
    add(store, vec![team(1, []).into(), deleted.clone().into()]).await;
    let mut work = begin(store).await;
    assert!(work.teams().delete(id(1)).await.unwrap());
    work.commit().await.unwrap();

    assert_eq!(begin(store).await.assistants().find(id(1)).await.unwrap(), Some(deleted));
}
