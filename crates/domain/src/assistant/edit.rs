//! Applying what a caller sent to an assistant: all of it, or a list of faults.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{
    Slug,
    content::{Content, IconType, MANIFEST, McpServer},
    document::{self, Part},
    policy::Policy,
    rules,
};
use crate::{Fault, RuleId, SealedId, Secret, fault::pointer_to, sealed::MASK};

/// How a write relates to what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteMode {
    /// `POST` and `PUT`: each top-level field that is named is replaced.
    Replace,
    /// `PATCH`: an RFC 7396 merge patch.
    Merge,
}

/// What a write starts from.
#[derive(Clone, Debug)]
pub struct Base {
    /// The content so far; the defaults for a new assistant.
    pub content: Content,
    /// The policy so far.
    pub policy: Policy,
    /// The slug so far; `None` on drafts and new assistants.
    pub slug: Option<Slug>,
    /// Whether it is the default so far.
    pub is_default: bool,
}

/// A write-only value that came with a write, to be sealed before it is stored.
#[derive(Debug)]
pub struct NewSealed {
    /// The identifier by which the content refers to it.
    pub id: SealedId,
    /// What it is, for example `mcp/github/authorization`.
    pub name: String,
    /// The value.
    pub value: Secret<String>,
}

/// A write that was understood.
#[derive(Debug)]
pub struct Edit {
    /// The content as it shall be.
    pub content: Content,
    /// The policy as it shall be.
    pub policy: Policy,
    /// The slug as it shall be; `None` when it is to be made from the name.
    pub slug: Option<Slug>,
    /// Whether it shall be the default.
    pub is_default: bool,
    /// The rules that shall be attached to it, in this order; `content` has those
    /// of the base.
    pub rule_ids: Vec<RuleId>,
    /// Write-only values that are new.
    pub sealed: Vec<NewSealed>,
}

/// Applies `input` to `base`.
///
/// Read-only fields are ignored, so that a client can send back what it read;
/// faults in fields that the write does not touch are not its concern.
///
/// # Errors
///
/// Every fault of the input at once, each with its JSON pointer.
pub fn apply(
    base: &Base,
    input: Value,
    mode: WriteMode,
    fresh_id: &mut dyn FnMut() -> SealedId,
) -> Result<Edit, Vec<Fault>> {
    let Value::Object(mut input) = input else {
        return Err(vec![Fault::new("", "type", "must be a JSON object")]);
    };
    let mut faults = Vec::new();
    document::canonicalize(&mut input, &mut faults);
    input.retain(|name, _| document::part_of(name) != Some(Part::ReadOnly));
    if base.content.name.is_empty() && !input.contains_key("name") {
        faults.push(Fault::new("/name", "required", "is required"));
    }
    let by_alias = join_prompts(base, &mut input, &mut faults);
    let edit = apply_spelled(base, input, mode, faults, fresh_id);
    edit.map_err(|faults| if by_alias { under_alias(faults) } else { faults })
}

/// Applies input whose keys are spelled as the schema has them.
fn apply_spelled(
    base: &Base,
    input: Map<String, Value>,
    mode: WriteMode,
    mut faults: Vec<Fault>,
    fresh_id: &mut dyn FnMut() -> SealedId,
) -> Result<Edit, Vec<Fault>> {
    let touched: BTreeSet<String> = input.keys().cloned().collect();
    let mut document = merge(base, input, mode);
    let found = document::faults_of(&Value::Object(document.clone()));
    faults.extend(found.into_iter().filter(|fault| touched.contains(fault.field())));
    if faults.is_empty() {
        return read(base, document, &touched, fresh_id);
    }
    // What the sound fields demand of each other is told in the same answer: the
    // faulty ones stand aside as they were before.
    let before = to_document(base);
    for fault in &faults {
        match before.get(fault.field()) {
            Some(value) => document.insert(fault.field().to_owned(), value.clone()),
            None => document.remove(fault.field()),
        };
    }
    let told: BTreeSet<String> = faults.iter().map(|fault| fault.field().to_owned()).collect();
    if let Err(more) = read(base, document, &touched, fresh_id) {
        faults.extend(more.into_iter().filter(|fault| !told.contains(fault.field())));
    }
    faults.truncate(document::MAX_FAULTS);
    Err(faults)
}

