//! The table of contents of a zip archive (APPNOTE 6.3.10, sections 4.3 and 4.5).

use std::{collections::BTreeMap, fs::File, os::unix::fs::FileExt};

use super::{BROKEN, MAX_ENTRIES, MAX_TABLE, Unreadable, odd};

const END: &[u8; 4] = b"PK\x05\x06";
const END_SIZE: u64 = 22;
const END_64: &[u8; 4] = b"PK\x06\x06";
const END_64_SIZE: u64 = 56;
const LOCATOR_64: &[u8; 4] = b"PK\x06\x07";
const LOCATOR_64_SIZE: u64 = 20;
const CENTRAL: &[u8; 4] = b"PK\x01\x02";
const CENTRAL_SIZE: usize = 46;
const LOCAL: &[u8; 4] = b"PK\x03\x04";
const LOCAL_SIZE: usize = 30;
/// Stands where the value is in the ZIP64 field.
const ELSEWHERE: u64 = 0xffff_ffff;
const ENCRYPTED: u64 = 1;

/// How an entry is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Stored,
    Deflated,
}

/// An entry, as the table has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Where its own header stands.
    at: u64,
    /// How many bytes it has in the archive.
    pub(super) packed: u64,
    /// How many bytes it unpacks to.
    pub(super) size: u64,
    pub(super) crc: u32,
    pub(super) method: Method,
}

/// Where the table is.
struct Table {
    at: u64,
    size: u64,
    count: u64,
}

/// The entries of an archive, without folders.
pub(super) fn read(file: &File) -> Result<BTreeMap<String, Entry>, Unreadable> {
    let length = file.metadata()?.len();
    let table = find(file, length)?;
    if table.count > MAX_ENTRIES || table.size > MAX_TABLE {
        return odd(format!("an archive has at most {MAX_ENTRIES} entries"));
    }
    let mut bytes = vec![0; usize::try_from(table.size).unwrap_or_default()];
    file.read_exact_at(&mut bytes, table.at)?;
    let mut rest = bytes.as_slice();
    let mut entries = BTreeMap::new();
    for _ in 0..table.count {
        let Some((name, entry, behind)) = central(rest)? else { return odd(BROKEN) };
        rest = behind;
        let Some(entry) = entry else { continue };
        if entry.packed > table.at || entry.at > table.at - entry.packed {
            return odd(BROKEN);
        }
        if entries.insert(name.clone(), entry).is_some() {
            return odd(format!("the archive holds `{name}` twice"));
        }
    }
    if !rest.is_empty() {
        return odd(BROKEN);
    }
    apart(&entries)?;
    Ok(entries)
}

/// Entries that share bytes unpack to more than there is.
fn apart(entries: &BTreeMap<String, Entry>) -> Result<(), Unreadable> {
    let mut spans: Vec<_> = entries.values().map(|entry| (entry.at, entry.packed)).collect();
    spans.sort_unstable();
    let overlap = spans.windows(2).any(|pair| match pair {
        [(at, packed), (next, _)] => at.saturating_add(*packed) > *next || at == next,
        _ => false,
    });
    if overlap { odd(BROKEN) } else { Ok(()) }
}

/// Finds the table. The record that tells where it is must be the very end: behind a
/// comment there could be another.
fn find(file: &File, length: u64) -> Result<Table, Unreadable> {
    let Some(end) = length.checked_sub(END_SIZE) else { return odd(BROKEN) };
    let mut record = [0; 22];
    file.read_exact_at(&mut record, end)?;
    if !record.starts_with(END) || number(&record, 20, 2) != 0 {
        return odd("the file is no zip archive, or has a comment, or something behind it");
    }
    let disks = number(&record, 4, 2) + number(&record, 6, 2);
    let table = Table {
        at: number(&record, 16, 4),
        size: number(&record, 12, 4),
        count: number(&record, 10, 2),
    };
    let (table, behind) = match wide(file, end)? {
        Some(found) => found,
        None => (table, end),
    };
    if disks != 0 || table.at.checked_add(table.size) != Some(behind) {
        return odd(BROKEN);
    }
    Ok(table)
}

