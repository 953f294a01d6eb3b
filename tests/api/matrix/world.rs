//! The world that the matrix asks about: one assistant with all that belongs to it,
//! and everybody with all that they can show.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use reqwest::Method;
use serde_json::{Value, json};
use time::Duration;
use understudy_domain::{
    ApiToken, Approval, AssistantId, Image, Memory, PasswordHash, Run, RunEvent, Secret, TokenHash,
    TokenKind, TokenLimits, TokenText, User,
    access::Level,
    ports::PasswordHasher,
    run::{ApprovalState, RunStatus, names},
    usecases::webhooks::fan_out,
};
use understudy_testkit::{
    FakePasswords,
    sample::{self, Members, Row},
};
use understudy_tests::TestStore;

use super::{
    operations::{Body, Operation, Setup},
    people::{PEOPLE, SHOWN, Show, Standing},
    things::make_thing,
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
    pub(super) other: String,
    sessions: Mutex<Vec<Option<Session>>>,
    /// An upload of whoever asks.
    upload: Mutex<String>,
    /// An avatar of the library.
    avatar: String,
    /// How many names were given.
    names: AtomicU32,
    /// What was made before, by where it stands and whose it is.
    made: Mutex<HashMap<(String, u8), String>>,
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
        let mut world = Self {
            app,
            this: String::new(),
            other: String::new(),
            sessions: Mutex::default(),
            upload: Mutex::default(),
            avatar: String::new(),
            names: AtomicU32::default(),
            made: Mutex::default(),
        };
        world.show_tokens(None).await;
        let avatars = world.own(Standing::Owner, Method::GET, "/api/avatars").expect(200).await;
        world.avatar = avatars.body[0]["id"].as_str().unwrap().to_owned();
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
                world.own(Standing::Owner, Method::PUT, &share).json(&body).expect(201).await;
            }
        }
        let limited = [(Show::OfThis, world.this.clone()), (Show::OfOther, world.other.clone())];
        for (show, assistant) in limited {
            world.show_tokens(Some((show, assistant.parse().unwrap()))).await;
        }
        for standing in PEOPLE {
            let session = world.log_in(standing).await;
            world.sessions.lock().unwrap().push(session);
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
        let made = self
            .own(Standing::Owner, Method::POST, "/api/assistants")
            .json(&body)
            .expect(201)
            .await;
        made.id().to_owned()
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
            Body::Json(body) => request.json(&self.fill(body)),
            Body::MergePatch(body) => {
                request.body("application/merge-patch+json", body.to_string().into_bytes())
            }
            Body::Form(part, bytes) => {
                let body = String::from_utf8_lossy(&file("a.png", b"@@"))
                    .replace("name=\"file\"", &format!("name=\"{part}\""));
                let (head, tail) = body.split_once("@@").unwrap();
                request.body(FORM, [head.as_bytes(), bytes, tail.as_bytes()].concat())
            }
            Body::Bytes(kind, bytes) => request.body(kind, *bytes),
        }
    }

    fn shown(&self, request: Request, standing: Standing, show: Show) -> Request {
        let sessions = self.sessions.lock().unwrap();
        let session = sessions[usize::from(standing.number() - 30)].as_ref();
        // Nobody who is shut out can log in; what they show instead is no session.
        let session = |pick: fn(&Session) -> &String| {
            session.map_or_else(|| "none".to_owned(), |session| pick(session).clone())
        };
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

    /// A body with names of its own in place of `@`.
    pub(super) fn fill(&self, body: &Value) -> Value {
        let number = self.names.fetch_add(1, Ordering::Relaxed);
        let mut body = body.clone();
        for value in body.as_object_mut().unwrap().values_mut() {
            let Some(text) = value.as_str() else { continue };
            *value = match text.split_once('@') {
                Some(("", "")) => format!("n{number}").into(),
                Some(("", "upload")) => self.upload.lock().unwrap().clone().into(),
                Some(("", "this")) => self.this.clone().into(),
                Some(("", "owner")) => user(Standing::Owner).id.to_string().into(),
                Some(("", rest)) => format!("n{number}{rest}").into(),
                _ => continue,
            };
        }
        body
    }

    /// Makes everything ready for requests, and returns their path. It names a new
    /// thing where one of them will use it up.
    pub(super) async fn ready(
        &self,
        operation: &Operation,
        (method, template): (&Method, &str),
        standing: Standing,
        uses_up: bool,
    ) -> String {
        let this = format!("/api/assistants/{}", self.this);
        match operation.setup {
            Setup::None => {}
            Setup::Deleted => {
                self.own(Standing::Owner, Method::DELETE, &this).send().await;
            }
            Setup::Restored => {
                let restore = self.own(Standing::Owner, Method::POST, &format!("{this}/_restore"));
                restore.json(&json!({})).send().await;
            }
            Setup::Draft => {
                self.own(Standing::Owner, Method::POST, &format!("{this}/_edit")).send().await;
            }
            Setup::NoDraft => {
                self.own(Standing::Owner, Method::DELETE, &format!("{this}/draft")).send().await;
            }
        }
        if (method, template) == (&Method::DELETE, "/api/session") {
            // Whoever logs out is out.
            let session = self.log_in(standing).await;
            self.sessions.lock().unwrap()[usize::from(standing.number() - 30)] = session;
        }
        if template.ends_with("/files") && *method == Method::POST {
            let upload = self.own(standing, Method::POST, "/api/uploads");
            let upload = upload.body(FORM, file("a.txt", b"text")).send().await;
            let id = upload.body["uploadId"].as_str().unwrap_or("none").to_owned();
            *self.upload.lock().unwrap() = id;
        }
        let mut path = template.to_owned();
        while let Some(start) = path.find('{') {
            let end = start + path[start..].find('}').unwrap();
            let name = path[start + 1..end].to_owned();
            let is_last = !path[end..].contains('{');
            let value = self.thing(&path[..start], &name, standing, is_last && uses_up).await;
            path.replace_range(start..=end, &value);
        }
        format!("{path}{}", operation.query)
    }

    /// The identifier of a thing that stands behind `prefix` in a path; what is used
    /// up is made `anew`.
    async fn thing(&self, prefix: &str, name: &str, standing: Standing, anew: bool) -> String {
        match (prefix, name) {
            ("/api/assistants/" | "/api/external/chatbot/" | "/openai/v1/models/", _) => {
                return self.this.clone();
            }
            (_, "number") => return "1".to_owned(),
            ("/api/avatars/", _) => return self.avatar.clone(),
            ("/api/icons/", _) => return "star".to_owned(),
            ("/docs/", _) => return "index.html".to_owned(),
            _ => {}
        }
        let key = (format!("{prefix}{name}"), standing.number());
        let known = self.made.lock().unwrap().get(&key).cloned();
        match known {
            Some(known) if !anew => known,
            _ => {
                let made = make_thing(self, prefix, name, standing).await;
                if !anew {
                    self.made.lock().unwrap().insert(key, made.clone());
                }
                made
            }
        }
    }

    /// The assistant that everything is about.
    pub(super) fn this(&self) -> &str {
        &self.this
    }

    /// Its organization.
    pub(super) fn organization() -> String {
        sample::organization(1).id.to_string()
    }

    /// A delivery to a webhook.
    pub(super) async fn delivery(&self, hook: &str) -> String {
        let id = hook.rsplit('/').next().unwrap().parse().unwrap();
        while fan_out(self.app.deps(), (sample::id(1), id)).await.unwrap() > 0 {}
        let list = self.own(Standing::Root, Method::GET, &format!("{hook}/deliveries"));
        let list = list.send().await;
        list.body["data"][0]["id"].as_str().unwrap_or("none").to_owned()
    }

    /// A picture of somebody's own, made past the limits on making them.
    pub(super) async fn picture(&self, standing: Standing) -> Option<String> {
        let number = 5_000 + self.names.fetch_add(1, Ordering::Relaxed);
        let picture = sample::image(number);
        let user = user(standing);
        let picture = Image { user: user.id, organization: user.organization, ..picture };
        let mut work = self.app.store.begin(picture.organization).await.unwrap();
        work.blobs().touch(picture.blob, picture.created_at).await.unwrap();
        work.images().insert(&picture).await.unwrap();
        work.commit().await.unwrap();
        Some(picture.id.to_string())
    }

    /// A response of somebody's own, which the assistant gave to those who see it.
    pub(super) async fn run(&self, standing: Standing) -> Option<String> {
        let user = viewer(standing)?;
        let number = 7_000 + self.names.fetch_add(1, Ordering::Relaxed);
        let assistant = self.this.parse().unwrap();
        let run = Run {
            user: user.id,
            assistant,
            lineage: assistant,
            status: RunStatus::Completed,
            ..sample::run(number)
        };
        let mut work = self.app.store.begin(run.organization).await.unwrap();
        work.runs().insert(&run).await.unwrap();
        work.commit().await.unwrap();
        // Who follows it is told so at once.
        let end = RunEvent::new(1, names::COMPLETED, json!({}));
        let end = (run.organization, run.id, end);
        self.app.store.run_events().append(&[end]).await.unwrap();
        Some(run.id.to_string())
    }

    /// A call in somebody's response, about which they decided.
    pub(super) async fn approval(&self, standing: Standing, run: &str) -> Option<String> {
        let user = viewer(standing)?;
        let number = 7_000 + self.names.fetch_add(1, Ordering::Relaxed);
        let mut work = self.app.store.begin(user.organization).await.unwrap();
        let run = work.runs().find(run.parse().ok()?).await.unwrap()?;
        let approval = Approval { state: ApprovalState::Denied, ..sample::approval(number, &run) };
        work.runs().save_approvals(std::slice::from_ref(&approval)).await.unwrap();
        work.commit().await.unwrap();
        Some(approval.id.to_string())
    }

    /// Something that the assistant remembers of somebody who sees it.
    pub(super) async fn memory(&self, standing: Standing) -> Option<String> {
        let number = 7_000 + self.names.fetch_add(1, Ordering::Relaxed);
        // Who sees nothing of the assistant asks for what might be there.
        let Some(user) = viewer(standing) else {
            return Some(sample::id::<understudy_domain::MemoryKey>(number).to_string());
        };
        let memory = Memory {
            id: sample::id(number),
            organization: user.organization,
            assistant: self.this.parse().unwrap(),
            user: user.id,
            text: "They ask for everything.".to_owned(),
            thread: None,
            created_at: sample::instant(number),
        };
        let mut work = self.app.store.begin(user.organization).await.unwrap();
        work.conversations().insert_memories(std::slice::from_ref(&memory)).await.unwrap();
        work.commit().await.unwrap();
        Some(memory.id.to_string())
    }

    /// Logs everybody in anew.
    pub(super) async fn log_in_again(&self) {
        for standing in PEOPLE {
            let session = self.log_in(standing).await;
            self.sessions.lock().unwrap()[usize::from(standing.number() - 30)] = session;
        }
    }

    /// A request of somebody with their own, whole token.
    pub(super) fn own(&self, standing: Standing, method: Method, path: &str) -> Request {
        let token = text(standing, Show::Token);
        let request = self.app.anonymous(method, path);
        request.header("authorization", &format!("Bearer {token}"))
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
        (Show::Scoped(scope), None) => TokenLimits { scopes: BTreeSet::from([scope]), ..all },
        (Show::Expired, None) => {
            TokenLimits { expires_at: Some(sample::instant(0).plus(-Duration::days(9999))), ..all }
        }
        (Show::Elsewhere, None) => {
            TokenLimits { cidr: Some("192.0.2.0/24".parse().unwrap()), ..all }
        }
        _ => return None,
    })
}

/// The user, if they see the assistant.
fn viewer(standing: Standing) -> Option<User> {
    let sees = standing.level() >= Level::View && standing.is_at_home();
    sees.then(|| user(standing))
}
