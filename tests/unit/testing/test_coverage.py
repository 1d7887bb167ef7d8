"""What cases came through of a flow, as a table and as pictures."""

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.emulator.flows.exported.document import Action, Flow
from connect_tasks.errors import InputError
from connect_tasks.testing import RegressionResult, read_cases, rehearse_cases
from connect_tasks.testing.coverage import cover
from connect_tasks.testing.coverage_layout import Edge, lay_out
from connect_tasks.testing.coverage_mermaid import mermaid
from connect_tasks.testing.coverage_svg import svg

FLOWS = Path(__file__).parents[3] / "data" / "flows"
SVG = "{http://www.w3.org/2000/svg}"


def rehearsed(most: int | None = None) -> RegressionResult:
    return rehearse_cases(
        read_cases(FLOWS / "cases.csv")[:most],
        connect=FLOWS / "order-status-bot.json",
        world=FLOWS / "order-status-bot.world.json",
    )


def document() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((FLOWS / "order-status-bot.json").read_text("utf-8"))
    return content


def test_every_action_and_each_of_its_ways_has_a_row() -> None:
    table = rehearsed().coverage
    ways = {
        (action["Identifier"], way)
        for action in document()["Actions"]
        for way in [
            *(
                condition["Condition"]["Operands"][0]
                for condition in action["Transitions"].get("Conditions", [])
            ),
            *(error["ErrorType"] for error in action["Transitions"].get("Errors", [])),
        ]
    }

    rows = set(zip(table["identifier"], table["branch"], strict=True))
    assert ways <= rows
    assert {branch for _, branch in rows - ways} == {"Success", "Disconnected", "Queued"}
    assert set(table["identifier"]) == {action["Identifier"] for action in document()["Actions"]}


def test_what_a_case_came_through_is_counted() -> None:
    table = rehearsed(1).coverage.set_index(["identifier", "branch"])["times"]
    taken = {place: int(times) for place, times in table.items() if times}

    # The way of the first case, as its words show it.
    assert taken == {
        ("hello", "Success"): 1,
        ("ask", "OrderStatus"): 1,
        ("status", "Success"): 1,
        ("again", "Goodbye"): 1,
        ("bye", "Success"): 1,
        ("end", "Disconnected"): 1,
    }
    both = rehearsed(2).coverage.set_index(["identifier", "branch"])["times"]
    assert both["ask", "OrderStatus"] == 2


def test_a_transfer_to_a_queue_is_reached_by_being_queued() -> None:
    table = rehearsed().coverage.set_index(["identifier", "branch"])["times"]

    assert table["to queue", "Queued"] == 1
    assert table["to queue", "QueueAtCapacity"] == 1
    assert ("to queue", "Success") not in table.index


def test_what_no_chat_can_take_is_no_gap() -> None:
    keypad = Action(
        "1", "GetParticipantInput", next_action="2", errors={"NoMatchingError": "2"}, name="1"
    )
    end = Action("2", "DisconnectParticipant", name="2")
    flow = Flow("f", "1", {"1": keypad, "2": end}, "{}")

    (covered,) = cover([flow], [])
    assert [[branch.label for branch in one.branches] for one in covered.actions] == [
        ["NoMatchingError"],
        ["Disconnected"],
    ]


def test_the_flows_that_it_leads_to_are_looked_at_too() -> None:
    result = rehearse_cases(
        read_cases(FLOWS / "cases.csv")[:1],
        connect=FLOWS / "queue-hours.json",
        world=FLOWS / "queue-hours.world.json",
    )

    assert list(result.coverage["flow"].unique()) == ["queue-hours", "queue-hours-waiting"]
    assert "queue-hours-waiting" in result.coverage_svg("queue-hours-waiting")
    with pytest.raises(InputError, match="there are 'queue-hours', 'queue-hours-waiting'"):
        result.coverage_mermaid("another")


