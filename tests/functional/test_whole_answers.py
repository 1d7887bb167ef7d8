"""An answer that is cut short, or is none, never passes for an empty one, whatever the call."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from pydantic import SecretStr

from connect_tasks.aws.client import ClientOptions, ConnectApi
from connect_tasks.errors import OutcomeUnknownError, ServiceFaultError
from tests.functional.world import session

NOW = datetime(2026, 11, 2, tzinfo=UTC)
TOKEN = SecretStr("token")
REQUEST = '{"InstanceId": "i", "ContactFlowId": "f", "ParticipantDetails": {"DisplayName": "Ada"}}'

OUTBOUND = json.dumps(
    {
        "InstanceId": "i",
        "ContactFlowId": "f",
        "SourceEndpoint": {"Type": "CONNECT_PHONENUMBER_ARN", "Address": "arn"},
        "DestinationEndpoint": {"Type": "TELEPHONE_NUMBER", "Address": "+4915112345678"},
        "SegmentAttributes": {"connect:Subtype": {"ValueString": "connect:SMS"}},
    }
)
READS: dict[str, Callable[[ConnectApi], object]] = {
    "DescribeContact": lambda api: api.describe_contact("i", "c"),
    "SearchContacts": lambda api: api.search_contacts(
        "i", since=NOW, until=NOW + timedelta(days=1), methods=["API"]
    ),
    "ListInstanceStorageConfigs": lambda api: api.transcript_places("i"),
    "CreateParticipantConnection": lambda api: api.connect_participant(TOKEN),
    "GetTranscript": lambda api: api.read_transcript(TOKEN, contact_id="c"),
}
CHANGES: dict[str, Callable[[ConnectApi], object]] = {
    "StartChatContact": lambda api: api.start_chat(REQUEST),
    "StartOutboundChatContact": lambda api: api.start_outbound_chat(OUTBOUND),
    "StopContact": lambda api: api.stop_contact("i", "c"),
    "SendMessage": lambda api: api.send_message(TOKEN, "9", client_token="t"),
    "DisconnectParticipant": lambda api: api.disconnect_participant(TOKEN),
}
NO_ANSWERS = [b"{", b'{"Transcript": [{"Id": "1", "Abso', b"<html>busy</html>", b"\xff\xfe", b"[]"]


def answered(body: bytes, call: Callable[[ConnectApi], object]) -> object:
    """What a call comes to whose answer has this body, and is whole by its own length."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = do_POST = _answer  # noqa: N815 - names of the standard library

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        try:
            return call(ConnectApi(session, ClientOptions(parameters={"endpoint_url": url})))
        finally:
            server.shutdown()


@pytest.mark.parametrize("body", NO_ANSWERS)
@pytest.mark.parametrize("name", READS)
def test_what_is_read_from_no_answer_is_an_error(name: str, body: bytes) -> None:
    with pytest.raises(ServiceFaultError):
        answered(body, READS[name])


@pytest.mark.parametrize("body", NO_ANSWERS)
@pytest.mark.parametrize("name", CHANGES)
def test_of_what_was_changed_without_an_answer_nobody_knows(name: str, body: bytes) -> None:
    with pytest.raises(OutcomeUnknownError):
        answered(body, CHANGES[name])


@pytest.mark.parametrize("body", [b"", b"{}", b' {"NextTokens": null} '])
def test_an_answer_that_is_empty_is_one(body: bytes) -> None:
    assert answered(body, READS["GetTranscript"]).items == []  # type: ignore[attr-defined]
    assert answered(body, CHANGES["StopContact"]) is None
