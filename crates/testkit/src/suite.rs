//! What every adapter of a port has to keep, one property in each function.
//!
//! The functions are public so that one of them can be run alone; usually the
//! macros make a test of each: [`store_suite!`](crate::store_suite),
//! [`password_suite!`](crate::password_suite), [`signer_suite!`](crate::signer_suite),
//! [`vault_suite!`](crate::vault_suite), [`blob_suite!`](crate::blob_suite) and [`ids_suite!`](crate::ids_suite).
#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a failing test panics")]

pub mod assistants;
pub mod audit;
pub mod automations;
pub mod blobs;
pub mod callers;
pub mod comments;
pub mod conversations;
pub mod credentials;
pub mod directory;
pub mod housekeeping;
pub mod idempotency;
pub mod ids;
pub mod images;
pub mod imports;
pub mod keys;
pub mod labels;
pub mod ledger;
pub mod listing;
pub mod organizations;
pub mod passwords;
mod population;
pub mod providers;
pub mod races;
pub mod reading;
pub mod records;
pub mod rules;
pub mod run_events;
pub mod run_races;
pub mod runs;
pub mod signer;
pub mod spending;
mod stage;
pub mod teams;
pub mod tenants;
pub mod transactions;
pub mod uploads;
pub mod users;
pub mod vault;
pub mod walls;
pub mod webhooks;

