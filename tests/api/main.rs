//! The whole service over HTTP, on every store. The modules are laid out like
//! the URLs; every answer is also held against the OpenAPI document.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test panics")]

mod app;
mod assistants;
mod audit;
mod automations;
mod broken;
mod budgets;
mod comments;
mod contract;
mod directory;
mod edge;
mod events;
mod favorites;
mod files;
mod icons;
mod idempotency;
mod images;
mod matrix;
mod memories;
mod models;
mod oidc;
mod okchat;
mod openai;
mod organization;
mod problems;
mod providers;
mod references;
mod request;
mod responses;
mod revocation;
mod rules;
mod secrets;
mod session;
mod shares;
mod skills;
mod tags;
mod teams;
mod threads;
mod tokens;
mod transfer;
mod uploads;
mod usage;
mod users;
mod webhooks;

pub(crate) use app::{App, PASSWORD, Person};
pub(crate) use understudy_http_api::Options;

/// Makes a test of every case for one store.
macro_rules! suite {
    ($open:path) => {
        suite! { $open;
            assistants in crate::assistants:
                the_seeds_example_is_created_and_reads_back_field_for_field,
                an_assistant_is_put_back_as_it_was_read,
                what_is_not_named_has_its_default,
                id_uuid_and_slug_name_the_same_assistant,
                head_answers_as_get_without_a_body,
                put_replaces_what_it_names_and_patch_reaches_into_it,
                either_casing_is_understood,
                names_and_slugs_are_unique_in_the_organization,
                a_deleted_assistant_is_gone_until_it_is_restored,
                a_copy_is_private_and_its_makers_own,
                one_assistant_is_the_default,
                write_only_values_come_back_masked_and_stay_when_sent_back;
            fields in crate::assistants::fields:
                every_field_refuses_what_it_cannot_be_by_name,
                all_faults_are_told_at_once_and_nothing_is_applied,
                fields_that_only_the_server_sets_are_ignored,
                faults_between_fields_are_told_where_they_are;
            conditional in crate::assistants::conditional:
                a_state_that_the_caller_has_is_not_sent_again,
                a_write_that_names_another_state_is_refused,
                the_tag_of_a_write_is_that_of_the_next_read,
                what_another_may_see_has_another_tag;
            list in crate::assistants::list:
                pages_follow_each_other_without_gap_or_repetition,
                a_page_is_not_moved_by_rows_that_come,
                all_are_counted_only_when_asked,
                a_cursor_means_nothing_in_another_list,
                filters_choose,
                a_chat_shows_only_what_is_meant_for_it,
                parameters_that_are_wrong_are_named_all_at_once,
                a_summary_is_a_part_of_the_whole,
                everybody_sees_their_own_list;
            access in crate::assistants::access:
                a_viewer_reads_and_changes_nothing,
                an_editor_changes_content_but_not_the_policy,
                the_owner_and_administrators_may_do_everything,
                what_is_invisible_answers_as_if_it_were_not_there,
                without_a_seat_nothing_of_assistants_is_told,
                viewers_of_the_organization_make_nothing,
                other_organizations_see_global_ones_only_and_without_names,
                api_tokens_do_not_reach_what_is_closed_to_them,
                access_that_is_taken_away_is_gone_with_the_next_request;
            drafts in crate::assistants::drafts:
                a_draft_is_made_once_and_found_again,
                nothing_of_a_draft_shows_before_its_commit,
                a_commit_makes_the_drafts_content_live,
                a_discarded_draft_leaves_the_live_assistant_as_it_was,
                what_only_one_side_changed_is_merged,
                what_both_sides_changed_is_a_conflict_with_three_values,
                a_commit_heeds_the_state_of_the_live_assistant,
                the_policy_is_no_part_of_a_draft,
                a_message_is_a_text_of_bounded_length;
            versions in crate::assistants::versions:
                versions_are_listed_newest_first_in_parts,
                a_version_keeps_what_was,
                versions_are_for_editors,
                versions_are_compared_with_each_other_live_and_draft,
                a_restored_version_is_a_draft_until_it_is_committed,
                secrets_survive_a_restore;
            races in crate::assistants::races:
                of_many_commits_of_one_draft_one_succeeds,
                writes_to_different_places_all_survive,
                of_many_writes_with_one_tag_one_succeeds,
                of_many_drafts_opened_at_once_one_is_made,
                of_many_assistants_with_one_name_one_is_made;
            session in crate::session:
                a_log_in_gives_a_jwt_and_a_cookie_that_scripts_cannot_read,
                which_part_was_wrong_is_not_told,
                log_ins_to_one_account_are_limited,
                a_jwt_acts_for_fifteen_minutes_and_a_session_for_twelve_hours,
                a_write_by_cookie_needs_its_csrf_token,
                a_log_out_ends_cookie_and_jwt,
                a_new_password_ends_the_sessions,
                one_is_told_who_one_is,
                every_way_of_showing_a_token_is_the_same,
                what_is_no_good_credential_is_refused_with_a_challenge,
                credentials_that_contradict_each_other_are_refused,
                a_credential_in_the_query_is_none,
                one_is_known_before_the_body_is_looked_at,
                too_many_unknown_tokens_shut_an_address_but_not_known_tokens,
                faults_of_a_log_in_are_named;
            users in crate::users:
                a_user_is_made_read_changed_and_deleted,
                users_are_listed_in_pages_by_address,
                faults_of_a_user_are_named_at_once,
                an_address_is_taken_in_the_whole_installation,
                users_are_administered_by_administrators,
                nobody_touches_a_rank_at_or_above_their_own,
                the_last_owner_stays;
            teams in crate::teams:
                a_team_is_made_read_renamed_and_deleted,
                members_come_and_go,
                a_change_of_members_heeds_the_state_of_the_team,
                names_are_unique_and_bounded,
                everybody_sees_their_own_teams;
            tokens in crate::tokens:
                the_value_of_a_token_is_shown_once,
                a_token_is_changed_and_revoked,
                a_token_does_no_more_than_it_says,
                a_token_never_makes_a_stronger_one,
                a_token_of_one_assistant_reaches_it_and_its_draft_only,
                a_token_ends_when_it_says,
                a_token_is_taken_from_its_addresses_only,
                faults_of_a_token_are_named_at_once,
                the_last_use_of_a_token_is_collected;
            token_of_assistant in crate::tokens::of_assistant:
                a_token_of_an_assistant_is_made_where_the_assistant_is,
                everybody_sees_their_own_tokens_and_managers_all,
                personal_tokens_of_others_are_not_there,
                tokens_of_what_is_not_ones_own_are_refused,
                a_user_has_as_many_tokens_as_the_organization_allows,
                a_token_lasts_as_long_as_the_organization_allows;
            shares in crate::shares:
                a_share_is_given_read_changed_and_taken_back,
                sharing_is_no_change_of_the_assistant_but_of_its_state,
                what_is_given_or_taken_counts_from_the_next_request,
                a_team_has_what_was_shared_with_it,
                nobody_gives_or_takes_a_level_at_or_above_their_own,
                faults_of_a_share_are_named,
                shares_of_those_who_are_gone_are_not_told,
                affairs_of_an_organization_are_not_for_others,
                an_assistant_is_given_away,
                giving_to_a_team_needs_rights_on_both_sides,
                faults_of_an_owner_are_named;
            favorites in crate::favorites:
                a_favourite_is_marked_read_and_unmarked,
                favourites_are_listed_for_whoever_marked_them,
                whoever_sees_an_assistant_may_mark_it,
                a_read_only_token_marks_nothing;
            tags in crate::tags:
                a_tag_is_made_read_changed_and_deleted,
                tags_are_listed_by_name,
                members_make_tags_and_managers_administer_them,
                faults_of_a_tag_are_named_at_once,
                a_tag_is_put_on_an_assistant_and_taken_off,
                assistants_are_listed_by_tag,
                tags_of_a_global_assistant_are_its_organizations_own;
            comments in crate::comments:
                a_comment_is_written_read_changed_and_deleted,
                comments_are_listed_in_order_and_part_by_part,
                comments_have_replies_and_replies_have_none,
                a_comment_is_settled_and_opened_again,
                what_others_wrote_is_unread_until_it_is_marked,
                faults_of_a_comment_are_named_at_once,
                comments_are_there_for_whoever_sees_the_assistant,
                comments_on_a_global_assistant_are_its_organizations_own,
                the_same_comment_with_one_key_is_written_once,
                comments_through_a_drafts_id_are_the_live_ones;
            files in crate::files:
                a_file_is_uploaded_read_changed_and_deleted,
                files_are_listed_as_they_were_attached,
                faults_of_what_is_said_of_a_file_are_named_at_once,
                names_come_back_as_they_were_sent,
                an_upload_is_attached_once;
            file_contents in crate::files::contents:
                a_store_that_gives_addresses_is_where_a_download_leads,
                contents_come_back_as_they_were_sent,
                an_empty_file_is_a_file,
                parts_of_a_file_are_to_be_had,
                what_a_browser_would_run_comes_as_mere_bytes,
                contents_are_never_compressed,
                replaced_contents_leave_the_file_what_it_was,
                images_inside_of_a_file_are_listed_and_shown,
                the_same_upload_has_its_effect_once;
            file_forms in crate::files::forms:
                a_form_that_is_none_is_told_what_is_expected,
                an_upload_that_breaks_off_leaves_nothing;
            file_lives in crate::files::lives:
                a_draft_carries_files_and_its_commit_brings_them_live,
                a_discarded_draft_takes_its_files_along,
                a_restored_version_brings_a_file_back,
                a_copy_has_the_files;
            file_access in crate::files::access:
                who_may_view_reads_files_and_changes_none,
                files_of_what_is_invisible_are_not_there,
                a_file_is_reached_through_its_own_assistant_only,
                a_read_only_token_uploads_nothing,
                a_blob_store_that_fails_leaves_nothing_half_done;
            references in crate::references:
                a_reference_is_added_read_and_removed,
                faults_of_a_reference_are_named,
                who_may_view_reads_references_and_changes_none,
                references_of_what_is_invisible_are_not_there,
                a_draft_carries_references_and_its_commit_brings_them_live;
            skills in crate::skills:
                a_skill_is_added_read_changed_and_removed,
                faults_of_a_skill_are_named_at_once,
                faults_of_a_custom_skill_tell_what_would_be_right,
                a_driver_is_the_tool_that_the_model_sees,
                who_may_view_reads_skills_without_where_they_go,
                skills_of_what_is_invisible_are_not_there,
                names_of_skills_are_unique_as_names_of_tools,
                a_drafts_skills_show_when_it_is_committed,
                there_are_a_hundred_skills_at_most,
                a_copy_has_the_skills_and_elsewhere_those_without_datasets;
            secrets in crate::secrets:
                a_secret_is_added_read_changed_and_removed,
                faults_of_a_secret_are_named_at_once,
                a_secret_goes_nowhere_that_it_was_not_given_for,
                a_secret_that_skills_use_stays,
                secrets_are_for_editors,
                a_value_shows_nowhere,
                a_drafts_secret_shows_when_it_is_committed;
            uploads in crate::uploads:
                an_upload_waits_to_be_attached,
                the_name_of_an_upload_may_stand_beside_it,
                an_upload_is_its_senders_alone,
                an_upload_is_gone_after_a_day,
                an_upload_is_ended_once,
                uploads_are_for_those_with_a_seat,
                of_many_who_attach_an_upload_one_gets_it;
            tuspy in crate::uploads::tuspy:
                a_client_that_others_wrote_goes_on_where_it_broke_off;
            tus in crate::uploads::tus:
                what_is_spoken_is_told_to_anybody,
                an_upload_goes_on_where_it_broke_off,
                many_pieces_come_out_in_order,
                the_first_bytes_may_come_with_the_beginning,
                a_beginning_that_is_repeated_with_a_key_is_one,
                a_length_may_be_told_later,
                another_version_is_refused_with_the_one_that_is_spoken,
                bytes_for_another_place_are_refused,
                of_bytes_with_another_checksum_nothing_is_kept,
                headers_that_make_no_sense_are_named,
                other_methods_may_be_meant_by_post,
                an_upload_by_pieces_is_its_senders_alone,
                bytes_stay_when_their_sender_hangs_up,
                of_pieces_for_one_place_at_once_one_stays;
            providers in crate::providers:
                a_provider_is_made_read_changed_and_removed,
                a_key_is_never_shown_and_the_mask_keeps_it,
                faults_of_a_provider_are_named_at_once,
                providers_are_administered_by_administrators,
                providers_are_listed_by_priority_and_names_are_unique,
                a_test_tells_whether_a_provider_can_be_used;
            images in crate::images:
                the_seeds_request_gives_the_seeds_answer,
                an_address_shows_the_picture_to_whoever_has_it_until_it_is_deleted,
                unknown_deleted_and_impossible_keys_answer_alike,
                a_failure_of_the_provider_is_told_and_leaves_nothing,
                faults_of_a_picture_are_named_at_once,
                a_user_has_ten_pictures_a_minute,
                the_same_request_is_paid_once,
                a_picture_becomes_the_icon_of_an_assistant,
                an_assistant_is_drawn_for_by_whom_it_allows,
                lists_of_pictures_have_no_addresses,
                usage_is_counted_by_day_user_and_model;
            rules in crate::rules:
                a_rule_is_made_read_changed_and_deleted,
                rules_are_listed_in_pages_by_name,
                faults_of_a_rule_are_named_at_once,
                the_same_rule_is_made_once,
                rules_are_administered_by_administrators_and_public_ones_read_by_all;
            rule_attachments in crate::rules::attachments:
                a_rule_is_attached_to_things_of_its_scope,
                a_rule_is_attached_to_what_is_there_and_fits_its_scope,
                an_assistant_has_rules_in_its_drafts_and_versions,
                rules_of_an_assistant_are_for_its_editors,
                the_set_of_rules_is_replaced_as_a_field,
                a_rule_that_is_attached_is_deleted_by_force_only;
            organization in crate::organization:
                settings_are_read_and_changed,
                faults_of_settings_are_named_at_once,
                the_organization_is_changed_by_its_administrators,
                limits_of_assistants_and_users_are_kept,
                the_limit_of_bytes_is_kept_wherever_they_come_in,
                models_of_providers_that_are_not_allowed_are_refused;
            models in crate::models:
                the_catalogue_is_told_with_what_is_available,
                models_of_providers_that_are_not_allowed_are_left_out;
            responses in crate::responses:
                an_answer_comes_whole_with_all_that_belongs_to_it,
                a_fresh_machine_answers_from_what_the_assistant_says,
                settings_of_a_request_hold_for_it_alone,
                what_cannot_be_asked_is_refused_before_anybody_is_asked,
                a_response_is_its_users_alone,
                a_conversation_goes_on_in_its_thread,
                what_is_not_stored_is_not_read_again,
                a_provider_that_fails_is_a_problem_with_the_responses_id,
                the_same_key_asks_once,
                who_does_not_want_to_wait_is_told_where_to_look,
                a_tool_of_the_caller_is_called_by_the_caller,
                what_would_be_sent_is_explained_to_editors;
            response_streams in crate::responses::streams:
                an_answer_comes_piece_by_piece,
                stream_in_the_request_wins_over_the_assistant,
                a_stream_is_resumed_on_any_server_without_loss_or_repetition,
                what_does_not_outlive_its_connection_ends_with_it,
                a_provider_that_breaks_off_ends_the_stream_with_one_failure,
                a_response_is_cancelled_by_its_user,
                a_stream_ends_when_the_right_to_it_does;
            rights_to_streams in crate::responses::rights:
                silent_streams_end_as_the_rights_to_them_do,
                a_silent_stream_ends_when_its_credential_has_lapsed;
            approvals in crate::responses::approvals:
                an_approved_call_is_run_once_as_it_was_shown,
                a_denied_call_is_not_run_and_the_model_is_told_why;
            threads in crate::threads:
                a_thread_is_made_read_changed_and_removed,
                a_thread_is_its_users_alone,
                threads_are_paged_and_filtered,
                faults_of_a_thread_are_named_at_once,
                twenty_threads_are_pinned_at_most,
                the_assistant_of_a_thread_stays_once_something_was_said,
                messages_are_paged_in_either_order,
                a_token_of_one_assistant_reaches_its_threads_only,
                the_thread_that_instructions_were_drafted_in_is_in_no_list;
            memories in crate::memories:
                everybody_sees_and_removes_what_is_remembered_of_them;
            automations in crate::automations:
                an_automation_is_made_read_changed_and_removed,
                where_automations_are_is_for_administrators,
                faults_of_an_automation_are_named_at_once,
                an_execution_is_signed_answered_and_recorded,
                what_an_automation_does_wrong_is_told_in_its_execution,
                assistants_name_automations_that_are_there;
            budgets in crate::budgets:
                budgets_are_set_read_and_taken_away,
                what_is_used_up_is_refused_before_anybody_is_asked,
                of_many_questions_for_the_last_tokens_one_is_answered;
            usage in crate::usage:
                what_answers_used_is_counted_in_tokens,
                usage_is_told_apart_as_asked_and_added_up,
                usage_of_one_assistant_is_told_to_who_may_know_it;
            idempotency in crate::idempotency:
                the_same_request_has_its_effect_once,
                a_key_belongs_to_its_body_its_caller_and_its_route,
                a_key_is_forgotten_after_a_day,
                of_the_same_requests_at_once_one_has_effect,
                a_refusal_is_remembered_too,
                what_was_not_allowed_may_be_tried_again,
                the_value_of_a_token_is_not_remembered,
                a_key_is_visible_text_of_bounded_length,
                an_act_goes_on_when_its_caller_hangs_up;
            problems in crate::problems:
                a_path_that_nobody_serves_is_a_problem,
                a_method_that_is_not_for_the_path_is_told_which_are,
                a_body_that_is_no_json_is_told_where,
                a_body_that_is_nested_too_deeply_is_refused,
                a_body_that_is_too_large_is_told_the_limit,
                a_body_of_unknown_length_has_the_same_limit,
                a_body_of_another_media_type_is_refused,
                an_answer_is_to_be_had_as_json_only,
                parameters_where_there_are_none_are_unknown,
                strange_paths_are_no_faults_of_the_server,
                strange_texts_are_kept_as_they_are;
            icons in crate::icons:
                an_icon_comes_in_the_form_that_is_asked_for,
                an_icon_that_the_caller_has_is_not_sent_again,
                icons_have_safe_headers,
                an_upload_tells_the_assistant_as_it_is_now,
                what_is_no_icon_is_refused_and_changes_nothing,
                a_removed_icon_leaves_the_default,
                a_drafts_icon_shows_when_it_is_committed,
                a_restored_version_brings_its_icon_back,
                a_copy_has_the_icon_of_its_original,
                an_icon_is_the_same_however_it_comes,
                emoji_and_icons_of_the_library_are_drawn,
                an_icon_is_for_those_who_see_the_assistant,
                the_libraries_are_for_everybody_who_is_known;
            okchat in crate::okchat:
                a_chatbot_with_a_new_avatar_is_told_as_in_the_seed,
                id_uuid_and_slug_name_the_same_chatbot,
                anybody_can_load_an_avatar_until_another_takes_its_place,
                an_avatar_that_cannot_be_set_is_told_in_this_dialect;
            openai in crate::openai:
                a_completion_answers_as_openai_does,
                a_completion_comes_in_chunks,
                a_call_of_the_callers_tools_is_told_as_it_is_written,
                a_draft_is_asked_by_its_name,
                what_is_wrong_is_told_as_openai_tells_it,
                who_asks_comes_before_what_is_asked,
                models_are_the_assistants_that_one_may_ask,
                a_response_is_its_users_alone_in_this_dialect,
                what_is_not_stored_cannot_be_read_in_this_dialect,
                a_provider_that_fails_is_told_as_openai_tells_it;
            openai_files in crate::openai::files:
                ones_files_are_listed_page_by_page,
                files_are_listed_by_what_they_are_for,
                a_file_that_is_used_up_or_gone_is_not_listed,
                a_wrong_question_for_files_names_its_parameter;
            openai_forms in crate::openai::forms:
                json_is_told_as_it_is_written,
                json_that_may_not_fit_is_told_once_it_does,
                json_that_was_told_stays_as_it_is;
            openai_images in crate::openai::images:
                pictures_come_as_openai_tells_them,
                pictures_are_told_by_their_address_where_that_is_wished,
                what_cannot_be_drawn_is_refused_by_its_parameter,
                a_failure_to_draw_is_told_as_openai_tells_it;
            openai_embeddings in crate::openai::embeddings:
                texts_come_back_as_vectors_in_either_spelling,
                every_form_of_input_is_understood,
                what_cannot_be_embedded_is_refused_by_its_parameter,
                a_failure_to_embed_and_a_budget_are_told_as_openai_tells_them;
            openai_conversations in crate::openai::conversations:
                a_conversation_is_a_thread_under_another_name,
                items_are_listed_page_by_page,
                an_item_is_read_and_taken_out_by_its_id,
                a_response_extends_its_conversation,
                items_are_called_alike_wherever_they_are_told,
                a_conversation_is_its_users_alone,
                what_a_conversation_cannot_hold_is_refused;
            openai_approvals in crate::openai::approvals:
                a_waiting_call_is_approved_by_the_next_response,
                what_is_said_beside_a_decision_is_said_behind_the_call,
                a_waiting_call_is_denied_in_its_conversation_and_the_answer_streamed,
                decisions_that_decide_nothing_are_refused;
            openai_sdks in crate::openai::sdk:
                the_python_package_is_understood,
                the_node_package_is_understood;
            transfer in crate::transfer:
                an_export_holds_the_content_and_no_secret,
                an_import_elsewhere_gives_the_same_content,
                importing_twice_changes_instead_of_doubling,
                an_import_at_home_changes_the_original,
                what_is_deleted_is_made_anew,
                an_import_does_not_reach_what_the_caller_may_not_change,
                a_taken_name_is_refused_or_another_is_found,
                what_names_nothing_here_is_left_out_and_told,
                a_reference_follows_what_was_imported_with_it,
                a_document_alone_is_imported_without_its_files,
                values_that_somebody_filled_in_are_taken,
                everything_wrong_with_a_document_is_told_at_once,
                the_same_import_with_one_key_is_done_once,
                an_openai_assistant_finds_a_new_home,
                an_openai_prompt_finds_a_new_home,
                faults_are_told_where_the_document_has_them,
                what_is_none_of_the_formats_is_told_which_there_are,
                a_tampered_archive_is_refused_as_a_whole,
                bytes_that_are_not_those_that_are_named_are_refused,
                an_archive_that_unpacks_to_too_much_is_refused,
                an_import_that_fails_leaves_nothing;
            revocation in crate::revocation:
                a_share_that_is_taken_away_is_gone_on_every_server,
                a_team_that_one_left_gives_nothing_on_every_server,
                a_seat_that_is_taken_away_is_gone_on_every_server,
                a_role_that_is_taken_away_ends_sessions_on_every_server,
                a_token_that_is_revoked_is_unknown_on_every_server,
                a_session_that_is_ended_is_unknown_on_every_server,
                who_is_shut_out_is_unknown_on_every_server;
            oidc in crate::oidc:
                the_ways_to_log_in_are_told,
                a_log_in_goes_to_the_provider_and_comes_back_with_a_session,
                a_return_that_was_not_begun_in_the_browser_is_refused,
                a_log_in_goes_on_to_paths_of_this_host_only,
                an_account_is_linked_by_an_administrator_and_never_by_its_address,
                what_a_person_cannot_help_is_not_told,
                a_provider_that_is_away_is_told_as_that,
                two_first_log_ins_at_once_make_one_user;
            directory in crate::directory:
                an_external_id_is_for_one_user,
                active_is_the_inverse_of_disabled,
                a_filter_finds_the_one_user,
                a_patch_op_shuts_out_at_once_and_lets_in_again,
                a_patch_op_writes_names_and_links,
                what_is_wrong_with_a_patch_op_is_told_by_its_place,
                sessions_of_a_user_are_ended_at_once;
            transfer_abilities in crate::transfer::abilities:
                skills_and_rules_come_along_and_secrets_by_name,
                a_secret_may_be_filled_in_before_an_import;
            events in crate::events:
                events_are_paged_newest_first,
                an_event_tells_who_did_what_from_where,
                events_are_filtered,
                the_log_is_for_administrators_and_editors,
                a_stream_tells_what_comes_and_goes_on_where_it_broke_off,
                a_stream_of_an_assistant_has_its_events_only,
                a_silent_stream_has_a_heartbeat,
                a_stream_ends_when_its_right_is_taken_away,
                a_stream_is_asked_for_as_one;
            webhooks in crate::webhooks:
                a_webhook_is_made_read_changed_and_removed,
                webhooks_are_administered_by_administrators,
                faults_of_a_webhook_are_named_at_once,
                the_secret_of_a_webhook_is_shown_once,
                a_receiver_is_told_what_happened,
                a_receiver_that_misbehaves_is_tried_again,
                a_delivery_is_made_once_more_on_request,
                a_test_is_sent_to_the_webhook;
            edge in crate::edge:
                every_answer_has_a_request_id,
                every_answer_has_safe_headers,
                json_is_compressed_as_the_caller_likes_it,
                a_live_server_says_so,
                the_document_and_its_page_need_nothing_from_elsewhere,
                every_kind_of_problem_is_explained,
                every_operation_but_the_open_ones_refuses_the_unknown;
        }

        mod options {
            #[tokio::test(flavor = "multi_thread")]
            async fn without_a_provider_there_is_no_log_in_by_one() {
                crate::oidc::without_a_provider_there_is_no_log_in_by_one($open().await).await;
            }
            #[tokio::test(flavor = "multi_thread")]
            async fn a_file_that_is_too_large_is_refused() {
                crate::files::forms::a_file_that_is_too_large_is_refused($open().await).await;
            }
            #[tokio::test(flavor = "multi_thread")]
            async fn a_database_that_is_away_is_worth_another_try() {
                crate::broken::a_database_that_is_away_is_worth_another_try($open().await).await;
            }
            #[tokio::test(flavor = "multi_thread")]
            async fn of_a_fault_of_the_service_only_the_request_id_is_told() {
                crate::broken::of_a_fault_of_the_service_only_the_request_id_is_told($open().await)
                    .await;
            }
            #[tokio::test(flavor = "multi_thread")]
            async fn behind_a_trusted_proxy_the_forwarded_address_counts() {
                crate::tokens::behind_a_trusted_proxy_the_forwarded_address_counts($open().await).await;
            }
            #[tokio::test(flavor = "multi_thread")]
            async fn streams_end_with_the_server() {
                crate::events::streams_end_with_the_server($open().await).await;
            }
            #[tokio::test(flavor = "multi_thread")]
            async fn silent_streams_ask_together_where_the_log_ends() {
                crate::responses::asking::silent_streams_ask_together_where_the_log_ends(
                    $open().await,
                )
                .await;
            }
            #[tokio::test(flavor = "multi_thread")]
            async fn the_callers_trace_is_continued() {
                crate::edge::the_callers_trace_is_continued($open().await).await;
            }
            #[tokio::test(flavor = "multi_thread")]
            async fn a_server_that_is_not_ready_says_why() {
                crate::edge::a_server_that_is_not_ready_says_why($open().await).await;
            }
        }
    };
    ($open:path; $($module:ident in $place:path: $($case:ident),+;)+) => {
        $(mod $module {
            use $place as cases;

            $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                let app = crate::App::on($open().await).await;
                cases::$case(&app).await;
                app.stop().await;
            })+
        })+
    };
}

mod memory {
    suite!(understudy_tests::memory);
}

mod sqlite {
    suite!(understudy_tests::sqlite);
}

mod postgres {
    suite!(understudy_tests::postgres);
}
