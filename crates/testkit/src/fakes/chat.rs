//! A model that says what a test wrote down for it.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use serde_json::Value;
use tokio::sync::watch;
use understudy_domain::{
    chat::{ChatEvent, ChatRequest, ChatStop, ChatUsage},
    conversation::ToolCall,
    ports::{ChatModel, ChatStream, ListedByProvider, ProviderAccess, ProviderError},
};

use super::Gate;

/// What a model says in one exchange.
///
/// One that neither is done nor fails breaks off: its stream ends with an error, as
/// those of real models do.
#[derive(Debug, Default)]
pub struct ChatAnswer {
    steps: VecDeque<Step>,
}

#[derive(Debug)]
enum Step {
    Say(Box<ChatEvent>),
    Fail(ProviderError),
    Wait(Gate),
}

impl ChatAnswer {
    /// What every answer used that does not say otherwise.
    pub const USAGE: ChatUsage =
        ChatUsage { input_tokens: 10, cached_tokens: 0, output_tokens: 2, reasoning_tokens: 0 };

    /// A whole answer of one text.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::default().say([ChatEvent::Text(text.to_owned())]).done(ChatStop::EndTurn)
    }

    /// A whole answer that calls tools, each given by its call's id, its name and its
    /// arguments.
    #[must_use]
    pub fn calls<'a>(calls: impl IntoIterator<Item = (&'a str, &'a str, Value)>) -> Self {
        let calls = calls.into_iter().map(|(id, name, arguments)| {
            ChatEvent::ToolCall(ToolCall {
                id: id.to_owned(),
                name: name.to_owned(),
                arguments: arguments.to_string(),
            })
        });
        Self::default().say(calls).done(ChatStop::ToolUse)
    }

    /// Then it says this.
    #[must_use]
    pub fn say(mut self, events: impl IntoIterator<Item = ChatEvent>) -> Self {
        self.steps.extend(events.into_iter().map(|event| Step::Say(Box::new(event))));
        self
    }

    /// Then it is done, having used [`USAGE`](Self::USAGE).
    #[must_use]
    pub fn done(self, stop: ChatStop) -> Self {
        self.say([ChatEvent::Done { stop, usage: Some(Self::USAGE), service_tier: None }])
    }

    /// Then it fails.
    #[must_use]
    pub fn fail(mut self, error: ProviderError) -> Self {
        self.steps.push_back(Step::Fail(error));
        self
    }

    /// Then it says nothing until the gate is opened.
    #[must_use]
    pub fn wait(mut self, gate: &Gate) -> Self {
        self.steps.push_back(Step::Wait(gate.clone()));
        self
    }
}

impl From<Vec<ChatEvent>> for ChatAnswer {
    fn from(events: Vec<ChatEvent>) -> Self {
        Self::default().say(events)
    }
}

impl From<&str> for ChatAnswer {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

/// Makes up an answer to a request, or refuses.
type Reaction = dyn Fn(&ChatRequest) -> Result<ChatAnswer, ProviderError> + Send + Sync;

enum Turn {
    Answer(ChatAnswer),
    Refusal(ProviderError),
    Reaction(Box<Reaction>),
}

/// Says what it was told to, exchange for exchange, and then `ok` to everything.
/// It remembers what it was asked.
#[derive(Default)]
pub struct FakeChatModel {
    state: Mutex<State>,
    asked: watch::Sender<usize>,
    alive: Arc<watch::Sender<usize>>,
}

#[derive(Default)]
struct State {
    script: VecDeque<Turn>,
    usually: Option<Box<Reaction>>,
    asked: Vec<(ProviderAccess, ChatRequest)>,
    listed: Vec<String>,
    list_failures: VecDeque<ProviderError>,
}

impl FakeChatModel {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says this in the next exchange that has no answer yet.
    pub fn answer_next(&self, answer: impl Into<ChatAnswer>) {
        self.state().script.push_back(Turn::Answer(answer.into()));
    }

