//! Answers that are pictures: rendered once, kept while there is room, and shown by
//! browsers without anything in them running.

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderValue},
};
use quick_cache::{Weighter, sync::Cache};
use understudy_domain::{
    OrganizationId,
    usecases::icons::{IconForm, IconView, RenderedIcon},
};

use crate::{answer::Answer, etag, problem::Problem, query::Query, server::State};

/// How many bytes of pictures are kept.
const ROOM: u64 = 32 * 1024 * 1024;
/// What to plan for.
const USUAL_COUNT: usize = 2_000;
/// What an entry takes beside its bytes.
const OVERHEAD: usize = 256;

/// Nothing in a picture runs or loads anything, even when it is opened by itself.
const NOTHING_RUNS: HeaderValue =
    HeaderValue::from_static("sandbox; default-src 'none'; style-src 'unsafe-inline'");
/// A browser asks whether it has changed, as access may have.
const ASK_FIRST: HeaderValue = HeaderValue::from_static("private, no-cache");

/// Rendered pictures, by organization and entity tag.
pub(crate) struct Rendered(Cache<Key, RenderedIcon, Weight>);

type Key = (OrganizationId, Arc<str>);

#[derive(Clone)]
struct Weight;

impl Weighter<Key, RenderedIcon> for Weight {
    fn weight(&self, _: &Key, icon: &RenderedIcon) -> u64 {
        u64::try_from(icon.bytes.len() + OVERHEAD).unwrap_or(ROOM)
    }
}

impl Rendered {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self(Cache::with_weighter(USUAL_COUNT, ROOM, Weight))
    }
}

/// The form that `?size=` asks for.
pub(crate) fn form_of(query: &mut Query) -> IconForm {
    let read = |text: &str| text.parse().ok().and_then(IconForm::square);
    let asked = query.read("size", "a whole number from 16 to 1024", read);
    asked.unwrap_or(IconForm::Natural)
}

/// The icon in this form, or `304`; rendered only if nobody asked for it lately.
/// `name` is what it is saved as, without ending: letters, digits and `-`.
pub(crate) async fn show(
    request: &HttpRequest,
    state: &State,
    icon: &IconView,
    form: IconForm,
    name: &str,
) -> Answer {
    let tag = icon.etag(form);
    if let Some(answer) = unchanged(request, &tag)? {
        return Ok(answer);
    }
    let key = (icon.organization, Arc::from(tag.as_str()));
    // Of many who ask at once, one renders and the others wait for it.
    let rendered = state.rendered.0.get_or_insert_async(&key, icon.render(state.deps(), form));
    Ok(picture(&tag, rendered.await?, name))
}

/// `304` when the caller has the picture that `tag` names.
pub(crate) fn unchanged(request: &HttpRequest, tag: &str) -> Result<Option<HttpResponse>, Problem> {
    let mut answer = etag::not_modified(request, tag)?;
    if let Some(answer) = &mut answer {
        answer.headers_mut().insert(header::CACHE_CONTROL, ASK_FIRST);
    }
    Ok(answer)
}

/// `200` with a picture.
pub(crate) fn picture(tag: &str, icon: RenderedIcon, name: &str) -> HttpResponse {
    let ending = match icon.media_type {
        "image/svg+xml" => "svg",
        "image/x-icon" => "ico",
        _ => "png",
    };
    HttpResponse::Ok()
        .insert_header((header::ETAG, etag::quoted(tag)))
        .insert_header((header::CACHE_CONTROL, ASK_FIRST))
        .insert_header((header::CONTENT_SECURITY_POLICY, NOTHING_RUNS))
        .insert_header((
            header::CONTENT_DISPOSITION,
            format!("inline; filename=\"{name}.{ending}\""),
        ))
        .content_type(icon.media_type)
        .body(icon.bytes)
}
