//! Errors as RFC 9457 problem documents, with Informer's keys beside.

use std::{borrow::Cow, error::Error as StdError, fmt};

use actix_web::{
    HttpResponse, ResponseError,
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
};
use serde_json::{Map, Value, json};
use understudy_domain::{
    Fault,
    assistant::document::MAX_FAULTS,
    ports::{BlobError, IdentityError, MediaError, ProviderError, StoreError},
    usecases::{Conflict, Denied, Error},
};

use crate::{answer::Answer, okchat, openai};

mod code;
mod document;

pub(crate) use code::Code;
pub use document::problems_markdown;
pub(crate) use document::problems_page;

/// The media type of problem documents.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// How long a caller should wait for a database that is away, in seconds.
const RETRY_AFTER: u32 = 2;

/// How long they should wait for room on a disk: somebody has to make it.
const ROOM_AFTER: u32 = 60;

/// How long they should wait for something of theirs to end, in seconds.
const BUSY_AFTER: u32 = 5;

/// Why a request was not carried out. All of it is public: the cause of a server
/// error is logged when it becomes a problem, and not kept, so it cannot leak.
#[derive(Debug)]
pub(crate) struct Problem(Box<Parts>);

#[derive(Debug)]
struct Parts {
    code: Code,
    detail: Option<Cow<'static, str>>,
    faults: Vec<Fault>,
    members: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Problem {
    pub(crate) fn new(code: Code) -> Self {
        Self(Box::new(Parts {
            code,
            detail: None,
            faults: Vec::new(),
            members: Map::new(),
            headers: Vec::new(),
        }))
    }

    /// Says what happened here, for a person.
    #[must_use]
    pub(crate) fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Names what is wrong, each by its place.
    #[must_use]
    pub(crate) fn faults(mut self, faults: Vec<Fault>) -> Self {
        self.0.faults = faults;
        self
    }

    /// Adds a member of its own.
    #[must_use]
    pub(crate) fn member(mut self, name: &str, value: Value) -> Self {
        self.0.members.insert(name.to_owned(), value);
        self
    }

    /// Adds a header, unless the text cannot be one.
    #[must_use]
    pub(crate) fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.0.headers.push((name, value));
        }
        self
    }

    /// A request with these faults.
    pub(crate) fn invalid(mut faults: Vec<Fault>) -> Self {
        let detail = match faults.as_slice() {
            [only] if only.pointer.is_empty() => only.message.clone(),
            [only] => format!("{} {}", only.pointer, only.message),
            all => format!("{} values are wrong", all.len()),
        };
        faults.truncate(MAX_FAULTS);
        Self::new(Code::ValidationFailed).detail(detail).faults(faults)
    }

    /// A server error; logs its cause.
    pub(crate) fn internal(cause: &dyn StdError) -> Self {
        tracing::error!(error = %chain(cause), "a request failed");
        Self::new(Code::Internal)
    }

    /// The problem as what a handler returns.
    pub(crate) const fn into_answer(self) -> Answer {
        Err(self)
    }

    /// The answer to the request for `instance` with this id, in the dialect of that
    /// path.
    pub(crate) fn render(&self, instance: &str, request_id: &str) -> HttpResponse {
        let Parts { code, detail, headers, .. } = &*self.0;
        let (slug, status, title) = code.describe();
        let detail = detail.as_deref().unwrap_or(title);
        let mut response = HttpResponse::build(status);
        for (name, value) in headers {
            response.append_header((name.clone(), value.clone()));
        }
        if instance.starts_with(okchat::PREFIX) {
            return response.json(okchat::ErrorBody { error: slug, message: detail });
        }
        if instance.starts_with(openai::PREFIX) {
            return response.json(openai::error_of(self, instance));
        }
        response.content_type(MEDIA_TYPE).body(self.body(instance, request_id))
    }

    /// Which kind it is.
    pub(crate) fn code(&self) -> Code {
        self.0.code
    }

    /// What is wrong, each by its place.
    pub(crate) fn faults_told(&self) -> &[Fault] {
        &self.0.faults
    }

    /// What happened here, for a person.
    pub(crate) fn told(&self) -> &str {
        let (_, _, title) = self.0.code.describe();
        self.0.detail.as_deref().unwrap_or(title)
    }

    /// The document, as JSON without line feeds.
    pub(crate) fn body(&self, instance: &str, request_id: &str) -> String {
        let Parts { code, detail, faults, members, .. } = &*self.0;
        let (slug, status, title) = code.describe();
        let detail = detail.as_deref().unwrap_or(title);
        let mut body = json!({
            "type": format!("/problems#{slug}"),
            "title": title,
            "status": status.as_u16(),
            "detail": detail,
            "instance": instance,
            "code": slug,
            "statusCode": status.as_u16(),
            "error": status.canonical_reason().unwrap_or(title),
            "message": detail,
            "errors": faults,
            "requestId": request_id,
        });
        if let Some(body) = body.as_object_mut() {
            body.extend(members.clone());
        }
        body.to_string()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (slug, _, _) = self.0.code.describe();
        f.write_str(slug)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        let (_, status, _) = self.0.code.describe();
        status
    }

    /// Only the status: the edge writes the document, since it knows the request.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Unauthenticated => Self::new(Code::Unauthenticated),
            Error::SeatRequired => Self::new(Code::AiSeatRequired).detail(error.to_string()),
            Error::ApiDisabled => Self::new(Code::ApiDisabled).detail(error.to_string()),
            Error::Forbidden(denied) => Self::new(Code::from(denied)).detail(denied.to_string()),
            Error::NotFound(_) => Self::new(Code::NotFound).detail(error.to_string()),
            Error::Invalid(faults) => Self::invalid(faults),
            Error::Conflict(conflict) => conflict.into(),
            Error::PreconditionFailed => {
                Self::new(Code::PreconditionFailed).detail(error.to_string())
            }
            Error::TooLarge { .. } => Self::new(Code::BodyTooLarge).detail(error.to_string()),
            Error::TooMany { .. } => Self::new(Code::LimitReached).detail(error.to_string()),
            Error::BudgetExceeded { retry_after, .. } => Self::new(Code::BudgetExceeded)
                .detail(error.to_string())
                .header(header::RETRY_AFTER, &retry_after.to_string()),
            Error::Busy { .. } => Self::new(Code::TooManyRuns)
                .detail(error.to_string())
                .header(header::RETRY_AFTER, &BUSY_AFTER.to_string()),
            Error::Media(error) => error.into(),
            Error::Provider(error) => error.into(),
            Error::Identity(error) => error.into(),
            Error::Blobs(error) => error.into(),
            Error::Store(error) => error.into(),
            Error::Crypto(error) => Self::internal(&error),
        }
    }
}

