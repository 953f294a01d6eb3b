//! Answers of tools, as texts for a model.

use rmcp::model::{CallToolResult, ContentBlock, ResourceContents};
use serde_json::Value;
use understudy_domain::{
    ports::McpAnswer,
    visible::{visible, visible_line},
};

/// Most bytes of the texts of an answer, and of its structured part.
const MOST_BYTES: usize = 256 * 1024;
/// What stands where the rest was.
const CUT: &str = "\n[The rest of the answer was left out: it is too long.]";
/// Most characters of a name or an address within a sentence.
const MOST_CHARS: usize = 300;

/// The answer with its limits kept.
pub(crate) fn answer(result: CallToolResult) -> McpAnswer {
    let mut text = String::new();
    for block in &result.content {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&told(block));
        if text.len() > MOST_BYTES {
            text.truncate(text.floor_char_boundary(MOST_BYTES));
            text.push_str(CUT);
            break;
        }
    }
    let structured = result.structured_content.filter(|value| !value.is_null());
    let fits =
        |value: &Value| serde_json::to_vec(value).is_ok_and(|bytes| bytes.len() <= MOST_BYTES);
    McpAnswer {
        text,
        structured: structured.filter(fits).map(shown),
        is_error: result.is_error.unwrap_or(false),
    }
}

fn told(block: &ContentBlock) -> String {
    match block {
        ContentBlock::Text(text) => visible(&text.text),
        ContentBlock::Image(image) => unseen("picture", &image.mime_type, &image.data),
        ContentBlock::Audio(audio) => unseen("recording", &audio.mime_type, &audio.data),
        ContentBlock::Resource(embedded) => match &embedded.resource {
            ResourceContents::TextResourceContents { uri, text, .. } => {
                format!("[{}]\n{}", line(uri), visible(text))
            }
            ResourceContents::BlobResourceContents { uri, mime_type, blob, .. } => {
                let kind = mime_type.as_deref().unwrap_or("unknown");
                format!("[{}]\n{}", line(uri), unseen("file", kind, blob))
            }
            _ => "[something of an unknown form, which is not shown]".to_owned(),
        },
        ContentBlock::ResourceLink(link) => {
            let about = link.description.as_deref().map(line).filter(|about| !about.is_empty());
            let about = about.map(|about| format!(", {about}")).unwrap_or_default();
            format!(
                "[A link to {} at {}{about}; it was not opened]",
                line(&link.name),
                line(&link.uri)
            )
        }
        _ => "[something of an unknown form, which is not shown]".to_owned(),
    }
}

fn line(text: &str) -> String {
    visible_line(text, MOST_CHARS)
}

/// Something that is no text, in words.
fn unseen(what: &str, kind: &str, base64: &str) -> String {
    let padding = base64.bytes().rev().take_while(|byte| *byte == b'=').count();
    let bytes = (base64.len() / 4 * 3).saturating_sub(padding);
    format!("[A {what} of the type {} with {bytes} bytes, which is not shown]", line(kind))
}

/// The value without what nobody sees.
fn shown(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(visible(&text)),
        Value::Array(items) => Value::Array(items.into_iter().map(shown).collect()),
        Value::Object(map) => Value::Object(
            map.into_iter().map(|(key, value)| (visible(&key), shown(value))).collect(),
        ),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answered(result: Value) -> McpAnswer {
        answer(serde_json::from_value(result).unwrap())
    }

    #[test]
    fn texts_come_through_and_the_rest_in_words() {
        let answer = answered(json!({"content": [
            {"type": "text", "text": "one\u{1b}[2J\u{202e}"},
            {"type": "image", "data": "AAAA", "mimeType": "image/png"},
            {"type": "audio", "data": "AAA=", "mimeType": "audio/wav\u{7}"},
            {"type": "resource", "resource": {"uri": "file:///etc/passwd", "text": "root"}},
            {"type": "resource", "resource": {"uri": "x:y", "blob": "AAAAAAA="}},
            {"type": "resource_link", "uri": "http://10.0.0.1/", "name": "inside", "description": "d"},
        ]}));

        assert_eq!(
            answer.text,
            "one[2J\n\
             [A picture of the type image/png with 3 bytes, which is not shown]\n\
             [A recording of the type audio/wav with 2 bytes, which is not shown]\n\
             [file:///etc/passwd]\nroot\n\
             [x:y]\n[A file of the type unknown with 5 bytes, which is not shown]\n\
             [A link to inside at http://10.0.0.1/, d; it was not opened]"
        );
        assert!(!answer.is_error);
    }

    #[test]
    fn a_tool_that_failed_says_so() {
        let failed =
            answered(json!({"content": [{"type": "text", "text": "no"}], "isError": true}));
        assert!(failed.is_error);
    }

    #[test]
    fn long_answers_are_cut_with_a_mark() {
        let block = json!({"type": "text", "text": "ä".repeat(100_000)});
        let answer = answered(json!({"content": [block, block, block]}));

        let kept = answer.text.strip_suffix(CUT).unwrap();
        assert!((MOST_BYTES - 1..=MOST_BYTES).contains(&kept.len()), "{}", kept.len());
    }

    #[test]
    fn a_structured_answer_comes_along_when_it_is_not_too_long() {
        let structured =
            |value: Value| answered(json!({"content": [], "structuredContent": value})).structured;
        assert_eq!(structured(json!({"a\u{7}": ["b\u{202e}"]})), Some(json!({"a": ["b"]})));
        assert_eq!(structured(json!({"a": "x".repeat(MOST_BYTES)})), None);
        assert_eq!(structured(Value::Null), None);
    }
}
