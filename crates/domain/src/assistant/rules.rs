//! What the fields of a content demand of each other, and of the catalogue.

mod skills;

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde_json::Value;
use unicode_segmentation::UnicodeSegmentation;
use url::Url;

use super::content::{
    Content, IconType, McpServer, OutputMode, OutputSchema, RequireApproval, ResponseFormat,
    ToolFilter,
};
use crate::{
    avatars, catalogue,
    fault::Fault,
    icons,
    web_address::{self, Unfit},
};

/// A fault that several fields make together; a write that touches any of them
/// is refused for it.
#[derive(Debug)]
pub(crate) struct RuleFault {
    pub(crate) fault: Fault,
    pub(crate) about: &'static [&'static str],
}

struct Found(Vec<RuleFault>);

impl Found {
    fn add(
        &mut self,
        about: &'static [&'static str],
        pointer: &str,
        code: &'static str,
        message: impl Into<String>,
    ) {
        self.0.push(RuleFault { fault: Fault::new(pointer, code, message), about });
    }
}

/// Most bytes of a content as JSON (assistant.md, 'limits').
const MAX_CONTENT_BYTES: usize = 1_024 * 1_024;

/// That the content as a whole is too large.
pub(crate) fn too_large(content: &Content) -> Option<Fault> {
    let size = serde_json::to_vec(content).map_or(0, |bytes| bytes.len());
    (size > MAX_CONTENT_BYTES).then(|| {
        let message = format!("has {size} bytes as JSON; there may be {MAX_CONTENT_BYTES}");
        Fault::new("", "too_large", message)
    })
}

/// Everything that is wrong with `content` as a whole, with what has routes of its
/// own.
pub(crate) fn check_whole(content: &Content) -> Vec<RuleFault> {
    let mut found = Found(check(content));
    skills::check(content, &mut found);
    found.0
}

/// Everything that is wrong with the fields although each fits its schema.
pub(crate) fn check(content: &Content) -> Vec<RuleFault> {
    let mut found = Found(Vec::new());
    name(content, &mut found);
    model(content, &mut found);
    icon(content, &mut found);
    library_pictures(content, &mut found);
    format(content, &mut found);
    for (index, schema) in content.json_schemas.iter().flatten().enumerate() {
        output_schema(content, index, schema, &mut found);
    }
    for (index, server) in content.tool_configurations.mcp_tools.iter().enumerate() {
        mcp_server(content, index, server, &mut found);
    }
    preset_messages(content, &mut found);
    found.0
}

fn name(content: &Content, found: &mut Found) {
    if content.name.trim().is_empty() {
        found.add(&["name"], "/name", "required", "is required, and must not be blank");
    }
    if content.name.chars().any(char::is_control) {
        found.add(&["name"], "/name", "pattern", "must not contain control characters");
    }
}

fn model(content: &Content, found: &mut Found) {
    const MODEL: &[&str] = &["default_model_key"];
    const PROVIDERS: &[&str] = &["allowed_model_providers"];
    let allowed = content.allowed_model_providers.as_deref();
    for (index, provider) in allowed.unwrap_or_default().iter().enumerate() {
        if !catalogue::providers().contains(provider) {
            let known = catalogue::providers().join(", ");
            let at = format!("/allowed_model_providers/{index}");
            found.add(PROVIDERS, &at, "unknown_provider", format!("must be one of {known}"));
        }
    }
    let key = content.default_model_key.as_str();
    let Some(model) = catalogue::find(key) else {
        let nearest = catalogue::nearest(key);
        let hint = match nearest.as_slice() {
            [] => "see the model catalogue".to_owned(),
            keys => format!("did you mean {}?", keys.join(", ")),
        };
        let message = format!("is not a model of the catalogue; {hint}");
        found.add(MODEL, "/default_model_key", "unknown_model", message);
        return;
    };
    if allowed.is_some_and(|allowed| !allowed.contains(&model.provider)) {
        let message = format!("must be of an allowed provider; `{key}` is of `{}`", model.provider);
        let both = &["default_model_key", "allowed_model_providers"];
        found.add(both, "/default_model_key", "provider_not_allowed", message);
    }
    if content.context_window.is_some_and(|tokens| tokens > model.context_window) {
        let message = format!("must be at most {}, the window of `{key}`", model.context_window);
        let both = &["context_window", "default_model_key"];
        found.add(both, "/context_window", "maximum", message);
    }
    if content.max_completion_tokens.is_some_and(|tokens| tokens > model.max_output_tokens) {
        let most = model.max_output_tokens;
        let message = format!("must be at most {most}, the longest answer of `{key}`");
        let both = &["max_completion_tokens", "default_model_key"];
        found.add(both, "/max_completion_tokens", "maximum", message);
    }
}

