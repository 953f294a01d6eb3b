//! Sources of identifiers.

use std::collections::BTreeSet;

use understudy_domain::ports::IdSource;

/// Every identifier is a UUID of version 7, and another one.
pub fn every_uuid_is_new(ids: &dyn IdSource) {
    let uuids: Vec<_> = (0..1_000).map(|_| ids.uuid()).collect();

    assert!(uuids.iter().all(|uuid| uuid.get_version_num() == 7));
    assert_eq!(uuids.iter().collect::<BTreeSet<_>>().len(), uuids.len());
}

/// Identifiers sort as they were made, so that rows do.
pub fn uuids_sort_as_they_were_made(ids: &dyn IdSource) {
    let uuids: Vec<_> = (0..1_000).map(|_| ids.uuid()).collect();

    assert!(uuids.is_sorted());
}

/// Every random value is another one, and uses all of its bits.
pub fn every_random_value_is_new(ids: &dyn IdSource) {
    let values: Vec<[u8; 32]> = (0..1_000).map(|_| ids.random()).collect();

    assert_eq!(values.iter().collect::<BTreeSet<_>>().len(), values.len());
    let ones = values.iter().fold([0u8; 32], |sum, value| {
        std::array::from_fn(|i| sum.get(i).unwrap() | value.get(i).unwrap())
    });
    assert_eq!(ones, [0xff; 32], "each bit is set now and then");
}
