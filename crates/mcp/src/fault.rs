//! What went wrong, in the words of the port.

use rmcp::{
    model::ErrorData,
    service::{ClientInitializeError, ServiceError},
    transport::{DynamicTransportError, streamable_http_client::StreamableHttpError},
};
use understudy_domain::{ports::ToolError, visible::visible_line};

use crate::wire::WireError;

/// Most characters of a server's words.
const MOST_CHARS: usize = 500;

/// Why there is no session. Nothing was done but to greet.
pub(crate) fn connect_fault(error: &ClientInitializeError) -> ToolError {
    tracing::debug!(kind = begin_kind(error), "no session with an MCP server");
    match error {
        ClientInitializeError::TransportError { error, .. } => match wire_fault(error) {
            Some(ToolError::TimedOut) => {
                ToolError::Unreachable("it did not answer in time".to_owned())
            }
            Some(ToolError::Garbled(message)) => ToolError::Unreachable(message),
            Some(fault) => fault,
            None => ToolError::Unreachable("the connection to it broke off".to_owned()),
        },
        ClientInitializeError::JsonRpcError(error) => ToolError::Refused(words(error)),
        ClientInitializeError::NoCompatibleProtocolVersion { .. } => {
            ToolError::Unreachable("it speaks no version of MCP that is known here".to_owned())
        }
        _ => ToolError::Unreachable("it does not speak MCP".to_owned()),
    }
}

/// Why there is no list of tools.
pub(crate) fn list_fault(error: &ServiceError) -> ToolError {
    tracing::debug!(kind = kind(error), "no tools of an MCP server");
    service_fault(error, "it broke off while it listed its tools")
}

/// Why there is no answer of a tool.
pub(crate) fn call_fault(error: &ServiceError) -> ToolError {
    tracing::debug!(kind = kind(error), "no answer of a tool of an MCP server");
    match service_fault(error, "it broke off before it answered") {
        // However it broke off, the call had gone out.
        ToolError::Garbled(message) => {
            let message = format!("{message}; whether it did something is not known");
            ToolError::Garbled(message)
        }
        fault => fault,
    }
}

/// Whether a server that answered so is there and knows the session.
pub(crate) const fn is_answer(error: &ServiceError) -> bool {
    matches!(error, ServiceError::McpError(_))
}

/// What went wrong, for the log: an error itself has the server's words, which may
/// hold the credentials that it was sent.
const fn begin_kind(error: &ClientInitializeError) -> &'static str {
    match error {
        ClientInitializeError::TransportError { .. } => "transport",
        ClientInitializeError::JsonRpcError(_) => "refusal",
        ClientInitializeError::ConnectionClosed(_) => "closed",
        ClientInitializeError::NoCompatibleProtocolVersion { .. } => "version",
        _ => "protocol",
    }
}

const fn kind(error: &ServiceError) -> &'static str {
    match error {
        ServiceError::McpError(_) => "refusal",
        ServiceError::TransportSend(_) => "transport",
        ServiceError::TransportClosed => "closed",
        ServiceError::Timeout { .. } => "timeout",
        ServiceError::Cancelled { .. } => "cancelled",
        _ => "protocol",
    }
}

fn service_fault(error: &ServiceError, broken: &str) -> ToolError {
    match error {
        ServiceError::McpError(error) => ToolError::Refused(words(error)),
        ServiceError::TransportSend(error) => {
            wire_fault(error).unwrap_or_else(|| ToolError::Garbled(broken.to_owned()))
        }
        ServiceError::UnexpectedResponse => {
            ToolError::Garbled("it answered in a way that is not known here".to_owned())
        }
        _ => ToolError::Garbled(broken.to_owned()),
    }
}

fn wire_fault(error: &DynamicTransportError) -> Option<ToolError> {
    match error.error.downcast_ref::<StreamableHttpError<WireError>>()? {
        StreamableHttpError::Client(error) => Some(error.fault()),
        StreamableHttpError::SessionExpired => {
            let message = "it has forgotten the session, and did nothing; ask again";
            Some(ToolError::Unreachable(message.to_owned()))
        }
        _ => None,
    }
}

fn words(error: &ErrorData) -> String {
    let said = visible_line(&error.message, MOST_CHARS);
    if said.is_empty() { format!("it says no (error {})", error.code.0) } else { said }
}