fn icon(content: &Content, found: &mut Found) {
    const ICON: &[&str] = &["icon_type", "icon_data"];
    let expected = match (content.icon_type, content.icon_data.as_deref()) {
        (IconType::Default, None) => return,
        (IconType::Default, Some(_)) => "must be null when `icon_type` is `default`",
        (IconType::Emoji, Some(text)) if is_emoji(text) => return,
        (IconType::Emoji, _) => "must be one emoji when `icon_type` is `emoji`",
        (IconType::Icon, Some(text)) if icons::find(text).is_some() => return,
        (IconType::Icon, _) => {
            "must be the id or name of an icon of the library (`/api/icons`) when `icon_type` is `icon`"
        }
        (IconType::Upload, Some(text)) if is_image(text) => return,
        (IconType::Upload, _) => {
            "must be a PNG, JPEG, GIF, WebP or SVG image, as base64 or a data URL, when `icon_type` is `upload`"
        }
    };
    found.add(ICON, "/icon_data", "icon_data", expected);
}

/// Names of the libraries: what is not there cannot be shown.
fn library_pictures(content: &Content, found: &mut Found) {
    if let Some(name) = content.icon.as_deref().filter(|name| icons::find(name).is_none()) {
        let message = match icons::nearest(name).as_slice() {
            [] => "is not an icon of the library; see `/api/icons`".to_owned(),
            names => format!("is not an icon of the library; did you mean {}?", names.join(", ")),
        };
        found.add(&["icon"], "/icon", "unknown_icon", message);
    }
    if content.avatar_id.as_deref().is_some_and(|id| avatars::find(id).is_none()) {
        let message = "is not an avatar of the library; see `/api/avatars`";
        found.add(&["avatar_id"], "/avatar_id", "unknown_avatar", message);
    }
}

fn is_emoji(text: &str) -> bool {
    text.graphemes(true).count() == 1
        && text.chars().any(|c| u32::from(c) > 0xa8)
        && !text.chars().next().is_some_and(char::is_alphabetic)
}

fn is_icon_id(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.:".contains(&b))
}

fn is_image(text: &str) -> bool {
    let encoded = match text.strip_prefix("data:") {
        None => text,
        Some(rest) => match rest.split_once(";base64,") {
            Some((_, encoded)) => encoded,
            None => return false,
        },
    };
    let Ok(bytes) = BASE64.decode(encoded.trim()) else { return false };
    let magic: [&[u8]; 4] = [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"RIFF"];
    let head = String::from_utf8_lossy(bytes.get(..bytes.len().min(1_024)).unwrap_or_default());
    magic.iter().any(|magic| bytes.starts_with(magic)) || head.contains("<svg")
}

fn format(content: &Content, found: &mut Found) {
    const BOTH: &[&str] = &["response_format", "output_mode"];
    let explicit = match content.response_format {
        ResponseFormat::Auto => None,
        _ => Some(content.effective_format()),
    };
    if explicit.is_some_and(|format| format != content.output_mode)
        && content.output_mode != OutputMode::Text
    {
        let message = format!(
            "must be `auto` or the same as `output_mode`, which is `{}`",
            content.output_mode.as_str()
        );
        found.add(BOTH, "/response_format", "contradiction", message);
    }
    let schemas = content.json_schemas.as_ref().is_some_and(|schemas| !schemas.is_empty());
    if content.effective_format() == OutputMode::JsonSchema && !schemas {
        let about = &["response_format", "output_mode", "json_schemas"];
        let message = "needs at least one schema when the answer's form is `json_schema`";
        found.add(about, "/json_schemas", "required", message);
    }
    let inner =
        content.text_config.as_ref().and_then(|config| config.get("format")).and_then(|format| {
            format.as_str().or_else(|| format.get("type").and_then(Value::as_str))
        });
    if inner.is_some_and(|inner| inner != content.effective_format().as_str()) {
        let about = &["text_config", "response_format", "output_mode"];
        let message = format!(
            "must not differ from the answer's form, `{}`",
            content.effective_format().as_str()
        );
        found.add(about, "/text_config/format", "contradiction", message);
    }
}

