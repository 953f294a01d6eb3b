//! What would be sent to the model, layer by layer.

use serde_json::json;

use super::{
    RunDeps, StartRun, Threading,
    basis::Basis,
    history, input, rights,
    scene::{self, Scene},
};
use crate::{
    access::Level,
    conversation::Item,
    run::{Lease, Notice, Outcome, Run, RunStatus},
    usecases::{
        Caller, Result,
        support::{fresh, require_level},
    },
};

/// A layer of the prompt, as it would be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExplainedLayer {
    /// Which layer: `safety`, `rules`, `instructions`, …, `history`, `input`.
    pub layer: String,
    /// Where it comes from, for example a rule's id.
    pub source: String,
    /// Its text.
    pub text: String,
    /// How many tokens it has.
    pub tokens: u64,
    /// What was cut off or left out, if something was.
    pub cut: Option<String>,
}

/// The request that would go to the model.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The kind of provider that would be asked.
    pub provider: String,
    /// The model's key.
    pub model: String,
    /// The model as its provider calls it.
    pub upstream_model: String,
    /// How the provider is spoken to.
    pub protocol: String,
    /// The layers, in order.
    pub layers: Vec<ExplainedLayer>,
    /// Tokens of all of it.
    pub tokens: u64,
    /// Whether tokens were counted exactly.
    pub is_exact: bool,
    /// How many tokens the model takes.
    pub context_window: u64,
    /// The tools that would be offered, and where each comes from.
    pub tools: Vec<serde_json::Value>,
    /// What would not be honoured as it stands.
    pub notices: Vec<Notice>,
    /// The body of the request, without credentials.
    pub request: serde_json::Value,
}

/// What would be sent to the model; no model is asked and nothing is stored. MCP
/// servers are asked for their tools.
///
/// # Errors
///
/// As [`start_run`](super::start_run); it needs edit access.
#[tracing::instrument(skip_all, fields(user.id = %caller.actor.user))]
pub async fn explain_run(
    run: RunDeps<'_>,
    caller: &Caller,
    reference: &str,
    command: StartRun,
) -> Result<Explanation> {
    let deps = run.deps;
    let view = rights::runnable_by_name(&deps, caller, reference).await?;
    require_level(&view, Level::Edit)?;
    input::check(&command.request, &view.record.assistant.content)?;
    let now = deps.clock.now();
    let thread = match command.threading {
        Threading::Continue(id) => {
            let found = deps.store.conversations().thread(caller.tenant(), id).await?;
            let own = found.filter(|thread| thread.user == caller.actor.user && thread.visible);
            Some(own.ok_or(crate::usecases::Error::NotFound("thread"))?.id)
        }
        Threading::New | Threading::Nowhere => None,
    };
    let state = Run {
        id: fresh(&deps),
        organization: caller.tenant(),
        user: caller.actor.user,
        credential: rights::credential_of(caller)?,
        address: caller.origin.address,
        assistant: view.record.assistant.id,
        lineage: view.record.assistant.lineage(),
        version: view.record.assistant.version,
        thread,
        visible: false,
        outlives_connection: false,
        request: command.request,
        resumes: None,
        status: RunStatus::InProgress,
        outcome: Outcome::default(),
        transcript: Vec::new(),
        heard: Vec::new(),
        lease: None::<Lease>,
        cancel_requested_at: None,
        reserved_tokens: 0,
        created_at: now,
        started_at: None,
        finished_at: None,
        revision: 1,
    };
    let basis = Basis::around(&run.deps, caller.clone(), view).await?;
    let scene = Box::pin(Scene::set(run, (&state, &state), basis)).await?;
    explain(run, &scene)
}

fn explain(run: RunDeps<'_>, scene: &Scene) -> Result<Explanation> {
    let candidate = scene.plan.candidate()?;
    let fitted = scene.plan.fitted(candidate, !scene.offered.is_empty())?;
    let request = scene.ask(candidate, &fitted, &[], &scene.offered);
    let key = scene.plan.route.model.key.as_str();
    let mut layers: Vec<ExplainedLayer> = scene
        .layers(&fitted.hints)
        .into_iter()
        .map(|layer| ExplainedLayer {
            tokens: history::count(run.tokenizer, key, &layer.text),
            layer: layer.name.to_owned(),
            source: layer.source,
            text: layer.text,
            cut: layer.cut,
        })
        .collect();
    let (before, input) = scene.items.split_at(scene.before_input.min(scene.items.len()));
    let omitted = (scene.omitted > 0).then(|| format!("{} messages are left out", scene.omitted));
    layers.push(spoken(run, key, "history", before, omitted));
    layers.push(spoken(run, key, "input", input, None));
    let mut notices = scene.notices.clone();
    notices.extend(fitted.notices.iter().cloned());
    let tools = scene.offered.iter().map(|tool| {
        json!({
            "definition": tool.spec,
            "origin": scene::origin_of(tool),
            "needsApproval": tool.needs_approval,
        })
    });
    Ok(Explanation {
        provider: candidate.kind.as_str().to_owned(),
        model: key.to_owned(),
        upstream_model: candidate.upstream_model.clone(),
        protocol: request.protocol.as_str().to_owned(),
        tokens: super::asking::input_tokens(run.tokenizer, &scene.plan, &request),
        is_exact: run.tokenizer.is_exact(key),
        context_window: u64::from(scene.plan.route.model.context_window),
        tools: tools.collect(),
        notices,
        request: run.models.render(&request),
        layers,
    })
}

fn spoken(
    run: RunDeps<'_>,
    key: &str,
    layer: &str,
    items: &[Item],
    cut: Option<String>,
) -> ExplainedLayer {
    let text = items.iter().map(|item| serde_json::to_string(item).unwrap_or_default());
    ExplainedLayer {
        layer: layer.to_owned(),
        source: layer.to_owned(),
        text: text.collect::<Vec<_>>().join("\n"),
        tokens: items.iter().map(|item| history::count_item(run.tokenizer, key, item)).sum(),
        cut,
    }
}
