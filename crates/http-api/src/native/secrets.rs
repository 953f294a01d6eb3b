//! Secrets of assistants.

use actix_web::http::Method;
use serde::Serialize;
use understudy_domain::{
    AssistantId, Secret, SecretId, Timestamp, UserId,
    assistant::content::SecretEntry,
    sealed::MASK,
    usecases::secrets::{self, NewSecret, SecretChange, SecretView as Seen},
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

const ALL: &str = "/api/assistants/{id}/secrets";
const ONE: &str = "/api/assistants/{id}/secrets/{secretId}";

/// What only the server sets.
const READ_ONLY: &[&str] = &["id", "assistantId", "createdAt", "updatedAt", "createdBy"];

/// A value that skills may use and nobody reads.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Secret)]
pub(crate) struct SecretView {
    /// Its identifier, the same in the draft and in every version.
    #[schema(value_type = String, example = "sec_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    id: SecretId,
    /// The assistant or draft.
    #[schema(value_type = String, example = "asst_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    assistant_id: AssistantId,
    /// The name by which skills refer to it, as in `{{secrets.API_KEY}}`.
    #[schema(example = "API_KEY")]
    name: String,
    /// What it is for.
    description: Option<String>,
    /// `********` when there is one; null otherwise, as after a copy.
    #[schema(example = "********")]
    value: Option<&'static str>,
    /// The origins it may be sent to; none yet when empty.
    #[schema(example = json!(["https://api.example.com"]))]
    origins: Vec<String>,
    /// Whether skills may use it in the runs of other people.
    shared: bool,
    /// When it was added.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T12:00:00Z")]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T12:00:00Z")]
    updated_at: Timestamp,
    /// Who added it.
    #[schema(value_type = String, example = "usr_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    created_by: UserId,
}

impl From<Seen> for SecretView {
    fn from(seen: Seen) -> Self {
        let Seen { assistant, entry } = seen;
        let SecretEntry {
            id,
            name,
            description,
            origins,
            shared,
            value,
            created_at,
            created_by,
            updated_at,
        } = entry;
        Self {
            id,
            assistant_id: assistant,
            name,
            description,
            value: value.map(|_| MASK),
            origins,
            shared,
            created_at,
            updated_at,
            created_by,
        }
    }
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, ALL, list_secrets, |doc: Doc| {
            doc.op("secrets", "listSecrets", "List the secrets of an assistant or draft")
                .about("In the order in which they were added, values masked. Needs edit access.")
                .json(200, "The secrets.", "SecretList")
                .needs_seat()
        }),
        Endpoint::new(Method::POST, ALL, add_secret, |doc: Doc| {
            doc.op("secrets", "createSecret", "Add a secret to an assistant or draft")
                .about("At most 100. The value is sealed, bound to name and origins, and never shown again. Needs edit access.")
                .body("SecretCreate")
                .created("The secret.", "Secret")
                .codes(&[Code::NameTaken, Code::LimitReached, Code::ConcurrentChange])
                .needs_seat()
        }),
        Endpoint::new(Method::GET, ONE, read_secret, |doc: Doc| {
            doc.op("secrets", "getSecret", "Read what is said about a secret")
                .about("Its value is masked. Needs edit access.")
                .tagged(200, "The secret.", "Secret")
                .needs_seat()
        }),
        Endpoint::new(Method::PUT, ONE, update_secret, |doc: Doc| {
            doc.op("secrets", "updateSecret", "Change a secret")
                .about("What is not named stays. `********` keeps the value, null clears it. A new origin needs the value again: a secret is never sent to a place that it was not given for. Needs edit access.")
                .body("SecretUpdate")
                .tagged(200, "The secret as it is now.", "Secret")
                .codes(&[Code::NameTaken, Code::SecretInUse, Code::ConcurrentChange])
                .needs_seat()
        }),
        Endpoint::new(Method::DELETE, ONE, remove_secret, |doc: Doc| {
            doc.op("secrets", "deleteSecret", "Remove a secret")
                .about("Unless skills use it. Needs edit access.")
                .empty(204, "It is gone.")
                .conditional()
                .codes(&[Code::SecretInUse, Code::ConcurrentChange])
                .needs_seat()
        }),
    ]
}

async fn list_secrets(call: Call) -> Answer {
    let all = secrets::list_secrets(call.deps(), &call.caller, call.path("id")).await?;
    answer::ok(&all.into_iter().map(SecretView::from).collect::<Vec<_>>())
}

async fn add_secret(mut call: Call) -> Answer {
    let input = call.input(input::SMALL).await?;
    once(call, input, async |call: Call, input: Input| {
        let new = new_secret(input)?;
        let (deps, vault) = (call.deps(), &*call.state.services.vault);
        let made = secrets::add_secret(deps, vault, &call.caller, call.path("id"), new).await?;
        let location = format!("/api/assistants/{}/secrets/{}", made.assistant, made.entry.id);
        answer::created(&location, &made.etag(), &SecretView::from(made))
    })
    .await
}

fn new_secret(input: Input) -> Result<NewSecret, Problem> {
    let mut fields = Fields::of(input.value)?.ignoring(READ_ONLY);
    fields.require("value");
    let new = NewSecret {
        name: fields.required("name", Fields::text),
        value: fields.secret("value").unwrap_or_else(|| Secret::new(String::new())),
        description: fields.nullable("description", Fields::text).flatten(),
        origins: fields.texts("origins").unwrap_or_default(),
        shared: fields.flag("shared").unwrap_or(false),
    };
    fields.finish().map(|()| new)
}

async fn read_secret(call: Call) -> Answer {
    let id = call.id("secretId", "secret")?;
    let found = secrets::view_secret(call.deps(), &call.caller, call.path("id"), id).await?;
    answer::resource(&call.request, &found.etag(), &SecretView::from(found))
}

async fn update_secret(mut call: Call) -> Answer {
    let (id, precondition) = (call.id("secretId", "secret")?, call.precondition()?);
    let mut fields = call.fields().await?.ignoring(READ_ONLY);
    let change = SecretChange {
        name: fields.text("name"),
        value: fields.nullable("value", Fields::secret),
        description: fields.nullable("description", Fields::text),
        origins: fields.texts("origins"),
        shared: fields.flag("shared"),
        precondition,
    };
    fields.finish()?;
    let (deps, vault) = (call.deps(), &*call.state.services.vault);
    let (caller, assistant) = (&call.caller, call.path("id"));
    let made = secrets::update_secret(deps, vault, caller, assistant, id, change).await?;
    answer::changed(&made.etag(), &SecretView::from(made))
}

async fn remove_secret(call: Call) -> Answer {
    let (id, precondition) = (call.id("secretId", "secret")?, call.precondition()?);
    let (deps, caller) = (call.deps(), &call.caller);
    secrets::remove_secret(deps, caller, call.path("id"), id, precondition).await?;
    answer::gone()
}
