//! The things that paths name, made by those who may.

use reqwest::Method;
use serde_json::{Value, json};

use super::{people::Standing, world::World};
use crate::files::{FORM, file};

const MAKER: Standing = Standing::Owner;
const ADMIN: Standing = Standing::Root;

/// Makes the thing that a name in a path stands for: `prefix` is the path up to it.
pub(super) async fn make_thing(
    world: &World,
    prefix: &str,
    name: &str,
    standing: Standing,
) -> String {
    let found = match name {
        "file" | "embeddingId" | "targetId" | "skillId" | "secretId" | "principalId" | "tagId"
        | "ruleId" => of_the_assistant(world, prefix, name).await,
        "uploadId" => upload(world, standing).await,
        "approvalId" => {
            let run = prefix.trim_start_matches("/api/responses/");
            world.approval(standing, run.trim_end_matches("/approvals/")).await
        }
        "memoryId" => world.memory(standing).await,
        "itemId" => {
            let hello = json!({"items": [{"role": "user", "content": "Hello"}]});
            let items = prefix.trim_end_matches('/');
            let added = world.own(standing, Method::POST, items).json(&hello).send().await;
            added.body["first_id"].as_str().map(str::to_owned)
        }
        _ => of_the_organization(world, prefix, name, standing).await,
    };
    // Who is shut out has nothing of their own.
    found.unwrap_or_else(|| "none".to_owned())
}

async fn made(world: &World, person: Standing, path: &str, body: Value) -> Option<String> {
    let reply = world.own(person, Method::POST, path).json(&world.fill(&body)).send().await;
    reply.body["id"].as_str().map(str::to_owned)
}

async fn put(world: &World, person: Standing, path: String, body: Value) {
    let reply = world.own(person, Method::PUT, &path).json(&body).send().await;
    assert!(reply.status.is_success(), "{path}: {}", reply.body);
}

async fn user(world: &World) -> Option<String> {
    made(world, ADMIN, "/api/users", json!({"email": "@@example.com"})).await
}

async fn of_the_assistant(world: &World, prefix: &str, name: &str) -> Option<String> {
    let at = format!("/api/assistants/{}", world.this());
    match name {
        "file" => {
            let pdf = world.own(MAKER, Method::POST, &format!("{at}/files/_upload"));
            let pdf = pdf.body(FORM, file("a.pdf", b"%PDF with 1 images")).expect(201).await;
            Some(pdf.id().to_owned())
        }
        "embeddingId" => {
            let list = prefix.trim_end_matches('/');
            let list = world.own(MAKER, Method::GET, list).expect(200).await;
            list.body[0]["id"].as_str().map(str::to_owned)
        }
        "targetId" => {
            let target = json!({"targetId": world.other.as_str(), "targetType": "assistant"});
            world.own(MAKER, Method::POST, &format!("{at}/references")).json(&target).send().await;
            Some(world.other.clone())
        }
        "skillId" => {
            let skill = json!({"type": "web-search", "name": "@"});
            made(world, MAKER, &format!("{at}/skills"), skill).await
        }
        "secretId" => {
            let secret = json!({"name": "@", "value": "v"});
            made(world, MAKER, &format!("{at}/secrets"), secret).await
        }
        "principalId" => {
            let user = user(world).await.unwrap();
            put(world, MAKER, format!("{at}/shares/{user}"), json!({"accessLevel": 1})).await;
            Some(user)
        }
        "tagId" => {
            let tag = made(world, MAKER, "/api/tags", json!({"name": "@"})).await.unwrap();
            put(world, MAKER, format!("{at}/tags/{tag}"), json!({})).await;
            Some(tag)
        }
        _ => {
            let rule = json!({"name": "@", "content": "Be kind.", "isPublic": true});
            let rule = made(world, ADMIN, "/api/rules", rule).await.unwrap();
            put(world, MAKER, format!("{at}/rules/{rule}"), json!({})).await;
            Some(rule)
        }
    }
}

async fn upload(world: &World, standing: Standing) -> Option<String> {
    let upload = world.own(standing, Method::POST, "/api/uploads");
    let upload = upload.header("tus-resumable", "1.0.0").header("upload-length", "1");
    let begun = upload.send().await;
    let place = begun.header("location").rsplit('/').next().map(str::to_owned);
    place.filter(|place| !place.is_empty())
}

async fn of_the_organization(
    world: &World,
    prefix: &str,
    name: &str,
    standing: Standing,
) -> Option<String> {
    match (prefix, name) {
        (_, "entityType") => Some("organization".to_owned()),
        (_, "entityId") => {
            let organization = World::organization();
            put(world, ADMIN, format!("{prefix}{organization}"), json!({})).await;
            Some(organization)
        }
        (_, "deliveryId") => {
            let hook = prefix.trim_end_matches("/deliveries/");
            world.own(ADMIN, Method::POST, &format!("{hook}/_test")).json(&json!({})).send().await;
            Some(world.delivery(hook).await)
        }
        (_, "userId") => {
            let user = user(world).await.unwrap();
            put(world, ADMIN, format!("{prefix}{user}"), json!({"role": "member"})).await;
            Some(user)
        }
        ("/api/users/", _) => user(world).await,
        ("/api/teams/", _) => made(world, ADMIN, "/api/teams", json!({"name": "@"})).await,
        ("/api/providers/", _) => {
            let provider = json!({"name": "@", "kind": "builtin"});
            made(world, ADMIN, "/api/providers", provider).await
        }
        ("/api/rules/", _) => {
            let rule = json!({"name": "@", "content": "Be kind."});
            made(world, ADMIN, "/api/rules", rule).await
        }
        ("/api/webhooks/", _) => {
            let hook = json!({"url": "https://example.com/"});
            made(world, ADMIN, "/api/webhooks", hook).await
        }
        ("/api/automations/", _) => {
            // Nobody is asked there: it is not on the public internet.
            let automation = json!({"name": "@", "url": "https://10.0.0.1/"});
            made(world, ADMIN, "/api/automations", automation).await
        }
        ("/api/threads/", _) => made(world, standing, "/api/threads", json!({})).await,
        ("/openai/v1/conversations/", _) => {
            made(world, standing, "/openai/v1/conversations", json!({})).await
        }
        ("/openai/v1/files/", _) => upload(world, standing).await,
        ("/api/responses/" | "/openai/v1/responses/", _) => world.run(standing).await,
        ("/api/tags/", _) => made(world, MAKER, "/api/tags", json!({"name": "@"})).await,
        ("/api/comments/", _) => {
            let comments = format!("/api/assistants/{}/comments", world.this());
            made(world, MAKER, &comments, json!({"message": "Hello"})).await
        }
        ("/api/tokens/", _) => {
            made(world, standing, "/api/tokens", json!({"type": "personal"})).await
        }
        ("/api/images/", _) => world.picture(standing).await,
        ("/images/", _) => Some("none".to_owned()),
        _ => panic!("nobody knows how to make {name} behind {prefix}"),
    }
}
