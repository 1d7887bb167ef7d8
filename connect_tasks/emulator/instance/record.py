"""A contact as others see it from outside, at one moment."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from connect_tasks.emulator.flows.run.trace import TraceEntry
from connect_tasks.emulator.instance.transcript import TranscriptItem

__all__ = ["ContactRecord"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactRecord:
    """A contact as the local Amazon Connect knows it at one moment.

    Attributes:
        contact_id: The contact's id.
        customer_id: CustomerId as given to StartChatContact.
        client_token: ClientToken as given at the start; `None` of a contact that follows.
        display_name: The customer's display name.
        flow: Name of the flow.
        phone_number: The phone that it began on, in E.164; `None` where it began in a browser.
        initiation_method: `API`, or `DISCONNECT` for one that follows another in the same chat.
        previous_contact_id: The contact that this one follows.
        initial_contact_id: The first of the contacts that this one follows or is related to;
            its own id if there is none.
        started_at: When it began.
        connected_at: When the customer first subscribed; `None` if that has not happened.
        ended_at: When it ended; `None` while it is open.
        disconnect_reason: Why it ended.
        attributes: The contact attributes, with those that the flow has set.
        queue: Name of the queue that it came to; `None` if it came to none.
        trace: The actions of an exported flow that it came through, in order: all of them, or the
            first 500 and the last 1,500.
        trace_left_out: How many actions between those are left out.
        transcript: What was said, in order of time.
    """

    contact_id: str
    customer_id: str | None
    client_token: str | None
    display_name: str
    flow: str
    phone_number: str | None = None
    initiation_method: str = "API"
    previous_contact_id: str | None = None
    initial_contact_id: str
    started_at: datetime
    connected_at: datetime | None
    ended_at: datetime | None
    disconnect_reason: str | None
    attributes: Mapping[str, str]
    queue: str | None = None
    trace: tuple[TraceEntry, ...] = ()
    trace_left_out: int = 0
    transcript: tuple[TranscriptItem, ...]
