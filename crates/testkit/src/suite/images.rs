//! Pictures, avatars and what they cost.

use understudy_domain::{
    Image, Secret, Usage, UsageTotal,
    ports::{Store, UsageFilter},
};

use super::stage::{add, assert_same, assert_taken, begin, home, people, refusal};
use crate::sample::{
    Members, Row, assistant, avatar, id, image, instant, organization, touched, usage, user,
};

/// Users 1 and 2, assistants 1 and 2, and the blobs 1 to 12.
async fn stocked(store: &dyn Store) {
    people(store, 2).await;
    let mut rows: Vec<Row> = (1..=12).map(|n| touched(n).into()).collect();
    rows.extend([1, 2].map(|n| assistant(n, id(1), &format!("Assistant {n}")).into()));
    add(store, rows).await;
}

/// Asserts that two pictures are equal, their keys included.
fn assert_equal(found: Option<Image>, expected: &Image) {
    let found = found.unwrap();
    assert_same(&found, expected);
    assert_eq!(found.key.expose(), expected.key.expose());
}

/// A picture reads back as it was written, by id and by the key of its address.
pub async fn a_saved_picture_reads_back_equal(store: &dyn Store) {
    stocked(store).await;
    let for_assistant = Image { user: id(2), assistant: Some(id(1)), ..image(2) };
    let saved = [image(1), for_assistant, avatar(3, id(1))];
    add(store, saved.clone().map(Row::from).into()).await;

    for expected in &saved {
        assert_equal(begin(store).await.images().find(expected.id).await.unwrap(), expected);
        let found = store.content().image_by_key(expected.key.expose()).await.unwrap();
        assert_equal(found, expected);
    }
}

/// A picture that is not there is `None`; a key is found only as it is.
pub async fn an_unknown_picture_is_none(store: &dyn Store) {
    stocked(store).await;
    add(store, vec![image(1).into()]).await;
    let key = image(1).key;
    let others = [key.expose().to_uppercase(), format!("{} ", key.expose()), String::new()];

    assert!(begin(store).await.images().find(id(2)).await.unwrap().is_none());
    for other in others {
        assert!(store.content().image_by_key(&other).await.unwrap().is_none(), "{other:?}");
    }
}

/// The key of an address is taken by pictures of whatever organization.
pub async fn a_key_of_a_picture_is_taken(store: &dyn Store) {
    stocked(store).await;
    add(store, vec![image(1).into(), organization(2).into(), user(3).of(2).into()]).await;
    let touched = touched(2).of(2);
    add(store, vec![touched.into()]).await;
    let twin = |n| Image { key: Secret::new(image(1).key.expose().clone()), ..image(n) };

    assert_taken(&refusal(store, twin(2)).await, "id");
    assert_taken(&refusal(store, Image { user: id(3), ..twin(2) }.of(2)).await, "id");
}

/// A picture is found by its key without its organization.
pub async fn a_picture_is_found_by_its_key_whatever_the_organization(store: &dyn Store) {
    stocked(store).await;
    add(store, vec![organization(2).into(), user(3).of(2).into(), touched(2).of(2).into()]).await;
    let foreign = Image { user: id(3), ..image(2) }.of(2);
    add(store, vec![foreign.clone().into()]).await;

    let found = store.content().image_by_key(foreign.key.expose()).await.unwrap();
    assert_equal(found, &foreign);
}

/// A picture is removed once, and its address leads nowhere.
pub async fn a_removed_picture_is_gone(store: &dyn Store) {
    stocked(store).await;
    add(store, vec![image(1).into(), avatar(2, id(1)).into()]).await;
    let mut work = begin(store).await;
    for n in [1, 2] {
        assert!(work.images().delete(id(n)).await.unwrap());
        assert!(!work.images().delete(id(n)).await.unwrap());
    }
    work.commit().await.unwrap();

    assert!(store.content().image_by_key(image(1).key.expose()).await.unwrap().is_none());
    assert!(store.content().avatar(home(), id(1)).await.unwrap().is_none());
}

