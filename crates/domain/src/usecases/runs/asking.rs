//! Small questions that the pipeline itself asks a model: which assistant fits, what
//! was said in few words, what is worth remembering.

use super::{RunDeps, history, plan::Plan, scene::Scene, start::subjects_of};
use crate::{
    Run, Usage,
    assistant::content::MessageRole,
    chat::{ChatEvent, ChatRequest, SentSettings, SystemBlock, ToolChoice},
    conversation::Item,
    ports::{ProviderAccess, ProviderError, Tokenizer},
    run::{
        RunUsage,
        question::Question,
        route::{self, Candidate},
    },
    usecases::{Deps, Result, budgets, providers::access_of, support::fresh},
};

/// Most tokens of an answer to a small question.
const MAX_TOKENS: u32 = 600;

/// An answer, and what it cost.
pub(super) struct Answered {
    pub(super) text: String,
    pub(super) usage: RunUsage,
}

/// How a candidate is reached.
pub(super) async fn access_to(
    deps: &Deps<'_>,
    run: RunDeps<'_>,
    candidate: &Candidate,
) -> Result<ProviderAccess> {
    match &candidate.provider {
        Some(provider) => access_of(deps, run.vault, provider).await,
        None => Ok(ProviderAccess::builtin()),
    }
}

/// Asks the model of the run a small question; `None` when it is no model that
/// understands questions, or does not answer: whoever asks goes on without.
pub(super) async fn ask(
    run: RunDeps<'_>,
    plan: &Plan,
    user_hash: &str,
    question: &Question,
) -> Option<Answered> {
    let candidate = plan.candidate().ok().filter(|_| !plan.is_builtin())?;
    let request = ChatRequest {
        protocol: plan.fitted(candidate, false).ok()?.protocol,
        model: candidate.upstream_model.clone(),
        system: vec![SystemBlock {
            layer: "task".to_owned(),
            text: question.instructions.clone(),
            is_stable: true,
        }],
        items: vec![Item::text(MessageRole::User, &question.input)],
        tools: Vec::new(),
        tool_choice: ToolChoice::Auto,
        settings: SentSettings {
            max_output_tokens: Some(MAX_TOKENS.min(plan.route.model.max_output_tokens)),
            ..SentSettings::default()
        },
        passages: Vec::new(),
        user_hash: user_hash.to_owned(),
    };
    let answered = converse(run, plan, candidate, &request).await;
    answered
        .inspect_err(|error| {
            tracing::warn!(error = %error, "a small question was not answered");
        })
        .ok()
}

async fn converse(
    run: RunDeps<'_>,
    plan: &Plan,
    candidate: &Candidate,
    request: &ChatRequest,
) -> Result<Answered> {
    let access = access_to(&run.deps, run, candidate).await?;
    let mut stream = run.models.converse(&access, request).await?;
    let mut text = String::new();
    let mut usage = None;
    while let Some(event) = stream.next().await {
        match event? {
            ChatEvent::Text(delta) => text.push_str(&delta),
            ChatEvent::Done { usage: told, .. } => usage = told,
            _ => {}
        }
    }
    if text.trim().is_empty() {
        return Err(ProviderError::Garbled("it said nothing".to_owned()).into());
    }
    let usage =
        usage.map_or_else(|| estimate(run, plan, request, &text), |usage| usage_of(plan, usage));
    Ok(Answered { text, usage })
}

/// What a step cost by the provider's count.
pub(super) fn usage_of(plan: &Plan, usage: crate::chat::ChatUsage) -> RunUsage {
    priced(
        plan,
        RunUsage {
            input_tokens: usage.input_tokens,
            cached_tokens: usage.cached_tokens,
            output_tokens: usage.output_tokens,
            reasoning_tokens: usage.reasoning_tokens,
            cost_micros: None,
            is_estimated: false,
        },
    )
}

/// What a step costs by our own count, where the provider did not tell.
pub(super) fn estimate(
    run: RunDeps<'_>,
    plan: &Plan,
    request: &ChatRequest,
    text: &str,
) -> RunUsage {
    let key = &plan.route.model.key;
    priced(
        plan,
        RunUsage {
            input_tokens: input_tokens(run.tokenizer, plan, request),
            output_tokens: history::count(run.tokenizer, key, text),
            is_estimated: true,
            ..RunUsage::default()
        },
    )
}

/// Tokens of a request by our own count.
pub(super) fn input_tokens(tokenizer: &dyn Tokenizer, plan: &Plan, request: &ChatRequest) -> u64 {
    let key = &plan.route.model.key;
    let system = request.system.iter().map(|b| history::count(tokenizer, key, &b.text));
    let items = request.items.iter().map(|item| history::count_item(tokenizer, key, item));
    let tools = request.tools.iter().map(|tool| {
        let schema = serde_json::to_string(tool).unwrap_or_default();
        history::count(tokenizer, key, &schema)
    });
    system.chain(items).chain(tools).sum()
}

/// The usage with its price.
pub(super) fn priced(plan: &Plan, mut usage: RunUsage) -> RunUsage {
    usage.cost_micros = route::cost(plan.route.model.prices.as_ref(), &usage);
    usage
}

impl Scene {
    /// Asks the model of the run a small question.
    pub(super) async fn ask_aside(
        &self,
        run: RunDeps<'_>,
        question: &Question,
    ) -> Option<Answered> {
        ask(run, &self.plan, self.user_hash(), question).await
    }
}

/// Counts what a small question used that was asked when the run was stored already.
pub(super) async fn count_aside(
    run: RunDeps<'_>,
    state: &Run,
    plan: &Plan,
    usage: &RunUsage,
) -> Result<()> {
    let deps = run.deps;
    let mut work = deps.store.begin(state.organization).await?;
    let settings = &plan.organization.settings;
    if !settings.budgets.is_empty() {
        let settled = (0, usage, state.created_at);
        budgets::settle(&deps, &mut *work, settings, subjects_of(state), settled).await?;
    }
    let provider = plan.candidate()?.kind.as_str().to_owned();
    let used = Usage {
        id: fresh(&deps),
        organization: state.organization,
        user: state.user,
        assistant: Some(state.lineage),
        kind: "memory".to_owned(),
        provider,
        model: plan.route.model.key.clone(),
        quantity: usage.total_tokens(),
        input_tokens: usage.input_tokens,
        output_tokens: usage.output_tokens,
        cost_micros: usage.cost_micros.unwrap_or(0),
        at: deps.clock.now(),
    };
    work.images().count(&used).await?;
    Ok(work.commit().await?)
}
