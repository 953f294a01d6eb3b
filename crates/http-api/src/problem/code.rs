//! The one table of errors: a stable name, a status and a title for each.

use actix_web::http::StatusCode;

/// A status by its name, or by its number when it has no name.
macro_rules! status {
    ($name:ident) => {
        StatusCode::$name
    };
    ($number:literal) => {
        StatusCode::from_u16($number).unwrap_or(StatusCode::BAD_REQUEST)
    };
}

/// The kinds of problems and what each means; rows are only ever added.
macro_rules! codes {
    ($($code:ident = $slug:literal, $status:tt, $title:literal, $about:literal;)+) => {
        /// What kind of problem it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Code {
            $($code,)+
        }

        impl Code {
            /// All of them.
            pub(crate) const ALL: &[Self] = &[$(Self::$code,)+];

            /// Its stable name, its status and its title.
            pub(crate) fn describe(self) -> (&'static str, StatusCode, &'static str) {
                match self {
                    $(Self::$code => ($slug, status!($status), $title),)+
                }
            }

            /// When it happens and what helps.
            pub(crate) const fn about(self) -> &'static str {
                match self {
                    $(Self::$code => $about,)+
                }
            }
        }
    };
}

codes! {
    BadRequest = "bad_request", BAD_REQUEST, "The request cannot be read",
        "The request is not well-formed HTTP, or a header has a value that it cannot have.";
    ValidationFailed = "validation_failed", BAD_REQUEST, "The request is not valid",
        "Values are wrong. `errors` names all of them, each by JSON pointer into the body or by the name of the query parameter or header.";
    MalformedJson = "malformed_json", BAD_REQUEST, "The body is not JSON",
        "The body cannot be read as JSON; `detail` says where, by line and column.";
    TooDeep = "too_deep", BAD_REQUEST, "The body is nested too deeply",
        "Arrays and objects may be nested 64 deep.";
    InvalidUtf8 = "invalid_utf8", BAD_REQUEST, "The body is not UTF-8",
        "JSON is exchanged in UTF-8.";
    MalformedMultipart = "malformed_multipart", BAD_REQUEST, "The body is not a form with a file",
        "The body cannot be read as `multipart/form-data`; `detail` says why.";
    BadCursor = "bad_cursor", BAD_REQUEST, "The cursor is not one of this list",
        "A cursor belongs to the sort order and filters of the page that gave it. Begin again without one.";
    Unauthenticated = "unauthenticated", UNAUTHORIZED, "A valid credential is needed",
        "There is no credential, or it is unknown, expired, revoked, of a disabled user, or used from an address that it is not for. The answer does not tell which.";
    ConflictingCredentials = "conflicting_credentials", UNAUTHORIZED, "There is more than one credential",
        "Send one credential: by `Authorization`, by `x-api-key` or by the session cookie.";
    CsrfFailed = "csrf_failed", FORBIDDEN, "The CSRF token is missing or wrong",
        "Writes with the session cookie need `X-CSRF-Token`, with the `csrfToken` that the session told.";
    AiSeatRequired = "ai_seat_required", FORBIDDEN, "An AI seat is needed",
        "Assistants are for users with an AI seat. An administrator gives it.";
    ApiDisabled = "api_disabled", FORBIDDEN, "The assistant is not open to API tokens",
        "The assistant has `api_enabled: false`: only sessions reach it.";
    InsufficientLevel = "insufficient_level", FORBIDDEN, "The access level is too low",
        "The caller may see the assistant, but not do this with it.";
    InsufficientRole = "insufficient_role", FORBIDDEN, "The role is too low",
        "It takes a higher role in the organization.";
    InsufficientRank = "insufficient_rank", FORBIDDEN, "The rank is too low",
        "Nobody grants, changes or removes a rank at or above their own.";
    InsufficientScope = "insufficient_scope", FORBIDDEN, "The token does not cover this",
        "The token lacks the scope that `detail` names.";
    TokenReadOnly = "token_read_only", FORBIDDEN, "The token is read-only",
        "The token refuses every change.";
    TokenLimited = "token_limited", FORBIDDEN, "The token is limited to one assistant",
        "The token reaches one assistant and its draft, nothing else.";
    OtherOrganization = "other_organization", FORBIDDEN, "It is an affair of another organization",
        "Owner, shares, tags, comments, tokens and events of an assistant are for people of its organization, whoever else may see it.";
    NotTheAuthor = "not_the_author", FORBIDDEN, "Somebody else wrote it",
        "Only its author changes it.";
    LoginRefused = "login_refused", FORBIDDEN, "The log-in was refused",
        "`detail` tells what the person can do about it. Nobody was logged in; begin again at `/api/session/oidc`.";
    NotFound = "not_found", NOT_FOUND, "Not found",
        "There is none, or none that the caller may see; nothing tells which.";
    NoSuchRoute = "no_such_route", NOT_FOUND, "There is no such route",
        "The path is not one of the API. `/docs` lists them.";
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "The method is not for this path",
        "`Allow` lists those that are.";
    NotAcceptable = "not_acceptable", NOT_ACCEPTABLE, "The answer is not to be had in that form",
        "Answers are `application/json`, plain or compressed with zstd, br or gzip.";
    RequestTimeout = "request_timeout", REQUEST_TIMEOUT, "The request came too slowly",
        "The body must come at 1 KiB a second or faster, and within two minutes unless it is a file.";
    Taken = "taken", CONFLICT, "A unique value is taken",
        "Something else has that value already.";
    NameTaken = "name_taken", CONFLICT, "The name is taken",
        "Names are unique in the organization, without regard to case.";
    SlugTaken = "slug_taken", CONFLICT, "The slug is taken",
        "Slugs are unique in the organization, those of deleted assistants included.";
    EmailTaken = "email_taken", CONFLICT, "The e-mail address is taken",
        "E-mail addresses are unique in the installation.";
    ExternalIdTaken = "external_id_taken", CONFLICT, "The external id is taken",
        "Another user of the organization is linked to that account of the directory.";
    ConcurrentChange = "concurrent_change", CONFLICT, "It was changed at the same time",
        "Read it and try again.";
    DraftExists = "draft_exists", CONFLICT, "There is a draft",
        "An assistant has one draft at most. Commit or discard it first.";
    MergeConflict = "merge_conflict", CONFLICT, "Draft and live assistant changed the same values",
        "`conflicts` lists each value by pointer with what it was (`base`), what it is (`live`) and what the draft makes of it (`draft`). Change the draft, or commit with `on_conflict`.";
    MergeInvalid = "merge_invalid", CONFLICT, "The merged content would not be valid",
        "Each side is right, but together they are not; `errors` says where.";
    MissingReferences = "missing_references", CONFLICT, "The version refers to things that are gone",
        "`missing` lists them. Restore with `drop_missing` to leave them out.";
    LastOwner = "last_owner", CONFLICT, "The last owner must stay",
        "An organization has an owner at all times.";
    TeamOwnsAssistants = "team_owns_assistants", CONFLICT, "The team owns assistants",
        "Give them away first.";
    AssistantInactive = "assistant_inactive", CONFLICT, "The assistant is inactive",
        "Only an active assistant answers, and only an active one can be the default.";
    NotDeleted = "not_deleted", CONFLICT, "It is not deleted",
        "There is nothing to restore.";
    AlreadySetUp = "already_set_up", CONFLICT, "The installation is set up already",
        "The first administrator is made once.";
    ReferenceExists = "reference_exists", CONFLICT, "The assistant has that reference",
        "An assistant refers to a target once.";
    UploadIncomplete = "upload_incomplete", CONFLICT, "The upload is not complete",
        "Send the rest of it first.";
    WrongOffset = "wrong_offset", CONFLICT, "The upload has another length",
        "Ask with `HEAD` how many bytes it has, and go on from there.";
    NoProvider = "no_provider", CONFLICT, "No provider does this",
        "No provider with that model is set up and enabled. An administrator adds one under `/api/providers`.";
    ProviderNotAllowed = "provider_not_allowed", CONFLICT, "The provider is not allowed",
        "The assistant's `allowed_model_providers` or the organization's `allowedProviders` leaves the provider out.";
    RuleAttached = "rule_attached", CONFLICT, "The rule is attached to something",
        "Detach it from everything first, or delete it with `force=true`.";
    SecretInUse = "secret_in_use", CONFLICT, "Skills use the secret",
        "`detail` names them. Take it out of them first.";
    WebhookDisabled = "webhook_disabled", CONFLICT, "The webhook is switched off",
        "Nothing is sent to it. Enable it first; `disabledReason` says why the server switched it off, if it did.";
    AccountNotLinked = "account_not_linked", CONFLICT, "The account is not linked",
        "There is a user with the address of the directory's account who is not linked to it. An administrator links them by `externalId`.";
    ImportedElsewhere = "imported_elsewhere", CONFLICT, "It was imported by somebody else",
        "The import names an assistant that the caller may not change.";
    IdempotencyUnderWay = "idempotency_under_way", CONFLICT, "The same request is under way",
        "A request with this idempotency key has begun and not ended. Try again later; if the server stopped in the middle, look whether it had effect and use another key.";
    ShownOnce = "shown_once", CONFLICT, "It was made, and its secret shown, before",
        "The first request with this idempotency key made it; its secret is not kept, so it cannot be shown again. `Location` names it.";
    TusVersion = "tus_version", PRECONDITION_FAILED, "The upload protocol has another version",
        "`Tus-Version` lists the versions of the tus protocol that are spoken.";
    PreconditionFailed = "precondition_failed", PRECONDITION_FAILED, "It was changed meanwhile",
        "`If-Match` names another state. Read it again.";
    BodyTooLarge = "body_too_large", PAYLOAD_TOO_LARGE, "The body is too large",
        "`detail` names the limit.";
    LimitReached = "limit_reached", PAYLOAD_TOO_LARGE, "There may be no more of it",
        "`detail` names the limit.";
    InvalidFile = "invalid_file", BAD_REQUEST, "The file cannot be read",
        "The file is broken, not what it says it is, or takes too much to read.";
    UnsupportedFile = "unsupported_file", UNSUPPORTED_MEDIA_TYPE, "Files of this kind are not taken",
        "What a file is, is told by its bytes; `detail` names the kinds that are taken.";
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, "The body has the wrong media type",
        "Bodies are `application/json`, for `PATCH` also `application/merge-patch+json`, and not compressed.";
    RangeNotSatisfiable = "range_not_satisfiable", RANGE_NOT_SATISFIABLE, "There are no such bytes",
        "`Range` lies behind the end; `Content-Range` says how many bytes there are.";
    IdempotencyKeyReused = "idempotency_key_reused", UNPROCESSABLE_ENTITY, "The idempotency key was used for something else",
        "The key was used within 24 hours with another body.";
    TooManyRequests = "too_many_requests", TOO_MANY_REQUESTS, "There were too many attempts",
        "`Retry-After` says when to try again.";
    BudgetExceeded = "budget_exceeded", TOO_MANY_REQUESTS, "A budget is used up",
        "`detail` names the budget. Nothing was asked of a model; `Retry-After` says when it begins anew. `/api/usage/budgets` shows what is spent.";
    TooManyRuns = "too_many_runs", TOO_MANY_REQUESTS, "Too much goes on at the same time",
        "`detail` names the limit. Wait for one to end; `Retry-After` says when to try again.";
    ThreadBusy = "thread_busy", CONFLICT, "An answer is on its way in the thread",
        "One turn at a time: wait for the answer, or cancel it.";
    ThreadOfAnotherAssistant = "thread_of_another_assistant", CONFLICT, "The thread belongs to another assistant",
        "A thread stays with the assistant that it began with.";
    NobodyToHandTo = "nobody_to_hand_to", CONFLICT, "There is nobody to hand over to",
        "A dispatcher hands over to the assistants that it refers to, as far as they are active and the caller may see them. There is none.";
    NotRunning = "not_running", CONFLICT, "The response is not on its way",
        "It ended before, so there is nothing to stop.";
    AlreadyDecided = "already_decided", CONFLICT, "It was decided already",
        "`detail` says how. An approval is decided once, within 24 hours.";
    ProviderBusy = "provider_busy", TOO_MANY_REQUESTS, "The provider is busy",
        "The provider asks for patience; `detail` tells what it said.";
    SchemaValidationFailed = "schema_validation_failed", BAD_GATEWAY, "The answer does not fit its schema",
        "The model was asked twice, and answered neither time as the schema asks. The response keeps what it used.";
    Interrupted = "interrupted", SERVICE_UNAVAILABLE, "The response was broken off",
        "The server stopped, or the response took too long. Ask again.";
    Internal = "internal", INTERNAL_SERVER_ERROR, "The service failed",
        "It is a fault of the service. The request id leads to its cause in the log.";
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "The service cannot do it now",
        "The database or the blob store cannot be used now. `Retry-After` says when to try again.";
    ChecksumMismatch = "checksum_mismatch", 460, "The bytes have another checksum",
        "`Upload-Checksum` names another checksum than what came has. Nothing of it was kept; send it again.";
    ProviderFailed = "provider_failed", BAD_GATEWAY, "The provider did not do it",
        "`detail` tells what the provider said, or why it could not be reached; with `Retry-After` when it said when to try again. Nothing was stored.";
    ProviderTimeout = "provider_timeout", GATEWAY_TIMEOUT, "The provider did not answer in time",
        "Nothing was stored. Try again later.";
}
