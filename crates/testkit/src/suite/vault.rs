//! Vaults. Each case gets the vault of master key 1 and one of another.

use understudy_domain::{
    Secret,
    ports::{SealingKey, Vault},
};
use uuid::Uuid;

const TEXT: &str = "sk-größe-0123456789-0123456789-0123456789";
const CONTEXT: &[u8] = b"org_1";
const BOUND_TO: &[u8] = b"org_1/asst_1/sealed_1/mcp/github/authorization";
const ELSEWHERE: [&[u8]; 3] =
    [b"", b"org_2/asst_1/sealed_1/mcp/github/authorization", b"org_1/asst_1/sealed_1/mcp/github"];

fn key(wrapped: &[u8]) -> SealingKey<'_> {
    SealingKey { id: Uuid::from_u128(7), context: CONTEXT, wrapped }
}

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

/// A sealed value opens to what was sealed, long, short and empty.
pub fn a_sealed_value_opens_again(vault: &dyn Vault, _: &dyn Vault) {
    let wrapped = vault.new_data_key(CONTEXT).unwrap();
    for text in [TEXT, "", "x", &"👩‍🚀".repeat(10_000)] {
        let sealed = vault.seal(&key(&wrapped), BOUND_TO, &secret(text)).unwrap();
        assert_eq!(vault.open(&key(&wrapped), BOUND_TO, &sealed).unwrap().expose(), text);
    }
}

/// A sealed value does not show its text, and looks different each time.
pub fn a_sealed_value_does_not_show_its_text(vault: &dyn Vault, _: &dyn Vault) {
    let wrapped = vault.new_data_key(CONTEXT).unwrap();
    let seal = || vault.seal(&key(&wrapped), BOUND_TO, &secret(TEXT)).unwrap();
    let (first, second) = (seal(), seal());

    assert_ne!(first, second);
    assert!(!first.windows(8).any(|part| TEXT.as_bytes().windows(8).any(|text| text == part)));
}

/// A sealed value opens in its own place only.
pub fn a_sealed_value_is_bound_to_its_place(vault: &dyn Vault, _: &dyn Vault) {
    let wrapped = vault.new_data_key(CONTEXT).unwrap();
    let sealed = vault.seal(&key(&wrapped), BOUND_TO, &secret(TEXT)).unwrap();

    for elsewhere in ELSEWHERE {
        assert!(vault.open(&key(&wrapped), elsewhere, &sealed).is_err());
    }
}

/// A sealed value opens with its own data key only.
pub fn a_sealed_value_needs_its_data_key(vault: &dyn Vault, _: &dyn Vault) {
    let (mine, other) =
        (vault.new_data_key(CONTEXT).unwrap(), vault.new_data_key(CONTEXT).unwrap());
    assert_ne!(mine, other);
    let sealed = vault.seal(&key(&mine), BOUND_TO, &secret(TEXT)).unwrap();

    assert!(vault.open(&key(&other), BOUND_TO, &sealed).is_err());
    let renamed = SealingKey { id: Uuid::from_u128(8), ..key(&mine) };
    assert!(vault.open(&renamed, BOUND_TO, &sealed).is_err());
}

/// A data key serves in its own context only.
pub fn a_data_key_is_bound_to_its_context(vault: &dyn Vault, _: &dyn Vault) {
    let wrapped = vault.new_data_key(CONTEXT).unwrap();
    let elsewhere = SealingKey { context: b"org_2", ..key(&wrapped) };

    assert!(vault.seal(&elsewhere, BOUND_TO, &secret(TEXT)).is_err());
    let sealed = vault.seal(&key(&wrapped), BOUND_TO, &secret(TEXT)).unwrap();
    assert!(vault.open(&elsewhere, BOUND_TO, &sealed).is_err());
}

/// A data key is of no use under another master key.
pub fn a_data_key_needs_its_master_key(vault: &dyn Vault, other: &dyn Vault) {
    let wrapped = vault.new_data_key(CONTEXT).unwrap();
    let sealed = vault.seal(&key(&wrapped), BOUND_TO, &secret(TEXT)).unwrap();

    assert!(other.seal(&key(&wrapped), BOUND_TO, &secret(TEXT)).is_err());
    assert!(other.open(&key(&wrapped), BOUND_TO, &sealed).is_err());
}

/// A sealed value or data key of which any byte was changed or cut off is refused.
pub fn a_changed_value_is_refused(vault: &dyn Vault, _: &dyn Vault) {
    let wrapped = vault.new_data_key(CONTEXT).unwrap();
    let sealed = vault.seal(&key(&wrapped), BOUND_TO, &secret("x")).unwrap();
    for (index, _) in sealed.iter().enumerate() {
        let refused = |bytes: &[u8]| vault.open(&key(&wrapped), BOUND_TO, bytes).is_err();
        assert!(refused(&flipped(&sealed, index)), "byte {index} of {sealed:?}");
        assert!(refused(sealed.get(..index).unwrap()), "cut at {index}");
    }
    for (index, _) in wrapped.iter().enumerate() {
        let refused = |bytes: &[u8]| vault.open(&key(bytes), BOUND_TO, &sealed).is_err();
        assert!(refused(&flipped(&wrapped, index)), "byte {index} of {wrapped:?}");
        assert!(refused(wrapped.get(..index).unwrap()), "cut at {index}");
    }
}

fn flipped(bytes: &[u8], index: usize) -> Vec<u8> {
    let flip = |(i, byte): (usize, &u8)| if i == index { byte ^ 1 } else { *byte };
    bytes.iter().enumerate().map(flip).collect()
}

/// The key check tells the same master key from another.
pub fn a_key_check_tells_master_keys_apart(vault: &dyn Vault, other: &dyn Vault) {
    let check = vault.key_check().unwrap();

    assert!(vault.is_same_key(&check));
    assert!(vault.is_same_key(&vault.key_check().unwrap()));
    assert!(!other.is_same_key(&check));
    assert!(!vault.is_same_key(&[]));
    assert!(!vault.is_same_key(&flipped(&check, check.len() - 1)));
}
