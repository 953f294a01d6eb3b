//! Many at once, where assistants answer: no turn, no approval and no budget is taken
//! twice.

use futures_util::future::{join_all, try_join_all};
use understudy_domain::{
    Approval, Automation, Message, Run, RunEvent, Thread,
    budget::{Spending, SpendingKey},
    ports::{SpendingChange, Store, StoreResult},
    run::{ApprovalState, RunStatus, names},
};

use super::{
    races::{assert_one_won, one_wins},
    spending::{spent_in, spent_so_far},
    stage::{add, begin, home, people, prompt},
};
use crate::sample::{approval, automation, budget_month, id, message, run, thread, told};

/// Of changes of the same revision of a thread one succeeds: one turn is taken.
pub async fn of_concurrent_turns_in_a_thread_one_is_taken(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![thread(1).into()]).await;
    let turns = (1..=8).map(|n| async move {
        let mut work = store.begin(home()).await?;
        work.runs().insert(&Run { thread: Some(id(1)), ..run(n) }).await?;
        let taken = Thread { active_run: Some(id(n)), ..thread(1) };
        work.conversations().update_thread(taken).await?;
        work.commit().await
    });

    assert_one_won(join_all(turns).await);
    let thread = store.conversations().thread(home(), id(1)).await.unwrap().unwrap();
    let active = begin(store).await.runs().count_active(id(1)).await.unwrap();
    assert_eq!((thread.revision, active), (2, 1));
    let winner = store.runs().run(home(), thread.active_run.unwrap()).await.unwrap();
    assert!(winner.is_some(), "the thread waits for a run that is not there");
}

/// Whoever finds a thread has it to themselves: no change of it is lost.
pub async fn no_concurrent_change_of_a_thread_is_lost(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![thread(1).into()]).await;
    let said = (1..=20).map(|n| async move {
        let mut work = store.begin(home()).await?;
        let mut thread = work.conversations().find_thread(id(1)).await?.unwrap();
        thread.last_position += 1;
        let position = thread.last_position;
        let said = Message { position, ..message(n, &thread) };
        work.conversations().insert_messages(&[said]).await?;
        work.conversations().update_thread(thread).await?;
        work.commit().await
    });
    let results = join_all(said).await;

    assert!(results.iter().all(Result::is_ok), "got {results:?}");
    let thread = store.conversations().thread(home(), id(1)).await.unwrap().unwrap();
    assert_eq!((thread.last_position, thread.revision), (20, 21));
}

/// Of messages for the same place in a thread one is kept.
pub async fn of_concurrent_messages_of_one_position_one_is_kept(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![thread(1).into()]).await;
    let said = (1..=8).map(|n| async move {
        let mut work = store.begin(home()).await?;
        let said = Message { position: 1, ..message(n, &thread(1)) };
        work.conversations().insert_messages(&[said]).await?;
        work.commit().await
    });

    assert_one_won(join_all(said).await);
}

/// Of those who take an abandoned run one gets it.
pub async fn of_concurrent_takers_of_one_run_one_wins(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![run(1).into()]).await;
    let takers = (1..=8).map(|n| async move {
        let taken = Run { status: RunStatus::InProgress, reserved_tokens: n, ..run(1) };
        let mut work = store.begin(home()).await?;
        work.runs().update(taken).await?;
        work.commit().await
    });

    assert_one_won(join_all(takers).await);
}

/// Whoever finds a run has it to themselves: no change of it is lost.
pub async fn no_concurrent_change_of_a_run_is_lost(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![run(1).into()]).await;
    let changes = (0..20).map(|_| async {
        let mut work = store.begin(home()).await?;
        let mut run = work.runs().find(id(1)).await?.unwrap();
        run.reserved_tokens += 1;
        work.runs().update(run).await?;
        work.commit().await
    });
    let results = join_all(changes).await;

    assert!(results.iter().all(Result::is_ok), "got {results:?}");
    let run = store.runs().run(home(), id(1)).await.unwrap().unwrap();
    assert_eq!((run.reserved_tokens, run.revision), (20, 21));
}

/// Of many who begin their last runs at once, as many succeed as there is room for;
/// also when there was none before.
pub async fn the_last_places_for_runs_are_taken_once(store: &dyn Store) {
    people(store, 2).await;
    let begins = (1..=8u32).map(|n| async move {
        let user = if n.is_multiple_of(2) { id(2) } else { id(1) };
        let mut work = store.begin(home()).await?;
        if work.runs().count_active(user).await? < 3 {
            work.runs().insert(&Run { user, ..run(n) }).await?;
        }
        work.commit().await
    });
    let results = join_all(begins).await;

    assert!(results.iter().all(Result::is_ok), "got {results:?}");
    for user in [1, 2] {
        let active = begin(store).await.runs().count_active(id(user)).await.unwrap();
        assert_eq!(active, 3, "of user {user}");
    }
}

/// Decides about approval 1 of run 1, if nobody has; whether it did.
async fn decide(store: &dyn Store) -> StoreResult<bool> {
    let mut work = store.begin(home()).await?;
    let mut approvals = work.runs().approvals(id(1)).await?;
    let pending = approvals.iter_mut().find(|approval| approval.state == ApprovalState::Pending);
    let Some(pending) = pending else { return Ok(false) };
    pending.state = ApprovalState::Approved;
    let decided = Approval::clone(pending);
    work.runs().save_approvals(&[decided]).await?;
    work.commit().await?;
    Ok(true)
}

