"""The parts of the app that decide and wait for nothing, or nearly so."""

import asyncio
import json
import logging
import threading
from collections.abc import Collection, Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect_tasks.aws.models import StartChatContactResponse
from connect_tasks.errors import AccessDeniedError, LedgerError
from connect_tasks.invitations.answers import NOT_VALID, OVER, busy, chat_open, is_usable
from connect_tasks.invitations.budgets import LinkBudgets
from connect_tasks.invitations.duties import Duties
from connect_tasks.invitations.hooks import Hook, StartedByPress
from connect_tasks.invitations.looks import FullError, Looks
from connect_tasks.invitations.masked_logs import mask_access_logs, masked
from connect_tasks.invitations.shortage import Shortage
from connect_tasks.invitations.troubles import LEDGER, Troubles
from connect_tasks.ledger.clicks import FoundLink
from tests.unit.invitations.test_verdicts import contact, link
from tests.unit.virtual_time import LoopClock, run, settle

SECRET = "participant-token-1"


def response(**more: str) -> StartChatContactResponse:
    wire = {"ContactId": "c-1", "ParticipantId": "p-1", "ParticipantToken": SECRET, **more}
    return StartChatContactResponse.from_wire(wire)


def test_an_answer_shows_no_token_when_it_is_printed() -> None:
    answer = chat_open(response())
    assert SECRET in answer.body.decode()
    assert SECRET not in repr(answer)
    assert SECRET not in str([answer, response()])


def test_what_amazon_tells_of_a_dead_chat_lets_nobody_in() -> None:
    assert not is_usable(StartChatContactResponse.from_wire({"ContactId": "c-1"}))
    assert is_usable(response())


@pytest.mark.parametrize(("seconds", "told"), [(0, 1), (0.2, 1), (1.01, 2), (60, 60)])
def test_who_is_to_come_back_is_told_when_in_whole_seconds(seconds: float, told: int) -> None:
    answer = busy(seconds)
    assert answer.headers == {"Retry-After": str(told)}
    assert json.loads(answer.body)["error"]["retry_after_seconds"] == told


def test_only_busy_tells_to_come_back() -> None:
    assert NOT_VALID.headers == OVER.headers == {}


def test_a_links_budget_is_used_up_and_comes_back_bit_by_bit() -> None:
    budgets = LinkBudgets(burst=3, seconds=10)
    for _ in range(3):
        assert budgets.wait("a", 100) == 0
        budgets.spend("a", 100)
    assert budgets.wait("a", 100) == 10
    assert budgets.wait("a", 107) == 3
    assert budgets.wait("b", 100) == 0
    assert budgets.wait("a", 110) == 0
    budgets.spend("a", 110)
    assert budgets.wait("a", 110) == 10
    assert budgets.wait("a", 1_000) == 0


@given(
    burst=st.integers(1, 5),
    gaps=st.lists(st.floats(0, 30, allow_nan=False), min_size=1, max_size=60),
)
def test_no_link_costs_more_calls_than_its_budget_whenever_it_is_pressed(
    burst: int, gaps: list[float]
) -> None:
    budgets, now, spent = LinkBudgets(burst=burst, seconds=10), 0.0, 0
    for gap in gaps:
        now += gap
        if budgets.wait("a", now) == 0:
            budgets.spend("a", now)
            spent += 1
        assert spent <= burst + now / 10 + 1e-6


def test_budgets_of_many_links_take_little_memory() -> None:
    budgets = LinkBudgets(burst=1, seconds=10, most_links=100)
    for number in range(1_000):
        budgets.spend(str(number), 0)
    assert len(budgets._whole_at) == 100
    assert budgets.wait("999", 0) == 10


def test_a_trouble_is_told_once_until_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    troubles = Troubles(pause_seconds=5)
    denied = AccessDeniedError("no", code="AccessDeniedException")
    for now in (0, 1, 2):
        troubles.meet("renewals", denied, now)
    assert len(caplog.records) == 1
    assert troubles.wait("renewals", 3) == 4
    assert troubles.wait("others", 3) == 0
    troubles.over("renewals")
    assert troubles.wait("renewals", 3) == 0
    troubles.meet("renewals", denied, 4)
    assert [record.levelno for record in caplog.records] == [
        logging.ERROR,
        logging.WARNING,
        logging.ERROR,
    ]


def test_a_campaign_may_be_called_as_it_pleases(caplog: pytest.LogCaptureFixture) -> None:
    troubles = Troubles(pause_seconds=5)
    troubles.meet("the ledger", AccessDeniedError("no"), now=100)
    assert troubles.wait(LEDGER, 100) == 0
    troubles.meet(LEDGER, LedgerError("away"), now=100)
    troubles.over(LEDGER)
    assert troubles.wait("the ledger", 100) == 5
    assert len(caplog.messages) == 3


