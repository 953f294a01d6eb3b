//! The data of a skill: a schema a type, in `data/skills/`, and what the fields
//! demand of each other.

use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Map, Value};

use super::{MAX_DESCRIPTION_CHARS, MAX_NAME_CHARS, custom};
use crate::{
    Fault,
    assistant::{
        content::{SecretEntry, Skill, SkillType},
        document,
    },
};

/// What a skill must be judged by.
pub(crate) struct Described<'a> {
    pub(crate) kind: SkillType,
    pub(crate) name: &'a str,
    pub(crate) description: Option<&'a str>,
    pub(crate) data: &'a Map<String, Value>,
    pub(crate) dataset_id: Option<&'a str>,
}

impl<'a> From<&'a Skill> for Described<'a> {
    fn from(skill: &'a Skill) -> Self {
        Self {
            kind: skill.kind,
            name: &skill.name,
            description: skill.description.as_deref(),
            data: &skill.data,
            dataset_id: skill.dataset_id.as_deref(),
        }
    }
}

/// A secret that skills may use, and where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usable<'a> {
    pub(crate) name: &'a str,
    pub(crate) origins: &'a [String],
}

/// The secrets of an assistant.
pub(crate) fn usable(secrets: &[SecretEntry]) -> Vec<Usable<'_>> {
    secrets.iter().map(|entry| Usable { name: &entry.name, origins: &entry.origins }).collect()
}

struct Form {
    schema: Value,
    validator: Option<Validator>,
}

impl Form {
    fn read(text: &str) -> Self {
        // The files are part of the crate and tests read them, so this cannot be null.
        let schema = serde_json::from_str(text).unwrap_or(Value::Null);
        let validator = jsonschema::draft202012::new(&schema).ok();
        Self { schema, validator }
    }
}

fn form(kind: SkillType) -> &'static Form {
    static DATASET_QUERY: LazyLock<Form> =
        LazyLock::new(|| Form::read(include_str!("../../data/skills/dataset-query.json")));
    static WEB_SEARCH: LazyLock<Form> =
        LazyLock::new(|| Form::read(include_str!("../../data/skills/web-search.json")));
    static CODE_EXECUTION: LazyLock<Form> =
        LazyLock::new(|| Form::read(include_str!("../../data/skills/code-execution.json")));
    static FILE_ANALYSIS: LazyLock<Form> =
        LazyLock::new(|| Form::read(include_str!("../../data/skills/file-analysis.json")));
    static CUSTOM: LazyLock<Form> =
        LazyLock::new(|| Form::read(include_str!("../../data/skills/custom.json")));
    match kind {
        SkillType::DatasetQuery => &DATASET_QUERY,
        SkillType::WebSearch => &WEB_SEARCH,
        SkillType::CodeExecution => &CODE_EXECUTION,
        SkillType::FileAnalysis => &FILE_ANALYSIS,
        SkillType::Custom => &CUSTOM,
    }
}

/// The JSON Schema of the data of skills of this type.
#[must_use]
pub fn schema(kind: SkillType) -> &'static Value {
    &form(kind).schema
}

/// Spells the keys of the data as its schema does, whichever casing they came in.
pub(crate) fn spell(kind: SkillType, data: &mut Map<String, Value>, faults: &mut Vec<Fault>) {
    let mut value = Value::Object(std::mem::take(data));
    document::canonicalize_value(schema(kind), &mut value, "/data", faults);
    if let Value::Object(spelled) = value {
        *data = spelled;
    }
}

/// Everything that is wrong with a skill in an assistant that has these secrets.
pub(crate) fn faults(skill: &Described<'_>, secrets: &[Usable<'_>]) -> Vec<Fault> {
    let mut faults = Vec::new();
    name(skill.name, &mut faults);
    if skill.description.is_some_and(|text| text.chars().count() > MAX_DESCRIPTION_CHARS) {
        let message = format!("must have at most {MAX_DESCRIPTION_CHARS} characters");
        faults.push(Fault::new("/description", "too_long", message));
    }
    dataset(skill, &mut faults);
    faults.extend(data(skill, secrets));
    faults.truncate(document::MAX_FAULTS);
    faults
}

fn name(name: &str, faults: &mut Vec<Fault>) {
    let mut fault = |code, message: &str| faults.push(Fault::new("/name", code, message));
    if name.trim().is_empty() {
        fault("required", "must not be blank");
    }
    if name.chars().count() > MAX_NAME_CHARS {
        fault("too_long", &format!("must have at most {MAX_NAME_CHARS} characters"));
    }
    if name.chars().any(char::is_control) {
        fault("pattern", "must not contain control characters");
    }
}

fn dataset(skill: &Described<'_>, faults: &mut Vec<Fault>) {
    let mut fault = |code, message: &str| faults.push(Fault::new("/datasetId", code, message));
    match (skill.kind, skill.dataset_id) {
        (SkillType::DatasetQuery, None) => {
            fault("required", "is required for the type `dataset-query`");
        }
        (SkillType::DatasetQuery, Some(id)) if is_dataset_id(id) => {}
        (SkillType::DatasetQuery, Some(_)) => {
            fault("id", "must be the id of a dataset, which begins with `ds_`");
        }
        (_, Some(_)) => fault("contradiction", "is for skills of the type `dataset-query`"),
        (_, None) => {}
    }
}

