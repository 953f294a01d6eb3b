//! How often log-ins and unknown credentials may be tried.

use std::{
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::{PoisonError, RwLock},
    time::{Duration, Instant},
};

use actix_web::{
    HttpResponse,
    http::header::{self, HeaderName},
};
use governor::{
    Quota, RateLimiter,
    clock::MonotonicClock,
    middleware::{NoOpMiddleware, StateInformationMiddleware},
    state::keyed::DashMapStateStore,
};
use understudy_domain::{TokenHash, UserId};

use crate::{
    answer::set_header,
    problem::{Code, Problem},
};

/// Log-ins a minute from one address.
pub(crate) const LOGINS_BY_ADDRESS: u32 = 60;
/// Log-ins a minute to one account.
pub(crate) const LOGINS_BY_ACCOUNT: u32 = 10;
/// Unknown credentials a minute from one address.
pub(crate) const UNKNOWN_BY_ADDRESS: u32 = 60;
/// Pictures a minute that one user may have drawn.
pub(crate) const IMAGES_BY_USER: u32 = 10;
/// Most keys that a limiter remembers; above it, new ones are refused.
const MOST_KEYS: usize = 100_000;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

type Governor<K> = RateLimiter<K, DashMapStateStore<K>, MonotonicClock, StateInformationMiddleware>;

/// The limits of one process.
pub(crate) struct Limits {
    logins_by_address: Limiter<IpAddr>,
    logins_by_account: Limiter<TokenHash>,
    unknown: Limiter<IpAddr>,
    images: Limiter<UserId>,
    /// Addresses that showed too many unknown credentials, until when.
    shut: RwLock<HashMap<IpAddr, Instant>>,
}

/// What is left of an allowance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowance {
    name: &'static str,
    limit: u32,
    left: u32,
}

impl Allowance {
    /// The headers that tell it, as in the IETF's draft on rate limit fields.
    pub(crate) fn headers(&self) -> [(HeaderName, String); 2] {
        let Self { name, limit, left } = self;
        let per_cell = 60_u32.div_ceil((*limit).max(1));
        [
            (RATE_LIMIT_POLICY, format!("\"{name}\";q={limit};w=60")),
            (RATE_LIMIT, format!("\"{name}\";r={left};t={per_cell}")),
        ]
    }

    /// The answer with these headers.
    pub(crate) fn told(&self, mut answer: HttpResponse) -> HttpResponse {
        for (name, value) in self.headers() {
            set_header(&mut answer, name, &value);
        }
        answer
    }
}

impl Limits {
    pub(crate) fn new() -> Self {
        Self {
            logins_by_address: Limiter::new("login-address", LOGINS_BY_ADDRESS),
            logins_by_account: Limiter::new("login-account", LOGINS_BY_ACCOUNT),
            unknown: Limiter::new("unknown-credential", UNKNOWN_BY_ADDRESS),
            images: Limiter::new("images", IMAGES_BY_USER),
            shut: RwLock::default(),
        }
    }

    /// Counts an attempt to log in, before anything is looked up.
    pub(crate) fn log_in(
        &self,
        address: Option<IpAddr>,
        account: &str,
    ) -> Result<Allowance, Problem> {
        if let Some(address) = address {
            self.logins_by_address.count(&bucket(address)).map_err(|shut| shut.problem())?;
        }
        let account = TokenHash::of(&account.trim().to_lowercase());
        self.logins_by_account.count(&account).map_err(|shut| shut.problem())
    }

    /// Counts a step of a log-in by an identity provider, who counts for the account.
    pub(crate) fn log_in_elsewhere(
        &self,
        address: Option<IpAddr>,
    ) -> Result<Option<Allowance>, Problem> {
        let counted = address.map(|address| self.logins_by_address.count(&bucket(address)));
        counted.transpose().map_err(|exceeded| exceeded.problem())
    }

    /// Counts a picture that a user wants drawn, before anybody is paid for it.
    pub(crate) fn image(&self, user: UserId) -> Result<Allowance, Problem> {
        self.images(user, NonZeroU32::MIN)
    }

    /// Counts so many pictures, all or none of them.
    pub(crate) fn images(&self, user: UserId, count: NonZeroU32) -> Result<Allowance, Problem> {
        self.images.count_many(&user, count).map_err(|exceeded| exceeded.problem())
    }

    /// Refuses an unknown credential from an address that showed too many.
    pub(crate) fn refuse_shut(&self, address: Option<IpAddr>) -> Result<(), Problem> {
        let Some(address) = address.map(bucket) else { return Ok(()) };
        let until = self.shut.read().unwrap_or_else(PoisonError::into_inner).get(&address).copied();
        match until.map(|until| until.saturating_duration_since(Instant::now())) {
            Some(wait) if !wait.is_zero() => Err(self.unknown.exceeded(wait).problem()),
            _ => Ok(()),
        }
    }

