//! Images, documents and recordings as OpenAI's protocols carry them.

use understudy_domain::conversation::MediaSource;

/// Data as an address that holds them; `None` for what lies elsewhere.
pub(super) fn data_url(source: &MediaSource) -> Option<String> {
    match source {
        MediaSource::Data { content_type, base64 } => {
            Some(format!("data:{content_type};base64,{base64}"))
        }
        MediaSource::Url(_) | MediaSource::File(_) => None,
    }
}

/// Where it is, in words, for places that take only words.
pub(super) fn link(source: &MediaSource, name: Option<&str>) -> Option<String> {
    match source {
        MediaSource::Url(url) => Some(match name {
            Some(name) => format!("{name}: {url}"),
            None => url.clone(),
        }),
        MediaSource::Data { .. } | MediaSource::File(_) => None,
    }
}

/// `audio/mpeg` as `mp3`, `audio/x-wav` as `wav`.
pub(super) fn audio_format(content_type: &str) -> &str {
    let essence = content_type.split(';').next().unwrap_or(content_type).trim();
    let subtype = essence.split_once('/').map_or(essence, |(_, subtype)| subtype);
    match subtype {
        "mpeg" | "mpeg3" | "x-mpeg" => "mp3",
        "wave" | "x-wav" | "vnd.wave" => "wav",
        "mp4" | "x-m4a" => "m4a",
        other => other,
    }
}
