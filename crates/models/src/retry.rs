//! Asking again.

use std::time::Duration;

use understudy_domain::ports::ProviderError;

/// How often a provider is asked again at most.
pub(crate) const MOST_RETRIES: u32 = 2;
/// Who wants to be left alone for longer is not waited for.
const LONGEST_REST: u64 = 10;

/// What may be done about an answer that is none.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What is said if nothing is done.
    pub(crate) error: ProviderError,
    /// Whether asking again may help and can do no harm.
    pub(crate) is_passing: bool,
    /// Seconds after which the provider wants to be asked again, if it said.
    pub(crate) rest: Option<u64>,
}

/// Whether a status says that the same request may have better luck.
pub(crate) const fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 409 | 429 | 500..=599)
}

/// How long to wait before asking again after `tries`, `None` when not to. `luck`,
/// 0 to 1, spreads those who failed at the same time: any part of a pause that
/// doubles from try to try, on top of the rest that the provider wants.
pub(crate) fn pause(
    failure: &Failure,
    tries: u32,
    longest: Duration,
    luck: f64,
) -> Option<Duration> {
    if !failure.is_passing || tries > MOST_RETRIES {
        return None;
    }
    let rest = failure.rest.unwrap_or(0);
    if rest > LONGEST_REST {
        return None;
    }
    let doubled = longest.saturating_mul(1 << tries.saturating_sub(1).min(16));
    Some(Duration::from_secs(rest) + doubled.mul_f64(luck.clamp(0.0, 1.0)))
}

/// A number from 0 to 1. Without randomness it is the largest: waiting longer is
/// never wrong.
pub(crate) fn luck() -> f64 {
    getrandom::u32().map_or(1.0, |number| f64::from(number) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONGEST: Duration = Duration::from_millis(500);

    fn failure(status: u16, rest: Option<u64>) -> Failure {
        let error = ProviderError::Refused { status, message: String::new() };
        Failure { error, is_passing: is_passing(status), rest }
    }

    #[test]
    fn only_what_passes_is_asked_again() {
        for status in [408, 409, 429, 500, 502, 503, 504, 529] {
            assert!(pause(&failure(status, None), 1, LONGEST, 0.5).is_some(), "{status}");
        }
        for status in [400, 401, 403, 404, 413, 422, 301] {
            assert_eq!(pause(&failure(status, None), 1, LONGEST, 0.5), None, "{status}");
        }
    }

    #[test]
    fn pauses_double_and_end_after_two_retries() {
        let pauses = [1, 2, 3].map(|tries| pause(&failure(500, None), tries, LONGEST, 1.0));
        let expected = [Some(LONGEST), Some(2 * LONGEST), None];
        assert_eq!(pauses, expected);
        assert_eq!(pause(&failure(500, None), 1, LONGEST, 0.0), Some(Duration::ZERO));
    }

    #[test]
    fn a_short_rest_is_kept_and_a_long_one_is_not_waited_for() {
        let rested = pause(&failure(429, Some(10)), 1, LONGEST, 0.0);
        assert_eq!(rested, Some(Duration::from_secs(10)));
        assert_eq!(pause(&failure(429, Some(11)), 1, LONGEST, 0.0), None);
    }

    #[test]
    fn luck_is_a_part_of_one() {
        assert!((0..100).all(|_| (0.0..=1.0).contains(&luck())));
    }
}
