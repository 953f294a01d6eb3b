//! What is sent.

use std::{fmt, time::Duration};

use bytes::Bytes;
use reqwest::{
    Method,
    header::{self, HeaderMap, HeaderName, HeaderValue},
    multipart::Form,
};
use understudy_domain::Secret;
use url::Url;

use crate::error::Why;

/// Headers that the client writes itself, or that speak of the connection.
const OURS: [HeaderName; 13] = [
    header::ACCEPT_ENCODING,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::COOKIE,
    header::EXPECT,
    header::HOST,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::REFERER,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Headers that follow a redirect to another host. All others may hold what only
/// the first was meant to see.
const FOLLOWING: [HeaderName; 6] = [
    header::ACCEPT,
    header::ACCEPT_LANGUAGE,
    header::CONTENT_TYPE,
    header::IF_MODIFIED_SINCE,
    header::IF_NONE_MATCH,
    header::RANGE,
];

/// A request to somewhere else.
#[derive(Clone)]
pub struct OutboundRequest {
    method: Method,
    url: Url,
    headers: Vec<(String, Value)>,
    body: Body,
    deadline: Duration,
    pace: Option<Pace>,
    max_bytes: u64,
    as_it_is: bool,
}

/// How long an answer that comes piece by piece may let its asker wait, besides how
/// long the whole exchange may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// For its head, connecting and redirects included.
    pub head: Duration,
    /// For each piece of its body after the one before.
    pub piece: Duration,
}

#[derive(Clone)]
enum Value {
    Open(String),
    Secret(Secret<String>),
}

/// What a request carries.
#[derive(Clone, Debug, Default)]
pub enum Body {
    /// Nothing.
    #[default]
    Empty,
    /// Bytes; the header `Content-Type` says of which type.
    Bytes(Bytes),
    /// A form of texts, each under a name.
    Form(Vec<(String, String)>),
}

impl fmt::Debug for OutboundRequest {
    /// Without path, query, headers and body: each may hold what logs must not.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("OutboundRequest");
        shown.field("method", &self.method).field("host", &self.url.host_str());
        shown.finish_non_exhaustive()
    }
}

impl OutboundRequest {
    /// A request without headers and body, whose answer is whole after `deadline`
    /// and has at most `max_bytes`.
    #[must_use]
    pub const fn new(method: Method, url: Url, deadline: Duration, max_bytes: u64) -> Self {
        Self {
            method,
            url,
            headers: Vec::new(),
            body: Body::Empty,
            deadline,
            pace: None,
            max_bytes,
            as_it_is: false,
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), Value::Open(value.into())));
        self
    }

    /// Adds a header that nobody but the receiver may see.
    #[must_use]
    pub fn secret_header(mut self, name: impl Into<String>, value: Secret<String>) -> Self {
        self.headers.push((name.into(), Value::Secret(value)));
        self
    }

    /// Takes this body.
    #[must_use]
    pub fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    /// Allows the whole exchange another time than at first.
    #[must_use]
    pub const fn within(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Gives up early on an answer that keeps its asker waiting.
    #[must_use]
    pub const fn paced(mut self, pace: Pace) -> Self {
        self.pace = Some(pace);
        self
    }

    /// Takes the first answer as it is, for askers that look at its status and no
    /// further: a redirect is an answer, and so is one that is compressed.
    #[must_use]
    pub const fn as_it_is(mut self) -> Self {
        self.as_it_is = true;
        self
    }

    /// Where it goes.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// How long the whole exchange may take, redirects included.
    pub(crate) const fn deadline(&self) -> Duration {
        self.deadline
    }

    /// How long parts of it may take.
    pub(crate) const fn pace(&self) -> Option<Pace> {
        self.pace
    }

    /// How many bytes the answer's body has at most.
    pub(crate) const fn max_bytes(&self) -> u64 {
        self.max_bytes
    }

    pub(crate) const fn takes_any_answer(&self) -> bool {
        self.as_it_is
    }

    /// Makes it ready to be sent.
    pub(crate) fn hop(&self) -> Result<Hop<'_>, Why> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let Ok(name) = HeaderName::try_from(name) else {
                return Err(Why::Header(name.clone()));
            };
            if OURS.contains(&name) {
                return Err(Why::Header(name.to_string()));
            }
            let value = value.to_header().ok_or_else(|| Why::HeaderValue(name.clone()))?;
            headers.append(name, value);
        }
        Ok(Hop { method: self.method.clone(), url: self.url.clone(), headers, body: &self.body })
    }
}

impl Value {
    fn to_header(&self) -> Option<HeaderValue> {
        match self {
            Self::Open(value) => HeaderValue::try_from(value).ok(),
            Self::Secret(value) => {
                let mut value = HeaderValue::try_from(value.expose()).ok()?;
                value.set_sensitive(true);
                Some(value)
            }
        }
    }
}

/// One exchange of the several that a request may take.
pub(crate) struct Hop<'a> {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    body: &'a Body,
}

impl Hop<'_> {
    /// What a redirect of `status` to `url` asks for: after 303, and after 301 and
    /// 302 to what was posted, the answer is fetched; after 307 and 308 the same is
    /// sent again.
    pub(crate) fn redirected(self, status: u16, url: Url) -> Self {
        let fetch = match status {
            303 => self.method != Method::HEAD,
            301 | 302 => self.method == Method::POST,
            _ => false,
        };
        let mut next = Self { url, ..self };
        if fetch {
            next.method = Method::GET;
            next.body = &Body::Empty;
            next.headers.remove(header::CONTENT_TYPE);
        }
        next
    }

    /// Leaves out what only the first host may see.
    pub(crate) fn for_a_stranger(mut self) -> Self {
        let known = self.headers;
        self.headers = HeaderMap::new();
        for name in &FOLLOWING {
            for value in known.get_all(name).iter().filter(|value| !value.is_sensitive()) {
                self.headers.append(name, value.clone());
            }
        }
        self
    }

    /// Its body as a form, when it is one.
    pub(crate) fn form(&self) -> Option<Form> {
        let Body::Form(fields) = self.body else {
            return None;
        };
        let fields = fields.iter().cloned();
        Some(fields.fold(Form::new(), |form, (name, text)| form.text(name, text)))
    }

    /// Its body as bytes, when it has some.
    pub(crate) fn bytes(&self) -> Option<Bytes> {
        match self.body {
            Body::Bytes(bytes) => Some(bytes.clone()),
            Body::Empty | Body::Form(_) => None,
        }
    }
}
