"""Pressing a button, with answers that are made up and time that does not pass."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from random import Random
from typing import Any

import httpx
import pytest

from connect_tasks.emulator.people.link import Link, PressedError

STARTED = {"ContactId": "c", "ParticipantId": "p", "ParticipantToken": "t"}
OPEN = httpx.Response(200, json={"data": {"startChatResult": STARTED}})


def pressed(
    *answers: httpx.Response, most: int = 5, seed: int = 1
) -> tuple[Any, list[float], Link]:
    """What came of pressing, how long was waited each time, and the link."""
    left, waits = list(answers), []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async def press() -> Any:
        transport = httpx.MockTransport(lambda _: left.pop(0))
        async with httpx.AsyncClient(transport=transport) as http:
            chance = Random(seed)  # noqa: S311 - no secret
            link = Link(http, "http://127.0.0.1/i/x", chance, sleep, most)
            try:
                return await link.press(), link
            except PressedError as error:
                return error, link

    outcome, link = asyncio.run(press())
    return outcome, waits, link


def busy(retry_after: str | None) -> httpx.Response:
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return httpx.Response(503, json={"error": {"code": "busy"}}, headers=headers)


def test_what_was_started_is_given_back() -> None:
    outcome, waits, link = pressed(OPEN)

    assert (outcome, waits, link.presses, link.put_off) == (STARTED, [], 1, 0)


@pytest.mark.parametrize("seconds", [0, 1, 7, 120])
def test_whoever_is_put_off_waits_as_long_as_asked_or_half_as_long_again(seconds: int) -> None:
    outcome, (wait,), link = pressed(busy(f"{seconds}"), OPEN)

    assert outcome == STARTED
    assert seconds <= wait <= max(seconds * 1.5, seconds + 0.1)
    assert (link.presses, link.put_off) == (2, 1)


def test_a_time_to_come_again_is_waited_for() -> None:
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    _, (wait,), _ = pressed(busy(moment), OPEN)

    assert 80 < wait < 140


@pytest.mark.parametrize("header", [None, "", "soon", "-3", "1.5"])
def test_without_a_time_one_waits_for_a_second(header: str | None) -> None:
    _, (wait,), _ = pressed(busy(header), OPEN)

    assert 1 <= wait <= 1.5


@pytest.mark.parametrize(
    ("answer", "code", "is_refusal"),
    [
        (httpx.Response(410, json={"error": {"code": "over"}}), "over", True),
        (httpx.Response(410, text="gone"), "410", True),
        (httpx.Response(500, json=["error"]), "500", False),
        (httpx.Response(404, json={"error": {"code": 4}}), "404", False),
    ],
)
def test_any_other_answer_ends_it_under_its_code(
    answer: httpx.Response, code: str, *, is_refusal: bool
) -> None:
    error, waits, link = pressed(answer)

    assert (error.code, error.is_refusal, error.is_put_off) == (code, is_refusal, False)
    assert (waits, link.presses) == ([], 1)


def test_whoever_was_put_off_often_enough_gives_up() -> None:
    error, waits, link = pressed(*[busy("1")] * 3, most=3)

    assert error.is_put_off
    assert link.put_off == 3
    assert len(waits) == 3


def test_people_who_are_put_off_together_come_back_at_different_times() -> None:
    waits = {pressed(busy("10"), OPEN, seed=seed)[1][0] for seed in range(20)}

    assert len(waits) == 20
    assert max(waits) - min(waits) > 2