    /// Refuses the next exchange that has no answer yet, before the first event.
    pub fn fail_next(&self, error: ProviderError) {
        self.state().script.push_back(Turn::Refusal(error));
    }

    /// Makes up the answer to the next exchange that has none yet when it sees what it
    /// is asked.
    pub fn react_next(
        &self,
        reaction: impl Fn(&ChatRequest) -> Result<ChatAnswer, ProviderError> + Send + Sync + 'static,
    ) {
        self.state().script.push_back(Turn::Reaction(Box::new(reaction)));
    }

    /// Answers like this when there is nothing else to say, instead of `ok`.
    pub fn answer_always(
        &self,
        reaction: impl Fn(&ChatRequest) -> Result<ChatAnswer, ProviderError> + Send + Sync + 'static,
    ) {
        self.state().usually = Some(Box::new(reaction));
    }

    /// Says that it has these models.
    pub fn list_always(&self, models: &[&str]) {
        self.state().listed = models.iter().map(|&model| model.to_owned()).collect();
    }

    /// Does not list its models the next time.
    pub fn fail_next_list(&self, error: ProviderError) {
        self.state().list_failures.push_back(error);
    }

    /// What it was asked, in order, and at which provider.
    #[must_use]
    pub fn asked(&self) -> Vec<(ProviderAccess, ChatRequest)> {
        self.state().asked.clone()
    }

    /// Returns when it was asked this many times.
    pub async fn was_asked(&self, times: usize) {
        // The sender lives as long as this, so there is always an answer.
        let _ = self.asked.subscribe().wait_for(|count| *count >= times).await;
    }

    /// How many answers were begun and neither read to their end nor dropped.
    #[must_use]
    pub fn alive(&self) -> usize {
        *self.alive.borrow()
    }

    /// Returns when no answer is on its way.
    pub async fn is_idle(&self) {
        let _ = self.alive.subscribe().wait_for(|count| *count == 0).await;
    }

    fn answer(
        &self,
        provider: &ProviderAccess,
        request: &ChatRequest,
    ) -> Result<ChatAnswer, ProviderError> {
        let mut state = self.state();
        state.asked.push((provider.clone(), request.clone()));
        match state.script.pop_front() {
            Some(Turn::Answer(answer)) => Ok(answer),
            Some(Turn::Refusal(error)) => Err(error),
            Some(Turn::Reaction(reaction)) => reaction(request),
            None => match &state.usually {
                Some(reaction) => reaction(request),
                None => Ok(ChatAnswer::text("ok")),
            },
        }
    }
}

#[async_trait]
impl ChatModel for FakeChatModel {
    async fn converse(
        &self,
        provider: &ProviderAccess,
        request: &ChatRequest,
    ) -> Result<Box<dyn ChatStream>, ProviderError> {
        let answer = self.answer(provider, request);
        self.asked.send_modify(|count| *count += 1);
        Ok(Box::new(FakeStream {
            steps: answer?.steps,
            has_ended: false,
            _alive: Alive::begin(&self.alive),
        }))
    }

    fn render(&self, request: &ChatRequest) -> Value {
        serde_json::to_value(request).unwrap_or_default()
    }

