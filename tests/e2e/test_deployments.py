"""`prefect.yaml` on a real server with a real worker: forms, runs, and what is refused."""

import tomllib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from connect_tasks.campaign.links import InvitationKeys
from tests.e2e.deployed import (
    LINK_KEY,
    ROOT,
    Deployed,
    denied_once,
    everything_deployed,
    read_yaml,
    write_table,
)
from tests.e2e.servers import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

DEPLOYMENTS: list[dict[str, Any]] = read_yaml(ROOT / "prefect.yaml")["deployments"]


@pytest.fixture(scope="module", name="site")
def _site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    faults = [denied_once("halted-0010")]
    with everything_deployed(tmp_path_factory.mktemp("deployed"), faults) as site:
        yield site


def form(site: Deployed, **filled_in: Any) -> dict[str, Any]:
    """What the browser sends: of what nobody filled in the default that the schema gives."""
    schema = site.deployment("outreach")["parameter_openapi_schema"]
    names = {"display_name": "{{ display_name }} of {{ customer_id }}"}
    said = {"messages": ["Is it still right, {{ display_name }}?"], "max_replies": 1}
    return {
        **defaults(schema),
        "template": defaults(schema["definitions"]["ChatTemplate"]) | names,
        "conversation": defaults(schema["definitions"]["Conversation"]) | said,
        "connect": site.instance,
        **filled_in,
    }


def defaults(schema: dict[str, Any]) -> dict[str, Any]:
    fields = schema["properties"]
    return {name: one["default"] for name, one in fields.items() if "default" in one}


def test_every_deployment_says_what_it_is_and_its_form_explains_every_field(
    site: Deployed,
) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

    for wanted in DEPLOYMENTS:
        deployment = site.deployment(wanted["name"])
        fields = deployment["parameter_openapi_schema"]["properties"]
        assert deployment["description"], wanted["name"]
        assert deployment["version"] == version
        assert "connect-tasks" in deployment["tags"]
        assert [name for name, one in fields.items() if not one.get("description")] == []


@pytest.mark.parametrize("model", ["ChatTemplate", "Conversation", "ChatMessageTemplate", "Quotas"])
def test_the_form_explains_every_field_of_what_is_nested(site: Deployed, model: str) -> None:
    definitions = site.deployment("outreach")["parameter_openapi_schema"]["definitions"]
    fields = definitions[model]["properties"]

    assert fields
    assert [name for name, one in fields.items() if not one.get("description")] == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"campaign": None}, "None is not of type 'string'"),
        ({"campaign": ""}, "'' should be non-empty"),
        ({"customers": ""}, "'' should be non-empty"),
        ({"workers": "many"}, "'many' is not of type 'integer'"),
        ({"workers": 0}, "0 is less than the minimum of 1"),
        ({"conversation": {"close": "slam"}}, "'slam' is not one of ['stop', 'disconnect'"),
        ({"template": {"colour": "red"}}, "('colour' was unexpected)"),
        ({"connect": ""}, "'' is not valid"),
    ],
    ids=lambda case: str(case)[:40],
)
def test_a_wrongly_filled_form_is_refused_and_makes_no_run(
    site: Deployed, changes: dict[str, Any], sentence: str
) -> None:
    before = site.server.post("flow_runs/count")
    right = {"customers": "customers.csv", "campaign": "wrong"}

    answer = site.press_run("outreach", **form(site, **right | changes))

    assert answer.status_code == 409
    assert sentence in answer.json()["detail"]
    assert site.server.post("flow_runs/count") == before


def test_a_form_without_a_campaign_is_refused(site: Deployed) -> None:
    answer = site.press_run("outreach", **form(site, customers="customers.csv"))

    assert answer.status_code == 409
    assert "'campaign' is a required property" in answer.json()["detail"]


def test_what_the_form_sends_contacts_everybody_once_and_shows_how_it_went(site: Deployed) -> None:
    table, customers = write_table(site.folder, "pressed", 100)
    files = site.folder / "pressed"
    filled_in = form(site, customers=table, campaign="pressed", save_to=str(files))
    pressed_twice = [site.begin("outreach", **filled_in) for _ in range(2)]

    runs = sorted(
        (site.ended(run) for run in pressed_twice), key=lambda run: str(run["start_time"])
    )

    first, second = runs
    about = {"flow_runs": {"id": {"any_": [first["id"]]}}}
    logs = site.server.post("logs/filter", logs={"flow_run_id": {"any_": [first["id"]]}})
    artifacts = site.server.post("artifacts/filter", **about)
    assert [run["state_name"] for run in runs] == ["Completed", "Completed"]
    assert first["name"] == "pressed · pressed.csv"
    assert "100 of 100" in first["state"]["message"]
    # One at a time: the second waited, and found nobody left.
    assert first["end_time"] <= second["start_time"]
    assert site.made(customers) == Counter(customers)
    assert {"pressed-progress", "pressed-summary"} <= {one["key"] for one in artifacts}
    wait_until(lambda: site.events("connect-tasks.campaign.finished"), 60, "the event is stored")
    assert site.events("connect-tasks.campaign.finished")[0]["payload"]["completed"] == 100
    # One line per event that matters: never one per customer.
    assert 5 < len(logs) < 40, [line["message"] for line in logs]
    assert "Zebulon" not in str(logs) + str(artifacts) + str(runs)
    assert {path.name for path in files.iterdir()} == {
        "attributes.csv",
        "contacts.csv",
        "decisions.csv",
        "messages.csv",
        "replies.csv",
        "report.html",
    }


