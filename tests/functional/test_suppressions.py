"""Suppressions in a ledger: who is on a list, as long as the rules at the top of the file say.

Expected values follow from these rules; a reference that keeps every event says the same of any
sequence of them.
"""

import itertools
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from connect_tasks.aws.idempotency import canonical_key
from connect_tasks.ledger import Ledger, schema
from connect_tasks.ledger.hashed_customers import of_hashes
from connect_tasks.ledger.suppressions import add_suppressions, customer_hash, suppressions_of
from connect_tasks.ledger.verdicts import Suppression

NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def on(name: str = "all", *, at: datetime = NOW, until: datetime | None = None) -> Suppression:
    return Suppression(name, "person", "test", at, until)


@pytest.fixture(name="ledger")
def _ledger(ledger_url: str) -> Iterator[Ledger]:
    with Ledger(ledger_url) as opened:
        yield opened


def say(ledger: Ledger, customer_id: str, at: datetime, name: str = "all") -> int:
    """What a customer says themselves, as the collection writes it down."""
    with ledger._writing() as connection:
        entry = Suppression(name, "word", "m-1", at)
        return add_suppressions(connection, [(customer_id, entry)], was_said=True)


def of(ledger: Ledger, customer_id: str, now: datetime = NOW) -> list[Suppression]:
    key = canonical_key(customer_id)
    return list(ledger.suppressions.of([key], now).get(key, ()))


def test_a_second_add_keeps_when_and_why_somebody_came_onto_a_list(ledger: Ledger) -> None:
    first = on()
    again = Suppression("all", "import", "another", NOW + HOUR)
    counts = [ledger.suppressions.add([("0042", one)]) for one in (first, first, again)]

    assert counts == [1, 0, 0]
    assert of(ledger, "0042") == [first]


@pytest.mark.parametrize(
    ("until", "is_longer"),
    [(NOW + 3 * HOUR, True), (None, True), (NOW + 2 * HOUR, False), (NOW + HOUR, False)],
)
def test_an_add_for_longer_takes_the_place_of_the_one_before(
    ledger: Ledger, until: datetime | None, *, is_longer: bool
) -> None:
    first, second = on(until=NOW + 2 * HOUR), Suppression("all", "import", "x", NOW, until)
    ledger.suppressions.add([("0042", first)])

    assert ledger.suppressions.add([("0042", second)]) == is_longer
    assert of(ledger, "0042") == [second if is_longer else first]


def test_a_suppression_holds_until_its_end_and_not_at_it(ledger: Ledger) -> None:
    ledger.suppressions.add([("0042", on(until=NOW + HOUR))])

    just_before = NOW + HOUR - timedelta(microseconds=1)
    assert [bool(of(ledger, "0042", at)) for at in (NOW, just_before, NOW + HOUR)] == [
        *(True, True, False)
    ]


def test_who_is_taken_off_is_off_until_they_or_a_person_say_so_again(ledger: Ledger) -> None:
    say(ledger, "0042", NOW)
    removed = [ledger.suppressions.remove([("0042", "all")], now=NOW + HOUR) for _ in range(2)]
    by_what_was_said_before = [say(ledger, "0042", at) for at in (NOW, NOW + HOUR)]
    off = of(ledger, "0042", NOW + HOUR)
    by_what_was_said_after = say(ledger, "0042", NOW + 2 * HOUR)

    assert (removed, by_what_was_said_before, off) == ([1, 0], [0, 0], [])
    assert by_what_was_said_after == 1
    assert [one.added_at for one in of(ledger, "0042", NOW + 3 * HOUR)] == [NOW + 2 * HOUR]


def test_a_persons_word_counts_also_where_the_clock_that_took_it_back_went_before(
    ledger: Ledger,
) -> None:
    ledger.suppressions.add([("0042", on())])
    ledger.suppressions.remove([("0042", "all")], now=NOW + HOUR)

    assert ledger.suppressions.add([("0042", on(at=NOW))]) == 1
    assert len(of(ledger, "0042")) == 1
    # And it is taken back by one that goes after.
    assert ledger.suppressions.remove([("0042", "all")], now=NOW - HOUR) == 1
    assert of(ledger, "0042") == []


