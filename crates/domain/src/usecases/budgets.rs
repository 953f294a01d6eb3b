//! Budgets: what runs may use of models, set aside before and counted after.
//!
//! A run sets aside what it may use at most, under a lock, and gives back what it did
//! not: of many runs that begin at once for the last tokens, one is carried out.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    str::FromStr,
};

use super::{
    Caller, Deps, Error, Result,
    support::{require_scope, require_unlimited},
};
use crate::{
    AssistantId, Credential, Fault, OrganizationSettings, Scope, Timestamp, TokenId, UserId,
    budget::{Budget, BudgetPeriod, BudgetSubject, Spending, SpendingKey},
    ports::{SpendingChange, UnitOfWork},
    run::{Run, RunUsage},
};

/// Most budgets of an organization.
pub const MAX_BUDGETS: usize = 100;
/// The highest number that a budget can be: every client can read it.
pub const MAX_AMOUNT: u64 = (1 << 53) - 1;
/// From which share on a budget is told to be running out, in percent.
const WARN_AT: u64 = 80;

/// Whose budgets a run counts against, beside its organization's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetSubjects {
    /// Who asked.
    pub user: UserId,
    /// With which token, if with one.
    pub token: Option<TokenId>,
    /// The live assistant, if it is for one.
    pub assistant: Option<AssistantId>,
}

/// What the whole organization is called where things of it are told apart.
const ALL: &str = "organization";

impl BudgetSubjects {
    /// Whom a budget counts for these; `None` when it is for somebody else.
    fn counted_by(&self, budget: &Budget) -> Option<String> {
        let id = match budget.subject {
            BudgetSubject::Organization => Some(ALL.to_owned()),
            BudgetSubject::User => Some(self.user.to_string()),
            BudgetSubject::Token => self.token.map(|token| token.to_string()),
            BudgetSubject::Assistant => self.assistant.map(|assistant| assistant.to_string()),
        };
        id.filter(|id| budget.id.as_ref().is_none_or(|only| only == id))
    }
}

/// The budgets that apply, each with what its spending is noted under at `at`.
fn applying(
    settings: &OrganizationSettings,
    subjects: BudgetSubjects,
    at: Timestamp,
) -> Vec<(&Budget, SpendingKey)> {
    let key = |budget| Some((budget, key_of(budget, subjects.counted_by(budget)?, at)));
    settings.budgets.iter().filter_map(key).collect()
}

fn key_of(budget: &Budget, id: String, at: Timestamp) -> SpendingKey {
    SpendingKey { subject: budget.subject, id, period: budget.period.of(at) }
}

/// Each key once: two budgets may count the same.
fn keys_of(applying: &[(&Budget, SpendingKey)]) -> Vec<SpendingKey> {
    let keys: BTreeSet<&SpendingKey> = applying.iter().map(|(_, key)| key).collect();
    keys.into_iter().cloned().collect()
}

/// Sets tokens aside in every budget that applies.
///
/// # Errors
///
/// [`Error::BudgetExceeded`] when one of them has not so many left.
pub(crate) async fn reserve(
    deps: &Deps<'_>,
    work: &mut dyn UnitOfWork,
    settings: &OrganizationSettings,
    subjects: BudgetSubjects,
    tokens: u64,
) -> Result<()> {
    let now = deps.clock.now();
    let applying = applying(settings, subjects, now);
    let keys = keys_of(&applying);
    if keys.is_empty() {
        return Ok(());
    }
    let spent: BTreeMap<_, _> = work.spending().find(&keys).await?.into_iter().collect();
    for (budget, key) in &applying {
        if !has_room(budget, spent.get(key).copied().unwrap_or_default(), tokens) {
            let (subject, period) = (budget.subject, budget.period);
            return Err(Error::BudgetExceeded { subject, period, retry_after: rest(period, now) });
        }
    }
    let change = SpendingChange { reserved_tokens: signed(tokens), ..SpendingChange::default() };
    let changes: Vec<_> = keys.into_iter().map(|key| (key, change)).collect();
    Ok(work.spending().add(&changes).await?)
}

