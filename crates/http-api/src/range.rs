//! Which part of the contents a request asks for (RFC 9110, section 14).

use std::ops::Range;

use actix_web::http::header::{self, HeaderMap, HeaderValue};

use crate::etag::quoted;

/// What is answered to a `Range`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Everything: nothing else was asked for, or nothing that is understood.
    Whole,
    /// These bytes.
    Part(Range<u64>),
    /// Bytes that there are not.
    Nothing,
}

/// What of contents of `size` bytes in the state `tag` a `GET` asks for.
pub(crate) fn wanted(headers: &HeaderMap, size: u64, tag: &str) -> Wanted {
    let mut ranges = headers.get_all(header::RANGE);
    let (Some(range), None) = (ranges.next(), ranges.next()) else { return Wanted::Whole };
    // Another state, or a date, which says too little: then all of it.
    let same = |state: &HeaderValue| state.as_bytes() == quoted(tag).as_bytes();
    if !headers.get(header::IF_RANGE).is_none_or(same) {
        return Wanted::Whole;
    }
    range.to_str().ok().and_then(|text| parse(text, size)).unwrap_or(Wanted::Whole)
}

/// One range; `None` for what is none, and for several: their parts would have to
/// be wrapped in a form that nobody asks for.
fn parse(text: &str, size: u64) -> Option<Wanted> {
    let (unit, set) = text.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = set.trim().split_once('-')?;
    if first.is_empty() {
        return Some(suffix(number(last)?, size));
    }
    let first = number(first)?;
    let last = if last.is_empty() { u64::MAX } else { number(last)? };
    if last < first {
        return None;
    }
    let end = last.saturating_add(1).min(size);
    Some(if first < end { Wanted::Part(first..end) } else { Wanted::Nothing })
}

fn suffix(length: u64, size: u64) -> Wanted {
    match (length, size) {
        (0, _) => Wanted::Nothing,
        // Its last bytes are all of nothing, which no `Content-Range` can say.
        (_, 0) => Wanted::Whole,
        _ => Wanted::Part(size.saturating_sub(length)..size),
    }
}

/// A number of any length; one that is too large for us is just large.
fn number(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn asked(range: &str, size: u64) -> Wanted {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, HeaderValue::from_str(range).unwrap());
        wanted(&headers, size, "tag")
    }

    #[test]
    fn ranges_that_are_there_are_given() {
        for (range, part) in [
            ("bytes=0-0", 0..1),
            ("bytes=2-4", 2..5),
            ("BYTES = 2-4", 2..5),
            ("bytes=2-", 2..10),
            ("bytes=9-9", 9..10),
            ("bytes=0-99", 0..10),
            ("bytes=0-99999999999999999999999", 0..10),
            ("bytes=-3", 7..10),
            ("bytes=-99", 0..10),
        ] {
            assert_eq!(asked(range, 10), Wanted::Part(part), "{range}");
        }
    }

    #[test]
    fn ranges_that_are_not_there_are_told_so() {
        for range in ["bytes=10-", "bytes=10-11", "bytes=99999999999999999999-", "bytes=-0"] {
            assert_eq!(asked(range, 10), Wanted::Nothing, "{range}");
        }
        assert_eq!(asked("bytes=0-", 0), Wanted::Nothing);
    }

    #[test]
    fn what_is_no_range_or_more_than_one_is_ignored() {
        for range in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=5-2",
            "bytes=+1-2",
            "bytes=1--2",
            "lines=0-1",
            "bytes=0-0,5-6",
            "bytes=0-0, -1",
            "bytes 0-1",
            "bytes=0x1-2",
        ] {
            assert_eq!(asked(range, 10), Wanted::Whole, "{range}");
        }
        assert_eq!(asked("bytes=-5", 0), Wanted::Whole);
    }

    #[test]
    fn a_range_of_another_state_is_ignored() {
        for (state, given) in [
            ("\"tag\"", Wanted::Part(1..3)),
            ("\"other\"", Wanted::Whole),
            ("W/\"tag\"", Wanted::Whole),
            ("Sat, 21 Nov 2026 00:00:00 GMT", Wanted::Whole),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::RANGE, HeaderValue::from_static("bytes=1-2"));
            headers.insert(header::IF_RANGE, HeaderValue::from_static(state));
            assert_eq!(wanted(&headers, 10, "tag"), given, "{state}");
        }
    }

    proptest! {
        #[test]
        fn what_is_given_lies_within(range in "bytes=[0-9]{0,21}-[0-9]{0,21}", size: u64) {
            if let Wanted::Part(part) = asked(&range, size) {
                prop_assert!(part.start < part.end && part.end <= size);
            }
        }

        #[test]
        fn nothing_that_is_sent_makes_the_parser_stumble(range in "[ -~]{0,40}", size: u64) {
            asked(&range, size);
        }
    }
}
