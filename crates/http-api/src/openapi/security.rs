//! The ways of showing who one is.

use utoipa::openapi::{
    ComponentsBuilder, SecurityRequirement,
    security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
};

use crate::caller::SESSION_COOKIE;

/// Adds the schemes.
pub(super) fn schemes(components: ComponentsBuilder) -> ComponentsBuilder {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("An API token (`ust_…`) or the JWT of a session."))
        .build();
    let key = ApiKeyValue::with_description("x-api-key", "An API token (`ust_…`).");
    let cookie = ApiKeyValue::with_description(
        SESSION_COOKIE,
        "The session cookie. Writes need the header `X-CSRF-Token` too, with the `csrfToken` that \
         the session told.",
    );
    components
        .security_scheme("bearer", SecurityScheme::Http(bearer))
        .security_scheme("apiKey", SecurityScheme::ApiKey(ApiKey::Header(key)))
        .security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)))
}

/// Any one of them.
pub(super) fn any() -> [SecurityRequirement; 3] {
    ["bearer", "apiKey", "session"]
        .map(|name| SecurityRequirement::new::<_, [&str; 0], _>(name, []))
}
