"""SearchContacts against a model: what is found, in which order, page by page."""

from typing import Any

import pytest
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.emulator.instance.backend import Backend
from connect_tasks.emulator.model.errors import RefusedError
from connect_tasks.emulator.model.validation import service_model
from connect_tasks.emulator.quotas import LocalQuotas
from connect_tasks.emulator.service import Service
from tests.unit.emulator.world import World, only_ended

BEGIN = World().clock().timestamp()


def asked(world: World, **members: Any) -> dict[str, Any]:
    times = {"Type": "DISCONNECT_TIMESTAMP", "StartTime": 0, "EndTime": 4e9}
    base = {"InstanceId": world.backend.instance_id, "TimeRange": times}
    return {**base, **members}


def everything(world: World, **members: Any) -> tuple[list[str], list[int]]:
    """All that is found, and how many there were on each page."""
    ids: list[str] = []
    sizes: list[int] = []
    token: dict[str, str] = {}
    # More pages than contacts can only be the same ones again.
    for _ in range(len(world.backend.chats) + 2):
        page = world.call("SearchContacts", **asked(world, **members, **token))
        ids += [contact["Id"] for contact in page["Contacts"]]
        sizes.append(len(page["Contacts"]))
        if "NextToken" not in page:
            return ids, sizes
        token = {"NextToken": page["NextToken"]}
    pytest.fail("the pages have no end")


def crowd(gaps: list[int], stopped: list[bool]) -> tuple[World, list[Any]]:
    world = World(quotas=LocalQuotas(**dict.fromkeys(LocalQuotas.__dataclass_fields__)))
    for number, (gap, is_stopped) in enumerate(zip(gaps, stopped, strict=False)):
        started = world.start("echo", ClientToken=f"t-{number}", Attributes={"n": str(number % 3)})
        world.clock.advance(seconds=gap)
        if is_stopped:
            world.stop(started["ContactId"])
    return world, [chat.record() for chat in world.backend.chats.values()]


GAPS = st.lists(st.integers(0, 3), max_size=12)


@given(
    gaps=GAPS,
    stopped=st.lists(st.booleans(), min_size=12, max_size=12),
    size=st.integers(1, 5),
    begin=st.integers(0, 12),
    end=st.integers(0, 24),
    order=st.sampled_from(["ASCENDING", "DESCENDING"]),
    kind=st.sampled_from(["DISCONNECT_TIMESTAMP", "INITIATION_TIMESTAMP"]),
)
def test_every_contact_of_the_time_comes_once_in_order(
    gaps: list[int],
    stopped: list[bool],
    size: int,
    begin: int,
    end: int,
    order: str,
    kind: str,
) -> None:
    world, records = crowd(gaps, stopped)
    times = {"Type": kind, "StartTime": BEGIN + begin, "EndTime": BEGIN + begin + end}
    ids, sizes = everything(
        world, TimeRange=times, MaxResults=size, Sort={"FieldName": kind, "Order": order}
    )
    moments = {
        r.contact_id: r.started_at if kind.startswith("INIT") else r.ended_at for r in records
    }
    wanted = {
        contact_id: moment.timestamp()
        for contact_id, moment in moments.items()
        if moment and begin <= moment.timestamp() - BEGIN <= begin + end
    }

    assert len(ids) == len(set(ids))
    assert set(ids) == set(wanted)
    in_order = [wanted[contact_id] for contact_id in ids]
    assert in_order == sorted(in_order, reverse=order == "DESCENDING")
    assert all(count == size for count in sizes[:-1])


def test_a_contact_that_ends_between_two_pages_moves_no_other() -> None:
    world, _ = crowd([1] * 6, [True] * 6)
    first = world.call("SearchContacts", **asked(world, MaxResults=3))
    late = world.start("echo", ClientToken="late")
    world.stop(late["ContactId"])
    second = world.call(
        "SearchContacts", **asked(world, MaxResults=3, NextToken=first["NextToken"])
    )
    ids = [contact["Id"] for page in (first, second) for contact in page["Contacts"]]

    assert len(set(ids)) == 6
    assert late["ContactId"] not in ids


