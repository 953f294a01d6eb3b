//! Content and policy in which nothing has its default value.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use understudy_domain::{
    AssistantKey, Content, Policy, Role, UserId,
    assistant::{
        content::{
            AllowedTools, AssistantKind, AttachedRule, CodeInterpreter, ComputerUsePreview,
            ContextStrategy, FileRetrieval, FileSearch, IconType, ImageGeneration, ImageProvider,
            LogitBias, McpServer, MessageRole, OutputMode, OutputSchema, PresetMessage, Reasoning,
            ReasoningEffort, ReasoningSummary, Reference, ReferenceType, RequireApproval,
            ResponseFormat, SafetyLevel, SecretEntry, ServiceTier, Skill, SkillType, SystemTools,
            ToolConfigurations, ToolFilter, ToolMode, WebSearch,
        },
        policy::{AccessMode, Editor, Star},
    },
};

use super::{department, id, instant};

/// Content called `name` in which no other field has its default value, but for
/// files and icon: those are blobs that the store has to know
/// ([`with_files`](super::with_files)).
#[must_use]
pub fn full_content(name: &str) -> Content {
    Content {
        name: name.to_owned(),
        description: Some("Grüße, 世界 👩‍🚀 – \"quoted\", \\ and 100 %".to_owned()),
        welcome: Some("Willkommen\nHello\tthere".to_owned()),
        kind: AssistantKind::Dispatcher,
        avatar_id: Some("avatar-7".to_owned()),
        icon_type: IconType::Emoji,
        icon_data: Some("🧑🏽‍💻".to_owned()),
        icon: Some("rocket".to_owned()),
        default_model_key: "claude-sonnet-4".to_owned(),
        allowed_model_providers: Some(vec!["openai".to_owned(), "anthropic".to_owned()]),
        instructions: "Answer in e\u{301}t\u{e9}.\r\nNever lie.".to_owned(),
        instructions_thread_id: Some("thread-1".to_owned()),
        tool_configurations: tools(),
        system_message: Some(vec![preset_message()]),
        context_strategy: ContextStrategy::Saver,
        context_window: Some(u32::MAX),
        max_tool_calls: 3,
        parallel_tool_calls: false,
        reasoning: Some(Reasoning {
            effort: ReasoningEffort::Maximum,
            summary: ReasoningSummary::Off,
        }),
        service_tier: ServiceTier::Flex,
        store_responses: false,
        temperature: 0.1 + 0.2,
        frequency_penalty: None,
        presence_penalty: Some(-1.5),
        logit_bias: Some(LogitBias::Tokens(BTreeMap::from([("50256".to_owned(), -100.0)]))),
        json_schemas: Some(vec![output_schema()]),
        top_logprobs: 20,
        top_p: 0.333_333_333_333_333_3,
        output_mode: OutputMode::JsonSchema,
        response_format: ResponseFormat::JsonObject,
        seed: Some(i64::MIN),
        stop_sequences: Some(vec!["\n\n".to_owned(), "STOP".to_owned()]),
        max_completion_tokens: Some(4_096),
        vector_store_ids: Some(vec!["vs_1".to_owned()]),
        streaming: false,
        memory_enabled: true,
        moderation_enabled: true,
        safety_level: SafetyLevel::High,
        preset_prompts: vec!["Erzähl mir was".to_owned(), String::new()],
        metadata: Some(BTreeMap::from([("größe".to_owned(), "XL".to_owned())])),
        text_config: Some(object(json!({ "verbosity": "low", "deep": [1, { "null": null }] }))),
        skills: vec![skill(1), skill(2)],
        secrets: vec![secret(1), secret(2)],
        rules: vec![attached_rule(1), attached_rule(2)],
        icon_image: None,
        files: Vec::new(),
        references: vec![reference(1), reference(2)],
    }
}

/// Reference `n`; odd ones are to pages on the web, even ones to assistants.
#[must_use]
pub fn reference(n: u32) -> Reference {
    let (target_id, target_type) = if n.is_multiple_of(2) {
        (id::<AssistantKey>(n).to_string(), ReferenceType::Assistant)
    } else {
        (format!("https://example.com/größe?n={n}"), ReferenceType::Url)
    };
    Reference {
        target_id,
        target_type,
        description: Some(format!("Reference {n}")),
        created_at: instant(n),
        created_by: id(1),
    }
}

/// Skill `n`: odd ones call an HTTP service, even ones ask a dataset.
#[must_use]
pub fn skill(n: u32) -> Skill {
    let asks = n.is_multiple_of(2);
    Skill {
        id: id(n),
        kind: if asks { SkillType::DatasetQuery } else { SkillType::Custom },
        name: format!("Fähigkeit {n}"),
        description: Some(format!("What skill {n} does")),
        data: object(json!({ "limit": n, "deep": { "größe": [1.5, null] } })),
        dataset_id: asks.then(|| format!("dataset-{n}")),
        enabled: !asks,
        created_at: instant(n),
        created_by: id(1),
        updated_at: instant(n + 1),
    }
}

