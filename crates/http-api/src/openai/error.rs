//! Errors as OpenAI's clients read them.

use std::fmt::Write;

use actix_web::http::StatusCode;
use serde::Serialize;
use understudy_domain::Fault;
use utoipa::ToSchema;

use crate::problem::Problem;

/// Where the domain says what the clients of this dialect call otherwise.
const OTHER_NAMES: [(&str, &str); 3] = [
    ("max_completion_tokens", "max_output_tokens"),
    ("system_tools", "tools"),
    ("format", "text.format"),
];

/// An error of this dialect.
#[derive(Serialize, ToSchema)]
#[schema(as = OpenaiError)]
pub(crate) struct ErrorBody {
    error: ErrorDetail,
}

/// What went wrong.
#[derive(Serialize, ToSchema)]
#[schema(as = OpenaiErrorDetail)]
pub(crate) struct ErrorDetail {
    /// What happened, for a person.
    #[schema(example = "model is required")]
    message: String,
    /// `invalid_request_error`, `authentication_error`, `permission_error`,
    /// `not_found_error`, `rate_limit_error` or `server_error`.
    #[schema(value_type = String, example = "invalid_request_error")]
    r#type: &'static str,
    /// The parameter that is wrong, if one is.
    #[schema(example = "model")]
    param: Option<String>,
    /// Which error, for programs: what is wrong with the parameter, or one of those
    /// that `/problems` explains.
    #[schema(example = "missing_required_parameter")]
    code: String,
}

/// A problem as an error of this dialect.
pub(crate) fn error_of(problem: &Problem, path: &str) -> ErrorBody {
    let (slug, status, _) = problem.code().describe();
    let faults = problem.faults_told();
    let first = faults.first();
    let message = if faults.is_empty() {
        problem.told().to_owned()
    } else {
        faults.iter().map(|fault| sentence(path, fault)).collect::<Vec<_>>().join("; ")
    };
    let param = first.map(|fault| param(path, &fault.pointer)).filter(|param| !param.is_empty());
    let code = first.map_or(slug, |fault| code_of(fault.code)).to_owned();
    ErrorBody { error: ErrorDetail { message, r#type: type_of(status), param, code } }
}

fn type_of(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "authentication_error",
        StatusCode::FORBIDDEN => "permission_error",
        StatusCode::NOT_FOUND => "not_found_error",
        StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
        status if status.is_server_error() => "server_error",
        _ => "invalid_request_error",
    }
}

/// What OpenAI calls it that is wrong with a parameter.
fn code_of(code: &'static str) -> &'static str {
    match code {
        "unknown_field" => "unknown_parameter",
        "required" => "missing_required_parameter",
        "type" => "invalid_type",
        "enum" | "invalid" | "format" => "invalid_value",
        other => other,
    }
}

fn sentence(path: &str, fault: &Fault) -> String {
    let param = param(path, &fault.pointer);
    if param.is_empty() { fault.message.clone() } else { format!("{param} {}", fault.message) }
}

/// `/messages/0/content` as `messages[0].content`; what is no pointer as it is.
fn param(path: &str, pointer: &str) -> String {
    let is_chat = path.ends_with("/completions");
    let mut text = String::new();
    let mut parts = pointer.strip_prefix('/').unwrap_or(pointer).split('/');
    match parts.next() {
        // The domain knows items, and of several messages another number of them.
        Some("input") if is_chat => return "messages".to_owned(),
        Some(first) => {
            let other = OTHER_NAMES.iter().find(|(ours, _)| *ours == first && !is_chat);
            text.push_str(other.map_or(first, |(_, theirs)| theirs));
        }
        None => {}
    }
    for part in parts {
        if part.parse::<usize>().is_ok() {
            // Writing to a text cannot fail.
            let _ = write!(text, "[{part}]");
        } else {
            text.push('.');
            text.push_str(&part.replace("~1", "/").replace("~0", "~"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Code;

    fn told(problem: &Problem, path: &str) -> serde_json::Value {
        serde_json::to_value(error_of(problem, path)).unwrap()["error"].take()
    }

    #[test]
    fn the_first_wrong_parameter_is_named_and_all_are_told() {
        let faults = vec![
            Fault::new("/messages/0/content", "type", "must be a text"),
            Fault::new("/api_base", "unknown_field", "is not a field here"),
        ];
        let error = told(&Problem::invalid(faults), "/openai/v1/chat/completions");

        assert_eq!(error["param"], "messages[0].content");
        assert_eq!(error["code"], "invalid_type");
        assert_eq!(error["type"], "invalid_request_error");
        assert_eq!(
            error["message"],
            "messages[0].content must be a text; api_base is not a field here"
        );
    }

    #[test]
    fn what_the_domain_calls_otherwise_is_called_as_it_was_asked() {
        let faults = vec![Fault::new("/max_completion_tokens", "range", "must be 1 or more")];
        let problem = Problem::invalid(faults);

        assert_eq!(told(&problem, "/openai/v1/responses")["param"], "max_output_tokens");
        assert_eq!(told(&problem, "/openai/v1/chat/completions")["param"], "max_completion_tokens");
        let problem = Problem::invalid(vec![Fault::new("/input/3", "unknown", "is unknown")]);
        assert_eq!(told(&problem, "/openai/v1/chat/completions")["param"], "messages");
        assert_eq!(told(&problem, "/openai/v1/responses")["param"], "input[3]");
    }

    #[test]
    fn every_status_has_a_type_that_clients_know() {
        for (code, expected) in [
            (Code::Unauthenticated, "authentication_error"),
            (Code::InsufficientScope, "permission_error"),
            (Code::NotFound, "not_found_error"),
            (Code::BudgetExceeded, "rate_limit_error"),
            (Code::NoProvider, "invalid_request_error"),
            (Code::ProviderFailed, "server_error"),
        ] {
            let error = told(&Problem::new(code), "/openai/v1/models");
            assert_eq!((&error["type"], &error["param"]), (&expected.into(), &().into()));
            assert_eq!(error["code"], code.describe().0);
        }
    }
}