impl From<Conflict> for Problem {
    fn from(conflict: Conflict) -> Self {
        let code = Code::from(&conflict);
        let problem = Self::new(code).detail(conflict.to_string());
        match conflict {
            Conflict::Merge(conflicts) => problem.member("conflicts", json!(conflicts)),
            Conflict::MergeInvalid(faults) => problem.faults(faults),
            Conflict::Missing(gone) => problem.member("missing", json!(gone)),
            Conflict::Taken { .. }
            | Conflict::Concurrent
            | Conflict::DraftExists
            | Conflict::LastOwner
            | Conflict::TeamOwnsAssistants
            | Conflict::Inactive
            | Conflict::NotDeleted
            | Conflict::AlreadySetUp
            | Conflict::ReferenceExists
            | Conflict::UploadIncomplete
            | Conflict::WrongOffset { .. }
            | Conflict::NoProvider { .. }
            | Conflict::ProviderNotAllowed { .. }
            | Conflict::RuleAttached { .. }
            | Conflict::SecretInUse { .. }
            | Conflict::AccountNotLinked
            | Conflict::WebhookDisabled
            | Conflict::NoModelProvider { .. }
            | Conflict::VendorNotAllowed { .. }
            | Conflict::NobodyToHandTo
            | Conflict::NotActive
            | Conflict::ThreadBusy
            | Conflict::ThreadOfAnother
            | Conflict::NotRunning
            | Conflict::Decided { .. }
            | Conflict::ImportedElsewhere => problem,
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict => Self::new(Code::ConcurrentChange),
            StoreError::AlreadyExists { .. } => Self::new(Code::Taken).detail(error.to_string()),
            StoreError::Unavailable(_) => {
                tracing::warn!(error = %chain(&error), "the database is away");
                Self::new(Code::Unavailable)
                    .detail("the database cannot be reached; nothing was changed")
                    .header(header::RETRY_AFTER, &RETRY_AFTER.to_string())
            }
            StoreError::Corrupt { .. } => Self::internal(&error),
        }
    }
}

