//! Requests, and answers that are held against the OpenAPI document.

#![expect(clippy::disallowed_types, reason = "a test is a client of the server")]

use reqwest::{Client, Method, RequestBuilder, StatusCode, header::HeaderMap};
use serde_json::Value;

use crate::contract;

/// A request in the making.
pub(crate) struct Request {
    builder: RequestBuilder,
    method: Method,
    path: String,
}

impl Request {
    pub(crate) fn new(client: &Client, address: &str, method: Method, path: &str) -> Self {
        let builder = client.request(method.clone(), format!("{address}{path}"));
        Self { builder, method, path: path.to_owned() }
    }

    pub(crate) fn header(self, name: &str, value: &str) -> Self {
        Self { builder: self.builder.header(name, value), ..self }
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        Self { builder: self.builder.json(body), ..self }
    }

    /// A body of any kind.
    pub(crate) fn body(self, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        let builder = self.builder.header("content-type", kind).body(body.into());
        Self { builder, ..self }
    }

    /// Sends it. The answer must be one that the OpenAPI document has.
    pub(crate) async fn send(self) -> Reply {
        let answer = self.builder.send().await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        let bytes = answer.bytes().await.unwrap().to_vec();
        judged(&self.method, &self.path, (status, headers, bytes))
    }

    /// Sends it, after others of the same operation: an answer that says word for
    /// word what the `last` one did is known to be one that the document has.
    pub(crate) async fn status_behind(self, last: &mut Option<Reply>) -> u16 {
        let answer = self.builder.send().await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        let bytes = answer.bytes().await.unwrap().to_vec();
        let kind = |headers: &HeaderMap| headers.get("content-type").cloned();
        let is_last = last.as_ref().is_some_and(|last| {
            last.status == status && kind(&last.headers) == kind(&headers) && last.bytes == bytes
        });
        if !is_last {
            *last = Some(judged(&self.method, &self.path, (status, headers, bytes)));
        }
        status.as_u16()
    }

    /// Sends it and expects this status.
    pub(crate) async fn expect(self, status: u16) -> Reply {
        let place = format!("{} {}", self.method, self.path);
        let reply = self.send().await;
        assert_eq!(reply.status.as_u16(), status, "{place}: {}", reply.body);
        reply
    }

    /// Sends it and expects a problem of this kind, complete and safe to show.
    pub(crate) async fn refused(self, status: u16, code: &str) -> Reply {
        let path = self.path.split('?').next().unwrap().to_owned();
        let reply = self.expect(status).await;
        let body = &reply.body;
        assert_eq!(body["code"], code, "{body}");
        assert_eq!(reply.header("content-type"), "application/problem+json");
        assert_eq!(body["type"], format!("/problems#{code}"));
        assert_eq!(body["status"], status);
        assert_eq!(body["statusCode"], status);
        assert_eq!(body["message"], body["detail"]);
        assert_eq!(body["instance"], path);
        assert_eq!(body["requestId"], reply.header("x-request-id"));
        reply
    }
}

/// The answer to a request, which is one that the document has.
fn judged(
    method: &Method,
    path: &str,
    (status, headers, bytes): (StatusCode, HeaderMap, Vec<u8>),
) -> Reply {
    let encoded = headers.contains_key("content-encoding");
    let body = if encoded || bytes.is_empty() || !is_json(&headers) {
        Value::Null
    } else {
        serde_json::from_slice(&bytes).unwrap()
    };
    let reply = Reply { status, headers, bytes, body };
    if !encoded {
        contract::check(method, path, &reply);
    }
    reply
}

fn is_json(headers: &HeaderMap) -> bool {
    headers.get("content-type").is_some_and(|kind| kind.to_str().unwrap().contains("json"))
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
    pub(crate) body: Value,
}

impl Reply {
    /// A header; empty when it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn etag(&self) -> &str {
        let tag = self.header("etag");
        assert!(tag.starts_with('"') && tag.len() > 2, "{tag:?} is no strong entity tag");
        tag
    }

    /// The `id` of the resource.
    pub(crate) fn id(&self) -> &str {
        self.body["id"].as_str().unwrap()
    }

    /// Where the faults of a problem are, with their codes, in order.
    pub(crate) fn faults(&self) -> Vec<(&str, &str)> {
        let mut faults: Vec<(&str, &str)> = self.body["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|fault| (fault["pointer"].as_str().unwrap(), fault["code"].as_str().unwrap()))
            .collect();
        faults.sort_unstable();
        faults
    }
}
