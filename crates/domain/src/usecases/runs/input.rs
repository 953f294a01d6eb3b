//! What may be asked, before anybody is asked.

use serde_json::Value;
use url::Url;

use crate::{
    Content, Fault, FileId,
    assistant::content::MessageRole,
    conversation::{Item, MediaSource, Part},
    fault::pointer_to,
    run::{RunRequest, view::INCLUDES},
    usecases::{Error, Result},
};

/// Most items of one input.
pub const MAX_INPUT_ITEMS: usize = 200;
/// Most characters of all texts of one input.
pub const MAX_INPUT_CHARS: usize = 1_000_000;
/// Most characters of a request's instructions.
pub const MAX_INSTRUCTIONS_CHARS: usize = 256_000;
/// Most tools of a request.
pub const MAX_TOOLS: usize = 128;
/// Most rules that a request names, and most vector stores.
const MAX_NAMED: usize = 100;
/// Most pairs of a request's metadata, and most characters of a key and a value.
pub const MAX_METADATA: (usize, usize, usize) = (16, 64, 512);
/// Most bytes of one image or document that stands in the input itself.
pub const MAX_DATA_BYTES: usize = 10 << 20;
/// Characters that count as one token where nothing better is known.
const CHARS_OF_A_TOKEN: usize = 4;

/// Refuses what cannot be asked, with every fault.
pub(super) fn check(request: &RunRequest, content: &Content) -> Result<()> {
    let mut faults = Vec::new();
    input(&mut faults, request, content);
    extent(&mut faults, request);
    tools(&mut faults, request);
    if faults.is_empty() { Ok(()) } else { Err(Error::Invalid(faults)) }
}

/// About how many tokens the model will read, without history.
pub(super) fn estimate(request: &RunRequest, content: &Content) -> u64 {
    let mut chars =
        content.instructions.len() + request.instructions.as_ref().map_or(0, String::len);
    chars += request.input.iter().map(text_len).sum::<usize>();
    u64::try_from(chars.div_ceil(CHARS_OF_A_TOKEN)).unwrap_or(u64::MAX)
}

fn text_len(item: &Item) -> usize {
    match item {
        Item::Message { parts, .. } => parts
            .iter()
            .map(|part| match part {
                Part::Text { text } | Part::Refusal { text } => text.chars().count(),
                Part::Image { .. } | Part::File { .. } | Part::Audio { .. } => 0,
            })
            .sum(),
        Item::ToolCall(call) => call.arguments.chars().count(),
        Item::ToolResult(result) => result.content.chars().count(),
        Item::Reasoning(_) => 0,
    }
}

fn input(faults: &mut Vec<Fault>, request: &RunRequest, content: &Content) {
    if request.decisions.is_empty() && request.input.is_empty() {
        faults.push(Fault::new("/input", "required", "must hold at least one message"));
    }
    if request.input.len() + request.decisions.len() > MAX_INPUT_ITEMS {
        let message = format!("may hold at most {MAX_INPUT_ITEMS} items");
        faults.push(Fault::new("/input", "too_many", message));
    }
    let says_something = |item: &Item| match item {
        Item::Message { role: MessageRole::User, parts } => !parts.is_empty(),
        Item::ToolResult(_) => true,
        Item::Message { .. } | Item::ToolCall(_) | Item::Reasoning(_) => false,
    };
    if !request.input.is_empty() && !request.input.iter().any(says_something) {
        let message = "must hold something that the user says, or the result of a tool";
        faults.push(Fault::new("/input", "required", message));
    }
    item_faults(faults, "/input", &request.input, Some(content));
}

/// What is wrong with what is said, wherever it goes, as an assistant of this content
/// reads it: one that is yet to be named has no files.
pub(in crate::usecases) fn item_faults(
    faults: &mut Vec<Fault>,
    root: &str,
    items: &[Item],
    content: Option<&Content>,
) {
    if items.iter().map(text_len).sum::<usize>() > MAX_INPUT_CHARS {
        let message = format!("may have at most {MAX_INPUT_CHARS} characters in all");
        faults.push(Fault::new(root, "too_long", message));
    }
    for (index, item) in items.iter().enumerate() {
        if let Item::Message { parts, .. } = item {
            let at = pointer_to(root, &index.to_string());
            for source in parts.iter().filter_map(source_of) {
                media(faults, &at, source, content);
            }
        }
    }
}

