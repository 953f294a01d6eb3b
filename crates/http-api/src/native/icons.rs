//! Icons of assistants.

use actix_web::{HttpRequest, http::Method};
use understudy_domain::{
    Slug,
    usecases::icons::{self, IconForm, MAX_ICON_BYTES},
};

use crate::{
    answer::{self, Answer},
    call::{Call, state_of},
    caller,
    endpoint::Endpoint,
    multipart,
    openapi::{Doc, Parameter},
    pictures,
    problem::Code,
    query::Query,
};

const ICON: &str = "/api/assistants/{id}/icon";
const FAVICON: &str = "/api/assistants/{id}/favicon.ico";

/// What a part with an icon may be called.
const PARTS: &[&str] = &["icon", "file"];

/// The size that a picture is asked for in.
pub(super) fn sized(doc: Doc) -> Doc {
    let about = "Pixels a side of a PNG; without it the picture comes as it is, SVG or PNG.";
    doc.query("size", about, Parameter::number(16, 1_024))
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, ICON, show_icon, |doc: Doc| {
            sized(doc.op("icons", "getIcon", "Show the icon of an assistant or draft"))
                .about("The uploaded icon, or one that is drawn: an emoji, the icon of the library that `icon` names, or the avatar. Needs view access.")
                .bytes("The icon.", &["image/svg+xml", "image/png"])
                .codes(&[Code::InvalidFile, Code::UnsupportedFile])
                .needs_seat()
        }),
        Endpoint::new(Method::PUT, ICON, upload_icon, |doc: Doc| {
            doc.op("icons", "putIcon", "Give an assistant or draft an icon")
                .about("A PNG, JPEG, GIF, WebP or SVG of at most 5 MiB. It is encoded anew, and nothing active or named from elsewhere stays in it. Needs edit access.")
                .file_body(PARTS)
                .tagged(200, "The assistant as it is now.", "Assistant")
                .codes(&[Code::LimitReached,
                    Code::InvalidFile, Code::UnsupportedFile, Code::ConcurrentChange,
                ])
                .needs_seat()
        }),
        Endpoint::new(Method::DELETE, ICON, reset_icon, |doc: Doc| {
            doc.op("icons", "deleteIcon", "Take the icon off an assistant or draft")
                .about("It has its default icon again. Needs edit access.")
                .empty(204, "It is gone.")
                .conditional()
                .codes(&[Code::ConcurrentChange])
                .needs_seat()
        }),
        Endpoint::new(Method::GET, FAVICON, show_favicon, |doc: Doc| {
            doc.op("icons", "getFavicon", "Show the icon of an assistant as a favicon")
                .about("With 16, 32 and 48 pixels a side. Needs view access.")
                .bytes("The favicon.", &["image/x-icon"])
                .codes(&[Code::InvalidFile, Code::UnsupportedFile])
                .needs_seat()
        }),
    ]
}

async fn show_icon(request: HttpRequest) -> Answer {
    let mut query = Query::of(&request);
    let form = pictures::form_of(&mut query);
    show(&request, query, form).await
}

async fn show_favicon(request: HttpRequest) -> Answer {
    let query = Query::of(&request);
    show(&request, query, IconForm::Favicon).await
}

/// Not by [`Call`]: who asks and what they ask for is one round trip, and browsers
/// take pictures, not JSON.
async fn show(request: &HttpRequest, query: Query, form: IconForm) -> Answer {
    let state = state_of(request)?;
    let reference = request.match_info().get("id").unwrap_or_default();
    let view = caller::read_assistant(request, &state, reference).await?;
    query.finish()?;
    let slug = view.record.authority().slug.as_ref();
    let name = slug.map_or("icon", Slug::as_str);
    pictures::show(request, &state, &icons::icon_of(&view), form, name).await
}

async fn upload_icon(mut call: Call) -> Answer {
    let precondition = call.precondition()?;
    let reference = call.path("id").to_owned();
    icons::authorize_icon(call.deps(), &call.caller, &reference).await?;
    let upload = multipart::small_file(&mut call, PARTS, MAX_ICON_BYTES).await?;
    let (deps, caller) = (call.deps(), &call.caller);
    let view = icons::set_icon(deps, caller, &reference, upload, precondition).await?;
    answer::changed(&view.etag(), &view)
}

async fn reset_icon(call: Call) -> Answer {
    let precondition = call.precondition()?;
    icons::reset_icon(call.deps(), &call.caller, call.path("id"), precondition).await?;
    answer::gone()
}