def test_each_key_that_is_missing_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    troubles = Troubles()
    for key_id in ("0a0a0a0a", "0b0b0b0b", "0a0a0a0a"):
        troubles.miss_key(key_id, "renewals")
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert troubles.wait("renewals", 0) == 0


def test_the_text_of_a_foreign_error_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    Troubles().meet("renewals", ValueError("what Ada said"), 0)
    assert "ValueError" in caplog.text
    assert "Ada" not in caplog.text


@given(token=st.from_regex(r"[A-Za-z0-9_/%.-]{1,60}", fullmatch=True))
def test_no_part_of_a_token_is_left_in_a_masked_line(token: str) -> None:
    assert masked(f'1.2.3.4 - "POST /i/{token} HTTP/1.1" 200') == (
        '1.2.3.4 - "POST /i/… HTTP/1.1" 200'
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("1.2.3.4:5", "POST", "/i/secret-token?a=b", "1.1", 200),
        ({"r": "POST /i/secret-token HTTP/1.1", "s": 200},),
    ],
)
def test_access_logs_of_other_servers_keep_their_form(arguments: tuple[object, ...]) -> None:
    mask_access_logs()
    mask_access_logs()
    logger = logging.getLogger("uvicorn.access")
    seen: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = seen.append  # type: ignore[method-assign,assignment]
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(logging.INFO)
    try:
        line = "%(r)s %(s)s" if isinstance(arguments[0], dict) else "%s %s %s %s %d"
        logger.info(line, *arguments)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    assert "secret-token" not in seen[0].getMessage()
    assert "/i/…" in seen[0].getMessage()
    assert "200" in seen[0].getMessage()


class Ledger:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.go_on = asyncio.Event()
        self.error: Exception | None = None

    async def find(self, hashes: Collection[str]) -> Mapping[str, FoundLink]:
        self.asked.append(list(hashes))
        await self.go_on.wait()
        if self.error:
            raise self.error
        return {name: link(token_hash=name) for name in hashes if name.startswith("h")}


def test_looks_that_come_together_share_a_question_and_each_gets_its_own() -> None:
    async def story() -> tuple[list[list[str]], list[str | None]]:
        ledger = Ledger()
        looks = Looks(ledger.find)
        names = ["h1", "h2", "x", "h1", "h2"]
        finding = [asyncio.ensure_future(looks.find(name)) for name in names]
        await settle()
        ledger.go_on.set()
        found = await asyncio.gather(*finding)
        return ledger.asked, [None if one is None else one.token_hash for one in found]

    asked, found = run(story())
    assert found == ["h1", "h2", None, "h1", "h2"]
    assert sorted(name for names in asked for name in names) == ["h1", "h2", "x"]


def test_who_looks_while_a_question_is_under_way_is_answered_by_the_next() -> None:
    async def story() -> list[list[str]]:
        ledger = Ledger()
        looks = Looks(ledger.find)
        first = asyncio.ensure_future(looks.find("h1"))
        await settle()
        second = asyncio.ensure_future(looks.find("h1"))
        await settle()
        ledger.go_on.set()
        await asyncio.gather(first, second)
        return ledger.asked

    assert run(story()) == [["h1"], ["h1"]]


def test_what_would_wait_too_long_is_turned_away_and_questions_stay_small() -> None:
    async def story() -> tuple[int, list[int]]:
        ledger = Ledger()
        looks = Looks(ledger.find, most_waiting=30, most_at_once=10)
        finding = [asyncio.ensure_future(looks.find(f"x{number}")) for number in range(60)]
        await settle()
        ledger.go_on.set()
        found = await asyncio.gather(*finding, return_exceptions=True)
        return sum(isinstance(one, FullError) for one in found), [len(a) for a in ledger.asked]

    refused, sizes = run(story())
    assert refused == 30
    assert max(sizes) <= 10


@pytest.mark.parametrize("links", [1, 3, 40])
def test_no_more_wait_than_there_are_places_for_whatever_they_ask_for(links: int) -> None:
    async def story() -> tuple[int, object]:
        ledger = Ledger()
        looks = Looks(ledger.find, most_waiting=20, most_at_once=10)
        finding = list[asyncio.Future[FoundLink | None]]()
        for number in range(40):
            # Also while a question is under way that is not answered.
            finding.append(asyncio.ensure_future(looks.find(f"x{number % links}")))
            await settle()
        refused = sum(isinstance(one.exception(), FullError) for one in finding if one.done())
        for one in finding:
            one.cancel()
        await settle()
        # Who gives up gives their place to others.
        ledger.go_on.set()
        return refused, await looks.find("h1")

    refused, found = run(story())
    assert refused == 20
    assert isinstance(found, FoundLink)


def test_a_question_that_fails_fails_those_who_asked_it_and_nobody_after() -> None:
    async def story() -> tuple[object, object]:
        ledger = Ledger()
        looks, ledger.error = Looks(ledger.find), LedgerError("away")
        ledger.go_on.set()
        [first] = await asyncio.gather(looks.find("h1"), return_exceptions=True)
        ledger.error = None
        return first, await looks.find("h1")

    first, second = run(story())
    assert isinstance(first, LedgerError)
    assert isinstance(second, FoundLink)


