"""HTTP: one request out, its answer in, one try; what goes wrong is told in botocore's words."""

import asyncio
import ssl
from typing import Any

import aiohttp
from aiohttp import ClientConnectorError, ClientError, ClientPayloadError, ClientResponse
from botocore import exceptions as boto_errors
from botocore.awsrequest import AWSPreparedRequest
from botocore.httpsession import create_urllib3_context, get_cert_path
from urllib3.util import wait_for_read
from yarl import URL

from connect_tasks.aws.lean.answer import Answer
from connect_tasks.aws.lean.request import Request

__all__ = ["MOST_BYTES", "Http", "trust_of"]

MOST_BYTES = 16 * 2**20
"""The longest answer that is read: Amazon's longest, a page of a transcript, has some 2 MiB."""

_LONGEST_LINE = 65_536
_CONNECTING = (ClientConnectorError, aiohttp.ConnectionTimeoutError)


class TooLongError(Exception):
    """An answer that is longer than `MOST_BYTES`."""


def trust_of(*clients: Any) -> ssl.SSLContext | None:
    """Whom clients of boto3's trust, made with the same options; files of certificates are read.

    Returns:
        None if they cannot be read, which boto3 is to say in its own words.
    """
    verify = clients[0]._endpoint.http_session._verify  # noqa: SLF001 - known nowhere else
    context: ssl.SSLContext = create_urllib3_context()
    # urllib3 looks at the name itself.
    context.check_hostname = bool(verify)
    if not verify:
        context.verify_mode = ssl.CERT_NONE
    elif any(client.meta.endpoint_url.startswith("https") for client in clients):
        try:
            context.load_verify_locations(get_cert_path(verify))
        except OSError:
            return None
    return context


class Http:
    """Connections that are kept, on one event loop.

    Args:
        trust: Whose certificates count.
        connect_seconds: How long to wait for a connection.
        read_seconds: How long to wait for the next bytes of an answer.
    """

    def __init__(self, trust: ssl.SSLContext, connect_seconds: float, read_seconds: float) -> None:
        self._session = aiohttp.ClientSession(
            # How many there are at one time is decided where calls wait for their place.
            connector=_Connector(limit=0, ssl=trust),
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=connect_seconds, sock_read=read_seconds
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            # As http.client has it, and so boto3.
            max_line_size=_LONGEST_LINE,
            max_field_size=_LONGEST_LINE,
            skip_auto_headers=("Accept", "Content-Type", "User-Agent"),
            middlewares=(_one_try,),
        )

    async def send(self, request: Request) -> Answer:
        """Send a request once, follow no redirect, and read the whole answer.

        Concurrent requests have a connection each. Cancelled, it is closed; what was sent may have
        had its effect.

        Raises:
            HTTPClientError: As botocore's own session raises it for the same mishap.
        """
        # Never a name of its own here: a traceback's locals would show tokens and what was said.
        try:
            async with self._session.request(
                request.prepared.method,
                URL(request.prepared.url, encoded=True),
                headers={**request.headers, "Accept-Encoding": "identity"},
                data=request.prepared.body or None,
                allow_redirects=False,
            ) as answer:
                body = await _body(answer)
                return Answer(request.prepared.url, answer.status, answer.raw_headers, body)
        except Exception as error:
            raise _in_botocores_words(request.prepared, error) from error

    async def close(self) -> None:
        """Close the connections; a concurrent request fails.

        Cancelled, some may stay open until the loop ends.
        """
        await self._session.close()


class _Connector(aiohttp.TCPConnector):
    """Keeps connections, and takes none up again on which something came that nobody asked for.

    It would be taken for the answer to the next request, and each answer after it for that to the
    request before: another customer's chat.
    """

    async def _get(self, key: Any, traces: list[Any]) -> Any:
        while (kept := await super()._get(key, traces)) is not None:
            if _is_quiet(kept):
                return kept
            kept.close()
        return None


def _is_quiet(kept: Any) -> bool:
    # What the event loop has read, and what it has not read yet: that one is urllib3's own look.
    line = kept.transport.get_extra_info("socket")
    return not (kept.protocol.should_close or wait_for_read(line, timeout=0))


class _CutError(Exception):
    """The connection ended after the request was sent, at least in part."""


async def _one_try(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> ClientResponse:
    """Keep aiohttp from sending anything twice.

    It would send a PUT, such as StartChatContact, once more over another connection if a kept one
    is cut; of what is raised here it knows nothing.
    """
    try:
        return await handler(request)
    except _CONNECTING:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise _CutError(type(error).__name__) from error


async def _body(answer: ClientResponse) -> bytes:
    pieces, size = [], 0
    try:
        async for piece in answer.content.iter_any():
            pieces.append(piece)
            size += len(piece)
            if size > MOST_BYTES:
                raise TooLongError
    except ClientPayloadError:
        # urllib3 takes what came of an answer that is shorter than it said; so does botocore, and
        # whether it is whole is looked at where it is understood.
        if "Content-Length" not in answer.headers:
            raise
    return b"".join(pieces)


def _in_botocores_words(request: AWSPreparedRequest, error: Exception) -> Exception:
    where: dict[str, Any] = {"endpoint_url": request.url, "error": error}
    match error:
        case aiohttp.ClientSSLError() | ssl.SSLError():
            return boto_errors.SSLError(**where)
        case ClientConnectorError():
            return boto_errors.EndpointConnectionError(**where)
        case aiohttp.ConnectionTimeoutError():
            return boto_errors.ConnectTimeoutError(**where)
        case asyncio.TimeoutError():
            return boto_errors.ReadTimeoutError(**where)
        case _CutError() | ClientPayloadError() | aiohttp.ClientResponseError() | ClientError():
            return boto_errors.ConnectionClosedError(request=request, **where)
    return boto_errors.HTTPClientError(error=error)
