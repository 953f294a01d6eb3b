//! The stage with all that runs need: a model of an OpenAI that is set up, and a
//! runner that is the test itself.

use std::sync::Arc;

use serde_json::{Value, json};
use understudy_domain::{
    Provider, ProviderKind, RunId, Scope, TokenLimits,
    assistant::content::MessageRole,
    chat::ChatRequest,
    conversation::{Item, Part},
    run::{Begun, Run, RunRequest, RunStatus, file_knowledge::FileKnowledge},
    usecases::{
        Caller, Result,
        runs::{Progress, RunDeps, StartRun, Threading, execute_run, start_run},
    },
};
use understudy_testkit::{
    FakeActions, FakeChatModel, FakeImageModel, FakeMcp, FakeModerator, FakeRunner, FakeSink,
    FakeTokenizer, FakeWebSearch, sample,
};

use crate::stage::{Stage, by_token, id_of, user};

pub struct RunStage {
    pub stage: Stage,
    pub chat: FakeChatModel,
    pub images: FakeImageModel,
    pub moderator: FakeModerator,
    pub mcp: FakeMcp,
    pub actions: FakeActions,
    pub web: Option<FakeWebSearch>,
    pub knowledge: FileKnowledge,
    pub runner: FakeRunner,
}

/// A run that was carried out, and what it told.
pub struct Ran {
    pub run: Run,
    pub sink: FakeSink,
}

impl Ran {
    pub fn text(&self) -> &str {
        &self.run.outcome.text
    }

    /// The texts that followers were shown, put together as they put them together.
    pub fn shown(&self) -> String {
        let mut text = String::new();
        for event in self.sink.events() {
            match &*event.name {
                "response.content_delta" => text.push_str(event.data.text("delta").unwrap()),
                "response.content_reset" => text.clear(),
                _ => {}
            }
        }
        text
    }

    pub fn notices(&self, field: &str) -> Vec<String> {
        let all = self.run.outcome.notices.iter();
        all.filter(|n| n.field.contains(field)).map(|n| n.action.as_str().to_owned()).collect()
    }
}

impl RunStage {
    /// With a provider of the kind `openai`.
    pub async fn set() -> Self {
        let stage = Self::without_provider().await;
        let provider = Provider {
            kind: ProviderKind::Openai,
            api_key: None,
            models: Vec::new(),
            priority: 1,
            enabled: true,
            ..sample::provider(1)
        };
        sample::save(&stage.stage.store, vec![provider.into()]).await.unwrap();
        stage
    }

    /// As a fresh installation.
    pub async fn without_provider() -> Self {
        let stage = Stage::set().await;
        let tokens = (1..=6).map(|n| {
            let limits = everything();
            understudy_domain::ApiToken { limits, ..sample::token(n, &user(n)) }.into()
        });
        sample::save(&stage.store, tokens.collect()).await.unwrap();
        Self {
            chat: FakeChatModel::default(),
            images: FakeImageModel::default(),
            moderator: FakeModerator::default(),
            mcp: FakeMcp::default(),
            actions: FakeActions::default(),
            web: None,
            knowledge: FileKnowledge::new(Arc::new(stage.blobs.clone())),
            runner: FakeRunner::new(Arc::new(stage.store.clone())),
            stage,
        }
    }