def test_who_gives_up_a_look_takes_it_from_nobody_else() -> None:
    async def story() -> object:
        ledger = Ledger()
        looks = Looks(ledger.find)
        first, second = (asyncio.ensure_future(looks.find("h1")) for _ in range(2))
        await settle()
        first.cancel()
        ledger.go_on.set()
        return await second

    assert isinstance(run(story()), FoundLink)


def test_a_hook_that_is_too_slow_is_left_out_and_never_waited_for() -> None:
    async def story() -> int:
        told: list[object] = []

        async def never(started: object) -> None:
            told.append(started)
            await asyncio.Event().wait()

        hook = Hook(never)
        hook.MOST_WAITING, hook.END_SECONDS = 5, 0.05
        started = contact(contact_id="c-1", started_at=datetime(2026, 11, 27, tzinfo=UTC))
        for _ in range(10):
            hook.tell(started)
        waiting = len(hook._calls)
        await hook.end()
        return waiting

    assert asyncio.run(story()) == 5


STARTED = contact(contact_id="c-1", started_at=datetime(2026, 11, 27, tzinfo=UTC))


def test_a_function_that_never_returns_keeps_no_loop_from_ending_and_others_are_told() -> None:
    never, told = threading.Event(), list[object]()

    async def story() -> None:
        loop, all_told = asyncio.get_running_loop(), asyncio.Event()

        def hangs(started: StartedByPress) -> None:
            told.append(started)
            if len(told) == 10:
                loop.call_soon_threadsafe(all_told.set)
            if len(told) <= 6:
                never.wait()

        hook = Hook(hangs)
        hook.CALL_SECONDS = hook.END_SECONDS = 0.05
        for _ in range(10):
            hook.tell(STARTED)
        await all_told.wait()
        await hook.end()

    # The loop's own pool of threads would be waited for here.
    asyncio.run(story())
    never.set()


def test_of_calls_that_never_return_there_are_not_too_many() -> None:
    never, told = threading.Event(), list[object]()

    def hangs(started: StartedByPress) -> None:
        told.append(started)
        never.wait()

    async def story() -> None:
        hook = Hook(hangs)
        hook.CALL_SECONDS, hook.MOST_THREADS = 0.02, 5
        for _ in range(30):
            hook.tell(STARTED)
        await hook.end()

    asyncio.run(story())
    never.set()
    assert len(told) <= 5 + Hook.MOST_AT_ONCE


@pytest.mark.parametrize("error", [SystemExit(SECRET), KeyError(SECRET), StopIteration(SECRET)])
def test_whatever_a_function_raises_its_kind_is_told_and_nothing_else(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(_: StartedByPress) -> None:
        raise error

    async def story() -> None:
        hook = Hook(fails)
        hook.tell(STARTED)
        await hook.end()

    asyncio.run(story())
    [told] = caplog.messages
    assert type(error).__name__ in told
    assert SECRET not in told


class Queue:
    waiting = 0


def test_a_shortage_of_slots_lasts_until_those_who_were_turned_away_are_back() -> None:
    async def story() -> list[int]:
        queue, clock = Queue(), LoopClock()
        shortage, seen = Shortage(queue, clock), []
        for waiting, seconds in [(0, 1), (3, 9.9), (0, 0.2), (0, 0), (1, 1)]:
            queue.waiting = waiting
            seen.append(shortage.waiting)
            await clock.sleep(seconds)
        return seen

    assert run(story()) == [0, 3, 3, 0, 1]


@pytest.mark.parametrize(
    "error", [LedgerError("away"), RuntimeError(SECRET), KeyError(SECRET), TimeoutError()]
)
def test_a_duty_goes_on_whatever_it_meets_and_says_so_once_without_strangers_words(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> int:
        begun = 0

        async def duty() -> None:
            nonlocal begun
            begun += 1
            if begun < 4:
                raise error

        duties = Duties(LoopClock())
        duties.begin(duty)
        await LoopClock().sleep(100)
        await duties.end()
        return begun

    assert run(story()) == 4
    [told] = caplog.messages
    assert "left undone" in told
    assert SECRET not in told


def test_a_duty_that_amazon_refuses_is_left_alone_for_a_minute() -> None:
    async def story() -> list[float]:
        clock, begun = LoopClock(), list[float]()

        async def duty() -> None:
            begun.append(clock.monotonic())
            raise AccessDeniedError("not permitted")

        duties = Duties(clock)
        duties.begin(duty)
        await clock.sleep(130)
        await duties.end()
        await clock.sleep(1_000)
        return [each - begun[0] for each in begun]

    assert run(story()) == pytest.approx([0, 60, 120])
