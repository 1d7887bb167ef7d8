"""Hand-over: a started chat goes to its customer, by a function of the user's own.

The rules of this file:

- The function is checked before anything is planned: a name that leads nowhere, or something that
  cannot be called with one chat, would otherwise be found out with a chat already started.
- A participant token is in what the function is given and nowhere else: not in a log, an error or
  the ledger.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from importlib import import_module
from typing import Any, TypeAlias

from pydantic import SecretStr

from connect_tasks.aws.models import StartChatContactResponse
from connect_tasks.aws.problems import shortened
from connect_tasks.chat.template.renderer import ChatMinutes
from connect_tasks.errors import InputError

__all__ = ["CANNOT_TRAVEL", "CHAT_MINUTES", "HandOver", "StartedChat", "check_alone", "function_of"]

CANNOT_TRAVEL = (
    "A function cannot travel to other processes: give the hand-over's place there, as "
    "'package.module:function'."
)

CHAT_MINUTES = ChatMinutes(default=240, most=10_080, why="Amazon keeps no chat for longer")
"""How long a chat may last that a person has: a tab that was left holds its slot so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedChat:
    """A chat that waits for its customer, as the hand-over's function is given it.

    Whoever holds the token speaks as the customer: give it to their app, and keep it in no log.
    The same chat may come twice after a crash: `contact_id` tells.

    Args:
        campaign: The campaign's name.
        customer_id: The row's id.
        attributes: The contact's attributes, as they were rendered from the row.
        contact_id: Amazon's id of the chat.
        participant_id: Amazon's id of the customer in it; None if it told none.
        participant_token: Opens the chat as the customer.
        connect_by: When Amazon gives the chat up unless somebody has connected, in UTC.
        response: All that Amazon answered to the start.
    """

    campaign: str
    customer_id: str
    attributes: Mapping[str, str]
    contact_id: str
    participant_id: str | None
    participant_token: SecretStr
    connect_by: datetime
    response: StartChatContactResponse

    def start_chat_result(self) -> dict[str, str]:
        """What Amazon's chat clients take, with the token as plain text.

        Returns:
            `ContactId`, `ParticipantId` and `ParticipantToken`: the `chatDetails` of ChatJS, and
            the `startChatResult` of Amazon's chat interface.
        """
        return {
            "ContactId": self.contact_id,
            "ParticipantId": self.participant_id or "",
            "ParticipantToken": self.participant_token.get_secret_value(),
        }


HandOver: TypeAlias = Callable[[StartedChat], object]
"""Gives a started chat to its customer, or raises; may be async. What it returns is ignored."""


def function_of(hand_over: HandOver | str) -> HandOver:
    """The function that a hand-over names.

    Args:
        hand_over: Something that can be called with a `StartedChat`, or where to import it from:
            `package.module:function`.

    Raises:
        InputError: There is no such function, or it cannot be called with one chat.
    """
    function = _imported(hand_over) if isinstance(hand_over, str) else hand_over
    what = repr(hand_over) if isinstance(hand_over, str) else f"a {type(hand_over).__name__}"
    if not callable(function):
        raise InputError(f"The hand-over {what} is no function: {_HOW}")
    if _yields(function):
        raise InputError(
            f"The hand-over {what} yields, so calling it hands nothing over: return instead."
        )
    if not _takes_one(function):
        raise InputError(f"The hand-over {what} cannot be called with one chat: {_HOW}")
    return function


def check_alone(hand_over: object, conversation: object) -> None:
    """Make sure that a campaign is not told both to speak for its customers and to let them speak.

    Raises:
        InputError: It is.
    """
    if hand_over is not None and conversation is not None:
        raise InputError(
            "A campaign with `hand_over` takes no `conversation`: its customers speak for "
            "themselves. Leave one of the two out."
        )


_HOW = "give one that takes a StartedChat, or its place as 'package.module:function'."


def _imported(path: str) -> Any:
    module_name, colon, name = path.strip().partition(":")
    if not (module_name and colon and name):
        raise InputError(
            f"The hand-over {shortened(path)} names no function: write 'package.module:function'."
        )
    try:
        found: Any = import_module(module_name)
    # A module may raise anything while it is imported, and end the process with it.
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        raise InputError(
            f"The hand-over {shortened(path)} cannot be imported ({type(error).__name__}): check "
            "the name, and that the module can be imported where this runs."
        ) from error
    for part in name.split("."):
        found = getattr(found, part, None)
        if found is None:
            raise InputError(
                f"The hand-over {shortened(path)} names no function: {module_name} has no {name!r}."
            )
    return found


def _yields(function: Any) -> bool:
    """Whether a call would only make a generator: of a function, or of an object's `__call__`."""
    while isinstance(function, partial):
        function = function.func
    kinds = (inspect.isgeneratorfunction, inspect.isasyncgenfunction)
    candidates = (function, vars(type(function)).get("__call__"))
    return any(is_kind(candidate) for is_kind in kinds for candidate in candidates)


def _takes_one(function: Any) -> bool:
    try:
        inspect.signature(function).bind(None)
    except TypeError:
        return False
    except ValueError:
        # Some that are written in C do not say what they take.
        return True
    return True
