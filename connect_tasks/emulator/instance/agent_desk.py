"""A person at the instance itself: starts chats, and speaks as the agent or the customer."""

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal

from connect_tasks.emulator.flows.steps import End, Speaker
from connect_tasks.emulator.instance.backend import Backend
from connect_tasks.emulator.instance.chat import Chat
from connect_tasks.emulator.model.errors import RefusedError
from connect_tasks.emulator.model.operations import OWNERS
from connect_tasks.emulator.model.rules import PLAIN, RULES
from connect_tasks.emulator.model.validation import Validator

__all__ = ["AGENT", "AgentDesk", "Role", "is_agent_there"]

Role = Literal["AGENT", "CUSTOMER"]

AGENT = Speaker("AGENT", "Agent")
"""Who the person is when they speak as the agent."""

_JOINED = "participant.joined"


class AgentDesk:
    """What can be done by hand on one instance; sockets and flows notice no difference.

    Args:
        backend: The instance.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def start(
        self,
        flow_id: str,
        *,
        display_name: str,
        attributes: Mapping[str, str] | None = None,
        initial_message: str = "",
    ) -> str:
        """Start a chat as StartChatContact does, its customer connected; each call makes another.

        Returns:
            The contact's id.

        Raises:
            RefusedError: StartChatContact would not take this, or no slot is free.
        """
        request: dict[str, Any] = {
            "InstanceId": self._backend.instance_id,
            "ContactFlowId": flow_id,
            "ParticipantDetails": {"DisplayName": display_name},
            "Attributes": dict(attributes or {}),
        }
        if initial_message:
            request["InitialMessage"] = {"ContentType": PLAIN, "Content": initial_message}
        _check("StartChatContact", request)
        contact_id: str = self._backend.start_chat(request)["ContactId"]
        self._backend.connect(self._backend.chats[contact_id])
        return contact_id

    def say(self, contact_id: str, role: Role, text: str) -> None:
        """Say something in an open chat; whoever is not there yet joins first.

        Raises:
            RefusedError: The chat is over or unknown, or was over as soon as they had joined; or
                SendMessage would not take the text.
        """
        chat = self._open(contact_id)
        _check("SendMessage", {"ContentType": PLAIN, "Content": text})
        if role == "AGENT":
            self._join(chat)
            self._open(contact_id).say(AGENT, text)
        else:
            self._backend.connect(chat)
            self._open(contact_id).say(chat.customer, text)
            self._backend.hear(chat, text)

    def leave(self, contact_id: str, role: Role) -> None:
        """Leave an open chat; it ends, unless its flow goes on with the customer alone.

        An agent who was never there joins first.

        Raises:
            RefusedError: The chat is over or unknown.
        """
        chat = self._open(contact_id)
        if role == "CUSTOMER":
            self._backend.end(chat, End("CUSTOMER_DISCONNECT"))
            return
        self._join(chat)
        self._backend.presence.leave_agent(self._open(contact_id), AGENT)

    def _join(self, chat: Chat) -> None:
        if not is_agent_there(chat):
            self._backend.presence.join_agent(chat, AGENT)

    def _open(self, contact_id: str) -> Chat:
        chat = self._backend.chats.get(contact_id)
        if chat is None or not chat.is_open:
            raise RefusedError("ContactNotFoundException", "Contact not found or already ended")
        return chat


def is_agent_there(chat: Chat) -> bool:
    """Whether the agent of the desk has joined this contact, and not left it."""
    agent_id = chat.participant_id_of(AGENT)
    of_agent = (
        item.content_type
        for item in reversed(chat.items)
        if item.type == "EVENT" and item.participant_id == agent_id
    )
    return next(of_agent, "").endswith(_JOINED)


@cache
def _validator(operation: str) -> Validator:
    return Validator.for_input(OWNERS[operation], operation)


def _check(operation: str, request: Mapping[str, Any]) -> None:
    """What the operation's model and rules say against a request, in one refusal."""
    problems = _validator(operation)(request)
    problems = problems or [p for rule in RULES.get(operation, ()) for p in rule(request)]
    if problems:
        raise RefusedError("InvalidRequestException", "; ".join(map(str, problems)))
