"""What the lean transport knows: a client of boto3's that has anything else goes by boto3."""

import re
import socket
from collections.abc import Callable, Iterable, Iterator
from itertools import product
from types import FunctionType
from typing import Any

from botocore.httpsession import URLLib3Session

__all__ = ["is_known", "is_unheard"]

# And what this package itself hooks on, which is called here, too.
_OURS = ("botocore.", "boto3.", "connect_tasks.aws.")
# botocore's own, which answers in Amazon's place.
_STUBS = "botocore.stub"
# What urllib3 and aiohttp would write alike, and botocore sign so.
_PLAIN_URL = re.compile(
    r"https?://([a-z0-9.-]*[a-z][a-z0-9.-]*|(\d+\.){3}\d+|\[[0-9a-f:]+\])(:\d+)?/?"
)
_PLAIN_SOCKET = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]

_EVENTS = (
    "provide-client-params",
    "before-parameter-build",
    "before-endpoint-resolution",
    "before-call",
    "request-created",
    "choose-signer",
    "before-sign",
    "before-send",
    "response-received",
    "before-parse",
    "needs-retry",
    "after-call",
    "after-call-error",
)
_OF_ANSWERS = ("before-send", "response-received", "before-parse", "needs-retry", "after-call")
_OF_REFUSALS = {"botocore.retryhandler", "connect_tasks.aws.whole_answers"}


def is_known(client: Any) -> bool:
    """Whether a client does nothing that the lean transport would not do.

    What only boto3 can do: go through a proxy, show a certificate of its own, keep connections
    alive in its own way, write an address in another form than its user did, slow itself down
    (`AWS_RETRY_MODE=adaptive`), and call what its user has hooked on its events, which may take its
    time.

    Args:
        client: A client of boto3's.
    """
    session: Any = client._endpoint.http_session  # noqa: SLF001 - known nowhere else
    config = client.meta.config
    handlers = _handlers(client, _EVENTS, client.meta.service_model.operation_names)
    is_plain = type(session) is URLLib3Session and _is_untouched(type(client)._make_api_call)  # noqa: SLF001
    return bool(
        is_plain
        and _PLAIN_URL.fullmatch(client.meta.endpoint_url)
        and not session._proxy_config.proxy_url_for(client.meta.endpoint_url)  # noqa: SLF001
        and not session._cert_file  # noqa: SLF001
        and session._socket_options == _PLAIN_SOCKET  # noqa: SLF001
        and (config.retries or {}).get("mode") != "adaptive"
        and all(map(_is_botocores, handlers))
    )


def is_unheard(client: Any, operation: str) -> bool:
    """Whether nobody changes or needs to hear an operation's answers, if they are no refusals.

    botocore's own retries need not hear of them, nor need our look at whether they are whole.

    Args:
        client: A client of boto3's.
        operation: As Amazon names it.
    """
    handlers = _handlers(client, _OF_ANSWERS, [operation])
    return all(_module_of(handler) in _OF_REFUSALS for handler in handlers)


def _handlers(
    client: Any, events: Iterable[str], operations: Iterable[str]
) -> Iterator[Callable[..., object]]:
    emitter = client.meta.events._emitter  # noqa: SLF001 - nothing tells who listens
    service = client.meta.service_model.service_id.hyphenize()
    for event, operation in product(events, operations):
        yield from emitter._handlers.prefix_search(f"{event}.{service}.{operation}")  # noqa: SLF001


def _is_untouched(method: object) -> bool:
    # What traces calls puts a wrapper around it, which would see each call fail.
    return isinstance(method, FunctionType) and _is_botocores(method)


def _is_botocores(handler: Any) -> bool:
    module = _module_of(handler)
    return module.startswith(_OURS) and not module.startswith(_STUBS)


def _module_of(handler: Any) -> str:
    return str(getattr(getattr(handler, "func", handler), "__module__", ""))
