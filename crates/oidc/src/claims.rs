//! What a provider tells of somebody, put together.

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value};
use understudy_domain::{directory, ports::ExternalIdentity};

const EMAIL: &str = "email";
const EMAIL_VERIFIED: &str = "email_verified";

/// The claims of a token whose signature was checked.
pub(crate) fn payload(token: &str) -> Option<Map<String, Value>> {
    let bytes = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Whether the token leaves out what is wanted, so that the provider is to be asked.
pub(crate) fn lacks(claims: &Map<String, Value>, wanted: &BTreeSet<String>) -> bool {
    !claims.contains_key(EMAIL) || wanted.iter().any(|name| directory::find(claims, name).is_none())
}

/// The claims of the token, with those beside that only the provider's answer has.
///
/// That an address is verified is said of the address beside it and of no other.
pub(crate) fn merged(
    mut token: Map<String, Value>,
    mut answer: Map<String, Value>,
) -> Map<String, Value> {
    if token.contains_key(EMAIL) && token.get(EMAIL) != answer.get(EMAIL) {
        answer.remove(EMAIL_VERIFIED);
    }
    if !token.contains_key(EMAIL) {
        token.remove(EMAIL_VERIFIED);
    }
    for (name, value) in answer {
        token.entry(name).or_insert(value);
    }
    token
}

/// Somebody as their claims tell.
pub(crate) fn identity(subject: String, claims: Map<String, Value>) -> ExternalIdentity {
    let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
    let verified = claims.get(EMAIL_VERIFIED);
    ExternalIdentity {
        subject,
        email: text(EMAIL),
        email_verified: verified.is_some_and(|value| *value == true || *value == "true"),
        name: text("name"),
        claims,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        let Value::Object(map) = value else { panic!("claims are an object") };
        map
    }

    #[test]
    fn the_claims_of_the_token_count_over_those_of_the_answer() {
        let token = map(json!({"sub": "1", "name": "Ada"}));
        let answer = map(json!({"sub": "1", "name": "Eve", "email": "ada@x", "groups": ["a"]}));

        let all = merged(token, answer);

        let expected = json!({"sub": "1", "name": "Ada", "email": "ada@x", "groups": ["a"]});
        assert_eq!(Value::Object(all), expected);
    }

    #[test]
    fn one_address_is_not_verified_by_what_is_said_of_another() {
        let verified = |token: Value, answer: Value| {
            let identity = identity("1".to_owned(), merged(map(token), map(answer)));
            (identity.email.unwrap(), identity.email_verified)
        };
        let answer = json!({"email": "eve@x", "email_verified": true});

        let other = verified(json!({"email": "ada@x"}), answer.clone());
        let same = verified(json!({"email": "eve@x"}), answer);
        let left_over = verified(json!({"email_verified": true}), json!({"email": "ada@x"}));

        assert_eq!(other, ("ada@x".to_owned(), false));
        assert_eq!(same, ("eve@x".to_owned(), true));
        assert_eq!(left_over, ("ada@x".to_owned(), false));
    }

    #[test]
    fn the_provider_is_asked_for_what_decides_something() {
        let wanted = BTreeSet::from(["realm.roles".to_owned()]);

        assert!(lacks(&map(json!({"realm": {"roles": []}})), &wanted));
        assert!(lacks(&map(json!({"email": "x", "realm": {}})), &wanted));
        assert!(!lacks(&map(json!({"email": "x", "realm": {"roles": []}})), &wanted));
    }

    #[test]
    fn a_payload_is_read_from_the_middle_of_a_token() {
        let body = URL_SAFE_NO_PAD.encode(r#"{"sub":"1"}"#);

        assert_eq!(payload(&format!("x.{body}.y")), Some(map(json!({"sub": "1"}))));
        for broken in ["", "x", "x..y", "x.!.y", "x.W10.y"] {
            assert_eq!(payload(broken), None, "{broken}");
        }
    }
}
