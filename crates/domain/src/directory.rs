//! What the organization's directory decides about a user: claims of an identity
//! provider become rank, departments and seat.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::{Department, Role, usecases::users::MAX_DEPARTMENTS};

/// How claims become what a user is here. Claims make nobody an owner.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DirectoryMapping {
    /// The claim that tells the rank, if one does.
    pub role_claim: Option<String>,
    /// Which value of it means which rank; the highest counts.
    pub roles: BTreeMap<String, Role>,
    /// The rank of those whom nothing gives one; `None` refuses them.
    pub default_role: Option<Role>,
    /// The claim that tells the departments, if one does.
    pub department_claim: Option<String>,
    /// Who may use assistants.
    pub seat: SeatRule,
}

/// Who may use assistants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeatRule {
    /// All new users, or none; an administrator decides otherwise.
    New(bool),
    /// Those whose claim is true, or has one of the values if there are some.
    Claim {
        /// The claim.
        name: String,
        /// The values.
        values: BTreeSet<String>,
    },
}

impl Default for SeatRule {
    fn default() -> Self {
        Self::New(false)
    }
}

/// What claims say about a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapped {
    /// The rank; never [`Role::Owner`].
    pub role: Told<Role>,
    /// The departments.
    pub departments: Told<BTreeSet<Department>>,
    /// Whether they may use assistants.
    pub ai_seat: Told<bool>,
}

/// A value, and whether the directory decides about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told<T> {
    /// At each log-in anew.
    Always(T),
    /// Only for new users; then it is an administrator's affair.
    First(T),
}

impl<T> Told<T> {
    /// The value of a new user.
    #[must_use]
    pub fn first(self) -> T {
        match self {
            Self::Always(value) | Self::First(value) => value,
        }
    }

    /// The value of a user who has `known` so far.
    #[must_use]
    pub fn over(self, known: T) -> T {
        match self {
            Self::Always(value) => value,
            Self::First(_) => known,
        }
    }
}

impl DirectoryMapping {
    /// The claims that decide something, which a provider should be asked for.
    #[must_use]
    pub fn claims(&self) -> BTreeSet<String> {
        let seat = match &self.seat {
            SeatRule::New(_) => None,
            SeatRule::Claim { name, .. } => Some(name),
        };
        let all = [self.role_claim.as_ref(), self.department_claim.as_ref(), seat];
        all.into_iter().flatten().cloned().collect()
    }

    /// What the claims say, or `None` when they leave somebody without a rank.
    ///
    /// A claim that decides and is not there says no: nobody keeps what the directory
    /// has taken from them.
    #[must_use]
    pub fn map(&self, claims: &Map<String, Value>) -> Option<Mapped> {
        Some(Mapped {
            role: self.role(claims)?,
            departments: self.departments(claims),
            ai_seat: self.seat(claims),
        })
    }

    fn role(&self, claims: &Map<String, Value>) -> Option<Told<Role>> {
        let may_be = |role: &Role| *role != Role::Owner;
        let default = self.default_role.filter(may_be);
        let Some(name) = &self.role_claim else { return default.map(Told::First) };
        let given = texts(claims, name);
        let known = given.iter().filter_map(|text| self.roles.get(*text)).copied();
        known.filter(may_be).max().or(default).map(Told::Always)
    }

    fn departments(&self, claims: &Map<String, Value>) -> Told<BTreeSet<Department>> {
        let Some(name) = &self.department_claim else { return Told::First(BTreeSet::new()) };
        let given = texts(claims, name);
        let known: BTreeSet<_> = given.into_iter().filter_map(Department::parse).collect();
        Told::Always(known.into_iter().take(MAX_DEPARTMENTS).collect())
    }

    fn seat(&self, claims: &Map<String, Value>) -> Told<bool> {
        match &self.seat {
            SeatRule::New(seat) => Told::First(*seat),
            SeatRule::Claim { name, values } if values.is_empty() => {
                let claim = find(claims, name);
                let is_true = claim.is_some_and(|value| *value == true || *value == "true");
                Told::Always(is_true)
            }
            SeatRule::Claim { name, values } => {
                Told::Always(texts(claims, name).into_iter().any(|text| values.contains(text)))
            }
        }
    }
}

/// A claim by its name, or by a path into claims with dots
/// (`realm_access.roles`).
#[must_use]
pub fn find<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    if let Some(value) = claims.get(name) {
        return Some(value);
    }
    let mut parts = name.split('.');
    let first = claims.get(parts.next()?)?;
    parts.try_fold(first, |value, part| value.get(part))
}

/// The texts of a claim that is one text or a list.
fn texts<'a>(claims: &'a Map<String, Value>, name: &str) -> Vec<&'a str> {
    match find(claims, name) {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => {
            Vec::new()
        }
    }
}

#[cfg(test)]
mod tests;
