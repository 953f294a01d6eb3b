//! Skills of assistants.

use actix_web::http::Method;
use serde::Serialize;
use serde_json::{Map, Value};
use understudy_domain::{
    AssistantId, SkillId, Timestamp, UserId,
    assistant::content::{Skill, SkillType},
    usecases::skills::{self, NewSkill, SkillChange, SkillView as Seen},
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

const ALL: &str = "/api/assistants/{id}/skills";
const ONE: &str = "/api/assistants/{id}/skills/{skillId}";
const DRIVER: &str = "/api/assistants/{id}/skills/{skillId}/driver";

/// What only the server sets.
const READ_ONLY: &[&str] = &["id", "assistantId", "dataset", "createdAt", "updatedAt", "createdBy"];

/// What skills of Informer point to and there is not here.
const FOREIGN: [&str; 5] = ["datasourceId", "reportId", "queryId", "templateId", "integrationId"];

/// Something that an assistant can do.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Skill)]
pub(crate) struct SkillView {
    /// Its identifier, the same in the draft and in every version.
    #[schema(value_type = String, example = "skl_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    id: SkillId,
    /// The assistant or draft.
    #[schema(value_type = String, example = "asst_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    assistant_id: AssistantId,
    /// `dataset-query`, `web-search`, `code-execution`, `file-analysis` or `custom`.
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "web-search")]
    kind: SkillType,
    /// Its name; as the name of a tool unique in the assistant.
    #[schema(example = "Search the web")]
    name: String,
    /// What it is for, told to the model.
    description: Option<String>,
    /// Its settings. Of a custom skill, `url`, `query`, `headers` and `body` are for
    /// those who may edit.
    #[schema(value_type = Object, example = json!({"maxResults": 5}))]
    data: Map<String, Value>,
    /// The dataset that is asked.
    dataset_id: Option<String>,
    /// What is known of the dataset.
    #[schema(value_type = Option<Object>)]
    dataset: Option<Value>,
    /// Whether the model is offered it.
    enabled: bool,
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

impl From<Seen> for SkillView {
    fn from(seen: Seen) -> Self {
        let Seen { assistant, skill } = seen;
        let Skill {
            id,
            kind,
            name,
            description,
            data,
            dataset_id,
            enabled,
            created_at,
            created_by,
            updated_at,
        } = skill;
        Self {
            id,
            assistant_id: assistant,
            kind,
            name,
            description,
            data,
            dataset_id,
            dataset: None,
            enabled,
            created_at,
            updated_at,
            created_by,
        }
    }
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, ALL, list_skills, |doc: Doc| {
            doc.op("skills", "listSkills", "List the skills of an assistant or draft")
                .about("In the order in which they were added. Needs view access.")
                .json(200, "The skills.", "SkillList")
                .needs_seat()
        }),
        Endpoint::new(Method::POST, ALL, add_skill, |doc: Doc| {
            doc.op("skills", "createSkill", "Add a skill to an assistant or draft")
                .about("At most 100. What `data` holds depends on `type`. Needs edit access.")
                .body("SkillCreate")
                .created("The skill.", "Skill")
                .codes(&[Code::NameTaken, Code::LimitReached, Code::ConcurrentChange])
                .needs_seat()
        }),
        Endpoint::new(Method::GET, ONE, read_skill, |doc: Doc| {
            doc.op("skills", "getSkill", "Read a skill")
                .about("Needs view access.")
                .tagged(200, "The skill.", "Skill")
                .needs_seat()
        }),
        Endpoint::new(Method::PUT, ONE, update_skill, |doc: Doc| {
            doc.op("skills", "updateSkill", "Change a skill")
                .about("What is not named stays; `data` is replaced as a whole. Needs edit access.")
                .body("SkillUpdate")
                .tagged(200, "The skill as it is now.", "Skill")
                .codes(&[Code::NameTaken, Code::ConcurrentChange])
                .needs_seat()
        }),
        Endpoint::new(Method::DELETE, ONE, remove_skill, |doc: Doc| {
            doc.op("skills", "deleteSkill", "Remove a skill")
                .about("Versions that have it keep it. Needs edit access.")
                .empty(204, "It is gone.")
                .conditional()
                .codes(&[Code::ConcurrentChange])
                .needs_seat()
        }),
        Endpoint::new(Method::GET, DRIVER, read_driver, |doc: Doc| {
            doc.op("skills", "getSkillDriver", "Read a skill as the model sees it")
                .about("The definition of the tool, without addresses, headers and secrets. Needs view access.")
                .json(200, "The driver.", "SkillDriver")
                .needs_seat()
        }),
    ]
}

