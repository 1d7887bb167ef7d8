"""Tally triggers: what keeps the tallies, in the database's own words.

The rules of this file:

- In SQLite, where one writes at a time, a campaign has one tally, and each change is added to it.
- In PostgreSQL each change inserts a row of its own: one that several workers add to would make
  them queue until each other's commits, and whoever adds to several, in another order, would make a
  circle of them.
- There, one change in some hundreds brings all of them into the tallies. Who does so has a lock
  that is never waited for: who does not get it leaves that to a later one.
- The triggers take no other locks, and read no other tables.
"""

# ruff: noqa: S608 - the names are our own

from collections.abc import Iterator, Mapping, Sequence

import sqlalchemy as sa

from connect_tasks.ledger.schema import contacts, refusals, tally_changes
from connect_tasks.ledger.tallies import KEPT, TIMES, changed, values_of

__all__ = ["make_triggers"]

# By table, the columns on which it depends what a row adds.
_COLUMNS: Mapping[str, Sequence[str]] = {
    contacts.name: [column.name for column in tally_changes.c if column.name != "more"],
    refusals.name: ["campaign", "status"],
}

# As many rows are read in less than a millisecond.
_FOLD_AFTER = 500
# Any number that nobody else on the server uses.
_FOLDS = 72746318


def make_triggers(connection: sa.Connection) -> None:
    """Have the database keep its tallies from now on.

    Args:
        connection: In a transaction. In PostgreSQL, who writes contacts waits until its end.
    """
    of_dialect = {"sqlite": _of_sqlite, "postgresql": _of_postgresql}
    for statement in of_dialect[connection.dialect.name]():
        connection.exec_driver_sql(statement)


def _of_sqlite() -> Iterator[str]:
    for table, columns in _COLUMNS.items():
        take, add = _upsert(table, "OLD", "-"), _upsert(table, "NEW", "+")
        name = f"CREATE TRIGGER tally_{table}"
        yield f"{name}_new AFTER INSERT ON {table} BEGIN {add}; END"
        yield f"{name}_gone AFTER DELETE ON {table} BEGIN {take}; END"
        yield (
            f"{name}_changed AFTER UPDATE OF {', '.join(columns)} ON {table} "
            f"WHEN {_any(columns, 'IS NOT')} BEGIN {take}; {add}; END"
        )


def _upsert(table: str, row: str, sign: str) -> str:
    """Add a row to its campaign's tally, or take it off."""
    values = {name: f"{sign}({value})" for name, value in values_of(table, row).items()}
    sets = [f"{name} = {name} + excluded.{name}" for name in values]
    if table == contacts.name and sign == "+":
        values |= {name: f"{row}.{name}" for name in TIMES}
        # Of several values, these functions say nothing if one is missing.
        sets += [
            f"{name} = coalesce({how}({name}, excluded.{name}), {name}, excluded.{name})"
            for name, how in TIMES.items()
        ]
    return (
        f"INSERT INTO tallies (campaign, {', '.join(values)}) "
        f"VALUES ({row}.campaign, {', '.join(values.values())}) "
        f"ON CONFLICT (campaign) DO UPDATE SET {', '.join(sets)}"
    )


def _of_postgresql() -> Iterator[str]:
    yield _FOLD
    for table, columns in _COLUMNS.items():
        names = ", ".join(columns)
        # Those of one statement that are alike are written once.
        for name, event, rows, sign in (
            ("new", "INSERT", "NEW", ""),
            ("gone", "DELETE", "OLD", "-"),
        ):
            those = f"{rows.lower()}_rows"
            yield _function(
                f"tally_{table}_{name}",
                f"INSERT INTO tally_changes (more, {names}) SELECT {sign}count(*), {names} "
                # What overwrites a table's statistics is of no campaign.
                f"FROM {those} WHERE campaign <> '' GROUP BY {names}",
            )
            yield (
                f"CREATE TRIGGER tally_{table}_{name} AFTER {event} ON {table} "
                f"REFERENCING {rows} TABLE AS {those} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION tally_{table}_{name}()"
            )
        was, is_now = (", ".join(f"{row}.{name}" for name in columns) for row in ("OLD", "NEW"))
        yield _function(
            f"tally_{table}_changed",
            f"INSERT INTO tally_changes (more, {names}) VALUES (-1, {was}), (1, {is_now})",
        )
        yield (
            f"CREATE TRIGGER tally_{table}_changed AFTER UPDATE OF {names} ON {table} "
            f"FOR EACH ROW WHEN ({_any(columns, 'IS DISTINCT FROM')}) "
            f"EXECUTE FUNCTION tally_{table}_changed()"
        )


def _any(columns: Sequence[str], differs: str) -> str:
    return " OR ".join(f"OLD.{name} {differs} NEW.{name}" for name in columns)


def _function(name: str, insert: str) -> str:
    return f"""
        CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            {insert};
            IF mod(nextval('tally_number'), {_FOLD_AFTER}) = 0 THEN
                PERFORM fold_tallies();
            END IF;
            RETURN NULL;
        END $$"""


_SUMS = {
    **{name: f"sum({value})" for name, value in changed("gone").items() if name in KEPT},
    **{name: f"{how}({changed('gone')[name]})" for name, how in TIMES.items()},
}
_ADDED = {
    **{name: f"tallies.{name} + excluded.{name}" for name in KEPT},
    "planned_at": "least(tallies.planned_at, excluded.planned_at)",
    "ended_at": "greatest(tallies.ended_at, excluded.ended_at)",
}
_FOLD = f"""
    CREATE OR REPLACE FUNCTION fold_tallies() RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        IF pg_try_advisory_xact_lock({_FOLDS}) THEN
            WITH gone AS (DELETE FROM tally_changes RETURNING *)
            INSERT INTO tallies (campaign, {", ".join(_SUMS)})
            SELECT gone.campaign, {", ".join(_SUMS.values())} FROM gone GROUP BY gone.campaign
            ON CONFLICT (campaign) DO UPDATE
            SET {", ".join(f"{name} = {value}" for name, value in _ADDED.items())};
        END IF;
    END $$"""
"""Bring all changes that are committed, and our own, into the tallies."""