    pub fn deps(&self) -> RunDeps<'_> {
        RunDeps {
            deps: self.stage.deps(),
            vault: &self.stage.vault,
            models: &self.chat,
            images: &self.images,
            tokenizer: &FakeTokenizer,
            moderator: &self.moderator,
            mcp: &self.mcp,
            actions: &self.actions,
            web: self.web.as_ref().map(|web| -> &dyn understudy_domain::ports::WebSearch { web }),
            code: None,
            knowledge: &self.knowledge,
            datasets: None,
            runner: &self.runner,
            public_url: "https://here.example",
        }
    }

    /// An assistant of user 4 with these settings.
    pub async fn assistant(&self, settings: Value) -> String {
        let mut input = json!({ "name": "Guide", "access_mode": "organization" });
        let own = settings.as_object().unwrap().clone();
        input.as_object_mut().unwrap().extend(own);
        id_of(&self.stage.create(&me(), input).await.unwrap())
    }

    pub async fn start(&self, caller: &Caller, id: &str, command: StartRun) -> Result<Run> {
        Ok(start_run(self.deps(), caller, id, command).await?.run)
    }

    /// Carries a run out that was started or goes on.
    pub async fn execute(&self, id: RunId) -> Ran {
        self.execute_with(id, None).await
    }

    /// Carries a run out that was begun here.
    pub async fn take_up(&self, id: RunId) -> Ran {
        let begun = self.runner.begun(id);
        assert!(begun.is_some(), "it was not begun here");
        self.execute_with(id, begun).await
    }

    async fn execute_with(&self, id: RunId, begun: Option<Box<Begun>>) -> Ran {
        let sink = FakeSink::behind(0);
        let target = (me().actor.organization, id);
        execute_run(self.deps(), target, begun, &sink, &Progress::default()).await;
        Ran { run: self.stored(id).await, sink }
    }

    pub async fn stored(&self, id: RunId) -> Run {
        let store = self.stage.deps().store.runs();
        store.run(me().actor.organization, id).await.unwrap().unwrap()
    }

    /// Starts a run and carries it out.
    pub async fn run(&self, id: &str, command: StartRun) -> Ran {
        let run = Box::pin(self.start(&me(), id, command)).await.unwrap();
        Box::pin(self.take_up(run.id)).await
    }

    /// Asks something and gives what came of it.
    pub async fn ask(&self, id: &str, text: &str) -> Ran {
        self.run(id, asking(text)).await
    }

    /// The `n`th request that the model got, from 0.
    pub fn asked(&self, n: usize) -> ChatRequest {
        self.chat.asked()[n].1.clone()
    }
}

/// User 4, by a token for everything.
pub fn me() -> Caller {
    by_token(4, everything())
}

pub fn someone(n: u32) -> Caller {
    by_token(n, everything())
}

fn everything() -> TokenLimits {
    TokenLimits { scopes: Scope::ALL.into_iter().collect(), ..TokenLimits::default() }
}

pub fn asking(text: &str) -> StartRun {
    let request = RunRequest { input: vec![said(text)], ..RunRequest::default() };
    StartRun { request, background: true, ..StartRun::default() }
}

/// The same in the thread of an earlier run.
/// Settings by which the tools of the MCP server `box` may be used.
pub fn with_box(require_approval: &Value) -> Value {
    let server = json!({
        "serverLabel": "box",
        "serverUrl": "https://box.example/mcp",
        "requireApproval": require_approval,
    });
    json!({ "tool_configurations": { "mcpTools": [server] } })
}

pub fn asking_on(run: &Run, text: &str) -> StartRun {
    StartRun { threading: Threading::Continue(run.thread.unwrap()), ..asking(text) }
}

pub fn said(text: &str) -> Item {
    Item::text(MessageRole::User, text)
}

/// The texts of a request's conversation, with who said them.
pub fn spoken(request: &ChatRequest) -> Vec<String> {
    let line = |item: &Item| match item {
        Item::Message { role, parts } => {
            let texts = parts.iter().map(|part| match part {
                Part::Text { text } | Part::Refusal { text } => text.clone(),
                other => format!("{other:?}"),
            });
            format!("{}: {}", role.as_str(), texts.collect::<Vec<_>>().join(" "))
        }
        Item::ToolCall(call) => format!("call: {} {}", call.name, call.arguments),
        Item::ToolResult(result) => format!("result: {}", result.content),
        Item::Reasoning(block) => format!("reasoning: {}", block.summary),
    };
    request.items.iter().map(line).collect()
}

/// All that comes before the conversation.
pub fn system(request: &ChatRequest) -> String {
    request.system.iter().map(|block| block.text.as_str()).collect::<Vec<_>>().join("\n---\n")
}

pub fn is_completed(run: &Run) -> bool {
    run.status == RunStatus::Completed
}