/// Makes a test of every property of a [`Store`](understudy_domain::ports::Store).
///
/// `$open` is a function that gives, as a future, a fresh and empty store, in
/// anything that derefs to `dyn Store` and owns what the store needs: a box, an
/// `Arc`, or a guard of a temporary database.
#[macro_export]
macro_rules! store_suite {
    ($open:path) => {
        $crate::store_suite! { $open;
            transactions: nothing_is_visible_before_commit_or_after_a_drop,
                a_unit_of_work_sees_its_own_writes, one_commit_covers_every_repository,
                a_refused_write_takes_the_writes_before_it_along,
                a_dropped_unit_of_work_frees_its_locks,
                a_cancelled_unit_of_work_releases_its_locks,
                a_cancelled_commit_is_whole_or_nothing,
                a_cancelled_wait_for_a_lock_holds_nothing,
                an_organization_is_made_in_a_unit_of_work_of_its_own,
                a_reachable_store_answers_a_ping;
            organizations: a_saved_organization_reads_back_equal, an_organization_is_made_once,
                a_unit_of_work_makes_no_other_organization,
                an_updated_organization_reads_back_with_its_next_revision,
                a_stale_organization_conflicts, assistants_and_users_are_counted,
                tokens_of_a_user_are_counted_until_they_expire, stored_bytes_are_counted,
                a_count_sees_its_own_unit_of_work, a_key_check_is_replaced,
                the_first_organization_is_the_oldest, an_installation_is_recorded_once,
                of_simultaneous_starts_one_records_the_installation;
            users: a_saved_user_reads_back_equal, a_user_without_password_reads_back_without,
                every_role_reads_back, an_unknown_user_is_none,
                an_updated_user_reads_back_with_its_next_revision, a_stale_user_conflicts,
                a_change_of_an_unknown_user_conflicts,
                an_address_is_taken_in_every_organization, a_taken_address_cannot_be_changed_to,
                the_address_of_a_removed_user_is_free, a_user_is_found_by_their_external_id,
                an_external_id_is_taken, an_external_id_is_free_elsewhere_and_afterwards,
                known_users_are_those_of_the_organization,
                only_enabled_owners_of_the_organization_count,
                a_removed_user_takes_their_credentials_and_memberships_along,
                the_audit_log_outlives_its_actors, an_unknown_user_is_not_removed;
            teams: a_saved_team_reads_back_equal, an_unknown_team_is_none,
                an_updated_team_has_the_new_members_only, a_stale_team_conflicts,
                a_team_name_is_taken_in_whatever_case,
                a_team_name_is_free_in_another_organization, a_removed_team_frees_its_name,
                only_assistants_that_are_not_deleted_are_owned,
                a_team_can_go_when_its_assistants_are_deleted;
            credentials: a_saved_token_reads_back_equal, an_unlimited_token_reads_back_equal,
                an_unknown_token_is_none, a_token_hash_is_taken,
                an_updated_token_has_new_notes_and_limits_only, a_removed_token_is_gone,
                tokens_are_listed_newest_first, uses_of_tokens_are_recorded,
                an_ended_session_is_gone, all_sessions_of_a_user_end_together,
                expired_sessions_are_swept;
            assistants: a_saved_assistant_reads_back_equal, a_plain_assistant_reads_back_equal,
                a_deleted_assistant_reads_back_equal, an_assistant_with_files_reads_back_equal,
                a_saved_draft_reads_back_equal, an_unknown_assistant_is_none,
                an_updated_assistant_reads_back_with_its_next_revision,
                a_stale_assistant_conflicts, a_revision_that_never_was_conflicts,
                a_name_is_taken_in_whatever_case,
                an_assistant_keeps_its_own_name_in_another_case,
                a_deleted_assistant_frees_its_name, a_slug_is_taken_also_by_deleted_assistants,
                names_and_slugs_are_free_in_another_organization,
                a_live_assistant_has_one_draft, drafts_may_have_any_name,
                a_removed_draft_is_gone, a_default_is_taken,
                a_cleared_default_can_be_given_again, clearing_no_default_changes_nothing;
            records: a_saved_version_reads_back_equal, a_version_with_files_reads_back_equal,
                an_unknown_version_is_none, a_version_number_is_given_once,
                versions_are_listed_newest_first, sealed_values_read_back_equal,
                the_newest_data_key_seals;
            audit: a_saved_event_reads_back_equal, events_are_numbered_in_the_order_of_commits,
                each_event_is_chained_to_the_one_before,
                an_abandoned_unit_of_work_leaves_no_event, an_act_without_its_event_is_not_done,
                the_log_is_walked_backward_and_forward,
                each_filter_of_events_keeps_exactly_what_matches,
                the_head_is_where_the_log_ends, waiting_ends_when_somebody_commits,
                nobody_waits_for_what_is_there, waiting_ends_with_patience;
            keys: a_data_key_is_found_by_its_id, data_keys_are_told_oldest_first,
                a_rewrapped_key_reads_back, unknown_keys_and_values_conflict,
                sealed_values_are_walked_in_order, a_resealed_value_reads_back,
                a_rotation_waits_for_whoever_may_still_seal;
            callers: a_token_finds_its_caller, a_session_finds_its_caller_by_cookie_and_by_id,
                a_stored_caller_has_the_keys_of_teams_and_departments,
                a_proof_counts_for_its_own_kind_only, a_disabled_user_is_found_as_disabled,
                a_changed_caller_is_found_changed, a_removed_token_finds_nobody,
                a_caller_with_an_assistant_is_what_both_are_alone,
                an_unknown_caller_finds_no_assistant, a_login_is_found_by_its_address;
            reading: a_live_assistant_comes_with_its_draft_mark,
                a_draft_comes_with_its_live_assistant, a_slug_finds_what_the_id_finds,
                foreign_assistants_are_found_by_id_when_they_are_for_everyone,
                foreign_drafts_and_deleted_assistants_are_not_found,
                the_default_is_the_organizations_own;
            listing: a_list_holds_exactly_what_its_caller_may_view, listed_rows_are_whole,
                each_filter_keeps_exactly_what_matches,
                each_sort_orders_rows_and_breaks_ties_by_id,
                pages_of_every_size_hold_each_row_once, a_page_goes_on_where_its_last_row_was,
                a_total_counts_all_pages_when_asked, a_changed_policy_changes_lists_at_once,
                a_changed_share_changes_lists_at_once;
            directory: users_are_listed_by_address, pages_of_users_hold_each_once,
                users_are_searched_in_address_and_name, users_are_found_by_their_ids,
                users_are_counted_only_when_asked, teams_are_listed_by_name,
                tokens_of_an_assistant_are_listed_newest_first;
            idempotency: a_key_is_fresh_once, of_simultaneous_uses_one_is_fresh,
                of_simultaneous_uses_of_an_old_key_one_is_fresh, an_answer_is_given_again,
                an_empty_answer_is_given_again, a_released_key_is_fresh_again,
                another_body_is_noticed, a_key_belongs_to_its_scope,
                an_old_key_counts_as_unused, an_old_key_may_have_another_body,
                a_sweep_removes_old_keys_only, the_longest_key_is_kept;
            ledger: a_touched_blob_is_known, a_forgotten_blob_is_gone,
                a_blob_that_was_forgotten_in_vain_stays, a_young_blob_is_not_forgotten,
                a_blob_that_was_touched_again_is_not_forgotten, a_later_touch_stays,
                a_named_blob_is_not_forgotten, a_blob_is_forgotten_with_its_extraction,
                a_blob_is_not_kept_by_its_own_extraction,
                a_row_that_names_an_unknown_blob_is_refused,
                a_change_that_names_an_unknown_blob_is_refused, names_go_with_their_row,
                names_change_with_their_row, a_blob_is_named_until_nothing_names_it,
                a_saved_extraction_reads_back_equal, an_extraction_is_replaced;
            uploads: a_saved_upload_reads_back_equal, an_unknown_upload_is_none,
                an_updated_upload_reads_back_equal, a_change_of_an_unknown_upload_conflicts,
                a_removed_upload_is_gone, uploads_are_listed_in_the_order_of_their_beginning,
                uploads_are_listed_as_filtered;
            images: a_saved_picture_reads_back_equal, an_unknown_picture_is_none,
                a_key_of_a_picture_is_taken,
                a_picture_is_found_by_its_key_whatever_the_organization,
                a_removed_picture_is_gone, generated_pictures_are_listed_newest_first,
                the_newest_avatar_of_an_assistant_is_found, usage_is_counted_by_what_it_was,
                usage_is_counted_as_filtered, usage_stays_when_its_picture_goes;
            providers: a_saved_provider_reads_back_equal, an_unknown_provider_is_none,
                every_kind_of_provider_reads_back, providers_are_listed_by_priority_and_name,
                an_updated_provider_reads_back_with_its_next_revision,
                a_stale_provider_conflicts, a_provider_name_is_taken_in_whatever_case,
                a_provider_name_is_free_in_another_organization,
                a_removed_provider_frees_its_name;
            imports: a_noted_import_is_found, an_import_is_replaced;
            rules: a_saved_rule_reads_back_equal, rules_are_found_in_the_order_of_ids,
                an_updated_rule_reads_back_with_its_next_version, a_stale_rule_conflicts,
                a_rule_name_is_taken_in_whatever_case,
                a_rule_name_is_free_elsewhere_and_afterwards, rules_are_listed_by_name,
                each_filter_of_rules_keeps_exactly_what_matches,
                assistants_with_a_rule_are_found, attachments_read_back_equal,
                an_attachment_is_replaced, a_detached_rule_is_no_longer_attached,
                an_unknown_rule_is_not_attached, a_removed_rule_takes_its_attachments_along,
                rules_are_found_by_what_they_are_attached_to;
            comments: a_saved_comment_reads_back_equal,
                an_updated_comment_reads_back_with_its_next_revision, a_stale_comment_conflicts,
                a_reply_needs_its_comment, a_removed_comment_takes_its_replies_along,
                comments_of_an_assistant_are_counted, a_listed_comment_tells_author_and_replies,
                comments_are_listed_in_order_as_filtered, what_was_read_stays_read,
                comments_of_others_are_unread_until_they_are_read,
                a_removed_user_takes_their_notes_of_reading_along;
            labels: a_saved_tag_reads_back_equal, tags_are_listed_by_name,
                an_updated_tag_reads_back_with_its_next_revision, a_stale_tag_conflicts,
                a_tag_name_is_taken_in_whatever_case,
                a_tag_name_is_free_elsewhere_and_afterwards,
                a_removed_tag_comes_off_every_assistant, a_favorite_is_one_until_it_is_unmarked,
                an_assistant_of_another_organization_can_be_a_favorite,
                a_removed_user_takes_their_favorites_along;
            webhooks: a_saved_webhook_reads_back_equal, webhooks_are_listed_in_the_order_of_ids,
                an_updated_webhook_reads_back_with_its_next_revision, a_stale_webhook_conflicts,
                a_saved_delivery_reads_back_equal,
                an_updated_delivery_reads_back_with_its_next_revision,
                a_stale_delivery_conflicts, a_removed_webhook_takes_its_deliveries_along,
                deliveries_are_listed_newest_first,
                webhooks_behind_the_end_of_their_log_are_found,
                deliveries_that_wait_longest_are_due_first,
                nothing_is_due_at_a_disabled_webhook;
            housekeeping: expired_uploads_are_found_everywhere,
                unnamed_blobs_are_found_everywhere, named_blobs_are_listed_in_order,
                known_blobs_are_told_from_others, organizations_are_listed_in_order;
            tenants: a_unit_of_work_sees_its_own_organization_only,
                a_unit_of_work_removes_nothing_of_another_organization,
                a_unit_of_work_changes_nothing_of_another_organization,
                a_unit_of_work_adds_nothing_to_another_organization,
                queries_see_their_own_organization_only,
                content_of_another_organization_is_neither_read_nor_changed,
                what_others_share_is_not_read, what_others_share_is_not_changed,
                a_row_cannot_name_a_blob_of_another_organization;
            races: no_concurrent_update_is_lost, of_concurrent_stale_updates_one_succeeds,
                the_last_owner_stays, of_concurrent_assistants_of_one_name_one_is_made,
                of_concurrent_assistants_of_one_slug_one_is_made,
                of_concurrent_drafts_one_is_made, of_concurrent_defaults_one_is_made,
                of_concurrent_users_of_one_address_one_is_made,
                of_concurrent_teams_of_one_name_one_is_made,
                of_concurrent_versions_of_one_number_one_is_made,
                of_concurrent_providers_of_one_name_one_is_made,
                of_concurrent_rules_of_one_name_one_is_made,
                of_concurrent_tags_of_one_name_one_is_made,
                of_concurrent_users_of_one_external_id_one_is_made,
                of_concurrent_readers_for_one_webhook_one_succeeds,
                of_concurrent_takers_of_one_delivery_one_wins, the_last_places_are_taken_once,
                concurrent_appends_keep_the_chain_whole,
                a_reader_of_the_growing_log_misses_nothing,
                concurrent_touches_of_one_blob_all_succeed,
                of_concurrent_touch_and_forget_the_blob_stays_or_is_touched_anew,
                of_concurrent_naming_and_forgetting_one_succeeds;
            conversations: a_saved_thread_reads_back_equal,
                a_thread_is_added_once,
                an_updated_thread_reads_back_with_its_next_revision,
                a_stale_thread_conflicts,
                a_saved_message_reads_back_equal,
                messages_are_read_by_position_either_way,
                a_position_of_a_thread_is_taken,
                a_message_needs_its_thread,
                messages_are_removed_from_a_position_on,
                a_message_is_found_and_removed_by_its_thread_and_its_id,
                a_removed_thread_takes_its_messages_along,
                threads_are_listed_in_the_order_of_ids,
                each_filter_of_threads_keeps_exactly_what_matches,
                an_updated_thread_is_listed_as_it_is_now,
                memories_are_listed_newest_first,
                a_memory_is_removed_by_all_that_names_it,
                an_assistant_forgets_a_user,
                a_removed_user_takes_their_conversations_along;
            runs: a_saved_run_reads_back_equal,
                every_status_of_a_run_reads_back,
                a_run_is_added_once,
                an_updated_run_reads_back_with_its_next_revision,
                a_stale_run_conflicts,
                a_removed_run_takes_its_events_and_approvals_along,
                only_active_runs_of_the_user_count,
                approvals_read_back_in_the_order_of_ids,
                a_saved_approval_replaces_the_one_before,
                an_approval_needs_its_run,
                runs_that_nobody_works_on_are_abandoned,
                waiting_runs_with_expired_approvals_are_overdue,
                ended_runs_that_nobody_may_read_are_forgettable,
                an_updated_run_is_swept_as_it_is_now,
                a_long_run_reads_back_equal;
            run_events: appended_events_read_back_in_their_order,
                events_behind_a_sequence_are_read,
                an_event_that_is_there_stays_as_it_is,
                events_of_runs_that_are_not_there_are_left_out,
                events_of_another_organization_are_not_read,
                an_abandoned_removal_of_a_run_keeps_its_events,
                waiting_ends_when_an_event_is_written,
                everybody_who_waits_hears_of_an_event,
                nobody_waits_for_events_that_are_there,
                waiting_for_events_ends_with_patience,
                events_of_ended_runs_are_swept;
            spending: what_was_never_spent_is_nothing,
                what_is_spent_adds_up,
                no_sum_goes_below_nothing,
                each_key_has_its_own_sum,
                an_abandoned_unit_of_work_spends_nothing,
                each_organization_spends_its_own,
                what_was_spent_stays_when_its_user_goes;
            automations: a_saved_automation_reads_back_equal,
                automations_are_listed_by_name,
                an_updated_automation_reads_back_with_its_next_revision,
                a_stale_automation_conflicts,
                an_automation_name_is_taken_in_whatever_case,
                an_automation_name_is_free_elsewhere_and_afterwards,
                a_saved_execution_reads_back_equal,
                a_saved_execution_replaces_the_one_before,
                executions_are_listed_newest_first,
                an_execution_needs_its_automation,
                a_removed_automation_takes_its_executions_along;
            walls: what_others_ask_and_answer_is_not_read,
                what_others_ask_and_answer_is_not_changed,
                an_id_of_another_organization_replaces_nothing;
            run_races: of_concurrent_turns_in_a_thread_one_is_taken,
                no_concurrent_change_of_a_thread_is_lost,
                of_concurrent_messages_of_one_position_one_is_kept,
                of_concurrent_takers_of_one_run_one_wins,
                no_concurrent_change_of_a_run_is_lost,
                the_last_places_for_runs_are_taken_once,
                of_concurrent_decisions_one_counts,
                no_concurrent_spending_is_lost,
                a_budget_is_not_overdrawn_by_many_at_once,
                keys_of_budgets_can_be_asked_for_in_any_order,
                of_concurrent_automations_of_one_name_one_is_made,
                concurrent_events_of_one_run_are_all_kept;
        }
    };
    ($open:path; $($module:ident: $($case:ident),+;)+) => {
        $($(
            #[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                let store = $open().await;
                $crate::suite::$module::$case(&*store).await;
            }
        )+)+
    };
}

