//! What assistants are made of, and what that costs.

use time::Duration;
use understudy_domain::{
    Assistant, AssistantId, Blob, Content, EmbeddedImage, Extraction, ExtractionOutcome, Image,
    ImageOrigin, Provider, ProviderKind, Secret, Upload, UploadPurpose, Usage, WholeUpload,
    assistant::content::{FileEntry, IconImage},
};

use super::{Touched, id, instant};

/// The bytes of blob `n`: a short text.
#[must_use]
pub fn bytes(n: u32) -> Vec<u8> {
    format!("These are the bytes of blob {n}.\n").into_bytes()
}

/// Blob `n`.
#[must_use]
pub fn blob(n: u32) -> Blob {
    Blob::of(&bytes(n))
}

/// Blob `n` as organization 1 took it in at [`instant`] `n`.
#[must_use]
pub fn touched(n: u32) -> Touched {
    Touched { organization: id(1), blob: blob(n), at: instant(n) }
}

/// File `n` of an assistant, with the bytes of blob `n`.
#[must_use]
pub fn file(n: u32) -> FileEntry {
    FileEntry {
        id: id(n),
        name: format!("Datei {n}.txt"),
        description: Some(format!("«Größe» {n}")),
        content_type: "text/plain".to_owned(),
        blob: blob(n),
        created_at: instant(n),
        created_by: id(1),
        modified_at: instant(n + 1),
    }
}

/// An icon whose PNG is blob `n` and whose SVG is the next one.
#[must_use]
pub fn icon(n: u32) -> IconImage {
    IconImage { png: blob(n), svg: Some(blob(n + 1)), width: 1_024, height: 512 }
}

/// The assistant with these files, and no others.
#[must_use]
pub fn with_files(assistant: Assistant, files: impl IntoIterator<Item = u32>) -> Assistant {
    let content = Content { files: files.into_iter().map(file).collect(), ..assistant.content };
    Assistant { content, ..assistant }
}

/// Upload `n` of user 1 of organization 1, just begun, of unknown length. It
/// expires a day after.
#[must_use]
pub fn upload(n: u32) -> Upload {
    Upload {
        id: id(n),
        organization: id(1),
        user: id(1),
        name: None,
        declared_type: None,
        length: None,
        parts: Vec::new(),
        whole: None,
        metadata: String::new(),
        purpose: UploadPurpose::UserData,
        created_at: instant(n),
        expires_at: instant(n).plus(Duration::DAY),
    }
}

/// Upload `n` as it is when all of blob `n` has come.
#[must_use]
pub fn whole_upload(n: u32) -> Upload {
    let blob = blob(n);
    Upload {
        name: Some(format!("Größe {n}.txt")),
        declared_type: Some("text/x-unknown".to_owned()),
        length: Some(blob.size),
        whole: Some(WholeUpload { blob, media_type: "text/plain".to_owned() }),
        metadata: "filename R3LDtsOfZQ==,empty".to_owned(),
        purpose: UploadPurpose::Vision,
        ..upload(n)
    }
}

/// Picture `n` of user 1 of organization 1: blob `n`, drawn by a model for no
/// assistant.
#[must_use]
pub fn image(n: u32) -> Image {
    Image {
        id: id(n),
        organization: id(1),
        user: id(1),
        assistant: None,
        key: Secret::new(format!("key-of_picture-{n:030}")),
        origin: ImageOrigin::Generated {
            prompt: format!("Größe {n} – «blau»"),
            provider: "openai".to_owned(),
            model: "gpt-image-1".to_owned(),
            size: "1024x1024".to_owned(),
        },
        blob: blob(n),
        created_at: instant(n),
    }
}

/// Picture `n`: the avatar of `assistant`.
#[must_use]
pub fn avatar(n: u32, assistant: AssistantId) -> Image {
    Image { assistant: Some(assistant), origin: ImageOrigin::Avatar, ..image(n) }
}

/// What was extracted from blob `source` of organization 1: `images`, by their
/// numbers as blobs.
#[must_use]
pub fn extraction(source: u32, images: impl IntoIterator<Item = u32>) -> Extraction {
    let embedded = |n| EmbeddedImage {
        id: id(n),
        content_type: "image/png".to_owned(),
        blob: blob(n),
        width: n,
        height: 2 * n,
        place: format!("page {n}"),
    };
    Extraction {
        organization: id(1),
        source: blob(source).digest,
        outcome: ExtractionOutcome::Done { images: images.into_iter().map(embedded).collect() },
        created_at: instant(source),
    }
}

/// Provider `n` of organization 1, with a sealed key.
#[must_use]
pub fn provider(n: u32) -> Provider {
    Provider {
        id: id(n),
        organization: id(1),
        name: format!("Provider {n}"),
        kind: ProviderKind::OpenaiCompatible,
        base_url: Some(format!("https://models.example.com/v{n}")),
        api_key: Some(n.to_be_bytes().into_iter().chain([0, 0xff, 0x80]).collect()),
        models: vec!["größer".to_owned(), "gpt-image-1".to_owned()],
        priority: 100,
        enabled: true,
        created_at: instant(n),
        updated_at: instant(n),
        revision: 1,
    }
}

/// Use `n`: user 1 of organization 1 had one picture drawn for no assistant.
#[must_use]
pub fn usage(n: u32) -> Usage {
    Usage {
        id: id(n),
        organization: id(1),
        user: id(1),
        assistant: None,
        kind: "image".to_owned(),
        provider: "openai".to_owned(),
        model: "gpt-image-1".to_owned(),
        quantity: 1,
        input_tokens: 0,
        output_tokens: 0,
        cost_micros: 0,
        at: instant(n),
    }
}