const fn source_of(part: &Part) -> Option<&MediaSource> {
    match part {
        Part::Image { source } | Part::File { source, .. } | Part::Audio { source } => Some(source),
        Part::Text { .. } | Part::Refusal { .. } => None,
    }
}

fn media(faults: &mut Vec<Fault>, at: &str, source: &MediaSource, content: Option<&Content>) {
    match source {
        MediaSource::Url(url) => {
            let is_web = Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
            if !is_web {
                let message = "must be an http or https address, or a data: URL";
                faults.push(Fault::new(at, "format", message));
            }
        }
        MediaSource::File(id) => {
            if !content.is_some_and(|content| has_file(content, *id)) {
                let message = format!("`{id}` must be the id of a file of the assistant");
                faults.push(Fault::new(at, "unknown", message));
            }
        }
        MediaSource::Data { base64, .. } => {
            if base64.len() / 4 * 3 > MAX_DATA_BYTES {
                let message = format!("may have at most {MAX_DATA_BYTES} bytes");
                faults.push(Fault::new(at, "too_large", message));
            }
        }
    }
}

fn has_file(content: &Content, id: FileId) -> bool {
    content.files.iter().any(|file| file.id == id)
}

fn extent(faults: &mut Vec<Fault>, request: &RunRequest) {
    if request.instructions.as_ref().is_some_and(|t| t.chars().count() > MAX_INSTRUCTIONS_CHARS) {
        let message = format!("may have at most {MAX_INSTRUCTIONS_CHARS} characters");
        faults.push(Fault::new("/instructions", "too_long", message));
    }
    for (at, count) in
        [("/rules", request.rules.len()), ("/vector_store_ids", request.vector_store_ids.len())]
    {
        if count > MAX_NAMED {
            faults.push(Fault::new(at, "too_many", format!("may hold at most {MAX_NAMED} items")));
        }
    }
    for (index, name) in request.include.iter().enumerate() {
        if !INCLUDES.contains(&name.as_str()) {
            let at = pointer_to("/include", &index.to_string());
            faults.push(Fault::new(at, "enum", format!("must be one of {}", INCLUDES.join(", "))));
        }
    }
    let (pairs, key_chars, value_chars) = MAX_METADATA;
    let fits = |(key, value): (&String, &String)| {
        key.chars().count() <= key_chars && value.chars().count() <= value_chars
    };
    if request.metadata.len() > pairs || !request.metadata.iter().all(fits) {
        let message = format!(
            "may hold at most {pairs} pairs, with keys of {key_chars} and values of {value_chars} \
             characters"
        );
        faults.push(Fault::new("/metadata", "too_large", message));
    }
}

fn tools(faults: &mut Vec<Fault>, request: &RunRequest) {
    if request.tools.len() > MAX_TOOLS {
        let message = format!("may hold at most {MAX_TOOLS} tools");
        faults.push(Fault::new("/tools", "too_many", message));
    }
    for (index, tool) in request.tools.iter().enumerate() {
        let at = pointer_to("/tools", &index.to_string());
        let is_name = (1..=64).contains(&tool.name.len())
            && tool.name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
        if !is_name {
            let message = "must have 1 to 64 letters, digits, `_` and `-`";
            faults.push(Fault::new(pointer_to(&at, "name"), "format", message));
        }
        if request.tools.iter().take(index).any(|other| other.name == tool.name) {
            let message = format!("`{}` is the name of an earlier tool", tool.name);
            faults.push(Fault::new(pointer_to(&at, "name"), "duplicate", message));
        }
        let schema = tool.parameters.clone().map(Value::Object);
        if schema.is_some_and(|schema| jsonschema::meta::validate(&schema).is_err()) {
            let message = "must be a JSON Schema";
            faults.push(Fault::new(pointer_to(&at, "parameters"), "format", message));
        }
    }
}
