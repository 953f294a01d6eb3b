//! The MCP servers of an assistant, reached with the credentials that the user of a
//! run may use.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use serde_json::Value;

use super::RunDeps;
use crate::{
    Content, SealedId, SealedValue, Secret,
    access::Level,
    assistant::{
        content::{McpServer, SkillType, ToolMode},
        view::AssistantView,
    },
    ports::{McpEndpoint, McpPlace, McpTool, ToolError},
    run::{
        Notice, NoticeAction, RunRequest,
        tools::{McpListing, OfferedTool, ToolOrigin},
    },
    secret::mask,
    skill,
    usecases::{Caller, Result, support::read_text},
};

/// What is known of the servers.
#[derive(Default)]
pub(super) struct Reached {
    /// Their tools, or why they tell none.
    pub(super) listings: Vec<McpListing>,
    /// Where they are, by label.
    pub(super) endpoints: BTreeMap<String, McpEndpoint>,
    /// What is left out.
    pub(super) notices: Vec<Notice>,
}

/// Asks every server of the assistant for its tools, all at the same time.
pub(super) async fn reach(
    run: RunDeps<'_>,
    caller: &Caller,
    view: &AssistantView,
    request: &RunRequest,
) -> Result<Reached> {
    let servers = &view.record.assistant.content.tool_configurations.mcp_tools;
    let mut reached = Reached::default();
    if servers.is_empty() {
        return Ok(reached);
    }
    let sealed = open_sealed(run, view).await?;
    let listed = run.mcp.listed();
    for server in servers {
        if request.system_tools.get(&server.server_label) == Some(&ToolMode::Off) {
            continue;
        }
        match place_of(view, server, (&sealed, &listed)) {
            Ok(place) => {
                let organization = view.record.assistant.organization;
                let label = server.server_label.clone();
                let endpoint = McpEndpoint { organization, label: label.clone(), place };
                reached.endpoints.insert(label, endpoint);
            }
            Err(reason) => {
                let field = format!("tool_configurations.mcpTools[{}]", server.server_label);
                reached.notices.push(Notice::new(field, NoticeAction::Unavailable, reason));
            }
        }
    }
    tracing::debug!(user.id = %caller.actor.user, servers = reached.endpoints.len(), "asking for tools");
    let asked = reached.endpoints.values().map(|endpoint| async {
        let tools = run.mcp.tools(endpoint).await;
        masked((endpoint.label.clone(), tools), &credentials(endpoint))
    });
    reached.listings = join_all(asked).await;
    Ok(reached)
}

/// What a server is sent so that it lets the run in.
pub(super) fn credentials(endpoint: &McpEndpoint) -> Vec<Secret<String>> {
    match &endpoint.place {
        McpPlace::Http { authorization, headers, .. } => {
            let values = headers.iter().map(|(_, value)| value.clone());
            authorization.iter().cloned().chain(values).collect()
        }
        McpPlace::Stdio { .. } => Vec::new(),
    }
}

/// What a server tells of itself, or why it tells nothing, without the credentials
/// that it was sent: models and people read it.
fn masked(
    (label, tools): (String, std::result::Result<Vec<McpTool>, ToolError>),
    credentials: &[Secret<String>],
) -> McpListing {
    let without = |tool: McpTool| {
        let schema = Value::Object(tool.input_schema.clone()).to_string();
        let cleared = mask(&schema, credentials);
        let input_schema = if cleared == schema {
            tool.input_schema
        } else {
            serde_json::from_str(&cleared).unwrap_or_default()
        };
        McpTool {
            name: mask(&tool.name, credentials),
            description: mask(&tool.description, credentials),
            input_schema,
            ..tool
        }
    };
    let tools = match tools {
        Ok(tools) if credentials.is_empty() => Ok(tools),
        Ok(tools) => Ok(tools.into_iter().map(without).collect()),
        Err(error) => Err(mask(&error.to_string(), credentials)),
    };
    McpListing { label, tools }
}

