//! What tools are run with.

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::{Map, Value};

use crate::{AssistantId, OrganizationId, Secret, assistant::content::FileEntry, run::Citation};

/// Why a tool did not do what was asked. Texts are shown to the model and to people,
/// and hold no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ToolError {
    /// It must not be reached from here.
    #[error("{0}")]
    NotAllowed(String),
    /// It cannot be reached. Nothing was done.
    #[error("{0}")]
    Unreachable(String),
    /// It took too long. Whether something was done is not known.
    #[error("it did not answer in time; whether it did something is not known")]
    TimedOut,
    /// It broke off or answered what cannot be understood. Whether something was done
    /// is not known.
    #[error("{0}")]
    Garbled(String),
    /// It said no.
    #[error("{0}")]
    Refused(String),
    /// It answered more than was wanted.
    #[error("its answer is larger than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
}

/// Where an MCP server is.
#[derive(Clone, Debug)]
pub enum McpPlace {
    /// Behind an address, over streamable HTTP.
    Http {
        /// The address.
        url: String,
        /// The token for `Authorization: Bearer`.
        authorization: Option<Secret<String>>,
        /// Further headers.
        headers: Vec<(String, Secret<String>)>,
    },
    /// A program that the operator listed under this name.
    Stdio {
        /// The name (`connectorId`).
        name: String,
    },
}

/// An MCP server as an assistant names it.
#[derive(Clone, Debug)]
pub struct McpEndpoint {
    /// Whose; nothing is shared between organizations.
    pub organization: OrganizationId,
    /// The label by which the assistant knows it.
    pub label: String,
    /// Where it is.
    pub place: McpPlace,
}

/// A tool of an MCP server.
#[derive(Clone, Debug, PartialEq)]
pub struct McpTool {
    /// Its name there.
    pub name: String,
    /// What it is for; at most 4,000 characters.
    pub description: String,
    /// A JSON Schema whose root is an object.
    pub input_schema: Map<String, Value>,
    /// Whether the server says that it changes nothing; `None` when it says nothing.
    pub read_only: Option<bool>,
}

/// What a tool of an MCP server answered.
#[derive(Clone, Debug, PartialEq)]
pub struct McpAnswer {
    /// Its texts, and in words what is no text.
    pub text: String,
    /// Its structured answer, if it gave one.
    pub structured: Option<Value>,
    /// Whether the tool says that it failed.
    pub is_error: bool,
}

/// Speaks to MCP servers.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait McpGateway: Send + Sync {
    /// The names of the servers that the operator listed, which are reached over
    /// stdio.
    fn listed(&self) -> Vec<String>;

    /// The tools that the server has; at most 500. The list may be remembered until
    /// the server says that it changed, at most for a few minutes.
    async fn tools(&self, server: &McpEndpoint) -> Result<Vec<McpTool>, ToolError>;

    /// Calls a tool once. It MUST NOT be tried again when it may have been carried
    /// out.
    async fn call(
        &self,
        server: &McpEndpoint,
        tool: &str,
        arguments: Map<String, Value>,
    ) -> Result<McpAnswer, ToolError>;
}

/// A request to somebody's HTTP service.
#[derive(Clone, Debug)]
pub struct ActionRequest {
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: String,
    /// The address, whole.
    pub url: String,
    /// Headers; any may hold a secret.
    pub headers: Vec<(String, Secret<String>)>,
    /// The body, and its media type.
    pub body: Option<(String, Secret<String>)>,
    /// How long the whole exchange may take.
    pub timeout: std::time::Duration,
    /// Most bytes of the answer.
    pub max_bytes: u64,
}

/// What the service answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionAnswer {
    /// Its status.
    pub status: u16,
    /// Its media type, if it said.
    pub content_type: Option<String>,
    /// Its body.
    pub body: Bytes,
}

/// Calls HTTP services for custom skills and automations.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait ActionCaller: Send + Sync {
    /// Sends the request once. Redirects are not followed: they are answers.
    ///
    /// # Errors
    ///
    /// [`ToolError`] when there was no whole answer.
    async fn call(&self, request: &ActionRequest) -> Result<ActionAnswer, ToolError>;
}

/// What to search the web for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebQuery {
    /// Words.
    pub query: String,
    /// Most pages, 1 to 20.
    pub limit: u32,
    /// Pages of these domains only, if there are any.
    pub allowed_domains: Vec<String>,
    /// No pages of these domains.
    pub blocked_domains: Vec<String>,
    /// Two letters.
    pub country: Option<String>,
    /// Two letters.
    pub language: Option<String>,
}

/// A page that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebPage {
    /// What it is called.
    pub title: String,
    /// Its address.
    pub url: String,
    /// What it says about it.
    pub excerpt: String,
}

/// Searches the web.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait WebSearch: Send + Sync {
    /// The pages that fit best, best first.
    async fn search(&self, query: &WebQuery) -> Result<Vec<WebPage>, ToolError>;
}

/// What a program printed and made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CodeOutput {
    /// What it printed.
    pub stdout: String,
    /// What it printed as errors.
    pub stderr: String,
    /// Whether it ended well.
    pub success: bool,
}

/// Runs code in a sandbox.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait CodeRunner: Send + Sync {
    /// Runs a Python program.
    async fn run(&self, code: &str) -> Result<CodeOutput, ToolError>;
}

/// Where to search.
#[derive(Clone, Debug)]
pub struct KnowledgeScope {
    /// The organization of the assistant.
    pub organization: OrganizationId,
    /// The live assistant.
    pub assistant: AssistantId,
    /// Its files, as its content has them.
    pub files: Vec<FileEntry>,
    /// Vector stores beside them.
    pub vector_stores: Vec<String>,
}

/// Searches what assistants know.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait KnowledgeIndex: Send + Sync {
    /// Whether it knows what is in vector stores; one that does not leaves them out.
    fn searches_vector_stores(&self) -> bool;

    /// The passages that fit best, best first.
    async fn search(
        &self,
        scope: &KnowledgeScope,
        query: &str,
        limit: u32,
    ) -> Result<Vec<Citation>, ToolError>;

    /// The text of a file, at most `max_chars` characters from `from` on; `None`
    /// when it is none of these or has no text.
    async fn read(
        &self,
        scope: &KnowledgeScope,
        file: &str,
        from: u64,
        max_chars: u64,
    ) -> Result<Option<String>, ToolError>;
}

/// Asks datasets.
#[cfg_attr(feature = "mocks", mockall::automock)]
#[async_trait]
pub trait DatasetEngine: Send + Sync {
    /// Rows of the dataset, as JSON.
    async fn query(
        &self,
        organization: OrganizationId,
        dataset: &str,
        sql: &str,
    ) -> Result<Value, ToolError>;
}
