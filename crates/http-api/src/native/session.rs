//! Logging in and out, and who one is.

use actix_web::{
    HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite, time::Duration},
    dev::Payload,
    http::Method,
    web,
};
use serde::Serialize;
use understudy_domain::{
    OrganizationId, Role, Secret, TeamId, TeamRole, Timestamp,
    usecases::{
        Error,
        sessions::{self, LogIn, LoggedIn, WhoAmI},
    },
};
use utoipa::ToSchema;

use super::{tokens::TokenView, users::UserView};
use crate::{
    answer::{self, Answer},
    call::{Call, state_of},
    caller::{self, SESSION_COOKIE, session_cookie},
    endpoint::Endpoint,
    fields::Fields,
    input,
    negotiation::require_json_accepted,
    openapi::Doc,
    problem::{Code, Problem},
    query::Query,
    server::State,
};

const SESSION: &str = "/api/session";

/// A log-in that succeeded.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = LoggedIn)]
pub(crate) struct LoggedInView {
    /// A JWT for `Authorization: Bearer`.
    #[schema(example = "eyJhbGciOiJI…")]
    token: String,
    /// When the JWT ends.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T12:15:00Z")]
    expires_at: Timestamp,
    /// When the session ends.
    #[schema(value_type = String, format = DateTime, example = "2026-02-01T00:00:00Z")]
    session_expires_at: Timestamp,
    /// What writes with the session cookie send as `X-CSRF-Token`.
    csrf_token: String,
    /// Who logged in.
    user: UserView,
}

/// A new JWT of a session.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Refreshed)]
pub(crate) struct RefreshedView {
    /// A JWT for `Authorization: Bearer`.
    #[schema(example = "eyJhbGciOiJI…")]
    token: String,
    /// When it ends.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T12:15:00Z")]
    expires_at: Timestamp,
}

/// Who the caller is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WhoAmI)]
pub(crate) struct WhoAmIView {
    /// The user.
    user: UserView,
    /// The user's organization.
    organization: OrganizationView,
    /// The rank in the organization.
    #[schema(value_type = String, example = "member")]
    role: Role,
    /// The user's teams.
    teams: Vec<OwnTeamView>,
    /// Whether the user may use assistants.
    ai_seat: bool,
    /// What the caller may do in the organization.
    #[schema(value_type = Vec<String>, example = json!(["assistants:create"]))]
    permissions: Vec<&'static str>,
    /// The API token that was shown, if it was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    token: Option<TokenView>,
    /// What writes with the session cookie send as `X-CSRF-Token`, if the cookie was shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    csrf_token: Option<String>,
}

/// An organization.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Organization)]
pub(crate) struct OrganizationView {
    /// Its identifier.
    #[schema(value_type = String, example = "org_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    id: OrganizationId,
    /// What people call it.
    #[schema(example = "Example Ltd.")]
    name: String,
    /// The model of new assistants that name none.
    #[schema(example = "gpt-4o")]
    default_model_key: String,
}

/// A team of the caller.
#[derive(Serialize, ToSchema)]
#[schema(as = OwnTeam)]
pub(crate) struct OwnTeamView {
    /// Its identifier.
    #[schema(value_type = String, example = "team_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    id: TeamId,
    /// What people call it.
    #[schema(example = "Customer care")]
    name: String,
    /// The caller's role in it: `admin` or `member`.
    #[schema(value_type = String, example = "admin")]
    role: TeamRole,
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, SESSION, who_am_i, |doc: Doc| {
            doc.op("session", "getSession", "Who one is").about("With any credential.").json(
                200,
                "User, organization and what the caller may do.",
                "WhoAmI",
            )
        }),
        Endpoint::new(Method::POST, SESSION, log_in, |doc: Doc| {
            doc.open("session", "logIn", "Log in")
                .about("Begins a session of 12 hours, with a JWT of 15 minutes and a cookie. Log-ins are limited, per address and per account. `Idempotency-Key` is not heeded here: a second log-in is a second session.")
                .body("LogIn")
                .json(200, "Logged in; the cookie comes along.", "LoggedIn")
                .codes(&[Code::Unauthenticated, Code::TooManyRequests, Code::Unavailable])
        }),
        Endpoint::new(Method::DELETE, SESSION, log_out, |doc: Doc| {
            doc.op("session", "logOut", "Log out")
                .about("Ends the session, with its cookie and its JWTs. An API token has no session: `404`.")
                .empty(204, "The session has ended.")
                .codes(&[Code::NotFound])
        }),
        Endpoint::new(Method::POST, "/api/session/_refresh", refresh, |doc: Doc| {
            doc.op("session", "refreshSession", "Get a new JWT for the session")
                .about("The session stays as long as it was. `Idempotency-Key` is not heeded here.")
                .optional_body("Nothing")
                .json(200, "The new JWT.", "Refreshed")
        }),
    ]
}

