"""Tally triggers: what keeps the tallies, in the database's own words.

The rules of this file:

- In SQLite, where one writes at a time, a campaign has one tally, and each change is added to it.
- In PostgreSQL each change inserts a tally of its own, which nobody else writes: a row that several
  workers add to would make them queue until each other's commits, and whoever adds to several in
  another order would make a circle of them.
- There, now and then a change adds tallies up to one for each campaign. It passes over those that
  another transaction adds up in this moment, so it waits for nobody.
- The triggers take no other locks, and read no other table.
"""

# ruff: noqa: S608 - the names are our own

from collections.abc import Iterator, Mapping, Sequence

import sqlalchemy as sa

from connect_tasks.ledger.schema import contacts, refusals
from connect_tasks.ledger.tallies import KEPT, TIMES, values_of

__all__ = ["make_triggers"]

# By table, the columns on which it depends what a row adds.
_COLUMNS: Mapping[str, Sequence[str]] = {
    contacts.name: (
        "campaign",
        "status",
        "error_code",
        "started_at",
        "connected_at",
        "first_reply_at",
        "handed_over_at",
        "transcript_complete",
        "items_skipped",
        "planned_at",
        "ended_at",
    ),
    refusals.name: ("campaign", "status"),
}

# As many rows are read in less than a millisecond.
_FOLD_AFTER = 500


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
        f"INSERT INTO tallies (campaign, part, {', '.join(values)}) "
        f"VALUES ({row}.campaign, 0, {', '.join(values.values())}) "
        f"ON CONFLICT (campaign, part) DO UPDATE SET {', '.join(sets)}"
    )


def _of_postgresql() -> Iterator[str]:
    yield _FOLD
    for table, columns in _COLUMNS.items():
        names = ", ".join(columns)
        old, new = (", ".join(f"{row}.{name}" for name in columns) for row in ("OLD", "NEW"))
        yield _function(table, "new", f"SELECT 1, {names} FROM new_rows")
        yield _function(table, "gone", f"SELECT -1, {names} FROM old_rows")
        yield _function(table, "changed", f"VALUES (1, {new}), (-1, {old})")
        # Those that one statement writes are counted together.
        for name, event, rows in (("new", "INSERT", "NEW"), ("gone", "DELETE", "OLD")):
            yield (
                f"CREATE TRIGGER tally_{table}_{name} AFTER {event} ON {table} "
                f"REFERENCING {rows} TABLE AS {rows.lower()}_rows "
                f"FOR EACH STATEMENT EXECUTE FUNCTION tally_{table}_{name}()"
            )
        yield (
            f"CREATE TRIGGER tally_{table}_changed AFTER UPDATE OF {names} ON {table} "
            f"FOR EACH ROW WHEN ({_any(columns, 'IS DISTINCT FROM')}) "
            f"EXECUTE FUNCTION tally_{table}_changed()"
        )


def _any(columns: Sequence[str], differs: str) -> str:
    return " OR ".join(f"OLD.{name} {differs} NEW.{name}" for name in columns)


def _function(table: str, name: str, rows: str) -> str:
    """Add what some rows come to: those that are, and those that were."""
    # What is missing takes less room than a zero.
    sums = {
        name: f"nullif(sum(sign * ({value})), 0)" for name, value in values_of(table, "one").items()
    }
    if table == contacts.name:
        sums |= {name: f"{how}(CASE WHEN sign = 1 THEN {name} END)" for name, how in TIMES.items()}
    return f"""
        CREATE OR REPLACE FUNCTION tally_{table}_{name}() RETURNS trigger LANGUAGE plpgsql AS $$
        DECLARE
            this bigint := nextval('tallies_part');
        BEGIN
            INSERT INTO tallies (campaign, part, {", ".join(sums)})
            SELECT campaign, this, {", ".join(sums.values())}
            FROM ({rows}) AS one (sign, {", ".join(_COLUMNS[table])})
            -- What overwrites a table's statistics is of no campaign.
            WHERE campaign <> '' GROUP BY campaign;
            IF mod(this, {_FOLD_AFTER}) = 0 THEN
                PERFORM fold_tallies();
            END IF;
            RETURN NULL;
        END $$"""


_TOGETHER = [f"nullif(sum({name}), 0)" for name in KEPT] + [
    f"{how}({name})" for name, how in TIMES.items()
]
_FOLD = f"""
    CREATE OR REPLACE FUNCTION fold_tallies() RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        WITH free AS (
            SELECT campaign, part FROM tallies
            WHERE campaign IN (SELECT campaign FROM tallies WHERE part > 0)
            FOR UPDATE SKIP LOCKED
        ), gone AS (
            DELETE FROM tallies USING free
            WHERE tallies.campaign = free.campaign AND tallies.part = free.part
            RETURNING tallies.*
        )
        INSERT INTO tallies (campaign, part, {", ".join((*KEPT, *TIMES))})
        SELECT campaign, -nextval('tallies_part'), {", ".join(_TOGETHER)}
        FROM gone GROUP BY campaign;
    END $$"""
"""One tally of those of each campaign that has new ones."""
