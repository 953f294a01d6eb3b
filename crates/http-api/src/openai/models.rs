//! Models, which are the assistants that the caller may ask.

use actix_web::http::Method;
use serde::Serialize;
use understudy_domain::{
    Slug,
    assistant::view::AssistantView,
    ports::{AssistantFilter, Sort, SortKey},
    usecases::{
        assistants::{self, ListAssistants},
        versions,
    },
};
use utoipa::ToSchema;

use super::model;
use crate::{
    answer::{self, Answer},
    call::Call,
    endpoint::Endpoint,
    openapi::Doc,
    problem::{Code, Problem},
};

const ALL: &str = "/openai/v1/models";
const ONE: &str = "/openai/v1/models/{model}";

/// How many are looked up in one go.
const AT_ONCE: u32 = 200;

/// A model: an assistant that the caller may ask.
#[derive(Serialize, ToSchema)]
#[schema(as = OpenaiModel)]
pub(crate) struct ModelView {
    /// Its slug, or its id where a slug does not name it.
    #[schema(example = "support")]
    id: String,
    /// `model`.
    #[schema(value_type = String, example = "model")]
    object: &'static str,
    /// When the assistant was made, in Unix seconds.
    #[schema(example = 1_769_860_800)]
    created: i64,
    /// The organization that it belongs to.
    #[schema(example = "org_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    owned_by: String,
}

/// The models that there are for the caller.
#[derive(Serialize, ToSchema)]
#[schema(as = OpenaiModelList)]
pub(crate) struct ModelList {
    /// `list`.
    #[schema(value_type = String, example = "list")]
    object: &'static str,
    /// They, by name.
    data: Vec<ModelView>,
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, ALL, list_models, |doc: Doc| {
            doc.op("openai", "openaiListModels", "List the assistants that one may ask")
                .about("Active ones, by name; drafts never.")
                .json(200, "They, as models.", "OpenaiModelList")
                .codes(&[Code::AiSeatRequired])
        }),
        Endpoint::new(Method::GET, ONE, read_model, |doc: Doc| {
            doc.op("openai", "openaiGetModel", "Read an assistant as a model")
                .json(200, "It, as a model.", "OpenaiModel")
                .codes(&[
                    Code::AiSeatRequired,
                    Code::ApiDisabled,
                    Code::InsufficientLevel,
                    Code::NotFound,
                ])
        }),
    ]
}

/// What requests name the assistant by.
pub(super) fn name_of(view: &AssistantView) -> String {
    let assistant = &view.record.assistant;
    let slug = assistant.slug.as_ref().filter(|_| view.at_home).map(Slug::as_str);
    slug.map_or_else(|| assistant.id.to_string(), str::to_owned)
}

fn shown(view: &AssistantView, id: String) -> ModelView {
    let assistant = &view.record.assistant;
    ModelView {
        id,
        object: "model",
        created: assistant.created_at.unix_seconds(),
        owned_by: assistant.organization.to_string(),
    }
}

async fn list_models(call: Call) -> Answer {
    let mut data = Vec::new();
    let mut after = None;
    loop {
        let command = ListAssistants {
            filter: any(),
            tag: None,
            include_inactive: false,
            sort: Sort { key: SortKey::Name, descending: false },
            after,
            limit: AT_ONCE,
            count: false,
        };
        let page = assistants::list_assistants(call.deps(), &call.caller, command).await?;
        data.extend(page.rows.iter().map(|view| shown(view, name_of(view))));
        after = page.next;
        if after.is_none() {
            return answer::ok(&ModelList { object: "list", data });
        }
    }
}

/// Whatever the caller may see.
fn any() -> AssistantFilter {
    AssistantFilter {
        q: None,
        kind: None,
        owner: None,
        access_mode: None,
        model: None,
        is_active: Some(true),
        api_enabled_only: false,
        visible_in_chat_to: None,
        metadata: Vec::new(),
        only: None,
        tag: None,
        favorite_of: None,
    }
}

async fn read_model(call: Call) -> Answer {
    let name = call.segment("model", "model")?;
    let named = model::named(&call, &name).await?;
    let (deps, caller, reference) = (call.deps(), &call.caller, &named.reference);
    let view = assistants::view_assistant(deps, caller, reference).await?;
    if let Some(number) = named.version {
        versions::view_version(deps, caller, reference, number).await?;
    }
    if !view.record.authority().policy.is_active {
        return Err(Problem::new(Code::NotFound).detail("the assistant is inactive"));
    }
    answer::ok(&shown(&view, name))
}
