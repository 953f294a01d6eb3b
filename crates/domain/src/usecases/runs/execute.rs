//! The pipeline: a run from its request to its last event. Read it from top to
//! bottom.

use serde_json::json;

use super::{
    RunDeps, allowance,
    basis::Basis,
    calls, dispatch,
    ending::{self, Ending},
    form::Form,
    interrupt::conclude,
    judging::Judge,
    output::Output,
    pausing, resuming,
    scene::Scene,
    step::{Stepped, step},
    summing,
    working::{Progress, Working},
};
use crate::{
    OrganizationId, Run, RunId,
    assistant::content::MessageRole,
    chat::ChatStop,
    conversation::{Item, ToolCall},
    ports::RunSink,
    run::{
        Begun, EventData, Interruption, RunStatus, StopReason, moderation, names,
        tools::{OfferedTool, ToolOrigin},
    },
    usecases::{Deps, Error, Result},
};

/// How often a model that pauses is asked to go on.
const MAX_PAUSES: u32 = 5;
/// Most steps of a run, whatever its calls: a model that only asks for tools it is
/// not offered would go on for ever.
const MAX_STEPS: u32 = 150;
/// How often a model may call tools that it is not offered before it is given up.
const MAX_UNHEARD: u32 = 3;
/// What a model is told that calls more tools than it may.
const LIMIT_REACHED: &str = "The limit of tool calls for this response is reached. Answer with \
                             what you know.";
const NO_SUCH_TOOL: &str = "There is no such tool.";

/// Carries a run out, to its end or until it waits for approval. For the
/// [`Runner`](crate::ports::Runner), which holds its lease, and which has `begun` from
/// [`Runner::take_up`](crate::ports::Runner::take_up).
#[tracing::instrument(skip_all, fields(run.id = %id))]
pub async fn execute_run(
    run: RunDeps<'_>,
    (tenant, id): (OrganizationId, RunId),
    begun: Option<Box<Begun>>,
    sink: &dyn RunSink,
    progress: &Progress,
) {
    // What a run holds while it speaks is kept small: stages before and behind that, and
    // those that few runs have, are boxed.
    let begun = begun.filter(|begun| begun.is_fresh(run.deps.clock.now()));
    let found = Box::pin(load(&run.deps, (tenant, id), begun)).await;
    let (working, basis) = match found {
        Ok(Some((state, basis))) => (Working::new(run, sink, progress, *state), basis),
        Ok(None) => return,
        Err(error) => {
            // Its lease ends, and whoever looks after it finds it.
            tracing::error!(%error, "a response could not be begun");
            return;
        }
    };
    if working.with(|run| run.cancel_requested_at.is_some()) {
        Box::pin(conclude(&working, Interruption::Cancelled)).await;
        return;
    }
    let ending = match Box::pin(pipeline(&working, basis)).await {
        Ok(ending) => ending,
        Err(error) => Ending::Failed(ending::failure_of(error)),
    };
    Box::pin(ending::end(&working, ending)).await;
}

/// The run, if it is at work, and what it stands on, if that is known.
async fn load(
    deps: &Deps<'_>,
    (tenant, id): (OrganizationId, RunId),
    begun: Option<Box<Begun>>,
) -> Result<Option<(Box<Run>, Option<Box<Basis>>)>> {
    if let Some(begun) = begun {
        let (run, basis) = Basis::of(*begun);
        return Ok(Some((Box::new(run), Some(Box::new(basis)))));
    }
    let run = deps.store.runs().run(tenant, id).await?;
    let run = run.filter(|run| run.status == RunStatus::InProgress);
    Ok(run.map(|run| (Box::new(run), None)))
}

/// The stages, in the order of reference §3.11.
async fn pipeline(working: &Working<'_>, basis: Option<Box<Basis>>) -> Result<Ending> {
    let (is_new, is_asked) = working.with(|run| {
        (run.started_at.is_none(), run.resumes.is_none() || !resuming::unsaid(run).is_empty())
    });
    let scene = Box::pin(set_scene(working, basis)).await?;
    let content = &scene.view.record.assistant.content;
    let judge = Judge::of(content.moderation_enabled, content.safety_level, &scene.plan);

    if is_new {
        // What another run was asked was judged there.
        if is_asked
            && let Some(judge) = &judge
            && let Some(category) = Box::pin(judge.verdict(working, &scene.question)).await?
        {
            return Ok(blocked(working, "input", &category).await);
        }
        Box::pin(announce(working, &scene)).await;
    }
    match Box::pin(pausing::resume(working, &scene)).await? {
        Some(ending) => Ok(ending),
        None => answer(working, &scene, judge.as_ref()).await,
    }
}