/// The faults where the caller wrote what is wrong: under the other name.
fn under_alias(faults: Vec<Fault>) -> Vec<Fault> {
    let rename = |fault: Fault| match fault.pointer.strip_prefix("/preset_prompts") {
        Some(rest) => Fault { pointer: format!("/suggestions{rest}"), ..fault },
        None => fault,
    };
    faults.into_iter().map(rename).collect()
}

/// `suggestions` is another name of `preset_prompts`. Sent back together, the
/// one that was changed counts; whether that is the alias is returned.
fn join_prompts(base: &Base, input: &mut Map<String, Value>, faults: &mut Vec<Fault>) -> bool {
    let Some(alias) = input.remove("suggestions") else { return false };
    let now = Value::from(base.content.preset_prompts.clone());
    match input.get("preset_prompts") {
        Some(prompts) if *prompts == alias || alias == now => false,
        Some(prompts) if *prompts != now => {
            let message = "must be the same as `preset_prompts`, of which it is another name";
            faults.push(Fault::new("/suggestions", "contradiction", message));
            false
        }
        _ => {
            input.insert("preset_prompts".to_owned(), alias);
            true
        }
    }
}

/// The whole document after the write, in the form that the schema describes.
fn merge(base: &Base, input: Map<String, Value>, mode: WriteMode) -> Map<String, Value> {
    let mut document = to_document(base);
    for (name, value) in input {
        if value.is_null() {
            if document::is_nullable(&name) {
                document.insert(name, Value::Null);
            } else {
                document.remove(&name); // unset: the default
            }
            continue;
        }
        let value = match (mode, document.remove(&name)) {
            (WriteMode::Merge, Some(mut before)) => {
                json_patch::merge(&mut before, &value);
                before
            }
            _ => value,
        };
        document.insert(name, value);
    }
    if let Some(Value::String(name)) = document.get_mut("name") {
        *name = name.trim().to_owned();
    }
    document
}

/// The base as a caller would read it: write-only values as the mask.
fn to_document(base: &Base) -> Map<String, Value> {
    let mut document = Map::new();
    for part in [to_map(&mask(&base.content)), to_map(&base.policy)] {
        document.extend(part);
    }
    document.retain(|name, _| !MANIFEST.contains(&name.as_str()));
    let rules: Vec<_> = base.content.rule_ids().map(|id| id.to_string()).collect();
    document.insert("rule_ids".to_owned(), rules.into());
    document.insert("slug".to_owned(), base.slug.as_ref().map(Slug::as_str).into());
    document.insert("is_default".to_owned(), base.is_default.into());
    if base.content.name.is_empty() {
        document.remove("name"); // a new assistant: a name must come with the write
    }
    document
}

fn to_map<T: serde::Serialize>(value: &T) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(), // contents and policies are maps with text keys
    }
}

/// The content as JSON, with [`MASK`] in place of each write-only value.
fn mask(content: &Content) -> Value {
    let mut value = serde_json::to_value(content).unwrap_or_default();
    mask_document(&mut value);
    value
}

/// Puts [`MASK`] in place of each write-only value of a content in JSON form.
pub(crate) fn mask_document(content: &mut Value) {
    let servers =
        content.pointer_mut("/tool_configurations/mcpTools").and_then(Value::as_array_mut);
    for server in servers.into_iter().flatten() {
        if let Some(value) = server.get_mut("authorization").filter(|value| value.is_string()) {
            *value = MASK.into();
        }
        let headers = server.get_mut("headers").and_then(Value::as_object_mut);
        for (_, value) in headers.into_iter().flatten() {
            *value = MASK.into();
        }
    }
}

