//! Properties of edits: no input panics, what was accepted reads back, and what
//! reads back is accepted.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a failing test panics")]

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use understudy_domain::{
    Content, Policy, SealedId,
    access::Level,
    assistant::{
        document,
        edit::{Base, Edit, WriteMode, apply},
        view::AssistantView,
    },
    ports::AssistantRecord,
};
use understudy_testkit::sample;

fn base() -> Base {
    Base {
        content: Content { name: "base".to_owned(), ..Content::default() },
        policy: Policy::default(),
        slug: None,
        is_default: false,
    }
}

fn edit(base: &Base, input: Value, mode: WriteMode) -> Result<Edit, Vec<String>> {
    let mut count = 0_u32;
    let mut fresh = || -> SealedId {
        count += 1;
        sample::id(count)
    };
    apply(base, input, mode, &mut fresh)
        .map_err(|faults| faults.into_iter().map(|fault| fault.pointer).collect())
}

/// The object as its owner reads it after this edit.
fn read(edit: &Edit) -> Value {
    let assistant = understudy_domain::Assistant {
        content: edit.content.clone(),
        policy: edit.policy.clone(),
        slug: edit.slug.clone(),
        is_default: edit.is_default,
        ..sample::assistant(1, sample::id(1), "x")
    };
    let record = AssistantRecord { assistant, live: None, draft: None };
    serde_json::to_value(AssistantView { record, level: Level::Owner, at_home: true }).unwrap()
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-5.0f64..5.0).prop_map(Value::from),
        "[a-z*_ ]{0,8}".prop_map(Value::from),
        prop::sample::select(vec!["auto", "on", "text", "json_schema", "********", "https://x.y"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        let keys = prop::sample::select(vec![
            "systemTools",
            "mcpTools",
            "server_label",
            "serverUrl",
            "mode",
            "headers",
            "name",
            "schemaObject",
            "texts",
            "effort",
            "type",
            "a",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((keys, inner), 0..5).prop_map(|pairs| pairs
                .into_iter()
                .map(|(k, v)| (k.to_owned(), v))
                .collect::<Map<_, _>>()
                .into()),
        ]
    })
}

fn any_object() -> impl Strategy<Value = Value> {
    let names: Vec<String> =
        document::schema()["properties"].as_object().expect("an object").keys().cloned().collect();
    prop::collection::vec((prop::sample::select(names), any_json()), 0..6)
        .prop_map(|pairs| pairs.into_iter().collect::<Map<_, _>>().into())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_comes_is_accepted_or_every_fault_points_into_it(input in any_object()) {
        for mode in [WriteMode::Replace, WriteMode::Merge] {
            match edit(&base(), input.clone(), mode) {
                Ok(edit) => {
                    let again = edit_back(&edit);
                    prop_assert_eq!(&again.content, &edit.content);
                    prop_assert_eq!(&again.policy, &edit.policy);
                }
                Err(faults) => prop_assert!(!faults.is_empty()),
            }
        }
    }
}

fn edit_back(before: &Edit) -> Edit {
    let base = Base {
        content: before.content.clone(),
        policy: before.policy.clone(),
        slug: before.slug.clone(),
        is_default: before.is_default,
    };
    edit(&base, read(before), WriteMode::Replace).expect("what was read can be put back")
}

/// A value of the wrong type, and one out of range, for every writable field.
#[test]
fn each_fields_wrong_values_are_refused_by_its_name() {
    let schema = document::schema()["properties"].as_object().expect("an object");
    for (name, property) in schema {
        if document::part_of(name) == Some(document::Part::ReadOnly) {
            continue;
        }
        let mut wrong = vec![json!({"no": {"such": "thing"}})];
        if name != "tool_configurations" {
            wrong.push(json!([{"no": "such thing"}]));
        }
        for (limit, value) in [("maximum", 1e19), ("minimum", -1e19)] {
            if property.get(limit).is_some() {
                wrong.push(json!(value));
            }
        }
        if let Some(most) = property.get("maxLength").and_then(Value::as_u64) {
            wrong.push("x".repeat(usize::try_from(most).unwrap() + 1).into());
        }
        if let Some(most) = property.get("maxItems").and_then(Value::as_u64) {
            wrong.push(vec!["x"; usize::try_from(most).unwrap() + 1].into());
        }
        if property.get("enum").is_some() {
            wrong.push("no such word".into());
        }
        for value in wrong {
            if accepts_objects(name) && value.is_object() {
                continue;
            }
            let faults = edit(&base(), json!({ name.as_str(): value }), WriteMode::Replace)
                .err()
                .unwrap_or_else(|| panic!("{name} took {value}"));
            let here = format!("/{name}");
            assert!(faults.iter().all(|at| at.starts_with(&here)), "{name}: {faults:?}");
        }
    }
}

/// Fields whose objects may have any key.
fn accepts_objects(name: &str) -> bool {
    name == "text_config"
}

#[test]
fn a_content_as_a_whole_has_a_limit() {
    let text = "\u{1}".repeat(100_000); // six bytes each as JSON
    let message = json!({"texts": [text]});
    let within = json!({"system_message": [message]});
    let beyond = json!({"system_message": [message, message]});

    assert!(edit(&base(), within, WriteMode::Replace).is_ok());
    assert_eq!(edit(&base(), beyond, WriteMode::Replace).unwrap_err(), [""]);
}
