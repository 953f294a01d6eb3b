//! Files, which are uploads of the caller.

use actix_web::http::Method;
use serde::Serialize;
use serde_json::{Value, json};
use understudy_domain::{
    Fault, Upload, UploadId, UploadPurpose,
    usecases::uploads::{self, ListUploads, NewUpload},
};
use utoipa::ToSchema;

use crate::{
    answer::{self, Answer},
    call::{AnyKind, Asked, Call},
    download::{Contents, contents},
    endpoint::Endpoint,
    idempotency::once,
    input::Input,
    multipart::{self, Form},
    openapi::{Doc, Parameter},
    problem::{Code, Problem},
};

const ALL: &str = "/openai/v1/files";
const ONE: &str = "/openai/v1/files/{id}";
const CONTENT: &str = "/openai/v1/files/{id}/content";

/// What the parts of a form are called.
const PARTS: (&[&str], &[&str]) = (&["file"], &["purpose"]);
/// What files may be for.
const PURPOSES: [&str; 3] = ["user_data", "assistants", "vision"];
const ORDERS: [&str; 2] = ["asc", "desc"];

/// Most files of a page, and how many there are unless fewer are asked for.
const MOST: u32 = 1_000;
/// The most that may be asked for, as OpenAI has it.
const MOST_ASKED: u32 = 10_000;

/// A file: an upload of the caller.
#[derive(Serialize, ToSchema)]
#[schema(as = OpenaiFile)]
pub(crate) struct FileView {
    /// Its identifier, which attaching it to an assistant takes as `uploadId`.
    #[schema(value_type = String, example = "upl_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    id: UploadId,
    /// `file`.
    #[schema(value_type = String, example = "file")]
    object: &'static str,
    /// How many bytes it has.
    bytes: u64,
    /// When it was sent, in Unix seconds.
    #[schema(example = 1_769_860_800)]
    created_at: i64,
    /// When it will be gone, if nobody attaches it, in Unix seconds.
    #[schema(example = 1_769_947_200)]
    expires_at: i64,
    /// What its sender calls it.
    #[schema(example = "prices.md")]
    filename: String,
    /// What its sender says it is for: `user_data`, `assistants` or `vision`.
    #[schema(value_type = String, example = "user_data")]
    purpose: &'static str,
    /// `processed`, or `uploaded` while a part of it is missing.
    #[schema(value_type = String, example = "processed")]
    status: &'static str,
}

impl From<&Upload> for FileView {
    fn from(upload: &Upload) -> Self {
        Self {
            id: upload.id,
            object: "file",
            bytes: upload.received(),
            created_at: upload.created_at.unix_seconds(),
            expires_at: upload.expires_at.unix_seconds(),
            filename: upload.name.clone().unwrap_or_default(),
            purpose: upload.purpose.as_str(),
            status: if upload.whole.is_some() { "processed" } else { "uploaded" },
        }
    }
}

/// A page of files.
#[derive(Serialize, ToSchema)]
#[schema(as = OpenaiFileList)]
pub(crate) struct FileList {
    /// `list`.
    #[schema(value_type = String, example = "list")]
    object: &'static str,
    /// They.
    data: Vec<FileView>,
    /// The first of them; null when there is none.
    #[schema(value_type = Option<String>)]
    first_id: Option<UploadId>,
    /// The last of them, which `after` takes; null when there is none.
    #[schema(value_type = Option<String>)]
    last_id: Option<UploadId>,
    /// Whether there are more behind them.
    has_more: bool,
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, ALL, list, |doc: Doc| {
            doc.op("openai", "openaiListFiles", "List files")
                .about("One's own that nobody attached yet, newest first, at most 1,000 a page.")
                .query("purpose", "Only those for this.", Parameter::word(&PURPOSES))
                .query(
                    "limit",
                    "How many at most, 1 to 10,000; a page has 1,000 at most.",
                    Parameter::number(1, MOST_ASKED),
                )
                .query("order", "By the time of their sending.", Parameter::word(&ORDERS))
                .query("after", "The id of a file: those behind it.", Parameter::text())
                .json(200, "A page of files.", "OpenaiFileList")
                .codes(&[Code::AiSeatRequired])
        }),
        Endpoint::new(Method::POST, ALL, create, |doc: Doc| {
            doc.op("openai", "openaiCreateFile", "Upload a file")
                .about("It is an upload of the caller, to be attached to an assistant with the native dialect. Nobody else reaches it; it is gone when it is attached, and after 24 hours. `purpose` is `user_data`, `assistants` or `vision`; nothing depends on it.")
                .form_body(PARTS.0, PARTS.1)
                .json(200, "The file.", "OpenaiFile")
                .codes(&[Code::LimitReached, Code::AiSeatRequired])
        }),
        Endpoint::new(Method::GET, ONE, read, |doc: Doc| {
            doc.op("openai", "openaiGetFile", "Read what is known of a file")
                .about("One's own.")
                .json(200, "The file.", "OpenaiFile")
                .codes(&[Code::AiSeatRequired, Code::NotFound])
        }),
        Endpoint::new(Method::DELETE, ONE, delete, |doc: Doc| {
            doc.op("openai", "openaiDeleteFile", "Remove a file")
                .about("One's own, while nobody attached it.")
                .json(200, "It is gone.", "OpenaiDeleted")
                .codes(&[Code::AiSeatRequired, Code::NotFound])
        }),
        Endpoint::new(Method::GET, CONTENT, download, |doc: Doc| {
            doc.op("openai", "openaiDownloadFile", "Download a file")
                .about("One's own. What a browser would run comes as `application/octet-stream`.")
                .range()
                .contents(200, "All of it.")
                .contents(206, "The bytes that `Range` asks for.")
                .empty(307, "The bytes are at `Location` for a minute, without credentials.")
                .codes(&[Code::RangeNotSatisfiable, Code::AiSeatRequired, Code::NotFound])
        }),
    ]
}

