"""The report's outcomes: where every row stands, how chats ended, how long replies took."""

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connect_tasks.campaign.report import words
from connect_tasks.campaign.report.figures import Bar, bars, reply_seconds
from connect_tasks.ledger.contact import CampaignMode

__all__ = ["Outcomes"]


class Outcomes:
    """What became of contacts and refused rows.

    Args:
        mode: Who speaks as the customer: words and reasons depend on it.

    Example:
        >>> outcomes = Outcomes(CampaignMode.SIMULATION)
        >>> outcomes.meet([{"status": "completed"}, {"status": "rejected"}])
        >>> [(bar.label, bar.count) for bar in outcomes.statuses]
        [('Completed', 1), ('Refused: the row is not valid', 1)]
    """

    def __init__(self, mode: CampaignMode) -> None:
        self._mode = mode
        self._end_of = _ended if mode is CampaignMode.SIMULATION else _ended_by_people
        self._statuses: Counter[str] = Counter()
        self._ends: Counter[str] = Counter()
        self.seconds = array("d")

    def meet(self, contacts: Sequence[Mapping[str, Any]]) -> None:
        """Take some contacts in."""
        self._statuses.update(_values(contacts, "status"))
        self._ends.update(filter(None, map(self._end_of, contacts)))
        self.seconds.extend(reply_seconds(contacts))

    @property
    def statuses(self) -> tuple[Bar, ...]:
        """Where every row stands, in the order of the page; what nobody is in is left out."""
        return bars(_in_words(self._statuses, words.STATUS_WORDS_OF[self._mode]))

    @property
    def ends(self) -> tuple[Bar, ...]:
        """How conversations ended, in the order of the page; what nobody is in is left out."""
        return bars(_in_words(self._ends, words.ends_of(self._mode)))


def _ended(contact: Mapping[str, Any]) -> str | None:
    reason = contact.get("end_reason")
    return None if reason is None else str(reason)


def _ended_by_people(contact: Mapping[str, Any]) -> str | None:
    """Amazon's reason, which is all that there is to know; ours where it told none."""
    told = contact.get("disconnect_reason")
    code = contact.get("error_code") if contact.get("end_reason") else None
    known = next((name for name in (told, code) if name in words.ENDS_OF_PEOPLE), None)
    return known or _ended(contact)


def _values(contacts: Iterable[Mapping[str, Any]], key: str) -> Iterable[str]:
    return (str(contact[key]) for contact in contacts if contact.get(key) is not None)


def _in_words(found: Counter[str], plain: Mapping[str, str]) -> dict[str, int]:
    """The counts under plain words, in the words' own order."""
    known = {plain[value]: found[value] for value in plain if value in found}
    other = sum(count for value, count in found.items() if value not in plain)
    return known | ({"Other": other} if other else {})
