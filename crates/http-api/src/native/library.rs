//! The libraries of icons and avatars.

use actix_web::{HttpRequest, http::Method};
use serde::Serialize;
use understudy_domain::{
    Digest, avatars,
    icons::{self as library, ID_PREFIX},
    usecases::icons,
};
use utoipa::ToSchema;

use super::icons::sized;
use crate::{
    answer::{self, Answer},
    call::{Asked, state_of},
    caller,
    endpoint::Endpoint,
    openapi::{Doc, Parameter},
    pictures,
    problem::Code,
    query::Query,
};

/// An icon of the library.
#[derive(Serialize, ToSchema)]
#[schema(as = LibraryIcon)]
pub(crate) struct IconEntry {
    /// Its identifier, which `icon_data` takes when `icon_type` is `icon`.
    #[schema(example = "icon_star")]
    id: String,
    /// Its name, which `icon` takes.
    #[schema(example = "star")]
    name: &'static str,
    /// Where its drawing is.
    #[schema(example = "/api/icons/star.svg")]
    url: String,
}

/// An avatar of the library.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Avatar)]
pub(crate) struct AvatarEntry {
    /// Its identifier, which `avatar_id` takes.
    #[schema(example = "avt_support_green")]
    id: &'static str,
    /// Its name.
    #[schema(example = "Support, green")]
    name: &'static str,
    /// What it is for.
    description: &'static str,
    /// Where its picture is.
    #[schema(example = "/api/avatars/avt_support_green")]
    image_url: String,
    /// Whether it can be chosen.
    is_active: bool,
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, "/api/icons", list_icons, |doc: Doc| {
            doc.op("icons", "listIcons", "List the icons of the library")
                .about("Sorted by name.")
                .query("q", "Only icons with this in their name.", Parameter::text())
                .json(200, "The icons.", "LibraryIconList")
        }),
        Endpoint::new(Method::GET, "/api/icons/{name}.svg", show_icon, |doc: Doc| {
            doc.op("icons", "getLibraryIcon", "Show an icon of the library")
                .about("The bare drawing, in `currentColor`.")
                .bytes("The icon.", &["image/svg+xml"])
                .codes(&[Code::NotFound])
        }),
        Endpoint::new(Method::GET, "/api/avatars", list_avatars, |doc: Doc| {
            doc.op("icons", "listAvatars", "List the avatars of the library")
                .about("By what they are for, and then by colour.")
                .query(
                    "q",
                    "Only avatars with this in their name or description.",
                    Parameter::text(),
                )
                .json(200, "The avatars.", "AvatarList")
        }),
        Endpoint::new(Method::GET, "/api/avatars/{avatar}", show_avatar, |doc: Doc| {
            sized(doc.op("icons", "getAvatar", "Show an avatar of the library"))
                .bytes("The avatar.", &["image/svg+xml", "image/png"])
                .codes(&[Code::NotFound])
        }),
    ]
}

async fn list_icons(Asked { mut query, .. }: Asked) -> Answer {
    let wanted = query.text("q").unwrap_or_default().to_lowercase();
    query.finish()?;
    let entry = |name: &'static str| IconEntry {
        id: format!("{ID_PREFIX}{name}"),
        name,
        url: format!("/api/icons/{name}.svg"),
    };
    let found = library::all().iter().filter(|name| name.contains(&wanted));
    answer::ok(&found.copied().map(entry).collect::<Vec<_>>())
}

async fn show_icon(request: HttpRequest) -> Answer {
    let state = state_of(&request)?;
    caller::authenticate(&request, &state).await?;
    Query::of(&request).finish()?;
    let name = request.match_info().get("name").unwrap_or_default();
    let icon = icons::library_icon(state.deps(), name)?;
    let tag: String = Digest::of(&icon.bytes).to_string().chars().take(32).collect();
    match pictures::unchanged(&request, &tag)? {
        Some(answer) => Ok(answer),
        None => Ok(pictures::picture(&tag, icon, name)),
    }
}

async fn list_avatars(Asked { mut query, .. }: Asked) -> Answer {
    let wanted = query.text("q").unwrap_or_default().to_lowercase();
    query.finish()?;
    let fits = |avatar: &&avatars::Avatar| {
        [&avatar.name, &avatar.description].iter().any(|text| text.to_lowercase().contains(&wanted))
    };
    let entry = |avatar: &'static avatars::Avatar| AvatarEntry {
        id: &avatar.id,
        name: &avatar.name,
        description: &avatar.description,
        image_url: format!("/api/avatars/{}", avatar.id),
        is_active: true,
    };
    let found: Vec<_> = avatars::all().iter().filter(fits).map(entry).collect();
    answer::ok(&found)
}

async fn show_avatar(request: HttpRequest) -> Answer {
    let state = state_of(&request)?;
    let caller = caller::authenticate(&request, &state).await?;
    let mut query = Query::of(&request);
    let form = pictures::form_of(&mut query);
    query.finish()?;
    let id = request.match_info().get("avatar").unwrap_or_default();
    let icon = icons::view_avatar(&caller, id)?;
    pictures::show(&request, &state, &icon, form, id).await
}
