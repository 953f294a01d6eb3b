//! Runs and their approvals.

use std::{collections::BTreeMap, net::IpAddr};

use serde_json::{Map, Value, json};
use understudy_domain::{
    Approval, OrganizationId, Run, RunId, Timestamp, UserId,
    assistant::content::{
        ContextStrategy, LogitBias, MessageRole, ReasoningEffort, ReasoningSummary, ServiceTier,
        ToolMode,
    },
    chat::ToolChoice,
    conversation::{Item, ToolCall, ToolResult},
    ports::Store,
    run::{
        ApprovalState, CallerTool, Citation, DecidedCall, Decision, Handover, Heard, Lease, Notice,
        NoticeAction, Outcome, Overrides, RequestFormat, Resumed, RunCredential, RunFailure,
        RunRequest, RunStatus, RunUsage, StopReason, ToolRecord,
    },
};
use uuid::Uuid;

use super::stage::{add, assert_conflict, assert_taken, begin, home, people, refusal};
use crate::sample::{
    Members, Row, approval, automation, execution, id, instant, message, organization, run, thread,
    told, user,
};

/// Every status that a run can have.
const STATUSES: [RunStatus; 6] = [
    RunStatus::Queued,
    RunStatus::InProgress,
    RunStatus::Waiting,
    RunStatus::Completed,
    RunStatus::Failed,
    RunStatus::Cancelled,
];

