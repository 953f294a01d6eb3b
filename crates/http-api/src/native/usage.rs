//! What was used of providers.

use actix_web::http::Method;
use serde::Serialize;
use understudy_domain::{
    AssistantId, UserId,
    budget::{BudgetPeriod, BudgetSubject},
    usecases::{
        budgets::{self, SpentBudget},
        usage::{self, Amount, ListUsage, UsageGroups, UsageRow, UsageSum},
    },
};
use utoipa::ToSchema;

use crate::{
    answer::{self, Answer},
    call::{Asked, Call},
    endpoint::Endpoint,
    openapi::{Doc, Parameter},
};

/// How much was used.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = UsageAmount)]
pub(crate) struct AmountView {
    /// How often.
    #[schema(example = 3)]
    count: u64,
    /// How much in all: images, or tokens of both kinds.
    #[schema(example = 3)]
    quantity: u64,
    /// Tokens that models read.
    #[schema(example = 1200)]
    input_tokens: u64,
    /// Tokens that they wrote.
    #[schema(example = 300)]
    output_tokens: u64,
    /// Input work: ten tokens each, rounded up.
    #[schema(example = 120)]
    neurons: u64,
    /// Output work: ten tokens each, rounded up.
    #[schema(example = 30)]
    synapses: u64,
    /// Millionths of a US dollar, where prices are known.
    #[schema(example = 6000)]
    cost_micros: u64,
}

impl From<Amount> for AmountView {
    fn from(amount: Amount) -> Self {
        Self {
            count: amount.count,
            quantity: amount.quantity,
            input_tokens: amount.input_tokens,
            output_tokens: amount.output_tokens,
            neurons: amount.neurons(),
            synapses: amount.synapses(),
            cost_micros: amount.cost_micros,
        }
    }
}

/// What is spent of a budget.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BudgetSpending)]
pub(crate) struct SpendingView {
    /// What the budget is for: `organization`, `user`, `token` or `assistant`.
    #[schema(value_type = String, example = "user")]
    subject: BudgetSubject,
    /// Which user, token or assistant; null for the organization.
    #[schema(example = "usr_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    id: Option<String>,
    /// How long it lasts: `day` or `month`, in UTC.
    #[schema(value_type = String, example = "day")]
    period: BudgetPeriod,
    /// The day or month.
    #[schema(example = "2026-01-31")]
    current: String,
    /// Most tokens; null for as many as one likes.
    #[schema(example = 1_000_000)]
    max_tokens: Option<u64>,
    /// Most millionths of a US dollar; null for as many as one likes.
    #[schema(example = 5_000_000)]
    max_cost_micros: Option<u64>,
    /// Tokens that were used.
    #[schema(example = 12_000)]
    tokens: u64,
    /// Tokens that responses have set aside until they end.
    #[schema(example = 4_096)]
    reserved_tokens: u64,
    /// Millionths of a US dollar.
    #[schema(example = 60_000)]
    cost_micros: u64,
    /// `ok`, `warning` from four fifths on, or `exceeded`.
    #[schema(example = "ok")]
    status: &'static str,
}

impl From<SpentBudget> for SpendingView {
    fn from(spent: SpentBudget) -> Self {
        let SpentBudget { budget, id, period, spent, status } = spent;
        Self {
            subject: budget.subject,
            id,
            period: budget.period,
            current: period,
            max_tokens: budget.max_tokens,
            max_cost_micros: budget.max_cost_micros,
            tokens: spent.tokens,
            reserved_tokens: spent.reserved_tokens,
            cost_micros: spent.cost_micros,
            status: status.as_str(),
        }
    }
}

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
    /// What was used: `image`, `response`, `memory`, …
    #[schema(example = "response")]
    kind: String,
    /// The kind of the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "openai")]
    provider: Option<String>,
    /// The model's key.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "dall-e-3")]
    model: Option<String>,
    /// How much of it.
    #[serde(flatten)]
    amount: AmountView,
}

/// What was used in all of one kind.
#[derive(Serialize, ToSchema)]
#[schema(as = UsageTotal)]
pub(crate) struct TotalView {
    /// What was used: `image`, `response`, `memory`, …
    #[schema(example = "response")]
    kind: String,
    /// How much of it.
    #[serde(flatten)]
    amount: AmountView,
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
        let UsageRow { day, user, assistant, kind, model, amount } = row;
        let (provider, model) = model.unzip();
        let amount = amount.into();
        Self { day, user_id: user, assistant_id: assistant, kind, provider, model, amount }
    }
}

impl From<UsageSum> for TotalView {
    fn from(sum: UsageSum) -> Self {
        let UsageSum { kind, amount } = sum;
        Self { kind, amount: amount.into() }
    }
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    let usage = Endpoint::new(Method::GET, "/api/usage", list_usage, |doc: Doc| {
        doc.op("usage", "listUsage", "Count what was used of models")
            .about("For the roles admin and owner that of everybody, for others their own. At most 366 days.")
            .query("from", "The first day, `YYYY-MM-DD` in UTC; 29 days before the last one when absent.", Parameter::text())
            .query("until", "The last day; today when absent.", Parameter::text())
            .query("assistant", "The id of an assistant: what was for it only.", Parameter::text())
            .query("groupBy", "What to tell apart: `day`, `user`, `assistant`, `model`, with commas between them; all when absent.", Parameter::text())
            .json(200, "What was used.", "UsageReport")
    });
    let budgets = Endpoint::new(Method::GET, "/api/usage/budgets", list_budgets, |doc: Doc| {
        doc.op("usage", "listBudgets", "See what is spent of budgets")
            .about("In the period that is on. Of a budget for each user or token one is told one's own spending; budgets that name somebody else are told to the roles admin and owner only.")
            .json(200, "The budgets.", "BudgetSpendingList")
    });
    vec![usage, budgets]
}

async fn list_budgets(call: Call) -> Answer {
    let spent = budgets::list_spent(call.deps(), &call.caller).await?;
    answer::ok(&spent.into_iter().map(SpendingView::from).collect::<Vec<_>>())
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
