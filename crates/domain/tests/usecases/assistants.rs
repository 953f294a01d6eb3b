use serde_json::{Value, json};
use understudy_domain::{
    Fault,
    usecases::{
        Conflict, Error, Precondition,
        assistants::{
            UpdateAssistant, copy_assistant, delete_assistant, restore_assistant,
            set_default_assistant, update_assistant, view_assistant,
        },
        automations::{CreateAutomation, create_automation},
        rules::create_rule,
        versions::list_versions,
    },
};

use crate::rules::rule;
use crate::stage::{Stage, caller, faults, id_of, named, seen};

/// The example object of the seed, with rules and automations that exist here.
pub async fn seed(stage: &Stage) -> Value {
    let mut seed: Value =
        serde_json::from_str(include_str!("../data/seed-assistant.json")).unwrap();
    for (index, name) in ["Professional tone", "Safety guidelines"].iter().enumerate() {
        let rule = create_rule(stage.deps(), &caller(2), rule(name)).await.unwrap();
        seed["rule_ids"][index] = rule.id.to_string().into();
        let command = CreateAutomation {
            name: (*name).to_owned(),
            description: None,
            url: "https://example.com/".to_owned(),
            parameters: None,
            timeout_seconds: None,
            is_active: true,
        };
        let made = create_automation(stage.deps(), &stage.vault, &caller(2), command).await;
        let id = made.unwrap().0.id.to_string();
        seed["tool_configurations"]["streamlineTools"][index] = id.into();
    }
    seed
}

/// Every leaf of `given` is in `read` with the same value.
fn assert_holds(given: &Value, read: &Value, at: &str) {
    match given {
        Value::Object(map) => {
            for (key, value) in map {
                assert_holds(value, &read[key], &format!("{at}/{key}"));
            }
        }
        Value::Array(items) => {
            assert_eq!(items.len(), read.as_array().map_or(0, Vec::len), "{at}");
            for (index, item) in items.iter().enumerate() {
                // Lists of roles are sets, kept in the order of rank.
                if at.ends_with("_roles") {
                    assert!(read.as_array().unwrap().contains(item), "{at}");
                } else {
                    assert_holds(item, &read[index], &format!("{at}/{index}"));
                }
            }
        }
        _ => assert_eq!(given, read, "{at}"),
    }
}

#[tokio::test]
async fn the_seeds_example_reads_back_field_for_field() {
    let stage = Stage::set().await;
    let mut given = seed(&stage).await;

    let made = stage.create(&caller(4), given.clone()).await.unwrap();
    let read = seen(&view_assistant(stage.deps(), &caller(4), &id_of(&made)).await.unwrap());

    for read_only in ["id", "organization_id", "created_by", "created_at", "updated_at"] {
        given.as_object_mut().unwrap().remove(read_only);
    }
    assert_holds(&given, &read, "");
    assert_eq!(read["slug"], "customer-support-assistant");
}

#[tokio::test]
async fn what_was_read_can_be_put_back_and_changes_nothing() {
    let stage = Stage::set().await;
    let made = stage.create(&caller(4), seed(&stage).await).await.unwrap();

    let put = stage.put(&caller(4), &id_of(&made), seen(&made)).await.unwrap();

    assert_eq!(seen(&put), seen(&made));
    let versions = list_versions(stage.deps(), &caller(4), &id_of(&made), None, 9).await.unwrap();
    assert_eq!(versions.len(), 1);
}

#[tokio::test]
async fn every_field_is_there_even_where_nothing_was_given() {
    let stage = Stage::set().await;

    let read = seen(&stage.create(&caller(4), named("bare")).await.unwrap());

    let schema = understudy_domain::assistant::document::schema();
    let missing: Vec<_> = schema["properties"]
        .as_object()
        .unwrap()
        .keys()
        .filter(|name| read.get(*name).is_none())
        .collect();
    assert_eq!(missing, Vec::<&String>::new());
    assert_eq!(read["default_model_key"], "gpt-4o");
    assert_eq!(read["tool_configurations"]["systemTools"]["imageGeneration"]["mode"], "off");
}

#[tokio::test]
async fn all_faults_of_a_write_are_told_at_once_and_nothing_is_stored() {
    let stage = Stage::set().await;

    let refused = stage
        .create(
            &caller(4),
            json!({
                "name": " ",
                "temperature": "hot",
                "no_such_field": 1,
                "default_model_key": "gpt4o",
                "access_users": ["nobody"],
                "tool_configurations": {"systemTools": {"webSearch": {"mode": "maybe"}}},
            }),
        )
        .await;

    assert_eq!(
        faults(refused),
        [
            "/access_users/0",
            "/default_model_key",
            "/name",
            "/no_such_field",
            "/temperature",
            "/tool_configurations/systemTools/webSearch/mode"
        ]
    );
    assert!(stage.create(&caller(4), named("x")).await.is_ok());
}

