//! One step: the model is asked and answers, until it is done or wants tools.

use serde_json::json;

use super::{
    asking::{access_to, estimate, input_tokens, usage_of},
    history::AtMost,
    output::Output,
    scene::Scene,
    working::Working,
};
use crate::{
    assistant::content::{MessageRole, ReasoningSummary},
    chat::{ChatEvent, ChatRequest, ChatStop},
    conversation::{Item, Part, ToolCall},
    ports::{ChatStream, ProviderError},
    run::{
        EventData, Notice, NoticeAction, RunUsage,
        fit::Fitted,
        names,
        route::Candidate,
        settings::Format,
        tools::{OfferedTool, ToolOrigin},
    },
    usecases::{Error, Result},
};

/// What a step came to.
pub(super) struct Stepped {
    /// The text of this step alone, as it was shown, where its form is looked at.
    pub(super) text: String,
    /// The tools that it wants to be run, in order.
    pub(super) calls: Vec<ToolCall>,
    /// Why it stopped.
    pub(super) stop: ChatStop,
}

/// Asks the candidates in their order, until one answers. After the first sign of an
/// answer nobody else is asked.
pub(super) async fn step(
    working: &Working<'_>,
    scene: &Scene,
    offered: &[OfferedTool],
    output: &mut Output<'_>,
) -> Result<Stepped> {
    let since = working.with(|run| run.transcript.clone());
    let mut failure = None;
    for candidate in &scene.plan.route.candidates {
        let fitted = scene.plan.fitted(candidate, !offered.is_empty())?;
        let request = Box::new(scene.ask(candidate, &fitted, &since, offered));
        output.fit(&fitted);
        if let Some(error) = failure.take() {
            working.notice(substituted(candidate, &error)).await;
        }
        for notice in fitted.notices.iter().cloned() {
            working.notice(notice).await;
        }
        let asked = Asked { candidate, fitted: &fitted, since: &since, offered };
        let mut reading = Reading::new(working, scene, asked, &request);
        match reading.read(candidate, request, output).await {
            Ok(()) => return Ok(reading.stepped()),
            Err(Error::Provider(error)) if !reading.began && error.may_go_elsewhere() => {
                let provider = candidate.kind.as_str();
                tracing::warn!(provider, %error, "a provider did not answer");
                failure = Some(error);
            }
            Err(error) => {
                reading.settle(output);
                return Err(error);
            }
        }
    }
    Err(failure.map_or(Error::NotFound("provider"), Error::Provider))
}

fn substituted(candidate: &Candidate, error: &ProviderError) -> Notice {
    let name = candidate.provider.as_ref().map_or("builtin", |row| row.name.as_str());
    let reason = format!("answered by `{name}`: {error}");
    Notice::new("provider", NoticeAction::Substituted, reason)
}

/// Of what a request is made.
#[derive(Clone, Copy)]
struct Asked<'a> {
    candidate: &'a Candidate,
    fitted: &'a Fitted,
    since: &'a [Item],
    offered: &'a [OfferedTool],
}

/// A step on its way.
struct Reading<'a> {
    working: &'a Working<'a>,
    scene: &'a Scene,
    asked: Asked<'a>,
    began: bool,
    is_thinking: bool,
    /// What the model said, as far as that differs from what was shown.
    text: String,
    /// How many bytes it said.
    length: usize,
    is_refusal: bool,
    shown: String,
    calls: Vec<ToolCall>,
    items: Vec<Item>,
    stop: ChatStop,
    usage: Option<RunUsage>,
    /// How long the request is, in bytes.
    input_length: u64,
}

impl<'a> Reading<'a> {
    fn new(
        working: &'a Working<'a>,
        scene: &'a Scene,
        asked: Asked<'a>,
        request: &ChatRequest,
    ) -> Self {
        Self {
            working,
            scene,
            asked,
            began: false,
            is_thinking: false,
            text: String::new(),
            length: 0,
            is_refusal: false,
            shown: String::new(),
            calls: Vec::new(),
            items: Vec::new(),
            stop: ChatStop::EndTurn,
            usage: None,
            input_length: input_tokens(&AtMost, &scene.plan, request),
        }
    }

    async fn read(
        &mut self,
        candidate: &Candidate,
        request: Box<ChatRequest>,
        output: &mut Output<'_>,
    ) -> Result<()> {
        let run = self.working.run;
        let mut stream = Box::pin(async {
            let access = access_to(&run.deps, run, candidate).await?;
            Result::<_>::Ok(run.models.converse(&access, &request).await?)
        })
        .await?;
        // The conversation may be long, and need not be held while the answer comes.
        drop(request);
        let kind = candidate.kind;
        let key = self.scene.plan.route.model.key.clone();
        self.working.with(|run| {
            run.outcome.provider = Some(kind.as_str().to_owned());
            run.outcome.model = Some(key);
            run.outcome.upstream_model = Some(candidate.upstream_model.clone());
            run.outcome.is_extractive = kind == crate::ProviderKind::Builtin;
        });
        self.follow(&mut *stream, output).await?;
        // The provider is let go before anything else is done.
        drop(stream);
        if output.blocked.is_none() {
            output.finish(self.working).await?;
        }
        self.shown = output.shown(self.working);
        self.thought().await;
        if output.is_stopped() && output.blocked.is_none() {
            self.stop = ChatStop::StopSequence;
            self.calls.clear();
        }
        self.settle(output);
        Ok(())
    }