type Opened = BTreeMap<SealedId, Secret<String>>;

/// The tokens and header values of the servers, opened for the moment of the run.
async fn open_sealed(run: RunDeps<'_>, view: &AssistantView) -> Result<Opened> {
    let assistant = &view.record.assistant;
    let servers = &assistant.content.tool_configurations.mcp_tools;
    let ids: Vec<SealedId> = servers
        .iter()
        .filter(|server| may_use(view, server))
        .flat_map(|server| {
            let headers = server.headers.iter().flat_map(BTreeMap::values);
            server.authorization.iter().chain(headers).copied()
        })
        .collect();
    open(run, view, &ids).await
}

/// Opens sealed values of the assistant.
pub(super) async fn open(
    run: RunDeps<'_>,
    view: &AssistantView,
    ids: &[SealedId],
) -> Result<Opened> {
    let mut opened = Opened::new();
    if ids.is_empty() {
        return Ok(opened);
    }
    let organization = view.record.assistant.organization;
    for value in run.deps.store.keys().sealed(organization, ids).await? {
        let SealedValue { id, assistant, name, ciphertext, .. } = &value;
        let bound = SealedValue::associated_data(organization, *assistant, *id, name);
        let text =
            read_text(&run.deps, run.vault, organization, (&bound, ciphertext.as_slice())).await?;
        opened.insert(*id, text);
    }
    Ok(opened)
}

/// Whether the user may act with the server's credentials: they may change them, or
/// an editor marked them as everybody's (runtime.md, 'Sharing an assistant does not
/// hand over its owner's rights').
fn may_use(view: &AssistantView, server: &McpServer) -> bool {
    let has_credentials = server.authorization.is_some()
        || server.headers.as_ref().is_some_and(|headers| !headers.is_empty());
    !has_credentials || server.share_credentials || view.level >= Level::Edit
}

fn place_of(
    view: &AssistantView,
    server: &McpServer,
    (sealed, listed): (&Opened, &[String]),
) -> std::result::Result<McpPlace, String> {
    if let Some(name) = &server.connector_id {
        if listed.contains(name) {
            return Ok(McpPlace::Stdio { name: name.clone() });
        }
        return Err(format!("the operator of this server has set up no connector `{name}`"));
    }
    let url = server.server_url.clone().ok_or("it has no address")?;
    if !may_use(view, server) {
        let reason = "its credentials are for the assistant's editors only; they can share them \
                      with the assistant's users (`shareCredentials`)";
        return Err(reason.to_owned());
    }
    let open = |id: &SealedId| sealed.get(id).cloned().ok_or("its credentials are gone");
    let authorization = server.authorization.as_ref().map(open).transpose()?;
    let mut headers = Vec::new();
    for (name, id) in server.headers.iter().flatten() {
        headers.push((name.clone(), open(id)?));
    }
    Ok(McpPlace::Http { url, authorization, headers })
}

/// Leaves out skills whose secrets are not for this user.
pub(super) fn without_foreign_secrets(
    content: &Content,
    caller: &Caller,
    mut offered: Vec<OfferedTool>,
    notices: &mut Vec<Notice>,
) -> Vec<OfferedTool> {
    offered.retain(|tool| {
        let ToolOrigin::Skill(id) = &tool.origin else { return true };
        let skill = content.skills.iter().find(|skill| skill.id == *id);
        let Some(skill) = skill.filter(|skill| skill.kind == SkillType::Custom) else {
            return true;
        };
        let foreign = content.secrets.iter().find(|entry| {
            let is_used = skill::uses_secret(skill, &entry.name);
            is_used && !entry.shared && entry.created_by != caller.actor.user
        });
        if let Some(entry) = foreign {
            notices.push(Notice::new(
                format!("skills[{}]", skill.name),
                NoticeAction::Unavailable,
                format!("its secret `{}` is not shared with the assistant's users", entry.name),
            ));
        }
        foreign.is_none()
    });
    offered
}