    /// Counts a credential that nobody has; the problem is how to answer.
    pub(crate) fn unknown_credential(&self, address: Option<IpAddr>) -> Option<Problem> {
        let address = address.map(bucket)?;
        let exceeded = self.unknown.count(&address).err()?;
        let now = Instant::now();
        let mut shut = self.shut.write().unwrap_or_else(PoisonError::into_inner);
        if shut.len() >= MOST_KEYS {
            shut.retain(|_, until| *until > now);
        }
        if shut.len() < MOST_KEYS {
            shut.insert(address, now + exceeded.wait);
        }
        Some(exceeded.problem())
    }
}

struct Limiter<K: Hash + Eq + Clone> {
    name: &'static str,
    per_minute: NonZeroU32,
    governor: Governor<K>,
}

/// That an allowance is used up.
struct Exceeded {
    allowance: Allowance,
    wait: Duration,
}

impl<K: Hash + Eq + Clone> Limiter<K> {
    fn new(name: &'static str, per_minute: u32) -> Self {
        let per_minute = NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_minute(per_minute);
        let states = DashMapStateStore::default();
        let governor =
            RateLimiter::<_, _, _, NoOpMiddleware<Instant>>::new(quota, states, MonotonicClock)
                .with_middleware::<StateInformationMiddleware>();
        Self { name, per_minute, governor }
    }

    fn count(&self, key: &K) -> Result<Allowance, Exceeded> {
        self.count_many(key, NonZeroU32::MIN)
    }

    fn count_many(&self, key: &K, count: NonZeroU32) -> Result<Allowance, Exceeded> {
        if self.governor.len() >= MOST_KEYS {
            self.governor.retain_recent();
            if self.governor.len() >= MOST_KEYS {
                return Err(self.exceeded(Duration::from_mins(1)));
            }
        }
        let allowance = |left| Allowance { name: self.name, limit: self.per_minute.get(), left };
        match self.governor.check_key_n(key, count) {
            // So many are never allowed at once.
            Err(_) => Err(self.exceeded(Duration::from_mins(1))),
            Ok(Ok(state)) => Ok(allowance(state.remaining_burst_capacity())),
            Ok(Err(until)) => {
                let wait = until.wait_time_from(governor::clock::Clock::now(&MonotonicClock));
                Err(Exceeded { allowance: allowance(0), wait })
            }
        }
    }

    fn exceeded(&self, wait: Duration) -> Exceeded {
        let allowance = Allowance { name: self.name, limit: self.per_minute.get(), left: 0 };
        Exceeded { allowance, wait }
    }
}

impl Exceeded {
    fn problem(&self) -> Problem {
        let seconds = self.wait.as_secs().saturating_add(1);
        let Allowance { name, limit, .. } = self.allowance;
        let detail = format!("the limit `{name}` is {limit} a minute; try again in {seconds} s");
        let problem = Problem::new(Code::TooManyRequests)
            .detail(detail)
            .header(header::RETRY_AFTER, &seconds.to_string());
        let headers = self.allowance.headers();
        headers.into_iter().fold(problem, |problem, (name, value)| problem.header(name, &value))
    }
}

/// What counts as one address: of IPv6 the network, since a host has all of it.
fn bucket(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_shut_after_its_allowance_whatever_the_address() {
        let limits = Limits::new();
        let from = |n: u8| Some(IpAddr::from([192, 0, 2, n]));
        let tries = (0..).map(|n| limits.log_in(from(n), "Ada@Example.org"));

        let allowed = tries.take_while(Result::is_ok).count();

        assert_eq!(u32::try_from(allowed).unwrap(), LOGINS_BY_ACCOUNT);
        assert!(limits.log_in(from(200), " ada@example.org ").is_err());
        assert!(limits.log_in(from(200), "bob@example.org").is_ok());
    }

    #[test]
    fn pictures_count_together_all_or_none_of_them() {
        let limits = Limits::new();
        let user = |n| understudy_domain::Id::from_uuid(uuid::Uuid::from_u128(n));
        let many = |n, count| limits.images(user(n), NonZeroU32::new(count).unwrap());

        assert!(many(1, 6).is_ok());
        assert!(many(1, 5).is_err());
        assert!(many(1, 4).is_ok());
        assert!(limits.image(user(1)).is_err());
        assert!(many(2, IMAGES_BY_USER + 1).is_err());
        assert!(many(2, IMAGES_BY_USER).is_ok());
    }

    #[test]
    fn an_ipv6_network_is_one_address() {
        let one: IpAddr = "2001:db8:1:2:3:4:5:6".parse().unwrap();
        let other: IpAddr = "2001:db8:1:2::9".parse().unwrap();

        assert_eq!(bucket(one), bucket(other));
    }

    #[test]
    fn an_address_that_shows_too_many_unknown_credentials_is_shut() {
        let limits = Limits::new();
        let address = Some(IpAddr::from([192, 0, 2, 1]));
        for _ in 0..UNKNOWN_BY_ADDRESS {
            assert!(limits.unknown_credential(address).is_none());
            assert!(limits.refuse_shut(address).is_ok());
        }

        assert!(limits.unknown_credential(address).is_some());
        assert!(limits.refuse_shut(address).is_err());
        assert!(limits.refuse_shut(Some(IpAddr::from([192, 0, 2, 2]))).is_ok());
    }
}