impl From<BlobError> for Problem {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::Unavailable(_) => {
                tracing::warn!(error = %chain(&error), "the blob store is away");
                Self::new(Code::Unavailable)
                    .detail("the blob store cannot be reached")
                    .header(header::RETRY_AFTER, &RETRY_AFTER.to_string())
            }
            BlobError::Full(_) => {
                tracing::error!(error = %chain(&error), "the blob store is full");
                Self::new(Code::Unavailable)
                    .detail(error.to_string())
                    .header(header::RETRY_AFTER, &ROOM_AFTER.to_string())
            }
            // A row names it, so it has to be there.
            BlobError::NotFound | BlobError::Damaged(_) => Self::internal(&error),
        }
    }
}

impl From<MediaError> for Problem {
    fn from(error: MediaError) -> Self {
        match error {
            MediaError::Unsupported(text) => Self::new(Code::UnsupportedFile).detail(text),
            MediaError::Invalid(text) => Self::new(Code::InvalidFile).detail(text),
            MediaError::TooLarge(text) => Self::new(Code::BodyTooLarge).detail(text),
            MediaError::TooCostly => Self::new(Code::InvalidFile).detail(error.to_string()),
            MediaError::Unavailable(_) => {
                tracing::error!(error = %chain(&error), "files cannot be worked on");
                Self::new(Code::Unavailable).detail(error.to_string())
            }
        }
    }
}

impl From<ProviderError> for Problem {
    fn from(error: ProviderError) -> Self {
        let detail = error.to_string();
        match error {
            ProviderError::Busy { retry_after: Some(seconds), .. } => {
                Self::new(Code::ProviderFailed)
                    .detail(detail)
                    .header(header::RETRY_AFTER, &seconds.to_string())
            }
            ProviderError::TimedOut => Self::new(Code::ProviderTimeout).detail(detail),
            ProviderError::Busy { retry_after: None, .. }
            | ProviderError::Refused { .. }
            | ProviderError::Unreachable(_)
            | ProviderError::Garbled(_) => Self::new(Code::ProviderFailed).detail(detail),
        }
    }
}

impl From<IdentityError> for Problem {
    fn from(error: IdentityError) -> Self {
        tracing::warn!(error = %chain(&error), "an identity provider logged nobody in");
        match error {
            IdentityError::Unavailable(_) => {
                Self::new(Code::ProviderFailed).detail(error.to_string())
            }
            IdentityError::Refused(_) | IdentityError::Invalid(_) => Self::new(Code::LoginRefused)
                .detail("the identity provider did not log in; begin again"),
        }
    }
}

impl From<Denied> for Code {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Level { .. } => Self::InsufficientLevel,
            Denied::Role(_) => Self::InsufficientRole,
            Denied::Rank => Self::InsufficientRank,
            Denied::Scope(_) => Self::InsufficientScope,
            Denied::ReadOnly => Self::TokenReadOnly,
            Denied::OneAssistant => Self::TokenLimited,
            Denied::OtherOrganization => Self::OtherOrganization,
            Denied::Author => Self::NotTheAuthor,
            Denied::LogIn(_) => Self::LoginRefused,
        }
    }
}

