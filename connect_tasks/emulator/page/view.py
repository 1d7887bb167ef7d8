"""What the page shows at one moment, and what its address asks for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Literal, get_args
from urllib.parse import urlencode

from connect_tasks.emulator.instance.agent_desk import is_agent_there
from connect_tasks.emulator.instance.chat import Chat
from connect_tasks.emulator.instance.record import ContactRecord

__all__ = ["Asked", "Chosen", "Draft", "Summary", "View", "chosen", "listed"]

Show = Literal["open", "ended", "all"]

_MOST_LISTED = 50
# A search that finds little would otherwise look through all that ever was, each second.
_MOST_SEARCHED = 10_000
_LONGEST_SEARCH = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """What the page's address asks for.

    Attributes:
        contact_id: The chat to show; empty for none.
        search: What listed chats must have in a name or id.
        show: Which of them.
        role: Whom the person speaks as.
    """

    contact_id: str = ""
    search: str = ""
    show: Show = "open"
    role: Literal["CUSTOMER", "AGENT"] = "CUSTOMER"

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "Asked":
        """Read a query; what makes no sense is as if it were not there."""
        show = query.get("show")
        return cls(
            contact_id=query.get("contact", "")[:_LONGEST_SEARCH],
            search=query.get("q", "").strip()[:_LONGEST_SEARCH],
            show=next((known for known in get_args(Show) if known == show), "open"),
            role="AGENT" if query.get("as") == "AGENT" else "CUSTOMER",
        )

    def address(self, contact_id: str | None = None) -> str:
        """The address that asks for this, with another chat if one is given."""
        members = {
            "contact": self.contact_id if contact_id is None else contact_id,
            "q": self.search,
            "show": "" if self.show == "open" else self.show,
            "as": "" if self.role == "CUSTOMER" else self.role,
        }
        query = urlencode({name: value for name, value in members.items() if value})
        return f"/?{query}" if query else "/"


@dataclass(frozen=True, slots=True)
class Summary:
    """One chat in the list.

    Attributes:
        contact_id: Its id.
        display_name: The customer's name.
        flow: Its flow.
        started_at: When it began.
        state: `waiting` for its customer, `open`, or why it ended.
        is_open: Whether it goes on.
        messages: How many messages it has.
    """

    contact_id: str
    display_name: str
    flow: str
    started_at: datetime
    state: str
    is_open: bool
    messages: int

    @classmethod
    def of(cls, chat: Chat) -> "Summary":
        """What the list tells of a chat now."""
        waiting = "open" if chat.connected_at else "waiting for its customer"
        return cls(
            contact_id=chat.contact_id,
            display_name=chat.customer.display_name,
            flow=chat.flow,
            started_at=chat.started_at,
            state=chat.disconnect_reason or waiting,
            is_open=chat.is_open,
            messages=sum(item.type == "MESSAGE" for item in chat.items),
        )


@dataclass(frozen=True, slots=True)
class Chosen:
    """The chat that is shown.

    Attributes:
        record: All of it.
        next_id: The contact that the chat went on as, if it did.
        has_agent: Whether the person has joined it as the agent.
    """

    record: ContactRecord
    next_id: str | None
    has_agent: bool


@dataclass(frozen=True, slots=True)
class Draft:
    """A chat to start, as it was typed.

    Attributes:
        flow_id: Id of its flow.
        display_name: The customer's name.
        attributes: Lines of `name=value`.
        initial_message: What the customer says first.
    """

    flow_id: str = ""
    display_name: str = "Customer"
    attributes: str = ""
    initial_message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """All that one page shows.

    Attributes:
        asked: What its address asks for.
        flows: Name and id of each flow.
        chats: The chats in the list, the latest first.
        has_more: Whether more would be listed.
        total: How many contacts there are, ended ones included.
        chosen: The chat that is shown.
        draft: What stands in the form of a new chat.
        text: What stands in the field of a message.
        problem: What went wrong; empty if nothing.
    """

    asked: Asked
    flows: Mapping[str, str]
    chats: Sequence[Summary] = ()
    has_more: bool = False
    total: int = 0
    chosen: Chosen | None = None
    draft: Draft = field(default_factory=Draft)
    text: str = ""
    problem: str = ""


def listed(chats: dict[str, Chat], asked: Asked) -> tuple[list[Summary], bool]:
    """The latest chats that an address asks for, and whether there may be more."""
    latest = islice(reversed(chats.values()), _MOST_SEARCHED)
    found = list(islice(filter(_test(asked), latest), _MOST_LISTED + 1))
    has_more = len(found) > _MOST_LISTED or len(chats) > _MOST_SEARCHED
    return [Summary.of(chat) for chat in found[:_MOST_LISTED]], has_more


def chosen(chats: Mapping[str, Chat], contact_id: str) -> Chosen | None:
    """The chat that an address asks for, if there is one."""
    chat = chats.get(contact_id)
    if chat is None:
        return None
    next_id = chat.next.contact_id if chat.next else None
    return Chosen(chat.record(), next_id, is_agent_there(chat))


def _test(asked: Asked) -> Callable[[Chat], bool]:
    wanted = asked.search.casefold()

    def fits(chat: Chat) -> bool:
        if asked.show != "all" and chat.is_open != (asked.show == "open"):
            return False
        return wanted in _words(chat).casefold()

    return fits


def _words(chat: Chat) -> str:
    whose = (chat.customer.display_name, chat.customer_id or "", chat.phone_number or "")
    return "\n".join((*whose, chat.contact_id, chat.flow))