/// A text with all that texts can have.
fn hard() -> String {
    "Größe\u{0}\u{1f} \u{2028} 株式会社 🏛 \"\\ '; --".to_owned()
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn full_overrides() -> Overrides {
    Overrides {
        model: Some("größer-1".to_owned()),
        temperature: Some(0.1),
        top_p: Some(1.0),
        frequency_penalty: Some(-2.0),
        presence_penalty: Some(0.0),
        logit_bias: Some(LogitBias::Tokens([("50256".to_owned(), -100.0)].into())),
        seed: Some(i64::MIN),
        stop_sequences: Some(vec!["\n\n".to_owned(), hard()]),
        max_completion_tokens: Some(u32::MAX),
        max_tool_calls: Some(0),
        parallel_tool_calls: Some(false),
        reasoning_effort: Some(ReasoningEffort::Minimal),
        reasoning_summary: Some(ReasoningSummary::Detailed),
        service_tier: Some(ServiceTier::Flex),
        top_logprobs: Some(20),
        format: Some(RequestFormat::JsonSchema {
            name: "answer".to_owned(),
            description: None,
            schema: object(&json!({ "type": "object", "required": ["b", "a"] })),
            strict: Some(true),
        }),
        verbosity: Some("low".to_owned()),
        context_strategy: Some(ContextStrategy::Saver),
        context_window: Some(1),
        truncation: Some(false),
    }
}

fn full_request() -> RunRequest {
    let tool = CallerTool {
        name: "find_größe".to_owned(),
        description: Some(hard()),
        parameters: Some(object(&json!({ "type": "object" }))),
        strict: Some(false),
    };
    RunRequest {
        input: vec![
            Item::text(MessageRole::User, hard()),
            Item::ToolResult(ToolResult {
                call_id: "call_0".to_owned(),
                content: "3".to_owned(),
                is_error: false,
            }),
        ],
        decisions: vec![DecidedCall {
            approval: id(5),
            decision: Decision { approve: true, reason: Some(hard()) },
        }],
        instructions: Some(hard()),
        previous: Some(id(8)),
        version: Some(3),
        overrides: full_overrides(),
        tools: vec![tool],
        tool_choice: Some(ToolChoice::Named("find_größe".to_owned())),
        system_tools: [("web_search".to_owned(), ToolMode::Off)].into(),
        vector_store_ids: vec!["vs_1".to_owned()],
        rules: vec![id(1), id(2)],
        metadata: [("größe".to_owned(), "xl".to_owned())].into(),
        include: ["rules".to_owned()].into(),
        final_deltas: true,
    }
}

fn full_outcome() -> Outcome {
    let record = ToolRecord {
        call_id: "call_1".to_owned(),
        tool: "weather__forecast".to_owned(),
        server_label: Some("weather".to_owned()),
        arguments: json!({ "z": 1, "a": [null, 0.5] }),
        success: false,
        result: Some(json!(["sonnig"])),
        error: Some(hard()),
        started_at: instant(456_789),
        execution_time_ms: 1 << 33,
    };
    let citation = Citation {
        number: 1,
        title: hard(),
        kind: "web".to_owned(),
        id: Some("file_1".to_owned()),
        url: Some("https://größe.example".to_owned()),
        text: Some("Da steht es.".to_owned()),
        score: Some(0.25),
    };
    Outcome {
        text: hard(),
        reasoning: "Hm…".to_owned(),
        refused: true,
        stop_reason: Some(StopReason::ToolUse),
        model: Some("größer-1".to_owned()),
        upstream_model: Some("größer-1-2026".to_owned()),
        provider: Some("openai".to_owned()),
        service_tier: Some("flex".to_owned()),
        handed_to: Some(Handover { assistant: id(3), name: "Eve".to_owned(), version: 9 }),
        is_summarized: true,
        is_extractive: true,
        requested_calls: vec![call()],
        tool_calls: vec![record],
        citations: vec![citation],
        images: vec!["https://pictures.example/1".to_owned()],
        rules: vec!["rule_1".to_owned()],
        logprobs: vec![json!({ "token": "a", "logprob": -0.5 })],
        notices: vec![Notice::new("seed", NoticeAction::Dropped, hard())],
        usage: RunUsage {
            input_tokens: 1 << 40,
            cached_tokens: 2,
            output_tokens: 3,
            reasoning_tokens: 4,
            cost_micros: Some(1 << 41),
            is_estimated: true,
        },
        failure: Some(RunFailure { code: "timeout".to_owned(), message: hard() }),
    }
}

fn call() -> ToolCall {
    let arguments = "{\"days\":  3}".to_owned();
    ToolCall { id: "call_1".to_owned(), name: "find_größe".to_owned(), arguments }
}

fn lease(until: Timestamp) -> Lease {
    Lease { owner: Uuid::from_u128(7), until }
}

/// A run with nothing at its default.
fn full_run(n: u32) -> Run {
    Run {
        user: id(2),
        credential: RunCredential::Token(id(3)),
        address: Some(IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 7])),
        assistant: id(4),
        lineage: id(5),
        version: 6,
        thread: Some(id(7)),
        visible: false,
        outlives_connection: false,
        request: full_request(),
        resumes: Some(Resumed { run: id(8), asked: id(9), carried: 7 }),
        heard: vec![Heard { run: id(9), from: 2, count: 1 }],
        status: RunStatus::Failed,
        outcome: full_outcome(),
        transcript: vec![Item::ToolCall(call()), Item::text(MessageRole::Assistant, hard())],
        lease: Some(lease(instant(111_111))),
        cancel_requested_at: Some(instant(222_222)),
        reserved_tokens: 1 << 42,
        created_at: instant(123_456),
        started_at: Some(instant(234_567)),
        finished_at: Some(instant(345_678)),
        revision: 7,
        ..run(n)
    }
}

/// An approval with nothing at its default.
fn full_approval(n: u32, run: &Run) -> Approval {
    Approval {
        user: id(2),
        call: call(),
        server_label: "größe".to_owned(),
        tool: "vorhersage".to_owned(),
        pin: "0".repeat(64),
        state: ApprovalState::Denied,
        reason: Some(hard()),
        created_at: instant(123_456),
        expires_at: instant(234_567),
        decided_at: Some(instant(345_678)),
        ..approval(n, run)
    }
}

async fn found(store: &dyn Store, n: u32) -> Option<Run> {
    let in_work = begin(store).await.runs().find(id(n)).await.unwrap();
    assert_eq!(store.runs().run(home(), id(n)).await.unwrap(), in_work);
    in_work
}

async fn approvals(store: &dyn Store, n: u32) -> Vec<Approval> {
    let in_work = begin(store).await.runs().approvals(id(n)).await.unwrap();
    assert_eq!(store.runs().approvals(home(), id(n)).await.unwrap(), in_work);
    in_work
}

