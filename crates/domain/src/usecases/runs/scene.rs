//! All that a run needs before the model is asked: who answers by which settings,
//! what comes before the conversation, the conversation itself, the tools.

use std::collections::BTreeMap;

use super::{
    RunDeps,
    basis::Basis,
    history::{self, AtMost, Past},
    input::MAX_INPUT_CHARS,
    media,
    plan::Plan,
    resuming, servers,
};
use crate::{
    Automation, Content, Memory,
    assistant::{
        content::{MessageRole, ReferenceType, ToolMode},
        view::AssistantView,
    },
    chat::{ChatRequest, ToolChoice},
    conversation::{Item, Part},
    ports::{KnowledgeScope, McpEndpoint, Tokenizer},
    run::{
        Citation, Notice, NoticeAction, Run, RunRequest,
        context::{self, Gap},
        fit::Fitted,
        passages,
        prompt::{self, Layer, PromptParts},
        remember,
        route::Candidate,
        tools::{self, Engines, McpListing, Offer, Offered, OfferedTool, ToolOrigin},
    },
    token::hex,
    usecases::{
        Caller, Deps, Error, Result,
        rules::{EffectiveRule, RuleSubject, effective_rules},
    },
};

/// How many memories are told at most.
const MEMORIES: usize = 10;
/// How many memories are looked through.
const MEMORIES_READ: u32 = 200;
/// How many passages are told at most.
const PASSAGES: u32 = 8;

/// All that a run needs before the model is asked.
pub(super) struct Scene {
    /// Who asks.
    pub(super) caller: Caller,
    /// Who answers.
    pub(super) view: AssistantView,
    /// By which settings, and by whom.
    pub(super) plan: Plan,
    /// What was asked.
    pub(super) request: RunRequest,
    /// What comes before what was asked, then that.
    pub(super) items: Vec<Item>,
    /// What users say behind calls, and how the model can take it.
    further: Vec<(Item, Item)>,
    /// How many of `items` come before what was asked.
    pub(super) before_input: usize,
    /// The tools that the model may be offered.
    pub(super) offered: Vec<OfferedTool>,
    /// Where the MCP servers are, by label.
    pub(super) endpoints: BTreeMap<String, McpEndpoint>,
    /// The automations that may be run.
    pub(super) automations: Vec<Automation>,
    /// What was found in files for the question.
    pub(super) passages: Vec<Citation>,
    /// Where to search.
    pub(super) scope: KnowledgeScope,
    /// The rules that hold.
    pub(super) rules: Vec<EffectiveRule>,
    /// What is remembered of the user.
    pub(super) memories: Vec<Memory>,
    /// Earlier turns in few words.
    pub(super) summary: Option<String>,
    /// Whether earlier turns are told in few words.
    pub(super) is_summarized: bool,
    /// How many items of the conversation are left out.
    pub(super) omitted: u64,
    /// Which messages are to be summed up.
    pub(super) to_summarize: Option<Gap>,
    /// What is not honoured as it stands.
    pub(super) notices: Vec<Notice>,
    /// What the user said last.
    pub(super) question: String,
    /// Names the user to providers.
    user_hash: String,
}

impl Scene {
    /// Brings everything together: for the run, about what was `asked`, which another
    /// run may have been.
    ///
    /// # Errors
    ///
    /// [`Error`]; what a single tool or file lacks becomes a notice instead.
    pub(super) async fn set(
        run: RunDeps<'_>,
        (state, asked): (&Run, &Run),
        basis: Basis,
    ) -> Result<Self> {
        let deps = run.deps;
        let Basis { caller, view, organization, providers, opens_thread } = basis;
        let content = view.record.assistant.content.clone();
        let plan = Plan::with(organization, providers, &content, &state.request)?;
        let mut notices = plan.settings.notices.clone();
        notices.extend(plan.route.notices.iter().cloned());
        let question = resuming::question(state, asked);
        let scope = KnowledgeScope {
            organization: view.record.assistant.organization,
            assistant: view.record.assistant.lineage(),
            files: content.files.clone(),
            vector_stores: vector_stores(&view, &state.request),
        };
        let rules = rules_of(&deps, &caller, &view, &plan, &state.request, &question).await?;
        let memories = memories_of(&deps, &caller, &view, &question).await?;
        let passages = find_passages(run, &scope, &view, &plan, &question, &mut notices).await;

        let servers = servers::reach(run, &caller, &view, &state.request).await?;
        notices.extend(servers.notices);
        let automations = automations_of(&deps, &view, &mut notices).await?;
        let tools = (servers.listings.as_slice(), automations.as_slice());
        let offered = offer(run, &plan, &state.request, (&content, &scope), tools);
        if !offered.faults.is_empty() {
            return Err(Error::Invalid(offered.faults));
        }
        notices.extend(offered.notices);
        let offered =
            servers::without_foreign_secrets(&content, &caller, offered.tools, &mut notices);

        let user_hash = hex(crate::Digest::of(state.user.to_string().as_bytes()).as_bytes());
        let mut scene = Self {
            caller,
            view,
            plan,
            request: state.request.clone(),
            items: Vec::new(),
            further: Vec::new(),
            before_input: 0,
            offered,
            endpoints: servers.endpoints,
            automations,
            passages,
            scope,
            rules,
            memories,
            summary: None,
            omitted: 0,
            is_summarized: false,
            to_summarize: None,
            notices,
            question,
            user_hash: user_hash.chars().take(32).collect(),
        };
        let past = if opens_thread { Past::default() } else { history::of(run, asked).await? };
        scene.resolve_further(run, state).await?;
        scene.converse(run, asked, &past).await?;
        Ok(scene)
    }

