//! What a route says of itself.

use actix_web::http::Method;
use serde_json::{Value, json};
use utoipa::openapi::{
    ContentBuilder, Header, HttpMethod, ObjectBuilder, Ref, RefOr, Required, Response,
    ResponseBuilder, Schema, Type,
    example::Example,
    path::{Operation, OperationBuilder, ParameterBuilder, ParameterIn},
    request_body::{RequestBody, RequestBodyBuilder},
};

use super::security;
use crate::{
    problem::{Code, MEDIA_TYPE},
    query::{DEFAULT_LIMIT, MAX_LIMIT},
};

/// The description of one operation, in the making.
#[derive(Clone)]
pub(crate) struct Doc {
    method: Method,
    pattern: &'static str,
    tag: &'static str,
    id: &'static str,
    summary: &'static str,
    about: Option<&'static str>,
    open: bool,
    parameters: Vec<utoipa::openapi::path::Parameter>,
    body: Option<RequestBody>,
    answers: Vec<Success>,
    conditional: bool,
    codes: Vec<Code>,
}

#[derive(Clone)]
struct Success {
    status: u16,
    about: &'static str,
    content: Option<(&'static str, RefOr<Schema>)>,
    tagged: bool,
    located: bool,
}

/// The kind of value that a query parameter has.
pub(crate) struct Parameter(RefOr<Schema>);

impl Parameter {
    pub(crate) fn text() -> Self {
        Self(ObjectBuilder::new().schema_type(Type::String).into())
    }

    pub(crate) fn flag() -> Self {
        Self(ObjectBuilder::new().schema_type(Type::Boolean).into())
    }

    pub(crate) fn word(words: &[&str]) -> Self {
        let values = words.iter().map(|&word| Value::from(word));
        Self(ObjectBuilder::new().schema_type(Type::String).enum_values(Some(values)).into())
    }

    pub(crate) fn number(least: u32, most: u32) -> Self {
        let number = ObjectBuilder::new().schema_type(Type::Integer);
        Self(number.minimum(Some(least)).maximum(Some(most)).into())
    }
}

impl Doc {
    pub(super) fn new(method: Method, pattern: &'static str) -> Self {
        Self {
            method,
            pattern,
            tag: "",
            id: "",
            summary: "",
            about: None,
            open: false,
            parameters: Vec::new(),
            body: None,
            answers: Vec::new(),
            conditional: false,
            codes: Vec::new(),
        }
    }

    /// An operation for callers who are known.
    pub(crate) fn op(mut self, tag: &'static str, id: &'static str, summary: &'static str) -> Self {
        (self.tag, self.id, self.summary) = (tag, id, summary);
        self
    }

    /// An operation for anybody.
    pub(crate) fn open(self, tag: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self { open: true, ..self.op(tag, id, summary) }
    }

    pub(crate) fn about(mut self, about: &'static str) -> Self {
        self.about = Some(about);
        self
    }

    pub(crate) fn query(self, name: &str, about: &str, kind: Parameter) -> Self {
        self.parameter(name, ParameterIn::Query, about, kind.0, None)
    }

    pub(crate) fn limit_parameter(self) -> Self {
        let about = format!("How many at most; {DEFAULT_LIMIT} when absent.");
        self.query("limit", &about, Parameter::number(1, MAX_LIMIT))
    }

    pub(crate) fn page_parameters(self) -> Self {
        self.limit_parameter()
            .query(
                "cursor",
                "Where the page begins: `nextCursor` of the page before.",
                Parameter::text(),
            )
            .query("total", "Whether to count all that match.", Parameter::flag())
    }

    pub(crate) fn body(self, schema: &str) -> Self {
        self.with_body(schema, &["application/json"], Required::True)
    }

    pub(crate) fn optional_body(self, schema: &str) -> Self {
        self.with_body(schema, &["application/json"], Required::False)
    }

    pub(crate) fn patch(self, schema: &str) -> Self {
        let kinds = ["application/merge-patch+json", "application/json"];
        self.with_body(schema, &kinds, Required::True)
    }

    pub(crate) fn json(self, status: u16, about: &'static str, schema: &str) -> Self {
        self.answer(status, about, Some(schema), false)
    }

    /// An answer with an `ETag`; a read of it can be conditional, and a write too.
    pub(crate) fn tagged(self, status: u16, about: &'static str, schema: &str) -> Self {
        self.answer(status, about, Some(schema), true)
    }

    /// `201` with `Location` and `ETag`.
    pub(crate) fn created(self, about: &'static str, schema: &str) -> Self {
        self.answer(201, about, Some(schema), true)
    }

    pub(crate) fn empty(self, status: u16, about: &'static str) -> Self {
        self.answer(status, about, None, false)
    }

    pub(crate) fn text(mut self, status: u16, about: &'static str, kind: &'static str) -> Self {
        let schema = ObjectBuilder::new().schema_type(Type::String).into();
        let content = Some((kind, schema));
        self.answers.push(Success { status, about, content, tagged: false, located: false });
        self
    }

