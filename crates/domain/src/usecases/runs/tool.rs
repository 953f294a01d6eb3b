//! What each kind of tool does when it is called.

use serde_json::{Map, Value, json};

use super::{
    calls::{Done, Failed},
    scene::{self, Scene},
    servers,
    working::Working,
};
use crate::{
    AutomationId, Secret, SkillId,
    assistant::content::{SecretEntry, Skill, SkillType},
    automation::Trigger,
    ports::WebQuery,
    run::{
        Citation,
        tools::{OfferedTool, ToolOrigin},
    },
    secret::mask,
    skill::{self, Custom},
    usecases::{automations, images},
};

/// Pages that a web search gives when nobody says how many.
const USUAL_PAGES: u32 = 5;
/// Most characters of a file that are read at once.
const READ_CHARS: u64 = 40_000;

/// Does what a tool does.
pub(super) async fn perform(
    working: &Working<'_>,
    scene: &Scene,
    tool: &OfferedTool,
    arguments: Map<String, Value>,
) -> Result<Done, Failed> {
    match &tool.origin {
        ToolOrigin::WebSearch => {
            let query = WebQuery {
                query: text_of(&arguments, "query")?,
                limit: USUAL_PAGES,
                ..WebQuery::default()
            };
            web_search(working, scene, query).await
        }
        ToolOrigin::CodeInterpreter => code(working, scene, &text_of(&arguments, "code")?).await,
        ToolOrigin::FileSearch => file_search(working, scene, &arguments).await,
        ToolOrigin::FileRetrieval => {
            read_file(working, scene, &text_of(&arguments, "file")?, &arguments).await
        }
        ToolOrigin::ImageGeneration => draw(working, scene, &arguments).await,
        ToolOrigin::QueryDataset => {
            let dataset = text_of(&arguments, "dataset")?;
            query_dataset(working, scene, &dataset, &text_of(&arguments, "sql")?).await
        }
        ToolOrigin::Skill(id) => use_skill(working, scene, *id, arguments).await,
        ToolOrigin::Mcp { label, tool } => {
            call_server(working, scene, (label, tool), arguments).await
        }
        ToolOrigin::Automation(id) => automate(working, scene, *id, arguments).await,
        ToolOrigin::ComputerUse | ToolOrigin::Caller => {
            Err("this tool is not run by this server".to_owned())
        }
    }
}

fn text_of(arguments: &Map<String, Value>, name: &str) -> Result<String, Failed> {
    let text = arguments.get(name).and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    text.map(str::to_owned).ok_or_else(|| format!("`{name}` must be a text"))
}

async fn web_search(working: &Working<'_>, scene: &Scene, query: WebQuery) -> Result<Done, Failed> {
    let engine = working.run.web.ok_or("no web search is set up")?;
    let pages = engine.search(&query).await.map_err(|error| error.to_string())?;
    let tools = &scene.view.record.assistant.content.tool_configurations.system_tools;
    let first = next_number(working);
    let citations: Vec<Citation> = (first..)
        .zip(&pages)
        .map(|(number, page)| Citation {
            number,
            title: page.title.clone(),
            kind: "web".to_owned(),
            id: None,
            url: Some(page.url.clone()),
            text: Some(page.excerpt.clone()),
            score: None,
        })
        .collect();
    let text = if pages.is_empty() { "Nothing was found.".to_owned() } else { listed(&citations) };
    // Without `sources` the model sees where it is from, the caller does not.
    let is_shown = tools.web_search.sources;
    let shown = is_shown.then(|| serde_json::to_value(&citations).unwrap_or_default());
    Ok(Done {
        text,
        shown,
        citations: if is_shown { citations } else { Vec::new() },
        images: vec![],
    })
}

/// Passages as the model reads them, each under its number.
fn listed(citations: &[Citation]) -> String {
    let passage = |citation: &Citation| {
        let from = citation.url.as_ref().or(citation.id.as_ref());
        let from = from.map(|from| format!(" ({from})")).unwrap_or_default();
        let text = citation.text.as_deref().unwrap_or_default();
        format!("[{}] {}{from}\n{text}", citation.number, citation.title)
    };
    citations.iter().map(passage).collect::<Vec<_>>().join("\n\n")
}

/// The number behind the last citation of the run.
fn next_number(working: &Working<'_>) -> u32 {
    working.with(|run| run.outcome.citations.iter().map(|c| c.number).max().unwrap_or(0)) + 1
}

async fn code(working: &Working<'_>, scene: &Scene, code: &str) -> Result<Done, Failed> {
    let runner = working.run.code.ok_or("no sandbox is set up")?;
    let output = runner.run(code).await.map_err(|error| error.to_string())?;
    let tools = &scene.view.record.assistant.content.tool_configurations.system_tools;
    let told = json!({
        "stdout": output.stdout,
        "stderr": output.stderr,
        "success": output.success,
    });
    let text = told.to_string();
    let shown = tools.code_interpreter.outputs.then_some(told);
    Ok(Done { text, shown, ..Done::default() })
}