@pytest.mark.long
def test_links_are_issued_and_taken_back_from_the_forms_and_prefect_has_none_of_them(
    site: Deployed,
) -> None:
    table, customers = write_table(site.folder, "linked", 20)
    files, campaign = site.folder / "linked", {"campaign": "linked"}
    fields = site.deployment("invite")["parameter_openapi_schema"]
    filled_in = {
        **defaults(fields),
        "template": defaults(fields["definitions"]["ChatTemplate"]),
        "connect": site.instance,
        "base_url": "https://chat.example.com",
        "save_to": str(files),
        **campaign,
    }

    invited = site.run("invite", **filled_in, customers=table)
    revoked = site.run("revoke", **campaign, customers=customers[:3])
    again = site.run("invite", **filled_in, customers=table)
    resumed = site.run("resume", **campaign, connect=site.instance)

    runs = [invited, revoked, again, resumed]
    assert [run["state_type"] for run in runs] == ["COMPLETED"] * 4, runs
    assert invited["name"] == "linked · linked.csv"
    links = (files / "invitations.csv").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[0] for line in links[1:]] == customers[3:]
    assert site.made(customers) == Counter()
    kept = str(site.server.post("logs/filter")) + str(site.server.post("artifacts/filter"))
    kept += str(site.server.post("flow_runs/filter")) + str(site.server.post("task_runs/filter"))
    tokens = [InvitationKeys(LINK_KEY).token("linked", customer) for customer in customers]
    assert f"https://chat.example.com/i/{tokens[3]}" in links[1]
    assert "linked" in kept
    assert [secret for secret in (*tokens, LINK_KEY) if secret in kept] == []


def test_a_table_that_is_missing_fails_the_run_at_once_with_a_sentence(site: Deployed) -> None:
    before = len(site.local.contacts)

    run = site.run("outreach", **form(site, customers="/nowhere/people.csv", campaign="nowhere"))

    assert run["state_name"] == "Failed"
    assert "InputError" in run["state"]["message"]
    assert "/nowhere/people.csv" in run["state"]["message"]
    assert len(site.local.contacts) == before


def test_a_failed_run_that_is_retried_goes_on_where_it_was(site: Deployed) -> None:
    table, customers = write_table(site.folder, "halted", 30)
    run = site.run("outreach", **form(site, customers=table, campaign="halted"))
    made_before = site.made(customers)

    site.prefect("flow-run", "retry", run["id"])
    retried = site.ended(run["id"])

    assert run["state_name"] == "Failed"
    assert "AccessDeniedException" in run["state"]["message"]
    assert 0 < len(made_before) < 30
    assert (retried["state_name"], retried["run_count"]) == ("Completed", 2)
    assert site.made(customers) == Counter(customers)


@pytest.mark.long
def test_every_other_deployment_runs_too(site: Deployed) -> None:
    table, customers = write_table(site.folder, "shared", 60)
    shared = {"campaign": "shared"}
    workers = site.run(
        "outreach-on-workers",
        **shared,
        customers=table,
        connect="local",
        workers=2,
        conversation={"max_replies": 1},
    )
    begun = [site.begin(name, **shared) for name in ("status", "pause", "stop")]
    begun.append(site.begin("resume", **shared, connect=site.instance))
    # Where nobody picks it in a form, a block has a name.
    begun.append(site.begin("verify", connect="local"))
    decided = {"customer_id": customers[0], "decision": "was_contacted"}
    resolved = site.run("resolve", **shared, **decided)
    ended = [workers, *map(site.ended, begun)]
    forgotten = site.run("forget", **shared, customer_id=customers[1])
    erased = site.run("erase", **shared)

    deployment = {"deployment_id": {"any_": [site.deployment("campaign-worker")["id"]]}}
    helpers = site.server.post("flow_runs/filter", flow_runs=deployment)
    runs = [*ended, forgotten, erased, *helpers]
    assert [run["state_name"] for run in runs] == ["Completed"] * 10, runs
    assert resolved["state_name"] == "Failed"
    assert "no unknown contact" in resolved["state"]["message"]
    assert customers[1] not in str(forgotten)
    assert site.made(customers) == Counter(customers)
