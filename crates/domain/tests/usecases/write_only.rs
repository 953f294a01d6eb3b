//! Write-only values: stored sealed, shown as a mask, bound to where they go.

use serde_json::{Value, json};
use understudy_domain::{
    EventFilter, SealedValue,
    ports::{SealingKey, Store, UnitOfWork, Vault, Walk},
    usecases::versions::restore_version,
};

use crate::stage::{Stage, caller, faults, id_of, seen};

const CANARY: &str = "CNRY-secret-value";

fn server(label: &str, url: &str, authorization: &str) -> Value {
    json!({"tool_configurations": {"mcpTools": [{
        "serverLabel": label, "serverUrl": url, "authorization": authorization,
        "headers": {"X-Key": authorization},
    }]}})
}

fn with_name(mut input: Value) -> Value {
    input["name"] = "x".into();
    input
}

async fn stored(stage: &Stage, view: &understudy_domain::assistant::view::AssistantView) -> String {
    let assistant = &view.record.assistant;
    let id = assistant.content.tool_configurations.mcp_tools[0].authorization.unwrap();
    let mut work: Box<dyn UnitOfWork> = stage.store.begin(assistant.organization).await.unwrap();
    let value = work.records().find_sealed(&[id]).await.unwrap().remove(0);
    let key = work.records().newest_data_key().await.unwrap().unwrap();
    let context = assistant.organization.to_string().into_bytes();
    let key = SealingKey { id: key.id.as_uuid(), context: &context, wrapped: &key.wrapped };
    let bound =
        SealedValue::associated_data(assistant.organization, assistant.lineage(), id, &value.name);
    assert!(!String::from_utf8_lossy(&value.ciphertext).contains(CANARY));
    stage.vault.open(&key, &bound, &value.ciphertext).unwrap().expose().clone()
}

#[tokio::test]
async fn a_value_is_sealed_and_shown_as_the_mask_to_everyone() {
    let stage = Stage::set().await;
    let input = with_name(server("a", "https://a.example", CANARY));

    let made = stage.create(&caller(4), input).await.unwrap();

    let tools = &seen(&made)["tool_configurations"]["mcpTools"][0];
    assert_eq!(tools["authorization"], "********");
    assert_eq!(tools["headers"], json!({"X-Key": "********"}));
    assert!(!seen(&made).to_string().contains(CANARY));
    assert_eq!(stored(&stage, &made).await, CANARY);
}

#[tokio::test]
async fn sending_the_mask_back_keeps_the_value() {
    let stage = Stage::set().await;
    let made = stage
        .create(&caller(4), with_name(server("a", "https://a.example", CANARY)))
        .await
        .unwrap();

    let input = server("a", "https://a.example", "********");
    let put = stage.put(&caller(4), &id_of(&made), input).await.unwrap();

    assert_eq!(put.record.assistant.revision, made.record.assistant.revision);
    assert_eq!(stored(&stage, &put).await, CANARY);
}

#[tokio::test]
async fn the_mask_does_not_take_a_value_to_another_address() {
    let stage = Stage::set().await;
    let made = stage
        .create(&caller(4), with_name(server("a", "https://a.example", CANARY)))
        .await
        .unwrap();

    let input = server("a", "https://evil.example", "********");
    let refused = stage.put(&caller(4), &id_of(&made), input).await;

    assert_eq!(
        faults(refused),
        [
            "/tool_configurations/mcpTools/0/authorization",
            "/tool_configurations/mcpTools/0/headers/X-Key"
        ]
    );
}

#[tokio::test]
async fn a_value_given_in_a_draft_is_readable_after_the_commit_and_after_a_restore() {
    let stage = Stage::set().await;
    let me = caller(4);
    let made = stage.create(&me, json!({"name": "x"})).await.unwrap();
    let id = id_of(&made);
    stage.open(&me, &id).await.unwrap();
    stage.patch_draft(&me, &id, server("a", "https://a.example", CANARY)).await.unwrap();

    let committed = stage.commit(&me, &id).await.unwrap();
    assert_eq!(stored(&stage, &committed).await, CANARY);

    stage.put(&me, &id, json!({"tool_configurations": null})).await.unwrap();
    restore_version(stage.deps(), &me, &id, 2, false).await.unwrap();
    let back = stage.commit(&me, &id).await.unwrap();
    assert_eq!(stored(&stage, &back).await, CANARY);
}

#[tokio::test]
async fn those_who_may_only_read_do_not_even_see_the_names() {
    let stage = Stage::set().await;
    let mut input = with_name(server("a", "https://a.example", CANARY));
    input["access_mode"] = "organization".into();
    let made = stage.create(&caller(4), input).await.unwrap();

    let read = understudy_domain::usecases::assistants::view_assistant(
        stage.deps(),
        &caller(5),
        &id_of(&made),
    )
    .await
    .unwrap();

    let tools = &seen(&read)["tool_configurations"]["mcpTools"][0];
    assert_eq!((&tools["authorization"], &tools["headers"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn a_value_never_reaches_the_audit_log_or_a_diff() {
    let stage = Stage::set().await;
    let me = caller(4);
    let made =
        stage.create(&me, with_name(server("a", "https://a.example", CANARY))).await.unwrap();
    let id = id_of(&made);
    stage.put(&me, &id, server("a", "https://a.example", "CNRY-second")).await.unwrap();

    let (tenant, all) = (me.actor.organization, EventFilter::default());
    let events = stage.store.audit().events(tenant, &all, Walk::Backward(None), 99).await.unwrap();
    let events: Vec<_> = events.into_iter().map(|recorded| recorded.event).collect();
    let text = serde_json::to_string(&events).unwrap();

    assert!(events.len() >= 2);
    assert!(!text.contains("CNRY"), "{text}");
    assert!(!text.contains("sealed_"), "{text}");
}