async fn update(store: &dyn Store, run: Run) -> Run {
    let mut work = begin(store).await;
    let updated = work.runs().update(run).await.unwrap();
    work.commit().await.unwrap();
    updated
}

/// A run reads back as it was written, with all it can have or nothing.
pub async fn a_saved_run_reads_back_equal(store: &dyn Store) {
    people(store, 2).await;
    let bare = Run { request: RunRequest::default(), ..run(2) };
    add(store, vec![full_run(1).into(), bare.clone().into()]).await;

    assert_eq!(found(store, 1).await, Some(full_run(1)));
    assert_eq!(found(store, 2).await, Some(bare));
    assert_eq!(found(store, 9).await, None);
}

/// A run reads back in every status.
pub async fn every_status_of_a_run_reads_back(store: &dyn Store) {
    people(store, 1).await;
    let saved = |(n, status)| Run { status, ..run(n) };
    add(store, (1..).zip(STATUSES).map(|case| saved(case).into()).collect()).await;

    for case in (1..).zip(STATUSES) {
        assert_eq!(found(store, case.0).await, Some(saved(case)));
    }
}

/// The id of a run is taken.
pub async fn a_run_is_added_once(store: &dyn Store) {
    people(store, 2).await;
    add(store, vec![run(1).into()]).await;

    assert_taken(&refusal(store, full_run(1)).await, "id");
    assert_eq!(found(store, 1).await, Some(run(1)));
}

/// A changed run has its next revision.
pub async fn an_updated_run_reads_back_with_its_next_revision(store: &dyn Store) {
    people(store, 2).await;
    add(store, vec![run(1).into()]).await;
    let changed = Run { user: id(1), revision: 1, ..full_run(1) };
    let updated = update(store, changed.clone()).await;

    assert_eq!(updated, Run { revision: 2, ..changed });
    assert_eq!(found(store, 1).await, Some(updated));
}

/// The second of two changes of the same revision is refused, and that of no run.
pub async fn a_stale_run_conflicts(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![run(1).into()]).await;
    update(store, Run { reserved_tokens: 7, ..run(1) }).await;

    for lost in [run(1), run(9), Run { revision: 3, ..run(1) }] {
        assert_conflict(&begin(store).await.runs().update(lost).await.unwrap_err());
    }
    assert_eq!(found(store, 1).await.map(|run| run.reserved_tokens), Some(7));
}

/// A run is removed with its events and approvals, once. Messages and executions that
/// name it stay, and so do other runs.
pub async fn a_removed_run_takes_its_events_and_approvals_along(store: &dyn Store) {
    people(store, 1).await;
    let said = understudy_domain::Message { run: Some(id(1)), ..message(1, &thread(1)) };
    let done = understudy_domain::Execution { run: Some(id(1)), ..execution(1, &automation(1)) };
    add(store, vec![thread(1).into(), said.clone().into()]).await;
    add(store, vec![automation(1).into(), done.clone().into()]).await;
    for n in [1, 2] {
        add(store, vec![run(n).into(), approval(n, &run(n)).into()]).await;
        store.run_events().append(&[(home(), id(n), told(1))]).await.unwrap();
    }
    let mut work = begin(store).await;
    assert!(work.runs().delete(id(1)).await.unwrap());
    assert!(!work.runs().delete(id(1)).await.unwrap());
    assert!(!work.runs().delete(id(9)).await.unwrap());
    work.commit().await.unwrap();

    let log = store.run_events();
    assert_eq!((found(store, 1).await, approvals(store, 1).await), (None, vec![]));
    assert_eq!(log.events(home(), id(1), 0, 9).await.unwrap(), []);
    assert_eq!(found(store, 2).await, Some(run(2)));
    assert_eq!(approvals(store, 2).await, [approval(2, &run(2))]);
    assert_eq!(log.events(home(), id(2), 0, 9).await.unwrap(), [told(1)]);
    let order = understudy_domain::conversation::Order::Ascending;
    let talks = store.conversations();
    assert_eq!(talks.messages(home(), id(1), None, order, 9).await.unwrap(), [said]);
    assert_eq!(store.runs().executions(home(), id(1), None, 9).await.unwrap(), [done]);
    // A run of the same id would begin anew.
    add(store, vec![run(1).into()]).await;
    assert_eq!(log.events(home(), id(1), 0, 9).await.unwrap(), []);
}

