//! API tokens of the caller, and of assistants.

use std::collections::BTreeSet;

use actix_web::{
    HttpResponse,
    http::{Method, header},
};
use ipnet::IpNet;
use serde::Serialize;
use understudy_domain::{
    ApiToken, AssistantId, Scope, Timestamp, TokenId, TokenKind, TokenText, UserId,
    usecases::tokens::{self, CreateToken, TokenOfAssistant, UpdateToken},
};
use utoipa::ToSchema;

use crate::{
    answer::{self, Answer},
    call::Call,
    endpoint::Endpoint,
    fields::Fields,
    idempotency::{ShownOnce, once},
    input::{self, Input},
    openapi::Doc,
    problem::{Code, Problem},
};

const ALL: &str = "/api/tokens";
const ONE: &str = "/api/tokens/{id}";
const OF_ASSISTANT: &str = "/api/assistants/{id}/tokens";

/// What only the server sets.
const READ_ONLY: &[&str] =
    &["id", "userId", "username", "token", "createdAt", "updatedAt", "lastUsedAt", "lastUsedFrom"];

/// An API token, without its value.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Token)]
pub(crate) struct TokenView {
    /// Its identifier.
    #[schema(value_type = String, example = "tok_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    id: TokenId,
    /// The user it acts as.
    #[schema(value_type = String, example = "usr_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    user_id: UserId,
    /// `personal`, or `assistant` when it reaches one assistant only.
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "personal")]
    kind: TokenKind,
    /// What its owner wrote about it.
    #[schema(example = "Nightly export")]
    notes: String,
    /// Whether it refuses every change and every run.
    read_only: bool,
    /// `cidr` when it is taken from some addresses only; null otherwise.
    #[schema(example = "cidr")]
    restrict: Option<&'static str>,
    /// The addresses it is taken from.
    #[schema(value_type = Option<String>, example = "192.0.2.0/24")]
    cidr: Option<IpNet>,
    /// The one assistant it reaches.
    #[schema(value_type = Option<String>, example = "asst_019a1c0e5b7c7d2e8f3a4b5c6d7e8f90")]
    assistant_id: Option<AssistantId>,
    /// What it may be used for: `read`, `write`, `run`, `admin`.
    #[schema(value_type = Vec<String>, example = json!(["read", "run"]))]
    scopes: BTreeSet<Scope>,
    /// When it ends; null if it does not.
    #[schema(value_type = Option<String>, format = DateTime, example = "2027-01-31T12:00:00Z")]
    expires_at: Option<Timestamp>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T12:00:00Z")]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T12:00:00Z")]
    updated_at: Timestamp,
    /// When it was last used, to the minute; null if never.
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-02-01T08:30:00Z")]
    last_used_at: Option<Timestamp>,
    /// The address it was last used from.
    #[schema(example = "192.0.2.17")]
    last_used_from: Option<String>,
}

/// A new API token with its value, which is shown this once.
#[derive(Serialize, ToSchema)]
#[schema(as = TokenCreated)]
pub(crate) struct CreatedView {
    #[serde(flatten)]
    token: TokenView,
    /// The value; nobody can read it again.
    #[serde(rename = "token")]
    #[schema(example = "ust_3f…")]
    value: String,
}

/// An API token of one assistant, without its value.
#[derive(Serialize, ToSchema)]
#[schema(as = AssistantToken)]
pub(crate) struct AssistantTokenView {
    #[serde(flatten)]
    token: TokenView,
    /// The e-mail address of the user whom it acts as.
    #[schema(example = "ada@example.com")]
    username: String,
}

impl From<TokenOfAssistant> for AssistantTokenView {
    fn from(of_assistant: TokenOfAssistant) -> Self {
        let TokenOfAssistant { token, username } = of_assistant;
        Self { token: TokenView::from(&token), username: username.to_string() }
    }
}

