//! The assistant object as a caller sees it: every field of the seed, always.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::json;

use super::content::ToolMode;
use crate::{
    Assistant, AssistantId, Content, Policy, Principal, TagId, access::Level,
    ports::AssistantRecord, sealed::MASK,
};

/// An assistant together with what the caller may do with it.
#[derive(Clone, Debug)]
pub struct AssistantView {
    /// The assistant or draft.
    pub record: AssistantRecord,
    /// What the caller may do; for a draft, by the live one's policy.
    pub level: Level,
    /// Whether the caller belongs to the assistant's organization.
    pub at_home: bool,
}

/// What the caller may do with an assistant, as the object tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "five rights that the API names")]
pub struct Permissions {
    /// May read and run it.
    pub read: bool,
    /// May change its content.
    pub write: bool,
    /// May change who reaches it.
    pub share: bool,
    /// May delete it.
    pub delete: bool,
    /// May give it away.
    pub change_owner: bool,
}

impl From<Level> for Permissions {
    fn from(level: Level) -> Self {
        Self {
            read: level >= Level::View,
            write: level >= Level::Edit,
            share: level >= Level::Manage,
            delete: level >= Level::Manage,
            change_owner: level >= Level::Owner,
        }
    }
}

/// Which tools an assistant has, derived from its tool configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "eight switches of the seed's object")]
#[expect(missing_docs, reason = "named by the seed")]
pub struct ToolCapabilities {
    pub web_search: bool,
    pub file_search: bool,
    pub code_interpreter: bool,
    pub image_generation: bool,
    pub data_analysis: bool,
    pub function_calling: bool,
    pub computer_use: bool,
    pub computer_use_preview: bool,
}

impl From<&Content> for ToolCapabilities {
    fn from(content: &Content) -> Self {
        let tools = &content.tool_configurations;
        let on = |mode: ToolMode| mode != ToolMode::Off;
        let code = on(tools.system_tools.code_interpreter.mode);
        let computer = on(tools.system_tools.computer_use_preview.mode);
        Self {
            web_search: on(tools.system_tools.web_search.mode),
            file_search: on(tools.system_tools.file_search.mode),
            code_interpreter: code,
            image_generation: on(tools.system_tools.image_generation.mode),
            data_analysis: code,
            function_calling: !tools.mcp_tools.is_empty() || !tools.streamline_tools.is_empty(),
            computer_use: computer,
            computer_use_preview: computer,
        }
    }
}

impl AssistantView {
    /// The strong entity tag of this representation, without quotes: it changes
    /// with every change of the assistant, of its having a draft, and of what the
    /// caller may see.
    #[must_use]
    pub fn etag(&self) -> String {
        let draft = self.visible_draft().map_or(0, |id| id.as_uuid().as_u128());
        let authority = self.record.authority().revision;
        let home = if self.at_home { 'h' } else { 'f' };
        let (revision, level) = (self.record.assistant.revision, self.level.rank());
        format!("{revision:x}-{authority:x}-{draft:x}-{level}{home}")
    }

    /// Its labels, which are the affair of its organization.
    fn tags(&self) -> &BTreeSet<TagId> {
        static NONE: BTreeSet<TagId> = BTreeSet::new();
        if self.at_home { &self.record.authority().tags } else { &NONE }
    }

    fn visible_draft(&self) -> Option<AssistantId> {
        let draft = self.record.draft.filter(|_| self.level >= Level::Edit);
        draft.map(|draft| draft.id)
    }

    /// The object with the fields that lists show.
    #[must_use]
    pub const fn summary(&self) -> Summary<'_> {
        Summary(self)
    }
}

/// An assistant with the fields that lists show.
#[derive(Clone, Copy, Debug)]
pub struct Summary<'a>(&'a AssistantView);

