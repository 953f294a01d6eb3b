//! Bodies and answers that are bytes, and the headers that go with them.

use utoipa::openapi::{
    Content, ContentBuilder, ObjectBuilder, Required, request_body::RequestBodyBuilder,
};

use super::{Doc, Parameter, Success, Told, binary};
use crate::problem::Code;

impl Doc {
    /// A multipart body with one file, in a part of one of these names.
    pub(crate) fn file_body(self, parts: &[&str]) -> Self {
        self.form_body(parts, &[])
    }

    /// A multipart body with one file, in a part of one of these names, and texts.
    pub(crate) fn form_body(self, files: &[&str], texts: &[&str]) -> Self {
        let form =
            files.iter().fold(ObjectBuilder::new(), |form, part| form.property(*part, binary()));
        let form = texts.iter().fold(form, |form, part| form.property(*part, Parameter::text().0));
        let content = ContentBuilder::new().schema(Some(form)).build();
        self.body_of("multipart/form-data", content).codes(&[Code::MalformedMultipart])
    }

    /// A body of bytes, beside what else it may be.
    pub(crate) fn bytes_body(self, kind: &str) -> Self {
        let content = ContentBuilder::new().schema(Some(binary())).build();
        self.body_of(kind, content)
    }

    fn body_of(mut self, kind: &str, content: Content) -> Self {
        let body = self.body.get_or_insert_with(|| {
            RequestBodyBuilder::new().required(Some(Required::True)).build()
        });
        body.content.insert(kind.to_owned(), content.into());
        self
    }

    /// Somebody's bytes, of whatever kind they are.
    pub(crate) fn contents(mut self, status: u16, about: &'static str) -> Self {
        let content = vec![("*/*", binary())];
        self.answers.push(Success { status, about, content, tagged: true, located: false });
        self
    }

    /// A read of a part of it.
    pub(crate) fn range(self) -> Self {
        self.asks("Range", "One range of bytes; several are as good as none.", "bytes=0-1023")
            .asks("If-Range", "Heeds `Range` only in the state of this `ETag`.", "\"5891b5b5\"")
            .tells("Accept-Ranges", "`bytes`.")
            .tells("Content-Range", "With `206`: which bytes of how many.")
            .tells("Content-Disposition", "What to save it as (RFC 6266, RFC 8187).")
            .tells("Repr-Digest", "The SHA-256 of all of it (RFC 9530).")
    }

    /// `201` with `Location`.
    pub(crate) fn located(self, about: &'static str, schema: &str) -> Self {
        self.answer(201, about, Some(schema), false)
    }

    /// A header of the request.
    pub(crate) fn asks(self, name: &str, about: &str, example: &str) -> Self {
        self.header(name, about, example)
    }

    /// A header of the answers that succeed.
    pub(crate) fn tells(mut self, name: &'static str, about: &'static str) -> Self {
        self.told.push(Told { name, about });
        self
    }

    /// A read whose headers alone are worth asking for.
    pub(crate) fn with_head(mut self) -> Self {
        self.head = true;
        self
    }
}
