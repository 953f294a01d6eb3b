//! What a route says of itself.

use actix_web::http::Method;
use serde_json::{Value, json};
use utoipa::openapi::{
    ContentBuilder, HttpMethod, ObjectBuilder, Ref, RefOr, Required, Schema, Type,
    path::{ParameterBuilder, ParameterIn},
    request_body::{RequestBody, RequestBodyBuilder},
};

use crate::{
    problem::Code,
    query::{DEFAULT_LIMIT, MAX_LIMIT},
};

mod bytes;
mod render;

pub(super) use render::path_template;

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
    told: Vec<Told>,
    conditional: bool,
    head: bool,
    codes: Vec<Code>,
}

#[derive(Clone)]
struct Success {
    status: u16,
    about: &'static str,
    content: Vec<(&'static str, RefOr<Schema>)>,
    tagged: bool,
    located: bool,
}

/// A header of the answers that succeed.
#[derive(Clone)]
struct Told {
    name: &'static str,
    about: &'static str,
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
            told: Vec::new(),
            conditional: false,
            head: false,
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

    /// A body of one of these kinds.
    pub(crate) fn body_as(self, schema: &str, kinds: &[&str]) -> Self {
        self.with_body(schema, kinds, Required::True)
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
        let content = vec![(kind, schema)];
        self.answers.push(Success { status, about, content, tagged: false, located: false });
        self
    }

    /// Further media types of the answer that was told last.
    pub(crate) fn or_kinds(mut self, kinds: &[&'static str]) -> Self {
        if let Some(answer) = self.answers.last_mut() {
            answer.content.extend(kinds.iter().map(|&kind| (kind, binary())));
        }
        self
    }

    /// Bytes of one of these kinds, with an `ETag`.
    pub(crate) fn bytes(mut self, about: &'static str, kinds: &[&'static str]) -> Self {
        let content = kinds.iter().map(|&kind| (kind, binary())).collect();
        self.answers.push(Success { status: 200, about, content, tagged: true, located: false });
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
            Method::OPTIONS => HttpMethod::Options,
            _ => HttpMethod::Get,
        }
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
        let content = schema
            .map(|schema| ("application/json", Ref::from_schema_name(schema).into()))
            .into_iter()
            .collect();
        self.answers.push(Success { status, about, content, tagged, located: status == 201 });
        self
    }
}

/// Bytes, as OpenAPI 3.1 has them.
fn binary() -> RefOr<Schema> {
    ObjectBuilder::new().content_media_type("application/octet-stream").into()
}
