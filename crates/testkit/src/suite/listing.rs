//! Lists of assistants, compared with brute force over a generated population.

use std::cmp::Ordering;

use understudy_domain::{
    Assistant, AssistantId, Department, Policy, Principal, Role, ShareLevel, Team, TeamRole, User,
    access::{self, Level, Standing},
    assistant::{content::AssistantKind, policy::AccessMode},
    ports::{
        AssistantFilter, AssistantListQuery, AssistantRecord, DraftMark, Page, Position,
        PositionKey, Sort, SortKey, Store,
    },
};

use super::{
    population::Population,
    stage::{add, home, people},
};
use crate::sample::{assistant, department, id, instant, share, team, user};

const SORTS: [Sort; 6] = [
    Sort { key: SortKey::UpdatedAt, descending: true },
    Sort { key: SortKey::UpdatedAt, descending: false },
    Sort { key: SortKey::CreatedAt, descending: true },
    Sort { key: SortKey::CreatedAt, descending: false },
    Sort { key: SortKey::Name, descending: true },
    Sort { key: SortKey::Name, descending: false },
];
const NEWEST: Sort = Sort { key: SortKey::UpdatedAt, descending: true };

/// More than there are.
const ALL: u32 = 1_000;

fn everything() -> AssistantFilter {
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

fn query(standing: Standing, filter: AssistantFilter, sort: Sort) -> AssistantListQuery {
    AssistantListQuery { standing, filter, sort, after: None, limit: ALL, count: true }
}

async fn list(store: &dyn Store, query: &AssistantListQuery) -> Page<AssistantRecord> {
    store.assistants().list(query).await.unwrap()
}

fn ids(page: &Page<AssistantRecord>) -> Vec<AssistantId> {
    page.rows.iter().map(|row| row.assistant.id).collect()
}

/// What a list has to hold, by looking at every assistant.
fn expected(all: &Population, query: &AssistantListQuery) -> Vec<AssistantId> {
    let listed = all.assistants.iter().filter(|a| !a.is_draft() && a.deleted_at.is_none());
    let mut rows: Vec<&Assistant> = listed.filter(|a| belongs(all, query, a)).collect();
    rows.sort_by(|a, b| compare(query.sort, a, b));
    rows.into_iter().map(|assistant| assistant.id).collect()
}

fn belongs(all: &Population, query: &AssistantListQuery, assistant: &Assistant) -> bool {
    let level = access::level(&query.standing, assistant);
    let at_home = assistant.organization == query.standing.organization;
    let (filter, content, policy) = (&query.filter, &assistant.content, &assistant.policy);
    let text = format!("{}\u{0}{}", content.name, content.description.clone().unwrap_or_default());
    let none = std::collections::BTreeMap::new();
    let metadata = content.metadata.as_ref().unwrap_or(&none);
    let in_chat = |user| {
        let named = &policy.visible_in_chat_to_users;
        named.is_empty() || named.contains(&user) || level >= Level::Edit
    };
    let checks = [
        level >= Level::View,
        filter.q.as_ref().is_none_or(|q| text.to_lowercase().contains(q)),
        filter.kind.is_none_or(|kind| kind == content.kind),
        filter.owner.is_none_or(|owner| owner == assistant.owner),
        filter.access_mode.is_none_or(|mode| mode == policy.access_mode),
        filter.model.as_ref().is_none_or(|model| *model == content.default_model_key),
        filter.is_active.is_none_or(|active| active == policy.is_active),
        !filter.api_enabled_only || policy.api_enabled,
        filter.visible_in_chat_to.is_none_or(in_chat),
        filter.metadata.iter().all(|(key, value)| metadata.get(key) == Some(value)),
        filter.only.is_none_or(|only| only == assistant.id),
        filter.tag.is_none_or(|tag| at_home && assistant.tags.contains(&tag)),
        filter.favorite_of.is_none_or(|user| all.favorites.contains(&(user, assistant.id))),
    ];
    checks.into_iter().all(|holds| holds)
}

fn compare(sort: Sort, a: &Assistant, b: &Assistant) -> Ordering {
    let by_key = match sort.key {
        SortKey::UpdatedAt => a.updated_at.cmp(&b.updated_at),
        SortKey::CreatedAt => a.created_at.cmp(&b.created_at),
        SortKey::Name => a.content.name.to_lowercase().cmp(&b.content.name.to_lowercase()),
    };
    let order = by_key.then(a.id.cmp(&b.id));
    if sort.descending { order.reverse() } else { order }
}

fn position(sort: Sort, assistant: &Assistant) -> Position {
    let key = match sort.key {
        SortKey::UpdatedAt => PositionKey::Time(assistant.updated_at),
        SortKey::CreatedAt => PositionKey::Time(assistant.created_at),
        SortKey::Name => PositionKey::Text(assistant.content.name.to_lowercase()),
    };
    Position { key, id: assistant.id.as_uuid() }
}

/// One user of each role in the first organization.
fn one_of_each_role(all: &Population) -> Vec<&User> {
    all.users.iter().take(Role::ALL.len()).collect()
}

/// Everyone's list holds exactly what they may view, in their own organization
/// and others, whatever makes it theirs.
pub async fn a_list_holds_exactly_what_its_caller_may_view(store: &dyn Store) {
    let all = Population::settle(store, 1).await;
    for user in &all.users {
        let query = query(all.standing(user), everything(), NEWEST);
        let found = list(store, &query).await;

        assert_eq!(ids(&found), expected(&all, &query), "{} ({})", user.name, user.role);
        assert!(!found.more);
    }
}

/// Rows are whole assistants, with the draft marks of one's own organization.
pub async fn listed_rows_are_whole(store: &dyn Store) {
    let all = Population::settle(store, 2).await;
    for user in one_of_each_role(&all) {
        let query = query(all.standing(user), everything(), NEWEST);
        for row in list(store, &query).await.rows {
            let saved = all.assistants.iter().find(|saved| saved.id == row.assistant.id);
            let draft = all.draft(user.organization, &row.assistant);
            assert_eq!(Some(&row.assistant), saved);
            assert_eq!(row.draft, draft.map(|draft| DraftMark { id: draft.id }));
            assert_eq!(row.live, None);
        }
    }
}

/// Each filter, and all of them together, keeps exactly what matches.
pub async fn each_filter_keeps_exactly_what_matches(store: &dyn Store) {
    let all = Population::settle(store, 3).await;
    for user in one_of_each_role(&all) {
        for filter in filters(&all, user) {
            let query = query(all.standing(user), filter, NEWEST);
            let found = list(store, &query).await;
            let expected = expected(&all, &query);

            assert_eq!(ids(&found), expected, "{} ({}): {query:#?}", user.name, user.role);
            assert_eq!(found.total, u64::try_from(expected.len()).ok());
        }
    }
}

fn filters(all: &Population, user: &User) -> Vec<AssistantFilter> {
    let mut filters = vec![
        AssistantFilter { is_active: Some(true), ..everything() },
        AssistantFilter { is_active: Some(false), ..everything() },
        AssistantFilter { api_enabled_only: true, ..everything() },
        AssistantFilter { visible_in_chat_to: Some(user.id), ..everything() },
        AssistantFilter { owner: Some(Principal::User(user.id)), ..everything() },
        AssistantFilter { owner: Some(Principal::Team(id(1_001))), ..everything() },
        AssistantFilter { owner: Some(Principal::Team(id(9))), ..everything() },
        AssistantFilter { favorite_of: Some(user.id), ..everything() },
        AssistantFilter { favorite_of: Some(id(9)), ..everything() },
        AssistantFilter { model: Some("claude-sonnet-4".to_owned()), ..everything() },
    ];
    let texts = ["größe", "über alles", "%", "50 %", "_", "x_y", "\\", "'", "ada", "2", "zzz"];
    filters.extend(texts.map(|q| AssistantFilter { q: Some(q.to_owned()), ..everything() }));
    let kinds = [AssistantKind::Custom, AssistantKind::Dispatcher];
    filters.extend(kinds.map(|kind| AssistantFilter { kind: Some(kind), ..everything() }));
    let modes = [AccessMode::Private, AccessMode::Department, AccessMode::Public];
    filters.extend(modes.map(|mode| AssistantFilter { access_mode: Some(mode), ..everything() }));
    let pairs: [&[(&str, &str)]; 4] =
        [&[("env", "prod")], &[("env", "prod"), ("größe", "XL")], &[("empty", "")], &[("env", "")]];
    filters.extend(pairs.map(|pairs| {
        let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        AssistantFilter { metadata: pairs.iter().map(own).collect(), ..everything() }
    }));
    let only = all.assistants.iter().step_by(9).map(|assistant| assistant.id);
    filters.extend(only.map(|only| AssistantFilter { only: Some(only), ..everything() }));
    let tags = [1_001, 1_002, 2_001, 9].map(id);
    filters.extend(tags.map(|tag| AssistantFilter { tag: Some(tag), ..everything() }));
    filters.push(AssistantFilter {
        tag: Some(id(1_001)),
        favorite_of: Some(user.id),
        ..everything()
    });
    filters.push(AssistantFilter {
        q: Some("a".to_owned()),
        kind: Some(AssistantKind::Custom),
        is_active: Some(true),
        api_enabled_only: true,
        visible_in_chat_to: Some(user.id),
        ..everything()
    });
    filters
}

/// Each sort order puts rows in their place and breaks ties by id.
pub async fn each_sort_orders_rows_and_breaks_ties_by_id(store: &dyn Store) {
    let all = Population::settle(store, 4).await;
    for user in one_of_each_role(&all) {
        for sort in SORTS {
            let query = query(all.standing(user), everything(), sort);

            let found = ids(&list(store, &query).await);
            assert_eq!(found, expected(&all, &query), "{} {sort:?}", user.name);
        }
    }
}

/// Pages of every size, in every order, hold each row exactly once, and tell of
/// more as long as there is more.
pub async fn pages_of_every_size_hold_each_row_once(store: &dyn Store) {
    let all = Population::settle(store, 5).await;
    let member = all.users.iter().find(|user| user.role == Role::Member).unwrap();
    for sort in SORTS {
        let mut query = query(all.standing(member), everything(), sort);
        let expected = expected(&all, &query);
        let rows = u32::try_from(expected.len()).unwrap();
        assert!(rows > 10, "the population leaves too little to list");
        for limit in [1, 2, 3, 7, rows - 1, rows, rows + 1] {
            query.limit = limit;
            assert_eq!(walk(store, &query).await, expected, "pages of {limit}, {sort:?}");
        }
    }
}

/// All rows, page by page.
async fn walk(store: &dyn Store, first: &AssistantListQuery) -> Vec<AssistantId> {
    let (mut query, mut walked) = (first.clone(), Vec::new());
    loop {
        let page = list(store, &query).await;
        walked.extend(ids(&page));
        if !page.more {
            return walked;
        }
        assert_eq!(u32::try_from(page.rows.len()).unwrap(), query.limit);
        query.after = page.rows.last().map(|row| position(query.sort, &row.assistant));
    }
}

/// A page goes on behind its position also when the row there has gone.
pub async fn a_page_goes_on_where_its_last_row_was(store: &dyn Store) {
    let all = Population::settle(store, 6).await;
    let admin = all.users.first().unwrap();
    let mut query = query(all.standing(admin), everything(), NEWEST);
    let expected = expected(&all, &query);
    let by_id = |id: &AssistantId| all.assistants.iter().find(|saved| saved.id == *id).unwrap();
    let own = |id: &AssistantId| by_id(id).organization == admin.organization;
    let place = (5..expected.len()).find(|place| expected.get(*place).is_some_and(own)).unwrap();
    let (before, behind) = expected.split_at(place + 1);
    let gone = by_id(before.last().unwrap());
    let mut work = store.begin(admin.organization).await.unwrap();
    let deleted = Assistant { deleted_at: Some(instant(1)), ..gone.clone() };
    work.assistants().update(deleted).await.unwrap();
    work.commit().await.unwrap();

    query.after = Some(position(NEWEST, gone));
    assert_eq!(ids(&list(store, &query).await), behind);
}

/// The total counts all pages, and is there only when asked for.
pub async fn a_total_counts_all_pages_when_asked(store: &dyn Store) {
    let all = Population::settle(store, 7).await;
    let member = all.users.iter().find(|user| user.role == Role::Member).unwrap();
    let mut query = query(all.standing(member), everything(), NEWEST);
    let expected = expected(&all, &query);
    query.limit = 4;
    let total = u64::try_from(expected.len()).unwrap();
    let first = list(store, &query).await;
    assert_eq!((first.rows.len(), first.total), (4, Some(total)));
    query.after = first.rows.last().map(|row| position(NEWEST, &row.assistant));
    assert_eq!(list(store, &query).await.total, Some(total), "on the second page");

    query.count = false;
    assert_eq!(list(store, &query).await.total, None);
}

/// What a member of organization 1 without any office is shown.
async fn shown_to(store: &dyn Store, user: &User, teams: &[Team]) -> Vec<AssistantId> {
    let all = Population::just(user.clone(), teams.to_vec());
    ids(&list(store, &query(all.standing(user), everything(), NEWEST)).await)
}

/// A change of policy or owner shows in lists at once, for better and worse.
pub async fn a_changed_policy_changes_lists_at_once(store: &dyn Store) {
    people(store, 3).await;
    let sales = team(1, [(id(2), TeamRole::Member)]);
    let saved = assistant(1, id(1), "Ada");
    add(store, vec![sales.clone().into(), saved.clone().into()]).await;
    let by_user = Policy {
        access_mode: AccessMode::Restricted,
        access_users: [id(2)].into(),
        ..Policy::default()
    };
    let steps = [
        (Principal::User(id(1)), by_user, true),
        (Principal::User(id(1)), Policy::default(), false),
        (Principal::Team(id(1)), Policy::default(), true),
        (Principal::User(id(1)), for_department("EINKAUF"), true),
        (Principal::User(id(1)), for_department("Verkauf"), false),
    ];
    let reader = User { departments: [department("Einkauf")].into(), ..user(2) };
    let mut current = saved;
    assert_eq!(shown_to(store, &reader, std::slice::from_ref(&sales)).await, []);
    for (owner, policy, visible) in steps {
        let mut work = store.begin(home()).await.unwrap();
        current = Assistant { owner, policy, ..current };
        current = work.assistants().update(current).await.unwrap();
        work.commit().await.unwrap();

        let shown = shown_to(store, &reader, std::slice::from_ref(&sales)).await;
        assert_eq!(!shown.is_empty(), visible, "{current:#?}");
    }
}

/// A share with somebody or their team shows in their lists at once, at every level, and
/// is gone at once.
pub async fn a_changed_share_changes_lists_at_once(store: &dyn Store) {
    people(store, 3).await;
    let sales = team(1, [(id(2), TeamRole::Member)]);
    let saved = assistant(1, id(1), "Ada");
    add(store, vec![sales.clone().into(), team(2, []).into(), saved.clone().into()]).await;
    let (to_user, to_team) = (|n| Principal::User(id(n)), |n| Principal::Team(id(n)));
    let steps: [(&[(Principal, ShareLevel)], bool); 7] = [
        (&[(to_user(2), ShareLevel::Read)], true),
        (&[], false),
        (&[(to_user(3), ShareLevel::Admin), (to_team(2), ShareLevel::Admin)], false),
        (&[(to_team(1), ShareLevel::Read)], true),
        (&[(to_team(2), ShareLevel::Read)], false),
        (&[(to_user(2), ShareLevel::Write), (to_team(1), ShareLevel::Admin)], true),
        (&[(to_user(3), ShareLevel::Write)], false),
    ];
    let mut current = saved;
    for (shares, visible) in steps {
        let shares = shares.iter().map(|(principal, level)| (*principal, share(*level))).collect();
        let mut work = store.begin(home()).await.unwrap();
        current = Assistant { shares, ..current };
        current = work.assistants().update(current).await.unwrap();
        work.commit().await.unwrap();

        let shown = shown_to(store, &user(2), std::slice::from_ref(&sales)).await;
        assert_eq!(!shown.is_empty(), visible, "{current:#?}");
    }
}

fn for_department(name: &str) -> Policy {
    let departments: Vec<Department> = vec![department(name)];
    Policy {
        access_mode: AccessMode::Department,
        access_departments: departments,
        ..Policy::default()
    }
}
