//! Providers of models.

use actix_web::http::Method;
use serde::Serialize;
use serde_json::json;
use understudy_domain::{
    Provider, ProviderId, ProviderKind, Timestamp,
    sealed::MASK,
    usecases::providers::{self, CreateProvider, UpdateProvider},
};
use utoipa::ToSchema;

use crate::{
    answer::{self, Answer},
    call::Call,
    endpoint::Endpoint,
    fields::Fields,
    idempotency::once,
    input::{self, Input},
    openapi::Doc,
    problem::{Code, Problem},
};

const ALL: &str = "/api/providers";
const ONE: &str = "/api/providers/{id}";
const TEST: &str = "/api/providers/{id}/_test";

/// What only the server sets.
const READ_ONLY: &[&str] = &["id", "organizationId", "createdAt", "updatedAt"];

/// A configured connection to a vendor of models.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Provider)]
pub(crate) struct ProviderView {
    /// Its identifier.
    #[schema(value_type = String, example = "prov_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    id: ProviderId,
    /// What people call it; unique in the organization.
    #[schema(example = "OpenAI")]
    name: String,
    /// `openai`, `anthropic`, `openai-compatible`, `ollama`, `clipdrop` or `builtin`.
    #[schema(value_type = String, example = "openai")]
    kind: ProviderKind,
    /// Where it is; null for the vendor's own address.
    #[schema(example = "https://models.example.com/v1")]
    base_url: Option<String>,
    /// `********` when there is one; null otherwise.
    #[schema(example = "********")]
    api_key: Option<&'static str>,
    /// Keys of the models it is used for; empty for all.
    #[schema(example = json!(["gpt-image-1"]))]
    models: Vec<String>,
    /// Those with a lower number are asked first.
    #[schema(example = 0)]
    priority: i32,
    /// Whether it is used at all.
    enabled: bool,
    /// When it was added.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T12:00:00Z")]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T12:00:00Z")]
    updated_at: Timestamp,
}

impl From<&Provider> for ProviderView {
    fn from(provider: &Provider) -> Self {
        Self {
            id: provider.id,
            name: provider.name.clone(),
            kind: provider.kind,
            base_url: provider.base_url.clone(),
            api_key: provider.api_key.as_ref().map(|_| MASK),
            models: provider.models.clone(),
            priority: provider.priority,
            enabled: provider.enabled,
            created_at: provider.created_at,
            updated_at: provider.updated_at,
        }
    }
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, ALL, list_providers, |doc: Doc| {
            doc.op("providers", "listProviders", "List providers")
                .about("By priority and then by name, keys masked. Needs the role admin or owner.")
                .json(200, "The providers.", "ProviderList")
                .codes(&[Code::InsufficientRole])
        }),
        Endpoint::new(Method::POST, ALL, create_provider, |doc: Doc| {
            doc.op("providers", "createProvider", "Add a provider")
                .about("At most 50. Its key is sealed and never shown again. Needs the role admin or owner.")
                .body("ProviderCreate")
                .created("The new provider.", "Provider")
                .codes(&[Code::NameTaken, Code::LimitReached, Code::InsufficientRole])
        }),
        Endpoint::new(Method::GET, ONE, read_provider, |doc: Doc| {
            doc.op("providers", "getProvider", "Read a provider")
                .about("Its key is masked. Needs the role admin or owner.")
                .tagged(200, "The provider.", "Provider")
                .codes(&[Code::NotFound, Code::InsufficientRole])
        }),
        Endpoint::new(Method::PATCH, ONE, update_provider, |doc: Doc| {
            doc.op("providers", "patchProvider", "Change a provider")
                .about("`********` keeps the key, null clears it. A key belongs to the address that it was given for: with another `baseUrl` it must be given again. Needs the role admin or owner.")
                .patch("ProviderUpdate")
                .tagged(200, "The provider as it is now.", "Provider")
                .codes(&[Code::NotFound, Code::NameTaken, Code::ConcurrentChange, Code::InsufficientRole])
        }),
        Endpoint::new(Method::DELETE, ONE, delete_provider, |doc: Doc| {
            doc.op("providers", "deleteProvider", "Remove a provider")
                .about("With its key. Needs the role admin or owner.")
                .empty(204, "It is gone.")
                .conditional()
                .codes(&[Code::NotFound, Code::ConcurrentChange, Code::InsufficientRole])
        }),
        Endpoint::new(Method::POST, TEST, test_provider, |doc: Doc| {
            doc.op("providers", "testProvider", "Try whether a provider can be used")
                .about("Asks it for as little as shows that address and key are right. Needs the role admin or owner.")
                .optional_body("Nothing")
                .json(200, "Whether it can be used, and if not, why.", "ProviderTest")
                .codes(&[Code::NotFound, Code::InsufficientRole])
        }),
    ]
}

