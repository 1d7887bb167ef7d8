"""Shared limits: token buckets and concurrency limits of an instance, for all its workers.

The rules of this file:

- Each function works in a transaction that its caller has begun and commits.
- A row is locked before it is read (`_locked`), and stays so until the commit: between reading what
  is left and writing what was granted, nobody else may be granted the same.
- In a transaction the limit's row is locked first, and holders are read after it, by everybody:
  another order could end in a deadlock on PostgreSQL.
- An open chat counts as long as its worker's lease, granted or not. A worker that was killed holds
  its slots until then, because at Amazon its chats are open.
- People's chats are nobody's share: they are counted out of the contacts each time, and what is
  left is shared. So workers that simulate, workers that hand over and the app of the links fill one
  instance together. A chat that is over by its own duration does not count, asked about or not.
- Times are seconds since 1970 by the clock of whoever asks. One that is far ahead is taken for
  wrong, so that it cannot silence the others.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import sqlalchemy as sa

from connect_tasks.aws.pacing.concurrency import ConcurrencyLimit, SlotDemand, fair_share
from connect_tasks.aws.pacing.token_bucket import PermitRequest, Permits, TokenBucket
from connect_tasks.aws.quotas import Quotas
from connect_tasks.ledger import peoples_chats
from connect_tasks.ledger.database import insert_into
from connect_tasks.ledger.schema import ceilings, holders, paces

__all__ = [
    "grant_permits",
    "learnt",
    "leave",
    "share_slots",
    "share_unconnected",
    "take_lost_runs",
    "worker_name",
]

_CONNECT = "CreateParticipantConnection"
_LONGEST_LEASE_SECONDS = 3600.0
# After an outage of the database, everybody renews within a second or two.
_LOST_AFTER_SECONDS = 3.0


def worker_name(run: str) -> str:
    """A new worker's name, from which `take_lost_runs` can tell the run.

    Args:
        run: What a scheduler calls the worker's run; empty if nobody does.
    """
    name = uuid.uuid4().hex
    return f"{run}/{name}" if run else name


def grant_permits(
    connection: sa.Connection,
    instance_id: str,
    request: PermitRequest,
    *,
    quota: tuple[float, int],
    now: float,
) -> Permits:
    """Permit a worker the next calls of an API.

    Args:
        connection: In a transaction.
        instance_id: Whose calls.
        request: What the worker asks for, and what it has to tell.
        quota: Calls per second and calls at once that may be used.
        now: The present time in seconds since 1970.
    """
    key = {"instance_id": instance_id, "api": request.api}
    fresh = asdict(TokenBucket.full(*quota, now))
    found = _locked(connection, paces, key, fresh)
    bucket, permits = TokenBucket(**found).for_quota(*quota).grant(request, now)
    connection.execute(sa.update(paces).where(*_is(paces, key)).values(asdict(bucket)))
    return permits


def share_slots(
    connection: sa.Connection,
    instance_id: str,
    worker: str,
    demand: SlotDemand,
    *,
    quota: int,
    refused: bool,
    now: float,
    until: float,
) -> tuple[int, int]:
    """Give a worker its share of an instance's open chats.

    Args:
        connection: In a transaction.
        instance_id: Whose slots.
        worker: Who asks; what it was granted before is replaced.
        demand: What it has and wants.
        quota: The quota of open chats.
        refused: Whether the instance refused a chat since the worker asked last.
        now: The present time in seconds since 1970.
        until: When the share ends, unless the worker asks again.

    Returns:
        How many chats the worker may have open, and how many all workers together.
    """
    key = {"instance_id": instance_id}
    # The limit's row is the lock of all holders of the instance: two that ask at once would each be
    # given what is free.
    found = _locked(connection, ceilings, key, asdict(ConcurrencyLimit(quota=quota, ceiling=quota)))
    others = _others(connection, instance_id, worker, now)
    fixed = peoples_chats.count_open(connection, instance_id, now)
    ceiling = ConcurrencyLimit(**found).for_quota(quota).probed(now)
    if refused:
        ceiling = ceiling.refused(fixed + demand.open + sum(other.open for other in others), now)
    granted = fair_share(max(0, ceiling.ceiling - fixed), demand, others)
    connection.execute(sa.update(ceilings).where(*_is(ceilings, key)).values(asdict(ceiling)))
    # A chat that is open holds its slot, granted or not.
    held = replace(demand, granted=max(granted, demand.open))
    _hold(connection, key | {"worker": worker}, held, until)
    return granted, ceiling.ceiling


def share_unconnected(
    connection: sa.Connection,
    instance_id: str,
    worker: str,
    demand: SlotDemand,
    *,
    quotas: Quotas,
    now: float,
    until: float,
) -> int:
    """Give a worker its share of the chats that may be started and not yet connected.

    They are divided as the open chats are, and are as many as can be connected in time at the pace
    that CreateParticipantConnection has now, after what throttles have taught.

    Args:
        connection: In a transaction.
        instance_id: Whose chats.
        worker: Who asks; what it was granted before is replaced.
        demand: How many it has and wants.
        quotas: What the instance should grant.
        now: The present time in seconds since 1970.
        until: When the share ends, unless the worker asks again.

    Returns:
        How many such chats the worker may have.
    """
    most = quotas.most_unconnected(_pace(connection, instance_id, quotas, now))
    granted, _ = share_slots(
        connection,
        _unconnected(instance_id),
        worker,
        demand,
        quota=most,
        refused=False,
        now=now,
        until=until,
    )
    return granted


def leave(connection: sa.Connection, instance_id: str, worker: str) -> None:
    """Give back a worker's share of the open chats, and of those that are not connected."""
    shares = [instance_id, _unconnected(instance_id)]
    theirs = (holders.c.instance_id.in_(shares), holders.c.worker == worker)
    connection.execute(sa.delete(holders).where(*theirs))