/// Of those who decide about one call at once one does.
pub async fn of_concurrent_decisions_one_counts(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![run(1).into(), approval(1, &run(1)).into()]).await;
    let decisions = try_join_all((0..8).map(|_| decide(store))).await.unwrap();

    assert_eq!(decisions.into_iter().filter(|decided| *decided).count(), 1);
}

/// One token of cost 2, of which 3 are set aside.
const ONE: SpendingChange = SpendingChange { tokens: 1, cost_micros: 2, reserved_tokens: 3 };

/// What many spend at once adds up, also under a key that is new.
pub async fn no_concurrent_spending_is_lost(store: &dyn Store) {
    people(store, 0).await;
    let spend = (0..24u32).map(|n| async move {
        let keys = [budget_month(1), budget_month(2 + n % 2)];
        let mut work = store.begin(home()).await?;
        work.spending().add(&keys.map(|key| (key, ONE))).await?;
        work.commit().await
    });
    let results = join_all(spend).await;

    assert!(results.iter().all(Result::is_ok), "got {results:?}");
    for (n, times) in [(1, 24), (2, 12), (3, 12)] {
        let expected =
            Spending { tokens: times, cost_micros: 2 * times, reserved_tokens: 3 * times };
        assert_eq!(spent_so_far(store, &budget_month(n)).await, expected);
    }
}

/// Sets a token aside if fewer than four are; whether it did.
async fn reserve(store: &dyn Store, key: &SpendingKey) -> StoreResult<bool> {
    let mut work = store.begin(home()).await?;
    let has_room = spent_in(&mut *work, key).await.reserved_tokens < 4;
    if has_room {
        let change = SpendingChange { reserved_tokens: 1, ..SpendingChange::default() };
        work.spending().add(&[(key.clone(), change)]).await?;
    }
    work.commit().await?;
    Ok(has_room)
}

/// Of many who take the rest of a budget at once, as many get some as there is, also
/// when nothing was spent of it before.
pub async fn a_budget_is_not_overdrawn_by_many_at_once(store: &dyn Store) {
    people(store, 0).await;
    let key = budget_month(1);
    let reserved = try_join_all((0..12).map(|_| reserve(store, &key))).await.unwrap();

    assert_eq!(reserved.into_iter().filter(|reserved| *reserved).count(), 4);
    assert_eq!(spent_so_far(store, &key).await.reserved_tokens, 4);
}

/// Nobody waits for each other in a circle, in whatever order they ask for keys.
pub async fn keys_of_budgets_can_be_asked_for_in_any_order(store: &dyn Store) {
    people(store, 0).await;
    let spend = (0..16u32).map(|n| async move {
        let mut keys: Vec<SpendingKey> = (1..=6).map(budget_month).collect();
        if n.is_multiple_of(2) {
            keys.reverse();
        }
        let mut work = store.begin(home()).await?;
        if n < 8 {
            work.spending().find(&keys).await?;
        }
        let changes: Vec<_> = keys.into_iter().map(|key| (key, ONE)).collect();
        work.spending().add(&changes).await?;
        work.commit().await
    });
    let results = prompt(join_all(spend)).await;

    assert!(results.iter().all(Result::is_ok), "got {results:?}");
    assert_eq!(spent_so_far(store, &budget_month(6)).await.tokens, 16);
}

/// Of automations of one name that are made at once, one is made.
pub async fn of_concurrent_automations_of_one_name_one_is_made(store: &dyn Store) {
    people(store, 1).await;
    let twins = (1..=8u32).map(|n| {
        let name = if n.is_multiple_of(2) { "Ärzte" } else { "ÄRZTE" };
        Automation { name: name.to_owned(), ..automation(n) }.into()
    });

    one_wins(store, "name", twins.collect()).await;
}

/// Whoever writes the same events at the same time writes each once, and all of them.
pub async fn concurrent_events_of_one_run_are_all_kept(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![run(1).into(), run(2).into()]).await;
    let writers = (0..12u64).map(|n| async move {
        let name = if n % 2 == 0 { names::CONTENT_DELTA } else { names::NOTICE };
        let event = |sequence| RunEvent { name: name.into(), ..told(sequence) };
        let mut batch = vec![(home(), id(2), event(1 + n))];
        batch.extend((n..n + 4).map(|sequence| (home(), id(1), event(1 + sequence))));
        if n % 2 == 0 {
            batch.rotate_left(1);
        }
        store.run_events().append(&batch).await
    });
    let results = prompt(join_all(writers)).await;

    assert!(results.iter().all(Result::is_ok), "got {results:?}");
    for (n, last) in [(1, 15), (2, 12)] {
        let found = store.run_events().events(home(), id(n), 0, 100).await.unwrap();
        let found: Vec<u64> = found.into_iter().map(|event| event.sequence).collect();
        assert_eq!(found, (1..=last).collect::<Vec<u64>>(), "of run {n}");
    }
}