/// Refuses a run that is on its way to use more, when one of the budgets that apply
/// has nothing left but what the run has set aside, and it has used that.
///
/// # Errors
///
/// [`Error::BudgetExceeded`].
pub(crate) async fn require_left(
    deps: &Deps<'_>,
    (settings, run): (&OrganizationSettings, &Run),
    subjects: BudgetSubjects,
) -> Result<()> {
    // A run counts in the period in which it was asked for.
    let applying = applying(settings, subjects, run.created_at);
    if applying.is_empty() {
        return Ok(());
    }
    let keys = keys_of(&applying);
    let spent = deps.store.runs().spending(run.organization, &keys).await?;
    let spent: BTreeMap<_, _> = spent.into_iter().collect();
    let used = run.outcome.usage;
    for (budget, key) in &applying {
        let noted = spent.get(key).copied().unwrap_or_default();
        let with_this = Spending {
            tokens: noted.tokens.saturating_add(used.total_tokens()),
            cost_micros: noted.cost_micros.saturating_add(used.cost_micros.unwrap_or(0)),
            reserved_tokens: noted.reserved_tokens.saturating_sub(run.reserved_tokens),
        };
        let own_rest = run.reserved_tokens.saturating_sub(used.total_tokens());
        if !has_room(budget, with_this, own_rest.max(1)) {
            let (subject, period) = (budget.subject, budget.period);
            let retry_after = rest(period, deps.clock.now());
            return Err(Error::BudgetExceeded { subject, period, retry_after });
        }
    }
    Ok(())
}

/// Gives back what was set aside at `at`, and counts what was used instead.
pub(crate) async fn settle(
    deps: &Deps<'_>,
    work: &mut dyn UnitOfWork,
    settings: &OrganizationSettings,
    subjects: BudgetSubjects,
    (reserved, usage, at): (u64, &RunUsage, Timestamp),
) -> Result<()> {
    let _ = deps;
    let change = SpendingChange {
        tokens: signed(usage.total_tokens()),
        cost_micros: signed(usage.cost_micros.unwrap_or(0)),
        reserved_tokens: -signed(reserved),
    };
    let keys = keys_of(&applying(settings, subjects, at));
    let changes: Vec<_> = keys.into_iter().map(|key| (key, change)).collect();
    if changes.is_empty() || change == SpendingChange::default() {
        return Ok(());
    }
    Ok(work.spending().add(&changes).await?)
}

fn has_room(budget: &Budget, spending: Spending, tokens: u64) -> bool {
    let Spending { tokens: used, cost_micros, reserved_tokens } = spending;
    let asked = used.saturating_add(reserved_tokens).saturating_add(tokens);
    budget.max_tokens.is_none_or(|most| asked <= most)
        && budget.max_cost_micros.is_none_or(|most| cost_micros < most)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Seconds until the next period begins.
fn rest(period: BudgetPeriod, now: Timestamp) -> u64 {
    let today = now.as_offset_date_time().date();
    let next = match period {
        BudgetPeriod::Day => today.next_day(),
        BudgetPeriod::Month => {
            let days = today.month().length(today.year());
            today.replace_day(days).ok().and_then(time::Date::next_day)
        }
    };
    // Behind the last day of the calendar there is nothing to wait for.
    let Some(next) = next else { return 0 };
    let next = Timestamp::new(next.midnight().assume_utc());
    u64::try_from(next.since(now).whole_seconds()).unwrap_or(0).saturating_add(1)
}

/// How much of a budget is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BudgetStatus {
    /// Less than four fifths are spent.
    Ok,
    /// It is running out.
    Warning,
    /// There is nothing left.
    Exceeded,
}

impl BudgetStatus {
    /// Its word in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Exceeded => "exceeded",
        }
    }
}

/// A budget and what is spent of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpentBudget {
    /// The budget.
    pub budget: Budget,
    /// Whose spending it is; `None` for the organization.
    pub id: Option<String>,
    /// The period: `2026-11-21` or `2026-11`.
    pub period: String,
    /// What is spent and set aside.
    pub spent: Spending,
    /// How much is left.
    pub status: BudgetStatus,
}

