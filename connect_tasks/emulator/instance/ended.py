"""What is remembered of a contact that has ended, over a restart too: no text, no customer."""

from dataclasses import dataclass

from pydantic import AwareDatetime

__all__ = ["EndedContact"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedContact:
    """The life of a contact that is over.

    Attributes:
        contact_id: The contact's id; it follows from the client token.
        started_at: When StartChatContact made it.
        connected_at: When the customer first subscribed; `None` if that never happened.
        ended_at: When the chat ended.
        disconnect_reason: Why it ended.
        begun_by: The InitiationMethod, unless it followed another contact.
        previous_contact_id: The contact that this one followed in the same chat, if it did.
        initial_contact_id: The first of those, if there is one.
    """

    contact_id: str
    started_at: AwareDatetime
    connected_at: AwareDatetime | None
    ended_at: AwareDatetime
    disconnect_reason: str
    begun_by: str = "API"
    previous_contact_id: str | None = None
    initial_contact_id: str | None = None
