//! Skills that call an HTTP service: their settings, and what their placeholders
//! may stand for.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

use super::{Part, Template, Usable, check_address, origin_of};
use crate::{assistant::content::words, catalogue::nearest_of, fault::Fault, fault::pointer_to};

words!(
    /// How a service is called.
    Method {
        /// Asks.
        Get = "GET",
        /// Hands something over.
        Post = "POST",
        /// Replaces something.
        Put = "PUT",
        /// Changes something.
        Patch = "PATCH",
        /// Removes something.
        Delete = "DELETE",
    }
);

/// The settings of a skill of the type `custom`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Custom {
    /// How the service is called.
    pub method: Method,
    /// Where, with placeholders in path and query.
    pub url: String,
    /// Parameters that are added to the URL, with placeholders.
    #[serde(default)]
    pub query: BTreeMap<String, String>,
    /// Headers, with placeholders.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// A text, or a value to send as JSON, with placeholders in its texts.
    #[serde(default)]
    pub body: Option<Value>,
    /// What the model is to give.
    #[serde(default)]
    pub input_schema: Option<Map<String, Value>>,
    /// How long the request may take.
    #[serde(default = "usual_seconds")]
    pub timeout_seconds: u32,
    /// Most bytes of the answer that are read.
    #[serde(default = "usual_bytes")]
    pub max_response_bytes: u32,
    #[serde(default)]
    require_approval: Option<bool>,
    /// The part of a JSON answer that the model is given.
    #[serde(default)]
    pub result_pointer: Option<String>,
}

const fn usual_seconds() -> u32 {
    30
}

const fn usual_bytes() -> u32 {
    262_144
}

impl Custom {
    /// The settings in the data of a skill; `None` when it is not of the type.
    #[must_use]
    pub fn read(data: &Map<String, Value>) -> Option<Self> {
        serde_json::from_value(Value::Object(data.clone())).ok()
    }

    /// Whether a person is asked before each request.
    #[must_use]
    pub fn requires_approval(&self) -> bool {
        self.require_approval.unwrap_or(self.method != Method::Get)
    }

    /// The names of the secrets that it uses.
    #[must_use]
    pub fn secrets(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        self.headers.values().for_each(|text| note_secrets(text, &mut names));
        if let Some(body) = &self.body {
            each_text("", body, &mut |_, text| note_secrets(text, &mut names));
        }
        names
    }

    /// The origin that it asks, whatever its placeholders stand for; `None` when its
    /// address is none.
    #[must_use]
    pub fn origin(&self) -> Option<String> {
        let template = Template::parse(&self.url).ok()?;
        address(template.parts()).ok().map(|url| origin_of(&url))
    }
}

/// The names of the secrets that the data of a skill uses.
pub(super) fn secrets_of(data: &Map<String, Value>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for field in ["headers", "body"] {
        if let Some(value) = data.get(field) {
            each_text("", value, &mut |_, text| note_secrets(text, &mut names));
        }
    }
    names
}

fn note_secrets(text: &str, names: &mut BTreeSet<String>) {
    let template = Template::parse(text).ok();
    for part in template.iter().flat_map(Template::parts) {
        if let Part::Secret(name) = part {
            names.insert((*name).to_owned());
        }
    }
}

/// Calls `act` with every text in a value and where it is.
fn each_text(at: &str, value: &Value, act: &mut dyn FnMut(&str, &str)) {
    match value {
        Value::String(text) => act(at, text),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                each_text(&pointer_to(at, &index.to_string()), item, act);
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                each_text(&pointer_to(at, key), item, act);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Everything that is wrong with data that fits the schema.
pub(super) fn faults(data: &Map<String, Value>, secrets: &[Usable<'_>]) -> Vec<Fault> {
    let Some(custom) = Custom::read(data) else {
        return vec![Fault::new("/data", "invalid", "must be the settings of a request")];
    };
    let mut check = Check { inputs: Vec::new(), secrets, origin: None, faults: Vec::new() };
    check.input_schema(custom.input_schema.as_ref());
    check.url(&custom.url);
    for (name, text) in &custom.query {
        check.text(&pointer_to("/data/query", name), text, Place::Url);
    }
    check.headers(&custom.headers);
    check.body(&custom);
    check.faults
}

/// Where a template stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In what is logged.
    Url,
    /// In what is not.
    Inside,
}

struct Check<'a> {
    /// Names of what the model gives.
    inputs: Vec<String>,
    secrets: &'a [Usable<'a>],
    /// Where the request goes, once that is known.
    origin: Option<String>,
    faults: Vec<Fault>,
}

