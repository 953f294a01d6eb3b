//! An organization, its providers, and whoever carries its runs out.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use understudy_domain::{
    ApiToken, Credential, Organization, OrganizationId, OrganizationSettings, Provider,
    ProviderKind, Role, Run, RunEvent, Scope, TokenLimits, User,
    assistant::{content::MessageRole, edit::WriteMode},
    chat::Protocol,
    conversation::Item,
    ports::{Runner, Store, Tokenizer, UsageFilter},
    run::{RunRequest, file_knowledge::FileKnowledge, names},
    usecases::{
        Caller, Precondition, Result,
        assistants::{UpdateAssistant, create_assistant, update_assistant},
        bootstrap::operator,
        runs::{StartRun, Threading, start_run},
    },
};
use understudy_models::{Models, Timeouts};
use understudy_outbound::{Outbound, OutboundOptions};
use understudy_runner::{RunPorts, Tasks};
use understudy_testkit::{
    FakeActions, FakeImageModel, FakeMcp, FakePictures, FakeTokenizer, FakeVault, FakeWebSearch,
    FixedClock, MemoryBlobs, MemoryStore, ModelUpstream, RecordedRequest, SequentialIds, sample,
};

/// How long anything may take; no test waits for its end.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// How long a test waits that must wait for nothing; long enough for what comes on a
/// busy machine.
pub(crate) const SHORT: Duration = Duration::from_secs(2);

/// Protocols that go over the wire.
pub(crate) const WIRES: [Protocol; 5] = [
    Protocol::OpenaiResponses,
    Protocol::OpenaiChat,
    Protocol::CompatibleChat,
    Protocol::AnthropicMessages,
    Protocol::OllamaChat,
];

/// Models that providers list who are not the vendor.
const LISTED: [&str; 5] = ["gpt-4o", "gpt-4.1", "gpt-5.2", "gpt-oss-20b", "llama-3.3-70b-instruct"];

/// What a stage is made of.
pub(crate) struct Plan {
    pub(crate) providers: Vec<Provider>,
    pub(crate) timeouts: Timeouts,
    pub(crate) deadline: Duration,
    pub(crate) tokenizer: Arc<dyn Tokenizer>,
}

impl Plan {
    pub(crate) fn of(providers: Vec<Provider>) -> Self {
        Self {
            providers,
            timeouts: Timeouts::default(),
            deadline: Duration::from_mins(5),
            tokenizer: Arc::new(FakeTokenizer),
        }
    }
}

/// The provider by which a protocol is spoken, at an upstream.
pub(crate) fn provider(n: u32, protocol: Protocol, upstream: &ModelUpstream) -> Provider {
    let listed = || LISTED.iter().map(|&name| name.to_owned()).collect();
    let (kind, base_url, models) = match protocol {
        Protocol::OpenaiResponses | Protocol::OpenaiChat => {
            (ProviderKind::Openai, upstream.openai_url(), Vec::new())
        }
        Protocol::CompatibleChat => {
            (ProviderKind::OpenaiCompatible, upstream.openai_url(), listed())
        }
        Protocol::AnthropicMessages => {
            (ProviderKind::Anthropic, upstream.anthropic_url(), Vec::new())
        }
        Protocol::OllamaChat => (ProviderKind::Ollama, upstream.ollama_url(), listed()),
        Protocol::Builtin => unreachable!("it needs no provider"),
    };
    Provider {
        kind,
        base_url: Some(base_url),
        api_key: None,
        models,
        priority: i32::try_from(n).unwrap(),
        enabled: true,
        name: format!("provider {n}"),
        ..sample::provider(n)
    }
}

/// What an assistant has so that this protocol is spoken.
pub(crate) fn base(protocol: Protocol) -> Value {
    match protocol {
        Protocol::OpenaiResponses | Protocol::CompatibleChat => {
            json!({"default_model_key": "gpt-4o"})
        }
        // Responses has no seed.
        Protocol::OpenaiChat => json!({"default_model_key": "gpt-4o", "seed": 7}),
        Protocol::AnthropicMessages => json!({"default_model_key": "claude-opus-4-6"}),
        Protocol::OllamaChat => json!({"default_model_key": "gpt-oss-20b"}),
        Protocol::Builtin => json!({"default_model_key": "builtin-extractive"}),
    }
}

pub(crate) struct Stage {
    pub(crate) upstream: ModelUpstream,
    pub(crate) tasks: Tasks,
    pub(crate) store: MemoryStore,
    pub(crate) mcp: Arc<FakeMcp>,
}

/// A run that was carried out, and what it told.
pub(crate) struct Ran {
    pub(crate) run: Run,
    pub(crate) events: Vec<RunEvent>,
    pub(crate) streams: bool,
}