    /// Looks up what users say behind calls.
    async fn resolve_further(&mut self, run: RunDeps<'_>, state: &Run) -> Result<()> {
        let said: Vec<Item> = resuming::said_there(state).cloned().collect();
        let (kind, model) = (self.plan.candidate()?.kind, &self.plan.route.model);
        let media = media::Media { run, scope: &self.scope, model, kind };
        let resolved = media.resolve(said.clone(), &mut self.notices).await;
        self.further = said.into_iter().zip(resolved).collect();
        Ok(())
    }

    /// An item of the transcript as the model can take it.
    fn as_resolved(&self, item: &Item) -> Item {
        let found = self.further.iter().find(|(said, _)| said == item);
        found.map_or(item, |(_, resolved)| resolved).clone()
    }

    /// Puts the conversation together: what always begins it, what of the thread is
    /// to be told, what is asked.
    async fn converse(&mut self, run: RunDeps<'_>, asked: &Run, past: &Past) -> Result<()> {
        let content = &self.view.record.assistant.content;
        let kind = self.plan.candidate()?.kind;
        let model = &self.plan.route.model;
        let media = media::Media { run, scope: &self.scope, model, kind };
        let preamble = prompt::preamble(content);
        let preamble = media.resolve(preamble, &mut self.notices).await;
        let input = media.resolve(asked.request.input.clone(), &mut self.notices).await;
        let choose = |tokenizer: &dyn Tokenizer| {
            let fixed = self.fixed_tokens(tokenizer, &preamble, &input);
            history::choose(tokenizer, &self.plan, (past, &input), fixed)
        };
        let chosen = match choose(&AtMost) {
            Ok(chosen) if chosen.is_all() => chosen,
            Ok(_) | Err(_) => choose(run.tokenizer)?,
        };
        let mut told = chosen.items;
        told.extend(chosen.turn);
        let past = media.resolve(told, &mut self.notices).await;
        self.summary = chosen.summary;
        self.omitted = chosen.omitted;
        self.to_summarize = chosen.summarize;
        self.is_summarized = chosen.is_summarized;
        let count = input.len();
        let items = preamble.into_iter().chain(past).chain(input).collect();
        self.items = context::pair(items);
        self.before_input = self.items.len().saturating_sub(count);
        Ok(())
    }

    /// Tokens of what is sent whatever was said before.
    fn fixed_tokens(&self, tokenizer: &dyn Tokenizer, preamble: &[Item], input: &[Item]) -> u64 {
        let key = &self.plan.route.model.key;
        let layers = self.layers(&[]);
        let texts = layers.iter().map(|layer| history::count(tokenizer, key, &layer.text));
        let further = self.further.iter().map(|(_, item)| item);
        let items = preamble.iter().chain(input).chain(further);
        let said = items.map(|item| history::count_item(tokenizer, key, item));
        let offered = self.offered.iter().map(|tool| {
            let schema = serde_json::to_string(&tool.spec).unwrap_or_default();
            history::count(tokenizer, key, &schema)
        });
        texts.chain(said).chain(offered).sum()
    }

    /// The layers before the conversation.
    pub(super) fn layers(&self, hints: &[String]) -> Vec<Layer> {
        prompt::layers(&PromptParts {
            rules: &self.rules,
            content: &self.view.record.assistant.content,
            request_instructions: self.request.instructions.as_deref(),
            memories: &self.memories,
            summary: self.summary.as_deref(),
            // The built-in provider reads them for itself.
            passages: if self.plan.is_builtin() { &[] } else { &self.passages },
            hints,
        })
    }

