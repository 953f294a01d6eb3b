//! What the caller marked as a favourite.

use actix_web::http::Method;
use serde::Serialize;
use understudy_domain::{Timestamp, usecases::favorites};
use utoipa::ToSchema;

use crate::{
    answer::{self, Answer},
    call::Call,
    endpoint::Endpoint,
    fields::Fields,
    openapi::Doc,
    problem::Code,
};

const FAVORITE: &str = "/api/assistants/{id}/favorite";

/// Whether an assistant is the caller's favourite.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Favorite)]
pub(crate) struct FavoriteView {
    /// Whether it is.
    #[schema(example = true)]
    favorited: bool,
    /// Since when; null if it is not.
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-01-31T12:00:00Z")]
    favorited_at: Option<Timestamp>,
}

impl From<Option<Timestamp>> for FavoriteView {
    fn from(since: Option<Timestamp>) -> Self {
        Self { favorited: since.is_some(), favorited_at: since }
    }
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, FAVORITE, read_favorite, |doc: Doc| {
            doc.op("sharing", "getFavorite", "Read whether an assistant is one's favourite")
                .about("Needs view access; it may be an assistant of another organization.")
                .tagged(200, "Whether it is.", "Favorite")
                .needs_seat()
        }),
        Endpoint::new(Method::PUT, FAVORITE, add_favorite, |doc: Doc| {
            doc.op("sharing", "addFavorite", "Mark an assistant as one's favourite")
                .about("Nobody else sees it. Needs view access.")
                .optional_body("Nothing")
                .tagged(200, "It was before.", "Favorite")
                .tagged(201, "It is now.", "Favorite")
                .needs_seat()
        }),
        Endpoint::new(Method::DELETE, FAVORITE, remove_favorite, |doc: Doc| {
            doc.op("sharing", "removeFavorite", "Take the mark away")
                .about("Needs view access.")
                .empty(204, "It is none any more.")
                .conditional()
                .codes(&[Code::ConcurrentChange])
                .needs_seat()
        }),
    ]
}

async fn read_favorite(call: Call) -> Answer {
    let since = favorites::view_favorite(call.deps(), &call.caller, call.path("id")).await?;
    answer::resource(&call.request, &favorites::etag(since), &FavoriteView::from(since))
}

async fn add_favorite(mut call: Call) -> Answer {
    let precondition = call.precondition()?;
    let input = call.optional_input().await?;
    Fields::of(input.value)?.ignoring(&["favorited", "favoritedAt"]).finish()?;
    let (deps, caller, assistant) = (call.deps(), &call.caller, call.path("id"));
    let (since, created) = favorites::add_favorite(deps, caller, assistant, precondition).await?;
    let (tag, view) = (favorites::etag(Some(since)), FavoriteView::from(Some(since)));
    if created {
        answer::created(call.request.path(), &tag, &view)
    } else {
        answer::changed(&tag, &view)
    }
}

async fn remove_favorite(call: Call) -> Answer {
    let precondition = call.precondition()?;
    favorites::remove_favorite(call.deps(), &call.caller, call.path("id"), precondition).await?;
    answer::gone()
}