impl Ran {
    pub(crate) fn text(&self) -> &str {
        &self.run.outcome.text
    }

    /// The text as followers put it together.
    pub(crate) fn shown(&self) -> String {
        let mut text = String::new();
        for event in &self.events {
            match &*event.name {
                names::CONTENT_DELTA => text.push_str(event.data.text("delta").unwrap()),
                names::CONTENT_RESET => text.clear(),
                _ => {}
            }
        }
        text
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.events.iter().map(|event| &*event.name).collect()
    }

    /// What was done about a field, if something was.
    pub(crate) fn action(&self, field: &str) -> Option<&'static str> {
        let notice = self.run.outcome.notices.iter().find(|notice| notice.field == field);
        notice.map(|notice| notice.action.as_str())
    }

    pub(crate) fn failure(&self) -> Option<&str> {
        self.run.outcome.failure.as_ref().map(|failure| failure.code.as_str())
    }
}

impl Stage {
    /// With one provider, by which this protocol is spoken.
    pub(crate) async fn of(protocol: Protocol) -> Self {
        let upstream = ModelUpstream::start().await.unwrap();
        let providers = match protocol {
            Protocol::Builtin => Vec::new(),
            _ => vec![provider(1, protocol, &upstream)],
        };
        Self::set(upstream, Plan::of(providers)).await
    }

    pub(crate) async fn set(upstream: ModelUpstream, plan: Plan) -> Self {
        let store = MemoryStore::default();
        let settings = OrganizationSettings::default();
        let mut rows = vec![Organization { settings, ..sample::organization(1) }.into()];
        for n in 1..=3 {
            rows.push(user(n).into());
            rows.push(ApiToken { limits: everything(), ..sample::token(n, &user(n)) }.into());
            rows.push(sample::rule(n).into());
        }
        rows.extend(plan.providers.iter().cloned().map(Into::into));
        sample::save(&store, rows).await.unwrap();
        let allowed_networks = vec!["127.0.0.0/8".parse().unwrap()];
        let outbound = Outbound::new(OutboundOptions { allowed_networks }).unwrap();
        let models =
            Models::new(Arc::new(outbound)).with_pause(Duration::ZERO).with_timeouts(plan.timeouts);
        let mcp = Arc::<FakeMcp>::default();
        let blobs = MemoryBlobs::default();
        let ports = RunPorts {
            store: Arc::new(store.clone()),
            clock: Arc::new(FixedClock::default()),
            ids: Arc::new(SequentialIds::default()),
            knowledge: Arc::new(FileKnowledge::new(Arc::new(blobs.clone()))),
            blobs: Arc::new(blobs),
            pictures: Arc::new(FakePictures),
            vault: Arc::new(FakeVault::default()),
            chat_model: Arc::new(models.clone()),
            image_model: Arc::new(FakeImageModel::default()),
            tokenizer: plan.tokenizer,
            moderator: Arc::new(models),
            mcp: Arc::<FakeMcp>::clone(&mcp),
            actions: Arc::new(FakeActions::default()),
            web_search: Some(Arc::new(FakeWebSearch::default())),
            code: None,
            datasets: None,
            public_url: "https://here.example".to_owned(),
        };
        let tasks = Tasks::with_deadline(ports, plan.deadline);
        Self { upstream, tasks, store, mcp }
    }

    /// An assistant of user 1 for all users, with these settings.
    pub(crate) async fn assistant(&self, settings: Value) -> String {
        let deps = self.tasks.deps();
        let mut input = json!({"name": "Guide", "access_mode": "organization"});
        merge(&mut input, settings);
        let made = create_assistant(deps.deps, deps.vault, &me(), input).await.unwrap();
        made.record.assistant.id.to_string()
    }

    /// Changes these settings of an assistant.
    pub(crate) async fn patch(&self, assistant: &str, input: Value) {
        let deps = self.tasks.deps();
        let precondition = Precondition::None;
        let command = UpdateAssistant { input, mode: WriteMode::Merge, precondition };
        update_assistant(deps.deps, deps.vault, &me(), assistant, command).await.unwrap();
    }

    pub(crate) async fn start(
        &self,
        caller: &Caller,
        assistant: &str,
        command: StartRun,
    ) -> Result<Run> {
        Ok(start_run(self.tasks.deps(), caller, assistant, command).await?.run)
    }

    pub(crate) async fn ask(&self, assistant: &str, text: &str) -> Ran {
        self.run(&me(), assistant, asking(text)).await
    }

    /// Goes on in the thread of an earlier run.
    pub(crate) async fn ask_on(&self, before: &Ran, assistant: &str, text: &str) -> Ran {
        let threading = Threading::Continue(before.run.thread.unwrap());
        self.run(&me(), assistant, StartRun { threading, ..asking(text) }).await
    }

