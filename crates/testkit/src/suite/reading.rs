//! Single assistants as queries give them.

use understudy_domain::{
    Assistant, AssistantRef, Policy,
    assistant::policy::AccessMode,
    ports::{AssistantRecord, DraftMark, Store},
};

use super::stage::{add, home, people};
use crate::sample::{Members, assistant, draft_of, id, instant, organization, user};

async fn by_id(store: &dyn Store, n: u32) -> Option<AssistantRecord> {
    store.assistants().find(home(), &AssistantRef::Id(id(n))).await.unwrap()
}

/// A live assistant comes with the mark of its draft, if it has one.
pub async fn a_live_assistant_comes_with_its_draft_mark(store: &dyn Store) {
    people(store, 1).await;
    let (ada, bob) = (assistant(1, id(1), "Ada"), assistant(2, id(1), "Bob"));
    let draft = draft_of(3, &ada);
    add(store, vec![ada.clone().into(), bob.clone().into(), draft.into()]).await;

    let mark = Some(DraftMark { id: id(3) });
    let with_draft = AssistantRecord { assistant: ada, live: None, draft: mark };
    assert_eq!(by_id(store, 1).await, Some(with_draft));
    let without = AssistantRecord { assistant: bob, live: None, draft: None };
    assert_eq!(by_id(store, 2).await, Some(without));
}

/// A draft comes with its live assistant, whose owner and policy decide.
pub async fn a_draft_comes_with_its_live_assistant(store: &dyn Store) {
    people(store, 1).await;
    let live = assistant(1, id(1), "Ada");
    let draft = draft_of(2, &live);
    add(store, vec![live.clone().into(), draft.clone().into()]).await;

    let expected = AssistantRecord { assistant: draft, live: Some(Box::new(live)), draft: None };
    assert_eq!(by_id(store, 2).await, Some(expected));
}

/// A slug finds what the id finds, deleted or not.
pub async fn a_slug_finds_what_the_id_finds(store: &dyn Store) {
    people(store, 1).await;
    let live = assistant(1, id(1), "Ada");
    let gone = Assistant { deleted_at: Some(instant(9)), ..assistant(2, id(1), "Bob") };
    add(store, vec![live.clone().into(), gone.clone().into(), draft_of(3, &live).into()]).await;

    for (n, saved) in [(1, live), (2, gone)] {
        let slug = AssistantRef::Slug(saved.slug.clone().unwrap());
        let by_slug = store.assistants().find(home(), &slug).await.unwrap();
        assert_eq!(by_slug.as_ref().map(|record| &record.assistant), Some(&saved));
        assert_eq!(by_slug, by_id(store, n).await);
    }
}

/// Of other organizations, live assistants for everyone are found, by id only.
pub async fn foreign_assistants_are_found_by_id_when_they_are_for_everyone(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![organization(2).into(), user(2).of(2).into()]).await;
    let modes = [
        (AccessMode::Private, false),
        (AccessMode::Restricted, false),
        (AccessMode::Department, false),
        (AccessMode::Organization, false),
        (AccessMode::Global, true),
        (AccessMode::Public, true),
    ];
    for ((mode, reachable), n) in modes.into_iter().zip(1..) {
        let policy = Policy { access_mode: mode, ..Policy::default() };
        let foreign = Assistant { policy, ..assistant(n, id(2), mode.as_str()).of(2) };
        add(store, vec![foreign.clone().into()]).await;

        let found = by_id(store, n).await.map(|record| record.assistant);
        assert_eq!(found, reachable.then_some(foreign.clone()), "{mode:?}");
        let slug = AssistantRef::Slug(foreign.slug.unwrap());
        assert_eq!(store.assistants().find(home(), &slug).await.unwrap(), None, "{mode:?}");
    }
}

/// Drafts and deleted assistants of other organizations are found by nobody, and
/// a foreign assistant does not tell of its draft.
pub async fn foreign_drafts_and_deleted_assistants_are_not_found(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![organization(2).into(), user(2).of(2).into()]).await;
    let policy = Policy { access_mode: AccessMode::Global, ..Policy::default() };
    let live = Assistant { policy: policy.clone(), ..assistant(1, id(2), "Live").of(2) };
    let deleted_at = Some(instant(9));
    let gone = Assistant { policy, deleted_at, ..assistant(2, id(2), "Gone").of(2) };
    let draft = draft_of(3, &live);
    add(store, vec![live.clone().into(), gone.into(), draft.into()]).await;

    let expected = AssistantRecord { assistant: live, live: None, draft: None };
    assert_eq!(by_id(store, 1).await, Some(expected));
    assert_eq!(by_id(store, 2).await, None);
    assert_eq!(by_id(store, 3).await, None);
}

/// The default is found with its draft mark; another organization has its own.
pub async fn the_default_is_the_organizations_own(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![organization(2).into(), user(2).of(2).into()]).await;
    let default = Assistant { is_default: true, ..assistant(1, id(1), "Ada") };
    let draft = draft_of(2, &default);
    add(store, vec![default.clone().into(), assistant(3, id(1), "Bob").into()]).await;
    add(store, vec![draft.into()]).await;

    let mark = Some(DraftMark { id: id(2) });
    let expected = AssistantRecord { assistant: default, live: None, draft: mark };
    assert_eq!(store.assistants().default_of(home()).await.unwrap(), Some(expected));
    assert_eq!(store.assistants().default_of(id(2)).await.unwrap(), None);
}
