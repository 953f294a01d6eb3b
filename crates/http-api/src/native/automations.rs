//! Streamline automations, and what became of their executions.

mod view;

use actix_web::{
    HttpResponse,
    http::{Method, header},
};
use understudy_domain::{
    AutomationId,
    usecases::automations::{self, CreateAutomation, UpdateAutomation},
};
pub(crate) use view::{AutomationView, ExecutionPage, ExecutionView};

use crate::{
    answer::{self, Answer},
    call::{Asked, Call},
    cursor,
    endpoint::Endpoint,
    fields::Fields,
    idempotency::{ShownOnce, once},
    input::{self, Input},
    openapi::{Doc, Parameter},
    problem::{Code, Problem},
};

const ALL: &str = "/api/automations";
const ONE: &str = "/api/automations/{id}";
const ROTATE: &str = "/api/automations/{id}/_rotate-secret";
const EXECUTE: &str = "/api/automations/{id}/_execute";
const EXECUTIONS: &str = "/api/automations/{id}/executions";

/// What only the server sets.
const READ_ONLY: &[&str] =
    &["id", "organizationId", "secret", "createdBy", "createdAt", "updatedAt"];
/// Most bytes of a body with an automation: its schema has 64 KiB.
const BODY: usize = 256 * 1024;

pub(super) fn endpoints() -> Vec<Endpoint> {
    let mut all = vec![
        Endpoint::new(Method::GET, ALL, list_automations, |doc: Doc| {
            doc.op("automations", "listAutomations", "List automations")
                .about("By name. For those who may make assistants; where they are is told to the roles admin and owner only.")
                .json(200, "The automations.", "AutomationList")
                .codes(&[Code::InsufficientRole, Code::AiSeatRequired])
        }),
        Endpoint::new(Method::POST, ALL, create_automation, |doc: Doc| {
            doc.op("automations", "createAutomation", "Add an automation")
                .about("At most 200. It is called by `POST` with `{\"executionId\", \"parameters\"}`, signed by the Standard Webhooks scheme; what it answers is the result. Its secret is in this answer and nowhere else: repeating the request with the same `Idempotency-Key` makes no second automation, but cannot show the secret again (`409`, `shown_once`). Needs the role admin or owner.")
                .body("AutomationCreate")
                .created("The new automation, with its secret.", "Automation")
                .codes(&[Code::LimitReached, Code::ShownOnce, Code::NameTaken, Code::ConcurrentChange, Code::InsufficientRole])
        }),
        Endpoint::new(Method::GET, ONE, read_automation, |doc: Doc| {
            doc.op("automations", "getAutomation", "Read an automation")
                .about("For those who may make assistants; where it is is told to the roles admin and owner only.")
                .tagged(200, "The automation.", "Automation")
                .codes(&[Code::NotFound, Code::InsufficientRole, Code::AiSeatRequired])
        }),
        Endpoint::new(Method::PATCH, ONE, update_automation, |doc: Doc| {
            doc.op("automations", "patchAutomation", "Change an automation")
                .about("`parameters` is replaced as a whole. Needs the role admin or owner.")
                .patch("AutomationUpdate")
                .tagged(200, "The automation as it is now.", "Automation")
                .codes(&[
                    Code::NotFound,
                    Code::NameTaken,
                    Code::ConcurrentChange,
                    Code::InsufficientRole,
                ])
        }),
        Endpoint::new(Method::DELETE, ONE, delete_automation, |doc: Doc| {
            doc.op("automations", "deleteAutomation", "Remove an automation")
                .about("With the record of its executions. Assistants that name it say so in `notices` when they run. Needs the role admin or owner.")
                .empty(204, "It is gone.")
                .conditional()
                .codes(&[Code::NotFound, Code::ConcurrentChange, Code::InsufficientRole])
        }),
    ];
    all.extend(actions());
    all
}

/// What is done with automations beside changing them.
fn actions() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::POST, ROTATE, rotate_secret, |doc: Doc| {
            doc.op("automations", "rotateAutomationSecret", "Give an automation another secret")
                .about("What is sent from now on is signed with it. It is in this answer and nowhere else. Needs the role admin or owner.")
                .optional_body("Nothing")
                .tagged(200, "The automation, with its new secret.", "Automation")
                .conditional()
                .codes(&[Code::NotFound, Code::ShownOnce, Code::ConcurrentChange, Code::InsufficientRole])
        }),
        Endpoint::new(Method::POST, EXECUTE, execute, |doc: Doc| {
            doc.op("automations", "executeAutomation", "Run an automation")
                .about("Waits for its answer, at most as long as it may take. What it does wrong is told in the execution. For those who may make assistants, with the scope `run`.")
                .body("AutomationExecute")
                .json(200, "What became of it.", "Execution")
                .codes(&[Code::NotFound, Code::InsufficientRole, Code::AiSeatRequired, Code::ConcurrentChange])
        }),
        Endpoint::new(Method::GET, EXECUTIONS, list_executions, |doc: Doc| {
            doc.op("automations", "listExecutions", "List the executions of an automation")
                .about("Newest first, those by assistants included. Needs the role admin or owner.")
                .limit_parameter()
                .query(
                    "cursor",
                    "Where the page begins: `nextCursor` of the page before.",
                    Parameter::text(),
                )
                .json(200, "A page of executions.", "ExecutionPage")
                .codes(&[Code::NotFound, Code::BadCursor, Code::InsufficientRole])
        }),
    ]
}

