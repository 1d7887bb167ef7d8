"""The page as it goes out: one HTML document, and the headers that hold it to what it is."""

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from connect_tasks.emulator.page.conversation import conversation, moment
from connect_tasks.emulator.page.elements import Html, element, raw
from connect_tasks.emulator.page.view import Asked, Summary, View

__all__ = ["document", "headers"]

_LONGEST_NAME = "256"


def document(view: View) -> bytes:
    """The page, whole, in UTF-8; the same view always gives the same."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("link", rel="icon", href="data:,"),
        element("title", _title(view)),
        element("style", raw(_file("page.css"))),
    )
    body = element("body", _body(view), class_="one" if view.chosen else "all")
    html = f"<!doctype html>{element('html', head, body, lang='en')}"
    # JSON can hold halves of characters, which UTF-8 cannot.
    return html.encode(errors="replace")


@cache
def headers() -> Mapping[str, str]:
    """What belongs to the page: nothing is loaded, framed or sent but by and to itself."""
    rules = {
        "default-src": "'none'",
        "script-src": _hash("page.js"),
        "style-src": _hash("page.css"),
        "img-src": "data:",
        "connect-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    policy = "; ".join(f"{name} {value}" for name, value in rules.items())
    return MappingProxyType(
        {
            "Content-Security-Policy": policy,
            "Cache-Control": "no-store",
            # Without a referrer a browser would not say either which site a form is from.
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
        }
    )


def _title(view: View) -> str:
    name = f"{view.chosen.record.display_name} · " if view.chosen else ""
    return f"{name}Local Amazon Connect"


def _body(view: View) -> list[Html]:
    problem = element("p", view.problem, role="alert") if view.problem else ""
    return [
        element("a", "To the chat", href="#main", class_="skip"),
        element("header", element("h1", element("a", "Local Amazon Connect", href="/"))),
        element("p", id="connection", role="status", class_="hint"),
        element("div", problem, id="problem", data_live=True),
        element("nav", _start(view), _list(view), aria_label="Chats"),
        element("main", _main(view), id="main"),
        element("noscript", element("p", "Without JavaScript, load the page anew to see more.")),
        element("script", raw(_file("page.js"))),
    ]


def _main(view: View) -> Html:
    if view.chosen is not None:
        return conversation(view, view.chosen)
    return element("p", "Choose a chat, or start one. All times are in UTC.", class_="hint")


def _start(view: View) -> Html:
    draft = view.draft
    options = [
        element("option", name, value=flow_id, selected=flow_id == draft.flow_id)
        for name, flow_id in view.flows.items()
    ]
    fields = (
        element("label", "Flow", for_="flow"),
        element("select", options, id="flow", name="flow"),
        *_field("name", "Display name", draft.display_name, required=True),
        element("label", "Attributes, one name=value on each line", for_="attributes"),
        element("textarea", draft.attributes, id="attributes", name="attributes", rows="2"),
        *_field("message", "Initial message", draft.initial_message),
        element("input", type="hidden", name="address", value=view.asked.address("")),
        element("p", element("button", "Start the chat")),
    )
    form = element("form", *fields, method="post", action="/_page/start", id="start")
    is_open = view.chosen is None
    return element("details", element("summary", "Start a chat"), form, open=is_open)


def _field(name: str, label: str, value: str, *, required: bool = False) -> tuple[Html, Html]:
    typed = element(
        "input",
        id=name,
        name=name,
        value=value or None,
        required=required,
        maxlength=_LONGEST_NAME if name == "name" else None,
        autocomplete="off",
    )
    return element("label", label, for_=name), typed


def _list(view: View) -> Html:
    chats = [_entry(view.asked, chat) for chat in view.chats]
    return element(
        "section",
        element("h2", "Chats", id="chats-heading"),
        _filter(view.asked),
        element("p", _count(view), id="count", class_="hint", data_live=True),
        element("ul", chats, id="chats", data_live=True, aria_labelledby="chats-heading"),
        aria_labelledby="chats-heading",
    )


def _filter(asked: Asked) -> Html:
    options = [
        element("option", label, value=value, selected=value == asked.show)
        for value, label in (("open", "Open"), ("ended", "Ended"), ("all", "All"))
    ]
    line = (
        element("input", id="q", name="q", type="search", value=asked.search or None),
        element("select", options, name="show", aria_label="Which chats"),
        element("button", "Find", class_="quiet"),
    )
    label = element("label", "Name, id or flow", for_="q")
    return element("form", label, element("div", *line, class_="row"), id="filter", role="search")


def _count(view: View) -> str:
    if not view.chats:
        return f"None here; {view.total} contacts in all."
    more = "; there are more, search for them" if view.has_more else ""
    return f"The latest {len(view.chats)} of {view.total} contacts{more}."


def _entry(asked: Asked, chat: Summary) -> Html:
    many = "message" if chat.messages == 1 else "messages"
    about = f"{chat.flow} · {chat.state} · {chat.messages} {many} · "
    link = element(
        "a",
        element("b", chat.display_name),
        element("span", about, moment(chat.started_at), class_="hint"),
        href=asked.address(chat.contact_id),
        aria_current="page" if chat.contact_id == asked.contact_id else None,
    )
    return element("li", link, id=f"c-{chat.contact_id}", class_="open" if chat.is_open else "over")


@cache
def _file(name: str) -> str:
    return (files("connect_tasks.emulator.page") / name).read_text(encoding="utf-8")


def _hash(name: str) -> str:
    digest = hashlib.sha256(_file(name).encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
