//! Where images, documents and recordings of a request are.

use base64::{Engine, prelude::BASE64_STANDARD};
use understudy_domain::conversation::MediaSource;

use crate::fields::{Fields, text_or_other};

/// Where the bytes of a block are: `url`, `file_id`, or `data` with its `media_type`;
/// or one of the names that providers have for them.
pub(crate) fn source(fields: &mut Fields, nested: &str) -> Option<(MediaSource, Option<String>)> {
    if !nested.is_empty() && fields.has(nested) {
        return match text_or_other(fields.any(nested)?) {
            Ok(text) => at_url(fields, nested, &text).map(|source| (source, None)),
            Err(value) => {
                let at = format!("/{nested}");
                fields.nested(&at, value, |inner| source(inner, "")).flatten()
            }
        };
    }
    fields.any("detail");
    let name = fields.nullable("name", Fields::text).flatten();
    let filename = fields.nullable("filename", Fields::text).flatten();
    let name = name.or(filename);
    let found = if fields.has("file_id") {
        fields.parsed("file_id").map(MediaSource::File)
    } else if let Some(field) = ["url", "file_url", "file_data"].into_iter().find(|f| fields.has(f))
    {
        let text = fields.text(field)?;
        at_url(fields, field, &text)
    } else if fields.has("data") {
        data(fields)
    } else {
        fields.fault("url", "required", "is required, or `file_id`, or `data`");
        None
    };
    found.map(|source| (source, name))
}

fn at_url(fields: &mut Fields, name: &str, text: &str) -> Option<MediaSource> {
    let Some(rest) = text.strip_prefix("data:") else {
        return Some(MediaSource::Url(text.to_owned()));
    };
    let (head, base64) = rest.split_once(',').unwrap_or((rest, ""));
    let Some(content_type) = head.strip_suffix(";base64") else {
        fields.fault(name, "invalid", "must be in base64 when it is a data URL");
        return None;
    };
    held(fields, name, content_type, base64.to_owned())
}

fn data(fields: &mut Fields) -> Option<MediaSource> {
    let format = fields.nullable("format", Fields::text).flatten();
    let kind = fields.nullable("media_type", Fields::text).flatten();
    let kind = kind.or_else(|| format.map(|format| format!("audio/{format}")));
    let base64 = fields.text("data")?;
    let Some(kind) = kind else {
        fields.fault("media_type", "required", "is required beside `data`");
        return None;
    };
    held(fields, "data", &kind, base64)
}

/// Bytes that stand in the request itself.
fn held(fields: &mut Fields, name: &str, kind: &str, base64: String) -> Option<MediaSource> {
    let is_kind = |part: &str| {
        let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b);
        (1..=127).contains(&part.len()) && part.bytes().all(is_token)
    };
    let names_kind = kind.split_once('/').is_some_and(|(a, b)| is_kind(a) && is_kind(b));
    if !names_kind {
        fields.fault(name, "invalid", "must have a media type, for example `image/png`");
        return None;
    }
    if base64.is_empty() || BASE64_STANDARD.decode(&base64).is_err() {
        fields.fault(name, "invalid", "must be standard base64");
        return None;
    }
    Some(MediaSource::Data { content_type: kind.to_ascii_lowercase(), base64 })
}
