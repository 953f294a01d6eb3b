//! What was used of providers.

use time::{Date, Duration, Month};

use super::{
    Caller, Deps, Error, Result,
    support::{require_scope, require_unlimited},
};
use crate::{Fault, Scope, Timestamp, UsageTotal, ports::UsageFilter};

/// Days that are counted when the caller does not say.
pub const USUAL_DAYS: i64 = 30;
/// Most days that are counted at once.
pub const MAX_DAYS: i64 = 366;

/// Which days to count, each `YYYY-MM-DD` in UTC.
#[derive(Clone, Debug, Default)]
pub struct ListUsage {
    /// The first one; 29 days before the last one when `None`.
    pub from: Option<String>,
    /// The last one; today when `None`.
    pub until: Option<String>,
}

/// What was used, by day, user, assistant, kind, provider and model: for
/// administrators that of everybody, for others their own.
///
/// # Errors
///
/// [`Error::Invalid`] for days that are none, or too many.
pub async fn list_usage(
    deps: Deps<'_>,
    caller: &Caller,
    command: ListUsage,
) -> Result<Vec<UsageTotal>> {
    require_unlimited(&caller.actor)?;
    require_scope(&caller.actor, Scope::Read)?;
    let today = deps.clock.now().as_offset_date_time().date();
    let (from, until) = days(&command, today)?;
    let user = (!caller.actor.role.is_admin()).then_some(caller.actor.user);
    let filter = UsageFilter { from: start_of(from), until: start_of(until), user };
    Ok(deps.store.content().usage(caller.tenant(), &filter).await?)
}

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
            let command =
                ListUsage { from: from.map(str::to_owned), until: until.map(str::to_owned) };
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
}
