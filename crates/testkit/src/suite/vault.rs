//! Vaults. Each case gets the vault of master key 1 and one of another.

use understudy_domain::{
    Secret,
    ports::{CryptoError, SealingKey, Vault},
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

/// A sealed value names its data key.
pub fn a_sealed_value_names_its_data_key(vault: &dyn Vault, _: &dyn Vault) {
    let wrapped = vault.new_data_key(CONTEXT).unwrap();
    for n in [7, u128::MAX] {
        let key = SealingKey { id: Uuid::from_u128(n), ..key(&wrapped) };
        let sealed = vault.seal(&key, BOUND_TO, &secret(TEXT)).unwrap();
        assert_eq!(vault.key_of(&sealed), Ok(key.id));
    }
}

/// What is no sealed value names no key.
pub fn garbage_names_no_data_key(vault: &dyn Vault, _: &dyn Vault) {
    let wrapped = vault.new_data_key(CONTEXT).unwrap();
    let sealed = vault.seal(&key(&wrapped), BOUND_TO, &secret(TEXT)).unwrap();

    for garbage in [&[][..], &[0xff; 100], sealed.get(..10).unwrap()] {
        assert_eq!(vault.key_of(garbage), Err(CryptoError::UnknownFormat), "{garbage:?}");
    }
}

/// A data key that the newest master key wrapped stays as it is.
pub fn a_data_key_under_the_newest_master_key_is_not_rewrapped(vault: &dyn Vault, _: &dyn Vault) {
    let wrapped = vault.new_data_key(CONTEXT).unwrap();

    assert_eq!(vault.rewrap(&key(&wrapped)), Ok(None));
}

/// A data key of an unknown master key or another context is not rewrapped.
pub fn a_data_key_of_somebody_else_is_not_rewrapped(vault: &dyn Vault, other: &dyn Vault) {
    let wrapped = vault.new_data_key(CONTEXT).unwrap();
    let elsewhere = SealingKey { context: b"org_2", ..key(&wrapped) };

    assert!(other.rewrap(&key(&wrapped)).is_err());
    assert!(vault.rewrap(&elsewhere).is_err());
}

/// Three vaults of an installation whose master key is changed: before, meanwhile, and
/// afterwards.
#[derive(Clone, Copy)]
pub struct Rotation<'a> {
    /// Knows the previous master key only.
    pub before: &'a dyn Vault,
    /// Knows both.
    pub meanwhile: &'a dyn Vault,
    /// Knows the new master key only.
    pub afterwards: &'a dyn Vault,
}

/// While master keys change, what was sealed under the previous one opens.
pub fn values_under_the_previous_master_key_open(vaults: Rotation<'_>) {
    let wrapped = vaults.before.new_data_key(CONTEXT).unwrap();
    let sealed = vaults.before.seal(&key(&wrapped), BOUND_TO, &secret(TEXT)).unwrap();

    let opened = vaults.meanwhile.open(&key(&wrapped), BOUND_TO, &sealed).unwrap();
    assert_eq!(opened.expose(), TEXT);
    let sealed = vaults.meanwhile.seal(&key(&wrapped), BOUND_TO, &secret(TEXT)).unwrap();
    assert_eq!(vaults.before.open(&key(&wrapped), BOUND_TO, &sealed).unwrap().expose(), TEXT);
    assert!(vaults.afterwards.open(&key(&wrapped), BOUND_TO, &sealed).is_err());
}

/// A data key of the previous master key is rewrapped with the new one: then it no
/// longer needs the previous one, and opens what was sealed before.
pub fn a_rewrapped_data_key_needs_the_new_master_key_only(vaults: Rotation<'_>) {
    let wrapped = vaults.before.new_data_key(CONTEXT).unwrap();
    let sealed = vaults.before.seal(&key(&wrapped), BOUND_TO, &secret(TEXT)).unwrap();
    let rewrapped = vaults.meanwhile.rewrap(&key(&wrapped)).unwrap().unwrap();

    assert_ne!(rewrapped, wrapped);
    for vault in [vaults.meanwhile, vaults.afterwards] {
        let opened = vault.open(&key(&rewrapped), BOUND_TO, &sealed).unwrap();
        assert_eq!(opened.expose(), TEXT);
        assert_eq!(vault.rewrap(&key(&rewrapped)), Ok(None));
    }
    assert!(vaults.before.open(&key(&rewrapped), BOUND_TO, &sealed).is_err());
}

/// A rewrapped data key stays in its context, and is rewrapped in that only.
pub fn a_rewrapped_data_key_stays_in_its_context(vaults: Rotation<'_>) {
    let wrapped = vaults.before.new_data_key(CONTEXT).unwrap();
    let elsewhere = SealingKey { context: b"org_2", ..key(&wrapped) };
    assert!(vaults.meanwhile.rewrap(&elsewhere).is_err());

    let rewrapped = vaults.meanwhile.rewrap(&key(&wrapped)).unwrap().unwrap();
    let elsewhere = SealingKey { context: b"org_2", ..key(&rewrapped) };
    assert!(vaults.afterwards.seal(&elsewhere, BOUND_TO, &secret(TEXT)).is_err());
}

/// While master keys change, new data keys are wrapped with the new one.
pub fn new_data_keys_are_wrapped_with_the_new_master_key(vaults: Rotation<'_>) {
    let wrapped = vaults.meanwhile.new_data_key(CONTEXT).unwrap();

    assert!(vaults.afterwards.seal(&key(&wrapped), BOUND_TO, &secret(TEXT)).is_ok());
    assert!(vaults.before.seal(&key(&wrapped), BOUND_TO, &secret(TEXT)).is_err());
}

/// While master keys change, the checks of both are right, and a new one is the new
/// key's.
pub fn key_checks_of_both_master_keys_are_right(vaults: Rotation<'_>) {
    let Rotation { before, meanwhile, afterwards } = vaults;
    let (old, new) = (before.key_check().unwrap(), meanwhile.key_check().unwrap());

    assert!(meanwhile.is_same_key(&old) && meanwhile.is_same_key(&new));
    assert!(afterwards.is_same_key(&new) && !before.is_same_key(&new));
}