async fn file_search(
    working: &Working<'_>,
    scene: &Scene,
    arguments: &Map<String, Value>,
) -> Result<Done, Failed> {
    let query = text_of(arguments, "query")?;
    let mut found = scene::search(working.run, &scene.scope, &query).await?;
    for (number, passage) in (next_number(working)..).zip(&mut found) {
        passage.number = number;
    }
    let text = if found.is_empty() { "Nothing was found.".to_owned() } else { listed(&found) };
    let tools = &scene.view.record.assistant.content.tool_configurations.system_tools;
    let is_shown = tools.file_search.results;
    let shown = is_shown.then(|| serde_json::to_value(&found).unwrap_or_default());
    Ok(Done { text, shown, citations: if is_shown { found } else { Vec::new() }, images: vec![] })
}

async fn read_file(
    working: &Working<'_>,
    scene: &Scene,
    file: &str,
    arguments: &Map<String, Value>,
) -> Result<Done, Failed> {
    let from = arguments.get("from").and_then(Value::as_u64).unwrap_or(0);
    let read = working.run.knowledge.read(&scene.scope, file, from, READ_CHARS).await;
    let text = read.map_err(|error| error.to_string())?;
    let text = text.ok_or("there is no such file, or it has no text")?;
    let shown = json!({ "file": file, "characters": text.chars().count() });
    Ok(Done { text, shown: Some(shown), ..Done::default() })
}

async fn draw(
    working: &Working<'_>,
    scene: &Scene,
    arguments: &Map<String, Value>,
) -> Result<Done, Failed> {
    let command = images::CreateImage {
        prompt: text_of(arguments, "prompt")?,
        model: None,
        size: arguments.get("size").and_then(Value::as_str).map(str::to_owned),
        ..images::CreateImage::default()
    };
    let run = working.run;
    let painter = images::Painter { vault: run.vault, models: run.images };
    let assistant = &scene.view.record.assistant;
    let subject = (&assistant.content, assistant.lineage());
    let created = images::paint(run.deps, painter, &scene.caller, subject, command).await;
    let created = created.map_err(|error| failure(&error))?;
    let url = format!("{}/images/{}", run.public_url, created.image.key.expose());
    let shown = json!({ "url": url, "model": created.model, "size": created.size });
    let text = format!("The picture is made; show it to the user: {url}");
    Ok(Done { text, shown: Some(shown), images: vec![url], ..Done::default() })
}

/// What may be told of an error: not our own failures.
fn failure(error: &crate::usecases::Error) -> Failed {
    use crate::usecases::Error;
    match error {
        Error::Store(_) | Error::Crypto(_) | Error::Blobs(_) => {
            tracing::error!(%error, "a tool failed");
            "it failed".to_owned()
        }
        Error::Invalid(faults) => {
            let told: Vec<_> =
                faults.iter().map(|f| format!("{}: {}", f.pointer, f.message)).collect();
            told.join("; ")
        }
        other => other.to_string(),
    }
}

async fn query_dataset(
    working: &Working<'_>,
    scene: &Scene,
    dataset: &str,
    sql: &str,
) -> Result<Done, Failed> {
    let engine = working.run.datasets.ok_or("no engine for datasets is set up")?;
    let organization = scene.view.record.assistant.organization;
    let rows = engine.query(organization, dataset, sql).await.map_err(|error| error.to_string())?;
    Ok(Done { text: rows.to_string(), shown: Some(rows), ..Done::default() })
}

async fn use_skill(
    working: &Working<'_>,
    scene: &Scene,
    id: SkillId,
    arguments: Map<String, Value>,
) -> Result<Done, Failed> {
    let content = &scene.view.record.assistant.content;
    let skill = content.skills.iter().find(|skill| skill.id == id && skill.enabled);
    let skill = skill.ok_or("the skill is gone")?;
    match skill.kind {
        SkillType::Custom => call_service(working, scene, skill, &arguments).await,
        SkillType::WebSearch => {
            let query = web_query(skill, text_of(&arguments, "query")?);
            web_search(working, scene, query).await
        }
        SkillType::CodeExecution => code(working, scene, &text_of(&arguments, "code")?).await,
        SkillType::DatasetQuery => {
            let dataset = skill.dataset_id.clone().ok_or("the skill names no dataset")?;
            query_dataset(working, scene, &dataset, &text_of(&arguments, "sql")?).await
        }
        SkillType::FileAnalysis => analyse(working, scene, skill, &arguments).await,
    }
}