/// Runs count as active while somebody works on them or is going to, for their own
/// user, also before the unit of work that made them ends.
pub async fn only_active_runs_of_the_user_count(store: &dyn Store) {
    people(store, 3).await;
    let of_user = |user: u32| {
        (1..).zip(STATUSES).map(move |(n, status)| Run {
            status,
            user: id(user),
            ..run(10 * user + n)
        })
    };
    add(store, of_user(1).chain(of_user(2)).map(Into::into).collect()).await;
    let mut work = begin(store).await;
    for (user, count) in [(1, 2), (2, 2), (3, 0), (9, 0)] {
        assert_eq!(work.runs().count_active(id(user)).await.unwrap(), count, "of user {user}");
    }
    work.runs().insert(&run(1)).await.unwrap();
    let done = Run { status: RunStatus::Completed, ..run(11) };
    let before = work.runs().count_active(id(1)).await.unwrap();
    work.runs().update(done).await.unwrap();

    let after = work.runs().count_active(id(1)).await.unwrap();
    assert_eq!((before, after), (3, 2));
}

/// An approval reads back as it was written, in every state; those of a run come in
/// the order of ids.
pub async fn approvals_read_back_in_the_order_of_ids(store: &dyn Store) {
    people(store, 2).await;
    add(store, vec![run(1).into(), run(2).into()]).await;
    let in_state = |n, state| Approval { state, ..approval(n, &run(1)) };
    let saved = [
        approval(1, &run(1)),
        full_approval(2, &run(1)),
        in_state(3, ApprovalState::Approved),
        in_state(4, ApprovalState::Expired),
    ];
    let mut work = begin(store).await;
    let mut shuffled = saved.clone();
    shuffled.reverse();
    work.runs().save_approvals(&shuffled).await.unwrap();
    work.runs().save_approvals(&[approval(5, &run(2))]).await.unwrap();
    work.runs().save_approvals(&[]).await.unwrap();
    work.commit().await.unwrap();

    assert_eq!(approvals(store, 1).await, saved);
    assert_eq!(approvals(store, 2).await, [approval(5, &run(2))]);
    assert_eq!(approvals(store, 9).await, []);
}

/// An approval takes the place of the one with its id; others stay.
pub async fn a_saved_approval_replaces_the_one_before(store: &dyn Store) {
    people(store, 2).await;
    add(store, vec![run(1).into()]).await;
    add(store, [1, 2, 3].map(|n| approval(n, &run(1)).into()).into()).await;
    let mut work = begin(store).await;
    let saved = [full_approval(2, &run(1)), approval(4, &run(1))];
    work.runs().save_approvals(&saved).await.unwrap();
    work.commit().await.unwrap();

    let [decided, new] = saved;
    let expected = [approval(1, &run(1)), decided, approval(3, &run(1)), new];
    assert_eq!(approvals(store, 1).await, expected);
}

/// Nothing is approved for a run that is not there.
pub async fn an_approval_needs_its_run(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![run(1).into()]).await;

    assert_conflict(&refusal(store, approval(1, &run(2))).await);
    let one_of_two = [approval(1, &run(1)), approval(2, &run(2))];
    let refused = begin(store).await.runs().save_approvals(&one_of_two).await;
    assert_conflict(&refused.unwrap_err());
    assert_eq!(approvals(store, 1).await, []);
}

type Runs = Vec<(OrganizationId, RunId)>;

/// Organization 1 with users 1 and 2, and organization 2 with user 3.
async fn two_organizations(store: &dyn Store) {
    people(store, 2).await;
    add(store, vec![organization(2).into(), user(3).of(2).into()]).await;
}

/// The run as one of organization 2.
fn foreign(run: Run) -> Run {
    let user: UserId = id(3);
    Run { user, ..run }.of(2)
}