async fn log_in(request: HttpRequest, payload: web::Payload) -> Answer {
    let state = state_of(&request)?;
    require_json_accepted(request.headers())?;
    Query::of(&request).finish()?;
    let command = credentials(&request, &mut payload.into_inner()).await?;
    let origin = caller::origin(&request, &state);
    let allowance = state.limits.log_in(origin.address, &command.email)?;
    let services = &state.services;
    let (passwords, signer) = (&*services.passwords, &*services.signer);
    let found = sessions::log_in(state.deps(), passwords, signer, &origin, command).await;
    if matches!(found, Err(Error::Unauthenticated)) {
        let problem = Problem::new(Code::Unauthenticated);
        return Err(problem.detail("the e-mail address or the password is wrong"));
    }
    let logged_in = found?;
    let mut answer = logged_in_answer(&state, logged_in)?;
    for (name, value) in allowance.headers() {
        crate::answer::set_header(&mut answer, name, &value);
    }
    Ok(answer)
}

async fn credentials(request: &HttpRequest, payload: &mut Payload) -> Result<LogIn, Problem> {
    let input = input::read(request, payload, input::SMALL, input::JSON).await?;
    let mut fields = Fields::of(input.ok_or_else(input::missing)?.value)?;
    let email = fields.required("email", Fields::text);
    let password = Secret::new(fields.required("password", Fields::text));
    fields.finish()?;
    Ok(LogIn { email, password })
}

fn logged_in_answer(state: &State, logged_in: LoggedIn) -> Answer {
    let LoggedIn { jwt, jwt_expires_at, cookie, session_expires_at, csrf, user } = logged_in;
    let lasts = session_expires_at.since(state.services.clock.now()).whole_seconds();
    let cookie = session_cookie_of(state, cookie.expose().clone(), Duration::seconds(lasts));
    let mut answer = answer::ok(&LoggedInView {
        token: jwt.expose().clone(),
        expires_at: jwt_expires_at,
        session_expires_at,
        csrf_token: csrf,
        user: UserView::from(&user),
    })?;
    add_cookie(&mut answer, &cookie)?;
    Ok(answer)
}

pub(super) fn session_cookie_of(state: &State, value: String, lasts: Duration) -> Cookie<'static> {
    Cookie::build(SESSION_COOKIE, value)
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(state.secure_cookies())
        .max_age(lasts)
        .finish()
}

pub(super) fn add_cookie(answer: &mut HttpResponse, cookie: &Cookie<'_>) -> Result<(), Problem> {
    answer.add_cookie(cookie).map_err(|error| {
        Problem::internal(&std::io::Error::other(format!("a cookie cannot be set: {error}")))
    })
}

async fn who_am_i(call: Call) -> Answer {
    let WhoAmI { user, organization, teams, permissions, token } =
        sessions::who_am_i(call.deps(), &call.caller).await?;
    let own = |team: &understudy_domain::Team| {
        let role = team.members.get(&user.id).copied()?;
        Some(OwnTeamView { id: team.id, name: team.name.clone(), role })
    };
    answer::ok(&WhoAmIView {
        organization: OrganizationView {
            id: organization.id,
            name: organization.name,
            default_model_key: organization.settings.default_model_key,
        },
        role: user.role,
        teams: teams.iter().filter_map(own).collect(),
        ai_seat: user.ai_seat,
        permissions,
        token: token.as_ref().map(TokenView::from),
        csrf_token: session_cookie(&call.request).map(|cookie| sessions::csrf_of(&cookie)),
        user: UserView::from(&user),
    })
}

async fn log_out(call: Call) -> Answer {
    sessions::log_out(call.deps(), &call.caller).await?;
    let mut answer = answer::gone()?;
    let expired = session_cookie_of(&call.state, String::new(), Duration::ZERO);
    add_cookie(&mut answer, &expired)?;
    Ok(answer)
}

async fn refresh(mut call: Call) -> Answer {
    Fields::of(call.optional_input().await?.value)?.finish()?;
    let signer = &*call.state.services.signer;
    let (jwt, expires_at) = sessions::refresh(call.deps(), signer, &call.caller)?;
    answer::ok(&RefreshedView { token: jwt.expose().clone(), expires_at })
}
