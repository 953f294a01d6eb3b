//! The world that the matrix asks about: one assistant with all that belongs to it,
//! and everybody with all that they can show.

use std::{collections::BTreeSet, sync::Arc};

use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;
use understudy_domain::{
    ApiToken, AssistantId, PasswordHash, Scope, Secret, TokenHash, TokenKind, TokenLimits,
    TokenText, User,
    ports::{PasswordHasher, Walk},
};
use understudy_testkit::{
    FakePasswords,
    sample::{self, Row},
};
use understudy_tests::TestStore;

use super::{
    operations::{Body, Operation, Setup},
    people::{PEOPLE, SHOWN, Show, Standing},
};
use crate::{
    App, Options, PASSWORD,
    files::{FORM, file},
    request::Request,
};

/// What a session shows.
struct Session {
    jwt: String,
    cookie: String,
    csrf: String,
}

/// The service with everything and everybody in it.
pub(super) struct World {
    app: App,
    /// The assistant that everything is about.
    this: String,
    other: String,
    sessions: Vec<Option<Session>>,
}

fn user(standing: Standing) -> User {
    let user = sample::user(standing.number().into()).of(standing.organization());
    User {
        role: standing.role(),
        ai_seat: standing != Standing::Seatless,
        disabled: standing == Standing::Disabled,
        ..user
    }
}

fn text(standing: Standing, show: Show) -> String {
    let mut random = [standing.number(); 32];
    random[31] = show.number();
    TokenText::from_random(random).expose().clone()
}

impl World {
    pub(super) async fn on(store: TestStore) -> Self {
        // Everybody comes from an address of their own: those who show what nobody
        // has are shut out after a while.
        let trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
        let options = Options { trusted_proxies, ..Options::default() };
        let app = App::with(store, options).await;
        let hash = FakePasswords::default().hash(Secret::new(PASSWORD.to_owned())).await.unwrap();
        let hashed = |user: User| User { password: Some(PasswordHash(hash.0.clone())), ..user };
        let people: Vec<Row> =
            PEOPLE.into_iter().map(|standing| hashed(user(standing)).into()).collect();
        sample::save(&*app.store, people).await.unwrap();
        let mut world =
            Self { app, this: String::new(), other: String::new(), sessions: Vec::new() };
        world.show_tokens(None).await;
        world.this = world.make(json!({"name": "This"})).await;
        world.other = world.make(json!({"name": "Other"})).await;
        for (standing, level) in [
            (Standing::Viewer, 1),
            (Standing::Editor, 2),
            (Standing::Manager, 3),
            (Standing::Seatless, 3),
            (Standing::Disabled, 3),
        ] {
            for assistant in [world.this.clone(), world.other.clone()] {
                let share = format!("/api/assistants/{assistant}/shares/{}", user(standing).id);
                let body = json!({"accessLevel": level});
                world.owner(Method::PUT, &share).json(&body).expect(201).await;
            }
        }
        let limited = [(Show::OfThis, world.this.clone()), (Show::OfOther, world.other.clone())];
        for (show, assistant) in limited {
            world.show_tokens(Some((show, assistant.parse().unwrap()))).await;
        }
        for standing in PEOPLE {
            let session = world.log_in(standing).await;
            world.sessions.push(session);
        }
        world
    }

    pub(super) async fn stop(self) {
        self.app.stop().await;
    }

    /// Gives everybody the tokens that they show: those of one assistant, or all
    /// others.
    async fn show_tokens(&self, of: Option<(Show, AssistantId)>) {
        let mut rows: Vec<Row> = Vec::new();
        for standing in PEOPLE {
            for show in SHOWN {
                let Some(limits) = limits(show, of) else { continue };
                let number = 1_000 + u32::from(standing.number()) * 100 + u32::from(show.number());
                let token = sample::token(number, &user(standing));
                let kind = match limits.assistant {
                    Some(_) => TokenKind::Assistant,
                    None => TokenKind::Personal,
                };
                let hash = TokenHash::of(&text(standing, show));
                rows.push(ApiToken { kind, limits, hash, ..token }.into());
            }
        }
        sample::save(&*self.app.store, rows).await.unwrap();
    }