impl From<&ApiToken> for TokenView {
    fn from(token: &ApiToken) -> Self {
        let limits = &token.limits;
        Self {
            id: token.id,
            user_id: token.user,
            kind: token.kind,
            notes: token.notes.clone(),
            read_only: limits.read_only,
            restrict: limits.cidr.map(|_| "cidr"),
            cidr: limits.cidr,
            assistant_id: limits.assistant,
            scopes: limits.scopes.clone(),
            expires_at: limits.expires_at,
            created_at: token.created_at,
            updated_at: token.updated_at,
            last_used_at: token.last_use.as_ref().map(|last| last.at),
            last_used_from: token.last_use.as_ref().map(|last| last.address.clone()),
        }
    }
}

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, ALL, list_tokens, |doc: Doc| {
            doc.op("tokens", "listTokens", "List one's API tokens")
                .about("Newest first, without their values.")
                .json(200, "The tokens.", "TokenList")
        }),
        Endpoint::new(Method::POST, ALL, create_token, |doc: Doc| {
            doc.op("tokens", "createToken", "Make an API token")
                .about("It acts as the caller, within the limits that it names and those of the credential it is made with. Its value is in this answer and nowhere else: repeating the request with the same `Idempotency-Key` makes no second token, but cannot show the value again (`409`, `shown_once`).")
                .body("TokenCreate")
                .created("The new token, with its value.", "TokenCreated")
                .codes(&[
                    Code::NotFound,
                    Code::ShownOnce,
                    Code::LimitReached,
                    Code::AiSeatRequired,
                    Code::ApiDisabled,
                ])
        }),
        Endpoint::new(Method::GET, ONE, read_token, |doc: Doc| {
            doc.op("tokens", "getToken", "Read an API token")
                .about("One's own, or one of an assistant to which one has manage access.")
                .tagged(200, "The token.", "Token")
                .codes(&[Code::NotFound])
        }),
        Endpoint::new(Method::PUT, ONE, update_token, |doc: Doc| {
            doc.op("tokens", "updateToken", "Change one of one's API tokens")
                .about("What is not named stays.")
                .body("TokenUpdate")
                .tagged(200, "The token as it is now.", "Token")
                .codes(&[Code::NotFound, Code::ConcurrentChange])
        }),
        Endpoint::new(Method::DELETE, ONE, delete_token, |doc: Doc| {
            doc.op("tokens", "deleteToken", "Revoke an API token")
                .about("One's own, or one of an assistant to which one has manage access. It is refused from the next request on.")
                .empty(204, "It is gone.")
                .conditional()
                .codes(&[Code::NotFound, Code::ConcurrentChange])
        }),
    ]
}

/// Tokens of one assistant.
pub(super) fn of_assistant() -> Vec<Endpoint> {
    vec![
        Endpoint::new(Method::GET, OF_ASSISTANT, list_assistant_tokens, |doc: Doc| {
            doc.op("tokens", "listAssistantTokens", "List the API tokens of an assistant")
                .about("One's own, newest first; everybody's for those with manage access. Needs view access, in the assistant's organization.")
                .json(200, "The tokens.", "AssistantTokenList")
                .codes(&[Code::OtherOrganization])
                .needs_seat()
        }),
        Endpoint::new(Method::POST, OF_ASSISTANT, create_assistant_token, |doc: Doc| {
            doc.op("tokens", "createAssistantToken", "Make an API token of an assistant")
                .about("It acts as the caller on this assistant and its draft only; else as `POST /api/tokens`. Needs view access, in the assistant's organization.")
                .body("AssistantTokenCreate")
                .created("The new token, with its value.", "TokenCreated")
                .codes(&[Code::OtherOrganization, Code::ShownOnce, Code::LimitReached])
                .needs_seat()
        }),
    ]
}

async fn list_tokens(call: Call) -> Answer {
    let all = tokens::list_tokens(call.deps(), &call.caller).await?;
    answer::ok(&all.iter().map(TokenView::from).collect::<Vec<_>>())
}

async fn create_token(mut call: Call) -> Answer {
    let input = call.input(input::SMALL).await?;
    once(call, input, async |call: Call, input: Input| {
        let command = new_token(Fields::of(input.value)?)?;
        let (token, text) = tokens::create_token(call.deps(), &call.caller, command).await?;
        made(&token, &text)
    })
    .await
}

async fn list_assistant_tokens(call: Call) -> Answer {
    let all = tokens::list_assistant_tokens(call.deps(), &call.caller, call.path("id")).await?;
    answer::ok(&all.into_iter().map(AssistantTokenView::from).collect::<Vec<_>>())
}

async fn create_assistant_token(mut call: Call) -> Answer {
    let input = call.input(input::SMALL).await?;
    once(call, input, async |call: Call, input: Input| {
        // The path says of what kind it is, and of which assistant.
        let fields = Fields::of(input.value)?.ignoring(&["type", "assistantId"]);
        let command = new_token(fields)?;
        let (deps, caller, assistant) = (call.deps(), &call.caller, call.path("id"));
        let (token, text) =
            tokens::create_assistant_token(deps, caller, assistant, command).await?;
        made(&token, &text)
    })
    .await
}

