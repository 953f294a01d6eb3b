//! Entity tags: conditional reads and writes (RFC 9110, section 13).

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderMap, HeaderName},
};
use understudy_domain::{Fault, usecases::Precondition};

use crate::problem::Problem;

/// What `If-Match` demands of a write.
pub(crate) fn precondition(headers: &HeaderMap) -> Result<Precondition, Problem> {
    Ok(match tags(headers, &header::IF_MATCH)? {
        None => Precondition::None,
        Some(Tags::Any) => Precondition::Exists,
        // A weak tag never names a state exactly.
        Some(Tags::These(tags)) => Precondition::OneOf(
            tags.into_iter().filter(|tag| !tag.weak).map(|tag| tag.text).collect(),
        ),
    })
}

/// `304` when the caller has this state already.
pub(crate) fn not_modified(
    request: &HttpRequest,
    tag: &str,
) -> Result<Option<HttpResponse>, Problem> {
    if !request.headers().contains_key(header::IF_NONE_MATCH) {
        return Ok(None);
    }
    let has_it = match tags(request.headers(), &header::IF_NONE_MATCH)? {
        None => false,
        Some(Tags::Any) => true,
        Some(Tags::These(tags)) => tags.iter().any(|known| known.text == tag),
    };
    let answer = || HttpResponse::NotModified().insert_header((header::ETAG, quoted(tag))).finish();
    Ok(has_it.then(answer))
}

/// The tag as headers have it.
pub(crate) fn quoted(tag: &str) -> String {
    format!("\"{tag}\"")
}

#[derive(Debug, PartialEq)]
enum Tags {
    Any,
    These(Vec<Tag>),
}

#[derive(Debug, PartialEq)]
struct Tag {
    text: String,
    weak: bool,
}

fn tags(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Tags>, Problem> {
    let mut all = Vec::new();
    let mut present = false;
    for line in headers.get_all(name) {
        present = true;
        let text = line.to_str().map(str::trim).unwrap_or_default();
        if text == "*" {
            return Ok(Some(Tags::Any));
        }
        let Some(tags) = parse(text) else {
            let message = "must be `*` or a list of entity tags in double quotes";
            return Err(Problem::invalid(vec![Fault::new(name.as_str(), "invalid", message)]));
        };
        all.extend(tags);
    }
    Ok(present.then_some(Tags::These(all)))
}

fn parse(text: &str) -> Option<Vec<Tag>> {
    let mut tags = Vec::new();
    let mut rest = text;
    loop {
        let weak = rest.starts_with("W/");
        let quoted = rest.strip_prefix("W/").unwrap_or(rest).strip_prefix('"')?;
        let (text, behind) = quoted.split_once('"')?;
        tags.push(Tag { text: text.to_owned(), weak });
        match behind.trim_start() {
            "" => return Some(tags),
            behind => rest = behind.strip_prefix(',')?.trim_start(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_tags_are_read_with_commas_inside_of_quotes() {
        let tags = parse(r#""a,b" , W/"c""#).unwrap();

        assert_eq!(
            tags,
            [Tag { text: "a,b".to_owned(), weak: false }, Tag { text: "c".to_owned(), weak: true }]
        );
        assert_eq!(parse("abc"), None);
        assert_eq!(parse(r#""a" "b""#), None);
        assert_eq!(parse(""), None);
    }
}
