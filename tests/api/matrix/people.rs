//! Who asks, with what, and what they may do: the specification's own words
//! (assistant.md, 'who may do what'), written down a second time.

use reqwest::Method;
use understudy_domain::{Role, Scope, access::Level};

use super::operations::{Need, Operation};

/// Who somebody is to the assistant that everything is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Standing {
    /// A member of its organization whom nothing lets in.
    Colleague,
    /// Has a share of level 1, and the role `viewer`.
    Viewer,
    /// Has a share of level 2.
    Editor,
    /// Has a share of level 3.
    Manager,
    /// Made it.
    Owner,
    /// Administers the organization.
    Admin,
    /// Owns the organization.
    Root,
    /// Has a share of level 3, but no AI seat.
    Seatless,
    /// Has a share of level 3, but is shut out.
    Disabled,
    /// A member of another organization.
    Foreigner,
    /// Owns another organization.
    ForeignRoot,
}

pub(super) const PEOPLE: [Standing; 11] = [
    Standing::Colleague,
    Standing::Viewer,
    Standing::Editor,
    Standing::Manager,
    Standing::Owner,
    Standing::Admin,
    Standing::Root,
    Standing::Seatless,
    Standing::Disabled,
    Standing::Foreigner,
    Standing::ForeignRoot,
];

impl Standing {
    pub(super) fn number(self) -> u8 {
        let place = PEOPLE.iter().position(|standing| *standing == self).unwrap();
        30 + u8::try_from(place).unwrap()
    }

    pub(super) const fn role(self) -> Role {
        match self {
            Self::Viewer => Role::Viewer,
            Self::Admin => Role::Admin,
            Self::Root | Self::ForeignRoot => Role::Owner,
            _ => Role::Member,
        }
    }

    /// The number of the organization.
    pub(super) const fn organization(self) -> u32 {
        match self {
            Self::Foreigner | Self::ForeignRoot => 2,
            _ => 1,
        }
    }

    pub(super) const fn is_at_home(self) -> bool {
        self.organization() == 1
    }

    pub(super) const fn level(self) -> Level {
        match self {
            Self::Colleague | Self::Foreigner | Self::ForeignRoot => Level::None,
            Self::Viewer => Level::View,
            Self::Editor => Level::Edit,
            Self::Manager | Self::Seatless | Self::Disabled => Level::Manage,
            Self::Owner | Self::Admin | Self::Root => Level::Owner,
        }
    }
}

/// What somebody shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Show {
    /// An API token that may do all that its user may.
    Token,
    /// The same in `x-api-key`.
    ApiKey,
    /// A token that is read-only.
    ReadOnly,
    /// A token of one scope.
    Scoped(Scope),
    /// A token of the assistant that everything is about.
    OfThis,
    /// A token of another assistant.
    OfOther,
    /// A token that has ended.
    Expired,
    /// A token for another network.
    Elsewhere,
    /// A session's JWT.
    Jwt,
    /// A session's cookie, with the CSRF token.
    Cookie,
    /// A session's cookie alone.
    CookieAlone,
    /// Nothing.
    Nothing,
    /// A token that nobody has.
    Unknown,
    /// What is no credential.
    Garbage,
}

pub(super) const SHOWN: [Show; 17] = [
    Show::Token,
    Show::ApiKey,
    Show::ReadOnly,
    Show::Scoped(Scope::Read),
    Show::Scoped(Scope::Write),
    Show::Scoped(Scope::Run),
    Show::Scoped(Scope::Admin),
    Show::OfThis,
    Show::OfOther,
    Show::Expired,
    Show::Elsewhere,
    Show::Jwt,
    Show::Cookie,
    Show::CookieAlone,
    Show::Nothing,
    Show::Unknown,
    Show::Garbage,
];

impl Show {
    pub(super) fn number(self) -> u8 {
        u8::try_from(SHOWN.iter().position(|show| *show == self).unwrap()).unwrap()
    }

    fn has(self, scope: Scope) -> bool {
        match self {
            Self::ReadOnly => matches!(scope, Scope::Read),
            Self::Scoped(own) => own == scope,
            _ => true,
        }
    }

    /// Whether it is for one assistant only.
    const fn is_limited(self) -> bool {
        matches!(self, Self::OfThis | Self::OfOther)
    }
}

/// What must come of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// It is carried out.
    Success,
    /// Nobody knows who asks.
    Unauthenticated,
    /// They may not.
    Forbidden,
    /// There is nothing that they may see.
    Absent,
    /// They have no session to do it with.
    NoSession,
    /// They may not, and there is nothing that they may see: either may be told
    /// first, as both say nothing of what is there.
    Refused,
}

impl Expected {
    /// `also` are statuses that only those get who were let in.
    pub(super) fn allows(self, status: u16, also: &[u16]) -> bool {
        // What was counted before anybody was judged says nothing of anybody.
        if status == 429 && also.contains(&429) {
            return true;
        }
        match self {
            Self::Success => status < 400 || also.contains(&status),
            Self::Unauthenticated => status == 401,
            Self::Forbidden => status == 403,
            Self::Absent => status == 404,
            Self::Refused => status == 403 || status == 404,
            Self::NoSession => matches!(status, 401 | 403 | 404),
        }
    }
}