/// Who asks whom, by which settings, about what: looked up now, since rights and
/// settings may have changed since the run was asked for, unless that was a moment ago.
async fn set_scene(working: &Working<'_>, basis: Option<Box<Basis>>) -> Result<Box<Scene>> {
    let run = working.run;
    let state = working.snapshot().ok_or(Error::NotFound("response"))?;
    if state.started_at.is_none() {
        let told = json!({ "status": "processing", "thread_id": state.thread });
        working.tell(names::PROCESSING, told).await;
    }
    let basis = match basis {
        Some(basis) => *basis,
        None => Basis::look_up(&run.deps, &state).await?,
    };
    let earlier = resuming::asked(&run.deps, &state).await?;
    let asked = earlier.as_ref().unwrap_or(&state);
    let question = resuming::question(&state, asked);
    let Basis { caller, view, .. } = basis;
    if view.record.assistant.content.memory_enabled {
        working.is_to_remember();
    }
    let view = dispatch::answerer(working, &state, &caller, view, &question).await?;
    let basis = Basis { caller, view, ..basis };
    let mut scene = Box::new(Box::pin(Scene::set(run, (&state, asked), basis)).await?);
    summing::sum_up(working, &mut scene, asked).await?;
    working.with(|run| {
        run.started_at.get_or_insert(working.run.deps.clock.now());
        run.outcome.is_summarized |= scene.is_summarized;
        run.outcome.rules = scene.rules.iter().map(|rule| rule.id.to_string()).collect();
        for notice in &scene.notices {
            run.outcome.note(notice.clone());
        }
    });
    Ok(scene)
}

/// Tells that the run began, and how.
async fn announce(working: &Working<'_>, scene: &Scene) {
    let Some(state) = working.snapshot() else { return };
    let provider = scene.plan.candidate().map(|candidate| candidate.kind.as_str()).ok();
    let told = json!({
        "status": "in_progress",
        "response_id": state.id,
        "thread_id": state.thread,
        "user_id": state.user,
        "organization_id": state.organization,
        "assistant_id": state.assistant,
        "assistant_version": state.version,
        "model": scene.plan.route.model.key,
        "provider": provider,
        "is_summarized": state.outcome.is_summarized,
        "notices": state.outcome.notices,
    });
    working.tell(names::CREATED, told).await;
}

/// The answer, and the end that it comes to.
async fn answer(working: &Working<'_>, scene: &Scene, judge: Option<&Judge<'_>>) -> Result<Ending> {
    let mut form = Form::of(scene);
    let ending = steps(working, scene, judge, &mut form).await?;
    form.tell(working, &ending).await;
    Ok(ending)
}

/// The loop of steps and tools, and what is made of the last step.
async fn steps(
    working: &Working<'_>,
    scene: &Scene,
    judge: Option<&Judge<'_>>,
    form: &mut Form<'_>,
) -> Result<Ending> {
    let Scene { plan, offered, .. } = scene;
    let most = usize::try_from(plan.settings.max_tool_calls).unwrap_or(usize::MAX);
    let (mut pauses, mut unheard) = (0, 0);
    for _ in 0..MAX_STEPS {
        if working.with(|run| run.outcome.usage.total_tokens() > 0) {
            Box::pin(allowance::require(working, scene)).await?;
        }
        let made = working.with(|run| run.outcome.tool_calls.len());
        let offered: &[OfferedTool] = if made < most { offered } else { &[] };
        let stop = plan.settings.stop_sequences.as_slice();
        let mut output = Output::new(stop, form, judge);
        let stepped = step(working, scene, offered, &mut output).await?;
        let Output { holding, blocked: kept_back, .. } = output;
        form.held(holding);
        if let Some(category) = kept_back {
            form.drop_held();
            return Ok(blocked(working, "output", &category).await);
        }
        let Stepped { text, calls, stop } = stepped;
        // A call in an answer that was cut off may be cut off itself.
        let is_whole = matches!(stop, ChatStop::ToolUse | ChatStop::EndTurn | ChatStop::Pause);
        if !calls.is_empty() && is_whole {
            unheard += u32::from(offered.is_empty());
            if unheard > MAX_UNHEARD {
                break;
            }
            match Box::pin(use_tools(working, scene, offered, calls, most)).await? {
                Some(ending) => return Ok(ending),
                None => continue,
            }
        }
        match stop {
            ChatStop::Pause if pauses < MAX_PAUSES => pauses += 1,
            ChatStop::EndTurn | ChatStop::Pause | ChatStop::ToolUse => {
                if let Some(ending) = form.judge(working, &text).await {
                    return Ok(ending);
                }
            }
            ChatStop::MaxTokens => return Ok(Ending::Completed(StopReason::MaxTokens)),
            ChatStop::StopSequence => return Ok(Ending::Completed(StopReason::StopSequence)),
            ChatStop::ContentFilter => return Ok(Ending::Completed(StopReason::ContentFilter)),
            ChatStop::Refusal => return Ok(Ending::Completed(StopReason::Refusal)),
        }
    }
    let message = "the model went on without an end".to_owned();
    Ok(Ending::Failed(ending::failure("too_many_steps", message)))
}

