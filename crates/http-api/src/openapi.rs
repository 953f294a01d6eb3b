//! The OpenAPI document, made of what the routes say of themselves.

use serde_json::{Map, Value, json};
use understudy_domain::{
    assistant::{content::SkillType, document},
    skill,
};
use utoipa::openapi::{
    ComponentsBuilder, HttpMethod, InfoBuilder, LicenseBuilder, OpenApiBuilder, PathsBuilder,
    path::PathItemBuilder, tag::TagBuilder,
};

use crate::{endpoint, native, okchat, openai, problem::Code};

mod doc;
mod security;

pub(crate) use doc::{Doc, Parameter};

/// Schemas of bodies, which are read field by field and so have no type.
const COMPONENTS: &str = include_str!("../data/components.json");

const DESCRIPTION: &str = "\
Assistants with drafts, versions and access, for an organization.

The assistant object is written in snake_case, everything else in camelCase; input takes both. \
Times are Unix seconds inside the assistant object and RFC 3339 elsewhere. \
What a client got, it can send back: fields that only the server sets are ignored. \
Errors are problem documents (RFC 9457); `code` says which. \
`HEAD` is answered wherever `GET` is. \
Every answer has an `X-Request-Id`.";

/// The OpenAPI 3.1 document of the service, as the text of [`openapi`].
#[must_use]
pub fn openapi_json() -> String {
    let mut text = serde_json::to_string_pretty(&openapi()).unwrap_or_default();
    text.push('\n');
    text
}

/// The OpenAPI 3.1 document of the service.
#[must_use]
pub fn openapi() -> Value {
    let info = InfoBuilder::new()
        .title("Understudy")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .license(Some(
            LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build(),
        ))
        .build();
    let components = openai::schemas(okchat::schemas(native::schemas(ComponentsBuilder::new())));
    let components = security::schemes(components).build();
    let document = OpenApiBuilder::new()
        .info(info)
        .paths(paths())
        .components(Some(components))
        .tags(Some(tags()))
        .build();
    // The document is made of texts and numbers, so it always serializes.
    let mut document = serde_json::to_value(&document).unwrap_or_default();
    complete(&mut document);
    document
}

fn tags() -> Vec<utoipa::openapi::Tag> {
    let tag =
        |name: &str, about: &str| TagBuilder::new().name(name).description(Some(about)).build();
    vec![
        tag("session", "Logging in and out, and who one is."),
        tag("users", "The users of the organization."),
        tag("teams", "Groups of users that own assistants together."),
        tag("tokens", "API tokens of the caller, and of assistants."),
        tag("assistants", "Assistants. All of it needs an AI seat."),
        tag("drafts", "A change rehearsed beside the live assistant, and its commit."),
        tag("versions", "What an assistant was; nothing changes it any more."),
        tag("responses", "Asking assistants, following their answers, and deciding about calls."),
        tag("threads", "Conversations of the caller, and what assistants remember of them."),
        tag("automations", "Webhooks that assistants and people may run."),
        tag("files", "Files of assistants, and the images inside of them."),
        tag("references", "Pointers of assistants to other documents and resources."),
        tag("skills", "What assistants can do, as tools for the model."),
        tag("secrets", "Values that custom skills use and nobody reads."),
        tag(
            "rules",
            "Texts of the organization that are put before the instructions of assistants.",
        ),
        tag("organization", "The organization and its settings."),
        tag("models", "The models that an assistant can have."),
        tag("sharing", "Who owns assistants, with whom they are shared, and who marks them."),
        tag("tags", "Labels of the organization for its assistants."),
        tag("comments", "What people say about assistants."),
        tag("events", "The audit log."),
        tag("webhooks", "Addresses that are told of events, by the Standard Webhooks scheme."),
        tag("uploads", "Bytes that are sent before they are attached, at once or piece by piece."),
        tag("icons", "Icons of assistants, and the libraries of icons and avatars."),
        tag("transfer", "Assistants as files: export and import."),
        tag("okchat", "The dialect of OKCHAT's external API; a chatbot is an assistant."),
        tag("openai", "The dialect of OpenAI's API; a model is an assistant."),
        tag("operations", "For operators and developers."),
    ]
}

fn paths() -> PathsBuilder {
    let mut paths: Vec<(&str, PathItemBuilder)> = Vec::new();
    for endpoint in endpoint::all() {
        let doc = (endpoint.describe)(Doc::new(endpoint.method, endpoint.pattern));
        // Endpoints on one path stand together.
        let mut item = match paths.pop_if(|(pattern, _)| *pattern == endpoint.pattern) {
            Some((_, item)) => item,
            None => PathItemBuilder::new(),
        };
        if let Some(head) = doc.head() {
            item = item.operation(HttpMethod::Head, head);
        }
        item = item.operation(doc.http_method(), doc.operation());
        paths.push((endpoint.pattern, item));
    }
    paths.into_iter().fold(PathsBuilder::new(), |all, (pattern, item)| {
        all.path(doc::path_template(pattern), item.build())
    })
}

