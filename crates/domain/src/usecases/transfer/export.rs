//! Takes an assistant apart into a document and the bytes that it names.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{DOCUMENT, FILES, FORMAT, FORMAT_VERSION, ICONS, SECRETS};
use crate::{
    AssistantId, Blob, Content, OrganizationId, RuleId, Slug,
    access::Level,
    assistant::content::{
        AttachedRule, FileEntry, IconImage, MANIFEST, McpServer, Reference, SecretEntry, Skill,
    },
    usecases::{
        Caller, Deps, Result,
        rules::may_see,
        support::{find, require_level},
    },
};

/// An assistant as it leaves.
#[derive(Clone, Debug, PartialEq)]
pub struct Export {
    /// The organization that has the bytes.
    pub organization: OrganizationId,
    /// A name for the file, letters, digits and `-`.
    pub name: String,
    /// The document, [`DOCUMENT`], as JSON.
    pub document: Vec<u8>,
    /// The bytes that it names, in the order in which they are to be packed.
    pub entries: Vec<ExportEntry>,
}

/// Bytes of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportEntry {
    /// What they are called in the archive.
    pub name: String,
    /// Which they are.
    pub blob: Blob,
}

/// Exports an assistant, or a draft as its live assistant would be. The same state
/// gives the same export.
///
/// # Errors
///
/// [`Error::NotFound`](crate::usecases::Error::NotFound),
/// [`Error::Forbidden`](crate::usecases::Error::Forbidden).
pub async fn export_assistant(deps: Deps<'_>, caller: &Caller, reference: &str) -> Result<Export> {
    let view = find(&deps, caller, reference).await?;
    require_level(&view, Level::Edit)?;
    let assistant = &view.record.assistant;
    let names = rule_names(&deps, caller, &assistant.content).await?;
    let document = document(assistant.lineage(), &assistant.content, &names);
    let slug = view.record.authority().slug.as_ref();
    Ok(Export {
        organization: assistant.organization,
        name: slug.map_or(DOCUMENT.trim_end_matches(".json"), Slug::as_str).to_owned(),
        // Maps with text keys always serialize.
        document: serde_json::to_vec_pretty(&document).unwrap_or_default(),
        entries: entries(&assistant.content),
    })
}

fn entries(content: &Content) -> Vec<ExportEntry> {
    let icon = content.icon_image.as_ref().map(|image| {
        let (name, blob) = icon_entry(image);
        ExportEntry { name: name.to_owned(), blob }
    });
    // One that is attached twice is packed once.
    let files: BTreeMap<_, _> =
        content.files.iter().map(|file| (file.blob.digest, file.blob)).collect();
    let files = files.into_values().map(|blob| ExportEntry { name: entry_name(blob), blob });
    icon.into_iter().chain(files).collect()
}

/// The picture that all forms of an icon are made from.
pub(super) fn icon_entry(image: &IconImage) -> (&'static str, Blob) {
    let [svg, png] = ICONS;
    image.svg.map_or((png, image.png), |blob| (svg, blob))
}

/// What the bytes of a file are called.
pub(super) fn entry_name(blob: Blob) -> String {
    format!("{FILES}{}", blob.digest)
}

/// The names of the attached rules that the caller may read.
async fn rule_names(
    deps: &Deps<'_>,
    caller: &Caller,
    content: &Content,
) -> Result<BTreeMap<RuleId, String>> {
    let ids: Vec<RuleId> = content.rule_ids().collect();
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rules = deps.store.rules().find(caller.tenant(), &ids).await?;
    let rules = rules.into_iter().filter(|rule| may_see(caller, rule));
    Ok(rules.map(|rule| (rule.id, rule.name)).collect())
}

