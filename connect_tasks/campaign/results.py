"""The results of a campaign as tables from the ledger: a second run returns the same."""

import logging
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from html import escape
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

from connect_tasks.aws.idempotency import canonical_key
from connect_tasks.campaign.answers.said import said
from connect_tasks.campaign.conclusion import Conclusion, conclude
from connect_tasks.campaign.experiment_result import experiment_of, experiment_told
from connect_tasks.campaign.links import InvitationKeys
from connect_tasks.campaign.plan import Plan
from connect_tasks.campaign.plots.charts import Kind
from connect_tasks.campaign.plots.plotting import chart_of, plotted
from connect_tasks.campaign.plots.segments import Segments
from connect_tasks.campaign.report import render_report
from connect_tasks.campaign.result_tables import ResultTables, TableName
from connect_tasks.campaign.shared_result import shared_tables
from connect_tasks.campaign.summary import counts_shown, not_contacted, summarise
from connect_tasks.databases.addresses import with_known_password, without_password
from connect_tasks.databases.opening import Database
from connect_tasks.errors import InputError
from connect_tasks.ledger.contact import CampaignState, Status
from connect_tasks.ledger.opening import opened
from connect_tasks.ledger.store import Ledger
from connect_tasks.tables.choosing import ids_of, values_of
from connect_tasks.tables.destinations import folder_for, parted, replacing
from connect_tasks.tables.joining import beside
from connect_tasks.tables.result_files import (
    ResultFiles,
    ResultTable,
    checked_formats,
    checked_layout,
)

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from connect_tasks.campaign.plots.drawing import Picture

__all__ = ["CampaignResult"]

_log = logging.getLogger(__name__)

_Table = Literal["contacts", "replies", "attributes", "invitations"]
# By table: what a name ends in that the caller's own table has already.
_SUFFIXES: Mapping[_Table, str] = {
    "contacts": "_contact",
    "replies": "_reply",
    "attributes": "_attribute",
    "invitations": "_invitation",
}
# Whoever has a link speaks as its customer: neither leaves the process in a pickle.
_BEARERS = ("invitations", "_keys")


