//! Session JWTs: HS256 and nothing else, every claim required and typed.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use understudy_domain::{
    OrganizationId, Secret, SessionId, Timestamp, UserId,
    ports::{CryptoError, SessionClaims, SessionSigner},
};

use crate::{MasterKey, key::Label};

const ISSUER: &str = "understudy";
const AUDIENCE: &str = "understudy";

/// Signs session JWTs with a key derived from the master key.
pub struct JwtSigner {
    signing: EncodingKey,
    checking: Vec<DecodingKey>,
    validation: Validation,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    aud: String,
    sub: UserId,
    org: OrganizationId,
    sid: SessionId,
    iat: i64,
    nbf: i64,
    exp: i64,
}

impl JwtSigner {
    /// The signer of this installation.
    #[must_use]
    pub fn new(master: &MasterKey) -> Self {
        Self::with(master, &[master])
    }

    /// The signer of an installation whose master key is being changed: signs with
    /// `master`, and still takes what was signed with `previous`.
    #[must_use]
    pub fn with_previous(master: &MasterKey, previous: &MasterKey) -> Self {
        Self::with(master, &[master, previous])
    }

    fn with(master: &MasterKey, known: &[&MasterKey]) -> Self {
        let key = |master: &MasterKey| master.derive::<32>(Label::Sessions);
        let checking = |master: &&MasterKey| DecodingKey::from_secret(key(master).as_slice());
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        // The library reads the system's clock; `verify` is told the time.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        Self {
            signing: EncodingKey::from_secret(key(master).as_slice()),
            checking: known.iter().map(checking).collect(),
            validation,
        }
    }
}

impl std::fmt::Debug for JwtSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JwtSigner").finish_non_exhaustive()
    }
}

impl SessionSigner for JwtSigner {
    fn sign(
        &self,
        claims: &SessionClaims,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Secret<String>, CryptoError> {
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: claims.user,
            org: claims.organization,
            sid: claims.session,
            iat: now.unix_seconds(),
            nbf: now.unix_seconds(),
            exp: expires_at.unix_seconds(),
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.signing)
            .map(Secret::new)
            .or(Err(CryptoError::Failed))
    }