/// Adds what the builder has no types for: the assistant's own schema, the bodies
/// and an example of each problem.
fn complete(document: &mut Value) {
    let Some(components) = document.get_mut("components").and_then(Value::as_object_mut) else {
        return;
    };
    let given: Value = serde_json::from_str(COMPONENTS).unwrap_or_default();
    let schemas = components.entry("schemas").or_insert_with(|| json!({}));
    if let (Some(schemas), Value::Object(given)) = (schemas.as_object_mut(), given) {
        schemas.extend(given);
        schemas.extend(assistant_schemas());
        schemas.extend(skill_schemas());
    }
    let examples = Code::ALL.iter().map(|&code| (code.describe().0.to_owned(), example(code)));
    components.insert("examples".to_owned(), examples.collect::<Map<_, _>>().into());
}

/// The assistant as it is read, and as it is written.
fn assistant_schemas() -> Map<String, Value> {
    let mut read = document::schema().clone();
    let mut write = read.clone();
    let names: Vec<String> = match read.get("properties").and_then(Value::as_object) {
        Some(properties) => properties.keys().cloned().collect(),
        None => Vec::new(),
    };
    if let Some(read) = read.as_object_mut() {
        read.insert("required".to_owned(), names.into());
    }
    if let Some(write) = write.as_object_mut() {
        write.remove("additionalProperties");
        let about = "What is to change of an assistant. Read-only fields are ignored; \
                     unknown fields are refused.";
        write.insert("description".to_owned(), about.into());
        if let Some(properties) = write.get_mut("properties").and_then(Value::as_object_mut) {
            properties.retain(|_, property| property.get("readOnly") != Some(&Value::Bool(true)));
        }
    }
    let mut create = write.clone();
    if let Some(create) = create.as_object_mut() {
        create.insert("description".to_owned(), "A new assistant.".into());
        create.insert("required".to_owned(), json!(["name"]));
        create.insert(
            "example".to_owned(),
            json!({
                "name": "Support",
                "instructions": "You help customers.",
                "temperature": 0.2,
            }),
        );
    }
    let pairs = [("Assistant", read), ("AssistantWrite", write), ("AssistantCreate", create)];
    pairs.into_iter().map(|(name, schema)| (name.to_owned(), schema)).collect()
}

/// The data of skills, by type.
fn skill_schemas() -> Map<String, Value> {
    [
        ("DatasetQueryData", SkillType::DatasetQuery),
        ("WebSearchData", SkillType::WebSearch),
        ("CodeExecutionData", SkillType::CodeExecution),
        ("FileAnalysisData", SkillType::FileAnalysis),
        ("CustomData", SkillType::Custom),
    ]
    .into_iter()
    .map(|(name, kind)| (name.to_owned(), skill::schema(kind).clone()))
    .collect()
}

fn example(code: Code) -> Value {
    let (slug, status, title) = code.describe();
    let error = status.canonical_reason().unwrap_or(title);
    json!({
        "summary": title,
        "description": code.about(),
        "value": {
            "type": format!("/problems#{slug}"),
            "title": title,
            "status": status.as_u16(),
            "detail": title,
            "instance": "/api/assistants",
            "code": slug,
            "statusCode": status.as_u16(),
            "error": error,
            "message": title,
            "errors": [],
            "requestId": "019a1c0e5b7c7d2e8f3a4b5c6d7e8f90",
        },
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_committed_document_is_the_one_in_force() {
        let committed = include_str!("../../../docs/openapi.json");

        assert!(
            committed == openapi_json(),
            "docs/openapi.json is stale; write it anew with `understudy openapi`"
        );
    }

    #[test]
    fn every_route_is_documented_and_nothing_else() {
        let document: Value = serde_json::from_str(&openapi_json()).unwrap();
        let mut documented = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys().filter(|method| *method != "head") {
                documented.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
        let routes: BTreeSet<String> = endpoint::all()
            .iter()
            .map(|e| format!("{} {}", e.method, doc::path_template(e.pattern)))
            .collect();

        assert_eq!(documented, routes);
    }

    #[test]
    fn every_operation_has_a_name_of_its_own_a_summary_and_answers() {
        let document: Value = serde_json::from_str(&openapi_json()).unwrap();
        let items = document["paths"].as_object().unwrap().values();
        let operations: Vec<&Value> =
            items.flat_map(|item| item.as_object().unwrap().values()).collect();
        let names: BTreeSet<&str> =
            operations.iter().map(|op| op["operationId"].as_str().unwrap()).collect();

        assert_eq!(names.len(), operations.len());
        for operation in operations {
            assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()));
            assert!(operation["responses"].as_object().is_some_and(|all| !all.is_empty()));
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
            match value {
                Value::Object(map) => {
                    found.extend(map.get("$ref").and_then(Value::as_str));
                    map.values().for_each(|value| references(value, found));
                }
                Value::Array(items) => items.iter().for_each(|value| references(value, found)),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
        let document: Value = serde_json::from_str(&openapi_json()).unwrap();
        let mut found = BTreeSet::new();
        references(&document, &mut found);

        assert!(found.len() > 20);
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
        }
    }
}