impl Serialize for Summary<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let view = self.0;
        let (assistant, authority) = (&view.record.assistant, view.record.authority());
        let content = &assistant.content;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", &assistant.id)?;
        map.serialize_entry("name", &content.name)?;
        map.serialize_entry("slug", &assistant.slug.as_ref().map(super::Slug::as_str))?;
        map.serialize_entry("description", &content.description)?;
        map.serialize_entry("kind", &content.kind)?;
        map.serialize_entry("owner", &OwnerView::from(authority.owner))?;
        map.serialize_entry("is_default", &assistant.is_default)?;
        map.serialize_entry("avatar_id", &content.avatar_id)?;
        map.serialize_entry("icon_type", &content.icon_type)?;
        map.serialize_entry("icon_data", &content.icon_data)?;
        map.serialize_entry("icon", &content.icon)?;
        map.serialize_entry("icon_url", &icon_url(assistant))?;
        map.serialize_entry("default_model_key", &content.default_model_key)?;
        map.serialize_entry("access_mode", &authority.policy.access_mode)?;
        map.serialize_entry("api_enabled", &authority.policy.api_enabled)?;
        map.serialize_entry("public_enabled", &authority.policy.public_enabled)?;
        map.serialize_entry("is_active", &is_active(authority))?;
        map.serialize_entry("created_by", &assistant.created_by)?;
        map.serialize_entry("created_at", &assistant.created_at.unix_seconds())?;
        map.serialize_entry("updated_at", &assistant.updated_at.unix_seconds())?;
        map.serialize_entry("version", &assistant.version)?;
        map.serialize_entry("draft_id", &view.visible_draft())?;
        map.serialize_entry("shared", &!authority.shares.is_empty())?;
        map.serialize_entry("tags", self.0.tags())?;
        map.serialize_entry("tool_capabilities", &ToolCapabilities::from(content))?;
        map.serialize_entry("temperature", &content.temperature)?;
        map.serialize_entry("preset_prompts", &content.preset_prompts)?;
        map.serialize_entry("permissions", &Permissions::from(view.level))?;
        map.serialize_entry("_links", &links(assistant, authority))?;
        map.end()
    }
}

/// Who owns an assistant, as the object tells it.
#[derive(Serialize)]
struct OwnerView {
    #[serde(rename = "type")]
    kind: &'static str,
    id: String,
}

impl From<Principal> for OwnerView {
    fn from(owner: Principal) -> Self {
        match owner {
            Principal::User(user) => Self { kind: "user", id: user.to_string() },
            Principal::Team(team) => Self { kind: "team", id: team.to_string() },
        }
    }
}

fn icon_url(assistant: &Assistant) -> String {
    format!("/api/assistants/{}/icon", assistant.id)
}

/// A deleted assistant is not active, whatever its switch says.
const fn is_active(authority: &Assistant) -> bool {
    authority.policy.is_active && authority.deleted_at.is_none()
}

impl Serialize for AssistantView {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let assistant = &self.record.assistant;
        let authority = self.record.authority();
        let mut map = serializer.serialize_map(None)?;
        self.identity(&mut map, assistant, authority)?;
        content(&mut map, &assistant.content, self.level)?;
        self.policy(&mut map, authority)?;
        map.serialize_entry("permissions", &Permissions::from(self.level))?;
        map.serialize_entry("_links", &links(assistant, authority))?;
        map.end()
    }
}

impl AssistantView {
    fn identity<M: SerializeMap>(
        &self,
        map: &mut M,
        assistant: &Assistant,
        authority: &Assistant,
    ) -> Result<(), M::Error> {
        map.serialize_entry("id", &assistant.id)?;
        map.serialize_entry("organization_id", &assistant.organization)?;
        map.serialize_entry("created_by", &assistant.created_by)?;
        map.serialize_entry("created_at", &assistant.created_at.unix_seconds())?;
        map.serialize_entry("updated_at", &assistant.updated_at.unix_seconds())?;
        let deleted = assistant.deleted_at.map(crate::Timestamp::unix_seconds);
        map.serialize_entry("deleted_at", &deleted)?;
        map.serialize_entry("slug", &assistant.slug.as_ref().map(super::Slug::as_str))?;
        map.serialize_entry("owner", &OwnerView::from(authority.owner))?;
        map.serialize_entry("shared", &!authority.shares.is_empty())?;
        map.serialize_entry("editing_id", &assistant.editing.map(|editing| editing.live))?;
        map.serialize_entry("draft_id", &self.visible_draft())?;
        map.serialize_entry("version", &assistant.version)?;
        map.serialize_entry("tags", self.tags())?;
        map.serialize_entry("is_default", &assistant.is_default)?;
        map.serialize_entry("icon_url", &icon_url(assistant))
    }

