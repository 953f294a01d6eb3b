//! The dialect of OKCHAT's external API, `/api/external`: a chatbot is a live
//! assistant. It translates; what is allowed and right is decided where the native
//! dialect has it decided, and answered with the same statuses.

use actix_web::http::Method;
use serde::Serialize;
use understudy_domain::usecases::{avatar, icons::MAX_ICON_BYTES};
use utoipa::{ToSchema, openapi::ComponentsBuilder};

use crate::{
    answer::{self, Answer},
    call::Call,
    endpoint::Endpoint,
    multipart,
    openapi::Doc,
    problem::Code,
};

mod chatbot;

use chatbot::Chatbot;

/// What the paths of this dialect begin with.
pub(crate) const PREFIX: &str = "/api/external/";

const AVATAR: &str = "/api/external/chatbot/{chatbotId}/update-avatar";

/// What the part with the picture is called.
const PARTS: &[&str] = &["avatar"];

/// An error of this dialect.
#[derive(Serialize, ToSchema)]
#[schema(as = OkchatError)]
pub(crate) struct ErrorBody<'a> {
    /// Which one, for programs; `/problems` explains each.
    #[schema(value_type = String, example = "not_found")]
    pub(crate) error: &'a str,
    /// What happened here.
    #[schema(value_type = String, example = "there is no such assistant")]
    pub(crate) message: &'a str,
}

/// A chatbot after a change.
#[derive(Serialize, ToSchema)]
#[schema(as = OkchatAvatarUpdated)]
pub(crate) struct AvatarUpdated {
    /// The chatbot as it is now.
    chatbot: Chatbot,
    /// That it was done.
    #[schema(value_type = String, example = "Avatar updated successfully")]
    message: &'static str,
}

/// All operations of the dialect.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::new(Method::PATCH, AVATAR, update_avatar, |doc: Doc| {
        doc.op("okchat", "chatbotAvatar", "Set the avatar of a chatbot")
            .about("It becomes the icon of the assistant, and `settings.avatar` is where anybody can load it, until another takes its place. A PNG, JPEG, GIF, WebP or SVG of at most 5 MiB, encoded anew. Needs edit access.")
            .file_body(PARTS)
            .json(200, "The chatbot as it is now.", "OkchatAvatarUpdated")
            .codes(&[Code::LimitReached,
                Code::InvalidFile,
                Code::UnsupportedFile,
                Code::ConcurrentChange,
                Code::ApiDisabled,
                Code::InsufficientLevel,
                Code::NotFound,
            ])
            .needs_seat()
    })]
}

/// The schemas of what the dialect answers.
pub(crate) fn schemas(components: ComponentsBuilder) -> ComponentsBuilder {
    components
        .schema_from::<ErrorBody<'_>>()
        .schema_from::<AvatarUpdated>()
        .schema_from::<Chatbot>()
        .schema_from::<chatbot::Personality>()
        .schema_from::<chatbot::Settings>()
        .schema_from::<chatbot::Snippet>()
}

async fn update_avatar(mut call: Call) -> Answer {
    let precondition = call.precondition()?;
    let reference = call.path("chatbotId").to_owned();
    avatar::authorize_avatar(call.deps(), &call.caller, &reference).await?;
    let upload = multipart::small_file(&mut call, PARTS, MAX_ICON_BYTES).await?;
    let (deps, caller) = (call.deps(), &call.caller);
    let set = avatar::set_avatar(deps, caller, &reference, upload, precondition).await?;
    let url = format!("{}/images/{}", call.state.options.public_url, set.avatar.key.expose());
    let chatbot = Chatbot::of(&set.assistant, url);
    answer::ok(&AvatarUpdated { chatbot, message: "Avatar updated successfully" })
}