    /// The hash that names the user to providers.
    pub(super) fn user_hash(&self) -> &str {
        &self.user_hash
    }

    /// What is asked of this provider: the conversation, `since` (what came of the
    /// run so far), and the tools in `offered`.
    pub(super) fn ask(
        &self,
        candidate: &Candidate,
        fitted: &Fitted,
        since: &[Item],
        offered: &[OfferedTool],
    ) -> ChatRequest {
        let choice = self.request.tool_choice.clone().unwrap_or(ToolChoice::Auto);
        // A choice that was met, or whose tool was withdrawn, does not bind again.
        let is_free = since.is_empty() && !offered.is_empty();
        let layers = self.layers(&fitted.hints);
        let mut items = self.items.clone();
        if let Some(passages) = prompt::before_input(&layers) {
            // Never between a call and its result.
            items.insert(last_said(&items), passages);
        }
        items.extend(since.iter().map(|item| self.as_resolved(item)));
        ChatRequest {
            protocol: fitted.protocol,
            model: candidate.upstream_model.clone(),
            system: prompt::system(&layers),
            items,
            tools: offered.iter().map(|tool| tool.spec.clone()).collect(),
            tool_choice: if is_free { choice } else { ToolChoice::Auto },
            settings: fitted.sent.clone(),
            passages: self.passages.clone(),
            user_hash: self.user_hash.clone(),
        }
    }
}

/// Where the last thing stands that the user said; the end where there is none.
fn last_said(items: &[Item]) -> usize {
    let is_said = |item: &Item| matches!(item, Item::Message { role: MessageRole::User, .. });
    items.iter().rposition(is_said).unwrap_or(items.len())
}

/// The tools that the model may be offered.
fn offer(
    run: RunDeps<'_>,
    plan: &Plan,
    request: &RunRequest,
    (content, scope): (&Content, &KnowledgeScope),
    (mcp, automations): (&[McpListing], &[Automation]),
) -> Offered {
    let engines = Engines {
        web: run.web.is_some(),
        code: run.code.is_some(),
        knowledge: true,
        vectors: run.knowledge.searches_vector_stores(),
        datasets: run.datasets.is_some(),
        images: true,
        computer: false,
    };
    tools::offer(&Offer {
        content,
        modes: &plan.settings.modes,
        engines,
        vector_stores: &scope.vector_stores,
        mcp,
        automations,
        caller: &request.tools,
        // The built-in provider calls what it is told to call, in so many words.
        takes_tools: plan.route.model.has("tools") || plan.is_builtin(),
        max_tool_calls: plan.settings.max_tool_calls,
    })
}

/// The texts that the user said last.
pub(super) fn question_of(input: &[Item]) -> String {
    let said = input.iter().rev().find_map(|item| match item {
        Item::Message { role: MessageRole::User, parts } => Some(parts),
        _ => None,
    });
    let texts = said.into_iter().flatten().filter_map(|part| match part {
        Part::Text { text } => Some(text.as_str()),
        _ => None,
    });
    let text = texts.collect::<Vec<_>>().join("\n");
    text.chars().take(MAX_INPUT_CHARS).collect()
}

/// Where to search beside the files: what the assistant names, refers to, and what
/// the request adds.
fn vector_stores(view: &AssistantView, request: &RunRequest) -> Vec<String> {
    let content = &view.record.assistant.content;
    let referred = content.references.iter();
    let referred = referred.filter(|reference| reference.target_type == ReferenceType::VectorStore);
    let named = content.vector_store_ids.iter().flatten().cloned();
    let mut all: Vec<String> = named
        .chain(referred.map(|reference| reference.target_id.clone()))
        .chain(request.vector_store_ids.iter().cloned())
        .collect();
    all.sort();
    all.dedup();
    all
}

