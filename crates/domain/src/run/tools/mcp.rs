//! Tools of MCP servers: which are offered, and which calls need approval (reference
//! §3.3). What a server says of its tools is shown to a model as it would be to
//! people: in bounds, without what nobody sees.

use serde_json::{Map, Value};

use super::{Catalogue, MAX_SCHEMA_BYTES, OfferedTool, ToolOrigin, describe, pin, rooted};
use crate::{
    assistant::content::{AllowedTools, ApprovalSetting, McpServer, RequireApproval, ToolFilter},
    chat::ToolSpec,
    ports::McpTool,
};

/// Whether the tool may be called.
#[must_use]
pub fn allows(allowed: Option<&AllowedTools>, tool: &McpTool) -> bool {
    match allowed {
        None => true,
        Some(AllowedTools::Names(names)) => names.contains(&tool.name),
        Some(AllowedTools::Filter(filter)) => matches(tool, filter),
    }
}

/// Whether a person must approve calls of the tool. What no filter exempts does.
#[must_use]
pub fn needs_approval(required: &RequireApproval, tool: &McpTool) -> bool {
    let is_in = |filter: &Option<ToolFilter>| filter.as_ref().is_some_and(|f| matches(tool, f));
    match required {
        RequireApproval::Setting(ApprovalSetting::Always) => true,
        RequireApproval::Setting(ApprovalSetting::Never) => false,
        RequireApproval::Filters { always, never } => is_in(always) || !is_in(never),
    }
}

/// Whether the tool meets all criteria. A filter without any matches nothing, and a
/// tool whose server says nothing is not read-only.
fn matches(tool: &McpTool, filter: &ToolFilter) -> bool {
    let ToolFilter { read_only, tool_names } = filter;
    if read_only.is_none() && tool_names.is_none() {
        return false;
    }
    tool_names.as_ref().is_none_or(|names| names.contains(&tool.name))
        && read_only.is_none_or(|wanted| wanted == (tool.read_only == Some(true)))
}

/// Offers what the servers have.
pub(super) fn add(catalogue: &mut Catalogue<'_>) {
    for server in &catalogue.offer.content.tool_configurations.mcp_tools {
        let label = &server.server_label;
        let listings = catalogue.offer.mcp;
        let Some(listing) = listings.iter().find(|listing| listing.label == *label) else {
            continue;
        };
        match &listing.tools {
            Ok(tools) => add_server(catalogue, server, tools),
            Err(message) => {
                let reason = format!("the server's tools cannot be had: {}", describe(message));
                catalogue.unavailable(field(label), reason);
            }
        }
    }
}

fn field(label: &str) -> String {
    format!("tool_configurations.mcpTools[{label}]")
}

fn add_server(catalogue: &mut Catalogue<'_>, server: &McpServer, tools: &[McpTool]) {
    let label = &server.server_label;
    let place = server.server_url.as_ref().or(server.connector_id.as_ref());
    let mut seen = std::collections::BTreeSet::new();
    for tool in tools.iter().filter(|tool| allows(server.allowed_tools.as_ref(), tool)) {
        // Of two with one name nobody knows which would be called.
        if !seen.insert(&tool.name) {
            continue;
        }
        let parameters = seen_schema(&tool.input_schema);
        if Value::Object(parameters.clone()).to_string().len() > MAX_SCHEMA_BYTES {
            let reason = format!(
                "the tool `{}` is left out: its schema has more than {MAX_SCHEMA_BYTES} bytes",
                describe(&tool.name)
            );
            catalogue.unavailable(field(label), reason);
            continue;
        }
        let wanted = format!("{label}__{}", tool.name);
        let address = place.map_or("", String::as_str);
        let offered = OfferedTool {
            // The server's own words, so that no change of them goes unseen.
            pin: pin(address, &tool.name, &tool.description, &tool.input_schema),
            origin: ToolOrigin::Mcp { label: label.clone(), tool: tool.name.clone() },
            needs_approval: needs_approval(&server.require_approval, tool),
            spec: ToolSpec {
                name: catalogue.names.claim(&wanted, &format!("{label}\0{}", tool.name)),
                description: told(server, tool),
                parameters,
                strict: None,
            },
        };
        catalogue.offered.tools.push(offered);
    }
}

fn told(server: &McpServer, tool: &McpTool) -> String {
    let about = server.server_description.as_deref().map(str::trim).unwrap_or_default();
    let own = tool.description.trim();
    match (about.is_empty(), own.is_empty()) {
        (true, _) => describe(own),
        (false, true) => describe(about),
        (false, false) => describe(&format!("{about}\n{own}")),
    }
}

/// The schema with its words as people would see them.
fn seen_schema(schema: &Map<String, Value>) -> Map<String, Value> {
    let each = schema.iter().map(|(key, value)| {
        let value = match (key.as_str(), value) {
            ("description" | "title", Value::String(text)) => describe(text).into(),
            (_, value) => seen_value(value),
        };
        (key.clone(), value)
    });
    rooted(each.collect())
}

fn seen_value(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(seen_value).collect(),
        Value::Object(map) => {
            let each = map.iter().map(|(key, value)| {
                let value = match (key.as_str(), value) {
                    ("description" | "title", Value::String(text)) => describe(text).into(),
                    (_, value) => seen_value(value),
                };
                (key.clone(), value)
            });
            Value::Object(each.collect())
        }
        other => other.clone(),
    }
}
