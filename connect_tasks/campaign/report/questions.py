"""The report's questions: what people were asked, and how their answers are distributed.

The rules of this file:

- A question is known by its words, but for the customer's own name. Those that only few people
  were asked are taken together by their number, since most such differ in a word of the customer's
  only; what all of them have in common is shown.
- Few different answers are counted, each with its bar; numbers from 0 to 10 stand on their scale;
  of other texts some are shown, the first ones.
- What is held is bounded, whatever people write: so many questions, so many different answers of
  each, so many texts. It is said what is not shown.
"""

import re
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import Any

from connect_tasks.campaign.report.figures import Bar, Columns, answer_columns, bars, number_of
from connect_tasks.campaign.report.words import clean, percent, shorten

__all__ = ["NO_ANSWER", "Question", "QuestionList"]

# So many different wordings are held on to while the replies go by, and so many are shown.
_MOST_HELD = 300
_MOST_SHOWN = 12
# Fewer people were asked: it may be one of the wordings of a question with a name in it.
_FEW = 0.02
_MOST_DIFFERENT = 12
_MOST_COUNTED = 200
_MOST_TEXTS = 5
_LONGEST_QUESTION = 600
_LONGEST_ANSWER = 300
# With a space that no answer begins with: answers are stripped.
NO_ANSWER = " no answer"
"""What is said of those who were asked and gave none; no answer is the same."""
# What is left of different wordings, if it is to tell anything.
_SHORTEST_IN_COMMON = 12


@dataclass(frozen=True, slots=True)
class Question:
    """A question and its answers, as the page shows them.

    Attributes:
        text: Its words.
        sentence: How often it was asked and answered.
        bars: Its answers where there are few different ones, the most frequent first.
        columns: Its answers where all are numbers; None otherwise.
        texts: Some answers, where there are many different ones.
        more: How many answers there are beside those texts.
    """

    text: str
    sentence: str
    bars: tuple[Bar, ...] = ()
    columns: Columns | None = None
    texts: tuple[str, ...] = ()
    more: int = 0


class QuestionList:
    """The questions of a campaign."""

    def __init__(self) -> None:
        self._by_text: dict[str, _Asked] = {}
        self._others: dict[int, _Asked] = {}

    def hear(self, replies: Iterable[Mapping[str, Any]]) -> None:
        """Take some replies in, in their order."""
        for reply in replies:
            if (text := _asked_in(reply)) is not None:
                self._of(text, reply["number"]).hear(reply.get("answer"))

    def listing(self) -> tuple[tuple[Question, ...], int]:
        """The questions in the order in which they were asked, and how many more there are."""
        shown = self._shown()
        return tuple(theirs.question() for theirs in shown.questions), shown.more

    def among(
        self, groups: Iterable[Iterable[Mapping[str, Any]]]
    ) -> tuple[tuple[Question, ...], ...]:
        """The same questions as in `listing`, as groups of people answered them.

        Args:
            groups: The replies of each, all of which were heard before.

        Returns:
            For each group the questions. Numbers stand on the scale of all people's, and other
            answers in their order.
        """
        shown = self._shown()
        return tuple(shown.heard_from(replies) for replies in groups)

    def _shown(self) -> "_Shown":
        asked = max((theirs.asked for theirs in self._by_text.values()), default=0)
        few = max(1, asked * _FEW)
        rare = [theirs for theirs in self._by_text.values() if theirs.asked <= few]
        joined = _by_number([*rare, *self._others.values()])
        common = {text: theirs for text, theirs in self._by_text.items() if theirs.asked > few}
        found = [*common.values(), *joined.values()]
        most = sorted(found, key=lambda theirs: -theirs.asked)[:_MOST_SHOWN]
        ordered = sorted(most, key=lambda theirs: (theirs.number, -theirs.asked))
        return _Shown(tuple(ordered), len(found) - len(most), common, joined, self._by_text)

    def _of(self, text: str, number: int) -> "_Asked":
        if text in self._by_text:
            return self._by_text[text]
        if len(self._by_text) < _MOST_HELD:
            return self._by_text.setdefault(text, _Asked(_Wording(text), number))
        others = self._others.setdefault(number, _Asked(_Wording(text), number))
        others.wording = others.wording.merged(_Wording(text))
        return others


def _asked_in(reply: Mapping[str, Any]) -> str | None:
    """The words by which a reply's question is known; None where nobody asked."""
    if reply.get("question") is None:
        return None
    asked = _nameless(clean(reply["question"]), clean(reply.get("customer_name")))
    return shorten(asked.strip(), _LONGEST_QUESTION)


@dataclass(frozen=True, slots=True)
class _Shown:
    """What is shown of the questions, and which of it each wording belongs to."""

    questions: "tuple[_Asked, ...]"
    more: int
    common: "Mapping[str, _Asked]"
    joined: "Mapping[int, _Asked]"
    held: "Mapping[str, _Asked]"

    def heard_from(self, replies: Iterable[Mapping[str, Any]]) -> tuple[Question, ...]:
        parts = {id(whole): _Asked(whole.wording, whole.number) for whole in self.questions}
        for reply in replies:
            if (text := _asked_in(reply)) is not None:
                whole = self._whole(text, reply["number"])
                if id(whole) in parts:
                    parts[id(whole)].hear(reply.get("answer"))
        return tuple(parts[id(whole)].question(whole) for whole in self.questions)

    def _whole(self, text: str, number: int) -> "_Asked | None":
        if text in self.common:
            return self.common[text]
        # Where a wording is held, its first number decides.
        return self.joined.get(self.held[text].number if text in self.held else number)


