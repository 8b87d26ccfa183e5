//! What every storage must keep: the sentences on the repository traits of the domain and on the unit of work, one
//! case each. The same suite runs on [`crate::memory`] and on Postgres.
//!
//! ```no_run
//! # use muster_testkit::{contract, memory::MemoryStore};
//! # async fn test() -> anyhow::Result<()> {
//! contract::run_all(&MemoryStore::default()).await
//! # }
//! ```

mod arena;
mod control;
mod due;
mod files;
mod keys;
mod ledger;
mod life;
mod lineage;
mod list;
mod mails;
mod memory;
mod partners;
mod rate_limits;
mod reminders;
mod removal;
mod schedules;
mod search_index;
mod sets;
mod single;
mod tasks;
mod tenants;
mod units;
mod upload;
mod user_list;
mod users;
mod webhook_deliveries;
mod webhooks;
mod welcomes;
mod world;

use anyhow::{Result, bail};
use futures::future::BoxFuture;

pub use arena::Arena;
pub use rate_limits::rate_limits;
pub use world::World;

/// One sentence of the contract.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// The module and the sentence.
    pub name: &'static str,
    /// Tries it, in tenants that nobody else uses.
    pub run: for<'a> fn(&'a Arena<'a>) -> BoxFuture<'a, Result<()>>,
}

macro_rules! cases {
    ($($module:ident: $($name:ident)*;)*) => {
        /// Every sentence of the contract.
        pub const CASES: &[Case] = &[$($(Case {
            name: concat!(stringify!($module), "::", stringify!($name)),
            run: |arena| Box::pin($module::$name(arena)),
        }),*),*];
    };
}

