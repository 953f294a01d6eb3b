//! What was used of providers.

use std::collections::BTreeMap;

use time::{Date, Duration, Month};

use super::{
    Caller, Deps, Error, Result,
    support::{require_scope, require_unlimited},
};
use crate::{AssistantId, Fault, Scope, Timestamp, UsageTotal, UserId, ports::UsageFilter};

/// Days that are counted when the caller does not say.
pub const USUAL_DAYS: i64 = 30;
/// Most days that are counted at once.
pub const MAX_DAYS: i64 = 366;

/// What to tell usage apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "any of them in any combination")]
pub struct UsageGroups {
    /// The day in UTC.
    pub day: bool,
    /// Who used it.
    pub user: bool,
    /// The assistant it was for.
    pub assistant: bool,
    /// The model, with its provider.
    pub model: bool,
}

impl UsageGroups {
    /// Everything.
    pub const ALL: Self = Self { day: true, user: true, assistant: true, model: true };
    /// The words of [`parse`](Self::parse).
    pub const WORDS: [&str; 4] = ["day", "user", "assistant", "model"];

    /// Reads words with commas between them; `None` for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut groups = Self { day: false, user: false, assistant: false, model: false };
        for word in text.split(',') {
            let group = match word {
                "day" => &mut groups.day,
                "user" => &mut groups.user,
                "assistant" => &mut groups.assistant,
                "model" => &mut groups.model,
                _ => return None,
            };
            if std::mem::replace(group, true) {
                return None;
            }
        }
        Some(groups)
    }
}

/// Which usage to count. Days are `YYYY-MM-DD` in UTC.
#[derive(Clone, Debug)]
pub struct ListUsage {
    /// The first day; 29 days before the last one when `None`.
    pub from: Option<String>,
    /// The last day; today when `None`.
    pub until: Option<String>,
    /// For this live assistant only.
    pub assistant: Option<AssistantId>,
    /// What to tell apart.
    pub groups: UsageGroups,
}

impl Default for ListUsage {
    fn default() -> Self {
        Self { from: None, until: None, assistant: None, groups: UsageGroups::ALL }
    }
}

/// How much was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// How often.
    pub count: u64,
    /// Images, or tokens of both kinds.
    pub quantity: u64,
    /// Tokens that models read.
    pub input_tokens: u64,
    /// Tokens that they wrote.
    pub output_tokens: u64,
    /// Millionths of a US dollar, where prices are known.
    pub cost_micros: u64,
}

impl Amount {
    /// Input work: ten tokens each, rounded up.
    #[must_use]
    pub const fn neurons(&self) -> u64 {
        self.input_tokens.div_ceil(10)
    }

    /// Output work: ten tokens each, rounded up.
    #[must_use]
    pub const fn synapses(&self) -> u64 {
        self.output_tokens.div_ceil(10)
    }

    const fn add(&mut self, total: &UsageTotal) {
        self.count = self.count.saturating_add(total.count);
        self.quantity = self.quantity.saturating_add(total.quantity);
        self.input_tokens = self.input_tokens.saturating_add(total.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(total.output_tokens);
        self.cost_micros = self.cost_micros.saturating_add(total.cost_micros);
    }
}

/// What was used of one kind; what is not told apart is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageRow {
    /// The day in UTC.
    pub day: Option<String>,
    /// Who used it.
    pub user: Option<UserId>,
    /// The assistant it was for, `Some(None)` for none.
    pub assistant: Option<Option<AssistantId>>,
    /// What was used.
    pub kind: String,
    /// The provider's kind and the model's key.
    pub model: Option<(String, String)>,
    /// How much of it.
    pub amount: Amount,
}

/// What was used in all of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageSum {
    /// What was used.
    pub kind: String,
    /// How much of it.
    pub amount: Amount,
}

