"""What comes in and is wrong: for every kind of it, where it is tested. A row without a test fails.

These run on SQLite and on PostgreSQL, as everything here does (`TEST_DEPLOYMENT=postgres`).
"""

import pytest

from tests.structure.tables import stands

LINKING, SEALS = "box_link/test_linking.py", "picker/test_seals.py"
BROWSING, SEARCH = "picker/test_browsing.py", "picker/test_search.py"
CLIENT, ROUTES, DOORS = "box/test_client.py", "structure/test_routes.py", "core/test_doors.py"
GATE, NAMES, SESSIONS = "core/test_text_gate.py", "core/test_names.py", "accounts/test_sessions.py"
DOWNLOADS, ARCHIVE = "attachments/test_downloads.py", "attachments/test_archive.py"

TABLE = {
    "a way back from Box without, with a forged or a foreign state": (
        f"{LINKING}::test_a_forged_state_is_refused"
    ),
    "a state from another browser": (
        f"{LINKING}::test_another_browser_of_the_same_person_cannot_finish"
    ),
    "a state of whoever signed in meanwhile": (
        f"{LINKING}::test_whoever_signed_in_meanwhile_is_not_linked"
    ),
    "a state used again": f"{LINKING}::test_a_state_counts_once",
    "a state that is too old": f"{LINKING}::test_a_state_older_than_ten_minutes_is_refused",
    "a code or a state given twice": f"{DOORS}::test_what_decides_is_there_once",
    "a grant that was denied": f"{LINKING}::test_denying_links_nothing",
    "a code that is none": f"{LINKING}::test_what_is_no_code_is_not_brought_to_box",
    "a way back while another account is linked": (
        f"{LINKING}::test_another_account_waits_for_a_word_that_names_both"
    ),
    "somebody else's code": f"{LINKING}::test_a_code_slipped_to_somebody_else_links_nobody",
    "many trips to Box at once": (
        f"{LINKING}::test_starting_over_and_over_keeps_few_attempts_and_the_last_one_works"
    ),
    "a code that has died": f"{LINKING}::test_a_code_older_than_half_a_minute_links_nothing",
    "a folder's id that is none": (
        f"{BROWSING}::test_what_is_no_folder_id_of_box_is_refused_without_a_call"
    ),
    "a file's id for a folder's": f"{BROWSING}::test_a_file_is_no_folder",
    "a folder one may not see": (
        f"{BROWSING}::test_a_folder_that_is_gone_and_one_that_is_closed_to_me_read_the_same"
    ),
    "a forged marker": f"{SEALS}::test_a_forged_marker_is_refused_without_a_call",
    "a marker of another folder": f"{SEALS}::test_a_marker_belongs_to_its_folder_and_its_order",
    "an order that is none": f"{BROWSING}::test_an_order_that_is_none_is_refused_without_a_call",
    "a search for nothing": f"{SEARCH}::test_searching_for_nothing_shows_the_folder",
    "a search for what nobody types": (
        f"{SEARCH}::test_what_nobody_types_is_left_out_of_what_is_looked_for"
    ),
    "bytes in an address that are no text": f"{GATE}::test_no_address_lets_it_through",
    "searches that come too often": f"{SEARCH}::test_more_than_six_searches_a_second_wait_a_second",
    "a partial asked for as a page": (
        f"{BROWSING}::test_page_and_partial_are_made_of_the_same_block"
    ),
    "forged headers of htmx": f"{GATE}::test_no_header_lets_it_through",
    "names with separators, controls, marks, reserved words": (
        f"{NAMES}::test_a_name_becomes_one_that_every_system_can_hold"
    ),
    "names that are too long": (
        f"{NAMES}::test_a_long_name_is_cut_between_characters_and_keeps_its_extension"
    ),
    "names of markup": (
        "picker/test_choosing.py::test_hostile_file_names_are_text_in_the_list_in_the_tray_and_nowhere_else"
    ),
    "names that are formulas": f"{ARCHIVE}::test_no_name_is_a_formula_in_the_list",
    "names in any script on a download": (
        f"{DOWNLOADS}::test_a_name_in_any_script_is_the_name_of_the_download"
    ),
    "one name many times": f"{ARCHIVE}::test_one_name_twice_is_numbered",
    "types in disguise": f"{DOORS}::test_a_blocked_type_is_seen_through_its_disguise",
    "odd sizes, digests and dates from Box": (
        f"{CLIENT}::test_an_odd_leaf_does_not_hide_the_other_files"
    ),
    "a page of script as a file": f"{DOWNLOADS}::test_a_page_of_script_is_sent_as_mere_bytes",
    "ids of another company": f"{ROUTES}::test_nobody_reaches_another_companys_addresses",
    "absent and forbidden": f"{ROUTES}::test_absent_and_forbidden_look_the_same",
    "ids that are none": f"{ROUTES}::test_a_malformed_id_is_no_address",
    "a tool without Box": "structure/test_tools.py::test_a_tool_without_box_has_no_address_for_it",
    "another person's link": f"{LINKING}::test_a_link_is_its_persons_alone",
    "a person who was disabled": (
        f"{SESSIONS}::test_a_person_who_was_disabled_is_out_at_the_next_request"
    ),
    "a redirect of a download to another host": (
        f"{CLIENT}::test_a_redirect_to_anywhere_else_is_not_followed"
    ),
    "a redirect of the download host": (
        f"{CLIENT}::test_a_redirect_of_the_download_host_itself_is_not_followed_either"
    ),
    "a token for the download host": f"{CLIENT}::test_the_download_host_is_never_shown_the_token",
    "an answer that hangs or drips": f"{CLIENT}::test_whoever_hangs_or_drips_is_given_up_in_time",
    "a CSRF token that is missing, made up or foreign": (
        f"{ROUTES}::test_every_change_needs_the_token_of_the_session"
    ),
    "another site's page": f"{ROUTES}::test_another_sites_page_cannot_change_anything",
    "looking that changes something": f"{ROUTES}::test_looking_at_everything_changes_nothing",
    "a host name that is not ours": f"{ROUTES}::test_only_our_own_host_names_are_answered",
    "a target after sign-in that leads elsewhere": (
        f"{SESSIONS}::test_no_target_after_sign_in_leads_elsewhere"
    ),
    "a way back that leads elsewhere": f"{DOORS}::test_the_way_back_is_one_of_ours",
    "a session's id from outside": f"{SESSIONS}::test_an_id_from_outside_is_never_adopted",
    "a session that was ended": f"{SESSIONS}::test_signing_out_ends_the_session_on_the_server",
    "a form when the session is over": (
        "accounts/test_unsent.py::test_signing_in_brings_back_what_was_typed"
    ),
    "a body that is too large": (
        "attachments/test_uploads.py::test_a_request_far_over_the_limit_is_not_even_read"
    ),
    "a body that is no form": f"{DOORS}::test_json_and_other_bodies_are_no_forms",
    "a form that breaks off": f"{DOORS}::test_a_form_that_breaks_off_is_no_empty_form",
    "an upload without a file": f"{DOORS}::test_an_upload_without_a_file_says_so",
    "poison in any field": f"{GATE}::test_no_field_of_any_form_lets_it_through",
    "poison in JSON": f"{GATE}::test_json_passes_the_gate_too",
    "too much in one archive": f"{ARCHIVE}::test_too_much_is_refused_before_the_first_byte",
    "proxies and netrc of the machine": (
        "box/test_surroundings.py::test_neither_proxies_nor_netrc_of_the_machine_are_used"
    ),
    "cookies from Box": "box/test_surroundings.py::test_cookies_that_box_sets_are_not_sent_back",
    "a name of Box's that leads elsewhere": (
        "box/test_surroundings.py::test_a_machine_of_the_own_network_that_answers_in_boxs_name_is_told_nothing"
    ),
    "a request that can be read in two ways": (
        "core/test_raw_requests.py::test_what_can_be_read_in_two_ways_is_refused_and_the_line_closed"
    ),
    "a token in what is raised": f"{CLIENT}::test_what_is_raised_names_neither_token_nor_address",
    "a method that no page uses": f"{DOORS}::test_a_method_that_no_page_uses_is_refused",
    "a preflight of another site": f"{DOORS}::test_a_preflight_of_another_site_is_allowed_nothing",
    "a field that no form has": f"{DOORS}::test_a_field_that_no_form_has_changes_nothing",
    "a password with controls": f"{SESSIONS}::test_a_password_change_that_cannot_be_says_why",
    "an address nobody has at sign-in": (
        f"{SESSIONS}::test_a_wrong_password_and_an_unknown_address_read_alike"
    ),
}


@pytest.mark.parametrize("row", sorted(TABLE))
def test_every_kind_of_bad_input_has_its_test(row: str) -> None:
    assert stands(TABLE[row])
