//! Logging in by the organization's identity provider.

use actix_web::{
    HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite, time::Duration},
    http::{Method, header},
};
use serde::Serialize;
use understudy_domain::{
    Secret,
    usecases::{
        directory::{self, LOGIN_LIFETIME, Return, SignOn},
        sessions::LoggedIn,
    },
};
use utoipa::ToSchema;

use super::session::{add_cookie, session_cookie_of};
use crate::{
    answer::{self, Answer},
    call::state_of,
    caller,
    endpoint::Endpoint,
    openapi::{Doc, Parameter},
    problem::{Code, Problem},
    query::Query,
    server::{SingleSignOn, State},
};

const METHODS: &str = "/api/session/methods";
const BEGIN: &str = "/api/session/oidc";
const FINISH: &str = "/api/session/oidc/callback";

/// The name of the cookie that a log-in lives in while the browser is at the provider.
const LOGIN_COOKIE: &str = "understudy_login";
/// Most characters of the path to go on to: it travels in the cookie.
const MAX_RETURN_CHARS: usize = 1_024;

/// How people can log in.
#[derive(Serialize, ToSchema)]
#[schema(as = LoginMethods)]
pub(crate) struct MethodsView {
    /// With address and password.
    password: bool,
    /// By an identity provider, beginning at `/api/session/oidc`.
    oidc: bool,
    /// What the identity provider is called; null when there is none.
    #[schema(example = "login.example.org")]
    name: Option<String>,
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, METHODS, methods, |doc: Doc| {
            doc.open("session", "getLoginMethods", "Ways to log in").json(
                200,
                "What this service offers.",
                "LoginMethods",
            )
        }),
        Endpoint::new(Method::GET, BEGIN, begin, |doc: Doc| {
            doc.open("session", "beginLogin", "Log in by the identity provider")
                .about("For browsers: sends them to the organization's OpenID provider, with a cookie that the log-in lives in for ten minutes. `404` when there is no provider. Limited per address.")
                .query("returnTo", "The path to go on to afterwards, percent-encoded; `/` when absent. Other hosts cannot be named.", Parameter::text())
                .empty(303, "To the provider; the cookie comes along.")
                .tells("Location", "Where the provider logs people in.")
                .codes(&[Code::NotFound, Code::TooManyRequests, Code::ProviderFailed])
        }),
        Endpoint::new(Method::GET, FINISH, finish, |doc: Doc| {
            doc.open("session", "finishLogin", "Come back from the identity provider")
                .about("Where the provider sends browsers. Somebody new becomes a user if the provider tells a verified address; who has an account here already is linked by an administrator (`externalId`), never by address. Begins a session as a log-in with a password does; `GET /api/session` tells its `csrfToken`. Parameters that providers add are ignored.")
                .query("code", "The provider's code.", Parameter::text())
                .query("state", "What the log-in began with.", Parameter::text())
                .empty(303, "Logged in; the session cookie comes along.")
                .tells("Location", "The path that the log-in was to go on to.")
                .codes(&[Code::NotFound, Code::LoginRefused, Code::AccountNotLinked, Code::TooManyRequests, Code::ProviderFailed])
        }),
    ]
}

async fn methods(request: HttpRequest) -> Answer {
    let state = state_of(&request)?;
    Query::of(&request).finish()?;
    let provider = state.options.single_sign_on.as_ref().map(|found| &found.provider);
    answer::ok(&MethodsView {
        password: true,
        oidc: provider.is_some(),
        name: provider.map(|provider| provider.name()),
    })
}

async fn begin(request: HttpRequest) -> Answer {
    let state = state_of(&request)?;
    let mut query = Query::of(&request);
    let expects = format!("a path of at most {MAX_RETURN_CHARS} characters that begins with one /");
    let return_to = query.read("returnTo", &expects, path_of);
    query.finish()?;
    let found = single_sign_on(&state)?;
    let allowance = state.limits.log_in_elsewhere(caller::origin(&request, &state).address)?;
    let redirect_url = redirect_url(&state);
    let sign_on = sign_on(found, &redirect_url);
    let return_to = return_to.as_deref().unwrap_or("/");
    let begun = directory::begin_log_in(state.deps(), sign_on, return_to).await?;
    let mut answer = see_other(&begun.url);
    let lasts = Duration::seconds(LOGIN_LIFETIME.whole_seconds());
    add_cookie(&mut answer, &login_cookie(&state, begun.cookie.expose().clone(), lasts))?;
    Ok(match allowance {
        Some(allowance) => allowance.told(answer),
        None => answer,
    })
}