    async fn follow(&mut self, stream: &mut dyn ChatStream, output: &mut Output<'_>) -> Result<()> {
        while let Some(event) = stream.next().await {
            match event? {
                ChatEvent::Done { stop, usage, service_tier } => {
                    self.stop = stop;
                    self.usage = usage.map(|usage| usage_of(&self.scene.plan, usage));
                    if service_tier.is_some() {
                        self.working.with(|run| run.outcome.service_tier = service_tier);
                    }
                    return Ok(());
                }
                event => self.take(event, output).await?,
            }
            if output.is_over() {
                return Ok(());
            }
        }
        Err(ProviderError::Garbled("the answer broke off".to_owned()).into())
    }

    async fn take(&mut self, event: ChatEvent, output: &mut Output<'_>) -> Result<()> {
        self.began |= !matches!(event, ChatEvent::Started { .. });
        match event {
            ChatEvent::Started { model } => {
                if model.is_some() {
                    self.working.with(|run| run.outcome.upstream_model = model);
                }
            }
            ChatEvent::Text(text) => {
                self.thought().await;
                self.hear(&text, output);
                self.note_cost();
                output.push(self.working, &text).await?;
            }
            ChatEvent::Refusal(text) => {
                self.thought().await;
                self.hear(&text, output);
                self.is_refusal = true;
                self.working.with(|run| run.outcome.refused = true);
                output.push(self.working, &text).await?;
            }
            ChatEvent::Reasoning(text) => self.think(&text).await,
            ChatEvent::ReasoningBlock(block) => {
                self.thought().await;
                self.items.push(Item::Reasoning(block));
            }
            ChatEvent::ToolArguments { call_id, name, delta } => {
                if self.is_callers(&name) {
                    let data = json!({ "call_id": call_id, "name": name, "delta": delta });
                    self.working.tell(names::TOOL_ARGUMENTS_DELTA, data).await;
                }
            }
            ChatEvent::ToolCall(call) => {
                self.thought().await;
                self.calls.push(call);
            }
            ChatEvent::Citation(citation) => {
                self.working.with(|run| {
                    if !run.outcome.citations.contains(&citation) {
                        run.outcome.citations.push(citation);
                    }
                });
            }
            ChatEvent::Logprobs(values) => {
                self.working.with(|run| run.outcome.logprobs.extend(values));
            }
            ChatEvent::Done { .. } => {}
        }
        Ok(())
    }

    fn hear(&mut self, text: &str, output: &Output<'_>) {
        self.length += text.len();
        if !output.is_open() {
            self.text.push_str(text);
        }
    }

    fn is_callers(&self, name: &str) -> bool {
        let tool = self.asked.offered.iter().find(|tool| tool.spec.name == name);
        tool.is_some_and(|tool| matches!(tool.origin, ToolOrigin::Caller))
    }

    /// Tells more of the model's thoughts, where they are to be told.
    async fn think(&mut self, text: &str) {
        let told = self.scene.plan.settings.reasoning.as_ref().map(|r| r.summary);
        if told == Some(ReasoningSummary::Off) || text.is_empty() {
            return;
        }
        if !self.is_thinking {
            self.is_thinking = true;
            self.working.tell(names::REASONING_STARTED, json!({})).await;
        }
        self.working.with(|run| run.outcome.reasoning.push_str(text));
        self.working.tell(names::REASONING_DELTA, EventData::delta(text)).await;
    }

    async fn thought(&mut self) {
        if std::mem::take(&mut self.is_thinking) {
            self.working.tell(names::REASONING_COMPLETED, json!({})).await;
        }
    }

    /// Notes what the step costs if it is stopped now: a rough count, four characters
    /// a token, since it is made at every piece of text.
    fn note_cost(&self) {
        let chars = u64::try_from(self.length).unwrap_or(u64::MAX);
        let usage = RunUsage {
            input_tokens: self.input_length.div_ceil(4),
            output_tokens: chars.div_ceil(4),
            is_estimated: true,
            ..RunUsage::default()
        };
        self.working.unsettled(super::asking::priced(&self.scene.plan, usage));
    }

    /// Adds what the step cost: as the provider tells it, also of an answer that says
    /// nothing, or as it is estimated.
    fn settle(&mut self, output: &Output<'_>) {
        let told = self.usage.take();
        if !self.began && told.is_none() {
            return;
        }
        let (run, plan) = (self.working.run, &self.scene.plan);
        let usage = told.unwrap_or_else(|| {
            let text = if output.is_open() {
                output.shown(self.working)
            } else {
                std::mem::take(&mut self.text)
            };
            // It was let go of while the answer came, and few need it.
            let Asked { candidate, fitted, since, offered } = self.asked;
            let request = self.scene.ask(candidate, fitted, since, offered);
            estimate(run, plan, &request, &text)
        });
        self.working.settle(&usage);
        self.began = false;
    }

    /// What the step came to; what was said is noted for the next one.
    fn stepped(mut self) -> Stepped {
        let said = std::mem::take(&mut self.shown);
        let is_looked_at = matches!(
            self.scene.plan.settings.format,
            Format::JsonObject | Format::JsonSchema { .. }
        );
        let text = if is_looked_at { said.clone() } else { String::new() };
        if !said.is_empty() {
            let part = if self.is_refusal {
                Part::Refusal { text: said }
            } else {
                Part::Text { text: said }
            };
            self.items.push(Item::Message { role: MessageRole::Assistant, parts: vec![part] });
        }
        self.items.extend(self.calls.iter().cloned().map(Item::ToolCall));
        self.working.said(self.items);
        Stepped { text, calls: self.calls, stop: self.stop }
    }
}
