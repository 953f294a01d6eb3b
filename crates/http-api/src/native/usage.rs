//! What was used of providers.

use actix_web::http::Method;
use serde::Serialize;
use understudy_domain::{
    AssistantId, UsageTotal, UserId,
    usecases::usage::{self, ListUsage},
};
use utoipa::ToSchema;

use crate::{
    answer::{self, Answer},
    call::Asked,
    endpoint::Endpoint,
    openapi::{Doc, Parameter},
};

/// What one user used of one model for one assistant on one day.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Usage)]
pub(crate) struct UsageView {
    /// The day in UTC.
    #[schema(format = Date, example = "2026-01-31")]
    day: String,
    /// Who used it.
    #[schema(value_type = String, example = "usr_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    user_id: UserId,
    /// The assistant it was for; null when it was for none.
    #[schema(value_type = Option<String>, example = "asst_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    assistant_id: Option<AssistantId>,
    /// What was used: `image`.
    #[schema(example = "image")]
    kind: String,
    /// The kind of the provider.
    #[schema(example = "openai")]
    provider: String,
    /// The model's key.
    #[schema(example = "dall-e-3")]
    model: String,
    /// How often.
    #[schema(example = 3)]
    count: u64,
    /// How much in all: images.
    #[schema(example = 3)]
    quantity: u64,
}

/// What was used.
#[derive(Serialize, ToSchema)]
pub(crate) struct UsageReport {
    /// By day, user, assistant, kind, provider and model.
    data: Vec<UsageView>,
}

impl From<UsageTotal> for UsageView {
    fn from(total: UsageTotal) -> Self {
        let UsageTotal { day, user, assistant, kind, provider, model, count, quantity } = total;
        Self { day, user_id: user, assistant_id: assistant, kind, provider, model, count, quantity }
    }
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::new(Method::GET, "/api/usage", list_usage, |doc: Doc| {
        doc.op("usage", "listUsage", "Count what was used of models")
            .about("For the roles admin and owner that of everybody, for others their own. At most 366 days.")
            .query("from", "The first day, `YYYY-MM-DD` in UTC; 29 days before the last one when absent.", Parameter::text())
            .query("until", "The last day; today when absent.", Parameter::text())
            .json(200, "What was used.", "UsageReport")
    })]
}

async fn list_usage(Asked { call, mut query }: Asked) -> Answer {
    let command = ListUsage { from: query.text("from"), until: query.text("until") };
    query.finish()?;
    let totals = usage::list_usage(call.deps(), &call.caller, command).await?;
    answer::ok(&UsageReport { data: totals.into_iter().map(UsageView::from).collect() })
}