async fn list_skills(call: Call) -> Answer {
    let all = skills::list_skills(call.deps(), &call.caller, call.path("id")).await?;
    answer::ok(&all.into_iter().map(SkillView::from).collect::<Vec<_>>())
}

async fn add_skill(mut call: Call) -> Answer {
    let input = call.input(input::SMALL).await?;
    once(call, input, async |call: Call, input: Input| {
        let new = new_skill(input)?;
        let made = skills::add_skill(call.deps(), &call.caller, call.path("id"), new).await?;
        let location = format!("/api/assistants/{}/skills/{}", made.assistant, made.skill.id);
        answer::created(&location, &made.etag(), &SkillView::from(made))
    })
    .await
}

fn new_skill(input: Input) -> Result<NewSkill, Problem> {
    let mut fields = Fields::of(input.value)?.ignoring(READ_ONLY);
    fields.require("type");
    let new = NewSkill {
        kind: kind(&mut fields).unwrap_or(SkillType::Custom),
        name: fields.nullable("name", Fields::text).flatten(),
        description: fields.nullable("description", Fields::text).flatten(),
        data: fields.nullable("data", Fields::object).flatten().unwrap_or_default(),
        dataset_id: fields.nullable("datasetId", Fields::text).flatten(),
        enabled: fields.flag("enabled").unwrap_or(true),
    };
    refuse_foreign(&mut fields);
    fields.finish().map(|()| new)
}

fn kind(fields: &mut Fields) -> Option<SkillType> {
    let word = fields.text("type")?;
    let kind = SkillType::from_word(&word);
    if kind.is_none() {
        let message = "must be one of dataset-query, web-search, code-execution, file-analysis, \
                       custom";
        fields.fault("type", "enum", message);
    }
    kind
}

/// What would be kept and not heeded is refused.
fn refuse_foreign(fields: &mut Fields) {
    for name in FOREIGN {
        if fields.nullable(name, Fields::text).flatten().is_some() {
            fields.fault(name, "not_supported", "names nothing in this service");
        }
    }
}

async fn read_skill(call: Call) -> Answer {
    let id = call.id("skillId", "skill")?;
    let found = skills::view_skill(call.deps(), &call.caller, call.path("id"), id).await?;
    answer::resource(&call.request, &found.etag(), &SkillView::from(found))
}

async fn update_skill(mut call: Call) -> Answer {
    let (id, precondition) = (call.id("skillId", "skill")?, call.precondition()?);
    let mut fields = call.fields().await?.ignoring(READ_ONLY);
    let change = SkillChange {
        kind: kind(&mut fields),
        name: fields.text("name"),
        description: fields.nullable("description", Fields::text),
        data: fields.nullable("data", Fields::object).map(Option::unwrap_or_default),
        dataset_id: fields.nullable("datasetId", Fields::text),
        enabled: fields.flag("enabled"),
        precondition,
    };
    refuse_foreign(&mut fields);
    fields.finish()?;
    let (deps, caller, assistant) = (call.deps(), &call.caller, call.path("id"));
    let made = skills::update_skill(deps, caller, assistant, id, change).await?;
    answer::changed(&made.etag(), &SkillView::from(made))
}

async fn remove_skill(call: Call) -> Answer {
    let (id, precondition) = (call.id("skillId", "skill")?, call.precondition()?);
    let (deps, caller) = (call.deps(), &call.caller);
    skills::remove_skill(deps, caller, call.path("id"), id, precondition).await?;
    answer::gone()
}

async fn read_driver(call: Call) -> Answer {
    let id = call.id("skillId", "skill")?;
    answer::ok(&skills::view_driver(call.deps(), &call.caller, call.path("id"), id).await?)
}