def test_the_picture_marks_what_was_not_reached() -> None:
    root = ET.fromstring(rehearsed(1).coverage_svg())  # noqa: S314 - our own
    boxes = {
        str(group.findtext(f"{SVG}title")): group.find(f"{SVG}rect")
        for group in root.iter(f"{SVG}g")
    }
    unreached = {
        name for name, box in boxes.items() if box is not None and box.get("class") == "no"
    }

    names = {action["Identifier"] for action in document()["Actions"]}
    assert set(boxes) == names
    assert names - unreached == {"hello", "ask", "status", "again", "bye", "end"}
    lines = [path.get("class") for path in root.iter(f"{SVG}path") if path.get("class")]
    assert (lines.count("yes"), len(lines)) == (5, 23)


def test_the_flowchart_marks_what_was_not_reached() -> None:
    text = rehearsed(1).coverage_mermaid()

    assert text.startswith("flowchart TD\n")
    assert len(re.findall(r"\]:::reached$", text, re.MULTILINE)) == 6
    assert len(re.findall(r"\]:::unreached$", text, re.MULTILINE)) == 6
    # Bold lines were taken, dotted ones were not; of two at one line the other one is named.
    assert 'a1 -->|"OrderStatus"| a2' in text
    assert 'a1 -.->|"TalkToAgent"| a6' in text
    assert 'a0 -->|"NoMatchingError (not reached)"| a1' in text


def test_the_picture_in_the_documents_is_the_one_of_the_cases_that_come_with_the_package() -> None:
    picture = FLOWS.parents[1] / "docs" / "images" / "flow-coverage.svg"

    assert picture.read_text("utf-8") == rehearsed().coverage_svg() + "\n", (
        f"write what coverage_svg() gives for data/flows/cases.csv to {picture.name}"
    )


def test_of_an_instance_nothing_is_known() -> None:
    with pytest.raises(InputError, match="Amazon does not tell"):
        RegressionResult("f", []).coverage_svg()
    assert len(RegressionResult("f", []).coverage) == 0


_NAMES = st.sampled_from([f"a{n}" for n in range(8)])


@given(st.lists(st.tuples(_NAMES, _NAMES), max_size=24), _NAMES)
def test_no_two_actions_stand_in_one_place_whatever_leads_where(
    pairs: list[tuple[str, str]], start: str
) -> None:
    names = [f"a{n}" for n in range(8)]
    edges = [Edge(source, target, ()) for source, target in dict.fromkeys(pairs)]

    layout = lay_out(start, names, edges)

    assert set(layout.places) == set(names)
    rows: dict[float, list[float]] = {}
    for across, down in layout.places.values():
        rows.setdefault(down, []).append(across)
    for row in rows.values():
        gaps = [b - a for a, b in zip(sorted(row), sorted(row)[1:], strict=False)]
        assert all(gap > 0.999 for gap in gaps)


def chain(count: int, text: str = "Hello") -> Flow:
    """Every action leads on, back to the start, and to the end."""
    actions = {
        str(n): Action(
            str(n),
            "MessageParticipant",
            {"Text": text},
            next_action=str(n + 1) if n < count - 1 else None,
            errors={"NoMatchingError": "0", "Other": str(count - 1)},
            name=str(n),
        )
        for n in range(count)
    }
    return Flow("chain", "0", actions, "{}")


@pytest.mark.parametrize("count", [1, 2, 1_000])
def test_a_flow_of_any_size_is_drawn(count: int) -> None:
    (covered,) = cover([chain(count)], [])

    assert len(re.findall("<rect x=", svg(covered))) == count
    assert mermaid(covered).count(":::unreached") == count


@given(st.text(max_size=40))
def test_any_text_of_a_flow_can_be_drawn(text: str) -> None:
    (covered,) = cover([chain(2, text)], [])

    ET.fromstring(svg(covered).encode("utf-8", "replace"))  # noqa: S314 - our own
    for line in mermaid(covered).splitlines():
        assert line.count('"') in {0, 2}


def test_an_empty_flow_is_drawn() -> None:
    (covered,) = cover([Flow("empty", "0", {}, "{}")], [])

    ET.fromstring(svg(covered))  # noqa: S314 - our own
    assert mermaid(covered).startswith("flowchart TD")
