use understudy_domain::ProviderId;

use super::*;

fn provider() -> Option<ProviderId> {
    "prov_00000000000000000000000000000001".parse().ok()
}

/// A time that passes when it is told to.
#[derive(Clone, Default)]
struct Time(Arc<Mutex<Duration>>);

impl Time {
    fn advance(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

fn breakers() -> (Arc<Breakers>, Time) {
    let (start, time) = (Instant::now(), Time::default());
    let passed = time.clone();
    (Arc::new(Breakers::with_clock(move || start + *passed.0.lock().unwrap())), time)
}

fn broken() -> ProviderError {
    ProviderError::Garbled("it is no JSON".to_owned())
}

fn fail(breakers: &Arc<Breakers>, times: u32) {
    for _ in 0..times {
        breakers.admit(provider()).unwrap().failed(&broken());
    }
}

fn refusal(breakers: &Arc<Breakers>) -> String {
    breakers.admit(provider()).unwrap_err().to_string()
}

#[test]
fn who_fails_five_times_is_left_alone_for_half_a_minute() {
    let (breakers, time) = breakers();
    fail(&breakers, ENOUGH - 1);
    assert!(breakers.admit(provider()).is_ok());

    fail(&breakers, 1);
    let said = refusal(&breakers);
    assert!(said.contains("has failed several times; it is tried again in 30 s"), "{said}");
    assert!(said.contains("no JSON"), "{said}");

    time.advance(Duration::from_secs(29));
    assert!(refusal(&breakers).contains("in 1 s"));
    time.advance(Duration::from_secs(1));
    assert!(breakers.admit(provider()).is_ok());
}

#[test]
fn after_the_rest_one_may_try_and_success_lets_all_in() {
    let (breakers, time) = breakers();
    fail(&breakers, ENOUGH);
    time.advance(REST);

    let mut trial = breakers.admit(provider()).unwrap();
    assert!(breakers.admit(provider()).is_err());
    trial.began();
    let mut another = breakers.admit(provider()).unwrap();
    trial.succeeded();
    another.succeeded();

    fail(&breakers, ENOUGH - 1);
    assert!(breakers.admit(provider()).is_ok());
}

#[test]
fn a_trial_that_fails_begins_the_rest_anew() {
    let (breakers, time) = breakers();
    fail(&breakers, ENOUGH);
    time.advance(REST);
    fail(&breakers, 1);
    assert!(refusal(&breakers).contains("in 30 s"));

    // Also one that fails after it began.
    time.advance(REST);
    let mut trial = breakers.admit(provider()).unwrap();
    trial.began();
    trial.failed(&broken());
    assert!(refusal(&breakers).contains("in 30 s"));
}

#[test]
fn a_trial_that_is_given_up_leaves_its_place() {
    let (breakers, time) = breakers();
    fail(&breakers, ENOUGH);
    time.advance(REST);
    drop(breakers.admit(provider()).unwrap());
    assert!(breakers.admit(provider()).is_ok());
}

#[test]
fn only_what_is_the_providers_own_making_counts() {
    let message = String::new;
    for (error, counts) in [
        (ProviderError::Unreachable(message()), true),
        (ProviderError::TimedOut, true),
        (broken(), true),
        (ProviderError::Refused { status: 500, message: message() }, true),
        (ProviderError::Refused { status: 529, message: message() }, true),
        (ProviderError::Refused { status: 400, message: message() }, false),
        (ProviderError::Refused { status: 401, message: message() }, false),
        (ProviderError::Busy { retry_after: None, message: message() }, false),
    ] {
        let (breakers, _) = breakers();
        for _ in 0..ENOUGH {
            breakers.admit(provider()).unwrap().failed(&error);
        }
        assert_eq!(breakers.admit(provider()).is_err(), counts, "{error:?}");
    }
}

#[test]
fn a_success_in_between_starts_the_count_anew() {
    let (breakers, _) = breakers();
    fail(&breakers, ENOUGH - 1);
    breakers.admit(provider()).unwrap().succeeded();
    fail(&breakers, ENOUGH - 1);
    assert!(breakers.admit(provider()).is_ok());
}

#[test]
fn others_and_those_without_a_name_are_not_touched() {
    let (breakers, _) = breakers();
    fail(&breakers, ENOUGH);
    assert!(breakers.admit("prov_00000000000000000000000000000002".parse().ok()).is_ok());
    for _ in 0..=ENOUGH {
        breakers.admit(None).unwrap().failed(&broken());
    }
    assert!(breakers.admit(None).is_ok());

    breakers.forget(provider());
    assert!(breakers.admit(provider()).is_ok());
}
