//! Runs in the background, with a model that waits where a test wants it to.
#![expect(clippy::unwrap_used, reason = "a failing test panics")]

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use understudy_domain::{
    Organization, OrganizationSettings, Provider, ProviderKind, Role, Run, RunEvent, Scope,
    TokenLimits, User,
    assistant::content::MessageRole,
    chat::{ChatEvent, ChatStop},
    conversation::Item,
    ports::{Runner, Store},
    run::{Interruption, RunRequest, RunStatus, file_knowledge::FileKnowledge},
    usecases::{
        Caller, Deps,
        assistants::create_assistant,
        bootstrap::operator,
        runs::{StartRun, cancel_run, follow_run, start_run, wait_for_run},
    },
};
use understudy_runner::{RunPorts, Tasks};
use understudy_testkit::{
    ChatAnswer, FakeActions, FakeChatModel, FakeImageModel, FakeMcp, FakeModerator, FakePictures,
    FakeTokenizer, FakeVault, FixedClock, Gate, MemoryBlobs, MemoryStore, SequentialIds, sample,
};

/// How long a look for news may take; no test waits for its end.
const PATIENCE: Duration = Duration::from_secs(20);

struct Desk {
    tasks: Tasks,
    chat: Arc<FakeChatModel>,
    store: MemoryStore,
    assistant: String,
}

fn me() -> Caller {
    let mut caller = operator(&person());
    let limits = limits();
    caller.actor.credential = understudy_domain::Credential::Token { id: sample::id(1), limits };
    caller
}

fn person() -> User {
    User { role: Role::Member, ai_seat: true, disabled: false, ..sample::user(1) }
}

fn limits() -> TokenLimits {
    TokenLimits { scopes: Scope::ALL.into_iter().collect(), ..TokenLimits::default() }
}

async fn desk() -> Desk {
    desk_with(Duration::from_mins(1)).await
}

async fn desk_with(deadline: Duration) -> Desk {
    desk_of(deadline, json!({"name": "Guide"})).await
}

async fn desk_of(deadline: Duration, assistant: Value) -> Desk {
    let (store, chat) = (MemoryStore::default(), Arc::new(FakeChatModel::default()));
    let settings = OrganizationSettings::default();
    let token = understudy_domain::ApiToken { limits: limits(), ..sample::token(1, &person()) };
    let provider = Provider {
        kind: ProviderKind::Openai,
        api_key: None,
        models: Vec::new(),
        enabled: true,
        ..sample::provider(1)
    };
    let rows = vec![
        Organization { settings, ..sample::organization(1) }.into(),
        person().into(),
        token.into(),
        provider.into(),
    ];
    sample::save(&store, rows).await.unwrap();
    let ports = ports(&store, &chat);
    let deps = Deps {
        store: &store,
        clock: &*ports.clock,
        ids: &*ports.ids,
        blobs: &*ports.blobs,
        pictures: &*ports.pictures,
    };
    let made = create_assistant(deps, &*ports.vault, &me(), assistant).await.unwrap();
    let tasks = Tasks::with_deadline(ports, deadline);
    let assistant = made.record.assistant.id.to_string();
    Desk { tasks, chat, store, assistant }
}

/// The ports of one process on this store.
fn ports(store: &MemoryStore, chat: &Arc<FakeChatModel>) -> RunPorts {
    let blobs = MemoryBlobs::default();
    let mcp = FakeMcp::default();
    mcp.serve("box", [FakeMcp::tool("open")]);
    RunPorts {
        store: Arc::new(store.clone()),
        clock: Arc::new(FixedClock::default()),
        ids: Arc::new(SequentialIds::default()),
        knowledge: Arc::new(FileKnowledge::new(Arc::new(blobs.clone()))),
        blobs: Arc::new(blobs),
        pictures: Arc::new(FakePictures),
        vault: Arc::new(FakeVault::default()),
        chat_model: Arc::<FakeChatModel>::clone(chat),
        image_model: Arc::new(FakeImageModel::default()),
        tokenizer: Arc::new(FakeTokenizer),
        moderator: Arc::new(FakeModerator::default()),
        mcp: Arc::new(mcp),
        actions: Arc::new(FakeActions::default()),
        web_search: None,
        code: None,
        datasets: None,
        public_url: "https://here.example".to_owned(),
    }
}

