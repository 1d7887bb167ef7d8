"""Prefect's own forms in a browser: an instance is saved, picked, submitted, and its run is seen.

What the forms send is Prefect's to say, and what our fields become in them changes with it.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from typing import Any

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from connect_tasks import Quotas
from connect_tasks.blocks import AmazonConnectInstance
from tests.browser import Tab, browser, needs_chromium
from tests.e2e.deployed import Deployed, everything_deployed, write_table

pytestmark = [needs_chromium, pytest.mark.long, pytest.mark.timeout(600)]

PATIENCE = 90
SETTINGS = "[conversation]\nmessages = ['hello']\nsettle_seconds = 0\nmax_replies = 1"


@pytest.fixture(scope="module", name="site")
def _site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    with everything_deployed(tmp_path_factory.mktemp("form"), []) as site:
        yield site


@pytest.fixture(name="tab")
def _tab() -> Iterator[Tab]:
    with browser() as another, closing(another()) as tab:
        tab.resize(1200, 1500)
        yield tab


def page(site: Deployed, path: str) -> str:
    return f"{site.server.url.removesuffix('/api')}/{path}"


def field(name: str) -> str:
    """The field of a run's form that has this name, as an expression in the page."""
    label = "e.querySelector('.schema-form-property__label')?.innerText.replace(' (Optional)', '')"
    fields = "[...document.querySelectorAll('.schema-form-property')]"
    return f"{fields}.find(e => {label} === {json.dumps(name)})"


def write(tab: Tab, box: str, text: str) -> None:
    """Type into a box once it is there."""
    tab.wait_for(box, PATIENCE)
    tab.run(f"{box}.focus()")
    tab.type(text)


def press(tab: Tab, words: str, within: str = "document") -> None:
    """Press the button with these words."""
    button = (
        f"[...({within}).querySelectorAll('button')].find(b => b.innerText.trim() === '{words}')"
    )
    tab.wait_for(button, PATIENCE)
    tab.run(f"{button}.click()")


def pick(tab: Tab, name: str, choice: str) -> None:
    """Pick a saved block in a field's list, as the list of a phone does."""
    choices = f"{field(name)}?.querySelector('select')"
    tab.wait_for(f"[...({choices}?.options ?? [])].some(o => o.text === '{choice}')", PATIENCE)
    tab.run(
        f"(() => {{ const s = {choices};"
        f" s.value = [...s.options].find(o => o.text === '{choice}').value;"
        " s.dispatchEvent(new Event('change', {bubbles: true})); })()"
    )


def refusals(tab: Tab) -> int:
    """How often the server has said that it is busy."""
    return len([line for line in tab.told if "503" in line])


def _came(tab: Tab, look: Callable[[], Any], before: int) -> bool:
    tab.run("0")  # What the page was told is heard with the answer.
    return bool(look()) or refusals(tab) > before


def press_until(tab: Tab, words: str, look: Callable[[], Any]) -> Any:
    """Press a button, and again whenever Prefect's SQLite was too busy and its server said so."""
    for _ in range(20):
        before = refusals(tab)
        press(tab, words)
        came = partial(_came, tab, look, before)
        tab.wait_until(came, f"something came of {words}", PATIENCE)
        if made := look():
            return made
    raise AssertionError(f"Prefect stayed busy: {tab.told[-3:]}")


def in_order(tab: Tab) -> list[str]:
    return list(
        tab.run(
            "[...document.querySelectorAll('.schema-form-property__label')].map(e => e.innerText)"
        )
    )


def test_an_instance_is_picked_in_the_form_of_a_campaign_and_its_run_is_seen(
    site: Deployed, tab: Tab
) -> None:
    table, customers = write_table(site.folder, "formed", 3)
    tab.open(page(site, f"deployments/deployment/{site.deployment('outreach')['id']}/run"))
    pick(tab, "connect", "local")
    write(tab, f"{field('customers')}.querySelector('textarea')", table)
    write(tab, f"{field('campaign')}.querySelector('textarea')", "formed")
    press(tab, "str", field("settings"))
    write(tab, f"{field('settings')}.querySelector('textarea')", SETTINGS)
    assert in_order(tab)[:3] == ["customers", "campaign", "connect"]

    (run,) = press_until(tab, "Submit", lambda: site.server.post("flow_runs/filter"))
    ended = site.ended(run["id"], 240)
    tab.open(page(site, f"runs/flow-run/{run['id']}"))
    tab.wait_for_text("formed · formed.csv", PATIENCE)
    tab.wait_for_text("Completed", PATIENCE)

    assert ended["state"]["message"] == "3 of 3 rows contacted, 3 replied."
    assert ended["parameters"]["settings"] == SETTINGS
    assert site.made(customers) == Counter(customers)


def test_an_instance_is_saved_by_its_form_without_its_quotas_being_opened(
    site: Deployed, tab: Tab
) -> None:
    site.prefect("block", "register", "-m", "connect_tasks.blocks")
    tab.open(page(site, "blocks/catalog/amazon-connect-instance/create"))
    tab.wait_for_text("Flow ID or ARN", PATIENCE)
    assert "Starts Per Second" not in tab.text
    write(tab, "document.querySelector('form input[type=text]')", "by-form")
    write(tab, "document.querySelectorAll('form textarea')[0]", "i-0042")
    write(tab, "document.querySelectorAll('form textarea')[1]", "f-0042")

    def saved() -> list[Any]:
        blocks = site.server.post("block_documents/filter")
        return [block for block in blocks if block["name"] == "by-form"]

    press_until(tab, "Create", saved)
    with temporary_settings({PREFECT_API_URL: site.server.url}):
        instance = AmazonConnectInstance.load("by-form")

    assert (instance.instance_id, instance.contact_flow_id) == ("i-0042", "f-0042")
    assert instance.quotas == Quotas()
    assert instance.aws_client_parameters.endpoint_url is None