fn document(external: AssistantId, content: &Content, rules: &BTreeMap<RuleId, String>) -> Value {
    let (assistant, mut secrets) = without_secrets(content);
    secrets.extend(content.secrets.iter().map(secret));
    let rule = |attached: &AttachedRule| {
        let AttachedRule { rule_id, priority, character_limit, is_active, .. } = attached;
        json!({
            "id": rule_id,
            "name": rules.get(rule_id),
            "priority": priority,
            "characterLimit": character_limit,
            "isActive": is_active,
        })
    };
    let icon = content.icon_image.as_ref().map(|image| {
        let (name, blob) = icon_entry(image);
        json!({"name": name, "sha256": blob.digest, "size": blob.size})
    });
    json!({
        "format": FORMAT,
        "formatVersion": FORMAT_VERSION,
        "externalId": external,
        "assistant": assistant,
        "secrets": secrets,
        "icon": icon,
        "files": content.files.iter().map(file).collect::<Vec<_>>(),
        "references": content.references.iter().map(reference).collect::<Vec<_>>(),
        "skills": content.skills.iter().map(skill).collect::<Vec<_>>(),
        "rules": content.rules.iter().map(rule).collect::<Vec<_>>(),
    })
}

fn file(entry: &FileEntry) -> Value {
    let FileEntry { id, name, description, content_type, blob, .. } = entry;
    json!({
        "id": id,
        "name": name,
        "description": description,
        "contentType": content_type,
        "sha256": blob.digest,
        "size": blob.size,
    })
}

fn reference(reference: &Reference) -> Value {
    let Reference { target_id, target_type, description, .. } = reference;
    json!({"targetId": target_id, "targetType": target_type, "description": description})
}

fn skill(skill: &Skill) -> Value {
    let Skill { id, kind, name, description, data, dataset_id, enabled, .. } = skill;
    json!({
        "id": id,
        "type": kind,
        "name": name,
        "description": description,
        "data": data,
        "datasetId": dataset_id,
        "enabled": enabled,
    })
}

/// A secret without its value, for which there is room.
fn secret(secret: &SecretEntry) -> Value {
    let SecretEntry { id, name, description, origins, shared, .. } = secret;
    json!({
        "name": format!("{SECRETS}{name}"),
        "value": null,
        "id": id,
        "description": description,
        "origins": origins,
        "shared": shared,
    })
}

/// The fields of a content with nothing in place of each write-only value, and the
/// names of those values.
fn without_secrets(content: &Content) -> (Map<String, Value>, Vec<Value>) {
    let mut secrets = Vec::new();
    let mut fields = match serde_json::to_value(content) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(), // a content is a map with text keys
    };
    fields.retain(|name, _| !MANIFEST.contains(&name.as_str()));
    let servers = fields
        .get_mut("tool_configurations")
        .and_then(|tools| tools.get_mut("mcpTools"))
        .and_then(Value::as_array_mut);
    let known = &content.tool_configurations.mcp_tools;
    for (value, server) in servers.into_iter().flatten().zip(known) {
        secrets.extend(names(server).into_iter().map(|name| json!({"name": name, "value": null})));
        let Some(value) = value.as_object_mut() else { continue };
        value.insert("authorization".to_owned(), Value::Null);
        if let Some(headers) = value.get_mut("headers").and_then(Value::as_object_mut) {
            headers.values_mut().for_each(|value| *value = Value::Null);
        }
    }
    (fields, secrets)
}

/// The names of the write-only values that a server has.
pub(super) fn names(server: &McpServer) -> Vec<String> {
    let authorization = server.authorization.map(|_| secret_name(&server.server_label, None));
    let headers = server.headers.iter().flat_map(BTreeMap::keys);
    let headers = headers.map(|header| secret_name(&server.server_label, Some(header)));
    authorization.into_iter().chain(headers).collect()
}

/// The name of a write-only value, as it is sealed under.
pub(super) fn secret_name(label: &str, header: Option<&str>) -> String {
    match header {
        Some(header) => format!("mcp/{label}/headers/{header}"),
        None => format!("mcp/{label}/authorization"),
    }
}
