"""Who comes into a chat and leaves it beside its customer: agents, and whoever was added."""

from typing import Protocol

from connect_tasks.emulator.flows.steps import End, Speaker
from connect_tasks.emulator.instance.chat import Chat
from connect_tasks.emulator.instance.connections import Connections
from connect_tasks.emulator.instance.conversation import Conversation
from connect_tasks.emulator.instance.seats import Seat

__all__ = ["Presence"]


class Instance(Protocol):
    """What comings and goings do to an instance."""

    connections: Connections

    def connect(self, chat: Chat) -> None:
        """The customer is connected."""

    def conversation_of(self, chat: Chat) -> Conversation | None:
        """The flow at work in a chat."""

    def end(self, chat: Chat, step: End) -> None:
        """End an open chat."""


class Presence:
    """The comings and goings on one instance.

    Args:
        instance: The instance.
    """

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._added: dict[str, list[Speaker]] = {}

    def forget(self, chat: Chat) -> None:
        """A chat is over; nobody is added to it any more."""
        self._added.pop(chat.first.contact_id, None)

    def added_to(self, chat: Chat) -> list[Speaker]:
        """Who was added to a chat, to add more to."""
        return self._added.setdefault(chat.first.contact_id, [])

    def arrive(self, seat: Seat) -> None:
        """A participant is connected; what that means happens the first time."""
        if seat.is_customer:
            self._instance.connect(seat.chat)
            return
        chat = seat.chat.latest
        if chat.is_open and seat.speaker not in chat.present:
            chat.signal("participant.joined", seat.speaker)

    def join_agent(self, chat: Chat, agent: Speaker) -> None:
        """A person joins as the agent; a flow that waits for one goes on with them."""
        chat.signal("participant.joined", agent)
        if conversation := self._instance.conversation_of(chat):
            conversation.join_agent(agent.display_name)

    def leave_agent(self, chat: Chat, agent: Speaker, reason: str = "AGENT_DISCONNECT") -> None:
        """The agent leaves: the flow says what comes next, or the chat is over."""
        conversation = self._instance.conversation_of(chat)
        if conversation is None or not conversation.leave_agent(reason):
            self._instance.end(chat, End(reason, leaver=agent))

    def leave_alone(self, chat: Chat) -> None:
        """Everybody but the customer has to leave, because nobody says anything any more."""
        *others, last = [speaker for speaker in chat.present if speaker != chat.customer]
        for speaker in others:
            chat.signal("participant.left", speaker)
        for speaker in self._added.get(chat.first.contact_id, ()):
            self._instance.connections.leave(Seat(chat, speaker))
        self.leave_agent(chat, last, "IDLE_DISCONNECT")