class CampaignResult:
    """The tables and the summary of one campaign.

    Nothing is read before it is asked for. Each table and `summary` are read once; files are
    written from the ledger as it is then. Pickled, it holds no links, and the ledger's URL without
    a password: it opens again with `$CONNECT_TASKS_LEDGER` if that is the same database, or with
    `$PGPASSWORD` or `~/.pgpass`.

    Args:
        campaign: Its name.
        ledger_url: Where it is kept.
        plan: The table to answer for, row by row; without it, all contacts and then all refused
            rows.

    Example:
        ```python
        result.contacts[["customer_id", "status", "end_reason"]]
        result.replies.groupby("question")["answer"].value_counts()
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
        left = ("_opened", *_BEARERS)
        kept = {name: value for name, value in vars(self).items() if name not in left}
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
        planned_at, started_at, connected_at, first_reply_at, ended_at, handed_over_at
        (`datetime64[us, UTC]`); disconnect_reason (`string`) and messages_sent (`Int64`, by the
        customer), which Amazon tells when contacts are collected; not_before
        (`datetime64[us, UTC]`, until when the policy lets them wait), time_zone and variant
        (`string`), as the policy has them.
        Whom the policy withheld has the rule in error_code, and all reasons in error_message.
        Refused rows have a status and the reasons in error_message.
        """
        index = self._plan.index if self._plan else None
        table = self._tables.contacts
        return table.layout.frame(table.records, index=index)

    @cached_property
    def messages(self) -> "pd.DataFrame":
        """One row per transcript item, contact by contact, each in order of time.

        Columns: customer_id, contact_id, message_id, participant_role, participant_id,
        display_name, type, content_type, content (`string`); absolute_time
        (`datetime64[us, UTC]`, Amazon's clock).
        """
        return _frame(self._tables.messages)

    @cached_property
    def replies(self) -> "pd.DataFrame":
        """One row per customer and question, in the order in which each customer was asked.

        Columns: customer_id, contact_id (`string`); number (`Int64`, from 1 for each customer, over
        all of their contacts); question (`string`, what the other side said since the customer's
        last message); asked_at (`datetime64[us, UTC]`) and asked_by (`string`) of its last message;
        answer (`string`, what the customer said until the other side spoke again; of buttons and
        lists what was chosen); answered_at (`datetime64[us, UTC]`) of its first message;
        seconds_to_answer (`Float64`); possible_opt_out (`boolean`): whether somebody should look if
        they want no more, as "please stop" may mean that, or not. The question is missing where a
        customer spoke before anybody asked, and the answer where nobody gave one. In a simulation
        our side answers, from the table.
        """
        return _frame(self._tables.replies)

    @cached_property
    def attributes(self) -> "pd.DataFrame":
        """One row per customer with a contact: the attributes as the flow left them.

        Columns: customer_id, contact_id, and then one for each attribute, sorted, all `string`. Of
        contacts that were not collected it has the attributes that were sent. An attribute that is
        called like an id is in a column with `attribute_` before its name; of more than 500
        attributes there are those that most customers have, and a warning.
        """
        return _frame(self._tables.attributes())

    @cached_property
    def invitations(self) -> "pd.DataFrame":
        """One row per link. Whoever has its URL speaks as the customer: send it to nobody else.

        Columns: customer_id, url (`string`; missing, with a warning, without the key with which it
        was made in `$CONNECT_TASKS_INVITATION_KEYS`); issued_at, not_before and not_after (between
        which it may be sent; missing where nobody ever may), expires_at, revoked_at, opened_at
        (`datetime64[us, UTC]`); opens (`Int64`); contact_id and status of the customer's latest
        contact (`string`).
        """
        return _frame(self._tables.invitations(self._keys))

    @cached_property
    def decisions(self) -> "pd.DataFrame":
        """One row for each time that the campaign's policy decided about a customer, in that order.

        Columns: campaign, customer_id (`string`); decided_at (`datetime64[us, UTC]`); moment (what
        was about to happen: plan, claim, start or link; or ramp, at the end of a step, of no
        customer), decision (allow, defer, suppress or hold_out; of a step go_on, ask, halt or
        resume), rule (the first that hit), value (of the policy, that it hit with) (`string`);
        until (`datetime64[us, UTC]`, of those who were deferred); reasons (all rules that hit,
        the decisive one first) and policy (which one it was) (`string`). Without a policy it has
        only those whom the list `all` keeps out. That somebody pressed their link is in
        `invitations`, and not here. Nothing in it is ever changed; who was forgotten has a hash for
        an id.
        """
        return _frame(self._tables.decisions)

    def experiment(self, outcomes: "pd.DataFrame | None" = None) -> "pd.DataFrame":
        """What became of each arm of the campaign's experiment: one row for each, also held out.

        Columns: arm (`string`: the variants by name, then `own` for the campaign's own template and
        `held_out`); assigned, due (whose turn came: contacted, or held out when they would have
        been), contacted, reached, replied, opted_out (`Int64`); reply_rate, of those contacted,
        with its exact interval (Clopper-Pearson, 95 %) in reply_rate_low and reply_rate_high;
        difference of the reply rate to the first arm's, with difference_low and difference_high
        (`Float64`); sample, as planned, and sample_reached (`boolean`). The interval of a
        difference is made of two exact ones of 97.5 % (Bonferroni): it holds with 95 % or more,
        also for few. What cannot be said is missing.

        `attrs["summary"]` says in words whether the planned samples of all arms are reached, and
        all transcripts there; until then all is preliminary. `summary` and the report say it too.
        Who was held out has no replies, and is compared by what you bring.

        Args:
            outcomes: What you know of customers: columns `customer_id` and `outcome`, true or
                false, or a number. It adds outcomes_known (customers who are due and of whom it is
                known; others are left out), and for true or false outcomes (how many), outcome_rate
                with its interval, and outcome_difference to `held_out` (to the first arm if nobody
                is held out) with its own; for numbers outcome_mean.

        Raises:
            InputError: The outcomes lack a column, have several for one customer or another kind.

        Example:
            ```python
            result.experiment()[["arm", "contacted", "replied", "reply_rate"]]
            bought = orders.assign(outcome=orders["amount"] > 0)
            print(result.experiment(bought).attrs["summary"])
            ```
        """
        with opened(self._ledger) as ledger:
            name = ledger.existing_campaign(self.campaign)
            return experiment_of(ledger, name, outcomes, now=datetime.now(UTC))

    @cached_property
    def summary(self) -> dict[str, Any]:
        """Counts of the whole campaign, and when it ran; see `summarise`.

        With a plan also request_changed: customers contacted before with another request; and
        outside: customers who wait in the campaign and are not in the table. `deferred` then counts
        only who is in the table. Of a campaign that compares variants also experiment: what that
        has come to, in words that say whether it is preliminary.
        """
        table_id = self._plan.table_id if self._plan else None
        with opened(self._ledger) as ledger:
            name = ledger.existing_campaign(self.campaign)
            now = datetime.now(UTC)
            waits = ledger.deferred(name, now=now, table_id=table_id)
            told = experiment_told(ledger, name, now=now)
            return {
                **summarise(ledger.counts(name), waits),
                **({"experiment": told} if told else {}),
                **(_of_table(ledger, name, self._plan) if self._plan else {}),
            }

    @cached_property
    def state(self) -> CampaignState:
        """What a person wants of the campaign: running, paused or stopped."""
        with opened(self._ledger) as ledger:
            return ledger.state(ledger.existing_campaign(self.campaign))

    def join(
        self, customers: "pd.DataFrame", *, on: str = "customer_id", table: _Table = "contacts"
    ) -> "pd.DataFrame":
        """The caller's own table, with what came of each customer beside it.

        Ids are compared as a campaign compares them, so that they may be integers, or have spaces
        around them; the table keeps its dtypes and its index.

        Args:
            customers: Any rows, also others than were contacted.
            on: Its column (or level of its index) with the customer's id.
            table: What is put beside it: contacts, replies, attributes or invitations.

        Returns:
            One row for each row of `customers`, of `replies` one for each question, and one for
            whoever was asked nothing: its columns, then those of the table without campaign and
            customer_id. A name that is there already ends in `_contact`, `_reply`, `_attribute` or
            `_invitation`.

        Raises:
            InputError: There is no such column, or no such table.

        Example:
            ```python
            customers = pandas.read_csv("customers.csv")
            result.join(customers, on="customer_id")[["customer_id", "status", "end_reason"]]
            result.join(customers, table="replies").groupby("number")["answer"].value_counts()
            result.join(customers, table="attributes").describe()
            ```
        """
        if table not in _SUFFIXES:
            names = ", ".join(get_args(_Table))
            raise InputError(f"There is no table {table!r} to join: give one of {names}.")
        return beside(
            customers,
            self._outcomes(table),
            on=on,
            key=canonical_key,
            suffix=_SUFFIXES[table],
            every=table == "replies",
        )

    def _outcomes(self, table: _Table) -> "pd.DataFrame":
        if table != "contacts":
            frame: pd.DataFrame = getattr(self, table)
            return frame
        # Who was contacted counts before the same customer's refused row.
        refused = self.contacts["status"].isin([Status.REJECTED, Status.DUPLICATE])
        return self.contacts.iloc[refused.argsort(kind="stable")].drop(columns="campaign")

    @property
    def conclusion(self) -> Conclusion:
        """How the campaign's last run ended, as the name and the message of a state."""
        return conclude(self.summary, self.state, now=datetime.now(UTC))

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
        told = ((item, said(item)) for item in self._tables.messages.records)
        spoken = ((item, text) for item, text in told if text is not None)
        for _, chat in islice(groupby(spoken, key=lambda pair: pair[0]["contact_id"]), most):
            yield [(item["display_name"] or "", text) for item, text in chat]

    def plot(
        self,
        kind: Kind = "funnel",
        *,
        by: str | None = None,
        customers: "pd.DataFrame | None" = None,
        on: str = "customer_id",
        question: str | None = None,
    ) -> "Picture":
        """Draw one of the report's figures: the same numbers, under a sentence that says them.

        It is a matplotlib figure that a notebook shows by itself; elsewhere, `savefig` writes it to
        a file. It needs no screen, and leaves nothing in pyplot. Printed, it is its numbers.

        Args:
            kind: `funnel` (how many got how far), `answers` (question by question; in a simulation
                the numbers that the table said), `reply_times` (of first replies), `ends` (how
                conversations ended) or `statuses` (where every row stands).
            by: One picture for each segment, side by side: a column of `customers`, or of
                `attributes` if there are none. Of more than six values the most frequent five
                stand alone, and the others together; customers without one come last.
            customers: A table of one's own; the first row of each customer counts.
            on: Its column (or level of its index) with the customer's id.
            question: Of answers those to the questions with these words; all of them if None.

        Raises:
            InputError: matplotlib is not installed (`connect-tasks[plots]`), or there is no such
                kind, column or question.

        Example:
            ```python
            result.plot()
            result.plot("answers", by="name", customers=customers)
            result.plot("reply_times").savefig("reply-times.png")
            ```
        """
        segments = None if by is None else self._segments(by, customers, on)
        return plotted(chart_of(kind, self._tables, self.summary, segments, question))

    def _segments(self, by: str, customers: "pd.DataFrame | None", on: str) -> Segments:
        if customers is None:
            return Segments.of(self.attributes["customer_id"], values_of(self.attributes, by))
        return Segments.of(ids_of(customers, on), values_of(customers, by))

    def report(self) -> str:
        """A page for a manager, as HTML that needs nothing else."""
        return render_report(
            campaign=self.campaign,
            summary=self.summary,
            contacts=self._tables.contacts.records,
            messages=self._tables.messages.records,
            replies=self._tables.replies.records,
        )

    def to_arrow(self, table: TableName = "contacts") -> "pa.Table":
        """One of the tables for polars, DuckDB and whatever else takes Arrow.

        Its schema is always the same, also without rows, but for the columns of `attributes`, which
        the flow makes. The rows are those of the DataFrame, without its index.

        Args:
            table: contacts, messages, replies, attributes, decisions or invitations.

        Raises:
            InputError: There is no such table.

        Example:
            ```python
            result.to_arrow("replies").schema.names
            ```
        """
        if table not in get_args(TableName):
            names = ", ".join(get_args(TableName))
            raise InputError(f"There is no table {table!r}: give one of {names}.")
        found = self._tables.every(table, self._keys if table == "invitations" else None)
        return found.layout.arrow(found.records)

    def to_database(self, database: Any, *, prefix: str = "connect_tasks_") -> None:
        """Write the campaign's tables beside those of other campaigns, into a database of yours.

        The tables are `connect_tasks_contacts` and so on, and are made if absent: the columns of
        the DataFrames after `campaign_id` and `campaign`; of the attributes a row each, in
        `attribute` and `value`. The campaign's earlier rows are replaced, all in one transaction:
        a second call doubles nothing, and who was forgotten is gone. It is the whole campaign, and
        not only the customers of one table. Links are not written.

        Args:
            database: SQLAlchemy URL of SQLite or PostgreSQL, an engine, or Prefect's
                `SqlAlchemyConnector`.
            prefix: What the tables' names begin with.

        Raises:
            InputError: It is another kind of database, cannot be written to, or has other tables
                of these names.

        Example:
            ```python
            result.to_database("sqlite:///shop.db")
            ```
        """
        with opened(self._ledger) as ledger:
            shared_tables(ledger, self.campaign).replace_in(Database(database), prefix)

    def save(
        self,
        folder: str | os.PathLike[str],
        *,
        formats: Collection[str] | None = None,
        neutralise: bool = True,
        invitations: bool = False,
        layout: Literal["files", "by_date"] = "files",
    ) -> None:
        """Write the tables and `report.html` to a folder; made if absent.

        Memory stays small, however large the campaign. Files of an earlier call are replaced, each
        when the new one is complete.

        Args:
            folder: A folder of this machine, or an `s3://` URI.
            formats: Any of csv, as by default (`contacts.csv`, `messages.csv`, `replies.csv`,
                `attributes.csv`, `decisions.csv`), parquet (the same with `.parquet`: exactly what
                the tables hold) and xlsx (`results.xlsx`).
            neutralise: Whether CSV is for spreadsheets: text that they would carry out as a
                formula gets an apostrophe before it, and the file a mark that says UTF-8. False:
                for programs, exactly the text.
            invitations: Whether `invitations` is written, too, as `invitations_all.csv` and so on:
                whoever can read it speaks as any customer.
            layout: `by_date`: for a lake that many campaigns share. Instead of all else Parquet
                files as `contacts/date=2026-11-27/NAME-ID.parquet`, in UTC by when contacts were
                planned and things said and decided, with the columns of `to_database`. The files
                of other campaigns stay; those of this one are replaced, so that the same rows are
                never there twice.

        Raises:
            InputError: The folder is a URI of another kind, S3 refuses the files, a format or the
                layout is unknown, or the tables do not fit into a spreadsheet.
            OSError: It cannot be written to.
        """
        if checked_layout(layout, formats, invitations=invitations) == "by_date":
            with opened(self._ledger) as ledger:
                shared_tables(ledger, self.campaign).write_by_date(folder)
            return
        chosen = checked_formats(("csv",) if formats is None else formats)
        with folder_for(folder) as path:
            self._files(invitations=invitations).write(path, chosen, neutralise=neutralise)
            with replacing(path / "report.html") as file:
                file.write_text(self.report(), encoding="utf-8")

    def to_parquet(self, folder: str | os.PathLike[str], *, invitations: bool = False) -> None:
        """Write each table as `contacts.parquet` and so on to a folder; made if absent.

        They hold the rows of `contacts`, `messages`, `replies`, `attributes` and `decisions` in the
        same order and with the same dtypes, without an index. Memory stays small, however large the
        campaign. Files of an earlier call are replaced, each when the new one is complete.

        Args:
            folder: A folder of this machine, or an `s3://` URI.
            invitations: Whether `invitations` is written, too, as `invitations_all.parquet`.

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
            self._files(invitations=invitations).write(path, ["parquet"], neutralise=False)

    def to_excel(self, path: str | os.PathLike[str], *, invitations: bool = False) -> None:
        """Write each table as a sheet of one `.xlsx` file; its folder is made.

        Times are UTC, without a zone, and their columns say so. Text is text, also where it begins
        like a formula; what no sheet can hold is replaced, and what is too long for a cell is cut.

        Args:
            path: A file of this machine, or an `s3://` URI.
            invitations: Whether `invitations` is a sheet, too, `invitations_all`.

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
            self._files(invitations=invitations).write_workbook(place / name)

    def _files(self, *, invitations: bool) -> ResultFiles:
        tables = {
            "contacts": self._tables.contacts,
            "messages": self._tables.messages,
            "replies": self._tables.replies,
            "attributes": self._tables.attributes(),
            "decisions": self._tables.decisions,
        }
        if invitations:
            # `invitations.csv` is the list for whoever sends the links.
            tables["invitations_all"] = self._tables.invitations(self._keys)
        return ResultFiles(tables)

    @property
    def _tables(self) -> ResultTables:
        return ResultTables(self.campaign, lambda: opened(self._ledger), self._plan)

    @cached_property
    def _keys(self) -> InvitationKeys | None:
        try:
            return InvitationKeys.from_environment()
        except InputError as error:
            _log.warning("campaign %s: its links have no URLs here. %s", self.campaign, error)
            return None

    def __repr__(self) -> str:
        counts = ", ".join(f"{name} {value}" for name, value in self._counts())
        return f"<CampaignResult {self.campaign!r}: {counts}>"

    def _repr_html_(self) -> str:
        cells = "".join(
            f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in self._counts()
        )
        return f"<table><caption>{escape(self.campaign)}</caption>{cells}</table>"

    def _counts(self) -> list[tuple[str, int]]:
        return counts_shown(self.summary)


def _frame(table: ResultTable) -> "pd.DataFrame":
    return table.layout.frame(table.records)


def _of_table(ledger: Ledger, campaign: str, plan: Plan) -> dict[str, Any]:
    outside = ledger.outside(campaign, plan.table_id) if plan.table_id else 0
    return {"request_changed": plan.request_changed, "outside": outside}