fn read(
    base: &Base,
    mut document: Map<String, Value>,
    touched: &BTreeSet<String>,
    fresh_id: &mut dyn FnMut() -> SealedId,
) -> Result<Edit, Vec<Fault>> {
    normalize(&mut document);
    let mut faults = Vec::new();
    let sealed = seal(base, &mut document, fresh_id, &mut faults);
    let slug = match document.remove("slug") {
        Some(Value::String(text)) => match Slug::parse(&text) {
            Ok(slug) => Some(slug),
            Err(error) => {
                faults.push(Fault::new("/slug", "pattern", error.to_string()));
                None
            }
        },
        _ => None,
    };
    let is_default = document.remove("is_default") == Some(Value::Bool(true));
    let rule_ids = rule_ids(document.remove("rule_ids"), &mut faults);
    let (policy, content): (Map<_, _>, Map<_, _>) =
        document.into_iter().partition(|(name, _)| document::part_of(name) == Some(Part::Policy));
    let policy = policy_from(policy, &mut faults);
    // What the schema let through and serde does not read is a fault of the caller
    // too, so it is told, if only in serde's words.
    let content: Content = match serde_json::from_value(Value::Object(content)) {
        Ok(content) => with_manifest(content, &base.content),
        Err(error) => {
            faults.push(Fault::new("", "invalid", error.to_string()));
            return Err(faults);
        }
    };
    for rule in rules::check(&content) {
        if rule.about.iter().any(|field| touched.contains(*field)) {
            faults.push(rule.fault);
        }
    }
    faults.extend(rules::too_large(&content));
    if faults.is_empty() {
        Ok(Edit { content, policy, slug, is_default, rule_ids, sealed })
    } else {
        Err(faults)
    }
}

/// The rules that a write names; whether they are there is asked when it is stored.
fn rule_ids(value: Option<Value>, faults: &mut Vec<Fault>) -> Vec<RuleId> {
    let Some(Value::Array(items)) = value else { return Vec::new() };
    let mut ids = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        match item.as_str().map(str::parse) {
            Some(Ok(id)) => ids.push(id),
            _ => faults.push(unknown_rule(index)),
        }
    }
    ids
}

/// That no rule has the identifier at this place.
pub(crate) fn unknown_rule(index: usize) -> Fault {
    let message = "must be the id of a rule that you may see";
    Fault::new(format!("/rule_ids/{index}"), "unknown", message)
}

/// What has routes of its own stays as it is. An uploaded icon stays as long as
/// `icon_data` is the one that belongs to it.
fn with_manifest(content: Content, base: &Content) -> Content {
    let same_icon = content.icon_type == IconType::Upload && content.icon_data == base.icon_data;
    Content {
        icon_image: base.icon_image.clone().filter(|_| same_icon),
        files: base.files.clone(),
        references: base.references.clone(),
        skills: base.skills.clone(),
        secrets: base.secrets.clone(),
        rules: base.rules.clone(),
        ..content
    }
}

/// One form where the schema takes several: empty lists for `null`, message parts
/// as strings, a schema's id from its name.
fn normalize(document: &mut Map<String, Value>) {
    for list in ["preset_prompts", "rule_ids"] {
        if document.get(list) == Some(&Value::Null) {
            document.remove(list);
        }
    }
    let messages = document.get_mut("system_message").and_then(Value::as_array_mut);
    for message in messages.into_iter().flatten() {
        for list in ["texts", "images", "audio", "files"] {
            let parts = message.get_mut(list).and_then(Value::as_array_mut);
            for part in parts.into_iter().flatten() {
                if let Some(text) = part.as_object().and_then(|map| map.values().next()).cloned() {
                    *part = text;
                }
            }
        }
    }
    let schemas = document.get_mut("json_schemas").and_then(Value::as_array_mut);
    for schema in schemas.into_iter().flatten().filter_map(Value::as_object_mut) {
        let name = schema.get("name").cloned().unwrap_or_default();
        schema.entry("id").or_insert(name);
    }
}