async fn finish(request: HttpRequest) -> Answer {
    let state = state_of(&request)?;
    let found = single_sign_on(&state)?;
    match finished(&request, &state, found).await {
        Ok((logged_in, return_to)) => {
            let LoggedIn { cookie, session_expires_at, .. } = logged_in;
            let lasts = session_expires_at.since(state.services.clock.now()).whole_seconds();
            let session =
                session_cookie_of(&state, cookie.expose().clone(), Duration::seconds(lasts));
            let mut answer = see_other(&return_to);
            add_cookie(&mut answer, &session)?;
            add_cookie(&mut answer, &no_login(&state))?;
            Ok(answer)
        }
        Err(problem) => Err(problem.header(header::SET_COOKIE, &no_login(&state).to_string())),
    }
}

async fn finished(
    request: &HttpRequest,
    state: &State,
    found: &SingleSignOn,
) -> Result<(LoggedIn, String), Problem> {
    let mut query = Query::of(request);
    let (code, given) = (query.text("code"), query.text("state"));
    // Providers tell other things besides: `iss`, `session_state`, `error`.
    query.prefixed("");
    query.finish()?;
    let origin = caller::origin(request, state);
    state.limits.log_in_elsewhere(origin.address)?;
    let back = Return {
        cookie: request.cookie(LOGIN_COOKIE).map(|cookie| cookie.value().to_owned()),
        state: given.unwrap_or_default(),
        code: code.map(Secret::new),
    };
    let redirect_url = redirect_url(state);
    let (sign_on, signer) = (sign_on(found, &redirect_url), &*state.services.signer);
    Ok(directory::finish_log_in(state.deps(), sign_on, signer, &origin, back).await?)
}

fn single_sign_on(state: &State) -> Result<&SingleSignOn, Problem> {
    let found = state.options.single_sign_on.as_ref();
    found.ok_or_else(|| Problem::new(Code::NotFound).detail("there is no identity provider"))
}

fn sign_on<'a>(found: &'a SingleSignOn, redirect_url: &'a str) -> SignOn<'a> {
    let SingleSignOn { provider, sealer, mapping } = found;
    SignOn { provider: &**provider, sealer: &**sealer, mapping, redirect_url }
}

/// Where the provider sends browsers back to: where the operator says that users
/// reach the service, whatever host a request names.
fn redirect_url(state: &State) -> String {
    format!("{}{FINISH}", state.options.public_url)
}

/// A path on this host and nothing else: what begins with two slashes, or with a
/// slash and a backslash, names another host.
fn path_of(text: &str) -> Option<String> {
    let local = text.starts_with('/') && !text.starts_with("//") && !text.contains('\\');
    let plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    (local && plain && text.len() <= MAX_RETURN_CHARS).then(|| text.to_owned())
}

fn login_cookie(state: &State, value: String, lasts: Duration) -> Cookie<'static> {
    // The proxy in front of us may know the service under a path of its own.
    let host = state.options.public_url.split_once("://").map_or("", |(_, host)| host);
    let prefix = host.split_once('/').map_or("", |(_, path)| path).trim_end_matches('/');
    let slash = if prefix.is_empty() { "" } else { "/" };
    Cookie::build(LOGIN_COOKIE, value)
        .path(format!("{slash}{prefix}{BEGIN}"))
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(state.secure_cookies())
        .max_age(lasts)
        .finish()
}

fn no_login(state: &State) -> Cookie<'static> {
    login_cookie(state, String::new(), Duration::ZERO)
}

fn see_other(location: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, location)).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_goes_on_to_paths_of_this_host_only() {
        for path in ["/", "/assistants/a?x=1#y", "/%2F%2Fevil.example"] {
            assert_eq!(path_of(path).as_deref(), Some(path));
        }
        for elsewhere in [
            "",
            "assistants",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "/\t/evil.example",
            " /",
            "/x\r\nSet-Cookie: a=b",
            "/ä",
            &format!("/{}", "x".repeat(1_024)),
        ] {
            assert_eq!(path_of(elsewhere), None, "{elsewhere}");
        }
    }
}
