import io
import logging
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.parsers import ResponseParserError
from botocore.stub import Stubber

from connect_tasks.aws.client import ClientOptions, make_client
from connect_tasks.aws.quiet_logs import quieten_boto, socket_logger

SECRET = "QVFJREFI.c2VjcmV0/token+of=somebody"


@pytest.fixture
def told() -> Iterator[io.StringIO]:
    """Everything that is logged at any level, as a handler of the root logger writes it."""
    stream = io.StringIO()
    handler, level = logging.StreamHandler(stream), logging.root.level
    logging.root.addHandler(handler)
    logging.root.setLevel(logging.NOTSET)
    yield stream
    logging.root.setLevel(level)
    logging.root.removeHandler(handler)


def client() -> Any:
    session = boto3.Session(
        aws_access_key_id="local",
        aws_secret_access_key="local",
        aws_session_token=SECRET,
        region_name="us-east-1",
    )
    return make_client(session, "connect", ClientOptions())


@pytest.mark.parametrize(
    ("name", "message", "arguments"),
    [
        ("botocore.endpoint", "Making request for %s with params: %s", ("x", {"body": SECRET})),
        ("botocore.parsers", "Response headers: %r", ({"Authorization": SECRET},)),
        ("botocore.parsers", "Response body:\n%r", (SECRET.encode(),)),
        ("botocore.auth", "CanonicalRequest:\n%s", (f"x-amz-security-token:{SECRET}",)),
        ("botocore.auth", "Signature:\n%s", (SECRET,)),
        ("botocore.credentials", "Fetched %s", ({"SessionToken": SECRET},)),
        ("botocore.hooks", f"calling with {{'X-Amz-Security-Token': '{SECRET}'}}", ()),
        ("botocore.hooks", "headers: %s", ({"X-Amz-Bearer": SECRET, "Accept": "x"},)),
        ("botocore.session", f"ParticipantToken={SECRET}", ()),
        ("boto3.resources", f'{{"ConnectionToken": "{SECRET}"}}', ()),
        ("urllib3.connectionpool", '%s "GET %s" %s', ("http://x", f"/chat?a=b&X={SECRET}", 200)),
        ("urllib3.connectionpool", f"Redirecting to wss://host/chat?token={SECRET}", ()),
        ("botocore.newly_loaded", f"Authorization: AWS4-HMAC-SHA256 Credential={SECRET}", ()),
    ],
)
def test_no_secret_gets_through(
    told: io.StringIO, name: str, message: str, arguments: tuple[object, ...]
) -> None:
    logging.getLogger(name)
    quieten_boto()

    logging.getLogger(name).debug(message, *arguments)

    assert "***" in told.getvalue()
    assert SECRET not in told.getvalue()
    assert SECRET.rpartition(".")[2] not in told.getvalue()


def test_an_answer_that_could_not_be_read_is_not_told_either(told: io.StringIO) -> None:
    quieten_boto()
    error = ResponseParserError(f"invalid JSON received:\n{SECRET}")
    logging.getLogger("botocore.endpoint").debug("Exception received", exc_info=error)

    assert told.getvalue() == "Exception received (ResponseParserError)\n"


def test_what_is_called_and_how_it_ended_is_still_told(told: io.StringIO) -> None:
    connect = client()
    with Stubber(connect) as stub:
        stub.add_response("stop_contact", {})
        connect.stop_contact(InstanceId="i-1", ContactId="c-1")
    logging.getLogger("urllib3.connectionpool").debug('%s "%s %s" %s', "host", "PUT", "/chat", 200)

    assert "OperationModel" in told.getvalue() or "StopContact" in told.getvalue()
    assert 'host "PUT /chat" 200' in told.getvalue()
    assert SECRET not in told.getvalue()


def test_a_second_client_adds_no_second_filter() -> None:
    client()
    before = [list(logging.getLogger(f"botocore.{name}").filters) for name in ("auth", "hooks")]
    client()

    assert [logging.getLogger(f"botocore.{name}").filters for name in ("auth", "hooks")] == before
    assert all(len(filters) == 1 for filters in before)


def test_a_socket_tells_no_frames_and_no_address_but_what_went_wrong(told: io.StringIO) -> None:
    logger = socket_logger()

    logger.debug("> GET %s HTTP/1.1", f"/chat?token={SECRET}")
    logger.debug("< TEXT %s", SECRET)
    logger.error("parser failed")

    assert told.getvalue() == "parser failed\n"
