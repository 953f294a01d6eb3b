//! What was used of providers.

use actix_web::http::Method;
use serde::Serialize;
use understudy_domain::{
    AssistantId, UserId,
    usecases::usage::{self, ListUsage, UsageGroups, UsageRow, UsageSum},
};
use utoipa::ToSchema;

use crate::{
    answer::{self, Answer},
    call::Asked,
    endpoint::Endpoint,
    openapi::{Doc, Parameter},
};

/// What was used of one kind. What is not told apart is not there.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Usage)]
pub(crate) struct UsageView {
    /// The day in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = Date, example = "2026-01-31")]
    day: Option<String>,
    /// Who used it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false, example = "usr_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    user_id: Option<UserId>,
    /// The assistant it was for; null when it was for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "asst_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    #[expect(clippy::option_option, reason = "not told apart, none, or one")]
    assistant_id: Option<Option<AssistantId>>,
    /// What was used: `image`.
    #[schema(example = "image")]
    kind: String,
    /// The kind of the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "openai")]
    provider: Option<String>,
    /// The model's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "dall-e-3")]
    model: Option<String>,
    /// How often.
    #[schema(example = 3)]
    count: u64,
    /// How much in all: images.
    #[schema(example = 3)]
    quantity: u64,
}

/// What was used in all of one kind.
#[derive(Serialize, ToSchema)]
#[schema(as = UsageTotal)]
pub(crate) struct TotalView {
    /// What was used: `image`.
    #[schema(example = "image")]
    kind: String,
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
    /// By day, user, assistant, kind, provider and model, as far as they are told apart.
    data: Vec<UsageView>,
    /// All of it, by kind.
    totals: Vec<TotalView>,
}

impl From<UsageRow> for UsageView {
    fn from(row: UsageRow) -> Self {
        let UsageRow { day, user, assistant, kind, model, count, quantity } = row;
        let (provider, model) = model.unzip();
        Self { day, user_id: user, assistant_id: assistant, kind, provider, model, count, quantity }
    }
}

impl From<UsageSum> for TotalView {
    fn from(sum: UsageSum) -> Self {
        let UsageSum { kind, count, quantity } = sum;
        Self { kind, count, quantity }
    }
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::new(Method::GET, "/api/usage", list_usage, |doc: Doc| {
        doc.op("usage", "listUsage", "Count what was used of models")
            .about("For the roles admin and owner that of everybody, for others their own. At most 366 days.")
            .query("from", "The first day, `YYYY-MM-DD` in UTC; 29 days before the last one when absent.", Parameter::text())
            .query("until", "The last day; today when absent.", Parameter::text())
            .query("assistant", "The id of an assistant: what was for it only.", Parameter::text())
            .query("groupBy", "What to tell apart: `day`, `user`, `assistant`, `model`, with commas between them; all when absent.", Parameter::text())
            .json(200, "What was used.", "UsageReport")
    })]
}

async fn list_usage(Asked { call, mut query }: Asked) -> Answer {
    let groups =
        format!("some of {}, each once, with commas between them", UsageGroups::WORDS.join(", "));
    let command = ListUsage {
        from: query.text("from"),
        until: query.text("until"),
        assistant: query.read("assistant", "the id of an assistant", |text| text.parse().ok()),
        groups: query.read("groupBy", &groups, UsageGroups::parse).unwrap_or(UsageGroups::ALL),
    };
    query.finish()?;
    let usage::UsageReport { rows, totals } =
        usage::list_usage(call.deps(), &call.caller, command).await?;
    answer::ok(&UsageReport {
        data: rows.into_iter().map(UsageView::from).collect(),
        totals: totals.into_iter().map(TotalView::from).collect(),
    })
}
