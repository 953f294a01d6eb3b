//! Writing the description of an operation as OpenAPI has it.

use actix_web::http::Method;
use serde_json::json;
use utoipa::openapi::{
    ContentBuilder, Header, Ref, RefOr, Response, ResponseBuilder,
    example::Example,
    path::{Operation, OperationBuilder, ParameterIn},
};

use super::{Doc, Parameter, Success};
use crate::{
    okchat, openai,
    openapi::security,
    problem::{Code, MEDIA_TYPE},
};

impl Doc {
    /// The finished description.
    pub(in crate::openapi) fn operation(&self) -> Operation {
        let doc = self.clone().derived();
        let mut operation = OperationBuilder::new()
            .tag(doc.tag)
            .operation_id(Some(doc.id))
            .summary(Some(doc.summary))
            .description(doc.about)
            .request_body(doc.body.clone());
        if !doc.parameters.is_empty() {
            operation = operation.parameters(Some(doc.parameters.clone()));
        }
        if !doc.open {
            operation = operation.securities(Some(security::any()));
        }
        for (status, response) in doc.responses() {
            operation = operation.response(status, response);
        }
        operation.build()
    }

    /// The same without bodies, where `GET` reads one resource.
    pub(in crate::openapi) fn head(&self) -> Option<Operation> {
        let tagged = self.answers.iter().any(|answer| answer.tagged);
        if self.method != Method::GET || !(tagged || self.head) {
            return None;
        }
        let mut doc = self.clone();
        for answer in &mut doc.answers {
            answer.content.clear();
        }
        let mut operation = doc.operation();
        operation.operation_id = Some(format!("{}Head", self.id));
        operation.summary = Some(format!("{} (headers only)", self.summary));
        Some(operation)
    }

    /// Adds what follows from method, path and body.
    fn derived(mut self) -> Self {
        let known = !self.open;
        let is_read = self.method == Method::GET;
        let tagged = self.answers.iter().any(|answer| answer.tagged);
        let asked = std::mem::take(&mut self.parameters);
        for name in names_in(self.pattern) {
            let (about, example) = path_parameter(self.pattern, name);
            let text = Parameter::text().0;
            self = self.parameter(name, ParameterIn::Path, about, text, Some(json!(example)));
        }
        self.parameters.extend(asked);
        if is_read && tagged {
            self = self.header(
                "If-None-Match",
                "Answers `304` when the state is this one.",
                "\"1-1-0-4h\"",
            );
        }
        let by_method = self.method == Method::PUT || self.method == Method::PATCH;
        if self.conditional || by_method {
            self = self
                .header("If-Match", "Refuses the write in any other state.", "\"1-1-0-4h\"")
                .codes(&[Code::PreconditionFailed]);
        }
        if known && self.method == Method::POST && self.tag != "session" {
            self = self
                .header("Idempotency-Key", "1 to 255 visible characters. The same key with the same body gives the first answer again for 24 hours, without doing it again.", "7d3a5c1e")
                .codes(&[Code::IdempotencyUnderWay, Code::IdempotencyKeyReused]);
        }
        self = self.with_body_codes();
        if self.pattern.starts_with("/api/") || self.pattern.starts_with(openai::PREFIX) {
            self = self.codes(&[
                Code::ValidationFailed,
                Code::NotAcceptable,
                Code::Internal,
                Code::Unavailable,
            ]);
        }
        if known {
            self = self.codes(&[
                Code::Unauthenticated,
                Code::ConflictingCredentials,
                Code::InsufficientScope,
                Code::TokenLimited,
                Code::TooManyRequests,
            ]);
        }
        if known && !is_read {
            self = self.codes(&[Code::CsrfFailed, Code::TokenReadOnly]);
        }
        self
    }

    /// What may be wrong with a body.
    fn with_body_codes(self) -> Self {
        let Some(body) = &self.body else { return self };
        let is_json = body.content.keys().any(|kind| kind.ends_with("json"));
        let read: &[Code] =
            if is_json { &[Code::MalformedJson, Code::TooDeep, Code::InvalidUtf8] } else { &[] };
        self.codes(&[
            Code::BadRequest,
            Code::RequestTimeout,
            Code::BodyTooLarge,
            Code::UnsupportedMediaType,
        ])
        .codes(read)
    }

    fn responses(&self) -> Vec<(String, Response)> {
        let mut all: Vec<(String, Response)> = self
            .answers
            .iter()
            .map(|answer| (answer.status.to_string(), self.success(answer)))
            .collect();
        if self.method == Method::GET && self.answers.iter().any(|answer| answer.tagged) {
            all.push(("304".to_owned(), Response::new("The caller has this state already.")));
        }
        let mut statuses: Vec<u16> =
            self.codes.iter().map(|code| code.describe().1.as_u16()).collect();
        statuses.sort_unstable();
        statuses.dedup();
        all.extend(statuses.into_iter().map(|status| (status.to_string(), self.problem(status))));
        all
    }

    fn success(&self, answer: &Success) -> Response {
        let mut response = ResponseBuilder::new().description(answer.about);
        for (kind, schema) in &answer.content {
            response =
                response.content(*kind, ContentBuilder::new().schema(Some(schema.clone())).build());
        }
        let header = |about: &str| {
            let mut header = Header::new(Parameter::text().0);
            header.description = Some(about.to_owned());
            header
        };
        if answer.tagged {
            response = response.header("ETag", header("Names this state."));
        }
        if answer.located {
            response = response.header("Location", header("Where it is."));
        }
        for told in &self.told {
            response = response.header(told.name, header(told.about));
        }
        if !self.open && self.method == Method::POST && self.tag != "session" {
            let about = "`true` when this is the answer to an earlier request with the same key.";
            response = response.header("Idempotent-Replayed", header(about));
        }
        response.build()
    }

