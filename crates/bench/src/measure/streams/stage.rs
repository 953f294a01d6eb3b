//! The service with a provider of models, an assistant, and many who ask it.

use anyhow::{Context, Result};
use serde_json::json;

use crate::{
    api::{self, Caller},
    measure::{
        Kind,
        scene::{Setting, create_database},
    },
    system::{ADMINISTRATOR, Place, Server},
    talk::Asker,
    upstream::Speech,
};

/// How many ask: none of them comes near their limits of responses and streams.
pub(super) const USERS: usize = 56;
/// The model that is asked; its tokens are counted by its own vocabulary.
const MODEL: &str = "gpt-4.1-mini";

/// See the module.
pub(super) struct Stage {
    /// On which database.
    pub(super) kind: Kind,
    /// The service.
    pub(super) server: Server,
    /// The provider.
    pub(super) upstream: Server,
    /// Where it is.
    pub(super) place: Place,
    /// Headers of those who ask.
    pub(super) users: Vec<Vec<String>>,
    /// The assistant's id.
    pub(super) assistant: String,
}

/// How the service is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// The service's own API.
    Native,
    /// OpenAI's Chat Completions.
    Openai,
}

impl Dialect {
    /// As it is called.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Native => "`POST /api/assistants/{id}/responses`",
            Self::Openai => "`POST /openai/v1/chat/completions`",
        }
    }

    /// What stands before the text of a token.
    pub(super) const fn before(self) -> &'static str {
        match self {
            Self::Native => "\"delta\":\"",
            Self::Openai => "\"content\":\"",
        }
    }
}

impl Stage {
    /// Sets it on a fresh database.
    pub(super) async fn set(setting: &Setting, kind: Kind) -> Result<Self> {
        let number = std::fs::read_dir(&setting.folder)?.count();
        let folder = setting.folder.join(format!("streams-{number}"));
        std::fs::create_dir(&folder)?;
        let upstream = Server::own("upstream", &[], &folder.join("upstream.log")).await?;
        let database = match kind {
            Kind::Sqlite => None,
            Kind::Postgres => {
                Some(create_database(&setting.postgres, &format!("bench_streams_{number}")).await?)
            }
        };
        let place = Place { program: setting.program.clone(), folder, database };
        let server = Server::start(&place).await?;
        let mut admin = Caller::new(&server.address, ADMINISTRATOR).await?;
        let provider = json!({
            "name": "Bench", "kind": "openai-compatible", "apiKey": "sk-bench",
            "baseUrl": format!("http://{}/v1", upstream.address), "models": [MODEL],
        });
        admin.call("POST", "/api/providers", &provider).await?;
        let mut document = api::assistant("Speaker")?;
        if let Some(fields) = document.as_object_mut() {
            fields.insert("default_model_key".to_owned(), MODEL.into());
            fields.insert("access_mode".to_owned(), "organization".into());
        }
        let made = admin.call("POST", "/api/assistants", &document).await?;
        let assistant = api::text(&made, "id")?;
        let mut users = Vec::with_capacity(USERS);
        for number in 0..USERS {
            users.push(make_user(&server, &mut admin, number).await?);
        }
        // Starts again, so that no memory counts that only the setting took.
        Self { kind, server, upstream, place, users, assistant }.restart().await
    }

    /// The same with a service that was just started.
    pub(super) async fn restart(self) -> Result<Self> {
        self.server.stop().await?;
        let server = Server::start(&self.place).await?;
        Ok(Self { server, ..self })
    }

    /// Those who ask the provider itself, and those who ask the service.
    pub(super) fn askers(&self, dialect: Dialect) -> [Vec<Asker>; 2] {
        let path = match dialect {
            Dialect::Native => format!("/api/assistants/{}/responses", self.assistant),
            Dialect::Openai => "/openai/v1/chat/completions".to_owned(),
        };
        let service = self.users.iter().cloned();
        let service = service.map(|headers| Asker { path: path.clone(), headers }).collect();
        let headers =
            ["Authorization: Bearer sk-bench", "Content-Type: application/json"].map(str::to_owned);
        let direct = Asker { path: "/v1/chat/completions".to_owned(), headers: headers.to_vec() };
        [vec![direct], service]
    }

    /// The body that asks the service for this speech.
    pub(super) fn question(&self, dialect: Dialect, speech: Speech) -> String {
        match dialect {
            Dialect::Native => json!({ "input": speech.wish(), "stream": true }).to_string(),
            Dialect::Openai => chat(&self.assistant, speech),
        }
    }

    /// Ends what was started.
    pub(super) async fn end(self) -> Result<()> {
        self.server.stop().await?;
        self.upstream.stop().await
    }
}

/// The body that asks for this speech by Chat Completions.
pub(super) fn chat(model: &str, speech: Speech) -> String {
    let messages = json!([{ "role": "user", "content": speech.wish() }]);
    json!({ "model": model, "messages": messages, "stream": true }).to_string()
}

/// A member with a token that may ask; returns the headers that show it.
async fn make_user(server: &Server, admin: &mut Caller, number: usize) -> Result<Vec<String>> {
    let password = "a long password for the bench";
    let email = format!("asker-{number}@example.com");
    let user = json!({
        "email": email, "name": format!("Asker {number}"), "role": "member",
        "aiSeat": true, "password": password,
    });
    admin.call("POST", "/api/users", &user).await?;
    let session = json!({ "email": email, "password": password });
    let session = admin.call("POST", "/api/session", &session).await?;
    let mut user = Caller::new(&server.address, &api::text(&session, "token")?).await?;
    let token = json!({ "type": "personal", "notes": "bench", "scopes": ["read", "run"] });
    let token = user.call("POST", "/api/tokens", &token).await?;
    Ok(api::bearer(&api::secret(&token).context("a new token does not show its value")?))
}
