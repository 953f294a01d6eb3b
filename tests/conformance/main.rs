//! Every adapter of a port keeps what the port promises: the suites of the test
//! kit, run for the fakes and for the real ones.

mod blobs;

mod memory {
    understudy_testkit::store_suite!(understudy_tests::memory);
}

mod sqlite {
    understudy_testkit::store_suite!(understudy_tests::sqlite);
}

mod postgres {
    understudy_testkit::store_suite!(understudy_tests::postgres);
}

mod postgres_only;

mod fakes {
    use understudy_testkit::{FakePasswords, FakeSigner, FakeVault, SequentialIds};

    understudy_testkit::password_suite!(FakePasswords::default);
    understudy_testkit::signer_suite!(FakeSigner::with_key);
    understudy_testkit::vault_suite!(FakeVault::with_master, FakeVault::with_previous);
    understudy_testkit::ids_suite!(SequentialIds::default);
}

mod crypto {
    use understudy_crypto::{Argon2Passwords, JwtSigner, MasterKey, SystemIds, XChaChaVault};

    fn signer(key: u8) -> JwtSigner {
        JwtSigner::new(&MasterKey::from_bytes([key; 32]))
    }

    fn vault(key: u8) -> XChaChaVault {
        XChaChaVault::new(&MasterKey::from_bytes([key; 32]))
    }

    fn rotated(new: u8, old: u8) -> XChaChaVault {
        let key = |number| MasterKey::from_bytes([number; 32]);
        XChaChaVault::with_previous(&key(new), &key(old))
    }

    fn ids() -> SystemIds {
        SystemIds
    }

    understudy_testkit::password_suite!(Argon2Passwords::new);
    understudy_testkit::signer_suite!(signer);
    understudy_testkit::vault_suite!(vault, rotated);
    understudy_testkit::ids_suite!(ids);
}