def test_a_list_is_its_own(ledger: Ledger) -> None:
    ledger.suppressions.add([("0042", on()), ("0042", on("news")), ("0043", on("news"))])
    ledger.suppressions.remove([("0042", "all"), ("0044", "news")], now=NOW + HOUR)

    assert [one.list for one in of(ledger, "0042", NOW + HOUR)] == ["news"]
    assert ledger.suppressions.lists() == ["all", "news"]
    with ledger._reading() as connection:
        found = suppressions_of(connection, ["0042", "0043"], {"all"}, NOW + HOUR)
    assert found == {}


@pytest.mark.parametrize(
    "named",
    ["Zo\u00eb 7", "Zoe\u0308 7", "  Zo\u00eb 7\t", "Zo\u00eb\u200b 7", "Zo\u00eb\u00a07"],
)
def test_a_customer_is_the_same_under_whatever_looks_like_their_id(
    ledger: Ledger, named: str
) -> None:
    ledger.suppressions.add([(named, on())])

    assert len(of(ledger, "Zo\u00eb 7")) == 1
    assert of(ledger, "zo\u00eb 7") == []
    assert ledger.suppressions.remove([("Zo\u00eb 7", "all")], now=NOW) == 1


def test_what_an_earlier_version_made_of_a_number_is_that_number(ledger: Ledger) -> None:
    ledger.suppressions.add([("42.0", on()), ("7", on())])

    found = ledger.suppressions.of(["42", "42.0", "7.0", "42.00", "4"], NOW)
    assert sorted(found) == ["42", "42.0", "7.0"]


def test_each_ledger_has_a_key_of_its_own_and_no_id_is_in_its_hashes(
    ledger: Ledger, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other_url = f"sqlite:///{tmp_path_factory.mktemp('other') / 'ledger.db'}"
    with Ledger(other_url) as other:
        hashes = set()
        for one in (ledger, other):
            one.suppressions.add([("0042", on())])
            with one._reading() as connection:
                hashes.add(connection.scalar(sa.select(schema.suppressions.c.customer_hash)))
                key = str(connection.scalar(sa.select(schema.ledger.c.hash_key)))
                assert len(bytes.fromhex(key)) == 32

    assert len(hashes) == 2
    assert {len(one) for one in hashes if one} == {64}


def test_all_of_some_thousand_customers_are_found_and_nobody_else(ledger: Ledger) -> None:
    names = [f"{number:05}" for number in range(6_000)]
    ledger.suppressions.add([(name, on()) for name in names[::2]])

    found = ledger.suppressions.of([*names, "somebody"], NOW)
    assert sorted(found) == names[::2]


def test_thousands_are_looked_for_in_the_tables_key_and_not_by_reading_all_of_it(
    ledger: Ledger,
) -> None:
    names = [f"{number:05}" for number in range(10_000)]
    for start in range(0, len(names), 2_000):
        ledger.suppressions.add([(name, on()) for name in names[start : start + 2_000]])
    dialect = ledger._engine.dialect
    is_postgresql = dialect.name == "postgresql"
    explain = "EXPLAIN " if is_postgresql else "EXPLAIN QUERY PLAN "
    with ledger._writing() as connection:
        if is_postgresql:
            # As its own daemon does. Of a table that is a few times as large as what is looked
            # for, SQLite would rather read all, and be right.
            connection.exec_driver_sql("ANALYZE suppressions")
        hashes = [customer_hash("k", name) for name in names[:2_000]]
        query = of_hashes(hashes, dialect.name, schema.suppressions.c.list.in_(["all"]))
        compiled = query.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
        values = compiled.params
        told = connection.exec_driver_sql(
            explain + str(compiled),
            values if is_postgresql else tuple(values[name] for name in compiled.positiontup or ()),
        ).all()

    plan = "\n".join(str(row) for row in told)
    assert "suppressions_pkey" in plan or "sqlite_autoindex_suppressions_1" in plan
    assert "Seq Scan" not in plan
    assert "suppressions_by_list" not in plan


def test_lists_are_told_apart_by_walking_over_their_names(ledger: Ledger) -> None:
    names = sorted(["all", "b", "B", "news", "zz", "\u00fc"])
    ledger.suppressions.add([("0042", on(name)) for name in names])

    assert sorted(ledger.suppressions.lists()) == names


def test_records_are_by_list_and_time_and_only_what_is_in_force(ledger: Ledger) -> None:
    ledger.suppressions.add(
        [
            ("late", on(at=NOW + HOUR)),
            ("early", on()),
            ("ended", on(until=NOW + HOUR)),
            ("off", on()),
            ("news", on("news")),
        ]
    )
    ledger.suppressions.remove([("off", "all")], now=NOW + HOUR)

    def names(name: str | None) -> list[str]:
        return [row["customer_id"] for row in ledger.suppressions.records(name, now=NOW + HOUR)]

    assert (names(None), names("news")) == (["early", "late", "news"], ["news"])


def test_many_who_add_and_remove_at_once_end_with_what_each_said(ledger: Ledger) -> None:
    names = [f"{number:03}" for number in range(200)]

    def work(worker: int) -> int:
        order = names if worker % 2 else names[::-1]
        return ledger.suppressions.add([(name, on()) for name in order])

    with ThreadPoolExecutor(4) as threads:
        added = list(threads.map(work, range(4)))

    assert sum(added) == len(names)
    assert len(ledger.suppressions.of(names, NOW)) == len(names)


# --- any sequence of events, against a reference that keeps them all ---


@dataclass
class Reference:
    """Everything that happened to one customer's place on one list, and what follows from it."""

    ends: list[datetime | None] = field(default_factory=list)
    removals: list[datetime] = field(default_factory=list)

    def add(self, until: datetime | None) -> None:
        self.ends.append(until)

    def say(self, at: datetime) -> None:
        if all(removed < at for removed in self.removals):
            self.ends.append(None)

    def remove(self, now: datetime) -> None:
        if self.holds(now):
            self.removals.append(now)
            self.ends.clear()

    def holds(self, now: datetime) -> bool:
        return any(end is None or end > now for end in self.ends)


EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.one_of(st.none(), st.integers(1, 8))),
        st.tuples(st.just("say"), st.integers(0, 12)),
        st.tuples(st.just("remove"), st.none()),
        st.tuples(st.just("wait"), st.integers(1, 4)),
    ),
    max_size=14,
)
_numbers = itertools.count()