/// Runs what the model wants to be run, and what may be. Gives an ending when the
/// run cannot go on by itself.
async fn use_tools(
    working: &Working<'_>,
    scene: &Scene,
    offered: &[OfferedTool],
    calls: Vec<ToolCall>,
    most: usize,
) -> Result<Option<Ending>> {
    let made = working.with(|run| run.outcome.tool_calls.len());
    let mut left = most.saturating_sub(made);
    let (mut now, mut pending, mut requested) = (Vec::new(), Vec::new(), Vec::new());
    for call in calls {
        // A tool that was withdrawn is known, but not offered any more.
        let tool = scene.offered.iter().find(|tool| tool.spec.name == call.name);
        let Some(tool) = tool else {
            calls::refuse(working, &call, None, NO_SUCH_TOOL).await;
            continue;
        };
        if left == 0 || offered.is_empty() {
            calls::refuse(working, &call, Some(tool), LIMIT_REACHED).await;
            continue;
        }
        left -= 1;
        match &tool.origin {
            ToolOrigin::Caller => requested.push(call),
            _ if tool.needs_approval => pending.push((call, tool.clone())),
            _ => now.push((call, tool.clone())),
        }
    }
    calls::run_all(working, scene, &now).await;
    if !pending.is_empty() {
        return Ok(Some(pausing::pause(working, &pending).await));
    }
    Ok(hand_back(working, requested).await)
}

/// Ends the run with calls that the caller is to run.
pub(super) async fn hand_back(working: &Working<'_>, requested: Vec<ToolCall>) -> Option<Ending> {
    if requested.is_empty() {
        return None;
    }
    for call in &requested {
        let told = json!({ "call_id": call.id, "tool": call.name, "arguments": call.arguments });
        working.tell(names::TOOL_REQUESTED, told).await;
    }
    working.with(|run| run.outcome.requested_calls = requested);
    Some(Ending::Completed(StopReason::ToolUse))
}

/// Puts a safe message in place of what moderation keeps back.
async fn blocked(working: &Working<'_>, stage: &'static str, category: &str) -> Ending {
    let message = match stage {
        "input" => moderation::BLOCKED_INPUT_MESSAGE,
        _ => moderation::BLOCKED_OUTPUT_MESSAGE,
    };
    let told = json!({ "stage": stage, "action": "blocked", "category": category });
    working.tell(names::MODERATED, told).await;
    if working.with(|run| !run.outcome.text.is_empty()) {
        let told = json!({ "reason": "moderation kept the answer back" });
        working.tell(names::CONTENT_RESET, told).await;
    }
    working.with(|run| {
        message.clone_into(&mut run.outcome.text);
        run.outcome.reasoning.clear();
        run.outcome.citations.clear();
        run.transcript.clear();
        run.heard.clear();
        resuming::say_more(run);
        run.transcript.push(Item::text(MessageRole::Assistant, message));
    });
    working.tell(names::CONTENT_DELTA, EventData::delta(message)).await;
    Ending::Completed(StopReason::ContentFilter)
}