impl From<&Conflict> for Code {
    fn from(conflict: &Conflict) -> Self {
        match conflict {
            Conflict::Taken { what: "name" } => Self::NameTaken,
            Conflict::Taken { what: "slug" } => Self::SlugTaken,
            Conflict::Taken { what: "email" } => Self::EmailTaken,
            Conflict::Taken { what: "external id" } => Self::ExternalIdTaken,
            Conflict::Taken { .. } => Self::Taken,
            Conflict::Concurrent => Self::ConcurrentChange,
            Conflict::DraftExists => Self::DraftExists,
            Conflict::Merge(_) => Self::MergeConflict,
            Conflict::MergeInvalid(_) => Self::MergeInvalid,
            Conflict::Missing(_) => Self::MissingReferences,
            Conflict::LastOwner => Self::LastOwner,
            Conflict::TeamOwnsAssistants => Self::TeamOwnsAssistants,
            Conflict::Inactive | Conflict::NotActive => Self::AssistantInactive,
            Conflict::NotDeleted => Self::NotDeleted,
            Conflict::AlreadySetUp => Self::AlreadySetUp,
            Conflict::ReferenceExists => Self::ReferenceExists,
            Conflict::UploadIncomplete => Self::UploadIncomplete,
            Conflict::WrongOffset { .. } => Self::WrongOffset,
            Conflict::NoProvider { .. } | Conflict::NoModelProvider { .. } => Self::NoProvider,
            Conflict::ProviderNotAllowed { .. } | Conflict::VendorNotAllowed { .. } => {
                Self::ProviderNotAllowed
            }
            Conflict::NobodyToHandTo => Self::NobodyToHandTo,
            Conflict::RuleAttached { .. } => Self::RuleAttached,
            Conflict::SecretInUse { .. } => Self::SecretInUse,
            Conflict::AccountNotLinked => Self::AccountNotLinked,
            Conflict::WebhookDisabled => Self::WebhookDisabled,
            Conflict::ThreadBusy => Self::ThreadBusy,
            Conflict::ThreadOfAnother => Self::ThreadOfAnotherAssistant,
            Conflict::NotRunning => Self::NotRunning,
            Conflict::Decided { .. } => Self::AlreadyDecided,
            Conflict::ImportedElsewhere => Self::ImportedElsewhere,
        }
    }
}

/// An error with all its causes, for the log.
pub(crate) fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use understudy_domain::access::Level;

    use super::*;

    #[test]
    fn every_refusal_has_the_name_that_the_domain_gives_it() {
        let denials = [
            Denied::Level { needed: Level::Edit },
            Denied::Role("x"),
            Denied::Rank,
            Denied::Scope("read"),
            Denied::ReadOnly,
            Denied::OneAssistant,
            Denied::OtherOrganization,
            Denied::Author,
            Denied::LogIn("x"),
        ];
        for denied in denials {
            assert_eq!(Code::from(denied).describe().0, denied.code());
        }
    }

    #[test]
    fn every_conflict_has_the_name_that_the_domain_gives_it() {
        let conflicts = [
            Conflict::Taken { what: "name" },
            Conflict::Taken { what: "slug" },
            Conflict::Taken { what: "email" },
            Conflict::Taken { what: "external id" },
            Conflict::Taken { what: "x" },
            Conflict::Concurrent,
            Conflict::DraftExists,
            Conflict::Merge(Vec::new()),
            Conflict::MergeInvalid(Vec::new()),
            Conflict::Missing(Vec::new()),
            Conflict::LastOwner,
            Conflict::TeamOwnsAssistants,
            Conflict::Inactive,
            Conflict::NotDeleted,
            Conflict::AlreadySetUp,
            Conflict::ReferenceExists,
            Conflict::UploadIncomplete,
            Conflict::WrongOffset { received: 1 },
            Conflict::NoProvider { model: "x".to_owned() },
            Conflict::ProviderNotAllowed { provider: "openai" },
            Conflict::RuleAttached { count: 1 },
            Conflict::SecretInUse { skills: Vec::new() },
            Conflict::WebhookDisabled,
            Conflict::AccountNotLinked,
            Conflict::NoModelProvider { model: "x".to_owned() },
            Conflict::VendorNotAllowed { provider: "openai".to_owned() },
            Conflict::NobodyToHandTo,
            Conflict::NotActive,
            Conflict::ThreadBusy,
            Conflict::ThreadOfAnother,
            Conflict::NotRunning,
            Conflict::Decided { state: "approved" },
            Conflict::ImportedElsewhere,
        ];
        for conflict in conflicts {
            assert_eq!(Code::from(&conflict).describe().0, conflict.code());
        }
    }
}
