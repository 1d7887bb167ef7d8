"""The audit: what was decided about whom, over all campaigns; and how long that is kept."""

import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from connect_tasks.campaign.given_ids import given_id
from connect_tasks.errors import InputError
from connect_tasks.ledger.opening import opened
from connect_tasks.ledger.store import Ledger
from connect_tasks.tables.destinations import folder_for, parted, replacing
from connect_tasks.tables.layouts import DECISIONS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["decisions", "prune_decisions", "write_decisions"]


def decisions(
    ledger: Ledger | str | None = None,
    *,
    campaign: str | None = None,
    customer_id: str | int | None = None,
    since: datetime | None = None,
) -> "pd.DataFrame":
    """What policies decided about customers: who was contacted or not, when, and by which rule.

    Args:
        ledger: SQLAlchemy URL, or a ledger that is open; `$CONNECT_TASKS_LEDGER` or the file in
            `.connect_tasks` if None.
        campaign: Only in this campaign.
        customer_id: Only about this customer, as they are called in a table; also one who was
            forgotten since.
        since: Only from this time on; with a zone.

    Returns:
        One row a decision, in the order of deciding, with the columns of
        `CampaignResult.decisions`. Who was forgotten has a hash for an id.

    Raises:
        InputError: There is no ledger, no such campaign, *since* has no zone, or *customer_id* is
            no id.

    Example:
        ```python
        from connect_tasks.campaign.audit import decisions

        decisions()["rule"].value_counts()
        decisions(customer_id="0042")[["campaign", "decided_at", "decision", "reasons"]]
        ```
    """
    with opened(ledger) as open_ledger:
        return DECISIONS.frame(_records(open_ledger, campaign, customer_id, since))


def write_decisions(
    path: str | os.PathLike[str],
    ledger: Ledger | str | None = None,
    *,
    campaign: str | None = None,
    customer_id: str | int | None = None,
    since: datetime | None = None,
) -> int:
    """Write the same to a file, in little memory, however much that is.

    Args:
        path: A file of this machine, or an `s3://` URI; CSV without changes for spreadsheets, or
            Parquet if its name ends in `.parquet`. One that is there is replaced once the new one
            is complete.
        ledger: See `decisions`.
        campaign: See `decisions`.
        customer_id: See `decisions`.
        since: See `decisions`.

    Returns:
        How many decisions were written.

    Raises:
        InputError: As for `decisions`, or the path ends otherwise, or S3 refuses the file.
        OSError: It cannot be written to.
    """
    folder, name = parted(path)
    if not name.endswith((".csv", ".parquet")):
        raise InputError(f"{name!r} is no name of a file to write: end it in .csv or .parquet.")
    with opened(ledger) as open_ledger, folder_for(folder) as place:
        counted = _Counted(_records(open_ledger, campaign, customer_id, since))
        with replacing(place / name) as file:
            if name.endswith(".parquet"):
                DECISIONS.write_parquet(counted, file)
            else:
                DECISIONS.write_csv(counted, file, neutralise=False)
    return counted.count


def prune_decisions(*, before: datetime, ledger: Ledger | str | None = None) -> int:
    """Remove what was decided about customers before a time; nothing else ever removes it.

    How long decisions are kept is for whoever has to answer for them to say. Counts, contacts and
    limits stay as they are: none of them is reckoned from these. What was decided about a campaign
    itself, from one step of its ramp to the next, names nobody and stays. A second call removes
    nothing.

    Args:
        before: Which is the first time that is kept; with a zone.
        ledger: SQLAlchemy URL, or a ledger that is open; `$CONNECT_TASKS_LEDGER` or the file in
            `.connect_tasks` if None.

    Returns:
        How many decisions were removed.

    Raises:
        InputError: There is no ledger, or *before* has no zone.

    Example:
        ```python
        from datetime import UTC, datetime, timedelta

        from connect_tasks.campaign.audit import prune_decisions

        prune_decisions(before=datetime.now(UTC) - timedelta(days=730))
        ```
    """
    moment = _with_zone("before", before)
    with opened(ledger) as open_ledger:
        return open_ledger.audit.prune(moment)


def _records(
    ledger: Ledger, campaign: str | None, customer_id: str | int | None, since: datetime | None
) -> Iterator[Mapping[str, Any]]:
    return ledger.audit.records(
        campaign=None if campaign is None else ledger.existing_campaign(campaign),
        customer_id=None if customer_id is None else _id(customer_id),
        since=None if since is None else _with_zone("since", since),
    )


def _id(customer_id: object) -> str:
    try:
        return given_id(customer_id)
    except InputError as error:
        raise InputError(f"customer_id {error}") from None


def _with_zone(name: str, moment: datetime) -> datetime:
    # A mere date has none either.
    if getattr(moment, "tzinfo", None) is None:
        raise InputError(
            f"{name} is no time with a zone: give one as datetime(2026, 1, 1, tzinfo=UTC)."
        )
    return moment


class _Counted:
    """Records that are counted while they are gone through."""

    def __init__(self, records: Iterator[Mapping[str, Any]]) -> None:
        self.count = 0
        self._records = records

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        for record in self._records:
            self.count += 1
            yield record
