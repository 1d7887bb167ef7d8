"""Notifications on their way to the endpoints of SNS topics: POSTed as SNS does, off every lock."""

import json
import logging
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from queue import Empty, Full, Queue
from typing import Any
from urllib.parse import SplitResult, urlsplit

from connect_tasks.emulator.instance.streaming import Notification
from connect_tasks.emulator.instance.transcript import iso
from connect_tasks.emulator.model.rules import is_topic

__all__ = ["Topics"]

_log = logging.getLogger(__name__)
_MOST_WAITING = 10_000
_TRIES = 3
_PAUSE_SECONDS = 0.2
# As long as SNS waits for an endpoint, and how long a stop waits for what is under way.
_SECONDS = 15
_SECONDS_TO_STOP = 1
_OK = range(200, 300)


class Topics:
    """The topics that have an endpoint, each of which has its own thread once it is used.

    Args:
        endpoints: The URL of each topic's endpoint, by the topic's ARN.
        now: The clock.

    Raises:
        ValueError: An ARN is no topic's, or a URL no HTTP URL.
    """

    def __init__(self, endpoints: Mapping[str, str], now: Callable[[], datetime]) -> None:
        self._urls = {arn: _checked(arn, url) for arn, url in endpoints.items()}
        self._now = now
        self._lines: dict[SplitResult, _Line] = {}
        self._unheard: set[str] = set()

    def publish(self, notification: Notification) -> None:
        """Send a notification later; a topic without an endpoint has nobody to send it to."""
        arn = notification.topic_arn
        url = self._urls.get(arn)
        if url is None:
            if arn not in self._unheard:
                self._unheard.add(arn)
                _log.warning("Nobody hears what is streamed to %s: it has no URL here.", arn)
            return
        if url not in self._lines:
            self._lines[url] = _Line(url)
        self._lines[url].put(arn, _envelope(notification, self._now()))

    def stop(self) -> None:
        """Send what can be sent within a second, and let go of the rest. It can begin again."""
        lines, self._lines = list(self._lines.values()), {}
        for line in lines:
            line.stop()


class _Line:
    """The way to one endpoint.

    Args:
        url: The endpoint.
    """

    def __init__(self, url: SplitResult) -> None:
        self._url = url
        self._waiting: Queue[tuple[str, dict[str, Any]] | None] = Queue(_MOST_WAITING)
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sns", daemon=True)
        self._thread.start()

    def put(self, arn: str, envelope: dict[str, Any]) -> None:
        try:
            self._waiting.put_nowait((arn, envelope))
        except Full:
            _log.warning("A notification for %s is lost: %d wait already.", arn, _MOST_WAITING)

    def stop(self) -> None:
        try:
            self._waiting.put_nowait(None)
        except Full:
            self._is_over.set()
        self._thread.join(_SECONDS_TO_STOP)
        self._is_over.set()

    def _run(self) -> None:
        while not self._is_over.is_set():
            try:
                waiting = self._waiting.get(timeout=_SECONDS)
            except Empty:
                continue
            if waiting is None:
                return
            self._send(*waiting)

    def _send(self, arn: str, envelope: dict[str, Any]) -> None:
        for _ in range(_TRIES):
            try:
                status = _post(self._url, arn, envelope)
            except (OSError, HTTPException, ValueError) as error:
                problem = type(error).__name__
            else:
                if status in _OK:
                    return
                problem = f"HTTP {status}"
            if self._is_over.wait(_PAUSE_SECONDS):
                break
        _log.warning("A notification for %s did not arrive: %s.", arn, problem)


def _post(url: SplitResult, arn: str, envelope: dict[str, Any]) -> int:
    """POST one envelope, past every proxy and without following redirects, as SNS does."""
    make = HTTPSConnection if url.scheme == "https" else HTTPConnection
    connection = make(url.hostname or "", url.port, timeout=_SECONDS)
    headers = {
        "Content-Type": "text/plain; charset=UTF-8",
        "User-Agent": "Amazon Simple Notification Service Agent",
        "x-amz-sns-message-type": "Notification",
        "x-amz-sns-message-id": envelope["MessageId"],
        "x-amz-sns-topic-arn": arn,
    }
    try:
        target = f"{url.path or '/'}{'?' + url.query if url.query else ''}"
        connection.request("POST", target, json.dumps(envelope).encode(), headers)
        return connection.getresponse().status
    finally:
        connection.close()


def _envelope(notification: Notification, now: datetime) -> dict[str, Any]:
    # Only Amazon can sign, so nothing is signed.
    return {
        "Type": "Notification",
        "MessageId": notification.message_id,
        "TopicArn": notification.topic_arn,
        "Message": notification.message,
        "Timestamp": iso(now),
        "SignatureVersion": "1",
        "Signature": "",
        "SigningCertURL": "",
        "UnsubscribeURL": "",
        "MessageAttributes": {
            name: {"Type": "String", "Value": value}
            for name, value in notification.attributes.items()
        },
    }


def _checked(arn: str, url: str) -> SplitResult:
    if not is_topic(arn):
        raise ValueError(f"{arn!r} is not the ARN of a standard Amazon SNS topic.")
    try:
        parts = urlsplit(url)
        is_http = parts.scheme in ("http", "https") and bool(parts.hostname)
        is_http = is_http and parts.port != 0
    except ValueError:
        is_http = False
    if not is_http:
        raise ValueError(f"The endpoint of {arn} must be an http or https URL.")
    return parts