async fn list_automations(call: Call) -> Answer {
    let all = automations::list_automations(call.deps(), &call.caller).await?;
    let view = |automation| AutomationView::of(automation, &call.caller);
    answer::ok(&all.iter().map(view).collect::<Vec<_>>())
}

async fn create_automation(mut call: Call) -> Answer {
    let input = call.input(BODY).await?;
    once(call, input, async |call: Call, input: Input| {
        let mut fields = Fields::of(input.value)?.ignoring(READ_ONLY);
        let command = CreateAutomation {
            name: fields.required("name", Fields::text),
            description: fields.nullable("description", Fields::text).flatten(),
            url: fields.required("url", Fields::text),
            parameters: fields.nullable("parameters", Fields::object).flatten(),
            timeout_seconds: fields.count("timeoutSeconds"),
            is_active: fields.flag("isActive").unwrap_or(true),
        };
        fields.finish()?;
        let (deps, vault) = (call.deps(), &*call.state.services.vault);
        let made = automations::create_automation(deps, vault, &call.caller, command).await?;
        let (automation, secret) = made;
        let location = format!("{ALL}/{}", automation.id);
        let view = AutomationView::showing(&automation, &call.caller, &secret);
        let answer = answer::created(&location, &automations::etag(&automation), &view)?;
        Ok(shown_once(answer, &location))
    })
    .await
}

/// Keeps the secret out of what is remembered for an idempotency key.
fn shown_once(mut answer: HttpResponse, location: &str) -> HttpResponse {
    let problem = Problem::new(Code::ShownOnce).header(header::LOCATION, location);
    answer.extensions_mut().insert(ShownOnce(problem));
    answer
}

async fn read_automation(call: Call) -> Answer {
    let id = call.id("id", "automation")?;
    let found = automations::view_automation(call.deps(), &call.caller, id).await?;
    let view = AutomationView::of(&found, &call.caller);
    answer::resource(&call.request, &automations::etag(&found), &view)
}

async fn update_automation(mut call: Call) -> Answer {
    let (id, precondition) = (call.id("id", "automation")?, call.precondition()?);
    let mut fields = call.patch().await?.ignoring(READ_ONLY);
    let command = UpdateAutomation {
        name: fields.text("name"),
        description: fields.nullable("description", Fields::text),
        url: fields.text("url"),
        parameters: fields.object("parameters"),
        timeout_seconds: fields.count("timeoutSeconds"),
        is_active: fields.flag("isActive"),
        precondition,
    };
    fields.finish()?;
    let vault = &*call.state.services.vault;
    let (deps, caller) = (call.deps(), &call.caller);
    let made = automations::update_automation(deps, vault, caller, id, command).await?;
    answer::changed(&automations::etag(&made), &AutomationView::of(&made, caller))
}

async fn delete_automation(call: Call) -> Answer {
    let (id, precondition) = (call.id("id", "automation")?, call.precondition()?);
    automations::delete_automation(call.deps(), &call.caller, id, precondition).await?;
    answer::gone()
}

async fn rotate_secret(mut call: Call) -> Answer {
    let input = call.optional_input().await?;
    once(call, input, async |call: Call, input: Input| {
        Fields::of(input.value)?.finish()?;
        let (id, precondition) = (call.id("id", "automation")?, call.precondition()?);
        let (deps, vault, caller) = (call.deps(), &*call.state.services.vault, &call.caller);
        let rotated =
            automations::rotate_automation_secret(deps, vault, caller, id, precondition).await?;
        let (automation, secret) = rotated;
        let view = AutomationView::showing(&automation, &call.caller, &secret);
        let answer = answer::changed(&automations::etag(&automation), &view)?;
        Ok(shown_once(answer, &format!("{ALL}/{id}")))
    })
    .await
}

async fn execute(mut call: Call) -> Answer {
    let input = call.input(input::SMALL).await?;
    once(call, input, async |call: Call, input: Input| {
        let mut fields = Fields::of(input.value)?;
        let parameters = fields.nullable("parameters", Fields::object).flatten();
        fields.finish()?;
        let id = call.id("id", "automation")?;
        let (run, parameters) = (call.state.run_deps(), parameters.unwrap_or_default());
        let done = automations::execute_automation(run, &call.caller, id, parameters).await?;
        answer::ok(&ExecutionView::from(done))
    })
    .await
}

async fn list_executions(Asked { call, mut query }: Asked) -> Answer {
    let id: AutomationId = call.id("id", "automation")?;
    let (limit, behind) = (query.limit(), query.text("cursor"));
    query.finish()?;
    let list = cursor::list_of(&["executions", &id.to_string()]);
    let before = behind.map(|text| cursor::to_id(&list, &text)).transpose()?;
    let page = (before, limit);
    let found = automations::list_executions(call.deps(), &call.caller, id, page).await?;
    let oldest = found.executions.last().filter(|_| found.more);
    let next_cursor = oldest.map(|oldest| cursor::of_id(&list, oldest.id));
    let data = found.executions.into_iter().map(ExecutionView::from).collect();
    answer::ok(&ExecutionPage { data, next_cursor })
}
