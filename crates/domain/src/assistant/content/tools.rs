//! The tools of an assistant: built-in ones and remote MCP servers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::words;
use crate::SealedId;

words!(
    /// Whether a tool is offered to the model.
    ToolMode {
        /// Always.
        On = "on",
        /// Never.
        Off = "off",
        /// When the model decides.
        Auto = "auto",
    }
);
words!(
    /// Who makes images.
    ImageProvider {
        /// OpenAI Images.
        OpenAi = "openai",
        /// Clipdrop.
        Clipdrop = "clipdrop",
    }
);

/// Built-in tools and external integrations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ToolConfigurations {
    /// Built-in tools.
    pub system_tools: SystemTools,
    /// Remote MCP servers, at most 20, each with its own label.
    pub mcp_tools: Vec<McpServer>,
    /// Ids of automations that it may run.
    pub streamline_tools: Vec<String>,
}

/// Built-in tools.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "assistant.schema.json describes every field, once")]
pub struct SystemTools {
    pub web_search: WebSearch,
    pub code_interpreter: CodeInterpreter,
    pub file_search: FileSearch,
    pub computer_use_preview: ComputerUsePreview,
    pub image_generation: ImageGeneration,
    pub file_retrieval: FileRetrieval,
}

/// Declares a built-in tool's settings with their defaults.
macro_rules! tool {
    ($(#[$meta:meta])* $name:ident { mode: $mode:ident $(, $field:ident: $type:ty = $default:expr)? }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        #[expect(missing_docs, reason = "assistant.schema.json describes every field, once")]
        pub struct $name {
            pub mode: ToolMode,
            $(pub $field: $type,)?
        }

        impl Default for $name {
            fn default() -> Self {
                Self { mode: ToolMode::$mode $(, $field: $default)? }
            }
        }
    };
}

tool!(
    /// Searches the web.
    WebSearch { mode: Auto, sources: bool = true }
);
tool!(
    /// Runs Python.
    CodeInterpreter { mode: Auto, outputs: bool = true }
);
tool!(
    /// Searches documents.
    FileSearch { mode: Auto, results: bool = true }
);
tool!(
    /// Controls a computer.
    ComputerUsePreview { mode: Off, image_url: bool = true }
);
tool!(
    /// Makes images.
    ImageGeneration { mode: Off, provider: ImageProvider = ImageProvider::OpenAi }
);
tool!(
    /// Opens whole files.
    FileRetrieval { mode: Auto }
);

/// A remote MCP server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct McpServer {
    /// Namespace of its tools; unique in the assistant.
    pub server_label: String,
    /// Always `mcp`.
    #[serde(rename = "type")]
    pub kind: McpType,
    /// The tools that may be called; all when absent.
    pub allowed_tools: Option<AllowedTools>,
    /// Reference to the OAuth token.
    pub authorization: Option<SealedId>,
    /// A known service, instead of an address.
    pub connector_id: Option<String>,
    /// References to the values of additional request headers.
    pub headers: Option<BTreeMap<String, SealedId>>,
    /// Which calls a person must approve.
    pub require_approval: RequireApproval,
    /// What the server offers, told to the model.
    pub server_description: Option<String>,
    /// Whether the assistant acts with these credentials for users who may not edit
    /// it, too (runtime.md: 'Sharing an assistant does not hand over its owner's
    /// rights').
    #[serde(skip_serializing_if = "is_not")]
    pub share_credentials: bool,
    /// Address of the server.
    pub server_url: Option<String>,
}

impl Default for McpServer {
    fn default() -> Self {
        Self {
            server_label: String::new(),
            kind: McpType::Mcp,
            allowed_tools: None,
            authorization: None,
            connector_id: None,
            headers: None,
            require_approval: RequireApproval::Setting(ApprovalSetting::Always),
            server_description: None,
            share_credentials: false,
            server_url: None,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde asks")]
const fn is_not(flag: &bool) -> bool {
    !*flag
}

words!(
    /// The type of an MCP tool.
    McpType {
        /// The only one.
        Mcp = "mcp",
    }
);
words!(
    /// One approval policy for all tools.
    ApprovalSetting {
        /// Every call needs approval.
        Always = "always",
        /// None does.
        Never = "never",
    }
);

/// Which tools of an MCP server may be called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AllowedTools {
    /// Those with these names.
    Names(Vec<String>),
    /// Those that match.
    Filter(ToolFilter),
}

/// Which calls a person must approve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RequireApproval {
    /// All or none.
    Setting(ApprovalSetting),
    /// By filter; what neither matches needs approval.
    Filters {
        /// These need approval.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        always: Option<ToolFilter>,
        /// These do not.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        never: Option<ToolFilter>,
    },
}

/// Criteria for tools; a tool matches when it meets all that are given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ToolFilter {
    /// Whether the server calls it read-only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
    /// Its name is one of these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_names: Option<Vec<String>>,
}
