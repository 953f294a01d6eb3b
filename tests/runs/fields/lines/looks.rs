//! What an assistant is called and looks like, who may run it, and how.

use serde_json::json;
use understudy_domain::chat::Protocol;

use super::{Line, all, choosing, elsewhere, line, unsaid};
use crate::fields::show::Show::{Elsewhere, Emulated, Sent, Unsaid};

/// What it is called and looks like.
pub(super) fn identity() -> Vec<Line> {
    let icon = "⛵";
    vec![
        elsewhere("id", "id_uuid_and_slug_name_the_same_assistant"),
        elsewhere("organization_id", "other_organizations_see_global_ones_only_and_without_names"),
        elsewhere("created_by", "only_enabled_users_and_teams_of_the_organization_become_owners"),
        elsewhere("created_at", "each_write_to_a_live_assistant_adds_one_version"),
        elsewhere("updated_at", "each_write_to_a_live_assistant_adds_one_version"),
        elsewhere("deleted_at", "who_may_not_run_it_reaches_no_provider"),
        unsaid("name", json!("Qualle"), "Qualle"),
        unsaid("slug", json!("medusa-slug"), "medusa-slug"),
        unsaid("description", json!("Answers octopuses."), "octopuses"),
        unsaid("welcome", json!("Welcome, squids!"), "squids"),
        elsewhere("kind", "a_dispatcher_hands_over_to_the_assistant_that_the_model_names"),
        elsewhere("owner", "a_team_owns_through_its_admins"),
        elsewhere("shared", "a_share_gives_its_level_until_it_is_taken_back"),
        elsewhere("editing_id", "a_draft_answers_to_its_own_id_and_has_none_itself"),
        elsewhere("draft_id", "a_draft_changes_nothing_until_it_is_committed"),
        elsewhere("version", "each_write_to_a_live_assistant_adds_one_version"),
        elsewhere("tags", "editors_put_tags_on_an_assistant_without_changing_what_it_is"),
        elsewhere("avatar_id", "names_that_no_library_has_are_refused"),
        line(
            "icon_type",
            json!({"icon_type": "emoji", "icon_data": icon}),
            all(|| Unsaid("emoji")),
        ),
        line("icon_data", json!({"icon_type": "emoji", "icon_data": icon}), all(|| Unsaid("⛵"))),
        unsaid("icon", json!("a-arrow-down"), "a-arrow-down"),
        elsewhere("icon_url", "an_icon_comes_in_the_form_that_is_asked_for"),
        elsewhere("is_default", "at_most_one_assistant_is_the_default"),
        unsaid("preset_prompts", json!(["Ask about whales"]), "whales"),
        unsaid("suggestions", json!(["Ask about whales"]), "whales"),
        unsaid("metadata", json!({"fleet": "herring"}), "herring"),
        elsewhere(
            "instructions_thread_id",
            "the_thread_that_instructions_were_drafted_in_is_in_no_list",
        ),
        elsewhere("permissions", "the_access_modes_give_view_as_the_table_says"),
        elsewhere("_links", "a_draft_answers_to_its_own_id_and_has_none_itself"),
    ]
}

/// Who may run it, and how.
pub(super) fn policy() -> Vec<Line> {
    let model = |protocol| {
        json!({"default_model_key": match protocol {
            Protocol::OpenaiResponses | Protocol::OpenaiChat | Protocol::CompatibleChat => "gpt-4.1",
            Protocol::AnthropicMessages => "claude-sonnet-4-6",
            Protocol::OllamaChat | Protocol::Builtin => "llama-3.3-70b-instruct",
        }})
    };
    let named = |key: &str| vec![Sent("/model", json!(key))];
    let refused = "who_may_not_run_it_reaches_no_provider";
    let listed = "the_access_modes_give_view_as_the_table_says";
    vec![
        choosing(
            "default_model_key",
            model,
            [
                named("gpt-4.1"),
                named("gpt-4.1"),
                named("gpt-4.1"),
                named("claude-sonnet-4-6"),
                named("llama-3.3-70b-instruct"),
                vec![Elsewhere("a_fresh_installation_answers_from_its_own_texts_and_says_so")],
            ],
        ),
        elsewhere("allowed_model_providers", "a_provider_that_is_not_allowed_is_not_asked"),
        elsewhere("access_mode", refused),
        elsewhere("access_departments", listed),
        elsewhere("access_users", listed),
        elsewhere("editable_by_users", listed),
        elsewhere("visible_in_chat_to_users", listed),
        elsewhere("editable_by_roles", listed),
        elsewhere("visible_to_roles", listed),
        elsewhere("api_enabled", refused),
        elsewhere("public_enabled", "the_policy_is_no_part_of_a_draft"),
        elsewhere("is_active", refused),
        line(
            "streaming",
            json!({"streaming": false}),
            all(|| Emulated("told at once", |seen| !seen.ran.streams)),
        ),
        elsewhere("moderation_enabled", "what_moderation_keeps_back_reaches_no_model"),
        elsewhere("safety_level", "what_moderation_keeps_back_reaches_no_model"),
    ]
}
