"""What can go wrong around the main job, and where each fault is tested. A row without one fails.

These run on SQLite and on PostgreSQL. Where copies are under way each ends with the invariant of
`tests/support/copying.py`.
"""

import pytest

from tests.structure.tables import stands

TOKENS = "box_link/test_tokens.py"
CLIENT = "box/test_client.py"
TRANSFER = "imports/test_transfer.py"
CHANGES = "imports/test_changes.py"
PROCESSES = "imports/test_processes.py"
SENDING = "imports/test_sending.py"
PEOPLE = "imports/test_people.py"
INTERRUPTED = "faults/test_interrupted.py"
BROWSING = "picker/test_browsing.py"

TABLE = {
    "an access token that has expired": (
        f"{TOKENS}::test_eight_pages_with_an_expired_token_lead_to_one_renewal"
    ),
    "a link that Box has revoked": (
        f"{TOKENS}::test_a_revoked_link_is_found_out_with_one_call_and_never_asked_about_again"
    ),
    "a pair that another process renewed first": (
        f"{TOKENS}::test_a_pair_that_somebody_else_renewed_first_is_adopted"
    ),
    "two renewals at once": f"{TOKENS}::test_processes_at_once_renew_once",
    "an answer with a pair that is lost on its way": (
        f"{TOKENS}::test_an_answer_lost_on_its_way_is_asked_for_again"
    ),
    "a kill between Box's answer and the commit": (
        f"{TOKENS}::test_a_process_killed_between_boxs_answer_and_the_commit_costs_nothing"
    ),
    "a kill after the commit, before the first use": (
        f"{TOKENS}::test_a_process_killed_after_the_commit_leaves_a_pair_to_use"
    ),
    "a database that refuses the pair": (
        f"{TOKENS}::test_a_database_that_takes_the_pair_late_loses_nothing"
    ),
    "a token endpoint that answers oddly": (
        f"{TOKENS}::test_a_wrong_answer_leaves_the_link_byte_for_byte_as_it_was"
    ),
    "a token endpoint that leads elsewhere": (
        f"{TOKENS}::test_a_redirect_of_the_token_endpoint_is_not_followed"
    ),
    "a token endpoint that hangs": (
        f"{TOKENS}::test_a_hanging_token_endpoint_holds_a_page_for_ten_seconds_at_most"
    ),
    "a wrong client secret": (
        "box_link/test_circuit.py::test_a_wrong_client_secret_takes_no_process_out_of_service_and_heals_without_visitors"
    ),
    "a clock that is off": (
        f"{INTERRUPTED}::test_a_clock_that_is_ten_minutes_off_ends_no_link_and_doubles_no_file"
    ),
    "a link that nobody uses": (
        "box_link/test_idle.py::test_two_weeks_before_the_end_the_bell_and_a_letter_say_so_once"
    ),
    "Box asks a page to wait": (
        f"{BROWSING}::test_when_box_is_busy_the_page_says_how_long_it_asks_to_wait"
    ),
    "Box asks a copy to wait": (
        f"{TRANSFER}::test_being_asked_to_wait_is_no_failure_and_stops_nobody_else"
    ),
    "Box is broken for a while": f"{CLIENT}::test_a_broken_box_is_unavailable_and_asked_once",
    "Box is broken for a day": (
        f"{TRANSFER}::test_after_twenty_failures_a_file_is_given_up_and_its_person_told"
    ),
    "a connection cut, an answer too short, too long, packed, or with a wrong byte": (
        f"{TRANSFER}::test_a_broken_transfer_leaves_nothing_and_is_tried_again"
    ),
    "wrong bytes again and again": (
        f"{TRANSFER}::test_bytes_that_are_wrong_three_times_are_refused_and_told"
    ),
    "a file that Box still prepares": (
        f"{TRANSFER}::test_a_file_that_box_still_prepares_waits_as_long_as_box_says"
    ),
    "a file that trickles": f"{TRANSFER}::test_a_file_that_trickles_gives_its_place_to_others",
    "no name, no certificate, nobody there": (
        "faults/test_unreachable.py::test_a_box_that_cannot_be_reached_is_told_and_copies_wait_for_it"
    ),
    "a redirect to a foreign host": f"{CLIENT}::test_a_redirect_to_anywhere_else_is_not_followed",
    "a listing that is broken, a page, or endless": (
        f"{CLIENT}::test_an_answer_in_no_known_form_is_odd"
    ),
    "a marker that has run out": (
        f"{BROWSING}::test_a_marker_that_ran_out_says_so_and_leads_to_the_folders_beginning"
    ),
    "a file deleted since it was chosen": (
        f"{CHANGES}::test_a_file_that_is_gone_is_told_and_the_others_arrive"
    ),
    "a file one may not have any more, or that Box blocks": (
        f"{CHANGES}::test_a_file_one_may_not_have_any_more_is_told"
    ),
    "a file renamed or moved since": (
        f"{CHANGES}::test_a_renamed_and_moved_file_keeps_the_name_it_was_chosen_by"
    ),
    "a newer version since": (
        f"{CHANGES}::test_the_version_that_was_chosen_is_copied_and_a_newer_one_is_mentioned"
    ),
    "a file over the limit by now": f"{TRANSFER}::test_a_file_over_the_limit_is_refused_and_told",
    "a worker killed while it copies": (
        f"{PROCESSES}::test_a_killed_workers_file_goes_on_within_a_minute"
    ),
    "a worker killed before and after it stores and commits": (
        f"{PROCESSES}::test_a_kill_at_any_moment_loses_and_doubles_nothing"
    ),
    "a web process killed while it takes the order": (
        f"{PROCESSES}::test_a_web_process_killed_while_it_takes_the_order_has_taken_it_once"
    ),
    "a disk that is full": f"{TRANSFER}::test_a_full_store_waits_without_counting_as_a_failure",
    "a database that is locked or away": (
        "faults/test_database_away.py::test_without_a_database_every_page_says_to_come_again"
    ),
    "a database that restarts": (
        f"{INTERRUPTED}::test_a_database_that_restarts_costs_no_page_and_no_copy"
    ),
    "a power cut after the commit": f"{INTERRUPTED}::test_what_was_committed_survives_a_power_cut",
    "a store that fails, or answers too late": (
        f"{TRANSFER}::test_a_store_that_fails_is_tried_again_and_nothing_is_lost"
    ),
    "an object stored before a crash": (
        f"{TRANSFER}::test_an_object_that_was_stored_before_a_crash_is_used_and_not_fetched_again"
    ),
    "Redis away": (
        "faults/test_redis_away.py::test_everything_goes_on_while_redis_is_away_and_after_it_is_back"
    ),
    "two schedulers": f"{INTERRUPTED}::test_two_schedulers_at_once_do_each_chore_once",
    "old and new releases together": (
        f"{INTERRUPTED}::test_a_message_of_another_release_wakes_and_stops_nobody"
    ),
    "Attach pressed many times at once": f"{SENDING}::test_twenty_presses_at_once_make_one_batch",
    "one file chosen twice": f"{SENDING}::test_the_same_file_chosen_twice_is_one_copy",
    "a session that ends with the dialog open": (
        "accounts/test_unsent.py::test_signing_in_brings_back_what_was_typed"
    ),
    "signing out while copies run": f"{PEOPLE}::test_accepted_copies_finish_after_signing_out",
    "unlinking while copies wait": f"{PEOPLE}::test_unlinking_cancels_what_waits_and_says_so",
    "unlinking while one runs": f"{PEOPLE}::test_nothing_is_attached_after_unlinking_was_answered",
    "Box switched off for the company": (
        f"{PEOPLE}::test_a_company_that_switches_box_off_stops_its_copies"
    ),
    "somebody taken off the project": (
        f"{PEOPLE}::test_somebody_taken_off_the_project_attaches_nothing_more"
    ),
    "a record that is gone": f"{PEOPLE}::test_a_record_that_is_gone_leaves_nothing_behind",
    "a record that went on": (
        "imports/test_accepted.py::test_what_was_accepted_arrives_whatever_status_the_record_has_reached"
    ),
    "a right that is lost while a request is under way": (
        "tools/test_demoted_meanwhile.py::test_a_right_that_is_lost_before_the_change_begins_does_not_count_any_more"
    ),
    "what changes in the last moment": (
        f"{PEOPLE}::test_what_changes_in_the_last_moment_before_attaching_still_counts"
    ),
    "a person who was disabled": (
        "accounts/test_sessions.py::test_a_person_who_was_disabled_is_out_at_the_next_request"
    ),
}


@pytest.mark.parametrize("row", sorted(TABLE))
def test_every_fault_has_its_test(row: str) -> None:
    assert stands(TABLE[row])
