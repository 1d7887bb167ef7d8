"""The report's refusals: who did not become a chat, by reason and one by one."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connect_tasks.campaign.report import words
from connect_tasks.campaign.report.figures import Bar, bars

__all__ = ["Listing", "Refusal", "RefusalList"]

# "plan = 'gold': must be …" is the same complaint as "plan = 'lead': must be …".
_OWN_VALUE = re.compile(r"^([\w.\[\]]+) = .*: ", re.DOTALL)
_MOST_REASONS = 12
_LONGEST_REASON = 300
_LONGEST_ID = 60


@dataclass(frozen=True, slots=True)
class Refusal:
    """One contact that did not become a chat: its row (the first is 0), and why."""

    row: int
    customer_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Listing:
    """Refusals grouped by reason, the first of them one by one, and how many more there are."""

    total: int
    reasons: tuple[Bar, ...]
    more_reasons: int
    rows: tuple[Refusal, ...]
    more_rows: int


class RefusalList:
    """Collects the contacts in some statuses while all contacts go by.

    Args:
        statuses: Which contacts are listed.
        limit: How many are listed one by one at most.
    """

    def __init__(self, statuses: Sequence[str], limit: int) -> None:
        self._statuses = statuses
        self._limit = limit
        self._passed = 0
        self._found = 0
        self._reasons: Counter[str] = Counter()
        self._rows: list[Refusal] = []

    def meet(self, contacts: Iterable[Mapping[str, Any]]) -> None:
        """Take some contacts in, in their order."""
        for row, contact in enumerate(contacts, self._passed):
            self._passed += 1
            if contact.get("status") in self._statuses:
                self._found += 1
                self._reasons.update(_kinds(contact))
                if len(self._rows) < self._limit:
                    self._rows.append(_refusal(row, contact))

    def listing(self) -> Listing | None:
        """What has come together; None where nothing has."""
        if not self._found:
            return None
        return Listing(
            total=self._found,
            reasons=bars(dict(self._reasons.most_common(_MOST_REASONS))),
            more_reasons=max(len(self._reasons) - _MOST_REASONS, 0),
            rows=tuple(self._rows),
            more_rows=self._found - len(self._rows),
        )


def _refusal(row: int, contact: Mapping[str, Any]) -> Refusal:
    identifier = words.shorten(words.clean(contact.get("customer_id")), _LONGEST_ID)
    return Refusal(row, identifier, words.shorten("; ".join(_reasons(contact)), _LONGEST_REASON))


def _kinds(contact: Mapping[str, Any]) -> list[str]:
    """A contact's reasons without what is only its own: the value, the row that it repeats."""
    if contact["status"] == "duplicate":
        return ["repeats the customer of an earlier row"]
    if contact["status"] == "withheld":
        # The rule that decided: what else is said of a customer is their own.
        return [_rule(contact)]
    # A dict and not a set: reasons that are equally frequent keep the table's order on every run.
    return list(dict.fromkeys(_OWN_VALUE.sub(r"\1: ", reason) for reason in _reasons(contact)))


def _rule(contact: Mapping[str, Any]) -> str:
    code = words.clean(contact.get("error_code"))
    return words.RULE_WORDS.get(code) or code or words.STATUS_WORDS["withheld"]


def _reasons(contact: Mapping[str, Any]) -> list[str]:
    """Why a contact did not become a chat, each reason once; a row may have several."""
    told = words.clean(contact.get("error_message")) or words.clean(contact.get("error_code"))
    # Only the check of a row collects several reasons; an error's own semicolons are its grammar.
    several = told.replace("\n", "; ").split("; ") if contact["status"] == "rejected" else [told]
    parts = (part.strip() for part in several)
    reasons = [words.shorten(part, _LONGEST_REASON) for part in dict.fromkeys(parts) if part]
    return reasons or [words.STATUS_WORDS[contact["status"]]]