/// The rules that hold: those of the caller's organization, and those that the
/// assistant's own attached to it.
async fn rules_of(
    deps: &Deps<'_>,
    caller: &Caller,
    view: &AssistantView,
    plan: &Plan,
    request: &RunRequest,
    question: &str,
) -> Result<Vec<EffectiveRule>> {
    let assistant = &view.record.assistant;
    let vector_stores = vector_stores(view, request);
    let here = RuleSubject {
        organization: caller.tenant(),
        user: Some(caller.actor.user),
        model: &plan.route.model.key,
        attached: if view.at_home { &assistant.content.rules } else { &[] },
        vector_stores: &vector_stores,
    };
    let mut rules = effective_rules(*deps, here).await?;
    if !view.at_home {
        let there = RuleSubject {
            organization: assistant.organization,
            user: None,
            attached: &assistant.content.rules,
            ..here
        };
        rules.extend(effective_rules(*deps, there).await?);
        rules.sort_by_key(|rule| std::cmp::Reverse(rule.priority));
    }
    Ok(prompt::holding(rules, &request.rules, question))
}

async fn memories_of(
    deps: &Deps<'_>,
    caller: &Caller,
    view: &AssistantView,
    question: &str,
) -> Result<Vec<Memory>> {
    if !view.record.assistant.content.memory_enabled {
        return Ok(Vec::new());
    }
    let lineage = view.record.assistant.lineage();
    let store = deps.store.conversations();
    let all = store.memories(caller.tenant(), lineage, caller.actor.user, MEMORIES_READ).await?;
    Ok(remember::select(&all, question, MEMORIES))
}

/// What is told without being asked for: passages of files where file search is
/// always on, and for the built-in provider whatever it can answer from.
async fn find_passages(
    run: RunDeps<'_>,
    scope: &KnowledgeScope,
    view: &AssistantView,
    plan: &Plan,
    question: &str,
    notices: &mut Vec<Notice>,
) -> Vec<Citation> {
    let builtin = plan.is_builtin();
    let mode = plan.settings.modes.file_search;
    if question.trim().is_empty() || !(builtin || mode == ToolMode::On) {
        return Vec::new();
    }
    let mut found = Vec::new();
    if mode != ToolMode::Off && !(scope.files.is_empty() && scope.vector_stores.is_empty()) {
        match search(run, scope, question).await {
            Ok(passages) => found = passages,
            Err(reason) => notices.push(Notice::new(
                "tool_configurations.systemTools.fileSearch",
                NoticeAction::Unavailable,
                reason,
            )),
        }
    }
    if builtin {
        let content = &view.record.assistant.content;
        let own = passages::chunk(&content.instructions, &content.name, "instructions", None);
        let own = passages::rank(&own, question, usize::try_from(PASSAGES).unwrap_or(usize::MAX));
        found.extend(own);
        found.sort_by(|a, b| b.score.unwrap_or(0.0).total_cmp(&a.score.unwrap_or(0.0)));
        found.truncate(usize::try_from(PASSAGES).unwrap_or(usize::MAX));
    }
    for (number, passage) in (1..).zip(&mut found) {
        passage.number = number;
    }
    found
}

/// Searches with the engine that is set up, or else in the files' own texts.
pub(super) async fn search(
    run: RunDeps<'_>,
    scope: &KnowledgeScope,
    query: &str,
) -> std::result::Result<Vec<Citation>, String> {
    run.knowledge.search(scope, query, PASSAGES).await.map_err(|error| error.to_string())
}

/// The automations that the assistant may run.
async fn automations_of(
    deps: &Deps<'_>,
    view: &AssistantView,
    notices: &mut Vec<Notice>,
) -> Result<Vec<Automation>> {
    let assistant = &view.record.assistant;
    let wanted = &assistant.content.tool_configurations.streamline_tools;
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let mut all = deps.store.runs().automations(assistant.organization).await?;
    all.retain(|automation| automation.is_active && wanted.contains(&automation.id.to_string()));
    for id in wanted {
        if !all.iter().any(|automation| automation.id.to_string() == *id) {
            notices.push(Notice::new(
                format!("tool_configurations.streamlineTools[{id}]"),
                NoticeAction::Unavailable,
                "the automation is gone or switched off",
            ));
        }
    }
    Ok(all)
}

/// Where a tool comes from, in words.
pub(super) fn origin_of(tool: &OfferedTool) -> String {
    match &tool.origin {
        ToolOrigin::Skill(id) => format!("skill {id}"),
        ToolOrigin::Mcp { label, .. } => format!("mcp {label}"),
        ToolOrigin::Automation(id) => format!("automation {id}"),
        ToolOrigin::Caller => "request".to_owned(),
        ToolOrigin::WebSearch
        | ToolOrigin::CodeInterpreter
        | ToolOrigin::FileSearch
        | ToolOrigin::FileRetrieval
        | ToolOrigin::ImageGeneration
        | ToolOrigin::ComputerUse
        | ToolOrigin::QueryDataset => "system".to_owned(),
    }
}
