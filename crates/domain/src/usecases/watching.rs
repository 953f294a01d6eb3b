//! How long a judgement stands that somebody may follow something.
//!
//! Judging takes several questions to the database, and whoever follows is judged every
//! few seconds. All that a judgement rests on is written together with an event in the
//! log of an organization, so that it stands for as long as the log has no event that
//! can have changed it, and nothing has lapsed by the clock.

use time::Duration;

use super::{Caller, Deps, Result};
use crate::{EventFilter, OrganizationId, Timestamp, ports::Walk};

/// How long a judgement stands at most: against a change that somebody made to the
/// database without an event.
pub const STANDS_FOR: Duration = Duration::minutes(5);
/// How many events are looked through; of more it is supposed that one matters.
const LOOKED_THROUGH: u32 = 50;

/// Families of actions that leave everybody what they may follow.
const HARMLESS_FAMILIES: [&str; 10] = [
    "approval",
    "automation",
    "comment",
    "image",
    "memories",
    "memory",
    "provider",
    "rule",
    "tag",
    "webhook",
];
/// Further actions that do: they only add something.
const HARMLESS: [&str; 5] =
    ["assistant.created", "draft.created", "session.created", "token.created", "user.created"];

/// The organizations whose logs tell of every change to what a judgement rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grounds {
    /// That of the caller: with them, their credential, their teams, and what they
    /// follow.
    pub home: OrganizationId,
    /// That of the assistant that is asked, where it is another.
    pub elsewhere: Option<OrganizationId>,
}

impl Grounds {
    /// A judgement of what belongs to the caller's own organization.
    #[must_use]
    pub const fn at_home(caller: &Caller) -> Self {
        Self { home: caller.tenant(), elsewhere: None }
    }

    /// A judgement that also rests on something of `organization`.
    pub(super) fn with(caller: &Caller, organization: OrganizationId) -> Self {
        let elsewhere = (organization != caller.tenant()).then_some(organization);
        Self { elsewhere, ..Self::at_home(caller) }
    }
}

/// What a look at an organization's log found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Up to which event it was looked at.
    end: u64,
    /// The last event that can have changed what somebody may follow; or where the log
    /// ended when it was first looked at.
    turned: u64,
}

/// Looks at the log of an organization, behind what was looked at `before`.
///
/// # Errors
///
/// The store's.
pub async fn look(
    deps: Deps<'_>,
    organization: OrganizationId,
    before: Option<Look>,
) -> Result<Look> {
    let audit = deps.store.audit();
    let end = audit.head(organization).await?.seq;
    let Some(before) = before else { return Ok(Look { end, turned: end }) };
    if end == before.end {
        return Ok(before);
    }
    let walk = Walk::Forward(before.end);
    let rows = audit.events(organization, &EventFilter::default(), walk, LOOKED_THROUGH).await?;
    let is_next = rows.first().is_some_and(|row| row.seq == before.end + 1);
    let reached = rows.last().map_or(0, |row| row.seq);
    if !is_next || reached < end {
        return Ok(Look { end, turned: end });
    }
    let turned = rows.iter().rfind(|row| can_take_away(&row.event.action)).map(|row| row.seq);
    Ok(Look { end: reached, turned: turned.unwrap_or(before.turned) })
}

/// Whether what is recorded like this can take from somebody what they may follow. Of
/// what is not known it is supposed.
fn can_take_away(action: &str) -> bool {
    let family = action.split_once('.').map_or(action, |(family, _)| family);
    !HARMLESS_FAMILIES.contains(&family) && !HARMLESS.contains(&action)
}

/// Looks at the logs of a judgement's grounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Looks {
    /// At that of the caller's organization.
    pub home: Look,
    /// At that of the other one, if there is one.
    pub elsewhere: Option<(OrganizationId, Look)>,
}

/// A judgement that somebody may follow something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judgement {
    home: u64,
    elsewhere: Option<(OrganizationId, u64)>,
    lapses_at: Timestamp,
}

