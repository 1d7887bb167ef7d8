"""The part of the page that shows one chat: what was said, what the flow did, and what to do."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from connect_tasks.emulator.flows.interactive import titles_in
from connect_tasks.emulator.flows.run.trace import TraceEntry
from connect_tasks.emulator.instance.record import ContactRecord
from connect_tasks.emulator.instance.transcript import TranscriptItem, iso
from connect_tasks.emulator.page.elements import Content, Html, element
from connect_tasks.emulator.page.view import Asked, Chosen, View

__all__ = ["conversation", "moment"]

_EVENTS = {
    "participant.joined": "joined",
    "participant.left": "left",
    "participant.invited": "was invited",
    "chat.ended": "The chat has ended",
    "chat.rehydrated": "Earlier messages were brought along",
    "transfer.succeeded": "was transferred",
    "transfer.failed": "could not be transferred",
}
_LONGEST_MESSAGE = "1024"
_MOST_SHOWN = 500


def moment(at: datetime) -> Html:
    """A time of day in UTC, with all of it for who looks closer."""
    written = iso(at)
    return element("time", f"{at.astimezone(UTC):%H:%M:%S}", datetime=written, title=written)


def conversation(view: View, shown: Chosen) -> Html:
    """One chat."""
    record = shown.record
    return element(
        "section",
        element("p", element("a", "← All chats", href=view.asked.address("")), class_="back"),
        element("h2", record.display_name, id="heading"),
        element("dl", _facts(view.asked, shown), id="facts", data_live=True),
        element("h3", "Transcript", id="transcript-heading"),
        _transcript(record),
        element("div", _actions(view, shown), id="actions", data_live=True),
        element("h3", "Attributes"),
        element("dl", _pairs(record.attributes), id="attributes-shown", data_live=True),
        *_trace(record),
        aria_labelledby="heading",
    )


def _facts(asked: Asked, shown: Chosen) -> list[Html]:
    record = shown.record
    rows: list[tuple[str, str]] = [("Contact", record.contact_id), ("Flow", record.flow)]
    rows += [("Started", moment(record.started_at))]
    rows += [("Queue", record.queue)] if record.queue else []
    if record.ended_at is not None:
        rows += [("Ended", moment(record.ended_at)), ("Reason", record.disconnect_reason or "")]
    if record.previous_contact_id:
        rows += [("Follows", _link(asked, record.previous_contact_id))]
    if shown.next_id:
        rows += [("Goes on as", _link(asked, shown.next_id))]
    return _pairs(dict(rows))


def _pairs(pairs: Mapping[str, str]) -> list[Html]:
    return [element("div", element("dt", name), element("dd", it)) for name, it in pairs.items()]


def _link(asked: Asked, contact_id: str) -> Html:
    return element("a", contact_id, href=asked.address(contact_id))


def _transcript(record: ContactRecord) -> Html:
    shown = record.transcript[-_MOST_SHOWN:]
    return element(
        "ol",
        _missing(len(record.transcript) - len(shown)),
        map(_item, shown),
        id="transcript",
        class_="transcript",
        role="log",
        aria_labelledby="transcript-heading",
        tabindex="0",
        data_live=True,
    )


def _missing(count: int) -> Iterator[Html]:
    if count:
        yield element("li", f"{count} earlier ones are not shown.", id="missing", class_="event")


def _item(item: TranscriptItem) -> Html:
    who = item.display_name or ""
    role = (item.participant_role or "").lower()
    if item.type == "EVENT":
        name = item.content_type.rpartition("event.")[2]
        said = " ".join(filter(None, (who, _EVENTS.get(name, name))))
        return element(
            "li", said, " ", moment(item.absolute_time), id=f"i-{item.id}", class_="event"
        )
    head = element("p", element("b", who), f" {role} ", moment(item.absolute_time), class_="who")
    return element("li", head, _said(item), id=f"i-{item.id}", class_=f"message {role}")


def _said(item: TranscriptItem) -> Html:
    content = item.content or ""
    titles = titles_in(content)
    if not titles:
        return element("p", content, class_="said")
    choices = element("ul", [element("li", title) for title in titles], class_="choices")
    return element("div", element("p", _question(content)), choices, class_="said")


def _question(content: str) -> str:
    """What an interactive message asks; that it is one has been found out before."""
    message: Any = json.loads(content)
    title = message["data"]["content"].get("title")
    return title if isinstance(title, str) else ""


def _actions(view: View, shown: Chosen) -> Iterator[Html]:
    if shown.record.ended_at is None:
        yield from _choices(view, shown)
        yield _speak(view, shown)
        yield _leave(view, shown)
    else:
        again = element("a", "Start another", href="/")
        yield element("p", "This chat is over. ", again, class_="over", id="over")


def _form(view: View, shown: Chosen, action: str, *content: Html, **attributes: str | bool) -> Html:
    address = view.asked.address(shown.record.contact_id)
    hidden = element("input", type="hidden", name="address", value=address)
    return element("form", hidden, *content, method="post", action=f"/_page/{action}", **attributes)


def _choices(view: View, shown: Chosen) -> Iterator[Html]:
    """Buttons for what the last message offers to choose from."""
    items = [item for item in shown.record.transcript if item.type == "MESSAGE"]
    titles = titles_in(items[-1].content or "") if items else ()
    if titles:
        buttons = [
            element("button", title, name="text", value=title, class_="quiet") for title in titles
        ]
        customer = element("input", type="hidden", name="as", value="CUSTOMER")
        label = element("span", "Answer as the customer: ")
        line = element("div", label, *buttons, class_="row")
        yield _form(view, shown, "say", customer, line, data_quiet=True, id="choices")


def _speak(view: View, shown: Chosen) -> Html:
    label = element("label", "Message", for_="text")
    text = element(
        "input",
        id="text",
        name="text",
        value=view.text or None,
        required=True,
        maxlength=_LONGEST_MESSAGE,
        autocomplete="off",
    )
    line = element("div", text, element("button", "Send"), class_="row")
    return _form(view, shown, "say", _roles(view.asked), label, line, data_quiet=True, id="speak")


def _roles(asked: Asked) -> Html:
    def choice(role: str, name: str) -> Html:
        button = element(
            "input",
            type="radio",
            name="as",
            value=role,
            checked=role == asked.role,
            id=f"as-{name}",
        )
        return element("label", button, f" the {name}", for_=f"as-{name}")

    roles = (choice("CUSTOMER", "customer"), choice("AGENT", "agent"))
    return element("fieldset", element("legend", "Speak as"), *roles, class_="row")


def _leave(view: View, shown: Chosen) -> Html:
    buttons = (
        element("button", "End as the customer", name="as", value="CUSTOMER", class_="quiet"),
        element("button", "End as the agent", name="as", value="AGENT", class_="quiet"),
    )
    return _form(view, shown, "leave", *buttons, data_quiet=True, id="leave", class_="row")


def _trace(record: ContactRecord) -> tuple[Html, Html]:
    names = ("Time", "Action", "Type", "Result", "Next")
    head = element("tr", [element("th", name, scope="col") for name in names])
    numbered = list(enumerate(record.trace, 1 + record.trace_left_out))[-_MOST_SHOWN:]
    rows = [
        element("tr", [element("td", cell) for cell in _cells(entry)], id=f"t-{number}")
        for number, entry in numbered
    ]
    body = element("tbody", rows, id="trace", data_live=True)
    table = element("table", element("thead", head), body)
    attributes = {"class_": "wide", "tabindex": "0", "role": "region"}
    scrolled = element("div", table, aria_labelledby="trace-heading", **attributes)
    return element("h3", "Trace of the flow", id="trace-heading"), scrolled


def _cells(entry: TraceEntry) -> Iterator[Content]:
    yield moment(entry.at)
    yield entry.identifier, element("span", entry.flow, class_="hint")
    yield entry.type
    yield entry.result, element("span", entry.detail, class_="hint") if entry.detail else ""
    yield entry.next_action or ""