/// What a skill's settings make of a search.
fn web_query(skill: &Skill, query: String) -> WebQuery {
    let list = |name: &str| {
        let items = skill.data.get(name).and_then(Value::as_array).into_iter().flatten();
        items.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let word = |name: &str| skill.data.get(name).and_then(Value::as_str).map(str::to_owned);
    let limit = skill.data.get("maxResults").and_then(Value::as_u64);
    WebQuery {
        query,
        limit: limit.and_then(|limit| limit.try_into().ok()).unwrap_or(USUAL_PAGES),
        allowed_domains: list("allowedDomains"),
        blocked_domains: list("blockedDomains"),
        country: word("country"),
        language: word("language"),
    }
}

/// Reads the file that is named, or searches those of the skill.
async fn analyse(
    working: &Working<'_>,
    scene: &Scene,
    skill: &Skill,
    arguments: &Map<String, Value>,
) -> Result<Done, Failed> {
    let ids = skill.data.get("fileIds").and_then(Value::as_array);
    let may_read = |id: &str| {
        ids.is_none_or(|ids| ids.is_empty() || ids.iter().any(|known| known.as_str() == Some(id)))
    };
    if let Ok(file) = text_of(arguments, "fileId") {
        if !may_read(&file) {
            return Err("this file is none of the skill's".to_owned());
        }
        return read_file(working, scene, &file, arguments).await;
    }
    let mut scope = scene.scope.clone();
    scope.files.retain(|file| may_read(&file.id.to_string()));
    scope.vector_stores.clear();
    let found = scene::search(working.run, &scope, &text_of(arguments, "question")?).await?;
    Ok(Done::text(listed(&found)))
}

/// Calls the HTTP service of a custom skill. Its secrets are opened for this call and
/// masked in whatever comes back.
async fn call_service(
    working: &Working<'_>,
    scene: &Scene,
    skill: &Skill,
    arguments: &Map<String, Value>,
) -> Result<Done, Failed> {
    let custom = Custom::read(&skill.data).ok_or("the skill's settings cannot be read")?;
    let content = &scene.view.record.assistant.content;
    let used: Vec<&SecretEntry> =
        content.secrets.iter().filter(|entry| skill::uses_secret(skill, &entry.name)).collect();
    let asker = scene.caller.actor.user;
    if used.iter().any(|entry| !entry.shared && entry.created_by != asker) {
        return Err("a secret of the skill is not shared with the assistant's users".to_owned());
    }
    let ids: Vec<_> = used.iter().filter_map(|entry| entry.value).collect();
    let opened = servers::open(working.run, &scene.view, &ids).await;
    let opened = opened.map_err(|error| failure(&error))?;
    let secret = |name: &str, origin: &str| -> Result<Secret<String>, String> {
        let entry = used.iter().find(|entry| entry.name == name);
        let entry = entry.ok_or_else(|| format!("there is no secret `{name}`"))?;
        if !entry.origins.iter().any(|known| known == origin) {
            return Err(format!("the secret `{name}` is not for {origin}"));
        }
        let value = entry.value.and_then(|id| opened.get(&id));
        value.cloned().ok_or_else(|| format!("the secret `{name}` has no value"))
    };
    let request = skill::request(&custom, arguments, &secret).map_err(|fault| fault.to_string())?;
    let secrets: Vec<Secret<String>> = opened.values().cloned().collect();
    let answered = working.run.actions.call(&request).await;
    let answered = answered.map_err(|error| mask(&error.to_string(), &secrets))?;
    match skill::answer(&custom, &answered) {
        Ok(text) => Ok(Done::text(mask(&text, &secrets))),
        Err(text) => Err(mask(&text, &secrets)),
    }
}

async fn call_server(
    working: &Working<'_>,
    scene: &Scene,
    (label, tool): (&str, &str),
    arguments: Map<String, Value>,
) -> Result<Done, Failed> {
    let endpoint = scene.endpoints.get(label).ok_or("the server is gone")?;
    let secrets = servers::credentials(endpoint);
    let answer = working.run.mcp.call(endpoint, tool, arguments).await;
    let answer = answer.map_err(|error| mask(&error.to_string(), &secrets))?;
    let text = mask(&answer.text, &secrets);
    if answer.is_error { Err(text) } else { Ok(Done::text(text)) }
}

async fn automate(
    working: &Working<'_>,
    scene: &Scene,
    id: AutomationId,
    arguments: Map<String, Value>,
) -> Result<Done, Failed> {
    let automation = scene.automations.iter().find(|automation| automation.id == id);
    let automation = automation.ok_or("the automation is gone")?;
    let trigger = (Trigger::Assistant, working.with(|run| Some(run.id)));
    let run = working.run;
    let user = scene.caller.actor.user;
    let executed = automations::run_automation(run, automation, user, trigger, arguments).await;
    let executed = executed.map_err(|error| failure(&error))?;
    match executed.error {
        None => {
            let result = executed.result.unwrap_or(Value::Null);
            let text = result.as_str().map_or_else(|| result.to_string(), str::to_owned);
            Ok(Done { text, shown: Some(result), ..Done::default() })
        }
        Some(error) => Err(error),
    }
}
