"""Stamps make the requests that botocore makes, to the byte, or leave them to botocore."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.exceptions import ParamValidationError
from hypothesis import given, settings
from hypothesis import strategies as st

from connect_tasks.aws.client import ClientOptions, make_client
from connect_tasks.aws.lean.request import Request
from connect_tasks.aws.lean.wire import Wire

NOW = datetime(2026, 11, 28, 23, 59, 59, tzinfo=UTC)
START = {
    "InstanceId": "i-1",
    "ContactFlowId": "f-1",
    "ParticipantDetails": {"DisplayName": "Ann"},
    "ClientToken": "once",
}
SECRETS = st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S"]), min_size=1)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


def client(service: str = "connect", **more: Any) -> Any:
    session = boto3.Session(
        aws_access_key_id="AKIA", aws_secret_access_key="secret", region_name="eu-central-1"
    )
    return make_client(session, service, ClientOptions(parameters=more))


@pytest.fixture(scope="module")
def boto() -> Any:
    return client()


@contextmanager
def at(now: datetime) -> Iterator[None]:
    """The same time, and the same ids, however often somebody asks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.auth.get_current_datetime", lambda: now)
        patch.setattr(uuid, "uuid4", lambda: uuid.UUID(int=7))
        yield


def is_stamped(wire: Wire, operation: str, arguments: Mapping[str, Any]) -> Any:
    """What is sent by a stamp; fails if botocore was asked."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Wire, "_by_botocore", lambda *_: pytest.fail("botocore was asked"))
        return sent(wire.prepare(operation, arguments))


def sent(request: Request) -> Any:
    prepared = request.prepared
    given: Any = prepared.headers
    headers = {
        name: value.decode() if isinstance(value, bytes) else value for name, value in given.items()
    }
    return prepared.method, prepared.url, headers, prepared.body


@settings(max_examples=60, deadline=None)
@given(
    keys=st.tuples(SECRETS, SECRETS, st.none() | SECRETS),
    seconds=st.integers(0, 20 * 366 * 86_400),
    texts=st.tuples(TEXTS, TEXTS, TEXTS),
)
def test_a_stamped_request_is_the_one_that_botocore_makes(
    boto: Any, keys: tuple[str, str, str | None], seconds: int, texts: tuple[str, str, str]
) -> None:
    boto._request_signer._credentials = Credentials(*keys)
    wire = Wire(boto)
    wire.prepare("StartChatContact", START)
    arguments = {**START, "InstanceId": texts[0], "Attributes": {texts[1]: texts[2]}}

    with at(NOW + timedelta(seconds=seconds)):
        stamped = is_stamped(wire, "StartChatContact", arguments)
        assert stamped == sent(Wire(boto).prepare("StartChatContact", arguments))


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8080",
        "http://[::1]:8080",
        "https://connect.eu-central-1.amazonaws.com:443",
        "https://vpce-0a.connect.eu-central-1.vpce.amazonaws.com/",
        "https://Somebody.Example/behind/a path/",
        "https://gate.example/?key=1",
    ],
)
def test_wherever_it_goes_a_second_request_is_the_one_that_botocore_makes(url: str) -> None:
    boto = client(endpoint_url=url)
    wire = Wire(boto)
    with at(NOW):
        by_botocore = sent(wire.prepare("StartChatContact", START))
        assert sent(wire.prepare("StartChatContact", START)) == by_botocore


def test_a_day_later_another_key_signs(boto: Any) -> None:
    wire = Wire(boto)
    with at(NOW):
        wire.prepare("StartChatContact", START)
        is_stamped(wire, "StartChatContact", START)
    with at(NOW + timedelta(seconds=1)):
        stamped = is_stamped(wire, "StartChatContact", START)
        assert stamped == sent(Wire(boto).prepare("StartChatContact", START))


class Renewed(Credentials):
    """Credentials that somebody renews."""

    def renew(self, access: str, secret: str, token: str | None) -> None:
        self._new = ReadOnlyCredentials(access, secret, token)

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        return getattr(self, "_new", None) or super().get_frozen_credentials()


@pytest.mark.parametrize("before", [None, "token"])
@pytest.mark.parametrize("after", [None, "another token"])
def test_credentials_that_were_renewed_sign_the_next_request(
    boto: Any, before: str | None, after: str | None
) -> None:
    credentials = Renewed("AKIA", "secret", before)
    boto._request_signer._credentials = credentials
    wire = Wire(boto)
    with at(NOW):
        wire.prepare("StartChatContact", START)
        credentials.renew("AKIB", "other", after)
        expected = sent(Wire(boto).prepare("StartChatContact", START))
        assert sent(wire.prepare("StartChatContact", START)) == expected
        assert is_stamped(wire, "StartChatContact", START) == expected


def test_participants_calls_are_stamped_without_a_signature() -> None:
    boto = client("connectparticipant", config=Config(signature_version=UNSIGNED))
    wire = Wire(boto)
    arguments = {"ConnectionToken": "one", "ContentType": "text/plain", "Content": "Hello"}
    with at(NOW):
        wire.prepare("SendMessage", {**arguments, "ConnectionToken": "another"})
        stamped = is_stamped(wire, "SendMessage", arguments)
        assert stamped == sent(Wire(boto).prepare("SendMessage", arguments))
    assert stamped[2]["X-Amz-Bearer"] == "one"
    # botocore makes up a token where the caller gives none.
    assert str(uuid.UUID(int=7)) in stamped[3].decode()


@pytest.mark.parametrize("operation", ["DescribeContact", "UpdateContact"])
def test_an_address_with_members_in_it_is_left_to_botocore(boto: Any, operation: str) -> None:
    wire = Wire(boto)
    for contact in ("c-1", "c-2"):
        request = wire.prepare(operation, {"InstanceId": "i-1", "ContactId": contact})
        assert request.prepared.url.endswith(f"/contacts/i-1/{contact}")


def test_what_a_function_of_lambda_is_called_by_is_never_that_of_the_call_before(
    boto: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "remind")
    wire = Wire(boto)
    for trace in ("Root=1", "Root=2"):
        monkeypatch.setenv("_X_AMZN_TRACE_ID", trace)
        request = wire.prepare("StartChatContact", START)
        assert request.prepared.headers["X-Amzn-Trace-Id"] in {trace, trace.encode()}


def test_wrong_arguments_are_refused_in_botocores_words(boto: Any) -> None:
    wire = Wire(boto)
    with pytest.raises(ParamValidationError) as by_botocore:
        wire.prepare("StartChatContact", {"InstanceId": 7})
    wire.prepare("StartChatContact", START)
    with pytest.raises(ParamValidationError) as by_stamp:
        wire.prepare("StartChatContact", {"InstanceId": 7})
    assert str(by_stamp.value) == str(by_botocore.value)


def test_a_botocore_that_signs_in_another_way_makes_all_requests(
    boto: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def signs_otherwise(self: Any, string: str, request: Any) -> str:  # noqa: ARG001
        return "0" * 64

    monkeypatch.setattr("botocore.auth.SigV4Auth.signature", signs_otherwise)
    wire = Wire(boto)
    for _ in range(2):
        request = wire.prepare("StartChatContact", START)
        assert b"0" * 64 in request.prepared.headers["Authorization"]