    async fn list(&self, _: &ProviderAccess) -> Result<Vec<ListedByProvider>, ProviderError> {
        let mut state = self.state();
        if let Some(error) = state.list_failures.pop_front() {
            return Err(error);
        }
        Ok(state.listed.iter().map(|id| ListedByProvider { id: id.clone() }).collect())
    }
}

struct FakeStream {
    steps: VecDeque<Step>,
    has_ended: bool,
    _alive: Alive,
}

/// Counts as alive until it is dropped.
struct Alive(Arc<watch::Sender<usize>>);

impl Alive {
    fn begin(count: &Arc<watch::Sender<usize>>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(Arc::clone(count))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

#[async_trait]
impl ChatStream for FakeStream {
    async fn next(&mut self) -> Option<Result<ChatEvent, ProviderError>> {
        if self.has_ended {
            return None;
        }
        while let Some(Step::Wait(gate)) = self.steps.front() {
            gate.pass().await;
            self.steps.pop_front();
        }
        let said = match self.steps.pop_front() {
            Some(Step::Say(event)) => Ok(*event),
            Some(Step::Fail(error)) => Err(error),
            Some(Step::Wait(_)) | None => {
                Err(ProviderError::Garbled("the answer breaks off".to_owned()))
            }
        };
        self.has_ended = matches!(said, Err(_) | Ok(ChatEvent::Done { .. }));
        Some(said)
    }
}

#[cfg(test)]
mod tests {
    use understudy_domain::chat::{Protocol, SentSettings, ToolChoice};

    use super::*;

    fn request(model: &str) -> ChatRequest {
        ChatRequest {
            protocol: Protocol::OpenaiChat,
            model: model.to_owned(),
            system: Vec::new(),
            items: Vec::new(),
            tools: Vec::new(),
            tool_choice: ToolChoice::Auto,
            settings: SentSettings::default(),
            passages: Vec::new(),
            user_hash: String::new(),
        }
    }

    async fn ask(model: &FakeChatModel) -> Box<dyn ChatStream> {
        model.converse(&ProviderAccess::builtin(), &request("m-1")).await.unwrap()
    }

    #[tokio::test]
    async fn it_says_what_it_was_told_and_then_ok() {
        let model = FakeChatModel::default();
        model.answer_next("hello");

        for expected in ["hello", "ok"] {
            let mut stream = ask(&model).await;
            assert_eq!(model.alive(), 1);
            let said = stream.next().await.unwrap().unwrap();
            assert_eq!(said, ChatEvent::Text(expected.to_owned()));
            assert!(matches!(stream.next().await, Some(Ok(ChatEvent::Done { .. }))));
            assert!(stream.next().await.is_none());
        }
        model.was_asked(2).await;
        model.is_idle().await;
        assert_eq!(model.asked().len(), 2);
    }

    #[tokio::test]
    async fn it_refuses_and_breaks_off_when_it_is_told_to() {
        let model = FakeChatModel::default();
        model.fail_next(ProviderError::TimedOut);
        model.react_next(|request| Ok(vec![ChatEvent::Text(request.model.clone())].into()));

        let refused = model.converse(&ProviderAccess::builtin(), &request("m-1")).await;
        assert!(matches!(refused, Err(ProviderError::TimedOut)));
        let mut stream = ask(&model).await;
        assert_eq!(stream.next().await.unwrap().unwrap(), ChatEvent::Text("m-1".to_owned()));
        assert!(matches!(stream.next().await, Some(Err(ProviderError::Garbled(_)))));
        assert!(stream.next().await.is_none());
    }

    #[tokio::test]
    async fn it_waits_at_a_gate_and_goes_on_behind_it() {
        let (model, gate) = (FakeChatModel::default(), Gate::default());
        model.answer_always(move |request| Ok(ChatAnswer::text(&request.model)));
        model.answer_next(ChatAnswer::default().wait(&gate).say([ChatEvent::Text("x".into())]));
        let mut stream = ask(&model).await;
        {
            let next = std::pin::pin!(stream.next());
            let reached = std::pin::pin!(gate.reached());
            let first = futures_util::future::select(next, reached).await;
            assert!(matches!(first, futures_util::future::Either::Right(_)), "it did not wait");
        }
        gate.open();

        assert_eq!(stream.next().await.unwrap().unwrap(), ChatEvent::Text("x".to_owned()));
        drop(stream);
        let mut usual = ask(&model).await;
        assert_eq!(usual.next().await.unwrap().unwrap(), ChatEvent::Text("m-1".to_owned()));
        assert_eq!(model.alive(), 1);
    }
}