#[tokio::test]
async fn what_fields_demand_of_each_other_is_checked() {
    let stage = Stage::set().await;
    let cases = [
        (json!({"default_model_key": "gpt4o"}), "/default_model_key"),
        (json!({"allowed_model_providers": ["anthropic"]}), "/default_model_key"),
        (json!({"allowed_model_providers": ["nobody", "openai"]}), "/allowed_model_providers/0"),
        (json!({"context_window": 900_000}), "/context_window"),
        (json!({"max_completion_tokens": 900_000}), "/max_completion_tokens"),
        (json!({"icon_type": "emoji", "icon_data": "no"}), "/icon_data"),
        (json!({"icon_type": "default", "icon_data": "x"}), "/icon_data"),
        (json!({"output_mode": "json_object", "response_format": "text"}), "/response_format"),
        (json!({"response_format": "json_schema"}), "/json_schemas"),
        (
            json!({"json_schemas": [{"name": "a", "schemaObject": {"type": "nonsense"}}]}),
            "/json_schemas/0/schemaObject",
        ),
        (
            json!({"tool_configurations": {"mcpTools": [{"serverLabel": "a"}]}}),
            "/tool_configurations/mcpTools/0",
        ),
        (
            json!({"tool_configurations": {"mcpTools": [
                {"serverLabel": "a", "serverUrl": "http://example.com"}]}}),
            "/tool_configurations/mcpTools/0/serverUrl",
        ),
        (json!({"system_message": [{"images": ["ftp://x"]}]}), "/system_message/0/images/0"),
        (json!({"access_users": ["usr_00000000000000000000000000000099"]}), "/access_users/0"),
    ];
    for (mut input, pointer) in cases {
        input["name"] = "x".into();
        let found = faults(stage.create(&caller(4), input.clone()).await);
        assert!(found.iter().any(|fault| fault == pointer), "{input}: {found:?}");
    }
}

#[tokio::test]
async fn faults_in_fields_that_a_write_does_not_touch_are_not_its_concern() {
    let base = understudy_domain::assistant::edit::Base {
        content: understudy_domain::Content {
            name: "old".to_owned(),
            default_model_key: "a-model-that-is-gone".to_owned(),
            ..understudy_domain::Content::default()
        },
        policy: understudy_domain::Policy::default(),
        slug: None,
        is_default: false,
    };
    let mut ids = || understudy_testkit::sample::id(1);
    let mut apply = |input| {
        use understudy_domain::assistant::edit::{WriteMode, apply};
        apply(&base, input, WriteMode::Replace, &mut ids)
            .map_err(|faults| faults.into_iter().map(|f: Fault| f.pointer).collect::<Vec<_>>())
    };

    assert!(apply(json!({"instructions": "new"})).is_ok());
    assert_eq!(
        apply(json!({"default_model_key": "also-gone"})).unwrap_err(),
        ["/default_model_key"]
    );
}

#[tokio::test]
async fn put_replaces_whole_fields_and_patch_merges_into_them() {
    let stage = Stage::set().await;
    let metadata = |view| seen(&view)["metadata"].clone();
    let made = stage
        .create(&caller(4), json!({"name": "x", "metadata": {"a": "1", "b": "2"}}))
        .await
        .unwrap();
    let id = id_of(&made);

    let patched = stage.patch(&caller(4), &id, json!({"metadata": {"a": null, "c": "3"}})).await;
    assert_eq!(metadata(patched.unwrap()), json!({"b": "2", "c": "3"}));
    let put = stage.put(&caller(4), &id, json!({"metadata": {"d": "4"}})).await.unwrap();
    assert_eq!(metadata(put), json!({"d": "4"}));
    let cleared = stage.patch(&caller(4), &id, json!({"metadata": null})).await.unwrap();
    assert_eq!(metadata(cleared), Value::Null);
}

#[tokio::test]
async fn null_gives_a_field_its_default_where_it_cannot_be_null() {
    let stage = Stage::set().await;
    let made = stage.create(&caller(4), json!({"name": "x", "temperature": 1.5})).await.unwrap();

    let put = stage.put(&caller(4), &id_of(&made), json!({"temperature": null})).await.unwrap();

    assert_eq!(seen(&put)["temperature"], 0.7);
}

#[tokio::test]
async fn each_write_to_a_live_assistant_adds_one_version() {
    let stage = Stage::set().await;
    let made = stage.create(&caller(4), named("x")).await.unwrap();
    let id = id_of(&made);

    stage.patch(&caller(4), &id, json!({"instructions": "a", "top_p": 0.5})).await.unwrap();
    let after = stage.patch(&caller(4), &id, json!({"access_mode": "organization"})).await.unwrap();

    let versions = list_versions(stage.deps(), &caller(4), &id, None, 9).await.unwrap();
    let told: Vec<_> = versions.iter().map(|v| (v.number, v.changes)).collect();
    assert_eq!(told, [(3, 1), (2, 2), (1, 0)]);
    assert_eq!(seen(&after)["version"], 3);
}

