"""A crowd of simulated people: who is of which kind, and all of them at once."""

import asyncio
import logging
import math
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from random import Random
from types import MappingProxyType

import httpx

from connect_tasks.emulator.flows.answers import Answerer, choose_answer
from connect_tasks.emulator.people.habits import Habits
from connect_tasks.emulator.people.link import Link
from connect_tasks.emulator.people.person import Person
from connect_tasks.emulator.people.records import PersonKind, PersonRecord

__all__ = ["SHARES", "asimulate_people", "simulate_people"]

SHARES: Mapping[PersonKind, float] = MappingProxyType(
    {
        PersonKind.PROMPT: 0.50,
        PersonKind.LATE: 0.15,
        PersonKind.TWICE: 0.05,
        PersonKind.HALF_WAY: 0.08,
        PersonKind.STOP: 0.04,
        PersonKind.NEVER: 0.12,
        PersonKind.SCANNER: 0.06,
    }
)
"""Which part of a crowd is of which kind, unless told otherwise."""

_HABITS = Habits()
_PATIENCE_WITH_HTTP = 60


def simulate_people(
    links: Mapping[str, str] | Iterable[str],
    *,
    endpoint_url: str,
    seed: int = 0,
    shares: Mapping[PersonKind, float] = SHARES,
    answers: Answerer = choose_answer,
    habits: Habits = _HABITS,
    together: int = 100,
    on_done: Callable[[PersonRecord], None] | None = None,
) -> list[PersonRecord]:
    """Let people open invitation links and chat, and wait until all are done.

    Works where an event loop is running, too, as in a notebook; it is blocked meanwhile. If what
    the links lead to is served by that very loop, await `asimulate_people` instead.

    Args:
        links: The links, or each customer's by its id.
        endpoint_url: Where the participant service is, for example
            `LocalConnect().endpoint_url`.
        seed: What kinds, answers and waits follow from.
        shares: Which part of the people is of which kind; the numbers need not add up to 1.
        answers: Gives the answer to a question.
        habits: How patient and how fast people are.
        together: How many are at it at one time.
        on_done: Told of each person who is done.

    Returns:
        A record of each person, in the order of the links.

    Raises:
        ValueError: The shares are negative or all nothing, or fewer than one are at it at a time.

    Example:
        ```python
        with LocalConnect(flow="feedback") as local:
            links = {"0042": "http://127.0.0.1:8000/i/…"}
            people = simulate_people(links, endpoint_url=local.endpoint_url, seed=7)
        print(people[0].outcome, [answered.answer for answered in people[0].answers])
        ```
    """
    crowd = partial(
        asimulate_people,
        links,
        endpoint_url=endpoint_url,
        seed=seed,
        shares=shares,
        answers=answers,
        habits=habits,
        together=together,
        on_done=on_done,
    )
    run = partial(_run, crowd)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return run()
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(run).result()


def _run(crowd: Callable[[], object]) -> list[PersonRecord]:
    records: list[PersonRecord] = asyncio.run(crowd())  # type: ignore[arg-type] # a coroutine
    return records


async def asimulate_people(
    links: Mapping[str, str] | Iterable[str],
    *,
    endpoint_url: str,
    seed: int = 0,
    shares: Mapping[PersonKind, float] = SHARES,
    answers: Answerer = choose_answer,
    habits: Habits = _HABITS,
    together: int = 100,
    on_done: Callable[[PersonRecord], None] | None = None,
) -> list[PersonRecord]:
    """The same as `simulate_people`, to be awaited.

    Several crowds may be at it concurrently. Cancelling closes all tabs; chats go on without.
    """
    if together < 1:
        raise ValueError(f"together: must be at least 1, not {together}.")
    invited = list(links.items() if isinstance(links, Mapping) else ((None, one) for one in links))
    kinds = _kinds(len(invited), shares, seed)
    places = asyncio.Semaphore(together)
    # Reading the trusted certificates takes long; all browsers may share them.
    certificates = httpx.create_ssl_context(trust_env=False)

    async def live(number: int) -> PersonRecord:
        customer_id, url = invited[number]
        # A browser for each: httpx's pool of connections is slow with many of them.
        async with places, _browser(certificates) as http:
            person = Person(
                number=number,
                customer_id=customer_id,
                kind=kinds[number],
                link=_link(http, url, _chance(seed, number, "link"), habits),
                endpoint_url=endpoint_url,
                habits=habits,
                answers=answers,
                choice=_chance(seed, number, "answers"),
                waits=_chance(seed, number, "waits"),
                sleep=asyncio.sleep,
            )
            record = await person.live()
        if on_done is not None:
            on_done(record)
        return record

    with _unlogged(frozenset(url for _, url in invited)):
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(live(number)) for number in range(len(invited))]
    return [task.result() for task in tasks]


def _browser(certificates: ssl.SSLContext) -> httpx.AsyncClient:
    # Without the environment: a proxy has no business between two ends of one machine.
    return httpx.AsyncClient(verify=certificates, timeout=_PATIENCE_WITH_HTTP, trust_env=False)


def _link(http: httpx.AsyncClient, url: str, chance: Random, habits: Habits) -> Link:
    return Link(http, url, chance, asyncio.sleep, habits.most_presses)


def _kinds(count: int, shares: Mapping[PersonKind, float], seed: int) -> list[PersonKind]:
    """A kind for each person: as many of each as its share is, in an order by the seed."""
    total = math.fsum(shares.values())
    if total <= 0 or min(shares.values()) < 0:
        raise ValueError("shares: must be numbers from 0 on, and not all of them 0.")
    wanted = {PersonKind(kind): count * share / total for kind, share in shares.items()}
    counts = {kind: int(exact) for kind, exact in wanted.items()}
    by_rest = sorted(wanted, key=lambda kind: counts[kind] - wanted[kind])
    for kind in by_rest[: count - sum(counts.values())]:
        counts[kind] += 1
    kinds = [kind for kind, number in counts.items() for _ in range(number)]
    _chance(seed, 0, "kinds").shuffle(kinds)
    return kinds


def _chance(seed: int, number: int, purpose: str) -> Random:
    # S311: people have to be repeatable, not secret.
    return Random(f"{seed}:{number}:{purpose}")  # noqa: S311


@contextmanager
def _unlogged(links: frozenset[str]) -> Iterator[None]:
    """Keep httpx from logging the links: whoever has one speaks as the person."""

    def names_none(record: logging.LogRecord) -> bool:
        arguments = record.args if isinstance(record.args, tuple) else ()
        return not any(str(argument) in links for argument in arguments)

    logger = logging.getLogger("httpx")
    logger.addFilter(names_none)
    try:
        yield
    finally:
        logger.removeFilter(names_none)
