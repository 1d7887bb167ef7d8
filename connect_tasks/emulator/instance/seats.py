"""Who sits in which chat: what a participant's token stands for."""

from typing import NamedTuple

from connect_tasks.emulator.flows.steps import Speaker
from connect_tasks.emulator.instance.chat import Chat

__all__ = ["Seat"]


class Seat(NamedTuple):
    """A participant of a chat that has a token of its own: its customer, or whoever was added.

    Attributes:
        chat: The contact that it is of.
        speaker: Who it is.
    """

    chat: Chat
    speaker: Speaker

    @property
    def key(self) -> str:
        """What tokens follow from; the customer's are the chat's."""
        first = self.chat.first
        if self.is_customer:
            return first.key
        return f"{first.key}\x1f{self.speaker.role}\x1f{self.speaker.display_name}"

    @property
    def is_customer(self) -> bool:
        """Whether it is the customer's."""
        return self.speaker == self.chat.customer

    @property
    def latest(self) -> "Seat":
        """The same seat in the contact that the chat has come to."""
        return Seat(self.chat.latest, self.speaker)
