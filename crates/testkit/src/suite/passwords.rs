//! Password hashers.

use understudy_domain::{PasswordHash, Secret, ports::PasswordHasher};

const PASSWORD: &str = "Größe 7 – correct horse 👩‍🚀";

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

async fn hash(hasher: &dyn PasswordHasher, text: &str) -> PasswordHash {
    hasher.hash(secret(text)).await.unwrap()
}

/// A password verifies against its own hash.
pub async fn a_password_has_its_hash(hasher: &dyn PasswordHasher) {
    let hash = hash(hasher, PASSWORD).await;

    assert!(hasher.verify(secret(PASSWORD), Some(hash)).await.unwrap());
}

/// No other password does, however near.
pub async fn no_other_password_has_the_hash(hasher: &dyn PasswordHasher) {
    let hash = hash(hasher, PASSWORD).await;

    for other in ["", &PASSWORD.to_lowercase(), &PASSWORD[1..], &format!("{PASSWORD} ")] {
        let hash = Some(hash.clone());
        assert!(!hasher.verify(secret(other), hash).await.unwrap(), "{other:?}");
    }
}

/// The same password twice has two hashes: each has a salt of its own.
pub async fn each_hash_has_its_own_salt(hasher: &dyn PasswordHasher) {
    let (first, second) = (hash(hasher, PASSWORD).await, hash(hasher, PASSWORD).await);

    assert_ne!(first.0.expose(), second.0.expose());
}

/// A hash does not contain the password.
pub async fn a_hash_does_not_show_the_password(hasher: &dyn PasswordHasher) {
    let hash = hash(hasher, "correct-horse").await;

    assert!(!hash.0.expose().contains("correct-horse"));
}

/// Without a hash every password is wrong.
pub async fn without_a_hash_every_password_is_wrong(hasher: &dyn PasswordHasher) {
    for password in [PASSWORD, ""] {
        assert!(!hasher.verify(secret(password), None).await.unwrap());
    }
}

/// A stored hash that cannot be read is an error, not a wrong password.
pub async fn a_broken_hash_is_an_error(hasher: &dyn PasswordHasher) {
    for broken in ["", "broken", "$unknown$v=1$abc"] {
        let hash = Some(PasswordHash(secret(broken)));
        assert!(hasher.verify(secret(PASSWORD), hash).await.is_err(), "{broken:?}");
    }
}
