"""The results of a campaign as tables from the ledger: a second run returns the same."""

import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from html import escape
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any, Self

from connect_tasks.aws.idempotency import canonical_key
from connect_tasks.campaign.plan import Plan
from connect_tasks.campaign.report import render_report
from connect_tasks.campaign.result_rows import Record, contact_records
from connect_tasks.campaign.summary import Conclusion, conclude, not_contacted, summarise
from connect_tasks.ledger.addresses import with_known_password, without_password
from connect_tasks.ledger.contact import CampaignState, Status
from connect_tasks.ledger.opening import opened
from connect_tasks.ledger.store import Ledger
from connect_tasks.tables.destinations import folder_for, parted, replacing
from connect_tasks.tables.joining import beside
from connect_tasks.tables.layouts import CONTACTS, MESSAGES
from connect_tasks.tables.result_files import ResultFiles, checked_formats

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CampaignResult"]


class CampaignResult:
    """The tables and the summary of one campaign.

    Nothing is read before it is asked for. `contacts`, `messages` and `summary` are read once;
    files are written from the ledger as it is then. Pickled, it holds the ledger's URL without a
    password: it opens again with `$CONNECT_TASKS_LEDGER` if that is the same database, or with
    `$PGPASSWORD` or `~/.pgpass`.

    Args:
        campaign: Its name.
        ledger_url: Where it is kept.
        plan: The table to answer for, row by row; without it, all contacts and then all refused
            rows.

    Example:
        ```python
        result.contacts[["customer_id", "status", "end_reason"]]
        result.messages.query("participant_role == 'CUSTOMER'")
        result.save("out")
        ```
    """

    def __init__(self, campaign: str, ledger_url: str, plan: Plan | None = None) -> None:
        self.campaign = campaign
        self.ledger_url = ledger_url
        self._plan = plan
        self._opened: Ledger | None = None

    def __getstate__(self) -> dict[str, Any]:
        # Prefect keeps results in files, and Dask sends them: a password has no business there.
        kept = {name: value for name, value in vars(self).items() if name != "_opened"}
        return {**kept, "_opened": None, "ledger_url": without_password(self.ledger_url)}

    @property
    def _ledger(self) -> Ledger | str:
        return self._opened or with_known_password(self.ledger_url, os.environ)

    @contextmanager
    def read_from(self, ledger: Ledger) -> Iterator[Self]:
        """Read from this ledger, which is open already, as long as the block lasts.

        It must be the one at the result's URL; afterwards each reading opens that by itself again.
        """
        self._opened = ledger
        try:
            yield self
        finally:
            self._opened = None

    @cached_property
    def contacts(self) -> "pd.DataFrame":
        """One row per input row, with the input's index.

        Columns: campaign, customer_id, status, end_reason, contact_id, participant_id,
        client_token, error_code, error_message, request_id (`string`); generation, attempts,
        items_skipped (`Int64`); transcript_complete (`boolean`, missing where nobody can say);
        planned_at, started_at, connected_at, first_reply_at, ended_at (`datetime64[us, UTC]`).
        Refused rows have a status and the reasons in error_message.
        """
        index = self._plan.index if self._plan else None
        return CONTACTS.frame(self._contact_records(), index=index)

    @cached_property
    def messages(self) -> "pd.DataFrame":
        """One row per transcript item, contact by contact, each in order of time.

        Columns: customer_id, contact_id, message_id, participant_role, participant_id,
        display_name, type, content_type, content (`string`); absolute_time
        (`datetime64[us, UTC]`, Amazon's clock).
        """
        return MESSAGES.frame(self._message_records())

    @cached_property
    def summary(self) -> dict[str, Any]:
        """Counts of the whole campaign, and when it ran; see `summarise`.

        With a plan also request_changed: customers contacted before with another request; and
        outside: customers who wait in the campaign and are not in the table.
        """
        with opened(self._ledger) as ledger:
            name = ledger.existing_campaign(self.campaign)
            summary = summarise(ledger.counts(name))
            return {**summary, **(_of_table(ledger, name, self._plan) if self._plan else {})}

    @cached_property
    def state(self) -> CampaignState:
        """What a person wants of the campaign: running, paused or stopped."""
        with opened(self._ledger) as ledger:
            return ledger.state(ledger.existing_campaign(self.campaign))

    def join(self, customers: "pd.DataFrame", *, on: str = "customer_id") -> "pd.DataFrame":
        """The caller's own table, with what came of each customer beside it.

        Ids are compared as a campaign compares them, so that they may be integers, or have spaces
        around them; the table keeps its dtypes and its index.

        Args:
            customers: Any rows, also others than were contacted.
            on: Its column (or level of its index) with the customer's id.

        Returns:
            One row for each row of `customers`: its columns, then those of `contacts` without
            campaign and customer_id. A name that is there already ends in `_contact`.

        Raises:
            InputError: There is no such column.

        Example:
            ```python
            customers = pandas.read_csv("customers.csv")
            result.join(customers, on="customer_id")[["customer_id", "status", "end_reason"]]
            ```
        """
        # Who was contacted counts before the same customer's refused row.
        refused = self.contacts["status"].isin([Status.REJECTED, Status.DUPLICATE])
        outcomes = self.contacts.iloc[refused.argsort(kind="stable")].drop(columns="campaign")
        return beside(customers, outcomes, on=on, key=canonical_key)

    @property
    def conclusion(self) -> Conclusion:
        """How the campaign's last run ended, as the name and the message of a state."""
        return conclude(self.summary, self.state)

    def not_contacted(self, most: int = 100) -> list[dict[str, str]]:
        """The first rows that are unknown, failed or were refused, for the eyes of many.

        Args:
            most: How many at most.

        Returns:
            One mapping a row: row (from 0; empty for a contact), customer_id, status and reason,
            from which values of the table are left out.
        """
        with opened(self._ledger) as ledger:
            failed = ledger.uncontacted(ledger.existing_campaign(self.campaign), most=most)
            refused = ledger.refused_rows(
                ledger.existing_campaign(self.campaign), most=most - len(failed)
            )
        return list(not_contacted(failed, refused))

    def conversations(self, most: int = 3) -> Iterator[list[tuple[str, str]]]:
        """The first few conversations, each as a list of who said what.

        Args:
            most: How many conversations.
        """
        spoken = (item for item in self._message_records() if item["content"] is not None)
        for _, chat in islice(groupby(spoken, key=lambda item: item["contact_id"]), most):
            yield [(item["display_name"] or "", item["content"]) for item in chat]

    def report(self) -> str:
        """A page for a manager, as HTML that needs nothing else."""
        return render_report(
            campaign=self.campaign,
            summary=self.summary,
            contacts=_Again(self._contact_records),
            messages=_Again(self._message_records),
        )

    def save(
        self,
        folder: str | os.PathLike[str],
        *,
        formats: Collection[str] = ("csv",),
        neutralise: bool = True,
    ) -> None:
        """Write the tables and `report.html` to a folder; made if absent.

        Memory stays small, however large the campaign. Files of an earlier call are replaced, each
        when the new one is complete.

        Args:
            folder: A folder of this machine, or an `s3://` URI.
            formats: Any of csv (`contacts.csv`, `messages.csv`), parquet (`contacts.parquet`,
                `messages.parquet`: exactly what `contacts` and `messages` hold) and xlsx
                (`results.xlsx`).
            neutralise: Whether CSV is for spreadsheets: text that they would carry out as a
                formula gets an apostrophe before it, and the file a mark that says UTF-8. False:
                for programs, exactly the text.

        Raises:
            InputError: The folder is a URI of another kind, S3 refuses the files, a format is
                unknown, or the tables do not fit into a spreadsheet.
            OSError: It cannot be written to.
        """
        chosen = checked_formats(formats)
        with folder_for(folder) as path:
            self._files.write(path, chosen, neutralise=neutralise)
            with replacing(path / "report.html") as file:
                file.write_text(self.report(), encoding="utf-8")

    def to_parquet(self, folder: str | os.PathLike[str]) -> None:
        """Write `contacts.parquet` and `messages.parquet` to a folder; made if absent.

        They hold the rows of `contacts` and `messages` in the same order and with the same dtypes,
        without an index. Memory stays small, however large the campaign. Files of an earlier call
        are replaced, each when the new one is complete.

        Args:
            folder: A folder of this machine, or an `s3://` URI.

        Raises:
            InputError: The folder is a URI of another kind, or S3 refuses the files.
            OSError: It cannot be written to.

        Example:
            ```python
            result.to_parquet("out")
            pandas.read_parquet("out/contacts.parquet")
            ```
        """
        with folder_for(folder) as path:
            self._files.write(path, ["parquet"], neutralise=False)

    def to_excel(self, path: str | os.PathLike[str]) -> None:
        """Write the sheets `contacts` and `messages` to one `.xlsx` file; its folder is made.

        Times are UTC, without a zone, and their columns say so. Text is text, also where it begins
        like a formula; what no sheet can hold is replaced, and what is too long for a cell is cut.

        Args:
            path: A file of this machine, or an `s3://` URI.

        Raises:
            InputError: `openpyxl` is not installed (`connect-tasks[excel]`), there are more rows
                than a sheet can have, or the place is a URI of another kind.
            OSError: It cannot be written to.

        Example:
            ```python
            result.to_excel("out/renewals.xlsx")
            ```
        """
        folder, name = parted(path)
        with folder_for(folder) as place:
            self._files.write_workbook(place / name)

    @property
    def _files(self) -> ResultFiles:
        return ResultFiles(self._contact_records, self._message_records)

    def __repr__(self) -> str:
        counts = ", ".join(f"{name} {value}" for name, value in self._counts())
        return f"<CampaignResult {self.campaign!r}: {counts}>"

    def _repr_html_(self) -> str:
        cells = "".join(
            f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in self._counts()
        )
        return f"<table><caption>{escape(self.campaign)}</caption>{cells}</table>"

    def _counts(self) -> list[tuple[str, int]]:
        return [(name, value) for name, value in self.summary.items() if isinstance(value, int)]

    def _message_records(self) -> Iterator[Record]:
        with opened(self._ledger) as ledger:
            yield from ledger.message_records(ledger.existing_campaign(self.campaign))

    def _contact_records(self) -> Iterator[Record]:
        with opened(self._ledger) as ledger:
            yield from contact_records(ledger, self.campaign, self._plan)


def _of_table(ledger: Ledger, campaign: str, plan: Plan) -> dict[str, Any]:
    outside = ledger.outside(campaign, plan.table_id) if plan.table_id else 0
    return {"request_changed": plan.request_changed, "outside": outside}


@dataclass(frozen=True, slots=True)
class _Again:
    """Records that are read anew each time they are gone through."""

    read: Callable[[], Iterator[Record]]

    def __iter__(self) -> Iterator[Record]:
        return self.read()
