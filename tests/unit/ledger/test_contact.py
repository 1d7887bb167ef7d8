from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import product

import pytest

from connect_tasks.chat.dialogue import EndReason
from connect_tasks.ledger.contact import OPEN, SETTLED, TRANSITIONS, Contact, Status, diagram

# As promised in the documentation; every other step is an error.
STEPS = {
    ("planned", "failed"),
    ("planned", "starting"),
    ("planned", "withheld"),
    ("starting", "withheld"),
    ("starting", "started"),
    ("starting", "failed"),
    ("starting", "unknown"),
    ("unknown", "started"),
    ("unknown", "failed"),
    ("unknown", "completed"),
    ("started", "connected"),
    ("started", "completed"),
    ("connected", "completed"),
}
PAIRS = [(one, other) for one, other in product(Status, Status) if one is not other]


def make_contact(status: Status) -> Contact:
    return Contact(
        id=1,
        campaign="renewals",
        customer_id="0042",
        generation=1,
        status=status,
        client_token="t-1",
        request="{}",
        messages=(),
        planned_at=datetime(2026, 11, 22, 9, tzinfo=UTC),
    )


def paths(status: Status) -> Iterator[list[Status]]:
    yield [status]
    for target in TRANSITIONS[status]:
        for path in paths(target):
            yield [status, *path]


@pytest.mark.parametrize(
    ("source", "target"),
    [pair for pair in PAIRS if pair in STEPS],
    ids=str,
)
def test_a_contact_takes_a_step_of_the_table(source: Status, target: Status) -> None:
    assert make_contact(source).advance(target).status is target


@pytest.mark.parametrize(
    ("source", "target"),
    [pair for pair in PAIRS if pair not in STEPS],
    ids=str,
)
def test_a_contact_takes_no_other_step(source: Status, target: Status) -> None:
    with pytest.raises(ValueError, match=f"a {source} contact cannot become {target}"):
        make_contact(source).advance(target)


@pytest.mark.parametrize("status", Status, ids=str)
def test_a_status_never_comes_back(status: Status) -> None:
    # Were there a way back, walking the paths would never end.
    assert all(len(set(path)) == len(path) for path in paths(status))


@pytest.mark.parametrize("status", Status, ids=str)
def test_nothing_follows_a_settled_status_and_only_that(status: Status) -> None:
    assert (not TRANSITIONS[status]) is (status in SETTLED)


def test_open_chats_are_those_that_may_be_alive_at_amazon() -> None:
    assert {"started", "connected"} == OPEN


def test_the_states_are_those_promised() -> None:
    assert list(Status) == [
        "rejected",
        "duplicate",
        "planned",
        "starting",
        "started",
        "connected",
        "completed",
        "failed",
        "unknown",
        "withheld",
    ]


def test_the_end_reasons_are_those_promised() -> None:
    assert set(EndReason) == {
        "chat_ended",
        "replied",
        "heard",
        "silent",
        "time_limit",
        "left_open",
        "lost",
    }


def test_a_step_changes_other_fields_too_and_leaves_the_original() -> None:
    contact = make_contact(Status.STARTING)

    started = contact.advance(Status.STARTED, contact_id="c-1", attempts=2)

    assert (started.contact_id, started.attempts) == ("c-1", 2)
    assert (contact.status, contact.contact_id, contact.attempts) == (Status.STARTING, None, 0)


def test_the_same_status_again_changes_only_the_other_fields() -> None:
    again = make_contact(Status.CONNECTED).advance(Status.CONNECTED, attempts=3)

    assert (again.status, again.attempts) == (Status.CONNECTED, 3)


def test_the_diagram_draws_every_step_once() -> None:
    arrows = [tuple(line.split(" --> ")) for line in diagram().splitlines()[1:]]
    steps = [(source.strip(), target) for source, target in arrows if "[*]" not in source + target]

    assert diagram().startswith("stateDiagram-v2\n")
    assert len(steps) == len(STEPS)
    assert set(steps) == STEPS


def test_the_diagram_begins_with_new_rows_and_ends_with_settled_ones() -> None:
    lines = [line.strip() for line in diagram().splitlines()]

    assert {line for line in lines if line.startswith("[*]")} == {
        "[*] --> planned",
        "[*] --> rejected",
        "[*] --> duplicate",
        "[*] --> withheld",
    }
    assert {line for line in lines if line.endswith("[*]")} == {
        "rejected --> [*]",
        "duplicate --> [*]",
        "completed --> [*]",
        "failed --> [*]",
        "withheld --> [*]",
    }