    async fn log_in(&self, standing: Standing) -> Option<Session> {
        let email = user(standing).email.to_string();
        let body = json!({"email": email, "password": PASSWORD});
        let reply = self.app.anonymous(Method::POST, "/api/session").json(&body).send().await;
        let value = |name: &str| reply.body[name].as_str().map(str::to_owned);
        let cookie = reply.header("set-cookie").split(';').next().unwrap().to_owned();
        Some(Session { jwt: value("token")?, cookie, csrf: value("csrfToken")? })
    }

    async fn make(&self, body: Value) -> String {
        let made = self.owner(Method::POST, "/api/assistants").json(&body).expect(201).await;
        made.id().to_owned()
    }

    /// A request of the one who made everything.
    pub(super) fn owner(&self, method: Method, path: &str) -> Request {
        self.with(Standing::Owner, method, path)
    }

    fn with(&self, standing: Standing, method: Method, path: &str) -> Request {
        let token = text(standing, Show::Token);
        let request = self.app.anonymous(method, path);
        request.header("authorization", &format!("Bearer {token}"))
    }

    /// How many events the organization's log has.
    pub(super) async fn events(&self) -> u64 {
        self.app.store.audit().head(sample::id(1)).await.unwrap().seq
    }

    /// The request of one cell.
    pub(super) fn request(
        &self,
        operation: &Operation,
        method: &Method,
        path: &str,
        (standing, show): (Standing, Show),
    ) -> Request {
        let mut request = self.app.anonymous(method.clone(), path);
        let address = format!("10.{}.{}.{}", standing.number(), show.number(), octet(path));
        request = request.header("x-forwarded-for", &address);
        for (name, value) in operation.headers {
            request = request.header(name, value);
        }
        request = self.shown(request, standing, show);
        match &operation.body {
            Body::None => request,
            Body::Json(body) => request.json(body),
            Body::MergePatch(body) => {
                request.body("application/merge-patch+json", body.to_string().into_bytes())
            }
            Body::Form(part, bytes) => {
                let body = String::from_utf8_lossy(&file("a.png", b"@@")).replace(
                    "name=\"file\"",
                    &format!("name=\"{part}\""),
                );
                let (head, tail) = body.split_once("@@").unwrap();
                request.body(FORM, [head.as_bytes(), bytes, tail.as_bytes()].concat())
            }
            Body::Bytes(kind, bytes) => request.body(kind, *bytes),
        }
    }

    fn shown(&self, request: Request, standing: Standing, show: Show) -> Request {
        let session = self.sessions[usize::from(standing.number() - 30)].as_ref();
        // Nobody who is shut out can log in; what they show instead is no session.
        let none = "none".to_owned();
        let session = |pick: fn(&Session) -> &String| session.map_or(&none, pick).clone();
        match show {
            Show::Nothing => request,
            Show::Unknown => {
                let unknown = TokenText::from_random([255; 32]);
                request.header("authorization", &format!("Bearer {}", unknown.expose()))
            }
            Show::Garbage => request.header("authorization", "Bearer garbage"),
            Show::ApiKey => request.header("x-api-key", &text(standing, Show::ApiKey)),
            Show::Jwt => {
                request.header("authorization", &format!("Bearer {}", session(|s| &s.jwt)))
            }
            Show::Cookie => request
                .header("cookie", &session(|s| &s.cookie))
                .header("x-csrf-token", &session(|s| &s.csrf)),
            Show::CookieAlone => request.header("cookie", &session(|s| &s.cookie)),
            _ => request.header("authorization", &format!("Bearer {}", text(standing, show))),
        }
    }