impl Desk {
    async fn ask(&self, text: &str) -> Run {
        let input = vec![Item::text(MessageRole::User, text)];
        let request = RunRequest { input, ..RunRequest::default() };
        let command = StartRun { request, background: true, ..StartRun::default() };
        start_run(self.tasks.deps(), &me(), &self.assistant, command).await.unwrap().run
    }

    /// All events behind `after`, up to the last.
    async fn follow(&self, run: &Run, mut after: u64) -> Vec<RunEvent> {
        let mut all = Vec::new();
        loop {
            let news = follow_run(self.tasks.deps(), &me(), run.id, after, PATIENCE).await.unwrap();
            after = news.events.last().map_or(after, |event| event.sequence);
            all.extend(news.events);
            if news.is_last {
                return all;
            }
        }
    }

    async fn stored(&self, run: &Run) -> Run {
        self.store.runs().run(run.organization, run.id).await.unwrap().unwrap()
    }
}

fn halves(gate: &Gate) -> ChatAnswer {
    ChatAnswer::default()
        .say([ChatEvent::Text("one ".to_owned())])
        .wait(gate)
        .say([ChatEvent::Text("two".to_owned())])
        .done(ChatStop::EndTurn)
}

fn sequences(events: &[RunEvent]) -> Vec<u64> {
    events.iter().map(|event| event.sequence).collect()
}

#[tokio::test]
async fn a_run_goes_on_by_itself_and_its_events_are_there_afterwards() {
    let desk = desk().await;
    let run = desk.ask("x").await;

    let done = wait_for_run(desk.tasks.deps(), &me(), run.id).await.unwrap();
    let told = desk.follow(&run, 0).await;
    let stored = desk.store.run_events().events(run.organization, run.id, 0, 100).await.unwrap();

    assert_eq!((done.status, done.outcome.text.as_str()), (RunStatus::Completed, "ok"));
    assert_eq!(told, stored);
    assert_eq!(sequences(&told), (1..=u64::try_from(told.len()).unwrap()).collect::<Vec<_>>());
    assert!(told.last().unwrap().is_terminal());
}