/// The budgets of the organization with what is spent of them in their period. Of a
/// budget for each user or token one is told one's own spending, administrators as
/// well; budgets that name somebody else are told to administrators only.
///
/// # Errors
///
/// [`Error::Forbidden`] for tokens that do not cover it.
pub async fn list_spent(deps: Deps<'_>, caller: &Caller) -> Result<Vec<SpentBudget>> {
    require_unlimited(&caller.actor)?;
    require_scope(&caller.actor, Scope::Read)?;
    let now = deps.clock.now();
    let organization = deps.store.directory().organization(caller.tenant()).await?;
    let settings = organization.ok_or(Error::NotFound("organization"))?.settings;
    let told: Vec<(&Budget, SpendingKey)> = settings
        .budgets
        .iter()
        .filter_map(|budget| Some((budget, key_of(budget, told_to(caller, budget)?, now))))
        .collect();
    let keys = keys_of(&told);
    let spent = deps.store.runs().spending(caller.tenant(), &keys).await?;
    let spent: BTreeMap<_, _> = spent.into_iter().collect();
    let row = |(budget, key): (&Budget, SpendingKey)| {
        let spent = spent.get(&key).copied().unwrap_or_default();
        SpentBudget {
            budget: budget.clone(),
            id: Some(key.id).filter(|_| budget.subject != BudgetSubject::Organization),
            period: key.period,
            spent,
            status: status(budget, spent),
        }
    };
    Ok(told.into_iter().map(row).collect())
}

/// Whose spending of a budget the caller is told, if of anybody's.
fn told_to(caller: &Caller, budget: &Budget) -> Option<String> {
    let own_token = match &caller.actor.credential {
        Credential::Token { id, .. } => Some(id.to_string()),
        Credential::Session(_) | Credential::Console => None,
    };
    let own = match budget.subject {
        BudgetSubject::Organization => return Some(ALL.to_owned()),
        BudgetSubject::User => Some(caller.actor.user.to_string()),
        BudgetSubject::Token => own_token,
        BudgetSubject::Assistant => None,
    };
    match &budget.id {
        None => own,
        Some(id) if caller.actor.role.is_admin() || own.as_ref() == Some(id) => Some(id.clone()),
        Some(_) => None,
    }
}

fn status(budget: &Budget, spent: Spending) -> BudgetStatus {
    let tokens = spent.tokens.saturating_add(spent.reserved_tokens);
    let limits = [(budget.max_tokens, tokens), (budget.max_cost_micros, spent.cost_micros)];
    let share = |(most, used): (Option<u64>, u64)| {
        let most = most?;
        Some(u128::from(used) * 100 / u128::from(most.max(1)))
    };
    match limits.into_iter().filter_map(share).max().unwrap_or(0) {
        100.. => BudgetStatus::Exceeded,
        used if used >= u128::from(WARN_AT) => BudgetStatus::Warning,
        _ => BudgetStatus::Ok,
    }
}

/// Everything that is wrong with the budgets of an organization.
pub(super) fn faults_of(budgets: &[Budget]) -> Vec<Fault> {
    let mut faults = Vec::new();
    if budgets.len() > MAX_BUDGETS {
        let message = format!("must have at most {MAX_BUDGETS} items");
        faults.push(Fault::new("/budgets", "too_many", message));
        return faults;
    }
    let mut seen = BTreeSet::new();
    for (index, budget) in budgets.iter().enumerate() {
        let at = format!("/budgets/{index}");
        if !seen.insert((budget.subject, budget.id.as_ref(), budget.period)) {
            let message = "there is another budget of the same subject, id and period";
            faults.push(Fault::new(&at, "duplicate_item", message));
        }
        if let Some(message) = id_fault(budget) {
            faults.push(Fault::new(format!("{at}/id"), "invalid", message));
        }
        let amounts = [("maxTokens", budget.max_tokens), ("maxCostMicros", budget.max_cost_micros)];
        if amounts.iter().all(|(_, amount)| amount.is_none()) {
            let message = "needs `maxTokens` or `maxCostMicros`";
            faults.push(Fault::new(&at, "required", message));
        }
        for (name, amount) in amounts {
            if amount.is_some_and(|amount| !(1..=MAX_AMOUNT).contains(&amount)) {
                let message = format!("must be 1 to {MAX_AMOUNT}");
                faults.push(Fault::new(format!("{at}/{name}"), "range", message));
            }
        }
    }
    faults
}

