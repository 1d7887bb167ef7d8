"""The page that an invitation opens: a chat in one HTML file, its texts, and its headers.

The page is the same for every link and knows nothing of customers: it asks for the chat only when
its button is pressed, and talks to Amazon's participant service by itself from then on.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

from jinja2 import DictLoader, Environment, StrictUndefined, Template, TemplateError

from connect_tasks.errors import InputError
from connect_tasks.invitations.page_policy import PageEndpoint, checked_origins, page_policy

__all__ = ["InvitationPage", "PageEndpoint", "RenderedPage"]

_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_RIGHT_TO_LEFT = {"ar", "arc", "ckb", "dv", "fa", "he", "ks", "ps", "sd", "syr", "ug", "ur", "yi"}
_RIGHT_TO_LEFT_SCRIPTS = {"adlm", "arab", "hebr", "nkoo", "syrc", "thaa"}
_LONGEST_MESSAGE = 1024

# In seconds. Amazon keeps a socket for an hour, and closes one that is silent for ten minutes.
_SECONDS: Mapping[str, float] = MappingProxyType(
    {
        "call": 20,
        "start": 60,
        "open": 10,
        "heartbeat": 10,
        "probe": 4,
        "renew": 59 * 60,
        "first_pause": 1,
        "longest_pause": 60,
        "longest_reconnect": 30,
        "give_up": 15 * 60,
        "greeting": 3,
        "echo": 5,
        "answer": 15,
        "typing": 10,
        "last_word": 3,
    }
)

_HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex, nofollow",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }
)


@dataclass(frozen=True, slots=True)
class RenderedPage:
    """A page as it goes out.

    Attributes:
        body: The HTML, in UTF-8.
        headers: The headers that belong to it, the policy of its content among them.
    """

    body: bytes
    headers: Mapping[str, str]


class InvitationPage:
    """The page behind every link of an application.

    Args:
        language: The page's language as a tag, for example `en`, `de`, `fr` or `es`. Others need
            all `texts`. It also decides the direction of writing.
        texts: Texts that replace the language's own, by name; `InvitationPage.shipped_texts` shows
            them. `{name}` and `{count}` stand for what is filled in.
        title: The page's heading, and the name under which the flow speaks to a screen reader.
        template: A file of one's own, as a Jinja2 template. It may begin with
            `{% extends "page.html" %}` and replace the blocks `head`, `style`, `brand`, `welcome`
            and `foot`. Its scripts and styles must stand in it.
        images_from: Origins whose pictures lists and cards may show; no others are.
        sockets_to: Origins of web sockets, where an endpoint of one's own does not give Amazon's.
        frame_ancestors: Sites that may show the page in a frame.

    Raises:
        InputError: A text is unknown, missing, or lacks what is filled in; the template cannot be
            read; an origin is none.

    Example:
        >>> page = InvitationPage("de", title="Ihre Werkstatt")
        >>> rendered = page.render(PageEndpoint("http://127.0.0.1:8001"))
        >>> rendered.headers["Content-Language"]
        'de'
    """

    def __init__(
        self,
        language: str = "en",
        texts: Mapping[str, str] | None = None,
        *,
        title: str | None = None,
        template: str | Path | None = None,
        images_from: Iterable[str] = (),
        sockets_to: Iterable[str] = (),
        frame_ancestors: Iterable[str] = (),
    ) -> None:
        if not _LANGUAGE.fullmatch(language):
            raise InputError(f"{language!r} is no language tag, such as en or pt-BR.")
        self.language = language
        self.texts = _complete(language, texts or {})
        self.title = self.texts["title"] if title is None else title
        self._images = checked_origins("images_from", images_from)
        self._sockets = checked_origins("sockets_to", sockets_to, ("wss", "ws"))
        self._frame_ancestors = checked_origins("frame_ancestors", frame_ancestors)
        self._template = _compiled(Path(template) if template is not None else None)
        self._rendered: dict[PageEndpoint, RenderedPage] = {}

    @staticmethod
    def shipped_texts(language: str = "en") -> Mapping[str, str]:
        """The texts of a language that comes with the package; empty for another one.

        Example:
            >>> InvitationPage.shipped_texts("es")["send"]
            'Enviar'
        """
        return _shipped().get(language.partition("-")[0].lower(), MappingProxyType({}))

    def render(self, endpoint: PageEndpoint) -> RenderedPage:
        """The page for chats at one endpoint; a second call gives the same.

        Raises:
            InputError: The own template could not be filled in.
        """
        if endpoint not in self._rendered:
            self._rendered[endpoint] = self._render(endpoint)
        return self._rendered[endpoint]

    def _render(self, endpoint: PageEndpoint) -> RenderedPage:
        try:
            html = self._template.render(self._values(endpoint))
        except TemplateError as error:
            raise InputError(f"The page's template cannot be filled in: {error}") from error
        policy = page_policy(
            html,
            connect=[endpoint.participant_url, *endpoint.socket_sources, *self._sockets],
            images=self._images,
            frame_ancestors=self._frame_ancestors,
        )
        headers = {"Content-Language": self.language, "Content-Security-Policy": policy}
        return RenderedPage(html.encode(), MappingProxyType({**_HEADERS, **headers}))

    def _values(self, endpoint: PageEndpoint) -> dict[str, Any]:
        settings = {
            "endpoint": endpoint.participant_url,
            "language": self.language,
            "texts": self.texts,
            "images": self._images,
            "longest": _LONGEST_MESSAGE,
            "seconds": dict(_SECONDS),
        }
        return {
            "language": self.language,
            "direction": _direction(self.language),
            "title": self.title,
            "texts": self.texts,
            "settings": settings,
        }


def _complete(language: str, given: Mapping[str, str]) -> dict[str, str]:
    """All texts of a page, the given ones first."""
    english = _shipped()["en"]
    if unknown := sorted(set(given) - set(english)):
        known = ", ".join(sorted(english))
        raise InputError(f"The page has no texts {', '.join(unknown)}; it has {known}.")
    texts = {**InvitationPage.shipped_texts(language), **given}
    if missing := sorted(set(english) - set(texts)):
        raise InputError(
            f"There are no texts in {language!r}; give all of them in `texts`: "
            f"{', '.join(missing)} are missing."
        )
    for name, text in given.items():
        _check_text(name, text, english[name])
    return texts


def _check_text(name: str, text: object, english: str) -> None:
    if not isinstance(text, str):
        raise InputError(f"The page's text {name!r} must be a text, not {type(text).__name__}.")
    wanted = set(_PLACEHOLDER.findall(english))
    if set(_PLACEHOLDER.findall(text)) - wanted:
        known = ", ".join(f"{{{each}}}" for each in sorted(wanted)) or "nothing"
        raise InputError(f"The page's text {name!r} can have filled in: {known}.")
    if "count" in wanted and "{count}" not in text:
        raise InputError(f"The page's text {name!r} must say where the number stands: {{count}}.")


def _direction(language: str) -> str:
    first, *more = language.lower().split("-")
    scripts = [part for part in more if len(part) == len("arab") and part.isalpha()]
    is_right_to_left = scripts[0] in _RIGHT_TO_LEFT_SCRIPTS if scripts else first in _RIGHT_TO_LEFT
    return "rtl" if is_right_to_left else "ltr"


def _compiled(path: Path | None) -> Template:
    if path is None:
        return _environment().get_template("page.html")
    try:
        return _environment().from_string(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The page's template {path} cannot be read: {error}") from error
    except TemplateError as error:
        raise InputError(f"The page's template {path} is no Jinja2 template: {error}") from error


@cache
def _environment() -> Environment:
    page = (files("connect_tasks.invitations") / "page.html").read_text(encoding="utf-8")
    loader = DictLoader({"page.html": page})
    return Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True
    )


@cache
def _shipped() -> Mapping[str, Mapping[str, str]]:
    text = (files("connect_tasks.invitations") / "page_texts.json").read_text(encoding="utf-8")
    return MappingProxyType(
        {name: MappingProxyType(texts) for name, texts in json.loads(text).items()}
    )