#[tokio::test]
async fn names_are_unique_without_regard_to_case_and_slugs_number_themselves() {
    let stage = Stage::set().await;
    stage.create(&caller(4), named("Über uns")).await.unwrap();

    let taken = stage.create(&caller(6), named("ÜBER UNS")).await;
    let near = stage.create(&caller(6), named("Uber uns")).await.unwrap();

    assert!(matches!(taken, Err(Error::Conflict(Conflict::Taken { what: "name" }))));
    assert_eq!(seen(&near)["slug"], "uber-uns-2");
}

#[tokio::test]
async fn a_stale_precondition_is_refused_and_a_fresh_one_holds() {
    let stage = Stage::set().await;
    let made = stage.create(&caller(4), named("x")).await.unwrap();
    let id = id_of(&made);
    let write = async |tag: String, input: Value| {
        let command = UpdateAssistant {
            input,
            mode: understudy_domain::assistant::edit::WriteMode::Replace,
            precondition: Precondition::OneOf(vec![tag]),
        };
        update_assistant(stage.deps(), &stage.vault, &caller(4), &id, command).await
    };

    let second = write(made.etag(), json!({"instructions": "1"})).await.unwrap();
    let refused = write(made.etag(), json!({"instructions": "2"})).await;

    assert!(matches!(refused, Err(Error::PreconditionFailed)));
    assert!(write(second.etag(), json!({"instructions": "3"})).await.is_ok());
}

#[tokio::test]
async fn a_deleted_assistant_is_gone_until_its_owner_restores_it() {
    let stage = Stage::set().await;
    let made = stage
        .create(&caller(4), json!({"name": "x", "access_mode": "organization"}))
        .await
        .unwrap();
    let id = id_of(&made);
    let none = Precondition::None;

    delete_assistant(stage.deps(), &caller(4), &id, none.clone()).await.unwrap();

    let again = delete_assistant(stage.deps(), &caller(4), &id, none).await;
    assert!(matches!(again, Err(Error::NotFound(_))));
    let by_other = restore_assistant(stage.deps(), &caller(6), &id).await;
    assert!(matches!(by_other, Err(Error::NotFound(_))));
    let back = restore_assistant(stage.deps(), &caller(4), &id).await.unwrap();
    assert_eq!(seen(&back)["deleted_at"], Value::Null);
    let twice = restore_assistant(stage.deps(), &caller(4), &id).await;
    assert!(matches!(twice, Err(Error::Conflict(Conflict::NotDeleted))));
}

#[tokio::test]
async fn after_thirty_days_nothing_is_restored() {
    let stage = Stage::set().await;
    let made = stage.create(&caller(4), named("x")).await.unwrap();
    delete_assistant(stage.deps(), &caller(4), &id_of(&made), Precondition::None).await.unwrap();

    stage.clock.advance(time::Duration::days(31));
    let late = restore_assistant(stage.deps(), &caller(4), &id_of(&made)).await;

    assert!(matches!(late, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn at_most_one_assistant_is_the_default() {
    let stage = Stage::set().await;
    let first = stage.create(&caller(2), json!({"name": "a", "is_default": true})).await.unwrap();
    let second = stage.create(&caller(2), named("b")).await.unwrap();

    set_default_assistant(stage.deps(), &caller(2), &id_of(&second)).await.unwrap();

    let first = view_assistant(stage.deps(), &caller(2), &id_of(&first)).await.unwrap();
    let second = view_assistant(stage.deps(), &caller(2), &id_of(&second)).await.unwrap();
    assert_eq!(
        (&seen(&first)["is_default"], &seen(&second)["is_default"]),
        (&json!(false), &json!(true))
    );
}

#[tokio::test]
async fn a_copy_is_private_and_the_copiers_own() {
    let stage = Stage::set().await;
    let made = stage
        .create(
            &caller(4),
            json!({"name": "x", "instructions": "i", "access_mode": "organization"}),
        )
        .await
        .unwrap();

    let copy = copy_assistant(stage.deps(), &caller(6), &id_of(&made), None).await.unwrap();

    let copy = seen(&copy);
    assert_eq!((&copy["name"], &copy["instructions"]), (&json!("x (copy)"), &json!("i")));
    assert_eq!((&copy["access_mode"], &copy["version"]), (&json!("private"), &json!(1)));
    assert_eq!(copy["created_by"], caller(6).actor.user.to_string());
}
