//! Who asks, with what, and what they may do: the specification's own words
//! (assistant.md, 'who may do what'), written down a second time.

use reqwest::Method;
use understudy_domain::{Role, Scope, access::Level};

use super::operations::{Need, Operation};

/// Who somebody is to the assistant that everything is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

    const fn level(self) -> Level {
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

    const fn has(self, scope: Scope) -> bool {
        match self {
            Self::ReadOnly => matches!(scope, Scope::Read),
            Self::Scoped(own) => own as u8 == scope as u8,
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
    use Expected::{Absent, Forbidden, Success, Unauthenticated};

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
    let seatless = standing == Standing::Seatless;
    let checks = |allowed: bool| if allowed { Success } else { Forbidden };
    let seen = |allowed: bool| if allowed { Success } else { Expected::Refused };
    match operation.need {
        Need::Nothing | Need::Anyone => Success,
        Need::Known(scope) => checks(show.has(scope)),
        Need::Unlimited(scope) => checks(show.has(scope) && !show.is_limited()),
        Need::Session => match show {
            Show::Jwt | Show::Cookie | Show::CookieAlone => Success,
            _ => Expected::NoSession,
        },
        Need::Seat(scope) => checks(show.has(scope) && !seatless),
        Need::FreeSeat(scope) => checks(show.has(scope) && !seatless && !show.is_limited()),
        Need::Role(least, scope) => {
            checks(standing.role() >= least && show.has(scope) && !show.is_limited())
        }
        Need::SeatAndRole(least, scope) => {
            checks(standing.role() >= least && show.has(scope) && !show.is_limited() && !seatless)
        }
        Need::RoleAtHome(least, scope) => {
            let may = standing.role() >= least && show.has(scope) && !show.is_limited();
            match (may, standing.is_at_home()) {
                (true, true) => Success,
                (true, false) => Absent,
                (false, true) => Forbidden,
                (false, false) => Expected::Refused,
            }
        }
        Need::Deleted(scope) => {
            let may = standing.level() >= Level::Owner && show != Show::OfOther;
            match (seatless, may, show.has(scope)) {
                (true, ..) => Forbidden,
                (false, true, true) => Success,
                (false, true, false) => Forbidden,
                (false, false, _) => Expected::Refused,
            }
        }
        Need::Author(scope) => {
            let sees = standing.level() >= Level::View && show != Show::OfOther;
            match (seatless, sees, show.has(scope) && standing == Standing::Owner) {
                (true, ..) => Forbidden,
                (false, true, true) => Success,
                (false, true, false) => Forbidden,
                (false, false, _) => Expected::Refused,
            }
        }
        Need::Own(scope) => seen(show.has(scope) && !show.is_limited()),
        Need::OwnSeat(scope) => seen(show.has(scope) && !seatless),
        Need::KnownAtHome(scope) => seen(show.has(scope) && standing.is_at_home()),
        Need::HiddenAtHome(least, scope) => {
            let may = standing.role() >= least && show.has(scope) && !show.is_limited();
            seen(may && standing.is_at_home())
        }
        Need::Copy => {
            let scopes = show.has(Scope::Read) && show.has(Scope::Write);
            let may = scopes && standing.role() >= Role::Member && !show.is_limited();
            seen(may && !seatless && standing.level() >= Level::View)
        }
        Need::Level(level, scope) => {
            let may = show.has(scope);
            let sees = standing.level() >= Level::View && show != Show::OfOther;
            match (seatless, sees, may && standing.level() >= level) {
                (true, ..) => Forbidden,
                (false, true, true) => Success,
                (false, true, false) => Forbidden,
                (false, false, _) if may => Absent,
                (false, false, _) => Expected::Refused,
            }
        }
    }
}