/// Makes a test of every property of a
/// [`PasswordHasher`](understudy_domain::ports::PasswordHasher). `$open` is a
/// function that gives one.
#[macro_export]
macro_rules! password_suite {
    ($open:path) => {
        $crate::password_suite! { $open; a_password_has_its_hash,
            no_other_password_has_the_hash, each_hash_has_its_own_salt,
            a_hash_does_not_show_the_password, without_a_hash_every_password_is_wrong,
            a_broken_hash_is_an_error }
    };
    ($open:path; $($case:ident),+) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                $crate::suite::passwords::$case(&$open()).await;
            }
        )+
    };
}

/// Makes a test of every property of a
/// [`SessionSigner`](understudy_domain::ports::SessionSigner). `$open` is a
/// function that gives the one with the key of a number, a `u8`.
#[macro_export]
macro_rules! signer_suite {
    ($open:path) => {
        $crate::signer_suite! { $open; a_token_says_what_was_signed, a_token_expires,
            a_token_is_not_good_yet, a_token_of_another_key_is_refused,
            a_changed_token_is_refused, garbage_is_refused }
    };
    ($open:path; $($case:ident),+) => {
        $(
            #[test]
            fn $case() {
                $crate::suite::signer::$case(&$open(1), &$open(2));
            }
        )+
    };
}

