//! Which settings a request may give, whatever dialect it comes in.

use serde_json::json;

use super::{Overrides, RequestFormat, RunRequest, view::INCLUDES};
use crate::{Fault, assistant::document, fault::pointer_to};

/// Most rules that a request names, and most vector stores.
pub const MAX_NAMED: usize = 100;
/// How much an answer may be told to say.
const VERBOSITIES: [&str; 3] = ["low", "medium", "high"];
/// Most characters of a word that is shown back.
const SHOWN_CHARS: usize = 64;

/// The built-in tools, by their names in the assistant object.
pub const SYSTEM_TOOLS: [&str; 6] = [
    "webSearch",
    "codeInterpreter",
    "fileSearch",
    "computerUsePreview",
    "imageGeneration",
    "fileRetrieval",
];

/// Everything that is wrong with the settings of a request in themselves. What the
/// model takes of them is looked at later.
#[must_use]
pub fn faults_of(request: &RunRequest) -> Vec<Fault> {
    let mut faults = setting_faults(&request.overrides);
    for (at, count) in
        [("/rules", request.rules.len()), ("/vector_store_ids", request.vector_store_ids.len())]
    {
        if count > MAX_NAMED {
            let message = format!("must have at most {MAX_NAMED} items");
            faults.push(Fault::new(at, "too_many", message));
        }
    }
    for name in request.system_tools.keys().filter(|name| !SYSTEM_TOOLS.contains(&name.as_str())) {
        let message = format!("is not a built-in tool; they are {}", SYSTEM_TOOLS.join(", "));
        faults.push(Fault::new(pointer_to("/system_tools", name), "unknown_field", message));
    }
    for name in request.include.iter().filter(|name| !INCLUDES.contains(&name.as_str())) {
        let shown: String = name.chars().take(SHOWN_CHARS).collect();
        let message = format!("must be some of {}; `{shown}` is none", INCLUDES.join(", "));
        faults.push(Fault::new("/include", "enum", message));
    }
    faults
}

/// Settings of the same names as fields of the assistant object are held to the same
/// schema.
fn setting_faults(overrides: &Overrides) -> Vec<Fault> {
    let mut document = json!({
        "default_model_key": overrides.model,
        "temperature": overrides.temperature,
        "top_p": overrides.top_p,
        "frequency_penalty": overrides.frequency_penalty,
        "presence_penalty": overrides.presence_penalty,
        "logit_bias": overrides.logit_bias,
        "stopSequences": overrides.stop_sequences,
        "max_completion_tokens": overrides.max_completion_tokens,
        "max_tool_calls": overrides.max_tool_calls,
        "top_logprobs": overrides.top_logprobs,
        "context_window": overrides.context_window,
    });
    if let Some(fields) = document.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    let mut faults: Vec<Fault> = document::faults_of(&document)
        .into_iter()
        .map(|fault| match fault.pointer.strip_prefix("/default_model_key") {
            Some(rest) => Fault { pointer: format!("/model{rest}"), ..fault },
            None => fault,
        })
        .collect();
    let verbosity = overrides.verbosity.as_deref();
    if verbosity.is_some_and(|word| !VERBOSITIES.contains(&word)) {
        let message = format!("must be one of {}", VERBOSITIES.join(", "));
        faults.push(Fault::new("/text_config/verbosity", "enum", message));
    }
    if let Some(RequestFormat::JsonSchema { name, schema, .. }) = &overrides.format {
        let is_name = (1..=64).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if !is_name {
            let message = "must have 1 to 64 letters, digits, `_` and `-`";
            faults.push(Fault::new("/json_schema/name", "pattern", message));
        }
        if jsonschema::meta::validate(&schema.clone().into()).is_err() {
            faults.push(Fault::new("/json_schema/schema", "schema", "must be a JSON Schema"));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointers(overrides: Overrides) -> Vec<String> {
        let request = RunRequest { overrides, ..RunRequest::default() };
        let mut found: Vec<_> = faults_of(&request).into_iter().map(|f| f.pointer).collect();
        found.sort();
        found
    }

    #[test]
    fn settings_have_the_ranges_of_the_assistant_object() {
        assert_eq!(pointers(Overrides::default()), <[&str; 0]>::default());
        let overrides = Overrides {
            model: Some(String::new()),
            temperature: Some(2.1),
            top_p: Some(-0.1),
            max_tool_calls: Some(129),
            top_logprobs: Some(21),
            stop_sequences: Some(vec![String::new()]),
            verbosity: Some("much".to_owned()),
            ..Overrides::default()
        };
        assert_eq!(
            pointers(overrides),
            [
                "/max_tool_calls",
                "/model",
                "/stopSequences/0",
                "/temperature",
                "/text_config/verbosity",
                "/top_logprobs",
                "/top_p",
            ]
        );
    }

    #[test]
    fn a_schema_has_a_name_and_is_one() {
        let schema = json!({"type": "colour"}).as_object().cloned().unwrap();
        let format = RequestFormat::JsonSchema {
            name: "no name".to_owned(),
            description: None,
            schema,
            strict: None,
        };
        let overrides = Overrides { format: Some(format), ..Overrides::default() };
        assert_eq!(pointers(overrides), ["/json_schema/name", "/json_schema/schema"]);
    }

    #[test]
    fn what_is_named_is_there_to_be_named() {
        let request = RunRequest {
            system_tools: [("telepathy".to_owned(), crate::assistant::content::ToolMode::Off)]
                .into(),
            include: ["everything".to_owned()].into(),
            ..RunRequest::default()
        };
        let found: Vec<_> = faults_of(&request).into_iter().map(|f| f.pointer).collect();
        assert_eq!(found, ["/system_tools/telepathy", "/include"]);
    }
}