impl Judgement {
    /// One on these grounds that was made `now`, after these looks, of a caller whose
    /// credential ends by itself at `ends_at`; `None` when not all of the logs were
    /// looked at.
    #[must_use]
    pub fn new(
        grounds: Grounds,
        looks: &Looks,
        (now, ends_at): (Timestamp, Option<Timestamp>),
    ) -> Option<Self> {
        let elsewhere = looks.elsewhere.filter(|(at, _)| Some(*at) == grounds.elsewhere);
        if elsewhere.is_none() && grounds.elsewhere.is_some() {
            return None;
        }
        let elsewhere = elsewhere.map(|(at, look)| (at, look.turned));
        let longest = now.plus(STANDS_FOR);
        let lapses_at = ends_at.map_or(longest, |end| end.min(longest));
        Some(Self { home: looks.home.turned, elsewhere, lapses_at })
    }

    /// Whether it would come out the same at the time of these later looks.
    #[must_use]
    pub fn stands(&self, looks: &Looks, now: Timestamp) -> bool {
        let elsewhere = looks.elsewhere.map(|(at, look)| (at, look.turned));
        self.home == looks.home.turned
            && (self.elsewhere.is_none() || self.elsewhere == elsewhere)
            && now < self.lapses_at
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn organization(n: u128) -> OrganizationId {
        OrganizationId::from_uuid(Uuid::from_u128(n))
    }

    fn now() -> Timestamp {
        Timestamp::from_unix_micros(0).unwrap()
    }

    const fn turned(turned: u64) -> Look {
        Look { end: 9, turned }
    }

    fn at_home(at: u64) -> Looks {
        Looks { home: turned(at), elsewhere: None }
    }

    fn both(home: u64, elsewhere: u64) -> Looks {
        Looks { home: turned(home), elsewhere: Some((organization(2), turned(elsewhere))) }
    }

    #[test]
    fn a_judgement_stands_until_one_of_its_logs_turns() {
        let home = Grounds { home: organization(1), elsewhere: None };
        let abroad = Grounds { elsewhere: Some(organization(2)), ..home };
        let here = Judgement::new(home, &both(3, 5), (now(), None)).unwrap();
        let there = Judgement::new(abroad, &both(3, 5), (now(), None)).unwrap();

        assert!(here.stands(&at_home(3), now()) && here.stands(&both(3, 6), now()));
        assert!(!here.stands(&at_home(4), now()));
        assert!(there.stands(&both(3, 5), now()));
        assert!(!there.stands(&both(4, 5), now()) && !there.stands(&both(3, 6), now()));
        assert!(!there.stands(&at_home(3), now()), "the other log was not looked at");
        assert_eq!(Judgement::new(abroad, &at_home(3), (now(), None)), None);
    }

    #[test]
    fn a_judgement_lapses_by_the_clock() {
        let grounds = Grounds { home: organization(1), elsewhere: None };
        for (ends_at, lapses_at) in [
            (Some(now().plus(Duration::MINUTE)), now().plus(Duration::MINUTE)),
            (Some(now().plus(Duration::HOUR)), now().plus(STANDS_FOR)),
            (None, now().plus(STANDS_FOR)),
        ] {
            let judgement = Judgement::new(grounds, &at_home(3), (now(), ends_at)).unwrap();

            assert!(judgement.stands(&at_home(3), now()));
            assert!(judgement.stands(&at_home(3), lapses_at.plus(-Duration::SECOND)));
            assert!(!judgement.stands(&at_home(3), lapses_at));
        }
    }

    #[test]
    fn what_is_not_known_can_take_everything_away() {
        for action in ["user.updated", "assistant.updated", "something.new", "new", ""] {
            assert!(can_take_away(action), "{action:?}");
        }
        for action in ["session.created", "image.deleted", "comment.created"] {
            assert!(!can_take_away(action), "{action:?}");
        }
    }
}