/// Makes a test of every property of a [`Vault`](understudy_domain::ports::Vault).
/// `$open` is a function that gives the one with the master key of a number, a
/// `u8`. `$rotated`, if it is given, is one that gives the one with a new master key and
/// the previous one, two `u8`; then changes of master keys are tried as well.
#[macro_export]
macro_rules! vault_suite {
    ($open:path) => {
        $crate::vault_suite! { $open; a_sealed_value_opens_again,
            a_sealed_value_does_not_show_its_text,
            a_sealed_value_is_bound_to_its_place, a_sealed_value_needs_its_data_key,
            a_data_key_is_bound_to_its_context, a_data_key_needs_its_master_key,
            a_changed_value_is_refused, a_key_check_tells_master_keys_apart,
            a_sealed_value_names_its_data_key, garbage_names_no_data_key,
            a_data_key_under_the_newest_master_key_is_not_rewrapped,
            a_data_key_of_somebody_else_is_not_rewrapped }
    };
    ($open:path, $rotated:path) => {
        $crate::vault_suite! { $open }
        $crate::vault_suite! { $open, $rotated; values_under_the_previous_master_key_open,
            a_rewrapped_data_key_needs_the_new_master_key_only,
            a_rewrapped_data_key_stays_in_its_context,
            new_data_keys_are_wrapped_with_the_new_master_key,
            key_checks_of_both_master_keys_are_right }
    };
    ($open:path; $($case:ident),+) => {
        $(
            #[test]
            fn $case() {
                $crate::suite::vault::$case(&$open(1), &$open(2));
            }
        )+
    };
    ($open:path, $rotated:path; $($case:ident),+) => {
        $(
            #[test]
            fn $case() {
                $crate::suite::vault::$case($crate::suite::vault::Rotation {
                    before: &$open(1),
                    meanwhile: &$rotated(2, 1),
                    afterwards: &$open(2),
                });
            }
        )+
    };
}