    /// A write that heeds `If-Match`.
    pub(crate) fn conditional(mut self) -> Self {
        self.conditional = true;
        self
    }

    pub(crate) fn codes(mut self, codes: &[Code]) -> Self {
        self.codes.extend(codes);
        self
    }

    /// An operation on assistants.
    pub(crate) fn needs_seat(self) -> Self {
        let doc = self.codes(&[Code::AiSeatRequired]);
        if doc.pattern.contains("{id}") {
            doc.codes(&[Code::ApiDisabled, Code::InsufficientLevel, Code::NotFound])
        } else if doc.method == Method::POST {
            doc.codes(&[Code::InsufficientRole])
        } else {
            doc
        }
    }

    pub(super) fn http_method(&self) -> HttpMethod {
        match self.method {
            Method::POST => HttpMethod::Post,
            Method::PUT => HttpMethod::Put,
            Method::PATCH => HttpMethod::Patch,
            Method::DELETE => HttpMethod::Delete,
            _ => HttpMethod::Get,
        }
    }

    /// The finished description.
    pub(super) fn operation(&self) -> Operation {
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
    pub(super) fn head(&self) -> Option<Operation> {
        if self.method != Method::GET || !self.answers.iter().any(|answer| answer.tagged) {
            return None;
        }
        let mut doc = self.clone();
        for answer in &mut doc.answers {
            answer.content = None;
        }
        let mut operation = doc.operation();
        operation.operation_id = Some(format!("{}Head", self.id));
        operation.summary = Some(format!("{} (headers only)", self.summary));
        Some(operation)
    }
}

impl Doc {
    fn parameter(
        mut self,
        name: &str,
        place: ParameterIn,
        about: &str,
        schema: RefOr<Schema>,
        example: Option<Value>,
    ) -> Self {
        let in_path = matches!(place, ParameterIn::Path);
        let required = if in_path { Required::True } else { Required::False };
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(place)
            .required(required)
            .description(Some(about))
            .schema(Some(schema))
            .example(example);
        self.parameters.push(parameter.build());
        self
    }

    fn header(self, name: &str, about: &str, example: &str) -> Self {
        let text = Parameter::text().0;
        self.parameter(name, ParameterIn::Header, about, text, Some(json!(example)))
    }

    fn with_body(mut self, schema: &str, kinds: &[&str], required: Required) -> Self {
        let content = || ContentBuilder::new().schema(Some(Ref::from_schema_name(schema))).build();
        let body =
            kinds.iter().fold(RequestBodyBuilder::new().required(Some(required)), |body, kind| {
                body.content(*kind, content())
            });
        self.body = Some(body.build());
        self
    }

    fn answer(
        mut self,
        status: u16,
        about: &'static str,
        schema: Option<&str>,
        tagged: bool,
    ) -> Self {
        let content =
            schema.map(|schema| ("application/json", Ref::from_schema_name(schema).into()));
        self.answers.push(Success { status, about, content, tagged, located: status == 201 });
        self
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
        if self.body.is_some() {
            self = self.codes(&[
                Code::MalformedJson,
                Code::TooDeep,
                Code::InvalidUtf8,
                Code::RequestTimeout,
                Code::BodyTooLarge,
                Code::UnsupportedMediaType,
            ]);
        }
        if self.pattern.starts_with("/api/") {
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
        if let Some((kind, schema)) = &answer.content {
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
        let content = ContentBuilder::new()
            .schema(Some(Ref::from_schema_name("Problem")))
            .examples_from_iter(examples)
            .build();
        ResponseBuilder::new()
            .description(titles.collect::<Vec<_>>().join(" "))
            .content(MEDIA_TYPE, content)
            .build()
    }
}

/// The pattern of a route as OpenAPI writes it: names without expressions.
pub(super) fn path_template(pattern: &str) -> String {
    pattern.replace(":.*}", "}")
}

fn names_in(pattern: &str) -> impl Iterator<Item = &str> {
    pattern.split('{').skip(1).filter_map(|rest| rest.split(['}', ':']).next())
}

/// What a segment of a path names, and an example of it.
fn path_parameter(pattern: &str, name: &str) -> (&'static str, &'static str) {
    match name {
        "number" => ("The number of a version, from 1.", "2"),
        "userId" => ("The id of a user.", "usr_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90"),
        "file" => ("The name of a file of the page; empty for the page itself.", "swagger-ui.css"),
        _ if pattern.starts_with("/api/users") => {
            ("The id of a user.", "usr_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")
        }
        _ if pattern.starts_with("/api/teams") => {
            ("The id of a team.", "team_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")
        }
        _ if pattern.starts_with("/api/tokens") => {
            ("The id of a token.", "tok_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")
        }
        _ => (
            "An assistant or draft: its id, its hyphenated UUID, or the slug of an assistant.",
            "support",
        ),
    }
}