fn sorted(mut found: Runs) -> Runs {
    found.sort_unstable();
    found
}

/// Asserts that a limit lets through that many of `all`, each once.
fn assert_some_of(found: Runs, limit: usize, all: &Runs) {
    let found = sorted(found);
    let mut distinct = found.clone();
    distinct.dedup();
    assert_eq!(distinct.len(), limit, "got {found:?}");
    assert!(found.iter().all(|run| all.contains(run)), "got {found:?}");
}

/// Status, end of the lease, instant of making, and whether it is abandoned at
/// instant 100 when whatever was made before instant 50 should have begun.
const LEASES: [(RunStatus, Option<u32>, u32, bool); 12] = [
    (RunStatus::Queued, None, 49, true),
    (RunStatus::Queued, None, 50, false),
    (RunStatus::Queued, Some(100), 60, true),
    (RunStatus::Queued, Some(101), 1, false),
    (RunStatus::InProgress, Some(99), 1, true),
    (RunStatus::InProgress, Some(100), 99, true),
    (RunStatus::InProgress, Some(101), 1, false),
    (RunStatus::InProgress, None, 1, false),
    (RunStatus::Waiting, Some(1), 1, false),
    (RunStatus::Completed, Some(1), 1, false),
    (RunStatus::Failed, None, 1, false),
    (RunStatus::Cancelled, Some(1), 1, false),
];

/// Runs whose server let its lease end, and those that no server took in time, are
/// found in all organizations.
pub async fn runs_that_nobody_works_on_are_abandoned(store: &dyn Store) {
    two_organizations(store).await;
    let cases = || (1..).zip(LEASES);
    let leased = |n, (status, until, made, _): (RunStatus, Option<u32>, u32, bool)| Run {
        status,
        lease: until.map(|until| lease(instant(until))),
        created_at: instant(made),
        ..run(n)
    };
    add(store, cases().map(|(n, case)| leased(n, case).into()).collect()).await;
    add(store, cases().map(|(n, case)| foreign(leased(100 + n, case)).into()).collect()).await;

    let ours = cases().filter(|(_, case)| case.3).map(|(n, _)| (id(1), id(n)));
    let theirs = cases().filter(|(_, case)| case.3).map(|(n, _)| (id(2), id(100 + n)));
    let expected: Runs = sorted(ours.chain(theirs).collect());
    let found = async |limit| store.runs().abandoned(instant(100), instant(50), limit).await;
    assert_eq!(sorted(found(100).await.unwrap()), expected);
    assert_some_of(found(3).await.unwrap(), 3, &expected);
    // Not before.
    assert_eq!(store.runs().abandoned(instant(98), instant(49), 100).await.unwrap(), []);
}

/// Waiting runs are overdue once one of their calls has waited too long, each once.
pub async fn waiting_runs_with_expired_approvals_are_overdue(store: &dyn Store) {
    two_organizations(store).await;
    let until =
        |n, run: &Run, state, end| Approval { state, expires_at: instant(end), ..approval(n, run) };
    let (pending, approved) = (ApprovalState::Pending, ApprovalState::Approved);
    let waiting = |n| Run { status: RunStatus::Waiting, ..run(n) };
    let theirs = foreign(waiting(5));
    add(store, [1, 2, 3].map(|n| waiting(n).into()).into()).await;
    add(store, vec![Run { status: RunStatus::Cancelled, ..run(4) }.into()]).await;
    let rows: [Row; 7] = [
        until(1, &run(1), pending, 99).into(),
        until(2, &run(1), pending, 100).into(),
        until(3, &run(1), pending, 500).into(),
        until(4, &run(2), approved, 1).into(),
        until(5, &run(2), pending, 101).into(),
        until(6, &run(3), ApprovalState::Expired, 1).into(),
        until(7, &run(4), pending, 1).into(),
    ];
    add(store, rows.into()).await;
    add(store, vec![theirs.clone().into(), until(8, &theirs, pending, 100).into()]).await;

    let found = async |now, limit| store.runs().overdue(instant(now), limit).await.unwrap();
    let expected: Runs = vec![(id(1), id(1)), (id(2), id(5))];
    assert_eq!(found(98, 10).await, []);
    assert_eq!(sorted(found(100, 10).await), expected);
    assert_some_of(found(100, 1).await, 1, &expected);
    assert_eq!(sorted(found(101, 10).await), [(id(1), id(1)), (id(1), id(2)), (id(2), id(5))]);
    let mut work = begin(store).await;
    let decided = [1, 2].map(|n| until(n, &run(1), approved, 1));
    work.runs().save_approvals(&decided).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(found(100, 10).await, [(id(2), id(5))]);
}