@dataclass(frozen=True, slots=True)
class _Wording:
    """The words of a question, or how all of its wordings begin and end."""

    example: str
    ends: tuple[str, str] | None = None

    def merged(self, other: "_Wording") -> "_Wording":
        if self.ends is None and self.example == other.example and other.ends is None:
            return self
        head = _alike(self.head, other.head)
        tail = _alike(self.tail(len(head))[::-1], other.tail(len(head))[::-1])[::-1]
        return _Wording(self.example, (head, tail))

    @property
    def head(self) -> str:
        return self.example if self.ends is None else self.ends[0]

    def tail(self, after: int) -> str:
        return self.example[after:] if self.ends is None else self.ends[1]

    @property
    def text(self) -> str:
        if self.ends is None:
            return self.example
        # Whole words: two names may begin with the same letter.
        head, tail = self.ends
        head, tail = head[: head.rfind(" ") + 1].rstrip(), tail[tail.find(" ") + 1 :].lstrip()
        is_telling = len(head) + len(tail) >= _SHORTEST_IN_COMMON
        return f"{head} … {tail}".strip() if is_telling else f"For example: {self.example}"


@dataclass(slots=True)
class _Asked:
    """What was answered to one question, as far as the page needs it."""

    wording: _Wording
    number: int
    asked: int = 0
    answered: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    numbers: "array[float]" = field(default_factory=lambda: array("d"))
    texts: list[str] = field(default_factory=list)
    is_counted: bool = True

    def hear(self, answer: str | None) -> None:
        self.asked += 1
        if answer is None:
            return
        told = shorten(clean(answer).strip(), _LONGEST_ANSWER)
        self.answered += 1
        if (number := number_of(told)) is not None:
            self.numbers.append(number)
        self._count(told, 1)
        if len(self.texts) < _MOST_TEXTS:
            self.texts.append(told)

    def join(self, other: "_Asked") -> None:
        """Take in what was answered to another wording of it."""
        self.wording = self.wording.merged(other.wording)
        self.asked += other.asked
        self.answered += other.answered
        self.numbers.extend(other.numbers)
        self.is_counted &= other.is_counted
        for answer, count in other.counts.items():
            self._count(answer, count)
        self.texts = [*self.texts, *other.texts][:_MOST_TEXTS]

    def question(self, among: "_Asked | None" = None) -> Question:
        """How it was answered.

        Args:
            among: By all people, if this is how some answered: it is shown as theirs is.
        """
        every = among or self
        told = Question(self.wording.text, self._sentence())
        if every.are_numbers:
            mean = f" {fmean(self.numbers):,.1f} on average." if self.numbers else ""
            columns = answer_columns(self.numbers, among=every.numbers)
            return replace(told, sentence=told.sentence + mean, columns=columns)
        if every.is_choice:
            return replace(told, bars=bars({name: self._of(name) for name in every.in_order()}))
        return replace(told, texts=tuple(self.texts), more=self.answered - len(self.texts))

    def _sentence(self) -> str:
        if not self.asked:
            return "Never asked."
        share = f"{_times(self.answered)} ({percent(self.answered / self.asked)})"
        answered = f"answered {share}" if self.answered else "never answered"
        return f"Asked {_times(self.asked)}, {answered}."

    @property
    def are_numbers(self) -> bool:
        """Whether all answers are numbers."""
        return bool(self.answered) and len(self.numbers) == self.answered

    @property
    def is_choice(self) -> bool:
        """Whether the answers are few, and some of them were given again."""
        few = self.is_counted and len(self.counts) <= _MOST_DIFFERENT
        return few and len(self.counts) < self.answered

    def in_order(self) -> list[str]:
        """The different answers, the most frequent first, and that there was none."""
        chosen = sorted(self.counts.items(), key=lambda pair: (-pair[1], pair[0]))
        return [*(answer for answer, _ in chosen), NO_ANSWER]

    def _of(self, answer: str) -> int:
        return self.asked - self.answered if answer == NO_ANSWER else self.counts[answer]

    def _count(self, answer: str, count: int) -> None:
        if answer in self.counts or len(self.counts) < _MOST_COUNTED:
            self.counts[answer] += count
        else:
            self.is_counted = False


def _by_number(rare: Iterable[_Asked]) -> dict[int, _Asked]:
    """Questions of which each has few askings, those of the same number as one."""
    found: dict[int, _Asked] = {}
    for theirs in rare:
        # Joined in one of its own: what was heard stays as it was heard.
        whole = found.setdefault(theirs.number, _Asked(theirs.wording, theirs.number))
        whole.join(theirs)
    return found


def _nameless(text: str, name: str) -> str:
    """A text without what it calls the customer: all of the name, or a word of it."""
    called = {part for part in (name.strip(), *name.split()) if part and part in text}
    if not called:
        return text
    either = "|".join(map(re.escape, sorted(called, key=len, reverse=True)))
    return re.sub(rf"(?<!\w)(?:{either})(?!\w)", "…", text)


def _alike(one: str, other: str) -> str:
    """How two texts begin alike."""
    pairs = enumerate(zip(one, other, strict=False))
    differ = next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))
    return one[:differ]


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count:,} times")