/// Secret `n`; its value is that of the same number, and even ones have none.
#[must_use]
pub fn secret(n: u32) -> SecretEntry {
    SecretEntry {
        id: id(n),
        name: format!("SECRET_{n}"),
        description: Some(format!("What secret {n} is for")),
        origins: vec![format!("https://api{n}.example.com")],
        shared: n.is_multiple_of(2),
        value: (!n.is_multiple_of(2)).then(|| id(n)),
        created_at: instant(n),
        created_by: id(1),
        updated_at: instant(n + 1),
    }
}

/// Rule `n` as it is attached to an assistant.
#[must_use]
pub fn attached_rule(n: u32) -> AttachedRule {
    AttachedRule {
        rule_id: id(n),
        priority: u8::try_from(n % 100 + 1).unwrap_or(AttachedRule::PRIORITY),
        character_limit: 100 + n,
        is_active: n.is_multiple_of(2),
        attached_at: instant(n),
        attached_by: id(1),
    }
}

/// A policy in which no field has its default value, naming `users`.
#[must_use]
pub fn full_policy(users: impl IntoIterator<Item = UserId>) -> Policy {
    let users: Vec<UserId> = users.into_iter().collect();
    let editors = users.iter().map(|user| Editor::User(*user));
    Policy {
        access_mode: AccessMode::Department,
        access_departments: vec![department("Forschung & Entwicklung"), department("ÖRTLICHES")],
        access_users: users.clone(),
        editable_by_users: editors.chain([Editor::Everyone(Star::Star)]).collect(),
        visible_in_chat_to_users: users.clone(),
        editable_by_roles: [Role::Manager].into_iter().collect(),
        visible_to_roles: [Role::Viewer, Role::Member].into_iter().collect(),
        api_enabled: false,
        public_enabled: true,
        is_active: false,
    }
}

fn tools() -> ToolConfigurations {
    ToolConfigurations {
        system_tools: SystemTools {
            web_search: WebSearch { mode: ToolMode::On, sources: false },
            code_interpreter: CodeInterpreter { mode: ToolMode::Off, outputs: false },
            file_search: FileSearch { mode: ToolMode::Off, results: false },
            computer_use_preview: ComputerUsePreview { mode: ToolMode::Auto, image_url: false },
            image_generation: ImageGeneration {
                mode: ToolMode::On,
                provider: ImageProvider::Clipdrop,
            },
            file_retrieval: FileRetrieval { mode: ToolMode::On },
        },
        mcp_tools: vec![named_server(), filtered_server()],
        streamline_tools: vec!["flow-1".to_owned()],
    }
}

fn named_server() -> McpServer {
    McpServer {
        server_label: "github".to_owned(),
        allowed_tools: Some(AllowedTools::Names(vec!["search".to_owned()])),
        authorization: Some(id(1)),
        headers: Some(BTreeMap::from([("X-Key".to_owned(), id(2))])),
        require_approval: RequireApproval::Filters {
            always: Some(ToolFilter { read_only: Some(false), tool_names: None }),
            never: Some(ToolFilter {
                read_only: None,
                tool_names: Some(vec!["search".to_owned()]),
            }),
        },
        server_description: Some("Code".to_owned()),
        share_credentials: false,
        server_url: Some("https://mcp.example.com/sse?a=b".to_owned()),
        ..McpServer::default()
    }
}

fn filtered_server() -> McpServer {
    McpServer {
        server_label: "mail".to_owned(),
        allowed_tools: Some(AllowedTools::Filter(ToolFilter {
            read_only: Some(true),
            tool_names: None,
        })),
        connector_id: Some("connector_gmail".to_owned()),
        ..McpServer::default()
    }
}

fn preset_message() -> PresetMessage {
    PresetMessage {
        role: MessageRole::User,
        texts: vec!["Hi".to_owned()],
        images: vec!["image-1".to_owned()],
        audio: vec!["audio-1".to_owned()],
        files: vec!["file-1".to_owned()],
    }
}

fn output_schema() -> OutputSchema {
    OutputSchema {
        id: "schema-1".to_owned(),
        name: "invoice".to_owned(),
        description: Some("An invoice".to_owned()),
        schema_object: object(json!({
            "type": "object",
            "properties": { "total": { "type": "number", "minimum": 0.01 } },
        })),
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => unreachable!("{other} is no object"),
    }
}
