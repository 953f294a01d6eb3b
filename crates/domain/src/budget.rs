//! Budgets: how much may be used of models in a day or a month.

use serde::{Deserialize, Serialize};

use crate::{Timestamp, assistant::content::words};

words!(
    /// What a budget is for.
    BudgetSubject {
        /// The whole organization.
        Organization = "organization",
        /// A user.
        User = "user",
        /// An API token.
        Token = "token",
        /// A live assistant, with its draft.
        Assistant = "assistant",
    }
);
words!(
    /// How long a budget lasts; it begins anew at midnight UTC, monthly ones on the
    /// first of the month.
    BudgetPeriod {
        /// A day.
        Day = "day",
        /// A calendar month.
        Month = "month",
    }
);

impl BudgetPeriod {
    /// The period that `at` is in: `2026-11-21` or `2026-11`.
    #[must_use]
    pub fn of(self, at: Timestamp) -> String {
        let text = at.to_rfc3339();
        let chars = match self {
            Self::Day => 10,
            Self::Month => 7,
        };
        text.chars().take(chars).collect()
    }
}

/// How much may be used. One of the two maximums at least is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Budget {
    /// What it is for.
    pub subject: BudgetSubject,
    /// Which user, token or assistant; each of them for itself when absent. Always
    /// absent for the organization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// How long it lasts.
    pub period: BudgetPeriod,
    /// Most tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    /// Most millionths of a US dollar, by the catalogue's prices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_cost_micros: Option<u64>,
}

/// Whose spending in which period is noted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpendingKey {
    /// What kind of thing.
    pub subject: BudgetSubject,
    /// Its identifier.
    pub id: String,
    /// The period, as [`BudgetPeriod::of`] has it.
    pub period: String,
}

/// What was spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spending {
    /// Tokens that were used.
    pub tokens: u64,
    /// Millionths of a US dollar.
    pub cost_micros: u64,
    /// Tokens that runs have set aside.
    pub reserved_tokens: u64,
}
