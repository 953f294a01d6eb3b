//! Signers of session tokens. Each case gets the signer of key 1 and another one.

use time::Duration;
use understudy_domain::{
    Timestamp,
    ports::{SessionClaims, SessionSigner},
};

use crate::sample::{id, instant};

fn claims() -> SessionClaims {
    SessionClaims { session: id(1), user: id(2), organization: id(3) }
}

fn begin() -> Timestamp {
    instant(1_000)
}

fn end() -> Timestamp {
    begin().plus(Duration::HOUR)
}

fn signed(signer: &dyn SessionSigner) -> String {
    signer.sign(&claims(), begin(), end()).unwrap().expose().clone()
}

/// A token says what was signed.
pub fn a_token_says_what_was_signed(signer: &dyn SessionSigner, _: &dyn SessionSigner) {
    let jwt = signed(signer);

    assert_eq!(signer.verify(&jwt, begin().plus(Duration::MINUTE)), Some(claims()));
}

/// A token is good until it expires, and not from then on.
pub fn a_token_expires(signer: &dyn SessionSigner, _: &dyn SessionSigner) {
    let jwt = signed(signer);
    let at = |offset: Duration| signer.verify(&jwt, end().plus(offset));

    assert_eq!(at(-Duration::MINUTE), Some(claims()));
    assert_eq!(at(Duration::MINUTE * 2), None);
    assert_eq!(at(Duration::DAY), None);
}

/// A token is no good before its time.
pub fn a_token_is_not_good_yet(signer: &dyn SessionSigner, _: &dyn SessionSigner) {
    let jwt = signed(signer);

    assert_eq!(signer.verify(&jwt, begin().plus(-Duration::HOUR)), None);
}

/// A token that another key signed is refused.
pub fn a_token_of_another_key_is_refused(signer: &dyn SessionSigner, other: &dyn SessionSigner) {
    assert_eq!(signer.verify(&signed(other), begin()), None);
    assert_eq!(other.verify(&signed(signer), begin()), None);
}

/// A token of which any character was changed is refused.
pub fn a_changed_token_is_refused(signer: &dyn SessionSigner, _: &dyn SessionSigner) {
    let jwt = signed(signer);
    let now = begin().plus(Duration::MINUTE);
    // The last character of base64 may hold bits that mean nothing.
    for (index, old) in jwt.char_indices().take(jwt.len() - 1) {
        let new = if old == 'A' { "B" } else { "A" };
        let mut changed = jwt.clone();
        changed.replace_range(index..=index, new);
        assert_eq!(signer.verify(&changed, now), None, "character {index} of {jwt}");
    }
}

/// What is no token of ours is refused.
pub fn garbage_is_refused(signer: &dyn SessionSigner, _: &dyn SessionSigner) {
    let jwt = signed(signer);
    let (head, _) = jwt.rsplit_once('.').unwrap();
    // {"alg":"none","typ":"JWT"} with claims, unsigned.
    let unsigned =
        "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJ1c3JfMSIsImV4cCI6OTk5OTk5OTk5OX0.";
    for garbage in ["", ".", "..", "a.b.c", "größe", head, &format!("{head}."), unsigned] {
        assert_eq!(signer.verify(garbage, begin()), None, "{garbage:?}");
    }
}
