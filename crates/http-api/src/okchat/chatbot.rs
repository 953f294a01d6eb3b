//! The chatbot object: every field of OKCHAT's, told of an assistant.

use serde::Serialize;
use time::{format_description::StaticFormatDescription, macros::format_description};
use understudy_domain::{
    Slug, Timestamp,
    assistant::view::{AssistantView, ToolCapabilities},
};
use utoipa::ToSchema;
use uuid::Uuid;

/// As the database behind OKCHAT writes times.
const TIME: StaticFormatDescription =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]+00:00");

/// The colours of a widget that was given none.
const PRIMARY: &str = "#4F46E5";
const SECONDARY: &str = "#10B981";

/// A chatbot.
#[derive(Serialize, ToSchema)]
#[schema(as = OkchatChatbot)]
pub(crate) struct Chatbot {
    /// `is_active` of the assistant.
    active: bool,
    /// When it was made.
    #[schema(example = "2025-01-22T04:30:45.790337+00:00")]
    created_at: String,
    /// Empty when the assistant has none.
    description: String,
    /// Always null.
    #[schema(value_type = Option<Object>)]
    docs_metadata: (),
    /// Always null.
    #[schema(value_type = Option<Object>)]
    enabled_plugins: (),
    /// The assistant's id as a UUID.
    #[schema(value_type = String, example = "3317853e-0af2-427d-a56f-351a9587f48f")]
    id: Uuid,
    /// `public_enabled` of the assistant.
    is_public: bool,
    /// Always null.
    #[schema(value_type = Option<Object>)]
    managers: (),
    /// Always false.
    migrated_data: bool,
    /// The name.
    name: String,
    /// Always null.
    #[schema(value_type = Option<Object>)]
    openai_api_key: (),
    /// The organization's id as a UUID.
    #[schema(value_type = String, example = "123042b2-86e2-4184-a86e-95423d728815")]
    organization_id: Uuid,
    /// How it speaks.
    personality_config: Personality,
    /// How it is set up.
    settings: Settings,
    /// The slug.
    slug: String,
    /// `preset_prompts` of the assistant; null when there are none.
    suggestions: Option<Vec<String>>,
    /// When it was last changed.
    #[schema(example = "2025-01-22T04:30:45.790337+00:00")]
    updated_at: String,
    /// Always null.
    #[schema(value_type = Option<Object>)]
    v1_chatbot_id: (),
    /// Always null.
    #[schema(value_type = Option<Object>)]
    version_id: (),
    /// Always null.
    #[schema(value_type = Option<Object>)]
    voice_widget_config: (),
}

/// How a chatbot speaks. An assistant's instructions say that in their own words,
/// so both are empty.
#[derive(Default, Serialize, ToSchema)]
#[schema(as = OkchatPersonality)]
pub(crate) struct Personality {
    /// The style.
    style: String,
    /// The tone.
    tone: String,
}

/// How a chatbot is set up.
#[derive(Serialize, ToSchema)]
#[schema(as = OkchatSettings)]
pub(crate) struct Settings {
    /// Where anybody can load the avatar.
    avatar: String,
    /// `welcome` of the assistant; empty when it has none.
    greeting: String,
    /// Always false: visitors are not asked who they are.
    #[serde(rename = "isRequestUserInfoEnabled")]
    is_request_user_info_enabled: bool,
    /// Whether the assistant has a tool.
    #[serde(rename = "isToolEnabled")]
    is_tool_enabled: bool,
    /// `default_model_key` of the assistant.
    model: String,
    /// `instructions` of the assistant.
    prompt: String,
    /// The widget.
    snippet: Snippet,
}

/// What the widget of a chatbot shows.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OkchatSnippet)]
pub(crate) struct Snippet {
    /// The name of the assistant.
    header: String,
    /// The avatar.
    logo: String,
    /// The name of the assistant.
    name: String,
    /// The default colour.
    primary_color: &'static str,
    /// The default colour.
    secondary_color: &'static str,
    /// `description` of the assistant; empty when it has none.
    slogan: String,
}

impl Chatbot {
    /// A live assistant as a chatbot whose avatar is at `avatar`.
    pub(super) fn of(view: &AssistantView, avatar: String) -> Self {
        let assistant = &view.record.assistant;
        let (content, policy) = (&assistant.content, &assistant.policy);
        let description = content.description.clone().unwrap_or_default();
        let prompts = &content.preset_prompts;
        Self {
            active: policy.is_active,
            created_at: written(assistant.created_at),
            description: description.clone(),
            docs_metadata: (),
            enabled_plugins: (),
            id: assistant.id.as_uuid(),
            is_public: policy.public_enabled,
            managers: (),
            migrated_data: false,
            name: content.name.clone(),
            openai_api_key: (),
            organization_id: assistant.organization.as_uuid(),
            personality_config: Personality::default(),
            settings: Settings {
                avatar: avatar.clone(),
                greeting: content.welcome.clone().unwrap_or_default(),
                is_request_user_info_enabled: false,
                is_tool_enabled: has_tools(ToolCapabilities::from(content)),
                model: content.default_model_key.clone(),
                prompt: content.instructions.clone(),
                snippet: Snippet {
                    header: content.name.clone(),
                    logo: avatar,
                    name: content.name.clone(),
                    primary_color: PRIMARY,
                    secondary_color: SECONDARY,
                    slogan: description,
                },
            },
            slug: assistant.slug.as_ref().map(Slug::as_str).unwrap_or_default().to_owned(),
            suggestions: (!prompts.is_empty()).then(|| prompts.clone()),
            updated_at: written(assistant.updated_at),
            v1_chatbot_id: (),
            version_id: (),
            voice_widget_config: (),
        }
    }
}

const fn has_tools(tools: ToolCapabilities) -> bool {
    let ToolCapabilities {
        web_search,
        file_search,
        code_interpreter,
        image_generation,
        data_analysis,
        function_calling,
        computer_use,
        computer_use_preview,
    } = tools;
    web_search
        || file_search
        || code_interpreter
        || image_generation
        || data_analysis
        || function_calling
        || computer_use
        || computer_use_preview
}

fn written(at: Timestamp) -> String {
    // Only a year of more than four digits cannot be written like this.
    at.as_offset_date_time().format(&TIME).unwrap_or_else(|_| at.to_rfc3339())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_six_digits_and_an_offset() {
        let at = Timestamp::parse_rfc3339("2025-01-22T04:30:45.79Z").unwrap();

        assert_eq!(written(at), "2025-01-22T04:30:45.790000+00:00");
    }
}
