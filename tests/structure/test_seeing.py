"""Every query for records, rows, files and copies passes through the rule of who sees what.

The code is read, not run: a function that selects one of these tables either names a function of
`webapp/records/visibility.py`, or stands below with the reason why nobody is shown what it finds.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

WEBAPP = Path(__file__).resolve().parents[2] / "webapp"
TABLES = {"Attachment", "RecordRow", "Record", "ImportItem", "ImportBatch"}
RULE = {
    "hangs_on_seen",
    "hangs_visibly",
    "may_see",
    "may_see_at",
    "may_see_in_row",
    "may_see_row",
    "record_for",
    "row_for",
    "sees_into",
}
READS = {"select", "get", "get_one", "query"}

SHOWN_TO_NOBODY = {
    "attachments.changing._file_behind": "which version a restored file comes back behind",
    "attachments.changing._versions_from": "which version's place a newer one takes",
    "commands.demo_box._paths_by_row": "the demo is loaded by whoever runs the installation",
    "commands.demo_box._record_of": "the demo is loaded by whoever runs the installation",
    "commands.storage.verify": "checks the store, names no file to anybody but the operator",
    "factory._name_of": "the name above a copy that the caller has found by the rule",
    "factory._page_of": "the way back from a file or copy that the caller has found by the rule",
    "imports.claims._due": "the workers' queue",
    "imports.claims._taken": "the workers' queue",
    "imports.claims.is_held": "the workers' queue",
    "imports.claims.is_last": "the workers' queue",
    "imports.claims.try_again": (
        "the workers' queue; the views hand over what the rule let them find"
    ),
    "imports.importer.Importer._look_for_newer": "a worker's look at one batch",
    "imports.mine.are_there": "whether one's own copies are worth a request; shows none",
    "imports.news._arrived": "one's own copies, or those of a record's own files to who sees it",
    "imports.trays._there": "a target that the dialog has opened by the rule",
    "imports.trays.attached_by": "a target that the dialog has opened by the rule",
    "imports.trays.attached_versions": "a target that the dialog has opened by the rule",
    "imports.trays.coming_versions": "a target that the dialog has opened by the rule",
    "imports.trays.lock_files": "makes others wait; reads nothing",
    "imports.trays.send_newer": "a file that the view has found by the rule",
    "imports.work.renew_sessions": "whose work session a batch has",
    "tools.discarding._stop": "ends the copies to a record that its creator discards",
    "tools.discarding.is_empty": "whether one's own draft holds anything",
    "tools.discarding.left_by": "one's own drafts",
    "tools.discarding.restore": "one's own draft",
    "tools.extensions.bidding.Bidding._commitment": "the address of it, whose page asks the rule",
    "tools.extensions.bidding._holds_bid": "whether a bid has been started, to keep it",
    "tools.extensions.change_orders.ChangeOrder.offers": "narrows what the form offers by the rule",
    "tools.extensions.change_orders._series": "which series a number is counted in",
    "tools.extensions.contract_sums.changes_of": (
        "adds up a contract's money; the panels list by the rule"
    ),
    "tools.extensions.contract_sums.hold_contract": "locks a contract while its money is added up",
    "tools.extensions.daily_log._counts": "`_notes` holds the rule",
    "tools.extensions.daily_log.notes_of": "`_notes` holds the rule",
    "tools.extensions.directory.Directory.retired_vendors": "companies that are offered no more",
    "tools.extensions.directory._follow": "keeps the names of one company in step",
    "tools.extensions.directory._vendor_of": "which company a record stands for",
    "tools.extensions.directory.insured_until": "the date that the record itself shows",
    "tools.extensions.documents._require_home": (
        "whether a folder is still there, for who restores from it"
    ),
    "tools.extensions.drawing_revisions.settle_current": "works out which revision is current",
    "tools.extensions.drawing_revisions.settle_order": "works out which revision is current",
    "tools.extensions.drawings._refuse_doubled": (
        "refuses a mark that a revision has, to the tool's admins"
    ),
    "tools.extensions.emails.extension.thread": (
        "files of messages that `thread_of` found by the rule"
    ),
    "tools.extensions.emails.messages.own_files": (
        "the files of a message at hand, which has no rows"
    ),
    "tools.extensions.emails.outgoing._awaited": "what a message waits for before it leaves",
    "tools.extensions.emails.outgoing._files_of": "the files of the message that leaves",
    "tools.extensions.emails.outgoing._is_ready": "the mail worker's queue",
    "tools.extensions.emails.outgoing._letter": (
        "the mail worker's letter; its recipients are asked by the rule"
    ),
    "tools.extensions.emails.outgoing._may_send": "the mail worker's queue",
    "tools.extensions.emails.outgoing._release": "the mail worker's queue",
    "tools.extensions.emails.outgoing._step": "the mail worker's queue",
    "tools.extensions.emails.outgoing.go_without": (
        "a message that its sender sends without some files"
    ),
    "tools.extensions.emails.outgoing.wait_of": "what a message at hand waits for; it has no rows",
    "tools.extensions.emails.receiving._answered": "which message one that came in answers",
    "tools.extensions.emails.receiving._gather": "the files of a message that comes in",
    "tools.extensions.emails.receiving._root": "which thread a message that came in belongs to",
    "tools.extensions.folders.add_version": "the number of the next version",
    "tools.extensions.folders.ancestors": "whoever sees a document sees the folders around it",
    "tools.extensions.folders.descendants": "passes privacy and the bin on to what lies within",
    "tools.extensions.folders.require_free": "compares names among those who see the same",
    "tools.extensions.meetings._before": "the meeting before, for what is carried on",
    "tools.extensions.meetings._later": "whether there is a next meeting",
    "tools.extensions.meetings._rows": "items carried on to the next meeting",
    "tools.extensions.sheet_batches._known": (
        "only the tool's admins publish, and they see every revision"
    ),
    "tools.extensions.sheet_batches._sets": (
        "only the tool's admins publish, and they see every drawing"
    ),
    "tools.extensions.sheet_batches.files_of": "the files of a batch at hand, which has no rows",
    "tools.extensions.sheet_batches.made_of": (
        "whoever sees a batch is an admin and sees its drawings"
    ),
    "tools.extensions.sheet_batches.under_way": "the copies of a batch at hand, which has no rows",
    "tools.extensions.submittals._steps": "works out whose turn it is",
    "tools.lifecycle.number": "the next number",
    "tools.lifecycle.revisions_of": "works out what follows for all revisions of a number",
    "tools.lists.has_role": "a condition beside the rule",
    "tools.lists.page_of": "`_matching` holds the rule",
    "tools.moments._act": "what a day or an hour that has come does by itself",
    "tools.moments._come": "what a day or an hour that has come does by itself",
    "tools.moments.close_due": "what a day or an hour that has come does by itself",
    "tools.people.project._in_court": (
        "how much waits for somebody who is about to leave the project"
    ),
    "tools.register._lines": "ids that `_matching` found by the rule",
    "tools.responses._carries_files": "one's own response",
    "tools.responses.draft": "one's own response",
    "tools.rows.insert": "the place of the next row",
    "tools.rows.removable": "a row that the view has found by the rule",
    "tools.rows.removed_rows": "what those who fill a table took out of it, for them alone",
    "tools.rows.rows_of": "what is worked out and shown to nobody",
    "tools.rows.total": "adds up a table's money",
    "wiring.chores._box_shut": "the sweep",
    "wiring.chores._is_spoken_of": "the sweep",
    "wiring.chores._link_made": "the sweep",
    "wiring.chores.end_sessions": "the sweep",
    "wiring.confirming._attached": "a target that the dialog has opened by the rule",
    "wiring.confirming._people": "the people of a company, narrowed by the rule where it is used",
    "wiring.picker_host._who_sees": "a target that the dialog has opened by the rule",
    "wiring.targets.PlumblineTargets.describe": "the name of a record in its chooser's own notice",
    "wiring.targets._place": "a worker's look at where a copy arrives",
    "wiring.targets.link_use": "how many copies are one's own",
}


def functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    """Yield each outermost function and method of the application with its name."""
    for path in sorted(WEBAPP.rglob("*.py")):
        module = ".".join(path.relative_to(WEBAPP).with_suffix("").parts)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in tree.body:
            if isinstance(node, ast.FunctionDef):
                yield f"{module}.{node.name}", node
            elif isinstance(node, ast.ClassDef):
                for member in node.body:
                    if isinstance(member, ast.FunctionDef):
                        yield f"{module}.{node.name}.{member.name}", member


def names_in(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def reads(function: ast.FunctionDef) -> bool:
    """Return whether a function reads one of the tables, whole or by a column."""
    owners = {
        node.value.id
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    for node in ast.walk(function):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        called = node.func.id if isinstance(node.func, ast.Name) else called
        asked: set[str] = set().union(*(names_in(argument) for argument in node.args))
        if called in READS and asked & TABLES:
            return True
        if called == "select" and owners & TABLES:
            return True
    return False


def test_every_query_passes_through_the_rule_or_says_why_not() -> None:
    unruled = {
        name
        for name, function in functions()
        if reads(function)
        and not name.startswith("records.visibility.")
        and not names_in(function) & RULE
    }
    assert sorted(unruled - SHOWN_TO_NOBODY.keys()) == []
    assert sorted(SHOWN_TO_NOBODY.keys() - unruled) == [], "these pass through the rule by now"


def test_a_query_that_asks_nobody_would_be_found() -> None:
    code = "def latest(session):\n    return session.scalars(select(Attachment.id)).all()\n"
    (function,) = ast.parse(code).body
    assert isinstance(function, ast.FunctionDef)
    assert reads(function)
    assert not names_in(function) & RULE