    fn verify(&self, jwt: &str, now: Timestamp) -> Option<SessionClaims> {
        let read = |key| jsonwebtoken::decode::<Claims>(jwt, key, &self.validation).ok();
        let claims = self.checking.iter().find_map(read)?.claims;
        let now = now.unix_seconds();
        (claims.nbf <= now && now < claims.exp).then_some(SessionClaims {
            session: claims.sid,
            user: claims.sub,
            organization: claims.org,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use time::{Duration, macros::datetime};
    use uuid::Uuid;

    use super::*;

    fn now() -> Timestamp {
        Timestamp::new(datetime!(2020-01-01 12:00 UTC))
    }

    fn signer() -> JwtSigner {
        JwtSigner::new(&MasterKey::from_bytes([1; 32]))
    }

    fn claims() -> SessionClaims {
        SessionClaims {
            session: SessionId::from_uuid(Uuid::from_u128(1)),
            user: UserId::from_uuid(Uuid::from_u128(2)),
            organization: OrganizationId::from_uuid(Uuid::from_u128(3)),
        }
    }

    /// Right in everything; tests change one claim.
    fn payload() -> Value {
        let SessionClaims { session, user, organization } = claims();
        let at = now().unix_seconds();
        json!({
            "iss": "understudy", "aud": "understudy", "sub": user, "org": organization,
            "sid": session, "iat": at, "nbf": at, "exp": at + 60,
        })
    }

    fn signed(algorithm: Algorithm, payload: &Value) -> String {
        jsonwebtoken::encode(&Header::new(algorithm), payload, &signer().signing).unwrap()
    }

    #[test]
    fn a_signed_session_verifies_until_it_expires() {
        let jwt = signer().sign(&claims(), now(), now().plus(Duration::hours(1))).unwrap();

        let at = |offset| signer().verify(jwt.expose(), now().plus(offset));

        assert_eq!(at(Duration::ZERO), Some(claims()));
        assert_eq!(at(Duration::minutes(59)), Some(claims()));
        assert_eq!(at(Duration::hours(1)), None);
        assert_eq!(at(Duration::seconds(-1)), None);
    }

    #[test]
    fn another_master_key_or_an_altered_byte_is_refused() {
        let jwt = signer().sign(&claims(), now(), now().plus(Duration::hours(1))).unwrap();
        let other = JwtSigner::new(&MasterKey::from_bytes([2; 32]));

        assert_eq!(other.verify(jwt.expose(), now()), None);
        for at in 0..jwt.expose().len() {
            let mut altered = jwt.expose().clone().into_bytes();
            altered[at] = if altered[at] == b'0' { b'1' } else { b'0' };
            let altered = String::from_utf8(altered).unwrap();
            assert_eq!(signer().verify(&altered, now()), None, "byte {at}");
        }
    }

    #[test]
    fn a_changed_master_key_takes_what_the_previous_one_signed() {
        let (old, new) = (MasterKey::from_bytes([1; 32]), MasterKey::from_bytes([2; 32]));
        let both = JwtSigner::with_previous(&new, &old);
        let later = now().plus(Duration::hours(1));
        let before = signer().sign(&claims(), now(), later).unwrap();
        let after = both.sign(&claims(), now(), later).unwrap();

        assert_eq!(both.verify(before.expose(), now()), Some(claims()));
        assert_eq!(both.verify(after.expose(), now()), Some(claims()));
        assert_eq!(signer().verify(after.expose(), now()), None);
    }

    #[test]
    fn another_algorithm_is_refused_even_with_our_key() {
        let good = signed(Algorithm::HS256, &payload());
        assert_eq!(signer().verify(&good, now()), Some(claims()));

        for algorithm in [Algorithm::HS384, Algorithm::HS512] {
            assert_eq!(signer().verify(&signed(algorithm, &payload()), now()), None);
        }
    }

    #[test]
    fn an_unsigned_jwt_is_refused() {
        use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
        let good = signed(Algorithm::HS256, &payload());
        let (_, rest) = good.split_once('.').unwrap();
        let (body, _) = rest.split_once('.').unwrap();

        for alg in ["none", "None", "NONE", "nOnE"] {
            let header = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"{alg}","typ":"JWT"}}"#));
            for jwt in [format!("{header}.{body}."), format!("{header}.{rest}")] {
                assert_eq!(signer().verify(&jwt, now()), None, "{alg}");
            }
        }
    }

    #[test]
    fn a_missing_claim_is_refused() {
        for claim in ["iss", "aud", "sub", "org", "sid", "iat", "nbf", "exp"] {
            let mut payload = payload();
            payload.as_object_mut().unwrap().remove(claim);
            assert_eq!(
                signer().verify(&signed(Algorithm::HS256, &payload), now()),
                None,
                "{claim}"
            );
        }
    }

    #[test]
    fn a_claim_of_another_value_or_type_is_refused() {
        let later = now().unix_seconds() + 60;
        let wrong = [
            ("iss", json!("other")),
            ("aud", json!("other")),
            ("aud", json!([])),
            ("sub", json!("usr_1")),
            ("sub", json!(1)),
            ("exp", json!(later.to_string())),
            ("exp", json!(1e300)),
            ("exp", Value::Null),
            ("nbf", json!("0")),
            ("nbf", json!(later)),
            ("iat", json!(true)),
        ];
        for (claim, value) in wrong {
            let mut payload = payload();
            payload[claim] = value.clone();
            let jwt = signed(Algorithm::HS256, &payload);
            assert_eq!(signer().verify(&jwt, now()), None, "{claim} {value}");
        }
    }

    #[test]
    fn what_is_no_jwt_is_refused() {
        for text in ["", ".", "..", "a.b.c", "ust_0123", "\u{0}.\u{0}.\u{0}"] {
            assert_eq!(signer().verify(text, now()), None);
        }
    }
}
