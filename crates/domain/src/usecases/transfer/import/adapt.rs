//! What of an exported document can be kept here.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{
    Content,
    assistant::content::McpServer,
    sealed::MASK,
    usecases::transfer::{export::secret_name, report::Report},
};

/// Leaves identifiers out that name nothing here; those that the assistant has
/// already may stay.
pub(super) fn drop_unknown(
    input: &mut Map<String, Value>,
    base: &Content,
    prefix: &str,
    report: &mut Report,
) {
    const GONE: &str = "there is none here";
    let mut filter = |at: String, value: &mut Value, known: &[String]| {
        let Value::Array(items) = value else { return };
        let mut index = 0;
        items.retain(|item| {
            let stays = item.as_str().is_none_or(|id| known.iter().any(|known| known == id));
            if !stays {
                report.drop(format!("{at}/{index}"), GONE);
            }
            index += 1;
            stays
        });
    };
    if let Some(rules) = input.get_mut("rule_ids") {
        let known: Vec<_> = base.rule_ids().map(|id| id.to_string()).collect();
        filter(format!("{prefix}/rule_ids"), rules, &known);
    }
    if let Some(stores) = input.get_mut("vector_store_ids") {
        let known = base.vector_store_ids.as_deref().unwrap_or_default();
        filter(format!("{prefix}/vector_store_ids"), stores, known);
        if stores.as_array().is_some_and(Vec::is_empty) && base.vector_store_ids.is_none() {
            *stores = Value::Null;
        }
    }
    let tools = input.get_mut("tool_configurations");
    if let Some(tools) = tools.and_then(|tools| tools.get_mut("streamlineTools")) {
        let at = format!("{prefix}/tool_configurations/streamlineTools");
        filter(at, tools, &base.tool_configurations.streamline_tools);
    }
    if let Some(thread) = input.get_mut("instructions_thread_id")
        && !thread.is_null()
        && thread.as_str() != base.instructions_thread_id.as_deref()
    {
        *thread = Value::Null;
        report.drop(format!("{prefix}/instructions_thread_id"), GONE);
    }
}

/// Puts write-only values where they belong: those that somebody gave, and the mask
/// for those that are stored; the others are told.
pub(super) fn fill_in(
    input: &mut Map<String, Value>,
    base: &Content,
    given: &BTreeMap<String, Option<String>>,
    report: &mut Report,
) {
    let servers = input
        .get_mut("tool_configurations")
        .and_then(|tools| tools.get_mut("mcpTools"))
        .and_then(Value::as_array_mut);
    for server in servers.into_iter().flatten().filter_map(Value::as_object_mut) {
        let text = |name: &str| server.get(name).and_then(Value::as_str);
        let Some(label) = text("serverLabel").map(str::to_owned) else { continue };
        let stored = base.tool_configurations.mcp_tools.iter().find(|known| {
            known.server_label == label
                && known.server_url.as_deref() == text("serverUrl")
                && known.connector_id.as_deref() == text("connectorId")
        });
        let mut value_of = |name: String, is_stored: bool| match given.get(&name) {
            Some(Some(value)) => Some(Value::from(value.as_str())),
            _ if is_stored => Some(MASK.into()),
            _ => {
                report.secrets.push(name);
                None
            }
        };
        let name = secret_name(&label, None);
        if server.get("authorization").is_none_or(Value::is_null) && given.contains_key(&name) {
            let is_stored = stored.is_some_and(|known| known.authorization.is_some());
            if let Some(value) = value_of(name, is_stored) {
                server.insert("authorization".to_owned(), value);
            }
        }
        let Some(Value::Object(headers)) = server.get_mut("headers") else { continue };
        headers.retain(|header, value| {
            if !value.is_null() {
                return true;
            }
            let is_stored = stored.is_some_and(|known| has_header(known, header));
            match value_of(secret_name(&label, Some(header)), is_stored) {
                Some(found) => {
                    *value = found;
                    true
                }
                None => false,
            }
        });
    }
}

fn has_header(server: &McpServer, header: &str) -> bool {
    server.headers.as_ref().is_some_and(|headers| headers.contains_key(header))
}
