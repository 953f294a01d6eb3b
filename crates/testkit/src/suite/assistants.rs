//! Assistants and drafts.

use std::collections::BTreeMap;

use understudy_domain::{
    Assistant, AssistantRef, Content, Principal, Share, ShareLevel, TeamRole,
    assistant::content::IconImage, ports::Store,
};

use super::stage::{add, assert_conflict, assert_taken, begin, home, people, refusal};
use crate::sample::{
    Members, assistant, draft_of, full_content, full_policy, icon, id, instant, organization,
    share, slug, team, touched, user, with_files,
};

/// An assistant with nothing at its default but what excludes something else.
fn full_assistant() -> Assistant {
    Assistant {
        owner: Principal::Team(id(1)),
        slug: Some(slug("groesse-7")),
        created_at: instant(123_456),
        updated_at: instant(234_567),
        is_default: true,
        version: 41,
        revision: 77,
        content: full_content("Größe 7 – «Ada» 👩‍🚀"),
        policy: full_policy([id(1), id(2)]),
        shares: full_shares(),
        tags: [id(1), id(2)].into(),
        ..assistant(1, id(2), "")
    }
}

fn full_shares() -> BTreeMap<Principal, Share> {
    let change = Share { created_at: instant(345_678), ..share(ShareLevel::Write) };
    let users = [(1, share(ShareLevel::Admin)), (2, change)];
    let users = users.into_iter().map(|(n, share)| (Principal::User(id(n)), share));
    users.chain([(Principal::Team(id(1)), share(ShareLevel::Read))]).collect()
}

fn deleted(assistant: Assistant) -> Assistant {
    Assistant { deleted_at: Some(instant(999_999)), is_default: false, ..assistant }
}

fn renamed(assistant: Assistant, name: &str) -> Assistant {
    let content = Content { name: name.to_owned(), ..assistant.content };
    Assistant { content, ..assistant }
}

async fn found(store: &dyn Store, n: u32) -> Option<Assistant> {
    let by_id = AssistantRef::Id(id(n));
    let record = store.assistants().find(home(), &by_id).await.unwrap();
    let found = begin(store).await.assistants().find(id(n)).await.unwrap();
    assert_eq!(record.map(|record| record.assistant), found);
    found
}

/// An assistant reads back as it was written, every field of it.
pub async fn a_saved_assistant_reads_back_equal(store: &dyn Store) {
    people(store, 2).await;
    let saved = full_assistant();
    add(store, vec![team(1, [(id(2), TeamRole::Admin)]).into(), saved.clone().into()]).await;

    assert_eq!(found(store, 1).await, Some(saved));
}

/// Default content and a lone name read back as they were written.
pub async fn a_plain_assistant_reads_back_equal(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![assistant(1, id(1), "Ada").into()]).await;

    assert_eq!(found(store, 1).await, Some(assistant(1, id(1), "Ada")));
}

/// A deleted assistant is still found, with the time of its deletion.
pub async fn a_deleted_assistant_reads_back_equal(store: &dyn Store) {
    people(store, 1).await;
    let saved = deleted(assistant(1, id(1), "Ada"));
    add(store, vec![saved.clone().into()]).await;

    assert_eq!(found(store, 1).await, Some(saved));
}

/// An assistant and its draft read back with their files and icons.
pub async fn an_assistant_with_files_reads_back_equal(store: &dyn Store) {
    people(store, 1).await;
    add(store, (1..=4).map(|n| touched(n).into()).collect()).await;
    let mut live = with_files(assistant(1, id(1), "Ada"), [2, 1, 2]);
    live.content.icon_image = Some(icon(3)); // and 4
    let mut draft = with_files(draft_of(2, &live), [1]);
    draft.content.icon_image = Some(IconImage { svg: None, ..icon(1) });
    add(store, vec![live.clone().into(), draft.clone().into()]).await;

    assert_eq!(found(store, 1).await, Some(live.clone()));
    assert_eq!(found(store, 2).await, Some(draft));
    let changed = Assistant { revision: 2, ..with_files(live.clone(), [3]) };
    let mut work = begin(store).await;
    work.assistants().update(with_files(live, [3])).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(found(store, 1).await, Some(changed));
}

/// A draft reads back as it was written, by its id and by its live assistant's.
pub async fn a_saved_draft_reads_back_equal(store: &dyn Store) {
    people(store, 2).await;
    let live = assistant(1, id(1), "Ada");
    let draft = Assistant { content: full_content("Draft"), ..draft_of(2, &live) };
    add(store, vec![live.into(), draft.clone().into()]).await;

    assert_eq!(found(store, 2).await, Some(draft.clone()));
    let mut work = begin(store).await;
    assert_eq!(work.assistants().find_draft_of(id(1)).await.unwrap(), Some(draft));
    assert_eq!(work.assistants().find_draft_of(id(2)).await.unwrap(), None);
}