fn output_schema(content: &Content, index: usize, schema: &OutputSchema, found: &mut Found) {
    const SCHEMAS: &[&str] = &["json_schemas"];
    let at = format!("/json_schemas/{index}");
    let earlier = content.json_schemas.iter().flatten().take(index);
    for other in earlier {
        if other.name == schema.name {
            found.add(SCHEMAS, &format!("{at}/name"), "duplicate_item", "must be unique");
        }
        if other.id == schema.id {
            found.add(SCHEMAS, &format!("{at}/id"), "duplicate_item", "must be unique");
        }
    }
    let at = format!("{at}/schemaObject");
    if schema.schema_object.get("type").and_then(Value::as_str) != Some("object") {
        found.add(SCHEMAS, &at, "invalid_schema", "must have `\"type\": \"object\"` at its root");
    }
    let value = Value::Object(schema.schema_object.clone());
    if let Err(error) = jsonschema::validator_for(&value) {
        let message = format!("must be a valid JSON Schema: {}", error.masked_with("a value"));
        found.add(SCHEMAS, &at, "invalid_schema", message);
    }
}

fn mcp_server(content: &Content, index: usize, server: &McpServer, found: &mut Found) {
    const TOOLS: &[&str] = &["tool_configurations"];
    let at = format!("/tool_configurations/mcpTools/{index}");
    let mut earlier = content.tool_configurations.mcp_tools.iter().take(index);
    if earlier.any(|other| other.server_label == server.server_label) {
        found.add(TOOLS, &format!("{at}/serverLabel"), "duplicate_item", "must be unique");
    }
    match (&server.server_url, &server.connector_id) {
        (Some(url), None) => {
            if let Err(message) = check_server_url(url) {
                found.add(TOOLS, &format!("{at}/serverUrl"), "url", message);
            }
        }
        (None, Some(_)) => {}
        _ => {
            let message = "exactly one of `serverUrl` and `connectorId` is needed";
            found.add(TOOLS, &at, "required", message);
        }
    }
    if let RequireApproval::Filters { always: Some(always), never: Some(never) } =
        &server.require_approval
    {
        let names = |filter: &ToolFilter| -> BTreeSet<String> {
            filter.tool_names.iter().flatten().cloned().collect()
        };
        if let Some(both) = names(always).intersection(&names(never)).next() {
            let message = format!("`{both}` must not be in `always` and in `never`");
            found.add(TOOLS, &format!("{at}/requireApproval"), "contradiction", message);
        }
    }
}

/// Whether an MCP server may be named by this address. Plain http is kept for
/// addresses on the operator's own networks only; what may really be reached is
/// decided when the connection is made.
fn check_server_url(text: &str) -> Result<(), &'static str> {
    let url = Url::parse(text).or(Err("must be an absolute https URL"))?;
    web_address::check(&url).map_err(|unfit| match unfit {
        Unfit::Host => "must name a host",
        Unfit::Scheme => "must be an absolute https URL",
        Unfit::Credentials => "must not contain credentials; use `authorization`",
    })
}

fn preset_messages(content: &Content, found: &mut Found) {
    const MESSAGES: &[&str] = &["system_message"];
    for (index, message) in content.system_message.iter().flatten().enumerate() {
        for (position, image) in message.images.iter().enumerate() {
            let web = Url::parse(image).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
            if !web && !is_file_id(image) {
                let at = format!("/system_message/{index}/images/{position}");
                found.add(MESSAGES, &at, "url", "must be an http(s) URL or a file id");
            }
        }
        for (list, files) in [("audio", &message.audio), ("files", &message.files)] {
            for (position, file) in files.iter().enumerate().filter(|(_, file)| !is_file_id(file)) {
                let at = format!("/system_message/{index}/{list}/{position}");
                found.add(MESSAGES, &at, "id", format!("must be a file id, not `{file}`"));
            }
        }
    }
}

fn is_file_id(text: &str) -> bool {
    text.strip_prefix("file_").is_some_and(is_icon_id)
}
