//! `Content-Disposition` (RFC 6266, RFC 8187).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What RFC 8187 lets stand as it is, beside letters and digits.
const ATTR_CHAR: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// An attachment that is saved as `name`; in plain ASCII, too, for those who read
/// nothing else.
pub(super) fn attachment(name: &str) -> String {
    let plain: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    let exact = utf8_percent_encode(name, ATTR_CHAR);
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{exact}")
}

/// Whether everybody reads the character as itself: some take `%` for an escape,
/// and none may take anything for a path.
fn is_plain(c: char) -> bool {
    (c.is_ascii_graphic() || c == ' ') && !['"', '\\', '%', '/', ':'].contains(&c)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::parameters;

    #[test]
    fn names_are_written_for_old_and_new_readers() {
        assert_eq!(
            attachment("a \"b\"; é.txt"),
            "attachment; filename=\"a _b_; _.txt\"; filename*=UTF-8''a%20%22b%22%3B%20%C3%A9.txt"
        );
    }

    proptest! {
        #[test]
        fn every_name_reads_back_and_is_one_header(name in any::<String>()) {
            let value = attachment(&name);

            prop_assert!(value.bytes().all(|b| b == b' ' || b.is_ascii_graphic()));
            let (kind, parameters) = parameters::parse(value.as_bytes()).unwrap();
            prop_assert_eq!(kind, "attachment");
            prop_assert_eq!(parameters::text(&parameters, "filename"), Some(name));
        }
    }
}
