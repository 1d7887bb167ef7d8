from typing import Any

from tests.unit.emulator.world import World

TYPING = "application/vnd.amazonaws.connect.event.typing"


def chat(world: World, messages: int = 5) -> str:
    """A silent chat with this many messages after the customer joined."""
    _, token = world.join("silent")
    for number in range(1, messages + 1):
        world.clock.advance(seconds=1)
        world.say(token, f"m{number}")
    return token


def read(world: World, token: str, **params: object) -> list[str]:
    page = world.call("GetTranscript", token, **params)["Transcript"]
    return [item.get("Content", "joined") for item in page]


def all_pages(world: World, token: str, **params: object) -> list[list[str]]:
    pages: list[list[str]] = []
    following: dict[str, str] = {}
    while True:
        answer: dict[str, Any] = world.call("GetTranscript", token, **params, **following)
        pages.append([item.get("Content", "joined") for item in answer["Transcript"]])
        if not answer.get("NextToken"):
            return pages
        following = {"NextToken": answer["NextToken"]}


def test_by_default_the_ten_latest_come_newest_first(world: World) -> None:
    token = chat(world, 12)

    assert read(world, token) == [f"m{number}" for number in range(12, 2, -1)]


def test_ascending_order_turns_the_page_around_but_not_the_choice(world: World) -> None:
    token = chat(world)

    assert read(world, token, MaxResults=2, SortOrder="ASCENDING") == ["m4", "m5"]


def test_reading_forward_begins_at_the_head(world: World) -> None:
    token = chat(world)
    order = {"ScanDirection": "FORWARD", "SortOrder": "ASCENDING"}

    assert read(world, token, MaxResults=2, **order) == ["joined", "m1"]


def test_pages_hold_every_item_once_in_both_directions(world: World) -> None:
    token = chat(world)
    order = {"SortOrder": "ASCENDING", "MaxResults": 4}

    assert all_pages(world, token, ScanDirection="FORWARD", **order) == [
        ["joined", "m1", "m2", "m3"],
        ["m4", "m5"],
    ]
    assert all_pages(world, token, ScanDirection="BACKWARD", **order) == [
        ["m2", "m3", "m4", "m5"],
        ["joined", "m1"],
    ]


def test_from_an_id_it_reads_forward_unless_told_otherwise(world: World) -> None:
    token = chat(world)
    third = world.call("GetTranscript", token)["Transcript"][2]
    start = {"StartPosition": {"Id": third["Id"]}, "SortOrder": "ASCENDING"}

    assert third["Content"] == "m3"
    assert read(world, token, **start) == ["m3", "m4", "m5"]
    assert read(world, token, ScanDirection="BACKWARD", **start) == ["joined", "m1", "m2", "m3"]


def test_from_a_time_it_reads_what_came_then_or_later(world: World) -> None:
    token = chat(world)
    moment = world.call("GetTranscript", token)["Transcript"][1]["AbsoluteTime"]
    start = {"StartPosition": {"AbsoluteTime": moment}, "SortOrder": "ASCENDING"}

    assert read(world, token, **start) == ["m4", "m5"]
    assert read(world, token, ScanDirection="BACKWARD", MaxResults=2, **start) == ["m3", "m4"]


def test_from_the_most_recent_it_reads_that_many(world: World) -> None:
    token = chat(world)

    assert read(world, token, StartPosition={"MostRecent": 2}, SortOrder="ASCENDING") == [
        "m4",
        "m5",
    ]


def test_an_empty_start_position_is_none(world: World) -> None:
    token = chat(world)

    assert read(world, token, StartPosition={}) == read(world, token)


def test_of_another_contact_it_reads_nothing(world: World) -> None:
    assert read(world, chat(world), ContactId="another") == []


def test_typing_is_not_kept(world: World) -> None:
    token = chat(world, 1)
    world.call("SendEvent", token, ContentType=TYPING)

    assert read(world, token) == ["m1", "joined"]


def test_the_initial_message_stands_at_the_head_in_the_customers_name(world: World) -> None:
    message = {"ContentType": "text/plain", "Content": "I have a question"}
    _, token = world.join("silent", InitialMessage=message)

    page = world.call("GetTranscript", token, SortOrder="ASCENDING")["Transcript"]
    assert page[0]["Content"] == "I have a question"
    assert page[0]["ParticipantRole"] == "CUSTOMER"
    assert page[0]["DisplayName"] == "Ann"
    assert page[1]["ContentType"].endswith("participant.joined")
