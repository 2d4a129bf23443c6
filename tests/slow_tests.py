"""Slow tests of which only some cases run by default: all of them run with `-m long`."""

from collections import Counter

import pytest

STEPS = {
    "test_what_is_sick_is_found_and_cured": 8,
    "test_all_checks_are_done_for_every_kind_of_run": 4,
    "test_any_number_of_ranks_ends_in_the_same_bytes": 2,
    "test_a_component_of_specnet_keeps_its_contract": 4,
    "test_a_component_goes_on_from_a_checkpoint_as_if_it_had_never_stopped": 3,
    "test_a_spec_reaches_what_one_expects_with_its_own_seed_and_with_others": 5,
    "test_the_plots_that_a_spec_names_can_be_drawn": 5,
    "test_a_starting_point_learns_what_it_is_about": 3,
    "test_new_says_how_to_run_what_it_writes": 2,
    "test_the_spec_of_each_kind_runs": 4,
    "test_a_fault_in_any_system_call_leaves_the_old_checkpoint_or_the_new_one": 2,
    "test_a_run_that_cannot_write_says_where_and_why_and_later_goes_on_to_the_same_bytes": 2,
    "test_so_do_runs_of_each_kind_of_state_killed_while_a_split_is_measured_and_between_record_and_checkpoint": 0,
    "test_random_damage_anywhere_is_refused_or_ends_in_the_same_bytes": 2,
    "test_what_is_in_the_way_of_a_checkpoint_is_not_overwritten_and_the_run_goes_on_once_it_is_moved": 3,
    "test_without_what_belongs_to_it_a_whole_state_is_given_up_only_if_one_asks_for_an_earlier_one": 3,
    "test_a_crafted_state_is_refused_even_with_a_digest_that_fits": 3,
    "test_a_run_stopped_in_any_step_goes_on_to_the_same_bytes": 2,
    "test_a_run_that_is_stopped_after_any_step_ends_in_the_same_bytes": 2,
    "test_a_run_whose_file_changes_is_ended_with_its_name_and_can_go_on": 2,
    "test_schema_and_model_agree_on_every_field_of_a_component": 3,
    "test_a_mistake_is_found_by_its_check_and_told": 2,
    "test_the_definitions_train_as_the_default_kernels_do": 4,
    "test_a_spec_reaches_what_it_promises": 4,
    "test_what_is_no_file_is_refused_or_left_alone_by_every_command": 2,
    "test_what_specnet_asks_of_a_plugin_holds": 3,
    "test_pages_fit_their_screen": 4,
    "test_the_script_predicts_in_a_browser_what_the_run_predicts": 2,
    "test_each_frame_is_that_of_the_record": 3,
    "test_training_in_javascript_follows_the_run": 3,
    "test_controls_are_large_enough_to_be_touched_and_stay_in_sight": 2,
    "test_each_kind_of_inputs_is_shown_or_refused_with_a_reason": 2,
    "test_a_signal_ends_a_finished_command_whose_plugin_still_waits": 2,
    "test_a_command_on_the_run_works_with_the_file_wherever_it_lies_now": 3,
    "test_what_is_damaged_is_rebuilt_and_the_run_resumes_to_the_same_bytes": 2,
    "test_metrics_of_predicted_classes": 3,
    "test_a_layer_and_its_twin_agree_forward_and_backward": 2,
    "test_a_table_on_standard_input_is_predicted": 0,
    "test_pipelines_and_searches_in_several_processes_work": 0,
    "test_a_second_interrupt_ends_a_run_at_once_and_the_directory_is_valid": 0,
    "test_the_loss_of_a_spec_falls": 3,
    "test_a_damaged_file_is_refused_by_name_or_read": 4,
    "test_a_trained_run_predicts_and_evaluates_other_files": 4,
    "test_where_nobody_hears_of_warnings_a_command_goes_on": 2,
    "test_a_plot_is_the_same_file_each_time_of_streamed_samples_too_and_leaves_settings_alone": 3,
    "test_callbacks_may_have_the_names_of_those_of_specnet_and_each_keeps_its_state": 3,
    "test_what_is_there_is_never_written_over": 3,
    "test_runs_share_a_slider_and_each_shows_its_last_frame_until_then": 0,
    "test_what_programs_read_is_utf_8_whatever_the_terminal_shows": 0,
    "test_the_library_is_imported_when_data_are_loaded_and_not_before": 0,
    "test_installed_by_pip_its_own_tests_pass_and_find_a_wrong_sign_in_its_backward": 0,
    "test_a_backend_of_another_environment_is_no_obstacle": 0,
    "test_plots_show_what_they_show_of_data_in_memory": 0,
    "test_the_tests_of_a_plugin_of_each_kind_pass": 0,
    "test_a_plugin_that_changes_the_working_directory_moves_nothing": 0,
    "test_a_signal_ends_the_command_while_a_page_is_open": 0,
    "test_a_lost_connection_is_told_and_taken_up_again_without_gaps": 0,
    "test_resuming_where_nothing_can_be_written_says_so_and_changes_nothing": 0,
    "test_a_run_that_cannot_save_its_beginning_is_begun_anew_in_the_same_directory": 0,
}
"""How many cases of each test run by default. A test with 0 runs only with `-m long`."""


def mark_slow(items: list[pytest.Item]) -> None:
    """Mark further cases of slow tests as `long`. Of a component's contract, that of its class is never left out."""
    seen: Counter[str] = Counter()
    for item in items:
        name = getattr(item, "originalname", item.name)
        if (step := STEPS.get(name)) is None or item.get_closest_marker("long") or "its class" in item.name:
            continue
        if step == 0 or seen[name] % step:
            item.add_marker(pytest.mark.long)
        seen[name] += 1