/// Headers that say how a message is carried, or that are the service's own.
const REFUSED_HEADERS: [&str; 13] = [
    "connection",
    "content-length",
    "cookie",
    "cookie2",
    "expect",
    "host",
    "keep-alive",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
];

/// Whether a header, in small letters, is not for skills to set.
pub(super) fn is_refused(name: &str) -> bool {
    REFUSED_HEADERS.contains(&name) || name.starts_with("proxy-")
}

impl Check<'_> {
    fn fault(&mut self, at: &str, code: &'static str, message: impl Into<String>) {
        self.faults.push(Fault::new(at, code, message));
    }

    fn input_schema(&mut self, schema: Option<&Map<String, Value>>) {
        const AT: &str = "/data/inputSchema";
        let Some(schema) = schema else { return };
        if schema.get("type").and_then(Value::as_str) != Some("object") {
            self.fault(AT, "invalid_schema", "must have `\"type\": \"object\"` at its root");
        }
        if let Err(error) = jsonschema::validator_for(&Value::Object(schema.clone())) {
            let message = format!("must be a valid JSON Schema: {}", error.masked_with("a value"));
            self.fault(AT, "invalid_schema", message);
        }
        let properties = schema.get("properties").and_then(Value::as_object);
        self.inputs = properties.into_iter().flat_map(Map::keys).cloned().collect();
    }

    /// The parts of a template whose placeholders all name something that may stand
    /// there.
    fn text<'t>(&mut self, at: &str, text: &'t str, place: Place) -> Vec<Part<'t>> {
        let parts = match Template::parse(text) {
            Ok(template) => template.parts().to_vec(),
            Err(malformed) => {
                self.fault(at, "placeholder", malformed.to_string());
                return Vec::new();
            }
        };
        for part in &parts {
            match *part {
                Part::Text(_) => {}
                Part::Input(name) if self.inputs.iter().any(|known| known == name) => {}
                Part::Input(name) => self.unknown(at, name, place),
                Part::Secret(_) if place == Place::Url => {
                    let message = "must not contain a secret: URLs are logged; use a header";
                    self.fault(at, "secret_in_url", message);
                }
                Part::Secret(name) => self.secret(at, name),
            }
        }
        parts
    }

    fn unknown(&mut self, at: &str, name: &str, place: Place) {
        let secrets = self.secrets.iter().filter(|_| place == Place::Inside);
        let secrets = secrets.map(|secret| format!("secrets.{}", secret.name));
        let known: Vec<String> = self.inputs.iter().cloned().chain(secrets).collect();
        let hint = match nearest_of(name, known.iter().map(String::as_str), 1).first() {
            Some(near) => format!("; did you mean `{{{{{near}}}}}`?"),
            None => String::new(),
        };
        let message = format!(
            "`{{{{{name}}}}}` names nothing: it must be a property of `inputSchema`, or a secret \
             as `{{{{secrets.NAME}}}}`{hint}"
        );
        self.fault(at, "unknown_placeholder", message);
    }

    fn secret(&mut self, at: &str, name: &str) {
        let Some(secret) = self.secrets.iter().find(|secret| secret.name == name) else {
            return self.unknown(at, &format!("secrets.{name}"), Place::Inside);
        };
        if let Some(origin) = &self.origin
            && !secret.origins.contains(origin)
        {
            let message = format!(
                "the secret `{name}` may not be sent there; add `{origin}` to its origins first"
            );
            self.fault(at, "secret_origin", message);
        }
    }

    fn url(&mut self, text: &str) {
        const AT: &str = "/data/url";
        let before = self.faults.len();
        let parts = self.text(AT, text, Place::Url);
        if self.faults.len() > before && parts.is_empty() {
            return;
        }
        match address(&parts) {
            Ok(url) => self.origin = Some(origin_of(&url)),
            Err((code, message)) => self.fault(AT, code, message),
        }
    }

    fn headers(&mut self, headers: &BTreeMap<String, String>) {
        let mut seen = BTreeSet::new();
        for (name, text) in headers {
            let at = pointer_to("/data/headers", name);
            let name = name.to_ascii_lowercase();
            if is_refused(&name) {
                self.fault(&at, "header", "this header is not for skills to set");
            }
            let parts = self.text(&at, text, Place::Inside);
            let literal = parts.iter().filter_map(|part| match part {
                Part::Text(text) => Some(*text),
                Part::Input(_) | Part::Secret(_) => None,
            });
            if literal.flat_map(str::chars).any(|c| !(c.is_ascii_graphic() || c == ' ')) {
                self.fault(&at, "pattern", "must be visible ASCII characters and spaces");
            }
            let has_secret = parts.iter().any(|part| matches!(part, Part::Secret(_)));
            if name == "authorization" && !has_secret && !parts.is_empty() {
                let message = "must have a secret in it, as `{{secrets.NAME}}`: a credential is \
                               not kept in a skill";
                self.fault(&at, "credential", message);
            }
            if !seen.insert(name) {
                self.fault(&at, "duplicate_item", "is there twice; case does not matter");
            }
        }
    }

    fn body(&mut self, custom: &Custom) {
        const AT: &str = "/data/body";
        let Some(body) = &custom.body else { return };
        if custom.method == Method::Get {
            self.fault(AT, "contradiction", "a request with the method `GET` has no body");
        }
        let mut texts = Vec::new();
        each_text(AT, body, &mut |at, text| texts.push((at.to_owned(), text.to_owned())));
        for (at, text) in texts {
            self.text(&at, &text, Place::Inside);
        }
        self.keys(AT, body);
    }

    /// Placeholders in keys would stay what they are, which nobody means.
    fn keys(&mut self, at: &str, value: &Value) {
        match value {
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.keys(&pointer_to(at, &index.to_string()), item);
                }
            }
            Value::Object(map) => {
                for (key, item) in map {
                    let at = pointer_to(at, key);
                    if key.contains("{{") {
                        self.fault(&at, "placeholder", "a key must not contain a placeholder");
                    }
                    self.keys(&at, item);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

/// The address that a template leads to, whatever its placeholders stand for: they
/// begin behind the host.
pub(super) fn address(parts: &[Part<'_>]) -> Result<Url, (&'static str, &'static str)> {
    const HOST: (&str, &str) = (
        "placeholder_in_host",
        "placeholders may stand in path and query only: begin with scheme and host, as in \
         `https://api.example.com/{{name}}`",
    );
    let head = match parts.first() {
        Some(Part::Text(text)) => *text,
        _ => return Err(HOST),
    };
    let (scheme, rest) = head.split_once("://").ok_or(if parts.len() > 1 {
        HOST
    } else {
        ("url", "must be an absolute URL, such as `https://api.example.com/orders`")
    })?;
    let authority_ends = match rest.find(['/', '?', '#', '\\']) {
        Some(length) => length > 0,
        None => parts.len() == 1,
    };
    if !authority_ends || scheme.contains(['/', ':']) {
        return Err(HOST);
    }
    let literal: String = parts
        .iter()
        .map(|part| match part {
            Part::Text(text) => *text,
            Part::Input(_) | Part::Secret(_) => "x",
        })
        .collect();
    if literal.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(("url", "must not contain spaces or control characters"));
    }
    let url = Url::parse(&literal).or(Err(("url", "must be a URL")))?;
    check_address(&url).map_err(|message| ("url", message))?;
    if url.fragment().is_some() {
        return Err(("url", "must not contain a fragment"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests;
