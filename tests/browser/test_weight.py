"""What choosing a file costs a phone: a first visit to a record, with the picker open in Box."""

from urllib.parse import urlsplit

from playwright.sync_api import expect

from tests.browser.conftest import Actor
from tests.browser.picking import open_dialog, settled
from tests.support.chromium import Surfer

KB = 1000
ALL_MAX, SCRIPTS_MAX, STYLES_MAX = 50 * KB, 15 * KB, 12 * KB


def test_a_first_visit_with_the_picker_open_is_light(linked: Actor, surfer: Surfer) -> None:
    tab, record = surfer.tab, linked.new_rfi("Light")
    wire = surfer.context.new_cdp_session(tab)
    wire.send("Network.enable")
    addresses: dict[str, str] = {}
    sizes: dict[str, int] = {}
    wire.on(
        "Network.requestWillBeSent",
        lambda event: addresses.update({event["requestId"]: event["request"]["url"]}),
    )
    headers: dict[str, int] = {}
    wire.on(
        "Network.responseReceived",
        lambda event: headers.update(
            {event["requestId"]: int(event["response"]["encodedDataLength"])}
        ),
    )
    wire.on(
        "Network.loadingFinished",
        lambda event: sizes.update({event["requestId"]: int(event["encodedDataLength"])}),
    )
    tab.goto(record)
    dialog = open_dialog(tab)
    expect(dialog.get_by_role("link", name="Quillmark Projects")).to_be_visible()
    settled(tab)
    # Without their headers, as bundles are weighed everywhere.
    weighed = {urlsplit(addresses[id_]).path: size - headers[id_] for id_, size in sizes.items()}
    ours = {path: size for path, size in weighed.items() if "/vendor/" not in path}
    table = "\n".join(f"{size:7} {path}" for path, size in sorted(weighed.items()))
    assert sum(size for path, size in ours.items() if path.endswith(".js")) <= SCRIPTS_MAX, table
    assert sum(size for path, size in ours.items() if path.endswith(".css")) <= STYLES_MAX, table
    assert sum(weighed.values()) <= ALL_MAX, table
    assert len(weighed) > 10, table