def take_lost_runs(connection: sa.Connection, instance_id: str, now: float) -> list[str]:
    """The runs whose workers died with a share of the open chats; each is told once."""
    is_lost = (holders.c.instance_id == instance_id, _is_over(now - _LOST_AFTER_SECONDS))
    lost = sa.delete(holders).where(*is_lost)
    workers = connection.scalars(lost.returning(holders.c.worker))
    return sorted({run for worker in workers if (run := worker.rpartition("/")[0])})


def learnt(connection: sa.Connection, instance_id: str, now: float) -> dict[str, float]:
    """What the instance grants less of than its quotas say.

    Returns:
        Calls per second by API, and `open_chats`; what is not less is left out.
    """
    query = sa.select(paces).where(paces.c.instance_id == instance_id)
    rows = [dict(row) for row in connection.execute(query).mappings()]
    by_api = {row.pop("api"): TokenBucket(**_without(row, "instance_id")).at(now) for row in rows}
    found = {api: bucket.rate for api, bucket in by_api.items() if bucket.rate < bucket.full_rate}
    query = sa.select(ceilings.c.ceiling).where(
        ceilings.c.instance_id == instance_id, ceilings.c.ceiling < ceilings.c.quota
    )
    ceiling = connection.scalar(query)
    return found if ceiling is None else {**found, "open_chats": ceiling}


def _unconnected(instance_id: str) -> str:
    """Under which id the shares of an instance's unconnected chats are kept."""
    return f"{instance_id}/unconnected"


def _pace(connection: sa.Connection, instance_id: str, quotas: Quotas, now: float) -> float:
    """The calls of CreateParticipantConnection per second that go through at present."""
    key = {"instance_id": instance_id, "api": _CONNECT}
    row = connection.execute(sa.select(paces).where(*_is(paces, key))).mappings().one_or_none()
    quota = quotas.usable_rate_of(_CONNECT)
    if row is None:
        return quota[0]
    values = {name: value for name, value in row.items() if name not in key}
    return TokenBucket(**values).for_quota(*quota).at(now).rate


def _locked(
    connection: sa.Connection, table: sa.Table, key: Mapping[str, Any], fresh: Mapping[str, Any]
) -> dict[str, Any]:
    """A row, made if need be, that nobody else can change until the transaction ends."""
    # An update that changes nothing locks the row on PostgreSQL and the file on SQLite, where a
    # transaction that began with reading could not go on to write.
    lock = sa.update(table).where(*_is(table, key)).values(key).returning(table)
    row = connection.execute(lock).mappings().one_or_none()
    if row is None:
        insert = insert_into(table, connection.dialect.name)
        connection.execute(insert.on_conflict_do_nothing(), {**key, **fresh})
        row = connection.execute(lock).mappings().one()
    return {name: value for name, value in row.items() if name not in key}


def _others(
    connection: sa.Connection, instance_id: str, worker: str, now: float
) -> Sequence[SlotDemand]:
    columns = (holders.c.open, holders.c.wanted, holders.c.granted)
    others = (holders.c.instance_id == instance_id, holders.c.worker != worker)
    query = sa.select(*columns).where(*others, sa.not_(_is_over(now)))
    return [SlotDemand(**row) for row in connection.execute(query).mappings()]


def _is_over(now: float) -> sa.ColumnElement[bool]:
    # No share lasts longer than an hour: somebody's clock was wrong when it was made.
    return sa.or_(holders.c.until <= now, holders.c.until > now + _LONGEST_LEASE_SECONDS)


def _hold(
    connection: sa.Connection, key: Mapping[str, Any], demand: SlotDemand, until: float
) -> None:
    values = {**asdict(demand), "until": until}
    insert = insert_into(holders, connection.dialect.name)
    statement = insert.on_conflict_do_update(index_elements=list(key), set_=values)
    connection.execute(statement, {**key, **values})


def _without(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}


def _is(table: sa.Table, key: Mapping[str, Any]) -> list[sa.ColumnElement[bool]]:
    return [table.c[name] == value for name, value in key.items()]
