//! Parameters of header values: `…; name="value"; name*=UTF-8''value`.

use percent_encoding::percent_decode;

/// Names and values.
pub(crate) type Parameters = Vec<(String, Vec<u8>)>;

/// The first part of a header value, in lower case, and the parameters behind it.
/// Names are in lower case; values are what was sent, without quotes. `None` when
/// it is not well-formed.
pub(crate) fn parse(value: &[u8]) -> Option<(String, Parameters)> {
    let end = value.iter().position(|&b| b == b';').unwrap_or(value.len());
    let (kind, mut rest) = value.split_at_checked(end)?;
    let kind = std::str::from_utf8(kind).ok()?.trim().to_ascii_lowercase();
    let mut parameters = Vec::new();
    loop {
        rest = rest.trim_ascii_start();
        let Some(behind) = rest.strip_prefix(b";") else {
            return rest.is_empty().then_some((kind, parameters));
        };
        rest = behind.trim_ascii_start();
        if rest.is_empty() {
            return Some((kind, parameters)); // a semicolon too much
        }
        let equals = rest.iter().position(|&b| b == b'=')?;
        let (name, behind) = rest.split_at_checked(equals)?;
        let name = std::str::from_utf8(name).ok()?.trim().to_ascii_lowercase();
        let (value, behind) = take_value(behind.get(1..)?)?;
        parameters.push((name, value));
        rest = behind;
    }
}

fn take_value(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let text = text.trim_ascii_start();
    let Some(quoted) = text.strip_prefix(b"\"") else {
        let end = text.iter().position(|&b| b == b';').unwrap_or(text.len());
        let (token, behind) = text.split_at_checked(end)?;
        return Some((token.trim_ascii_end().to_vec(), behind));
    };
    // Some senders escape quotes with backslashes, others mean a backslash by one.
    take_quoted(quoted, true).or_else(|| take_quoted(quoted, false))
}

/// What stands before the closing quote, and what behind it.
fn take_quoted(text: &[u8], escapes: bool) -> Option<(Vec<u8>, &[u8])> {
    let mut value = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, behind)) = rest.split_first() {
        rest = match (byte, behind.split_first()) {
            (b'"', _) => return Some((value, behind)),
            (b'\\', Some((&meant @ (b'"' | b'\\'), behind))) if escapes => {
                value.push(meant);
                behind
            }
            _ => {
                value.push(byte);
                behind
            }
        };
    }
    None
}

/// The value of a parameter as text; one in the extended form (RFC 8187) counts
/// before a plain one. What is not UTF-8 is replaced.
pub(crate) fn text(parameters: &[(String, Vec<u8>)], name: &str) -> Option<String> {
    let extended = parameters.iter().find(|(key, _)| key.strip_suffix('*') == Some(name));
    let extended = extended.and_then(|(_, value)| decode_extended(value));
    let plain = parameters.iter().find(|(key, _)| key == name);
    extended.or_else(|| plain.map(|(_, value)| String::from_utf8_lossy(value).into_owned()))
}

/// `UTF-8'en'%e2%82%ac`
fn decode_extended(value: &[u8]) -> Option<String> {
    let value = std::str::from_utf8(value).ok()?;
    let (charset, rest) = value.split_once('\'')?;
    let (_, text) = rest.split_once('\'')?;
    let bytes: Vec<u8> = percent_decode(text.as_bytes()).collect();
    match charset.to_ascii_lowercase().as_str() {
        "utf-8" => String::from_utf8(bytes).ok(),
        "iso-8859-1" => Some(bytes.into_iter().map(char::from).collect()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filename(value: &str) -> Option<String> {
        let (kind, parameters) = parse(value.as_bytes())?;
        assert_eq!(kind, "form-data");
        text(&parameters, "filename")
    }

    #[test]
    fn file_names_are_read_as_any_sender_writes_them() {
        for (sent, name) in [
            (r#"form-data; filename="a.txt""#, "a.txt"),
            (r"Form-Data;FILENAME=a.txt ; x=y", "a.txt"),
            (r#"form-data; filename="a;b=c.txt""#, "a;b=c.txt"),
            (r#"form-data; filename="a \"b\" c""#, "a \"b\" c"),
            (r#"form-data; filename="C:\new\""#, r"C:\new\"),
            (r#"form-data; filename="50%0d.txt""#, "50%0d.txt"),
            (r#"form-data; filename="é😀""#, "é😀"),
            (r#"form-data; filename="e"; filename*=UTF-8''%c3%a9"#, "é"),
            (r#"form-data; filename*=iso-8859-1'en'%E9; filename="e""#, "é"),
            (r#"form-data; filename="e"; filename*=UTF-8''%ff"#, "e"),
            (r#"form-data; filename="";"#, ""),
        ] {
            assert_eq!(filename(sent).as_deref(), Some(name), "{sent}");
        }
        assert_eq!(filename("form-data; name=file"), None);
    }

    #[test]
    fn what_is_not_well_formed_is_no_header_value() {
        for sent in [r#"form-data; filename="a"#, r#"form-data; filename="a" b"#, "form-data; x"] {
            assert_eq!(parse(sent.as_bytes()), None, "{sent}");
        }
    }
}