    /// The policy; to callers of other organizations without the lists of people
    /// and departments, which are their organization's own affair.
    fn policy<M: SerializeMap>(&self, map: &mut M, authority: &Assistant) -> Result<(), M::Error> {
        let hidden = Policy {
            access_mode: authority.policy.access_mode,
            api_enabled: authority.policy.api_enabled,
            public_enabled: authority.policy.public_enabled,
            is_active: authority.policy.is_active,
            ..Policy::default()
        };
        let policy = if self.at_home { &authority.policy } else { &hidden };
        map.serialize_entry("access_mode", &policy.access_mode)?;
        map.serialize_entry("access_departments", &policy.access_departments)?;
        map.serialize_entry("access_users", &policy.access_users)?;
        map.serialize_entry("editable_by_users", &policy.editable_by_users)?;
        map.serialize_entry("visible_in_chat_to_users", &policy.visible_in_chat_to_users)?;
        map.serialize_entry("editable_by_roles", &policy.editable_by_roles)?;
        map.serialize_entry("visible_to_roles", &policy.visible_to_roles)?;
        map.serialize_entry("api_enabled", &policy.api_enabled)?;
        map.serialize_entry("public_enabled", &policy.public_enabled)?;
        map.serialize_entry("is_active", &is_active(authority))
    }
}

/// The fields of a content, as a caller of this level sees them.
#[expect(clippy::too_many_lines, reason = "two lines for each field of the seed's object")]
fn content<M: SerializeMap>(map: &mut M, content: &Content, level: Level) -> Result<(), M::Error> {
    // Destructured, so that a new field cannot be forgotten here.
    let Content {
        name,
        description,
        welcome,
        kind,
        avatar_id,
        icon_type,
        icon_data,
        icon,
        default_model_key,
        allowed_model_providers,
        instructions,
        instructions_thread_id,
        tool_configurations: _,
        system_message,
        context_strategy,
        context_window,
        max_tool_calls,
        parallel_tool_calls,
        reasoning,
        service_tier,
        store_responses,
        temperature,
        frequency_penalty,
        presence_penalty,
        logit_bias,
        json_schemas,
        top_logprobs,
        top_p,
        output_mode,
        response_format,
        seed,
        stop_sequences,
        max_completion_tokens,
        vector_store_ids,
        streaming,
        memory_enabled,
        moderation_enabled,
        safety_level,
        preset_prompts,
        metadata,
        text_config,
        icon_image: _,
        files: _,
        references: _,
        skills: _,
        secrets: _,
        rules: _,
    } = content;
    map.serialize_entry("name", name)?;
    map.serialize_entry("description", description)?;
    map.serialize_entry("welcome", welcome)?;
    map.serialize_entry("kind", kind)?;
    map.serialize_entry("avatar_id", avatar_id)?;
    map.serialize_entry("icon_type", icon_type)?;
    map.serialize_entry("icon_data", icon_data)?;
    map.serialize_entry("icon", icon)?;
    map.serialize_entry("default_model_key", default_model_key)?;
    map.serialize_entry("allowed_model_providers", allowed_model_providers)?;
    map.serialize_entry("instructions", instructions)?;
    map.serialize_entry("instructions_thread_id", instructions_thread_id)?;
    tools(map, content, level)?;
    map.serialize_entry("system_message", system_message)?;
    map.serialize_entry("context_strategy", context_strategy)?;
    map.serialize_entry("context_window", context_window)?;
    map.serialize_entry("max_tool_calls", max_tool_calls)?;
    map.serialize_entry("parallel_tool_calls", parallel_tool_calls)?;
    map.serialize_entry("reasoning", reasoning)?;
    map.serialize_entry("service_tier", service_tier)?;
    map.serialize_entry("store_responses", store_responses)?;
    map.serialize_entry("temperature", temperature)?;
    map.serialize_entry("frequency_penalty", frequency_penalty)?;
    map.serialize_entry("presence_penalty", presence_penalty)?;
    map.serialize_entry("logit_bias", logit_bias)?;
    map.serialize_entry("json_schemas", json_schemas)?;
    map.serialize_entry("top_logprobs", top_logprobs)?;
    map.serialize_entry("top_p", top_p)?;
    map.serialize_entry("output_mode", output_mode)?;
    map.serialize_entry("response_format", response_format)?;
    map.serialize_entry("seed", seed)?;
    map.serialize_entry("stopSequences", stop_sequences)?;
    map.serialize_entry("max_completion_tokens", max_completion_tokens)?;
    map.serialize_entry("vector_store_ids", vector_store_ids)?;
    map.serialize_entry("streaming", streaming)?;
    map.serialize_entry("memory_enabled", memory_enabled)?;
    map.serialize_entry("moderation_enabled", moderation_enabled)?;
    map.serialize_entry("safety_level", safety_level)?;
    map.serialize_entry("preset_prompts", preset_prompts)?;
    map.serialize_entry("suggestions", preset_prompts)?;
    map.serialize_entry("metadata", metadata)?;
    map.serialize_entry("text_config", text_config)?;
    map.serialize_entry("rule_ids", &content.rule_ids().collect::<Vec<_>>())
}