/// What was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageReport {
    /// By day, user, assistant, kind, provider and model, as far as they are told
    /// apart.
    pub rows: Vec<UsageRow>,
    /// By kind.
    pub totals: Vec<UsageSum>,
}

/// What was used, told apart as asked: for administrators that of everybody, for
/// others their own.
///
/// # Errors
///
/// [`Error::Invalid`] for days that are none, or too many.
pub async fn list_usage(
    deps: Deps<'_>,
    caller: &Caller,
    command: ListUsage,
) -> Result<UsageReport> {
    require_unlimited(&caller.actor)?;
    require_scope(&caller.actor, Scope::Read)?;
    let today = deps.clock.now().as_offset_date_time().date();
    let (from, until) = days(&command, today)?;
    let user = (!caller.actor.role.is_admin()).then_some(caller.actor.user);
    let filter = UsageFilter { from: start_of(from), until: start_of(until), user };
    let mut counted = deps.store.content().usage(caller.tenant(), &filter).await?;
    if let Some(assistant) = command.assistant {
        counted.retain(|total| total.assistant == Some(assistant));
    }
    Ok(report(&counted, command.groups))
}

/// Puts together what is not told apart.
fn report(counted: &[UsageTotal], groups: UsageGroups) -> UsageReport {
    let mut rows: BTreeMap<_, Amount> = BTreeMap::new();
    let mut totals: BTreeMap<&str, Amount> = BTreeMap::new();
    for total in counted {
        let key = (
            groups.day.then_some(&total.day),
            groups.user.then_some(total.user),
            groups.assistant.then_some(total.assistant),
            &total.kind,
            groups.model.then_some((&total.provider, &total.model)),
        );
        for sum in [rows.entry(key).or_default(), totals.entry(&total.kind).or_default()] {
            sum.add(total);
        }
    }
    let row = |((day, user, assistant, kind, model), amount): (Key<'_>, Amount)| UsageRow {
        day: day.cloned(),
        user,
        assistant,
        kind: kind.clone(),
        model: model.map(|(provider, model): (&String, &String)| (provider.clone(), model.clone())),
        amount,
    };
    let sum = |(kind, amount): (&str, Amount)| UsageSum { kind: kind.to_owned(), amount };
    UsageReport {
        rows: rows.into_iter().map(row).collect(),
        totals: totals.into_iter().map(sum).collect(),
    }
}

/// By what rows are told apart, in the order in which they are listed.
type Key<'a> = (
    Option<&'a String>,
    Option<UserId>,
    Option<Option<AssistantId>>,
    &'a String,
    Option<(&'a String, &'a String)>,
);

/// The first day, and the day behind the last one.
fn days(command: &ListUsage, today: Date) -> Result<(Date, Date)> {
    let mut faults = Vec::new();
    let mut day = |name: &str, text: Option<&String>| {
        let found = parse_day(text?);
        if found.is_none() {
            faults.push(Fault::new(name, "invalid", "must be a day, as in 2026-01-31"));
        }
        found
    };
    let from = day("from", command.from.as_ref());
    let last = day("until", command.until.as_ref()).unwrap_or(today);
    if !faults.is_empty() {
        return Err(Error::Invalid(faults));
    }
    let until = last.saturating_add(Duration::DAY);
    let from = from.unwrap_or_else(|| until.saturating_sub(Duration::days(USUAL_DAYS)));
    match (until - from).whole_days() {
        ..=0 => Err(Error::invalid("from", "contradiction", "must not be after `until`")),
        1..=MAX_DAYS => Ok((from, until)),
        _ => {
            let message = format!("must be at most {MAX_DAYS} days before `until`");
            Err(Error::invalid("from", "too_many", message))
        }
    }
}

