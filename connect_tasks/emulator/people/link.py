"""An invitation link as somebody's browser treats it: it shows the page, and presses the button."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from random import Random
from typing import Any

import httpx

__all__ = ["Link", "PressedError", "Sleep"]

Sleep = Callable[[float], Awaitable[object]]

_OK = 200
_GONE = 410
_BUSY = 503
_DEFAULT_WAIT = 1.0


class PressedError(Exception):
    """The button was pressed, and no chat came of it.

    Attributes:
        status: The HTTP status.
        code: What the answer called it.
    """

    def __init__(self, status: int, code: str) -> None:
        super().__init__(status, code)
        self.status = status
        self.code = code

    @property
    def is_refusal(self) -> bool:
        """Whether the link opens nothing, now and later."""
        return self.status == _GONE

    @property
    def is_put_off(self) -> bool:
        """Whether one was asked to come again, and gave up."""
        return self.status == _BUSY


@dataclass
class Link:
    """One link in one tab or more.

    Attributes:
        http: The browser.
        url: The link.
        chance: What waits follow from.
        sleep: Lets time pass.
        most_presses: Presses before giving up.
        presses: How often the button was pressed.
        put_off: How often the answer was to come again.
    """

    http: httpx.AsyncClient
    url: str = field(repr=False)
    chance: Random
    sleep: Sleep
    most_presses: int
    presses: int = 0
    put_off: int = 0

    async def look(self, method: str = "GET") -> int:
        """Ask for the page; any number may be concurrently, and cancelling loses an answer alone.

        Returns:
            The HTTP status.
        """
        return (await self.http.request(method, self.url)).status_code

    async def press(self) -> dict[str, Any]:
        """Press the button until a chat comes of it.

        Two may press concurrently, as two tabs do. Cancelling stops waiting; what was started
        stays started.

        Returns:
            The start result: ContactId, ParticipantId, ParticipantToken.

        Raises:
            PressedError: The link opens nothing, or one was put off too often.
            httpx.HTTPError: There is no answer.
        """
        for _ in range(self.most_presses):
            self.presses += 1
            answer = await self.http.post(self.url)
            if answer.status_code == _OK:
                result: dict[str, Any] = answer.json()["data"]["startChatResult"]
                return result
            error = PressedError(answer.status_code, _code_of(answer))
            if not error.is_put_off:
                raise error
            self.put_off += 1
            await self.sleep(self._wait(answer))
        raise error

    def _wait(self, answer: httpx.Response) -> float:
        # Never sooner than asked; and not all at the same moment.
        asked = _retry_after(answer)
        return asked + self.chance.uniform(0, max(asked / 2, 0.1))


def _code_of(answer: httpx.Response) -> str:
    try:
        code = answer.json()["error"]["code"]
    except (ValueError, KeyError, TypeError):
        code = None
    return code if isinstance(code, str) else f"{answer.status_code}"


def _retry_after(answer: httpx.Response) -> float:
    """Seconds until one may come again: the header is a number, or a time."""
    header = answer.headers.get("retry-after", "")
    if header.isascii() and header.isdecimal():
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return _DEFAULT_WAIT
    return max(0.0, (moment.astimezone(UTC) - datetime.now(UTC)).total_seconds())
