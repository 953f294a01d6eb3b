//! Where the request goes.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Map, Value};
use url::Url;

use super::{SkillFault, parts, plain};
use crate::skill::{
    Part,
    custom::{Custom, address},
    origin_of,
};

/// All but what stands for itself everywhere in an address.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// Most characters of an address; servers take no more.
const MAX_URL_CHARS: usize = 16_384;

/// The address with everything filled in, and its origin.
pub(super) fn render(
    custom: &Custom,
    input: &Map<String, Value>,
) -> Result<(String, String), SkillFault> {
    let template = parts(&custom.url)?;
    let judged = address(&template).map_err(|(_, message)| {
        SkillFault::Settings(format!("the address of the skill {message}"))
    })?;
    let mut url = filled(&template, input)?;
    append_query(&mut url, custom, input)?;
    let real = Url::parse(&url)
        .map_err(|error| SkillFault::Settings(format!("the address is none: {error}")))?;
    let origin = origin_of(&judged);
    // A second wall: values were encoded and their segments judged.
    if origin_of(&real) != origin || segments(&real) != segments(&judged) {
        let message = "an input would lead the request to another place";
        return Err(SkillFault::Input(message.to_owned()));
    }
    if real.as_str().len() > MAX_URL_CHARS {
        let message = format!("the address would have more than {MAX_URL_CHARS} characters");
        return Err(SkillFault::Input(message));
    }
    Ok((real.into(), origin))
}

fn segments(url: &Url) -> Option<usize> {
    url.path_segments().map(Iterator::count)
}

fn filled(template: &[Part<'_>], input: &Map<String, Value>) -> Result<String, SkillFault> {
    let mut url = String::new();
    // Where the segment begins that is being written, and what was put into it.
    let (mut segment, mut names): (usize, Vec<&str>) = (0, Vec::new());
    let mut in_query = false;
    for part in template {
        match *part {
            Part::Text(text) if in_query => url.push_str(text),
            Part::Text(text) => {
                for c in text.chars() {
                    if matches!(c, '/' | '\\' | '?') {
                        judge(url.get(segment..).unwrap_or_default(), &names)?;
                        names.clear();
                        in_query |= c == '?';
                    }
                    url.push(c);
                    if matches!(c, '/' | '\\') {
                        segment = url.len();
                    }
                }
            }
            Part::Input(name) => {
                names.push(name);
                url.extend(utf8_percent_encode(&plain(input.get(name)), VALUE));
            }
            Part::Secret(_) => return Err(no_secrets()),
        }
        if in_query {
            names.clear();
        }
    }
    if !in_query {
        judge(url.get(segment..).unwrap_or_default(), &names)?;
    }
    Ok(url)
}

fn no_secrets() -> SkillFault {
    SkillFault::Settings("a secret must not stand in an address".to_owned())
}

/// Whether a segment that inputs were put into is still one that leads nowhere else:
/// neither empty, which often means all of something, nor a step to somewhere, also
/// for services that decode slashes before they look.
fn judge(segment: &str, names: &[&str]) -> Result<(), SkillFault> {
    let Some(name) = names.first() else { return Ok(()) };
    if segment.is_empty() {
        return Err(SkillFault::Input(format!("`{name}` must not be empty")));
    }
    let decoded = percent_decode_str(segment).decode_utf8_lossy();
    if decoded.split(['/', '\\']).any(|step| matches!(step, "." | "..")) {
        let message = format!("`{name}` must not be a step within the path");
        return Err(SkillFault::Input(message));
    }
    if decoded.chars().any(char::is_control) {
        return Err(SkillFault::Input(format!("`{name}` must not have control characters")));
    }
    Ok(())
}

fn append_query(
    url: &mut String,
    custom: &Custom,
    input: &Map<String, Value>,
) -> Result<(), SkillFault> {
    for (name, text) in &custom.query {
        let parts = parts(text)?;
        if let [Part::Input(name)] = parts.as_slice()
            && input.get(*name).is_none_or(Value::is_null)
        {
            continue;
        }
        url.push(match url.split_once('?') {
            None => '?',
            Some(_) => '&',
        });
        url.extend(utf8_percent_encode(name, VALUE));
        url.push('=');
        for part in parts {
            match part {
                Part::Text(text) => url.extend(utf8_percent_encode(text, VALUE)),
                Part::Input(name) => {
                    url.extend(utf8_percent_encode(&plain(input.get(name)), VALUE));
                }
                Part::Secret(_) => return Err(no_secrets()),
            }
        }
    }
    Ok(())
}
