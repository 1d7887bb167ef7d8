"""The settings of the phones: of which kind each number is, and what is not certain of Amazon."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

from connect_tasks.emulator.flows.answers import Answerer, choose_answer

__all__ = ["LocalPhones", "PhoneKind"]


class PhoneKind(StrEnum):
    """What becomes of messages to a phone."""

    ANSWER = "answer"
    """They are read, and questions answered."""
    SILENT = "silent"
    """They arrive, and nobody ever writes back."""
    STOP = "stop"
    """The first one is answered with STOP, and nothing after it."""
    UNDELIVERABLE = "undeliverable"
    """They do not arrive."""


_ALL_ANSWER: Mapping[PhoneKind, float] = MappingProxyType({PhoneKind.ANSWER: 1.0})


@dataclass(frozen=True, kw_only=True)
class LocalPhones:
    """The phones that the local Amazon Connect reaches; there is one for each number.

    StartOutboundChatContact was never run against Amazon. What its documentation leaves open is
    inferred here, and can be set.

    Attributes:
        shares: Which part of the phones is of which kind; the numbers need not add up to 1. The
            same number always has the same kind with the same seed.
        by_number: The kinds of single numbers, in E.164; they go before the shares.
        texts: What is written back from single numbers, one text for each time that something
            arrives. One of the kind `stop` writes STOP after the last of them.
        answers: Gives the answer to a question where there are no texts.
        seconds: Least and most seconds before somebody writes back.
        most_answers: How often somebody writes back in one conversation.
        source_arns: The phone numbers that the instance has, by their ARNs; None for any.
        undeliverable: What becomes of a contact whose messages do not arrive (inferred): it ends
            with SYSTEM_ERROR, or it stays open as if nobody answered.
        initiation_method: The InitiationMethod of contacts that begin on a phone (inferred: API,
            as of all that an API call makes).

    Raises:
        ValueError: The shares are negative or all nothing, or a kind is none; the message begins
            with the field's name.

    Example:
        ```python
        phones = LocalPhones(shares={PhoneKind.ANSWER: 0.8, PhoneKind.STOP: 0.2})
        with LocalConnect(flow="feedback", phones=phones) as local:
            ...
        ```
    """

    shares: Mapping[PhoneKind, float] = field(default_factory=lambda: _ALL_ANSWER)
    by_number: Mapping[str, PhoneKind] = field(default_factory=dict)
    texts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    answers: Answerer = choose_answer
    seconds: tuple[float, float] = (0, 0)
    most_answers: int = 20
    source_arns: frozenset[str] | None = None
    undeliverable: Literal["ends", "stays_open"] = "ends"
    initiation_method: Literal["API", "OUTBOUND"] = "API"

    def __post_init__(self) -> None:
        """Take kinds by their names, too."""
        object.__setattr__(self, "shares", {PhoneKind(k): v for k, v in self.shares.items()})
        kinds = {number: PhoneKind(kind) for number, kind in self.by_number.items()}
        object.__setattr__(self, "by_number", kinds)
        total = math.fsum(self.shares.values())
        if not 0 < total < math.inf or min(self.shares.values()) < 0:
            raise ValueError("shares: must be numbers from 0 on, and not all of them 0.")

    def kind_of(self, number: str, drawn: float) -> PhoneKind:
        """The kind of a phone.

        Args:
            number: Its number.
            drawn: From 0 to below 1: where it stands among the shares.

        Example:
            >>> LocalPhones(by_number={"+4915112345678": "stop"}).kind_of("+4915112345678", 0)
            <PhoneKind.STOP: 'stop'>
        """
        if number in self.by_number:
            return self.by_number[number]
        left = drawn * math.fsum(self.shares.values())
        for kind, share in self.shares.items():
            left -= share
            if left < 0:
                return kind
        return kind