    fn problem(&self, status: u16) -> Response {
        let mut codes: Vec<Code> = Vec::new();
        for &code in &self.codes {
            if code.describe().1.as_u16() == status && !codes.contains(&code) {
                codes.push(code);
            }
        }
        let titles = codes.iter().map(|code| {
            let (slug, _, title) = code.describe();
            format!("`{slug}`: {title}.")
        });
        let examples = codes.iter().map(|code| {
            let slug = code.describe().0;
            let reference = Ref::new(format!("#/components/examples/{slug}"));
            (slug.to_owned(), RefOr::<Example>::Ref(reference))
        });
        let (kind, content) = if self.pattern.starts_with(okchat::PREFIX) {
            let schema = Ref::from_schema_name("OkchatError");
            ("application/json", ContentBuilder::new().schema(Some(schema)))
        } else if self.pattern.starts_with(openai::PREFIX) {
            let schema = Ref::from_schema_name("OpenaiError");
            ("application/json", ContentBuilder::new().schema(Some(schema)))
        } else {
            let schema = Ref::from_schema_name("Problem");
            let content = ContentBuilder::new().schema(Some(schema));
            (MEDIA_TYPE, content.examples_from_iter(examples))
        };
        ResponseBuilder::new()
            .description(titles.collect::<Vec<_>>().join(" "))
            .content(kind, content.build())
            .build()
    }
}

/// The pattern of a route as OpenAPI writes it: names without expressions.
pub(in crate::openapi) fn path_template(pattern: &str) -> String {
    pattern.replace(":.*}", "}")
}

fn names_in(pattern: &str) -> impl Iterator<Item = &str> {
    pattern.split('{').skip(1).filter_map(|rest| rest.split(['}', ':']).next())
}

/// What a segment of a path names, and an example of it.
fn path_parameter(pattern: &str, name: &str) -> (&'static str, &'static str) {
    if name == "file" && pattern.starts_with("/docs") {
        return ("The name of a file of the page; empty for the page itself.", "swagger-ui.css");
    }
    let by_name = BY_NAME.iter().find(|(known, ..)| *known == name);
    let by_place = BY_PLACE.iter().find(|(place, ..)| pattern.starts_with(place));
    by_name.or(by_place).map_or(ASSISTANT, |(_, about, example)| (about, example))
}

const ASSISTANT: (&str, &str) =
    ("An assistant or draft: its id, its hyphenated UUID, or the slug of an assistant.", "support");

/// Segments whose name says what they are.
const BY_NAME: [(&str, &str, &str); 20] = [
    ("number", "The number of a version, from 1.", "2"),
    ("userId", "The id of a user.", "usr_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90"),
    (
        "file",
        "A file: its id, or its name if no other file of the assistant has it.",
        "file_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90",
    ),
    ("embeddingId", "The id of an image inside of a file.", "emb_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90"),
    ("targetId", "What the reference points to, percent-encoded.", "vs_abc123"),
    ("principalId", "The id of a user or team.", "usr_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90"),
    ("tagId", "The id of a tag.", "tag_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90"),
    ("uploadId", "The id of an upload.", "upl_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90"),
    ("name", "The name of an icon of the library.", "star"),
    ("avatar", "The id of an avatar of the library.", "avt_support_green"),
    ("model", "An assistant: its id or slug, with `@draft` behind it its draft.", "support"),
    (
        "chatbotId",
        "A chatbot: the hyphenated UUID, the id or the slug of an assistant.",
        "3317853e-0af2-427d-a56f-351a9587f48f",
    ),
    (
        "key",
        "What the address of the picture ends with.",
        "pZx2q0J4mXc1Vb7Yt5Rk8Lw3Ns6Hd9Fg2Ja4Qe7Uo0I",
    ),
    ("deliveryId", "The id of a delivery.", "dlv_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90"),
    (
        "approvalId",
        "The id of a call that waits for approval.",
        "apr_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90",
    ),
    ("itemId", "The id of an item of the conversation.", "msg_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90"),
    ("memoryId", "The id of something that is remembered.", "mem_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90"),
    ("skillId", "The id of a skill.", "skl_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90"),
    ("secretId", "The id of a secret.", "sec_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90"),
    ("ruleId", "The id of a rule.", "rule_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90"),
];

/// What `{id}` is, by the path that it is in.
const BY_PLACE: [(&str, &str, &str); 15] = [
    ("/api/users", "The id of a user.", "usr_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90"),
    ("/api/teams", "The id of a team.", "team_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90"),
    ("/openai/v1/files", "The id of a file.", "upl_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90"),
    (
        "/openai/v1/conversations",
        "The id of a conversation, or of its thread (`thread_…`).",
        "conv_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90",
    ),
    ("/openai/v1/responses", "The id of a response.", "resp_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90"),
    ("/api/responses", "The id of a response.", "resp_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90"),
    ("/api/threads", "The id of a thread.", "thread_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90"),
    ("/api/automations", "The id of an automation.", "auto_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90"),
    ("/api/providers", "The id of a provider.", "prov_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90"),
    ("/api/images", "The id of a picture.", "img_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90"),
    ("/api/rules", "The id of a rule.", "rule_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90"),
    ("/api/tags", "The id of a tag.", "tag_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90"),
    ("/api/comments", "The id of a comment or reply.", "cmt_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90"),
    ("/api/webhooks", "The id of a webhook.", "hook_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90"),
    ("/api/tokens", "The id of a token.", "tok_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90"),
];
