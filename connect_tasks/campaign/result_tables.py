"""The tables of a campaign's result as records, each read anew from the ledger when asked for."""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, TypeAlias

from connect_tasks.campaign.answers.attributes import attribute_columns
from connect_tasks.campaign.answers.replies import replies
from connect_tasks.campaign.invitation_rows import invitation_records
from connect_tasks.campaign.links import InvitationKeys
from connect_tasks.campaign.opt_outs import opt_out_words
from connect_tasks.campaign.plan import Plan
from connect_tasks.campaign.result_rows import Record, contact_records
from connect_tasks.ledger.store import Ledger
from connect_tasks.tables.layouts import (
    CONTACTS,
    DECISIONS,
    INVITATIONS,
    MESSAGES,
    REPLIES,
    attributes_layout,
)
from connect_tasks.tables.result_files import ResultTable

__all__ = ["Again", "ResultTables", "TableName"]

TableName: TypeAlias = Literal[
    "contacts", "messages", "replies", "attributes", "decisions", "invitations"
]
"""The tables of a result."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Again:
    """Records that are read anew each time they are gone through."""

    read: Callable[[], Iterator[Record]]

    def __iter__(self) -> Iterator[Record]:
        return self.read()


@dataclass(frozen=True, slots=True)
class ResultTables:
    """What a result is made of.

    Args:
        campaign: As it was called by whoever asks.
        ledger: Opens the ledger for as long as a table is read.
        plan: The table to answer for, row by row; without it, all customers.
    """

    campaign: str
    ledger: Callable[[], AbstractContextManager[Ledger]]
    plan: Plan | None = None

    @property
    def contacts(self) -> ResultTable:
        """One row for each row of the table, or for each customer."""
        return ResultTable(CONTACTS, Again(self._contacts))

    @property
    def messages(self) -> ResultTable:
        """One row for each transcript item."""
        return ResultTable(MESSAGES, Again(self._messages))

    @property
    def replies(self) -> ResultTable:
        """One row for each question of a customer."""
        return ResultTable(REPLIES, Again(self._replies))

    @property
    def decisions(self) -> ResultTable:
        """One row for each time that a policy decided about a customer."""
        return ResultTable(DECISIONS, Again(self._decisions))

    def attributes(self) -> ResultTable:
        """One row for each customer with a contact; its columns are looked for at once."""
        columns = attribute_columns(self.stored())
        if columns.left_out:
            _log.warning(
                "campaign %s has %d different attributes: the table has the %d that most customers "
                "have; all of them are in the ledger",
                self.campaign,
                len(columns.names) + columns.left_out,
                len(columns.names),
            )
        layout = attributes_layout(columns.names.values())
        return ResultTable(layout, Again(lambda: map(columns.record, self.stored())))

    def every(self, table: TableName, keys: InvitationKeys | None = None) -> ResultTable:
        """Any of the tables, by its name.

        Args:
            table: Which.
            keys: As for `invitations`.
        """
        match table:
            case "attributes":
                return self.attributes()
            case "invitations":
                return self.invitations(keys)
            case _:
                found: ResultTable = getattr(self, table)
                return found

    def invitations(self, keys: InvitationKeys | None) -> ResultTable:
        """One row for each link.

        Args:
            keys: Make the URLs, which are missing without them.
        """
        return ResultTable(INVITATIONS, Again(lambda: self._invitations(keys)))

    def _contacts(self) -> Iterator[Record]:
        with self.ledger() as ledger:
            yield from contact_records(ledger, self.campaign, self.plan)

    def _messages(self) -> Iterator[Record]:
        with self.ledger() as ledger:
            yield from ledger.message_records(ledger.existing_campaign(self.campaign))

    def _replies(self) -> Iterator[Record]:
        with self.ledger() as ledger:
            name = ledger.existing_campaign(self.campaign)
            yield from replies(ledger.answers.said(name), words=opt_out_words(ledger, name))

    def _decisions(self) -> Iterator[Record]:
        with self.ledger() as ledger:
            name = ledger.existing_campaign(self.campaign)
            yield from ledger.audit.records(campaign=name)

    def stored(self) -> Iterator[Record]:
        """What is kept of each customer's attributes, as `Answers.attributes` gives it."""
        with self.ledger() as ledger:
            yield from ledger.answers.attributes(ledger.existing_campaign(self.campaign))

    def _invitations(self, keys: InvitationKeys | None) -> Iterator[Record]:
        with self.ledger() as ledger:
            name = ledger.existing_campaign(self.campaign)
            yield from invitation_records(ledger, name, keys)