/// An assistant that is not there is `None`, and so is a draft.
pub async fn an_unknown_assistant_is_none(store: &dyn Store) {
    people(store, 1).await;

    assert!(found(store, 9).await.is_none());
    let mut work = begin(store).await;
    assert!(work.assistants().find_draft_of(id(9)).await.unwrap().is_none());
    assert!(work.assistants().find_by_slug(&slug("nobody")).await.unwrap().is_none());
}

/// An update replaces everything and counts the revision up.
pub async fn an_updated_assistant_reads_back_with_its_next_revision(store: &dyn Store) {
    people(store, 2).await;
    let saved = assistant(1, id(2), "Ada");
    add(store, vec![team(1, []).into(), saved.clone().into()]).await;
    let changed = Assistant { created_at: saved.created_at, revision: 1, ..full_assistant() };
    let mut work = begin(store).await;
    let updated = work.assistants().update(changed.clone()).await.unwrap();
    work.commit().await.unwrap();

    assert_eq!(updated, Assistant { revision: 2, ..changed });
    assert_eq!(found(store, 1).await, Some(updated));
}

/// The second of two changes of the same revision is refused.
pub async fn a_stale_assistant_conflicts(store: &dyn Store) {
    people(store, 1).await;
    let original = assistant(1, id(1), "Ada");
    add(store, vec![original.clone().into()]).await;
    let mut work = begin(store).await;
    work.assistants().update(renamed(original.clone(), "First")).await.unwrap();
    work.commit().await.unwrap();

    let second = renamed(original, "Second");
    assert_conflict(&begin(store).await.assistants().update(second).await.unwrap_err());
    assert_eq!(found(store, 1).await.map(|a| a.content.name), Some("First".to_owned()));
}

/// A revision from the future is as wrong as one from the past.
pub async fn a_revision_that_never_was_conflicts(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![assistant(1, id(1), "Ada").into()]).await;
    let future = Assistant { revision: 2, ..assistant(1, id(1), "Ada") };

    assert_conflict(&begin(store).await.assistants().update(future).await.unwrap_err());
    let unknown = assistant(9, id(1), "Nobody");
    assert_conflict(&begin(store).await.assistants().update(unknown).await.unwrap_err());
}

/// No two assistants have the same name, in whatever case.
pub async fn a_name_is_taken_in_whatever_case(store: &dyn Store) {
    people(store, 2).await;
    add(store, vec![assistant(1, id(1), "Größe ÀÉ").into()]).await;
    add(store, vec![assistant(2, id(2), "Other").into()]).await;

    assert_taken(&refusal(store, assistant(3, id(2), "GRÖßE àé")).await, "name");
    let thief = renamed(assistant(2, id(2), ""), "größe àé");
    assert_taken(&begin(store).await.assistants().update(thief).await.unwrap_err(), "name");
}

/// An assistant may change the case of its own name.
pub async fn an_assistant_keeps_its_own_name_in_another_case(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![assistant(1, id(1), "Ada").into()]).await;
    let mut work = begin(store).await;
    let louder = renamed(assistant(1, id(1), ""), "ADA");
    work.assistants().update(louder).await.unwrap();
    work.commit().await.unwrap();

    assert_eq!(found(store, 1).await.map(|a| a.content.name), Some("ADA".to_owned()));
}

/// Deletion frees a name, and coming back needs it to be free.
pub async fn a_deleted_assistant_frees_its_name(store: &dyn Store) {
    people(store, 1).await;
    let gone = deleted(assistant(1, id(1), "Ada"));
    add(store, vec![gone.clone().into()]).await;
    add(store, vec![assistant(2, id(1), "Ada").into()]).await;

    let restored = Assistant { deleted_at: None, ..gone };
    assert_taken(&begin(store).await.assistants().update(restored).await.unwrap_err(), "name");
}

/// No two assistants have the same slug, not even a deleted one's.
pub async fn a_slug_is_taken_also_by_deleted_assistants(store: &dyn Store) {
    people(store, 1).await;
    let gone = deleted(assistant(1, id(1), "Ada"));
    let other = assistant(2, id(1), "Other");
    add(store, vec![gone.clone().into(), other.clone().into()]).await;

    let twin = Assistant { slug: gone.slug.clone(), ..assistant(3, id(1), "Twin") };
    assert_taken(&refusal(store, twin).await, "slug");
    let thief = Assistant { slug: gone.slug.clone(), ..other };
    assert_taken(&begin(store).await.assistants().update(thief).await.unwrap_err(), "slug");
    let holder = begin(store).await.assistants().find_by_slug(&gone.slug.unwrap()).await.unwrap();
    assert_eq!(holder, Some(id(1)));
}