/// Makes a test of every property of a
/// [`BlobStore`](understudy_domain::ports::BlobStore). `$open` is a function that
/// gives, as a future, a fresh and empty one, in anything that derefs to
/// `dyn BlobStore` and owns what it needs.
#[macro_export]
macro_rules! blob_suite {
    ($open:path) => {
        $crate::blob_suite! { $open; written_bytes_read_back,
            bytes_read_back_in_whatever_chunks_they_came, a_large_blob_reads_back,
            a_blob_of_whole_parts_reads_back, a_range_reads_its_bytes,
            an_empty_range_reads_nothing, a_range_behind_the_end_is_an_error,
            an_unknown_blob_is_not_found, nothing_is_readable_before_it_is_finished,
            an_abandoned_blob_is_forgotten, a_dropped_blob_is_forgotten,
            an_existing_blob_stays_as_it_is,
            of_simultaneous_writers_of_one_blob_all_succeed, a_removed_blob_is_gone,
            a_blob_can_be_removed_twice, organizations_do_not_see_each_others_blobs,
            blobs_are_listed_in_order, pages_hold_each_blob_once,
            a_page_goes_on_behind_a_blob_that_is_gone, a_listed_blob_says_what_it_is,
            what_is_being_written_stays_while_it_is_young, sweeping_removes_no_blob,
            a_usable_store_answers_a_ping }
    };
    ($open:path; $($case:ident),+) => {
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                let store = $open().await;
                $crate::suite::blobs::$case(&*store).await;
            }
        )+
    };
}