cases! {
    sets:
        many_are_locked_in_the_order_of_their_ids
        many_are_stored_with_their_histories
        what_one_of_many_cannot_have_is_a_conflict
        many_are_removed_with_all_that_tells_of_them
        lines_are_added_to_histories_of_users_who_stay_as_they_are
        an_undo_gets_the_blocks_that_did_something
        rows_are_read_as_they_were_stored;
    lineage:
        an_application_gets_the_rows_of_its_plan_and_what_they_are_to_come_to
        a_plan_that_is_not_whole_gives_nothing
        what_was_seen_to_and_who_wants_it_undone_is_remembered
        a_retried_row_counts_as_what_became_of_it_last;
    users:
        insert_free_returns_the_ids_that_were_not_inserted
        of_several_with_the_same_email_or_user_name_the_first_is_inserted
        a_user_who_is_not_inserted_takes_nothing
        a_user_name_is_taken_in_any_case
        email_and_user_name_of_a_deleted_user_are_free
        a_new_user_is_stored_as_given
        a_whole_block_is_inserted_at_once
        inserting_nobody_does_nothing
        of_two_units_that_want_the_same_user_one_inserts_it
        holders_are_found_by_email_or_folded_user_name
        a_deleted_user_holds_nothing
        a_range_ascends_from_first_to_last_up_to_the_limit
        a_range_leaves_out_the_deleted
        the_reader_finds_the_living_only;
    single:
        a_user_is_inserted_only_if_both_are_free
        a_changed_user_is_read_back_and_the_old_values_are_free
        a_change_to_what_another_has_is_a_conflict_that_names_the_field
        a_deleted_user_can_be_read_locked_and_restored
        a_restore_conflicts_with_who_took_the_address
        the_id_of_a_deleted_user_is_not_free
        a_removed_user_leaves_nothing
        of_two_writers_the_second_sees_the_first
        readers_find_by_address_and_folded_name
        who_is_made_in_one_step_is_there_and_may_be_made_again
        of_many_who_are_made_at_once_each_hears_of_themselves;
    user_list:
        the_latest_user_comes_first_and_pages_meet
        filters_all_hold_and_take_wildcards_literally
        the_deleted_are_listed_apart
        the_history_is_read_backwards_in_pages
        the_history_of_an_imported_user_begins_with_the_block
        a_snapshot_shows_one_moment_whatever_is_written_meanwhile;
    search_index:
        a_search_finds_who_is_indexed_and_who_waits
        a_search_finds_by_what_users_are_called_now
        each_text_is_searched_apart
        a_step_indexes_about_as_many_as_asked
        nobody_is_lost_among_many_indexers_and_writers
        who_waits_in_one_tenant_is_not_seen_in_another;
    welcomes:
        a_mail_is_gathered_once
        who_was_sent_leaves_the_batch_and_who_was_refused_stays
        the_deleted_get_no_mail
        a_batch_that_is_closed_keeps_the_living
        of_many_who_gather_each_mail_goes_to_one
        who_was_sent_after_all_is_refused_no_more
        what_waits_or_stands_still_is_due
        what_was_refused_is_due_no_more;
    webhooks:
        an_endpoint_is_read_back_changed_and_removed_with_its_deliveries
        a_tenant_has_at_most_so_many_endpoints
        of_many_who_make_endpoints_no_more_than_fit_do
        single_writes_are_told_to_who_subscribes
        who_is_made_in_one_step_is_told_once
        moves_of_operations_are_told
        a_drop_tells_nothing
        all_endpoints_are_told_the_same_message;
    webhook_deliveries:
        a_delivery_is_recorded_and_listed_by_state
        what_is_due_is_taken_once
        what_has_ended_long_ago_is_forgotten;
    schedules:
        a_schedule_is_read_back_and_moved
        schedules_are_listed_in_pages_the_latest_first
        of_many_who_make_schedules_no_more_than_fit_do
        the_latest_run_is_kept
        the_engine_hears_of_each_revision
        what_was_deleted_is_kept_until_the_engine_has_heard
        schedules_never_meet;
    partners:
        a_client_is_read_back_and_changed
        a_client_is_found_by_its_public_id_in_any_tenant
        of_many_who_make_clients_no_more_than_fit_do
        a_signature_is_accepted_once
        a_signature_of_what_was_dropped_is_still_good
        an_event_is_kept_once_for_each_id_of_its_client
        what_became_of_an_event_is_read_back
        events_are_listed_in_pages_the_latest_first
        events_that_wait_are_due_those_first_that_wait_for_longest
        what_was_kept_for_long_enough_is_forgotten
        partners_never_meet;
    tasks:
        a_task_is_read_back_as_it_was_stored
        a_removed_task_is_gone
        a_series_has_each_of_its_tasks_once
        tasks_are_found_by_all_conditions
        pages_meet_in_every_order
        open_tasks_of_users_are_found_and_the_living_are_told
        settings_are_read_back
        tasks_never_meet;
    reminders:
        each_date_is_taken_once_and_all_else_stays
        those_that_wait_for_longest_are_taken_first
        a_write_of_a_task_is_one_of_its_reminders
        of_many_who_take_each_date_goes_to_one
        a_mail_comes_with_what_it_is_about_as_that_is_now
        what_was_sent_leaves_and_what_was_refused_stays
        what_nobody_looks_after_stands_still
        a_batch_is_of_all_who_have_mails_in_it
        who_rests_is_not_due_until_settings_are_stored
        tenants_that_are_due_are_found_in_pages
        refused_mails_go_with_their_task_or_their_user
        reminders_never_meet;
    upload:
        a_new_operation_is_receiving
        blocks_are_given_back_as_they_were_stored
        blocks_are_appended_only_while_receiving
        an_upload_is_queued_once
        only_what_is_receiving_is_discarded
        a_discard_takes_the_blocks_and_the_key_along
        an_unknown_operation_is_none;
    keys:
        a_free_key_is_claimed
        a_taken_key_names_its_holder_and_is_not_claimed
        a_key_is_sealed_with_the_digest
        a_claim_waits_for_a_claim_that_is_committed
        a_claim_that_is_dropped_leaves_the_key_free
        of_many_claims_one_wins
        only_expired_keys_are_forgotten;
    life:
        queued_becomes_running
        start_changes_no_other_state
        the_end_is_stored
        a_locked_operation_ends_once;
    control:
        a_pause_and_a_budget_are_read_back
        who_resumes_is_not_begun_anew
        an_end_takes_the_pause_away
        who_moves_an_operation_waits_for_no_block_and_who_drains_it_for_all;
    ledger:
        a_block_that_does_not_exist_is_none
        a_settled_block_has_its_outcome
        open_blocks_are_those_of_the_range_without_an_outcome
        progress_is_summed_over_the_ledger
        a_locked_block_is_done_once
        rows_are_read_in_order_after_a_row_up_to_a_limit
        rows_are_read_by_status
        the_ledger_has_the_blocks_that_are_done_in_order
        blocks_are_read_as_uploaded_from_a_number_or_a_row_on
        a_row_that_is_there_is_kept;
    list:
        the_latest_operation_comes_first
        pages_follow_each_other_without_gap_or_repeat
        a_list_can_be_of_one_state
        a_list_has_the_progress_of_each
        many_operations_are_read_at_once;
    files:
        attempts_are_numbered_and_counted_anew
        a_part_is_found_by_any_of_its_bytes
        a_file_is_read_with_its_operation
        parts_are_removed_in_steps_with_their_attempts
        parts_that_nobody_will_read_are_outdated
        files_go_with_their_operation
        files_never_meet;
    mails:
        a_batch_is_given_back_as_it_was_stored
        a_record_stores_how_far_it_is_and_adds_to_the_counts
        mails_are_settled_when_the_last_batch_is_finished
        a_locked_batch_loses_no_record;
    removal:
        uploads_of_what_has_ended_are_outdated_the_eldest_first
        an_upload_is_removed_in_steps_and_only_after_the_end
        results_are_removed_in_steps_and_the_operation_with_the_last
        what_is_still_needed_is_not_outdated
        results_of_another_tenant_stay;
    due:
        what_stands_still_is_due
        what_was_looked_after_is_not_due
        uploads_that_stopped_coming_are_due
        an_append_keeps_an_upload_alive
        what_has_ended_is_not_due
        unfinished_mails_of_an_ended_operation_are_due
        mails_are_due_however_their_operation_ended
        mails_that_were_recorded_just_now_are_not_due
        mails_of_a_running_operation_are_not_due
        expired_keys_are_due_once_for_each_tenant
        at_most_the_limit_is_due_the_longest_forgotten_first;
    units:
        a_commit_makes_everything_visible
        a_drop_undoes_everything
        a_unit_of_work_sees_what_it_did
        nobody_sees_what_is_not_committed
        a_key_without_an_operation_is_not_committed;
    tenants:
        users_never_meet
        single_users_never_meet
        welcomes_never_meet
        readers_never_meet
        operations_never_meet
        blocks_and_rows_never_meet
        keys_never_meet
        mails_never_meet
        webhooks_never_meet;
}

/// Runs every case, and names all that fail.
///
/// # Errors
/// When a sentence is not kept.
pub async fn run_all(world: &dyn World) -> Result<()> {
    let mut broken = Vec::new();
    for case in CASES {
        if let Err(error) = run(world, case).await {
            broken.push(format!("{}: {error:#}", case.name));
        }
    }
    if !broken.is_empty() {
        bail!("{} of {} sentences are not kept:\n{}", broken.len(), CASES.len(), broken.join("\n"));
    }
    Ok(())
}

/// Runs one case, in two fresh tenants.
///
/// # Errors
/// When the sentence is not kept.
pub async fn run(world: &dyn World, case: &Case) -> Result<()> {
    (case.run)(&Arena::new(world)).await
}