fn is_dataset_id(text: &str) -> bool {
    let rest = text.strip_prefix("ds_").unwrap_or_default();
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-".contains(&b);
    (1..=128).contains(&rest.len()) && rest.bytes().all(plain)
}

fn data(skill: &Described<'_>, secrets: &[Usable<'_>]) -> Vec<Fault> {
    let Form { schema, validator: Some(validator) } = form(skill.kind) else { return Vec::new() };
    let value = Value::Object(skill.data.clone());
    let refused = document::refused_by(schema, validator, &value);
    if !refused.is_empty() {
        let there = |fault: Fault| Fault { pointer: format!("/data{}", fault.pointer), ..fault };
        return refused.into_iter().map(there).collect();
    }
    match skill.kind {
        SkillType::Custom => custom::faults(skill.data, secrets),
        SkillType::WebSearch => domains(skill.data),
        SkillType::DatasetQuery | SkillType::CodeExecution | SkillType::FileAnalysis => Vec::new(),
    }
}

fn domains(data: &Map<String, Value>) -> Vec<Fault> {
    let list = |name: &str| {
        let items = data.get(name).and_then(Value::as_array).into_iter().flatten();
        items.filter_map(Value::as_str).map(str::to_ascii_lowercase).collect::<Vec<_>>()
    };
    let allowed = list("allowedDomains");
    let both = list("blockedDomains").into_iter().enumerate();
    both.filter(|(_, domain)| allowed.contains(domain))
        .map(|(index, domain)| {
            let message = format!("`{domain}` must not be allowed and blocked");
            Fault::new(format!("/data/blockedDomains/{index}"), "contradiction", message)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KINDS: [SkillType; 5] = [
        SkillType::DatasetQuery,
        SkillType::WebSearch,
        SkillType::CodeExecution,
        SkillType::FileAnalysis,
        SkillType::Custom,
    ];

    #[expect(clippy::needless_pass_by_value, reason = "tests read better with values in place")]
    fn told(kind: SkillType, data: Value) -> Vec<(String, &'static str)> {
        let mut data = data.as_object().unwrap().clone();
        let mut found = Vec::new();
        spell(kind, &mut data, &mut found);
        let dataset_id = (kind == SkillType::DatasetQuery).then_some("ds_1");
        let skill = Described { kind, name: "x", description: None, data: &data, dataset_id };
        found.extend(faults(&skill, &[]));
        found.into_iter().map(|fault| (fault.pointer, fault.code)).collect()
    }

    #[test]
    fn every_type_has_a_schema_that_takes_nothing_unknown() {
        for kind in KINDS {
            assert!(form(kind).validator.is_some(), "{}", kind.as_str());
            let faults = told(kind, json!({"method": "GET", "url": "https://a.b/", "colour": 1}));
            let unknown = ("/data/colour".to_owned(), "unknown_field");
            assert!(faults.contains(&unknown), "{}: {faults:?}", kind.as_str());
        }
    }

    #[test]
    fn data_at_its_limits_is_taken_and_over_them_refused() {
        use SkillType::{CodeExecution, Custom, DatasetQuery, WebSearch};
        let custom =
            |name: &str, value: u32| json!({"method": "GET", "url": "https://a.b/", name: value});
        for (kind, name, least, most) in [
            (DatasetQuery, "maxRows", 1, 10_000),
            (WebSearch, "maxResults", 1, 20),
            (CodeExecution, "timeoutSeconds", 1, 120),
            (Custom, "timeoutSeconds", 1, 120),
            (Custom, "maxResponseBytes", 1, 1_048_576),
        ] {
            let with = |value: u32| match kind {
                Custom => custom(name, value),
                _ => json!({name: value}),
            };
            let at = format!("/data/{name}");
            assert_eq!(told(kind, with(least)), []);
            assert_eq!(told(kind, with(most)), []);
            assert_eq!(told(kind, with(least - 1)), [(at.clone(), "minimum")]);
            assert_eq!(told(kind, with(most + 1)), [(at, "maximum")]);
        }
    }

    #[test]
    fn data_is_read_in_either_casing() {
        assert_eq!(told(SkillType::WebSearch, json!({"max_results": 3, "country": "ch"})), []);
        let twice = told(SkillType::WebSearch, json!({"max_results": 3, "maxResults": 3}));
        assert_eq!(twice, [("/data/max_results".to_owned(), "duplicate_field")]);
    }

    #[test]
    fn a_domain_is_not_allowed_and_blocked() {
        let data =
            json!({"allowedDomains": ["a.example"], "blockedDomains": ["b.example", "A.example"]});

        let expected = [("/data/blockedDomains/1".to_owned(), "contradiction")];
        assert_eq!(told(SkillType::WebSearch, data), expected);
    }
}
