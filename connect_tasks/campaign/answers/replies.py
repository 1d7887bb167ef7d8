"""Replies: what was asked in a chat and what was answered, from its items in order of time.

The rules of this file:

- Two sides speak: the customer (or our side in their place, in a simulation), and the other one,
  whoever is on it: a flow, a bot, an agent, a supervisor. What an item says stands in `said`;
  events say nothing.
- A question is all that the other side said since the customer's last message, each in a line of
  its own. It was asked when, and by whom, its last message was.
- An answer is all that the customer said until the other side speaks again, each in a line of its
  own. It was given when its first message was.
- What the customer says before anybody asked is an answer without a question.
- What the other side says last is a question without an answer, unless the other side ended the
  chat: then it is a farewell, and no row. Who was cut off, left or fell silent was asked.
- An answer may be an opt-out if one of its messages may (`may_be_opt_out`). One that surely is puts
  the customer on a list, and nobody has to look at it.
- A contact that followed (a transfer, a survey after the end) begins anew. The numbers go on: they
  count from 1 for each customer, over all of their contacts.
- Nothing of what the customer said is lost, and items are taken one by one: no more is held than
  one question and its answer.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache, partial
from itertools import count, groupby
from typing import Any

from connect_tasks.aws.idempotency import canonical_key
from connect_tasks.campaign.answers.said import INTERACTIVE, is_customers, said
from connect_tasks.campaign.policy.opt_out_words import WORDS, may_be_opt_out
from connect_tasks.chat.dialogue import EndReason

__all__ = ["ended_by_the_other_side", "replies"]

# Of Amazon's disconnect reasons: the other side, or somebody with a right to, ended the chat. In
# the others the customer left or fell silent, time ran out, or something broke.
_ENDED_BY_THEM = frozenset(
    {"CONTACT_FLOW_DISCONNECT", "AGENT_DISCONNECT", "THIRD_PARTY_DISCONNECT", "BARGED", "API"}
)


def ended_by_the_other_side(end_reason: str | None, disconnect_reason: str | None) -> bool:
    """Whether it was neither the customer nor time nor a fault that ended a chat.

    Args:
        end_reason: Ours: how our side saw it end.
        disconnect_reason: Amazon's, where it was asked.

    Example:
        >>> ended_by_the_other_side("chat_ended", "CUSTOMER_DISCONNECT")
        False
    """
    # Where our side closed a simulation, Amazon says that an API did.
    if end_reason not in {None, EndReason.CHAT_ENDED}:
        return False
    if disconnect_reason is None:
        return end_reason == EndReason.CHAT_ENDED
    return disconnect_reason in _ENDED_BY_THEM


def replies(
    items: Iterable[Mapping[str, Any]], *, words: Mapping[str, Iterable[str]] = WORDS
) -> Iterator[dict[str, Any]]:
    """One mapping for each question of each customer, in the order in which they were asked.

    Args:
        items: By the names of the columns of `messages`, and `end_reason` and `disconnect_reason`
            of their contact where those are known. One customer's stand together, of them one
            contact's, and those in order of time.
        words: The opt-out words of the campaign, by language.

    Yields:
        customer_id, contact_id, number, question, asked_at, asked_by, answer, answered_at,
        seconds_to_answer and possible_opt_out; and customer_name, which the customer has borne in
        the contact so far. None for what there is not.

    Example:
        >>> asked = {"customer_id": "1", "contact_id": "c", "type": "MESSAGE", "content": "Why?"}
        >>> answered = {**asked, "participant_role": "CUSTOMER", "content": "So."}
        >>> [(row["question"], row["answer"]) for row in replies([asked, answered])]
        [('Why?', 'So.')]
    """
    key = lru_cache(maxsize=1)(canonical_key)
    # Most answers are given by many.
    may_opt_out = lru_cache(maxsize=4_096)(partial(may_be_opt_out, words=words))
    for _, theirs in groupby(items, key=lambda item: key(item["customer_id"])):
        numbers = count(1)
        for _, chat in groupby(theirs, key=lambda item: item["contact_id"]):
            for exchange in _exchanges(chat):
                yield exchange.row(next(numbers), may_opt_out)


@dataclass(slots=True)
class _Exchange:
    """One question, as far as it was asked, and its answer, as far as it was given."""

    question: list[str] = field(default_factory=list)
    answer: list[str] = field(default_factory=list)
    customer_name: str | None = None
    # What may be chosen from; as long as the question offers nothing, what the one before it did.
    offered: Sequence[str] = ()
    offers: bool = False
    last_asked: Mapping[str, Any] = field(default_factory=dict)
    first_answered: Mapping[str, Any] = field(default_factory=dict)

    def ask(self, item: Mapping[str, Any], text: str) -> None:
        self.question.append(text)
        self.last_asked = item
        if (content := item.get("content")) and item.get("content_type") == INTERACTIVE:
            self.offered = (*self.offered, content) if self.offers else (content,)
            self.offers = True

    def reply(self, item: Mapping[str, Any], text: str) -> None:
        self.answer.append(text)
        self.customer_name = item.get("display_name")
        self.first_answered = self.first_answered or item

    def row(self, number: int, may_opt_out: Callable[[str], bool]) -> dict[str, Any]:
        asked, answered = self.last_asked, self.first_answered
        asked_at, answered_at = asked.get("absolute_time"), answered.get("absolute_time")
        of = asked or answered
        return {
            "customer_id": of["customer_id"],
            "contact_id": of["contact_id"],
            "number": number,
            "question": "\n".join(self.question) if self.question else None,
            "asked_at": asked_at,
            "asked_by": asked.get("display_name") or asked.get("participant_role"),
            "answer": "\n".join(self.answer) if self.answer else None,
            "answered_at": answered_at,
            "seconds_to_answer": _seconds(asked_at, answered_at),
            "possible_opt_out": any(map(may_opt_out, self.answer)),
            "customer_name": self.customer_name,
        }


def _exchanges(chat: Iterable[Mapping[str, Any]]) -> Iterator[_Exchange]:
    now = _Exchange()
    item: Mapping[str, Any] = {}
    for item in chat:
        if (text := said(item, now.offered)) is None:
            continue
        if is_customers(item):
            now.reply(item, text)
            continue
        if now.answer:
            yield now
            now = _Exchange(customer_name=now.customer_name, offered=now.offered)
        now.ask(item, text)
    ended = ended_by_the_other_side(item.get("end_reason"), item.get("disconnect_reason"))
    if now.answer or (now.question and not ended):
        yield now


def _seconds(asked_at: datetime | None, answered_at: datetime | None) -> float | None:
    return (answered_at - asked_at).total_seconds() if asked_at and answered_at else None