/// The tools: write-only values as the mask, and to those who may not edit not
/// even their names (assistant.md: editors see write-only names).
fn tools<M: SerializeMap>(map: &mut M, content: &Content, level: Level) -> Result<(), M::Error> {
    let tools = &content.tool_configurations;
    map.serialize_entry("tool_capabilities", &ToolCapabilities::from(content))?;
    if content.sealed().next().is_none() {
        return map.serialize_entry("tool_configurations", tools);
    }
    let servers = tools.mcp_tools.iter().map(|server| {
        let mut value = serde_json::to_value(server).unwrap_or_default();
        let seen = level >= Level::Edit;
        let authorization = server.authorization.filter(|_| seen).map(|_| MASK);
        let headers = server.headers.as_ref().filter(|_| seen);
        let headers: Option<BTreeMap<_, _>> =
            headers.map(|headers| headers.keys().map(|name| (name, MASK)).collect());
        if let Some(map) = value.as_object_mut() {
            map.insert("authorization".to_owned(), json!(authorization));
            map.insert("headers".to_owned(), json!(headers));
        }
        value
    });
    let value = json!({
        "systemTools": tools.system_tools,
        "mcpTools": servers.collect::<Vec<_>>(),
        "streamlineTools": tools.streamline_tools,
    });
    map.serialize_entry("tool_configurations", &value)
}

#[derive(Serialize)]
struct Link {
    href: String,
}

fn links(assistant: &Assistant, authority: &Assistant) -> BTreeMap<&'static str, Link> {
    let own = |tail: &str| Link { href: format!("/api/assistants/{}{tail}", assistant.id) };
    let live = |tail: &str| Link { href: format!("/api/assistants/{}{tail}", authority.id) };
    let mut links = BTreeMap::from([
        ("self", own("")),
        ("icon", own("/icon")),
        ("draft", live("/draft")),
        ("versions", live("/versions")),
    ]);
    if assistant.is_draft() {
        links.insert("live", live(""));
    }
    links
}