/// A new token with its value, this once.
fn made(token: &ApiToken, text: &TokenText) -> Answer {
    let location = format!("{ALL}/{}", token.id);
    let view = CreatedView { token: TokenView::from(token), value: text.expose().clone() };
    let answer = answer::created(&location, &tokens::etag(token), &view)?;
    Ok(shown_once(answer, &location))
}

/// Keeps the value out of what is remembered for an idempotency key.
fn shown_once(mut answer: HttpResponse, location: &str) -> HttpResponse {
    let problem = Problem::new(Code::ShownOnce).header(header::LOCATION, location);
    answer.extensions_mut().insert(ShownOnce(problem));
    answer
}

fn new_token(fields: Fields) -> Result<CreateToken, Problem> {
    let mut fields = fields.ignoring(READ_ONLY);
    let kind = match fields.text("type").as_deref() {
        None | Some("personal") => TokenKind::Personal,
        Some("assistant") => TokenKind::Assistant,
        Some(_) => {
            fields.fault("type", "enum", "must be `personal` or `assistant`");
            TokenKind::Personal
        }
    };
    let cidr = cidr(&mut fields);
    let command = CreateToken {
        kind,
        notes: fields.nullable("notes", Fields::text).flatten().unwrap_or_default(),
        read_only: fields.flag("readOnly").unwrap_or(false),
        assistant: fields.nullable("assistantId", Fields::text).flatten(),
        cidr: cidr.flatten(),
        scopes: scopes(&mut fields),
        expires_at: fields.nullable("expiresAt", time).flatten(),
    };
    fields.finish().map(|()| command)
}

/// `cidr`, and `restrict` beside it, which only says whether there is one.
#[expect(clippy::option_option, reason = "absent, null, or a value")]
fn cidr(fields: &mut Fields) -> Option<Option<IpNet>> {
    let cidr = fields.nullable("cidr", Fields::parsed);
    match (fields.nullable("restrict", Fields::text), cidr) {
        (Some(None), None) => Some(None),
        (Some(Some(kind)), Some(Some(_)) | None) if kind == "cidr" => cidr,
        (None | Some(None), cidr) if !matches!(cidr, Some(Some(_))) => cidr,
        (None, cidr) => cidr,
        (Some(_), _) => {
            let message = "must be `cidr` beside a `cidr`, and null without one";
            fields.fault("restrict", "contradiction", message);
            None
        }
    }
}

fn scopes(fields: &mut Fields) -> Option<BTreeSet<Scope>> {
    let texts = fields.nullable("scopes", Fields::texts).flatten()?;
    let mut scopes = BTreeSet::new();
    for (index, text) in texts.iter().enumerate() {
        match text.parse() {
            Ok(scope) => {
                scopes.insert(scope);
            }
            Err(reason) => fields.fault_at("scopes", index, "enum", unknown(reason)),
        }
    }
    Some(scopes)
}

fn unknown(reason: understudy_domain::token::UnknownScope) -> String {
    reason.to_string()
}

fn time(fields: &mut Fields, name: &str) -> Option<Timestamp> {
    let text = fields.text(name)?;
    let time = Timestamp::parse_rfc3339(&text);
    if time.is_none() {
        fields.fault(name, "invalid", "must be an RFC 3339 time, for example 2027-01-31T12:00:00Z");
    }
    time
}

async fn read_token(call: Call) -> Answer {
    let token = tokens::view_token(call.deps(), &call.caller, call.id("id", "token")?).await?;
    answer::resource(&call.request, &tokens::etag(&token), &TokenView::from(&token))
}

async fn update_token(mut call: Call) -> Answer {
    let (id, precondition) = (call.id("id", "token")?, call.precondition()?);
    let fields = call.fields().await?.ignoring(READ_ONLY);
    // Which assistant a token is for is settled when it is made.
    let mut fields = fields.ignoring(&["type", "assistantId"]);
    let command = UpdateToken {
        cidr: cidr(&mut fields),
        notes: fields.nullable("notes", Fields::text).map(Option::unwrap_or_default),
        read_only: fields.flag("readOnly"),
        scopes: scopes(&mut fields),
        expires_at: fields.nullable("expiresAt", time),
        precondition,
    };
    fields.finish()?;
    let token = tokens::update_token(call.deps(), &call.caller, id, command).await?;
    answer::changed(&tokens::etag(&token), &TokenView::from(&token))
}

async fn delete_token(call: Call) -> Answer {
    let (id, precondition) = (call.id("id", "token")?, call.precondition()?);
    tokens::delete_token(call.deps(), &call.caller, id, precondition).await?;
    answer::gone()
}