/// Another organization may use the same name, slug and default.
pub async fn names_and_slugs_are_free_in_another_organization(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![organization(2).into(), user(2).of(2).into()]).await;
    let here = Assistant { is_default: true, ..assistant(1, id(1), "Ada") };
    let there =
        Assistant { slug: here.slug.clone(), is_default: true, ..assistant(2, id(2), "Ada") };
    add(store, vec![here.clone().into(), there.clone().of(2).into()]).await;

    for (tenant, expected) in [(home(), here), (id(2), there.of(2))] {
        let by_slug = AssistantRef::Slug(expected.slug.clone().unwrap());
        let record = store.assistants().find(tenant, &by_slug).await.unwrap();
        assert_eq!(record.map(|record| record.assistant), Some(expected.clone()));
        let mut work = store.begin(tenant).await.unwrap();
        let by_slug = work.assistants().find_by_slug(&expected.slug.unwrap()).await.unwrap();
        assert_eq!(by_slug, Some(expected.id));
    }
}

/// A live assistant has one draft at most.
pub async fn a_live_assistant_has_one_draft(store: &dyn Store) {
    people(store, 1).await;
    let live = assistant(1, id(1), "Ada");
    add(store, vec![live.clone().into(), draft_of(2, &live).into()]).await;

    assert_taken(&refusal(store, draft_of(3, &live)).await, "draft");
}

/// Drafts take no name and no slug from anyone.
pub async fn drafts_may_have_any_name(store: &dyn Store) {
    people(store, 1).await;
    let (ada, bob) = (assistant(1, id(1), "Ada"), assistant(2, id(1), "Bob"));
    let drafts = [draft_of(3, &ada), renamed(draft_of(4, &bob), "Ada")];
    add(store, vec![ada.into(), bob.into()]).await;
    add(store, drafts.iter().cloned().map(Into::into).collect()).await;
    add(store, vec![renamed(assistant(5, id(1), ""), "Eve").into()]).await;
    let mut work = begin(store).await;
    let [_, draft] = drafts;
    work.assistants().update(renamed(draft, "Eve")).await.unwrap();
    work.commit().await.unwrap();

    assert_eq!(found(store, 4).await.map(|a| a.content.name), Some("Eve".to_owned()));
}

/// A draft is removed for good; a live assistant is not removed that way.
pub async fn a_removed_draft_is_gone(store: &dyn Store) {
    people(store, 1).await;
    let live = assistant(1, id(1), "Ada");
    add(store, vec![live.clone().into(), draft_of(2, &live).into()]).await;
    let mut work = begin(store).await;
    assert!(!work.assistants().delete_draft(id(1)).await.unwrap(), "a live assistant");
    assert!(work.assistants().delete_draft(id(2)).await.unwrap());
    assert!(!work.assistants().delete_draft(id(2)).await.unwrap());
    work.assistants().insert(&draft_of(3, &live)).await.unwrap();
    work.commit().await.unwrap();

    assert!(found(store, 2).await.is_none());
    assert_eq!(found(store, 1).await, Some(live));
}

/// An organization has one default at most.
pub async fn a_default_is_taken(store: &dyn Store) {
    people(store, 1).await;
    let first = Assistant { is_default: true, ..assistant(1, id(1), "Ada") };
    let second = assistant(2, id(1), "Bob");
    add(store, vec![first.into(), second.clone().into()]).await;

    let third = Assistant { is_default: true, ..assistant(3, id(1), "Eve") };
    assert_taken(&refusal(store, third).await, "default");
    let usurper = Assistant { is_default: true, ..second };
    assert_taken(&begin(store).await.assistants().update(usurper).await.unwrap_err(), "default");
}

/// Taking the default away lets another assistant have it, and whoever edits the
/// old one learns that it changed.
pub async fn a_cleared_default_can_be_given_again(store: &dyn Store) {
    people(store, 1).await;
    let old = Assistant { is_default: true, ..assistant(1, id(1), "Ada") };
    let new = assistant(2, id(1), "Bob");
    add(store, vec![old.clone().into(), new.clone().into()]).await;
    let mut work = begin(store).await;
    work.assistants().clear_default().await.unwrap();
    work.assistants().update(Assistant { is_default: true, ..new }).await.unwrap();
    work.commit().await.unwrap();

    let cleared = found(store, 1).await.unwrap();
    assert_eq!((cleared.is_default, cleared.revision), (false, old.revision + 1));
    let default = store.assistants().default_of(home()).await.unwrap();
    assert_eq!(default.map(|record| record.assistant.id), Some(id(2)));
    assert_conflict(&begin(store).await.assistants().update(old).await.unwrap_err());
}

/// Without a default there is nothing to take away.
pub async fn clearing_no_default_changes_nothing(store: &dyn Store) {
    people(store, 1).await;
    let saved = assistant(1, id(1), "Ada");
    add(store, vec![saved.clone().into()]).await;
    let mut work = begin(store).await;
    work.assistants().clear_default().await.unwrap();
    work.commit().await.unwrap();

    assert_eq!(found(store, 1).await, Some(saved));
    assert_eq!(store.assistants().default_of(home()).await.unwrap(), None);
}