pub(super) fn expected(
    operation: &Operation,
    method: &Method,
    standing: Standing,
    show: Show,
) -> Expected {
    use Expected::{Forbidden, NoSession, Success, Unauthenticated};

    if operation.need == Need::Nothing {
        return Success;
    }
    match show {
        Show::Expired | Show::Elsewhere | Show::Nothing | Show::Unknown | Show::Garbage => {
            return Unauthenticated;
        }
        _ if standing == Standing::Disabled => return Unauthenticated,
        Show::CookieAlone if !method.is_safe() => return Forbidden,
        _ => {}
    }
    let asks = Asks { standing, show };
    match operation.need {
        Need::Nothing | Need::Anyone => Success,
        Need::Session => match show {
            Show::Jwt | Show::Cookie | Show::CookieAlone => Success,
            _ => NoSession,
        },
        Need::Known(_)
        | Need::Unlimited(_)
        | Need::Seat(_)
        | Need::FreeSeat(_)
        | Need::Role(..)
        | Need::SeatAndRole(..)
        | Need::SeatAndRoleAtHome(..)
        | Need::RoleAtHome(..) => asks.of_organization(operation.need),
        Need::HiddenAtHome(..)
        | Need::KnownAtHome(_)
        | Need::Own(_)
        | Need::OwnSeat(_)
        | Need::OwnFreeSeat(_)
        | Need::OwnAnswer(_) => asks.of_what_may_be_hidden(operation.need),
        Need::Copy
        | Need::Level(..)
        | Need::LevelWithBoth(..)
        | Need::Deleted(_)
        | Need::Author(_) => asks.of_the_assistant(operation.need),
    }
}

/// Somebody whose credential is good.
#[derive(Clone, Copy)]
struct Asks {
    standing: Standing,
    show: Show,
}

impl Asks {
    fn has(self, scope: Scope) -> bool {
        self.show.has(scope)
    }

    fn is_free(self) -> bool {
        !self.show.is_limited()
    }

    fn has_seat(self) -> bool {
        self.standing != Standing::Seatless
    }

    fn ranks(self, least: Role) -> bool {
        self.standing.role() >= least && self.is_free()
    }

    fn of_organization(self, need: Need) -> Expected {
        let allowed = match need {
            Need::Known(scope) => self.has(scope),
            Need::Unlimited(scope) => self.has(scope) && self.is_free(),
            Need::Seat(scope) => self.has(scope) && self.has_seat(),
            Need::FreeSeat(scope) => self.has(scope) && self.has_seat() && self.is_free(),
            Need::Role(least, scope) => self.has(scope) && self.ranks(least),
            Need::SeatAndRole(least, scope) => {
                self.has(scope) && self.ranks(least) && self.has_seat()
            }
            Need::RoleAtHome(least, scope) | Need::SeatAndRoleAtHome(least, scope) => {
                let has_seat = matches!(need, Need::RoleAtHome(..)) || self.has_seat();
                let may = self.has(scope) && self.ranks(least) && has_seat;
                return match (may, self.standing.is_at_home()) {
                    (true, true) => Expected::Success,
                    (true, false) => Expected::Absent,
                    (false, true) => Expected::Forbidden,
                    (false, false) => Expected::Refused,
                };
            }
            _ => false,
        };
        if allowed { Expected::Success } else { Expected::Forbidden }
    }

    fn of_what_may_be_hidden(self, need: Need) -> Expected {
        let at_home = self.standing.is_at_home();
        let shown = match need {
            Need::HiddenAtHome(least, scope) => self.has(scope) && self.ranks(least) && at_home,
            Need::KnownAtHome(scope) => self.has(scope) && at_home,
            Need::Own(scope) => self.has(scope) && self.is_free(),
            Need::OwnSeat(scope) => self.has(scope) && self.has_seat(),
            Need::OwnFreeSeat(scope) => self.has(scope) && self.has_seat() && self.is_free(),
            Need::OwnAnswer(scopes) => {
                let sees = self.standing.level() >= Level::View && self.show != Show::OfOther;
                scopes.iter().any(|scope| self.has(*scope)) && self.has_seat() && sees
            }
            _ => false,
        };
        if shown { Expected::Success } else { Expected::Refused }
    }

    fn of_the_assistant(self, need: Need) -> Expected {
        let level = self.standing.level();
        let (least_to_see, scope, may) = match need {
            Need::Level(least, scope) => (Level::View, scope, level >= least),
            Need::LevelWithBoth(least, scope, other) => {
                (Level::View, scope, level >= least && self.has(other))
            }
            Need::Author(scope) => (Level::View, scope, self.standing == Standing::Owner),
            Need::Deleted(scope) => (Level::Owner, scope, level >= Level::Owner),
            _ => {
                let makes = self.has(Scope::Write) && self.ranks(Role::Member);
                (Level::View, Scope::Read, makes)
            }
        };
        let sees = level >= least_to_see && self.show != Show::OfOther;
        if !self.has_seat() {
            return Expected::Forbidden;
        }
        match (sees, self.has(scope), may) {
            (true, true, true) => Expected::Success,
            (true, ..) => Expected::Forbidden,
            (false, true, true) => Expected::Absent,
            (false, ..) => Expected::Refused,
        }
    }
}
