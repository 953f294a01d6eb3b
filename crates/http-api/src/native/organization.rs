//! The organization and its settings.

use actix_web::http::Method;
use serde::Serialize;
use understudy_domain::{
    Organization, OrganizationId, OrganizationLimits, Timestamp,
    budget::{Budget, BudgetPeriod, BudgetSubject},
    usecases::organization::{self, LimitChanges, UpdateOrganization},
};
use utoipa::ToSchema;

use crate::{
    answer::{self, Answer},
    call::Call,
    endpoint::Endpoint,
    fields::Fields,
    openapi::Doc,
    problem::Code,
};

const ONE: &str = "/api/organization";

/// What only the server sets.
const READ_ONLY: &[&str] = &["id", "createdAt"];

/// The organization with its settings.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrganizationSettings)]
pub(crate) struct SettingsView {
    /// Its identifier.
    #[schema(value_type = String, example = "org_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    id: OrganizationId,
    /// What people call it.
    #[schema(example = "Example Ltd.")]
    name: String,
    /// The model of new assistants that name none.
    #[schema(example = "gpt-4o")]
    default_model_key: String,
    /// The providers whose models may be used; null for all.
    #[schema(example = json!(["openai", "anthropic"]))]
    allowed_providers: Option<Vec<String>>,
    /// How much there may be.
    limits: LimitsView,
    /// How much may be used of models.
    budgets: Vec<BudgetView>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T12:00:00Z")]
    created_at: Timestamp,
}

/// How much may be used of models in a day or a month.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Budget)]
pub(crate) struct BudgetView {
    /// What it is for: `organization`, `user`, `token` or `assistant`.
    #[schema(value_type = String, example = "user")]
    subject: BudgetSubject,
    /// Which user, token or assistant; null for each of them.
    #[schema(example = "usr_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    id: Option<String>,
    /// How long it lasts: `day` or `month`, in UTC.
    #[schema(value_type = String, example = "day")]
    period: BudgetPeriod,
    /// Most tokens; null for as many as one likes.
    #[schema(example = 1_000_000)]
    max_tokens: Option<u64>,
    /// Most millionths of a US dollar; null for as many as one likes.
    #[schema(example = 5_000_000)]
    max_cost_micros: Option<u64>,
}

impl From<&Budget> for BudgetView {
    fn from(budget: &Budget) -> Self {
        let Budget { subject, id, period, max_tokens, max_cost_micros } = budget.clone();
        Self { subject, id, period, max_tokens, max_cost_micros }
    }
}

/// How much an organization may have; null is as much as it likes.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OrganizationLimits)]
#[expect(clippy::struct_field_names, reason = "the names of the API")]
pub(crate) struct LimitsView {
    /// Assistants that are not deleted.
    #[schema(example = 1000)]
    max_assistants: Option<u64>,
    /// Users, disabled ones included.
    #[schema(example = 100)]
    max_users: Option<u64>,
    /// API tokens of one user.
    #[schema(example = 20)]
    max_tokens_per_user: Option<u64>,
    /// Days that a new API token lasts at most.
    #[schema(example = 90)]
    max_token_days: Option<u64>,
    /// Bytes of files, icons and pictures, each counted once.
    #[schema(example = 10_737_418_240_u64)]
    max_storage_bytes: Option<u64>,
}

impl From<OrganizationLimits> for LimitsView {
    fn from(limits: OrganizationLimits) -> Self {
        let OrganizationLimits {
            max_assistants,
            max_users,
            max_tokens_per_user,
            max_token_days,
            max_storage_bytes,
        } = limits;
        Self { max_assistants, max_users, max_tokens_per_user, max_token_days, max_storage_bytes }
    }
}

impl From<&Organization> for SettingsView {
    fn from(organization: &Organization) -> Self {
        let settings = &organization.settings;
        Self {
            id: organization.id,
            name: organization.name.clone(),
            default_model_key: settings.default_model_key.clone(),
            allowed_providers: settings.allowed_providers.clone(),
            limits: settings.limits.into(),
            budgets: settings.budgets.iter().map(BudgetView::from).collect(),
            created_at: organization.created_at,
        }
    }
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, ONE, read_organization, |doc: Doc| {
            doc.op("organization", "getOrganization", "Read the organization and its settings")
                .about("For every member.")
                .tagged(200, "The organization.", "OrganizationSettings")
        }),
        Endpoint::new(Method::PATCH, ONE, update_organization, |doc: Doc| {
            doc.op("organization", "patchOrganization", "Change the organization and its settings")
                .about("A limit that is below what there is takes nothing away; there may be no more until it fits. Needs the role admin or owner.")
                .patch("OrganizationUpdate")
                .tagged(200, "The organization as it is now.", "OrganizationSettings")
                .codes(&[Code::ConcurrentChange, Code::InsufficientRole])
        }),
    ]
}

async fn read_organization(call: Call) -> Answer {
    let found = organization::view_organization(call.deps(), &call.caller).await?;
    answer::resource(&call.request, &organization::etag(&found), &SettingsView::from(&found))
}

async fn update_organization(mut call: Call) -> Answer {
    let precondition = call.precondition()?;
    let mut fields = call.patch().await?.ignoring(READ_ONLY);
    let command = UpdateOrganization {
        name: fields.text("name"),
        default_model_key: fields.text("defaultModelKey"),
        allowed_providers: fields.nullable("allowedProviders", Fields::texts),
        limits: fields
            .nullable("limits", |fields, name| fields.inner(name, limits))
            .map_or_else(LimitChanges::default, |changes| changes.unwrap_or(NO_LIMITS)),
        budgets: fields
            .nullable("budgets", |fields, name| fields.items(name, budget))
            .map(Option::unwrap_or_default),
        precondition,
    };
    fields.finish()?;
    let made = organization::update_organization(call.deps(), &call.caller, command).await?;
    answer::changed(&organization::etag(&made), &SettingsView::from(&made))
}

fn budget(fields: &mut Fields) -> Option<Budget> {
    let (subjects, periods) = (["organization", "user", "token", "assistant"], ["day", "month"]);
    fields.require("subject");
    fields.require("period");
    let subject = fields.word("subject", &subjects, BudgetSubject::from_word);
    let period = fields.word("period", &periods, BudgetPeriod::from_word);
    let id = fields.nullable("id", Fields::text).flatten();
    let max_tokens = fields.nullable("maxTokens", Fields::whole).flatten();
    let max_cost_micros = fields.nullable("maxCostMicros", Fields::whole).flatten();
    Some(Budget { subject: subject?, id, period: period?, max_tokens, max_cost_micros })
}

/// What `null` makes of the limits.
const NO_LIMITS: LimitChanges = LimitChanges {
    max_assistants: Some(None),
    max_users: Some(None),
    max_tokens_per_user: Some(None),
    max_token_days: Some(None),
    max_storage_bytes: Some(None),
};

fn limits(fields: &mut Fields) -> LimitChanges {
    LimitChanges {
        max_assistants: fields.nullable("maxAssistants", Fields::whole),
        max_users: fields.nullable("maxUsers", Fields::whole),
        max_tokens_per_user: fields.nullable("maxTokensPerUser", Fields::whole),
        max_token_days: fields.nullable("maxTokenDays", Fields::whole),
        max_storage_bytes: fields.nullable("maxStorageBytes", Fields::whole),
    }
}
