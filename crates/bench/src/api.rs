//! Setting the scene through the API, as its users would.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    client::{Connection, request},
    seed::Templates,
    system::ADMINISTRATOR,
};

/// A realistic assistant.
const ASSISTANT: &str = include_str!("../data/assistant.json");

/// The ordinary member who asks in all measurements.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    /// Their organization.
    pub(crate) organization: Uuid,
    /// Headers that show who they are.
    pub(crate) headers: Vec<String>,
    /// The keys that an audience may name them by.
    pub(crate) keys: Vec<String>,
}

/// A caller of the API.
pub(crate) struct Caller {
    connection: Connection,
    headers: Vec<String>,
}

impl Caller {
    /// Somebody with a token of any kind.
    pub(crate) async fn new(address: &str, token: &str) -> Result<Self> {
        Self::with_headers(address, &bearer(token)).await
    }

    /// Somebody whose requests have these headers.
    pub(crate) async fn with_headers(address: &str, headers: &[String]) -> Result<Self> {
        Ok(Self { connection: Connection::open(address).await?, headers: headers.to_vec() })
    }

    /// Sends JSON and returns the JSON of the answer.
    ///
    /// # Errors
    ///
    /// When the answer is not a success.
    pub(crate) async fn call(&mut self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let bytes = request(method, path, &self.headers, &text);
        let answer = self.connection.exchange(&bytes).await?;
        if !(200..300).contains(&answer.status) {
            let text = String::from_utf8_lossy(answer.body);
            bail!("{method} {path} answers {}: {text}", answer.status);
        }
        if answer.body.is_empty() {
            return Ok(Value::Null);
        }
        Ok(serde_json::from_slice(answer.body)?)
    }

    /// The text of the answer to a GET.
    pub(crate) async fn text(&mut self, path: &str) -> Result<String> {
        let bytes = request("GET", path, &self.headers, "");
        let answer = self.connection.exchange(&bytes).await?;
        Ok(std::str::from_utf8(answer.body)?.to_owned())
    }
}

/// The document of an assistant with this name.
pub(crate) fn assistant(name: &str) -> Result<Value> {
    let mut assistant: Value = serde_json::from_str(ASSISTANT)?;
    if let Some(fields) = assistant.as_object_mut() {
        fields.insert("name".to_owned(), name.into());
        fields.retain(|_, value| !value.is_null());
    }
    Ok(assistant)
}

/// Makes a member with two teams and a department, and the assistants that are
/// copied.
pub(crate) async fn set_scene(address: &str) -> Result<(Member, Templates)> {
    let mut admin = Caller::new(address, ADMINISTRATOR).await?;
    let password = "a long password for the bench";
    let user = admin
        .call(
            "POST",
            "/api/users",
            &json!({
                "email": "member@example.com", "name": "Member", "role": "member",
                "aiSeat": true, "password": password, "departments": ["Research"],
            }),
        )
        .await?;
    let user = text(&user, "id")?;
    let mut keys =
        vec!["everyone".to_owned(), "role:member".to_owned(), "dept:research".to_owned()];
    keys.push(format!("user:{}", uuid(&user)?.simple()));
    for name in ["Garden", "Shop"] {
        let team = admin.call("POST", "/api/teams", &json!({ "name": name })).await?;
        let team = text(&team, "id")?;
        let path = format!("/api/teams/{team}/members/{user}");
        admin.call("PUT", &path, &json!({ "role": "member" })).await?;
        keys.push(format!("team:{}", uuid(&team)?.simple()));
    }
    let session = json!({ "email": "member@example.com", "password": password });
    let session = admin.call("POST", "/api/session", &session).await?;
    let mut member = Caller::new(address, &text(&session, "token")?).await?;
    let token = json!({ "type": "personal", "notes": "bench", "scopes": ["read", "write"] });
    let token = member.call("POST", "/api/tokens", &token).await?;
    let token = secret(&token).context("a new token does not show its value")?;
    let me = member.call("GET", "/api/session", &Value::Null).await?;
    let organization = me.pointer("/organization/id").and_then(Value::as_str);
    let organization = uuid(organization.context("no organization")?)?;
    let templates = make_templates(&mut admin, &user).await?;
    Ok((Member { organization, headers: bearer(&token), keys }, templates))
}

async fn make_templates(admin: &mut Caller, user: &str) -> Result<Templates> {
    let policies = [
        json!({ "access_mode": "private" }),
        json!({ "access_mode": "organization" }),
        json!({ "access_mode": "restricted", "access_users": [user] }),
        json!({ "access_mode": "department", "access_departments": ["Research"] }),
    ];
    let mut ids = Vec::new();
    for (policy, name) in policies.into_iter().zip(["hidden", "everyone", "named", "department"]) {
        let mut document = assistant(&format!("Template {name}"))?;
        if let (Value::Object(fields), Value::Object(policy)) = (&mut document, policy) {
            fields.extend(policy);
        }
        let made = admin.call("POST", "/api/assistants", &document).await?;
        ids.push(uuid(&text(&made, "id")?)?);
    }
    match ids.as_slice() {
        &[hidden, first, second, third] => {
            Ok(Templates { hidden, visible: [first, second, third] })
        }
        _ => bail!("the templates are incomplete"),
    }
}

/// Headers that show a token.
pub(crate) fn bearer(token: &str) -> Vec<String> {
    vec![format!("Authorization: Bearer {token}"), "Content-Type: application/json".to_owned()]
}

/// The text at a key of an answer.
pub(crate) fn text(answer: &Value, key: &str) -> Result<String> {
    let text = answer.get(key).and_then(Value::as_str);
    Ok(text.with_context(|| format!("an answer has no {key}"))?.to_owned())
}

fn uuid(id: &str) -> Result<Uuid> {
    let (_, hex) = id.rsplit_once('_').context("an id has no prefix")?;
    Ok(Uuid::try_parse(hex)?)
}

/// The value of a new token, wherever it stands.
pub(crate) fn secret(answer: &Value) -> Option<String> {
    let texts = answer.as_object()?.values().filter_map(Value::as_str);
    texts.filter(|text| text.starts_with("ust_")).map(str::to_owned).next()
}