#[tokio::test]
async fn whoever_comes_back_gets_each_event_once() {
    let desk = desk().await;
    let gate = Gate::default();
    desk.chat.answer_next(halves(&gate));
    let run = desk.ask("x").await;
    gate.reached().await;
    let before = follow_run(desk.tasks.deps(), &me(), run.id, 0, PATIENCE).await.unwrap().events;
    gate.open();

    for seen in 0..=before.len() {
        let after = seen.checked_sub(1).map_or(0, |last| before[last].sequence);
        let mut all = sequences(&before[..seen]);
        all.extend(sequences(&desk.follow(&run, after).await));
        assert_eq!(all, (1..=u64::try_from(all.len()).unwrap()).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn another_server_tells_the_same() {
    let desk = desk().await;
    let run = desk.ask("x").await;
    let here = desk.follow(&run, 0).await;
    let other = Desk { tasks: Tasks::new(ports(&desk.store, &desk.chat)), ..desk };

    let there = other.follow(&run, 2).await;

    assert_eq!(there, here[2..]);
}

#[tokio::test]
async fn a_run_that_is_cancelled_lets_go_of_its_provider() {
    let desk = desk().await;
    let gate = Gate::default();
    desk.chat.answer_next(halves(&gate));
    let run = desk.ask("x").await;
    gate.reached().await;

    let cancelled = cancel_run(desk.tasks.deps(), &me(), run.id).await.unwrap();

    assert_eq!(cancelled.mode, "quick_edit");
    assert_eq!(cancelled.run.status, RunStatus::Cancelled);
    desk.chat.is_idle().await;
    let told = desk.follow(&run, 0).await;
    assert_eq!(told.iter().filter(|event| event.is_terminal()).count(), 1);
}

#[tokio::test]
async fn a_run_that_nobody_listens_to_is_stopped_where_that_is_wanted() {
    let desk = desk().await;
    let gate = Gate::default();
    desk.chat.answer_next(halves(&gate));
    let run = desk.ask("x").await;
    gate.reached().await;

    desk.tasks.stop(run.id, Interruption::Abandoned);
    let told = desk.follow(&run, 0).await;

    assert_eq!(told.last().unwrap().name, "response.cancelled");
    let stored = desk.stored(&run).await;
    assert_eq!((stored.status, stored.outcome.text.as_str()), (RunStatus::Cancelled, "one "));
    assert!(stored.outcome.usage.output_tokens > 0);
}

#[tokio::test]
async fn a_run_that_takes_too_long_is_ended() {
    let desk = desk_with(Duration::from_millis(50)).await;
    desk.chat.answer_next(halves(&Gate::default()));
    let run = desk.ask("x").await;

    let told = desk.follow(&run, 0).await;

    assert_eq!(told.last().unwrap().name, "response.failed");
    assert_eq!(desk.stored(&run).await.outcome.failure.unwrap().code, "timeout");
    desk.chat.is_idle().await;
}

#[tokio::test]
async fn a_server_that_stops_ends_its_runs_and_tells_their_followers() {
    let desk = desk().await;
    let gate = Gate::default();
    desk.chat.answer_next(halves(&gate));
    let run = desk.ask("x").await;
    gate.reached().await;

    desk.tasks.shut_down(Duration::ZERO).await;

    let stored = desk.stored(&run).await;
    assert_eq!(stored.outcome.failure.as_ref().unwrap().code, "interrupted");
    let events = desk.store.run_events().events(run.organization, run.id, 0, 100).await.unwrap();
    assert_eq!(events.last().unwrap().name, "response.failed");
    assert_eq!(desk.tasks.active(), 0);
}

#[tokio::test]
async fn a_server_that_stops_lets_runs_finish_that_are_about_to() {
    let desk = desk().await;
    let gate = Gate::default();
    desk.chat.answer_next(halves(&gate));
    let run = desk.ask("x").await;
    gate.reached().await;

    let stopping = desk.tasks.shut_down(Duration::from_secs(20));
    gate.open();
    stopping.await;

    assert_eq!(desk.stored(&run).await.status, RunStatus::Completed);
}

#[tokio::test]
async fn a_follower_who_is_slow_loses_nothing() {
    let desk = desk().await;
    let many: Vec<_> = (0..2_000).map(|n| ChatEvent::Text(format!("{n} "))).collect();
    desk.chat.answer_next(ChatAnswer::default().say(many).done(ChatStop::EndTurn));
    let run = desk.ask("x").await;

    let told = desk.follow(&run, 0).await;

    let shown: String = told.iter().filter_map(|event| event.data.text("delta")).collect();
    let whole = (0..2_000).map(|n| format!("{n} ")).collect::<Vec<_>>().concat();
    assert_eq!(shown, whole);
    assert_eq!(desk.stored(&run).await.outcome.text, whole);
}

#[tokio::test]
async fn a_follower_who_is_far_behind_is_told_everything_in_its_order() {
    let desk = desk().await;
    let (reached, gate) = (Gate::default(), Gate::default());
    reached.open();
    let many: Vec<_> = (0..1_000).map(|n| ChatEvent::Text(format!("{n} "))).collect();
    let answer = ChatAnswer::default().say(many).wait(&reached).wait(&gate);
    desk.chat.answer_next(answer.done(ChatStop::EndTurn));
    let run = desk.ask("x").await;
    reached.reached().await;

    // It is still on its way, and has long told more than is kept here.
    let (mut after, mut told) = (0, Vec::new());
    while told.len() < 1_000 {
        let news = desk.tasks.follow(run.organization, run.id, after, PATIENCE).await.unwrap();
        after = news.last().unwrap().sequence;
        told.extend(news);
    }
    gate.open();
    told.extend(desk.follow(&run, after).await);

    assert_eq!(sequences(&told), (1..=u64::try_from(told.len()).unwrap()).collect::<Vec<_>>());
    let shown: String = told.iter().filter_map(|event| event.data.text("delta")).collect();
    assert_eq!(shown, desk.stored(&run).await.outcome.text);
}

#[tokio::test]
async fn a_store_that_is_slow_slows_a_provider_down_and_loses_nothing() {
    const PIECE: usize = 16 * 1024;
    let desk = desk().await;
    let (storing, all_said) = (Gate::default(), Gate::default());
    all_said.open();
    desk.store.hold_run_events_at(&storing);
    let pieces: Vec<_> = (0..64).map(|n| format!("{n:>PIECE$}")).collect();
    let said = pieces.iter().cloned().map(ChatEvent::Text);
    let answer = ChatAnswer::default().say(said).wait(&all_said).done(ChatStop::EndTurn);
    desk.chat.answer_next(answer);
    let run = desk.ask("x").await;
    storing.reached().await;

    // There is one thread, and nothing but the gate is waited for.
    let mut told = Vec::new();
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
        let after = told.last().map_or(0, |event: &RunEvent| event.sequence);
        let at_once = Duration::ZERO;
        told.extend(desk.tasks.follow(run.organization, run.id, after, at_once).await.unwrap());
    }
    let bytes: usize = told.iter().map(|event| event.data.size()).sum();
    assert!((200_000..400_000).contains(&bytes), "{bytes}");

    storing.open();
    all_said.reached().await;
    let told = desk.follow(&run, 0).await;
    let shown: String = told.iter().filter_map(|event| event.data.text("delta")).collect();
    assert!(shown == pieces.concat());
    assert!(desk.stored(&run).await.outcome.text == shown);
}

#[tokio::test]
async fn a_run_that_is_cancelled_as_soon_as_it_pauses_tells_so() {
    let server = json!({
        "serverLabel": "box",
        "serverUrl": "https://box.example/mcp",
        "requireApproval": "always",
    });
    let assistant = json!({"name": "Guide", "tool_configurations": {"mcpTools": [server]}});
    let desk = desk_of(Duration::from_mins(1), assistant).await;
    desk.chat.answer_next(ChatAnswer::calls([("c", "box__open", json!({}))]));
    let run = desk.ask("x").await;
    let paused = desk.follow(&run, 0).await;
    assert_eq!(paused.last().unwrap().data.text("status"), Some("requires_approval"));

    // Its task may still be about to end.
    let cancelled = cancel_run(desk.tasks.deps(), &me(), run.id).await.unwrap();

    assert_eq!(cancelled.run.status, RunStatus::Cancelled);
    let told = desk.follow(&run, paused.last().unwrap().sequence).await;
    assert_eq!(told.last().unwrap().name, "response.cancelled");
}

#[tokio::test]
async fn a_run_that_is_at_work_is_not_ended_by_who_thinks_that_it_is_abandoned() {
    let desk = desk().await;
    let gate = Gate::default();
    desk.chat.answer_next(halves(&gate));
    let run = desk.ask("x").await;
    gate.reached().await;

    desk.tasks.conclude(run.organization, run.id, Interruption::Interrupted);
    gate.open();
    let told = desk.follow(&run, 0).await;
    desk.tasks.shut_down(PATIENCE).await;

    assert_eq!(told.last().unwrap().name, "response.completed");
    assert_eq!(desk.stored(&run).await.status, RunStatus::Completed);
}
