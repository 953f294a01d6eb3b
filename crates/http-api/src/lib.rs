//! HTTP: translates requests to use cases, and their results to answers.
//!
//! It knows who asks ([`Services`] tell), what a request says and how an answer
//! is written. It decides nothing: rules, validation and access live in the
//! domain.
#![deny(clippy::wildcard_enum_match_arm)]
#![expect(
    clippy::future_not_send,
    reason = "a request stays on the thread of its connection, as actix-web has it"
)]

mod address;
mod answer;
mod asking;
mod body;
mod call;
mod caller;
mod cursor;
mod download;
mod edge;
mod endpoint;
mod etag;
mod fields;
mod idempotency;
mod input;
mod limits;
mod multipart;
mod native;
mod negotiation;
mod okchat;
mod openai;
mod openapi;
mod operations;
mod parameters;
mod payload;
mod pictures;
mod problem;
mod query;
mod range;
mod request_id;
mod running;
mod server;
mod stream;
mod token_uses;
mod trace_context;

pub use openapi::{openapi, openapi_json};
pub use problem::problems_markdown;
pub use server::{ContinueTrace, Metrics, Options, Ready, Services, SingleSignOn, serve};
pub use stream::Streams;
pub use token_uses::TokenUses;
pub use trace_context::TraceContext;
