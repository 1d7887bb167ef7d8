"""One simulated person, from the link in their mail to the end of their chat."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx

from connect_tasks.emulator.flows.answers import Answerer, Question
from connect_tasks.emulator.people.habits import Habits
from connect_tasks.emulator.people.link import Link, PressedError, Sleep
from connect_tasks.emulator.people.records import (
    Answered,
    PersonKind,
    PersonOutcome,
    PersonRecord,
)
from connect_tasks.emulator.people.tab import OverError, Tab

__all__ = ["Person"]

_STOP = "STOP"


@dataclass
class Person:
    """Somebody who was invited.

    Attributes:
        number: Their place among the links.
        customer_id: Whose link it is, if that is known.
        kind: How they deal with invitations.
        link: Their link.
        endpoint_url: Where the participant service is.
        habits: How patient they are.
        answers: What they answer.
        choice: What answers follow from; nothing else is drawn from it.
        waits: What times follow from.
        sleep: Lets time pass.
        answered: What was answered so far.
        contact_ids: The contacts that were heard of.
    """

    number: int
    customer_id: str | None
    kind: PersonKind
    link: Link
    endpoint_url: str
    habits: Habits
    answers: Answerer
    choice: Random
    waits: Random
    sleep: Sleep
    answered: list[Answered] = field(default_factory=list)
    contact_ids: dict[str, None] = field(default_factory=dict)

    async def live(self) -> PersonRecord:
        """Do what this kind does, once; people live concurrently, and each lives but once.

        Cancelling closes the tabs; the chat goes on without.
        """
        ways: Mapping[PersonKind, Callable[[], Awaitable[PersonOutcome]]] = {
            PersonKind.NEVER: self._never,
            PersonKind.SCANNER: self._scan,
            PersonKind.LATE: self._come_late,
            PersonKind.TWICE: self._open_twice,
        }
        error_code = None
        try:
            outcome = await ways.get(self.kind, self._open)()
        except PressedError as error:
            outcome, error_code = _outcome_of(error), error.code
        except (httpx.HTTPError, OSError, ValueError, KeyError, TypeError) as error:
            outcome, error_code = PersonOutcome.FAILED, type(error).__name__
        return self._record(outcome, error_code)

    def _record(self, outcome: PersonOutcome, error_code: str | None) -> PersonRecord:
        return PersonRecord(
            number=self.number,
            customer_id=self.customer_id,
            kind=self.kind,
            outcome=outcome,
            error_code=error_code,
            presses=self.link.presses,
            put_off=self.link.put_off,
            contact_ids=tuple(self.contact_ids),
            answers=tuple(self.answered),
        )

    async def _never(self) -> PersonOutcome:
        return PersonOutcome.NOT_OPENED

    async def _scan(self) -> PersonOutcome:
        for method in ("HEAD", "GET", "GET"):
            await self.link.look(method)
        return PersonOutcome.NOT_OPENED

    async def _come_late(self) -> PersonOutcome:
        await self.sleep(self.waits.uniform(*self.habits.late_seconds))
        return await self._open()

    async def _open(self) -> PersonOutcome:
        await self.link.look()
        return await self._chat(self._tab(await self.link.press()))

    async def _open_twice(self) -> PersonOutcome:
        await asyncio.gather(self.link.look(), self.link.look())
        started = await asyncio.gather(self.link.press(), self.link.press())
        first, other = map(self._tab, started)
        try:
            outcome, _ = await asyncio.gather(self._chat(first), self._watch(other))
        finally:
            await other.close()
        return outcome

    def _tab(self, started: Mapping[str, Any]) -> Tab:
        self.contact_ids[started["ContactId"]] = None
        token = started["ParticipantToken"]
        return Tab(self.link.http, self.endpoint_url, token, chance=self.waits, sleep=self.sleep)

    async def _watch(self, tab: Tab) -> None:
        """Leave a tab open beside the one that one chats in."""
        try:
            await tab.open()
        except OverError:
            return

    async def _chat(self, tab: Tab) -> PersonOutcome:
        try:
            await tab.open()
            await self._answer_all(tab)
        except OverError:
            tab.is_over = True
        finally:
            self.contact_ids.update(tab.contact_ids)
            await tab.close()
        if not tab.is_over:
            return PersonOutcome.LEFT
        said = [answered.answer for answered in self.answered]
        is_stopped = self.kind is PersonKind.STOP and _STOP in said
        return PersonOutcome.STOPPED if is_stopped else PersonOutcome.COMPLETED

    async def _answer_all(self, tab: Tab) -> None:
        most = 1 if self.kind is PersonKind.HALF_WAY else self.habits.most_answers
        for number in range(1, most + 1):
            question = await self._listen(tab, number)
            if question is None:
                return
            await self.sleep(self.waits.uniform(*self.habits.think_seconds))
            await self._answer(tab, question)
        if self.kind is not PersonKind.HALF_WAY:
            await self._listen(tab, most + 1)

    async def _listen(self, tab: Tab, number: int) -> Question | None:
        return await tab.next_question(
            number,
            customer_id=self.customer_id,
            pause=self.habits.pause_seconds,
            patience=self.habits.patience_seconds,
        )

    async def _answer(self, tab: Tab, question: Question) -> None:
        wants_no_more = self.kind is PersonKind.STOP and question.number > 1
        answer = _STOP if wants_no_more else self.answers(question, self.choice)
        message_id = await tab.say(answer)
        self.answered.append(
            Answered(
                contact_id=question.contact_id,
                question=question.text,
                options=question.options,
                answer=answer,
                message_id=message_id,
            )
        )


def _outcome_of(error: PressedError) -> PersonOutcome:
    if error.is_refusal:
        return PersonOutcome.REFUSED
    return PersonOutcome.GAVE_UP if error.is_put_off else PersonOutcome.FAILED