    /// Makes everything ready for one request, and returns its path.
    pub(super) async fn ready(
        &self,
        operation: &Operation,
        template: &str,
        standing: Standing,
    ) -> String {
        let this = format!("/api/assistants/{}", self.this);
        match operation.setup {
            Setup::None => {}
            Setup::Deleted => {
                self.owner(Method::DELETE, &this).send().await;
            }
            Setup::Restored => {
                self.owner(Method::POST, &format!("{this}/_restore")).send().await;
                self.owner(Method::PATCH, &this).json(&json!({"name": "This"})).send().await;
            }
            Setup::Draft => {
                self.owner(Method::POST, &format!("{this}/_edit")).send().await;
            }
            Setup::NoDraft => {
                self.owner(Method::DELETE, &format!("{this}/draft")).send().await;
            }
        }
        if operation.setup == Setup::Deleted {
            return template.replace("{id}", &self.this);
        }
        let mut path = template.to_owned();
        while let Some(start) = path.find('{') {
            let end = start + path[start..].find('}').unwrap();
            let name = path[start + 1..end].to_owned();
            let value = self.thing(&path[..start], &name, standing).await;
            path.replace_range(start..=end, &value);
        }
        format!("{path}{}", operation.query)
    }

    /// The identifier of a thing that stands behind `prefix` in a path.
    async fn thing(&self, prefix: &str, name: &str, standing: Standing) -> String {
        let this = self.this.clone();
        match (prefix, name) {
            ("/api/assistants/" | "/api/external/chatbot/", _) => this,
            (_, "number") => "1".to_owned(),
            ("/api/avatars/", _) => "avatar-01".to_owned(),
            ("/api/icons/", _) => "star".to_owned(),
            ("/docs/", _) => "index.html".to_owned(),
            _ => self.made_thing(prefix, name, standing).await,
        }
    }

    async fn made_thing(&self, prefix: &str, name: &str, standing: Standing) -> String {
        super::operations::make_thing(self, &self.this, prefix, name, standing).await
    }

    /// The other assistant.
    pub(super) fn other(&self) -> &str {
        &self.other
    }

    /// A request of somebody with their own, whole token.
    pub(super) fn own(&self, standing: Standing, method: Method, path: &str) -> Request {
        self.with(standing, method, path)
    }

    /// The id of somebody.
    pub(super) fn id(standing: Standing) -> String {
        user(standing).id.to_string()
    }

    /// The app, for what no request makes.
    pub(super) const fn app(&self) -> &App {
        &self.app
    }
}

/// Spreads requests over addresses, so that no one of them shows too much that is unknown.
fn octet(path: &str) -> usize {
    path.bytes().map(usize::from).sum::<usize>() % 250
}

/// How a token of this kind is limited; `None` when it is none, or not one of those
/// that are to be made now.
fn limits(show: Show, of: Option<(Show, AssistantId)>) -> Option<TokenLimits> {
    let all = TokenLimits::default();
    let wanted = of.map(|(wanted, _)| wanted);
    if wanted.is_some_and(|wanted| wanted != show) {
        return None;
    }
    Some(match (show, of) {
        (Show::OfThis | Show::OfOther, Some((_, assistant))) => {
            TokenLimits { assistant: Some(assistant), ..all }
        }
        (Show::Token | Show::ApiKey, None) => all,
        (Show::ReadOnly, None) => TokenLimits { read_only: true, ..all },
        (Show::Scoped(scope), None) => {
            TokenLimits { scopes: BTreeSet::from([scope]), ..all }
        }
        (Show::Expired, None) => {
            TokenLimits { expires_at: Some(sample::instant(0).plus(-Duration::days(9999))), ..all }
        }
        (Show::Elsewhere, None) => {
            TokenLimits { cidr: Some("192.0.2.0/24".parse().unwrap()), ..all }
        }
        _ => return None,
    })
}