@pytest.fixture(name="shared", scope="module")
def _shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    with Ledger(f"sqlite:///{tmp_path_factory.mktemp('shared') / 'ledger.db'}") as opened:
        yield opened


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(EVENTS)
def test_whatever_happens_a_customer_is_on_a_list_as_the_reference_says(
    shared: Ledger, events: list[tuple[str, int | None]]
) -> None:
    name, reference, now = f"c-{next(_numbers)}", Reference(), NOW
    for kind, hours in events:
        now += HOUR
        if kind == "add":
            until = None if hours is None else now + hours * HOUR
            shared.suppressions.add([(name, on(at=now, until=until))])
            reference.add(until)
        elif kind == "say":
            at = now - (hours or 0) * HOUR
            say(shared, name, at)
            reference.say(at)
        elif kind == "remove":
            shared.suppressions.remove([(name, "all")], now=now)
            reference.remove(now)
        else:
            now += (hours or 0) * HOUR
        assert bool(of(shared, name, now)) == reference.holds(now)


def person(key: str) -> str:
    whole = key.removesuffix(".0")
    return whole if re.fullmatch("-?[0-9]+", whole) else key


NAMES = st.one_of(st.text(), st.from_regex(r"-?[0-9]{1,2}(\.0)?", fullmatch=True))


@given(NAMES, NAMES)
@example("a", "a.0")
@example("42", "42.0")
def test_a_hash_tells_customers_apart_as_their_keys_do(one: str, other: str) -> None:
    keys = [canonical_key(name) for name in (one, other)]
    same = customer_hash("k", keys[0]) == customer_hash("k", keys[1])

    assert same is (person(keys[0]) == person(keys[1]))
    assert customer_hash("k", one) != customer_hash("l", one)
