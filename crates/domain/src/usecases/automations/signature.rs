//! Signatures by the Standard Webhooks scheme.

use base64::{Engine, prelude::BASE64_STANDARD};
use sha2::{Digest, Sha256};

use crate::{Secret, usecases::Deps};

const PREFIX: &str = "whsec_";
/// Bytes that SHA-256 takes at once.
const BLOCK: usize = 64;

/// A fresh signing secret.
pub(super) fn new_secret(deps: &Deps<'_>) -> Secret<String> {
    Secret::new(format!("{PREFIX}{}", BASE64_STANDARD.encode(deps.ids.random())))
}

/// `webhook-signature` of a message; `None` when the secret is none.
pub(super) fn sign(secret: &Secret<String>, id: &str, seconds: i64, body: &str) -> Option<String> {
    let encoded = secret.expose().strip_prefix(PREFIX)?;
    let key = Secret::new(BASE64_STANDARD.decode(encoded).ok()?);
    let mac = hmac(key.expose(), &[format!("{id}.{seconds}.").as_bytes(), body.as_bytes()]);
    Some(format!("v1,{}", BASE64_STANDARD.encode(mac)))
}

/// HMAC-SHA-256 (RFC 2104).
fn hmac(key: &[u8], message: &[&[u8]]) -> [u8; 32] {
    let mut block = [0_u8; BLOCK];
    let digest: [u8; 32];
    let key = if key.len() > BLOCK {
        digest = Sha256::digest(key).into();
        digest.as_slice()
    } else {
        key
    };
    for (place, byte) in block.iter_mut().zip(key) {
        *place = *byte;
    }
    let padded = |pad: u8| block.map(|byte| byte ^ pad);
    let mut inner = Sha256::new().chain_update(padded(0x36));
    for piece in message {
        inner.update(piece);
    }
    Sha256::new().chain_update(padded(0x5c)).chain_update(inner.finalize()).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::hex;

    #[test]
    fn codes_are_those_of_rfc_4231() {
        assert_eq!(
            hex(&hmac(&[0x0b; 20], &[b"Hi ", b"There"])),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
        assert_eq!(
            hex(&hmac(&[0xaa; 131], &[b"Test Using Larger Than Block-Size Key - Hash Key First"])),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }

    #[test]
    fn a_message_is_signed_as_the_specification_shows() {
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned());
        let signed =
            sign(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signed.as_deref(), Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
        assert_eq!(sign(&Secret::new("secret".to_owned()), "m", 0, ""), None);
    }
}