fn parse_day(text: &str) -> Option<Date> {
    let is_day = text.len() == 10
        && text.bytes().enumerate().all(|(index, byte)| match index {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    if !is_day {
        return None;
    }
    let mut parts = text.split('-');
    let year = parts.next()?.parse().ok()?;
    let month = Month::try_from(parts.next()?.parse::<u8>().ok()?).ok()?;
    Date::from_calendar_date(year, month, parts.next()?.parse().ok()?).ok()
}

fn start_of(day: Date) -> Timestamp {
    Timestamp::new(day.midnight().assume_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_real_days() {
        for text in
            ["2026-02-29", "2026-13-01", "26-01-01", "2026-1-1", "2026/01/01", "", "+026-01-01"]
        {
            assert_eq!(parse_day(text), None, "{text}");
        }
        assert_eq!(
            parse_day("2028-02-29").map(|day| day.to_string()).as_deref(),
            Some("2028-02-29")
        );
    }

    #[test]
    fn the_last_thirty_days_are_counted_unless_others_are_asked_for() {
        let today = parse_day("2026-03-01").unwrap();
        let count = |from: Option<&str>, until: Option<&str>| {
            let command = ListUsage {
                from: from.map(str::to_owned),
                until: until.map(str::to_owned),
                ..ListUsage::default()
            };
            days(&command, today).map(|(from, until)| (until - from).whole_days()).ok()
        };

        assert_eq!(count(None, None), Some(30));
        assert_eq!(count(Some("2026-03-01"), None), Some(1));
        assert_eq!(count(Some("2026-03-02"), None), None);
        assert_eq!(count(None, Some("2020-01-01")), Some(30));
        assert_eq!(count(Some("2025-03-01"), None), Some(366));
        assert_eq!(count(Some("2025-02-28"), None), None);
        assert_eq!(count(Some("9999-12-31"), Some("9999-12-31")), None);
    }

    fn used(day: &str, user: u128, assistant: Option<u128>, model: &str, count: u64) -> UsageTotal {
        let id = uuid::Uuid::from_u128;
        UsageTotal {
            day: day.to_owned(),
            user: crate::Id::from_uuid(id(user)),
            assistant: assistant.map(|number| crate::Id::from_uuid(id(number))),
            kind: "image".to_owned(),
            provider: "openai".to_owned(),
            model: model.to_owned(),
            count,
            quantity: count * 2,
            input_tokens: count * 3,
            output_tokens: count * 5,
            cost_micros: count * 7,
        }
    }

    #[test]
    fn what_is_not_told_apart_is_added_up() {
        let counted = [
            used("2026-01-01", 1, None, "a", 1),
            used("2026-01-01", 2, Some(7), "a", 10),
            used("2026-01-02", 1, Some(7), "b", 100),
        ];
        let sums = |text: &str| -> Vec<u64> {
            let groups = UsageGroups::parse(text).unwrap();
            let UsageReport { rows, totals } = report(&counted, groups);
            let Amount { count, quantity, input_tokens, output_tokens, cost_micros } =
                totals[0].amount;
            assert_eq!((totals.len(), count, quantity), (1, 111, 222));
            assert_eq!((input_tokens, output_tokens, cost_micros), (333, 555, 777));
            assert_eq!((totals[0].amount.neurons(), totals[0].amount.synapses()), (34, 56));
            rows.iter().map(|row| row.amount.count).collect()
        };

        assert_eq!(sums("day"), [11, 100]);
        assert_eq!(sums("user"), [101, 10]);
        assert_eq!(sums("assistant"), [1, 110]);
        assert_eq!(sums("model,day"), [11, 100]);
        assert_eq!(sums("day,user,assistant,model"), [1, 10, 100]);
        assert_eq!(report(&[], UsageGroups::ALL).totals, []);
    }

    #[test]
    fn groups_are_known_words_each_once() {
        for text in ["", "day,", "colour", "day,day", "Day"] {
            assert_eq!(UsageGroups::parse(text), None, "{text}");
        }
        assert_eq!(UsageGroups::parse("day,user,assistant,model"), Some(UsageGroups::ALL));
    }
}