/// Replaces write-only values by references: a new one for a new value, the old
/// one for the mask, as long as the server that it goes to is the same.
fn seal(
    base: &Base,
    document: &mut Map<String, Value>,
    fresh_id: &mut dyn FnMut() -> SealedId,
    faults: &mut Vec<Fault>,
) -> Vec<NewSealed> {
    let mut new = Vec::new();
    let servers = document
        .get_mut("tool_configurations")
        .and_then(|tools| tools.get_mut("mcpTools"))
        .and_then(Value::as_array_mut);
    for (index, server) in servers.into_iter().flatten().enumerate() {
        let text = |key: &str| server.get(key).and_then(Value::as_str).map(str::to_owned);
        let label = text("serverLabel").unwrap_or_default();
        let (url, connector) = (text("serverUrl"), text("connectorId"));
        let before = base.content.tool_configurations.mcp_tools.iter().find(|old| {
            old.server_label == label && old.server_url == url && old.connector_id == connector
        });
        let at = format!("/tool_configurations/mcpTools/{index}");
        for (pointer, name, value) in write_only_values(server, &at, &label) {
            let Some(text) = value.as_str().map(str::to_owned) else { continue };
            if text == MASK {
                if let Some(id) = before.and_then(|old| stored(old, &name)) {
                    *value = id.to_string().into();
                } else {
                    let message =
                        "there is no stored value for this server and address; give the value";
                    faults.push(Fault::new(pointer, "nothing_to_keep", message));
                    *value = fresh_id().to_string().into(); // so that the rest can be read
                }
            } else {
                let id = fresh_id();
                *value = id.to_string().into();
                new.push(NewSealed { id, name, value: Secret::new(text) });
            }
        }
    }
    new
}

/// Each write-only value of a server: its pointer, its name and the value.
fn write_only_values<'a>(
    server: &'a mut Value,
    at: &str,
    label: &str,
) -> Vec<(String, String, &'a mut Value)> {
    let mut values = Vec::new();
    for (key, value) in server.as_object_mut().into_iter().flatten() {
        let at = pointer_to(at, key);
        match (key.as_str(), value) {
            ("authorization", value) => {
                values.push((at, format!("mcp/{label}/authorization"), value));
            }
            ("headers", Value::Object(headers)) => {
                for (header, value) in headers {
                    let name = format!("mcp/{label}/headers/{header}");
                    values.push((pointer_to(&at, header), name, value));
                }
            }
            _ => {}
        }
    }
    values
}

fn stored(server: &McpServer, name: &str) -> Option<SealedId> {
    let rest = name.strip_prefix("mcp/")?.strip_prefix(server.server_label.as_str())?;
    match rest.strip_prefix("/headers/") {
        Some(header) => server.headers.as_ref()?.get(header).copied(),
        None => server.authorization,
    }
}

fn policy_from(mut document: Map<String, Value>, faults: &mut Vec<Fault>) -> Policy {
    check_items(&document, "access_departments", faults, |text| {
        crate::Department::parse(text).is_none().then_some("must not be blank")
    });
    for list in ["access_users", "editable_by_users", "visible_in_chat_to_users"] {
        check_items(&document, list, faults, |text| {
            let star = list == "editable_by_users" && text == "*";
            let known = star || text.parse::<crate::UserId>().is_ok();
            (!known).then_some("must be the id of a user of the organization")
        });
    }
    if !faults.is_empty() {
        return Policy::default();
    }
    document.retain(|_, value| !value.is_null());
    serde_json::from_value(Value::Object(document)).unwrap_or_else(|error| {
        faults.push(Fault::new("", "invalid", error.to_string()));
        Policy::default()
    })
}

fn check_items(
    document: &Map<String, Value>,
    list: &str,
    faults: &mut Vec<Fault>,
    fault: impl Fn(&str) -> Option<&'static str>,
) {
    let items = document.get(list).and_then(Value::as_array);
    for (index, item) in items.into_iter().flatten().enumerate() {
        if let Some(message) = item.as_str().and_then(&fault) {
            faults.push(Fault::new(format!("/{list}/{index}"), "unknown", message));
        }
    }
}

/// Users that `after` names and `before` does not, with where they are named;
/// they must be looked up before the policy is stored.
#[must_use]
pub fn new_users(before: &Policy, after: &Policy) -> BTreeMap<crate::UserId, String> {
    let known: BTreeSet<_> = before.users().collect();
    let value = to_map(after);
    let mut found = BTreeMap::new();
    for user in after.users().filter(|user| !known.contains(user)) {
        let text = Value::from(user.to_string());
        let place = ["access_users", "editable_by_users", "visible_in_chat_to_users"]
            .into_iter()
            .find_map(|list| {
                let index = value.get(list)?.as_array()?.iter().position(|item| *item == text)?;
                Some(format!("/{list}/{index}"))
            });
        found.insert(user, place.unwrap_or_default());
    }
    found
}