/// Runs that ended and that nobody may read are forgettable, those that can be read and
/// those that go on are not.
pub async fn ended_runs_that_nobody_may_read_are_forgettable(store: &dyn Store) {
    two_organizations(store).await;
    let ended = |n, end: Option<u32>, visible| Run {
        status: if end.is_some() { RunStatus::Completed } else { RunStatus::Waiting },
        finished_at: end.map(instant),
        visible,
        ..run(n)
    };
    let ours = [
        ended(1, Some(99), false),
        ended(2, Some(100), false),
        ended(3, Some(1), true),
        ended(4, None, false),
        Run { status: RunStatus::Failed, ..ended(5, Some(1), false) },
    ];
    add(store, ours.map(Into::into).into()).await;
    add(store, vec![foreign(ended(6, Some(2), false)).into()]).await;

    let found = async |end, limit| store.runs().forgettable(instant(end), limit).await.unwrap();
    let expected: Runs = vec![(id(1), id(1)), (id(1), id(5)), (id(2), id(6))];
    assert_eq!(sorted(found(100, 10).await), expected);
    assert_some_of(found(100, 2).await, 2, &expected);
    assert_eq!(found(1, 10).await, []);
}

/// A run is found by what it is now, not by what it was.
pub async fn an_updated_run_is_swept_as_it_is_now(store: &dyn Store) {
    people(store, 1).await;
    add(store, vec![run(1).into()]).await;
    let found = async || {
        let runs = store.runs();
        [
            !runs.abandoned(instant(100), instant(50), 9).await.unwrap().is_empty(),
            !runs.overdue(instant(100), 9).await.unwrap().is_empty(),
            !runs.forgettable(instant(100), 9).await.unwrap().is_empty(),
        ]
    };
    assert_eq!(found().await, [true, false, false], "queued");

    let status = RunStatus::InProgress;
    let leased = Run { status, lease: Some(lease(instant(200))), ..run(1) };
    let leased = update(store, leased).await;
    assert_eq!(found().await, [false, false, false], "in progress");
    let stuck = update(store, Run { lease: Some(lease(instant(60))), ..leased }).await;
    assert_eq!(found().await, [true, false, false], "without a server");
    let late = Approval { expires_at: instant(70), ..approval(1, &stuck) };
    add(store, vec![late.into()]).await;
    let waiting = Run { status: RunStatus::Waiting, lease: None, ..stuck };
    let waiting = update(store, waiting).await;
    assert_eq!(found().await, [false, true, false], "waiting");
    let status = RunStatus::Completed;
    let ended = Run { status, finished_at: Some(instant(80)), ..waiting };
    let ended = update(store, ended).await;
    assert_eq!(found().await, [false, false, false], "ended");
    update(store, Run { visible: false, ..ended }).await;
    assert_eq!(found().await, [false, false, true], "of no interest");
}

/// What is asked and what has come of it may be long.
pub async fn a_long_run_reads_back_equal(store: &dyn Store) {
    people(store, 1).await;
    let long = "Größe 🏛 ".repeat(100_000);
    let mut saved = run(1);
    saved.request.metadata = BTreeMap::from([("größe".to_owned(), "xl".to_owned())]);
    saved.transcript = vec![Item::text(MessageRole::Assistant, long.clone()); 3];
    saved.outcome.text = long;
    add(store, vec![saved.clone().into()]).await;

    assert_eq!(found(store, 1).await, Some(saved));
}
