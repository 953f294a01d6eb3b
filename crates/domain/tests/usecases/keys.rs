//! Changing data keys while people write.

use serde_json::json;
use understudy_domain::{
    OrganizationId, ProviderKind, SealedValue, Secret,
    ports::{SealingKey, Store, Vault, Walk},
    usecases::{
        keys::{Rotated, rotate},
        providers::{CreateProvider, create_provider},
    },
};

use crate::stage::{Stage, caller, id_of};

const VALUE: &str = "CNRY-secret-value";

fn server(value: &str) -> serde_json::Value {
    json!({"name": "x", "tool_configurations": {"mcpTools": [{
        "serverLabel": "a", "serverUrl": "https://a.example", "authorization": value,
    }]}})
}

/// Every sealed value: whether it is sealed with the newest data key, and its text.
async fn sealed(stage: &Stage, tenant: OrganizationId) -> Vec<(bool, String)> {
    let mut work = stage.store.begin(tenant).await.unwrap();
    let newest = work.records().newest_data_key().await.unwrap().unwrap();
    let context = tenant.to_string().into_bytes();
    let mut found = Vec::new();
    for value in work.keys().sealed_after(None, 1_000).await.unwrap() {
        let id = stage.vault.key_of(&value.ciphertext).unwrap();
        let key = work.keys().find(understudy_domain::Id::from_uuid(id)).await.unwrap().unwrap();
        let sealing = SealingKey { id, context: &context, wrapped: &key.wrapped };
        let SealedValue { organization, assistant, id: value_id, .. } = value;
        let bound = SealedValue::associated_data(organization, assistant, value_id, &value.name);
        let text = stage.vault.open(&sealing, &bound, &value.ciphertext).unwrap();
        found.push((id == newest.id.as_uuid(), text.expose().clone()));
    }
    found
}

#[tokio::test]
async fn everything_is_sealed_with_a_new_key_and_opens_as_before() {
    let stage = Stage::set().await;
    let tenant = caller(1).actor.organization;
    stage.create(&caller(4), server(VALUE)).await.unwrap();
    let provider = CreateProvider {
        name: "Mine".to_owned(),
        kind: ProviderKind::Openai,
        base_url: None,
        api_key: Some(Secret::new("sk-1".to_owned())),
        models: Vec::new(),
        priority: 0,
        enabled: true,
    };
    create_provider(stage.deps(), &stage.vault, &caller(1), provider).await.unwrap();
    let before = stage.store.content().providers(tenant).await.unwrap().remove(0);

    let rotated = rotate(stage.deps(), &stage.vault, tenant, true).await.unwrap();

    assert_eq!(rotated, Rotated { wrapped: 0, sealed: 2, unreadable: Vec::new() });
    assert_eq!(sealed(&stage, tenant).await, [(true, VALUE.to_owned())]);
    let after = stage.store.content().providers(tenant).await.unwrap().remove(0);
    let key = |sealed: &Option<Vec<u8>>| stage.vault.key_of(sealed.as_ref().unwrap()).unwrap();
    assert_ne!(key(&before.api_key), key(&after.api_key));
    let events = stage.store.audit();
    let events = events.events(tenant, &<_>::default(), Walk::Backward(None), 1).await.unwrap();
    assert_eq!(events[0].event.action, "keys.rotated");
    assert_eq!(events[0].event.actor, None);
}

#[tokio::test]
async fn what_people_write_meanwhile_is_kept() {
    let stage = Stage::set().await;
    let tenant = caller(1).actor.organization;
    let made = stage.create(&caller(4), server("0")).await.unwrap();
    let id = id_of(&made);
    let writing = async {
        for number in 1..20 {
            stage.put(&caller(4), &id, server(&number.to_string())).await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    let rotating = async {
        for _ in 0..5 {
            rotate(stage.deps(), &stage.vault, tenant, true).await.unwrap();
            tokio::task::yield_now().await;
        }
    };

    tokio::join!(writing, rotating);
    rotate(stage.deps(), &stage.vault, tenant, true).await.unwrap();

    let mut texts: Vec<u32> = Vec::new();
    for (newest, text) in sealed(&stage, tenant).await {
        assert!(newest, "{text} is sealed with an older key");
        texts.push(text.parse().unwrap());
    }
    texts.sort_unstable();
    assert_eq!(texts, (0..20).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_no_key_opens_is_told_and_left_alone() {
    let stage = Stage::set().await;
    let tenant = caller(1).actor.organization;
    stage.create(&caller(4), server(VALUE)).await.unwrap();
    let mut work = stage.store.begin(tenant).await.unwrap();
    let mut value = work.keys().sealed_after(None, 1).await.unwrap().remove(0);
    value.ciphertext = b"damaged".to_vec();
    work.keys().reseal(&value).await.unwrap();
    work.commit().await.unwrap();

    let rotated = rotate(stage.deps(), &stage.vault, tenant, true).await.unwrap();

    assert_eq!(rotated.unreadable, [value.id.to_string()]);
    let mut work = stage.store.begin(tenant).await.unwrap();
    assert_eq!(work.keys().sealed_after(None, 9).await.unwrap(), [value]);
}