@pytest.mark.parametrize(
    ("criteria", "numbers"),
    [
        ({}, range(6)),
        ({"Channels": ["VOICE", "TASK"]}, []),
        ({"Channels": ["CHAT", "VOICE"]}, range(6)),
        ({"InitiationMethods": ["API"]}, range(6)),
        ({"InitiationMethods": ["DISCONNECT", "TRANSFER"]}, []),
        ({"AgentIds": ["somebody"]}, []),
        ({"QueueIds": ["queue"]}, []),
        (
            {"SearchableContactAttributes": {"Criteria": [{"Key": "n", "Values": ["1", "2"]}]}},
            [1, 2, 4, 5],
        ),
        (
            {
                "SearchableContactAttributes": {
                    "Criteria": [{"Key": "n", "Values": ["1"]}, {"Key": "m", "Values": ["1"]}],
                    "MatchType": "MATCH_ANY",
                }
            },
            [1, 4],
        ),
        (
            {
                "SearchableContactAttributes": {
                    "Criteria": [{"Key": "n", "Values": ["1"]}],
                    "MatchType": "MATCH_NONE",
                }
            },
            [0, 2, 3, 5],
        ),
    ],
)
def test_criteria_choose_among_contacts(criteria: dict[str, Any], numbers: Any) -> None:
    world, records = crowd([1] * 6, [True] * 6)
    ids, _ = everything(world, SearchCriteria=criteria)

    assert set(ids) == {records[number].contact_id for number in numbers}


@pytest.mark.parametrize(
    "members",
    [
        {"NextToken": "made up"},
        {"NextToken": "WyJ4IiwgMSwgInkiXQ=="},
        {"SearchCriteria": {"ActiveRegions": ["us-east-1"]}},
        {"TimeRange": {"Type": "DISCONNECT_TIMESTAMP", "StartTime": 2, "EndTime": 1}},
    ],
    ids=["a token", "a token of our form", "a criterion", "times the wrong way round"],
)
def test_what_cannot_be_searched_for_is_refused(members: dict[str, Any]) -> None:
    world, _ = crowd([1] * 6, [True] * 6)
    with pytest.raises(RefusedError) as caught:
        world.call("SearchContacts", **asked(world, **members))

    assert caught.value.code == "InvalidRequestException"


def test_a_token_of_another_search_is_refused() -> None:
    world, _ = crowd([1] * 6, [True] * 6)
    token = world.call("SearchContacts", **asked(world, MaxResults=2))["NextToken"]
    other = {"SearchCriteria": {"InitiationMethods": ["API"]}, "NextToken": token}

    with pytest.raises(RefusedError, match="NextToken"):
        world.call("SearchContacts", **asked(world, **other))


def test_an_agent_and_those_of_before_a_restart_are_found_in_the_form_of_the_model() -> None:
    ended: list[Any] = []
    world = World()
    world.backend = Backend(now=world.clock, note=only_ended(ended))
    world.service = Service(world.backend, LocalQuotas.unlimited(), lambda: 0)
    socket, token = world.join("agent", SegmentAttributes={"a": {"ValueString": "b"}})
    world.call("DisconnectParticipant", token)
    before = world.call("SearchContacts", **asked(world))
    agent_id = before["Contacts"][0]["AgentInfo"]["Id"]
    by_agent, _ = everything(world, SearchCriteria={"AgentIds": [agent_id]})
    world.backend = Backend(now=world.clock, remembered=ended)
    world.service = Service(world.backend, LocalQuotas.unlimited(), lambda: 0)
    after = world.call("SearchContacts", **asked(world))

    contact_id = socket.items[0]["ContactId"]
    assert by_agent == [contact_id]
    for answer in (before, after):
        assert [contact["Id"] for contact in answer["Contacts"]] == [contact_id]
        assert {"DisconnectReason", "CustomerId", "Recordings"}.isdisjoint(answer["Contacts"][0])
        shape = service_model("connect").shape_for("SearchContactsResponse")
        assert ParamValidator().validate(answer, shape).generate_report() == ""