/// Makes a test of every property of an
/// [`IdSource`](understudy_domain::ports::IdSource). `$open` is a function that
/// gives one.
#[macro_export]
macro_rules! ids_suite {
    ($open:path) => {
        $crate::ids_suite! { $open; every_uuid_is_new, uuids_sort_as_they_were_made,
            every_random_value_is_new }
    };
    ($open:path; $($case:ident),+) => {
        $(
            #[test]
            fn $case() {
                $crate::suite::ids::$case(&$open());
            }
        )+
    };
}

#[cfg(test)]
mod tests {
    use std::fs;

    #[test]
    fn every_case_is_in_its_macro() {
        let (mut cases, mut forgotten) = (0, Vec::new());
        for entry in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/suite")).unwrap() {
            let text = fs::read_to_string(entry.unwrap().path()).unwrap();
            let public = text.lines().filter_map(|line| {
                line.strip_prefix("pub async fn ").or_else(|| line.strip_prefix("pub fn "))
            });
            for name in public.map(|line| line.split('(').next().unwrap().to_owned()) {
                cases += 1;
                let listed = |line: &str| line.split([' ', ',', ';']).any(|word| word == name);
                if !include_str!("suite.rs").lines().any(listed) {
                    forgotten.push(name);
                }
            }
        }

        assert!(cases > 100, "the cases were not found");
        assert!(forgotten.is_empty(), "no test runs {forgotten:?}");
    }
}