    pub(crate) async fn run(&self, caller: &Caller, assistant: &str, command: StartRun) -> Ran {
        let started = start_run(self.tasks.deps(), caller, assistant, command).await.unwrap();
        Ran { streams: started.streams, ..self.end_of(&started.run).await }
    }

    /// Follows a run to its end. There is one end, and nothing comes after it.
    pub(crate) async fn end_of(&self, run: &Run) -> Ran {
        self.end_behind(run, 0).await
    }

    /// The same for a run that goes on after this event.
    pub(crate) async fn end_behind(&self, run: &Run, seen: u64) -> Ran {
        let mut events: Vec<RunEvent> = Vec::new();
        let following = async {
            while !events.last().is_some_and(RunEvent::is_terminal) {
                let after = events.last().map_or(seen, |event| event.sequence);
                let news = self.tasks.follow(run.organization, run.id, after, PATIENCE);
                events.extend(news.await.unwrap());
                tokio::task::yield_now().await;
            }
        };
        let followed = tokio::time::timeout(PATIENCE, following).await;
        assert!(followed.is_ok(), "a run without an end: {events:?}");
        assert_eq!(events.iter().filter(|event| event.is_terminal()).count(), 1, "{events:?}");
        let run = self.store.runs().run(run.organization, run.id).await.unwrap().unwrap();
        Ran { run, events, streams: false }
    }

    /// Follows a run until it tells of this, and gives all that it told.
    pub(crate) async fn until(&self, run: &Run, name: &str) -> Vec<RunEvent> {
        let mut events: Vec<RunEvent> = Vec::new();
        while !events.iter().any(|event| event.name == name || event.is_terminal()) {
            let after = events.last().map_or(0, |event| event.sequence);
            let news = self.tasks.follow(run.organization, run.id, after, PATIENCE).await.unwrap();
            assert!(!news.is_empty(), "{name} never came: {events:?}");
            events.extend(news);
        }
        events
    }

    /// Sees that nothing is left at work, and no connection open.
    pub(crate) async fn close(&self) {
        self.tasks.shut_down(PATIENCE).await;
        assert_eq!(self.tasks.active(), 0);
        tokio::time::timeout(PATIENCE, self.upstream.closed()).await.unwrap();
    }

    /// What models were asked, without small questions and moderation.
    pub(crate) fn asked(&self) -> Vec<RecordedRequest> {
        let all = self.upstream.requests().into_iter();
        all.filter(|request| request.api.is_some()).collect()
    }

    /// What was booked: how often, and how many tokens in all.
    pub(crate) async fn booked(&self) -> (u64, u64) {
        let filter =
            UsageFilter { from: sample::instant(0), until: sample::instant(90_000), user: None };
        let all = self.store.content().usage(tenant(), &filter).await.unwrap();
        (all.iter().map(|total| total.count).sum(), all.iter().map(|total| total.quantity).sum())
    }
}

pub(crate) fn tenant() -> OrganizationId {
    sample::id(1)
}

fn user(n: u32) -> User {
    let role = if n == 1 { Role::Owner } else { Role::Member };
    User { role, ai_seat: true, disabled: false, ..sample::user(n) }
}

fn everything() -> TokenLimits {
    TokenLimits { scopes: Scope::ALL.into_iter().collect(), ..TokenLimits::default() }
}

/// User 1, who owns the organization.
pub(crate) fn me() -> Caller {
    someone(1)
}

/// A user, by a token for everything.
pub(crate) fn someone(n: u32) -> Caller {
    let mut caller = operator(&user(n));
    caller.actor.credential = Credential::Token { id: sample::id(n), limits: everything() };
    caller
}

pub(crate) fn asking(text: &str) -> StartRun {
    let input = vec![Item::text(MessageRole::User, text)];
    let request = RunRequest { input, ..RunRequest::default() };
    StartRun { request, background: true, ..StartRun::default() }
}

/// Puts the fields of one object into another.
pub(crate) fn merge(into: &mut Value, from: Value) {
    let (Value::Object(into), Value::Object(from)) = (into, from) else {
        panic!("settings are objects")
    };
    into.extend(from);
}

/// The base of the protocol, and these settings.
pub(crate) fn settings(protocol: Protocol, more: Value) -> Value {
    let mut all = base(protocol);
    merge(&mut all, more);
    all
}

/// An MCP server `box` whose tools need no approval.
pub(crate) fn server() -> Value {
    json!({"mcpTools": [{
        "serverLabel": "box",
        "serverUrl": "https://box.example/mcp",
        "requireApproval": "never",
    }]})
}