/// User, before, limit, and the pictures that come.
type ImageCase = (Option<u32>, Option<u32>, u32, &'static [u32]);

/// Generated pictures are listed newest first, of one user or all, older than one,
/// as many as asked.
pub async fn generated_pictures_are_listed_newest_first(store: &dyn Store) {
    stocked(store).await;
    let saved = |n: u32| Image { user: id(1 + n % 2), ..image(n) };
    let mut rows: Vec<Row> = (1..=9).map(|n| saved(n).into()).collect();
    rows.extend([avatar(10, id(1)).into(), avatar(11, id(2)).into()]);
    add(store, rows).await;
    add(store, vec![organization(2).into(), user(3).of(2).into(), touched(12).of(2).into()]).await;
    add(store, vec![Image { user: id(3), ..image(12) }.of(2).into()]).await;

    let cases: [ImageCase; 6] = [
        (None, None, 3, &[9, 8, 7]),
        (None, Some(7), 2, &[6, 5]),
        (Some(1), None, 10, &[8, 6, 4, 2]),
        (Some(2), Some(7), 2, &[5, 3]),
        (Some(3), None, 10, &[]),
        (None, Some(1), 10, &[]),
    ];
    for (user, before, limit, numbers) in cases {
        let found = store.content().images(home(), user.map(id), before.map(id), limit).await;
        let found = found.unwrap();
        assert_eq!(found.len(), numbers.len(), "{user:?}, {before:?}, {limit}");
        for (found, n) in found.into_iter().zip(numbers) {
            assert_equal(Some(found), &saved(*n));
        }
    }
}

/// An assistant's avatar is the newest that was made for it as one.
pub async fn the_newest_avatar_of_an_assistant_is_found(store: &dyn Store) {
    stocked(store).await;
    let generated = Image { assistant: Some(id(1)), ..image(9) };
    add(store, vec![generated.into(), avatar(8, id(2)).into()]).await;
    assert!(store.content().avatar(home(), id(1)).await.unwrap().is_none());
    add(store, vec![avatar(3, id(1)).into(), avatar(1, id(1)).into()]).await;

    for (n, newest) in [(1, avatar(3, id(1))), (2, avatar(8, id(2)))] {
        assert_equal(store.content().avatar(home(), id(n)).await.unwrap(), &newest);
        let found = begin(store).await.images().find_avatar(id(n)).await.unwrap();
        assert_equal(found, &newest);
    }
}

/// Seconds of a day.
const DAY: u32 = 86_400;

/// The total of `count` uses like this one, with `sum` of each number.
fn total(usage: Usage, count: u64, sum: impl Fn(u64) -> u64) -> UsageTotal {
    let day = usage.at.to_rfc3339().chars().take(10).collect();
    let Usage { user, assistant, kind, provider, model, .. } = usage;
    UsageTotal {
        day,
        user,
        assistant,
        kind,
        provider,
        model,
        count,
        quantity: sum(1),
        input_tokens: sum(10),
        output_tokens: sum(100),
        cost_micros: sum(1 << 33),
    }
}

fn all() -> UsageFilter {
    UsageFilter { from: instant(0), until: instant(10 * DAY), user: None }
}

/// Uses are counted by day in UTC, user, assistant, kind, provider and model, and
/// listed in that order.
pub async fn usage_is_counted_by_what_it_was(store: &dyn Store) {
    stocked(store).await;
    let first = Usage { at: instant(DAY - 1), ..usage(1) };
    let with_assistant = |n| Usage { assistant: Some(id(n)), ..first.clone() };
    let text = |text: &str| text.to_owned();
    let ordered = [
        first.clone(),
        Usage { model: text("model-b"), ..first.clone() },
        Usage { provider: text("provider-b"), ..first.clone() },
        Usage { kind: text("tokens"), ..first.clone() },
        with_assistant(1),
        with_assistant(2),
        Usage { user: id(2), ..first.clone() },
        Usage { at: instant(DAY), ..first.clone() },
        Usage { at: instant(9 * DAY), ..first },
    ];
    let mut n = 0;
    let mut rows: Vec<Row> = Vec::new();
    for (index, usage) in (1u32..).zip(&ordered) {
        for quantity in 1..=u64::from(index) {
            n += 1;
            let numbered = Usage {
                id: id(n),
                quantity,
                input_tokens: 10 * quantity,
                output_tokens: 100 * quantity,
                cost_micros: quantity << 33,
                ..usage.clone()
            };
            rows.push(numbered.into());
        }
    }
    rows.reverse();
    add(store, rows).await;

    let expected: Vec<UsageTotal> = (1u64..)
        .zip(ordered)
        .map(|(count, usage)| total(usage, count, |one| one * count * (count + 1) / 2))
        .collect();
    assert_eq!(store.content().usage(home(), &all()).await.unwrap(), expected);
}

/// Usage is counted from one instant on and before another, of one user or all.
pub async fn usage_is_counted_as_filtered(store: &dyn Store) {
    stocked(store).await;
    let used = |n: u32| Usage { user: id(1 + n % 2), ..usage(n) };
    add(store, (1..=9).map(|n| used(n).into()).collect()).await;

    let cases: [(UsageFilter, &[u64]); 5] = [
        (all(), &[4, 5]),
        (UsageFilter { from: instant(3), ..all() }, &[3, 4]),
        (UsageFilter { until: instant(3), ..all() }, &[1, 1]),
        (UsageFilter { user: Some(id(2)), ..all() }, &[5]),
        (UsageFilter { from: instant(5), until: instant(5), user: None }, &[]),
    ];
    for (filter, counts) in cases {
        let totals = store.content().usage(home(), &filter).await.unwrap();
        let found: Vec<u64> = totals.iter().map(|total| total.count).collect();
        assert_eq!(found, counts, "{filter:?}");
    }
}

/// What a picture cost is counted also when the picture has gone.
pub async fn usage_stays_when_its_picture_goes(store: &dyn Store) {
    stocked(store).await;
    add(store, vec![image(1).into(), usage(1).into()]).await;
    let mut work = begin(store).await;
    assert!(work.images().delete(id(1)).await.unwrap());
    work.commit().await.unwrap();

    let totals = store.content().usage(home(), &all()).await.unwrap();
    assert_eq!(totals, [total(usage(1), 1, |one| u64::from(one == 1))]);
}