async fn create(mut call: Call) -> Answer {
    let payload = call.take_payload();
    let max = call.state.options.max_file_bytes;
    let mut intake = uploads::begin_intake(call.deps(), &call.caller, max).await?;
    let form = Form { file: PARTS.0, texts: PARTS.1, max };
    let mut sent = multipart::one_file(&call.request, payload, form, &mut intake).await?;
    let received = intake.finish().await?;
    let purpose = sent.text("purpose").unwrap_or_default();
    let Some(purpose) = UploadPurpose::from_word(&purpose) else {
        let message = format!("must be one of {}", PURPOSES.join(", "));
        return Err(Problem::invalid(vec![Fault::new("/purpose", "enum", message)]));
    };
    let name = sent.filename.take();
    let told =
        Input { text: format!("{name:?} {purpose:?} {:?}", received.blob), value: Value::Null };
    once(call, told, async move |call: Call, _| {
        let (deps, caller) = (call.deps(), &call.caller);
        let declared_type = sent.content_type;
        let new = NewUpload { name, declared_type, purpose, ..NewUpload::default() };
        let upload = uploads::keep_upload(deps, caller, new, received).await?;
        answer::ok(&FileView::from(&upload))
    })
    .await
}

async fn list(Asked { call, mut query }: Asked) -> Answer {
    let one_of = |words: &[&str]| format!("one of {}", words.join(", "));
    let purpose = query.read("purpose", &one_of(&PURPOSES), UploadPurpose::from_word);
    let order = query.read("order", &one_of(&ORDERS), |word| match word {
        "asc" => Some(false),
        "desc" => Some(true),
        _ => None,
    });
    let expects = format!("a whole number from 1 to {MOST_ASKED}");
    let fits = |text: &str| text.parse().ok().filter(|limit| (1..=MOST_ASKED).contains(limit));
    let limit = query.read("limit", &expects, fits);
    let after = query.read("after", "the id of a file", |text| text.parse().ok());
    query.finish()?;
    let newest_first = order.unwrap_or(true);
    let limit = limit.unwrap_or(MOST).min(MOST);
    let command = ListUploads { purpose, newest_first, after, limit };
    let page = uploads::list_uploads(call.deps(), &call.caller, command).await?;
    answer::ok(&FileList {
        object: "list",
        first_id: page.rows.first().map(|upload| upload.id),
        last_id: page.rows.last().map(|upload| upload.id),
        data: page.rows.iter().map(FileView::from).collect(),
        has_more: page.more,
    })
}

async fn found(call: &Call) -> Result<Upload, Problem> {
    Ok(uploads::view_upload(call.deps(), &call.caller, call.id("id", "file")?).await?)
}

async fn read(call: Call) -> Answer {
    answer::ok(&FileView::from(&found(&call).await?))
}

async fn delete(call: Call) -> Answer {
    let id: UploadId = call.id("id", "file")?;
    uploads::delete_upload(call.deps(), &call.caller, id).await?;
    answer::ok(&json!({ "id": id, "object": "file", "deleted": true }))
}

async fn download(AnyKind(call): AnyKind) -> Answer {
    let upload = found(&call).await?;
    let Some(whole) = &upload.whole else {
        return Err(Problem::new(Code::NotFound).detail("the file is not complete"));
    };
    let all = Contents {
        organization: upload.organization,
        blob: whole.blob,
        media_type: &whole.media_type,
        save_as: upload.name.as_deref(),
    };
    contents(&call.request, &call.state, all).await
}
