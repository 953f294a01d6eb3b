//! Holds every answer against the OpenAPI document: its status must be documented
//! for the operation, and its body must have the documented form.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use jsonschema::Validator;
use reqwest::Method;
use serde_json::{Value, json};
use understudy_http_api::openapi;

use crate::request::Reply;

/// As it is served.
pub(crate) static DOCUMENT: LazyLock<Value> = LazyLock::new(openapi);

static VALIDATORS: LazyLock<Mutex<HashMap<String, &'static Validator>>> =
    LazyLock::new(Mutex::default);

/// Panics when an answer is not one that the document has.
pub(crate) fn check(method: &Method, path: &str, reply: &Reply) {
    let path = path.split('?').next().unwrap();
    let Some((template, item)) = find(path) else { return };
    let Some(operation) = item.get(method.as_str().to_lowercase()) else { return };
    let status = reply.status.as_str();
    let documented = &operation["responses"][status];
    assert!(!documented.is_null(), "{method} {template} has no {status}: {}", reply.body);
    let kind = reply.header("content-type").split(';').next().unwrap();
    let schema = &documented["content"][kind]["schema"];
    if reply.body.is_null() || schema.is_null() {
        return;
    }
    let faults: Vec<String> = validator(schema)
        .iter_errors(&reply.body)
        .map(|error| format!("{} {error}", error.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{method} {template} {status}: {faults:?} in {}", reply.body);
    if kind == "application/problem+json" {
        let examples = documented["content"][kind]["examples"].as_object().unwrap();
        let code = reply.body["code"].as_str().unwrap();
        assert!(examples.contains_key(code), "{method} {template} {status} has no {code}");
    }
}

fn find(path: &str) -> Option<(&'static str, &'static Value)> {
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let fits = |template: &str| {
        let (mut given, mut wanted) = (path.split('/'), template.split('/'));
        loop {
            match (given.next(), wanted.next()) {
                (None, None) => return true,
                (Some(given), Some(wanted)) if wanted.starts_with('{') && !given.is_empty() => {}
                (Some(given), Some(wanted)) if given == wanted => {}
                _ => return false,
            }
        }
    };
    let mut found: Vec<_> = paths.iter().filter(|(template, _)| fits(template)).collect();
    // The one with the fewest names in it is the one that is routed to.
    found.sort_by_key(|(template, _)| template.matches('{').count());
    found.first().map(|(template, item)| (template.as_str(), *item))
}

fn validator(schema: &Value) -> &'static Validator {
    let mut all = VALIDATORS.lock().unwrap();
    all.entry(schema.to_string()).or_insert_with(|| {
        let mut root = schema.clone();
        root["components"] = json!({ "schemas": DOCUMENT["components"]["schemas"] });
        Box::leak(Box::new(jsonschema::draft202012::new(&root).unwrap()))
    })
}