/// The ZIP64 record, where there is one, and where it stands.
fn wide(file: &File, end: u64) -> Result<Option<(Table, u64)>, Unreadable> {
    let Some(locator_at) = end.checked_sub(LOCATOR_64_SIZE) else { return Ok(None) };
    let mut locator = [0; 20];
    file.read_exact_at(&mut locator, locator_at)?;
    if !locator.starts_with(LOCATOR_64) {
        return Ok(None);
    }
    let Some(at) = locator_at.checked_sub(END_64_SIZE) else { return odd(BROKEN) };
    let mut record = [0; 56];
    file.read_exact_at(&mut record, at)?;
    if !record.starts_with(END_64) || number(&locator, 8, 8) != at {
        return odd(BROKEN);
    }
    let table = Table {
        at: number(&record, 48, 8),
        size: number(&record, 40, 8),
        count: number(&record, 32, 8),
    };
    Ok(Some((table, at)))
}

type Central<'a> = (String, Option<Entry>, &'a [u8]);

/// The first entry of `table`, and what stands behind it; of a folder only the name.
fn central(table: &[u8]) -> Result<Option<Central<'_>>, Unreadable> {
    let Some((header, rest)) = table.split_at_checked(CENTRAL_SIZE) else { return Ok(None) };
    let length = |at: usize| usize::try_from(number(header, at, 2)).unwrap_or_default();
    let behind = rest.split_at_checked(length(28)).and_then(|(name, rest)| {
        let (extra, rest) = rest.split_at_checked(length(30))?;
        let (_comment, rest) = rest.split_at_checked(length(32))?;
        Some((name, extra, rest))
    });
    let (true, Some((name, extra, rest))) = (header.starts_with(CENTRAL), behind) else {
        return Ok(None);
    };
    let Ok(name) = std::str::from_utf8(name).map(str::to_owned) else { return odd(BROKEN) };
    let (size, packed) = (number(header, 24, 4), number(header, 20, 4));
    let wide = Wide::of(extra);
    let mut wide = wide.values.into_iter();
    let mut value = |plain| if plain == ELSEWHERE { wide.next() } else { Some(plain) };
    let (size, packed, at) = (value(size), value(packed), value(number(header, 42, 4)));
    let (Some(size), Some(packed), Some(at)) = (size, packed, at) else { return odd(BROKEN) };
    let mode = number(header, 38, 4) >> 16;
    if name.ends_with('/') && size == 0 {
        return Ok(Some((name, None, rest)));
    }
    if number(header, 8, 2) & ENCRYPTED != 0 {
        return odd(format!("`{name}` is encrypted"));
    }
    if ![0, 0o100_000].contains(&(mode & 0o170_000)) {
        return odd(format!("`{name}` is not a plain file"));
    }
    let method = match number(header, 10, 2) {
        0 if size == packed => Method::Stored,
        8 => Method::Deflated,
        _ => return odd(format!("`{name}` is neither stored nor deflated")),
    };
    let crc = u32::try_from(number(header, 16, 4)).unwrap_or_default();
    Ok(Some((name, Some(Entry { at, packed, size, crc, method }), rest)))
}

/// The values of the ZIP64 field, in its order.
struct Wide {
    values: Vec<u64>,
}

impl Wide {
    fn of(mut extra: &[u8]) -> Self {
        while let Some((head, rest)) = extra.split_at_checked(4) {
            let length = usize::try_from(number(head, 2, 2)).unwrap_or_default();
            let Some((field, behind)) = rest.split_at_checked(length) else { break };
            if number(head, 0, 2) == 1 {
                let values = field.chunks_exact(8).map(|value| number(value, 0, 8)).collect();
                return Self { values };
            }
            extra = behind;
        }
        Self { values: Vec::new() }
    }
}

impl Entry {
    /// Where the bytes of the entry begin.
    pub(super) fn data_at(&self, file: &File, name: &str) -> Result<u64, Unreadable> {
        let mut header = [0; LOCAL_SIZE];
        file.read_exact_at(&mut header, self.at)?;
        let length = usize::try_from(number(&header, 26, 2)).unwrap_or_default();
        let mut own_name = vec![0; length];
        file.read_exact_at(&mut own_name, self.at + 30)?;
        if !header.starts_with(LOCAL) || own_name != name.as_bytes() {
            return odd(format!("`{name}` is another entry than the archive says"));
        }
        Ok(self.at + 30 + number(&header, 26, 2) + number(&header, 28, 2))
    }
}

/// A number of `length` bytes at `at`, the smallest first; 0 where there are none.
fn number(bytes: &[u8], at: usize, length: usize) -> u64 {
    let bytes = bytes.get(at..at + length).unwrap_or_default();
    bytes.iter().rev().fold(0, |number, byte| (number << 8) | u64::from(*byte))
}