fn id_fault(budget: &Budget) -> Option<&'static str> {
    let id = budget.id.as_deref()?;
    let (fits, message) = match budget.subject {
        BudgetSubject::Organization => (false, "must not be given for the organization"),
        BudgetSubject::User => (names::<UserId>(id), "must be the id of a user"),
        BudgetSubject::Token => (names::<TokenId>(id), "must be the id of a token"),
        BudgetSubject::Assistant => (names::<AssistantId>(id), "must be the id of an assistant"),
    };
    (!fits).then_some(message)
}

/// Whether a text is an identifier, written as the service writes it.
fn names<T: FromStr + Display>(text: &str) -> bool {
    text.parse::<T>().is_ok_and(|id| id.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Id;

    fn budget(subject: BudgetSubject, max_tokens: Option<u64>) -> Budget {
        Budget { subject, id: None, period: BudgetPeriod::Day, max_tokens, max_cost_micros: None }
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn a_budget_counts_its_subject_and_nobody_else() {
        let id = |n| uuid::Uuid::from_u128(n);
        let subjects = BudgetSubjects {
            user: Id::from_uuid(id(1)),
            token: None,
            assistant: Some(Id::from_uuid(id(2))),
        };
        let other = Budget {
            id: Some(UserId::from_uuid(id(9)).to_string()),
            ..budget(BudgetSubject::User, Some(1))
        };
        let own = Budget { id: Some(subjects.user.to_string()), ..other.clone() };

        assert_eq!(subjects.counted_by(&other), None);
        assert_eq!(subjects.counted_by(&own), own.id);
        assert_eq!(subjects.counted_by(&budget(BudgetSubject::Token, Some(1))), None);
        assert_eq!(
            subjects.counted_by(&budget(BudgetSubject::Assistant, Some(1))),
            subjects.assistant.map(|assistant| assistant.to_string())
        );
        let alone = BudgetSubjects { assistant: None, ..subjects };
        assert_eq!(alone.counted_by(&budget(BudgetSubject::Assistant, Some(1))), None);
    }

    #[test]
    fn what_is_set_aside_counts_like_what_is_spent() {
        let budget = budget(BudgetSubject::User, Some(100));
        let spent = Spending { tokens: 40, cost_micros: 0, reserved_tokens: 40 };

        assert!(has_room(&budget, spent, 20));
        assert!(!has_room(&budget, spent, 21));
        let costly = Budget { max_tokens: None, max_cost_micros: Some(5), ..budget };
        assert!(has_room(&costly, Spending { cost_micros: 4, ..spent }, u64::MAX));
        assert!(!has_room(&costly, Spending { cost_micros: 5, ..spent }, 0));
    }

    #[test]
    fn a_budget_begins_anew_at_midnight_or_on_the_first() {
        let now = at("2026-12-31T23:59:50Z");
        assert_eq!(rest(BudgetPeriod::Day, now), 11);
        assert_eq!(rest(BudgetPeriod::Month, now), 11);
        assert_eq!(rest(BudgetPeriod::Month, at("2026-02-27T00:00:00Z")), 2 * 86_400 + 1);
    }

    #[test]
    fn a_budget_is_told_to_be_running_out_from_four_fifths_on() {
        let budget = budget(BudgetSubject::User, Some(1_000));
        let status = |tokens| status(&budget, Spending { tokens, ..Spending::default() });
        assert_eq!(status(799), BudgetStatus::Ok);
        assert_eq!(status(800), BudgetStatus::Warning);
        assert_eq!(status(999), BudgetStatus::Warning);
        assert_eq!(status(1_000), BudgetStatus::Exceeded);
    }

    #[test]
    fn budgets_have_a_subject_an_amount_and_no_twin() {
        let plain = budget(BudgetSubject::User, Some(1));
        let none = Budget { max_tokens: None, period: BudgetPeriod::Month, ..plain.clone() };
        let nothing = Budget { id: Some("usr_1".to_owned()), max_tokens: Some(0), ..plain.clone() };
        let named = Budget {
            subject: BudgetSubject::Organization,
            id: Some("org_1".to_owned()),
            ..plain.clone()
        };
        let found = faults_of(&[plain.clone(), plain, none, nothing, named]);
        let at: Vec<_> = found.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(
            at,
            ["/budgets/1", "/budgets/2", "/budgets/3/id", "/budgets/3/maxTokens", "/budgets/4/id"]
        );
    }
}