async fn list_providers(call: Call) -> Answer {
    let all = providers::list_providers(call.deps(), &call.caller).await?;
    answer::ok(&all.iter().map(ProviderView::from).collect::<Vec<_>>())
}

async fn create_provider(mut call: Call) -> Answer {
    let input = call.input(input::SMALL).await?;
    once(call, input, async |call: Call, input: Input| {
        let command = new_provider(input)?;
        let vault = &*call.state.services.vault;
        let made = providers::create_provider(call.deps(), vault, &call.caller, command).await?;
        let location = format!("{ALL}/{}", made.id);
        answer::created(&location, &providers::etag(&made), &ProviderView::from(&made))
    })
    .await
}

fn new_provider(input: Input) -> Result<CreateProvider, Problem> {
    let mut fields = Fields::of(input.value)?.ignoring(READ_ONLY);
    fields.require("kind");
    let command = CreateProvider {
        name: fields.required("name", Fields::text),
        kind: kind(&mut fields).unwrap_or(ProviderKind::Builtin),
        base_url: fields.nullable("baseUrl", Fields::text).flatten(),
        api_key: fields.nullable("apiKey", Fields::secret).flatten(),
        models: fields.texts("models").unwrap_or_default(),
        priority: fields.integer("priority").unwrap_or_default(),
        enabled: fields.flag("enabled").unwrap_or(true),
    };
    fields.finish().map(|()| command)
}

fn kind(fields: &mut Fields) -> Option<ProviderKind> {
    let word = fields.text("kind")?;
    let kind = ProviderKind::from_word(&word);
    if kind.is_none() {
        let message = "must be one of openai, anthropic, openai-compatible, ollama, clipdrop, \
                       builtin";
        fields.fault("kind", "enum", message);
    }
    kind
}

async fn read_provider(call: Call) -> Answer {
    let id = call.id("id", "provider")?;
    let found = providers::view_provider(call.deps(), &call.caller, id).await?;
    answer::resource(&call.request, &providers::etag(&found), &ProviderView::from(&found))
}

async fn update_provider(mut call: Call) -> Answer {
    let (id, precondition) = (call.id("id", "provider")?, call.precondition()?);
    let mut fields = call.patch().await?.ignoring(READ_ONLY);
    let command = UpdateProvider {
        name: fields.text("name"),
        kind: kind(&mut fields),
        base_url: fields.nullable("baseUrl", Fields::text),
        api_key: fields.nullable("apiKey", Fields::secret),
        models: fields.nullable("models", Fields::texts).map(Option::unwrap_or_default),
        priority: fields.integer("priority"),
        enabled: fields.flag("enabled"),
        precondition,
    };
    fields.finish()?;
    let vault = &*call.state.services.vault;
    let made = providers::update_provider(call.deps(), vault, &call.caller, id, command).await?;
    answer::changed(&providers::etag(&made), &ProviderView::from(&made))
}

async fn delete_provider(call: Call) -> Answer {
    let (id, precondition) = (call.id("id", "provider")?, call.precondition()?);
    providers::delete_provider(call.deps(), &call.caller, id, precondition).await?;
    answer::gone()
}

async fn test_provider(mut call: Call) -> Answer {
    let input = call.optional_input().await?;
    once(call, input, async |call: Call, input: Input| {
        Fields::of(input.value)?.finish()?;
        let id = call.id("id", "provider")?;
        let (vault, models) = (&*call.state.services.vault, &*call.state.services.image_model);
        let (deps, caller) = (call.deps(), &call.caller);
        match providers::test_provider(deps, vault, models, caller, id).await? {
            Ok(()) => answer::ok(&json!({"ok": true})),
            Err(said) => answer::ok(&json!({"ok": false, "detail": said.to_string()})),
        }
    })
    .await
}
